//! Dead letters from their index: counts and causes always, rows and bytes only of what is looked at.

use chrono::TimeDelta;

use super::board::{Board, within};
use super::judge::Judge;
use super::sources::Sources;
use crate::command::{Focus, LettersFocus, Screen};
use crate::domain::letter::{LetterFilter, LetterStatus};
use crate::kafka::headers;
use crate::snapshot::{LetterDetail, Letters};

/// Causes that are listed; more are counted.
const MOST_CAUSES: u32 = 200;
/// Letters behind one that are listed; more are counted.
const MOST_WAITING: u32 = 20;

pub async fn poll(sources: &Sources, judge: &mut Judge, board: &Board, focus: &Focus) {
    let now = sources.clock.now();
    let letters = within(sources.timeout, read(sources, judge, focus)).await;
    board.letters.take_in(letters, now);
    let mut blocked = Vec::new();
    let mut failed = None;
    for group in &sources.groups {
        match within(sources.timeout, sources.store.blocked_keys(group)).await {
            Ok(count) => blocked.push((group.clone(), count)),
            Err(error) => failed = Some(error),
        }
    }
    board
        .blocked_keys
        .take_in(failed.map_or(Ok(blocked), Err), now);
    if let (Screen::Letters, Some(id)) = (focus.screen, focus.letters.letter) {
        let detail = within(sources.timeout, async {
            let found = sources.store.letter(id).await?;
            let behind = sources.store.behind(id).await?;
            let waiting = sources.store.letters_behind(id, MOST_WAITING).await?;
            let gone_on = sources.store.gone_on(&[id]).await?;
            Ok::<_, crate::store::StoreError>(found.map(|(letter, body)| {
                LetterDetail {
                    foreign: (letter.family.is_foreign())
                        .then(|| headers::foreign(&body.headers, body.value.as_deref())),
                    body: headers::unwrapped(letter.family, &body),
                    letter,
                    behind,
                    waiting,
                    gone_on,
                }
            }))
        });
        board.letter.take_in(detail.await, now);
    } else {
        board.letter.take_in(Ok(None), now);
    }
}

async fn read(
    sources: &Sources,
    judge: &mut Judge,
    focus: &Focus,
) -> Result<Letters, crate::store::StoreError> {
    let store = &sources.store;
    let now = sources.clock.now();
    // First, so that whatever is counted up to there is counted below.
    let up_to = store.newest_letter().await?;
    let by_status = store.letter_counts().await?;
    let open = by_status
        .iter()
        .filter(|(s, _)| s.is_open() && *s != LetterStatus::Blocked)
        .map(|(_, n)| n)
        .sum();
    // Elsewhere nobody narrows them.
    let looked_at = focus.screen == Screen::Letters;
    let nobody = LettersFocus::default();
    let wanted = if looked_at { &focus.letters } else { &nobody };
    let archived = wanted.archived;
    let mut filter = LetterFilter {
        typed: wanted.filter.clone(),
        statuses: archived
            .then_some(LetterStatus::Archived)
            .into_iter()
            .collect(),
        ..LetterFilter::default()
    };
    let unjudged = judge.narrow(store, &mut filter).await?;
    let (causes, causes_total) = store.causes(&filter, MOST_CAUSES, now).await?;
    let last_minute = store.letters_since(now - TimeDelta::minutes(1)).await?;
    let (rows, rows_total) = if wanted.rows > 0 {
        filter.fingerprint.clone_from(&wanted.fingerprint);
        filter.order = wanted.order;
        store.letters(&filter, wanted.from, wanted.rows).await?
    } else {
        (Vec::new(), 0)
    };
    Ok(Letters {
        by_status,
        up_to,
        open,
        last_minute,
        causes,
        causes_total,
        archived,
        filter: wanted.filter.clone(),
        order: wanted.order,
        unjudged,
        rows,
        rows_total,
        rows_from: wanted.from,
        unread: None,
    })
}
