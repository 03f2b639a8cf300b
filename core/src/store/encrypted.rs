//! Credentials that are encrypted wherever they are stored.

mod jwe;
mod keys;
mod stepped;

pub(crate) use keys::Keys;
pub use stepped::{Step, SteppedCall, StoreAnswer};

use super::{CredentialStore, Revision, StoreFuture, StoreLock};
use crate::{Error, Result};
use std::{
    fmt,
    sync::{Arc, Mutex},
    time::Duration,
};
use zeroize::Zeroizing;

/// Encrypts the record that any other store keeps.
///
/// What is stored is a JWE (RFC 7516) in compact serialization with `alg` `dir`, `enc` `A256GCM`
/// and the key's ID as `kid`, which every JOSE library can read and write. The first key encrypts;
/// all keys decrypt. To rotate, put a new key first and keep the old ones until every record has
/// been written again: a refresh does so, and so does a `replace` of a record by itself.
///
/// ```
/// use parallel_account::{EncryptedStore, FileStore};
///
/// # fn run(new_key: [u8; 32], old_key: [u8; 32]) -> parallel_account::Result<()> {
/// let keys = [("2026-11", new_key), ("2026-05", old_key)];
/// let store = EncryptedStore::new(FileStore::new("login.jwe"), keys)?.subject("user-42")?;
/// # Ok(())
/// # }
/// # run([1; 32], [2; 32]).expect("good keys");
/// ```
///
/// A record that cannot be decrypted (an unknown key, a wrong key, another algorithm, changed by
/// somebody) fails with `store` and stays where it is; nothing is ever written over it. Whoever
/// can write to the store can still delete a record or put an earlier one of the same user back.
/// Without a [`subject`](EncryptedStore::subject) they can also swap the records of two users.
///
/// Nonces are random, so a key should encrypt at most 2³² records (NIST SP 800-38D §8.3). The key
/// IDs and the subject are readable in the store.
#[derive(Clone)]
pub struct EncryptedStore {
    inner: Arc<dyn CredentialStore>,
    cipher: Arc<Cipher>,
}

impl EncryptedStore {
    /// `keys` are pairs of an ID (1 to 64 printable ASCII characters) and a secret key of exactly
    /// 32 random bytes. The first one encrypts; all decrypt.
    ///
    /// # Errors
    /// `config` for a bad key or ID, or where there is no key.
    pub fn new<I: Into<String>, K: AsRef<[u8]>>(
        store: impl CredentialStore,
        keys: impl IntoIterator<Item = (I, K)>,
    ) -> Result<Self> {
        Ok(EncryptedStore {
            inner: Arc::new(store),
            cipher: Arc::new(Cipher {
                keys: Arc::new(Keys::new(keys)?),
                subject: None,
                accept_plaintext: false,
                last: Mutex::default(),
            }),
        })
    }

    /// Whose record it is, such as the user's ID: at most 256 bytes. It is written into the
    /// protected header (`sub`, RFC 7519 §5.3), and a record that names another subject, or none,
    /// is refused: a record that somebody copied from another user's row does not log anybody in.
    /// Without this, a record that names a subject is refused.
    ///
    /// # Errors
    /// `config` for one that is empty or too long.
    pub fn subject(self, subject: impl Into<String>) -> Result<Self> {
        let subject = Some(keys::check_subject(subject.into())?);
        Ok(self.with(|cipher| Cipher { subject, ..cipher }))
    }

    /// Whether a record from before encryption was switched on is read. It is encrypted when it is
    /// next written. Default: no, as whoever can write to the store could plant one; switch it off
    /// again when all records are encrypted.
    pub fn accept_plaintext(self, accept: bool) -> Self {
        self.with(|cipher| Cipher {
            accept_plaintext: accept,
            ..cipher
        })
    }

    /// For bindings: the same cell, reached in another way.
    #[doc(hidden)]
    pub fn around(&self, store: impl CredentialStore) -> Self {
        EncryptedStore {
            inner: Arc::new(store),
            cipher: self.cipher.clone(),
        }
    }

    fn with(self, change: impl FnOnce(Cipher) -> Cipher) -> Self {
        let cipher = Cipher {
            keys: self.cipher.keys.clone(),
            subject: self.cipher.subject.clone(),
            accept_plaintext: self.cipher.accept_plaintext,
            last: Mutex::default(),
        };
        EncryptedStore {
            inner: self.inner,
            cipher: Arc::new(change(cipher)),
        }
    }
}

/// What turns a stored text into a record and back.
struct Cipher {
    keys: Arc<Keys>,
    subject: Option<String>,
    accept_plaintext: bool,
    /// Encrypting a record twice gives two texts, and `replace` needs the one that is stored.
    last: Mutex<Option<Seen>>,
}

