//! How often a store is read: no more than what it says of its record makes necessary.

mod support;

use parallel_account::{CredentialStore, MemoryStore, Result, Revision, StoreFuture};
use serde_json::json;
use std::sync::{
    Arc,
    atomic::{AtomicU64, AtomicUsize, Ordering},
};
use support::*;

#[derive(Clone, Copy)]
enum Told {
    Nothing,
    AtOnce,
    WhenAsked,
}

#[derive(Clone)]
struct Counted {
    memory: MemoryStore,
    told: Told,
    revision: Arc<AtomicU64>,
    loads: Arc<AtomicUsize>,
}

impl CredentialStore for Counted {
    fn load(&self) -> StoreFuture<'_, Option<String>> {
        self.loads.fetch_add(1, Ordering::SeqCst);
        self.memory.load()
    }

    fn replace(&self, old: Option<String>, new: Option<String>) -> StoreFuture<'_, bool> {
        self.memory.replace(old, new)
    }

    fn revision(&self) -> Revision<'_> {
        let revision = self.revision.load(Ordering::SeqCst);
        match self.told {
            Told::Nothing => Revision::Unknown,
            Told::AtOnce => Revision::Known(revision),
            Told::WhenAsked => Revision::Asked(Box::pin(async move { Ok(Some(revision)) })),
        }
    }

    fn location(&self) -> String {
        "a counter".into()
    }
}

#[tokio::test]
async fn a_record_is_read_again_only_if_it_may_have_changed() -> Result<()> {
    let local = Local::start().await;
    for (told, loads) in [(Told::Nothing, 4), (Told::AtOnce, 2), (Told::WhenAsked, 2)] {
        let store = Counted {
            memory: valid(),
            told,
            revision: Arc::default(),
            loads: Arc::default(),
        };
        let client = local.client(store.clone());
        for _ in 0..2 {
            assert_eq!(token(&client).await?, "at-1");
        }
        let newer = record(json!({"org_1": login("at-2", "rt-2", 3600)}));
        write(&store.memory, newer).await;
        store.revision.fetch_add(1, Ordering::SeqCst);
        for _ in 0..2 {
            assert_eq!(token(&client).await?, "at-2");
        }
        assert_eq!(store.loads.load(Ordering::SeqCst), loads);
    }
    Ok(())
}
