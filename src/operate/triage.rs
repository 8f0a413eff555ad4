//! What a person decides about letters without sending any: put away with a reason, opened again, noted.
//! What waits behind an archived letter is archived with it or goes on, as it was asked.

use uuid::Uuid;

use super::choose::{each, words};
use super::{Operator, from_store, refuse};
use crate::command::{Behind, Done, LetterChoice, Refusal, RefusalKind};
use crate::domain::letter::LetterStatus;

/// Longest reason or note, in bytes.
const LONGEST: usize = 2_000;

/// Puts letters away.
pub async fn archive(
    operator: &Operator,
    choice: &LetterChoice,
    reason: &str,
    behind: Behind,
) -> Result<Done, Refusal> {
    let reason = fits(reason)?;
    if reason.is_empty() {
        let why = "give the reason: it is what tells a put-away letter from a forgotten one";
        return Err(refuse(RefusalKind::Invalid, why));
    }
    // What only waits behind another is no letter of a cause.
    let open = [LetterStatus::Unresolved, LetterStatus::Parked];
    let mut ids = Vec::new();
    let mut first = None;
    each(operator, choice, &open, false, |letter, _| {
        match letter.archive_refusal() {
            None => ids.push(letter.id),
            Some(why) => first = first.or(Some(why)),
        }
        Ok(())
    })
    .await?;
    if ids.is_empty() {
        let why = first.unwrap_or("there is no open letter left of it");
        let what = words(choice);
        return Err(refuse(
            RefusalKind::Conflict,
            format!("{what} can't be archived: {why}"),
        ));
    }
    let store = &operator.shared.store;
    let behind = behind == Behind::Archive;
    let (letters, behind) = store
        .archive(&ids, reason, behind)
        .await
        .map_err(|e| from_store(&e))?;
    Ok(Done::Archived { letters, behind })
}

/// Opens archived letters again.
pub async fn unarchive(operator: &Operator, choice: &LetterChoice) -> Result<Done, Refusal> {
    let mut ids = Vec::new();
    each(
        operator,
        choice,
        &[LetterStatus::Archived],
        false,
        |letter, _| {
            if letter.status == LetterStatus::Archived {
                ids.push(letter.id);
            }
            Ok(())
        },
    )
    .await?;
    if ids.is_empty() {
        let what = words(choice);
        return Err(refuse(
            RefusalKind::Conflict,
            format!("{what} can't be opened again: nothing of it is archived"),
        ));
    }
    let opened = operator.shared.store.unarchive(&ids).await;
    let letters = opened.map_err(|e| from_store(&e))?;
    Ok(Done::Unarchived { letters })
}

/// Writes a note down; an empty one takes it off.
pub async fn note(operator: &Operator, letter: Uuid, text: &str) -> Result<Done, Refusal> {
    let text = fits(text)?;
    let text = (!text.is_empty()).then_some(text);
    let noted = operator.shared.store.note(letter, text).await;
    match noted.map_err(|e| from_store(&e))? {
        true => Ok(Done::Noted),
        false => Err(refuse(
            RefusalKind::NotFound,
            format!("there is no letter {letter}"),
        )),
    }
}

fn fits(text: &str) -> Result<&str, Refusal> {
    let text = text.trim();
    if text.len() <= LONGEST {
        return Ok(text);
    }
    let why = format!("the text has {} bytes, more than {LONGEST}", text.len());
    Err(refuse(RefusalKind::Invalid, why))
}
