//! Reading as a member of a group. Offsets are stored by us after the work and committed on our own
//! timer, at once on a revoke, and never after an assignment was lost. On a cluster that is not ours no
//! group is joined: the places are assigned, and nothing is stored or committed.

use std::collections::BTreeSet;
use std::ops::Deref;
use std::time::Duration;

use futures_util::FutureExt;
use rdkafka::consumer::{CommitMode, Consumer as _, StreamConsumer};
use rdkafka::error::KafkaError as DriverError;
use rdkafka::message::{BorrowedMessage, Message};
use rdkafka::types::RDKafkaErrorCode;
use rdkafka::{Offset, TopicPartitionList};
use tokio::sync::oneshot;

use super::context::{Change, Context};
use super::{KafkaError, KafkaSettings, ffi};
use crate::domain::record::Record;
use crate::domain::time;

/// How often and how long a closing member looks whether its partitions are given back.
const CLOSE_LOOKS: u32 = 60;
const CLOSE_LOOK: Duration = Duration::from_millis(50);
/// How long closing may take before nobody waits for it.
const CLOSE: Duration = Duration::from_secs(5);

/// A topic's partition.
pub type Place = (String, i32);

/// A member of a consumer group, or a reader of assigned places.
pub struct Consumer {
    client: Held,
    member: bool,
}

impl Consumer {
    /// Joins `group` for `topics`. `patient` asks an embedded broker rarely: for readers that nobody
    /// waits for.
    pub fn join(
        settings: &KafkaSettings,
        group: &str,
        topics: &[&str],
        patient: bool,
    ) -> Result<Self, KafkaError> {
        let client: StreamConsumer<Context> = settings
            .consumer(group, patient)
            .create_with_context(Context::default())?;
        client.subscribe(topics)?;
        Ok(Self {
            client: Held(Some(client)),
            member: true,
        })
    }

    /// Joins no group and reads nothing until it is told what; see [`Consumer::assign`].
    ///
    /// # Errors
    /// When librdkafka does not take the settings.
    pub fn alone(settings: &KafkaSettings) -> Result<Self, KafkaError> {
        let client = settings.reader().create_with_context(Context::default())?;
        Ok(Self::reading(client))
    }

    pub(super) fn reading(client: StreamConsumer<Context>) -> Self {
        Self {
            client: Held(Some(client)),
            member: false,
        }
    }

    pub(super) fn client(&self) -> &StreamConsumer<Context> {
        &self.client
    }

    /// Reads these places from now on, each from its offset, and no others. An offset that is no longer
    /// there is the first that is.
    ///
    /// # Errors
    /// When librdkafka does not take them.
    pub fn assign<'a>(
        &self,
        places: impl Iterator<Item = (&'a Place, i64)>,
    ) -> Result<(), KafkaError> {
        let mut list = TopicPartitionList::new();
        for ((topic, partition), offset) in places {
            list.add_partition_offset(topic, *partition, Offset::Offset(offset))?;
        }
        Ok(self.client.assign(&list)?)
    }

    /// Reads these topics from now on, and no others.
    ///
    /// # Errors
    /// When the client does not take the names.
    pub fn subscribe(&self, topics: &[&str]) -> Result<(), KafkaError> {
        Ok(self.client.subscribe(topics)?)
    }

    /// The next record; must be awaited all the time, since rebalances are served here.
    pub async fn recv(&self) -> Result<Record, KafkaError> {
        match self.client.recv().await {
            Ok(message) => Ok(record(&message)),
            Err(error) => Err(error.into()),
        }
    }

    /// Whatever else is already here, up to `most` records.
    pub fn ready(&self, most: usize, into: &mut Vec<Record>) {
        while into.len() < most {
            match self.client.recv().now_or_never() {
                Some(Ok(message)) => into.push(record(&message)),
                Some(Err(_)) | None => break,
            }
        }
    }

    /// Assignments and revocations since the last call.
    #[must_use]
    pub fn changes(&self) -> Vec<Change> {
        self.client.context().changes()
    }

    /// Fetching stops for these partitions; what was fetched ahead is dropped and read again later.
    pub fn pause(&self, places: &[Place]) {
        if let Err(error) = self.client.pause(&list(places)) {
            tracing::debug!(%error, "pause was refused");
        }
    }

    pub fn resume(&self, places: &[Place]) {
        if let Err(error) = self.client.resume(&list(places)) {
            tracing::debug!(%error, "resume was refused");
        }
    }

    /// Notes that everything before `next` is done. Refused when the partition is no longer ours;
    /// its new owner reads again and the inbox absorbs it.
    pub fn store(&self, place: &Place, next: i64) -> bool {
        let mut offsets = TopicPartitionList::new();
        offsets
            .add_partition_offset(&place.0, place.1, Offset::Offset(next))
            .is_ok()
            && self.client.store_offsets(&offsets).is_ok()
    }

    /// Commits what was stored without waiting.
    pub fn commit_async(&self) {
        self.commit(CommitMode::Async);
    }

    /// Commits what was stored and waits for the broker; blocks, so only at the end.
    fn commit_sync(&self) {
        self.commit(CommitMode::Sync);
    }

    /// Not of an assignment that was lost: another member may have it, and the client gives it up only once
    /// no commit is open any more, which one every tick would put off as long as the broker does not answer.
    fn commit(&self, mode: CommitMode) {
        if self.client.assignment_lost() {
            return;
        }
        match self.client.commit_consumer_state(mode) {
            Ok(()) | Err(DriverError::ConsumerCommit(RDKafkaErrorCode::NoOffset)) => {}
            Err(error) => tracing::debug!(%error, "commit failed"),
        }
    }

