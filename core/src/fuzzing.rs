//! Every parser of what a server or a store sends, as a function of bytes: for the fuzz targets
//! in `core/fuzz`, and for the short deterministic run in the tests.

use crate::{
    Error, account,
    client::AccountClient,
    login::DeviceLogin,
    oauth::{self, PollReply},
    prompt, response,
    store::{Keys, MemoryStore, Record},
    transport::{Base, Incoming, Outcome, retry_after},
};
use std::{sync::OnceLock, time::SystemTime};

/// A parser and its name.
pub type Target = (&'static str, fn(&[u8]));

/// All of them.
pub const TARGETS: [Target; 9] = [
    // This request holds no secret that its answer could repeat.
    ("device_code", |data| {
        each_status(data, |answer| {
            if let Err(error) = oauth::read_device_code(&answer) {
                check_text(&error);
            }
        });
    }),
    ("poll", |data| {
        each_status(data, |answer| match oauth::read_poll(&answer, SECRET) {
            PollReply::Unavailable(error) | PollReply::Refused(error) => check(&error),
            PollReply::Pending | PollReply::SlowDown | PollReply::Tokens(_) => {}
        });
    }),
    ("tokens", |data| {
        each_status(data, |answer| {
            if let Err(error) = oauth::read_tokens(&answer, "the refresh", &[SECRET]) {
                check(&error);
            }
        });
    }),
    ("api_error", |data| {
        each_status(data, |answer| {
            check(&response::api_error(&answer, "a call", &[SECRET]));
        });
    }),
    ("account", |data| {
        each_status(data, |answer| {
            account::read_errors(answer).iter().for_each(check);
        });
    }),
    ("retry_after", |data| {
        let _ = retry_after(&String::from_utf8_lossy(data), SystemTime::UNIX_EPOCH);
    }),
    ("pending_record", pending_record),
    ("store_record", store_record),
    ("encrypted_record", encrypted_record),
];

/// What the request held; no error may repeat it.
const SECRET: &str = "canary-secret";

fn each_status(data: &[u8], parse: impl Fn(Incoming)) {
    for status in [200, 204, 302, 400, 401, 422, 429, 503] {
        parse(Incoming {
            headers: Default::default(),
            status,
            request_id: None,
            retry_after: None,
            body: data.to_vec().into(),
            outcome: Outcome::of_status(status),
        });
    }
}

/// What every error of a parser must keep to.
fn check(error: &Error) {
    let said = everything(error);
    assert!(!said.contains(SECRET), "a secret in {said}");
    check_text(error);
}

fn everything(error: &Error) -> String {
    let parts = (
        error.fields(),
        error.oauth_error(),
        error.description(),
        error.request_id(),
    );
    format!("{error} {error:?} {parts:?}")
}

fn check_text(error: &Error) {
    let message = error.message();
    assert!(
        !message.chars().any(char::is_control),
        "a control character in {message:?}"
    );
    assert!(
        message.chars().count() < 3_000,
        "too long: {}",
        message.len()
    );
}

fn pending_record(data: &[u8]) {
    static CLIENT: OnceLock<AccountClient> = OnceLock::new();
    let client = CLIENT.get_or_init(|| {
        let builder = AccountClient::builder().store(MemoryStore::default());
        // Loopback needs no roots.
        builder
            .platform_url("http://127.0.0.1:1")
            .account_url("http://127.0.0.1:1")
            .build()
            .expect("good options")
    });
    match DeviceLogin::from_record(client.core(), &String::from_utf8_lossy(data)) {
        Ok(login) => drop((prompt::text(&login), login.qr(), login.remaining())),
        Err(error) => check(&error),
    }
}

fn store_record(data: &[u8]) {
    let text = String::from_utf8_lossy(data);
    match Record::parse(&text) {
        Ok(mut record) => {
            for key in record.keys() {
                drop((record.login_of(&key), record.claim_of(&key)));
            }
            record.set_client_id("new");
            record.select("org");
            let again = Record::parse(&record.to_text()).expect("what is written can be read");
            assert!(again == record);
            record.keys().iter().for_each(|key| record.forget(key));
        }
        Err(error) => check(&error),
    }
    drop(Base::parse(&text, "url").and_then(|base| base.join_untrusted(&text)));
}

fn keys() -> &'static Keys {
    static KEYS: OnceLock<Keys> = OnceLock::new();
    KEYS.get_or_init(|| {
        let key: [u8; 32] = std::array::from_fn(|at| SECRET.as_bytes()[at % SECRET.len()]);
        Keys::new([("k", key)]).expect("a good key")
    })
}

