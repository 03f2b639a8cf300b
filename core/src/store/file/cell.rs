//! The file as a cell: what is in it, and how it is exchanged.

use super::{FileStore, Folder, faults::has_no_locks, problem::Problem, seen, turns};
use crate::{Error, ErrorKind, Result, clock::unix_ms, store::Record};
use std::{
    ffi::{OsStr, OsString},
    fs::{File, TryLockError},
    path::Path,
    sync::TryLockError as TryTurnError,
    time::SystemTime,
};
use zeroize::{Zeroize, Zeroizing};

const SUBJECT: &str = "credentials file";

/// What is in the file.
enum Found {
    Nothing,
    Record(String),
    /// What is no record.
    Damaged(Zeroizing<Vec<u8>>),
}

/// The operating system's lock. Closing alone would not release it while a forked child still
/// holds the descriptor.
pub(super) struct HeldLock(File);

impl Drop for HeldLock {
    fn drop(&mut self) {
        let _ = self.0.unlock();
    }
}

/// What came of trying to take the lock.
pub(super) enum Taken {
    Held(HeldLock),
    /// Somebody else has it.
    Busy(File),
    /// The file system has no locks.
    Unsupported,
}

impl FileStore {
    fn name(&self) -> &OsStr {
        self.path().file_name().unwrap_or_default()
    }

    /// The name of a file that belongs to ours.
    fn beside(&self, ending: &str) -> OsString {
        let mut name = self.name().to_owned();
        name.push(ending);
        name
    }

    fn folder_path(&self) -> &Path {
        self.path().parent().unwrap_or(Path::new(""))
    }

    fn find_folder(&self) -> Result<Option<Folder>> {
        self.check_path()?;
        Folder::find(self.folder_path(), self.faults)
            .map_err(|problem| self.error("cannot be reached", problem))
    }

    fn make_folder(&self) -> Result<Folder> {
        self.check_path()?;
        Folder::make(self.folder_path(), self.faults)
            .map_err(|problem| self.error("has no folder, and it cannot be made", problem))
    }

    fn found(&self, folder: &Folder) -> Result<Found> {
        let bytes = folder
            .read(SUBJECT, self.name())
            .map_err(|problem| self.error("cannot be read", problem))?;
        let Some(bytes) = bytes else {
            return Ok(self
                .found_older(folder)
                .map_or(Found::Nothing, Found::Record));
        };
        Ok(match as_text(bytes) {
            Ok(text) => Found::Record(text),
            Err(bytes) => Found::Damaged(bytes),
        })
    }

    /// What an older version kept. It only saves a login, so it is left alone where it is unfit.
    fn found_older(&self, folder: &Folder) -> Option<String> {
        let name = self.older.as_deref()?;
        let why = match folder.read("older credentials file", name) {
            Ok(bytes) => match as_text(bytes?) {
                Ok(text) => return Some(text),
                Err(_) => "is damaged".to_owned(),
            },
            Err(Problem::Refused(sentence)) => sentence,
            Err(Problem::Failed(error)) => error.to_string(),
        };
        tracing::warn!(path = %self.folder_path().join(name).display(), why, "an older credentials file is ignored");
        None
    }

    /// The record. A damaged file is set aside if nobody is about to change it: `locked` says
    /// that the caller holds the lock.
    pub(super) fn load_now(&self, locked: bool) -> Result<Option<String>> {
        let Some(folder) = self.find_folder()? else {
            return Ok(None);
        };
        let damaged = match self.found(&folder)? {
            Found::Nothing => return Ok(None),
            Found::Record(text) => return Ok(Some(text)),
            Found::Damaged(bytes) => bytes,
        };
        if locked {
            return Err(self.set_aside(&folder, &damaged));
        }
        let in_use = || {
            Error::new(
                ErrorKind::StoreCorrupt,
                format!(
                    "The credentials file {} is damaged. It is in use, so it was left where it is. Log in again, which moves it away.",
                    self.path().display()
                ),
            )
        };
        match self.try_lock(None).map_err(|error| self.stuck(error))? {
            Taken::Held(_lock) => Err(self.set_aside(&folder, &damaged)),
            Taken::Busy(_) => Err(in_use()),
            Taken::Unsupported => {
                let turn = turns::of(self.path());
                match turn.try_lock() {
                    Err(TryTurnError::WouldBlock) => Err(in_use()),
                    Ok(_) | Err(TryTurnError::Poisoned(_)) => {
                        Err(self.set_aside(&folder, &damaged))
                    }
                }
            }
        }
    }

