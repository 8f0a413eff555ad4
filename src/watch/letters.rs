//! Dead letters from their index: counts and causes always, rows and bytes only of what is looked at.

use chrono::TimeDelta;

use super::board::{Board, within};
use super::sources::Sources;
use crate::command::{Focus, Screen};
use crate::domain::letter::{LetterFilter, LetterStatus};
use crate::kafka::headers;
use crate::snapshot::{LetterDetail, Letters};

/// Causes that are listed; more are counted.
const MOST_CAUSES: u32 = 200;

pub async fn poll(sources: &Sources, board: &Board, focus: &Focus) {
    let now = sources.clock.now();
    let letters = within(sources.timeout, read(sources, focus)).await;
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
            Ok::<_, crate::store::StoreError>(found.map(|(letter, body)| {
                LetterDetail {
                    foreign: (letter.family.is_foreign())
                        .then(|| headers::foreign(&body.headers, body.value.as_deref())),
                    body: headers::unwrapped(letter.family, &body),
                    letter,
                    behind,
                }
            }))
        });
        board.letter.take_in(detail.await, now);
    } else {
        board.letter.take_in(Ok(None), now);
    }
}

async fn read(sources: &Sources, focus: &Focus) -> Result<Letters, crate::store::StoreError> {
    let store = &sources.store;
    let now = sources.clock.now();
    let by_status = store.letter_counts().await?;
    let open = by_status
        .iter()
        .filter(|(s, _)| s.is_open() && *s != LetterStatus::Blocked)
        .map(|(_, n)| n)
        .sum();
    let archived = focus.screen == Screen::Letters && focus.letters.archived;
    let (causes, causes_total) = if archived {
        store.archived_causes(MOST_CAUSES, now).await?
    } else {
        store.causes(MOST_CAUSES, now).await?
    };
    // The text narrows causes as it narrows letters.
    let text = focus
        .letters
        .text
        .as_deref()
        .unwrap_or_default()
        .to_lowercase();
    let mut causes = causes;
    causes.retain(|c| {
        let group = c.group.as_deref().unwrap_or_default();
        let all = [&c.code, &c.title, group];
        focus.screen != Screen::Letters || all.iter().any(|t| t.to_lowercase().contains(&text))
    });
    let last_minute = store.letters_since(now - TimeDelta::minutes(1)).await?;
    let wanted = &focus.letters;
    let (rows, rows_total) = if focus.screen == Screen::Letters && wanted.rows > 0 {
        let filter = LetterFilter {
            fingerprint: wanted.fingerprint.clone(),
            text: wanted.text.clone(),
            statuses: archived
                .then_some(LetterStatus::Archived)
                .into_iter()
                .collect(),
            ..LetterFilter::default()
        };
        store.letters(&filter, wanted.from, wanted.rows).await?
    } else {
        (Vec::new(), 0)
    };
    Ok(Letters {
        by_status,
        open,
        last_minute,
        causes,
        causes_total,
        archived,
        rows,
        rows_total,
        rows_from: wanted.from,
        unread: None,
    })
}
