//! What must come to be. Everything is asked of Kafka and of the database, again and again until it is
//! so or the time is over; only counters of what happened come from the meters.

use std::collections::BTreeMap;
use std::fmt::Debug;
use std::time::Duration;

use evtop::clock;
use evtop::domain::stored::EventFilter;
use evtop::kafka::offsets::Bounds;
use evtop::pipeline::indexer;
use evtop::pipeline::worker::Worker;
use evtop::store::Page;

use crate::kafka::DLQ_TEMPLATE;
use crate::records::order_id;
use crate::scenario::{Expect, Meters};
use crate::triage::{dlq, driven, letters, operation};
use crate::world::World;

/// Generous: other tests run at the same time.
pub const DEADLINE: Duration = Duration::from_secs(30);

pub type Check = Result<(), String>;

/// Looks until everything is as expected; the last difference is the failure.
pub async fn wait_for(world: &World, expect: &Expect) -> Check {
    let limit = expect.within_ms.map_or(DEADLINE, Duration::from_millis);
    let started = clock::instant();
    loop {
        let check = look(world, expect).await;
        if check.is_ok() || started.elapsed() > limit {
            return check
                .map_err(|why| format!("after {:.1} s: {why}", started.elapsed().as_secs_f64()));
        }
        tokio::time::sleep(Duration::from_millis(25)).await;
    }
}

async fn look(world: &World, expect: &Expect) -> Check {
    if expect.unsettled {
        outbox(world, expect).await?;
    } else {
        settled(world, expect).await?;
    }
    for (service, wanted) in &expect.meters {
        meters(world, service, wanted)?;
    }
    services(world, expect).await?;
    stored(world, expect).await?;
    states(world, expect).await?;
    if let Some(wanted) = &expect.letters {
        letters(&world.letters().await, wanted)?;
    }
    if let Some(wanted) = &expect.dlq {
        dlq(world, wanted).await?;
    }
    if let Some(wanted) = &expect.operation {
        let id = world.last_operation.ok_or("no operation was started")?;
        let found = ask(world.store.operation(id).await)?.ok_or("the operation is gone")?;
        operation(&found, wanted)?;
    }
    if expect.driven {
        driven(world).await?;
    }
    Ok(())
}

pub fn same<T: PartialEq + Debug>(what: &str, found: &T, wanted: &T) -> Check {
    if found == wanted {
        return Ok(());
    }
    Err(format!("{what}: {found:?}, expected {wanted:?}"))
}

pub fn maybe<T: PartialEq + Debug>(what: &str, found: T, wanted: Option<&T>) -> Check {
    wanted.map_or(Ok(()), |wanted| same(what, &found, wanted))
}

pub fn ask<T>(answer: Result<T, impl ToString>) -> Result<T, String> {
    answer.map_err(|e| e.to_string())
}

/// Every group has committed the end of each of its partitions, and the outbox holds what it should.
/// Offsets come twice: what was written while the outbox was looked at is read as well.
async fn settled(world: &World, expect: &Expect) -> Check {
    committed(world).await?;
    outbox(world, expect).await?;
    committed(world).await
}

async fn outbox(world: &World, expect: &Expect) -> Check {
    let outbox = ask(world.store.outbox_summary().await)?;
    same("rows in the outbox", &outbox.pending, &expect.outbox)
}

async fn committed(world: &World) -> Check {
    let mut groups: Vec<(&str, Vec<String>)> = world
        .services()
        .iter()
        .map(|s| {
            (
                s.row().group,
                s.row().topics.iter().map(|t| (*t).to_owned()).collect(),
            )
        })
        .collect();
    groups.push((indexer::GROUP, indexer::topics(DLQ_TEMPLATE)));
    for (group, topics) in groups {
        let places: Vec<_> = topics
            .iter()
            .flat_map(|t| (0..3).map(move |partition| (t.clone(), partition)))
            .collect();
        let ends = ask(world.observer.bounds(places.clone()).await)?;
        let at = ask(world.observer.committed(group, places.clone()).await)?;
        for ((place, Bounds { end, .. }), at) in places.iter().zip(ends).zip(at) {
            let end = end.ok_or("no end")?;
            if at.unwrap_or(0) != end {
                return Err(format!(
                    "{group} has committed {at:?} of {end} on {place:?}"
                ));
            }
        }
    }
    Ok(())
}

fn workers<'a>(world: &'a World, service: &'a str) -> impl Iterator<Item = &'a Worker> {
    world
        .workers
        .iter()
        .map(AsRef::as_ref)
        .filter(move |w| w.service.row().name == service)
}

fn meters(world: &World, service: &str, wanted: &Meters) -> Check {
    let sum = |count: fn(&Worker) -> u64| workers(world, service).map(count).sum::<u64>();
    let handled = sum(|w| w.meter.handled.get());
    let within = wanted.handled_at_least.is_none_or(|n| handled >= n)
        && wanted.handled_at_most.is_none_or(|n| handled <= n);
    if !within {
        return Err(format!(
            "{service} has handled {handled}, expected {wanted:?}"
        ));
    }
    for (what, found, wanted) in [
        ("handled", handled, wanted.handled),
        (
            "duplicates",
            sum(|w| w.meter.duplicates.get()),
            wanted.duplicates,
        ),
        ("dead", sum(|w| w.meter.dead.get()), wanted.dead),
        ("queued", sum(|w| w.meter.queued.get()), wanted.queued),
        ("retries", sum(|w| w.meter.retries.get()), wanted.retries),
        ("skipped", sum(|w| w.meter.skipped.get()), wanted.skipped),
    ] {
        maybe(&format!("{service} {what}"), found, wanted.as_ref())?;
    }
    Ok(())
}

