//! Holds letters against a filter that the store can't judge alone: into values, by headers or expressions.
//! A verdict is kept until the letter fails again, so that each letter's bytes are read once. What was not
//! looked at yet is counted and never taken for a miss.

use std::collections::{HashMap, HashSet};
use std::time::Duration;

use chrono::{DateTime, Utc};
use uuid::Uuid;

use crate::clock;
use crate::domain::filter::Resolved;
use crate::domain::letter::LetterFilter;
use crate::kafka::headers;
use crate::store::{Store, StoreError};

/// Letters that are looked through at most, newest failure first.
const MOST: u32 = 20_000;
/// Letters whose bytes are read at once, and for how long a poll goes on with the next.
const CHUNK: usize = 500;
const BUDGET: Duration = Duration::from_millis(400);

/// What is known of letters under one filter.
#[derive(Default)]
pub struct Judge {
    filter: Resolved,
    /// By letter: when it had failed as it was judged, and whether it passed.
    verdicts: HashMap<Uuid, (DateTime<Utc>, bool)>,
}

impl Judge {
    /// Narrows the filter to the letters that pass all of it; returns how many more were not judged. A
    /// filter that the store can judge stays as it is.
    pub async fn narrow(
        &mut self,
        store: &Store,
        filter: &mut LetterFilter,
    ) -> Result<u64, StoreError> {
        if self.filter != filter.typed {
            self.filter = filter.typed.clone();
            self.verdicts.clear();
        }
        if filter.typed.is_plain() {
            return Ok(0);
        }
        let of_every_cause = LetterFilter {
            fingerprint: None,
            order: None,
            ..filter.clone()
        };
        let (_, total) = store.letters(&of_every_cause, 0, 0).await?;
        let candidates = store.letters_by_failure(&of_every_cause, MOST).await?;
        let ids: HashSet<Uuid> = candidates.iter().map(|(id, _)| *id).collect();
        self.verdicts.retain(|id, _| ids.contains(id));
        let new: Vec<Uuid> = candidates
            .iter()
            .filter(|(id, at)| self.verdicts.get(id).is_none_or(|(then, _)| then != at))
            .map(|(id, _)| *id)
            .collect();
        let began = clock::instant();
        for chunk in new.chunks(CHUNK) {
            let among = LetterFilter {
                among: Some(chunk.to_vec()),
                ..of_every_cause.clone()
            };
            let limit = u32::try_from(chunk.len()).unwrap_or(u32::MAX);
            let bodies = self.filter.reads_body();
            let page = store.letter_page(&among, 0, limit, bodies).await?;
            for (letter, body) in page.rows {
                let passes = headers::passes(&self.filter, &letter, &body);
                let verdict = (letter.last_failed_at, passes);
                self.verdicts.insert(letter.id, verdict);
            }
            if began.elapsed() > BUDGET {
                break;
            }
        }
        let passed = |id: &Uuid| self.verdicts.get(id).is_some_and(|(_, passes)| *passes);
        filter.among = Some(
            candidates
                .iter()
                .map(|(id, _)| *id)
                .filter(passed)
                .collect(),
        );
        Ok(total.saturating_sub(self.verdicts.len() as u64))
    }
}
