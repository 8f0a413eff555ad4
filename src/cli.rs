//! The command line: what may be asked, as plain data, and the exit codes. Nothing is done here.

mod letters;

use std::ffi::OsString;
use std::path::PathBuf;
use std::process::ExitCode;
use std::time::Duration;

use clap::builder::{PossibleValuesParser, TypedValueParser};
use clap::error::ErrorKind;
use clap::{ArgGroup, Args, CommandFactory, Parser, Subcommand, ValueEnum};
use clap_complete::Shell;
use uuid::Uuid;

use crate::command::Screen;
pub use letters::{ArchiveArgs, EditArgs, ExportArgs, LetterArgs, NoteArgs, UnarchiveArgs};

use crate::config::{Config, SERVICES};
use crate::domain::filter::Filter;
use crate::domain::ids::IdPart;
use crate::domain::position::Position;
use crate::domain::scenario::Scenario;
pub use crate::domain::when::When;
use crate::domain::when::{Start, span};

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

#[derive(Clone, Debug, PartialEq, Eq, Args)]
pub struct SnapshotArgs {
    /// Which screen, by name or key
    #[arg(long, value_name = "SCREEN", default_value = "flow", value_parser = screen())]
    pub screen: Screen,
    /// Columns and rows
    #[arg(long, value_name = "WxH", default_value = "140x42", value_parser = size)]
    pub size: (u16, u16),
    /// Theme, by name or file
    #[arg(long, value_name = "THEME")]
    pub theme: Option<String>,
    /// Characters alone, truecolor lines for a terminal, or a picture
    #[arg(long, value_name = "FORMAT", default_value = "text")]
    pub format: PictureFormat,
    /// Write it to this file instead of stdout
    #[arg(short = 'o', long = "out", value_name = "FILE")]
    pub out: Option<PathBuf>,
    /// Wait that long at most until everything on the screen has been read
    #[arg(long, value_name = "SECONDS", default_value_t = 15, value_parser = clap::value_parser!(u64).range(0..=3_600))]
    pub wait: u64,
}

/// How a drawn screen is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum PictureFormat {
    /// Characters alone
    Text,
    /// Truecolor lines, as `cat` shows them in a terminal
    Ansi,
    /// A picture that needs nothing else
    Svg,
}

impl PictureFormat {
    /// Its word on the command line and in JSON.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Text => "text",
            Self::Ansi => "ansi",
            Self::Svg => "svg",
        }
    }
}

#[derive(Clone, Debug, Default, PartialEq, Eq, Args)]
pub struct LagArgs {
    /// Only this group
    #[arg(value_name = "GROUP")]
    pub group: Option<String>,
    /// A row for each partition
    #[arg(long)]
    pub partitions: bool,
}

#[derive(Clone, Debug, Default, PartialEq, Eq, Args)]
pub struct ConsumersArgs {
    #[command(subcommand)]
    pub task: Option<ConsumersTask>,
}

#[derive(Clone, Debug, PartialEq, Eq, Subcommand)]
pub enum ConsumersTask {
    /// Let a service stand still in every instance, until it is resumed; a restart keeps it
    Pause(PauseArgs),
    /// Let a service go on in every instance
    Resume(PauseArgs),
}

#[derive(Clone, Debug, PartialEq, Eq, Args)]
pub struct PauseArgs {
    /// Which service
    #[arg(value_name = "SERVICE", value_parser = PossibleValuesParser::new(SERVICES))]
    pub service: String,
    /// Go ahead in a production profile
    #[arg(long)]
    pub yes: bool,
}

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
    /// Write letters out, a JSON object a line
    Export(ExportArgs),
}

#[derive(Clone, Debug, PartialEq, Eq, Args)]
pub struct DlqListArgs {
    /// Only letters of this cause, by its fingerprint (see `dlq causes`) or the first digits of it
    #[arg(long, value_name = "FINGERPRINT")]
    pub cause: Option<String>,
    /// Only letters with this text in id, key, type, code or message
    #[arg(long)]
    pub text: Option<String>,
    /// The archived ones instead of the open ones
    #[arg(long)]
    pub archived: bool,
    /// Letters at most
    #[arg(long, value_name = "N", default_value_t = 100, value_parser = clap::value_parser!(u32).range(1..=100_000))]
    pub limit: u32,
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

#[derive(Clone, Debug, PartialEq, Args)]
pub struct RedriveArgs {
    #[command(flatten)]
    pub letters: LetterArgs,
    /// Records a second at most; 0 is without limit
    #[arg(long, value_name = "N", default_value_t = 25)]
    pub rate: u32,
    #[command(flatten)]
    pub write: WriteArgs,
}

/// Which events: every filter given must match.
#[derive(Clone, Debug, Default, PartialEq, Args)]
pub struct EventArgs {
    /// Only this stream, such as order-ORD-1
    #[arg(long, value_name = "STREAM")]
    pub stream: Option<String>,
    /// Only this event type, such as OrderCreated
    #[arg(long = "type", value_name = "TYPE")]
    pub event_type: Option<String>,
    /// Only this correlation id
    #[arg(long, value_name = "UUID")]
    pub correlation: Option<Uuid>,
    /// From this time on: RFC 3339, 12:04 (today, UTC), or how long ago, such as 90s, 15m, 2h, 1d
    #[arg(long, value_name = "TIME", value_parser = When::parse)]
    pub from: Option<When>,
    /// Before this time
    #[arg(long, value_name = "TIME", value_parser = When::parse)]
    pub to: Option<When>,
}

#[derive(Clone, Debug, PartialEq, Args)]
pub struct TimelineArgs {
    #[command(flatten)]
    pub events: EventArgs,
    /// The newest N events
    #[arg(long, value_name = "N", default_value_t = 50, value_parser = clap::value_parser!(u32).range(1..=100_000))]
    pub limit: u32,
    /// Go on with new events until interrupted
    #[arg(long)]
    pub follow: bool,
}

/// `evtop messages`
#[derive(Clone, Debug, PartialEq, Args)]
pub struct MessagesArgs {
    /// The topic
    #[arg(value_name = "TOPIC")]
    pub topic: String,
    /// Where to begin: newest:N of each partition, offset:P:O, time:T (RFC 3339, 12:04 UTC or 15m ago) or beginning
    #[arg(long, value_name = "START", default_value = "newest:20", value_parser = Start::parse)]
    pub from: Start,
    /// Only records that match: words, key=, type=, partition=, after=, before=, value.path=, header.name=,
    /// ~regex; ! in front of one inverts it
    #[arg(long, value_name = "EXPR", value_parser = Filter::parse)]
    pub filter: Option<Filter>,
    /// Records at most; as many as there are without
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..))]
    pub limit: Option<u32>,
    /// Go on with new records until interrupted
    #[arg(long)]
    pub follow: bool,
}

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

