//! The model: processes with the machine of `session/machine.rs`, a store, a server, and time.

mod actions;
mod describe;
mod process;
mod record;
mod rules;
mod server;
mod state;

use crate::config::Config;
use crate::outcome::Outcome;
use actions::Action;
use rules::Rule;
use state::State;
use stateright::{Checker, HasDiscoveries, Model, Property};
use std::time::Instant;

pub(crate) struct World(Config);

impl Model for World {
    type State = State;
    type Action = Action;

    fn init_states(&self) -> Vec<State> {
        vec![State::new(&self.0)]
    }

    fn actions(&self, state: &State, actions: &mut Vec<Action>) {
        state.enabled(&self.0, actions);
    }

    fn next_state(&self, state: &State, action: Action) -> Option<State> {
        Some(state.after(&self.0, action))
    }

    fn properties(&self) -> Vec<Property<Self>> {
        type Always = Property<World>;
        vec![
            Always::always("one sender per token", |_, state| {
                state.keeps(Rule::OneSender)
            }),
            Always::always(
                "a token is sent only if it was just seen stored",
                |_, state| state.keeps(Rule::Reread),
            ),
            Always::always(
                "an attempt begins only if it ends within the claim",
                |_, state| state.keeps(Rule::ClaimLasts),
            ),
            Always::always("no older pair replaces a newer one", |_, state| {
                state.keeps(Rule::NewestStays)
            }),
            Always::always("no pair is lost", |_, state| state.nothing_lost()),
            Always::always("nobody waits forever", |_, state| {
                state.keeps(Rule::EverybodyEnds)
            }),
            Always::always("a login ends only if the server says so", |_, state| {
                state.keeps(Rule::TrueEnds)
            }),
            Always::always("the server has no reason to end a login", |_, state| {
                state.keeps(Rule::LoginLives)
            }),
            Always::always("rests are kept", |_, state| state.keeps(Rule::Rests)),
            Always::always("a logged-out login does not return", |_, state| {
                state.keeps(Rule::LoggedOut)
            }),
            Always::always("only its owner releases a claim", |_, state| {
                state.keeps(Rule::OwnClaim)
            }),
            Always::always("a pair stays with its organization", |_, state| {
                state.keeps(Rule::OwnOrganization)
            }),
        ]
    }
}

/// Explores everything that `config` allows, up to the first property that fails.
pub(crate) fn explore(config: &Config, threads: usize) -> Outcome {
    let mut outcome = explore_to(config, threads, None);
    // The checker stops at one of the shortest traces. Whether there is a shorter one is looked for
    // until there is none.
    while let Some((_, steps)) = outcome.failures.first() {
        let shorter = explore_to(config, threads, Some(steps.len() + 1));
        if shorter.failures.is_empty() {
            break;
        }
        outcome.failures = shorter.failures;
    }
    outcome
}

fn explore_to(config: &Config, threads: usize, depth: Option<usize>) -> Outcome {
    let began = Instant::now();
    let mut checker = World(config.clone())
        .checker()
        .threads(threads)
        .finish_when(HasDiscoveries::AnyFailures);
    if let Some(depth) = depth {
        checker = checker.target_max_depth(depth);
    }
    let checker = checker.spawn_bfs().join();
    let mut failures: Vec<(_, Vec<_>)> = checker
        .discoveries()
        .into_iter()
        .map(|(property, path)| {
            let steps = path.into_vec();
            let steps = steps.iter();
            let steps = steps.filter_map(|(state, action)| Some(state.describe((*action)?)));
            (property, steps.collect())
        })
        .collect();
    failures.sort_by_key(|(property, steps)| (steps.len(), *property));
    Outcome {
        name: config.name,
        states: checker.unique_state_count(),
        depth: checker.max_depth(),
        took: began.elapsed(),
        failures,
    }
}
