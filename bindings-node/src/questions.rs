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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_answer_reaches_who_asked_and_nobody_else() {
        let mut questions = Questions::default();
        let (first, mut first_receiver) = questions.ask();
        let (second, mut second_receiver) = questions.ask();
        questions.answer(second, Answer::Replaced(true));
        assert!(first_receiver.try_recv().is_err());
        assert!(matches!(
            second_receiver.try_recv(),
            Ok(Answer::Replaced(true))
        ));
        assert!(questions.withdraw(first));
        assert!(!questions.withdraw(second), "it was answered");
    }

    #[test]
    fn a_late_answer_goes_nowhere_and_numbers_may_wrap() {
        let mut questions = Questions {
            last: u32::MAX,
            ..Questions::default()
        };
        let (number, mut receiver) = questions.ask();
        assert_eq!(number, 0);
        assert!(questions.withdraw(number));
        questions.answer(number, Answer::Replaced(true));
        assert!(receiver.try_recv().is_err());
        let (_, receiver) = questions.ask();
        drop(receiver);
        questions.answer(1, Answer::Replaced(true));
    }
}
