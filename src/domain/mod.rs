//! What an event is and what it means. Pure: no async, no I/O, no clock, no other module of the crate.

pub mod fault;
pub mod record;
