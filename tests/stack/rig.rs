//! The servers for one test: topics made anew, a schema and a home of its own, the program as a child, and
//! questions to the servers past the program.

use std::fs::File;
use std::path::PathBuf;
use std::process::{Command, Output, Stdio};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use rdkafka::consumer::{BaseConsumer, Consumer as _};
use rdkafka::{Offset, TopicPartitionList};
use serde_json::Value;
use sqlx::postgres::PgConnection;
use sqlx::{AssertSqlSafe, Connection as _};
use tempfile::TempDir;
use tokio::runtime::Runtime;

use crate::child::Running;
use crate::kafka::{self, env};
use crate::schema::Schema;

/// Of each product.
pub const STOCK: i64 = 1_000_000;
/// Group, as the inbox names it too, and its topics.
pub const GROUPS: [(&str, &[&str]); 3] = [
    ("email-service", &["order-events"]),
    ("analytics-service", &["order-events", "payment-events"]),
    ("inventory-service", &["order-events", "payment-events"]),
];
const ASK: Duration = Duration::from_secs(10);

/// Whose turn it is to have the servers.
static TURN: Mutex<()> = Mutex::new(());

pub struct Rig {
    pub runtime: Runtime,
    pub home: TempDir,
    schema: Schema,
    _turn: MutexGuard<'static, ()>,
}

impl Rig {
    pub fn new() -> Self {
        let turn = TURN.lock().unwrap_or_else(PoisonError::into_inner);
        crate::log::begin();
        let runtime = Runtime::new().unwrap();
        let schema = runtime.block_on(async {
            kafka::afresh(&env("EVTOP_STACK_BROKERS")).await;
            // What an earlier test has claimed.
            let client = redis::Client::open(env("EVTOP_STACK_REDIS")).unwrap();
            let mut redis = client.get_multiplexed_async_connection().await.unwrap();
            let empty = redis::cmd("FLUSHALL");
            empty.exec_async(&mut redis).await.unwrap();
            Schema::new().await
        });
        Self {
            runtime,
            home: tempfile::tempdir().unwrap(),
            schema,
            _turn: turn,
        }
    }

    /// The store's address, in this test's schema.
    pub fn store(&self) -> String {
        self.schema.url()
    }

    /// Settings on the servers' plain ports; `more` are lines of tables that stand here not.
    pub fn settings(&self, more: &str) -> String {
        let servers = format!(
            "kafka.brokers = \"{}\"\nstore.url = \"{}\"\nredis.url = \"{}\"\n",
            env("EVTOP_STACK_BROKERS"),
            self.store(),
            env("EVTOP_STACK_REDIS")
        );
        format!("{servers}{QUICK}{more}")
    }

    /// Writes a settings file into the test's home.
    pub fn write(&self, name: &str, text: &str) -> PathBuf {
        let path = self.home.path().join(name);
        std::fs::write(&path, text).unwrap();
        path
    }

    fn command(&self, config: &PathBuf, args: &[&str], vars: &[(&str, &str)]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_evtop"));
        command.args(args).arg("--config").arg(config);
        command.env_clear().env("PATH", env("PATH"));
        command.env("XDG_STATE_HOME", self.home.path().join("state"));
        command
            .env("TMPDIR", self.home.path())
            .env("USER", "tester");
        command.envs(vars.iter().copied()).stdin(Stdio::null());
        command
    }

    /// `evtop run` with its words in files of the home: `NAME.out` and `NAME.err`.
    pub fn run(&self, name: &str, config: &PathBuf, vars: &[(&str, &str)]) -> Running {
        let file = |end| File::create(self.home.path().join(format!("{name}.{end}"))).unwrap();
        let mut command = self.command(config, &["run", "--json"], vars);
        command.stdout(file("out")).stderr(file("err"));
        Running::start(&mut command)
    }

    /// A command, to its end.
    pub fn ask(&self, config: &PathBuf, args: &[&str], vars: &[(&str, &str)]) -> Output {
        self.command(config, args, vars).output().unwrap()
    }

