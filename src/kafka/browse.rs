//! Looking through a topic: places are assigned, no group is joined, nothing is stored or committed. A
//! partition's end is told as well as its records.

use futures_util::FutureExt;
use rdkafka::consumer::StreamConsumer;
use rdkafka::error::KafkaError as DriverError;

use super::consumer::{Consumer, Place, record};
use super::context::Context;
use super::{KafkaError, KafkaSettings};
use crate::domain::record::Record;

/// What comes while one looks.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Seen {
    Record(Record),
    /// The partition has nothing more for now.
    End(i32),
}

/// A reader of some partitions of one topic.
pub struct Browser(Consumer);

impl Browser {
    /// Reads these places, each from its offset on.
    ///
    /// # Errors
    /// When librdkafka does not take settings or places.
    pub fn open(settings: &KafkaSettings, places: &[(Place, i64)]) -> Result<Self, KafkaError> {
        let mut config = settings.reader();
        config.set("enable.partition.eof", "true");
        if settings.embedded {
            // Somebody looks at it: see `KafkaSettings::consumer` for what the wait costs.
            config.set("fetch.wait.max.ms", "50");
        }
        let client: StreamConsumer<Context> = config.create_with_context(Context::default())?;
        let consumer = Consumer::reading(client);
        consumer.assign(places.iter().map(|(place, offset)| (place, *offset)))?;
        Ok(Self(consumer))
    }

    /// What comes next.
    ///
    /// # Errors
    /// When the broker can't be reached; reading goes on once it can.
    pub async fn next(&self) -> Result<Seen, KafkaError> {
        seen(self.0.client().recv().await.map(|message| record(&message)))
    }

    /// What has already come, if anything.
    #[must_use]
    pub fn ready(&self) -> Option<Seen> {
        let message = self.0.client().recv().now_or_never()?;
        seen(message.map(|message| record(&message))).ok()
    }

    /// Lets the places go; blocks for a moment, so it runs on a thread made for that.
    pub async fn close(self) {
        self.0.close(false).await;
    }
}

fn seen(answer: Result<Record, DriverError>) -> Result<Seen, KafkaError> {
    match answer {
        Ok(record) => Ok(Seen::Record(record)),
        Err(DriverError::PartitionEOF(partition)) => Ok(Seen::End(partition)),
        Err(error) => Err(error.into()),
    }
}
