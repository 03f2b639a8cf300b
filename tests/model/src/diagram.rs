//! The diagram in ARCHITECTURE.md, drawn by giving the machine every event in every state.

use crate::machine::{
    Change, Claim, Effect, Event, LEASE, Machine, RefreshOutcome, Seen, Time, Use,
};
use std::{
    collections::{BTreeSet, HashSet},
    time::Duration,
};

const BEGIN: &str =
    "<!-- The machine, as `UPDATE=1 cargo test -p parallel-account-model` draws it. -->\n";
const END: &str = "<!-- End of the machine. -->\n";
const OURS: u64 = 1;
/// The token that is stored at first, and one that comes after it.
const TOKENS: [u8; 2] = [0, 1];

fn at(seconds: u64) -> Time {
    let now = Duration::from_secs(seconds);
    Time {
        real: now,
        wall: now,
        client: now,
    }
}

/// What can come of `effect`.
fn events(effect: &Effect<u8>) -> Vec<Event<u8>> {
    match effect {
        Effect::Load => loads(),
        Effect::Replace(_) => {
            vec![
                Event::Replaced(true),
                Event::Replaced(false),
                Event::Unwritten,
            ]
        }
        Effect::Post(_) => {
            let retry_after = None;
            let unused = |unsent| RefreshOutcome::Unused {
                unsent,
                retry_after,
            };
            [
                RefreshOutcome::Pair(TOKENS[1]),
                RefreshOutcome::Elsewhere(TOKENS[1]),
                RefreshOutcome::Refused,
                RefreshOutcome::Lost { retry_after },
                unused(true),
                unused(false),
            ]
            .map(Event::Answered)
            .into()
        }
        Effect::Wait(_) | Effect::Revoke => vec![Event::Waited],
        Effect::End(_) => Vec::new(),
    }
}

/// What a load may find.
fn loads() -> Vec<Event<u8>> {
    let mut events = vec![Event::Loaded(None), Event::Unreadable];
    let theirs = Claim {
        owner: OURS + 1,
        number: 1,
        lease: LEASE,
        made: Duration::ZERO,
    };
    let ours = Claim {
        owner: OURS,
        ..theirs
    };
    for token in TOKENS {
        for usable in [Use::Good, Use::Early, Use::Expired, Use::Over] {
            for (claim, unsaved) in [
                (None, false),
                (Some(theirs), false),
                (Some(ours), false),
                (None, true),
            ] {
                events.push(Event::Loaded(Some(Seen {
                    token,
                    newer: false,
                    usable,
                    claim,
                    unsaved,
                })));
            }
        }
    }
    events
}

/// A field of the machine that is its own affair otherwise.
fn field(machine: &str, name: &str) -> String {
    let (_, value) = machine.split_once(name).expect("a field of this name");
    value
        .chars()
        .take_while(char::is_ascii_alphanumeric)
        .collect()
}

fn phase(machine: &Machine<u8>) -> String {
    field(&format!("{machine:?}"), "phase: ")
}

/// Whether `event` leads to anything new. Between a few conflicts and the last one, only what
/// leads to further ones is followed.
fn is_worth_it(machine: &str, event: &Event<u8>) -> bool {
    let conflicts: u32 = field(machine, "conflicts: ").parse().expect("a number");
    match event {
        _ if !(2..20).contains(&conflicts) => true,
        Event::Replaced(swapped) => !swapped,
        Event::Loaded(Some(seen)) => {
            seen.token == TOKENS[0] && seen.usable == Use::Expired && seen.claim.is_none()
        }
        _ => false,
    }
}

/// What `machine` will do, which its count of claims and the length of its rest do not change.
fn essence(machine: &str) -> String {
    let (_, rest) = machine
        .split_once("locked: ")
        .expect("a field of this name");
    let (essence, _) = rest.split_once("rest: ").expect("a field of this name");
    essence.to_owned()
}

fn arrow(from: &str, machine: &Machine<u8>, effect: &Effect<u8>) -> String {
    let (to, what) = match effect {
        Effect::End(end) => ("[*]".to_owned(), format!("{end:?}")),
        Effect::Load => (phase(machine), "load".into()),
        Effect::Post(_) => (phase(machine), "send the token".into()),
        Effect::Wait(_) => (phase(machine), "wait".into()),
        Effect::Revoke => (phase(machine), "revoke the pair".into()),
        Effect::Replace(change) => {
            let what = match change {
                Change::Save => "save the unsaved pair",
                Change::Claim(_) => "claim",
                Change::Release => "release the claim",
                Change::Commit => "store the pair",
                Change::Move => "store the pair, elsewhere",
                Change::Refuse(_) => "mark the token as refused",
            };
            (phase(machine), format!("swap: {what}"))
        }
    };
    format!("    {from} --> {to}: {what}\n")
}

fn draw() -> String {
    let mut arrows = BTreeSet::new();
    let mut known = HashSet::new();
    let mut open = Vec::new();
    for locked in [false, true] {
        let mut machine = Machine::new(OURS);
        let effect = machine.step(Event::Start { locked }, at(0));
        arrows.insert(arrow("[*]", &machine, &effect));
        open.push((machine, effect));
    }
    while let Some((machine, effect)) = open.pop() {
        let text = format!("{machine:?}");
        for event in events(&effect) {
            if !is_worth_it(&text, &event) {
                continue;
            }
            for now in [at(0), at(60)] {
                let mut next = machine.clone();
                let effect = next.step(event.clone(), now);
                arrows.insert(arrow(&phase(&machine), &next, &effect));
                if known.insert((essence(&format!("{next:?}")), format!("{effect:?}"))) {
                    open.push((next, effect));
                }
            }
        }
    }
    let arrows: String = arrows.into_iter().collect();
    format!("```mermaid\nstateDiagram-v2\n{arrows}```\n")
}

#[test]
fn the_architecture_shows_the_machine() {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../../ARCHITECTURE.md");
    let text = std::fs::read_to_string(path).expect("a readable ARCHITECTURE.md");
    let (before, rest) = text.split_once(BEGIN).expect("where the diagram begins");
    let (shown, after) = rest.split_once(END).expect("where the diagram ends");
    let drawn = draw();
    if std::env::var_os("UPDATE").is_some() {
        let text = format!("{before}{BEGIN}{drawn}{END}{after}");
        std::fs::write(path, text).expect("a writable ARCHITECTURE.md");
        return;
    }
    assert_eq!(
        shown, drawn,
        "The diagram in ARCHITECTURE.md is not that of the machine. Run: UPDATE=1 cargo test -p parallel-account-model --test model the_architecture"
    );
}
