//! What some file systems cannot do, and tests that play such a one.

use std::io;

/// What the file system is to answer instead of its own answer; in tests only.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Faults {
    #[cfg(test)]
    pub(super) sync: Option<i32>,
    #[cfg(test)]
    pub(super) lock: Option<i32>,
}

impl Faults {
    /// An answer to fsync. Some file systems have none, and there is nothing else to do there.
    pub(super) fn sync(self, answer: io::Result<()>) -> io::Result<()> {
        #[cfg(test)]
        let answer = self.sync.map_or(answer, failing);
        match answer {
            Err(error) if has_no_sync(&error) => Ok(()),
            answer => answer,
        }
    }

    /// An answer to flock.
    pub(super) fn lock(
        self,
        answer: Result<(), std::fs::TryLockError>,
    ) -> Result<(), std::fs::TryLockError> {
        #[cfg(test)]
        if let Some(code) = self.lock {
            return failing(code).map_err(std::fs::TryLockError::Error);
        }
        answer
    }
}

#[cfg(test)]
fn failing(code: i32) -> io::Result<()> {
    Err(io::Error::from_raw_os_error(code))
}

/// Whether this is how a file system says that it has no fsync; ENOTTY is how some say it to
/// what stands for it on Apple platforms.
fn has_no_sync(error: &io::Error) -> bool {
    #[cfg(unix)]
    {
        use rustix::io::Errno;
        let none = [
            Errno::INVAL,
            Errno::NOTSUP,
            Errno::OPNOTSUPP,
            Errno::NOSYS,
            Errno::NOTTY,
        ];
        Errno::from_io_error(error).is_some_and(|errno| none.contains(&errno))
    }
    #[cfg(not(unix))]
    return error.kind() == io::ErrorKind::Unsupported;
}

/// Whether this is how a file system says that it has no locks.
pub(super) fn has_no_locks(error: &io::Error) -> bool {
    #[cfg(unix)]
    {
        use rustix::io::Errno;
        let none = [Errno::NOSYS, Errno::NOTSUP, Errno::OPNOTSUPP, Errno::NOLCK];
        if Errno::from_io_error(error).is_some_and(|errno| none.contains(&errno)) {
            return true;
        }
    }
    error.kind() == io::ErrorKind::Unsupported
}
