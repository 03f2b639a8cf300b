//! Results on standard output, everything for users on standard error.

use crate::failure::{Failure, io_failure};
use parallel_account::prompt::clean;
use serde_json::{Value, json};
use std::{
    cell::Cell,
    env,
    fmt::Write as _,
    io::{self, ErrorKind, IsTerminal, Write},
};

/// The longest text of others that is shown, in characters.
const LONGEST: usize = 300;

/// The streams of this process, and how to write to them.
pub(crate) struct Output {
    pub(crate) json: bool,
    color: bool,
    /// The reader of standard output is gone.
    closed: Cell<bool>,
}

impl Output {
    pub(crate) fn new(json: bool) -> Self {
        Output {
            json,
            color: use_color(&io::stderr()),
            closed: Cell::new(false),
        }
    }

    /// Whether nobody reads standard output any more.
    pub(crate) fn is_closed(&self) -> bool {
        self.closed.get()
    }

    /// The result in one of its two forms.
    pub(crate) fn result(
        &self,
        text: impl FnOnce() -> String,
        value: impl FnOnce() -> Value,
    ) -> Result<(), Failure> {
        match self.json {
            true => self.object(&value()),
            false => self.text(&text()),
        }
    }

    /// A line of JSON on standard output.
    pub(crate) fn object(&self, value: &Value) -> Result<(), Failure> {
        self.text(&escaped(&value.to_string()))
    }

    /// Text and a newline on standard output. A reader that is gone is no error: what was done was
    /// done, and the exit code says so.
    pub(crate) fn text(&self, text: &str) -> Result<(), Failure> {
        match write_all(&mut io::stdout().lock(), format!("{text}\n").as_bytes()) {
            Ok(()) => Ok(()),
            Err(error) if error.kind() == ErrorKind::BrokenPipe => {
                self.closed.set(true);
                Ok(())
            }
            Err(error) => Err(io_failure("Writing to standard output failed", &error)),
        }
    }

    /// A line for users, left out with `--json`.
    pub(crate) fn say(&self, text: &str) {
        if !self.json {
            to_stderr(&format!("{text}\n"));
        }
    }

    /// Why the command failed.
    pub(crate) fn fail(&self, failure: &Failure) {
        if self.json {
            let object = json!({ "error": failure.json() }).to_string();
            to_stderr(&format!("{}\n", escaped(&object)));
        } else {
            let label = self.paint("1;31", "error:");
            to_stderr(&format!("{label} {}\n", failure.message));
        }
    }

    /// `text` in a color (an SGR parameter) on standard error.
    pub(crate) fn paint(&self, color: &str, text: &str) -> String {
        match self.color {
            true => format!("\x1b[{color}m{text}\x1b[0m"),
            false => text.to_owned(),
        }
    }

    pub(crate) fn has_color(&self) -> bool {
        self.color
    }
}

/// As <https://bixense.com/clicolors/> and <https://no-color.org> say.
pub(crate) fn use_color(stream: &impl IsTerminal) -> bool {
    let set = |name| env::var_os(name).filter(|value| !value.is_empty());
    if set("NO_COLOR").is_some() {
        return false;
    }
    if set("CLICOLOR_FORCE").is_some_and(|value| value != "0") {
        return true;
    }
    let wanted = set("CLICOLOR").is_none_or(|value| value != "0");
    wanted && cfg!(unix) && stream.is_terminal() && !is_dumb()
}

/// Whether the terminal can do nothing but print lines.
pub(crate) fn is_dumb() -> bool {
    env::var_os("TERM").is_none_or(|term| term.is_empty() || term == "dumb")
}

/// Nothing can be said of a failure here.
pub(crate) fn to_stderr(text: &str) {
    let _ = write_all(&mut io::stderr().lock(), text.as_bytes());
}

/// To standard output, as it is; for what clap prints.
pub(crate) fn to_stdout(text: &str) {
    let _ = write_all(&mut io::stdout().lock(), text.as_bytes());
}

/// The stream may be one that another program, such as Node, has set to not wait.
fn write_all(stream: &mut impl Write, mut bytes: &[u8]) -> io::Result<()> {
    while !bytes.is_empty() {
        match stream.write(bytes) {
            Ok(0) => return Err(ErrorKind::WriteZero.into()),
            Ok(written) => bytes = &bytes[written..],
            Err(error) if error.kind() == ErrorKind::Interrupted => {}
            Err(error) if error.kind() == ErrorKind::WouldBlock => pause(),
            Err(error) => return Err(error),
        }
    }
    loop {
        match stream.flush() {
            Err(error) if error.kind() == ErrorKind::WouldBlock => pause(),
            Err(error) if error.kind() == ErrorKind::Interrupted => {}
            result => return result,
        }
    }
}

fn pause() {
    std::thread::sleep(std::time::Duration::from_millis(1));
}

/// Text of others, safe for a terminal.
pub(crate) fn shown(text: &str) -> String {
    clean(text, LONGEST)
}

/// A name and its ID.
pub(crate) fn named(name: Option<&str>, id: &str) -> String {
    match name.map(shown).filter(|name| !name.is_empty()) {
        Some(name) => format!("{name} ({})", shown(id)),
        None => shown(id),
    }
}

/// The same JSON with everything escaped that a terminal might obey or that hides other text. Such
/// characters can only be within strings.
pub(crate) fn escaped(json: &str) -> String {
    let mut out = String::with_capacity(json.len());
    for c in json.chars() {
        let safe = c == '\n'
            || (' '..='~').contains(&c)
            || !clean(c.encode_utf8(&mut [0; 4]), 1).is_empty();
        if safe {
            out.push(c);
            continue;
        }
        for unit in c.encode_utf16(&mut [0; 2]) {
            let _ = write!(out, "\\u{unit:04x}");
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn json_stays_the_same_and_moves_no_cursor() {
        let value = json!({"a": "x\u{1b}[2J\u{9b}31m\u{7f}\u{202e}\u{e0001} é 日本 🎉\n"});
        let text = escaped(&value.to_string());
        assert_eq!(serde_json::from_str::<Value>(&text).expect("JSON"), value);
        assert!(text.chars().all(|c| !c.is_control()), "{text}");
        assert!(!text.contains('\u{202e}') && !text.contains('\u{e0001}'));
        assert!(text.contains("é 日本 🎉"), "{text}");
    }

    #[test]
    fn names_of_others_are_cleaned() {
        assert_eq!(named(Some("A\x1b[2J"), "org\n1"), "A [2J (org 1)");
        assert_eq!(named(Some(" \u{200b}"), "org_1"), "org_1");
    }
}
