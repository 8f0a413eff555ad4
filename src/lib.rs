//! evtop: top for event-driven systems.

pub mod clock;
pub mod command;
pub mod config;
pub mod domain;
pub mod logging;
pub mod snapshot;
