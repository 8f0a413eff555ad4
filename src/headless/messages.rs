//! `evtop messages`: the records of a topic, from where one says, and on with what comes. Each page is
//! written before the next is asked for, so none is left out however slow the reader is.

use std::collections::BTreeSet;
use std::io;
use std::time::Duration;

use super::ports::{fresh, reason};
use super::table::{Table, key, moment, text};
use super::{End, Output, Ports, Step, json};
use crate::cli::{Exit, MessagesArgs};
use crate::command::{Focus, MessagesFocus, Reading, Screen};
use crate::domain::log_json;
use crate::domain::message::Message;
use crate::snapshot::{Messages, SearchState};

/// How long nothing may come of a search before it is given up.
const QUIET: Duration = Duration::from_secs(3_600);

pub(super) async fn run(
    args: &MessagesArgs,
    ports: &mut Ports,
    output: &mut Output<'_>,
) -> Step<Exit> {
    let mut asked = MessagesFocus {
        topic: Some(args.topic.clone()),
        start: args.from,
        filter: ports.resolved(args.filter.as_ref()),
        mode: if args.follow {
            Reading::Stream
        } else {
            Reading::Search
        },
        page: 0,
    };
    let mut rows = MessageRows::new(output.json);
    let mut left = args.limit.map_or(usize::MAX, |n| n as usize);
    let first = look(ports, &asked);
    // The first answer is waited for as any is; what comes of a search may take its time.
    let known = |s: &_| answer(s, &asked, first).map(|m| m.state);
    match ports.until(ports.patience, known).await? {
        None => return unavailable(ports, output),
        Some(SearchState::NoTopic) => {
            let why = format!(
                "there is no topic {}; `evtop lag` names those that are read",
                args.topic
            );
            return Err(End::Said(Exit::Refused, why));
        }
        Some(SearchState::NoPartition) => {
            let why = format!("{} has no such partition", args.topic);
            return Err(End::Said(Exit::Refused, why));
        }
        Some(_) => {}
    }
    let mut seen = BTreeSet::new();
    let mut said = None;
    loop {
        let step = ports
            .until(QUIET, |s| {
                let trouble = s.messages.error.clone();
                let found = s.messages.value.as_ref().filter(|m| m.asked == asked);
                let new = found.filter(|m| {
                    m.rows.len() > seen.len() && (args.follow || m.state != SearchState::Reading)
                        || matches!(m.state, SearchState::End | SearchState::More)
                });
                (new.is_some() || trouble != said).then(|| (new.cloned(), trouble))
            })
            .await;
        let step = match step {
            // Whoever follows ends it so.
            Err(End::Stopped) if args.follow => return Ok(Exit::Ok),
            step => step?,
        };
        let Some((found, trouble)) = step else {
            continue;
        };
        if trouble != said {
            match &trouble {
                Some(error) => output.say(&format!("messages: {error}; still trying")),
                None => output.say("messages: it answers again"),
            }
            said = trouble;
        }
        let Some(found) = found else {
            continue;
        };
        let new = found.rows.iter().filter(|m| !seen.contains(&m.place()));
        let new: Vec<&Message> = new.take(left).map(AsRef::as_ref).collect();
        rows.write(&new, &mut *output.out)?;
        output.out.flush()?;
        left -= new.len();
        seen.extend(new.iter().map(|m| m.place()));
        match found.state {
            _ if left == 0 => return Ok(Exit::Ok),
            SearchState::End => return end(&found, output),
            SearchState::More => {
                seen.clear();
                asked.page += 1;
                look(ports, &asked);
            }
            _ => {}
        }
    }
}

fn look(ports: &Ports, asked: &MessagesFocus) -> chrono::DateTime<chrono::Utc> {
    ports.look(Focus {
        screen: Screen::Messages,
        messages: asked.clone(),
        ..Focus::default()
    })
}

/// The first answer to this very question.
fn answer<'s>(
    snapshot: &'s crate::snapshot::Snapshot,
    asked: &MessagesFocus,
    at: chrono::DateTime<chrono::Utc>,
) -> Option<&'s Messages> {
    let found = snapshot.messages.value.as_deref()?;
    (fresh(&snapshot.messages, at) && found.asked == *asked).then_some(found)
}

fn unavailable(ports: &mut Ports, output: &mut Output<'_>) -> Step<Exit> {
    let latest = ports.latest();
    let why = reason(&latest, latest.messages.error.as_deref());
    output.unavailable("messages", &why)?;
    Err(End::Said(Exit::Unavailable, format!("messages: {why}")))
}

/// Says what was looked through, and what could not be.
fn end(found: &Messages, output: &mut Output<'_>) -> Step<Exit> {
    if found.matched == 0 || !found.asked.filter.is_empty() {
        output.say(&format!(
            "searched {} records, {} match",
            found.searched, found.matched
        ));
    }
    if found.unread == 0 {
        return Ok(Exit::Ok);
    }
    let why = format!(
        "{} partitions could not be read: nobody leads them",
        found.unread
    );
    Err(End::Said(Exit::Unavailable, why))
}

const COLUMNS: &[(&str, bool)] = &[
    ("PARTITION", true),
    ("OFFSET", true),
    ("TIME", false),
    ("KEY", false),
    ("TYPE", false),
    ("VALUE", false),
];

/// Cells of a value in the table; JSON has all of it.
const VALUE: usize = 160;

/// Writes records as they come, in one table or as JSON lines.
struct MessageRows {
    json: bool,
    table: Table,
}

impl MessageRows {
    fn new(json: bool) -> Self {
        Self {
            json,
            table: Table::new(COLUMNS),
        }
    }

    fn write(&mut self, rows: &[&Message], out: &mut (impl io::Write + ?Sized)) -> io::Result<()> {
        if self.json {
            return rows
                .iter()
                .try_for_each(|m| json::line(&log_json::record(m), out));
        }
        if rows.is_empty() {
            return Ok(());
        }
        self.table
            .write(rows.iter().map(|m| cells(m)).collect(), out)
    }
}

fn cells(it: &Message) -> Vec<String> {
    let value = key(it.record.value.as_deref());
    let value = match value.char_indices().nth(VALUE) {
        Some((at, _)) => format!("{}…", &value[..at]),
        None => value,
    };
    vec![
        it.record.partition.to_string(),
        it.record.offset.to_string(),
        moment(it.record.timestamp),
        key(it.record.key.as_deref()),
        text(it.kind.as_deref()),
        value,
    ]
}
