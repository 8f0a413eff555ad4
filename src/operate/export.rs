//! Letters into a file for a ticket or a script: a JSON object a line, with the bytes. The rule: a file
//! that exists is never written over, and one that could not be finished does not stay.

use std::io::{BufWriter, Write};
use std::path::Path;

use super::choose::{each, words};
use super::{Operator, refuse};
use crate::command::{Done, LetterChoice, Refusal, RefusalKind};
use crate::domain::letter::LetterStatus;
use crate::domain::letter_json;

/// Writes the chosen letters to a new file that only its owner may read.
pub async fn export(
    operator: &Operator,
    choice: &LetterChoice,
    archived: Option<bool>,
    file: &Path,
) -> Result<Done, Refusal> {
    let cant = |error: std::io::Error| {
        let why = match error.kind() {
            std::io::ErrorKind::AlreadyExists => {
                "it is there already: choose another name".to_owned()
            }
            _ => error.to_string(),
        };
        let name = file.display();
        refuse(RefusalKind::Conflict, format!("can't write {name}: {why}"))
    };
    let mut options = std::fs::OpenOptions::new();
    options.write(true).create_new(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    let mut out = BufWriter::new(options.open(file).map_err(cant)?);
    let mut letters = 0;
    // Of a cause, what its lists show: never what is resolved.
    let wanted = |status: &LetterStatus| match (status, archived) {
        (LetterStatus::Resolved, _) => false,
        (LetterStatus::Archived, archived) => archived != Some(false),
        (_, archived) => archived != Some(true),
    };
    let statuses: Vec<LetterStatus> = LetterStatus::ALL.into_iter().filter(wanted).collect();
    let written = each(operator, choice, &statuses, true, |letter, body| {
        letters += 1;
        let line = letter_json::line(&letter_json::full(&letter, &body).into());
        out.write_all(line.as_bytes()).map_err(cant)
    })
    .await;
    let written = match written {
        Ok(()) if letters == 0 => {
            let what = words(choice);
            let why = format!("{what}: there is nothing to export");
            Err(refuse(RefusalKind::NotFound, why))
        }
        Ok(()) => out.flush().map_err(cant),
        refused => refused,
    };
    if let Err(refusal) = written {
        let _ = std::fs::remove_file(file);
        return Err(refusal);
    }
    Ok(Done::Exported {
        letters,
        file: file.to_owned(),
    })
}
