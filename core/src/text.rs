//! Text of others, made safe to show.

/// `text` on one line of at most `limit` characters: control characters, escape sequences' lead-in
/// and all that is invisible or changes the direction become spaces, runs of spaces become one.
pub fn clean(text: &str, limit: usize) -> String {
    let visible = text.chars().map(|c| if is_unsafe(c) { ' ' } else { c });
    let mut out = String::new();
    for c in visible.take(limit * 2) {
        if !(c == ' ' && (out.is_empty() || out.ends_with(' '))) {
            out.push(c);
        }
    }
    let trimmed = out.trim_end();
    if trimmed.chars().count() > limit {
        trimmed.chars().take(limit).chain(['…']).collect()
    } else {
        trimmed.to_owned()
    }
}

/// Control characters, line separators, and what reorders or hides what is on screen: Unicode's
/// `Bidi_Control`, `Default_Ignorable_Code_Point` (15.1; with what it reserves) and the marks of
/// annotations, but for U+FE0F, which makes an emoji of the character before it.
fn is_unsafe(c: char) -> bool {
    c.is_control()
        || matches!(c,
            '\u{ad}' | '\u{34f}' | '\u{61c}' | '\u{115f}'..='\u{1160}' | '\u{17b4}'..='\u{17b5}'
            | '\u{180b}'..='\u{180f}' | '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}'
            | '\u{2060}'..='\u{206f}' | '\u{3164}' | '\u{fe00}'..='\u{fe0e}' | '\u{feff}'
            | '\u{ffa0}' | '\u{fff0}'..='\u{fffb}' | '\u{1bca0}'..='\u{1bca3}'
            | '\u{1d173}'..='\u{1d17a}' | '\u{e0000}'..='\u{e0fff}')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_reaches_a_terminal_that_could_move_its_cursor() {
        assert_eq!(
            clean("a\x1b[2Jb\r\nc\u{9b}31m\u{202e}d", 50),
            "a [2Jb c 31m d"
        );
        assert_eq!(clean("  WDJB-MJHT ", 50), "WDJB-MJHT");
        assert_eq!(clean("abcdef", 3), "abc…");
        assert_eq!(clean("Zoë 日本 🎉", 50), "Zoë 日本 🎉");
    }

    #[test]
    fn nothing_that_is_shown_is_invisible() {
        for c in [
            '\u{ad}',
            '\u{34f}',
            '\u{61c}',
            '\u{115f}',
            '\u{1160}',
            '\u{17b4}',
            '\u{17b5}',
            '\u{180b}',
            '\u{180e}',
            '\u{180f}',
            '\u{200b}',
            '\u{200d}',
            '\u{200f}',
            '\u{2028}',
            '\u{202e}',
            '\u{2060}',
            '\u{2066}',
            '\u{206f}',
            '\u{3164}',
            '\u{fe00}',
            '\u{fe0e}',
            '\u{feff}',
            '\u{ffa0}',
            '\u{fff0}',
            '\u{fff9}',
            '\u{fffb}',
            '\u{1bca0}',
            '\u{1d173}',
            '\u{e0001}',
            '\u{e0041}',
            '\u{e007f}',
            '\u{e0100}',
            '\u{e0fff}',
        ] {
            assert_eq!(
                clean(&format!("a{c}{c}b{c}"), 50),
                "a b",
                "U+{:04X}",
                c as u32
            );
        }
        // What only looks odd stays: letters with marks, emoji, other scripts.
        for kept in ["❤\u{fe0f}", "e\u{301}", "한글", "ភាសាខ្មែរ", "\u{fffd}", "🇫🇷"]
        {
            assert_eq!(clean(kept, 50), kept);
        }
    }
}
