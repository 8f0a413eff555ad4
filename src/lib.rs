//! evtop: top for event-driven systems.

pub mod clock;
pub mod domain;
