//! The variables that a client is made by: the process's, or what a language calls its environment.

use std::{collections::HashMap, env, ffi::OsString};

/// `None`: the process's. A worker of Node can have others.
#[derive(Clone, Default)]
pub(crate) struct Environment(pub(crate) Option<HashMap<String, String>>);

impl Environment {
    pub(crate) fn var_os(&self, name: &str) -> Option<OsString> {
        match &self.0 {
            None => env::var_os(name),
            Some(variables) => variables.get(name).map(OsString::from),
        }
    }

    /// As text, if it is Unicode.
    pub(crate) fn var(&self, name: &str) -> Option<String> {
        self.var_os(name)?.into_string().ok()
    }
}
