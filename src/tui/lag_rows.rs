//! The rows of the lag tree: group, topic, partition, as they are unfolded, filtered and sorted.

use std::borrow::Cow;

use serde::{Deserialize, Serialize};

use super::app::App;
use super::sort::{List, Sorted, values};
use crate::command::Screen;
use crate::domain::filter::{Fields, Resolved};
use crate::snapshot::{GroupLag, LagNumbers, PartitionLag, TopicLag, Verdict};

/// A row of the lag tree.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum LagKey {
    Group(String),
    Topic(String, String),
    Partition(String, String, i32),
}

/// A lag row with what it shows.
#[derive(Clone, Copy, Debug)]
pub struct LagRow<'a> {
    pub group: &'a GroupLag,
    pub topic: Option<&'a TopicLag>,
    pub partition: Option<&'a PartitionLag>,
    /// Whether its children are shown; `None` for a row without.
    pub open: Option<bool>,
}

impl<'a> LagRow<'a> {
    fn of_group(group: &'a GroupLag) -> Self {
        Self {
            group,
            topic: None,
            partition: None,
            open: None,
        }
    }

    fn topic(self, topic: &'a TopicLag) -> Self {
        Self {
            topic: Some(topic),
            ..self
        }
    }

    /// Whether a filter lets it through; its type is its verdict, its key the topic.
    fn passes(&self, filter: &Resolved) -> bool {
        let topic = self.topic.map(|topic| topic.topic.as_str());
        let texts = std::iter::once(self.group.group.as_str()).chain(topic);
        let fields = Fields {
            texts: texts.map(Cow::Borrowed).collect(),
            key: topic.map(Cow::Borrowed),
            kind: Some(self.verdict().kind.name()),
            group: Some(&self.group.group),
            partition: self.partition.map(|p| p.partition),
            ..Fields::default()
        };
        filter.holds(&fields)
    }

    fn partitions(self) -> impl Iterator<Item = Self> {
        let partitions = self.topic.map_or(&[][..], |t| &t.partitions);
        partitions.iter().map(move |partition| Self {
            partition: Some(partition),
            ..self
        })
    }

    #[must_use]
    pub fn key(&self) -> LagKey {
        let group = self.group.group.clone();
        match (self.topic, self.partition) {
            (Some(t), Some(p)) => LagKey::Partition(group, t.topic.clone(), p.partition),
            (Some(t), None) => LagKey::Topic(group, t.topic.clone()),
            _ => LagKey::Group(group),
        }
    }

    #[must_use]
    pub fn numbers(&self) -> &'a LagNumbers {
        match (self.topic, self.partition) {
            (_, Some(p)) => &p.numbers,
            (Some(t), None) => &t.numbers,
            _ => &self.group.numbers,
        }
    }

    #[must_use]
    pub fn verdict(&self) -> &'a Verdict {
        match (self.topic, self.partition) {
            (_, Some(p)) => &p.verdict,
            (Some(t), None) => &t.verdict,
            _ => &self.group.verdict,
        }
    }
}

impl App {
    /// The lag tree as it is unfolded. A filter that a partition or topic passes shows its parents too.
    #[must_use]
    pub fn lag_rows(&self) -> Vec<LagRow<'_>> {
        let Some(groups) = &self.shown.lag.value else {
            return Vec::new();
        };
        let filter = self.sieve(Screen::Lag).filter();
        let passes = |row: &LagRow<'_>| filter.is_empty() || row.passes(filter);
        let few = groups.len() <= 12;
        let mut rows = Vec::new();
        for group in self.sorted_lag(groups.iter().map(LagRow::of_group)) {
            let topics = group.group.topics.iter().map(|topic| group.topic(topic));
            let shown = |row: &LagRow<'_>| passes(row) || row.partitions().any(|p| passes(&p));
            let topics: Vec<LagRow<'_>> = topics.filter(shown).collect();
            if topics.is_empty() && !passes(&group) {
                continue;
            }
            let open = (!topics.is_empty()).then(|| self.is_unfolded(&group.key(), few));
            rows.push(LagRow { open, ..group });
            if open != Some(true) {
                continue;
            }
            for topic in self.sorted_lag(topics.into_iter()) {
                let mut partitions = topic.partitions().filter(passes).peekable();
                let any = partitions.peek().is_some();
                let open = any.then(|| self.is_unfolded(&topic.key(), false));
                rows.push(LagRow { open, ..topic });
                if open == Some(true) {
                    rows.extend(self.sorted_lag(partitions));
                }
            }
        }
        rows
    }

    /// Rows of one level as the screen is sorted.
    fn sorted_lag<'a>(&self, rows: impl Iterator<Item = LagRow<'a>>) -> Vec<LagRow<'a>> {
        let mut rows: Vec<_> = rows.collect();
        if let Some(sort) = self.sort(List::Lag) {
            rows.sort_by_cached_key(|row| Sorted(sort, values::of_lag(sort.column, row)));
        }
        rows
    }

    pub(super) fn lag_keys(&self) -> Vec<LagKey> {
        self.lag_rows().iter().map(LagRow::key).collect()
    }
}