/// `evtop doctor`
#[derive(Clone, Debug, Default, PartialEq, Args)]
pub struct DoctorArgs {
    /// Put a restored event store's positions in order; stop all others first
    #[arg(long)]
    pub mend: bool,
}

#[derive(Clone, Debug, Default, PartialEq, Eq, Args)]
pub struct OpsArgs {
    /// Stop this operation, by its id or the first or last digits of it; what is sent stays sent
    #[arg(long, value_name = "ID")]
    pub cancel: Option<IdPart>,
}

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

/// The shells that people use where evtop runs.
fn shell() -> impl TypedValueParser<Value = Shell> {
    PossibleValuesParser::new(["bash", "zsh", "fish"]).try_map(|name| name.parse::<Shell>())
}

/// `48212`, or `TX:48212` where the store has transactions (PostgreSQL).
fn position(text: &str) -> Result<Position, String> {
    let (tx, pos) = text.split_once(':').unwrap_or(("0", text));
    match (tx.parse(), pos.parse()) {
        (Ok(tx), Ok(pos)) => Ok(Position { tx, pos }),
        _ => Err("write the position that `evtop timeline` shows, such as 48212".to_owned()),
    }
}

fn scenario() -> impl TypedValueParser<Value = Scenario> {
    let values = Scenario::ALL.map(|s| clap::builder::PossibleValue::new(s.name()).help(s.help()));
    PossibleValuesParser::new(values).try_map(|name| {
        // The possible values are these very names.
        Scenario::parse(&name).ok_or("unknown scenario")
    })
}

/// A screen by the title on its tab (`dead-letters`) or its key (`5`).
fn screen() -> impl TypedValueParser<Value = Screen> {
    let name = |screen: Screen| screen.tab().1.to_lowercase().replace(' ', "-");
    let values = Screen::ALL.map(|screen| {
        let key = screen.tab().0.to_string();
        let value = clap::builder::PossibleValue::new(name(screen)).alias(key);
        match screen {
            Screen::Letters => value.alias("dlq").alias("letters"),
            _ => value,
        }
    });
    let known = values.clone();
    PossibleValuesParser::new(values).try_map(move |given| {
        let at = known.iter().position(|value| value.matches(&given, true));
        at.map(|at| Screen::ALL[at]).ok_or("unknown screen")
    })
}

/// `140x42`: columns and rows.
fn size(text: &str) -> Result<(u16, u16), String> {
    let parts = text.split_once(['x', 'X', '×']);
    let read = |part: &str, most: u16| part.parse().ok().filter(|n| (1..=most).contains(n));
    parts
        .and_then(|(width, height)| Some((read(width, 1_000)?, read(height, 500)?)))
        .ok_or_else(|| "write columns and rows, such as 140x42, up to 1000x500".to_owned())
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

/// How a run of evtop ended, for scripts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Exit {
    /// Done.
    Ok,
    /// A failure nobody foresaw.
    Unexpected,
    /// Wrong usage or settings.
    Usage,
    /// Kafka, the store or the engine did not answer.
    Unavailable,
    /// Read-only, not found, in conflict, or `--yes` is missing: nothing was done.
    Refused,
    /// Done, but some records failed again or their fate is unknown.
    Partial,
}

impl Exit {
    pub const ALL: [Self; 6] = [
        Self::Ok,
        Self::Unexpected,
        Self::Usage,
        Self::Unavailable,
        Self::Refused,
        Self::Partial,
    ];

    /// The number the shell sees.
    #[must_use]
    pub fn code(self) -> u8 {
        match self {
            Self::Ok => 0,
            Self::Unexpected => 1,
            Self::Usage => 2,
            Self::Unavailable => 3,
            Self::Refused => 4,
            Self::Partial => 5,
        }
    }
}

impl From<Exit> for ExitCode {
    fn from(exit: Exit) -> Self {
        Self::from(exit.code())
    }
}
