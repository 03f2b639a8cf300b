//! REFERENCE.md is what `--help` says, and this keeps it so.

use crate::arguments::Arguments;
use clap::{Command, CommandFactory};
use std::{env, fmt::Write, fs, path::Path};

const HEAD: &str = "# Reference of the command parallel-account

<!-- Written by `UPDATE=1 cargo test -p parallel-account-cli reference`. -->

What `--help` prints, for every subcommand. The [README](README.md) is the introduction.
";

fn section(out: &mut String, command: &mut Command, name: &str) {
    let help = command.render_long_help().to_string();
    let help: Vec<&str> = help.lines().map(str::trim_end).collect();
    let _ = write!(
        out,
        "\n## {name}\n\n```text\n{}\n```\n",
        help.join("\n").trim_end()
    );
    for sub in command.get_subcommands_mut() {
        section(out, sub, &format!("{name} {}", sub.get_name().to_owned()));
    }
}

#[test]
fn the_reference_is_what_help_says() {
    let mut command = Arguments::command();
    command.build();
    let mut expected = String::from(HEAD);
    section(&mut expected, &mut command, "parallel-account");
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("REFERENCE.md");
    if env::var_os("UPDATE").is_some() {
        fs::write(&path, &expected).expect("writable");
    }
    let written = fs::read_to_string(&path).unwrap_or_default();
    assert_eq!(
        written, expected,
        "REFERENCE.md is out of date. Run UPDATE=1 cargo test -p parallel-account-cli reference."
    );
}

#[test]
fn clap_finds_no_mistake_in_the_arguments() {
    Arguments::command().debug_assert();
}