    /// Moves a damaged file to `<name>.corrupt-<time>` and says so; under the lock.
    fn set_aside(&self, folder: &Folder, bytes: &[u8]) -> Error {
        // Whoever takes no lock may have replaced it since it was read.
        match folder.read(SUBJECT, self.name()) {
            Ok(again) if again.as_deref() == Some(bytes) => {}
            Ok(_) => {
                let path = self.path().display();
                let text =
                    format!("The credentials file {path} changed while it was read. Try again.");
                return Error::store(text, None);
            }
            Err(problem) => return self.error("cannot be read", problem),
        }
        let mut time = unix_ms(SystemTime::now());
        let moved = loop {
            let aside = self.beside(&format!(".corrupt-{time}"));
            match folder.rename(self.name(), &aside) {
                Ok(false) => time += 1,
                Ok(true) => break Ok(aside),
                Err(problem) => break Err(problem),
            }
        };
        seen::changed();
        match moved {
            Ok(aside) => Error::new(
                ErrorKind::StoreCorrupt,
                format!(
                    "The credentials file {} was damaged. It is kept as {}. Log in again.",
                    self.path().display(),
                    self.folder_path().join(aside).display()
                ),
            ),
            Err(problem) => self.stuck(self.error("cannot be moved away", problem)),
        }
    }

    /// A damaged file that stays where it is because of `error`.
    fn stuck(&self, error: Error) -> Error {
        Error::new(
            ErrorKind::StoreCorrupt,
            format!(
                "The credentials file {} is damaged and could not be set aside: {} Move it away, then log in again.",
                self.path().display(),
                error.message()
            ),
        )
        .with_source(error)
    }

    /// Exchanges the record if it is `old`; under the lock, or in this process's turn.
    pub(super) fn swap(&self, old: Option<String>, new: Option<String>) -> Result<bool> {
        let (old, new) = (old.map(Zeroizing::new), new.map(Zeroizing::new));
        let folder = match new {
            Some(_) => self.make_folder()?,
            None => match self.find_folder()? {
                Some(folder) => folder,
                None => return Ok(old.is_none()),
            },
        };
        let old = old.as_ref().map(|text| text.as_str());
        if old.is_none()
            && let Found::Damaged(bytes) = self.found(&folder)?
        {
            let set_aside = self.set_aside(&folder, &bytes);
            tracing::warn!("{set_aside}");
        }
        let is_old = || {
            Ok(match self.found(&folder)? {
                Found::Nothing => old.is_none(),
                Found::Record(text) => Some(Zeroizing::new(text).as_str()) == old,
                Found::Damaged(_) => false,
            })
        };
        if !is_old()? {
            return Ok(false);
        }
        let done = match new {
            Some(record) => {
                if is_damaged(&record) {
                    return Err(self.not_written());
                }
                self.write(&folder, &record, is_old)
            }
            None => folder
                .remove(self.name())
                .map(|()| true)
                .map_err(|problem| self.error("cannot be deleted", problem)),
        };
        seen::changed();
        done
    }

    fn not_written(&self) -> Error {
        let path = self.path().display();
        Error::store(
            format!(
                "The credentials file {path} was not written: it would be taken for a damaged one. Keep a JSON object there, or an encrypted record as text without spaces, such as Base64."
            ),
            None,
        )
    }

    /// Asks `is_old` again at the last moment, for those who take no lock.
    fn write(
        &self,
        folder: &Folder,
        record: &str,
        is_old: impl Fn() -> Result<bool>,
    ) -> Result<bool> {
        let mut failure = None;
        let still = || {
            Ok(is_old().unwrap_or_else(|error| {
                failure = Some(error);
                false
            }))
        };
        let name = self.beside(".new");
        let done = folder.replace(self.name(), &name, record.as_bytes(), still);
        match failure {
            Some(error) => Err(error),
            None => done.map_err(|problem| self.error("cannot be written", problem)),
        }
    }

    /// As [`FileStore::swap`], where there is no lock: within this process one at a time.
    pub(super) fn swap_in_turn(&self, old: Option<String>, new: Option<String>) -> Result<bool> {
        let turn = turns::of(self.path());
        let _turn = turn.lock().unwrap_or_else(|poisoned| poisoned.into_inner());
        self.swap(old, new)
    }

    /// Tries once. `file` is what an earlier try has opened.
    pub(super) fn try_lock(&self, file: Option<File>) -> Result<Taken> {
        const WHAT: &str = "cannot be locked";
        let file = match file {
            Some(file) => file,
            None => self
                .make_folder()?
                .lock_file(&self.beside(".lock"))
                .map_err(|problem| self.error(WHAT, problem))?,
        };
        match self.faults.lock(file.try_lock()) {
            Ok(()) => Ok(Taken::Held(HeldLock(file))),
            Err(TryLockError::WouldBlock) => Ok(Taken::Busy(file)),
            Err(TryLockError::Error(error)) if has_no_locks(&error) => Ok(Taken::Unsupported),
            Err(TryLockError::Error(error)) => Err(self.error(WHAT, error.into())),
        }
    }
}

/// A record's text. One of a newer version counts, and so does an encrypted one, for their refusal
/// is the reader's matter.
fn as_text(bytes: Vec<u8>) -> Result<String, Zeroizing<Vec<u8>>> {
    let bytes = Zeroizing::new(bytes);
    let mut text = String::from_utf8_lossy(&bytes).into_owned();
    match is_damaged(&text) {
        true => {
            text.zeroize();
            Err(bytes)
        }
        false => Ok(text),
    }
}

fn is_damaged(text: &str) -> bool {
    matches!(Record::parse(text), Err(error) if error.kind() == ErrorKind::StoreCorrupt)
}
