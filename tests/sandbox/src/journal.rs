//! What was received, and what became of it.

use std::collections::{BTreeMap, VecDeque};
use std::time::Instant;

use axum::http::{HeaderMap, Method, Uri, header};
use serde_json::{Map, Value, json};

use crate::request::{API_KEY, FORM, JSON, is_media_type};
use crate::secrets::fingerprint;

/// The newest requests that are kept; older ones are only counted.
const KEPT: usize = 20_000;

/// Fields that are shown as fingerprints.
const SECRET_FIELDS: [&str; 5] = [
    "access_token",
    "api_key",
    "device_code",
    "raw_api_key",
    "refresh_token",
];

/// Raw parts of requests; they are made readable (and harmless) only when asked for,
/// because a benchmark pays for it. They are copies: a piece of a request keeps the whole
/// buffer alive that it was read into.
pub(crate) struct Journal {
    started: Instant,
    first: u64,
    entries: VecDeque<Entry>,
    counts: BTreeMap<&'static str, u64>,
}

struct Entry {
    at: Instant,
    route: &'static str,
    method: Method,
    path: Box<str>,
    query: Option<Box<str>>,
    content_type: Option<Box<[u8]>>,
    authorization: Option<Box<[u8]>>,
    api_key: Option<Box<[u8]>>,
    user_agent: Option<Box<[u8]>>,
    accept: Option<Box<[u8]>>,
    body: Box<[u8]>,
    outcome: Outcome,
}

/// What a request was answered with.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Outcome {
    Unanswered,
    Status(u16),
    Fault(&'static str),
}

impl Journal {
    pub(crate) fn new() -> Self {
        Self {
            started: Instant::now(),
            first: 0,
            entries: VecDeque::new(),
            counts: BTreeMap::new(),
        }
    }

    /// Notes a request; the number is for [`Journal::answered`].
    pub(crate) fn received(
        &mut self,
        route: &'static str,
        method: &Method,
        uri: &Uri,
        headers: &HeaderMap,
        body: &[u8],
    ) -> u64 {
        *self.counts.entry(route).or_default() += 1;
        if self.entries.len() == KEPT {
            self.entries.pop_front();
            self.first += 1;
        }
        let header = |name| headers.get(name).map(|value| value.as_bytes().into());
        self.entries.push_back(Entry {
            at: Instant::now(),
            route,
            method: method.clone(),
            path: uri.path().into(),
            query: uri.query().map(Into::into),
            content_type: header(header::CONTENT_TYPE),
            authorization: header(header::AUTHORIZATION),
            api_key: headers.get(API_KEY).map(|value| value.as_bytes().into()),
            user_agent: header(header::USER_AGENT),
            accept: header(header::ACCEPT),
            body: body.into(),
            outcome: Outcome::Unanswered,
        });
        self.first + self.entries.len() as u64 - 1
    }

    pub(crate) fn answered(&mut self, number: u64, outcome: Outcome) {
        let index = number
            .checked_sub(self.first)
            .and_then(|i| usize::try_from(i).ok());
        if let Some(entry) = index.and_then(|index| self.entries.get_mut(index)) {
            entry.outcome = outcome;
        }
    }

    pub(crate) fn counts(&self) -> &BTreeMap<&'static str, u64> {
        &self.counts
    }

    /// The kept requests from `since` on, of one route or all.
    pub(crate) fn show(&self, route: Option<&str>, since: u64) -> Value {
        let numbered = (self.first..).zip(&self.entries);
        let requests: Vec<Value> = numbered
            .filter(|(number, _)| *number >= since)
            .filter(|(_, entry)| route.is_none_or(|wanted| names(wanted, entry.route)))
            .map(|(number, entry)| entry.show(number, self.started))
            .collect();
        json!({ "requests": requests, "dropped": self.first })
    }
}

/// Whether a route goes by this name: itself, the part before a dot, or `*`.
pub(crate) fn names(wanted: &str, route: &str) -> bool {
    wanted == "*"
        || wanted == route
        || route
            .strip_prefix(wanted)
            .is_some_and(|rest| rest.starts_with('.'))
}

impl Entry {
    fn show(&self, number: u64, started: Instant) -> Value {
        let text = |value: &Option<Box<[u8]>>| {
            value
                .as_ref()
                .map(|value| String::from_utf8_lossy(value).into_owned())
        };
        let bearer = text(&self.authorization).map(|value| {
            let token = value.strip_prefix("Bearer ").unwrap_or(&value);
            fingerprint(token)
        });
        let content_type = text(&self.content_type);
        let is = |kind| {
            content_type
                .as_deref()
                .is_some_and(|sent| is_media_type(sent, kind))
        };
        let form = is(FORM).then(|| redacted_form(&self.body));
        let body = is(JSON)
            .then(|| serde_json::from_slice(&self.body).ok())
            .flatten()
            .map(redacted_json);
        let (status, fault) = match self.outcome {
            Outcome::Unanswered => (None, None),
            Outcome::Status(status) => (Some(status), None),
            Outcome::Fault(fault) => (None, Some(fault)),
        };
        json!({
            "number": number,
            "at_ms": self.at.duration_since(started).as_micros() as f64 / 1000.0,
            "route": self.route,
            "method": self.method.as_str(),
            "path": self.path,
            "query": self.query,
            "content_type": content_type,
            "accept": text(&self.accept),
            "user_agent": text(&self.user_agent),
            "bearer": bearer,
            "api_key": text(&self.api_key).map(|key| fingerprint(&key)),
            "form": form,
            "json": body,
            "status": status,
            "fault": fault,
        })
    }
}

fn redacted_form(body: &[u8]) -> Value {
    let mut fields = Map::new();
    for (name, value) in form_urlencoded::parse(body) {
        let shown = if SECRET_FIELDS.contains(&&*name) {
            fingerprint(&value)
        } else {
            value.into_owned()
        };
        fields.insert(name.into_owned(), shown.into());
    }
    fields.into()
}

fn redacted_json(value: Value) -> Value {
    match value {
        Value::Object(fields) => fields
            .into_iter()
            .map(|(name, value)| match value {
                Value::String(text) if SECRET_FIELDS.contains(&name.as_str()) => {
                    (name, fingerprint(&text).into())
                }
                other => (name, redacted_json(other)),
            })
            .collect(),
        Value::Array(items) => items.into_iter().map(redacted_json).collect(),
        other => other,
    }
}
