//! Encryption around any store. A client is given the wrapped store and the cipher apart; for
//! JavaScript itself, `ts/encryptedstore.ts` calls the wrapped store.

use std::sync::Arc;

use napi::bindgen_prelude::{Either, Uint8Array};
use napi_derive::napi;
use parallel_account::{
    CredentialStore, EncryptedStore, Error, MemoryStore, SteppedCall, StoreAnswer, StoreStep,
};

use crate::failure::{Failure, caught};

/// What encrypts, and what the store that it wraps is wrapped in already.
#[napi]
pub struct NativeCipher {
    /// Innermost first.
    wrappers: Vec<EncryptedStore>,
}

/// Makes a cipher from key IDs and as many keys.
#[napi]
pub fn open_cipher(
    ids: Vec<String>,
    keys: Vec<Uint8Array>,
    subject: Option<String>,
    accept_plaintext: bool,
    inner: Option<&NativeCipher>,
) -> Either<NativeCipher, Failure> {
    caught(|| {
        let keys = ids.into_iter().zip(&keys);
        // Nothing is asked of this one: see `around`, and the steps.
        let cipher =
            EncryptedStore::new(MemoryStore::default(), keys)?.accept_plaintext(accept_plaintext);
        let cipher = match subject {
            Some(subject) => cipher.subject(subject)?,
            None => cipher,
        };
        let mut wrappers = inner.map_or_else(Vec::new, |inner| inner.wrappers.clone());
        wrappers.push(cipher);
        Ok(NativeCipher { wrappers })
    })
}

/// `store`, wrapped in what `cipher` says.
pub(crate) fn around(
    cipher: Option<&NativeCipher>,
    store: Arc<dyn CredentialStore>,
) -> Arc<dyn CredentialStore> {
    let wrappers = cipher.map_or(&[][..], |cipher| &cipher.wrappers);
    wrappers
        .iter()
        .fold(store, |store, wrapper| Arc::new(wrapper.around(store)))
}

#[napi]
impl NativeCipher {
    /// Begins to load.
    #[napi]
    pub fn load(&self) -> NativeEncryptedCall {
        NativeEncryptedCall::new(self.last().stepped_load())
    }

    /// Begins to replace; nothing stands for no record.
    #[napi]
    pub fn replace(&self, old: Option<String>, next: Option<String>) -> NativeEncryptedCall {
        NativeEncryptedCall::new(self.last().stepped_replace(old, next))
    }

    fn last(&self) -> &EncryptedStore {
        self.wrappers.last().expect("one at least")
    }
}

/// What to do next: `load` or `replace` (`old`, `new`) is to be called, or the call is done with a
/// `record` or with `replaced`.
#[napi(object, object_from_js = false)]
pub struct EncryptedStep {
    #[napi(ts_type = "'load' | 'replace' | 'record' | 'replaced'")]
    pub kind: &'static str,
    pub old: Option<String>,
    pub new: Option<String>,
    pub record: Option<String>,
    pub replaced: Option<bool>,
}

/// A call of an encrypted store.
#[napi]
pub struct NativeEncryptedCall {
    call: SteppedCall,
}

#[napi]
impl NativeEncryptedCall {
    fn new(call: SteppedCall) -> Self {
        Self { call }
    }

    /// The first step.
    #[napi]
    pub fn start(&mut self) -> Either<EncryptedStep, Failure> {
        self.next(None)
    }

    /// The step after `load`.
    #[napi]
    pub fn loaded(&mut self, record: Option<String>) -> Either<EncryptedStep, Failure> {
        self.next(Some(StoreAnswer::Record(record)))
    }

    /// The step after `replace`.
    #[napi]
    pub fn replaced(&mut self, replaced: bool) -> Either<EncryptedStep, Failure> {
        self.next(Some(StoreAnswer::Replaced(replaced)))
    }

    fn next(&mut self, answer: Option<StoreAnswer>) -> Either<EncryptedStep, Failure> {
        caught(|| Ok::<_, Error>(self.call.next(answer)?.into()))
    }
}

impl From<StoreStep> for EncryptedStep {
    fn from(step: StoreStep) -> Self {
        let nothing = Self {
            kind: "load",
            old: None,
            new: None,
            record: None,
            replaced: None,
        };
        match step {
            StoreStep::Load => nothing,
            StoreStep::Replace(old, new) => Self {
                kind: "replace",
                old,
                new,
                ..nothing
            },
            StoreStep::Done(StoreAnswer::Record(record)) => Self {
                kind: "record",
                record,
                ..nothing
            },
            StoreStep::Done(StoreAnswer::Replaced(replaced)) => Self {
                kind: "replaced",
                replaced: Some(replaced),
                ..nothing
            },
        }
    }
}
