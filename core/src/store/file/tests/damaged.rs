//! What is no record is set aside once, under the lock, and never overwritten.

use super::*;

/// What lies beside the file, set aside.
fn kept(scratch: &Scratch) -> Vec<String> {
    let mut names = scratch.names();
    names.retain(|name| name.contains(".corrupt-"));
    names
}

#[test]
fn a_damaged_file_is_set_aside_and_reported_once() {
    for damaged in ["", "{\"version\":1", "not json"] {
        let scratch = Scratch::new();
        let store = scratch.store();
        plant(&store, damaged);
        let error = store.load_now(false).expect_err("damaged");
        assert_eq!(error.code(), "store_corrupt");
        assert_eq!(store.load_now(false).expect("set aside"), None);
        let kept = kept(&scratch);
        assert_eq!(kept.len(), 1, "{kept:?}");
        assert!(error.message().contains(&kept[0]), "{error}");
        let path = store.path().with_file_name(&kept[0]);
        assert_eq!(fs::read_to_string(path).expect("readable"), damaged);
        assert!(store.swap(None, text(RECORD)).expect("a new login"));
    }
}

#[tokio::test]
async fn it_is_left_alone_while_somebody_holds_the_lock() {
    let scratch = Scratch::new();
    let store = scratch.store();
    plant(&store, "damaged");
    let held = store.lock().await.expect("free").expect("has locks");
    // Another process, or another call of this one.
    let error = store.load().await.expect_err("damaged");
    assert_eq!(error.code(), "store_corrupt");
    assert!(error.message().contains("in use"), "{error}");
    assert_eq!(kept(&scratch), [""; 0]);
    // Whoever holds it may.
    let error = held.load().await.expect_err("damaged");
    assert!(error.message().contains(".corrupt-"), "{error}");
    assert_eq!(kept(&scratch).len(), 1);
    assert_eq!(held.load().await.expect("set aside"), None);
}

#[test]
fn replacing_it_sets_it_aside_first() {
    let scratch = Scratch::new();
    let store = scratch.store();
    plant(&store, "damaged");
    assert!(!store.swap(text(RECORD), text(OTHER)).expect("not that"));
    assert_eq!(
        kept(&scratch),
        [""; 0],
        "whoever expects a record has to look"
    );
    assert!(store.swap(None, text(RECORD)).expect("there is no record"));
    assert_eq!(kept(&scratch).len(), 1);
    assert_eq!(
        store.load_now(false).expect("read").as_deref(),
        Some(RECORD)
    );
}

#[test]
fn two_of_the_same_moment_are_both_kept() {
    let scratch = Scratch::new();
    let store = scratch.store();
    for number in 1..=20 {
        plant(&store, "damaged");
        store.load_now(true).expect_err("damaged");
        assert_eq!(kept(&scratch).len(), number);
    }
}

#[test]
fn where_there_are_no_locks_it_is_set_aside_in_turn() {
    let scratch = Scratch::new();
    let mut store = scratch.store();
    store.faults.lock = Some(NO_LOCKS);
    plant(&store, "damaged");
    let turn = turns::of(store.path());
    let held = turn.lock().expect("free");
    let error = store.load_now(false).expect_err("damaged");
    assert!(error.message().contains("in use"), "{error}");
    drop(held);
    let error = store.load_now(false).expect_err("damaged");
    assert!(error.message().contains(".corrupt-"), "{error}");
}

#[test]
fn a_newer_version_is_nobodys_damage() {
    let scratch = Scratch::new();
    let store = scratch.store();
    let newer = r#"{"version":2}"#;
    plant(&store, newer);
    let read = store.load_now(false).expect("left to the reader");
    assert_eq!(read.as_deref(), Some(newer));
    assert_eq!(Record::parse(newer).expect_err("newer").code(), "store");
    assert_eq!(kept(&scratch), [""; 0]);
}
