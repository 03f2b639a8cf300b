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
    thread,
    time::Duration,
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
        self.check(subject, &path)?;
        let file = match patiently(|| File::open(&path)) {
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
                patiently(|| fs::rename(&temporary, self.path.join(name)))?;
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
        patiently(|| fs::rename(self.path.join(from), &to))?;
        Ok(true)
    }

    pub(super) fn remove(&self, name: &OsStr) -> Result<(), Problem> {
        match patiently(|| fs::remove_file(self.path.join(name))) {
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
            return refuse("is not a regular file. Move it away.");
        }
        Ok(true)
    }
}

/// Tries again for a second where another program has the file open: on Windows, virus scanners and
/// programs that read it, such as Python's `open`, keep it from being replaced meanwhile.
fn patiently<T>(mut action: impl FnMut() -> io::Result<T>) -> io::Result<T> {
    let mut pause = Duration::from_millis(1);
    loop {
        match action() {
            Err(error) if is_in_use(&error) && pause < Duration::from_secs(1) => {
                thread::sleep(pause);
                pause *= 2;
            }
            result => return result,
        }
    }
}

/// On Windows: `ERROR_ACCESS_DENIED`, which it also answers of a file that is being deleted,
/// `ERROR_SHARING_VIOLATION` and `ERROR_LOCK_VIOLATION`.
fn is_in_use(error: &io::Error) -> bool {
    matches!(error.raw_os_error(), Some(5 | 32 | 33))
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
    fn a_file_in_use_is_waited_for_and_nothing_else_is() {
        // How often it fails with this code, and how often it is tried.
        for (code, failures, tries) in [(32, 2, 3), (5, 1, 2), (33, 99, 11), (2, 1, 1)] {
            let mut tried = 0;
            let result = patiently(|| {
                tried += 1;
                match tried > failures {
                    true => Ok(()),
                    false => Err(io::Error::from_raw_os_error(code)),
                }
            });
            assert_eq!((tried, result.is_ok()), (tries, tries > failures), "{code}");
        }
    }

    #[test]
    fn what_is_no_file_is_refused() {
        let scratch = super::super::tests::Scratch::new();
        let folder = Folder::make(&scratch.path().join("sub"), Faults::default()).expect("made");
        let place = scratch.path().join("sub/place");
        let check = |path: &Path| folder.check("file", path);
        assert!(!check(&place).expect("looked"), "there is nothing");
        fs::create_dir(&place).expect("made");
        assert!(matches!(check(&place), Err(Problem::Refused(_))));
        fs::remove_dir(&place).expect("deleted");
        fs::write(&place, "{}").expect("written");
        assert!(check(&place).expect("looked"));
        #[cfg(unix)]
        {
            check(&place.join("below")).expect_err("a file has nothing below it");
            let link = scratch.path().join("sub/link");
            std::os::unix::fs::symlink(&place, &link).expect("made");
            assert!(matches!(check(&link), Err(Problem::Refused(_))));
        }
    }

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
        assert_eq!(folder.read("file", new).expect("nothing"), None);
        assert!(!folder.rename(name, name).expect("there is one"));
        folder
            .lock_file(OsStr::new("auth.json.lock"))
            .expect("made");
        assert!(folder.rename(name, OsStr::new("aside")).expect("renamed"));
        assert_eq!(folder.read("file", name).expect("nothing"), None);
        folder.remove(OsStr::new("aside")).expect("deleted");
        assert_eq!(
            folder.read("file", OsStr::new("aside")).expect("gone"),
            None
        );
        folder.remove(name).expect("deleting nothing is fine");
        fs::write(scratch.path().join("sub/big"), vec![b' '; 2 << 20]).expect("written");
        let error = folder.read("file", OsStr::new("big")).expect_err("too big");
        assert!(matches!(error, Problem::Refused(_)));
        for length in [0, 1 << 20] {
            fs::write(scratch.path().join("sub/big"), vec![b' '; length]).expect("written");
            let read = folder.read("file", OsStr::new("big")).expect("read");
            assert_eq!(read.expect("there").len(), length);
        }
        let find = |name| Folder::find(&scratch.path().join(name), Faults::default());
        assert!(find("other").expect("looked").is_none());
        let found = find("").expect("looked").expect("there");
        found.remove(OsStr::new("sub")).expect_err("a folder");
        #[cfg(unix)]
        find("sub/big")
            .expect("looked")
            .expect("there")
            .read("file", name)
            .expect_err("no folder");
    }

    #[cfg(windows)]
    #[test]
    fn a_file_that_somebody_reads_is_replaced_once_it_is_closed() {
        use std::{os::windows::fs::OpenOptionsExt, sync::mpsc};
        let scratch = super::super::tests::Scratch::new();
        let folder = Folder::make(scratch.path(), Faults::default()).expect("made");
        let (name, new) = (OsStr::new("auth.json"), OsStr::new("auth.json.new"));
        fs::write(scratch.path().join(name), "one").expect("written");
        // FILE_SHARE_READ and FILE_SHARE_WRITE, as the C library has it.
        let mut options = OpenOptions::new();
        options.read(true).share_mode(3);
        let reader = options.open(scratch.path().join(name)).expect("opened");
        let error = fs::remove_file(scratch.path().join(name)).expect_err("it is open");
        assert!(is_in_use(&error), "{error}");
        let (about_to, asked) = mpsc::channel();
        let closing = thread::spawn(move || {
            asked.recv().expect("asked");
            drop(reader);
        });
        let still = || {
            about_to.send(()).expect("somebody waits");
            Ok(true)
        };
        assert!(folder.replace(name, new, b"two", still).expect("written"));
        closing.join().expect("no panic");
        let read = folder.read("file", name).expect("read");
        assert_eq!(read.as_deref(), Some(&b"two"[..]));
    }
}
