//! The command line as plain data: what may be asked, what lies over the settings, and the help. What each
//! command takes stands in the files below. Nothing is done here.

mod change;
mod exit;
mod letters;
mod look;
mod upkeep;
mod values;

use std::ffi::OsString;
use std::path::PathBuf;

use clap::error::ErrorKind;
use clap::{CommandFactory, Parser, Subcommand};
use clap_complete::Shell;

pub use change::{
    ConsumersArgs, ConsumersTask, InjectArgs, OpsArgs, PauseArgs, ReplayArgs, WriteArgs,
};
pub use exit::Exit;
pub use letters::{
    ArchiveArgs, DlqListArgs, DlqTask, EditArgs, ExportArgs, LetterArgs, NoteArgs, RedriveArgs,
    UnarchiveArgs,
};
pub use look::{EventArgs, LagArgs, MessagesArgs, PictureFormat, SnapshotArgs, TimelineArgs};
pub use upkeep::{BenchArgs, CheckArgs, ConfigArgs, ConfigTask, DoctorArgs};
use values::shell;

use crate::config::Config;
pub use crate::domain::when::When;

const AFTER_HELP: &str = "\
Exit codes:
  0  done
  1  unexpected failure
  2  wrong usage or settings
  3  something evtop depends on is unavailable, or no stack runs
  4  refused: read-only, not found, ambiguous, or in conflict with how things stand
  5  done, but not all is well: records failed again, their fate is unknown, or a limit of
     `check` is exceeded

Data goes to stdout, words to stderr; --json gives one object a line.

Examples:
  evtop                                      an embedded stack with traffic, on screen
  evtop --config prod.toml --read-only       look at a real one
  evtop lag --json | jq 'select(.verdict != \"ok\")'
  evtop dlq causes                           what failed, grouped
  evtop dlq redrive --cause 3f9a2c17d05b     send one cause back to the consumer that failed
  evtop timeline --stream order-ORD-1 --follow
  evtop messages order-events --filter 'key=ORD-* !type=OrderCreated' --follow
  evtop replay --type OrderCreated --from 1h --to-service analytics --dry-run
  evtop check --max-lag 1000 --max-dead-letters 0      for cron and CI
  evtop snapshot --screen lag --format svg -o lag.svg";

/// top for event-driven systems: outbox, topics, consumers, dead letters and event store in one
/// terminal
#[derive(Clone, Debug, Parser)]
#[command(name = "evtop", version, after_help = AFTER_HELP)]
pub struct Cli {
    /// Settings [default: evtop/config.toml in the config folder, else an embedded stack]
    #[arg(long, value_name = "FILE", global = true, display_order = 100)]
    pub config: Option<PathBuf>,
    /// Profile of the settings to lay over the rest
    #[arg(long, value_name = "NAME", global = true, display_order = 100)]
    pub profile: Option<String>,
    /// Theme, by name or file
    #[arg(long, value_name = "THEME")]
    pub theme: Option<String>,
    /// Refuse everything that writes
    #[arg(long, global = true, display_order = 100)]
    pub read_only: bool,
    /// One JSON object a line instead of a table
    #[arg(long, global = true, display_order = 100)]
    pub json: bool,
    #[command(subcommand)]
    pub task: Option<Task>,
}

impl Cli {
    /// Reads the arguments, the program's name first. The error prints itself, help included.
    pub fn read<T: Into<OsString> + Clone>(
        args: impl IntoIterator<Item = T>,
    ) -> Result<Self, clap::Error> {
        let cli = Self::try_parse_from(args)?;
        if cli.json && cli.task.is_none() {
            let sentence = "--json needs a command, such as `evtop lag --json`";
            return Err(Self::command().error(ErrorKind::MissingSubcommand, sentence));
        }
        Ok(cli)
    }

    /// Lays the flags over the settings: they come last. Only those who mean to stay run workers
    /// on a stack of one's own; a short command must not join its groups.
    pub fn apply(&self, config: &mut Config) {
        if let Some(theme) = self.theme() {
            config.ui.theme.clone_from(theme);
        }
        config.read_only |= self.read_only;
        config.drives = matches!(self.task, None | Some(Task::Run));
        config.workers &= config.embedded() || self.stays();
        // Workers write: read-only on a stack of one's own means that none run.
        config.workers &= config.embedded() || !config.read_only;
    }

    /// The theme that a flag names.
    #[must_use]
    pub fn theme(&self) -> Option<&String> {
        match &self.task {
            Some(Task::Snapshot(args)) => args.theme.as_ref().or(self.theme.as_ref()),
            _ => self.theme.as_ref(),
        }
    }

    /// The screen, `run` and `bench` stay until they are told to end, and `config` tells of them; the others
    /// answer and go.
    #[must_use]
    pub fn stays(&self) -> bool {
        matches!(
            self.task,
            None | Some(Task::Run | Task::Bench(_) | Task::Config(_))
        )
    }
}

/// What to do without a screen.
#[derive(Clone, Debug, PartialEq, Subcommand)]
pub enum Task {
    /// Run the workers without a screen until SIGINT or SIGTERM
    Run,
    /// Draw a screen once, without a terminal
    Snapshot(SnapshotArgs),
    /// Who is behind, by how much, and is it getting better
    Lag(LagArgs),
    /// Throughput, errors and latency of the services, here or in the processes that run them
    Consumers(ConsumersArgs),
    /// What waits to be published, and what was
    Outbox,
    /// Dead letters: list, look at, send back
    #[command(subcommand)]
    Dlq(DlqTask),
    /// The event store, oldest first
    Timeline(TimelineArgs),
    /// The records of a topic: the newest, from a place, or as they come
    Messages(MessagesArgs),
    /// Put test orders in
    Inject(InjectArgs),
    /// Send stored events again
    Replay(ReplayArgs),
    /// Redrives and replays, running and done
    Ops(OpsArgs),
    /// Create the topics and tables that are missing; change nothing that exists
    Setup,
    /// Look at everything evtop needs and say what is missing, with the remedy
    Doctor(DoctorArgs),
    /// Hold lag, dead letters and outbox against limits, for cron and CI
    Check(CheckArgs),
    /// The settings in force and where each came from, without secrets
    Config(ConfigArgs),
    /// A script that completes commands and options in a shell
    Completions {
        /// Which shell
        #[arg(value_parser = shell())]
        shell: Shell,
    },
    /// Measure the pipeline on this machine
    Bench(BenchArgs),
}

/// The script with which a shell completes commands and options.
///
/// # Errors
/// When it can't be written.
pub fn completions(shell: Shell, out: &mut dyn std::io::Write) -> std::io::Result<()> {
    // It panics where it can't write: so it writes into memory first.
    let mut script = Vec::new();
    clap_complete::generate(shell, &mut Cli::command(), "evtop", &mut script);
    out.write_all(&script)
}