    /// A command's JSON, a line each.
    #[track_caller]
    pub fn json(&self, config: &PathBuf, args: &[&str]) -> Vec<Value> {
        let said = self.ask(config, args, &[]);
        let (out, err) = (text(&said.stdout), text(&said.stderr));
        assert!(said.status.success(), "{args:?}: {out}{err}");
        out.lines()
            .map(|line| serde_json::from_str(line).unwrap())
            .collect()
    }

    /// Test orders by the program's own command.
    #[track_caller]
    pub fn inject(&self, config: &PathBuf, scenario: &str, count: u32) {
        let count = count.to_string();
        let args = ["inject", scenario, "--count", &count, "--yes"];
        let said = self.ask(config, &args, &[]);
        assert!(said.status.success(), "{}", text(&said.stderr));
    }

    fn asked<
        T: Send + Unpin + for<'r> sqlx::Decode<'r, sqlx::Postgres> + sqlx::Type<sqlx::Postgres>,
    >(
        &self,
        sql: &str,
    ) -> Vec<T> {
        self.runtime.block_on(async {
            let mut db = PgConnection::connect(&self.store()).await.unwrap();
            let rows = sqlx::query_scalar(AssertSqlSafe(sql.to_owned()));
            let rows = rows.fetch_all(&mut db).await.unwrap();
            db.close().await.unwrap();
            rows
        })
    }

    /// One number from the database.
    pub fn number(&self, sql: &str) -> i64 {
        let found = self.asked::<i64>(&format!("SELECT CAST(({sql}) AS bigint)"));
        found[0]
    }

    pub fn texts(&self, sql: &str) -> Vec<String> {
        self.asked(sql)
    }

    pub fn reader(&self, group: &str) -> BaseConsumer {
        kafka::reader(&env("EVTOP_STACK_BROKERS"), group, "cooperative-sticky")
    }

    /// Every partition of these topics with its end.
    pub fn ends(&self, topics: &[String]) -> Vec<(String, i32, i64)> {
        let reader = self.reader("witness");
        let places = kafka::partitions(&reader, topics);
        let end = |(topic, partition): (String, i32)| {
            let (_, end) = reader.fetch_watermarks(&topic, partition, ASK).unwrap();
            (topic, partition, end)
        };
        places.into_iter().map(end).collect()
    }

    /// Keys in Redis.
    pub fn redis_keys(&self) -> i64 {
        self.runtime.block_on(async {
            let client = redis::Client::open(env("EVTOP_STACK_REDIS")).unwrap();
            let mut redis = client.get_multiplexed_async_connection().await.unwrap();
            redis::cmd("DBSIZE").query_async(&mut redis).await.unwrap()
        })
    }

    /// What a group has committed there.
    pub fn committed(&self, group: &str, topic: &str, partition: i32) -> Option<i64> {
        let mut places = TopicPartitionList::new();
        places.add_partition(topic, partition);
        let reader = self.reader(group);
        let found = reader.committed_offsets(places, ASK).unwrap();
        match found.elements()[0].offset() {
            Offset::Offset(at) => Some(at),
            _ => None,
        }
    }

    /// Records in all dead-letter topics.
    pub fn letters_on_topics(&self) -> i64 {
        let topics = evtop::pipeline::indexer::topics(kafka::DLQ_TEMPLATE);
        self.ends(&topics).iter().map(|(.., end)| end).sum()
    }
}

pub fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

/// What all children have in common: quick to notice, quick to try again. Also to join: a broker that is killed
/// and started again may load a group twice at once and forget who joined in between (Kafka 4.3 says "Ignored
/// load completion"); a member hears of that only when its poll interval is over.
pub const QUICK: &str = "name = \"stack\"\nstore.stock = 1000000\nrelay = { poll_ms = 50, shards = 4 }
consumers.retry_base_ms = 10\nconsumers.commit_ms = 100\nkafka.request_timeout_ms = 5000
kafka.consumer.\"session.timeout.ms\" = \"6000\"\nkafka.consumer.\"heartbeat.interval.ms\" = \"1000\"
kafka.consumer.\"max.poll.interval.ms\" = \"10000\"
watch = { meters_ms = 200, queries_ms = 400 }\ntraffic.poison_every = 0\n";
