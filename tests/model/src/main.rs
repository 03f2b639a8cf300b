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
        Config::new("saves meanwhile", &[part(0, 2), part(0, 1)]).with(|c| {c.budget.store_faults=2; c.life=1; c.begin_until=3; c.saves_meanwhile=true}),
        Config::new("saves meanwhile", &[part(0, 2), part(0, 1)]).with(|c| {c.budget.store_faults=2; c.begin_until=3; c.saves_meanwhile=true}),
        Config::new("refused", &[part(0, 1), part(0, 1)]).with(|c| {c.budget.logins=4; c.reuse=Reuse::Never; c.life=0; c.begin_until=0}),
    ] {
        let outcome = model::explore(config, 1);
        println!("{outcome}");
    }
}
