//! Where settings came from, for `doctor`, `config`, the log, and for errors that are found only by
//! whoever knows what a setting means: a theme, a key, a property of librdkafka.

use std::collections::BTreeMap;
use std::path::PathBuf;

use toml::de::{DeTable, DeValue};

use super::error::{ConfigError, line_column};

#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Source {
    /// `None`: no file, so the defaults.
    pub file: Option<PathBuf>,
    pub profile: Option<String>,
    /// Names of the environment variables that changed something.
    pub variables: Vec<String>,
    /// Setting → where it was given.
    places: BTreeMap<String, Place>,
}

/// Origin, and line and column in it.
type Place = (String, Option<(usize, usize)>);

impl Source {
    /// Remembers where each setting of a file stands: its name; in a list, the element.
    pub(super) fn read(&mut self, origin: &str, text: &str, table: &DeTable<'_>) {
        self.walk((origin, text), "", table);
    }

    fn walk(&mut self, (origin, text): (&str, &str), under: &str, table: &DeTable<'_>) {
        for (key, value) in table {
            let path = format!("{under}{}", key.get_ref());
            let place = |at: usize| (origin.to_owned(), Some(line_column(text, at)));
            match value.get_ref() {
                DeValue::Table(inner) => self.walk((origin, text), &format!("{path}."), inner),
                DeValue::Array(elements) => {
                    for (nth, element) in elements.iter().enumerate() {
                        let place = place(element.span().start);
                        self.places.insert(format!("{path}.{nth}"), place);
                    }
                }
                _ => {}
            }
            self.places.insert(path, place(key.span().start));
        }
    }

    /// A setting was given elsewhere: by a flag, or an environment variable.
    pub fn given(&mut self, path: &str, origin: impl Into<String>) {
        let below = format!("{path}.");
        self.places.retain(|known, _| !known.starts_with(&below));
        self.places.insert(path.to_owned(), (origin.into(), None));
    }

    /// Where a setting was given: file and line, a variable, a flag; `None` for a default.
    #[must_use]
    pub fn origin(&self, path: &str) -> Option<String> {
        if let Some((origin, place)) = self.places.get(path) {
            let line = place.map(|(line, _)| format!(":{line}"));
            return Some(format!("{origin}{}", line.unwrap_or_default()));
        }
        // A variable may give a whole table at once; a table of a file only has what stands in it.
        let mut above = path.rsplit_once('.').map(|(above, _)| above);
        while let Some(here) = above {
            if let Some((origin, None)) = self.places.get(here) {
                return Some(origin.clone());
            }
            above = here.rsplit_once('.').map(|(above, _)| above);
        }
        None
    }

    /// What is wrong with a setting, at the place where it, or what it is part of, was given.
    #[must_use]
    pub fn error(
        &self,
        path: &str,
        message: impl Into<String>,
        remedy: impl Into<String>,
    ) -> ConfigError {
        let mut at = Some(path);
        let place = std::iter::from_fn(|| {
            let here = at?;
            at = here.rsplit_once('.').map(|(above, _)| above);
            Some(self.places.get(here))
        });
        let (origin, place) = place.flatten().next().cloned().unwrap_or_else(|| {
            let file = self.file.as_ref().map(|file| file.display().to_string());
            (file.unwrap_or_else(|| "defaults".to_owned()), None)
        });
        ConfigError {
            origin,
            place,
            message: message.into(),
            remedy: remedy.into(),
        }
    }
}
