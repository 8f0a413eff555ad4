//! `evtop dlq archive`, `unarchive`, `note` and `export`: what a person decides about letters. Many, or a
//! production profile, want `--yes`, as all that writes does.

use std::io::{BufRead, BufReader};
use std::path::Path;

use serde_json::json;

use super::act::{chosen, confirm};
use super::table::count;
use super::{End, Output, Ports, Step, ids, json};
use crate::cli::{ArchiveArgs, Exit, ExportArgs, NoteArgs, UnarchiveArgs};
use crate::command::{Behind, Command, Done, LetterChoice};

pub(super) async fn archive(
    args: &ArchiveArgs,
    ports: &mut Ports,
    output: &mut Output<'_>,
) -> Step<Exit> {
    let (letters, many) = chosen(&args.letters, Some(false), ports, output).await?;
    confirm(many, "letter", args.yes, ports).await?;
    let command = Command::Archive {
        letters,
        reason: args.reason.clone(),
        behind: if args.behind {
            Behind::Archive
        } else {
            Behind::Release
        },
    };
    let Done::Archived { letters, behind } = ports.ask(command).await? else {
        return Err(other());
    };
    if output.json {
        let object = json!({ "archived": letters, "behind": behind });
        json::line(&object, &mut *output.out)?;
    } else {
        let more = match behind {
            0 => String::new(),
            behind => format!(" and {} behind", count(behind, "event")),
        };
        writeln!(output.out, "archived {}{more}", count(letters, "letter"))?;
    }
    Ok(Exit::Ok)
}

pub(super) async fn unarchive(
    args: &UnarchiveArgs,
    ports: &mut Ports,
    output: &mut Output<'_>,
) -> Step<Exit> {
    let (letters, many) = chosen(&args.letters, Some(true), ports, output).await?;
    confirm(many, "letter", args.yes, ports).await?;
    // Never on stdout: a script reads the data, a person reads this.
    output.say(
        "later events of their keys may have gone on since: redriven now, these come out of order",
    );
    let Done::Unarchived { letters } = ports.ask(Command::Unarchive { letters }).await? else {
        return Err(other());
    };
    if output.json {
        json::line(&json!({ "opened": letters }), &mut *output.out)?;
    } else {
        writeln!(output.out, "opened {} again", count(letters, "letter"))?;
    }
    Ok(Exit::Ok)
}

pub(super) async fn note(
    args: &NoteArgs,
    ports: &mut Ports,
    output: &mut Output<'_>,
) -> Step<Exit> {
    let letter = ids::letter(&args.id, None, ports, output).await?;
    confirm(1, "letter", args.yes, ports).await?;
    let text = args.text.clone();
    let Done::Noted = ports.ask(Command::Note { letter, text }).await? else {
        return Err(other());
    };
    if output.json {
        json::line(&json!({ "noted": letter }), &mut *output.out)?;
    } else {
        writeln!(output.out, "noted on {letter}")?;
    }
    Ok(Exit::Ok)
}

pub(super) async fn export(
    args: &ExportArgs,
    ports: &mut Ports,
    output: &mut Output<'_>,
) -> Step<Exit> {
    // Of archived letters too, so that a cause which is put away can still be written out.
    let (letters, _) = chosen(&args.letters, None, ports, output).await?;
    let Some(file) = &args.output else {
        // The engine writes a file of our own, which is handed on: no list of letters is held in memory.
        let folder = tempfile::tempdir()?;
        let file = folder.path().join("letters.jsonl");
        exported(letters, &file, ports).await?;
        let mut lines = BufReader::new(std::fs::File::open(&file)?);
        let mut line = Vec::new();
        while lines.read_until(b'\n', &mut line)? > 0 {
            output.out.write_all(&line)?;
            line.clear();
        }
        return Ok(Exit::Ok);
    };
    // The engine is this very process, and a relative name is its own.
    let written = exported(letters, file, ports).await?;
    if output.json {
        let object = json!({ "letters": written, "file": file.display().to_string() });
        json::line(&object, &mut *output.out)?;
    } else {
        let name = file.display();
        output.say(&format!("{} in {name}", count(written, "letter")));
    }
    Ok(Exit::Ok)
}

async fn exported(letters: LetterChoice, file: &Path, ports: &mut Ports) -> Step<u64> {
    let file = file.to_owned();
    let command = Command::Export {
        letters,
        archived: None,
        file,
    };
    match ports.ask(command).await? {
        Done::Exported { letters, .. } => Ok(letters),
        _ => Err(other()),
    }
}

fn other() -> End {
    End::Said(
        Exit::Unexpected,
        "the engine gave another answer".to_owned(),
    )
}
