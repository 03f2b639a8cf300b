//! Taking turns: how much file work runs at once, and who changes a file that cannot be locked.

use crate::{Error, Result, per_process::PerProcess};
use std::{
    path::{Path, PathBuf},
    sync::{Arc, Mutex, PoisonError, Weak},
};
use tokio::{runtime::Handle, sync::Semaphore};

/// File systems that hang keep at most so many threads of this process.
const AT_ONCE: usize = 16;

static RUNNING: PerProcess<Semaphore> = PerProcess::new();

/// Runs file work where it does not hold up the runtime, to its end even if nobody waits for it
/// any more.
pub(super) async fn blocking<T: Send + 'static>(
    work: impl FnOnce() -> Result<T> + Send + 'static,
) -> Result<T> {
    if Handle::try_current().is_err() {
        return Err(Error::config("Call this from within a Tokio runtime."));
    }
    let running = RUNNING.get(|| Semaphore::new(AT_ONCE));
    // It is never closed.
    let turn = running.acquire().await.ok();
    let task = tokio::task::spawn_blocking(move || {
        let result = work();
        drop(turn);
        result
    });
    match task.await {
        Ok(result) => result,
        Err(error) => Err(Error::internal(format!("file work ended early: {error}"))),
    }
}

type Paths = Mutex<Vec<(PathBuf, Weak<Mutex<()>>)>>;

static CHANGING: PerProcess<Paths> = PerProcess::new();

/// Whose turn it is to change the file at `path`, within this process: where the file system has
/// no locks.
pub(super) fn of(path: &Path) -> Arc<Mutex<()>> {
    let paths = CHANGING.get(Mutex::default);
    let mut paths = paths.lock().unwrap_or_else(PoisonError::into_inner);
    paths.retain(|(_, turn)| turn.strong_count() > 0);
    let known = paths.iter().find(|(known, _)| known == path);
    if let Some(turn) = known.and_then(|(_, turn)| turn.upgrade()) {
        return turn;
    }
    let turn = Arc::default();
    paths.push((path.to_owned(), Arc::downgrade(&turn)));
    turn
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::{
        sync::{atomic::AtomicU32, mpsc},
        time::{Duration, Instant},
    };

    #[test]
    fn one_turn_for_a_path_at_a_time() {
        let (a, again, b) = (of(Path::new("a")), of(Path::new("a")), of(Path::new("b")));
        let _held = a.lock().expect("free");
        assert!(again.try_lock().is_err());
        assert!(b.try_lock().is_ok());
    }

    #[tokio::test(flavor = "multi_thread")]
    async fn hanging_work_takes_no_more_threads_than_its_share() {
        let (release, hung) = mpsc::channel::<()>();
        let hung = Arc::new(Mutex::new(hung));
        let started = Arc::new(AtomicU32::new(0));
        let tasks: Vec<_> = (0..2 * AT_ONCE)
            .map(|_| {
                let (hung, started) = (hung.clone(), started.clone());
                tokio::spawn(blocking(move || {
                    started.fetch_add(1, std::sync::atomic::Ordering::SeqCst);
                    let hung = hung.lock().expect("no panic");
                    let _ = hung.recv();
                    Ok(())
                }))
            })
            .collect();
        let count = || started.load(std::sync::atomic::Ordering::SeqCst) as usize;
        let patience = Instant::now() + Duration::from_secs(20);
        while count() < AT_ONCE && Instant::now() < patience {
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
        assert_eq!(count(), AT_ONCE);
        drop(release);
        for task in tasks {
            task.await.expect("no panic").expect("done");
        }
        assert_eq!(count(), 2 * AT_ONCE);
    }
}
