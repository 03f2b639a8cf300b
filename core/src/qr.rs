//! A link as a QR code, for devices whose owner holds a phone.

use crate::{Error, Result};
use qrcodegen::{QrCode, QrCodeEcc};

/// Light modules around the code, as ISO/IEC 18004 asks for.
const QUIET: i32 = 4;

/// A QR code in two forms.
#[derive(Clone, Debug, PartialEq, Eq)]
#[cfg_attr(not(feature = "exhaustive"), non_exhaustive)]
pub struct Qr {
    /// For a terminal: half blocks, two rows of modules a line, for light text on dark ground.
    pub text: String,
    /// For a page: an SVG document without scripts or links, one unit a module.
    pub svg: String,
}

impl Qr {
    pub(crate) fn of(link: &str) -> Result<Qr> {
        let code = QrCode::encode_text(link, QrCodeEcc::Medium).map_err(|_| {
            Error::invalid_response(
                "The verification link is too long for a QR code. Show it as text.",
            )
        })?;
        Ok(Qr {
            text: text(&code),
            svg: svg(&code),
        })
    }
}

fn text(code: &QrCode) -> String {
    let edge = code.size() + QUIET;
    let mut out = String::new();
    for y in (-QUIET..edge).step_by(2) {
        for x in -QUIET..edge {
            let light = |y| !code.get_module(x, y);
            out.push(match (light(y), light(y + 1)) {
                (true, true) => '█',
                (true, false) => '▀',
                (false, true) => '▄',
                (false, false) => ' ',
            });
        }
        out.push('\n');
    }
    out
}

fn svg(code: &QrCode) -> String {
    let size = code.size() + 2 * QUIET;
    let mut path = String::new();
    for y in 0..code.size() {
        for x in (0..code.size()).filter(|&x| code.get_module(x, y)) {
            path.push_str(&format!("M{},{}h1v1h-1z", x + QUIET, y + QUIET));
        }
    }
    format!(
        r##"<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {size} {size}" shape-rendering="crispEdges"><path fill="#fff" d="M0,0h{size}v{size}h-{size}z"/><path d="{path}"/></svg>"##
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_forms_have_the_same_size() {
        let qr = Qr::of("https://platform.parallel.ai/device?user_code=WDJB-MJHT").expect("short");
        let width = qr.text.lines().next().expect("a line").chars().count();
        assert!(qr.text.lines().all(|line| line.chars().count() == width));
        assert!(qr.svg.contains(&format!("viewBox=\"0 0 {width} {width}\"")));
        assert!(Qr::of(&"x".repeat(9000)).is_err());
    }
}
