//! Which letters may be redriven, and why others may not.

use std::collections::{HashMap, HashSet};

use uuid::Uuid;

use super::{Operator, from_store, refuse};
use crate::command::{LetterChoice, Refusal, RefusalKind};
use crate::domain::letter::{Letter, LetterBody, LetterFilter, LetterStatus};
use crate::kafka::headers;

/// Letters to send, and those left out with a reason.
#[derive(Debug, Default)]
pub struct Chosen {
    pub letters: Vec<Letter>,
    pub refused: Vec<(Uuid, String)>,
    /// What was chosen, in words.
    pub what: String,
}

/// Letters that are read at once; with their bytes they are held in memory.
const PAGE: u32 = 500;

/// Resolves a choice to letters; nothing eligible is a refusal with the first reason.
pub async fn choose(operator: &Operator, choice: &LetterChoice) -> Result<Chosen, Refusal> {
    let mut chosen = Chosen::default();
    match choice {
        LetterChoice::Ids(ids) => {
            chosen.what = words(choice);
            for ids_of_page in ids.chunks(PAGE as usize) {
                let rows = named(operator, ids_of_page, false).await?;
                let there: HashSet<Uuid> = rows.iter().map(|(letter, _)| letter.id).collect();
                let gone = ids_of_page.iter().filter(|id| !there.contains(id));
                let gone = gone.map(|id| (*id, format!("there is no letter {id}")));
                chosen.refused.extend(gone);
                for (letter, _) in rows {
                    sort_in(&mut chosen, letter, ids.len() == 1);
                }
            }
        }
        LetterChoice::Cause { filter, .. } => {
            let open = [LetterStatus::Unresolved, LetterStatus::Parked];
            let mut letters = Vec::new();
            each(operator, choice, &open, false, |letter, _| {
                letters.push(letter);
                Ok(())
            })
            .await?;
            for letter in letters {
                sort_in(&mut chosen, letter, false);
            }
            chosen.what = match chosen.letters.first() {
                Some(letter) => {
                    let cause = format!("cause {} of {}", letter.code, letter.group_name());
                    match filter.is_empty() {
                        true => cause,
                        false => format!("{cause} where {filter}"),
                    }
                }
                None => words(choice),
            };
        }
    }
    behind_others(operator, &mut chosen).await?;
    if chosen.letters.is_empty() {
        let why = chosen.refused.first().map_or_else(
            || "no open letter was chosen".to_owned(),
            |(_, w)| w.clone(),
        );
        return Err(refuse(RefusalKind::Conflict, why));
    }
    Ok(chosen)
}

/// A page of letters by their ids, whatever their state; those that are not there are left out.
async fn named(
    operator: &Operator,
    ids: &[Uuid],
    bodies: bool,
) -> Result<Vec<(Letter, LetterBody)>, Refusal> {
    let filter = LetterFilter {
        among: Some(ids.to_vec()),
        statuses: LetterStatus::ALL.to_vec(),
        ..LetterFilter::default()
    };
    let page = operator.shared.store.letter_page(&filter, 0, PAGE, bodies);
    Ok(page.await.map_err(|e| from_store(&e))?.rows)
}

