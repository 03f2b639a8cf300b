//! The configurations that are explored.

use crate::config::{Config, Part, Reuse, part};
use std::time::Duration;

/// Small ones, which every test run explores, and in which every mutant is found.
#[expect(clippy::too_many_lines, reason = "a list")]
pub(crate) fn small() -> Vec<Config> {
    let one = part(0, 1);
    let two = |name| Config::new(name, &[one, one]);
    let ahead = Part { clock: 240, ..one };
    let behind = Part { clock: -240, ..one };
    let mut cases = vec![
        two("two processes"),
        two("a crash").with(|c| c.budget.crashes = 1),
        two("a stall").with(|c| c.budget.freezes = 1),
        two("lost answers").with(|c| c.budget.losses = 2),
        two("lost answers, by 5 s").with(|c| {
            c.tick = Duration::from_secs(5);
            c.patience = 30;
            c.begin_until = 0;
            c.budget.losses = 2;
        }),
        Config::new("outages", &[part(0, 2), one]).with(|c| c.budget.outages = 2),
        two("a failing store").with(|c| c.budget.store_faults = 2),
        Config::new("a failing store, and short lives", &[part(0, 2), one]).with(|c| {
            c.budget.store_faults = 2;
            c.life = 1;
            c.begin_until = 2;
        }),
        two("a CLI").with(|c| c.budget.cli = 1),
        two("a CLI, and a lost answer").with(|c| {
            c.budget.cli = 1;
            c.budget.losses = 1;
        }),
        two("a CLI, and a server that only refuses").with(|c| {
            c.budget.cli = 1;
            c.reuse = Reuse::Refuses;
        }),
        two("logout").with(|c| c.budget.logouts = 1),
        two("new login").with(|c| c.budget.logins = 1),
        two("logout, and a new login").with(|c| {
            c.budget.logouts = 1;
            c.budget.logins = 1;
        }),
        two("one refusal after the other").with(|c| {
            c.reuse = Reuse::Never;
            c.budget.logins = 4;
            c.life = 0;
            c.begin_until = 0;
        }),
        Config::new("two organizations", &[one, part(1, 1)]).with(|c| c.budget.elsewhere = 1),
        Config::new("one organization becomes another", &[one, one]).with(|c| {
            c.budget.elsewhere = 1;
            c.budget.logins = 1;
        }),
        Config::new(
            "two organizations, and a failing store",
            &[part(0, 2), part(1, 1)],
        )
        .with(|c| c.budget.store_faults = 2),
        Config::new("a clock ahead", &[part(0, 2), ahead]).with(|c| c.life = 100),
        Config::new("a clock behind", &[part(0, 2), behind]).with(|c| {
            c.life = 100;
            c.budget.crashes = 1;
        }),
        two("a lock, a crash and a stall").with(|c| {
            c.locked = true;
            c.budget.crashes = 1;
            c.budget.freezes = 1;
        }),
    ];
    for (name, reuse) in [
        (
            "a stall, and a server that repeats the pair",
            Reuse::Repeats(4),
        ),
        (
            "a stall, and a server that gives a second pair",
            Reuse::Renews(4),
        ),
    ] {
        cases.push(two(name).with(|c| {
            c.reuse = reuse;
            c.budget.freezes = 1;
        }));
    }
    cases
}

/// Large ones, for `make model`: three processes, and several things that go wrong at once.
#[expect(clippy::too_many_lines, reason = "a list")]
pub(crate) fn large() -> Vec<Config> {
    let one = part(0, 1);
    let two = |name| Config::new(name, &[one, one]);
    let three = |name| Config::new(name, &[one, one, one]);
    vec![
        three("three processes, a crash and a stall").with(|c| {
            c.budget.crashes = 1;
            c.budget.freezes = 1;
        }),
        three("three processes, a crash and lost answers").with(|c| {
            c.budget.crashes = 1;
            c.budget.losses = 2;
        }),
        three("three processes, two stalls").with(|c| {
            c.budget.freezes = 2;
            c.begin_until = 0;
        }),
        three("three processes, a stall and a CLI").with(|c| {
            c.budget.freezes = 1;
            c.budget.cli = 1;
        }),
        three("three processes, a crash, a logout and a new login").with(|c| {
            c.budget.crashes = 1;
            c.budget.logouts = 1;
            c.budget.logins = 1;
        }),
        Config::new(
            "three processes of two organizations",
            &[one, one, part(1, 1)],
        )
        .with(|c| {
            c.budget.elsewhere = 1;
            c.budget.store_faults = 1;
            c.budget.crashes = 1;
        }),
        Config::new(
            "three clocks",
            &[one, Part { clock: 240, ..one }, Part { clock: -240, ..one }],
        )
        .with(|c| {
            c.life = 100;
            c.budget.crashes = 1;
            c.budget.losses = 1;
        }),
        two("by 5 s: a crash, a stall and a lost answer").with(|c| {
            c.tick = Duration::from_secs(5);
            c.patience = 40;
            c.budget.crashes = 1;
            c.budget.freezes = 1;
            c.budget.losses = 1;
        }),
        Config::new("short lives, a stall and a lost answer", &[part(0, 2), one]).with(|c| {
            c.life = 1;
            c.begin_until = 2;
            c.budget.freezes = 1;
            c.budget.losses = 1;
        }),
        Config::new(
            "a failing store, short lives and a stall",
            &[part(0, 2), one],
        )
        .with(|c| {
            c.life = 1;
            c.begin_until = 2;
            c.budget.store_faults = 1;
            c.budget.freezes = 1;
        }),
        Config::new(
            "outages, a lost answer and a crash",
            &[part(0, 2), part(0, 2)],
        )
        .with(|c| {
            c.budget.outages = 2;
            c.budget.losses = 1;
            c.budget.crashes = 1;
        }),
        three("a server that repeats the pair, a stall and a lost answer").with(|c| {
            c.reuse = Reuse::Repeats(4);
            c.budget.freezes = 1;
            c.budget.losses = 1;
        }),
        three("a server that gives a second pair, a stall and a lost answer").with(|c| {
            c.reuse = Reuse::Renews(4);
            c.budget.freezes = 1;
            c.budget.losses = 1;
        }),
    ]
}
