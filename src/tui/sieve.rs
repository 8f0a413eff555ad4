//! What is typed on a screen to narrow its list. One that can't be read shows every row and says why.

use chrono::{DateTime, Utc};

use crate::domain::filter::{Filter, List, Resolved};

/// What is typed, and what it means.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Sieve {
    text: String,
    error: Option<String>,
    /// It was typed before anybody knew the time: it waits for the first snapshot.
    waiting: Option<Filter>,
    filter: Resolved,
}

impl Sieve {
    pub(super) const NONE: Self = Self {
        text: String::new(),
        error: None,
        waiting: None,
        filter: Resolved::NONE,
    };

    /// Reads what is typed for this list; "ago" counts from `now`, as soon as that is known.
    pub(super) fn new(text: String, list: List, now: Option<DateTime<Utc>>) -> Self {
        let read = Filter::parse(&text).and_then(|filter| filter.only(list));
        let (waiting, error) = match read {
            Ok(filter) => (Some(filter), None),
            Err(why) => (None, Some(why)),
        };
        let mut sieve = Self {
            text,
            error,
            waiting,
            filter: Resolved::NONE,
        };
        if let Some(now) = now {
            sieve.resolve(now);
        }
        sieve
    }

    /// The time is known: what waited for it means moments now.
    pub(super) fn resolve(&mut self, now: DateTime<Utc>) {
        if let Some(filter) = self.waiting.take() {
            self.filter = filter.at(now);
        }
    }

    /// As it is typed.
    #[must_use]
    pub fn text(&self) -> &str {
        &self.text
    }

    /// Why it can't be read.
    #[must_use]
    pub fn error(&self) -> Option<&str> {
        self.error.as_deref()
    }

    /// What judges the rows.
    #[must_use]
    pub fn filter(&self) -> &Resolved {
        &self.filter
    }
}
