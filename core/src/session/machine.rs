//! Refreshing as a pure machine: (state, event, time) → (state, effect).
//!
//! A refresh token works once, and a strict server ends the login when one comes back. So nobody
//! sends one without the right to: the store's lock, or a claim that was put into the record by
//! compare-and-swap. This file decides; it sends, stores and waits for nothing, and knows nothing
//! but the standard library, so that `tests/model` can explore it as it is.

use std::time::Duration;

/// How long a claim lasts.
pub(crate) const LEASE: Duration = Duration::from_secs(45);
/// How long one request for a new pair may take.
pub(crate) const ATTEMPT: Duration = Duration::from_secs(15);
/// What a claim outlasts its last request by: a request may reach the server late.
const MARGIN: Duration = Duration::from_secs(5);
/// A claim that says it lasts longer is believed for this long.
const LONGEST_LEASE: Duration = Duration::from_secs(300);
/// A claim that ended this long ago by the wall clock has expired, however far apart clocks are.
const FAR_PAST: Duration = Duration::from_secs(86_400);
/// How often a sibling's claim is looked at.
const LOOK: Duration = Duration::from_millis(100);
/// How often a token is sent again, at once and unchanged, after an answer was lost: servers with
/// a grace window accept it, and on the others the login was lost already.
const LOST_ANSWERS: u32 = 2;
/// How often a request is repeated that did not reach the server.
const UNSENT: u32 = 2;
/// A claim whose write fails as soon as this may be there anyway, with its answer lost.
const LOST_AT_ONCE: Duration = Duration::from_secs(5);
/// How often a swap is tried again when somebody else was faster.
const CONFLICTS: u32 = 20;
/// How many pairs that others wrote are tried in turn when one after the other is refused.
const ROUNDS: u32 = 3;
/// The pauses between looks at the store after a refusal: whoever used the token before us, and
/// takes neither lock nor claim, is writing just now.
const LOOKS: [Duration; 5] = [
    Duration::from_millis(30),
    Duration::from_millis(70),
    Duration::from_millis(150),
    Duration::from_millis(300),
    Duration::from_millis(450),
];
/// The rest after a first failure; it doubles with each further one.
const FIRST_REST: Duration = Duration::from_millis(250);
const LONGEST_REST: Duration = Duration::from_secs(60);
/// A server that asks for more is still asked again.
const LONGEST_ASKED: Duration = Duration::from_secs(3600);

/// The clocks, as a process reads them.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) struct Time {
    /// Monotonic; what claims are measured by.
    pub(crate) real: Duration,
    /// Since 1970; it can be set, and it continues while a machine sleeps.
    pub(crate) wall: Duration,
    /// The client's own monotonic clock, which tests let run faster; what rests are measured by.
    pub(crate) client: Duration,
}

/// The right to refresh, as it is written into the login.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) struct Claim {
    /// Whose; a random number per session.
    pub(crate) owner: u64,
    /// Tells one owner's claims apart.
    pub(crate) number: u32,
    /// How long it lasts.
    pub(crate) lease: Duration,
    /// When it was made, by its owner's wall clock.
    pub(crate) made: Duration,
}

/// What can be done with a stored login.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Use {
    /// Its access token works.
    Good,
    /// It works, and is to be renewed.
    Early,
    /// It is to be renewed before it works.
    Expired,
    /// Only a new login helps.
    Over,
}

/// A stored login, as far as refreshing is concerned.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(crate) struct Seen<T> {
    /// Its refresh token.
    pub(crate) token: T,
    /// Whether its access token is another than the one that is to be replaced.
    pub(crate) newer: bool,
    /// What can be done with it.
    pub(crate) usable: Use,
    /// Who is refreshing it.
    pub(crate) claim: Option<Claim>,
    /// The store does not have this token: it could not be written, and only this process knows it.
    pub(crate) unsaved: bool,
}

