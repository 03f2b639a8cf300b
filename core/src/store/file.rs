//! Credentials in a file that many processes share.

mod cell;
mod faults;
#[cfg(unix)]
mod folder;
mod place;
#[cfg(any(not(unix), test))]
#[cfg_attr(unix, allow(dead_code))] // Tests run it here, for a system that they do not run on.
mod portable;
mod problem;
mod seen;
mod turns;
#[cfg(unix)]
mod walk;

#[cfg(unix)]
use folder::Folder;
#[cfg(not(unix))]
use portable::Folder;

use super::{CredentialStore, Revision, StoreFuture, StoreLock};
use crate::Result;
use cell::{HeldLock, Taken};
use faults::Faults;
use place::NAME;
use seen::{Observation, Seen};
use std::{
    ffi::OsString,
    fmt,
    path::{Path, PathBuf},
    time::Duration,
};
use turns::blocking;

/// One JSON file, replaced atomically, readable by its owner alone, with a lock file beside it
/// (`auth.json.lock`) that is never deleted.
///
/// The lock is the operating system's, on this machine. On network file systems it is as good as
/// theirs. Where a file system has no locks, processes tell one another by a claim in the record
/// who renews it, and a change that another process makes in the instant between the last look at
/// the file and the replacement is lost. The same holds for whoever takes no lock, such as
/// Parallel's own CLI.
///
/// Only a regular file is read or replaced: never what a symbolic link points to, and only one
/// that belongs to this user. As root, only one that belongs to the owner of its folder and has no
/// second name. Folders on the way may be links of this user or root.
#[derive(Clone)]
pub struct FileStore {
    path: PathBuf,
    /// In the same folder, and read as long as there is no file at `path`: where an older version
    /// kept it.
    older: Option<OsString>,
    seen: Seen,
    faults: Faults,
}

impl FileStore {
    /// A file of your own.
    pub fn new(path: impl Into<PathBuf>) -> Self {
        FileStore {
            path: path.into(),
            older: None,
            seen: Seen::default(),
            faults: Faults::default(),
        }
    }

    /// The file of programs called `client_name`: `$XDG_CONFIG_HOME/<name>/auth.json` (default
    /// `~/.config`), on Apple platforms `~/Library/Application Support`, on Windows `%APPDATA%`.
    ///
    /// `<name>` is `client_name` itself where it has at most 64 of `a` to `z`, `0` to `9`, `.`,
    /// `_` and `-`, and starts and ends with no dot. Every other name gets a folder of its own
    /// too, which is called like it as far as possible, with a hash.
    ///
    /// # Errors
    /// `store` where there is no home folder.
    pub fn default_for(client_name: &str) -> Result<Self> {
        FileStore::default_at(client_name, None)
    }

    /// As [`FileStore::default_for`], for an `instance` of the services that is not Parallel's
    /// own: a login there must neither replace the real one nor be sent its tokens.
    pub(crate) fn default_at(client_name: &str, instance: Option<&str>) -> Result<Self> {
        place::default_file(client_name, instance).map(FileStore::new)
    }

    /// The file of Parallel's own CLI: who is logged in there is logged in here, and the reverse.
    ///
    /// # Errors
    /// `store` where there is no home folder.
    pub fn parallel_cli() -> Result<Self> {
        let folder = place::home()?.join(".config").join("parallel-web-tools");
        Ok(FileStore {
            older: Some("credentials.json".into()),
            ..FileStore::new(folder.join(NAME))
        })
    }

    /// Where the file is.
    pub fn path(&self) -> &Path {
        &self.path
    }

    fn check_path(&self) -> Result<()> {
        place::check(&self.path)
    }

    fn ask(&self) -> Observation {
        match &self.older {
            Some(older) => Observation::of(&[&self.path, &self.path.with_file_name(older)]),
            None => Observation::of(&[&self.path]),
        }
    }
}

/// The store for whoever holds its lock.
struct Locked(FileStore, #[allow(dead_code)] HeldLock);

impl CredentialStore for Locked {
    fn load(&self) -> StoreFuture<'_, Option<String>> {
        let store = self.0.clone();
        Box::pin(blocking(move || store.load_now(true)))
    }

    fn replace(&self, old: Option<String>, new: Option<String>) -> StoreFuture<'_, bool> {
        let store = self.0.clone();
        Box::pin(blocking(move || store.swap(old, new)))
    }

    fn location(&self) -> String {
        self.0.location()
    }
}

impl FileStore {
    /// Waits for the lock; `None` where the file system has none.
    async fn held(&self) -> Result<Option<HeldLock>> {
        let mut opened = None;
        // Trying keeps the wait cancellable, which a blocking lock would not be.
        let mut pause = Duration::from_millis(1);
        loop {
            let store = self.clone();
            match blocking(move || store.try_lock(opened)).await? {
                Taken::Held(lock) => return Ok(Some(lock)),
                Taken::Unsupported => return Ok(None),
                Taken::Busy(file) => opened = Some(file),
            }
            tokio::time::sleep(pause.mul_f64(0.5 + fastrand::f64())).await;
            pause = (pause * 2).min(Duration::from_millis(20));
        }
    }
}

impl CredentialStore for FileStore {
    fn load(&self) -> StoreFuture<'_, Option<String>> {
        let store = self.clone();
        Box::pin(blocking(move || store.load_now(false)))
    }

    fn replace(&self, old: Option<String>, new: Option<String>) -> StoreFuture<'_, bool> {
        Box::pin(async move {
            let held = self.held().await?;
            let store = self.clone();
            blocking(move || match held {
                Some(_lock) => store.swap(old, new),
                None => store.swap_in_turn(old, new),
            })
            .await
        })
    }

    fn lock(&self) -> StoreFuture<'_, Option<StoreLock>> {
        Box::pin(async move {
            let held = self.held().await?;
            Ok(held.map(|lock| StoreLock::new(Locked(self.clone(), lock))))
        })
    }

    /// Another process's write counts 10 ms later at most, one of this process at once.
    fn revision(&self) -> Revision<'_> {
        if let Some(revision) = self.seen.revision() {
            return Revision::Known(revision);
        }
        let store = self.clone();
        Revision::Asked(Box::pin(async {
            let seen = store.seen.clone();
            let answer = blocking(move || Ok(store.ask())).await?;
            seen.keep(answer);
            Ok(Some(answer.revision()))
        }))
    }

    fn location(&self) -> String {
        self.path.display().to_string()
    }

    fn check(&self) -> Result<()> {
        self.check_path()
    }
}

/// The same file, whatever is known of it.
impl PartialEq for FileStore {
    fn eq(&self, other: &Self) -> bool {
        (&self.path, &self.older) == (&other.path, &other.older)
    }
}

impl Eq for FileStore {}

impl fmt::Debug for FileStore {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("FileStore")
            .field("path", &self.path)
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests;
#[cfg(test)]
pub(super) use tests::Scratch;
