//! Statics that a forked child must not share: another thread of the parent may have held their
//! locks when it forked, and nobody in the child would ever release them.

use std::{process, sync::OnceLock};

/// A `T` of each process's own, from the first that asked to the youngest of those that forked
/// from it. A child leaves its parent's alone.
pub(crate) struct PerProcess<T>(OnceLock<Box<Own<T>>>);

struct Own<T> {
    process: u32,
    value: T,
    younger: PerProcess<T>,
}

impl<T> PerProcess<T> {
    pub(crate) const fn new() -> Self {
        PerProcess(OnceLock::new())
    }

    /// This process's own, which `make` makes when it is first asked for.
    pub(crate) fn get(&self, make: impl Fn() -> T) -> &T {
        self.of(process::id(), make)
    }

    /// The youngest, or one that is younger: a number of a process may come back, its locks do not.
    fn of(&self, process: u32, make: impl Fn() -> T) -> &T {
        let mut place = self;
        while let Some(own) = place.0.get() {
            let youngest = own.younger.0.get().is_none();
            if youngest && own.process == process {
                return &own.value;
            }
            place = &own.younger;
        }
        // Made beforehand: a fork in the middle of it would leave the place locked.
        let own = Box::new(Own {
            process,
            value: make(),
            younger: PerProcess::new(),
        });
        &place.0.get_or_init(|| own).value
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::Mutex;

    #[test]
    fn each_process_has_its_own_and_never_waits_for_its_parent() {
        static EACH: PerProcess<Mutex<u32>> = PerProcess::new();
        let of = |process| EACH.of(process, Mutex::default);
        let parent = of(100).lock().expect("free");
        for child in 101..150 {
            *of(child).try_lock().expect("its own") = child;
            assert_eq!(*of(child).lock().expect("free"), child);
        }
        // A number may come back, its locks do not.
        assert!(of(100).try_lock().is_ok());
        drop(parent);
    }
}
