//! `evtop inject`, `dlq redrive` and `replay`: asks, then follows the operation until it is over.
//! More than a hundred records, or a production profile, wants `--yes`, since nobody is there to ask.

use std::time::{Duration, Instant};

use serde_json::json;
use uuid::Uuid;

use super::operations::object;
use super::table::{count, moment, number, span};
use super::{End, Output, Ports, Step, json, letters, ports::reason, timeline};
use crate::cli::{Exit, InjectArgs, LetterArgs, RedriveArgs, ReplayArgs, WriteArgs};
use crate::clock;
use crate::command::{
    Command, Confirmed, Done, EventChoice, Focus, LetterChoice, LettersFocus, ReplayTarget, Screen,
    wants_count,
};
use crate::domain::operation::{Operation, OperationState};
use crate::domain::position::Position;
use crate::domain::printable::visible;
use crate::snapshot::{Dependency, DependencyState, Snapshot};

/// How often progress is told at most.
const TELL: Duration = Duration::from_secs(1);

pub(super) async fn inject(
    args: &InjectArgs,
    ports: &mut Ports,
    output: &mut Output<'_>,
) -> Step<Exit> {
    confirm(u64::from(args.count), "order", args.write.yes, ports).await?;
    let command = Command::Inject {
        scenario: args.scenario,
        count: args.count,
    };
    let (scenario, count, order_ids) = match ports.ask(command).await? {
        Done::Injected {
            scenario,
            count,
            order_ids,
        } => (scenario, count, order_ids),
        done => return begun(done, args.write, ports, output).await,
    };
    if output.json {
        let object = json!({
            "scenario": scenario.name(),
            "count": count,
            "order_ids": order_ids,
        });
        json::line(&object, &mut *output.out)?;
    } else {
        for id in &order_ids {
            writeln!(output.out, "{}", visible(id))?;
        }
        output.say(&format!(
            "{count} × {}: {}",
            scenario.name(),
            scenario.help()
        ));
    }
    Ok(Exit::Ok)
}

pub(super) async fn redrive(
    args: &RedriveArgs,
    ports: &mut Ports,
    output: &mut Output<'_>,
) -> Step<Exit> {
    let (choice, letters) = chosen(&args.letters, Some(false), ports, output).await?;
    confirm(letters, "letter", args.write.yes, ports).await?;
    let command = Command::Redrive {
        letters: choice,
        rate: args.rate,
    };
    let done = ports.ask_and(command, args.write.no_wait).await?;
    begun(done, args.write, ports, output).await
}

/// The letters that are meant, and how many they are: open or archived ones; without a word, either. Those of
/// a cause are counted, and what is done to them is bound to that.
pub(super) async fn chosen(
    args: &LetterArgs,
    archived: Option<bool>,
    ports: &mut Ports,
    output: &mut Output<'_>,
) -> Step<(LetterChoice, u64)> {
    let Some(cause) = &args.cause else {
        let mut ids = Vec::with_capacity(args.ids.len());
        for part in &args.ids {
            ids.push(super::ids::letter(part, archived, ports, output).await?);
        }
        ids.sort_unstable();
        ids.dedup();
        let count = ids.len() as u64;
        return Ok((LetterChoice::Ids(ids), count));
    };
    let filter = ports.resolved(args.filter.as_ref());
    let known = letters::known(archived.unwrap_or_default(), ports, output).await?;
    let cause = super::ids::cause(cause, &known)?;
    let (lists, state): (&[bool], _) = match archived {
        Some(false) => (&[false], "open"),
        Some(true) => (&[true], "archived"),
        None => (&[false, true], "open or archived"),
    };
    let mut counted: Option<Confirmed<i64>> = None;
    for archived in lists {
        let wanted = LettersFocus {
            fingerprint: Some(cause.clone()),
            filter: filter.clone(),
            rows: 1,
            archived: *archived,
            ..LettersFocus::default()
        };
        let letters = letters::page(ports, output, wanted).await?;
        if letters.unjudged > 0 {
            let why = format!(
                "{} could not be held against the filter, so nothing was done: after= and before= beside it leave fewer",
                count(letters.unjudged, "letter")
            );
            return Err(End::Said(Exit::Refused, why));
        }
        let listed = letters.causes.iter().find(|c| c.fingerprint == cause);
        let (up_to, before) = counted.map_or((letters.up_to, 0), |c| (c.up_to, c.count));
        let count = before + listed.map_or(letters.rows_total, |c| c.count);
        counted = Some(Confirmed { up_to, count });
    }
    let confirmed = counted.unwrap_or_default();
    if confirmed.count == 0 {
        let why = match filter.is_empty() {
            true => {
                format!("no {state} letter has the cause {cause}; `evtop dlq causes` lists them")
            }
            false => format!("no {state} letter of the cause {cause} passes the filter"),
        };
        return Err(End::Said(Exit::Refused, why));
    }
    let choice = LetterChoice::Cause {
        cause,
        filter,
        confirmed,
    };
    Ok((choice, confirmed.count))
}

