//! What belongs to no call: warnings of the file store and the like, which Rust programs get by
//! `tracing`, for bindings whose languages have logs of their own.

use std::fmt::{self, Write};
use tracing::{
    Event, Level, Metadata, Subscriber,
    field::{Field, Visit},
    level_filters::LevelFilter,
    span,
    subscriber::set_global_default,
};

/// From now on, `listener` gets the text of each warning, from any thread. Once per process:
/// later calls change nothing. For bindings, in whose libraries nobody else uses `tracing`.
#[doc(hidden)]
pub fn on_warning(listener: impl Fn(&str) + Send + Sync + 'static) {
    // It fails only where there is one already.
    let _ = set_global_default(Warnings(listener));
}

struct Warnings<F>(F);

impl<F: Fn(&str) + Send + Sync + 'static> Subscriber for Warnings<F> {
    fn enabled(&self, metadata: &Metadata<'_>) -> bool {
        *metadata.level() <= Level::WARN && metadata.target().starts_with("parallel_account")
    }

    fn max_level_hint(&self) -> Option<LevelFilter> {
        Some(LevelFilter::WARN)
    }

    fn event(&self, event: &Event<'_>) {
        let mut text = Text::default();
        event.record(&mut text);
        (self.0)(&format!("{}{}", text.message, text.fields));
    }

    fn new_span(&self, _: &span::Attributes<'_>) -> span::Id {
        span::Id::from_u64(1)
    }

    fn record(&self, _: &span::Id, _: &span::Record<'_>) {}
    fn record_follows_from(&self, _: &span::Id, _: &span::Id) {}
    fn enter(&self, _: &span::Id) {}
    fn exit(&self, _: &span::Id) {}
}

/// The message, then ` name=value` of each field.
#[derive(Default)]
struct Text {
    message: String,
    fields: String,
}

impl Visit for Text {
    fn record_debug(&mut self, field: &Field, value: &dyn fmt::Debug) {
        // Writing to a string does not fail.
        let _ = match field.name() {
            "message" => write!(self.message, "{value:?}"),
            name => write!(self.fields, " {name}={value:?}"),
        };
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::{Arc, Mutex};

    #[test]
    fn a_warning_is_one_line_and_others_stay_away() {
        let heard = Arc::new(Mutex::new(Vec::new()));
        let lines = heard.clone();
        let listener =
            Warnings(move |line: &str| lines.lock().expect("ours").push(line.to_owned()));
        tracing::subscriber::with_default(listener, || {
            tracing::warn!(path = %"/x", mode = "644", "others could read the credentials");
            tracing::debug!("nobody's business");
            tracing::warn!(target: "hyper", "somebody else's");
        });
        let heard = heard.lock().expect("ours");
        assert_eq!(
            *heard,
            ["others could read the credentials path=/x mode=\"644\""]
        );
    }
}
