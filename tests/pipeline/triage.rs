//! What must be seen of dead letters and operations.

use std::collections::BTreeMap;
use std::time::Duration;

use evtop::domain::letter::Letter;
use evtop::domain::operation::Operation;
use evtop::pipeline::indexer;

use crate::expect::{Check, ask, maybe, same};
use crate::kafka::DLQ_TEMPLATE;
use crate::records::order_id;
use crate::scenario::{LetterIs, OperationIs};
use crate::world::World;

pub fn letters(found: &[Letter], wanted: &[LetterIs]) -> Check {
    let describe = || {
        let lines = found.iter().map(|l| {
            format!(
                "  {} {:?} of {}: {} {:?} {} outcome {:?}, {:?} attempts, {} redrives, behind {:?}: {}",
                l.group_name(), l.key.as_deref().map(String::from_utf8_lossy), l.from(),
                l.status.name(), l.stage, l.code, l.outcome, l.attempts, l.redrives, l.blocked_by, l.message
            )
        });
        lines.collect::<Vec<_>>().join("\n")
    };
    for kind in wanted {
        let n = found.iter().filter(|l| is(l, kind)).count();
        if n != kind.count.unwrap_or(1) {
            return Err(format!(
                "{n} letters are {kind:?}; there are:\n{}",
                describe()
            ));
        }
    }
    let total: usize = wanted.iter().map(|k| k.count.unwrap_or(1)).sum();
    if total != found.len() {
        return Err(format!(
            "{} letters, expected {total}:\n{}",
            found.len(),
            describe()
        ));
    }
    Ok(())
}

fn is(letter: &Letter, kind: &LetterIs) -> bool {
    fn fits<T: PartialEq + ?Sized>(found: &T, wanted: Option<&T>) -> bool {
        wanted.is_none_or(|w| w == found)
    }
    let key = kind.order.as_ref().map(|o| order_id(o).into_bytes());
    fits(letter.group_name(), kind.group.as_deref())
        && key.is_none_or(|k| letter.key.as_ref() == Some(&k))
        && fits(letter.code.as_str(), kind.code.as_deref())
        && fits(
            letter.stage.map_or("unknown", |s| s.name()),
            kind.stage.as_deref(),
        )
        && fits(letter.status.name(), kind.status.as_deref())
        && fits(
            letter.outcome.map_or("none", |o| o.name()),
            kind.outcome.as_deref(),
        )
        && fits(&letter.attempts.unwrap_or(0), kind.attempts.as_ref())
        && fits(&letter.redrives, kind.redrives.as_ref())
        && fits(
            letter.event_type.as_deref().unwrap_or_default(),
            kind.event.as_deref(),
        )
        && kind
            .message
            .as_ref()
            .is_none_or(|m| letter.message.contains(m))
        && fits(&letter.blocked_by.is_some(), kind.blocked.as_ref())
        && fits(&letter.dlq.is_some(), kind.on_topic.as_ref())
}

pub async fn dlq(world: &World, wanted: &BTreeMap<String, u64>) -> Check {
    let topics = indexer::topics(DLQ_TEMPLATE);
    let places: Vec<_> = topics
        .iter()
        .flat_map(|t| (0..3).map(move |partition| (t.clone(), partition)))
        .collect();
    let ends = ask(world.observer.bounds(places.clone()).await)?;
    let mut found: BTreeMap<String, u64> = BTreeMap::new();
    for ((topic, _), bounds) in places.into_iter().zip(ends) {
        let records = bounds.end.unwrap_or(0) - bounds.first.unwrap_or(0);
        if records > 0 {
            *found.entry(topic).or_default() += records.unsigned_abs();
        }
    }
    same("records in dead-letter topics", &found, wanted)
}

pub fn operation(found: &Operation, wanted: &OperationIs) -> Check {
    let whole = |why: String| format!("{why} (of {found:?})");
    let c = &found.counts;
    maybe(
        "operation",
        found.state.name().to_owned(),
        wanted.state.as_ref(),
    )
    .map_err(whole)?;
    for (what, found, wanted) in [
        ("total", c.total, wanted.total),
        ("sent", c.sent, wanted.sent),
        ("ok", c.ok, wanted.ok),
        ("failed again", c.failed_again, wanted.failed_again),
        ("duplicate", c.duplicate, wanted.duplicate),
        ("unknown", c.unknown, wanted.unknown),
        ("refused", c.refused, wanted.refused),
        ("left", c.left, wanted.left),
    ] {
        maybe(&format!("operation's {what}"), found, wanted.as_ref()).map_err(whole)?;
    }
    maybe("paused", found.paused, wanted.paused.as_ref()).map_err(whole)?;
    if wanted.sent_at_most.is_some_and(|most| c.sent > most) {
        return Err(whole(format!("sent {}", c.sent)));
    }
    let note = found.note.as_deref().unwrap_or_default();
    if wanted
        .note
        .as_ref()
        .is_some_and(|words| !note.contains(words.as_str()))
    {
        return Err(whole("note".into()));
    }
    Ok(())
}

/// A second and more after the last operation began, somebody has said that it is driven.
pub async fn driven(world: &World) -> Check {
    let id = world.last_operation.ok_or("no operation was started")?;
    let silence = Duration::from_millis(1_500);
    let silent = ask(world.store.undriven_operations(silence).await)?;
    let silent = silent.iter().any(|(o, _)| o.id == id);
    same("nobody says that it is driven", &silent, &false)
}
