//! Finds the parser that a fuzz target is named after.

use parallel_account::fuzzing::TARGETS;

/// Runs the parser of this name.
///
/// # Panics
/// Where the parser does, which is a finding, or where there is none of this name.
pub fn run(name: &str, data: &[u8]) {
    let (_, parse) = TARGETS
        .iter()
        .find(|(target, _)| *target == name)
        .unwrap_or_else(|| panic!("there is no parser {name}"));
    parse(data);
}
