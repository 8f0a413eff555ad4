//! What the commands about dead letters take.

use std::path::PathBuf;

use clap::{ArgGroup, Args};

use super::WriteArgs;
use crate::domain::filter::Filter;
use crate::domain::ids::IdPart;

/// Which letters: some by their ids, or all of a cause.
#[derive(Clone, Debug, PartialEq, Args)]
#[command(group = ArgGroup::new("letters").required(true).args(["ids", "cause"]))]
pub struct LetterArgs {
    /// Letters, by the ids that `dlq ls` shows or the first or last digits of them
    #[arg(value_name = "ID")]
    pub ids: Vec<IdPart>,
    /// Every letter of this cause, by its fingerprint or the first digits of it
    #[arg(long, value_name = "FINGERPRINT")]
    pub cause: Option<String>,
    /// Only those of the cause that pass this filter, as `dlq ls --filter` lists them
    #[arg(long, value_name = "FILTER", requires = "cause", conflicts_with = "ids", value_parser = Filter::parse)]
    pub filter: Option<Filter>,
}

/// `evtop dlq archive`
#[derive(Clone, Debug, PartialEq, Args)]
pub struct ArchiveArgs {
    #[command(flatten)]
    pub letters: LetterArgs,
    /// Why: it is kept with each letter
    #[arg(long, value_name = "TEXT")]
    pub reason: String,
    /// Archive also what waits behind them; else that goes on to its consumer
    #[arg(long)]
    pub behind: bool,
    /// Go ahead with more than 100 letters, or in a production profile
    #[arg(long)]
    pub yes: bool,
}

/// `evtop dlq unarchive`
#[derive(Clone, Debug, PartialEq, Args)]
pub struct UnarchiveArgs {
    #[command(flatten)]
    pub letters: LetterArgs,
    /// Go ahead with more than 100 letters, or in a production profile
    #[arg(long)]
    pub yes: bool,
}

/// `evtop dlq note`
#[derive(Clone, Debug, PartialEq, Args)]
pub struct NoteArgs {
    /// The letter's id, or the first or last digits of it
    #[arg(value_name = "ID")]
    pub id: IdPart,
    /// What to remember
    #[arg(value_name = "TEXT")]
    pub text: String,
    /// Go ahead in a production profile
    #[arg(long)]
    pub yes: bool,
}

/// `evtop dlq export`
#[derive(Clone, Debug, PartialEq, Args)]
pub struct ExportArgs {
    #[command(flatten)]
    pub letters: LetterArgs,
    /// A new file [default: stdout]
    #[arg(long, short, value_name = "FILE")]
    pub output: Option<PathBuf>,
}

/// `evtop dlq edit`
#[derive(Clone, Debug, PartialEq, Args)]
#[command(group = ArgGroup::new("change").required(true).args(["file", "set"]))]
pub struct EditArgs {
    /// The letter's id, or the first or last digits of it
    #[arg(value_name = "ID")]
    pub id: IdPart,
    /// The new value
    #[arg(long, value_name = "FILE")]
    pub file: Option<PathBuf>,
    /// Change a part of the value, such as data.items.0.quantity=2
    #[arg(long, value_name = "PATH=VALUE")]
    pub set: Vec<String>,
    /// Only show what would change, and whether it could be sent
    #[arg(long)]
    pub dry_run: bool,
    #[command(flatten)]
    pub write: WriteArgs,
}
