//! What is wrong with a client's requests and results.

use std::collections::{BTreeMap, HashMap};
use std::time::Duration;

use axum::http::header;
use serde_json::{Map, Value};

use super::model::{Call, Expect};
use super::serve::Received;
use super::template::{Templates, offset};
use super::{Progress, Running, unix_seconds};
use crate::request::{FORM, JSON, has_content_type};

/// What timers and clocks of different threads may differ by.
const GAP_TOLERANCE: Duration = Duration::from_millis(3);
/// What a time near another may differ by, besides what the run took.
const NEAR_SECONDS: f64 = 5.0;

/// The step that a request is for; `None` if it is for none. What is wrong with the
/// request is noted.
pub(super) fn take_step(running: &Running, received: &Received) -> Option<usize> {
    let mut progress = running.progress();
    let number = progress.step;
    let Some(step) = running.scenario.server.get(number) else {
        let problem = format!("after the last step: {}", shown(received));
        progress.problems.push(problem);
        return None;
    };
    let expect = &step.expect;
    let base = if expect.path.starts_with("/getServiceKeys/") {
        "platform"
    } else {
        "account"
    };
    let place = (expect.method.as_str(), base, expect.path.as_str());
    if place != (received.method.as_str(), &received.base, &received.path) {
        let problem = format!(
            "step {number} expects {} {base}{}, not {}",
            expect.method,
            expect.path,
            shown(received)
        );
        progress.problems.push(problem);
        return None;
    }
    let mut problems = Vec::new();
    check_gap(running, &progress, expect, received, &mut problems);
    check_headers(expect, received, &mut problems);
    check_body(expect, received, &mut progress.captures, &mut problems);
    if expect.query != received.query {
        problems.push(format!("the query is {:?}", received.query));
    }
    let where_ = format!("step {number} ({} {})", expect.method, expect.path);
    let problems = problems.into_iter().map(|text| format!("{where_}: {text}"));
    progress.problems.extend(problems);
    progress.taken += 1;
    if progress.taken >= step.times {
        progress.step += 1;
        progress.taken = 0;
    }
    Some(number)
}

fn shown(received: &Received) -> String {
    format!("{} {}{}", received.method, received.base, received.path)
}

fn check_gap(
    running: &Running,
    progress: &Progress,
    expect: &Expect,
    received: &Received,
    problems: &mut Vec<String>,
) {
    let Some(last) = progress.last_answer else {
        return;
    };
    let gap = received.at.saturating_duration_since(last) + GAP_TOLERANCE;
    let gap = gap.as_secs_f64() * running.scenario.time_scale;
    if gap < expect.min_gap {
        problems.push(format!(
            "{gap:.1} s after the answer before, not {}",
            expect.min_gap
        ));
    }
}

/// The headers that are expected, and those that every request must or must not have.
fn check_headers(expect: &Expect, received: &Received, problems: &mut Vec<String>) {
    let mut expected: BTreeMap<&str, Option<&str>> = BTreeMap::from([
        ("accept", Some("application/json")),
        ("authorization", None),
        ("cookie", None),
        ("referer", None),
        ("user-agent", Some("{{any}}")),
    ]);
    for (name, value) in &expect.headers {
        expected.insert(name, value.as_deref());
    }
    for (name, wanted) in expected {
        let sent = received.headers.get(name).map(|value| value.to_str());
        let good = match (wanted, &sent) {
            (None, None) => true,
            (Some("{{any}}"), Some(Ok(text))) => !text.is_empty(),
            (Some(wanted), Some(Ok(text))) => wanted == *text,
            _ => false,
        };
        if !good {
            problems.push(format!("the header {name} is {sent:?}, not {wanted:?}"));
        }
    }
}

fn check_body(
    expect: &Expect,
    received: &Received,
    captures: &mut HashMap<String, String>,
    problems: &mut Vec<String>,
) {
    let body = &received.body;
    if let Some(form) = &expect.form {
        if !has_content_type(&received.headers, FORM) {
            problems.push(format!("the content type is not {FORM}"));
        }
        let fields: Vec<_> = form_urlencoded::parse(body).into_owned().collect();
        let wanted: Map<String, Value> = form
            .iter()
            .map(|(name, value)| (name.clone(), value.as_str().into()))
            .collect();
        let sent: Map<String, Value> = fields
            .iter()
            .map(|(name, value)| (name.clone(), value.as_str().into()))
            .collect();
        if fields.len() != sent.len() {
            problems.push("a form field is sent twice".into());
        }
        same(&wanted.into(), &sent.into(), "form", captures, problems);
    } else if let Some(json) = &expect.json {
        if !has_content_type(&received.headers, JSON) {
            problems.push(format!("the content type is not {JSON}"));
        }
        match serde_json::from_slice(body) {
            Ok(sent) => same(json, &sent, "json", captures, problems),
            Err(error) => problems.push(format!("the body is no JSON: {error}")),
        }
    } else {
        if !body.is_empty() {
            problems.push("there is a body".into());
        }
        if received.headers.contains_key(header::CONTENT_TYPE) {
            problems.push("there is a content type without a body".into());
        }
    }
}

