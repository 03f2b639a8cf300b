//! What came of an exploration.

use std::{fmt, time::Duration};

pub(crate) struct Outcome {
    pub(crate) name: &'static str,
    /// How many different states were reached.
    pub(crate) states: usize,
    pub(crate) depth: usize,
    pub(crate) took: Duration,
    /// The property that fails, and the steps that show it.
    pub(crate) failure: Option<(&'static str, Vec<String>)>,
}

impl fmt::Display for Outcome {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (states, depth, seconds) = (self.states, self.depth, self.took.as_secs_f64());
        write!(out, "{}: {states} states, {depth} steps deep, {seconds:.1} s", self.name)?;
        match &self.failure {
            None => write!(out, "; every property holds"),
            Some((property, steps)) => {
                write!(out, "; \"{property}\" fails after {} steps: ", steps.len())?;
                write!(out, "{}", steps.join(" → "))
            }
        }
    }
}
