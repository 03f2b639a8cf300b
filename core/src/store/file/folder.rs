//! The folder that the credentials file lies in, held open: files are reached by their names in
//! it and never through a link, so that nobody can lead us elsewhere.

use super::{
    faults::Faults,
    problem::{LARGEST_FILE, Problem},
    walk,
};
use rustix::{
    fs::{AtFlags, FileType, Mode, OFlags, openat, renameat, statat, unlinkat},
    io::Errno,
    process::geteuid,
};
use std::{
    ffi::OsStr,
    fs::{File, Metadata, Permissions},
    io::{self, Read, Write},
    os::unix::fs::{MetadataExt, PermissionsExt, fchown},
    path::{Path, PathBuf},
};
use zeroize::Zeroize;

pub(super) struct Folder {
    dir: File,
    path: PathBuf,
    owner: u32,
    group: u32,
    faults: Faults,
}

impl Folder {
    /// The folder at `path`, `None` where there is none.
    pub(super) fn find(path: &Path, faults: Faults) -> Result<Option<Folder>, Problem> {
        walk::folder(path, false)?
            .map(|dir| Folder::new(dir, path, faults))
            .transpose()
    }

    /// The folder at `path`, made where there is none.
    pub(super) fn make(path: &Path, faults: Faults) -> Result<Folder, Problem> {
        let dir = walk::folder(path, true)?.ok_or(Errno::NOENT)?;
        Folder::new(dir, path, faults)
    }

    fn new(dir: File, path: &Path, faults: Faults) -> Result<Folder, Problem> {
        let meta = dir.metadata()?;
        Ok(Folder {
            dir,
            path: path.to_owned(),
            owner: meta.uid(),
            group: meta.gid(),
            faults,
        })
    }

    /// What the file holds, `None` where there is none. Others' permissions are taken away.
    pub(super) fn read(&self, subject: &str, name: &OsStr) -> Result<Option<Vec<u8>>, Problem> {
        let Some((file, meta)) = self.open(subject, name, OFlags::RDONLY)? else {
            return Ok(None);
        };
        if meta.mode() & 0o077 != 0 {
            let mended = file.set_permissions(Permissions::from_mode(0o600)).is_ok();
            tracing::warn!(path = %self.path.join(name).display(), mode = format!("{:o}", meta.mode() & 0o777),
                mended, "others could read the credentials");
        }
        // Counted while reading, as a file may grow meanwhile; with room for all, so that no
        // half copy stays behind in memory.
        let room = meta.len().min(LARGEST_FILE) as usize + 1;
        let mut bytes = Vec::with_capacity(room);
        file.take(LARGEST_FILE + 1).read_to_end(&mut bytes)?;
        if bytes.len() as u64 > LARGEST_FILE {
            bytes.zeroize();
            return Err(Problem::refused(
                subject,
                &self.path.join(name),
                "is larger than 1 MiB, so it holds no credentials. Move it away, or name another file.",
            ));
        }
        Ok(Some(bytes))
    }

    /// Puts `bytes` in the place of the file `name`, by a file called `temporary`, unless `still`
    /// says just before that it is not to be done any more. Durable once this returns.
    pub(super) fn replace(
        &self,
        name: &OsStr,
        temporary: &OsStr,
        bytes: &[u8],
        still: impl FnOnce() -> Result<bool, Problem>,
    ) -> Result<bool, Problem> {
        let written = self
            .write_new(temporary, bytes)
            .and_then(|()| still())
            .and_then(|still| {
                if still {
                    renameat(&self.dir, temporary, &self.dir, name)?;
                }
                Ok(still)
            });
        if !matches!(written, Ok(true)) {
            let _ = unlinkat(&self.dir, temporary, AtFlags::empty());
        }
        if written? {
            self.sync()?;
            return Ok(true);
        }
        Ok(false)
    }

    /// One name, as the lock keeps other writers out: a crash leaves one file at most, and the
    /// next write takes its place.
    fn write_new(&self, name: &OsStr, bytes: &[u8]) -> Result<(), Problem> {
        match unlinkat(&self.dir, name, AtFlags::empty()) {
            Ok(()) | Err(Errno::NOENT) => {}
            Err(errno) => {
                self.look("temporary file", name)?;
                return Err(errno.into());
            }
        }
        let mut file = self.create(name, OFlags::WRONLY)?;
        file.write_all(bytes)?;
        Ok(self.faults.sync(file.sync_all())?)
    }

    /// Makes the file `name`, which there must not be. What root makes in somebody's place is
    /// theirs, for they must be able to use it later.
    fn create(&self, name: &OsStr, access: OFlags) -> Result<File, Problem> {
        let flags = access | OFlags::CREATE | OFlags::EXCL | OFlags::NOFOLLOW | OFlags::CLOEXEC;
        let file = File::from(openat(&self.dir, name, flags, Mode::RUSR | Mode::WUSR)?);
        if geteuid().is_root() {
            let meta = file.metadata()?;
            if (meta.uid(), meta.gid()) != (self.owner, self.group) {
                fchown(&file, Some(self.owner), Some(self.group))?;
            }
        }
        Ok(file)
    }

