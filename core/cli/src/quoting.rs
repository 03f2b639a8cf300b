//! A variable as a shell sets it.

use crate::arguments::Format;
use serde_json::json;

/// A line that sets `name` to `value`, which holds no control characters.
pub(crate) fn assignment(format: Format, name: &str, value: &str) -> String {
    match format {
        Format::Sh => format!("export {name}={}", sh(value)),
        Format::Fish => format!("set -gx {name} {}", fish(value)),
        Format::PowerShell => format!("$env:{name} = {}", powershell(value)),
        Format::Dotenv => format!("{name}={}", dotenv(value)),
        Format::Json => json!({ name: value }).to_string(),
    }
}

/// Within single quotes nothing is special but the single quote.
fn sh(value: &str) -> String {
    format!("'{}'", value.replace('\'', r"'\''"))
}

fn fish(value: &str) -> String {
    format!("'{}'", value.replace('\\', r"\\").replace('\'', r"\'"))
}

/// PowerShell takes the typographic single quotes for single quotes, too.
fn powershell(value: &str) -> String {
    let mut quoted = String::from("'");
    for c in value.chars() {
        quoted.push(c);
        if matches!(c, '\'' | '\u{2018}'..='\u{201b}') {
            quoted.push(c);
        }
    }
    quoted.push('\'');
    quoted
}

/// Readers of `.env` files disagree on all but single quotes, whose content they take as it is, and
/// plain words. A value with a single quote is quoted doubly.
fn dotenv(value: &str) -> String {
    let plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, '_' | '-' | '.' | ':' | '/');
    if !value.is_empty() && value.chars().all(plain) {
        return value.to_owned();
    }
    if !value.contains('\'') {
        return format!("'{value}'");
    }
    let mut quoted = String::from("\"");
    for c in value.chars() {
        if matches!(c, '"' | '\\' | '$' | '`') {
            quoted.push('\\');
        }
        quoted.push(c);
    }
    quoted.push('"');
    quoted
}

#[cfg(test)]
mod tests {
    use super::*;
    #[cfg(unix)]
    use std::process::Command;

    #[cfg(unix)]
    const VALUES: [&str; 9] = [
        "pk_live-1.2",
        "",
        "it's",
        "a b",
        "$HOME `id` $(id)",
        "\\'\"!*?[~",
        "-n",
        "‘typographic’ ‛",
        "Zoë 日本",
    ];

    /// What `shell` has in the variable after the line was evaluated; `None` without that shell.
    #[cfg(unix)]
    fn evaluated(shell: &str, flag: &str, line: &str, print: &str) -> Option<String> {
        let output = Command::new(shell)
            .args([flag, &format!("{line}\n{print}")])
            .output()
            .ok()?;
        assert!(output.status.success(), "{shell}: {output:?}");
        Some(String::from_utf8(output.stdout).expect("UTF-8"))
    }

    #[cfg(unix)]
    #[test]
    fn shells_read_back_what_was_quoted() {
        let print = "printf %s \"$PARALLEL_API_KEY\"";
        let mut asked = 0;
        for value in VALUES {
            let line = |format| assignment(format, "PARALLEL_API_KEY", value);
            for (shell, flag, format, print) in [
                ("sh", "-c", Format::Sh, print),
                ("bash", "-c", Format::Sh, print),
                ("zsh", "-c", Format::Sh, print),
                ("fish", "-c", Format::Fish, print),
                (
                    "pwsh",
                    "-Command",
                    Format::PowerShell,
                    "[Console]::Write($env:PARALLEL_API_KEY)",
                ),
                // A .env file is often read by sh, with `set -a`.
                ("sh", "-c", Format::Dotenv, print),
            ] {
                if let Some(got) = evaluated(shell, flag, &line(format), print) {
                    assert_eq!(got, value, "{shell} {format:?}");
                    asked += 1;
                }
            }
        }
        assert!(asked >= 2 * VALUES.len(), "there is no sh");
    }

    #[test]
    fn quotes_that_powershell_takes_for_quotes_are_doubled() {
        assert_eq!(powershell("a'b’c"), "'a''b’’c'");
        assert_eq!(fish(r"a'b\c"), r"'a\'b\\c'");
    }
}
