//! What a scenario runs on. Everything that a scenario asks of Kafka and of the database goes through
//! here, so that another stack is another variant and the files stay as they are.

use std::collections::BTreeMap;
use std::time::Duration;

use evtop::domain::record::Record;
use evtop::kafka::KafkaSettings;
use evtop::kafka::embedded::Embedded;
use evtop::operate::wanted_topics;
use evtop::store::{Store, StoreSettings};
use rdkafka::consumer::{BaseConsumer, CommitMode, Consumer as _};
use rdkafka::message::{Headers as _, Message as _};
use rdkafka::{ClientConfig, Offset, TopicPartitionList};
use sqlx::sqlite::{SqliteConnectOptions, SqliteConnection};
use sqlx::{ConnectOptions as _, Connection as _};
use tempfile::TempDir;

pub const DLQ_TEMPLATE: &str = "{topic}-{group}-dlt";

const ASK: Duration = Duration::from_secs(10);

/// A running Kafka and a database.
pub enum Stack {
    /// librdkafka's cluster in this process, and a SQLite file.
    Embedded { cluster: Embedded, folder: TempDir },
}

/// Somebody else's transaction that holds the store.
pub struct Lock(SqliteConnection);

impl Stack {
    pub fn start() -> Self {
        let topics: Vec<(String, i32)> = wanted_topics(DLQ_TEMPLATE)
            .into_iter()
            .map(|(name, partitions, _)| (name, partitions))
            .collect();
        Self::Embedded {
            cluster: Embedded::start(&topics).unwrap(),
            folder: tempfile::tempdir().unwrap(),
        }
    }

    pub fn kafka(&self, producer: &BTreeMap<String, String>) -> KafkaSettings {
        let Self::Embedded { cluster, .. } = self;
        KafkaSettings {
            brokers: cluster.bootstrap().to_owned(),
            client_id: "scenario".into(),
            embedded: true,
            properties: BTreeMap::new(),
            producer: producer.clone(),
            consumer: BTreeMap::new(),
            timeout: ASK,
        }
    }

    pub async fn open_store(&self) -> Store {
        let Self::Embedded { folder, .. } = self;
        let path = folder.path().join("evtop.db");
        let settings = StoreSettings::new(format!("sqlite:{}", path.display()));
        Store::open(&settings).await.unwrap()
    }

    pub fn set_broker_down(&self, down: bool) {
        let Self::Embedded { cluster, .. } = self;
        cluster.set_down(down).unwrap();
    }

    pub async fn lock_store(&self) -> Lock {
        let mut connection = self.connect().await;
        sqlx::query("BEGIN IMMEDIATE")
            .execute(&mut connection)
            .await
            .unwrap();
        Lock(connection)
    }

    /// Which messages each consumer has handled, without the rows that say what a replay has counted.
    pub async fn inbox(&self) -> Vec<(String, String)> {
        sqlx::query_as(
            "SELECT consumer, message_id FROM inbox WHERE instr(message_id, '#') = 0 ORDER BY 1, 2",
        )
        .fetch_all(&mut self.connect().await)
        .await
        .unwrap()
    }

    /// Forgets the letters that their topics still have.
    pub async fn forget_letters(&self) {
        let mut connection = self.connect().await;
        for statement in [
            "DELETE FROM dead_letter_body WHERE id IN (SELECT id FROM dead_letter WHERE dlq_topic IS NOT NULL)",
            "DELETE FROM dead_letter WHERE dlq_topic IS NOT NULL",
            "DELETE FROM key_block",
        ] {
            sqlx::query(statement)
                .execute(&mut connection)
                .await
                .unwrap();
        }
    }

    async fn connect(&self) -> SqliteConnection {
        let Self::Embedded { folder, .. } = self;
        SqliteConnectOptions::new()
            .filename(folder.path().join("evtop.db"))
            .busy_timeout(ASK)
            .connect()
            .await
            .unwrap()
    }

    /// Every record of these topics, by topic, partition and offset.
    pub fn records(&self, topics: &[String]) -> Vec<Record> {
        let reader = self.reader("scenario-reader");
        let mut places = TopicPartitionList::new();
        let mut left = 0;
        for (topic, partition) in partitions(&reader, topics) {
            let (first, end) = reader.fetch_watermarks(&topic, partition, ASK).unwrap();
            left += end - first;
            places
                .add_partition_offset(&topic, partition, Offset::Beginning)
                .unwrap();
        }
        reader.assign(&places).unwrap();
        let mut found = Vec::new();
        while left > 0 {
            let message = reader
                .poll(ASK)
                .expect("a record that the watermarks promise")
                .unwrap();
            left -= 1;
            let headers = message.headers().map_or_else(Vec::new, |headers| {
                headers
                    .iter()
                    .map(|h| (h.key.to_owned(), h.value.map(<[u8]>::to_vec)))
                    .collect()
            });
            found.push(Record {
                topic: message.topic().to_owned(),
                partition: message.partition(),
                offset: message.offset(),
                timestamp: message
                    .timestamp()
                    .to_millis()
                    .and_then(chrono::DateTime::from_timestamp_millis),
                key: message.key().map(<[u8]>::to_vec),
                value: message.payload().map(<[u8]>::to_vec),
                headers,
            });
        }
        found.sort_by(|a, b| {
            (&a.topic, a.partition, a.offset).cmp(&(&b.topic, b.partition, b.offset))
        });
        found
    }

    /// Sets a group that nobody is in back to the start of these topics: as its member, for a moment.
    pub fn rewind(&self, group: &str, topics: &[String]) {
        let reader = self.reader(group);
        let mut places = TopicPartitionList::new();
        for (topic, partition) in partitions(&reader, topics) {
            let _ = places.add_partition_offset(&topic, partition, Offset::Offset(0));
        }
        let names: Vec<&str> = topics.iter().map(String::as_str).collect();
        reader.subscribe(&names).unwrap();
        while reader.assignment().unwrap().count() < places.count() {
            let _ = reader.poll(Duration::from_millis(20));
        }
        reader.commit(&places, CommitMode::Sync).unwrap();
        reader.unsubscribe();
    }

    fn reader(&self, group: &str) -> BaseConsumer {
        let Self::Embedded { cluster, .. } = self;
        ClientConfig::new()
            .set("bootstrap.servers", cluster.bootstrap())
            .set("group.id", group)
            .set("enable.auto.commit", "false")
            .set("partition.assignment.strategy", "range")
            .set("session.timeout.ms", "2000")
            .set("heartbeat.interval.ms", "400")
            .set("fetch.wait.max.ms", "10")
            .set("fetch.message.max.bytes", "8388608")
            .create()
            .unwrap()
    }
}

impl Lock {
    pub async fn release(mut self) {
        sqlx::query("ROLLBACK").execute(&mut self.0).await.unwrap();
        self.0.close().await.unwrap();
    }
}

fn partitions(reader: &BaseConsumer, topics: &[String]) -> Vec<(String, i32)> {
    let metadata = reader.fetch_metadata(None, ASK).unwrap();
    metadata
        .topics()
        .iter()
        .filter(|t| topics.iter().any(|name| name == t.name()))
        .flat_map(|t| t.partitions().iter().map(|p| (t.name().to_owned(), p.id())))
        .collect()
}
