//! Steps 4 and 5: the token endpoint, asked with a device code or a refresh token.

use super::{Platform, nonsense, success};
use crate::{
    Error, ErrorKind, Result, Secret, response,
    transport::{Body, Incoming, Repeat},
};
use std::time::Duration;

const DEVICE_GRANT: &str = "urn:ietf:params:oauth:grant-type:device_code";

/// A token response (RFC 6749 §5.1, with what Parallel adds).
#[derive(Clone, Debug, PartialEq, Eq)]
#[cfg_attr(not(feature = "exhaustive"), non_exhaustive)]
pub struct Tokens {
    /// For the Account API.
    pub access_token: Secret,
    /// For the next pair. `None`: the one that was sent stays valid.
    pub refresh_token: Option<Secret>,
    /// `Bearer`.
    pub token_type: String,
    /// The access token's life. `None`: unknown, use it until it is refused.
    pub expires_in: Option<Duration>,
    /// What was granted. `None`: what was asked for, or unchanged.
    pub scopes: Option<Vec<String>>,
    /// Which organization was chosen.
    pub org_id: Option<String>,
    /// Its name.
    pub org_name: Option<String>,
    /// The refresh token's life.
    pub refresh_token_expires_in: Option<Duration>,
    /// The grant's life: after it no refresh can work.
    pub authorization_expires_in: Option<Duration>,
}

/// What one poll answers, if nothing is wrong (RFC 8628 §3.5).
#[derive(Clone, Debug, PartialEq, Eq)]
#[cfg_attr(not(feature = "exhaustive"), non_exhaustive)]
pub enum PollAnswer {
    /// Nobody has decided yet.
    Pending,
    /// The same, and the interval grows by 5 s for good.
    SlowDown,
    /// Approved.
    Tokens(Tokens),
}

/// What one poll answers, with everything that can go wrong sorted by what it means for polling.
#[derive(Debug)]
pub(crate) enum PollReply {
    Pending,
    SlowDown,
    Tokens(Tokens),
    /// Time may mend it: continue polling.
    Unavailable(Error),
    /// The end.
    Refused(Error),
}

impl Platform {
    pub(crate) async fn poll_token(&self, client_id: &str, device_code: &str) -> PollReply {
        let body = Body::form(&[
            ("grant_type", DEVICE_GRANT),
            ("client_id", client_id),
            ("device_code", device_code),
        ]);
        match self
            .post("/getServiceKeys/token", body, Repeat::Never)
            .await
        {
            Ok(answer) => read_reply(&answer, device_code),
            Err(error) => match error.kind() {
                ErrorKind::Connection
                | ErrorKind::Timeout
                | ErrorKind::InvalidResponse
                | ErrorKind::Tls => PollReply::Unavailable(error),
                _ => PollReply::Refused(error),
            },
        }
    }

    /// One request: when to repeat it is the session's matter.
    pub(crate) async fn refresh(
        &self,
        refresh_token: &str,
        client_id: Option<&str>,
    ) -> Result<Tokens> {
        let mut fields = vec![
            ("grant_type", "refresh_token"),
            ("refresh_token", refresh_token),
        ];
        fields.extend(client_id.map(|id| ("client_id", id)));
        let answer = self
            .post("/getServiceKeys/token", Body::form(&fields), Repeat::Never)
            .await?;
        // A gateway's answer does not tell whether the server behind it has used the token up.
        let lost = matches!(answer.status, 200..300 | 500..);
        tokens(&answer, "the refresh", &[refresh_token]).map_err(|error| match error.kind() {
            ErrorKind::InvalidResponse | ErrorKind::Server => error.with_outcome_unknown(lost),
            _ => error,
        })
    }
}

