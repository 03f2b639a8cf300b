use super::*;
use crate::{FileStore, MemoryStore};
use std::sync::atomic::{AtomicUsize, Ordering};

const RECORD: &str = r#"{"version":1,"orgs":{},"secret":"canary-secret"}"#;
const OTHER: &str = r#"{"version":1,"orgs":{},"n":2}"#;
const OLD: (&str, [u8; 32]) = ("2026-05", [5; 32]);
const NEW: (&str, [u8; 32]) = ("2026-11", [11; 32]);

fn text(record: &str) -> Option<String> {
    Some(record.to_owned())
}

fn encrypted<const N: usize>(
    store: &(impl CredentialStore + Clone),
    keys: [(&str, [u8; 32]); N],
) -> EncryptedStore {
    EncryptedStore::new(store.clone(), keys).expect("good keys")
}

/// Counts what the wrapped store is asked for.
#[derive(Clone, Default)]
struct Counted {
    memory: MemoryStore,
    loads: Arc<AtomicUsize>,
    swaps: Arc<AtomicUsize>,
}

impl Counted {
    /// How often it was loaded and replaced since the last time.
    fn calls(&self) -> (usize, usize) {
        let [loads, swaps] =
            [&self.loads, &self.swaps].map(|count| count.swap(0, Ordering::SeqCst));
        (loads, swaps)
    }
}

impl CredentialStore for Counted {
    fn load(&self) -> StoreFuture<'_, Option<String>> {
        self.loads.fetch_add(1, Ordering::SeqCst);
        self.memory.load()
    }

    fn replace(&self, old: Option<String>, new: Option<String>) -> StoreFuture<'_, bool> {
        self.swaps.fetch_add(1, Ordering::SeqCst);
        self.memory.replace(old, new)
    }

    fn location(&self) -> String {
        "the table of logins".into()
    }

    fn time_limit(&self) -> Duration {
        Duration::from_secs(7)
    }

    fn revision(&self) -> Revision<'_> {
        self.memory.revision()
    }

    fn cache_for(&self) -> Duration {
        Duration::from_secs(8)
    }

    fn check(&self) -> Result<()> {
        Err(Error::config("not this one"))
    }
}

#[tokio::test]
async fn a_record_comes_back_and_is_stored_as_a_jwe_alone() {
    let memory = MemoryStore::default();
    let store = encrypted(&memory, [NEW]);
    assert_eq!(store.load().await.expect("empty"), None);
    assert!(store.replace(None, text(RECORD)).await.expect("stored"));
    assert!(
        !store
            .replace(None, text(OTHER))
            .await
            .expect("there is one")
    );
    let stored = memory.record().expect("stored");
    assert!(
        !stored.contains("canary") && jwe::Jwe::parse(&stored).is_ok(),
        "{stored}"
    );
    // In another process.
    let store = encrypted(&memory, [NEW]);
    assert_eq!(store.load().await.expect("read").as_deref(), Some(RECORD));
    assert!(!store.replace(text(OTHER), None).await.expect("not that"));
    assert!(
        !store
            .replace(text(OTHER), text(OTHER))
            .await
            .expect("not that")
    );
    assert!(
        store
            .replace(text(RECORD), text(OTHER))
            .await
            .expect("stored")
    );
    assert_eq!(store.load().await.expect("read").as_deref(), Some(OTHER));
    assert!(store.replace(text(OTHER), None).await.expect("deleted"));
    assert_eq!(memory.record(), None);
    assert!(!store.replace(text(OTHER), None).await.expect("gone"));
}

#[tokio::test]
async fn the_first_key_writes_and_all_keys_read() {
    let memory = MemoryStore::default();
    let key_of_stored = || jwe::Jwe::parse(&memory.record().expect("there")).map(|jwe| jwe.key_id);
    let before = encrypted(&memory, [OLD]);
    assert!(before.replace(None, text(RECORD)).await.expect("stored"));
    for keys in [[NEW, OLD], [OLD, NEW]] {
        let store = encrypted(&memory, keys);
        assert_eq!(store.load().await.expect("read").as_deref(), Some(RECORD));
        // By itself, as a program that rotates keys does it.
        assert!(
            store
                .replace(text(RECORD), text(RECORD))
                .await
                .expect("stored")
        );
        assert_eq!(key_of_stored().expect("a JWE"), keys[0].0);
    }
    let store = encrypted(&memory, [NEW, OLD]);
    assert!(
        store
            .replace(text(RECORD), text(RECORD))
            .await
            .expect("stored")
    );
    let error = before.load().await.expect_err("unknown key");
    assert_eq!(error.code(), "store");
    assert!(error.message().contains("2026-11"), "{error}");
    let after = encrypted(&memory, [NEW]);
    assert_eq!(after.load().await.expect("read").as_deref(), Some(RECORD));
}

