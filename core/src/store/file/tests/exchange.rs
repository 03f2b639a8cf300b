//! Reading and replacing, as any program does it.

use super::*;

#[test]
fn what_is_written_is_private_and_read_again() {
    let scratch = Scratch::new();
    let store = scratch.store();
    assert_eq!(store.load_now(false).expect("nothing yet"), None);
    write(&store, RECORD);
    let read = store.load_now(false).expect("there");
    assert_eq!(read.as_deref(), Some(RECORD));
    assert_eq!(scratch.names(), [NAME]);
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt;
        let mode = |path: &Path| fs::metadata(path).expect("there").permissions().mode() & 0o777;
        assert_eq!(mode(store.path()), 0o600);
        assert_eq!(mode(store.path().parent().expect("a parent")), 0o700);
    }
    assert!(store.swap(text(RECORD), None).expect("deleted"));
    assert!(store.swap(None, None).expect("deleting nothing is fine"));
}

#[test]
fn only_what_is_there_is_replaced() {
    let scratch = Scratch::new();
    let store = scratch.store();
    assert!(!store.swap(text(RECORD), None).expect("nothing there"));
    assert!(
        !store
            .swap(text(OTHER), text(RECORD))
            .expect("nothing there")
    );
    assert!(store.swap(None, text(RECORD)).expect("the first"));
    assert!(!store.swap(None, text(OTHER)).expect("somebody was faster"));
    assert!(!store.swap(text(OTHER), None).expect("somebody was faster"));
    let read = store.load_now(false).expect("there");
    assert_eq!(read.as_deref(), Some(RECORD), "nothing was changed");
    assert!(store.swap(text(RECORD), text(OTHER)).expect("the next"));
    assert!(store.swap(text(OTHER), None).expect("deleted"));
    assert_eq!(store.load_now(false).expect("gone"), None);
    assert_eq!(scratch.names(), [""; 0]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn of_many_who_replace_the_same_one_wins() {
    for unlocked in [false, true] {
        let scratch = Scratch::new();
        let mut store = scratch.store();
        if unlocked {
            store.faults.lock = Some(NO_LOCKS);
        }
        write(&store, RECORD);
        let tasks: Vec<_> = (0..20)
            .map(|number| {
                let store = store.clone();
                let new = format!(r#"{{"version":1,"orgs":{{}},"n":{number}}}"#);
                tokio::spawn(async move { store.replace(text(RECORD), Some(new)).await })
            })
            .collect();
        let mut winners = 0;
        for task in tasks {
            winners += usize::from(task.await.expect("no panic").expect("exchanged"));
        }
        assert_eq!(winners, 1, "unlocked: {unlocked}");
    }
}

#[test]
fn a_folder_in_the_way_is_named() {
    let scratch = Scratch::new();
    let store = scratch.store();
    fs::create_dir_all(store.path()).expect("in the way");
    for error in [
        store.load_now(false).expect_err("read"),
        store.swap(None, text(RECORD)).expect_err("write"),
    ] {
        assert_eq!(error.code(), "store");
        assert!(error.message().contains("is a folder"), "{error}");
    }
}

#[test]
fn the_clis_file_goes_by_the_name_it_has_now_or_had_before() {
    let store = FileStore::parallel_cli().expect("a home");
    assert!(
        store
            .path()
            .ends_with(".config/parallel-web-tools/auth.json")
    );
    assert_eq!(store.older.as_deref(), Some("credentials.json".as_ref()));
}

#[test]
fn an_older_file_counts_until_there_is_a_new_one() {
    let scratch = Scratch::new();
    let store = FileStore {
        older: Some("credentials.json".into()),
        ..scratch.store()
    };
    let older = store.path().with_file_name("credentials.json");
    fs::create_dir(older.parent().expect("a parent")).expect("made");
    fs::write(&older, r#"{"access_token":"data-key"}"#).expect("written");
    let read = store.load_now(false).expect("read");
    assert!(
        read.as_deref()
            .is_some_and(|text| text.contains("data-key"))
    );
    assert!(!store.swap(None, text(RECORD)).expect("something is there"));
    assert!(store.swap(read, text(RECORD)).expect("replaced"));
    assert_eq!(
        store.load_now(false).expect("read").as_deref(),
        Some(RECORD)
    );

    fs::remove_file(store.path()).expect("removed");
    fs::write(&older, "damaged").expect("written");
    assert_eq!(store.load_now(false).expect("ignored"), None);
    assert!(older.exists(), "and left alone");
}

#[test]
fn a_write_without_the_lock_counts_until_the_last_moment() {
    // What Parallel's own CLI does between our look at the file and the replacement.
    let scratch = Scratch::new();
    let store = scratch.store();
    write(&store, RECORD);
    let folder = Folder::find(store.path().parent().expect("a parent"), store.faults)
        .expect("found")
        .expect("there");
    let theirs = || {
        fs::write(store.path(), OTHER).expect("written");
        Ok(false)
    };
    let (name, new) = (NAME.as_ref(), "auth.json.new".as_ref());
    assert!(!folder.replace(name, new, b"ours", theirs).expect("left"));
    assert_eq!(store.load_now(false).expect("read").as_deref(), Some(OTHER));
    assert_eq!(scratch.names(), [NAME]);
}

#[tokio::test]
async fn revisions_tell_writes_apart() {
    let scratch = Scratch::new();
    let store = scratch.store();
    let revision = async || match store.revision() {
        Revision::Known(revision) => Some(revision),
        Revision::Asked(asked) => asked.await.expect("asked"),
        Revision::Unknown => None,
    };
    let none = revision().await;
    write(&store, RECORD);
    let first = revision().await;
    // At once, although the last answer is younger than it stays good for.
    write(&store, OTHER);
    let second = revision().await;
    assert!(none != first && first != second && second.is_some());
    // Once is enough: other tests write, too, and an answer is old after some milliseconds.
    let clone = store.clone();
    let mut shared = false;
    for _ in 0..1000 {
        shared |= revision().await == clone.seen.revision();
    }
    assert!(shared, "no thread is asked again");
    // Another process's writes count a little later.
    fs::write(store.path(), RECORD).expect("written");
    while revision().await == second {
        tokio::task::yield_now().await;
    }
}

#[cfg(unix)]
#[test]
fn a_file_system_without_fsync_saves_all_the_same() {
    use rustix::io::Errno;
    for errno in [Errno::INVAL, Errno::NOTSUP, Errno::NOSYS] {
        let scratch = Scratch::new();
        let mut store = scratch.store();
        store.faults.sync = Some(errno.raw_os_error());
        assert!(store.swap(None, text(RECORD)).expect("saved"));
        assert_eq!(
            store.load_now(false).expect("read").as_deref(),
            Some(RECORD)
        );
    }
    let scratch = Scratch::new();
    let mut store = scratch.store();
    store.faults.sync = Some(Errno::IO.raw_os_error());
    let error = store.swap(None, text(RECORD)).expect_err("a broken disk");
    assert_eq!(error.code(), "store");
    assert_eq!(scratch.names(), [""; 0]);
}

#[test]
fn stores_need_a_runtime_and_say_so() {
    let store = FileStore::new("auth.json");
    let mut load = store.load();
    let mut context = std::task::Context::from_waker(std::task::Waker::noop());
    let std::task::Poll::Ready(Err(error)) = load.as_mut().poll(&mut context) else {
        panic!("must be refused");
    };
    assert_eq!(error.code(), "config");
}

#[tokio::test]
async fn a_path_that_no_file_can_have_is_refused_by_every_call() {
    let store = FileStore::new("credentials/");
    for error in [
        store.check().expect_err("check"),
        store.load().await.expect_err("load"),
        store
            .replace(None, text(RECORD))
            .await
            .expect_err("replace"),
        store.lock().await.expect_err("lock"),
    ] {
        assert_eq!(error.code(), "config", "{error}");
    }
}

#[cfg(target_os = "linux")]
#[test]
fn nothing_of_a_file_stays_in_memory() {
    use crate::secret::memory::Canary;
    use zeroize::Zeroizing;
    let scratch = Scratch::new();
    let store = scratch.store();
    let canary = Canary::new();
    let record = || {
        let mut text = String::with_capacity(1000);
        text.push_str("{\"version\":1,\"token\":\"");
        text.push_str(&Zeroizing::new(canary.text()));
        text.push_str("\"}");
        text
    };
    assert!(store.swap(None, Some(record())).expect("written"));
    let read = store.load_now(false).expect("read").map(Zeroizing::new);
    assert!(canary.copies() > 0 && read.is_some());
    drop(read);
    assert!(store.swap(Some(record()), text(RECORD)).expect("written"));
    plant(&store, &Zeroizing::new(record() + "damaged"));
    store.load_now(true).expect_err("damaged");
    assert_eq!(canary.copies(), 0);
}
