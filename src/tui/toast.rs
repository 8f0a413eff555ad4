//! Short words that come and go: what became of a request, and why a key does nothing. Their time is
//! counted in snapshots, since the screen has no clock.

use std::time::Duration;

/// How a toast is meant.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Tone {
    Done,
    Hint,
    Refused,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Toast {
    pub tone: Tone,
    pub text: String,
    left: Duration,
}

/// The newest few, newest last.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Toasts {
    rows: Vec<Toast>,
}

impl Toasts {
    const KEPT: usize = 3;

    pub fn say(&mut self, tone: Tone, text: impl Into<String>) {
        let text = text.into();
        let stays = match tone {
            Tone::Refused => Duration::from_secs(10),
            Tone::Done | Tone::Hint => Duration::from_secs(5),
        };
        self.rows.retain(|toast| toast.text != text);
        self.rows.push(Toast {
            tone,
            text,
            left: stays,
        });
        if self.rows.len() > Self::KEPT {
            self.rows.remove(0);
        }
    }

    /// A snapshot came, this long after the one before.
    pub fn tick(&mut self, every: Duration) {
        let every = every.max(Duration::from_millis(100));
        for toast in &mut self.rows {
            toast.left = toast.left.saturating_sub(every);
        }
        self.rows.retain(|toast| !toast.left.is_zero());
    }

    pub fn clear(&mut self) {
        self.rows.clear();
    }

    #[must_use]
    pub fn rows(&self) -> &[Toast] {
        &self.rows
    }
}
