//! The organization's balance.

use super::{Account, Call, Object};
use crate::{Error, Result, transport::Repeat};
use reqwest::Method;
use serde_json::{Value, json};

/// The organization's balance, in US cents, which may be fractional.
#[derive(Clone, Debug, PartialEq)]
#[cfg_attr(not(feature = "exhaustive"), non_exhaustive)]
pub struct Balance {
    /// Whose.
    pub org_id: String,
    /// Prepaid credit. 0 where usage is invoiced.
    pub credit_balance_cents: f64,
    /// Debits that are not settled yet. 0 where usage is invoiced.
    pub pending_debit_balance_cents: f64,
    /// Whether usage is invoiced rather than taken from the credit.
    pub will_invoice: bool,
}

const AMOUNTS: std::ops::RangeInclusive<i64> = 1..=10_000;
const KEY_LENGTHS: std::ops::RangeInclusive<usize> = 8..=128;

/// A charge that is fit to be sent.
pub(crate) struct Charge {
    amount_cents: i64,
    key: String,
    repeat: Repeat,
}

impl Charge {
    pub(crate) fn new(amount_cents: i64, idempotency_key: Option<&str>) -> Result<Charge> {
        if !AMOUNTS.contains(&amount_cents) {
            return Err(Error::invalid_request(format!(
                "amount_cents must be 1 to 10000 (USD 0.01 to 100.00), not {amount_cents}."
            )));
        }
        let key = match idempotency_key {
            Some(key) if KEY_LENGTHS.contains(&key.chars().count()) => key.to_owned(),
            Some(_) => {
                return Err(Error::invalid_request(
                    "idempotency_key must have 8 to 128 characters.",
                ));
            }
            None => new_key()?,
        };
        Ok(Charge {
            amount_cents,
            key,
            repeat: match idempotency_key {
                Some(_) => Repeat::Always,
                None => Repeat::WithinCall,
            },
        })
    }

    /// An error of this charge, with the key that makes it safe to try again.
    pub(crate) fn failed(&self, error: Error) -> Error {
        let key = &self.key;
        let error = error.with_idempotency_key(key);
        match error.outcome_unknown() {
            true => error.with_context(format_args!(
                "To retry without a second charge, pass the idempotency key {key:?}."
            )),
            false => error,
        }
    }
}

impl Account<'_> {
    pub(crate) async fn balance(&self) -> Result<Balance> {
        let call = Call {
            doing: "reading the balance",
            method: Method::GET,
            url: self.places.balance.join(self.base, "/service/v1/balance"),
            body: None,
            repeat: Repeat::Always,
        };
        read(&self.object(call).await?)
    }

    pub(crate) async fn charge(&self, charge: &Charge) -> Result<Balance> {
        let body = json!({
            "amount_cents": charge.amount_cents,
            "idempotency_key": charge.key,
        });
        let call = Call {
            doing: "adding to the balance",
            method: Method::POST,
            url: self.base.join("/service/v1/balance/add"),
            body: Some(body),
            repeat: charge.repeat,
        };
        read(&self.object(call).await?)
    }
}

/// From the system, for a forked child would repeat its parent's numbers: two charges with
/// one key are one charge.
fn new_key() -> Result<String> {
    let mut bytes = [0; 16];
    rustls::crypto::ring::default_provider()
        .secure_random
        .fill(&mut bytes)
        .map_err(|_| Error::internal("the system gives no random numbers"))?;
    Ok(format!("{:032x}", u128::from_ne_bytes(bytes)))
}

pub(super) fn read(object: &Object) -> Result<Balance> {
    let cents = |name: &str| match object.fields.get(name) {
        None | Some(Value::Null) => Ok(None),
        Some(value) => match value.as_f64() {
            Some(cents) => Ok(Some(cents)),
            None => Err(object.nonsense(&format!("{name} is no number"))),
        },
    };
    let credit_balance_cents = cents("credit_balance_cents")?
        .ok_or_else(|| object.nonsense("it has no credit_balance_cents"))?;
    Ok(Balance {
        org_id: object.required("org_id")?,
        credit_balance_cents,
        pending_debit_balance_cents: cents("pending_debit_balance_cents")?.unwrap_or(0.0),
        will_invoice: object
            .fields
            .get("will_invoice")
            .and_then(Value::as_bool)
            .unwrap_or(false),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_do_not_come_from_a_generator_that_a_fork_copies() {
        fastrand::seed(7);
        let parents = new_key().expect("random");
        fastrand::seed(7);
        assert_ne!(parents, new_key().expect("random"));
        assert_eq!(parents.len(), 32);
    }
}
