//! The commands without a screen: Snapshot or Outcome in, text or JSON out, one file a family.
//! Data alone goes to `out` and words to `err`; a reader that goes away ends the command quietly;
//! what could not be read is said to be unavailable and is never 0.

mod act;
mod consumers;
mod edit;
mod ids;
mod json;
mod lag;
mod letter_rows;
mod letters;
mod limits;
mod looks;
mod messages;
mod operations;
mod outbox;
mod pause;
mod ports;
mod settings;
mod snapshot;
mod table;
mod timeline;
mod triage;
mod workers;

use std::io::{self, Write};
use std::time::Duration;

pub use consumers::consumer_rows;
pub use lag::lag_rows;
pub use letter_rows::{cause_rows, letter_detail, letter_rows};
pub use limits::{Limit, Measured, Unit, limit_rows};
pub use looks::{key_rows, theme_rows};
pub use operations::{check_rows, operation_rows};
pub use outbox::outbox_rows;
pub use ports::Ports;
pub use settings::{mistake_rows, settings};
pub use timeline::EventRows;
pub use workers::{farewell, status_line};

use crate::cli::{ConsumersTask, DlqTask, Exit, Task};
use crate::command::{Command, RefusalKind};
use crate::domain::printable::visible;
use crate::snapshot::{Part, Snapshot};

/// How long a command waits for what it was asked to show.
pub const PATIENCE: Duration = Duration::from_secs(10);

/// Where a command writes, and in which form.
pub struct Output<'a> {
    /// Data and nothing else.
    pub out: &'a mut (dyn Write + Send),
    /// Words for a person.
    pub err: &'a mut (dyn Write + Send),
    pub json: bool,
}

impl Output<'_> {
    /// A sentence for the person, made safe for a terminal. Where nobody listens it is lost, and
    /// the work goes on.
    fn say(&mut self, sentence: &str) {
        let _ = writeln!(self.err, "evtop: {}", visible(sentence));
        let _ = self.err.flush();
    }

    /// Marks in the data itself that a part is missing.
    fn unavailable(&mut self, what: &str, why: &str) -> io::Result<()> {
        if self.json {
            let line = serde_json::json!({ "unavailable": what, "error": why });
            json::line(&line, self.out)
        } else {
            writeln!(self.out, "{what}: unavailable")
        }
    }
}

/// Why a command ended before its work was done.
enum End {
    Io(io::Error),
    /// Ctrl-C or SIGTERM.
    Stopped,
    /// The engine ended under the command.
    Gone,
    /// Nothing was done, or can be shown; the exit code and the sentence.
    Said(Exit, String),
}

type Step<T> = Result<T, End>;

impl From<io::Error> for End {
    fn from(error: io::Error) -> Self {
        Self::Io(error)
    }
}

/// Carries out a task against a running engine and returns the exit code.
pub async fn run(task: &Task, ports: Ports, output: Output<'_>) -> Exit {
    run_within(PATIENCE, task, ports, output).await
}

/// [`run`] with another patience, for tests.
pub async fn run_within(
    patience: Duration,
    task: &Task,
    mut ports: Ports,
    mut output: Output<'_>,
) -> Exit {
    ports.patience = patience;
    let done = dispatch(task, &mut ports, &mut output).await;
    let done = done.and_then(|exit| Ok(output.out.flush().map(|()| exit)?));
    if ports.latest().stack.embedded && *task != Task::Run {
        output.say(
            "this was an embedded stack of its own; give the settings of a running one with \
             --config, or set `kafka.brokers`",
        );
    }
    let (exit, sentence) = match done {
        Ok(exit) => return exit,
        Err(End::Io(error)) if error.kind() == io::ErrorKind::BrokenPipe => return Exit::Ok,
        Err(End::Io(error)) => (Exit::Unexpected, format!("can't write: {error}")),
        Err(End::Stopped) => (
            Exit::Unexpected,
            "interrupted before an answer came".to_owned(),
        ),
        Err(End::Gone) => (
            Exit::Unexpected,
            "the engine ended unexpectedly; see its log".to_owned(),
        ),
        Err(End::Said(exit, sentence)) => (exit, sentence),
    };
    // What is already written is the reader's; that it can't be flushed changes no exit code.
    let _ = output.out.flush();
    output.say(&sentence);
    exit
}

async fn dispatch(task: &Task, ports: &mut Ports, output: &mut Output<'_>) -> Step<Exit> {
    match task {
        Task::Run => workers::run(ports, output).await,
        Task::Snapshot(args) => snapshot::run(args, ports, output).await,
        Task::Lag(args) => lag::run(args, ports, output).await,
        Task::Check(args) => limits::run(args, ports, output).await,
        Task::Consumers(args) => {
            present(Part::Consumers, "consumers", ports, output).await?;
            match &args.task {
                Some(ConsumersTask::Pause(args)) => pause::run(args, true, ports, output).await,
                Some(ConsumersTask::Resume(args)) => pause::run(args, false, ports, output).await,
                None => consumers::run(ports, output).await,
            }
        }
        Task::Outbox => {
            present(Part::Outbox, "outbox", ports, output).await?;
            outbox::run(ports, output).await
        }
        Task::Dlq(DlqTask::Ls(args)) => letters::list(args, ports, output).await,
        Task::Dlq(DlqTask::Causes) => letters::causes(ports, output).await,
        Task::Dlq(DlqTask::Show { id }) => letters::show(id, ports, output).await,
        Task::Dlq(DlqTask::Redrive(args)) => act::redrive(args, ports, output).await,
        Task::Dlq(DlqTask::Archive(args)) => triage::archive(args, ports, output).await,
        Task::Dlq(DlqTask::Unarchive(args)) => triage::unarchive(args, ports, output).await,
        Task::Dlq(DlqTask::Note(args)) => triage::note(args, ports, output).await,
        Task::Dlq(DlqTask::Export(args)) => triage::export(args, ports, output).await,
        Task::Dlq(DlqTask::Edit(args)) => edit::run(args, ports, output).await,
        Task::Timeline(args) => {
            present(Part::Timeline, "timeline", ports, output).await?;
            timeline::run(args, ports, output).await
        }
        Task::Messages(args) => messages::run(args, ports, output).await,
        Task::Inject(args) => act::inject(args, ports, output).await,
        Task::Replay(args) => act::replay(args, ports, output).await,
        Task::Ops(args) => operations::run(args, ports, output).await,
        Task::Setup => operations::check(Command::Setup, ports, output).await,
        Task::Doctor(args) => {
            operations::check(Command::Doctor { mend: args.mend }, ports, output).await
        }
        Task::Config(_) | Task::Completions { .. } | Task::Bench(_) => Err(End::Said(
            Exit::Usage,
            "this command needs no running engine".to_owned(),
        )),
    }
}

/// Ends the command where this stack has no such part, rather than wait for it or show zeros.
async fn present(part: Part, what: &str, ports: &mut Ports, output: &mut Output<'_>) -> Step<()> {
    let known = |s: &Snapshot| (!s.stack.name.is_empty()).then(|| s.stack.absent(part));
    let Some(Some((why, remedy))) = ports.until(ports.patience, known).await? else {
        return Ok(());
    };
    output.unavailable(what, why)?;
    Err(End::Said(Exit::Refused, format!("{why} {remedy}")))
}

/// The exit code of a refusal.
fn exit_of(kind: RefusalKind) -> Exit {
    match kind {
        RefusalKind::ReadOnly | RefusalKind::NotFound | RefusalKind::Conflict => Exit::Refused,
        RefusalKind::Unavailable => Exit::Unavailable,
        RefusalKind::Invalid => Exit::Usage,
    }
}
