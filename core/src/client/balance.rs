//! The organization's balance, as it is called.

use super::AccountClient;
use crate::{
    Result,
    account::{Balance, Charge},
};

impl AccountClient {
    /// The organization's balance.
    pub fn balance(&self) -> BalanceApi<'_> {
        BalanceApi(self)
    }
}

/// `client.balance()`.
#[derive(Clone, Copy, Debug)]
pub struct BalanceApi<'a>(&'a AccountClient);

impl BalanceApi<'_> {
    /// The balance now. Scope `balance:read`. `GET /service/v1/balance`.
    ///
    /// # Errors
    /// Those of the Account API, of the network, and `login_required`.
    pub async fn get(&self) -> Result<Balance> {
        self.0.account()?.balance().await
    }

    /// Charges the organization's default payment method. Scope `balance:add`. `POST
    /// /service/v1/balance/add` with `amount_cents`: US cents, from 1 to 10000.
    ///
    /// The charge is deduplicated for at least 24 h by `idempotency_key` (8 to 128 characters), so
    /// it is safe to retry with the same key. Where none is given, one is made for this call; every
    /// error has it as [`Error::idempotency_key`](crate::Error::idempotency_key).
    ///
    /// # Errors
    /// `invalid_request` for an amount or key out of range, before anything is sent;
    /// `payment_required` for a declined card; and as [`BalanceApi::get`].
    pub async fn add(&self, amount_cents: i64, idempotency_key: Option<&str>) -> Result<Balance> {
        let charge = Charge::new(amount_cents, idempotency_key)?;
        let added = match self.0.account() {
            Ok(account) => account.charge(&charge).await,
            Err(error) => Err(error),
        };
        added.map_err(|error| charge.failed(error))
    }
}
