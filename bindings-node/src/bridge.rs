//! What `ts/bridge.ts` holds of the way between its thread and the runtime.

use std::sync::Arc;
use std::sync::atomic::Ordering;

use napi::bindgen_prelude::Function;
use napi_derive::napi;

use crate::batch::Batch;
use crate::events::tell_warnings;
use crate::failure::keep_panics_quiet;
use crate::questions::Answer;
use crate::shared::Shared;

/// One per JavaScript thread (the main one, each worker).
#[napi]
pub struct NativeBridge {
    pub(crate) shared: Arc<Shared>,
}

#[napi]
impl NativeBridge {
    /// `deliver` gets an array of kind, number, payload, kind, number, payload, …
    #[napi(constructor)]
    pub fn new(
        #[napi(ts_arg_type = "(messages: unknown[]) => void")] deliver: Function<'_, (), ()>,
    ) -> napi::Result<Self> {
        keep_panics_quiet();
        let shared = Arc::new(Shared::new());
        tell_warnings(&shared);
        // Weak twice: the function must not keep the event loop, nor the queue its own function.
        let queue = Arc::downgrade(&shared);
        let wake = deliver
            .build_threadsafe_function()
            .weak::<true>()
            .build_callback(move |context| {
                Ok(queue
                    .upgrade()
                    .map_or_else(Batch::default, |shared| shared.take(context.env)))
            })?;
        shared.wake_by(wake);
        Ok(Self { shared })
    }

    /// Stops a call: its future is dropped, which closes its request. A refresh or a poll that
    /// it waited for runs on.
    #[napi]
    pub fn cancel(&self, call: u32) {
        self.shared.cancel(call);
    }

    /// What to tell of all that happens: see `events.rs`.
    #[napi]
    pub fn listen(&self, what: u32) {
        self.shared.listening.store(what, Ordering::Relaxed);
    }

    /// Has the answer of a call that is not settled handed over before its value.
    #[napi]
    pub fn see(&self, call: u32) {
        self.shared.see(call);
    }

    /// Answers what a store's `load` gave. An answer that nobody waits for any more is dropped.
    #[napi]
    pub fn answer_record(&self, question: u32, record: Option<String>) {
        self.shared.answer(question, Answer::Record(record));
    }

    /// Answers what a store's `replace` gave.
    #[napi]
    pub fn answer_replaced(&self, question: u32, replaced: bool) {
        self.shared.answer(question, Answer::Replaced(replaced));
    }

    /// Says that the method of the store failed, with the error that is kept as `kept`.
    #[napi]
    pub fn answer_error(&self, question: u32, message: String, kept: u32) {
        let error = self.shared.kept(kept);
        self.shared
            .answer(question, Answer::Threw { error, message });
    }
}

/// Node drops the bridge when its thread ends.
impl Drop for NativeBridge {
    fn drop(&mut self) {
        self.shared.end();
    }
}
