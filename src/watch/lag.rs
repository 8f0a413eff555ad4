//! Lag from the broker's word, for every group alike: committed offsets are asked for before end
//! offsets, so lag is never negative. Rates, trend, ETA and verdict are worked out from what was seen.

use std::collections::{BTreeMap, HashMap, VecDeque};
use std::time::{Duration, Instant};

use chrono::{DateTime, Utc};

use super::figures::{eta, sum, worst};
use super::history::{Rate, Ring};
use super::verdict::{Facts, Sample, verdict};
use crate::clock::{self, Clock};
use crate::kafka::consumer::Place;
use crate::kafka::offsets::{Bounds, Observer};
use crate::snapshot::{GroupLag, LagNumbers, PartitionLag, Series, Topic, TopicLag};

/// Samples that a verdict looks at.
const WINDOW: usize = 60;

/// How long one look at the record at a committed offset may take, and how long it is remembered.
const PEEK: Duration = Duration::from_millis(500);
const PEEKED: Duration = Duration::from_secs(5);

/// A group, the topics it reads, and what is known of it from elsewhere.
#[derive(Clone, Debug)]
pub struct Group {
    pub name: String,
    pub topics: Vec<String>,
    pub ours: bool,
    pub paused: bool,
    /// Partitions read by this process.
    pub owned: Vec<Place>,
}

/// What is remembered between two polls.
pub struct LagWatch {
    observer: Observer,
    clock: Clock,
    step: Duration,
    points: usize,
    topics: HashMap<String, TopicMemory>,
    partitions: HashMap<(String, Place), Memory>,
    totals: HashMap<(String, Option<String>), Ring>,
    instance: String,
}

struct TopicMemory {
    rate: Rate,
    history: Ring,
    ends: HashMap<i32, Rate>,
}

struct Memory {
    samples: VecDeque<Sample>,
    moved: Option<(Instant, DateTime<Utc>)>,
    out: Rate,
    history: Ring,
    peeked: Option<(i64, Option<DateTime<Utc>>, Instant)>,
}

/// The answer of one poll.
pub struct Polled {
    pub topics: Vec<Topic>,
    pub groups: Vec<GroupLag>,
    /// The slowest group of each partition: topic, partition, committed, group.
    pub slowest: Vec<(String, i32, Option<i64>, String)>,
}

impl LagWatch {
    #[must_use]
    pub fn new(
        observer: Observer,
        clock: Clock,
        step: Duration,
        keep: Duration,
        instance: String,
    ) -> Self {
        let points = usize::try_from(keep.as_millis() / step.as_millis().max(1)).unwrap_or(600);
        Self {
            observer,
            clock,
            step,
            points,
            topics: HashMap::new(),
            partitions: HashMap::new(),
            totals: HashMap::new(),
            instance,
        }
    }

