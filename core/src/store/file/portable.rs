//! The folder that the credentials file lies in, where the system has no folder descriptors: by
//! its path.

use super::{
    faults::Faults,
    problem::{LARGEST_FILE, Problem},
};
use std::{
    ffi::OsStr,
    fs::{self, File, OpenOptions},
    io::{self, Read, Write},
    path::{Path, PathBuf},
};
use zeroize::Zeroize;

pub(super) struct Folder {
    path: PathBuf,
    faults: Faults,
}

impl Folder {
    pub(super) fn find(path: &Path, faults: Faults) -> Result<Option<Folder>, Problem> {
        let path = nonempty(path);
        Ok(path.try_exists()?.then_some(Folder { path, faults }))
    }

    pub(super) fn make(path: &Path, faults: Faults) -> Result<Folder, Problem> {
        let path = nonempty(path);
        fs::create_dir_all(&path)?;
        Ok(Folder { path, faults })
    }

    pub(super) fn read(&self, subject: &str, name: &OsStr) -> Result<Option<Vec<u8>>, Problem> {
        let path = self.path.join(name);
        if !self.check(subject, &path)? {
            return Ok(None);
        }
        let file = match File::open(&path) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
            file => file?,
        };
        let room = file.metadata()?.len().min(LARGEST_FILE) as usize + 1;
        let mut bytes = Vec::with_capacity(room);
        file.take(LARGEST_FILE + 1).read_to_end(&mut bytes)?;
        if bytes.len() as u64 > LARGEST_FILE {
            bytes.zeroize();
            return Err(Problem::refused(
                subject,
                &path,
                "is larger than 1 MiB, so it holds no credentials. Move it away, or name another file.",
            ));
        }
        Ok(Some(bytes))
    }

    pub(super) fn replace(
        &self,
        name: &OsStr,
        temporary: &OsStr,
        bytes: &[u8],
        still: impl FnOnce() -> Result<bool, Problem>,
    ) -> Result<bool, Problem> {
        let temporary = self.path.join(temporary);
        let written = self.write_new(&temporary, bytes).and_then(|()| still());
        let written = written.and_then(|still| {
            if still {
                fs::rename(&temporary, self.path.join(name))?;
            }
            Ok(still)
        });
        if !matches!(written, Ok(true)) {
            let _ = fs::remove_file(&temporary);
        }
        written
    }

    fn write_new(&self, path: &Path, bytes: &[u8]) -> Result<(), Problem> {
        if self.check("temporary file", path)? {
            fs::remove_file(path)?;
        }
        let mut file = OpenOptions::new().write(true).create_new(true).open(path)?;
        file.write_all(bytes)?;
        Ok(self.faults.sync(file.sync_all())?)
    }

    pub(super) fn lock_file(&self, name: &OsStr) -> Result<File, Problem> {
        let path = self.path.join(name);
        self.check("lock file", &path)?;
        let mut options = OpenOptions::new();
        options.write(true).create(true).truncate(false);
        Ok(options.open(path)?)
    }

    pub(super) fn rename(&self, from: &OsStr, to: &OsStr) -> Result<bool, Problem> {
        let to = self.path.join(to);
        if to.try_exists()? {
            return Ok(false);
        }
        fs::rename(self.path.join(from), to)?;
        Ok(true)
    }

    pub(super) fn remove(&self, name: &OsStr) -> Result<(), Problem> {
        match fs::remove_file(self.path.join(name)) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error.into()),
            _ => Ok(()),
        }
    }

    /// Whether there is a file; anything else is refused.
    fn check(&self, subject: &str, path: &Path) -> Result<bool, Problem> {
        let meta = match fs::symlink_metadata(path) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(false),
            meta => meta?,
        };
        let refuse = |why: &str| Err(Problem::refused(subject, path, why));
        if meta.is_symlink() {
            return refuse(
                "is a symbolic link, which is never followed. Name the file that it points to, or remove the link.",
            );
        }
        if meta.is_dir() {
            return refuse("is a folder, where a file should be. Move it away.");
        }
        if !meta.is_file() {
            return refuse("is no regular file. Move it away.");
        }
        Ok(true)
    }
}

/// A relative path's folder may be called nothing.
fn nonempty(path: &Path) -> PathBuf {
    match path.as_os_str().is_empty() {
        true => PathBuf::from("."),
        false => path.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_reads_replaces_locks_and_deletes() {
        let scratch = super::super::tests::Scratch::new();
        let folder = Folder::make(&scratch.path().join("sub"), Faults::default()).expect("made");
        let (name, new) = (OsStr::new("auth.json"), OsStr::new("auth.json.new"));
        assert_eq!(folder.read("file", name).expect("nothing"), None);
        for text in ["one", "two"] {
            let written = folder.replace(name, new, text.as_bytes(), || Ok(true));
            assert!(written.expect("written"));
            let read = folder.read("file", name).expect("read");
            assert_eq!(read.as_deref(), Some(text.as_bytes()));
        }
        assert!(!folder.replace(name, new, b"3", || Ok(false)).expect("left"));
        folder
            .lock_file(OsStr::new("auth.json.lock"))
            .expect("made");
        assert!(folder.rename(name, OsStr::new("aside")).expect("renamed"));
        folder.remove(OsStr::new("aside")).expect("deleted");
        folder.remove(name).expect("deleting nothing is fine");
        fs::write(scratch.path().join("sub/big"), vec![b' '; 2 << 20]).expect("written");
        let error = folder.read("file", OsStr::new("big")).expect_err("too big");
        assert!(matches!(error, Problem::Refused(_)));
        let found = Folder::find(&scratch.path().join("other"), Faults::default());
        assert!(found.expect("looked").is_none());
    }
}
