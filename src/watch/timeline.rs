//! The event store: totals always, a page and one event's detail only when looked at.

use std::collections::BTreeSet;
use std::time::Duration;

use uuid::Uuid;

use super::board::{Board, within};
use super::sources::Sources;
use crate::command::{Anchor, Focus, Screen, TimelineFocus};
use crate::domain::event::Event;
use crate::domain::letter::{Letter, LetterFilter, LetterStatus};
use crate::domain::order::{Order, diff};
use crate::domain::reader::{Limits, read, read_envelope};
use crate::domain::stored::{EventFilter, StoredEvent};
use crate::domain::upcast;
use crate::snapshot::{EventDetail, StoreTotals, Timeline};
use crate::store::{Page, StoreError};

/// How long readers may wait for somebody's transaction before it is worth a word.
const HELD: Duration = Duration::from_secs(2);

pub async fn poll(sources: &Sources, board: &Board, focus: &Focus) {
    let now = sources.clock.now();
    let totals = within(sources.timeout, totals(sources)).await;
    let events = totals.as_ref().ok().map(|t| t.events);
    board.totals.take_in(totals, now);
    if focus.screen != Screen::Timeline {
        return;
    }
    let page = within(sources.timeout, page(sources, &focus.timeline, events)).await;
    board.timeline.take_in(page, now);
    let event = within(sources.timeout, detail(sources, &focus.timeline)).await;
    board.event.take_in(event, now);
}

async fn totals(sources: &Sources) -> Result<StoreTotals, StoreError> {
    let (events, streams) = sources.store.totals().await?;
    let holder = sources.store.tail_held_by(HELD).await?;
    Ok(StoreTotals {
        events,
        streams,
        held_by: holder.map(|h| h.to_string()),
    })
}

async fn page(
    sources: &Sources,
    wanted: &TimelineFocus,
    events: Option<u64>,
) -> Result<Timeline, StoreError> {
    let page = match wanted.anchor {
        Anchor::Newest => Page::Newest,
        Anchor::Before(position) => Page::Before(position),
        Anchor::After(position) => Page::After(position),
    };
    let rows = wanted.rows.max(1);
    let found = sources.store.events(&wanted.filter, page, rows).await?;
    // Counting reads everything that matches: the total is free without a filter, and where all is here.
    let total = if found.at_start && found.at_end {
        Some(found.rows.len() as u64)
    } else {
        events.filter(|_| wanted.filter == EventFilter::default())
    };
    let letters = match wanted.filter.correlation_id {
        Some(id) => letters(sources, id, &found.rows).await?,
        None => Vec::new(),
    };
    Ok(Timeline {
        letters,
        total,
        rows: found.rows,
        at_end: found.at_end,
        at_start: found.at_start,
    })
}

/// Dead letters of a correlation, oldest first. They are looked up by the key that events of a stream are
/// sent with, which both databases have an index for.
async fn letters(
    sources: &Sources,
    correlation: Uuid,
    events: &[StoredEvent],
) -> Result<Vec<Letter>, StoreError> {
    const STREAMS: usize = 4;
    const MOST: u32 = 50;
    let streams: BTreeSet<&str> = events.iter().map(|e| e.stream.as_str()).collect();
    let mut letters = Vec::new();
    for stream in streams.into_iter().take(STREAMS) {
        let key = stream.strip_prefix("order-").unwrap_or(stream);
        let filter = LetterFilter {
            key: Some(key.as_bytes().to_vec()),
            statuses: LetterStatus::ALL.to_vec(),
            ..LetterFilter::default()
        };
        letters.extend(sources.store.letters(&filter, 0, MOST).await?.0);
    }
    letters.retain(|letter| letter.correlation_id == Some(correlation));
    letters.sort_by_key(|letter| letter.first_failed_at);
    Ok(letters)
}

async fn detail(
    sources: &Sources,
    wanted: &TimelineFocus,
) -> Result<Option<EventDetail>, StoreError> {
    let Some(position) = wanted.event else {
        return Ok(None);
    };
    let Some(event) = sources.store.event(position).await? else {
        return Ok(None);
    };
    let stream = sources
        .store
        .stream_until(&event.stream, event.version)
        .await?;
    Ok(Some(explain(event, &stream)))
}

/// What an event is and did, worked out from its stream up to it.
#[must_use]
pub fn explain(event: StoredEvent, stream: &[StoredEvent]) -> EventDetail {
    let mut errors = Vec::new();
    let mut facts = Vec::new();
    for stored in stream {
        match read(&stored.as_record(""), &Limits::NONE) {
            Ok(read) => facts.push((read.event, stored.timestamp)),
            Err(reject) => errors.push(format!(
                "version {} can't be read: {}",
                stored.version, reject.reason
            )),
        }
    }
    let fold = |facts: &[(Event, chrono::DateTime<chrono::Utc>)]| {
        Order::fold(facts.iter().map(|(e, at)| (e, *at)))
    };
    let after = fold(&facts);
    let before = fold(&facts[..facts.len().saturating_sub(1)]);
    let changes = diff(&before, &after)
        .into_iter()
        .map(|c| (c.field.to_string(), c.before, c.after))
        .collect();
    let state = after
        .fields()
        .into_iter()
        .map(|(name, value)| (name.to_owned(), value))
        .collect();
    let previous = stream.iter().rev().find(|e| e.version < event.version);
    let since_previous = previous.and_then(|p| (event.timestamp - p.timestamp).to_std().ok());
    let upcasted = upcasted(&event).unwrap_or_else(|error| {
        errors.push(error);
        None
    });
    EventDetail {
        event,
        upcasted,
        state,
        changes,
        since_previous,
        error: errors.into_iter().next(),
    }
}

/// The payload as the newest schema sees it; `None` when it is the newest already.
fn upcasted(event: &StoredEvent) -> Result<Option<String>, String> {
    let (mut envelope, _) =
        read_envelope(&event.as_record(""), &Limits::NONE).map_err(|r| r.reason)?;
    let before = envelope.event_version;
    let data = std::mem::take(&mut envelope.data);
    let (version, data) =
        upcast::upcast(envelope.event_type, before, data).map_err(|r| r.reason)?;
    if version == before {
        return Ok(None);
    }
    envelope.event_version = version;
    envelope.data = data;
    let value: serde_json::Value =
        serde_json::from_slice(&envelope.to_bytes()).map_err(|e| e.to_string())?;
    serde_json::to_string_pretty(&value)
        .map(Some)
        .map_err(|e| e.to_string())
}
