//! The exact limits of the refresh machine, which its model is too coarse for.

use super::machine::{
    Change, Claim, Effect, End, Event, LEASE, Machine, RefreshOutcome, Seen, Time, Use, in_time,
    watch,
};
use std::time::Duration;

const NOW: Time = at(Duration::ZERO);

/// All clocks run alike.
const fn at(time: Duration) -> Time {
    Time {
        real: time,
        wall: time,
        client: time,
    }
}

fn seen(token: u32) -> Seen<u32> {
    Seen {
        token,
        newer: false,
        usable: Use::Expired,
        claim: None,
        unsaved: false,
    }
}

fn unused() -> RefreshOutcome<u32> {
    RefreshOutcome::Unused {
        unsent: false,
        retry_after: None,
    }
}

/// About to claim the token 1.
fn claiming() -> (Machine<u32>, Claim) {
    let mut machine = Machine::new(7);
    let start = machine.step(Event::Start { locked: false }, NOW);
    assert_eq!(start, Effect::Load);
    match machine.step(Event::Loaded(Some(seen(1))), NOW) {
        Effect::Replace(Change::Claim(claim)) => (machine, claim),
        effect => panic!("{effect:?}"),
    }
}

/// The token 1 was sent.
fn sent() -> (Machine<u32>, Claim) {
    let (mut machine, claim) = claiming();
    let post = machine.step(Event::Replaced(true), NOW);
    assert_eq!(post, Effect::Post(1));
    (machine, claim)
}

/// How often it swaps in vain, from `event` on.
fn swaps_in_vain(mut machine: Machine<u32>, claim: Claim, event: Event<u32>) -> (u32, End) {
    let (mut event, mut swaps) = (event, 0);
    let claim = Some(claim);
    loop {
        event = match machine.step(event, NOW) {
            Effect::Load => Event::Loaded(Some(Seen { claim, ..seen(1) })),
            Effect::Wait(_) => Event::Waited,
            Effect::End(end) => return (swaps, end),
            Effect::Replace(_) => {
                swaps += 1;
                assert!(swaps < 100, "it never gives up");
                Event::Replaced(false)
            }
            effect => panic!("{effect:?}"),
        };
    }
}

#[test]
fn a_swap_is_tried_again_twenty_times() {
    for (answer, end) in [
        (RefreshOutcome::Pair(2), End::Unsaved),
        (RefreshOutcome::Refused, End::Refused),
        (unused(), End::Failed),
    ] {
        let (machine, claim) = sent();
        let ended = swaps_in_vain(machine, claim, Event::Answered(answer));
        assert_eq!(ended, (21, end));
    }
    let (machine, claim) = claiming();
    let ended = swaps_in_vain(machine, claim, Event::Start { locked: false });
    assert_eq!(ended, (21, End::Contended));
}

#[test]
fn only_a_claim_of_our_own_is_released() {
    for (owner, effect) in [
        (7, Effect::Replace(Change::Release)),
        (8, Effect::End(End::Failed)),
    ] {
        let (mut machine, claim) = sent();
        machine.step(Event::Answered(unused()), NOW);
        machine.step(Event::Replaced(false), NOW);
        let claim = Some(Claim { owner, ..claim });
        let found = Event::Loaded(Some(Seen { claim, ..seen(1) }));
        assert_eq!(machine.step(found, NOW), effect);
    }
}

#[test]
fn a_claim_whose_write_failed_counts_if_it_is_there() {
    let (_, claim) = claiming();
    let another = Claim { number: 9, ..claim };
    for (token, claim, sends) in [
        (1, Some(claim), true),
        (2, Some(claim), false),
        (1, Some(another), false),
        (1, None, false),
    ] {
        let (mut machine, _) = claiming();
        assert_eq!(machine.step(Event::Unwritten, NOW), Effect::Load);
        let found = Seen {
            claim,
            ..seen(token)
        };
        let effect = machine.step(Event::Loaded(Some(found)), NOW);
        let failed = Effect::End(End::StoreFailed);
        assert_eq!(effect, if sends { Effect::Post(1) } else { failed });
    }
    // A store that hung before it failed would hang again.
    for (after, effect) in [
        (Duration::from_millis(4_999), Effect::Load),
        (Duration::from_secs(5), Effect::End(End::StoreFailed)),
    ] {
        let (mut machine, _) = claiming();
        assert_eq!(machine.step(Event::Unwritten, at(after)), effect);
    }
}

