//! evtop: top for event-driven systems.

pub mod clock;
pub mod command;
pub mod config;
pub mod dedupe;
pub mod domain;
pub mod failpoint;
pub mod kafka;
pub mod logging;
pub mod operate;
pub mod pipeline;
pub mod snapshot;
pub mod store;
pub mod watch;
