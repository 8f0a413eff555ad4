//! What a scenario runs on. Everything that a scenario asks of Kafka and of the database goes through
//! here, so that another stack is another variant and the files stay as they are.

mod broker;
mod reader;

use std::time::Duration;

use crate::database::Database;
use broker::Broker;

const ASK: Duration = Duration::from_secs(10);

/// Which Kafka and which database.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// librdkafka's cluster in this process, and a SQLite file.
    Embedded,
    /// Servers of their own, as `scripts/stack` starts them.
    Real,
}

/// A running Kafka and a database.
pub struct Stack {
    pub broker: Broker,
    pub database: Database,
}

impl Stack {
    pub async fn start(kind: Kind) -> Self {
        match kind {
            Kind::Embedded => Self {
                broker: Broker::embedded(),
                database: Database::sqlite(),
            },
            Kind::Real => Self {
                broker: Broker::kafka().await,
                database: Database::sqlite(),
            },
        }
    }
}
