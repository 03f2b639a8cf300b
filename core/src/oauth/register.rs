//! Step 1: register, once per installation.

use super::{Platform, nonsense, success};
use crate::{
    Result, response,
    transport::{Body, Repeat},
};
use serde_json::{Map, Value};

/// What registering answers.
#[derive(Clone, Debug, PartialEq, Eq)]
#[cfg_attr(not(feature = "exhaustive"), non_exhaustive)]
pub struct Registration {
    /// Names this installation from now on; no secret.
    pub client_id: String,
}

impl Platform {
    pub(crate) async fn register(&self, client_name: &str) -> Result<Registration> {
        let doing = "the registration";
        let body = serde_json::json!({ "client_name": client_name, "platform": platform() });
        // A registration that nobody uses harms nobody, so a lost answer may be asked for again.
        let body = Body::json(&body);
        let answer = self
            .post("/getServiceKeys/register", body, Repeat::Always)
            .await?;
        let object = success(&answer, doing, &[])?;
        let client_id = response::text(&object, "client_id")
            .ok_or_else(|| nonsense(&answer, doing, "it has no client_id"))?;
        Ok(Registration { client_id })
    }
}

/// What is known of this machine. Every field is optional; an unknown one is left out.
fn platform() -> Map<String, Value> {
    let uname = |name: &str| {
        let text = std::fs::read_to_string(format!("/proc/sys/kernel/{name}")).ok()?;
        Some(text.trim().to_owned()).filter(|text| !text.is_empty())
    };
    let system = match std::env::consts::OS {
        "linux" => "Linux",
        "macos" | "ios" => "Darwin",
        "windows" => "Windows",
        other => other,
    };
    let os_name = if cfg!(windows) { "nt" } else { "posix" };
    [
        ("machine", Some(std::env::consts::ARCH.to_owned())),
        ("os_name", Some(os_name.to_owned())),
        ("release", uname("osrelease")),
        ("system", Some(system.to_owned())),
        ("version", uname("version")),
    ]
    .into_iter()
    .filter_map(|(name, value)| Some((name.to_owned(), Value::String(value?))))
    .collect()
}

#[cfg(all(test, target_os = "linux"))]
mod tests {
    use super::*;

    #[test]
    fn a_registration_says_which_machine_it_is_for() {
        let platform = platform();
        let names: Vec<_> = platform.keys().map(String::as_str).collect();
        let all = ["machine", "os_name", "release", "system", "version"];
        assert_eq!(names, all);
        assert_eq!(platform["machine"], std::env::consts::ARCH);
        assert_eq!(platform["system"], "Linux");
    }
}
