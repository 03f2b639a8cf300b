//! What a person sees: text that is safe for a terminal, a QR code, a browser.

pub use crate::{qr::Qr, text::clean};

use crate::{login::DeviceLogin, transport::is_secure};
use url::Url;

/// The prompt of RFC 8628 §3.3 as text for a terminal.
pub fn text(login: &DeviceLogin) -> String {
    let minutes = login.remaining().as_secs().div_ceil(60).max(1);
    let unit = if minutes == 1 { "minute" } else { "minutes" };
    format!(
        "To log in, open\n\n    {}\n\nand enter the code\n\n    {}\n\nIt is valid for {minutes} {unit}.\n",
        login.verification_uri(),
        login.user_code(),
    )
}

/// Opens `url` in the user's browser. `false`, and nothing happens, where `url` is not `https`
/// (or `http` to this machine), or where there is no screen to open one on.
pub fn open_browser(url: &str) -> bool {
    match Url::parse(url) {
        Ok(parsed) if is_secure(&parsed) && has_screen() => start_browser(&parsed),
        _ => false,
    }
}

#[cfg(not(target_os = "tvos"))]
fn start_browser(url: &Url) -> bool {
    open::that_detached(url.as_str()).is_ok()
}

/// An Apple TV has none.
#[cfg(target_os = "tvos")]
fn start_browser(_: &Url) -> bool {
    false
}

/// Over SSH, in CI and without a display server a browser would open where nobody sees it.
fn has_screen() -> bool {
    let set = |name| std::env::var_os(name).is_some_and(|value| !value.is_empty());
    if set("CI") || set("SSH_CONNECTION") || set("SSH_TTY") {
        return false;
    }
    cfg!(any(target_vendor = "apple", windows)) || set("DISPLAY") || set("WAYLAND_DISPLAY")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn insecure_links_are_not_opened() {
        for url in [
            "http://evil.example/",
            "file:///etc/passwd",
            "javascript:alert(1)",
            "-x",
            "",
        ] {
            assert!(!open_browser(url), "{url}");
        }
    }
}
