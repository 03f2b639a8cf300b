//! The documented OAuth requests, one by one.

use napi::Env;
use napi_derive::napi;

use crate::client::NativeClient;
use crate::models::{DeviceCode, PollAnswer, Tokens};
use crate::options::Limits;

#[napi]
impl NativeClient {
    #[napi]
    pub fn oauth_register(&self, env: Env, call: u32, limits: Option<Limits>) {
        self.call(env, call, limits, move |client| async move {
            let registration = client.oauth().register().await?;
            Ok(registration.client_id)
        });
    }

    #[napi]
    pub fn oauth_request_device_code(
        &self,
        env: Env,
        call: u32,
        limits: Option<Limits>,
        client_id: String,
        scopes: Vec<String>,
    ) {
        self.call(env, call, limits, move |client| async move {
            client
                .oauth()
                .request_device_code(&client_id, &scopes)
                .await
                .map(DeviceCode::from)
        });
    }

    #[napi]
    pub fn oauth_poll_token(
        &self,
        env: Env,
        call: u32,
        limits: Option<Limits>,
        client_id: String,
        device_code: String,
    ) {
        self.call(env, call, limits, move |client| async move {
            client
                .oauth()
                .poll_token(&client_id, &device_code)
                .await
                .map(PollAnswer::from)
        });
    }

    #[napi]
    pub fn oauth_refresh(
        &self,
        env: Env,
        call: u32,
        limits: Option<Limits>,
        refresh_token: String,
        client_id: Option<String>,
    ) {
        self.call(env, call, limits, move |client| async move {
            client
                .oauth()
                .refresh(&refresh_token, client_id.as_deref())
                .await
                .map(Tokens::from)
        });
    }

    #[napi]
    pub fn oauth_revoke(&self, env: Env, call: u32, limits: Option<Limits>, refresh_token: String) {
        self.call(env, call, limits, move |client| async move {
            client.oauth().revoke(&refresh_token).await
        });
    }
}