/// Sorts an answer to a poll. The body decides before the status does.
pub(crate) fn read_reply(answer: &Incoming, device_code: &str) -> PollReply {
    let doing = "the login";
    let secrets = [device_code];
    let error = response::oauth_error(&answer.body, &secrets).map(|(code, _)| code);
    match (error.as_deref(), answer.status) {
        (Some("authorization_pending"), _) => PollReply::Pending,
        (Some("slow_down"), _) => PollReply::SlowDown,
        (Some("access_denied"), _) => PollReply::Refused(ended(
            ErrorKind::AccessDenied,
            "The login was denied on the approval page. Start a new login if that was a mistake.",
            answer,
            &secrets,
        )),
        (Some("expired_token"), _) => PollReply::Refused(ended(
            ErrorKind::LoginExpired,
            "The code expired before the login was approved. Start a new login.",
            answer,
            &secrets,
        )),
        (_, 408 | 429 | 500.. | 300..400) => {
            PollReply::Unavailable(response::refusal(answer, doing, &secrets))
        }
        (Some(_), _) => PollReply::Refused(response::refusal(answer, doing, &secrets)),
        (None, 200..300) => match tokens(answer, doing, &secrets) {
            Ok(tokens) => PollReply::Tokens(tokens),
            // Half an answer, or a captive portal's page; the next poll may bring the whole.
            Err(error) if !is_token_response(&answer.body) => PollReply::Unavailable(error),
            Err(error) => PollReply::Refused(error),
        },
        // `authorization_pending` comes as a 400 too (RFC 8628 §3.5), and may be cut off.
        (None, 400 | 401) if broken(&answer.body) => {
            PollReply::Unavailable(response::refusal(answer, doing, &secrets))
        }
        // A proxy or firewall on the way wants something; OAuth refuses by a 400 or 401.
        (None, 403 | 407) => PollReply::Unavailable(response::refusal(answer, doing, &secrets)),
        (None, _) => PollReply::Refused(response::refusal(answer, doing, &secrets)),
    }
}

/// Whether a success is at least about tokens, and so the last word of the server itself.
fn is_token_response(body: &[u8]) -> bool {
    let names = ["access_token", "refresh_token", "token_type", "error"];
    response::object(body).is_some_and(|object| names.iter().any(|name| object.contains_key(*name)))
}

/// Whether this was to be a JSON object and did not arrive whole.
fn broken(body: &[u8]) -> bool {
    let body = body.trim_ascii();
    body.is_empty() || (body[0] == b'{' && response::object(body).is_none())
}

fn ended(kind: ErrorKind, message: &str, answer: &Incoming, secrets: &[&str]) -> Error {
    let error = Error::new(kind, message);
    match response::oauth_error(&answer.body, secrets) {
        Some((code, description)) => {
            response::annotate(error, answer).with_oauth(code, description)
        }
        None => response::annotate(error, answer),
    }
}

pub(crate) fn tokens(answer: &Incoming, doing: &str, secrets: &[&str]) -> Result<Tokens> {
    let object = success(answer, doing, secrets)?;
    let access_token = response::text(&object, "access_token")
        .filter(|token| token.bytes().all(|byte| (0x21..=0x7e).contains(&byte)))
        .ok_or_else(|| nonsense(answer, doing, "it has no usable access_token"))?;
    let token_type = response::text(&object, "token_type").unwrap_or_else(|| "Bearer".into());
    if !token_type.eq_ignore_ascii_case("bearer") {
        let why = format!(
            "token_type is \"{}\", not Bearer",
            crate::text::clean(&crate::secret::redact(&token_type, secrets), 40)
        );
        return Err(nonsense(answer, doing, &why));
    }
    let life = |name| response::seconds(&object, name).given();
    let scopes = |text: String| text.split_whitespace().map(str::to_owned).collect();
    Ok(Tokens {
        access_token: access_token.into(),
        refresh_token: response::text(&object, "refresh_token").map(Secret::from),
        token_type: "Bearer".into(),
        expires_in: life("expires_in"),
        scopes: response::shown(&object, "scope").map(scopes),
        org_id: response::text(&object, "org_id"),
        org_name: response::shown(&object, "org_name"),
        refresh_token_expires_in: life("refresh_token_expires_in"),
        authorization_expires_in: life("authorization_expires_in"),
    })
}

#[cfg(all(test, target_os = "linux"))]
mod tests {
    use super::*;
    use crate::{secret::memory::Canary, transport::Outcome};
    use zeroize::Zeroize;

    #[test]
    fn nothing_of_a_token_response_stays_in_memory() {
        let canary = Canary::new();
        let mut body = Vec::with_capacity(1000);
        body.extend_from_slice(b"{\"access_token\":\"");
        body.extend_from_slice(Secret::from(canary.text()).expose().as_bytes());
        body.extend_from_slice(b"\"}");
        let mut answer = Incoming {
            headers: Default::default(),
            status: 200,
            request_id: None,
            retry_after: None,
            body: body.into(),
            outcome: Outcome::Refused,
        };
        let reply = read_reply(&answer, "device-code");
        assert!(matches!(reply, PollReply::Tokens(_)));
        drop(reply);
        assert_eq!(canary.copies(), 1, "the body, which is the transport's");
        answer.body.zeroize();
        assert_eq!(canary.copies(), 0);
    }
}
