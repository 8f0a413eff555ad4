//! Lag from the broker's word, for every group alike: committed offsets are asked for before end
//! offsets, so lag is never negative. Rates, trend, ETA and verdict are worked out from what was seen.

use std::collections::{BTreeMap, HashMap};
use std::time::{Duration, Instant};

use super::figures::{sum, worst};
use super::groups::Group;
use super::history::{Pace, Rate, Ring};
use super::partition::{Partition, Seen};
use crate::clock::{self, Clock};
use crate::kafka::consumer::Place;
use crate::kafka::offsets::{Bounds, Observer};
use crate::snapshot::{GroupLag, PartitionLag, Series, Topic, TopicLag};

/// How long one look at the record at a committed offset may take, and all of a poll together.
const PEEK: Duration = Duration::from_millis(500);
const PEEKS: Duration = Duration::from_secs(1);

/// Rows beyond which only those that somebody looks at have a history of their own.
const MANY: usize = 2_000;

/// What is remembered between two polls.
pub struct LagWatch {
    observer: Observer,
    clock: Clock,
    step: Duration,
    points: usize,
    pace: Pace,
    topics: HashMap<String, TopicMemory>,
    /// By group, topic and partition.
    partitions: HashMap<String, HashMap<String, HashMap<i32, Partition>>>,
    totals: HashMap<(String, Option<String>), Ring>,
}

/// What a group has committed on its places, in their order; or why nobody knows.
type Offsets = Result<Vec<Option<i64>>, String>;

struct TopicMemory {
    rate: Rate,
    history: Ring,
    ends: HashMap<i32, Rate>,
}

/// When a poll is, and what it is asked for.
struct Round<'a> {
    now: Instant,
    due: Option<usize>,
    bounds: HashMap<Place, Bounds>,
    many: bool,
    /// Group, topic and partition of the rows whose lag in time somebody looks at.
    wanted: &'a [(String, String, i32)],
}

/// The answer of one poll.
pub struct Polled {
    pub topics: Vec<Topic>,
    pub groups: Vec<GroupLag>,
    /// How long the broker took to answer the first question.
    pub latency: Duration,
    /// The slowest group of each partition: topic, partition, committed, group.
    pub slowest: Vec<(String, i32, Option<i64>, String)>,
}

impl LagWatch {
    #[must_use]
    pub fn new(observer: Observer, clock: Clock, step: Duration, keep: Duration) -> Self {
        let points = usize::try_from(keep.as_millis() / step.as_millis().max(1)).unwrap_or(600);
        Self {
            observer,
            clock,
            step,
            points,
            pace: Pace::new(step),
            topics: HashMap::new(),
            partitions: HashMap::new(),
            totals: HashMap::new(),
        }
    }

    /// Asks the broker once; `by_name`: it tells only of places that it is asked for. `wanted` are the partitions whose lag in time somebody looks at.
    pub async fn poll(
        &mut self,
        groups: &[Group],
        by_name: bool,
        wanted: &[(String, String, i32)],
    ) -> Result<Polled, String> {
        let started = clock::instant();
        let known = self.observer.topics().await.map_err(|e| e.to_string())?;
        let latency = started.elapsed();
        let committed = self.committed(groups, by_name, &known).await?;
        self.forget(&known);
        let all: Vec<Place> = known
            .iter()
            .flat_map(|(topic, n)| (0..*n as i32).map(move |p| (topic.clone(), p)))
            .collect();
        let bounds = self
            .observer
            .bounds(all.clone())
            .await
            .map_err(|e| e.to_string())?;
        let now = clock::instant();
        let rows = committed.iter().map(|(places, _)| places.len());
        let round = Round {
            now,
            many: rows.sum::<usize>() > MANY,
            due: self.pace.tick(now),
            bounds: all.into_iter().zip(bounds).collect(),
            wanted,
        };
        let topics = self.topics(&known, &round);
        let mut rows = Vec::with_capacity(groups.len());
        let mut slowest: BTreeMap<Place, (Option<i64>, String)> = BTreeMap::new();
        for (group, (places, answer)) in groups.iter().zip(committed) {
            let offsets = match answer {
                Ok(offsets) => offsets,
                Err(error) => {
                    let unknown = vec![None; places.len()];
                    let mut row = self.group(group, &places, &unknown, &round).await;
                    row.unknown(&error);
                    rows.push(row);
                    continue;
                }
            };
            for (place, offset) in places.iter().zip(&offsets) {
                let entry = slowest
                    .entry(place.clone())
                    .or_insert_with(|| (*offset, group.name.clone()));
                if *offset < entry.0 {
                    *entry = (*offset, group.name.clone());
                }
            }
            rows.push(self.group(group, &places, &offsets, &round).await);
        }
        let slowest = slowest
            .into_iter()
            .map(|((t, p), (at, group))| (t, p, at, group))
            .collect();
        Ok(Polled {
            topics,
            groups: rows,
            latency,
            slowest,
        })
    }

