//! Holds letters against a filter that the store can't judge alone: into values, by headers or expressions.
//! A verdict is kept until the letter fails again, so that each letter's bytes are read once. What was not
//! looked at yet is counted and never taken for a miss.

use std::collections::{HashMap, HashSet};
use std::time::Duration;

use chrono::{DateTime, Utc};
use uuid::Uuid;

use crate::clock;
use crate::domain::filter::Resolved;
use crate::domain::letter::{LetterFilter, NEWEST};
use crate::kafka::headers;
use crate::store::{Store, StoreError};

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
        if filter.typed.is_empty() {
            return Ok(0);
        }
        let of_every_cause = LetterFilter {
            fingerprint: None,
            order: None,
            ..filter.clone()
        };
        let beyond = beyond(store, &of_every_cause).await?;
        if filter.typed.is_plain() {
            return Ok(beyond);
        }
        let candidates = store.letters_by_failure(&of_every_cause, NEWEST).await?;
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
        let judged = self.verdicts.len();
        Ok(beyond + (candidates.len() - judged.min(candidates.len())) as u64)
    }
}

/// How many letters are not even looked through, since there are too many.
async fn beyond(store: &Store, filter: &LetterFilter) -> Result<u64, StoreError> {
    if store.letters_looked_through(filter).await? < u64::from(NEWEST) {
        return Ok(0);
    }
    let all = LetterFilter {
        statuses: filter.statuses.clone(),
        ..LetterFilter::default()
    };
    let (_, total) = store.letters(&all, 0, 0).await?;
    Ok(total.saturating_sub(NEWEST.into()))
}