#[tokio::test]
async fn a_change_costs_one_statement_and_at_most_one_load_more() {
    let inner = Counted::default();
    let [ours, theirs] = [0, 1].map(|_| encrypted(&inner, [NEW]));
    assert!(ours.replace(None, text(RECORD)).await.expect("stored"));
    assert!(
        ours.replace(text(RECORD), text(OTHER))
            .await
            .expect("stored")
    );
    assert_eq!(inner.calls(), (0, 2));
    // Another process has not seen the ciphertext yet.
    assert!(
        theirs
            .replace(text(OTHER), text(RECORD))
            .await
            .expect("stored")
    );
    assert_eq!(inner.calls(), (1, 1));
    theirs.load().await.expect("read");
    assert!(
        theirs
            .replace(text(RECORD), text(RECORD))
            .await
            .expect("stored")
    );
    assert_eq!(inner.calls(), (1, 1));
    // What we saw last is no longer stored, and what is stored is the same record.
    ours.load().await.expect("read");
    assert!(
        theirs
            .replace(text(RECORD), text(RECORD))
            .await
            .expect("stored")
    );
    inner.calls();
    assert!(
        ours.replace(text(RECORD), text(OTHER))
            .await
            .expect("stored")
    );
    assert_eq!(inner.calls(), (1, 2));
    // And here it is another one.
    assert!(!theirs.replace(text(RECORD), None).await.expect("not that"));
    assert_eq!(inner.calls(), (1, 1));
}

/// Counts in the record, unless somebody else is faster.
async fn add_one(store: &impl CredentialStore) -> bool {
    let old = store.load().await.expect("read").expect("there");
    let count: usize = old[5..old.len() - 1].parse().expect("a number");
    let new = format!("{{\"n\":{}}}", count + 1);
    store.replace(Some(old), Some(new)).await.expect("asked")
}

/// However many change it at once, one of them wins each time.
#[tokio::test(flavor = "multi_thread")]
async fn no_change_is_lost_between_processes() {
    let inner = Counted::default();
    let first = encrypted(&inner, [NEW, OLD]);
    assert!(
        first
            .replace(None, text("{\"n\":0}"))
            .await
            .expect("stored")
    );
    let tasks: Vec<_> = (0..8)
        .map(|number| {
            let keys = if number % 2 == 0 {
                [NEW, OLD]
            } else {
                [OLD, NEW]
            };
            let store = encrypted(&inner, keys);
            tokio::spawn(async move {
                for _ in 0..50 {
                    while !add_one(&store).await {}
                }
            })
        })
        .collect();
    for task in tasks {
        task.await.expect("no panic");
    }
    assert_eq!(
        first.load().await.expect("read").as_deref(),
        Some("{\"n\":400}")
    );
}

#[tokio::test]
#[expect(
    clippy::too_many_lines,
    reason = "a table, and what holds for each row"
)]
async fn what_cannot_be_decrypted_stays_where_it_is() {
    let memory = MemoryStore::default();
    let sealed = |keys, subject: Option<&'static str>| async move {
        let memory = MemoryStore::default();
        let mut store = encrypted(&memory, [keys]);
        if let Some(subject) = subject {
            store = store.subject(subject).expect("good");
        }
        store.replace(None, text(RECORD)).await.expect("stored");
        memory.record().expect("stored")
    };
    let good = sealed(NEW, None).await;
    let wrong_key = sealed((NEW.0, [12; 32]), None).await;
    let unknown = sealed(OLD, None).await;
    let somebodys = sealed(NEW, Some("user-7")).await;
    let (rest, tag) = good.rsplit_once('.').expect("a tag");
    let first = if tag.starts_with('B') { 'C' } else { 'B' };
    let tampered = format!("{rest}.{first}{}", &tag[1..]);
    let mine = || encrypted(&memory, [NEW]).subject("user-42").expect("good");
    let anybodys = || encrypted(&memory, [NEW]);
    for (stored, store, said) in [
        (RECORD, anybodys(), "is not encrypted"),
        (" {\"broken", anybodys(), "accept_plaintext"),
        ("", anybodys(), "cut off"),
        (&good[..40], anybodys(), "cut off"),
        (&*tampered, anybodys(), "changed"),
        (&*wrong_key, anybodys(), "does not fit"),
        (
            &*unknown,
            anybodys(),
            "\"2026-05\", which is not among keys",
        ),
        (&*somebodys, mine(), "another subject"),
        (&*good, mine(), "names no subject"),
        (&*somebodys, anybodys(), "names a subject"),
    ] {
        let left = || assert_eq!(memory.record().as_deref(), Some(stored));
        let is = memory.record();
        assert!(memory.replace(is, text(stored)).await.expect("planted"));
        let error = store.load().await.expect_err(said);
        // A damaged one would be replaced by the next login.
        assert_eq!(error.code(), "store");
        assert!(
            error.message().starts_with("memory: ") && error.message().contains(said),
            "{error}"
        );
        assert!(!format!("{error:?}").contains("canary"), "{error:?}");
        left();
        assert_eq!(
            store
                .replace(text(RECORD), text(OTHER))
                .await
                .expect_err(said)
                .code(),
            "store"
        );
        assert_eq!(
            store
                .replace(text(RECORD), None)
                .await
                .expect_err(said)
                .code(),
            "store"
        );
        left();
        assert!(
            !store
                .replace(None, text(OTHER))
                .await
                .expect("there is one")
        );
        left();
    }
}

