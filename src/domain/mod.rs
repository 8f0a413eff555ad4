//! What an event is and what it means. Pure: no async, no I/O, no clock, no other module of the crate.
//!
//! Bytes come in through [`reader`], which turns every shape into one [`envelope`] and one typed
//! [`event`]; [`order`] says what a set of events means; [`printable`] shows any text safely.

pub mod decimal;
pub mod describe;
pub mod dlq_topics;
pub mod edit;
pub mod envelope;
pub mod event;
pub mod event_type;
pub mod fault;
pub mod fault_plan;
pub mod filter;
pub mod fingerprint;
pub mod foreign;
pub mod ids;
pub mod letter;
pub mod letter_json;
pub mod log_json;
pub mod message;
pub mod money;
pub mod operation;
pub mod order;
pub mod position;
pub mod printable;
pub mod reader;
pub mod record;
pub mod reject;
pub mod retry;
pub mod scenario;
pub mod service;
pub mod stored;
pub mod time;
pub mod upcast;
pub mod when;
