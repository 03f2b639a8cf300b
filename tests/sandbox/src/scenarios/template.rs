//! `{{…}}` in scenarios: addresses and times.

use std::time::{Duration, UNIX_EPOCH};

use serde_json::{Map, Value, json};

/// What templates are filled in with.
pub(super) struct Templates<'a> {
    pub(super) platform_url: &'a str,
    pub(super) account_url: &'a str,
    /// Unix seconds.
    pub(super) now: f64,
}

impl Templates<'_> {
    /// Fills in every text of a value. A text that is nothing but a time becomes a number.
    ///
    /// # Errors
    /// Names the template that is not known.
    pub(super) fn expand(&self, value: &Value) -> Result<Value, String> {
        match value {
            Value::String(text) => match self.number(text) {
                Some(number) => Ok(number),
                None => Ok(self.text(text)?.into()),
            },
            Value::Array(items) => items.iter().map(|item| self.expand(item)).collect(),
            Value::Object(fields) => {
                let mut expanded = Map::new();
                for (name, value) in fields {
                    expanded.insert(self.text(name)?, self.expand(value)?);
                }
                Ok(expanded.into())
            }
            other => Ok(other.clone()),
        }
    }

    fn number(&self, text: &str) -> Option<Value> {
        let name = text.strip_prefix("{{")?.strip_suffix("}}")?;
        let at = |offset: f64| self.now + offset;
        if let Some(offset) = offset(name, "now_ms") {
            return Some(json!((at(offset) * 1000.0) as i64));
        }
        Some(json!(at(offset(name, "now")?) as i64))
    }

    /// Fills in a text.
    pub(super) fn text(&self, text: &str) -> Result<String, String> {
        let mut filled = String::with_capacity(text.len());
        let mut rest = text;
        while let Some(start) = rest.find("{{") {
            let Some(length) = rest[start..].find("}}") else {
                break;
            };
            filled.push_str(&rest[..start]);
            let name = &rest[start + 2..start + length];
            filled.push_str(&self.named(name)?);
            rest = &rest[start + length + 2..];
        }
        filled.push_str(rest);
        Ok(filled)
    }

    fn named(&self, name: &str) -> Result<String, String> {
        if let Some(offset) = offset(name, "http_date") {
            // Dates have whole seconds; rounding up keeps "in N seconds" true.
            let at = (self.now + offset).ceil().max(0.0);
            return Ok(httpdate::fmt_http_date(
                UNIX_EPOCH + Duration::from_secs_f64(at),
            ));
        }
        match name {
            "platform_url" => Ok(self.platform_url.into()),
            "account_url" => Ok(self.account_url.into()),
            // The same port, spoken to in a language that it does not know.
            "https_account_url" => Ok(self.account_url.replacen("http:", "https:", 1)),
            _ => Err(format!("{{{{{name}}}}} is no template")),
        }
    }

    /// Fills in addresses only, and leaves what the judge reads.
    pub(super) fn addresses(&self, text: &str) -> String {
        text.replace("{{platform_url}}", self.platform_url)
            .replace("{{account_url}}", self.account_url)
    }
}

/// The seconds in `name±seconds`.
pub(super) fn offset(text: &str, name: &str) -> Option<f64> {
    match text.strip_prefix(name)? {
        "" => Some(0.0),
        rest if rest.starts_with(['+', '-']) => rest.parse().ok(),
        _ => None,
    }
}
