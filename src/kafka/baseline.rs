//! librdkafka alone, for benches: how fast the same records go in and out of the same broker with
//! nothing of ours around them.

use std::time::Duration;

use rdkafka::Offset;
use rdkafka::TopicPartitionList;
use rdkafka::consumer::{BaseConsumer, Consumer as _};
use rdkafka::producer::{BaseProducer, BaseRecord, Producer as _};

use super::{KafkaError, KafkaSettings};
use crate::clock;
use crate::domain::record::NewRecord;

/// Longest that a run may take.
const LIMIT: Duration = Duration::from_secs(60);

/// Sends all records without waiting in between, then waits for the last; returns how long it took.
pub fn produce(settings: &KafkaSettings, records: &[NewRecord]) -> Result<Duration, KafkaError> {
    let producer: BaseProducer = settings.producer().create()?;
    // Connecting and getting a producer id is not part of it.
    let (first, rest) = records.split_at(1.min(records.len()));
    send(&producer, first)?;
    let started = clock::instant();
    send(&producer, rest)?;
    Ok(started.elapsed())
}

fn send(producer: &BaseProducer, records: &[NewRecord]) -> Result<(), KafkaError> {
    let started = clock::instant();
    for record in records {
        let mut out = BaseRecord::<[u8], [u8]>::to(&record.topic);
        out.key = record.key.as_deref();
        out.payload = record.value.as_deref();
        while let Err((error, back)) = producer.send(out) {
            if started.elapsed() > LIMIT {
                return Err(error.into());
            }
            producer.poll(Duration::from_millis(1));
            out = back;
        }
    }
    // `flush` looks only each 100 ms, which would be most of the figure.
    while producer.in_flight_count() > 0 && started.elapsed() < LIMIT {
        producer.poll(Duration::from_millis(1));
    }
    Ok(())
}

/// Reads `count` records of a topic's `partitions` from the start; returns how long it took from the
/// first record on.
pub fn consume(
    settings: &KafkaSettings,
    topic: &str,
    partitions: i32,
    count: usize,
) -> Result<Duration, KafkaError> {
    let consumer: BaseConsumer = settings.consumer("baseline", false).create()?;
    let mut places = TopicPartitionList::new();
    for partition in 0..partitions {
        places.add_partition_offset(topic, partition, Offset::Beginning)?;
    }
    consumer.assign(&places)?;
    let waiting = clock::instant();
    let mut started = None;
    let mut read = 0;
    while read < count {
        match consumer.poll(Duration::from_millis(100)) {
            Some(Ok(_)) => {
                started.get_or_insert_with(clock::instant);
                read += 1;
            }
            Some(Err(error)) => return Err(error.into()),
            None if waiting.elapsed() > LIMIT => {
                return Err(KafkaError::Unavailable(format!(
                    "only {read} of {count} records came"
                )));
            }
            None => {}
        }
    }
    Ok(started.map(|at| at.elapsed()).unwrap_or_default())
}
