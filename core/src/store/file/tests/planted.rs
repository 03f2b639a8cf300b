//! What others put in the way; `tests/hostile_folder.rs` has it all, for every kind of user.

use super::*;
use std::os::unix::fs::{MetadataExt, PermissionsExt, chown, symlink};

#[test]
fn what_root_writes_stays_its_owners() {
    if !rustix::process::geteuid().is_root() {
        return;
    }
    let scratch = Scratch::new();
    let store = FileStore::new(scratch.path().join("sub/sub/auth.json"));
    chown(scratch.path(), Some(1234), Some(1234)).expect("as root");
    write(&store, RECORD);
    drop(store.try_lock(None).expect("opened"));
    write(&store, OTHER);
    let folder = store.path().parent().expect("a parent");
    for path in [
        folder.parent().expect("a parent"),
        folder,
        store.path(),
        &folder.join("auth.json.lock"),
    ] {
        let meta = fs::metadata(path).expect("there");
        assert_eq!((meta.uid(), meta.gid()), (1234, 1234), "{path:?}");
    }
}

#[test]
fn reading_takes_others_permission_away() {
    let scratch = Scratch::new();
    let store = scratch.store();
    write(&store, RECORD);
    for (before, after) in [(0o644, 0o600), (0o400, 0o400)] {
        let permissions = fs::Permissions::from_mode(before);
        fs::set_permissions(store.path(), permissions).expect("set");
        store.load_now(false).expect("read").expect("there");
        let mode = fs::metadata(store.path()).expect("there").permissions();
        assert_eq!(mode.mode() & 0o777, after);
    }
}

#[test]
fn a_link_in_place_of_the_file_is_not_followed() {
    let scratch = Scratch::new();
    let real = FileStore::new(scratch.path().join("real.json"));
    write(&real, RECORD);
    let link = FileStore::new(scratch.path().join("link.json"));
    symlink(real.path(), link.path()).expect("linked");
    for error in [
        link.load_now(false).expect_err("not read"),
        link.swap(None, text(OTHER)).expect_err("not written"),
        link.swap(text(RECORD), None).expect_err("not deleted"),
    ] {
        assert!(error.message().contains("symbolic link"), "{error}");
        assert!(error.message().contains("points to"), "what to do: {error}");
    }
    let read = real.load_now(false).expect("read");
    assert_eq!(read.as_deref(), Some(RECORD));
}

#[test]
fn a_stale_temporary_file_is_replaced_and_a_link_there_not_followed() {
    let scratch = Scratch::new();
    let store = scratch.store();
    plant(&store, RECORD);
    let outside = scratch.path().join("outside");
    fs::write(&outside, "untouched").expect("written");
    let temporary = store.path().with_file_name("auth.json.new");
    symlink(&outside, &temporary).expect("linked");
    write(&store, OTHER);
    assert_eq!(fs::read_to_string(&outside).expect("there"), "untouched");
    fs::write(&temporary, "left by a crash").expect("written");
    write(&store, RECORD);
    assert_eq!(scratch.names(), [NAME]);
    fs::create_dir(&temporary).expect("in the way");
    let error = store
        .swap(text(RECORD), text(OTHER))
        .expect_err("in the way");
    assert!(
        error.message().contains("auth.json.new is a folder"),
        "{error}"
    );
}

#[test]
fn the_limit_is_for_what_is_read() {
    let scratch = Scratch::new();
    let store = scratch.store();
    let just = format!("{RECORD}{}", " ".repeat((1 << 20) - RECORD.len()));
    plant(&store, &just);
    assert_eq!(store.load_now(false).expect("read"), Some(just.clone()));
    plant(&store, &(just + " "));
    let error = store.load_now(false).expect_err("too long");
    assert!(error.message().contains("larger than 1 MiB"), "{error}");
}
