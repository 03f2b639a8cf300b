//! Credentials in a file that many processes share.

use super::{CredentialStore, Record, StoreFuture, StoreLock};
use crate::{Error, ErrorKind, Result, clock::unix_ms};
use std::{
    env,
    fs::{self, File, OpenOptions, TryLockError},
    hash::{DefaultHasher, Hash, Hasher},
    io::{self, Write},
    path::{Path, PathBuf},
    time::{Duration, SystemTime},
};

const NAME: &str = "auth.json";

/// One JSON file, replaced atomically, readable by its owner alone, with a lock file beside it
/// (`auth.json.lock`) that is never deleted.
///
/// The lock is the operating system's, on this machine. On network file systems it is as good as
/// theirs. Whoever takes no lock, such as Parallel's own CLI, is noticed by its writes only.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FileStore {
    path: PathBuf,
    /// Read as long as there is no file at `path`: where an older version kept it.
    older: Option<PathBuf>,
}

impl FileStore {
    /// A file of your own.
    pub fn new(path: impl Into<PathBuf>) -> Self {
        FileStore {
            path: path.into(),
            older: None,
        }
    }

    /// The file of programs called `client_name`: `$XDG_CONFIG_HOME/<name>/auth.json` (default
    /// `~/.config`), on Apple platforms `~/Library/Application Support`, on Windows `%APPDATA%`.
    ///
    /// # Errors
    /// `store` where there is no home folder.
    pub fn default_for(client_name: &str) -> Result<Self> {
        FileStore::default_at(client_name, None)
    }

    /// As [`FileStore::default_for`], for a platform at `host` rather than Parallel's own: a
    /// login there must neither replace the real one nor be sent its tokens.
    pub(crate) fn default_at(client_name: &str, host: Option<&str>) -> Result<Self> {
        let as_name = |text: &str| -> String {
            let allowed = |c: char| c.is_alphanumeric() || matches!(c, '-' | '_' | '.');
            text.chars()
                .map(|c| if allowed(c) { c } else { '-' })
                .collect()
        };
        let folder = as_name(client_name);
        let folder = match folder.trim_matches('.') {
            "" => "parallel-account",
            name => name,
        };
        let name = match host {
            None => NAME.to_owned(),
            Some(host) => format!("auth-{}.json", as_name(host)),
        };
        Ok(FileStore::new(config_folder()?.join(folder).join(name)))
    }

    /// The file of Parallel's own CLI: who is logged in there is logged in here, and the reverse.
    ///
    /// # Errors
    /// `store` where there is no home folder.
    pub fn parallel_cli() -> Result<Self> {
        let folder = home()?.join(".config").join("parallel-web-tools");
        Ok(FileStore {
            path: folder.join(NAME),
            older: Some(folder.join("credentials.json")),
        })
    }

    /// Where the file is.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// The file that is really read and replaced, where `path` is a symbolic link.
    fn target(&self) -> Result<PathBuf> {
        match fs::symlink_metadata(&self.path) {
            Ok(meta) if meta.is_symlink() => fs::canonicalize(&self.path).map_err(|error| {
                self.error(
                    "is a symbolic link to nothing. Remove the link, or make its target",
                    error,
                )
            }),
            _ => Ok(self.path.clone()),
        }
    }

    fn read(&self) -> Result<Option<String>> {
        let target = self.target()?;
        match fs::symlink_metadata(&target) {
            Ok(meta) => self.check_owner(&meta)?,
            Err(error) if error.kind() == io::ErrorKind::NotFound => {
                return Ok(self
                    .older
                    .as_ref()
                    .and_then(|older| fs::read_to_string(older).ok()));
            }
            Err(error) => return Err(self.error("cannot be read", error)),
        }
        let bytes = match fs::read(&target) {
            Ok(bytes) => bytes,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
            Err(error) => return Err(self.error("cannot be read", error)),
        };
        let text = String::from_utf8_lossy(&bytes).into_owned();
        match Record::parse(&text) {
            Err(error) if error.kind() == ErrorKind::StoreCorrupt => {
                Err(self.set_aside(&target, &bytes))
            }
            // A newer version's refusal names no file yet, so it is left to the caller.
            _ => Ok(Some(text)),
        }
    }

    fn check_owner(&self, meta: &fs::Metadata) -> Result<()> {
        if meta.is_dir() {
            return Err(self.refuse("is a folder, where a file should be. Move it away"));
        }
        #[cfg(unix)]
        {
            use std::os::unix::fs::MetadataExt;
            let ours = unix_user();
            if ours.is_some_and(|ours| ours != 0 && meta.uid() != ours) {
                return Err(self.refuse("belongs to another user. Use a file of your own"));
            }
            if meta.mode() & 0o077 != 0 {
                use std::os::unix::fs::PermissionsExt;
                let private = fs::Permissions::from_mode(0o600);
                let mended = fs::set_permissions(&self.path, private).is_ok();
                tracing::warn!(path = %self.path.display(), mode = format!("{:o}", meta.mode() & 0o777),
                    mended, "others could read the credentials");
            }
        }
        Ok(())
    }

