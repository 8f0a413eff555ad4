//! What the commands about dead letters take.

use std::path::PathBuf;

use clap::{ArgGroup, Args, Subcommand};

use super::WriteArgs;
use crate::command::REDRIVE_RATE;
use crate::domain::filter::{Filter, List};
use crate::domain::ids::IdPart;

/// `evtop dlq`
#[derive(Clone, Debug, PartialEq, Subcommand)]
pub enum DlqTask {
    /// Letters, newest failure first
    Ls(DlqListArgs),
    /// Causes: letters that failed alike, worst first
    Causes,
    /// One letter with its bytes
    Show {
        /// Its id, or the first or last digits of it
        #[arg(value_name = "ID")]
        id: IdPart,
    },
    /// Send letters back to the consumer that failed
    Redrive(RedriveArgs),
    /// Send one letter back changed, as a new event
    Edit(EditArgs),
    /// Put letters away, with the reason
    Archive(ArchiveArgs),
    /// Open archived letters again
    Unarchive(UnarchiveArgs),
    /// Write a note down on a letter; an empty one takes it off
    Note(NoteArgs),
    /// Write letters out, a JSON object a line; of a cause the archived ones too
    Export(ExportArgs),
}

/// A filter of letters, or why it is none.
fn of_letters(text: &str) -> Result<Filter, String> {
    Filter::parse(text)?.only(List::Letters)
}

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
    #[arg(long, value_name = "FILTER", requires = "cause", conflicts_with = "ids", value_parser = of_letters)]
    pub filter: Option<Filter>,
}

/// `evtop dlq ls`
#[derive(Clone, Debug, PartialEq, Args)]
pub struct DlqListArgs {
    /// Only letters of this cause, by its fingerprint (see `dlq causes`) or the first digits of it
    #[arg(long, value_name = "FINGERPRINT")]
    pub cause: Option<String>,
    /// Only letters that pass this filter: words in id, key, type, code, message, group or topic; key=ORD-*,
    /// type=…, group=…, partition=2, after=15m, before=1d, value.data.order_id=…, header.name=…, ~regex; ! turns
    /// a term around
    #[arg(long, value_name = "FILTER", visible_alias = "text", value_parser = of_letters)]
    pub filter: Option<Filter>,
    /// The archived ones instead of the open ones
    #[arg(long)]
    pub archived: bool,
    /// Letters at most
    #[arg(long, value_name = "N", default_value_t = 100, value_parser = clap::value_parser!(u32).range(1..=100_000))]
    pub limit: u32,
}

/// `evtop dlq redrive`
#[derive(Clone, Debug, PartialEq, Args)]
pub struct RedriveArgs {
    #[command(flatten)]
    pub letters: LetterArgs,
    /// Records a second at most; 0 is without limit
    #[arg(long, value_name = "N", default_value_t = REDRIVE_RATE)]
    pub rate: u32,
    #[command(flatten)]
    pub write: WriteArgs,
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