#[test]
fn a_rest_ends_on_time() {
    let (mut machine, _) = sent();
    machine.step(Event::Answered(unused()), NOW);
    assert!(machine.is_resting(at(Duration::from_millis(249))));
    assert!(!machine.is_resting(at(Duration::from_millis(250))));
}

#[test]
fn a_request_ends_within_its_claim() {
    // 15 s of the request and 5 s of margin.
    let last = LEASE - Duration::from_secs(20);
    assert!(in_time(NOW, at(last)));
    let late = last + Duration::from_millis(1);
    assert!(!in_time(NOW, at(late)));
    for (real, wall) in [(late, Duration::ZERO), (Duration::ZERO, late)] {
        let client = Duration::ZERO;
        assert!(!in_time(NOW, Time { real, wall, client }), "by either");
    }
}

#[test]
fn a_claim_is_watched_for_its_lease_or_believed_for_a_day() {
    let (_, claim) = claiming();
    let made = Duration::from_secs(1_000_000);
    let claim = Claim { made, ..claim };
    let seconds = Duration::from_secs;
    let look = |watched: Duration, wall: Duration| {
        let real = seconds(100);
        let now = Time {
            real,
            wall,
            client: real,
        };
        watch(claim, Some((claim, real - watched)), now).1
    };
    let often = Duration::from_millis(100);
    assert_eq!(look(seconds(44), made), Some(often));
    assert_eq!(look(LEASE - often / 2, made), Some(often / 2));
    assert_eq!(look(LEASE, made), None);
    let day = made + LEASE + seconds(86_400);
    assert_eq!(look(seconds(1), day), Some(often));
    assert_eq!(look(seconds(1), day + often), None);
    let undated = Claim {
        made: Duration::ZERO,
        ..claim
    };
    assert!(watch(undated, None, at(day * 2)).1.is_some());
}

#[test]
fn a_request_that_did_not_work_is_repeated_twice() {
    let unsent = RefreshOutcome::Unused {
        unsent: true,
        retry_after: None,
    };
    let lost = RefreshOutcome::Lost { retry_after: None };
    for (answer, pauses) in [(unsent, [Some(200), Some(400)]), (lost, [None, None])] {
        let (mut machine, _) = sent();
        for pause in pauses {
            let mut effect = machine.step(Event::Answered(answer.clone()), NOW);
            if let Some(pause) = pause {
                assert_eq!(effect, Effect::Wait(Duration::from_millis(pause)));
                effect = machine.step(Event::Waited, NOW);
            }
            assert_eq!(effect, Effect::Load);
            let found = Event::Loaded(Some(seen(1)));
            assert_eq!(machine.step(found, NOW), Effect::Post(1));
        }
        let ended = machine.step(Event::Answered(answer), NOW);
        assert_eq!(ended, Effect::Replace(Change::Release));
    }
}

#[test]
fn a_newer_pair_that_is_to_be_renewed_early_is_adopted() {
    for (newer, adopted) in [(true, true), (false, false)] {
        let (mut machine, _) = claiming();
        machine.step(Event::Start { locked: false }, NOW);
        let usable = Use::Early;
        let found = Seen {
            newer,
            usable,
            ..seen(2)
        };
        let effect = machine.step(Event::Loaded(Some(found)), NOW);
        assert_eq!(effect == Effect::End(End::Adopted), adopted);
    }
}

#[test]
fn a_pair_that_is_stored_after_all_was_renewed_and_another_is_adopted() {
    for (stored, end) in [(2, End::Renewed), (3, End::Adopted)] {
        let (mut machine, _) = sent();
        let commit = machine.step(Event::Answered(RefreshOutcome::Pair(2)), NOW);
        assert_eq!(commit, Effect::Replace(Change::Commit));
        assert_eq!(machine.step(Event::Replaced(false), NOW), Effect::Load);
        let found = Event::Loaded(Some(seen(stored)));
        assert_eq!(machine.step(found, NOW), Effect::End(end));
    }
}

#[test]
fn a_refusal_that_somebody_has_noted_is_believed_at_once() {
    for (usable, effect) in [
        (Use::Over, Effect::End(End::Refused)),
        (Use::Expired, Effect::Wait(Duration::from_millis(30))),
    ] {
        let (mut machine, _) = sent();
        let refused = Event::Answered(RefreshOutcome::Refused);
        assert_eq!(machine.step(refused, NOW), Effect::Load);
        let found = Seen { usable, ..seen(1) };
        assert_eq!(machine.step(Event::Loaded(Some(found)), NOW), effect);
    }
}
