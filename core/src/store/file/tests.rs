use super::*;
use crate::store::Record;
use std::fs;

mod damaged;
mod exchange;
mod foreign;
mod locks;
use locks::NO_LOCKS;
#[cfg(unix)]
mod planted;

pub(super) const RECORD: &str = r#"{"version":1,"orgs":{}}"#;
const OTHER: &str = r#"{"version":1,"orgs":{},"n":2}"#;

/// A folder of its own that is gone after the test.
pub(crate) struct Scratch(PathBuf);

impl Scratch {
    pub(crate) fn new() -> Self {
        let path = std::env::temp_dir().join(format!(
            "parallel-account-{}-{:016x}",
            std::process::id(),
            fastrand::u64(..)
        ));
        fs::create_dir(&path).expect("a fresh folder");
        Scratch(path)
    }

    pub(crate) fn path(&self) -> &Path {
        &self.0
    }

    fn store(&self) -> FileStore {
        FileStore::new(self.0.join("sub").join(NAME))
    }

    /// Names in the folder of [`Scratch::store`].
    fn names(&self) -> Vec<String> {
        let mut names: Vec<_> = fs::read_dir(self.0.join("sub"))
            .expect("a folder")
            .map(|entry| entry.expect("there").file_name().display().to_string())
            .collect();
        names.sort();
        names
    }
}

impl Drop for Scratch {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}

fn text(record: &str) -> Option<String> {
    Some(record.to_owned())
}

/// Puts `record` there, whatever was there before.
fn write(store: &FileStore, record: &str) {
    let old = store.load_now(true).expect("readable");
    assert!(store.swap(old, text(record)).expect("written"));
}

/// As another program would: without a lock, in folders that it makes.
fn plant(store: &FileStore, content: &str) {
    fs::create_dir_all(store.path().parent().expect("a parent")).expect("made");
    fs::write(store.path(), content).expect("written");
}

#[test]
fn stores_of_one_file_are_equal_and_say_which_file_it_is() {
    let store = FileStore::new("a/auth.json");
    assert_eq!(store, FileStore::new("a/auth.json"));
    assert_ne!(store, FileStore::new("b/auth.json"));
    assert!(format!("{store:?}").contains("a/auth.json"), "{store:?}");
}
