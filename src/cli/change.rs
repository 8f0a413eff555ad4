//! What the commands take that change something, dead letters aside: orders, replays, operations and
//! who stands still.

use clap::builder::PossibleValuesParser;
use clap::{ArgGroup, Args, Subcommand};

use super::EventArgs;
use super::values::{position, scenario};
use crate::config::SERVICES;
use crate::domain::ids::IdPart;
use crate::domain::position::Position;
use crate::domain::scenario::Scenario;

/// `evtop consumers`; without a word it only looks.
#[derive(Clone, Debug, Default, PartialEq, Eq, Args)]
pub struct ConsumersArgs {
    #[command(subcommand)]
    pub task: Option<ConsumersTask>,
}

/// What becomes of a service.
#[derive(Clone, Debug, PartialEq, Eq, Subcommand)]
pub enum ConsumersTask {
    /// Let a service stand still in every instance, until it is resumed; a restart keeps it
    Pause(PauseArgs),
    /// Let a service go on in every instance
    Resume(PauseArgs),
}

/// `evtop consumers pause` and `resume`
#[derive(Clone, Debug, PartialEq, Eq, Args)]
pub struct PauseArgs {
    /// Which service
    #[arg(value_name = "SERVICE", value_parser = PossibleValuesParser::new(SERVICES))]
    pub service: String,
    /// Go ahead in a production profile
    #[arg(long)]
    pub yes: bool,
}

/// What every command that writes takes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Args)]
pub struct WriteArgs {
    /// Go ahead with more than 100 records, or in a production profile
    #[arg(long)]
    pub yes: bool,
    /// Do not wait for the end: print the operation's id and go
    #[arg(long)]
    pub no_wait: bool,
}

/// `evtop inject`
#[derive(Clone, Debug, PartialEq, Args)]
pub struct InjectArgs {
    /// What to show
    #[arg(value_parser = scenario())]
    pub scenario: Scenario,
    /// Orders to put in
    #[arg(long, value_name = "N", default_value_t = 1, value_parser = clap::value_parser!(u32).range(1..=1_000_000))]
    pub count: u32,
    #[command(flatten)]
    pub write: WriteArgs,
}

/// `evtop replay`: which events, and to whom.
#[derive(Clone, Debug, PartialEq, Args)]
#[command(
    group = ArgGroup::new("which").required(true).multiple(true)
        .args(["event", "stream", "event_type", "correlation", "from", "to"]),
    group = ArgGroup::new("target").required(true).args(["to_service", "to_topic"]),
)]
pub struct ReplayArgs {
    /// One event, by the position that `timeline` shows
    #[arg(long, value_name = "POS", value_parser = position,
        conflicts_with_all = ["stream", "event_type", "correlation", "from", "to"])]
    pub event: Option<Position>,
    #[command(flatten)]
    pub events: EventArgs,
    /// To this service only: the others skip it
    #[arg(long, value_name = "SERVICE", value_parser = PossibleValuesParser::new(SERVICES))]
    pub to_service: Option<String>,
    /// To the event's own topic: every group sees it
    #[arg(long)]
    pub to_topic: bool,
    /// Records a second at most; 0 is without limit
    #[arg(long, value_name = "N", default_value_t = 100)]
    pub rate: u32,
    /// Handle events again that were handled before: their effects double
    #[arg(long)]
    pub force: bool,
    /// Only count
    #[arg(long)]
    pub dry_run: bool,
    #[command(flatten)]
    pub write: WriteArgs,
}

/// `evtop ops`
#[derive(Clone, Debug, Default, PartialEq, Eq, Args)]
pub struct OpsArgs {
    /// Stop this operation, by its id or the first or last digits of it; what is sent stays sent
    #[arg(long, value_name = "ID")]
    pub cancel: Option<IdPart>,
    /// Send nothing more of this operation until it is resumed
    #[arg(long, value_name = "ID", conflicts_with = "cancel")]
    pub pause: Option<IdPart>,
    /// Let a paused operation go on
    #[arg(long, value_name = "ID", conflicts_with_all = ["cancel", "pause"])]
    pub resume: Option<IdPart>,
}
