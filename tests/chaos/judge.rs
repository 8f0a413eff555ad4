//! What must hold after a round, read from Kafka and the database alone.

use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};

use evtop::domain::event_type::EventType;
use evtop::domain::fault_plan::Fate;
use evtop::domain::position::Position;
use evtop::domain::reader::{Limits, read};
use evtop::domain::record::{Record, header_text};
use evtop::domain::service::Service;
use evtop::domain::stored::{EventFilter, StoredEvent};
use evtop::kafka::headers::letter_id;
use evtop::pipeline::indexer;
use evtop::store::Page;
use uuid::Uuid;

use crate::kafka::{DLQ_TEMPLATE, env, reader, records};
use crate::rig::{Rig, STOCK, faults};

type Check<T = ()> = Result<T, String>;

/// An event on its topic; `id` is none where the bytes are no event.
struct Seen<'a> {
    record: &'a Record,
    event: Option<(Uuid, EventType)>,
}

/// Checks all; says how much there was.
pub async fn judge(rig: &Rig) -> Check<String> {
    let topics = ["order-events", "payment-events", "inventory-events"].map(str::to_owned);
    let (live, dead) = tokio::task::block_in_place(|| {
        let reader = reader(
            &env("EVTOP_STACK_BROKERS"),
            "chaos-judge",
            "cooperative-sticky",
        );
        (
            records(&reader, &topics),
            records(&reader, &indexer::topics(DLQ_TEMPLATE)),
        )
    });
    let seen: Vec<Seen<'_>> = live.iter().map(see).collect();
    let events = stored(rig).await?;
    let inbox: HashSet<(String, String)> = rig.database.inbox().await.into_iter().collect();

    published(&events, &seen)?;
    let mut letters = BTreeSet::new();
    for service in Service::ALL {
        handled(service, &seen, &inbox, &mut letters)?;
    }
    exactly(&letters, &dead)?;
    effects(rig, &events, &inbox).await?;
    order_kept(rig, &seen).await?;
    Ok(format!(
        "{} events, {} records, {} effects, {} letters: none lost, none doubled",
        events.len(),
        live.len(),
        inbox.len(),
        letters.len()
    ))
}

fn see(record: &Record) -> Seen<'_> {
    let read = read(record, &Limits::default()).ok();
    let event = read.map(|r| (r.envelope.event_id, r.envelope.event_type));
    Seen { record, event }
}

async fn stored(rig: &Rig) -> Check<Vec<StoredEvent>> {
    let (mut all, mut page) = (Vec::new(), Page::After(Position::default()));
    loop {
        let found = rig.store.events(&EventFilter::default(), page, 5_000).await;
        let found = found.map_err(|e| e.to_string())?;
        let Some(last) = found.rows.last() else {
            return Ok(all);
        };
        page = Page::After(last.position);
        all.extend(found.rows);
    }
}

