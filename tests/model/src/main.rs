//! A model checker explores the refresh machine of the core, the file itself and not a copy.

mod config;
#[allow(dead_code, reason = "the model uses most of it, and the core all")]
#[path = "../../../core/src/session/machine.rs"]
mod machine;
mod model;
mod outcome;

use config::{Config, Part, Reuse, part};

fn holds(config: Config) {
    let outcome = model::explore(config, 1);
    println!("{outcome}");
    assert!(outcome.failure.is_none(), "{outcome}");
}

#[test]
fn two_processes() {
    let parts = [part(0, 1), part(0, 1)];
    let early = |config: Config| config.with(|c| c.first_expiry = 1);
    for config in [
        Config::new("two", &parts),
        Config::new("crash", &parts).with(|c| c.budget.crashes = 1),
        Config::new("freeze", &parts).with(|c| c.budget.freezes = 1),
        Config::new("loss", &parts).with(|c| c.budget.losses = 1),
        early(Config::new("early, loss", &parts).with(|c| c.budget.losses = 1)),
        Config::new("outage", &[part(0, 2), part(0, 1)]).with(|c| c.budget.outages = 2),
        Config::new("store", &parts).with(|c| c.budget.store_faults = 1),
        Config::new("cli", &parts).with(|c| c.budget.cli = 1),
        Config::new("cli refuses", &parts).with(|c| {c.budget.cli = 1; c.reuse = Reuse::Refuses}),
        Config::new("logout", &parts).with(|c| c.budget.logouts = 1),
        Config::new("login", &parts).with(|c| c.budget.logins = 1),
        Config::new("logout login", &parts).with(|c| {c.budget.logouts = 1; c.budget.logins = 1}),
        Config::new("orgs", &[part(0, 1), part(1, 1)]).with(|c| {c.budget.elsewhere=1; }),
        Config::new("orgs store", &[part(0, 2), part(1, 1)]).with(|c| {c.budget.store_faults=2; }),
        Config::new("store, short life", &[part(0, 2), part(0, 1)]).with(|c| {c.budget.store_faults=2; c.life=1; c.begin_until=3}),
        Config::new("locked, crash, freeze", &parts).with(|c| {c.budget.crashes=1; c.budget.freezes=1; c.locked = true}),
        Config::new("repeats freeze", &parts).with(|c| {c.budget.freezes=1; c.reuse = Reuse::Repeats(2)}),
        Config::new("renews freeze", &parts).with(|c| {c.budget.freezes=1; c.reuse = Reuse::Renews(2)}),
        Config::new("clock ahead", &[part(0, 2), Part{org:0, starts:2, clock:2000}]).with(|c| {c.budget.losses=1;}),
        Config::new("clock behind", &[part(0, 2), Part{org:0, starts:2, clock:-2000}]).with(|c| {c.budget.losses=1;}),
    ] {
        let outcome = model::explore(config, 1);
        println!("{outcome}");
    }
}