pub(super) async fn replay(
    args: &ReplayArgs,
    ports: &mut Ports,
    output: &mut Output<'_>,
) -> Step<Exit> {
    let events = match args.event {
        Some(position) => EventChoice::One(position),
        None => EventChoice::Matching(timeline::filter(&args.events, ports.clock.now())),
    };
    let target = match &args.to_service {
        Some(service) => ReplayTarget::Service(service.clone()),
        None => ReplayTarget::Topic,
    };
    let command = |confirmed| Command::Replay {
        events: events.clone(),
        target: target.clone(),
        rate: args.rate,
        force: args.force,
        confirmed,
        dry_run: confirmed.is_none(),
    };
    let would = ports.ask(command(None)).await?;
    let Done::WouldReplay {
        events: total,
        first,
        last,
        span: length,
    } = would
    else {
        return begun(would, args.write, ports, output).await;
    };
    if args.dry_run {
        if output.json {
            let object = json!({
                "events": total,
                "first": first.map(Position::exact),
                "last": last.map(Position::exact),
                "span_ms": json::millis(length),
            });
            json::line(&object, &mut *output.out)?;
        } else {
            writeln!(
                output.out,
                "would replay {}, positions {} to {}, over {}",
                count(total, "event"),
                number(first.map(Position::exact)),
                number(last.map(Position::exact)),
                span(length)
            )?;
        }
        return Ok(Exit::Ok);
    }
    let (Some(last), 1..) = (last, total) else {
        return Err(End::Said(
            Exit::Refused,
            "no event matches; `evtop timeline` with the same filters shows what does".to_owned(),
        ));
    };
    confirm(total, "event", args.write.yes, ports).await?;
    let confirmed = Confirmed {
        up_to: last,
        count: total,
    };
    let command = command(Some(confirmed));
    let done = ports.ask_and(command, args.write.no_wait).await?;
    begun(done, args.write, ports, output).await
}

/// Refuses what a person would have been asked about.
pub(super) async fn confirm(records: u64, what: &str, yes: bool, ports: &mut Ports) -> Step<()> {
    let known = |s: &Snapshot| (!s.stack.name.is_empty()).then_some(s.stack.production);
    let Some(production) = ports.until(ports.patience, known).await? else {
        let why = reason(&ports.latest(), None);
        return Err(End::Said(Exit::Unavailable, why));
    };
    if yes || !wants_count(records, production) {
        return Ok(());
    }
    let why = if production {
        "in a production profile"
    } else {
        "at once"
    };
    Err(End::Said(
        Exit::Refused,
        format!("{} {why}: add --yes to go ahead", count(records, what)),
    ))
}

/// What follows an answer: an operation that began is followed to its end.
pub(super) async fn begun(
    done: Done,
    write: WriteArgs,
    ports: &mut Ports,
    output: &mut Output<'_>,
) -> Step<Exit> {
    let Done::Started { operation, total } = done else {
        return Err(End::Said(
            Exit::Unexpected,
            "the engine gave another answer".to_owned(),
        ));
    };
    if write.no_wait {
        if output.json {
            let object = json!({ "operation": operation, "total": total });
            json::line(&object, &mut *output.out)?;
        } else {
            writeln!(output.out, "{operation}")?;
            output.say(&format!(
                "{} written down: the `evtop` or `evtop run` that runs there sends them; see `evtop ops`",
                count(total, "record")
            ));
        }
        return Ok(Exit::Ok);
    }
    follow(operation, ports, output).await
}