fn encrypted_record(data: &[u8]) {
    let keys = keys();
    let text = String::from_utf8_lossy(data);
    for subject in [None, Some("user-1")] {
        match keys.open(subject, &text) {
            Ok(record) => {
                let again = keys.seal(subject, &record).expect("as short as it was");
                assert!(keys.open(subject, &again).expect("just sealed") == record);
            }
            Err(error) => check(&error),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::Value;

    /// The bodies that the scenarios' servers send, and a few that tempt parsers.
    fn seeds() -> Vec<Vec<u8>> {
        let scenarios = concat!(env!("CARGO_MANIFEST_DIR"), "/../tests/scenarios");
        let mut seeds: Vec<Vec<u8>> = [
            "",
            "{}",
            "[]",
            "null",
            "\u{feff}{}",
            "120",
            // Servers that repeat what they were sent.
            r#"{"error":"access_denied","error_description":"not canary-secret"}"#,
            r#"{"error":"canary-secret","error_description":"canary-secret"}"#,
            r#"{"error":{"code":"canary-secret","ref_id":"canary-secret","message":"canary-secret"}}"#,
            r#"{"detail":[{"loc":["canary-secret"],"msg":"canary-secret","type":"canary-secret"}]}"#,
            r#"{"detail":"canary-secret","ref_id":"canary-secret"}"#,
            r#"{"access_token":"a","token_type":"canary-secret"}"#,
            "Tue, 24 Nov 2026 06:00:00 GMT",
        ]
        .iter()
        .map(|text| text.as_bytes().to_vec())
        .collect();
        for subject in [None, Some("user-1")] {
            let sealed = keys().seal(subject, r#"{"version":1}"#);
            seeds.push(sealed.expect("short").into_bytes());
        }
        let areas = std::fs::read_dir(scenarios).expect("the scenarios");
        let files = areas
            .flatten()
            .filter_map(|area| area.path().read_dir().ok());
        for file in files.flatten().flatten() {
            let Ok(text) = std::fs::read_to_string(file.path()) else {
                continue;
            };
            if let Ok(scenario) = serde_json::from_str(&text) {
                bodies(&scenario, &mut seeds);
            }
        }
        seeds
    }

    fn bodies(value: &Value, seeds: &mut Vec<Vec<u8>>) {
        match value {
            Value::Object(object) => {
                seeds.extend(object.get("json").map(|json| json.to_string().into_bytes()));
                seeds.extend(
                    object
                        .get("text")
                        .and_then(Value::as_str)
                        .map(|text| text.as_bytes().to_vec()),
                );
                object.values().for_each(|value| bodies(value, seeds));
            }
            Value::Array(items) => items.iter().for_each(|value| bodies(value, seeds)),
            _ => {}
        }
    }

    /// One to four of the changes that fuzzers make.
    fn mutate(seed: &[u8], random: &mut fastrand::Rng) -> Vec<u8> {
        const WORDS: [&[u8]; 12] = [
            b"null",
            b"-1",
            b"1e309",
            b"\"\"",
            b"{}",
            b"[]",
            b"\\u001b[2J",
            b"18446744073709551616",
            b"\"canary-secret\"",
            b"\xff\xfe",
            b"\"error\":",
            b"true",
        ];
        let mut data = seed.to_vec();
        for _ in 0..random.usize(1..5) {
            let at = random.usize(..=data.len());
            match random.u8(..5) {
                0 => data.truncate(at),
                1 if at < data.len() => data[at] = random.u8(..),
                2 if at < data.len() => drop(data.remove(at)),
                3 => data.extend_from_within(at..),
                _ => drop(data.splice(at..at, WORDS[random.usize(..WORDS.len())].iter().copied())),
            }
            data.truncate(20_000);
        }
        data
    }

    #[test]
    fn no_parser_panics_or_repeats_a_secret() {
        let seeds = seeds();
        assert!(seeds.len() > 100, "{} seeds", seeds.len());
        let mut random = fastrand::Rng::with_seed(1729);
        for (name, parse) in TARGETS {
            for seed in &seeds {
                parse(seed);
                for _ in 0..6 {
                    let data = mutate(seed, &mut random);
                    if std::panic::catch_unwind(|| parse(&data)).is_err() {
                        panic!("{name} fails on {:?}", String::from_utf8_lossy(&data));
                    }
                }
            }
        }
    }
}
