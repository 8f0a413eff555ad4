//! evtop: top for event-driven systems.

pub mod bench;
pub mod cli;
pub mod clock;
pub mod command;
pub mod config;
pub mod dedupe;
pub mod domain;
pub mod engine;
pub mod failpoint;
pub mod folder;
pub mod headless;
pub mod kafka;
pub mod logging;
pub mod operate;
pub mod pipeline;
pub mod snapshot;
pub mod store;
pub mod tui;
pub mod watch;