/// Hands over each chosen letter, in pages and with its bytes where they are wanted: those that are named
/// whatever their state, the others in one of these states. One that is named and not there is a refusal;
/// of a cause, more than were confirmed are one, which comes at the end: nothing may be done before.
pub async fn each(
    operator: &Operator,
    choice: &LetterChoice,
    statuses: &[LetterStatus],
    bodies: bool,
    mut take: impl FnMut(Letter, LetterBody) -> Result<(), Refusal>,
) -> Result<(), Refusal> {
    let (cause, typed, confirmed) = match choice {
        LetterChoice::Ids(ids) => {
            for ids in ids.chunks(PAGE as usize) {
                let rows = named(operator, ids, bodies).await?;
                let there: HashSet<Uuid> = rows.iter().map(|(letter, _)| letter.id).collect();
                if let Some(id) = ids.iter().find(|id| !there.contains(id)) {
                    let why = format!("there is no letter {id}: nothing was done");
                    return Err(refuse(RefusalKind::NotFound, why));
                }
                for (letter, body) in rows {
                    take(letter, body)?;
                }
            }
            return Ok(());
        }
        LetterChoice::Cause {
            cause,
            filter,
            confirmed,
        } => (cause, filter, *confirmed),
    };
    let filter = LetterFilter {
        fingerprint: Some(cause.clone()),
        statuses: statuses.to_vec(),
        typed: typed.clone(),
        up_to: Some(confirmed.up_to),
        ..LetterFilter::default()
    };
    let bodies = bodies || typed.reads_body();
    let mut after = 0;
    let mut matched = 0;
    loop {
        let page = operator
            .shared
            .store
            .letter_page(&filter, after, PAGE, bodies);
        let page = page.await.map_err(|e| from_store(&e))?;
        for (letter, body) in page.rows {
            // What the store could not judge is judged here.
            if typed.is_plain() || headers::passes(typed, &letter, &body) {
                matched += 1;
                take(letter, body)?;
            }
        }
        match page.next {
            Some(next) => after = next,
            None => break,
        }
    }
    match confirmed.refusal(matched, "letter") {
        Some(why) => Err(refuse(RefusalKind::Conflict, why)),
        None => Ok(()),
    }
}

/// Leaves out what waits behind a letter that is not chosen: it must not overtake that. What waits behind one that
/// is goes after it.
async fn behind_others(operator: &Operator, chosen: &mut Chosen) -> Result<(), Refusal> {
    let heads = heads(operator, &chosen.letters).await?;
    if heads.is_empty() {
        return Ok(());
    }
    let ids: HashSet<Uuid> = chosen.letters.iter().map(|letter| letter.id).collect();
    let goes = |letter: &Letter| heads.get(&letter.id).is_none_or(|head| ids.contains(head));
    let (kept, waits): (Vec<Letter>, Vec<Letter>) = std::mem::take(&mut chosen.letters)
        .into_iter()
        .partition(goes);
    chosen.letters = kept;
    chosen.refused.extend(waits.into_iter().map(|letter| {
        let head = heads.get(&letter.id).copied().unwrap_or_default();
        let why = format!("it waits behind letter {head} of the same key: redrive that one");
        (letter.id, why)
    }));
    Ok(())
}

/// For each of these letters that is not its key's head, which one is. Letters of others hold no key.
pub async fn heads(
    operator: &Operator,
    letters: &[Letter],
) -> Result<HashMap<Uuid, Uuid>, Refusal> {
    let mut groups: HashMap<&str, Vec<(&[u8], Uuid)>> = HashMap::new();
    for letter in letters.iter().filter(|l| !l.family.is_foreign()) {
        let key = letter.key.as_deref().filter(|key| !key.is_empty());
        if let (Some(group), Some(key)) = (letter.group.as_deref(), key) {
            groups.entry(group).or_default().push((key, letter.id));
        }
    }
    let mut behind = HashMap::new();
    for (group, keyed) in groups {
        for keyed in keyed.chunks(PAGE as usize) {
            let keys: Vec<&[u8]> = keyed.iter().map(|(key, _)| *key).collect();
            let heads = operator.shared.store.blocked_heads(group, &keys).await;
            let heads = heads.map_err(|e| from_store(&e))?;
            let other = |(key, id): &(&[u8], Uuid)| {
                let head = heads.get(*key).filter(|head| *head != id)?;
                Some((*id, *head))
            };
            behind.extend(keyed.iter().filter_map(other));
        }
    }
    Ok(behind)
}

/// A choice in a few words.
pub fn words(choice: &LetterChoice) -> String {
    match choice {
        LetterChoice::Ids(ids) => match ids.as_slice() {
            [one] => format!("letter {one}"),
            many => format!("{} marked letters", many.len()),
        },
        LetterChoice::Cause { .. } => choice.to_string(),
    }
}

fn sort_in(chosen: &mut Chosen, letter: Letter, alone: bool) {
    match letter.refusal(alone) {
        Some(why) => chosen.refused.push((letter.id, why)),
        None => chosen.letters.push(letter),
    }
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
