//! The last answer to whether the file changed, for as long as nobody could have used it anyway.

use std::{
    fs,
    hash::{DefaultHasher, Hash, Hasher},
    path::Path,
    sync::{
        Arc, Mutex,
        atomic::{AtomicU64, Ordering},
    },
    time::{Duration, Instant},
};

/// Another process's write is noticed that much later at most.
const GOOD_FOR: Duration = Duration::from_millis(10);

/// What this process has changed, whatever the file.
static CHANGES: AtomicU64 = AtomicU64::new(0);

/// Says that this process has changed some file.
pub(super) fn changed() {
    CHANGES.fetch_add(1, Ordering::AcqRel);
}

/// Shared by the clones of one store.
#[derive(Clone, Default)]
pub(super) struct Seen(Arc<Mutex<Option<Observation>>>);

/// How often a young file was asked about.
#[cfg(not(unix))]
static ASKED: AtomicU64 = AtomicU64::new(0);

/// Whether the file was written within the last two seconds, the coarsest step of a file system's
/// clock (FAT's), or after now.
#[cfg(any(not(unix), test))] // Tests run it here, for a system that they do not run on.
fn is_young(meta: &fs::Metadata) -> bool {
    let age = meta.modified().ok().and_then(|time| time.elapsed().ok());
    age.is_none_or(|age| age < Duration::from_secs(2))
}

#[derive(Clone, Copy)]
pub(super) struct Observation {
    asked: Instant,
    changes: u64,
    revision: u64,
}

impl Seen {
    /// The revision, unless it has to be asked for.
    pub(super) fn revision(&self) -> Option<u64> {
        // Never waited for: a forked child may find it locked for good.
        let answer = (*self.0.try_lock().ok()?)?;
        let fresh =
            answer.changes == CHANGES.load(Ordering::Acquire) && answer.asked.elapsed() < GOOD_FOR;
        fresh.then_some(answer.revision)
    }

    pub(super) fn keep(&self, answer: Observation) {
        if let Ok(mut kept) = self.0.try_lock() {
            *kept = Some(answer);
        }
    }
}

impl Observation {
    /// Asks the system about the first of `paths` that is there.
    pub(super) fn of(paths: &[&Path]) -> Observation {
        let asked = Instant::now();
        let changes = CHANGES.load(Ordering::Acquire);
        let mut hasher = DefaultHasher::new();
        let found = paths
            .iter()
            .enumerate()
            .find_map(|(number, path)| Some((number, fs::symlink_metadata(path).ok()?)));
        if let Some((number, meta)) = found {
            number.hash(&mut hasher);
            meta.len().hash(&mut hasher);
            meta.modified().ok().hash(&mut hasher);
            #[cfg(unix)]
            {
                use std::os::unix::fs::MetadataExt;
                (meta.ino(), meta.ctime(), meta.ctime_nsec()).hash(&mut hasher);
            }
            // Elsewhere a file cannot be told from one of its size that was put in its place before
            // the clock moved. While that may still happen, each answer is a new one.
            #[cfg(not(unix))]
            if is_young(&meta) {
                ASKED.fetch_add(1, Ordering::Relaxed).hash(&mut hasher);
            }
        }
        Observation {
            asked,
            changes,
            revision: hasher.finish(),
        }
    }

    pub(super) fn revision(self) -> u64 {
        self.revision
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::file::Scratch;
    use std::time::SystemTime;

    #[test]
    fn a_file_is_young_for_two_seconds() {
        let scratch = Scratch::new();
        let file = fs::File::create(scratch.path().join("file")).expect("made");
        let is_young_at = |time| {
            file.set_modified(time).expect("set");
            is_young(&file.metadata().expect("open"))
        };
        let now = SystemTime::now();
        assert!(is_young_at(now + Duration::from_secs(60)));
        assert!(is_young_at(now));
        assert!(!is_young_at(now - Duration::from_secs(3)));
    }
}
