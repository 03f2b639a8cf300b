//! The way to a folder, one name at a time and each relative to the folder before, so that
//! nobody can put another folder in its place meanwhile.

use super::problem::Problem;
use rustix::{
    fs::{AtFlags, CWD, Dir, FileType, Mode, OFlags, Stat, openat, readlinkat, statat},
    io::Errno,
    process::geteuid,
};
use std::{
    ffi::{OsStr, OsString},
    fs::File,
    io,
    os::unix::{
        ffi::OsStringExt,
        fs::{MetadataExt, fchown},
    },
    path::{Component, Path, PathBuf},
};

/// As many symbolic links as Linux follows on one way.
const MOST_LINKS: u32 = 40;
/// Passing through a folder needs no permission to list it, where the system can tell the two
/// apart.
#[cfg(any(target_os = "linux", target_os = "android"))]
const PASS: OFlags = OFlags::PATH;
#[cfg(not(any(target_os = "linux", target_os = "android")))]
const PASS: OFlags = OFlags::RDONLY;

/// Opens the folder at `path`, `None` where there is none. With `make`, missing ones are made,
/// for their owner alone; those that root makes belong to whom the folder around them belongs to.
///
/// A symbolic link is followed if root or we ourselves own it: nobody else leads us anywhere.
pub(super) fn folder(path: &Path, make: bool) -> Result<Option<File>, Problem> {
    Walk::through(PASS, path, make)
}

struct Walk {
    pass: OFlags,
    /// The last folder that could be opened.
    at: File,
    /// What lies below it, where the folders in between may be passed and not opened.
    below: PathBuf,
}

impl Walk {
    fn through(pass: OFlags, path: &Path, make: bool) -> Result<Option<File>, Problem> {
        let start = if path.is_absolute() { "/" } else { "." };
        let mut walk = Walk {
            pass,
            at: open(CWD, Path::new(start), pass)?,
            below: PathBuf::new(),
        };
        let mut rest = parts(path);
        let mut links = 0;
        while let Some(part) = rest.pop() {
            walk.below.push(part);
            let opened = match open(&walk.at, &walk.below, pass) {
                Err(Errno::NOENT) if make => walk.make(path)?,
                opened => opened,
            };
            match opened {
                Ok(next) => walk.step(next),
                Err(Errno::NOENT) => return Ok(None),
                Err(errno @ (Errno::LOOP | Errno::NOTDIR | Errno::MLINK)) => {
                    let target = walk.link(path)?.ok_or(errno)?;
                    links += 1;
                    if links > MOST_LINKS {
                        return Err(Errno::LOOP.into());
                    }
                    if target.is_absolute() {
                        walk.step(open(CWD, Path::new("/"), pass)?);
                    } else {
                        walk.below.pop();
                    }
                    rest.extend(parts(&target));
                }
                Err(Errno::ACCESS | Errno::PERM) if !rest.is_empty() && walk.is_passable() => {}
                Err(errno) => return Err(errno.into()),
            }
        }
        if !walk.below.as_os_str().is_empty() {
            walk.step(open(&walk.at, &walk.below, pass)?);
        }
        Ok(Some(walk.at))
    }

    fn step(&mut self, next: File) {
        self.at = next;
        self.below.clear();
    }

    fn stat(&self, name: &Path) -> Result<Stat, Errno> {
        statat(&self.at, name, AtFlags::SYMLINK_NOFOLLOW)
    }

    /// Where a link that may be followed leads to; `None` for what is no link.
    fn link(&self, path: &Path) -> Result<Option<PathBuf>, Problem> {
        let before = self.stat(&self.below)?;
        if FileType::from_raw_mode(before.st_mode) != FileType::Symlink {
            return Ok(None);
        }
        if before.st_uid != 0 && before.st_uid != geteuid().as_raw() {
            let why = format!(
                "leads through a symbolic link of another user ({}), which is not followed. Name the file by the folder that the link points to.",
                self.below.display()
            );
            return Err(Problem::refused("path", path, &why));
        }
        let target = readlinkat(&self.at, &self.below, Vec::new())?;
        // Whoever owns the folder may have put another link there in between.
        let after = self.stat(&self.below)?;
        let same = |stat: &Stat| (stat.st_dev, stat.st_ino, stat.st_ctime, stat.st_ctime_nsec);
        if same(&before) != same(&after) {
            return Err(Problem::refused(
                "path",
                path,
                "changed while it was followed. Try again.",
            ));
        }
        Ok(Some(OsString::from_vec(target.into_bytes()).into()))
    }

    /// Whether the folder that cannot be opened is one that nobody but root or us can replace.
    fn is_passable(&self) -> bool {
        self.stat(&self.below).is_ok_and(|stat| {
            FileType::from_raw_mode(stat.st_mode) == FileType::Directory
                && (stat.st_uid == 0 || stat.st_uid == geteuid().as_raw())
                && stat.st_mode & 0o022 == 0
        })
    }

    /// Makes the folder and opens it. What is there by now is opened as well.
    fn make(&self, path: &Path) -> Result<Result<File, Errno>, Problem> {
        match rustix::fs::mkdirat(&self.at, &self.below, Mode::RWXU) {
            Ok(()) if geteuid().is_root() => {
                let made = match open(&self.at, &self.below, OFlags::RDONLY) {
                    Ok(made) => made,
                    Err(errno) => return Ok(Err(errno)),
                };
                self.give(&made, path)?;
                Ok(Ok(made))
            }
            Ok(()) | Err(Errno::EXIST) => Ok(open(&self.at, &self.below, self.pass)),
            Err(errno) => Ok(Err(errno)),
        }
    }

    /// What root makes in somebody's place is theirs, for they must be able to use it later.
    fn give(&self, made: &File, path: &Path) -> Result<(), Problem> {
        let around = match self.below.parent().filter(|path| *path != Path::new("")) {
            Some(parent) => {
                let stat = self.stat(parent)?;
                (stat.st_uid, stat.st_gid)
            }
            None => {
                let meta = self.at.metadata()?;
                (meta.uid(), meta.gid())
            }
        };
        // Its name may stand for another folder of root's by now.
        if made.metadata()?.uid() != 0 || !is_empty(made)? {
            return Err(Problem::refused(
                "folder",
                path,
                "was replaced while it was made. Try again.",
            ));
        }
        if around != (0, 0) {
            fchown(made, Some(around.0), Some(around.1))?;
        }
        Ok(())
    }
}

fn open(at: impl std::os::fd::AsFd, name: &Path, access: OFlags) -> Result<File, Errno> {
    let flags = access | OFlags::DIRECTORY | OFlags::NOFOLLOW | OFlags::CLOEXEC;
    openat(at, name, flags, Mode::empty()).map(File::from)
}

/// The names of `path`, the first one last.
fn parts(path: &Path) -> Vec<OsString> {
    let name = |part: Component<'_>| match part {
        Component::Normal(name) => Some(name.to_owned()),
        Component::ParentDir => Some(OsStr::new("..").to_owned()),
        Component::RootDir | Component::CurDir | Component::Prefix(_) => None,
    };
    path.components().rev().filter_map(name).collect()
}

fn is_empty(folder: &File) -> io::Result<bool> {
    for entry in Dir::read_from(folder)? {
        let name = entry?.file_name().to_bytes().to_owned();
        if name != b"." && name != b".." {
            return Ok(false);
        }
    }
    Ok(true)
}

#[cfg(test)]
mod tests;
