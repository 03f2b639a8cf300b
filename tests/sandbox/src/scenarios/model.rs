//! A scenario as its file has it, with abbreviations written out.

use std::collections::BTreeMap;

use serde::Deserialize;
use serde_json::{Map, Value, json};

/// The steps, stores and options that scenarios refer to by name.
const COMMON: &str = include_str!("../../../scenarios/common/defaults.json");

/// Fields whose values are secrets.
const SECRET_FIELDS: [&str; 4] = [
    "access_token",
    "refresh_token",
    "device_code",
    "raw_api_key",
];

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Common {
    options: Map<String, Value>,
    stores: BTreeMap<String, Value>,
    steps: BTreeMap<String, Value>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Scenario {
    pub(super) name: String,
    /// For readers.
    #[serde(rename = "why")]
    _why: String,
    #[serde(default = "usual_time_scale")]
    pub(super) time_scale: f64,
    #[serde(default)]
    pub(super) options: Value,
    #[serde(default)]
    pub(super) store: Value,
    pub(super) server: Vec<Step>,
    pub(super) client: Vec<Call>,
    #[serde(default)]
    pub(super) stored: Option<Value>,
}

fn usual_time_scale() -> f64 {
    100.0
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Step {
    pub(super) expect: Expect,
    #[serde(default)]
    pub(super) answer: Answer,
    #[serde(default = "once")]
    pub(super) times: u32,
}

fn once() -> u32 {
    1
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Expect {
    pub(super) method: String,
    /// Below the platform's base if it starts with `/getServiceKeys`, else the account's.
    pub(super) path: String,
    pub(super) query: Option<String>,
    pub(super) form: Option<BTreeMap<String, String>>,
    pub(super) json: Option<Value>,
    #[serde(default)]
    pub(super) headers: BTreeMap<String, Option<String>>,
    /// Seconds on the client's clock since the answer before.
    #[serde(default)]
    pub(super) min_gap: f64,
}

#[derive(Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Answer {
    pub(super) status: Option<u16>,
    #[serde(default)]
    pub(super) headers: BTreeMap<String, String>,
    pub(super) content_type: Option<String>,
    pub(super) json: Option<Value>,
    pub(super) text: Option<String>,
    pub(super) base64: Option<String>,
    pub(super) repeat: Option<Repeat>,
    #[serde(default)]
    pub(super) delay_ms: u64,
    pub(super) reset: Option<crate::Reset>,
    /// Close without an answer.
    #[serde(default)]
    pub(super) close: bool,
    /// Promise so many bytes more than there are, then close.
    #[serde(default)]
    pub(super) truncate: usize,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Repeat {
    pub(super) text: String,
    pub(super) times: usize,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Call {
    pub(super) call: String,
    #[serde(default = "nothing")]
    pub(super) args: Value,
    #[serde(default = "nothing")]
    pub(super) options: Value,
    pub(super) events: Option<Vec<Value>>,
    pub(super) returns: Option<Value>,
    pub(super) raises: Option<Value>,
    /// What of the answer must be told besides.
    pub(super) response: Option<Value>,
}

fn nothing() -> Value {
    json!({})
}

impl Scenario {
    /// Reads one, with its abbreviations written out.
    ///
    /// # Errors
    /// What is wrong with it, in a sentence.
    pub(super) fn parse(body: &[u8]) -> Result<Self, String> {
        let common: Common =
            serde_json::from_str(COMMON).map_err(|error| format!("the defaults: {error}"))?;
        let mut raw: Map<String, Value> =
            serde_json::from_slice(body).map_err(|error| error.to_string())?;
        let mut options = common.options.clone();
        if let Some(Value::Object(own)) = raw.remove("options") {
            options.extend(own);
        }
        options.retain(|_, value| !value.is_null());
        raw.insert("options".into(), options.into());
        if let Some(Value::String(name)) = raw.get("store") {
            let store = common.stores.get(name);
            let store = store.ok_or_else(|| format!("there is no store \"{name}\""))?;
            raw.insert("store".into(), store.clone());
        }
        if let Some(Value::Array(steps)) = raw.get_mut("server") {
            for step in steps {
                *step = common.written_out(step)?;
            }
        }
        let scenario: Self =
            serde_json::from_value(raw.into()).map_err(|error| error.to_string())?;
        if !(scenario.time_scale >= 1.0 && scenario.time_scale <= 10_000.0) {
            return Err("time_scale must be from 1 to 10000".into());
        }
        for call in &scenario.client {
            if call.returns.is_some() && call.raises.is_some() {
                return Err(format!("{} cannot both return and raise", call.call));
            }
        }
        Ok(scenario)
    }

    /// The secrets that appear in the scenario.
    pub(super) fn secrets(&self) -> Vec<String> {
        let mut secrets = Vec::new();
        collect_secrets(&self.store, &mut secrets);
        for step in &self.server {
            if let Some(json) = &step.answer.json {
                collect_secrets(json, &mut secrets);
            }
        }
        secrets
    }
}

fn collect_secrets(value: &Value, secrets: &mut Vec<String>) {
    match value {
        Value::Object(fields) => {
            for (name, value) in fields {
                match value {
                    Value::String(text)
                        if SECRET_FIELDS.contains(&name.as_str()) && text.len() >= 6 =>
                    {
                        secrets.push(text.clone());
                    }
                    other => collect_secrets(other, secrets),
                }
            }
        }
        Value::Array(items) => items.iter().for_each(|item| collect_secrets(item, secrets)),
        _ => {}
    }
}

impl Common {
    /// `"poll"`, or `{"step": "poll", …}` with changes to it, as a whole step. `expect`
    /// and `answer` replace what they name; `answer_with` changes fields of the answer's
    /// JSON, null taking one away.
    fn written_out(&self, step: &Value) -> Result<Value, String> {
        let mut own = match step {
            Value::String(name) => Map::from_iter([("step".to_owned(), json!(name))]),
            Value::Object(fields) => fields.clone(),
            _ => return Err("a step is a name or an object".into()),
        };
        let Some(name) = own.remove("step") else {
            return Ok(own.into());
        };
        let name = name.as_str().unwrap_or_default();
        let default = self.steps.get(name);
        let mut whole = default
            .cloned()
            .ok_or_else(|| format!("there is no step \"{name}\""))?;
        if let Some(Value::Object(changes)) = own.remove("expect") {
            merge(&mut whole["expect"], changes);
        }
        if let Some(Value::Object(changes)) = own.remove("answer_with") {
            merge(&mut whole["answer"]["json"], changes);
        }
        for (name, value) in own {
            whole[name] = value;
        }
        Ok(whole)
    }
}

fn merge(target: &mut Value, changes: Map<String, Value>) {
    if let Value::Object(fields) = target {
        for (name, value) in changes {
            if value.is_null() {
                fields.remove(&name);
            } else {
                fields.insert(name, value);
            }
        }
    }
}
