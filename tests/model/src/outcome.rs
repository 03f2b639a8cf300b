//! What came of an exploration.

use std::{fmt, time::Duration};

pub(crate) struct Outcome {
    pub(crate) name: &'static str,
    /// How many different states were reached.
    pub(crate) states: usize,
    pub(crate) depth: usize,
    pub(crate) took: Duration,
    /// The properties that fail, and the steps that show it.
    pub(crate) failures: Vec<(&'static str, Vec<String>)>,
}

impl fmt::Display for Outcome {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (states, depth, seconds) = (self.states, self.depth, self.took.as_secs_f64());
        write!(
            out,
            "{}: {states} states, {depth} steps deep, {seconds:.1} s",
            self.name
        )?;
        if self.failures.is_empty() {
            write!(out, "; every property holds")?;
        }
        for (property, steps) in &self.failures {
            write!(out, "; \"{property}\" fails after {} steps", steps.len())?;
        }
        if let Some((_, steps)) = self.failures.first() {
            write!(out, ": {}", steps.join(" → "))?;
        }
        Ok(())
    }
}
