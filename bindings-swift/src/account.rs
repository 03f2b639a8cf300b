//! The Account API.

use parallel_account::{ApiResponse, Error};

use crate::{
    call::{run, try_run},
    client::{FfiClient, refused},
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
    pub fn request(&self, call: u64, method: String, path: String, json: Option<String>) {
        let client = self.core();
        try_run(call, async move {
            let body = json
                .map(|json| serde_json::from_str(&json))
                .transpose()
                .map_err(|_| refused("invalid_request", "The body is not valid JSON.".into()))?;
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
        });
    }

    /// `GET /service/v1/balance`.
    pub fn balance_get(&self, call: u64) {
        let client = self.core();
        run(call, async move {
            client.balance().get().await.map(FfiBalance::from)
        });
    }

    /// `POST /service/v1/balance/add`.
    pub fn balance_add(&self, call: u64, amount_cents: i64, idempotency_key: Option<String>) {
        let client = self.core();
        run(call, async move {
            client
                .balance()
                .add(amount_cents, idempotency_key.as_deref())
                .await
                .map(FfiBalance::from)
        });
    }

    /// `GET /service/v1/apps`.
    pub fn apps_list(&self, call: u64) {
        let client = self.core();
        run(call, async move {
            let apps = client.apps().list().await?;
            Ok(apps.into_iter().map(FfiApp::from).collect::<Vec<_>>())
        });
    }

    /// `POST /service/v1/apps`; answers the app's ID.
    pub fn apps_create(&self, call: u64, name: String) {
        let client = self.core();
        run(call, async move {
            Ok(client.apps().create(&name).await?.app_id)
        });
    }

    /// `DELETE /service/v1/apps/{app_id}`.
    pub fn apps_delete(&self, call: u64, app_id: String) {
        let client = self.core();
        run(call, async move { client.apps().delete(&app_id).await });
    }

    /// `POST /service/v1/apps/{app_id}/keys`.
    pub fn keys_create(&self, call: u64, app_id: String, name: String) {
        let client = self.core();
        run(call, async move {
            client
                .keys()
                .create(&app_id, &name)
                .await
                .map(FfiApiKey::from)
        });
    }

    /// `DELETE /service/v1/apps/{app_id}/keys/{key_id}`.
    pub fn keys_delete(&self, call: u64, app_id: String, key_id: String) {
        let client = self.core();
        run(
            call,
            async move { client.keys().delete(&app_id, &key_id).await },
        );
    }
}
