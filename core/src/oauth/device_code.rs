//! Step 2: ask for a device code (RFC 8628 §3.1, §3.2).

use super::{Platform, nonsense, success};
use crate::{
    Result, Secret,
    response::{self, Seconds},
    text::clean,
    transport::{Body, Incoming, Repeat},
};
use std::time::Duration;

/// What asking for a device code answers (RFC 8628 §3.2).
#[derive(Clone, Debug, PartialEq, Eq)]
#[cfg_attr(not(feature = "exhaustive"), non_exhaustive)]
pub struct DeviceCode {
    /// What polling sends; nobody else may learn it.
    pub device_code: Secret,
    /// What the person types.
    pub user_code: String,
    /// Where the person types it.
    pub verification_uri: String,
    /// The same with the code in it, where the server gives one.
    pub verification_uri_complete: Option<String>,
    /// How long the code lives.
    pub expires_in: Duration,
    /// How long to wait between polls at least.
    pub interval: Duration,
}

/// Of a code or a link, in characters.
pub(crate) const LONGEST_SHOWN: usize = 2_000;
const DEFAULT_INTERVAL: Duration = Duration::from_secs(5);
const SHORTEST_INTERVAL: Duration = Duration::from_secs(1);
/// Longer lives are taken for a mistake: RFC 8628 §6.1 wants codes that die in minutes.
const LONGEST_LIFE: Duration = Duration::from_secs(30 * 86_400);

impl Platform {
    pub(crate) async fn request_device_code(
        &self,
        client_id: &str,
        scopes: &[String],
    ) -> Result<DeviceCode> {
        let scope = scopes.join(" ");
        // A code that nobody approves expires by itself, so a lost answer may be asked for again.
        let body = Body::form(&[("client_id", client_id), ("scope", &scope)]);
        let answer = self
            .post("/getServiceKeys/device/code", body, Repeat::Always)
            .await?;
        read(&answer)
    }
}

pub(crate) fn read(answer: &Incoming) -> Result<DeviceCode> {
    let doing = "the request for a device code";
    let object = success(answer, doing, &[])?;
    let required = |name: &str| {
        response::text(&object, name)
            .ok_or_else(|| nonsense(answer, doing, &format!("it has no {name}")))
    };
    let shown = |name: &str| {
        required(name)
            .map(|text| clean(&text, LONGEST_SHOWN))
            .and_then(|text| match text.as_str() {
                "" => Err(nonsense(
                    answer,
                    doing,
                    &format!("{name} has nothing to show"),
                )),
                _ => Ok(text),
            })
    };
    let expires_in = match response::seconds(&object, "expires_in") {
        Seconds::Given(life) if !life.is_zero() && life <= LONGEST_LIFE => life,
        Seconds::Given(_) | Seconds::Nonsense => {
            return Err(nonsense(
                answer,
                doing,
                "expires_in is no sensible number of seconds",
            ));
        }
        Seconds::Missing => return Err(nonsense(answer, doing, "it has no expires_in")),
    };
    let interval = response::seconds(&object, "interval")
        .given()
        .unwrap_or(DEFAULT_INTERVAL);
    Ok(DeviceCode {
        device_code: required("device_code")?.into(),
        user_code: shown("user_code")?,
        verification_uri: shown("verification_uri")?,
        verification_uri_complete: response::text(&object, "verification_uri_complete")
            .map(|text| clean(&text, LONGEST_SHOWN)),
        expires_in,
        interval: interval.max(SHORTEST_INTERVAL),
    })
}
