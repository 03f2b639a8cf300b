//! The file of a login that one run starts and another waits for.

use crate::failure::{BAD_INPUT, Failure, io_failure};
use parallel_account::{Error, ErrorKind, Secret};
use std::{
    fs::{self, File, Metadata, OpenOptions, TryLockError},
    io::{self, Read, Write},
    path::{Path, PathBuf},
};

/// A record is much shorter.
const LONGEST: u64 = 65_536;

/// What a run has to do.
pub(super) enum Work {
    /// The file is new or empty.
    Start,
    /// It holds this record, a secret.
    Resume(Secret),
}

/// The file, locked by the operating system as long as this lives.
pub(super) struct PendingFile {
    path: PathBuf,
    file: File,
}

impl PendingFile {
    pub(super) fn open(path: &Path) -> Result<(PendingFile, Work), Failure> {
        loop {
            let pending = PendingFile {
                path: path.to_owned(),
                file: open(path).map_err(|error| unusable(path, &explain(path, &error)))?,
            };
            let metadata = pending.metadata()?;
            pending.check(&metadata)?;
            match pending.file.try_lock() {
                Ok(()) => {}
                Err(TryLockError::WouldBlock) => {
                    return Err(unusable(path, "another run is using it"));
                }
                // No locks on this file system: two runs would both wait, and one of them fails.
                Err(TryLockError::Error(_)) => {}
            }
            if pending.is_there() {
                let work = pending.work()?;
                return Ok((pending, work));
            }
            // Its login ended between opening and locking.
        }
    }

    pub(super) fn path(&self) -> &Path {
        &self.path
    }

    fn metadata(&self) -> Result<Metadata, Failure> {
        self.file
            .metadata()
            .map_err(|error| unusable(&self.path, &error.to_string()))
    }

    /// Whoever else could have planted the file could also read what is written to it.
    fn check(&self, metadata: &Metadata) -> Result<(), Failure> {
        if !metadata.is_file() {
            return Err(unusable(&self.path, "it is not a regular file"));
        }
        if metadata.len() > LONGEST {
            return Err(unusable(&self.path, "it does not hold a pending login"));
        }
        #[cfg(unix)]
        {
            use std::os::unix::fs::MetadataExt;
            if metadata.uid() != rustix::process::geteuid().as_raw() {
                return Err(unusable(&self.path, "it belongs to another user"));
            }
            if metadata.nlink() > 1 {
                return Err(unusable(&self.path, "it has a second name"));
            }
        }
        Ok(())
    }

    fn work(&self) -> Result<Work, Failure> {
        let mut record = String::new();
        match (&self.file).take(LONGEST).read_to_string(&mut record) {
            Ok(0) => Ok(Work::Start),
            Ok(_) => Ok(Work::Resume(Secret::from(record))),
            Err(error) if error.kind() == io::ErrorKind::InvalidData => {
                Err(unusable(&self.path, "it does not hold a pending login"))
            }
            Err(error) => Err(unusable(&self.path, &error.to_string())),
        }
    }

    /// Writes the record of a login that was started.
    pub(super) fn write(&self, record: &Secret) -> Result<(), Failure> {
        let written = self.narrow().and_then(|()| {
            (&self.file).write_all(record.expose().as_bytes())?;
            self.file.sync_all()
        });
        written.map_err(|error| {
            self.remove();
            let what = format!(
                "Writing the pending login to {} failed",
                self.path.display()
            );
            io_failure(what, &error)
        })
    }

    /// A file that was there may be readable by others.
    fn narrow(&self) -> io::Result<()> {
        #[cfg(unix)]
        {
            use std::os::unix::fs::PermissionsExt;
            self.file
                .set_permissions(fs::Permissions::from_mode(0o600))?;
        }
        Ok(())
    }

    /// The login has ended.
    pub(super) fn remove(&self) {
        if self.is_there() {
            let _ = fs::remove_file(&self.path);
        }
    }

    /// Whether the path still leads to this file.
    fn is_there(&self) -> bool {
        #[cfg(unix)]
        {
            use std::os::unix::fs::MetadataExt;
            let id = |metadata: Metadata| (metadata.dev(), metadata.ino());
            match (fs::symlink_metadata(&self.path), self.file.metadata()) {
                (Ok(there), Ok(ours)) => id(there) == id(ours),
                _ => false,
            }
        }
        #[cfg(not(unix))]
        self.path.exists()
    }

    /// Why its record could not be continued. It may be a file of the user's, and is kept.
    pub(super) fn refusal(&self, error: &Error) -> Failure {
        if error.kind() != ErrorKind::InvalidRequest {
            return error.clone().into();
        }
        unusable(&self.path, "it does not hold a pending login")
    }
}

fn open(path: &Path) -> io::Result<File> {
    let mut options = OpenOptions::new();
    options.read(true).write(true).create(true).truncate(false);
    #[cfg(unix)]
    {
        use rustix::fs::OFlags;
        use std::os::unix::fs::OpenOptionsExt;
        // A FIFO must not make the command wait for its reader.
        let flags = OFlags::NOFOLLOW | OFlags::NONBLOCK | OFlags::NOCTTY;
        options.mode(0o600).custom_flags(flags.bits() as i32);
    }
    #[cfg(windows)]
    {
        use std::os::windows::fs::OpenOptionsExt;
        // FILE_FLAG_OPEN_REPARSE_POINT: a link itself is opened, and then refused.
        options.custom_flags(0x0020_0000);
    }
    options.open(path)
}

fn explain(path: &Path, error: &io::Error) -> String {
    #[cfg(unix)]
    if error.raw_os_error() == Some(rustix::io::Errno::LOOP.raw_os_error()) {
        return "it is a symbolic link".into();
    }
    match error.kind() {
        io::ErrorKind::IsADirectory => "it is a folder".into(),
        // What Windows says of a folder.
        io::ErrorKind::PermissionDenied if path.is_dir() => "it is a folder".into(),
        io::ErrorKind::NotFound => "its folder does not exist".into(),
        io::ErrorKind::PermissionDenied => "permission was denied".into(),
        _ => error.to_string(),
    }
}

fn unusable(path: &Path, why: &str) -> Failure {
    Failure::new(
        BAD_INPUT,
        "config",
        format!(
            "The --pending file {} cannot be used: {why}. Choose another path.",
            path.display()
        ),
    )
}