/// What the driver has done, or what came of it.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Event<T> {
    /// Somebody needs a new pair. `locked`: the store's lock is held, so that no claim is needed.
    Start { locked: bool },
    /// The store was read: the login, if there is one.
    Loaded(Option<Seen<T>>),
    /// The store could not be read.
    Unreadable,
    /// A swap was done, or somebody was faster.
    Replaced(bool),
    /// The store failed; whether it has swapped is unknown.
    Unwritten,
    /// What the server said, or did not say.
    Answered(RefreshOutcome<T>),
    /// A wait, or a revocation, has ended.
    Waited,
}

/// What came of sending a refresh token.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(crate) enum RefreshOutcome<T> {
    /// A new pair with this refresh token (the same as before, where none came).
    Pair(T),
    /// A new pair for another organization.
    Elsewhere(T),
    /// The token is not valid any more.
    Refused,
    /// It may have been used up. The server may have said when to come back.
    Lost { retry_after: Option<Duration> },
    /// It was not used.
    Unused {
        /// Whether trying at once may help: the server was not reached.
        unsent: bool,
        retry_after: Option<Duration>,
    },
}

/// What the driver is to do next.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Effect<T> {
    /// Read the store.
    Load,
    /// Swap what was last read or written for the same with this change.
    Replace(Change<T>),
    /// Send this refresh token.
    Post(T),
    /// Wait, by real time.
    Wait(Duration),
    /// Revoke the pair in hand.
    Revoke,
    /// It has ended.
    End(End),
}

/// A change of the stored login.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Change<T> {
    /// Write what could not be written before.
    Save,
    /// Write the claim.
    Claim(Claim),
    /// Remove our claim.
    Release,
    /// Write the pair in hand, and remove the claim.
    Commit,
    /// Write the pair in hand as the login of the organization that it is for.
    Move,
    /// Note that this token was refused, and remove the claim.
    Refuse(T),
}

/// How a refresh ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) enum End {
    /// What is stored is good.
    Adopted,
    /// The new pair is stored.
    Renewed,
    /// The new pair is in memory only.
    Unsaved,
    /// The new pair is stored, for another organization.
    Moved,
    /// There is no login any more.
    LoggedOut,
    /// The stored login had already expired.
    Over,
    /// The server refused the token.
    Refused,
    /// The store failed before anything was sent.
    StoreFailed,
    /// The store answers `false` again and again.
    Contended,
    /// No new pair for a passing reason; rest before the next try.
    Failed,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash)]
enum Phase<T> {
    Idle,
    Loading,
    Saving(Seen<T>),
    /// Reading the store after a write that failed, and may have been done.
    Rereading(T),
    /// A sibling's claim, and since when it has been seen unchanged.
    Waiting(Claim, Duration),
    Claiming(Sending<T>),
    /// Reading the store after a claim that failed, and may have been written.
    Reclaiming(Sending<T>),
    Posting(Sending<T>),
    Pausing(Sending<T>),
    /// Reading the store before a token is sent once more.
    Checking(Sending<T>),
    Committing(Pair<T>),
    /// Reading the store after somebody else has changed it.
    Merging(Pair<T>),
    Revoking,
    Looking {
        sent: T,
        looks: usize,
    },
    Resting {
        sent: T,
        looks: usize,
    },
    Marking {
        sent: T,
    },
    Releasing,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash)]
struct Sending<T> {
    began: Time,
    token: T,
    lost: u32,
    unsent: u32,
}

impl<T> Sending<T> {
    fn new(token: T, began: Time) -> Self {
        let (lost, unsent) = (0, 0);
        Sending {
            began,
            token,
            lost,
            unsent,
        }
    }
}

/// A pair that the server has given for `sent`.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
struct Pair<T> {
    sent: T,
    got: T,
    elsewhere: bool,
}

/// After a failure: when to try again, and how long the pause was.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
struct Rest {
    until: Duration,
    pause: Duration,
}

/// The refreshing of one login by one session.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(crate) struct Machine<T> {
    owner: u64,
    /// How many claims it has made.
    claims: u32,
    locked: bool,
    conflicts: u32,
    rounds: u32,
    phase: Phase<T>,
    rest: Option<Rest>,
}

