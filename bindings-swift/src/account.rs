//! The Account API.

use std::sync::Arc;

use parallel_account::{ApiResponse, Error};

use crate::{
    call::Call,
    client::{FfiClient, refused},
    error::Failure,
    model::{FfiApiKey, FfiApp, FfiBalance},
    seeing::{FfiHeader, FfiResponse},
};

/// See `core::ApiResponse`.
#[derive(uniffi::Record)]
pub struct FfiAnswer {
    /// All but the body.
    pub response: FfiResponse,
    /// The body.
    pub json: String,
}

#[uniffi::export]
impl FfiClient {
    /// Anything else below the base.
    pub async fn request(
        &self,
        call: Arc<Call>,
        method: String,
        path: String,
        json: Option<String>,
    ) -> Result<FfiAnswer, Failure> {
        let body = json
            .map(|json| serde_json::from_str(&json))
            .transpose()
            .map_err(|_| refused("invalid_request", "The body is not valid JSON.".into()))?;
        let client = self.core();
        call.run(async move {
            let answer = client.request(&method, &path, body).await?;
            let ApiResponse {
                status,
                request_id,
                headers,
                json,
            } = answer;
            Ok(FfiAnswer {
                response: FfiResponse {
                    status,
                    request_id,
                    headers: headers.into_iter().map(FfiHeader::of).collect(),
                },
                json: serde_json::to_string(&json).map_err(Error::internal)?,
            })
        })
        .await
    }

    /// `GET /service/v1/balance`.
    pub async fn balance_get(&self, call: Arc<Call>) -> Result<FfiBalance, Failure> {
        let client = self.core();
        call.run(async move { client.balance().get().await.map(Into::into) })
            .await
    }

    /// `POST /service/v1/balance/add`.
    pub async fn balance_add(
        &self,
        call: Arc<Call>,
        amount_cents: i64,
        idempotency_key: Option<String>,
    ) -> Result<FfiBalance, Failure> {
        let client = self.core();
        call.run(async move {
            client
                .balance()
                .add(amount_cents, idempotency_key.as_deref())
                .await
                .map(Into::into)
        })
        .await
    }

    /// `GET /service/v1/apps`.
    pub async fn apps_list(&self, call: Arc<Call>) -> Result<Vec<FfiApp>, Failure> {
        let client = self.core();
        call.run(async move {
            Ok(client
                .apps()
                .list()
                .await?
                .into_iter()
                .map(Into::into)
                .collect())
        })
        .await
    }

    /// `POST /service/v1/apps`; answers the app's ID.
    pub async fn apps_create(&self, call: Arc<Call>, name: String) -> Result<String, Failure> {
        let client = self.core();
        call.run(async move { Ok(client.apps().create(&name).await?.app_id) })
            .await
    }

    /// `DELETE /service/v1/apps/{app_id}`.
    pub async fn apps_delete(&self, call: Arc<Call>, app_id: String) -> Result<(), Failure> {
        let client = self.core();
        call.run(async move { client.apps().delete(&app_id).await })
            .await
    }

    /// `POST /service/v1/apps/{app_id}/keys`.
    pub async fn keys_create(
        &self,
        call: Arc<Call>,
        app_id: String,
        name: String,
    ) -> Result<FfiApiKey, Failure> {
        let client = self.core();
        call.run(async move { client.keys().create(&app_id, &name).await.map(Into::into) })
            .await
    }

    /// `DELETE /service/v1/apps/{app_id}/keys/{key_id}`.
    pub async fn keys_delete(
        &self,
        call: Arc<Call>,
        app_id: String,
        key_id: String,
    ) -> Result<(), Failure> {
        let client = self.core();
        call.run(async move { client.keys().delete(&app_id, &key_id).await })
            .await
    }
}
