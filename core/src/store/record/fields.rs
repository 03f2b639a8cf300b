//! Names and values in the record's JSON.

use crate::{
    clock::{from_unix_ms, unix_ms},
    secret::wipe,
};
use serde_json::{Map, Value};
use std::{io, time::SystemTime};

/// Under this key lives a login whose organization the server did not name.
pub(super) const UNNAMED: &str = "default";
pub(super) const LOGIN: &str = "control_api";
/// In a login: who is refreshing it.
pub(super) const CLAIM: &str = "claim";

/// Puts a value in the place of one that may be a secret.
pub(super) fn put(object: &mut Map<String, Value>, name: &str, value: Value) {
    if let Some(mut old) = object.insert(name.into(), value) {
        wipe(&mut old);
    }
}

/// Counts what is written.
pub(super) struct Length(pub(super) usize);

impl io::Write for Length {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0 += bytes.len();
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

pub(super) fn millis(object: &Map<String, Value>, name: &str) -> Option<u64> {
    let value = object.get(name)?;
    value
        .as_u64()
        .or_else(|| value.as_f64().filter(|ms| *ms >= 0.0).map(|ms| ms as u64))
}

/// Unix seconds, whole or not.
pub(super) fn time(object: &Map<String, Value>, name: &str) -> Option<SystemTime> {
    let seconds = object
        .get(name)?
        .as_f64()
        .filter(|seconds| *seconds >= 0.0)?;
    from_unix_ms((seconds * 1000.0) as u64)
}

/// The file's seconds are what everyone reads; our milliseconds refine them as long as nobody
/// else has written new seconds beside them.
pub(super) fn exact_expiry(login: &Map<String, Value>) -> Option<SystemTime> {
    let coarse = time(login, "access_token_expires_at")?;
    let exact = millis(login, "access_token_expires_at_ms").and_then(from_unix_ms);
    match exact {
        Some(exact) if unix_ms(exact) / 1000 == unix_ms(coarse) / 1000 => Some(exact),
        _ => Some(coarse),
    }
}

/// Enough to tell two tokens apart, useless for anything else.
pub(super) fn fingerprint(text: &str) -> String {
    format!("{:08x}", hash(text) as u32)
}

/// FNV-1a: the same in every release, as what is stored depends on it.
pub(crate) fn hash(text: &str) -> u64 {
    text.bytes().fold(0xcbf2_9ce4_8422_2325_u64, |hash, byte| {
        (hash ^ u64::from(byte)).wrapping_mul(0x100_0000_01b3)
    })
}

/// The object that `object` has under this name, in place of whatever else is there.
pub(super) fn object_at<'a>(
    object: &'a mut Map<String, Value>,
    name: &str,
) -> &'a mut Map<String, Value> {
    let value = object.entry(name).or_insert(Value::Null);
    if !value.is_object() {
        wipe(value);
        *value = Value::Object(Map::new());
    }
    value.as_object_mut().expect("just made")
}
