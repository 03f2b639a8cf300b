//! What JavaScript keeps under a number for as long as it is held here.

use std::fmt;
use std::sync::Arc;

/// Who keeps it.
pub(crate) trait Keeper: Send + Sync {
    /// Nothing here refers to that number any more.
    fn forget(&self, number: u32);
}

/// Something that JavaScript knows by a number until this is dropped: a store, a logger, or an error
/// that a store threw.
pub(crate) struct Kept {
    pub(crate) keeper: Arc<dyn Keeper>,
    pub(crate) number: u32,
}

impl Drop for Kept {
    fn drop(&mut self) {
        self.keeper.forget(self.number);
    }
}

impl fmt::Debug for Kept {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Kept").field(&self.number).finish()
    }
}