impl<T: Clone + PartialEq> Machine<T> {
    /// `owner` tells this session from all others.
    pub(crate) fn new(owner: u64) -> Self {
        Machine {
            owner,
            claims: 0,
            locked: false,
            conflicts: 0,
            rounds: 0,
            phase: Phase::Idle,
            rest: None,
        }
    }

    /// Whether a failure was so recent that nothing is to be sent yet.
    pub(crate) fn is_resting(&self, now: Time) -> bool {
        self.rest.is_some_and(|rest| now.client < rest.until)
    }

    /// Takes `event` in and says what to do next.
    #[expect(clippy::too_many_lines, reason = "a flat match of phases and events")]
    pub(crate) fn step(&mut self, event: Event<T>, now: Time) -> Effect<T> {
        let phase = std::mem::replace(&mut self.phase, Phase::Idle);
        match (phase, event) {
            // Whatever was under way was cut off: begin again.
            (_, Event::Start { locked }) => {
                self.locked = locked;
                self.conflicts = 0;
                self.rounds = 0;
                self.load()
            }
            (Phase::Loading, Event::Loaded(seen)) => self.loaded(seen, None, now),
            (Phase::Loading, _) => Effect::End(End::StoreFailed),
            (Phase::Saving(seen), Event::Replaced(true)) => {
                let unsaved = false;
                self.loaded(Some(Seen { unsaved, ..seen }), None, now)
            }
            (Phase::Saving(_), Event::Replaced(false)) => self.contended(),
            (Phase::Saving(seen), _) => self.unwritable(seen),
            (Phase::Rereading(kept), Event::Loaded(Some(seen)))
                if seen.unsaved && seen.token == kept =>
            {
                self.send(Sending::new(seen.token, now), now)
            }
            (Phase::Rereading(_), Event::Loaded(seen)) => self.loaded(seen, None, now),
            (Phase::Rereading(_), _) => Effect::End(End::StoreFailed),
            (Phase::Waiting(claim, since), Event::Loaded(seen)) => {
                self.loaded(seen, Some((claim, since)), now)
            }
            (Phase::Waiting(claim, since), Event::Waited) => {
                self.phase = Phase::Waiting(claim, since);
                Effect::Load
            }
            (Phase::Waiting(..), _) => Effect::End(End::StoreFailed),
            (Phase::Claiming(sending), Event::Replaced(true)) => self.send(sending, now),
            (Phase::Claiming(_), Event::Replaced(false)) => self.contended(),
            // Only the answer may be missing: left there, the claim would keep others waiting.
            (Phase::Claiming(sending), _)
                if now.real.saturating_sub(sending.began.real) < LOST_AT_ONCE =>
            {
                self.phase = Phase::Reclaiming(sending);
                Effect::Load
            }
            (Phase::Claiming(_), _) => Effect::End(End::StoreFailed),
            (Phase::Reclaiming(sending), Event::Loaded(Some(seen)))
                if seen.token == sending.token && self.has_claimed(&seen) =>
            {
                self.send(sending, now)
            }
            (Phase::Reclaiming(_), _) => Effect::End(End::StoreFailed),
            (Phase::Posting(sending), Event::Answered(answer)) => {
                self.answered(sending, answer, now)
            }
            (Phase::Posting(_), _) => self.failed(None, now),
            (Phase::Pausing(sending), _) => self.check(sending),
            (Phase::Checking(sending), Event::Loaded(Some(seen)))
                if seen.token == sending.token =>
            {
                self.send(sending, now)
            }
            (Phase::Checking(_), Event::Loaded(seen)) => self.loaded(seen, None, now),
            (Phase::Checking(_), _) => self.failed(None, now),
            (Phase::Committing(pair), Event::Replaced(true)) => {
                self.rest = None;
                Effect::End(match pair.elsewhere {
                    true => End::Moved,
                    false => End::Renewed,
                })
            }
            (Phase::Committing(pair), Event::Replaced(false)) if self.conflicts < CONFLICTS => {
                self.conflicts += 1;
                self.phase = Phase::Merging(pair);
                Effect::Load
            }
            // The server has acted, and the store has failed.
            (Phase::Committing(_), _) => Effect::End(End::Unsaved),
            (Phase::Merging(pair), Event::Loaded(seen)) => self.merge(pair, seen),
            (Phase::Merging(_), _) => Effect::End(End::Unsaved),
            (Phase::Revoking, _) => Effect::End(End::LoggedOut),
            (Phase::Looking { sent, looks }, Event::Loaded(seen)) => {
                self.looked(sent, looks, seen, now)
            }
            // What cannot be read cannot be marked either; the refusal is the news.
            (Phase::Looking { .. }, _) => Effect::End(End::Refused),
            (Phase::Resting { sent, looks }, _) => {
                self.phase = Phase::Looking { sent, looks };
                Effect::Load
            }
            (Phase::Marking { sent }, Event::Replaced(false)) if self.conflicts < CONFLICTS => {
                self.conflicts += 1;
                let looks = LOOKS.len();
                self.phase = Phase::Looking { sent, looks };
                Effect::Load
            }
            (Phase::Marking { .. }, _) => Effect::End(End::Refused),
            (Phase::Releasing, Event::Replaced(false)) if self.conflicts < CONFLICTS => {
                self.conflicts += 1;
                self.phase = Phase::Releasing;
                Effect::Load
            }
            (Phase::Releasing, Event::Loaded(Some(seen))) if self.owns(&seen) => {
                self.phase = Phase::Releasing;
                Effect::Replace(Change::Release)
            }
            (Phase::Releasing, _) => Effect::End(End::Failed),
            (Phase::Idle, _) => Effect::End(End::Failed),
        }
    }

