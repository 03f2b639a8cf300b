//! Who shares connections with whom, and for how long.

use super::*;
use crate::{
    clock::Clock,
    events::Events,
    transport::{Caller, Plain, Transport, Trust},
};
use tokio::runtime::{Builder, Runtime};

fn options(user_agent: &str) -> NetworkOptions {
    NetworkOptions {
        user_agent: user_agent.into(),
        proxy: None,
        trust: Trust::new(None, None),
        plain: Plain::BothBases,
    }
}

fn runtime() -> Runtime {
    Builder::new_current_thread()
        .enable_all()
        .build()
        .expect("a runtime")
}

#[test]
fn equal_options_share_until_the_last_lets_go() {
    let engine = Engine::default();
    let first = engine.network(options("a")).expect("good options");
    let second = engine.network(options("a")).expect("good options");
    let other = engine.network(options("b")).expect("good options");
    assert!(Arc::ptr_eq(&first, &second));
    assert!(!Arc::ptr_eq(&first, &other));
    let gone = Arc::downgrade(&first);
    drop((first, second));
    assert!(gone.upgrade().is_none());
    // The name of what is gone goes when the next one is made.
    let _third = engine.network(options("c")).expect("good options");
    assert_eq!(engine.networks().len(), 2);
}

fn caller() -> Arc<Caller> {
    Arc::new(Caller {
        clock: Clock::new(1.0),
        headers: Default::default(),
        events: Events::default(),
    })
}

#[test]
fn a_pool_ends_with_its_runtime() {
    let network = Engine::default()
        .network(options("a"))
        .expect("good options");
    let (one, two) = (runtime(), runtime());
    for handle in [one.handle(), two.handle(), one.handle()] {
        drop(Transport::new(&network, handle, caller()).expect("a transport"));
    }
    assert_eq!(network.pools(), 2);
    drop(one);
    assert_eq!(network.pools(), 1);
    // One that is shutting down is no place for a pool, but nobody waits forever.
    let handle = two.handle().clone();
    drop(two);
    drop(Transport::new(&network, &handle, caller()).expect("a transport"));
    assert_eq!(network.pools(), 0);
}

#[test]
fn detached_work_runs_while_its_caller_stands_still() {
    let engine = Engine::default();
    let detached = engine.detached().expect("a thread");
    let (done, result) = std::sync::mpsc::channel();
    let caller = runtime();
    caller.block_on(async {
        drop(detached.runtime().spawn(async move { done.send(7) }));
    });
    assert_eq!(result.recv(), Ok(7));
    let again = engine.detached().expect("the same thread");
    assert_eq!(again.runtime().id(), detached.runtime().id());
}
