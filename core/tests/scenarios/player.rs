//! Makes the calls that a scenario names.

use crate::{
    Result,
    normal_form::{app, balance, event, key, organization, raised, shown, status, tokens},
};
use parallel_account::{
    AccountClient, CallOptions, DeviceLogin, LoginEvent, LoginOptions, PollAnswer, ResponseSlot,
    Secret,
};
use serde_json::{Value, json};
use std::time::Duration;

/// A client, and the login that is under way.
pub(crate) struct Player {
    client: AccountClient,
    login: Option<DeviceLogin>,
}

impl Player {
    pub(crate) fn new(client: AccountClient) -> Self {
        Player {
            client,
            login: None,
        }
    }

    /// One call, as the sandbox judges it.
    pub(crate) async fn play(&mut self, call: &Value) -> Value {
        let mut events = Vec::new();
        let response = ResponseSlot::default();
        let mut result = match self.call(call, &response, &mut events).await {
            Ok(returns) => json!({ "returns": returns }),
            Err(error) => json!({ "raises": raised(&error) }),
        };
        if let Some(response) = response.take() {
            result["response"] =
                json!({ "status": response.status, "request_id": response.request_id });
        }
        result["events"] = events.into();
        result
    }

    #[expect(clippy::too_many_lines, reason = "a flat match of all calls")]
    async fn call(
        &mut self,
        call: &Value,
        response: &ResponseSlot,
        events: &mut Vec<Value>,
    ) -> Result<Value> {
        let args = &call["args"];
        let text = |name: &str| args[name].as_str().unwrap_or_default();
        let client = self
            .client
            .with_options(call_options(&call["options"]).response(response));
        Ok(match call["call"].as_str().expect("a name") {
            "login" => {
                self.login = Some(client.start_login(login_options(args)).await?);
                self.wait(events).await?
            }
            "start_login" => {
                let login = client.start_login(login_options(args)).await?;
                shown(self.login.insert(login))
            }
            "resume_login" => {
                let record = match (&args["record"], &self.login) {
                    (Value::Null, Some(login)) => login.pending_record().expose().to_owned(),
                    (Value::String(record), _) => record.clone(),
                    (record, _) => record.to_string(),
                };
                shown(self.login.insert(client.resume_login(&record).await?))
            }
            "poll" => event(&self.login().poll().await?),
            "wait" => self.wait(events).await?,
            "cancel" => {
                self.login().cancel();
                Value::Null
            }
            "status" => status(&client.status().await?),
            "logout" => {
                match (&args["all"], args["organization"].as_str()) {
                    (Value::Bool(true), _) => client.logout_all().await?,
                    (_, Some(organization)) => client.logout_of(organization).await?,
                    _ => client.logout().await?,
                }
                Value::Null
            }
            "access_token" => json!(client.access_token().await?.expose()),
            "api_key" => json!({ "api_key": client.api_key().await?.expose() }),
            "renew_api_key" => {
                let refused = args["refused"].as_str().map(Secret::from);
                json!({ "api_key": client.renew_api_key(refused.as_ref()).await?.expose() })
            }
            "organizations" => client
                .organizations()
                .await?
                .iter()
                .map(organization)
                .collect(),
            "select_organization" => json!(client.select_organization(text("id")).await?),
            "close" => json!(client.close()),
            "request" => {
                let json = args.get("json").cloned();
                client
                    .request(text("method"), text("path"), json)
                    .await?
                    .json
            }
            "balance.get" => balance(&client.balance().get().await?),
            "balance.add" => {
                let cents = args["amount_cents"].as_i64().unwrap_or_default();
                balance(
                    &client
                        .balance()
                        .add(cents, args["idempotency_key"].as_str())
                        .await?,
                )
            }
            "apps.list" => client.apps().list().await?.iter().map(app).collect(),
            "apps.create" => app(&client.apps().create(text("name")).await?),
            "apps.delete" => json!(client.apps().delete(text("app_id")).await?),
            "keys.create" => key(&client.keys().create(text("app_id"), text("name")).await?),
            "keys.delete" => json!(client.keys().delete(text("app_id"), text("key_id")).await?),
            "oauth.register" => json!({ "client_id": client.oauth().register().await?.client_id }),
            "oauth.request_device_code" => {
                let scopes = strings(&args["scopes"]).unwrap_or_default();
                let code = client
                    .oauth()
                    .request_device_code(text("client_id"), &scopes)
                    .await?;
                json!({
                    "device_code": code.device_code.expose(), "user_code": code.user_code,
                    "verification_uri": code.verification_uri,
                    "verification_uri_complete": code.verification_uri_complete,
                    "expires_in": code.expires_in.as_secs_f64(),
                    "interval": code.interval.as_secs_f64(),
                })
            }
            "oauth.poll_token" => {
                match client
                    .oauth()
                    .poll_token(text("client_id"), text("device_code"))
                    .await?
                {
                    PollAnswer::Pending => json!("pending"),
                    PollAnswer::SlowDown => json!("slow_down"),
                    PollAnswer::Tokens(answer) => tokens(&answer),
                    #[allow(
                        unreachable_patterns,
                        reason = "the bindings' feature makes them all known"
                    )]
                    other => panic!("this runner does not know the answer {other:?}"),
                }
            }
            "oauth.refresh" => {
                let client_id = args["client_id"].as_str();
                tokens(
                    &client
                        .oauth()
                        .refresh(text("refresh_token"), client_id)
                        .await?,
                )
            }
            "oauth.revoke" => json!(client.oauth().revoke(text("refresh_token")).await?),
            other => panic!("this runner does not know the call {other}"),
        })
    }

    fn login(&self) -> &DeviceLogin {
        self.login.as_ref().expect("a login was started")
    }

    async fn wait(&self, events: &mut Vec<Value>) -> Result<Value> {
        loop {
            let happened = self.login().poll().await?;
            events.push(event(&happened));
            if let LoginEvent::Authorized(reached) = happened {
                return Ok(status(&reached));
            }
        }
    }
}

fn call_options(options: &Value) -> CallOptions {
    let mut limits = CallOptions::default();
    if let Some(seconds) = options["timeout"].as_f64() {
        limits = limits.timeout(Duration::from_secs_f64(seconds));
    }
    if let Some(seconds) = options["deadline"].as_f64() {
        limits = limits.deadline(Duration::from_secs_f64(seconds));
    }
    if let Some(retries) = options["max_retries"].as_u64() {
        limits = limits.max_retries(retries as u32);
    }
    for (name, value) in headers(options) {
        limits = limits.header(name, value);
    }
    limits
}

/// The headers of a client's or a call's options.
pub(crate) fn headers(options: &Value) -> impl Iterator<Item = (&str, &str)> {
    let headers = options["headers"].as_object().into_iter().flatten();
    headers.map(|(name, value)| (name.as_str(), value.as_str().unwrap_or_default()))
}

fn login_options(args: &Value) -> LoginOptions {
    let mut options = LoginOptions::default();
    if let Some(scopes) = strings(&args["scopes"]) {
        options = options.scopes(scopes);
    }
    if let Some(seconds) = args["timeout"].as_f64() {
        options = options.timeout(Duration::from_secs_f64(seconds));
    }
    if let Some(hint) = args["login_hint"].as_str() {
        options = options.login_hint(hint);
    }
    options
}

pub(crate) fn strings(value: &Value) -> Option<Vec<String>> {
    let items = value.as_array()?;
    Some(
        items
            .iter()
            .filter_map(Value::as_str)
            .map(str::to_owned)
            .collect(),
    )
}
