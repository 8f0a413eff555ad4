//! What is wrong with the settings: where, what, and the remedy.

use std::fmt;
use std::ops::Range;

/// A setting that can't be used. Exit code 2.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ConfigError {
    /// A file's path, or `environment variable NAME`.
    pub origin: String,
    /// Line and column, from 1, where the origin has lines.
    pub place: Option<(usize, usize)>,
    pub message: String,
    pub remedy: String,
}

impl fmt::Display for ConfigError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.origin)?;
        if let Some((line, column)) = self.place {
            write!(f, ":{line}:{column}")?;
        }
        write!(f, ": {}; {}", self.message, self.remedy)
    }
}

impl std::error::Error for ConfigError {}

impl ConfigError {
    /// Something wrong at a place of another file, such as a theme.
    #[must_use]
    pub fn in_text(
        origin: &str,
        text: &str,
        at: Option<Range<usize>>,
        message: impl Into<String>,
        remedy: impl Into<String>,
    ) -> Self {
        Self {
            origin: origin.to_owned(),
            place: at.map(|at| line_column(text, at.start)),
            message: message.into(),
            remedy: remedy.into(),
        }
    }
}

/// Something wrong at a place in the text, before it is known whose text it was.
#[derive(Debug)]
pub(super) struct Flaw {
    pub span: Option<Range<usize>>,
    pub message: String,
    pub remedy: String,
}

impl Flaw {
    pub(super) fn at(origin: &str, text: &str, flaw: Self) -> ConfigError {
        ConfigError {
            origin: origin.to_owned(),
            place: flaw.span.map(|s| line_column(text, s.start)),
            message: flaw.message,
            remedy: flaw.remedy,
        }
    }
}

impl From<toml::de::Error> for Flaw {
    fn from(error: toml::de::Error) -> Self {
        let (message, remedy) = reword(error.message());
        Self {
            span: error.span(),
            message,
            remedy,
        }
    }
}

const SEE_EXAMPLE: &str = "config.toml.example lists every setting with its default";

/// serde says "unknown field `brokrs`, expected one of `brokers`, …": the list is exactly what may
/// stand there, so the nearest of it is what was meant.
fn reword(message: &str) -> (String, String) {
    let message = message.trim_end();
    let kind = ["unknown field ", "unknown variant "]
        .into_iter()
        .find(|kind| message.starts_with(kind));
    let mut ticked = message.split('`').skip(1).step_by(2);
    let (Some(kind), Some(given)) = (kind, ticked.next()) else {
        return (message.replace('\n', ", "), SEE_EXAMPLE.to_owned());
    };
    let known: Vec<&str> = ticked.collect();
    let what = if kind == "unknown field " {
        "unknown setting"
    } else {
        "unknown value"
    };
    let remedy = match nearest(given, &known) {
        Some(near) => format!("did you mean `{near}`?"),
        None if known.is_empty() => SEE_EXAMPLE.to_owned(),
        None => format!("known here: {}", known.join(", ")),
    };
    (format!("{what} `{given}`"), remedy)
}

/// The known word that differs least, where it differs little enough to have been meant.
#[must_use]
pub fn nearest<'a>(given: &str, known: &[&'a str]) -> Option<&'a str> {
    known
        .iter()
        .map(|word| (distance(given, word), *word))
        .filter(|(distance, word)| *distance <= word.chars().count().div_ceil(3))
        .min_by_key(|(distance, _)| *distance)
        .map(|(_, word)| word)
}

/// Letters to insert, delete or replace to come from `a` to `b`; case and dashes cost nothing.
fn distance(a: &str, b: &str) -> usize {
    let fold = |s: &str| {
        s.to_lowercase()
            .replace('-', "_")
            .chars()
            .collect::<Vec<_>>()
    };
    let (a, b) = (fold(a), fold(b));
    let mut row: Vec<usize> = (0..=b.len()).collect();
    for (i, x) in a.iter().enumerate() {
        let mut diagonal = row[0];
        row[0] = i + 1;
        for (j, y) in b.iter().enumerate() {
            let replaced = diagonal + usize::from(x != y);
            diagonal = row[j + 1];
            row[j + 1] = replaced.min(row[j] + 1).min(diagonal + 1);
        }
    }
    row[b.len()]
}

/// Line and column from 1; columns count characters.
pub(super) fn line_column(text: &str, offset: usize) -> (usize, usize) {
    let before = text.get(..offset).unwrap_or(text);
    let line = before.matches('\n').count() + 1;
    let start = before.rfind('\n').map_or(0, |i| i + 1);
    (line, before[start..].chars().count() + 1)
}
