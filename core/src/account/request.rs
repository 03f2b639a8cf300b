//! Any call below the base that has no wrapper.

use super::{Account, Call, nonsense, slot::shown};
use crate::{Error, Result, response, transport::Repeat};
use reqwest::Method;
use serde_json::Value;
use std::fmt;

/// A successful answer. `Debug` shows nothing of the body, which may hold a key.
#[derive(Clone, PartialEq)]
#[cfg_attr(not(feature = "exhaustive"), non_exhaustive)]
pub struct ApiResponse {
    /// 200 to 299.
    pub status: u16,
    /// The service's ID of the request.
    pub request_id: Option<String>,
    /// Names in lower case; `Set-Cookie` is left out.
    pub headers: Vec<(String, String)>,
    /// The body; `null` where there was none.
    pub json: Value,
}

impl fmt::Debug for ApiResponse {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ApiResponse")
            .field("status", &self.status)
            .field("request_id", &self.request_id)
            .finish_non_exhaustive()
    }
}

impl Account<'_> {
    pub(crate) async fn request(
        &self,
        method: &str,
        path: &str,
        json: Option<Value>,
    ) -> Result<ApiResponse> {
        let method = method.to_ascii_uppercase();
        let Some(method) = ["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE"]
            .contains(&method.as_str())
            .then(|| Method::from_bytes(method.as_bytes()).expect("a known method"))
        else {
            return Err(Error::invalid_request(
                "The method must be GET, HEAD, POST, PUT, PATCH or DELETE.",
            ));
        };
        let repeat = match method {
            Method::GET | Method::HEAD | Method::DELETE => Repeat::Always,
            _ => Repeat::IfNotSent,
        };
        let doing = "the request";
        let call = Call {
            doing,
            url: self.base.join_untrusted(path)?,
            body: json,
            repeat,
            method,
        };
        let answer = self.call(call).await?;
        let blank = answer.body.iter().all(u8::is_ascii_whitespace);
        let json = match response::json(&answer.body) {
            Some(json) => json,
            None if blank => Value::Null,
            None => {
                let error = nonsense(&answer, doing, "it is no JSON");
                return Err(answer.outcome.settle(error, repeat));
            }
        };
        Ok(ApiResponse {
            status: answer.status,
            headers: shown(&answer.headers),
            request_id: answer.request_id,
            json,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn debug_shows_no_body() {
        let answer = ApiResponse {
            status: 200,
            request_id: Some("req-1".into()),
            headers: Vec::new(),
            json: serde_json::json!({"raw_api_key": "canary", "nested": ["canary"]}),
        };
        let shown = format!("{answer:?} {answer:#?}");
        assert!(
            !shown.contains("canary") && !shown.contains("raw_api_key"),
            "{shown}"
        );
        assert!(shown.contains("200") && shown.contains("req-1"), "{shown}");
    }
}
