//! evtop: top for event-driven systems.

pub mod clock;
pub mod command;
pub mod domain;
pub mod snapshot;
pub mod tui;
