//! What a scenario runs on. Everything that a scenario asks of Kafka and of the database goes through
//! here, so that another stack is another variant and the files stay as they are.

mod broker;
mod reader;

use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use broker::Broker;

use crate::database::Database;
use crate::kafka::env;

const ASK: Duration = Duration::from_secs(10);

/// Which Kafka, which database, and where claims are kept.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// librdkafka's cluster in this process, a SQLite file, and memory.
    Embedded,
    /// Servers of their own, as `scripts/stack` starts them.
    Real,
}

/// Whose turn it is to have the servers.
static TURN: Mutex<()> = Mutex::new(());

/// Waits until the servers are free. Held until everything of a scenario has ended, also of one that failed:
/// its workers would take the next one's events.
pub fn turn(kind: Kind) -> Option<MutexGuard<'static, ()>> {
    (kind == Kind::Real).then(|| TURN.lock().unwrap_or_else(PoisonError::into_inner))
}

/// Servers at work.
pub struct Stack {
    pub broker: Broker,
    pub database: Database,
    pub redis: Option<String>,
}

impl Stack {
    pub async fn start(kind: Kind) -> Self {
        match kind {
            Kind::Embedded => Self {
                broker: Broker::embedded(),
                database: Database::sqlite(),
                redis: None,
            },
            Kind::Real => Self {
                broker: Broker::kafka().await,
                database: Database::postgres().await,
                redis: Some(emptied(env("EVTOP_STACK_REDIS")).await),
            },
        }
    }
}

/// What an earlier run has claimed may have this one's ids.
async fn emptied(url: String) -> String {
    let client = redis::Client::open(url.as_str()).unwrap();
    let mut connection = client.get_multiplexed_async_connection().await.unwrap();
    let empty = redis::cmd("FLUSHALL");
    empty.exec_async(&mut connection).await.unwrap();
    url
}
