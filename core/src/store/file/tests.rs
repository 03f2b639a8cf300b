use super::*;

/// A folder of its own that is gone after the test.
struct Folder(PathBuf);

impl Folder {
    fn new() -> Self {
        let path = env::temp_dir().join(format!(
            "parallel-account-{}-{:016x}",
            std::process::id(),
            fastrand::u64(..)
        ));
        fs::create_dir(&path).expect("a fresh folder");
        Folder(path)
    }

    fn store(&self) -> FileStore {
        FileStore::new(self.0.join("sub").join(NAME))
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}

const RECORD: &str = r#"{"version":1,"orgs":{}}"#;

#[test]
fn what_is_written_is_private_and_read_again() {
    let folder = Folder::new();
    let store = folder.store();
    assert_eq!(store.read().expect("nothing yet"), None);
    store.write(RECORD).expect("written");
    assert_eq!(store.read().expect("there").as_deref(), Some(RECORD));
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt;
        let mode = |path: &Path| fs::metadata(path).expect("there").permissions().mode() & 0o777;
        assert_eq!(mode(store.path()), 0o600);
        assert_eq!(mode(store.path().parent().expect("a parent")), 0o700);
    }
    store.remove().expect("deleted");
    store.remove().expect("deleting nothing is fine");
}

#[test]
fn a_damaged_file_is_set_aside_and_reported_once() {
    for damaged in ["", "{\"version\":1", "not json"] {
        let folder = Folder::new();
        let store = folder.store();
        store.write(damaged).expect("written");
        let error = store.read().expect_err("damaged");
        assert_eq!(error.code(), "store_corrupt");
        assert_eq!(store.read().expect("set aside"), None);
        let kept = fs::read_dir(store.path().parent().expect("a parent"))
            .expect("a folder")
            .filter_map(|entry| entry.ok())
            .find(|entry| entry.file_name().to_string_lossy().contains(".corrupt-"))
            .expect("kept");
        assert_eq!(fs::read_to_string(kept.path()).expect("readable"), damaged);
    }
}

#[test]
fn a_folder_in_the_way_is_named() {
    let folder = Folder::new();
    let store = folder.store();
    fs::create_dir_all(store.path()).expect("in the way");
    for error in [
        store.read().expect_err("read"),
        store.write(RECORD).expect_err("write"),
    ] {
        assert_eq!(error.code(), "store");
        assert!(error.message().contains("is a folder"), "{error}");
    }
}

#[test]
fn an_older_file_counts_until_there_is_a_new_one() {
    let folder = Folder::new();
    let older = folder.0.join("credentials.json");
    fs::write(&older, r#"{"access_token":"data-key"}"#).expect("written");
    let store = FileStore {
        older: Some(older),
        ..folder.store()
    };
    let text = store.read().expect("read").expect("there");
    assert!(text.contains("data-key"), "{text}");
    store.write(RECORD).expect("written");
    assert_eq!(store.read().expect("read").as_deref(), Some(RECORD));
}

#[test]
fn another_platform_has_a_file_of_its_own() {
    let name = |host| {
        let store = FileStore::default_at("my app", host).expect("a home");
        let path = store.path().to_owned();
        assert!(
            path.parent()
                .is_some_and(|folder| folder.ends_with("my-app"))
        );
        path.file_name()
            .map(|name| name.to_string_lossy().into_owned())
    };
    assert_eq!(name(None).as_deref(), Some("auth.json"));
    let local = name(Some("127.0.0.1-8080"));
    assert_eq!(local.as_deref(), Some("auth-127.0.0.1-8080.json"));
}

#[cfg(unix)]
#[test]
fn what_root_writes_stays_its_owners() {
    use std::os::unix::fs::{MetadataExt, chown};
    if unix_user() != Some(0) {
        return;
    }
    let folder = Folder::new();
    let store = folder.store();
    chown(&folder.0, Some(1234), Some(1234)).expect("as root");
    store.write(RECORD).expect("written");
    drop(store.open_lock().expect("opened"));
    store.write(RECORD).expect("written again");
    for entry in fs::read_dir(&folder.0).expect("there") {
        let entry = entry.expect("there");
        assert_eq!(entry.metadata().expect("there").uid(), 1234, "{entry:?}");
    }
}

#[cfg(unix)]
#[test]
fn reading_takes_others_permission_away() {
    use std::os::unix::fs::PermissionsExt;
    let folder = Folder::new();
    let store = folder.store();
    store.write(RECORD).expect("written");
    fs::set_permissions(store.path(), fs::Permissions::from_mode(0o644)).expect("set");
    store.read().expect("read").expect("there");
    let mode = fs::metadata(store.path()).expect("there").permissions();
    assert_eq!(mode.mode() & 0o777, 0o600);
}

#[cfg(unix)]
#[test]
fn a_link_is_followed_and_stays_a_link() {
    let folder = Folder::new();
    let real = FileStore::new(folder.0.join("real.json"));
    real.write(RECORD).expect("written");
    let link = FileStore::new(folder.0.join("link.json"));
    std::os::unix::fs::symlink(real.path(), link.path()).expect("linked");
    link.write(r#"{"version":1,"orgs":{},"n":2}"#)
        .expect("written through");
    assert!(
        fs::symlink_metadata(link.path())
            .expect("there")
            .is_symlink()
    );
    assert!(
        real.read()
            .expect("read")
            .expect("there")
            .contains("\"n\":2")
    );
    fs::remove_file(real.path()).expect("removed");
    assert!(
        link.write(RECORD)
            .expect_err("dangling")
            .message()
            .contains("link")
    );
}

#[tokio::test]
async fn the_lock_keeps_others_out_until_it_is_dropped() {
    let folder = Folder::new();
    let store = folder.store();
    let held = store.lock().await.expect("free");
    let other = store.open_lock().expect("opens");
    assert!(matches!(other.try_lock(), Err(TryLockError::WouldBlock)));
    drop(held);
    other.try_lock().expect("released");
}

#[test]
fn revisions_tell_writes_apart() {
    let folder = Folder::new();
    let store = folder.store();
    let none = store.revision();
    store.write(RECORD).expect("written");
    let first = store.revision();
    store.write(RECORD).expect("written again");
    assert!(none != first && first != store.revision());
}