/// A text that was stored, and its record.
struct Seen {
    stored: String,
    record: Zeroizing<String>,
}

impl Cipher {
    async fn load(&self, cell: &dyn CredentialStore) -> Result<Option<String>> {
        match cell.load().await? {
            Some(stored) => Ok(Some(self.read(cell, stored)?.to_string())),
            None => Ok(None),
        }
    }

    async fn replace(
        &self,
        cell: &dyn CredentialStore,
        old: Option<String>,
        new: Option<String>,
    ) -> Result<bool> {
        let [old, new] = [old, new].map(|record| record.map(Zeroizing::new));
        let sealed = match &new {
            Some(record) => Some(self.keys.seal(self.subject.as_deref(), record)?),
            None => None,
        };
        let swap = async |stored: Option<String>| {
            let replaced = cell.replace(stored, sealed.clone()).await?;
            if replaced && let (Some(stored), Some(record)) = (&sealed, &new) {
                self.remember(stored.clone(), record.clone());
            }
            Ok(replaced)
        };
        let Some(old) = old else {
            return swap(None).await;
        };
        let seen = self.stored_as(&old);
        if seen.is_some() && swap(seen.clone()).await? {
            return Ok(true);
        }
        // Somebody else may have encrypted the same record anew.
        match cell.load().await? {
            Some(stored)
                if seen.as_ref() != Some(&stored) && self.read(cell, stored.clone())? == old =>
            {
                swap(Some(stored)).await
            }
            _ => Ok(false),
        }
    }

    /// The record that is stored as `stored`.
    fn read(&self, cell: &dyn CredentialStore, stored: String) -> Result<Zeroizing<String>> {
        if let Some(record) = self.seen(|seen| (seen.stored == stored).then(|| seen.record.clone()))
        {
            return Ok(record);
        }
        let opened = match keys::is_plaintext(&stored) {
            false => self.keys.open(self.subject.as_deref(), &stored),
            true if self.accept_plaintext => Ok(Zeroizing::new(stored.clone())),
            true => Err(Error::store(
                "The record is not encrypted and was left untouched. If it dates from before encryption was switched on, set accept_plaintext until all records have been written again.",
                None,
            )),
        };
        let record =
            opened.map_err(|error| error.with_context(format_args!("{}:", cell.location())))?;
        self.remember(stored, record.clone());
        Ok(record)
    }

    fn stored_as(&self, record: &Zeroizing<String>) -> Option<String> {
        self.seen(|seen| (seen.record == *record).then(|| seen.stored.clone()))
    }

    // Never waited for: a forked child may find it locked for good, and does without.
    fn seen<T>(&self, of: impl FnOnce(&Seen) -> Option<T>) -> Option<T> {
        self.last.try_lock().ok()?.as_ref().and_then(of)
    }

    fn remember(&self, stored: String, record: Zeroizing<String>) {
        if let Ok(mut last) = self.last.try_lock() {
            *last = Some(Seen { stored, record });
        }
    }
}

impl CredentialStore for EncryptedStore {
    fn load(&self) -> StoreFuture<'_, Option<String>> {
        Box::pin(self.cipher.load(&*self.inner))
    }

    fn replace(&self, old: Option<String>, new: Option<String>) -> StoreFuture<'_, bool> {
        Box::pin(self.cipher.replace(&*self.inner, old, new))
    }

    fn location(&self) -> String {
        self.inner.location()
    }

    fn time_limit(&self) -> Duration {
        self.inner.time_limit()
    }

    fn revision(&self) -> Revision<'_> {
        self.inner.revision()
    }

    fn cache_for(&self) -> Duration {
        self.inner.cache_for()
    }

    fn lock(&self) -> StoreFuture<'_, Option<StoreLock>> {
        Box::pin(async {
            let lock = self.inner.lock().await?;
            let cipher = self.cipher.clone();
            Ok(lock.map(|lock| StoreLock::new(Locked { lock, cipher })))
        })
    }

    fn check(&self) -> Result<()> {
        self.inner.check()
    }
}

/// The store for whoever holds its lock.
struct Locked {
    lock: StoreLock,
    cipher: Arc<Cipher>,
}

impl CredentialStore for Locked {
    fn load(&self) -> StoreFuture<'_, Option<String>> {
        Box::pin(self.cipher.load(&*self.lock))
    }

    fn replace(&self, old: Option<String>, new: Option<String>) -> StoreFuture<'_, bool> {
        Box::pin(self.cipher.replace(&*self.lock, old, new))
    }

    fn location(&self) -> String {
        self.lock.location()
    }
}

impl fmt::Debug for EncryptedStore {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("EncryptedStore")
            .field("location", &self.inner.location())
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests;
