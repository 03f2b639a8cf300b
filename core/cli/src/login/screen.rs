//! The line below the prompt: a countdown, redrawn in place, and the keys.

use super::address::link;
use crate::{
    context::Context,
    keyboard::Keyboard,
    output::to_stderr,
    signals::Changes,
    terminal::{self, SingleKeys},
};
use base64::{Engine, engine::general_purpose::STANDARD};
use parallel_account::{DeviceLogin, prompt::open_browser};
use std::{future::pending, io, time::Duration};
use tokio::time::{Interval, MissedTickBehavior, interval};

/// To the start of the line, which is erased.
const ERASE: &str = "\r\x1b[K";
/// What is too long for a line is cut off, also by a window that has just shrunk: what wraps
/// could not be erased.
const NO_WRAP: &str = "\x1b[?7l";
const WRAP: &str = "\x1b[?7h";

/// The terminal while a login waits; as before once this is dropped.
pub(super) struct Screen<'a> {
    context: &'a Context,
    login: &'a DeviceLogin,
    may_open: bool,
    keyboard: Option<Keyboard>,
    keys: SingleKeys,
    changes: Changes,
    ticks: Interval,
    /// What the last key did.
    note: &'static str,
    offline: bool,
}

impl<'a> Screen<'a> {
    pub(super) fn new(
        context: &'a Context,
        login: &'a DeviceLogin,
        may_open: bool,
    ) -> io::Result<Self> {
        let mut ticks = interval(Duration::from_secs(1));
        ticks.set_missed_tick_behavior(MissedTickBehavior::Skip);
        let changes = Changes::new()?;
        let keyboard = Some(Keyboard::new()?);
        let keys = SingleKeys::new();
        Ok(Screen {
            context,
            login,
            may_open,
            keyboard,
            keys,
            changes,
            ticks,
            note: "",
            offline: false,
        })
    }

    pub(super) fn offline(&mut self, offline: bool) {
        self.offline = offline;
        self.draw();
    }

    /// Waits for the next second, key or change of the terminal, and redraws.
    pub(super) async fn next(&mut self) {
        tokio::select! {
            _ = self.ticks.tick() => {}
            typed = typed(&mut self.keyboard) => match typed {
                Some(typed) => self.typed(&typed),
                None => self.keyboard = None,
            },
            continued = self.changes.next() => {
                if continued {
                    self.keys.apply();
                }
            }
        }
        self.draw();
    }

    fn typed(&mut self, keys: &[u8]) {
        for key in keys {
            match key {
                b'\r' | b'\n' if self.may_open => {
                    self.note = match open_browser(link(self.login)) {
                        true => "The page was opened in a browser.",
                        false => "No browser could be opened. Open the link yourself.",
                    }
                }
                b'c' | b'C' => {
                    let code = STANDARD.encode(self.login.user_code());
                    // Terminals that do not know OSC 52 ignore it.
                    to_stderr(&format!("\x1b]52;c;{code}\x07"));
                    self.note = "The code was sent to the clipboard.";
                }
                _ => {}
            }
        }
    }

    fn draw(&self) {
        let seconds = self.login.remaining().as_secs_f64().ceil() as u64;
        let state = match self.offline {
            true => "No answer from Parallel, still trying",
            false => "Waiting for the approval",
        };
        let line = format!(
            "{state} ({}:{:02} left). {}",
            seconds / 60,
            seconds % 60,
            self.note
        );
        let (width, _) = terminal::size();
        let fitting: String = line
            .trim_end()
            .chars()
            .take(width.saturating_sub(1))
            .collect();
        let painted = self.context.output.paint("2", &fitting);
        to_stderr(&format!("{ERASE}{NO_WRAP}{painted}{WRAP}"));
    }
}

async fn typed(keyboard: &mut Option<Keyboard>) -> Option<Vec<u8>> {
    match keyboard {
        Some(keyboard) => keyboard.next().await,
        None => pending().await,
    }
}

impl Drop for Screen<'_> {
    fn drop(&mut self) {
        to_stderr(ERASE);
    }
}
