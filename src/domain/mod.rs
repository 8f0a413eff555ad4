//! What an event is and what it means. Pure: no async, no I/O, no clock, no other module of the crate.

pub mod fault;
pub mod fault_plan;
pub mod letter;
pub mod operation;
pub mod position;
pub mod printable;
pub mod record;
pub mod scenario;
pub mod stored;