/// Notes every difference. `{{any}}` is anything that is there; `{{texts}}` an object of
/// texts that are not empty; `{{capture:x}}` a text that is the same wherever x is captured.
fn same(
    wanted: &Value,
    sent: &Value,
    at: &str,
    captures: &mut HashMap<String, String>,
    problems: &mut Vec<String>,
) {
    match (wanted, sent) {
        (Value::String(matcher), sent) if matcher == "{{any}}" => {
            if sent.is_null() {
                problems.push(format!("{at} is null"));
            }
        }
        (Value::String(matcher), Value::Object(fields)) if matcher == "{{texts}}" => {
            let empty = |value: &Value| value.as_str().is_none_or(str::is_empty);
            if let Some((name, value)) = fields.iter().find(|(_, value)| empty(value)) {
                problems.push(format!("{at}.{name} is {value}"));
            }
        }
        (Value::String(matcher), Value::String(text)) if capture(matcher).is_some() => {
            let name = capture(matcher).unwrap_or_default();
            let first = captures.entry(name.into()).or_insert_with(|| text.clone());
            if first != text {
                problems.push(format!("{at} is {text:?}, before it was {first:?}"));
            }
        }
        (Value::Object(wanted), Value::Object(sent)) => {
            for (name, value) in wanted {
                match sent.get(name) {
                    Some(sent) => same(value, sent, &format!("{at}.{name}"), captures, problems),
                    None => problems.push(format!("{at}.{name} is missing")),
                }
            }
            for name in sent.keys().filter(|name| !wanted.contains_key(*name)) {
                problems.push(format!("{at}.{name} is too much"));
            }
        }
        _ if wanted == sent => {}
        _ => problems.push(format!("{at} is {sent}, not {wanted}")),
    }
}

fn capture(matcher: &str) -> Option<&str> {
    matcher.strip_prefix("{{capture:")?.strip_suffix("}}")
}

/// Everything that was wrong with a run.
pub(super) fn verdict(running: &Running, report: &Value) -> Vec<String> {
    let progress = running.progress();
    let mut problems = progress.problems.clone();
    if let Some(step) = running.scenario.server.get(progress.step) {
        problems.push(format!(
            "step {} ({} {}) was not reached: {} of {} times",
            progress.step, step.expect.method, step.expect.path, progress.taken, step.times
        ));
    }
    let results = report["results"].as_array().cloned().unwrap_or_default();
    let calls = &running.scenario.client;
    if results.len() != calls.len() {
        problems.push(format!(
            "{} results for {} calls",
            results.len(),
            calls.len()
        ));
    }
    let judge = Judge {
        templates: running.templates(unix_seconds(running.wall)),
        captures: &progress.captures,
        slack: running.started.elapsed().as_secs_f64() * running.scenario.time_scale + NEAR_SECONDS,
    };
    for (number, (call, result)) in calls.iter().zip(&results).enumerate() {
        let at = format!("call {number} ({})", call.call);
        judge.result(call, result, &at, &mut problems);
        check_harmless(&result["raises"], &running.secrets, &at, &mut problems);
    }
    if let Some(stored) = &running.scenario.stored {
        let text = report["stored"].as_str().unwrap_or("null");
        let record = serde_json::from_str(text).unwrap_or_else(|_| text.into());
        judge.within(stored, &record, "stored", &mut problems);
    }
    problems
}

/// Errors are shown and logged: they hold no secret and nothing that steers a terminal.
fn check_harmless(raised: &Value, secrets: &[String], at: &str, problems: &mut Vec<String>) {
    let mut texts = Vec::new();
    collect_texts(raised, &mut texts);
    for text in texts {
        if secrets.iter().any(|secret| text.contains(secret.as_str())) {
            problems.push(format!("{at}: the error shows a secret"));
        }
        if text.chars().any(char::is_control) {
            problems.push(format!(
                "{at}: the error holds control characters: {text:?}"
            ));
        }
    }
}

fn collect_texts<'a>(value: &'a Value, texts: &mut Vec<&'a str>) {
    match value {
        Value::String(text) => texts.push(text),
        Value::Array(items) => items.iter().for_each(|item| collect_texts(item, texts)),
        Value::Object(fields) => fields.values().for_each(|item| collect_texts(item, texts)),
        _ => {}
    }
}

