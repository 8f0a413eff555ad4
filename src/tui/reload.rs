//! A person's own theme, read again when it is saved: how it looks is seen while it is made.

use std::path::PathBuf;
use std::time::SystemTime;

use super::colour::Depth;
use super::theme::Theme;
use crate::config::ConfigError;

/// A theme's file, and when it was last written as far as we know.
#[derive(Clone, Debug)]
pub struct ThemeFile {
    path: PathBuf,
    depth: Depth,
    written: Option<SystemTime>,
}

impl ThemeFile {
    #[must_use]
    pub fn new(path: PathBuf, depth: Depth) -> Self {
        let mut file = Self {
            path,
            depth,
            written: None,
        };
        file.written = file.time();
        file
    }

    fn time(&self) -> Option<SystemTime> {
        std::fs::metadata(&self.path)
            .and_then(|file| file.modified())
            .ok()
    }

    /// The theme as it stands in the file now, if that was written since the last look. A file that is
    /// away for a moment, as some editors save, is no change.
    pub fn changed(&mut self) -> Option<Result<Theme, ConfigError>> {
        let written = self.time().filter(|time| self.written != Some(*time))?;
        let text = std::fs::read_to_string(&self.path).ok()?;
        self.written = Some(written);
        let theme = Theme::parse(&self.path.to_string_lossy(), &text);
        Some(theme.map(|theme| theme.in_depth(self.depth)))
    }
}
