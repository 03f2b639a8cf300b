//! The terminal: its size, and its state while keys are read.

#[cfg(unix)]
mod system {
    use rustix::{
        process::getpgrp,
        stdio::{stderr, stdin},
        termios::{
            LocalModes, OptionalActions, Termios, isatty, tcgetattr, tcgetpgrp, tcgetwinsize,
            tcsetattr,
        },
    };

    /// Whether keys can be read and lines be redrawn.
    pub(crate) fn is_interactive() -> bool {
        isatty(stdin()) && isatty(stderr()) && !crate::output::is_dumb() && is_foreground()
    }

    /// Whether the terminal is ours to read from and to change.
    pub(crate) fn is_foreground() -> bool {
        tcgetpgrp(stdin()).is_ok_and(|group| group == getpgrp())
    }

    /// Columns and rows.
    pub(crate) fn size() -> (usize, usize) {
        match tcgetwinsize(stderr()) {
            Ok(size) if size.ws_col > 0 && size.ws_row > 0 => {
                (size.ws_col.into(), size.ws_row.into())
            }
            _ => (80, 24),
        }
    }

    /// Keys arrive one by one and are not shown, until this is dropped. Ctrl-C and Ctrl-Z stay
    /// signals.
    pub(crate) struct SingleKeys(Option<Termios>);

    impl SingleKeys {
        pub(crate) fn new() -> Self {
            let before = tcgetattr(stdin()).ok();
            let keys = SingleKeys(before);
            keys.apply();
            keys
        }

        /// Once more, after a shell had the terminal.
        pub(crate) fn apply(&self) {
            let Some(before) = self.0.as_ref().filter(|_| is_foreground()) else {
                return;
            };
            let mut changed = before.clone();
            changed
                .local_modes
                .remove(LocalModes::ICANON | LocalModes::ECHO);
            let _ = tcsetattr(stdin(), OptionalActions::Now, &changed);
        }
    }

    impl Drop for SingleKeys {
        fn drop(&mut self) {
            if let Some(before) = self.0.as_ref().filter(|_| is_foreground()) {
                // What was typed for us is not for the shell.
                let _ = tcsetattr(stdin(), OptionalActions::Flush, before);
            }
        }
    }
}

/// Lines without redrawing and keys: the console needs calls that are not made here.
#[cfg(not(unix))]
mod system {
    pub(crate) fn is_interactive() -> bool {
        false
    }

    pub(crate) fn size() -> (usize, usize) {
        (80, 24)
    }

    pub(crate) struct SingleKeys(());

    impl SingleKeys {
        pub(crate) fn new() -> Self {
            SingleKeys(())
        }

        pub(crate) fn apply(&self) {}
    }
}

#[cfg(unix)]
pub(crate) use system::is_foreground;
pub(crate) use system::{SingleKeys, is_interactive, size};
