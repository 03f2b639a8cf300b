//! A sandbox in this process and a plain HTTP client for it.
#![allow(dead_code, reason = "each test file uses a part of it")]

use parallel_account_sandbox::{Options, Sandbox};
use reqwest::{Client, RequestBuilder, Response};
use serde_json::{Value, json};

pub(crate) const DEVICE_CODE_GRANT: &str = "urn:ietf:params:oauth:grant-type:device_code";
pub(crate) const EVERY_SCOPE: &str = "keys:read keys:create keys:delete apps:read apps:create \
                               apps:delete balance:read balance:add";

pub(crate) struct Bench {
    pub(crate) sandbox: Sandbox,
    pub(crate) http: Client,
}

impl Bench {
    pub(crate) async fn start(options: Options) -> Self {
        // Another crate of the workspace builds reqwest without a default one.
        let _ = rustls::crypto::ring::default_provider().install_default();
        let sandbox = Sandbox::start(options).await.expect("a free port");
        let http = Client::builder().no_proxy().build().expect("a client");
        Self { sandbox, http }
    }

    pub(crate) fn platform(&self, path: &str) -> RequestBuilder {
        self.http
            .post(format!("{}{path}", self.sandbox.platform_url()))
    }

    pub(crate) fn account(&self, method: &str, path: &str) -> RequestBuilder {
        let method = method.parse().expect("a method");
        self.http
            .request(method, format!("{}{path}", self.sandbox.account_url()))
    }

    pub(crate) fn data(&self, method: &str, path: &str, key: &str) -> RequestBuilder {
        let method = method.parse().expect("a method");
        self.http
            .request(method, format!("{}{path}", self.sandbox.data_url()))
            .header("x-api-key", key)
    }

    pub(crate) async fn control(&self, path: &str, body: Value) -> Value {
        let url = format!("{}{path}", self.sandbox.control_url());
        let answer = self.http.post(url).json(&body).send().await.expect(path);
        assert_eq!(answer.status(), 200, "{path}");
        answer.json().await.expect(path)
    }

    pub(crate) async fn observed(&self, path: &str) -> Value {
        let url = format!("{}{path}", self.sandbox.control_url());
        let answer = self.http.get(url).send().await.expect(path);
        answer.json().await.expect(path)
    }

    pub(crate) async fn register(&self) -> String {
        let body = json!({ "client_name": "Tests & <Co>", "platform": { "system": "Linux" } });
        let answer = self.platform("/getServiceKeys/register").json(&body);
        let answer: Value = answer.send().await.unwrap().json().await.unwrap();
        answer["client_id"].as_str().expect("a client_id").into()
    }

    pub(crate) async fn device_code(&self, client_id: &str, scope: &str) -> Value {
        let form = [("client_id", client_id), ("scope", scope)];
        let answer = self.platform("/getServiceKeys/device/code").form(&form);
        answer.send().await.unwrap().json().await.unwrap()
    }

    pub(crate) async fn poll(&self, client_id: &str, device_code: &str) -> (u16, Value) {
        let form = [
            ("grant_type", DEVICE_CODE_GRANT),
            ("client_id", client_id),
            ("device_code", device_code),
        ];
        parts(self.platform("/getServiceKeys/token").form(&form)).await
    }

    pub(crate) async fn refresh(&self, refresh_token: &str) -> (u16, Value) {
        let form = [
            ("grant_type", "refresh_token"),
            ("refresh_token", refresh_token),
        ];
        parts(self.platform("/getServiceKeys/token").form(&form)).await
    }

    /// A whole login; the token answer.
    pub(crate) async fn login(&self) -> Value {
        let client_id = self.register().await;
        let device = self.device_code(&client_id, EVERY_SCOPE).await;
        self.control("/approve", json!({})).await;
        let (status, tokens) = self.poll(&client_id, text(&device, "device_code")).await;
        assert_eq!(status, 200, "{tokens}");
        tokens
    }
}

pub(crate) async fn parts(request: RequestBuilder) -> (u16, Value) {
    let answer: Response = request.send().await.expect("an answer");
    (
        answer.status().as_u16(),
        answer.json().await.expect("a JSON body"),
    )
}

pub(crate) fn text<'a>(body: &'a Value, name: &str) -> &'a str {
    body[name]
        .as_str()
        .unwrap_or_else(|| panic!("no {name} in {body}"))
}