    fn owns(&self, seen: &Seen<T>) -> bool {
        seen.claim.is_some_and(|claim| claim.owner == self.owner)
    }

    /// By the last claim: an older one ends sooner.
    fn has_claimed(&self, seen: &Seen<T>) -> bool {
        self.owns(seen) && seen.claim.is_some_and(|claim| claim.number == self.claims)
    }

    fn load(&mut self) -> Effect<T> {
        self.phase = Phase::Loading;
        Effect::Load
    }

    /// Somebody was faster: their record is read, and everything decided anew.
    fn contended(&mut self) -> Effect<T> {
        self.conflicts += 1;
        if self.conflicts > CONFLICTS {
            return Effect::End(End::Contended);
        }
        self.load()
    }

    /// `watched`: the claim that was waited for, and since when it has been there.
    fn loaded(
        &mut self,
        seen: Option<Seen<T>>,
        watched: Option<(Claim, Duration)>,
        now: Time,
    ) -> Effect<T> {
        let Some(seen) = seen else {
            return Effect::End(End::LoggedOut);
        };
        if seen.unsaved {
            self.phase = Phase::Saving(seen);
            return Effect::Replace(Change::Save);
        }
        match seen.usable {
            // Somebody has renewed it, so what failed before no longer counts.
            Use::Good => {
                self.rest = None;
                return Effect::End(End::Adopted);
            }
            Use::Early if seen.newer => return Effect::End(End::Adopted),
            Use::Over => return Effect::End(End::Over),
            Use::Early | Use::Expired => {}
        }
        // A claim of our own is left over from a write that was thought to have failed.
        if let Some(claim) = seen.claim.filter(|claim| claim.owner != self.owner) {
            let (since, look) = watch(claim, watched, now);
            if let Some(pause) = look {
                self.phase = Phase::Waiting(claim, since);
                return Effect::Wait(pause);
            }
        }
        self.claim(seen.token, now)
    }

    /// Nobody else can know a pair that was never stored, so it needs no claim. A write that
    /// failed may have stored it anyway, so the store is read before it is sent.
    fn unwritable(&mut self, seen: Seen<T>) -> Effect<T> {
        match seen.usable {
            Use::Good | Use::Early => Effect::End(End::Adopted),
            Use::Over => Effect::End(End::Over),
            Use::Expired => {
                self.phase = Phase::Rereading(seen.token);
                Effect::Load
            }
        }
    }

