//! Headers that say where a record failed and where it is meant to go. Written in Spring's names and
//! encodings (`DeadLetterPublishingRecoverer`: big-endian numbers), which is what people look for, and
//! beside them our own `evtop-*` ones in UTF-8.

mod codec;
mod directions;
mod family;
mod in_value;
mod letter;
mod origin;
mod others;

pub use directions::{Directions, add_replay, directions};
pub use family::{foreign, passes, unwrapped};
pub use letter::{body, dead_letter, letter, letter_id, redrive, restored};
pub use origin::{history, origin, original};
pub use others::place_id;

pub const DLQ_ID: &str = "evtop-dlq-id";
pub const FINGERPRINT: &str = "evtop-fingerprint";
pub const STAGE: &str = "evtop-stage";
pub const ATTEMPTS: &str = "evtop-attempts";
pub const FIRST_FAILED_AT: &str = "evtop-first-failed-at";
pub const LAST_FAILED_AT: &str = "evtop-last-failed-at";
pub const REDRIVE_COUNT: &str = "evtop-redrive-count";
pub const REDRIVE_ID: &str = "evtop-redrive-id";
pub const TARGET_GROUP: &str = "evtop-target-group";
pub const EDIT_OF: &str = crate::domain::edit::EDIT_OF;
pub const REPLAY_ID: &str = "evtop-replay-id";
pub const REPLAY_FORCE: &str = "evtop-replay-force";

const ORIGINAL_TOPIC: &str = "kafka_dlt-original-topic";
const ORIGINAL_PARTITION: &str = "kafka_dlt-original-partition";
const ORIGINAL_OFFSET: &str = "kafka_dlt-original-offset";
const ORIGINAL_TIMESTAMP: &str = "kafka_dlt-original-timestamp";
const ORIGINAL_TIMESTAMP_TYPE: &str = "kafka_dlt-original-timestamp-type";
const ORIGINAL_GROUP: &str = "kafka_dlt-original-consumer-group";
const EXCEPTION_CLASS: &str = "kafka_dlt-exception-fqcn";
const EXCEPTION_MESSAGE: &str = "kafka_dlt-exception-message";