/// Every event of the store is on its topic.
fn published(events: &[StoredEvent], seen: &[Seen<'_>]) -> Check {
    let there: HashSet<Uuid> = seen.iter().filter_map(|s| Some(s.event?.0)).collect();
    match events.iter().find(|e| !there.contains(&e.event_id)) {
        Some(lost) => Err(format!(
            "{} of {} was never published",
            lost.event_type, lost.stream
        )),
        None => Ok(()),
    }
}

/// Every record that a service wants was handled, or is a letter by the fault plan, or waits behind one.
fn handled(
    service: Service,
    seen: &[Seen<'_>],
    inbox: &HashSet<(String, String)>,
    letters: &mut BTreeSet<String>,
) -> Check {
    let row = service.row();
    let mut blocked: HashSet<&[u8]> = HashSet::new();
    for Seen { record, event } in seen {
        if !row.topics.contains(&record.topic.as_str()) {
            continue;
        }
        let key = record.key.as_deref().unwrap_or_default();
        let fails = match event {
            None => true,
            Some((_, event_type)) if !service.wants(*event_type) => continue,
            Some((id, _)) => {
                faults(service).fate(*id, 1, 0, std::time::Duration::ZERO) == Fate::FailsForGood
            }
        };
        let known = event.map(|(id, _)| (row.group.to_owned(), id.to_string()));
        let done = known.is_some_and(|id| inbox.contains(&id));
        if fails && !blocked.contains(key) {
            let id = letter_id(row.group, &record.topic, record.partition, record.offset);
            letters.insert(id.to_string());
            blocked.insert(key);
        }
        let place = format!("{}/{}@{}", record.topic, record.partition, record.offset);
        if fails && done {
            return Err(format!("{} handled {place}, which always fails", row.name));
        }
        if !done && !blocked.contains(key) {
            return Err(format!("{} has lost {place}", row.name));
        }
    }
    Ok(())
}

/// The dead-letter topics hold these letters and no other, however often each was written.
fn exactly(letters: &BTreeSet<String>, dead: &[Record]) -> Check {
    let found: BTreeSet<String> = dead
        .iter()
        .map(|r| {
            header_text(&r.headers, "evtop-dlq-id")
                .unwrap_or("no id")
                .to_owned()
        })
        .collect();
    let missing: Vec<_> = letters.difference(&found).take(3).collect();
    let strange: Vec<_> = found.difference(letters).take(3).collect();
    if missing.is_empty() && strange.is_empty() {
        return Ok(());
    }
    let of = |id: &&String| {
        let record = dead
            .iter()
            .find(|r| header_text(&r.headers, "evtop-dlq-id") == Some(id.as_str()));
        record.map(|r| {
            let text = |name| header_text(&r.headers, name).unwrap_or("–").to_owned();
            format!(
                "{} {}: {}",
                text("kafka_dlt-original-consumer-group"),
                text("kafka_dlt-exception-fqcn"),
                text("kafka_dlt-exception-message")
            )
        })
    };
    let strange: Vec<_> = strange.iter().map(of).collect();
    Err(format!(
        "{} letters by the fault plan, {} found; missing {missing:?}, unexpected {strange:?}",
        letters.len(),
        found.len()
    ))
}

/// Every handled event has its effects, once; the warehouse adds up.
async fn effects(rig: &Rig, events: &[StoredEvent], inbox: &HashSet<(String, String)>) -> Check {
    let count = |group: &str| inbox.iter().filter(|(g, _)| g == group).count() as u64;
    let mails = rig
        .store
        .emails_newest(u32::MAX >> 1)
        .await
        .map_err(|e| e.to_string())?;
    let ids: HashSet<&str> = mails.iter().map(|m| m.message_id.as_str()).collect();
    same("mails", mails.len() as u64, count("email-service"))?;
    same("different mails", ids.len() as u64, mails.len() as u64)?;
    let windows = rig
        .store
        .windows_newest(1_000_000)
        .await
        .map_err(|e| e.to_string())?;
    let counted = windows.iter().map(|w| w.orders + w.late).sum::<u64>();
    same("counted orders", counted, count("analytics-service"))?;

    let mut reserved: BTreeMap<String, i64> = BTreeMap::new();
    let mut open: HashMap<String, Vec<(String, i64)>> = HashMap::new();
    for event in events {
        let envelope: serde_json::Value =
            serde_json::from_str(&event.payload).map_err(|e| e.to_string())?;
        let data = &envelope["data"];
        let id = data["reservation_id"]
            .as_str()
            .unwrap_or_default()
            .to_owned();
        match event.event_type.as_str() {
            "InventoryReserved" => {
                let items = data["items"].as_array().cloned().unwrap_or_default();
                let items = items.iter().map(|i| {
                    let product = i["product_id"].as_str().unwrap_or_default();
                    (
                        product.to_owned(),
                        i["quantity"].as_i64().unwrap_or_default(),
                    )
                });
                if open.insert(id.clone(), items.collect()).is_some() {
                    return Err(format!("reservation {id} was made twice"));
                }
            }
            "InventoryReleased" => {
                open.remove(&id)
                    .ok_or(format!("{id} was released and not reserved"))?;
            }
            _ => {}
        }
    }
    for (product, quantity) in open.into_values().flatten() {
        *reserved.entry(product).or_default() += quantity;
    }
    for row in rig.store.stock().await.map_err(|e| e.to_string())? {
        let all = u64::try_from(row.available + row.reserved).unwrap_or_default();
        same(&format!("pieces of {}", row.product_id), all, STOCK as u64)?;
        let told = reserved.get(&row.product_id).copied().unwrap_or_default();
        same(
            &format!("reserved {}", row.product_id),
            u64::try_from(row.reserved).unwrap_or_default(),
            u64::try_from(told).unwrap_or_default(),
        )?;
    }
    Ok(())
}

/// An order's mails were written in the order of its records.
async fn order_kept(rig: &Rig, seen: &[Seen<'_>]) -> Check {
    let mut first: HashMap<Uuid, i64> = HashMap::new();
    for Seen { record, event } in seen {
        if let Some((id, _)) = event {
            first.entry(*id).or_insert(record.offset);
        }
    }
    let mut mails = rig
        .store
        .emails_newest(u32::MAX >> 1)
        .await
        .map_err(|e| e.to_string())?;
    mails.reverse();
    let mut last: HashMap<&str, i64> = HashMap::new();
    for mail in &mails {
        let id = Uuid::try_parse(&mail.message_id).map_err(|e| e.to_string())?;
        let offset = *first.get(&id).ok_or("a mail for no event")?;
        let before = last.insert(&mail.order_id, offset);
        if before.is_some_and(|before| before > offset) {
            return Err(format!("{} was handled out of order", mail.order_id));
        }
    }
    Ok(())
}

fn same(what: &str, found: u64, wanted: u64) -> Check {
    (found == wanted)
        .then_some(())
        .ok_or(format!("{what}: {found}, expected {wanted}"))
}
