//! Into a file for a ticket or a script: letters, a JSON object a line with the bytes, or whatever somebody
//! looks at. The rule: a file that exists is never written over, only its owner may read it, and one that
//! could not be finished does not stay.

use std::fs::File;
use std::io::{BufWriter, Error, ErrorKind, Write};
use std::path::Path;

use super::choose::{each, words};
use super::{Operator, refuse};
use crate::command::{Done, LetterChoice, Refusal, RefusalKind};
use crate::domain::letter::LetterStatus;
use crate::domain::letter_json;

/// A new file that only its owner may read.
fn create(file: &Path) -> Result<File, Refusal> {
    let mut options = File::options();
    options.write(true).create_new(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    options.open(file).map_err(|error| cant(file, &error))
}

fn cant(file: &Path, error: &Error) -> Refusal {
    let why = match error.kind() {
        ErrorKind::AlreadyExists => "it is there already: choose another name".to_owned(),
        _ => error.to_string(),
    };
    let name = file.display();
    refuse(RefusalKind::Conflict, format!("can't write {name}: {why}"))
}

/// Writes bytes to a new file.
pub fn write(bytes: &[u8], file: &Path) -> Result<Done, Refusal> {
    let mut out = create(file)?;
    if let Err(error) = out.write_all(bytes) {
        let _ = std::fs::remove_file(file);
        return Err(cant(file, &error));
    }
    Ok(Done::Written {
        bytes: bytes.len() as u64,
        file: file.to_owned(),
    })
}

/// Writes the chosen letters to a new file.
pub async fn export(
    operator: &Operator,
    choice: &LetterChoice,
    archived: Option<bool>,
    file: &Path,
) -> Result<Done, Refusal> {
    let mut out = BufWriter::new(create(file)?);
    let mut letters = 0;
    // Of a cause, what it counts: never what is resolved, nor what only waits behind another.
    let wanted = |status: &LetterStatus| match (status, archived) {
        (LetterStatus::Resolved | LetterStatus::Blocked, _) => false,
        (LetterStatus::Archived, archived) => archived != Some(false),
        (_, archived) => archived != Some(true),
    };
    let statuses: Vec<LetterStatus> = LetterStatus::ALL.into_iter().filter(wanted).collect();
    let written = each(operator, choice, &statuses, true, |letter, body| {
        letters += 1;
        let line = letter_json::line(&letter_json::full(&letter, &body).into());
        out.write_all(line.as_bytes())
            .map_err(|error| cant(file, &error))
    })
    .await;
    let written = match written {
        Ok(()) if letters == 0 => {
            let what = words(choice);
            let why = format!("{what}: there is nothing to export");
            Err(refuse(RefusalKind::NotFound, why))
        }
        Ok(()) => out.flush().map_err(|error| cant(file, &error)),
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_that_is_there_is_never_written_over() {
        let folder = tempfile::tempdir().expect("a folder");
        let file = folder.path().join("it.bin");
        let written = write(b"\x00\xff", &file).expect("written");
        assert_eq!(
            written,
            Done::Written {
                bytes: 2,
                file: file.clone()
            }
        );
        let refused = write(b"other", &file).expect_err("it is there");
        assert!(refused.sentence.contains("another name"), "{refused:?}");
        assert_eq!(std::fs::read(&file).expect("readable"), b"\x00\xff");
        #[cfg(unix)]
        {
            use std::os::unix::fs::PermissionsExt as _;
            let mode = std::fs::metadata(&file)
                .expect("there")
                .permissions()
                .mode();
            assert_eq!(mode & 0o777, 0o600);
        }
        let nowhere = write(b"x", &folder.path().join("no/such/it")).expect_err("no folder");
        assert!(nowhere.sentence.starts_with("can't write"), "{nowhere:?}");
    }
}
