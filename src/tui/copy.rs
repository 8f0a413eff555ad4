//! What `y` copies: the thing under the cursor as text. The terminal is asked to put it on its clipboard
//! (OSC 52, xterm's control sequences), so that it works over SSH; whether it did, it does not tell.

use std::io::{self, Write};

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;

use super::app::App;
use super::rows::{FlowKey, OutboxKey};
use super::toast::Tone;
use crate::command::Screen;

/// Terminals drop longer sequences: xterm takes 100 000 bytes of base64.
const MOST: usize = 74_000;

impl App {
    pub(super) fn copy(&mut self) {
        let Some((what, text)) = self.under_cursor() else {
            return self
                .toasts
                .say(Tone::Hint, "There is nothing under the cursor to copy");
        };
        if text.len() > MOST {
            let size = text.len();
            let sentence = format!(
                "{what}: {size} bytes, more than the {MOST} that a terminal's clipboard takes; w writes all to a file"
            );
            return self.toasts.say(Tone::Hint, sentence);
        }
        self.toasts.say(
            Tone::Done,
            format!("Sent {what} to the terminal's clipboard"),
        );
        self.copied = Some(text);
    }

    /// What was copied since the last look.
    pub fn take_copied(&mut self) -> Option<String> {
        self.copied.take()
    }

    /// A name for what is under the cursor, and its text.
    fn under_cursor(&self) -> Option<(String, String)> {
        let (what, text) = match self.screen {
            Screen::Flow => match self.flow_here()? {
                FlowKey::Topic(name) | FlowKey::Reader(name) => ("the name", name),
                FlowKey::Finding(key) => {
                    let findings = self.findings();
                    let (_, finding) = findings.iter().find(|(k, _)| *k == key)?;
                    ("the finding", finding.text.clone())
                }
                _ => return None,
            },
            Screen::Lag => {
                let row = self.lag_here()?;
                match (row.topic, row.partition) {
                    (Some(t), Some(p)) => ("the partition", format!("{}/{}", t.topic, p.partition)),
                    (Some(t), None) => ("the topic", t.topic.clone()),
                    _ => ("the group", row.group.group.clone()),
                }
            }
            Screen::Consumers => ("the name", self.consumer()?.name()),
            Screen::Outbox => match self.outbox_here()? {
                OutboxKey::Blocked(key) => ("the key", key),
                OutboxKey::Waiting(seq) | OutboxKey::Sent(seq) => ("the number", seq.to_string()),
            },
            Screen::Letters | Screen::Timeline | Screen::Messages => return self.content_text(),
            Screen::Activity => ("the operation's id", self.operation_here()?.to_string()),
        };
        Some((what.to_owned(), text))
    }

    /// What is marked, or the payload that is read, where it is text; of a letter else its id.
    fn content_text(&self) -> Option<(String, String)> {
        let text = self.content().and_then(|content| {
            let text = String::from_utf8(content.bytes).ok()?;
            Some((content.what, text))
        });
        let id = || {
            let letters = self.screen == Screen::Letters;
            let letter = self.letter_here().filter(|_| letters)?;
            Some(("the letter's id".to_owned(), letter.id.to_string()))
        };
        text.or_else(id)
    }
}

/// Asks the terminal to put `text` on its clipboard. Within tmux the sequence is passed on
/// (tmux's `allow-passthrough`, or its own `set-clipboard` takes it).
///
/// # Errors
/// When the terminal can't be written to.
pub fn write(out: &mut impl Write, text: &str, tmux: bool) -> io::Result<()> {
    let text = BASE64_STANDARD.encode(text);
    if tmux {
        write!(out, "\x1bPtmux;\x1b\x1b]52;c;{text}\x07\x1b\\")?;
    }
    write!(out, "\x1b]52;c;{text}\x07")?;
    out.flush()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_of_the_text_reaches_the_terminal_raw() {
        for tmux in [false, true] {
            let mut out = Vec::new();
            write(&mut out, "a\x1b]0;owned\x07b", tmux).expect("a vector takes all");
            let said = String::from_utf8(out).expect("ASCII");
            assert!(!said.contains("owned"), "{said:?}");
            assert_eq!(
                said.matches("]52;c;YRtdMDtvd25lZAdi\x07").count(),
                1 + usize::from(tmux)
            );
        }
    }
}
