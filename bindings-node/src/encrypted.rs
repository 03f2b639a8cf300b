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
    inner: Vec<EncryptedStore>,
    outermost: EncryptedStore,
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
        let outermost = match subject {
            Some(subject) => cipher.subject(subject)?,
            None => cipher,
        };
        let inner = inner.map_or_else(Vec::new, |inner| inner.wrappers().cloned().collect());
        Ok(NativeCipher { inner, outermost })
    })
}

/// `store`, wrapped in what `cipher` says.
pub(crate) fn around(
    cipher: Option<&NativeCipher>,
    store: Arc<dyn CredentialStore>,
) -> Arc<dyn CredentialStore> {
    let wrappers = cipher.into_iter().flat_map(NativeCipher::wrappers);
    wrappers.fold(store, |store, wrapper| Arc::new(wrapper.around(store)))
}

impl NativeCipher {
    /// Innermost first.
    fn wrappers(&self) -> impl Iterator<Item = &EncryptedStore> {
        self.inner.iter().chain([&self.outermost])
    }
}

#[napi]
impl NativeCipher {
    /// Begins to load.
    #[napi]
    pub fn load(&self) -> NativeEncryptedCall {
        NativeEncryptedCall::new(self.outermost.stepped_load())
    }

    /// Begins to replace; nothing stands for no record.
    #[napi]
    pub fn replace(&self, old: Option<String>, next: Option<String>) -> NativeEncryptedCall {
        NativeEncryptedCall::new(self.outermost.stepped_replace(old, next))
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

#[cfg(test)]
mod tests {
    use super::*;

    fn cipher(id: &str, inner: Option<&NativeCipher>) -> NativeCipher {
        let keys = vec![Uint8Array::from([7; 32])];
        match open_cipher(vec![id.into()], keys, None, false, inner) {
            Either::A(cipher) => cipher,
            Either::B(failure) => panic!("{}", failure.message),
        }
    }

    fn record(step: Either<EncryptedStep, Failure>) -> EncryptedStep {
        match step {
            Either::A(step) => step,
            Either::B(failure) => panic!("{}", failure.message),
        }
    }

    #[test]
    fn the_innermost_wrapper_is_next_to_the_store() {
        let inner = cipher("inner", None);
        let outer = cipher("outer", Some(&inner));
        // What the outer one writes is what the inner one is given to encrypt.
        let mut call = outer.replace(None, Some("{}".into()));
        let step = record(call.start());
        assert_eq!(step.kind, "replace");
        let once = step.new.expect("a ciphertext");
        let mut call = inner.replace(None, Some(once.clone()));
        let twice = record(call.start()).new.expect("a ciphertext");
        assert_ne!(once, twice);
        let memory = Arc::new(MemoryStore::new(Some(twice)));
        let store = around(Some(&outer), memory);
        let runtime = tokio::runtime::Builder::new_current_thread();
        let runtime = { runtime }.enable_all().build().expect("a runtime");
        let loaded = runtime.block_on(store.load()).expect("it decrypts");
        assert_eq!(loaded.as_deref(), Some("{}"));
    }

    #[test]
    fn a_bad_key_is_a_failure() {
        let keys = vec![Uint8Array::from([7; 16])];
        match open_cipher(vec!["short".into()], keys, None, false, None) {
            Either::A(_) => panic!("16 bytes are no key"),
            Either::B(failure) => assert_eq!(failure.code, "config"),
        }
    }
}
