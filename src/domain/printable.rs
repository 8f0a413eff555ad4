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
        let mut base = false;
        let mut marks = 0;
        for (i, c) in chars.iter().copied().enumerate() {
            let keep = match chars::class(c) {
                Class::Hidden => {
                    base = false;
                    false
                }
                Class::Base => {
                    base = true;
                    marks = 0;
                    true
                }
                Class::Mark => {
                    marks += 1;
                    base && marks <= MAX_MARKS
                }
                Class::Joiner => base && chars::joins(&chars, i),
                Class::Selector => base && chars::selects(&chars, i),
            };
            if keep {
                self.push(c.encode_utf8(&mut [0; 4]), false);
            } else {
                self.push(&chars::shown(c), true);
            }
        }
    }
}
