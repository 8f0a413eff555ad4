//! Any text made safe to show: nothing that came over the wire may move the cursor, turn the writing
//! direction, hide or pile up. What is replaced is marked, so that a screen can dim it.

mod chars;

use unicode_segmentation::UnicodeSegmentation;
use unicode_width::UnicodeWidthStr;

use chars::Class;

/// Combining marks that one base may carry; more would spill over the lines around.
const MAX_MARKS: usize = 4;

/// A run of text, either as it came or standing for what cannot be shown.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Segment {
    pub text: String,
    /// The text stands for something else: `␛`, `⟨U+202E⟩`.
    pub escaped: bool,
}

/// Text for one line: line feeds and tabs are made visible too.
#[must_use]
pub fn segments(text: &str) -> Vec<Segment> {
    build(text, false)
}

/// Text of several lines: line feeds stay, as in JSON that was laid out.
#[must_use]
pub fn segments_lines(text: &str) -> Vec<Segment> {
    build(text, true)
}

/// [`segments`] as one text.
#[must_use]
pub fn visible(text: &str) -> String {
    if is_plain(text, false) {
        return text.to_owned();
    }
    join(segments(text))
}

/// [`segments_lines`] as one text.
#[must_use]
pub fn visible_lines(text: &str) -> String {
    if is_plain(text, true) {
        return text.to_owned();
    }
    join(segments_lines(text))
}

/// Bytes for one line: what is no UTF-8 is shown as `⟨0xNN⟩`.
#[must_use]
pub fn visible_bytes(bytes: &[u8]) -> String {
    let mut out = String::new();
    for chunk in bytes.utf8_chunks() {
        out.push_str(&visible(chunk.valid()));
        for byte in chunk.invalid() {
            out.push_str(&format!("⟨0x{byte:02X}⟩"));
        }
    }
    out
}

/// Columns that a text takes, by grapheme cluster as terminals draw it. For text that was made visible.
#[must_use]
pub fn width(text: &str) -> usize {
    if is_plain(text, false) {
        return text.len();
    }
    text.graphemes(true).map(UnicodeWidthStr::width).sum()
}

/// The text in at most that many columns, with `…` where it was cut. For text that was made visible.
#[must_use]
pub fn truncate(text: &str, columns: usize) -> String {
    if width(text) <= columns {
        return text.to_owned();
    }
    let Some(room) = columns.checked_sub(1) else {
        return String::new();
    };
    let mut used = 0;
    let fits = |cluster: &&str| {
        used += cluster.width();
        used <= room
    };
    let mut out: String = text.graphemes(true).take_while(fits).collect();
    out.push('…');
    out
}

fn is_plain(text: &str, lines: bool) -> bool {
    text.bytes()
        .all(|b| matches!(b, b' '..=b'~') || (lines && b == b'\n'))
}

fn join(segments: Vec<Segment>) -> String {
    segments.into_iter().map(|segment| segment.text).collect()
}

fn build(text: &str, lines: bool) -> Vec<Segment> {
    let mut out = Builder::default();
    if is_plain(text, lines) {
        out.push(text, false);
        return out.segments;
    }
    for cluster in text.graphemes(true) {
        if lines && matches!(cluster, "\n" | "\r\n") {
            out.push("\n", false);
        } else {
            out.cluster(cluster);
        }
    }
    out.segments
}

#[derive(Default)]
struct Builder {
    segments: Vec<Segment>,
}

impl Builder {
    fn push(&mut self, text: &str, escaped: bool) {
        match self.segments.last_mut() {
            Some(last) if last.escaped == escaped => last.text.push_str(text),
            _ if text.is_empty() => {}
            _ => self.segments.push(Segment {
                text: text.to_owned(),
                escaped,
            }),
        }
    }

