//! Questions to the broker: which partitions, where they begin and end, what a group has committed,
//! and the record at an offset. One shared client, no group is joined.

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;
use std::time::Duration;

use chrono::{DateTime, Utc};
use rdkafka::admin::{AdminClient, AdminOptions, NewTopic, TopicReplication};
use rdkafka::client::DefaultClientContext;
use rdkafka::consumer::{BaseConsumer, Consumer as _};
use rdkafka::error::KafkaError as DriverError;
use rdkafka::message::BorrowedMessage;
use rdkafka::{Offset, TopicPartitionList};

use super::consumer::{Place, record};
use super::context::Context;
use super::groups::GroupInfo;
use super::{KafkaError, KafkaSettings, ffi};
use crate::domain::record::Record;
use crate::lock::lock;

/// Where a partition begins and ends. `end` is the offset the next record gets, or the last stable
/// offset where transactions are open.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Bounds {
    pub first: Option<i64>,
    pub end: Option<i64>,
}

/// A group, and the places that are meant; `None` is all.
pub type Asked = (String, Option<Vec<Place>>);

/// A group's committed offsets.
pub type Committed = Result<HashMap<Place, i64>, KafkaError>;

/// A client that only asks. Its calls block, so each runs on a thread made for that.
#[derive(Clone)]
pub struct Observer {
    client: Arc<BaseConsumer<Context>>,
    /// For single records: it is assigned and emptied as needed, one question at a time.
    reader: Arc<std::sync::Mutex<BaseConsumer<Context>>>,
    settings: KafkaSettings,
}

impl Observer {
    pub fn new(settings: &KafkaSettings) -> Result<Self, KafkaError> {
        Ok(Self {
            client: Arc::new(
                settings
                    .observer(false)
                    .create_with_context(Context::default())?,
            ),
            reader: Arc::new(std::sync::Mutex::new(
                settings
                    .observer(true)
                    .create_with_context(Context::default())?,
            )),
            settings: settings.clone(),
        })
    }

    /// Asks on a thread made for that. Whatever happened to the client's connections meanwhile is taken in,
    /// and is what a question that got no answer fails with.
    async fn ask<T: Send + 'static>(
        &self,
        question: impl FnOnce(&BaseConsumer<Context>, Duration) -> Result<T, KafkaError>
        + Send
        + 'static,
    ) -> Result<T, KafkaError> {
        let (client, timeout) = (Arc::clone(&self.client), self.settings.timeout);
        blocking(move || {
            let answer = question(&client, timeout);
            while client.poll(Duration::from_millis(1)).is_some() {}
            match (&answer, client.context().trouble()) {
                (Ok(_), _) => client.context().answered(),
                (Err(KafkaError::Unavailable(_)), Some(trouble)) => {
                    return Err(KafkaError::Unavailable(trouble));
                }
                (Err(_), _) => {}
            }
            answer
        })
        .await
    }

    /// Topics and how many partitions each has; internal ones (`__…`) are left out.
    pub async fn topics(&self) -> Result<BTreeMap<String, usize>, KafkaError> {
        self.ask(move |client, timeout| {
            let metadata = client.fetch_metadata(None, timeout)?;
            Ok(metadata
                .topics()
                .iter()
                .filter(|t| t.error().is_none() && !t.name().starts_with("__"))
                .map(|t| (t.name().to_owned(), t.partitions().len()))
                .collect())
        })
        .await
    }

    /// First and end offsets, in the places' order.
    pub async fn bounds(&self, places: Vec<Place>) -> Result<Vec<Bounds>, KafkaError> {
        self.ask(move |client, timeout| {
            let first = list_offsets(client, &places, Offset::Beginning, timeout)?;
            let end = list_offsets(client, &places, Offset::End, timeout)?;
            Ok(first
                .into_iter()
                .zip(end)
                .map(|(first, end)| Bounds { first, end })
                .collect())
        })
        .await
    }

    /// The first offset of that time or later, in the places' order; `None` where there is none, and where
    /// the broker can't look it up.
    ///
    /// # Errors
    /// When the broker does not answer.
    pub async fn offsets_at(
        &self,
        places: Vec<Place>,
        time: DateTime<Utc>,
    ) -> Result<Vec<Option<i64>>, KafkaError> {
        let time = Offset::Offset(time.timestamp_millis().max(0));
        self.ask(move |client, timeout| list_offsets(client, &places, time, timeout))
            .await
    }

    /// What `group` has committed, in the places' order; `None` where it never did.
    pub async fn committed(
        &self,
        group: &str,
        places: Vec<Place>,
    ) -> Result<Vec<Option<i64>>, KafkaError> {
        let asked = vec![(group.to_owned(), Some(places.clone()))];
        let found = self.committed_by(asked).await?.remove(0)?;
        Ok(places.iter().map(|p| found.get(p).copied()).collect())
    }

    /// What groups have committed: each anywhere, or on the places named. Answers in their order.
    pub async fn committed_by(&self, groups: Vec<Asked>) -> Result<Vec<Committed>, KafkaError> {
        self.ask(move |client, timeout| Ok(ffi::committed(client, &groups, timeout)))
            .await
    }

    /// The names of all groups. The embedded cluster can't tell.
    pub async fn groups(&self) -> Result<Vec<String>, KafkaError> {
        self.ask(ffi::groups).await
    }

    /// States and members of these groups; one that can't be described is left out.
    pub async fn describe(&self, groups: Vec<String>) -> Result<Vec<GroupInfo>, KafkaError> {
        self.ask(move |client, timeout| ffi::describe(client, &groups, timeout))
            .await
    }

    /// The next existing record at or after `offset`, or `None` if none comes within `timeout`.
    pub async fn record_at(
        &self,
        place: Place,
        offset: i64,
        timeout: Duration,
    ) -> Result<Option<Record>, KafkaError> {
        let reader = Arc::clone(&self.reader);
        blocking(move || {
            let reader = lock(&reader);
            look_at(&reader, &place, offset, timeout).map(|seen| match seen {
                Seen::Record(record) => Some(record),
                Seen::End | Seen::Nothing => None,
            })
        })
        .await
    }

    /// Whether nothing readable stands from `offset` to the partition's end: what is counted there are a
    /// transaction's markers, or records that it took back. `None` if that can't be told within `timeout`.
    ///
    /// # Errors
    /// When the broker does not answer.
    pub async fn ends_at(
        &self,
        place: Place,
        offset: i64,
        timeout: Duration,
    ) -> Result<Option<bool>, KafkaError> {
        let reader = Arc::clone(&self.reader);
        blocking(move || {
            let reader = lock(&reader);
            look_at(&reader, &place, offset, timeout).map(|seen| match seen {
                Seen::Record(_) => Some(false),
                Seen::End => Some(true),
                Seen::Nothing => None,
            })
        })
        .await
    }

    /// Creates those of `topics` (name, partitions, retention) that do not exist; returns their names.
    pub async fn create_missing(
        &self,
        topics: &[(String, i32, Duration)],
    ) -> Result<Vec<String>, KafkaError> {
        let there = self.topics().await?;
        let missing: Vec<_> = topics
            .iter()
            .filter(|(name, ..)| !there.contains_key(name))
            .collect();
        if missing.is_empty() {
            return Ok(Vec::new());
        }
        let admin: AdminClient<DefaultClientContext> = self.settings.client().create()?;
        let retention: Vec<String> = missing
            .iter()
            .map(|(_, _, keep)| keep.as_millis().to_string())
            .collect();
        let wanted: Vec<_> = missing
            .iter()
            .zip(&retention)
            .map(|((name, partitions, _), keep)| {
                NewTopic::new(name, *partitions, TopicReplication::Fixed(-1))
                    .set("retention.ms", keep)
                    .set("max.message.bytes", "8388608")
            })
            .collect();
        let options = AdminOptions::new().request_timeout(Some(self.settings.timeout));
        let mut created = Vec::new();
        for result in admin.create_topics(&wanted, &options).await? {
            match result {
                Ok(name) => created.push(name),
                // Another instance was quicker.
                Err((_, rdkafka::types::RDKafkaErrorCode::TopicAlreadyExists)) => {}
                Err((name, code)) => {
                    return Err(KafkaError::Other(format!(
                        "topic {name} could not be created: {code}"
                    )));
                }
            }
        }
        Ok(created)
    }
}

