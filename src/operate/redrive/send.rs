//! Sends letters back: each as it was before it failed, or as it was edited. The intent is written down before
//! they go and the broker's acknowledgement after it; a letter that can't be sent says why.

use std::time::Duration;

use super::drive::Fate;
use super::reports;
use crate::domain::letter::{Letter, LetterBody};
use crate::domain::record::NewRecord;
use crate::failpoint;
use crate::kafka::{KafkaError, headers};
use crate::operate::Operator;
use crate::operate::edit::Edit;
use crate::store::Item;

/// How long the record that a letter came from may take to be read.
const SOURCE: Duration = Duration::from_secs(5);

/// Sends the letters of these items and tells what became of each.
pub async fn send(operator: &Operator, items: &[Item], edit: Option<&Edit>) -> Vec<Fate> {
    let (mut fates, mut records, mut told) = (Vec::new(), Vec::new(), Vec::new());
    for item in items {
        failpoint::pass("redrive.queued");
        fates.push(match record(operator, item, edit).await {
            Ok((letter, record)) => {
                records.push(record);
                told.push(reports(&letter) && !operator.rules.attached);
                None
            }
            Err(fate) => Some(fate),
        });
    }
    let results = operator.shared.producer.send_all(&records).await;
    let mut sent = records.into_iter().zip(told).zip(results);
    let fates = fates.into_iter().map(|fate| {
        fate.or_else(|| {
            let ((record, told), result) = sent.next()?;
            Some(match result {
                Ok(at) => {
                    failpoint::pass("redrive.acked");
                    operator.shared.delivered(&record, at);
                    Fate::Sent {
                        place: (record.topic, at.partition, at.offset),
                        told,
                    }
                }
                // One of its key before it was not taken: it goes after that.
                Err(KafkaError::Behind) => Fate::Unanswered(KafkaError::Behind.to_string()),
                Err(error) if error.is_unavailable() => Fate::Unanswered(error.to_string()),
                Err(error) => Fate::Refused(error.to_string()),
            })
        })
    });
    fates
        .map(|fate| fate.unwrap_or_else(|| Fate::Unanswered("no answer".to_owned())))
        .collect()
}

/// A letter and the record that goes in its stead, or why none does.
async fn record(
    operator: &Operator,
    item: &Item,
    edit: Option<&Edit>,
) -> Result<(Letter, NewRecord), Fate> {
    let found = operator.shared.store.letter(item.letter_id).await;
    let found = found.map_err(|error| Fate::Unanswered(error.to_string()))?;
    let (letter, body) = found.ok_or_else(|| Fate::Refused("the letter is gone".to_owned()))?;
    let (letter, body) = rehydrated(operator, letter, body)
        .await
        .map_err(Fate::Refused)?;
    let record = match edit.filter(|edit| edit.letter == letter.id) {
        Some(edit) => edit.record(&letter, &body, item.redrive_id),
        None => headers::redrive(&letter, &body, item.redrive_id)
            .ok_or_else(|| "nothing on it says which topic it came from".to_owned()),
    };
    Ok((letter, record.map_err(Fate::Refused)?))
}

/// The record as it was: two frameworks leave headers behind, so theirs is fetched from its source. Once
/// retention has removed that, what the letter has must do, unless it has no value.
async fn rehydrated(
    operator: &Operator,
    letter: Letter,
    body: LetterBody,
) -> Result<(Letter, LetterBody), String> {
    if letter.family.copies_headers() {
        return Ok((letter, body));
    }
    let (Some(topic), Some(partition), Some(offset)) =
        (&letter.topic, letter.partition, letter.offset)
    else {
        return Ok((letter, body));
    };
    let place = (topic.clone(), partition);
    let found = operator.observer.record_at(place, offset, SOURCE).await;
    match found {
        Ok(Some(record)) if record.offset == offset => {
            let body = LetterBody {
                value: record.value,
                headers: record.headers,
            };
            let key = record.key;
            Ok((Letter { key, ..letter }, body))
        }
        Ok(_) | Err(_) if body.value.is_some() => Ok((letter, body)),
        Ok(_) => Err(format!(
            "{} kept no value, and {topic}/{partition} no longer has the record {offset}",
            letter.family.title()
        )),
        Err(error) => Err(format!(
            "{} kept no value, and its record can't be read: {error}",
            letter.family.title()
        )),
    }
}