    /// The file `name` to be locked, made where there is none.
    pub(super) fn lock_file(&self, name: &OsStr) -> Result<File, Problem> {
        const SUBJECT: &str = "lock file";
        // It is never deleted, so somebody else's mischief alone can continue for longer.
        for _ in 0..10 {
            match self.create(name, OFlags::RDWR) {
                Err(Problem::Failed(error)) if error.kind() == io::ErrorKind::AlreadyExists => {}
                created => return created,
            }
            if let Some((file, _)) = self.open(SUBJECT, name, OFlags::RDWR)? {
                return Ok(file);
            }
        }
        let why = "is made and deleted again and again. Find out by whom, then try again.";
        Err(Problem::refused(SUBJECT, &self.path.join(name), why))
    }

    /// Gives the file another name that nothing has yet; `false` where something has it.
    pub(super) fn rename(&self, from: &OsStr, to: &OsStr) -> Result<bool, Problem> {
        match statat(&self.dir, to, AtFlags::SYMLINK_NOFOLLOW) {
            Err(Errno::NOENT) => {}
            Ok(_) => return Ok(false),
            Err(errno) => return Err(errno.into()),
        }
        renameat(&self.dir, from, &self.dir, to)?;
        self.sync()?;
        Ok(true)
    }

    /// Deletes the file, if there is one.
    pub(super) fn remove(&self, name: &OsStr) -> Result<(), Problem> {
        match unlinkat(&self.dir, name, AtFlags::empty()) {
            Ok(()) => self.sync(),
            Err(Errno::NOENT) => Ok(()),
            Err(errno) => Err(errno.into()),
        }
    }

    /// What the folder says of its files is durable after this, where it can be opened for that.
    fn sync(&self) -> Result<(), Problem> {
        let flags = OFlags::RDONLY | OFlags::CLOEXEC;
        match openat(&self.dir, ".", flags, Mode::empty()) {
            Ok(folder) => Ok(self.faults.sync(File::from(folder).sync_all())?),
            Err(Errno::ACCESS) => Ok(()),
            Err(errno) => Err(errno.into()),
        }
    }

    /// Opens what is there, if it is a file that we may use.
    fn open(
        &self,
        subject: &str,
        name: &OsStr,
        access: OFlags,
    ) -> Result<Option<(File, Metadata)>, Problem> {
        // Without waiting for the other end of a FIFO.
        let flags = access | OFlags::NOFOLLOW | OFlags::NONBLOCK | OFlags::NOCTTY | OFlags::CLOEXEC;
        match openat(&self.dir, name, flags, Mode::empty()) {
            Ok(file) => {
                let file = File::from(file);
                let meta = file.metadata()?;
                let kind = FileType::from_raw_mode(meta.mode() as _);
                self.check(subject, name, kind, (meta.uid(), meta.nlink()))?;
                Ok(Some((file, meta)))
            }
            Err(Errno::NOENT) => Ok(None),
            Err(errno) => {
                self.look(subject, name)?;
                Err(errno.into())
            }
        }
    }

    /// Says what is wrong with what cannot be opened, if that can be seen from outside.
    fn look(&self, subject: &str, name: &OsStr) -> Result<(), Problem> {
        match statat(&self.dir, name, AtFlags::SYMLINK_NOFOLLOW) {
            Ok(stat) => {
                let kind = FileType::from_raw_mode(stat.st_mode);
                #[allow(clippy::useless_conversion)] // 16 bits on some systems.
                self.check(subject, name, kind, (stat.st_uid, stat.st_nlink.into()))
            }
            Err(_) => Ok(()),
        }
    }

    fn check(
        &self,
        subject: &str,
        name: &OsStr,
        kind: FileType,
        (owner, names): (u32, u64),
    ) -> Result<(), Problem> {
        let refuse = |why: &str| Err(Problem::refused(subject, &self.path.join(name), why));
        let in_the_way = match kind {
            FileType::RegularFile => None,
            FileType::Symlink => {
                return refuse(
                    "is a symbolic link, which is never followed. Name the file that it points to, or remove the link.",
                );
            }
            FileType::Directory => Some("folder"),
            FileType::Fifo => Some("FIFO"),
            FileType::Socket => Some("socket"),
            _ => Some("device"),
        };
        if let Some(kind) = in_the_way {
            return refuse(&format!(
                "is a {kind}, where a file should be. Move it away."
            ));
        }
        let ours = geteuid();
        if !ours.is_root() {
            if owner != ours.as_raw() {
                return refuse("belongs to another user. Use a file of your own.");
            }
            return Ok(());
        }
        // Whoever owns the folder can put any file of the machine into it by a second name, and
        // root would read and change it for them.
        if owner != self.owner {
            return refuse(&format!(
                "belongs to another user ({owner}) than its folder ({}), so root leaves it alone. Correct its owner, or name another file.",
                self.owner
            ));
        }
        if names > 1 {
            return refuse(
                "has a second name (a hard link), so root leaves it alone. Remove one of them, or name another file.",
            );
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::file::Scratch;

    #[test]
    fn what_is_in_the_way_is_named() {
        let scratch = Scratch::new();
        let folder = Folder::find(scratch.path(), Faults::default());
        let folder = folder.expect("opened").expect("there");
        for (kind, name) in [
            (FileType::Directory, "is a folder,"),
            (FileType::Fifo, "is a FIFO,"),
            (FileType::Socket, "is a socket,"),
            (FileType::BlockDevice, "is a device,"),
            (FileType::Symlink, "is a symbolic link,"),
        ] {
            let refused = folder.check("file", OsStr::new("x"), kind, (folder.owner, 1));
            let Err(Problem::Refused(sentence)) = refused else {
                panic!("used")
            };
            assert!(sentence.contains(name), "{sentence}");
        }
    }
}
