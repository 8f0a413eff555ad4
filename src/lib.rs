//! evtop: top for event-driven systems.

pub mod cli;
pub mod clock;
pub mod command;
pub mod config;
pub mod domain;
pub mod headless;
pub mod logging;
pub mod snapshot;