    fn claim(&mut self, token: T, now: Time) -> Effect<T> {
        let sending = Sending::new(token, now);
        if self.locked {
            return self.send(sending, now);
        }
        self.claims += 1;
        self.phase = Phase::Claiming(sending);
        Effect::Replace(Change::Claim(Claim {
            owner: self.owner,
            number: self.claims,
            lease: LEASE,
            made: now.wall,
        }))
    }

    /// Sends, unless the claim could end before the answer is there: it may have taken long to
    /// write, or the process was stopped meanwhile.
    fn send(&mut self, sending: Sending<T>, now: Time) -> Effect<T> {
        if !in_time(sending.began, now) {
            return self.contended();
        }
        let token = sending.token.clone();
        self.phase = Phase::Posting(sending);
        Effect::Post(token)
    }

    fn answered(&mut self, sending: Sending<T>, answer: RefreshOutcome<T>, now: Time) -> Effect<T> {
        let sent = sending.token.clone();
        match answer {
            RefreshOutcome::Pair(got) => self.commit(Pair {
                sent,
                got,
                elsewhere: false,
            }),
            RefreshOutcome::Elsewhere(got) => self.commit(Pair {
                sent,
                got,
                elsewhere: true,
            }),
            RefreshOutcome::Refused => {
                self.phase = Phase::Looking { sent, looks: 0 };
                Effect::Load
            }
            RefreshOutcome::Lost { retry_after: None }
                if sending.lost < LOST_ANSWERS && in_time(sending.began, now) =>
            {
                self.check(Sending {
                    lost: sending.lost + 1,
                    ..sending
                })
            }
            RefreshOutcome::Unused {
                unsent: true,
                retry_after: None,
            } if sending.unsent < UNSENT && in_time(sending.began, now) => {
                let unsent = sending.unsent + 1;
                self.phase = Phase::Pausing(Sending { unsent, ..sending });
                Effect::Wait(Duration::from_millis(200) * unsent)
            }
            RefreshOutcome::Lost { retry_after } | RefreshOutcome::Unused { retry_after, .. } => {
                self.failed(retry_after, now)
            }
        }
    }

    /// Before a token is sent once more: somebody without a claim may have used it.
    fn check(&mut self, sending: Sending<T>) -> Effect<T> {
        self.phase = Phase::Checking(sending);
        Effect::Load
    }

    fn commit(&mut self, pair: Pair<T>) -> Effect<T> {
        let change = match pair.elsewhere {
            true => Change::Move,
            false => Change::Commit,
        };
        self.phase = Phase::Committing(pair);
        Effect::Replace(change)
    }

    /// The record has changed under a pair in hand. The pair outranks what was there when it was
    /// asked for, and nothing else.
    fn merge(&mut self, pair: Pair<T>, seen: Option<Seen<T>>) -> Effect<T> {
        match seen {
            None => {
                self.phase = Phase::Revoking;
                Effect::Revoke
            }
            Some(seen) if seen.token == pair.sent => self.commit(pair),
            Some(seen) if seen.token == pair.got => Effect::End(End::Renewed),
            // Revoking ours could end the login that theirs belongs to.
            Some(_) => Effect::End(End::Adopted),
        }
    }

    /// After a refusal: if another token is stored by now, that one counts.
    fn looked(&mut self, sent: T, looks: usize, seen: Option<Seen<T>>, now: Time) -> Effect<T> {
        match seen {
            Some(seen) if seen.token == sent && seen.usable == Use::Over => {
                Effect::End(End::Refused)
            }
            Some(seen) if seen.token == sent => match LOOKS.get(looks) {
                Some(pause) => {
                    let looks = looks + 1;
                    self.phase = Phase::Resting { sent, looks };
                    Effect::Wait(*pause)
                }
                None => {
                    self.phase = Phase::Marking { sent: sent.clone() };
                    Effect::Replace(Change::Refuse(sent))
                }
            },
            seen => {
                self.rounds += 1;
                if self.rounds <= ROUNDS {
                    return self.loaded(seen, None, now);
                }
                // A claim on what is stored by now would be somebody else's: nothing to release.
                self.begin_rest(None, now);
                Effect::End(End::Failed)
            }
        }
    }

