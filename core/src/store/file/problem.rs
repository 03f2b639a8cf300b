//! Why a file could not be used, in words.

use super::FileStore;
use crate::Error;
use std::{io, path::Path};

/// More is no record, and would only fill the memory.
pub(super) const LARGEST_FILE: u64 = 1 << 20;

/// What is in the way of an operation.
#[derive(Debug)]
pub(super) enum Problem {
    /// Something that is not used at all, as a sentence that says what to do.
    Refused(String),
    /// The system said no.
    Failed(io::Error),
}

impl Problem {
    /// `subject` is what the file at `path` is for; `why` is the rest of the sentence.
    pub(super) fn refused(subject: &str, path: &Path, why: &str) -> Self {
        Problem::Refused(format!("The {subject} {} {why}", path.display()))
    }
}

impl From<io::Error> for Problem {
    fn from(error: io::Error) -> Self {
        Problem::Failed(error)
    }
}

#[cfg(unix)]
impl From<rustix::io::Errno> for Problem {
    fn from(error: rustix::io::Errno) -> Self {
        Problem::Failed(error.into())
    }
}

impl FileStore {
    /// `what` is what could not be done to the credentials file, such as "cannot be read".
    pub(super) fn error(&self, what: &str, problem: Problem) -> Error {
        let error = match problem {
            Problem::Refused(sentence) => return Error::store(sentence, None),
            Problem::Failed(error) => error,
        };
        let advice = advice(&error);
        let path = self.path().display();
        Error::store(
            format!("The credentials file {path} {what} ({error}). {advice}."),
            Some(Box::new(error)),
        )
    }
}

fn advice(error: &io::Error) -> &'static str {
    match error.kind() {
        _ if out_of_descriptors(error) => match cfg!(windows) {
            true => "Too many files are open: close those that are no longer used",
            false => {
                "Too many files and connections are open: close those that are no longer used, or raise the limit (ulimit -n)"
            }
        },
        // ERROR_SHARING_VIOLATION and ERROR_LOCK_VIOLATION.
        _ if cfg!(windows) && matches!(error.raw_os_error(), Some(32 | 33)) => {
            "Another program has it open: close that program, or try again"
        }
        io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded => "Free some space",
        io::ErrorKind::PermissionDenied | io::ErrorKind::ReadOnlyFilesystem => {
            "Check the permissions, or name another file"
        }
        _ => "Check the path, or name another file",
    }
}

fn out_of_descriptors(error: &io::Error) -> bool {
    #[cfg(unix)]
    return matches!(
        rustix::io::Errno::from_io_error(error),
        Some(rustix::io::Errno::MFILE | rustix::io::Errno::NFILE)
    );
    // ERROR_TOO_MANY_OPEN_FILES.
    #[cfg(not(unix))]
    return error.raw_os_error() == Some(4);
}

#[cfg(all(test, unix))]
mod tests {
    use super::*;

    #[test]
    fn running_out_of_descriptors_has_its_own_words() {
        use rustix::io::Errno;
        for errno in [Errno::MFILE, Errno::NFILE] {
            let error = FileStore::new("auth.json").error("cannot be read", errno.into());
            assert!(error.message().contains("ulimit -n"), "{error}");
            assert!(!error.message().contains("Check the path"), "{error}");
        }
        let error = FileStore::new("auth.json").error("cannot be read", Errno::NOSPC.into());
        assert!(error.message().contains("Free some space"), "{error}");
    }
}
