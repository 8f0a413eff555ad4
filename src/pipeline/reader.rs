//! Reads the dead-letter topics of a cluster that is not ours into the local index. The rule: nothing is
//! left behind there. No group is joined and no offset committed; the index itself says where to go on,
//! and reading a record again makes the same row.

use std::collections::{BTreeMap, HashMap};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use tokio_util::sync::CancellationToken;

use super::Shared;
use super::indexer::{index, is_wanted};
use crate::domain::letter::DlqPlace;
use crate::domain::record::Record;
use crate::kafka::KafkaError;
use crate::kafka::consumer::{Consumer, Place};
use crate::kafka::offsets::{Bounds, Observer};
use crate::lock::lock;

/// How often topics and their ends are asked for.
const LOOK: Duration = Duration::from_secs(1);

/// How long a quiet partition may take to say that it is at its end, and how many are asked at a look.
const TAIL: Duration = Duration::from_millis(500);
const TAILS: usize = 8;

/// Records of one transaction of the index.
const BATCH: usize = 500;

/// How many records the index has yet to read; unknown until the topics and their ends are known.
#[derive(Debug, Default)]
pub struct Unread(Mutex<Option<u64>>);

impl Unread {
    #[must_use]
    pub fn get(&self) -> Option<u64> {
        *lock(&self.0)
    }

    /// Nobody reads just now.
    pub fn lost(&self) {
        self.set(None);
    }

    fn set(&self, unread: Option<u64>) {
        *lock(&self.0) = unread;
    }
}

/// Where reading stands in a partition.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Standing {
    /// The next offset to read; unknown until the broker has told where the partition begins.
    next: Option<i64>,
    end: Option<i64>,
}

impl Standing {
    fn unread(self) -> Option<u64> {
        let (next, end) = (self.next?, self.end?);
        Some(u64::try_from(end - next).unwrap_or(0))
    }
}

/// Every partition that is read.
#[derive(Debug, Default)]
struct Places {
    all: BTreeMap<Place, Standing>,
    /// The newest record of each that an earlier run has indexed; used once.
    indexed: HashMap<Place, i64>,
}

impl Places {
    fn new(indexed: Vec<DlqPlace>) -> Self {
        let indexed = indexed.into_iter();
        Self {
            all: BTreeMap::new(),
            indexed: indexed
                .map(|p| ((p.topic, p.partition), p.offset))
                .collect(),
        }
    }

    /// Takes in which partitions there are and how far each reaches. True: what is to be read has changed.
    fn look(&mut self, found: &[(Place, Bounds)]) -> bool {
        let before = self.all.len();
        self.all
            .retain(|place, _| found.iter().any(|(p, _)| p == place));
        let mut changed = self.all.len() != before;
        for (place, bounds) in found {
            let at = self.all.entry(place.clone()).or_insert(Standing {
                next: None,
                end: None,
            });
            at.end = bounds.end;
            let (Some(first), Some(end)) = (bounds.first, bounds.end) else {
                continue;
            };
            let known = at.next.or_else(|| Some(self.indexed.remove(place)? + 1));
            // Beyond the end: the topic was made anew. Before the start: its oldest records have gone.
            let next = known
                .filter(|next| *next <= end)
                .unwrap_or(first)
                .max(first);
            changed |= at.next != Some(next);
            at.next = Some(next);
        }
        changed
    }

    /// Everything before `next` is in the index.
    fn done(&mut self, place: &Place, next: i64) {
        if let Some(at) = self.all.get_mut(place) {
            at.next = at.next.max(Some(next));
        }
    }

    /// `None` while one of them is unknown.
    fn unread(&self) -> Option<u64> {
        self.all.values().map(|at| at.unread()).sum()
    }

    /// Partitions that are not at their end: place, next and end.
    fn behind(&self) -> Vec<(Place, i64, i64)> {
        let all = self.all.iter();
        all.filter_map(|(place, at)| Some((place.clone(), at.next?, at.end?)))
            .filter(|(_, next, end)| next < end)
            .collect()
    }

    fn readable(&self) -> impl Iterator<Item = (&Place, i64)> {
        self.all
            .iter()
            .filter_map(|(place, at)| Some((place, at.next?)))
    }
}

/// The dead-letter partitions there are, and how far each reaches.
async fn found(shared: &Shared, observer: &Observer) -> Result<Vec<(Place, Bounds)>, KafkaError> {
    let there = observer.topics().await?;
    let wanted = there
        .into_iter()
        .filter(|(name, _)| is_wanted(&shared.settings, name));
    let places: Vec<Place> = wanted
        .flat_map(|(topic, n)| (0..n as i32).map(move |p| (topic.clone(), p)))
        .collect();
    if places.is_empty() {
        return Ok(Vec::new());
    }
    let bounds = observer.bounds(places.clone()).await?;
    Ok(places.into_iter().zip(bounds).collect())
}

