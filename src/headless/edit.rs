//! `evtop dlq edit`: one letter goes back changed, as a new event. What changed is shown before, and a
//! dry run shows no more than that.

use std::path::Path;

use serde_json::json;

use super::act::{begun, confirm};
use super::{End, Output, Ports, Step, ids, json, letters};
use crate::cli::{EditArgs, Exit};
use crate::command::Command;
use crate::domain::edit::{self, Line, Verdict};
use crate::domain::printable::visible;

/// The largest file that is taken for a value, in bytes.
const LARGEST: u64 = 8 * 1024 * 1024;

pub(super) async fn run(args: &EditArgs, ports: &mut Ports, output: &mut Output<'_>) -> Step<Exit> {
    let id = ids::letter(&args.id, None, ports, output).await?;
    let detail = letters::detail(id, ports, output).await?;
    let (letter, body) = (&detail.letter, &detail.body);
    let refused = |why: String| {
        let sentence = format!("letter {id} can't be sent edited: {why}");
        End::Said(Exit::Refused, sentence)
    };
    if let Some(why) = letter.edit_refusal() {
        return Err(refused(why));
    }
    let (before, after) = match &args.file {
        Some(file) => {
            let text = read(file).map_err(|why| {
                let name = file.display();
                End::Said(Exit::Usage, format!("can't read {name}: {why}"))
            })?;
            // Bytes that are no text may be replaced by text, though there is nothing to compare.
            (edit::editable(body).unwrap_or_default(), text)
        }
        None => {
            let before = edit::editable(body).map_err(refused)?;
            let mut after = before.clone();
            for assignment in &args.set {
                after = edit::set(&after, assignment).map_err(|why| End::Said(Exit::Usage, why))?;
            }
            (before, after)
        }
    };
    let lines = edit::diff(&before, &after);
    if lines.iter().all(|line| matches!(line, Line::Same(_))) {
        let why = "nothing is changed: `evtop dlq redrive` sends it as it is".to_owned();
        return Err(refused(why));
    }
    let verdict = edit::judge(letter, &body.headers, body.value.as_deref(), &after);
    if args.dry_run {
        return shown(&lines, &verdict, output);
    }
    if let Verdict::Bad { why, at } = verdict {
        return Err(refused(format!("{why}{}", place(at))));
    }
    confirm(1, "letter", args.write.yes, ports).await?;
    let command = Command::Edit {
        letter: id,
        value: after,
    };
    let done = ports.ask_and(command, args.write.no_wait).await?;
    begun(done, args.write, ports, output).await
}

/// What would be sent, and whether it could be.
fn shown(lines: &[Line<'_>], verdict: &Verdict, output: &mut Output<'_>) -> Step<Exit> {
    let changed = lines.iter().filter_map(|line| match line {
        Line::Same(_) => None,
        Line::Gone(text) => Some(("-", *text)),
        Line::New(text) => Some(("+", *text)),
    });
    let why = match verdict {
        Verdict::Bad { why, at } => Some(format!("{why}{}", place(*at))),
        Verdict::Event { .. } | Verdict::Json | Verdict::Text => None,
    };
    if output.json {
        let changed: Vec<String> = changed
            .map(|(sign, text)| format!("{sign}{text}"))
            .collect();
        let object = json!({ "changed": changed, "valid": why.is_none(), "why": why });
        json::line(&object, &mut *output.out)?;
    } else {
        for (sign, text) in changed {
            writeln!(output.out, "{sign} {}", visible(text))?;
        }
    }
    match why {
        None => Ok(Exit::Ok),
        Some(why) => Err(End::Said(
            Exit::Refused,
            format!("it could not be sent: {why}"),
        )),
    }
}

fn place(at: Option<edit::Place>) -> String {
    at.map_or(String::new(), |at| {
        format!(" (line {}, column {})", at.line, at.column)
    })
}

fn read(file: &Path) -> Result<String, String> {
    let size = std::fs::metadata(file).map_err(|e| e.to_string())?.len();
    if size > LARGEST {
        return Err(format!("it has {size} bytes, more than {LARGEST}"));
    }
    std::fs::read_to_string(file).map_err(|e| e.to_string())
}
