//! `balance`: reading and topping up.

use crate::{
    amount::{cents, dollars},
    arguments::Balance as Action,
    context::{Context, End},
    failure::{Failure, INTERRUPTED, REFUSED, io_failure},
    keyboard::Keyboard,
    output::{named, shown, to_stderr},
};
use parallel_account::{Balance, Error, ErrorKind};
use serde_json::{Value, json};
use std::{
    fmt::Write,
    io::{IsTerminal, stderr, stdin},
};

pub(super) async fn run(context: &Context, action: &Action) -> Result<End, Failure> {
    match action {
        Action::Get => {
            let balance = context.client.balance().get().await?;
            context
                .output
                .result(|| text(&balance), || value(&balance))?;
        }
        Action::Add {
            amount,
            yes,
            idempotency_key,
        } => {
            let cents = cents(amount)?;
            let key = match idempotency_key {
                Some(key) => key.clone(),
                None => new_key()?,
            };
            if !yes {
                confirm(context, cents).await?;
            }
            let generated = idempotency_key.is_none();
            add(context, cents, &key, generated).await?;
        }
    }
    Ok(End::Done)
}

async fn add(context: &Context, cents: i64, key: &str, generated: bool) -> Result<(), Failure> {
    // First of all, so that it is known whatever happens to this process.
    match context.output.json {
        true => {
            let event = json!({"event": "charging", "amount_cents": cents, "idempotency_key": key});
            to_stderr(&format!("{}\n", crate::output::escaped(&event.to_string())));
        }
        false => context
            .output
            .say(&format!("Idempotency key: {}", shown(key))),
    }
    let mut interrupted = Failure::interrupted(INTERRUPTED)
        .advised(&retry(key))
        .with("idempotency_key", key);
    interrupted.outcome_unknown = generated;
    context.on_interruption(interrupted);
    let added = context.client.balance().add(cents, Some(key)).await;
    let balance = added.map_err(|error| failed(error, key, generated))?;
    context.output.result(
        || format!("Added {}.\n{}", dollars(cents as f64), text(&balance)),
        || {
            let mut object = value(&balance);
            object["amount_cents"] = cents.into();
            object["idempotency_key"] = key.into();
            object
        },
    )
}

/// For the library, a charge with a key of the caller's can be retried. The same command cannot,
/// unless it names that key.
fn failed(error: Error, key: &str, generated: bool) -> Failure {
    use ErrorKind::{Connection, InvalidResponse, Server, Timeout};
    let kind = error.kind();
    let mut failure = Failure::from(error);
    if matches!(kind, Connection | InvalidResponse | Server | Timeout) {
        failure.outcome_unknown |= generated;
        failure.retryable &= !generated;
        failure = failure.advised(&retry(key));
    }
    failure
}

fn retry(key: &str) -> String {
    format!("To retry without a second charge, add --idempotency-key {key:?}.")
}

/// Asks on the terminal; there is no answer but "yes" that charges.
async fn confirm(context: &Context, cents: i64) -> Result<(), Failure> {
    if !(stdin().is_terminal() && stderr().is_terminal()) || context.output.json {
        return Err(Failure::bad_input(format!(
            "balance add charges {} to the organization's payment method and cannot ask here. Add --yes to confirm.",
            dollars(cents as f64)
        )));
    }
    let status = context.client.status().await?;
    if !status.logged_in {
        return Err(Failure::new(
            REFUSED,
            "login_required",
            "Nobody is logged in. Run \"parallel-account login\".",
        ));
    }
    let organization = match status.organization {
        Some(organization) => named(organization.name.as_deref(), &organization.id),
        None => "the organization".into(),
    };
    to_stderr(&format!(
        "Charge {} to the default payment method of {organization}? [y/N] ",
        dollars(cents as f64)
    ));
    let mut keyboard =
        Keyboard::new().map_err(|error| io_failure("Reading the terminal failed", &error))?;
    let mut question = Question { answered: false };
    let answer = keyboard.line().await;
    question.answered = answer.is_some();
    let answer = answer.unwrap_or_default();
    match answer.eq_ignore_ascii_case("y") || answer.eq_ignore_ascii_case("yes") {
        true => Ok(()),
        false => Err(Failure::new(
            INTERRUPTED,
            "cancelled",
            "Nothing was charged.",
        )),
    }
}

/// A line that waits for its answer.
struct Question {
    answered: bool,
}

impl Drop for Question {
    /// Without an answer, nothing has ended the line.
    fn drop(&mut self) {
        if !self.answered {
            to_stderr("\n");
        }
    }
}

/// Two charges with one key are one charge, so keys come from the system.
fn new_key() -> Result<String, Failure> {
    let mut bytes = [0; 16];
    getrandom::fill(&mut bytes).map_err(|error| {
        Failure::new(
            crate::failure::FAILED,
            "io",
            format!("The system gives no random numbers: {error}. Pass --idempotency-key."),
        )
    })?;
    let mut key = String::with_capacity(32);
    for byte in bytes {
        let _ = write!(key, "{byte:02x}");
    }
    Ok(key)
}

fn text(balance: &Balance) -> String {
    let mut lines = vec![
        format!("Organization: {}", shown(&balance.org_id)),
        format!("Balance: {}", dollars(balance.credit_balance_cents)),
    ];
    if balance.pending_debit_balance_cents != 0.0 {
        let pending = dollars(balance.pending_debit_balance_cents);
        lines.push(format!("Pending debits: {pending}"));
    }
    if balance.will_invoice {
        lines.push("Usage is invoiced.".into());
    }
    lines.join("\n")
}

/// The fields of the service's answer.
fn value(balance: &Balance) -> Value {
    json!({
        "org_id": balance.org_id,
        "credit_balance_cents": number(balance.credit_balance_cents),
        "pending_debit_balance_cents": number(balance.pending_debit_balance_cents),
        "will_invoice": balance.will_invoice,
    })
}

/// Whole cents as whole numbers, which is how the service writes them.
fn number(cents: f64) -> Value {
    match cents.fract() == 0.0 && cents.abs() < 1e15 {
        true => Value::from(cents as i64),
        false => Value::from(cents),
    }
}
