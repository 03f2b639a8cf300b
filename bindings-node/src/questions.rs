//! What the runtime asks JavaScript: the methods of stores.

use std::collections::HashMap;

use tokio::sync::oneshot;

use crate::kept::Kept;

/// What a method of a JavaScript store came to.
pub(crate) enum Answer {
    Record(Option<String>),
    Replaced(bool),
    /// It threw or rejected.
    Threw {
        error: Kept,
        message: String,
    },
    /// The JavaScript thread has ended.
    Gone,
}

/// The questions that are not answered.
#[derive(Default)]
pub(crate) struct Questions {
    last: u32,
    open: HashMap<u32, oneshot::Sender<Answer>>,
}

impl Questions {
    /// A new one, by its number.
    pub(crate) fn ask(&mut self) -> (u32, oneshot::Receiver<Answer>) {
        let (sender, receiver) = oneshot::channel();
        self.last = self.last.wrapping_add(1);
        self.open.insert(self.last, sender);
        (self.last, receiver)
    }

    /// Takes an answer; one that nobody waits for any more is dropped.
    pub(crate) fn answer(&mut self, question: u32, answer: Answer) {
        if let Some(sender) = self.open.remove(&question) {
            // Fails when nobody waits any more.
            let _ = sender.send(answer);
        }
    }

    /// Whether it had not been answered.
    pub(crate) fn withdraw(&mut self, question: u32) -> bool {
        self.open.remove(&question).is_some()
    }
}