    /// Each group's places, and what it has committed there.
    async fn committed(
        &self,
        groups: &[Group],
        by_name: bool,
        known: &BTreeMap<String, usize>,
    ) -> Result<Vec<(Vec<Place>, Offsets)>, String> {
        let asked = groups.iter().map(|group| {
            let places = by_name.then(|| places_of(group, known));
            (group.name.clone(), places)
        });
        let answers = self.observer.committed_by(asked.collect()).await;
        let answers = answers.map_err(|e| e.to_string())?;
        // One group's coordinator may be away while the others answer.
        if let Some(Err(error)) = answers.first()
            && answers.iter().all(Result::is_err)
        {
            return Err(error.to_string());
        }
        let rows = groups.iter().zip(answers).map(|(group, answer)| {
            let read = answer.as_ref().map(HashMap::keys).into_iter().flatten();
            let read = read.chain(group.owners.keys());
            let there = |place: &&Place| {
                let partitions = known.get(&place.0).copied().unwrap_or(0);
                usize::try_from(place.1).is_ok_and(|p| p < partitions)
            };
            let mut places = places_of(group, known);
            places.extend(read.filter(there).cloned());
            places.sort();
            places.dedup();
            let offsets = answer.map_err(|e| e.to_string()).map(|found| {
                let at = |place| found.get(place).copied();
                places.iter().map(at).collect()
            });
            (places, offsets)
        });
        Ok(rows.collect())
    }

    /// Drops what is remembered of topics that are gone.
    fn forget(&mut self, known: &BTreeMap<String, usize>) {
        self.topics.retain(|topic, _| known.contains_key(topic));
        for topics in self.partitions.values_mut() {
            topics.retain(|topic, _| known.contains_key(topic));
        }
        self.totals
            .retain(|(_, topic), _| topic.as_ref().is_none_or(|t| known.contains_key(t)));
    }

    fn topics(&mut self, known: &BTreeMap<String, usize>, round: &Round<'_>) -> Vec<Topic> {
        let (now, step, points) = (round.now, self.step, self.points);
        known
            .iter()
            .map(|(name, partitions)| {
                let memory = self
                    .topics
                    .entry(name.clone())
                    .or_insert_with(|| TopicMemory {
                        rate: Rate::default(),
                        history: Ring::new(step, points),
                        ends: HashMap::new(),
                    });
                let (mut sum, mut first) = (Some(0i64), Some(0i64));
                for partition in 0..*partitions as i32 {
                    let place = (name.clone(), partition);
                    let bounds = round.bounds.get(&place).copied().unwrap_or_default();
                    let end = bounds.end;
                    first = first.zip(bounds.first).map(|(a, b)| a + b);
                    sum = sum.zip(end).map(|(a, b)| a + b);
                    match end {
                        Some(end) => memory
                            .ends
                            .entry(partition)
                            .or_default()
                            .push(now, end.max(0) as u64),
                        None => memory.ends.entry(partition).or_default().gap(),
                    }
                }
                match sum {
                    Some(sum) => memory.rate.push(now, sum.max(0) as u64),
                    None => memory.rate.gap(),
                }
                memory.history.push(round.due, memory.rate.per_s());
                Topic {
                    name: name.clone(),
                    partitions: *partitions,
                    end: sum,
                    first,
                    rate: memory.rate.per_s(),
                    history: memory.history.series(points),
                    dead_letters: false,
                }
            })
            .collect()
    }

