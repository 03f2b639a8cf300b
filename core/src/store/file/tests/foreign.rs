//! Text of others: a host's own ciphertext, in a file of its own.

use super::*;

const JWE: &str =
    "eyJhbGciOiJkaXIiLCJlbmMiOiJBMjU2R0NNIn0..AAAAAAAAAAAAAAAA.AAAA.AAAAAAAAAAAAAAAAAAAAAA";
const BASE64: &str = "q83vEjRWeJCrze8SNFZ4kKvN7xI0VniQq83vEjRWeJA=\nq83vEjRWeJCrze8SNFZ4kA==\n";
const ARMOR: &str =
    "-----BEGIN AGE ENCRYPTED FILE-----\nYWdlLWVuY3J5cHRpb24=\n-----END AGE ENCRYPTED FILE-----\n";
const OBJECT: &str = r#"{"iv":"AAAA","ciphertext":"AAAA"}"#;

#[test]
fn an_encrypted_record_is_kept_as_it_is() {
    for ciphertext in [JWE, BASE64, ARMOR, OBJECT] {
        let scratch = Scratch::new();
        let store = scratch.store();
        assert!(store.swap(None, text(ciphertext)).expect("written"));
        for locked in [false, true] {
            let read = store.load_now(locked).expect("read");
            assert_eq!(read.as_deref(), Some(ciphertext));
        }
        assert!(!store.swap(None, text(RECORD)).expect("there is one"));
        assert!(store.swap(text(ciphertext), text(JWE)).expect("exchanged"));
        assert!(store.swap(text(JWE), None).expect("deleted"));
        assert_eq!(scratch.names(), [""; 0]);
    }
}

#[test]
fn whoever_has_no_key_for_it_leaves_it_alone() {
    for ciphertext in [JWE, BASE64, ARMOR] {
        let error = Record::parse(ciphertext).expect_err("encrypted");
        assert_eq!(error.code(), "store", "a login would replace a damaged one");
        assert!(error.message().contains("EncryptedStore"), "{error}");
    }
    for damaged in [
        "",
        "damaged",
        "{\"version\":1",
        &"\0".repeat(64),
        &"not json ".repeat(9),
    ] {
        let error = Record::parse(damaged).expect_err("damaged");
        assert_eq!(error.code(), "store_corrupt", "{damaged:?}");
    }
}

/// What would be set aside by the next load is a record that is lost.
#[test]
fn what_looks_damaged_is_not_written() {
    let scratch = Scratch::new();
    let store = scratch.store();
    for unfit in [
        "",
        "short",
        "{\"version\":",
        "a text with spaces, as no cipher makes it",
    ] {
        let error = store.swap(None, text(unfit)).expect_err("unfit");
        assert_eq!(error.code(), "store");
        assert!(error.message().contains("Base64"), "{error}");
        assert_eq!(store.load_now(false).expect("nothing"), None);
    }
    write(&store, RECORD);
    assert!(!store.swap(text(OTHER), text("short")).expect("not that"));
    assert!(store.swap(text(RECORD), text("short")).is_err());
    let read = store.load_now(false).expect("as before");
    assert_eq!(read.as_deref(), Some(RECORD));
}
