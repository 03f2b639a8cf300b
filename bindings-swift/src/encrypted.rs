//! Encryption around any store. A client is given the wrapped store in Rust; for Swift itself,
//! `EncryptedStore.swift` calls the wrapped store.

use std::sync::{Arc, Mutex, PoisonError};

use parallel_account::{EncryptedStore, MemoryStore, SteppedCall, StoreAnswer, StoreStep};

use crate::{error::Failure, store::FfiStore};

/// A key and its ID.
#[derive(uniffi::Record)]
pub struct EncryptionKey {
    /// Stored in the clear.
    pub id: String,
    /// 32 bytes.
    pub key: Vec<u8>,
}

/// What encrypts.
#[derive(uniffi::Object)]
pub struct Cipher(EncryptedStore);

#[uniffi::export]
impl Cipher {
    /// The first key encrypts; all decrypt.
    #[uniffi::constructor]
    pub fn new(
        keys: Vec<EncryptionKey>,
        subject: Option<String>,
        accept_plaintext: bool,
    ) -> Result<Arc<Self>, Failure> {
        let keys = keys.into_iter().map(|EncryptionKey { id, key }| (id, key));
        // Nothing is asked of this one: see `around`, and the steps.
        let cipher =
            EncryptedStore::new(MemoryStore::default(), keys)?.accept_plaintext(accept_plaintext);
        let cipher = match subject {
            Some(subject) => cipher.subject(subject)?,
            None => cipher,
        };
        Ok(Arc::new(Cipher(cipher)))
    }

    /// The store, encrypted.
    pub fn around(&self, store: Arc<FfiStore>) -> Arc<FfiStore> {
        FfiStore::of(self.0.around(store.core()))
    }

    /// Begins to load.
    pub fn load(&self) -> Arc<EncryptedCall> {
        EncryptedCall::new(self.0.stepped_load())
    }

    /// Begins to replace.
    pub fn replace(&self, old: Option<String>, new: Option<String>) -> Arc<EncryptedCall> {
        EncryptedCall::new(self.0.stepped_replace(old, new))
    }
}

/// What to do next.
#[derive(uniffi::Enum)]
pub enum EncryptedStep {
    /// Load the wrapped store's record.
    Load,
    /// Have the wrapped store put `new` in place of `old`.
    Replace {
        /// What must be there.
        old: Option<String>,
        /// What is to be there.
        new: Option<String>,
    },
    /// The call is done, with the record.
    Record {
        /// Decrypted.
        record: Option<String>,
    },
    /// The call is done.
    Replaced {
        /// Whether it was replaced.
        replaced: bool,
    },
}

/// A call of an encrypted store.
#[derive(uniffi::Object)]
pub struct EncryptedCall(Mutex<SteppedCall>);

impl EncryptedCall {
    fn new(call: SteppedCall) -> Arc<Self> {
        Arc::new(EncryptedCall(Mutex::new(call)))
    }

    fn next(&self, answer: Option<StoreAnswer>) -> Result<EncryptedStep, Failure> {
        let mut call = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        Ok(match call.next(answer)? {
            StoreStep::Load => EncryptedStep::Load,
            StoreStep::Replace(old, new) => EncryptedStep::Replace { old, new },
            StoreStep::Done(StoreAnswer::Record(record)) => EncryptedStep::Record { record },
            StoreStep::Done(StoreAnswer::Replaced(replaced)) => {
                EncryptedStep::Replaced { replaced }
            }
        })
    }
}

#[uniffi::export]
impl EncryptedCall {
    /// The first step.
    pub fn start(&self) -> Result<EncryptedStep, Failure> {
        self.next(None)
    }

    /// The step after `Load`.
    pub fn loaded(&self, record: Option<String>) -> Result<EncryptedStep, Failure> {
        self.next(Some(StoreAnswer::Record(record)))
    }

    /// The step after `Replace`.
    pub fn replaced(&self, replaced: bool) -> Result<EncryptedStep, Failure> {
        self.next(Some(StoreAnswer::Replaced(replaced)))
    }
}
