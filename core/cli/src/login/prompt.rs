//! What a person is shown: link, code and QR code.

use super::address::link;
use crate::{arguments, context::Context, terminal};
use parallel_account::DeviceLogin;

/// On a terminal that can be redrawn; the countdown follows below.
pub(super) fn interactive(context: &Context, options: &arguments::Login, login: &DeviceLogin) {
    let output = &context.output;
    let mut text = format!(
        "To log in, open this page:\n\n    {}\n\nand check that it shows the code {}\n\n",
        output.paint("4;36", link(login)),
        output.paint("1", login.user_code()),
    );
    if login.verification_uri_complete().is_none() {
        text = text.replace("and check that it shows the code", "and enter the code");
    }
    let rest = text.lines().count() + 3;
    if let Some(qr) = qr(context, login, |columns, rows| {
        let (width, height) = terminal::size();
        options.qr || (columns < width && rows + rest <= height)
    }) {
        text.push_str(&qr);
        text.push('\n');
    }
    let browser = match options.no_browser {
        true => "",
        false => "Enter opens the page in a browser, ",
    };
    text.push_str(&format!("{browser}c copies the code, Ctrl-C cancels."));
    output.say(&text);
}

/// The code if it is `wanted`, given its columns and rows.
fn qr(
    context: &Context,
    login: &DeviceLogin,
    wanted: impl FnOnce(usize, usize) -> bool,
) -> Option<String> {
    let text = login.qr().ok()?.text;
    let columns = text.lines().next().map_or(0, |line| line.chars().count());
    if !wanted(columns, text.lines().count()) {
        return None;
    }
    if !context.output.has_color() {
        return Some(text);
    }
    // Light on dark whatever the terminal's colors are, as some scanners need it.
    let lines = text
        .lines()
        .map(|line| format!("{}\n", context.output.paint("97;40", line)));
    Some(lines.collect())
}

/// Where nothing can be redrawn. `opened` tells whether a browser has been opened; `None` that the
/// login is left to a later run.
pub(super) fn lines(
    context: &Context,
    options: &arguments::Login,
    login: &DeviceLogin,
    opened: Option<bool>,
) {
    let output = &context.output;
    output.say(&format!("To log in, open {}", link(login)));
    output.say(&match login.verification_uri_complete() {
        Some(_) => format!("and check that it shows the code {}", login.user_code()),
        None => format!("and enter the code {}", login.user_code()),
    });
    if let Some(qr) = qr(context, login, |_, _| options.qr) {
        output.say(&qr);
    }
    let minutes = login.remaining().as_secs().div_ceil(60).max(1);
    let unit = if minutes == 1 { "minute" } else { "minutes" };
    output.say(&format!("The code is valid for {minutes} {unit}."));
    if opened == Some(true) {
        output.say("The page was opened in a browser.");
    }
    if opened.is_some() {
        output.say("Waiting for the approval.");
    }
}
