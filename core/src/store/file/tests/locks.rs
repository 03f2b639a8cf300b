//! The operating system's lock, and file systems that have none.

use super::*;
use crate::AccountClient;

/// What a file system without locks answers.
#[cfg(unix)]
pub(super) const NO_LOCKS: i32 = rustix::io::Errno::NOSYS.raw_os_error();
/// ERROR_CALL_NOT_IMPLEMENTED.
#[cfg(not(unix))]
pub(super) const NO_LOCKS: i32 = 120;

#[tokio::test]
async fn the_lock_keeps_others_out_until_it_is_dropped() {
    let scratch = Scratch::new();
    let store = scratch.store();
    let held = store.lock().await.expect("free").expect("has locks");
    let Taken::Busy(file) = store.try_lock(None).expect("tried") else {
        panic!("taken twice");
    };
    drop(held);
    assert!(matches!(store.try_lock(Some(file)), Ok(Taken::Held(_))));
    assert!(
        matches!(store.try_lock(None), Ok(Taken::Held(_))),
        "not released"
    );
}

#[tokio::test]
async fn a_wait_for_the_lock_that_is_given_up_leaves_it_free() {
    let scratch = Scratch::new();
    let store = scratch.store();
    let held = store.lock().await.expect("free").expect("has locks");
    let mut wait = Box::pin(store.lock());
    assert!(
        tokio::time::timeout(Duration::from_millis(5), &mut wait)
            .await
            .is_err()
    );
    drop(wait);
    drop(held);
    assert!(store.lock().await.expect("free").is_some());
}

#[cfg(unix)]
#[tokio::test]
async fn a_file_system_without_locks_is_no_failure() {
    use rustix::io::Errno;
    for errno in [Errno::NOSYS, Errno::NOTSUP, Errno::OPNOTSUPP, Errno::NOLCK] {
        let scratch = Scratch::new();
        let mut store = scratch.store();
        store.faults.lock = Some(errno.raw_os_error());
        assert!(store.lock().await.expect("no failure").is_none());
        assert!(store.replace(None, text(RECORD)).await.expect("replaced"));
        assert!(!store.replace(None, text(OTHER)).await.expect("compared"));
    }
    let scratch = Scratch::new();
    let mut store = scratch.store();
    store.faults.lock = Some(Errno::IO.raw_os_error());
    let error = store.lock().await.expect_err("a broken disk");
    assert_eq!(error.kind(), crate::ErrorKind::Store);
    assert!(error.message().contains("cannot be locked"), "{error}");
}

/// `flock` that answers ENOSYS used to end renewing; any change goes the same way.
#[tokio::test]
async fn a_client_works_where_there_are_no_locks() {
    let scratch = Scratch::new();
    let mut store = scratch.store();
    store.faults.lock = Some(NO_LOCKS);
    let login = r#"{"control_api":{"access_token":"at-1"}}"#;
    plant(
        &store,
        &format!(r#"{{"version":1,"orgs":{{"a":{login},"b":{login}}}}}"#),
    );
    let client = AccountClient::builder()
        .platform_url("http://127.0.0.1:9")
        .account_url("http://127.0.0.1:9")
        .store(store.clone())
        .build()
        .expect("good options");
    client.select_organization("b").await.expect("saved");
    let stored = store.load_now(false).expect("read").expect("there");
    assert_eq!(
        Record::parse(&stored).expect("good").selected().as_deref(),
        Some("b")
    );
}