    /// Asks the broker once. `wanted` are the partitions whose lag in time somebody looks at.
    pub async fn poll(
        &mut self,
        groups: &[Group],
        wanted: &[(String, String, i32)],
    ) -> Result<Polled, String> {
        let known = self.observer.topics().await.map_err(|e| e.to_string())?;
        let mut committed = Vec::with_capacity(groups.len());
        for group in groups {
            let places = places_of(group, &known);
            let answer = self.observer.committed(&group.name, places.clone()).await;
            committed.push((places, answer.map_err(|e| e.to_string())));
        }
        // One group's coordinator may be away while the others answer.
        if let Some((_, Err(error))) = committed.first()
            && committed.iter().all(|(_, answer)| answer.is_err())
        {
            return Err(error.clone());
        }
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
        let bounds: HashMap<Place, Bounds> = all.into_iter().zip(bounds).collect();
        let topics = self.topics(&known, &bounds);
        let mut rows = Vec::with_capacity(groups.len());
        let mut slowest: BTreeMap<Place, (Option<i64>, String)> = BTreeMap::new();
        for (group, (places, answer)) in groups.iter().zip(committed) {
            let offsets = match answer {
                Ok(offsets) => offsets,
                Err(error) => {
                    let unknown = vec![None; places.len()];
                    let mut row = self.group(group, &places, &unknown, &bounds, &[]).await;
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
            rows.push(self.group(group, &places, &offsets, &bounds, wanted).await);
        }
        let slowest = slowest
            .into_iter()
            .map(|((t, p), (at, group))| (t, p, at, group))
            .collect();
        Ok(Polled {
            topics,
            groups: rows,
            slowest,
        })
    }

    /// Drops what is remembered of topics that are gone.
    fn forget(&mut self, known: &BTreeMap<String, usize>) {
        self.topics.retain(|topic, _| known.contains_key(topic));
        self.partitions
            .retain(|(_, (topic, _)), _| known.contains_key(topic));
        self.totals
            .retain(|(_, topic), _| topic.as_ref().is_none_or(|t| known.contains_key(t)));
    }

    fn topics(
        &mut self,
        known: &BTreeMap<String, usize>,
        bounds: &HashMap<Place, Bounds>,
    ) -> Vec<Topic> {
        let now = clock::instant();
        let (step, points) = (self.step, self.points);
        known
            .iter()
            .map(|(name, partitions)| {
                let memory = self
                    .topics
                    .entry(name.clone())
                    .or_insert_with(|| TopicMemory {
                        rate: Rate::default(),
                        history: Ring::new(points),
                        ends: HashMap::new(),
                    });
                let mut sum = Some(0i64);
                for partition in 0..*partitions as i32 {
                    let end = bounds.get(&(name.clone(), partition)).and_then(|b| b.end);
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
                memory.history.push(memory.rate.per_s());
                Topic {
                    name: name.clone(),
                    partitions: *partitions,
                    end: sum,
                    rate: memory.rate.per_s(),
                    history: memory.history.series(step, points),
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
        bounds: &HashMap<Place, Bounds>,
        wanted: &[(String, String, i32)],
    ) -> GroupLag {
        let mut topics: BTreeMap<&str, Vec<PartitionLag>> = BTreeMap::new();
        for (place, committed) in places.iter().zip(offsets) {
            let bound = bounds.get(place).copied().unwrap_or(Bounds {
                first: None,
                end: None,
            });
            let looked_at = wanted
                .iter()
                .any(|(g, t, p)| *g == group.name && *t == place.0 && *p == place.1);
            let row = self
                .partition(group, place, *committed, bound, looked_at)
                .await;
            topics.entry(&place.0).or_default().push(row);
        }
        let topics: Vec<TopicLag> = topics
            .into_iter()
            .map(|(topic, partitions)| {
                let mut numbers = sum(partitions.iter().map(|p| &p.numbers));
                numbers.history = self.total(&group.name, Some(topic), numbers.lag);
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
        numbers.history = self.total(&group.name, None, numbers.lag);
        let verdict = worst(topics.iter().map(|t| &t.verdict), numbers.lag);
        GroupLag {
            group: group.name.clone(),
            ours: group.ours,
            state: None,
            numbers,
            verdict,
            topics,
        }
    }

    fn total(&mut self, group: &str, topic: Option<&str>, lag: Option<u64>) -> Series {
        let key = (group.to_owned(), topic.map(str::to_owned));
        let ring = self
            .totals
            .entry(key)
            .or_insert_with(|| Ring::new(self.points));
        ring.push(lag.map(|l| l as f64));
        ring.series(self.step, self.points)
    }

    async fn partition(
        &mut self,
        group: &Group,
        place: &Place,
        committed: Option<i64>,
        bounds: Bounds,
        looked_at: bool,
    ) -> PartitionLag {
        let (now, at) = (clock::instant(), self.clock.now());
        let (step, points) = (self.step, self.points);
        let rate_in = self
            .topics
            .get(&place.0)
            .and_then(|t| t.ends.get(&place.1))
            .and_then(Rate::per_s);
        let memory = self
            .partitions
            .entry((group.name.clone(), place.clone()))
            .or_insert_with(|| Memory {
                samples: VecDeque::new(),
                moved: None,
                out: Rate::default(),
                history: Ring::new(points),
                peeked: None,
            });
        if memory
            .samples
            .back()
            .is_none_or(|last| last.committed != committed)
        {
            memory.moved = Some((now, at));
        }
        if memory.samples.len() >= WINDOW {
            memory.samples.pop_front();
        }
        memory.samples.push_back(Sample {
            committed,
            end: bounds.end,
        });
        let nothing = bounds.first.is_some() && bounds.first == bounds.end;
        match committed.or(bounds.end.filter(|_| nothing)) {
            Some(offset) => memory.out.push(now, offset.max(0) as u64),
            None => memory.out.gap(),
        }
        let lag = match (committed, bounds) {
            (Some(at), Bounds { end: Some(end), .. }) => Some((end - at).max(0) as u64),
            // Nothing was ever written: there is nothing to commit, and nothing behind.
            (
                None,
                Bounds {
                    first: Some(first),
                    end: Some(end),
                },
            ) if first == end => Some(0),
            _ => None,
        };
        memory.history.push(lag.map(|l| l as f64));
        let samples = memory.samples.make_contiguous();
        let verdict = verdict(Facts {
            samples,
            first: bounds.first,
            unmoved: memory.moved.map(|(since, _)| now.duration_since(since)),
            paused: group.paused,
        });
        let rate_out = memory.out.per_s();
        let history = memory
            .history
            .series(step, if looked_at { points } else { 60 });
        let moved_at = memory.moved.map(|(_, at)| at);
        let time = match (lag, committed) {
            (Some(0), _) => Some(Duration::ZERO),
            (Some(_), Some(committed)) if looked_at => self.age(group, place, committed).await,
            _ => None,
        };
        PartitionLag {
            partition: place.1,
            first: bounds.first,
            end: bounds.end,
            committed,
            moved_at,
            numbers: LagNumbers {
                lag,
                time,
                rate_in,
                rate_out,
                eta: eta(lag, rate_in, rate_out),
                history,
            },
            verdict,
            owner: group.owned.contains(place).then(|| self.instance.clone()),
        }
    }

    /// Age of the next record to be read, by its Kafka timestamp.
    async fn age(&mut self, group: &Group, place: &Place, committed: i64) -> Option<Duration> {
        let key = (group.name.clone(), place.clone());
        let now = clock::instant();
        let known = self.partitions.get(&key).and_then(|m| m.peeked);
        let stamp = match known {
            Some((offset, stamp, when))
                if offset == committed && now.duration_since(when) < PEEKED =>
            {
                stamp
            }
            _ => {
                let record = self
                    .observer
                    .record_at(place.clone(), committed, PEEK)
                    .await
                    .ok()
                    .flatten();
                let stamp = record.and_then(|r| r.timestamp);
                if let Some(memory) = self.partitions.get_mut(&key) {
                    memory.peeked = Some((committed, stamp, now));
                }
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
