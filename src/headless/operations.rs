//! `evtop ops`, `setup` and `doctor`: what runs and ran, and whether everything is in place.

use std::io::{self, Write};
use std::time::Duration;

use serde_json::{Value, json};
use uuid::Uuid;

use super::table::{Table, moment};
use super::{End, Output, Ports, Step, ids, json};
use crate::cli::{Exit, OpsArgs};
use crate::command::{Check, CheckState, Command, Done};
use crate::domain::ids::IdPart;
use crate::domain::operation::Operation;

/// How long the list may stay empty once the store is up, before it counts as empty.
pub(super) const GRACE: Duration = Duration::from_secs(2);

/// An operation that was named, what is asked of it, and the words for that.
type Steering<'a> = (
    &'a Option<IdPart>,
    fn(Uuid) -> Command,
    &'static str,
    &'static str,
);

pub(super) async fn run(args: &OpsArgs, ports: &mut Ports, output: &mut Output<'_>) -> Step<Exit> {
    let steps: [Steering; 3] = [
        (
            &args.cancel,
            |operation| Command::Cancel { operation },
            "cancelled",
            ": what is sent stays sent",
        ),
        (
            &args.pause,
            |operation| Command::PauseOperation { operation },
            "paused",
            ": --resume lets it go on",
        ),
        (
            &args.resume,
            |operation| Command::ResumeOperation { operation },
            "resumed",
            "",
        ),
    ];
    for (part, command, done, more) in steps {
        let Some(part) = part else { continue };
        let operation = ids::operation(part, ports, output).await?;
        ports.ask(command(operation)).await?;
        if output.json {
            json::line(&json!({ done: operation }), &mut *output.out)?;
        } else {
            writeln!(output.out, "{done} {operation}{more}")?;
        }
        return Ok(Exit::Ok);
    }
    ids::list_operations(ports, output).await?;
    let operations = &ports.latest().activity.operations;
    operation_rows(operations, output.json, &mut *output.out)?;
    Ok(Exit::Ok)
}

const COLUMNS: &[(&str, bool)] = &[
    ("ID", false),
    ("KIND", false),
    ("STATE", false),
    ("TOTAL", true),
    ("SENT", true),
    ("OK", true),
    ("FAILED AGAIN", true),
    ("DUPLICATE", true),
    ("UNKNOWN", true),
    ("REFUSED", true),
    ("LEFT", true),
    ("STARTED", false),
    ("BY", false),
    ("WHAT", false),
    ("TARGET", false),
    ("NOTE", false),
];

/// A row for each operation, as given.
pub fn operation_rows(
    operations: &[Operation],
    json: bool,
    out: &mut (impl Write + ?Sized),
) -> io::Result<()> {
    if json {
        return operations
            .iter()
            .try_for_each(|o| json::line(&object(o), out));
    }
    Table::new(COLUMNS).write(operations.iter().map(cells).collect(), out)
}

fn cells(o: &Operation) -> Vec<String> {
    vec![
        o.id.to_string(),
        o.kind.name().to_owned(),
        state(o).to_owned(),
        o.counts.total.to_string(),
        o.counts.sent.to_string(),
        o.counts.ok.to_string(),
        o.counts.failed_again.to_string(),
        o.counts.duplicate.to_string(),
        o.counts.unknown.to_string(),
        o.counts.refused.to_string(),
        o.counts.left.to_string(),
        moment(Some(o.created_at)),
        o.by.clone(),
        o.what.clone(),
        o.target.clone(),
        o.note.clone().unwrap_or_default(),
    ]
}

/// Its state in one word; one that stands still is paused.
fn state(o: &Operation) -> &'static str {
    if o.stands_still() {
        "paused"
    } else {
        o.state.name()
    }
}

/// An operation as JSON, the same in `ops` and at the end of a redrive or replay.
pub(super) fn object(o: &Operation) -> Value {
    json!({
        "id": o.id,
        "kind": o.kind.name(),
        "state": o.state.name(),
        "paused": o.paused,
        "what": o.what,
        "target": o.target,
        "total": o.counts.total,
        "sent": o.counts.sent,
        "ok": o.counts.ok,
        "failed_again": o.counts.failed_again,
        "duplicate": o.counts.duplicate,
        "unknown": o.counts.unknown,
        "refused": o.counts.refused,
        "left": o.counts.left,
        "rate_limit": o.rate_limit,
        "by": o.by,
        "created_at": json::time(Some(o.created_at)),
        "ended_at": json::time(o.ended_at),
        "note": o.note,
    })
}

/// `setup` and `doctor`: the engine looks, this tells.
pub(super) async fn check(
    command: Command,
    ports: &mut Ports,
    output: &mut Output<'_>,
) -> Step<Exit> {
    let Done::Checked(checks) = ports.ask(command).await? else {
        return Err(End::Said(
            Exit::Unexpected,
            "the engine gave another answer".to_owned(),
        ));
    };
    check_rows(&checks, output.json, &mut *output.out)?;
    let bad = checks.iter().any(|check| check.state == CheckState::Bad);
    Ok(if bad { Exit::Unavailable } else { Exit::Ok })
}

/// A row for each check, as given.
pub fn check_rows(checks: &[Check], json: bool, out: &mut (impl Write + ?Sized)) -> io::Result<()> {
    let word = |state| match state {
        CheckState::Ok => "ok",
        CheckState::Created => "created",
        CheckState::Warn => "warn",
        CheckState::Bad => "bad",
    };
    if json {
        return checks.iter().try_for_each(|c| {
            let object = json!({ "name": c.name, "state": word(c.state), "text": c.text });
            json::line(&object, out)
        });
    }
    let cells = |c: &Check| vec![word(c.state).to_owned(), c.name.clone(), c.text.clone()];
    let columns = &[("STATE", false), ("WHAT", false), ("FOUND", false)];
    Table::new(columns).write(checks.iter().map(cells).collect(), out)
}
