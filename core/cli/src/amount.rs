//! Amounts of money as users type them.

use crate::failure::Failure;

/// The service takes no more at once, in US cents.
const MOST: i64 = 10_000;

/// `5.00` is dollars; `500c` and `500` are cents, as Parallel's CLI takes them.
pub(crate) fn cents(text: &str) -> Result<i64, Failure> {
    let digits = |text: &str| {
        let good = !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
        // Longer ones are beyond the limit whatever they are.
        good.then(|| text.parse::<i64>().unwrap_or(i64::MAX))
    };
    let cents = match text.split_once('.') {
        Some((dollars, cents)) if cents.len() == 2 => digits(dollars)
            .zip(digits(cents))
            .map(|(dollars, cents)| dollars.saturating_mul(100).saturating_add(cents)),
        Some(_) => None,
        None => digits(text.strip_suffix('c').unwrap_or(text)),
    };
    match cents {
        Some(cents) if (1..=MOST).contains(&cents) => Ok(cents),
        Some(_) => Err(Failure::bad_input(format!(
            "AMOUNT must be USD 0.01 to 100.00, and {text:?} is not. Write 5.00 for dollars, 500c or 500 for cents."
        ))),
        None => Err(Failure::bad_input(format!(
            "AMOUNT {text:?} is not an amount. Write 5.00 for dollars, 500c or 500 for cents."
        ))),
    }
}

/// `cents` as dollars; the service's amounts can have fractions of a cent.
pub(crate) fn dollars(cents: f64) -> String {
    match cents.fract() == 0.0 {
        true => format!("USD {:.2}", cents / 100.0),
        false => format!("USD {:.4}", cents / 100.0),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn three_spellings_mean_one_amount() {
        for text in ["5.00", "500c", "500", "0500"] {
            assert_eq!(cents(text).expect(text), 500);
        }
        assert_eq!(cents("0.01").expect("least"), 1);
        assert_eq!(cents("100.00").expect("most"), 10_000);
    }

    #[test]
    fn what_could_be_misread_is_refused() {
        for text in [
            "", "c", ".", "5.", ".50", "5.0", "5.5", "5.000", "5,00", "1e2", "+5", "-5", " 5",
            "5 ", "5.00c", "5c0", "0x5", "NaN", "inf", "$5.00", "٥", "5.0٥",
        ] {
            let failure = cents(text).expect_err(text);
            assert!(failure.message.contains("is not an amount"), "{text}");
        }
        for text in [
            "0",
            "0.00",
            "0c",
            "10001",
            "100.01",
            "99999999999999999999",
            "999999999999999999.00",
        ] {
            let failure = cents(text).expect_err(text);
            assert!(failure.message.contains("0.01 to 100.00"), "{text}");
        }
    }

    #[test]
    fn fractions_of_a_cent_are_not_rounded_away() {
        assert_eq!(dollars(5000.0), "USD 50.00");
        assert_eq!(dollars(1.0), "USD 0.01");
        assert_eq!(dollars(1234.5), "USD 12.3450");
        assert_eq!(dollars(-150.0), "USD -1.50");
    }
}
