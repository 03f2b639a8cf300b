//! Every reader of a success, for fuzzing.

use super::{Object, apps, balance, keys};
use crate::{
    Error,
    transport::{Incoming, Repeat},
};

/// Why the readers refuse `answer`.
pub(crate) fn read_errors(answer: Incoming) -> Vec<Error> {
    let object = match Object::of(answer, "a call", Repeat::Never) {
        Ok(object) => object,
        Err(error) => return vec![error],
    };
    [
        balance::read(&object).err(),
        apps::read(&object).err(),
        keys::read(&object, "an app", "a name").err(),
    ]
    .into_iter()
    .flatten()
    .collect()
}
