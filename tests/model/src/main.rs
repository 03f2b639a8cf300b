//! A model checker explores the refresh machine of the core, the file itself and not a copy.

#![allow(clippy::duplicate_mod, reason = "the same model explores each mutant")]

mod cases;
mod config;
mod diagram;
#[allow(dead_code, reason = "the core uses what the model does not")]
#[path = "../../../core/src/session/machine.rs"]
mod machine;
mod model;
mod outcome;

use config::Config;
use outcome::Outcome;

include!(concat!(env!("OUT_DIR"), "/mutants.rs"));

#[allow(dead_code, unreachable_pub, reason = "the build script shares it")]
mod mutants {
    include!("../mutants.rs");
}

/// Explores each, with the machine as it is.
fn all_hold(cases: Vec<Config>, threads: usize) {
    let mut failures = Vec::new();
    for case in cases {
        let outcome = model::explore(&case, threads);
        println!("{outcome}");
        if !outcome.failures.is_empty() {
            failures.push(outcome.to_string());
        }
    }
    assert!(failures.is_empty(), "{}", failures.join("\n"));
}

/// The same configuration holds with the machine as it is: see `the_machine_holds`.
fn is_found(name: &str, explore: impl Fn(&Config, usize) -> Outcome) {
    let mutant = mutants::MUTANTS.iter().find(|mutant| mutant.name == name);
    let mutant = mutant.expect("a mutant of this name");
    let case = cases::small()
        .into_iter()
        .find(|case| case.name == mutant.case);
    let outcome = explore(&case.expect("a small configuration of this name"), 1);
    println!("{name}: {outcome}");
    let (what, case, property) = (mutant.what, mutant.case, mutant.property);
    let failure = outcome
        .failures
        .iter()
        .find(|(found, _)| *found == property);
    let Some((_, steps)) = failure else {
        panic!("\"{property}\" should fail: {name}: {outcome}");
    };
    let steps = steps.len();
    let row = format!("| `{name}` | {what} | {case} | {property} | {steps} |");
    let readme = include_str!("../README.md");
    assert!(
        readme.contains(&row),
        "The README's table lacks this row: {row}"
    );
}

#[test]
fn the_machine_holds() {
    all_hold(cases::small(), 1);
}

/// Minutes, and gigabytes: `make model`.
#[test]
#[ignore = "takes minutes; run `make model`"]
fn the_machine_holds_in_large_configurations() {
    let only = std::env::var("CASE").unwrap_or_default();
    let cases = cases::large()
        .into_iter()
        .filter(|case| case.name.contains(&only));
    all_hold(cases.collect(), 2);
}
