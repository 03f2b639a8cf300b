//! A local Parallel for demos and tests.