#[tokio::test]
async fn a_record_from_before_is_read_where_that_is_allowed() {
    let memory = MemoryStore::new(text(RECORD));
    let store = encrypted(&memory, [NEW]).accept_plaintext(true);
    assert_eq!(store.load().await.expect("read").as_deref(), Some(RECORD));
    assert!(
        store
            .replace(text(RECORD), text(OTHER))
            .await
            .expect("stored")
    );
    let stored = memory.record().expect("there");
    assert!(jwe::Jwe::parse(&stored).is_ok(), "{stored}");
    let strict = encrypted(&memory, [NEW]);
    assert_eq!(strict.load().await.expect("read").as_deref(), Some(OTHER));
    // What is neither is still nobody's record.
    assert!(
        memory
            .replace(Some(stored), text("eyJhbGciOiJkaXIi"))
            .await
            .expect("planted")
    );
    assert_eq!(store.load().await.expect_err("cut off").code(), "store");
}

#[tokio::test]
async fn what_is_too_large_is_not_stored() {
    let memory = MemoryStore::default();
    let store = encrypted(&memory, [NEW]);
    let large = "a".repeat(800_000);
    let error = store
        .replace(None, Some(large))
        .await
        .expect_err("too large");
    assert!(error.message().contains("too large"), "{error}");
    assert_eq!(memory.record(), None);
    let most = "a".repeat(786_000);
    assert!(store.replace(None, Some(most.clone())).await.expect("fits"));
    assert_eq!(store.load().await.expect("read"), Some(most));
}

#[test]
fn bad_keys_are_refused_without_showing_them() {
    let refused = |keys: &[(&str, &[u8])]| {
        let refusal = EncryptedStore::new(MemoryStore::default(), keys.iter().copied());
        let error = refusal.expect_err("must be refused");
        assert_eq!(error.code(), "config");
        assert!(error.message().starts_with("keys"), "{error}");
        assert!(!error.message().contains("canary"), "{error}");
        error.message().to_owned()
    };
    let key: &[u8] = &[1; 32];
    refused(&[]);
    assert!(refused(&[("a", b"canary")]).contains("6 bytes"));
    assert!(refused(&[("a", &[1; 31])]).contains("31 bytes"));
    assert!(refused(&[("a", key), ("b", &[1; 64])]).contains("key 2"));
    assert!(refused(&[("canary", key), ("canary", &[2; 32])]).contains("earlier"));
    // A key that was put in the ID's place.
    let long = format!("canary{}", "A".repeat(59));
    for id in ["", "canary\n", "canaryé", &long, "canary\u{7f}"] {
        assert!(refused(&[(id, key)]).contains("ID"), "{id}");
    }
    let longest = "k".repeat(64);
    EncryptedStore::new(MemoryStore::default(), [(&*longest, key)]).expect("just fits");
    let subject = |subject: &str| encrypted(&MemoryStore::default(), [NEW]).subject(subject);
    assert_eq!(subject("").expect_err("empty").code(), "config");
    assert_eq!(
        subject(&"s".repeat(257)).expect_err("too long").code(),
        "config"
    );
    let store = encrypted(
        &MemoryStore::default(),
        [("canary", *b"canary-secret-canary-secret-cana")],
    );
    let shown = format!("{store:?}");
    assert!(!shown.contains("canary") && !shown.contains("99, 97"));
    assert!(shown.contains(&store.location()), "{shown}");
}

