//! Stand-in until the real one is merged.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Segment {
    pub text: String,
    pub escaped: bool,
}
#[must_use]
pub fn segments(text: &str) -> Vec<Segment> {
    let mut out: Vec<Segment> = Vec::new();
    for c in text.chars() {
        let bad = c.is_control()
            || matches!(c, '\u{200b}'..='\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2060}'..='\u{206f}' | '\u{feff}' | '\u{e0000}'..='\u{e007f}');
        let piece = if bad {
            format!("⟨U+{:04X}⟩", c as u32)
        } else {
            c.to_string()
        };
        match out.last_mut() {
            Some(last) if last.escaped == bad => last.text.push_str(&piece),
            _ => out.push(Segment {
                text: piece,
                escaped: bad,
            }),
        }
    }
    out
}
#[must_use]
pub fn visible(text: &str) -> String {
    segments(text).into_iter().map(|s| s.text).collect()
}
#[must_use]
pub fn visible_bytes(bytes: &[u8]) -> String {
    visible(&String::from_utf8_lossy(bytes))
}
