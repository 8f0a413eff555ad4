//! `evtop timeline`: the event store, oldest first, and on with what comes.

use std::collections::VecDeque;
use std::io::{self, Write};
use std::time::Duration;

use chrono::{DateTime, Utc};

use super::ports::{fresh, reason};
use super::table::{Table, moment};
use super::{End, Output, Ports, Step, json};
use crate::cli::{EventArgs, Exit, TimelineArgs};
use crate::command::{Anchor, Focus, Screen, TimelineFocus};
use crate::domain::log_json;
use crate::domain::position::Position;
use crate::domain::stored::{EventFilter, StoredEvent};
use crate::snapshot::{Snapshot, Timeline};

/// Events asked for at once.
const PAGE: u32 = 500;

/// The filter that was typed, with "ago" counted from now.
pub(super) fn filter(args: &EventArgs, now: DateTime<Utc>) -> EventFilter {
    EventFilter {
        stream: args.stream.clone(),
        from_version: args.from_version,
        event_type: args.event_type.clone(),
        correlation_id: args.correlation,
        event_id: None,
        from: args.from.map(|from| from.at(now)),
        to: args.to.map(|to| to.at(now)),
        types: Vec::new(),
        up_to: None,
    }
}

pub(super) async fn run(
    args: &TimelineArgs,
    ports: &mut Ports,
    output: &mut Output<'_>,
) -> Step<Exit> {
    let filter = filter(&args.events, ports.clock.now());
    let mut rows = EventRows::new(output.json);
    let (events, trouble) = newest(args.limit as usize, &filter, ports).await?;
    rows.write(&events, &mut *output.out)?;
    if let Some(why) = trouble {
        output.unavailable("timeline", &why)?;
        return Err(End::Said(Exit::Unavailable, format!("timeline: {why}")));
    }
    if !args.follow {
        return Ok(Exit::Ok);
    }
    output.out.flush()?;
    let last = events.last().map(|event| event.position);
    match follow(last, &filter, &mut rows, ports, output).await {
        Err(End::Stopped) => Ok(Exit::Ok),
        ended => ended,
    }
}

/// The newest events, oldest first, page by page; and why there are no more, where that is a fault.
async fn newest(
    limit: usize,
    filter: &EventFilter,
    ports: &mut Ports,
) -> Step<(Vec<StoredEvent>, Option<String>)> {
    let mut events: VecDeque<StoredEvent> = VecDeque::new();
    let mut anchor = Anchor::Newest;
    loop {
        let left = limit - events.len();
        let asked = look(
            ports,
            filter,
            anchor,
            u32::try_from(left).unwrap_or(PAGE).min(PAGE),
        );
        let answer = |s: &Snapshot| answer(s, asked, filter, anchor).cloned();
        let Some(page) = ports.until(ports.patience, answer).await? else {
            let latest = ports.latest();
            let why = reason(&latest, latest.timeline.error.as_deref());
            return Ok((events.into(), Some(why)));
        };
        let first = page.rows.first().map(|event| event.position);
        for event in page.rows.into_iter().rev().take(left) {
            events.push_front(event);
        }
        match first {
            Some(first) if !page.at_start && events.len() < limit => anchor = Anchor::Before(first),
            _ => return Ok((events.into(), None)),
        }
    }
}

fn look(ports: &Ports, filter: &EventFilter, anchor: Anchor, rows: u32) -> DateTime<Utc> {
    ports.look(Focus {
        screen: Screen::Timeline,
        timeline: TimelineFocus {
            filter: filter.clone(),
            anchor,
            rows,
            event: None,
        },
        ..Focus::default()
    })
}

/// The page of a snapshot, where it answers this very question and not the one before.
fn answer<'s>(
    snapshot: &'s Snapshot,
    asked: DateTime<Utc>,
    filter: &EventFilter,
    anchor: Anchor,
) -> Option<&'s Timeline> {
    let page = snapshot.timeline.value.as_ref()?;
    let place = match anchor {
        Anchor::Newest => true,
        Anchor::Before(end) => page.rows.iter().all(|event| event.position < end),
        Anchor::After(start) => page.rows.iter().all(|event| event.position > start),
    };
    let fits =
        fresh(&snapshot.timeline, asked) && place && page.rows.iter().all(|e| filter.matches(e));
    fits.then_some(page)
}

/// Goes on with new events until stopped. A source that fails is said once, and once that it is back.
async fn follow(
    mut last: Option<Position>,
    filter: &EventFilter,
    rows: &mut EventRows,
    ports: &mut Ports,
    output: &mut Output<'_>,
) -> Step<Exit> {
    let mut said: Option<String> = None;
    loop {
        let anchor = last.map_or(Anchor::Newest, Anchor::After);
        let asked = look(ports, filter, anchor, PAGE);
        let page = loop {
            let wait = Duration::from_secs(3_600);
            let seen = ports
                .until(wait, |s| {
                    let page = answer(s, asked, filter, anchor).filter(|p| !p.rows.is_empty());
                    let changed = s.timeline.error != said;
                    (page.is_some() || changed).then(|| (page.cloned(), s.timeline.error.clone()))
                })
                .await?;
            let Some((page, error)) = seen else {
                continue;
            };
            if error != said {
                output.say(&match &error {
                    Some(error) => format!("timeline: {error}; still trying"),
                    None => "timeline: it answers again".to_owned(),
                });
                said = error;
            }
            if let Some(page) = page {
                break page;
            }
        };
        rows.write(&page.rows, &mut *output.out)?;
        output.out.flush()?;
        last = page.rows.last().map(|event| event.position);
    }
}

const COLUMNS: &[(&str, bool)] = &[
    ("POSITION", true),
    ("TIME", false),
    ("STREAM", false),
    ("VERSION", true),
    ("TYPE", false),
    ("SCHEMA", true),
    ("SOURCE", false),
    ("CORRELATION", false),
];

/// Writes events as they come, in one table or as JSON lines.
pub struct EventRows {
    json: bool,
    table: Table,
}

impl EventRows {
    #[must_use]
    pub fn new(json: bool) -> Self {
        Self {
            json,
            table: Table::new(COLUMNS),
        }
    }

    /// Writes a row for each event, as given.
    pub fn write(
        &mut self,
        events: &[StoredEvent],
        out: &mut (impl Write + ?Sized),
    ) -> io::Result<()> {
        if self.json {
            return events
                .iter()
                .try_for_each(|event| json::line(&log_json::event(event), out));
        }
        self.table.write(events.iter().map(cells).collect(), out)
    }
}

fn cells(event: &StoredEvent) -> Vec<String> {
    vec![
        event.position.exact(),
        moment(Some(event.timestamp)),
        event.stream.clone(),
        event.version.to_string(),
        event.event_type.clone(),
        event.event_version.to_string(),
        event.source_service.clone(),
        event.correlation_id.to_string(),
    ]
}