#[tokio::test]
async fn the_rest_is_the_wrapped_stores_own() {
    let inner = Counted::default();
    let store = encrypted(&inner, [NEW]);
    assert_eq!(store.location(), "the table of logins");
    assert_eq!(store.time_limit(), Duration::from_secs(7));
    assert_eq!(store.cache_for(), Duration::from_secs(8));
    assert_eq!(
        store.check().expect_err("passed on").message(),
        "not this one"
    );
    assert!(store.lock().await.expect("asked").is_none());
    assert!(matches!(store.revision(), Revision::Known(0)));
    store.replace(None, text(RECORD)).await.expect("stored");
    assert!(matches!(store.revision(), Revision::Known(1)));
    // Twice is once too often, and works.
    let twice = encrypted(&store, [OLD]);
    assert!(
        !twice
            .replace(None, text(OTHER))
            .await
            .expect("there is one")
    );
    assert!(store.replace(text(RECORD), None).await.expect("deleted"));
    assert!(twice.replace(None, text(OTHER)).await.expect("stored"));
    assert_eq!(twice.load().await.expect("read").as_deref(), Some(OTHER));
}

#[tokio::test]
async fn a_file_holds_it_under_its_lock() {
    let scratch = crate::store::file::Scratch::new();
    let file = FileStore::new(scratch.path().join("login.jwe"));
    let store = encrypted(&file, [NEW]);
    {
        let held = store
            .lock()
            .await
            .expect("free")
            .expect("a file has a lock");
        assert!(held.replace(None, text(RECORD)).await.expect("stored"));
        assert!(
            held.replace(text(RECORD), text(OTHER))
                .await
                .expect("stored")
        );
        assert_eq!(held.load().await.expect("read").as_deref(), Some(OTHER));
        assert_eq!(held.location(), file.location());
    }
    let stored = std::fs::read_to_string(file.path()).expect("there");
    assert!(jwe::Jwe::parse(&stored).is_ok(), "exactly a JWE: {stored}");
    let again = FileStore::new(file.path());
    assert_eq!(
        encrypted(&again, [NEW])
            .load()
            .await
            .expect("read")
            .as_deref(),
        Some(OTHER)
    );
    assert_eq!(again.load().await.expect("its text"), Some(stored));
}

#[cfg(target_os = "linux")]
#[tokio::test]
async fn what_is_remembered_is_wiped() {
    let canary = crate::secret::memory::Canary::new();
    let memory = MemoryStore::default();
    let store = encrypted(&memory, [NEW]);
    assert!(
        store
            .replace(None, Some(canary.text()))
            .await
            .expect("stored")
    );
    let other = encrypted(&memory, [NEW]);
    drop(Zeroizing::new(other.load().await.expect("read")));
    assert!(canary.copies() > 0);
    drop((store, other));
    assert_eq!(canary.copies(), 0);
}

/// As a binding does it, around a store that only its language can call.
#[tokio::test]
async fn a_call_can_be_made_in_steps() {
    let memory = MemoryStore::default();
    let store = encrypted(&MemoryStore::default(), [NEW]);
    let drive = async |mut call: SteppedCall| {
        let mut answer = None;
        loop {
            answer = Some(match call.next(answer).expect("a step") {
                Step::Load => StoreAnswer::Record(memory.load().await.expect("read")),
                Step::Replace(old, new) => {
                    StoreAnswer::Replaced(memory.replace(old, new).await.expect("asked"))
                }
                Step::Done(done) => return done,
            });
        }
    };
    let record = async || match drive(store.stepped_load()).await {
        StoreAnswer::Record(record) => record,
        StoreAnswer::Replaced(_) => panic!("no record"),
    };
    let replaced = async |old, new| {
        let done = drive(store.stepped_replace(old, new)).await;
        matches!(done, StoreAnswer::Replaced(true))
    };
    assert_eq!(record().await, None);
    assert!(replaced(None, text(RECORD)).await);
    assert!(!replaced(None, text(OTHER)).await);
    assert!(replaced(text(RECORD), text(OTHER)).await);
    assert_eq!(record().await.as_deref(), Some(OTHER));
    assert!(jwe::Jwe::parse(&memory.record().expect("there")).is_ok());
    let mut call = store.stepped_load();
    assert!(matches!(call.next(None), Ok(Step::Load)));
    let wrong = call.next(Some(StoreAnswer::Replaced(true)));
    assert_eq!(
        wrong.err().expect("a bug of the binding").code(),
        "internal"
    );
}

#[test]
fn an_error_in_steps_names_the_wrapped_store() {
    let store = encrypted(&MemoryStore::default(), [NEW]);
    let mut call = store.stepped_load();
    assert!(matches!(call.next(None), Ok(Step::Load)));
    let plain = StoreAnswer::Record(text(RECORD));
    let error = call.next(Some(plain)).err().expect("not encrypted");
    assert!(
        error.message().starts_with("the wrapped store: "),
        "{error}"
    );
}
