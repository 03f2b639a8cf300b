//! Statics that a forked child must not share: another thread of the parent may have held their
//! locks when it forked, and nobody in the child would ever release them.

use std::sync::atomic::{AtomicU32, Ordering};

/// How many processes that forked from one another have one of their own.
pub(crate) const GENERATIONS: usize = 8;

/// One `T` for each process that forked from another. Nothing here waits for a lock.
pub(crate) struct PerProcess<T>([(AtomicU32, T); GENERATIONS]);

impl<T> PerProcess<T> {
    /// `each` are the values, all alike.
    pub(crate) const fn new(each: [(AtomicU32, T); GENERATIONS]) -> Self {
        PerProcess(each)
    }

    /// This process's own. `None` in a process that too many forks lie before: it does without.
    pub(crate) fn get(&self) -> Option<&T> {
        self.of(std::process::id())
    }

    fn of(&self, process: u32) -> Option<&T> {
        self.0.iter().find_map(|(id, value)| {
            let free = id.compare_exchange(0, process, Ordering::AcqRel, Ordering::Acquire);
            (free.is_ok() || free == Err(process)).then_some(value)
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::Mutex;

    #[test]
    fn each_process_has_its_own_and_never_waits_for_its_parent() {
        static EACH: PerProcess<Mutex<u32>> =
            PerProcess::new([const { (AtomicU32::new(0), Mutex::new(0)) }; GENERATIONS]);
        let parent = EACH.of(100).expect("free").lock().expect("free");
        for child in 101..108 {
            *EACH.of(child).expect("free").try_lock().expect("its own") = child;
        }
        assert!(EACH.of(108).is_none(), "too many generations");
        assert_eq!(*EACH.of(107).expect("its own").lock().expect("free"), 107);
        assert!(EACH.of(100).expect("its own").try_lock().is_err());
        drop(parent);
    }
}