struct Judge<'a> {
    templates: Templates<'a>,
    captures: &'a HashMap<String, String>,
    /// Seconds that the client's clock may have gone on by.
    slack: f64,
}

impl Judge<'_> {
    fn result(&self, call: &Call, result: &Value, at: &str, problems: &mut Vec<String>) {
        match &call.raises {
            None if !result["raises"].is_null() => {
                problems.push(format!("{at} raises {}", result["raises"]));
            }
            None => {
                let wanted = call.returns.as_ref().unwrap_or(&Value::Null);
                self.within(
                    wanted,
                    &result["returns"],
                    &format!("{at} returns"),
                    problems,
                );
            }
            Some(_) if result["raises"].is_null() => {
                problems.push(format!("{at} returns {}", result["returns"]));
            }
            Some(wanted) => {
                self.within(wanted, &result["raises"], &format!("{at} raises"), problems);
            }
        }
        if let Some(wanted) = &call.response {
            let at = format!("{at} response");
            self.within(wanted, &result["response"], &at, problems);
        }
        let Some(wanted) = &call.events else {
            return;
        };
        let events = result["events"].as_array().cloned().unwrap_or_default();
        let kinds: Vec<&str> = events.iter().filter_map(|e| e["type"].as_str()).collect();
        if events.len() != wanted.len() {
            problems.push(format!("{at}: the events are {kinds:?}"));
            return;
        }
        for (number, (wanted, event)) in wanted.iter().zip(&events).enumerate() {
            let at = format!("{at} event {number}");
            match wanted {
                Value::String(kind) if event["type"] == kind.as_str() => {}
                Value::String(kind) => problems.push(format!("{at} is {event}, not {kind}")),
                wanted => self.within(wanted, event, &at, problems),
            }
        }
    }

    /// Whether all that is wanted is there; there may be more.
    fn within(&self, wanted: &Value, got: &Value, at: &str, problems: &mut Vec<String>) {
        match (wanted, got) {
            (Value::String(text), got) => {
                if !self.text(text, got) {
                    problems.push(format!("{at} is {got}, not {wanted}"));
                }
            }
            (Value::Object(wanted), Value::Object(got)) => {
                for (name, value) in wanted {
                    self.field(name, value, got, &format!("{at}.{name}"), problems);
                }
            }
            (Value::Array(wanted), Value::Array(got)) if wanted.len() == got.len() => {
                for (number, (wanted, got)) in wanted.iter().zip(got).enumerate() {
                    self.within(wanted, got, &format!("{at}[{number}]"), problems);
                }
            }
            // 1 and 1.0 are the same number in some languages.
            (Value::Number(wanted), Value::Number(got)) if wanted.as_f64() == got.as_f64() => {}
            _ if wanted == got => {}
            _ => problems.push(format!("{at} is {got}, not {wanted}")),
        }
    }

    fn field(
        &self,
        name: &str,
        wanted: &Value,
        got: &Map<String, Value>,
        at: &str,
        problems: &mut Vec<String>,
    ) {
        let parts = |value: &Value| match value {
            Value::Array(items) => items
                .iter()
                .filter_map(Value::as_str)
                .map(str::to_owned)
                .collect(),
            other => Vec::from_iter(other.as_str().map(str::to_owned)),
        };
        let (of, must_contain) = if let Some(of) = name.strip_suffix("_contains") {
            (of, true)
        } else if let Some(of) = name.strip_suffix("_lacks") {
            (of, false)
        } else {
            return self.within(wanted, got.get(name).unwrap_or(&Value::Null), at, problems);
        };
        let text = got.get(of).and_then(Value::as_str).unwrap_or_default();
        for part in parts(wanted) {
            if text.contains(&part) != must_contain {
                problems.push(format!("{at}: {of} is {text:?}"));
            }
        }
    }

    /// `{{any}}`, `{{near+seconds}}`, `{{capture:x}}`, or the text itself.
    fn text(&self, wanted: &str, got: &Value) -> bool {
        if let Some(name) = capture(wanted) {
            return self
                .captures
                .get(name)
                .is_some_and(|sent| got == sent.as_str());
        }
        let matcher = wanted
            .strip_prefix("{{")
            .and_then(|text| text.strip_suffix("}}"));
        if matcher == Some("any") {
            return !got.is_null();
        }
        if let Some(offset) = matcher.and_then(|matcher| offset(matcher, "near")) {
            let at = self.templates.now + offset;
            return got
                .as_f64()
                .is_some_and(|got| (got - at).abs() <= self.slack);
        }
        got.as_str() == Some(&self.templates.addresses(wanted))
    }
}
