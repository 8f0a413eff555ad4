//! Which letters may be redriven, and why others may not.

use uuid::Uuid;

use super::{Operator, from_store, refuse};
use crate::command::{LetterChoice, Refusal, RefusalKind};
use crate::domain::letter::{Letter, LetterBody, LetterFilter, LetterStatus};

/// Letters to send, and those left out with a reason.
#[derive(Debug, Default)]
pub struct Chosen {
    pub letters: Vec<Letter>,
    pub refused: Vec<(Uuid, String)>,
    /// What was chosen, in words.
    pub what: String,
}

const PAGE: u32 = 1_000;

/// Resolves a choice to letters; nothing eligible is a refusal with the first reason.
pub async fn choose(operator: &Operator, choice: &LetterChoice) -> Result<Chosen, Refusal> {
    let mut chosen = Chosen::default();
    match choice {
        LetterChoice::Ids(ids) => {
            chosen.what = words(choice);
            for id in ids {
                let found = operator
                    .shared
                    .store
                    .letter(*id)
                    .await
                    .map_err(|e| from_store(&e))?;
                match found {
                    Some((letter, _)) => {
                        sort_in(operator, &mut chosen, letter, ids.len() == 1).await?
                    }
                    None => chosen
                        .refused
                        .push((*id, format!("there is no letter {id}"))),
                }
            }
        }
        LetterChoice::Cause(fingerprint) => {
            let open = [LetterStatus::Unresolved, LetterStatus::Parked];
            for letter in of_cause(operator, fingerprint, &open).await? {
                sort_in(operator, &mut chosen, letter, false).await?;
            }
            chosen.what = match chosen.letters.first() {
                Some(letter) => format!("cause {} of {}", letter.code, letter.group_name()),
                None => words(choice),
            };
            // Oldest first, as they came.
            chosen
                .letters
                .sort_by_key(|l| (l.first_failed_at, l.topic.clone(), l.partition, l.offset));
        }
    }
    if chosen.letters.is_empty() {
        let why = chosen.refused.first().map_or_else(
            || "no open letter was chosen".to_owned(),
            |(_, w)| w.clone(),
        );
        return Err(refuse(RefusalKind::Conflict, why));
    }
    Ok(chosen)
}

/// Every letter of a cause in one of these states.
async fn of_cause(
    operator: &Operator,
    fingerprint: &str,
    statuses: &[LetterStatus],
) -> Result<Vec<Letter>, Refusal> {
    let filter = LetterFilter {
        fingerprint: Some(fingerprint.to_owned()),
        statuses: statuses.to_vec(),
        ..LetterFilter::default()
    };
    let store = &operator.shared.store;
    let mut all = Vec::new();
    loop {
        let page = store.letters(&filter, all.len() as u64, PAGE).await;
        let (page, total) = page.map_err(|e| from_store(&e))?;
        let last = page.is_empty();
        all.extend(page);
        if last || all.len() as u64 >= total {
            return Ok(all);
        }
    }
}

/// Hands over each chosen letter with its bytes: those that are named whatever their state, those of a
/// cause in one of these states. One that is named and not there is a refusal.
pub async fn each(
    operator: &Operator,
    choice: &LetterChoice,
    statuses: &[LetterStatus],
    mut take: impl FnMut(&Letter, &LetterBody) -> Result<(), Refusal>,
) -> Result<(), Refusal> {
    let ids: Vec<Uuid> = match choice {
        LetterChoice::Ids(ids) => ids.clone(),
        LetterChoice::Cause(cause) => {
            let letters = of_cause(operator, cause, statuses).await?;
            letters.iter().map(|letter| letter.id).collect()
        }
    };
    for id in ids {
        let found = operator.shared.store.letter(id).await;
        let Some((letter, body)) = found.map_err(|e| from_store(&e))? else {
            let why = format!("there is no letter {id}: nothing was done");
            return Err(refuse(RefusalKind::NotFound, why));
        };
        take(&letter, &body)?;
    }
    Ok(())
}

/// A choice in a few words.
pub fn words(choice: &LetterChoice) -> String {
    match choice {
        LetterChoice::Ids(ids) => match ids.as_slice() {
            [one] => format!("letter {one}"),
            many => format!("{} marked letters", many.len()),
        },
        LetterChoice::Cause(fingerprint) => format!("cause {fingerprint}"),
    }
}

async fn sort_in(
    operator: &Operator,
    chosen: &mut Chosen,
    letter: Letter,
    alone: bool,
) -> Result<(), Refusal> {
    match letter.refusal(alone) {
        Some(why) => chosen.refused.push((letter.id, why)),
        None if letter.status == LetterStatus::Blocked => {
            let key = letter.key.as_deref().unwrap_or_default();
            let store = &operator.shared.store;
            let group = letter.group.as_deref().unwrap_or_default();
            let heads = store.blocked_heads(group, &[key]).await;
            let head = heads.map_err(|e| from_store(&e))?.remove(key);
            match head {
                Some(head) if head != letter.id => chosen.refused.push((
                    letter.id,
                    format!("it waits behind letter {head} of the same key: redrive that one"),
                )),
                _ => chosen.letters.push(letter),
            }
        }
        None => chosen.letters.push(letter),
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use crate::domain::record::Record;
    use crate::kafka::headers::letter;

    /// Why a letter that says it came from `topic` can't be sent.
    fn why(topic: Option<&str>) -> Option<String> {
        let header = |topic: &str| ("dead-letter-topic".to_owned(), Some(topic.into()));
        let record = Record {
            topic: "shop-dlq".into(),
            partition: 0,
            offset: 9,
            timestamp: None,
            key: None,
            value: None,
            headers: topic.map(header).into_iter().collect(),
        };
        letter(&record).0.refusal(true)
    }

    #[test]
    fn a_letter_goes_back_to_a_topic_that_is_known_and_not_kafkas_own() {
        assert_eq!(why(Some("orders")), None);
        let nobodys = why(None).unwrap();
        assert!(nobodys.contains("which topic it came from"), "{nobodys}");
        assert!(nobodys.contains("evtop dlq show"), "{nobodys}");
        let kafkas = why(Some("__consumer_offsets")).unwrap();
        assert!(kafkas.contains("Kafka's own"), "{kafkas}");
    }
}
