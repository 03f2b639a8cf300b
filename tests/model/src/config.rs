//! What one exploration allows to happen.

use std::time::Duration;

/// What the server does with a refresh token that was used before.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Reuse {
    /// It ends the login.
    Strict,
    /// It is refused, and the login stays valid.
    Refuses,
    /// It is refused, as every other token is.
    Never,
    /// For some ticks the pair that is valid now is given again; later the login ends.
    Repeats(u8),
    /// For some ticks a further pair is given, which replaces the valid one; later the login ends.
    Renews(u8),
}

/// One process, with a session of its own.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Part {
    /// The organization that it acts for: 0 or 1.
    pub(crate) org: usize,
    /// How many refreshes it starts.
    pub(crate) starts: u8,
    /// How far its wall clock is ahead, in ticks.
    pub(crate) clock: i32,
}

pub(crate) const fn part(org: usize, starts: u8) -> Part {
    let clock = 0;
    Part { org, starts, clock }
}

/// How often something may go wrong, or happen besides.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub(crate) struct Budget {
    pub(crate) crashes: u8,
    pub(crate) freezes: u8,
    /// Answers, or requests, that get lost.
    pub(crate) losses: u8,
    /// Answers that say "not now", some with Retry-After.
    pub(crate) outages: u8,
    /// Calls of the store that fail, with or without effect.
    pub(crate) store_faults: u8,
    /// Answers for the other organization.
    pub(crate) elsewhere: u8,
    /// Runs of a program that refreshes without claims.
    pub(crate) cli: u8,
    pub(crate) logouts: u8,
    pub(crate) logins: u8,
}

#[derive(Clone, Debug)]
pub(crate) struct Config {
    pub(crate) name: &'static str,
    /// The model's unit of time; the machine's own constants hold.
    pub(crate) tick: Duration,
    pub(crate) reuse: Reuse,
    pub(crate) parts: Vec<Part>,
    /// Which organizations are logged in at first.
    pub(crate) logins: [bool; 2],
    /// The store has a lock, as the file store does.
    pub(crate) locked: bool,
    /// Unsaved pairs are offered to the store during a refresh as well.
    pub(crate) saves_meanwhile: bool,
    /// Until when refreshes, logins, logouts and the CLI begin.
    pub(crate) begin_until: u8,
    /// A refresh that is not stopped ends within this many ticks.
    pub(crate) patience: u8,
    /// When the first tokens expire: 0 is at once.
    pub(crate) first_expiry: i32,
    /// How long every further access token lives, in ticks.
    pub(crate) life: i32,
    pub(crate) budget: Budget,
}

impl Config {
    /// Ticks of 15 s: an attempt takes one at most, and a claim lasts three.
    pub(crate) fn new(name: &'static str, parts: &[Part]) -> Self {
        Config {
            name,
            tick: Duration::from_secs(15),
            reuse: Reuse::Strict,
            parts: parts.to_vec(),
            logins: [true, parts.iter().any(|part| part.org == 1)],
            locked: false,
            saves_meanwhile: false,
            begin_until: 1,
            patience: 5 * u8::try_from(parts.len()).expect("few processes"),
            first_expiry: 0,
            life: 1000,
            budget: Budget::default(),
        }
    }

    pub(crate) fn with(mut self, change: impl FnOnce(&mut Self)) -> Self {
        change(&mut self);
        self
    }

    pub(crate) fn ticks(&self, time: Duration) -> u8 {
        u8::try_from(time.as_millis().div_ceil(self.tick.as_millis())).unwrap_or(u8::MAX)
    }

    /// Nothing is followed beyond.
    pub(crate) fn horizon(&self) -> u8 {
        self.begin_until + self.patience + 1
    }
}