    fn begin_rest(&mut self, retry_after: Option<Duration>, now: Time) {
        let pause = self
            .rest
            .map_or(FIRST_REST, |rest| (rest.pause * 2).min(LONGEST_REST));
        let asked = retry_after.unwrap_or_default().min(LONGEST_ASKED);
        self.rest = Some(Rest {
            until: now.client + pause.max(asked),
            pause,
        });
    }

    /// Rests, and lets others try.
    fn failed(&mut self, retry_after: Option<Duration>, now: Time) -> Effect<T> {
        self.begin_rest(retry_after, now);
        if self.locked {
            return Effect::End(End::Failed);
        }
        self.phase = Phase::Releasing;
        Effect::Replace(Change::Release)
    }
}

/// Which of two logins counts, after one of ours could not be written: ours was made from the one
/// with the refresh token `base`, and by now the store holds the one with `stored`. `spent` tells
/// of a token that we have renewed: a store may show what was there before.
pub(crate) fn ours_counts<T: PartialEq>(
    base: Option<&T>,
    stored: Option<&T>,
    spent: impl Fn(&T) -> bool,
) -> bool {
    base == stored || stored.is_some_and(spent)
}

/// Since when a claim of somebody else has been seen unchanged, `watched` being what was seen
/// before, and after how long to look at it again; `None` where it has expired.
pub(crate) fn watch(
    claim: Claim,
    watched: Option<(Claim, Duration)>,
    now: Time,
) -> (Duration, Option<Duration>) {
    let since = match watched {
        Some((known, since)) if known == claim => since,
        _ => now.real,
    };
    let left = lease(&claim).saturating_sub(now.real.saturating_sub(since));
    // One that does not say when it was made is not judged by that.
    let long_gone =
        !claim.made.is_zero() && now.wall > claim.made.saturating_add(lease(&claim) + FAR_PAST);
    let look = (!left.is_zero() && !long_gone).then(|| LOOK.min(left));
    (since, look)
}

/// What a claim says, within reason.
fn lease(claim: &Claim) -> Duration {
    match claim.lease {
        Duration::ZERO => LEASE,
        lease => lease.min(LONGEST_LEASE),
    }
}

/// Whether a request that is sent now is answered before a claim ends that was begun at `began`,
/// by whichever clock says that more time has passed.
pub(crate) fn in_time(began: Time, now: Time) -> bool {
    let passed = now
        .real
        .saturating_sub(began.real)
        .max(now.wall.saturating_sub(began.wall));
    passed + ATTEMPT + MARGIN <= LEASE
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: Time = Time {
        real: Duration::ZERO,
        wall: Duration::ZERO,
        client: Duration::ZERO,
    };

    fn loaded(usable: Use) -> Event<u32> {
        Event::Loaded(Some(Seen {
            token: 1,
            newer: usable == Use::Good,
            usable,
            claim: None,
            unsaved: false,
        }))
    }

    fn fails(machine: &mut Machine<u32>) -> Duration {
        machine.step(Event::Start { locked: true }, NOW);
        assert_eq!(machine.step(loaded(Use::Expired), NOW), Effect::Post(1));
        let unused = RefreshOutcome::Unused {
            unsent: false,
            retry_after: None,
        };
        let end = machine.step(Event::Answered(unused), NOW);
        assert_eq!(end, Effect::End(End::Failed));
        machine.rest.expect("a failure").pause
    }

    #[test]
    fn pauses_grow_until_somebody_succeeds() {
        let mut machine = Machine::new(1);
        assert_eq!(fails(&mut machine), FIRST_REST);
        assert_eq!(fails(&mut machine), FIRST_REST * 2);
        machine.step(Event::Start { locked: true }, NOW);
        let end = machine.step(loaded(Use::Good), NOW);
        assert_eq!(end, Effect::End(End::Adopted));
        assert!(!machine.is_resting(NOW));
        assert_eq!(fails(&mut machine), FIRST_REST);
    }
}