fn list_offsets(
    client: &BaseConsumer<Context>,
    places: &[Place],
    which: Offset,
    timeout: Duration,
) -> Result<Vec<Option<i64>>, KafkaError> {
    let mut asked = TopicPartitionList::with_capacity(places.len());
    for (topic, partition) in places {
        asked.add_partition_offset(topic, *partition, which)?;
    }
    let answer = client.offsets_for_times(asked, timeout)?;
    let found: HashMap<Place, i64> = answer
        .elements()
        .iter()
        .filter(|e| e.error().is_ok())
        .filter_map(|e| match e.offset() {
            Offset::Offset(at) => Some(((e.topic().to_owned(), e.partition()), at)),
            _ => None,
        })
        .collect();
    Ok(places.iter().map(|p| found.get(p).copied()).collect())
}

/// What stands at a place from an offset on.
enum Seen {
    Record(Record),
    /// Nothing up to the end.
    End,
    /// Nothing came in time.
    Nothing,
}

fn look_at(
    reader: &BaseConsumer<Context>,
    place: &Place,
    offset: i64,
    timeout: Duration,
) -> Result<Seen, KafkaError> {
    let mut list = TopicPartitionList::new();
    list.add_partition_offset(&place.0, place.1, Offset::Offset(offset))?;
    reader.assign(&list)?;
    let seen = poll_for(reader, place, timeout);
    reader.unassign()?;
    seen
}

fn poll_for(
    reader: &BaseConsumer<Context>,
    place: &Place,
    timeout: Duration,
) -> Result<Seen, KafkaError> {
    let started = crate::clock::instant();
    while let Some(left) = timeout.checked_sub(started.elapsed()) {
        match reader.poll(left) {
            // A record of an earlier question may still be on its way.
            Some(Ok(message)) if at(&message) == (place.0.as_str(), place.1) => {
                return Ok(Seen::Record(record(&message)));
            }
            Some(Ok(_)) => {}
            Some(Err(DriverError::PartitionEOF(_))) => return Ok(Seen::End),
            Some(Err(error)) => return Err(error.into()),
            None => return Ok(Seen::Nothing),
        }
    }
    Ok(Seen::Nothing)
}

fn at<'a>(message: &'a BorrowedMessage<'_>) -> (&'a str, i32) {
    use rdkafka::Message as _;
    (message.topic(), message.partition())
}

async fn blocking<T: Send + 'static>(
    ask: impl FnOnce() -> Result<T, KafkaError> + Send + 'static,
) -> Result<T, KafkaError> {
    tokio::task::spawn_blocking(ask)
        .await
        .unwrap_or_else(|e| Err(KafkaError::Other(e.to_string())))
}
