//! Sending records: idempotent, and a batch's deliveries awaited together.

use std::collections::HashSet;
use std::sync::atomic::{AtomicBool, Ordering::Relaxed};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use futures_util::future::join_all;
use rdkafka::error::KafkaError as DriverError;
use rdkafka::producer::{FutureProducer, FutureRecord, Producer as _};
use rdkafka::types::RDKafkaErrorCode;

use super::context::Context;
use super::{KafkaError, KafkaSettings, ffi};
use crate::domain::record::NewRecord;
use crate::lock::lock;

/// Where the broker put a record.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Delivery {
    pub partition: i32,
    pub offset: i64,
}

/// A producer that makes itself anew after a fatal error, and when a record expired unsent: librdkafka's
/// idempotent producer may not find out of that by itself (seen with 2.12.1 after a broker's restart and a
/// cut connection; everything expired from then on).
#[derive(Clone)]
pub struct Producer {
    settings: Arc<KafkaSettings>,
    client: Arc<Mutex<FutureProducer<Context>>>,
}

impl Producer {
    pub fn new(settings: &KafkaSettings) -> Result<Self, KafkaError> {
        let client = connect(settings)?;
        Ok(Self {
            settings: Arc::new(settings.clone()),
            client: Arc::new(Mutex::new(client)),
        })
    }

    /// Sends one record and waits for the broker's word.
    pub async fn send(&self, record: &NewRecord) -> Result<Delivery, KafkaError> {
        let mut results = self.send_all(std::slice::from_ref(record)).await;
        results
            .pop()
            .unwrap_or_else(|| Err(KafkaError::Other("nothing was sent".into())))
    }

    /// Sends all records pipelined and waits for all; the answers stand in the records' order. Order
    /// within a partition is kept, also over retries (the producer is idempotent), and a key's records
    /// are not sent after one that had to be refused.
    pub async fn send_all(&self, records: &[NewRecord]) -> Vec<Result<Delivery, KafkaError>> {
        let client = lock(&self.client).clone();
        let mut waiting = Vec::with_capacity(records.len());
        let mut refused: HashSet<&[u8]> = HashSet::new();
        for record in records {
            if record.key.as_deref().is_some_and(|k| refused.contains(k)) {
                waiting.push(Err(KafkaError::Behind));
                continue;
            }
            let sent = enqueue(&client, record).await;
            if sent.is_err() {
                refused.extend(record.key.as_deref());
            }
            waiting.push(sent);
        }
        let expired = AtomicBool::new(false);
        let results = join_all(waiting.into_iter().map(|sent| async {
            match sent {
                Ok(delivery) => match delivery.await {
                    Ok(Ok(place)) => Ok(Delivery {
                        partition: place.partition,
                        offset: place.offset,
                    }),
                    Ok(Err((error, _))) => {
                        let code = error.rdkafka_error_code();
                        expired.fetch_or(code == Some(RDKafkaErrorCode::MessageTimedOut), Relaxed);
                        Err(KafkaError::from(error))
                    }
                    Err(_) => Err(KafkaError::Unavailable("the producer was closed".into())),
                },
                Err(error) => Err(error),
            }
        }))
        .await;
        let fatal = |r: &Result<_, _>| matches!(r, Err(KafkaError::Fatal(_)));
        if results.iter().any(fatal) || expired.into_inner() {
            // Whatever the old one still had under way comes first or is refused: its sequence has a gap.
            self.renew(&client);
        }
        results
    }

    /// Waits until everything that was handed over is acknowledged or `timeout` is over.
    pub async fn flush(&self, timeout: Duration) -> Result<(), KafkaError> {
        let client = lock(&self.client).clone();
        tokio::task::spawn_blocking(move || client.flush(timeout).map_err(KafkaError::from))
            .await
            .unwrap_or_else(|e| Err(KafkaError::Other(e.to_string())))
    }

    fn renew(&self, failed: &FutureProducer<Context>) {
        let mut current = lock(&self.client);
        // Another batch may have renewed it meanwhile.
        if current.client().native_ptr() == failed.client().native_ptr() {
            match connect(&self.settings) {
                // Letting the old one go purges and joins its thread, which takes a while.
                Ok(fresh) => {
                    let old = std::mem::replace(&mut *current, fresh);
                    tokio::task::spawn_blocking(move || drop(old));
                }
                Err(error) => tracing::error!(%error, "the producer could not be made anew"),
            }
        }
    }
}

fn connect(settings: &KafkaSettings) -> Result<FutureProducer<Context>, KafkaError> {
    Ok(settings
        .producer()
        .create_with_context(Context::default())?)
}

/// Hands one record to librdkafka, waiting while its queue is full.
async fn enqueue(
    client: &FutureProducer<Context>,
    record: &NewRecord,
) -> Result<rdkafka::producer::DeliveryFuture, KafkaError> {
    let headers = ffi::headers::write(&record.headers)?;
    let mut out: FutureRecord<'_, [u8], [u8]> = FutureRecord::to(&record.topic).headers(headers);
    out.partition = record.partition;
    out.key = record.key.as_deref();
    out.payload = record.value.as_deref();
    loop {
        match client.send_result(out) {
            Ok(delivery) => return Ok(delivery),
            Err((DriverError::MessageProduction(RDKafkaErrorCode::QueueFull), back)) => {
                out = back;
                tokio::time::sleep(Duration::from_millis(5)).await;
            }
            Err((error, _)) => return Err(error.into()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_client_whose_records_expire_is_made_anew() {
        // Bound and never listened on: nobody answers there, and nobody else gets it.
        let socket = std::net::UdpSocket::bind("127.0.0.1:0").unwrap();
        let settings = KafkaSettings {
            brokers: socket.local_addr().unwrap().to_string(),
            client_id: "test".into(),
            embedded: false,
            properties: [].into(),
            producer: [("message.timeout.ms".to_owned(), "50".to_owned())].into(),
            consumer: [].into(),
            timeout: Duration::from_secs(1),
        };
        let producer = Producer::new(&settings).unwrap();
        let client = || lock(&producer.client).client().native_ptr();
        let before = client();
        let record = NewRecord {
            topic: "t".into(),
            partition: None,
            key: None,
            value: None,
            headers: Vec::new(),
        };
        let sent = producer.send(&record).await;
        assert!(matches!(sent, Err(KafkaError::Unavailable(_))), "{sent:?}");
        assert_ne!(client(), before);
    }
}
