//! What the commands take that look after evtop and its stack: limits, settings, the doctor and figures.

use std::path::PathBuf;
use std::time::Duration;

use clap::{ArgGroup, Args, Subcommand};

use crate::domain::when::span;

/// `evtop check`: at least one limit.
#[derive(Clone, Debug, Default, PartialEq, Eq, Args)]
#[command(group = ArgGroup::new("limits").required(true).multiple(true)
    .args(["max_lag", "max_lag_time", "max_dead_letters", "max_outbox", "max_outbox_age"]))]
pub struct CheckArgs {
    /// Records that any group may be behind
    #[arg(long, value_name = "N")]
    pub max_lag: Option<u64>,
    /// How old the next record of any partition of any group may be, such as 500ms, 60s, 5m, 1h
    #[arg(long, value_name = "TIME", value_parser = span)]
    pub max_lag_time: Option<Duration>,
    /// Open dead letters
    #[arg(long, value_name = "N")]
    pub max_dead_letters: Option<u64>,
    /// Rows that may wait in the outbox
    #[arg(long, value_name = "N")]
    pub max_outbox: Option<u64>,
    /// How long the oldest of them may have waited
    #[arg(long, value_name = "TIME", value_parser = span)]
    pub max_outbox_age: Option<Duration>,
    /// Only this group's lag
    #[arg(long, value_name = "GROUP")]
    pub group: Option<String>,
}

/// `evtop config`; without a word it is `show`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Args)]
pub struct ConfigArgs {
    #[command(subcommand)]
    pub task: Option<ConfigTask>,
}

/// What of the settings is shown.
#[derive(Clone, Debug, PartialEq, Eq, Subcommand)]
pub enum ConfigTask {
    /// Every setting in force and where it came from; it could be a config file
    Show,
    /// What each key does, as it is bound here
    Keys,
    /// The themes and how well each can be read
    Themes,
    /// Every mistake in a file, with its line and the remedy; 0 if there is none, else 2
    Check {
        /// The file [default: as --config]
        #[arg(value_name = "FILE")]
        file: Option<PathBuf>,
    },
}

/// `evtop doctor`
#[derive(Clone, Debug, Default, PartialEq, Args)]
pub struct DoctorArgs {
    /// Put a restored event store's positions in order; stop all others first
    #[arg(long)]
    pub mend: bool,
}

/// `evtop bench`
#[derive(Clone, Debug, PartialEq, Eq, Args)]
pub struct BenchArgs {
    /// Orders put through in a round of throughput
    #[arg(long, value_name = "N", default_value_t = 8_000, value_parser = clap::value_parser!(u32).range(1..=9_000))]
    pub orders: u32,
    /// Orders a second while the way of an order is timed
    #[arg(long, value_name = "N", default_value_t = 200, value_parser = clap::value_parser!(u32).range(1..=5_000))]
    pub rate: u32,
    /// Seconds of a round in which it is timed
    #[arg(long, value_name = "S", default_value_t = 10, value_parser = clap::value_parser!(u64).range(1..=600))]
    pub seconds: u64,
    /// Rounds; every figure is their median
    #[arg(long, value_name = "N", default_value_t = 5, value_parser = clap::value_parser!(u32).range(1..=100))]
    pub rounds: u32,
}
