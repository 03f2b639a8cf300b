//! parallel-account
