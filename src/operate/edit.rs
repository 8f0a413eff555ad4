//! Edit and redrive: a letter's event goes to the consumer that failed, changed and under a new id. It is
//! a redrive of one letter whose plan keeps the changed value, so that after a crash the very same record
//! is sent again.

use std::sync::Arc;

use serde::{Deserialize, Serialize};
use uuid::Uuid;

use super::choose::heads;
use super::{Asked, Operator, from_store, redrive, refuse};
use crate::command::{Done, Refusal, RefusalKind};
use crate::domain::edit;
use crate::domain::letter::{Letter, LetterBody};
use crate::domain::record::NewRecord;
use crate::kafka::headers;

/// What an operation keeps of an edit.
#[derive(Clone, Debug, Deserialize, PartialEq, Serialize)]
pub struct Edit {
    pub letter: Uuid,
    pub event_id: Uuid,
    pub value: String,
}

impl Edit {
    /// The edit in an operation's plan; `None` for a redrive of what was not changed.
    pub fn of_plan(plan: &str) -> Option<Self> {
        serde_json::from_str(plan).ok()
    }

    /// The record that is sent in the letter's stead.
    ///
    /// # Errors
    /// Why it can't be sent, as a sentence.
    pub fn record(
        &self,
        letter: &Letter,
        body: &LetterBody,
        redrive: Uuid,
    ) -> Result<NewRecord, String> {
        let record = headers::redrive(letter, body, redrive)
            .ok_or("nothing on it says which topic it came from")?;
        let before = record.value.as_deref();
        let (value, headers) =
            edit::renewed(letter, &record.headers, before, &self.value, self.event_id)?;
        Ok(NewRecord {
            value: Some(value),
            headers,
            ..record
        })
    }
}

/// Checks the edit, writes the operation down and begins.
pub async fn start(
    operator: &Arc<Operator>,
    asked: Asked<'_>,
    letter: Uuid,
    value: &str,
) -> Result<Done, Refusal> {
    let found = operator.shared.store.letter(letter).await;
    let Some((found, body)) = found.map_err(|e| from_store(&e))? else {
        let why = format!("there is no letter {letter}");
        return Err(refuse(RefusalKind::NotFound, why));
    };
    let cant = |kind, why: String| refuse(kind, format!("the letter can't be sent edited: {why}"));
    if let Some(why) = found.edit_refusal() {
        return Err(cant(RefusalKind::Conflict, why));
    }
    if let Some(head) = heads(operator, std::slice::from_ref(&found))
        .await?
        .get(&letter)
    {
        let why = format!("it waits behind letter {head} of the same key: redrive that one first");
        return Err(cant(RefusalKind::Conflict, why));
    }
    let edit = Edit {
        letter,
        event_id: operator.shared.clock.id(),
        value: value.to_owned(),
    };
    edit.record(&found, &body, asked.id)
        .map_err(|why| cant(RefusalKind::Invalid, why))?;
    let plan = serde_json::to_string(&edit)
        .map_err(|error| cant(RefusalKind::Invalid, error.to_string()))?;
    let what = format!("letter {letter}, edited: event {}", edit.event_id);
    redrive::start_edited(operator, asked, found, what, plan).await
}
