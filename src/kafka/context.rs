//! What librdkafka calls back: what the group decided, why a connection failed, and its log. It only notes
//! things down, since it runs on the polling thread.

use std::sync::{Arc, Mutex};

use rdkafka::TopicPartitionList;
use rdkafka::client::ClientContext;
use rdkafka::config::RDKafkaLogLevel;
use rdkafka::consumer::{BaseConsumer, CommitMode, Consumer as _, ConsumerContext, Rebalance};
use rdkafka::error::{KafkaError as DriverError, KafkaResult};
use rdkafka::types::RDKafkaErrorCode;

use super::consumer::{Place, places};
use crate::lock::lock;

/// What the group decided about this member since it was last asked.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Change {
    Assigned(Vec<Place>),
    /// `lost`: another member may already own them, so nothing was committed.
    Revoked {
        places: Vec<Place>,
        lost: bool,
    },
}

/// Client callbacks: they only note things down, since they run on the polling thread.
#[derive(Clone, Default)]
pub struct Context {
    changes: Arc<Mutex<Vec<Change>>>,
    /// What last went wrong with a connection: a question that fails only says that it failed.
    trouble: Arc<Mutex<Option<String>>>,
}

impl Context {
    /// What the group decided since this was last asked.
    pub(super) fn changes(&self) -> Vec<Change> {
        std::mem::take(&mut *lock(&self.changes))
    }

    /// What last went wrong with a connection, until an answer came: librdkafka says the same only once.
    pub(super) fn trouble(&self) -> Option<String> {
        lock(&self.trouble).clone()
    }

    pub(super) fn answered(&self) {
        *lock(&self.trouble) = None;
    }
}

const CHECK_CA: &str = "; check ssl.ca.location in [kafka.properties]";

/// librdkafka's words for a connection that failed, without how often and after how long, which differ
/// each time; and what to look at where a setting may be the cause.
fn sentence(code: Option<RDKafkaErrorCode>, reason: &str) -> String {
    let end = reason.rfind(" (after ").unwrap_or(reason.len());
    let remedy = match code {
        Some(RDKafkaErrorCode::Authentication) => {
            "; check sasl.mechanism, sasl.username and sasl.password in [kafka.properties]"
        }
        Some(RDKafkaErrorCode::SSL) => CHECK_CA,
        // A handshake that fails late is told as a lost connection.
        _ if reason.contains("SSL routines") => CHECK_CA,
        _ => "",
    };
    format!("{}{remedy}", &reason[..end])
}

impl ClientContext for Context {
    fn log(&self, level: RDKafkaLogLevel, facility: &str, message: &str) {
        match level {
            RDKafkaLogLevel::Emerg
            | RDKafkaLogLevel::Alert
            | RDKafkaLogLevel::Critical
            | RDKafkaLogLevel::Error => {
                tracing::error!(target: "librdkafka", "{facility}: {message}");
            }
            RDKafkaLogLevel::Warning => {
                tracing::warn!(target: "librdkafka", "{facility}: {message}")
            }
            RDKafkaLogLevel::Notice | RDKafkaLogLevel::Info => {
                tracing::info!(target: "librdkafka", "{facility}: {message}");
            }
            RDKafkaLogLevel::Debug => {
                tracing::debug!(target: "librdkafka", "{facility}: {message}")
            }
        }
    }

    fn error(&self, error: DriverError, reason: &str) {
        let code = error.rdkafka_error_code();
        match code {
            // A reader that has read all: it hears the same as the answer to its own question.
            Some(RDKafkaErrorCode::PartitionEOF) => return,
            // That all are down is said after what is wrong with each.
            Some(RDKafkaErrorCode::AllBrokersDown) => {
                tracing::debug!(target: "librdkafka", "{error}: {reason}");
                return;
            }
            _ => {}
        }
        let said = Some(sentence(code, reason));
        let mut trouble = lock(&self.trouble);
        // Each try fails again: the log says it once.
        if *trouble != said {
            tracing::warn!(target: "librdkafka", "{error}: {reason}");
            *trouble = said;
        }
    }
}

impl ConsumerContext for Context {
    fn pre_rebalance(&self, consumer: &BaseConsumer<Self>, rebalance: &Rebalance<'_>) {
        if let Rebalance::Revoke(list) = rebalance {
            let lost = consumer.assignment_lost();
            if !lost {
                match consumer.commit_consumer_state(CommitMode::Sync) {
                    Ok(()) | Err(DriverError::ConsumerCommit(RDKafkaErrorCode::NoOffset)) => {}
                    Err(error) => {
                        tracing::warn!(%error, "offsets could not be committed on revoke")
                    }
                }
            }
            lock(&self.changes).push(Change::Revoked {
                places: places(list),
                lost,
            });
        }
    }

    fn post_rebalance(&self, _: &BaseConsumer<Self>, rebalance: &Rebalance<'_>) {
        match rebalance {
            Rebalance::Assign(list) => lock(&self.changes).push(Change::Assigned(places(list))),
            Rebalance::Error(error) => tracing::warn!(%error, "rebalance failed"),
            Rebalance::Revoke(_) => {}
        }
    }

    fn commit_callback(&self, result: KafkaResult<()>, _: &TopicPartitionList) {
        match result {
            Ok(()) | Err(DriverError::ConsumerCommit(RDKafkaErrorCode::NoOffset)) => {}
            // A rebalance took the generation away: what was stored is redelivered and absorbed.
            Err(error) => tracing::info!(%error, "a commit was refused"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_failed_connection_is_told_with_what_to_look_at() {
        let reason = "sasl_ssl://k:9093/bootstrap: SASL authentication error: invalid credentials \
                      (after 6ms in state AUTH_REQ, 3 identical error(s) suppressed)";
        assert_eq!(
            sentence(Some(RDKafkaErrorCode::Authentication), reason),
            "sasl_ssl://k:9093/bootstrap: SASL authentication error: invalid credentials; \
             check sasl.mechanism, sasl.username and sasl.password in [kafka.properties]"
        );
        for code in [
            RDKafkaErrorCode::SSL,
            RDKafkaErrorCode::BrokerTransportFailure,
        ] {
            let reason =
                "sasl_ssl://k:9093/1: error:0A000086:SSL routines::certificate verify failed";
            assert_eq!(sentence(Some(code), reason), format!("{reason}{CHECK_CA}"));
        }
        let away = "k:9092/1: Connect to ipv4#10.0.0.1:9092 failed: Connection refused";
        let code = Some(RDKafkaErrorCode::BrokerTransportFailure);
        assert_eq!(sentence(code, away), away);
    }

    #[test]
    fn the_end_of_a_partition_is_no_trouble() {
        let context = Context::default();
        let end = DriverError::Global(RDKafkaErrorCode::PartitionEOF);
        context.error(
            end,
            "Fetch from broker 1 reached end of partition at offset 7",
        );
        assert_eq!(context.trouble(), None);
        let away = DriverError::Global(RDKafkaErrorCode::BrokerTransportFailure);
        context.error(away, "k:9092/1: Connection refused");
        assert_eq!(
            context.trouble().as_deref(),
            Some("k:9092/1: Connection refused")
        );
    }
}