/// What the services wrote.
async fn services(world: &World, expect: &Expect) -> Check {
    let mut mails = ask(world.store.emails_newest(100_000).await)?;
    mails.reverse();
    maybe("mails", mails.len(), expect.mails.as_ref())?;
    for (order, wanted) in &expect.mails_of {
        let found: Vec<&str> = mails
            .iter()
            .filter(|m| m.order_id == order_id(order))
            .map(|m| m.subject.as_str())
            .collect();
        let alike =
            found.len() == wanted.len() && found.iter().zip(wanted).all(|(f, w)| f.contains(w));
        if !alike {
            return Err(format!("mails of {order}: {found:?}, expected {wanted:?}"));
        }
    }
    let stock = ask(world.store.stock().await)?;
    for (product, wanted) in &expect.stock {
        let row = stock
            .iter()
            .find(|r| r.product_id == *product)
            .ok_or(format!("no stock of {product}"))?;
        same(
            &format!("stock of {product}"),
            &(row.available, row.reserved),
            wanted,
        )?;
    }
    let windows = ask(world.store.windows_newest(1_000).await)?;
    let orders = windows.iter().map(|w| w.orders).sum();
    maybe(
        "orders counted by analytics",
        orders,
        expect.counted_orders.as_ref(),
    )?;
    for (group, wanted) in &expect.blocked_keys {
        let found = ask(world.store.blocked_keys(group).await)?;
        same(&format!("blocked keys of {group}"), &found, wanted)?;
    }
    Ok(())
}

/// Event store, outbox and audit.
async fn stored(world: &World, expect: &Expect) -> Check {
    let all = ask(world
        .store
        .events(&EventFilter::default(), Page::Newest, 100_000)
        .await)?;
    if let Some(wanted) = &expect.events {
        let mut found: BTreeMap<String, u64> = BTreeMap::new();
        for row in &all.rows {
            *found.entry(row.event_type.clone()).or_default() += 1;
        }
        same("events in the store", &found, wanted)?;
    }
    for (order, wanted) in &expect.stream {
        let stream = format!("order-{}", order_id(order));
        let rows: Vec<_> = all.rows.iter().filter(|r| r.stream == stream).collect();
        let found: Vec<String> = rows.iter().map(|r| r.event_type.clone()).collect();
        same(&format!("stream of {order}"), &found, wanted)?;
        let versions: Vec<i64> = rows.iter().map(|r| r.version).collect();
        same("versions", &versions, &(1..).take(versions.len()).collect())?;
    }
    if let Some(wanted) = &expect.parked_keys {
        let parked = ask(world.store.outbox_blocked().await)?;
        let found: Vec<String> = parked.into_iter().map(|k| k.aggregate_id).collect();
        same(
            "parked keys",
            &found,
            &wanted.iter().map(|o| order_id(o)).collect(),
        )?;
    }
    if !expect.audit.is_empty() {
        let rows = ask(world.store.audit_rows(100_000).await)?;
        for (action, wanted) in &expect.audit {
            let found = rows.iter().filter(|r| r.action == *action).count() as u64;
            same(&format!("audit rows of {action}"), &found, wanted)?;
        }
    }
    Ok(())
}

/// What can be seen of workers from outside.
async fn states(world: &World, expect: &Expect) -> Check {
    for (service, wanted) in &expect.state {
        let worker = workers(world, service).next().ok_or("no such worker")?;
        let found = worker.meter.status().state.name();
        same(&format!("state of {service}"), &found, &wanted.as_str())?;
    }
    for (service, words) in &expect.held {
        let held: Vec<_> = workers(world, service)
            .flat_map(|w| w.meter.status().held)
            .collect();
        if !held.iter().any(|h| h.reason.contains(words.as_str())) {
            return Err(format!("{service} holds {held:?}, expected \"{words}\""));
        }
    }
    for (service, wanted) in &expect.in_flight {
        let flying = |w: &Worker| w.meter.in_flight.load(std::sync::atomic::Ordering::Relaxed);
        let found = workers(world, service).map(flying).sum();
        same(&format!("{service} in flight"), &found, wanted)?;
    }
    if let Some(words) = &expect.relay {
        let node = world.node.as_ref().ok_or("no relay runs")?;
        let relays = node.pipeline.shared.relay.status();
        if !relays.iter().any(|r| r.state.contains(words.as_str())) {
            return Err(format!("the relays are {relays:?}, expected \"{words}\""));
        }
    }
    for (service, wanted) in &expect.owners {
        let found = workers(world, service)
            .filter(|w| !w.meter.status().assigned.is_empty())
            .count();
        same(
            &format!("instances of {service} with partitions"),
            &found,
            wanted,
        )?;
    }
    if !expect.findings.is_empty() {
        let node = world.node.as_ref().ok_or("nobody observes")?;
        let snapshots = node
            .snapshots
            .as_ref()
            .ok_or("nobody observes: settings.watch")?;
        let texts: Vec<String> = snapshots
            .borrow()
            .findings
            .iter()
            .map(|f| f.text.clone())
            .collect();
        for words in &expect.findings {
            if !texts.iter().any(|t| t.contains(words.as_str())) {
                return Err(format!("findings {texts:?}, expected \"{words}\""));
            }
        }
    }
    Ok(())
}