    /// Moves a damaged file to `<name>.corrupt-<time>` and says so.
    fn set_aside(&self, target: &Path, bytes: &[u8]) -> Error {
        let mut name = target.file_name().unwrap_or_default().to_owned();
        name.push(format!(".corrupt-{}", unix_ms(SystemTime::now())));
        let aside = target.with_file_name(name);
        // Somebody may have replaced it since it was read.
        if fs::read(target).is_ok_and(|again| again != bytes) {
            return self.refuse("changed while it was read. Try again");
        }
        match fs::rename(target, &aside) {
            Ok(()) => Error::new(
                ErrorKind::StoreCorrupt,
                format!(
                    "The credentials file {} was damaged. It is kept as {}. Log in again.",
                    self.path.display(),
                    aside.display()
                ),
            ),
            Err(error) => Error::new(
                ErrorKind::StoreCorrupt,
                format!(
                    "The credentials file {} is damaged and could not be moved away ({error}). Move it away, then log in again.",
                    self.path.display()
                ),
            )
            .with_source(error),
        }
    }

    fn write(&self, record: &str) -> Result<()> {
        let target = self.target()?;
        match fs::symlink_metadata(&target) {
            Ok(meta) => self.check_owner(&meta)?,
            Err(error) if error.kind() == io::ErrorKind::NotFound => {}
            Err(error) => return Err(self.error("cannot be replaced", error)),
        }
        let folder = self.make_folder(&target)?;
        // One name, as the lock keeps other writers out: a crash leaves one file at most, and the
        // next write takes it over.
        let mut name = target.file_name().unwrap_or_default().to_owned();
        name.push(".new");
        let temporary = target.with_file_name(name);
        let written = (|| {
            match fs::remove_file(&temporary) {
                Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
                _ => {}
            }
            let mut file = private().write(true).create_new(true).open(&temporary)?;
            give_to_owner(&file, owner(&target))?;
            file.write_all(record.as_bytes())?;
            file.sync_all()?;
            fs::rename(&temporary, &target)
        })();
        written.map_err(|error| {
            let _ = fs::remove_file(&temporary);
            self.error("cannot be written", error)
        })?;
        // The rename is durable once the folder is; Windows has no such call.
        if cfg!(unix) {
            File::open(&folder)
                .and_then(|folder| folder.sync_all())
                .map_err(|error| self.error("may not survive a crash", error))?;
        }
        Ok(())
    }

    fn make_folder(&self, target: &Path) -> Result<PathBuf> {
        let folder = nonempty(target.parent().unwrap_or(target));
        let missing: Vec<_> = folder
            .ancestors()
            .take_while(|part| !part.exists())
            .collect();
        let mut builder = fs::DirBuilder::new();
        builder.recursive(true);
        #[cfg(unix)]
        std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
        let made = builder.create(folder).and_then(|()| {
            // Windows opens no folders, and has no root.
            #[cfg(unix)]
            for part in missing.iter().rev() {
                give_to_owner(&File::open(part)?, nonempty(part.parent().unwrap_or(part)))?;
            }
            Ok(())
        });
        made.map_err(|error| self.error("has no folder, and it cannot be made", error))?;
        Ok(folder.to_path_buf())
    }

    fn remove(&self) -> Result<()> {
        match fs::remove_file(self.target()?) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => {
                Err(self.error("cannot be deleted", error))
            }
            _ => Ok(()),
        }
    }

    fn open_lock(&self) -> Result<File> {
        let target = self.target()?;
        self.make_folder(&target)?;
        let mut name = target.file_name().unwrap_or_default().to_owned();
        name.push(".lock");
        private()
            .write(true)
            .create(true)
            .truncate(false)
            .open(target.with_file_name(name))
            .and_then(|file| give_to_owner(&file, owner(&target)).map(|()| file))
            .map_err(|error| self.error("cannot be locked", error))
    }

    fn error(&self, what: &str, error: io::Error) -> Error {
        let advice = match error.kind() {
            io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded => "Free some space",
            io::ErrorKind::PermissionDenied | io::ErrorKind::ReadOnlyFilesystem => {
                "Check the permissions, or name another file"
            }
            _ => "Check the path, or name another file",
        };
        let path = self.path.display();
        Error::store(
            format!("The credentials file {path} {what} ({error}). {advice}."),
            Some(Box::new(error)),
        )
    }

    fn refuse(&self, what: &str) -> Error {
        Error::store(
            format!("The credentials file {} {what}.", self.path.display()),
            None,
        )
    }
}

/// A file that only its owner may read.
fn private() -> OpenOptions {
    #[allow(unused_mut)]
    let mut options = OpenOptions::new();
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    options
}