/// Reads and indexes until `stop`.
///
/// # Errors
/// When the index does not say where it stands, or librdkafka does not take the settings.
pub async fn run(
    shared: Arc<Shared>,
    observer: Observer,
    stop: CancellationToken,
) -> Result<(), String> {
    let indexed = shared.store.letters_indexed();
    let mut places = Places::new(indexed.await.map_err(|e| e.to_string())?);
    let consumer = Consumer::alone(&shared.settings.kafka).map_err(|e| e.to_string())?;
    let mut looks = tokio::time::interval(LOOK);
    looks.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
    let mut records: Vec<Record> = Vec::new();
    let mut quiet = false;
    loop {
        tokio::select! {
            biased;
            () = stop.cancelled() => break,
            _ = looks.tick() => {
                match found(&shared, &observer).await {
                    Ok(found) if places.look(&found) => {
                        tracing::info!(partitions = found.len(), "dead-letter topics");
                        consumer.assign(places.readable()).map_err(|e| e.to_string())?;
                    }
                    Ok(_) if quiet => tails(&mut places, &observer).await,
                    Ok(_) => {}
                    Err(error) => {
                        tracing::debug!(%error, "dead-letter topics can't be looked at");
                        shared.unread.set(None);
                        continue;
                    }
                }
                quiet = true;
                shared.unread.set(places.unread());
                continue;
            }
            record = consumer.recv() => match record {
                Ok(record) => records.push(record),
                Err(error) => {
                    tracing::debug!(%error, "dead letters can't be read");
                    tokio::select! {
                        () = stop.cancelled() => break,
                        () = tokio::time::sleep(Duration::from_millis(200)) => continue,
                    }
                }
            },
        }
        quiet = false;
        consumer.ready(BATCH, &mut records);
        if !index(&shared, &records, &stop).await {
            break;
        }
        for record in records.drain(..) {
            places.done(&(record.topic, record.partition), record.offset + 1);
        }
        if shared.unread.get().is_some() {
            shared.unread.set(places.unread());
        }
    }
    consumer.close(false).await;
    Ok(())
}

/// A partition may end in what nobody reads, such as a transaction's markers: once no record comes any
/// more, it is asked whether any is left.
async fn tails(places: &mut Places, observer: &Observer) {
    for (place, next, end) in places.behind().into_iter().take(TAILS) {
        match observer.ends_at(place.clone(), next, TAIL).await {
            Ok(Some(true)) => places.done(&place, end),
            Ok(Some(false) | None) => {}
            Err(error) => tracing::debug!(%error, "a partition's end can't be looked at"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn place(partition: i32) -> Place {
        ("shop-dlq".to_owned(), partition)
    }

    fn bounds(first: i64, end: i64) -> Bounds {
        Bounds {
            first: Some(first),
            end: Some(end),
        }
    }

    fn indexed(offset: i64) -> Places {
        Places::new(vec![DlqPlace {
            topic: "shop-dlq".into(),
            partition: 0,
            offset,
        }])
    }

    fn next(places: &Places) -> Vec<i64> {
        places.readable().map(|(_, next)| next).collect()
    }

    #[test]
    fn reading_goes_on_after_what_the_index_has() {
        let mut places = indexed(6);
        assert!(places.look(&[(place(0), bounds(2, 10)), (place(1), bounds(3, 4))]));
        assert_eq!(next(&places), [7, 3]);
        assert_eq!(places.unread(), Some(3 + 1));
        places.done(&place(0), 10);
        places.done(&place(1), 4);
        assert_eq!(places.unread(), Some(0));
        assert!(!places.look(&[(place(0), bounds(2, 11)), (place(1), bounds(3, 4))]));
        assert_eq!(places.unread(), Some(1), "a new record is unread");
        assert_eq!(places.behind(), [(place(0), 10, 11)]);
    }

    #[test]
    fn what_was_removed_or_made_anew_is_read_from_where_it_begins() {
        for (first, end) in [(8, 10), (0, 3)] {
            let mut places = indexed(6);
            places.look(&[(place(0), bounds(first, end))]);
            assert_eq!(next(&places), [first], "{first} to {end}");
        }
        // Gone and back while this runs: as long as before, but not the same.
        let mut places = indexed(6);
        places.look(&[(place(0), bounds(0, 10))]);
        assert!(places.look(&[]));
        assert_eq!(places.unread(), Some(0));
        assert!(places.look(&[(place(0), bounds(0, 10))]));
        assert_eq!(next(&places), [0]);
    }

    #[test]
    fn unknown_is_not_zero() {
        let mut places = indexed(6);
        let away = Bounds::default();
        places.look(&[(place(0), away), (place(1), bounds(0, 0))]);
        assert_eq!(places.unread(), None);
        assert_eq!(next(&places), [0], "partition 1 is read all the same");
        assert!(places.look(&[(place(0), bounds(0, 9)), (place(1), bounds(0, 0))]));
        assert_eq!(next(&places), [7, 0], "nothing was forgotten meanwhile");
        assert_eq!(places.unread(), Some(2));
    }
}