/// Tells progress until the operation is over. Interrupted, it leaves the operation as it is.
async fn follow(id: Uuid, ports: &mut Ports, output: &mut Output<'_>) -> Step<Exit> {
    ports.look(Focus {
        screen: Screen::Activity,
        ..Focus::default()
    });
    let find = |s: &Snapshot| s.activity.operations.iter().find(|o| o.id == id).cloned();
    if ports
        .until(ports.patience, |s| find(s).map(|_| ()))
        .await?
        .is_none()
    {
        let why = reason(&ports.latest(), None);
        return Err(End::Said(
            Exit::Unavailable,
            format!("operation {id} began and can't be followed: {why}; see `evtop ops`"),
        ));
    }
    let mut told = None;
    let mut down_since = None;
    loop {
        let changed = |s: &Snapshot| {
            let now = find(s)?;
            let news = now.state.is_over() || told != Some((now.state, now.counts));
            news.then_some(now)
        };
        let operation = match ports.until(TELL, changed).await {
            Ok(Some(operation)) => operation,
            Ok(None) => {
                stands_still(id, &mut down_since, ports, output)?;
                continue;
            }
            Err(End::Stopped) => {
                return Err(End::Said(
                    Exit::Partial,
                    format!(
                        "interrupted; operation {id} is written down and goes on as soon as an `evtop` or \
                         `evtop run` is there: `evtop ops` shows it, `evtop ops --cancel {id}` ends it"
                    ),
                ));
            }
            Err(end) => return Err(end),
        };
        if operation.state.is_over() {
            return finish(&operation, output);
        }
        told = Some((operation.state, operation.counts));
        if !output.json {
            output.say(&progress(&operation));
        }
        let stop = ports.stop.clone();
        tokio::select! {
            () = stop.cancelled() => {}
            () = tokio::time::sleep(TELL) => {}
        }
    }
}

/// Says once that nothing moves while something is down, and gives up when that lasts: the operation is written
/// down, and whoever waits for the end should hear that there is none.
fn stands_still(
    id: Uuid,
    since: &mut Option<Instant>,
    ports: &mut Ports,
    output: &mut Output<'_>,
) -> Step<()> {
    let latest = ports.latest();
    let down = |d: &Dependency| d.state == DependencyState::Down;
    if !latest.health.iter().any(down) {
        *since = None;
        return Ok(());
    }
    let why = reason(&latest, None);
    match *since {
        None => {
            *since = Some(clock::instant());
            output.say(&format!("nothing moves: {why}"));
            Ok(())
        }
        Some(began) if began.elapsed() < ports.patience => Ok(()),
        Some(_) => Err(End::Said(
            Exit::Unavailable,
            format!(
                "operation {id} is written down and stands still: {why}; once that is back, an `evtop` or `evtop run` \
                 on this stack goes on with it"
            ),
        )),
    }
}

fn progress(o: &Operation) -> String {
    format!(
        "{} {}: {} of {} sent, {} ok, {} failed again",
        o.kind.name(),
        o.state.name(),
        o.counts.sent,
        o.counts.total,
        o.counts.ok,
        o.counts.failed_again
    )
}

/// The last word on an operation, and the exit code its counts make.
fn finish(o: &Operation, output: &mut Output<'_>) -> Step<Exit> {
    let c = &o.counts;
    if output.json {
        json::line(&object(o), &mut *output.out)?;
    } else {
        let ended = moment(o.ended_at);
        let line = format!(
            "{} {} {} at {ended}: {} of {} ok, {} failed again, {} duplicate, {} unknown, {} refused, {} left",
            o.kind.name(),
            o.id,
            o.state.name(),
            c.ok,
            c.total,
            c.failed_again,
            c.duplicate,
            c.unknown,
            c.refused,
            c.left
        );
        writeln!(output.out, "{line}")?;
        if let Some(note) = &o.note {
            output.say(note);
        }
    }
    let clean = o.state == OperationState::Completed
        && c.failed_again + c.unknown + c.refused + c.left + c.unsent() == 0
        && c.ok + c.duplicate <= c.total;
    Ok(if clean { Exit::Ok } else { Exit::Partial })
}