    /// Commits what was stored, gives the partitions back, and only then lets the client go: one that is
    /// closed while its assignment is still being taken apart may abort the whole process
    /// (confluentinc/librdkafka#4792). Blocks for a moment, so it runs on a thread made for that. Closing
    /// waits for the broker and may do so for ever after a restart; then that thread is left to itself, so
    /// that nobody waits for it: neither a worker that starts again nor the end of the program.
    pub async fn close(self, commit: bool) {
        let (done, closed) = oneshot::channel();
        let thread = std::thread::Builder::new().name("kafka-close".to_owned());
        let started = thread.spawn(move || {
            self.let_go(commit);
            let _ = done.send(());
        });
        match (started, tokio::time::timeout(CLOSE, closed).await) {
            (Ok(_), Ok(Ok(()))) => {}
            (Ok(_), Err(_)) => tracing::warn!("a consumer did not close in time"),
            _ => tracing::error!("a consumer did not close in order"),
        }
    }

    /// What is done on that thread, which knows no runtime: ours may be gone.
    fn let_go(mut self, commit: bool) {
        if commit {
            self.commit_sync();
        }
        if self.member {
            self.client.unsubscribe();
        } else if let Err(error) = self.client.unassign() {
            tracing::debug!(%error, "places could not be let go");
        }
        let mut quiet = 0;
        for _ in 0..CLOSE_LOOKS {
            // Serves the revocation, one event a call; a record that still comes is nobody's any more.
            for _ in 0..100 {
                let _ = self.client.recv().now_or_never();
            }
            std::thread::sleep(CLOSE_LOOK);
            quiet = if self.assignment().is_empty() {
                quiet + 1
            } else {
                0
            };
            if quiet == 2 {
                break;
            }
        }
        drop(self.client.0.take());
    }

    /// The partitions this member owns.
    #[must_use]
    pub fn assignment(&self) -> BTreeSet<Place> {
        self.client
            .assignment()
            .map(|l| places(&l).into_iter().collect())
            .unwrap_or_default()
    }
}

/// The client. The driver's own drop waits for the broker, maybe for ever: one that is dropped without
/// [`Consumer::close`], with a task that is cancelled, is let go on a thread that nobody waits for.
struct Held(Option<StreamConsumer<Context>>);

impl Deref for Held {
    type Target = StreamConsumer<Context>;

    fn deref(&self) -> &Self::Target {
        self.0.as_ref().expect("there until it is let go")
    }
}

impl Drop for Held {
    fn drop(&mut self) {
        let Some(client) = self.0.take() else { return };
        let thread = std::thread::Builder::new().name("kafka-drop".to_owned());
        if let Err(error) = thread.spawn(move || drop(client)) {
            tracing::error!(%error, "a consumer could not be let go");
        }
    }
}

/// A message as plain data, whatever bytes its headers are.
#[must_use]
pub fn record(message: &BorrowedMessage<'_>) -> Record {
    Record {
        topic: message.topic().to_owned(),
        partition: message.partition(),
        offset: message.offset(),
        timestamp: message.timestamp().to_millis().and_then(time::from_millis),
        key: message.key().map(<[u8]>::to_vec),
        value: message.payload().map(<[u8]>::to_vec),
        headers: ffi::headers::read(message),
    }
}

pub(super) fn places(list: &TopicPartitionList) -> Vec<Place> {
    list.elements()
        .iter()
        .map(|e| (e.topic().to_owned(), e.partition()))
        .collect()
}

fn list(places: &[Place]) -> TopicPartitionList {
    let mut list = TopicPartitionList::with_capacity(places.len());
    for (topic, partition) in places {
        list.add_partition(topic, *partition);
    }
    list
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::record::NewRecord;
    use crate::kafka::embedded::Embedded;
    use crate::kafka::producer::Producer;

    const PATIENCE: Duration = Duration::from_secs(30);

    /// With a commit that the broker never answers, as a task leaves it that is cancelled.
    #[tokio::test(flavor = "multi_thread")]
    async fn one_that_is_dropped_while_the_broker_is_away_holds_nobody_up() {
        let topic = ("orders".to_owned(), 1, Duration::from_secs(3_600));
        let cluster = Embedded::start(&[topic]).expect("a cluster");
        let kafka = cluster.settings("test");
        let record = NewRecord {
            topic: "orders".into(),
            partition: None,
            key: None,
            value: Some(b"1".to_vec()),
            headers: Vec::new(),
        };
        let producer = Producer::new(&kafka).expect("a producer");
        producer.send(&record).await.expect("sent");
        let consumer = Consumer::join(&kafka, "group", &["orders"], false).expect("a member");
        let read = tokio::time::timeout(PATIENCE, consumer.recv()).await;
        let read = read.expect("a record in time").expect("a record");
        cluster.set_down(true).expect("down");
        assert!(consumer.store(&(read.topic, read.partition), read.offset + 1));
        consumer.commit_async();
        let (done, dropped) = std::sync::mpsc::channel();
        std::thread::spawn(move || {
            drop(consumer);
            let _ = done.send(());
        });
        assert_eq!(dropped.recv_timeout(PATIENCE), Ok(()));
    }
}