    fn cluster(&mut self, cluster: &str) {
        let chars: Vec<char> = cluster.chars().collect();
        // Whether there is a base that marks and joiners can belong to: what was replaced is none.
        let mut base = None;
        let mut marks = 0;
        for (i, c) in chars.iter().copied().enumerate() {
            let keep = match chars::class(c) {
                Class::Hidden => false,
                Class::Base => {
                    base = Some(c);
                    marks = 0;
                    true
                }
                Class::Mark => {
                    marks += 1;
                    base.is_some() && marks <= MAX_MARKS
                }
                Class::Joiner => base.is_some_and(|base| chars::joins(base, &chars, i)),
                Class::Selector => base.is_some() && chars::selects(&chars, i),
            };
            if keep {
                self.push(c.encode_utf8(&mut [0; 4]), false);
            } else {
                // What comes next stands behind the replacement, not behind the base.
                base = None;
                self.push(&chars::shown(c), true);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_cannot_be_shown_is_named() {
        for (text, expected) in [
            ("plain", "plain"),
            ("a\u{1b}[31m\u{7}\0", "a␛[31m␇␀"),
            ("a\tb\nc\r\nd", "a␉b␊c␍␊d"),
            ("\u{7f}\u{85}", "␡⟨U+0085⟩"),
            ("\u{202e}abc\u{2066}", "⟨U+202E⟩abc⟨U+2066⟩"),
            ("a\u{200b}b\u{feff}", "a⟨U+200B⟩b⟨U+FEFF⟩"),
            (
                "\u{2028}\u{2029}\u{3164}\u{fffc}",
                "⟨U+2028⟩⟨U+2029⟩⟨U+3164⟩⟨U+FFFC⟩",
            ),
            ("\u{e0041}\u{10ffff}\u{fdd0}", "⟨U+E0041⟩⟨U+10FFFF⟩⟨U+FDD0⟩"),
            // Joiners and selectors without anything to act on.
            ("a\u{200d}b", "a⟨U+200D⟩b"),
            ("\u{200c}", "⟨U+200C⟩"),
            ("a\u{fe0f}", "a⟨U+FE0F⟩"),
            ("ी\u{fe00}\u{200c}", "ी⟨U+FE00⟩⟨U+200C⟩"),
            // And where they belong.
            ("👩\u{200d}💻", "👩\u{200d}💻"),
            ("👩🏽\u{200d}🚀", "👩🏽\u{200d}🚀"),
            ("❤\u{fe0f}\u{200d}🔥", "❤\u{fe0f}\u{200d}🔥"),
            ("1\u{fe0f}\u{20e3}", "1\u{fe0f}\u{20e3}"),
            ("می\u{200c}خواهم", "می\u{200c}خواهم"),
            ("क्\u{200d}ष", "क्\u{200d}ष"),
            ("葛\u{e0100}", "葛\u{e0100}"),
            ("🇩🇪 Köln 東京", "🇩🇪 Köln 東京"),
            // Marks: none without a base, four at most.
            ("\u{301}a", "⟨U+0301⟩a"),
            ("e\u{301}", "e\u{301}"),
        ] {
            assert_eq!(visible(text), expected, "{text:?}");
        }
        let pile = format!("e{}", "\u{301}".repeat(6));
        assert_eq!(
            visible(&pile),
            format!("e{}⟨U+0301⟩⟨U+0301⟩", "\u{301}".repeat(4))
        );
    }

    #[test]
    fn what_was_replaced_is_marked() {
        let segment = |text: &str, escaped| Segment {
            text: text.to_owned(),
            escaped,
        };
        assert_eq!(
            segments("ok\u{1b}\u{7}ok"),
            [
                segment("ok", false),
                segment("␛␇", true),
                segment("ok", false)
            ]
        );
        assert_eq!(
            segments_lines("{\n\u{1b}\r\n}"),
            [
                segment("{\n", false),
                segment("␛", true),
                segment("\n}", false)
            ]
        );
        assert_eq!(segments(""), []);
        assert_eq!(visible_lines("a\n\tb"), "a\n␉b");
    }

    #[test]
    fn bytes_that_are_no_text_are_shown() {
        assert_eq!(visible_bytes(b"ok\xff\xc3(\0"), "ok⟨0xFF⟩⟨0xC3⟩(␀");
        assert_eq!(visible_bytes("é".as_bytes()), "é");
    }

    #[test]
    fn widths_are_by_cluster() {
        for (text, columns) in [
            ("", 0),
            ("abc", 3),
            ("東京", 4),
            ("👩\u{200d}💻", 2),
            ("e\u{301}", 1),
            ("🇩🇪", 2),
        ] {
            assert_eq!(width(text), columns, "{text}");
        }
    }

    #[test]
    fn cuts_never_spill() {
        for (text, columns, expected) in [
            ("abcdef", 6, "abcdef"),
            ("abcdef", 5, "abcd…"),
            ("東京都", 4, "東…"),
            ("東京都", 3, "東…"),
            ("東京都", 2, "…"),
            ("abc", 1, "…"),
            ("abc", 0, ""),
            ("", 0, ""),
        ] {
            assert_eq!(truncate(text, columns), expected, "{text} {columns}");
        }
    }
}
