//! evtop: top for event-driven systems.

pub mod clock;
pub mod command;
pub mod domain;
pub mod kafka;
pub mod snapshot;
pub mod dedupe;
pub mod failpoint;
pub mod operate;
pub mod pipeline;