    async fn group(
        &mut self,
        group: &Group,
        places: &[Place],
        offsets: &[Option<i64>],
        round: &Round<'_>,
    ) -> GroupLag {
        let mut topics: BTreeMap<&str, Vec<PartitionLag>> = BTreeMap::new();
        for (place, committed) in places.iter().zip(offsets) {
            let row = self.partition(group, place, *committed, round).await;
            topics.entry(&place.0).or_default().push(row);
        }
        let topics: Vec<TopicLag> = topics
            .into_iter()
            .map(|(topic, partitions)| {
                let mut numbers = sum(partitions.iter().map(|p| &p.numbers));
                numbers.history = self.total(&group.name, Some(topic), numbers.lag, round.due);
                let verdict = worst(partitions.iter().map(|p| &p.verdict), numbers.lag);
                TopicLag {
                    topic: topic.to_owned(),
                    numbers,
                    verdict,
                    partitions,
                }
            })
            .collect();
        let mut numbers = sum(topics.iter().map(|t| &t.numbers));
        numbers.history = self.total(&group.name, None, numbers.lag, round.due);
        let verdict = worst(topics.iter().map(|t| &t.verdict), numbers.lag);
        GroupLag {
            group: group.name.clone(),
            ours: group.ours,
            state: group.state.clone(),
            numbers,
            verdict,
            topics,
        }
    }

    fn total(
        &mut self,
        group: &str,
        topic: Option<&str>,
        lag: Option<u64>,
        due: Option<usize>,
    ) -> Series {
        let key = (group.to_owned(), topic.map(str::to_owned));
        let ring = self
            .totals
            .entry(key)
            .or_insert_with(|| Ring::new(self.step, self.points));
        ring.push(due, lag.map(|l| l as f64));
        ring.series(self.points)
    }

    async fn partition(
        &mut self,
        group: &Group,
        place: &Place,
        committed: Option<i64>,
        round: &Round<'_>,
    ) -> PartitionLag {
        let looked_at = round
            .wanted
            .iter()
            .any(|(g, t, p)| *g == group.name && *t == place.0 && *p == place.1);
        let rate_in = self.topics.get(&place.0).and_then(|t| t.ends.get(&place.1));
        let seen = Seen {
            now: round.now,
            at: self.clock.now(),
            due: round.due,
            committed,
            bounds: round.bounds.get(place).copied().unwrap_or_default(),
            rate_in: rate_in.and_then(Rate::per_s),
            paused: group.paused,
            remembered: looked_at || !round.many,
        };
        let mut row = self.memory(&group.name, place).see(place.1, seen);
        if let Some(committed) = committed.filter(|_| looked_at && row.numbers.time.is_none()) {
            row.numbers.time = self.age(&group.name, place, committed, round.now).await;
        }
        row.owner = group.owners.get(place).cloned();
        row
    }

    fn memory(&mut self, group: &str, (topic, partition): &Place) -> &mut Partition {
        let (step, points) = (self.step, self.points);
        let topics = self.partitions.entry(group.to_owned()).or_default();
        let partitions = topics.entry(topic.clone()).or_default();
        partitions
            .entry(*partition)
            .or_insert_with(|| Partition::new(Ring::new(step, points)))
    }

    /// Age of the next record to be read, by its Kafka timestamp. All looks of a poll have a second
    /// together, so that many slow partitions don't cost the others their numbers.
    async fn age(
        &mut self,
        group: &str,
        place: &Place,
        committed: i64,
        polled: Instant,
    ) -> Option<Duration> {
        let known = self.memory(group, place).peeked(committed, polled);
        let stamp = match known {
            Some(stamp) => stamp,
            None if polled.elapsed() > PEEKS => return None,
            None => {
                let record = self
                    .observer
                    .record_at(place.clone(), committed, PEEK)
                    .await;
                let stamp = record.ok().flatten().and_then(|r| r.timestamp);
                self.memory(group, place).remember(committed, stamp, polled);
                stamp
            }
        };
        stamp.map(|stamp| (self.clock.now() - stamp).to_std().unwrap_or_default())
    }
}

fn places_of(group: &Group, known: &BTreeMap<String, usize>) -> Vec<Place> {
    group
        .topics
        .iter()
        .filter_map(|topic| known.get(topic).map(|n| (topic, *n)))
        .flat_map(|(topic, n)| (0..n as i32).map(move |p| (topic.clone(), p)))
        .collect()
}