/// What root makes in somebody's place is theirs, for they must be able to use it later.
fn give_to_owner(made: &File, of: &Path) -> io::Result<()> {
    #[cfg(unix)]
    if unix_user() == Some(0) {
        use std::os::unix::fs::{MetadataExt, fchown};
        let owner = fs::metadata(of)?;
        fchown(made, Some(owner.uid()), Some(owner.gid()))?;
    }
    #[cfg(not(unix))]
    let _ = (made, of);
    Ok(())
}

/// Whose place this is: the file's, or its folder's where there is no such file yet.
fn owner(target: &Path) -> &Path {
    match target.parent() {
        Some(folder) if !target.exists() => nonempty(folder),
        _ => target,
    }
}

/// A relative path's folder may be called nothing.
fn nonempty(folder: &Path) -> &Path {
    match folder.as_os_str().is_empty() {
        true => Path::new("."),
        false => folder,
    }
}

/// Who we are, as the owner of our own process' entry says.
#[cfg(unix)]
fn unix_user() -> Option<u32> {
    use std::os::unix::fs::MetadataExt;
    fs::metadata("/proc/self").ok().map(|meta| meta.uid())
}

fn variable(name: &str) -> Option<PathBuf> {
    env::var_os(name)
        .filter(|value| !value.is_empty())
        .map(PathBuf::from)
}

fn home() -> Result<PathBuf> {
    env::home_dir().filter(|home| !home.as_os_str().is_empty()).ok_or_else(|| {
        Error::store("There is no home folder to keep credentials in. Set HOME, or name a file by FileStore(path).", None)
    })
}

fn config_folder() -> Result<PathBuf> {
    if cfg!(windows)
        && let Some(folder) = variable("APPDATA")
    {
        return Ok(folder);
    }
    if cfg!(target_vendor = "apple") {
        return Ok(home()?.join("Library").join("Application Support"));
    }
    match variable("XDG_CONFIG_HOME").filter(|folder| folder.is_absolute()) {
        Some(folder) => Ok(folder),
        None => Ok(home()?.join(".config")),
    }
}

/// Runs file work where it does not hold up the runtime.
async fn blocking<T: Send + 'static>(
    work: impl FnOnce() -> Result<T> + Send + 'static,
) -> Result<T> {
    match tokio::task::spawn_blocking(work).await {
        Ok(result) => result,
        Err(error) => Err(Error::internal(format!("file work ended early: {error}"))),
    }
}

/// Closing alone would not release the lock while a forked child still holds the descriptor.
struct Locked(FileStore, File);

impl Drop for Locked {
    fn drop(&mut self) {
        let _ = self.1.unlock();
    }
}

impl CredentialStore for Locked {
    fn load(&self) -> StoreFuture<'_, Option<String>> {
        self.0.load()
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
    fn swap(&self, old: Option<String>, new: Option<String>) -> Result<bool> {
        if self.read()? != old {
            return Ok(false);
        }
        match new {
            Some(record) => self.write(&record)?,
            None => self.remove()?,
        }
        Ok(true)
    }
}

impl CredentialStore for FileStore {
    fn load(&self) -> StoreFuture<'_, Option<String>> {
        let store = self.clone();
        Box::pin(blocking(move || store.read()))
    }

    fn replace(&self, old: Option<String>, new: Option<String>) -> StoreFuture<'_, bool> {
        Box::pin(async move {
            let locked = self.lock().await?.expect("files have one");
            locked.replace(old, new).await
        })
    }

    fn lock(&self) -> StoreFuture<'_, Option<StoreLock>> {
        Box::pin(async move {
            let store = self.clone();
            let file = blocking(move || store.open_lock()).await?;
            // Trying keeps the wait cancellable, which a blocking lock would not be.
            let mut pause = Duration::from_millis(1);
            loop {
                match file.try_lock() {
                    Ok(()) => return Ok(Some(StoreLock::new(Locked(self.clone(), file)))),
                    Err(TryLockError::WouldBlock) => {
                        tokio::time::sleep(pause.mul_f64(0.5 + fastrand::f64())).await;
                        pause = (pause * 2).min(Duration::from_millis(20));
                    }
                    Err(TryLockError::Error(error)) => {
                        return Err(self.error("cannot be locked", error));
                    }
                }
            }
        })
    }

    fn revision(&self) -> StoreFuture<'_, Option<u64>> {
        Box::pin(async {
            let mut hasher = DefaultHasher::new();
            if let Ok(meta) = fs::metadata(&self.path) {
                meta.len().hash(&mut hasher);
                meta.modified().ok().hash(&mut hasher);
                #[cfg(unix)]
                std::os::unix::fs::MetadataExt::ino(&meta).hash(&mut hasher);
            }
            Ok(Some(hasher.finish()))
        })
    }

    fn location(&self) -> String {
        self.path.display().to_string()
    }
}

#[cfg(test)]
mod tests;
