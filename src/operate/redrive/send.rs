//! Sends one letter back: as it was before it failed, or as it was edited. The intent is written down before
//! it goes and the broker's acknowledgement after it; a letter that can't be sent says why.

use std::time::Duration;

use super::drive::Halt;
use crate::domain::letter::{Letter, LetterBody};
use crate::failpoint;
use crate::kafka::headers;
use crate::operate::Operator;
use crate::operate::edit::Edit;
use crate::store::Item;

/// How long the record that a letter came from may take to be read.
const SOURCE: Duration = Duration::from_secs(5);

/// Sends one letter; `false` when there is nothing to wait for.
pub async fn send(operator: &Operator, item: &Item, edit: Option<&Edit>) -> Result<bool, Halt> {
    let store = &operator.shared.store;
    if !store.item_queued(item.redrive_id).await? {
        // Refused there and then, or reported meanwhile: nothing is to be sent.
        return Ok(true);
    }
    failpoint::pass("redrive.queued");
    let Some((letter, body)) = store.letter(item.letter_id).await? else {
        store
            .item_refused(item.redrive_id, "the letter is gone")
            .await?;
        return Ok(false);
    };
    let (letter, body) = match rehydrated(operator, letter, body).await {
        Ok(whole) => whole,
        Err(why) => {
            store.item_refused(item.redrive_id, &why).await?;
            return Ok(false);
        }
    };
    let record = match edit.filter(|edit| edit.letter == letter.id) {
        Some(edit) => edit.record(&letter, &body, item.redrive_id),
        None => headers::redrive(&letter, &body, item.redrive_id)
            .ok_or_else(|| "nothing on it says which topic it came from".to_owned()),
    };
    let record = match record {
        Ok(record) => record,
        Err(why) => {
            store.item_refused(item.redrive_id, &why).await?;
            return Ok(false);
        }
    };
    match operator.shared.producer.send(&record).await {
        Ok(place) => {
            failpoint::pass("redrive.acked");
            operator.shared.delivered(&record, place);
            store
                .item_sent(
                    item.redrive_id,
                    &record.topic,
                    place.partition,
                    place.offset,
                )
                .await?;
            Ok(true)
        }
        Err(error) if error.is_unavailable() => Err(Halt::Down(error.to_string())),
        Err(error) => {
            store
                .item_refused(item.redrive_id, &error.to_string())
                .await?;
            Ok(false)
        }
    }
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
