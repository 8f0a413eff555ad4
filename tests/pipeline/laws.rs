//! What holds at the end of every scenario, whatever happened: nothing is lost, nothing has an effect
//! twice, a key's events are handled in order, letters carry their records untouched with the headers
//! that people look for, and what went through the gate stands in the audit.

use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};

use chrono::{DateTime, SecondsFormat, Utc};
use evtop::domain::letter::Letter;
use evtop::domain::operation::AuditRow;
use evtop::domain::reader::read;
use evtop::domain::record::{Headers, Record, header, header_text};
use evtop::kafka::headers::letter_id;
use evtop::pipeline::indexer;
use uuid::Uuid;

use crate::expect::{Check, same};
use crate::kafka::DLQ_TEMPLATE;
use crate::world::World;

type Place = (String, i32, i64);

/// Checks them all; the workers have ended.
pub async fn hold(world: &World) -> Check {
    let letters = world.letters().await;
    let topics = ["order-events", "payment-events", "inventory-events"].map(str::to_owned);
    let records = world.stack.records(&topics);
    let dead = world.stack.records(&indexer::topics(DLQ_TEMPLATE));
    let inbox: HashSet<(String, String)> = world.stack.database.inbox().await.into_iter().collect();
    // What was handled is told by the inbox alone.
    if !world.forgot {
        nothing_is_lost(world, &records, &letters, &inbox).await?;
        effects_once(world, &inbox).await?;
    }
    order_is_kept(world, &records).await?;
    let by_place: HashMap<Place, &Record> =
        records.iter().chain(&dead).map(|r| (place(r), r)).collect();
    for letter in letters.iter().filter(|l| !l.family.is_foreign()) {
        untouched(letter, &by_place).map_err(|why| format!("letter {letter:#?}: {why}"))?;
    }
    for record in &dead {
        headers_are_right(record, &by_place, &letters).map_err(|why| {
            format!(
                "dead letter {}/{}@{}: {why}",
                record.topic, record.partition, record.offset
            )
        })?;
    }
    audited(world).await
}

fn place(record: &Record) -> Place {
    (record.topic.clone(), record.partition, record.offset)
}

/// Where a letter's record came from.
fn source(letter: &Letter) -> Option<Place> {
    Some((letter.topic.clone()?, letter.partition?, letter.offset?))
}

/// Each record that a service wants and has passed was handled by it or became a letter.
async fn nothing_is_lost(
    world: &World,
    records: &[Record],
    letters: &[Letter],
    inbox: &HashSet<(String, String)>,
) -> Check {
    let letters: HashSet<(String, Place)> = letters
        .iter()
        .filter_map(|l| Some((l.group.clone()?, source(l)?)))
        .collect();
    for service in world.services() {
        let row = service.row();
        let places: Vec<_> = records
            .iter()
            .map(|r| (r.topic.clone(), r.partition))
            .collect::<BTreeSet<_>>()
            .into_iter()
            .collect();
        let at = world
            .observer
            .committed(row.group, places.clone())
            .await
            .map_err(|e| e.to_string())?;
        let committed: HashMap<_, _> = places.into_iter().zip(at).collect();
        let passed =
            |r: &Record| committed[&(r.topic.clone(), r.partition)].is_some_and(|at| at > r.offset);
        for record in records
            .iter()
            .filter(|r| row.topics.contains(&r.topic.as_str()))
        {
            let for_us =
                header_text(&record.headers, "evtop-target-group").is_none_or(|g| g == row.group);
            // A redriven record belongs to a letter that exists already.
            if !passed(record) || !for_us || header(&record.headers, "evtop-redrive-id").is_some() {
                continue;
            }
            let buried = letters.contains(&(row.group.to_owned(), place(record)));
            let handled = match read(record, &world.limits()) {
                Ok(read) if !service.wants(read.envelope.event_type) => true,
                Ok(read) => {
                    let id = read.envelope.event_id;
                    let forced = header_text(&record.headers, "evtop-replay-force") == Some("true");
                    let replay = header_text(&record.headers, "evtop-replay-id").filter(|_| forced);
                    let id = replay.map_or(id.to_string(), |replay| format!("{id}:{replay}"));
                    inbox.contains(&(row.group.to_owned(), id))
                }
                Err(_) => false,
            };
            if !handled && !buried {
                return Err(format!("{} has lost {:?}", row.group, place(record)));
            }
        }
    }
    Ok(())
}

/// Each message that was handled has its effects, once.
async fn effects_once(world: &World, inbox: &HashSet<(String, String)>) -> Check {
    let count = |group: &str| inbox.iter().filter(|(g, _)| g == group).count();
    let mails = world
        .store
        .emails_newest(100_000)
        .await
        .map_err(|e| e.to_string())?;
    same(
        "mails beside handled messages",
        &mails.len(),
        &count("email-service"),
    )?;
    let windows = world
        .store
        .windows_newest(1_000)
        .await
        .map_err(|e| e.to_string())?;
    let counted: u64 = windows
        .iter()
        .map(|w| {
            w.orders
                + w.late
                + w.payments
                    .values()
                    .map(|t| t.approved + t.declined)
                    .sum::<u64>()
        })
        .sum();
    same(
        "events counted beside handled messages",
        &counted,
        &(count("analytics-service") as u64),
    )?;
    for row in world.store.stock().await.map_err(|e| e.to_string())? {
        let all = row.available + row.reserved;
        same(
            &format!("pieces of {}", row.product_id),
            &all,
            &world.settings.stock,
        )?;
    }
    Ok(())
}

/// An order's mails were first written in the order of its records.
async fn order_is_kept(world: &World, records: &[Record]) -> Check {
    let mut mails = world
        .store
        .emails_newest(100_000)
        .await
        .map_err(|e| e.to_string())?;
    mails.reverse();
    let mut offsets: HashMap<Uuid, (i64, bool)> = HashMap::new();
    let redriven = |r: &Record| header(&r.headers, "evtop-redrive-id").is_some();
    // An edited event stands in the place of the one that failed.
    let edited = |r: &Record| header(&r.headers, "evtop-edit-of").is_some();
    for record in records
        .iter()
        .filter(|r| r.topic == "order-events" && (!redriven(r) || edited(r)))
    {
        if let Ok(read) = read(record, &world.limits()) {
            let (_, _, offset) = evtop::kafka::headers::origin(record);
            offsets
                .entry(read.envelope.event_id)
                .or_insert((offset, record.key.is_some()));
        }
    }
    let (mut seen, mut last) = (HashSet::new(), BTreeMap::new());
    for mail in mails {
        let id = Uuid::try_parse(&mail.message_id).map_err(|e| e.to_string())?;
        let (offset, keyed) = offsets
            .get(&id)
            .ok_or(format!("a mail for no event: {mail:?}"))?;
        if !keyed || !seen.insert(id) {
            continue;
        }
        let before = last.insert(mail.order_id.clone(), *offset);
        if before.is_some_and(|before| before > *offset) {
            return Err(format!(
                "{} was handled at {before:?} and then at {offset}",
                mail.order_id
            ));
        }
    }
    Ok(())
}

/// The letter's record in its topic has the original's key, value and headers.
fn untouched(letter: &Letter, records: &HashMap<Place, &Record>) -> Check {
    let origin = source(letter).ok_or("where it came from is unknown")?;
    let original = records
        .get(&origin)
        .ok_or("its record is not where it says")?;
    same("key", &letter.key, &original.key)?;
    same(
        "id",
        &letter.id,
        &letter_id(letter.group_name(), &origin.0, origin.1, origin.2),
    )?;
    if let Some(dlq) = &letter.dlq {
        let at = (dlq.topic.clone(), dlq.partition, dlq.offset);
        let copy = records
            .get(&at)
            .ok_or("its dead-letter record is not where it says")?;
        same(
            "letter's own id",
            &header_text(&copy.headers, "evtop-dlq-id"),
            &Some(&*letter.id.to_string()),
        )?;
    }
    Ok(())
}

/// Every record of a dead-letter topic stands beside its original, with Spring's headers and ours.
fn headers_are_right(
    dead: &Record,
    records: &HashMap<Place, &Record>,
    letters: &[Letter],
) -> Check {
    let h = &dead.headers;
    let text = |name: &str| {
        header_text(h, name)
            .map(str::to_owned)
            .ok_or(format!("no {name}"))
    };
    let topic = text("kafka_dlt-original-topic")?;
    let group = text("kafka_dlt-original-consumer-group")?;
    let partition = bytes(h, "kafka_dlt-original-partition").map(i32::from_be_bytes)?;
    let offset = bytes(h, "kafka_dlt-original-offset").map(i64::from_be_bytes)?;
    let origin = (topic, partition, offset);
    let original = records
        .get(&origin)
        .ok_or(format!("no original at {origin:?}"))?;
    same("topic", &dead.topic, &format!("{}-{group}-dlt", origin.0))?;
    same("partition", &dead.partition, &partition)?;
    same("key", &dead.key, &original.key)?;
    if dead.value != original.value {
        return Err("the value is not the original's, byte for byte".into());
    }
    // Whom a replay was for is said of the letter by its own header.
    let own: Headers = original
        .headers
        .iter()
        .filter(|(n, _)| n != "evtop-target-group")
        .cloned()
        .collect();
    if h.get(..own.len()) != Some(own.as_slice()) {
        return Err(format!("headers {h:?}, original {own:?}"));
    }
    let written = original.timestamp.map(|at| at.timestamp_millis());
    let told = bytes(h, "kafka_dlt-original-timestamp").map(i64::from_be_bytes)?;
    same("original timestamp", &Some(told), &written)?;
    same(
        "timestamp type",
        &text("kafka_dlt-original-timestamp-type")?,
        &"CreateTime".to_owned(),
    )?;
    let id = letter_id(&group, &origin.0, partition, offset);
    same("evtop-dlq-id", &text("evtop-dlq-id")?, &id.to_string())?;
    let letter = letters
        .iter()
        .find(|l| l.id == id)
        .ok_or("no letter in the index")?;
    let newest = letter
        .dlq
        .as_ref()
        .is_some_and(|d| (d.partition, d.offset) == (dead.partition, dead.offset));
    if newest {
        same("code", &text("kafka_dlt-exception-fqcn")?, &letter.code)?;
        same(
            "message",
            &text("kafka_dlt-exception-message")?,
            &letter.message,
        )?;
        same(
            "fingerprint",
            &text("evtop-fingerprint")?,
            &letter.fingerprint,
        )?;
        same(
            "stage",
            &text("evtop-stage")?,
            &letter.stage.map_or("", |s| s.name()).to_owned(),
        )?;
        same(
            "attempts",
            &text("evtop-attempts")?,
            &letter.attempts.unwrap_or(0).to_string(),
        )?;
        same(
            "first failure",
            &text("evtop-first-failed-at")?,
            &rfc3339(letter.first_failed_at),
        )?;
        same(
            "last failure",
            &text("evtop-last-failed-at")?,
            &rfc3339(letter.last_failed_at),
        )?;
    }
    let redrives: u32 = text("evtop-redrive-count")?
        .parse()
        .map_err(|e| format!("redrives: {e}"))?;
    if redrives > letter.redrives {
        return Err(format!(
            "{redrives} redrives, the letter knows {}",
            letter.redrives
        ));
    }
    for (name, _) in &h[own.len()..] {
        if h.iter().filter(|(n, _)| n == name).count() > 1 {
            return Err(format!("{name} stands twice"));
        }
    }
    Ok(())
}

fn bytes<const N: usize>(headers: &Headers, name: &str) -> Result<[u8; N], String> {
    let value = header(headers, name).ok_or(format!("no {name}"))?;
    value.try_into().map_err(|_| format!("{name} is {value:?}"))
}

fn rfc3339(at: DateTime<Utc>) -> String {
    at.to_rfc3339_opts(SecondsFormat::Micros, true)
}

/// Every act stands in the audit twice: what was meant, and then what came of it.
async fn audited(world: &World) -> Check {
    let mut rows = world
        .store
        .audit_rows(100_000)
        .await
        .map_err(|e| e.to_string())?;
    rows.reverse();
    // What evtop did of its own accord stands under its own name: acts through the gate, and single rows.
    let (own, asked): (Vec<_>, Vec<_>) = rows.iter().partition(|r| r.who.starts_with("evtop "));
    let alone = |r: &&&AuditRow| ["take-over", "resume", "fail"].contains(&r.action.as_str());
    if own.iter().filter(alone).any(|r| r.outcome.is_none()) {
        return Err(format!("audit rows {own:?}"));
    }
    let by_itself = own.iter().filter(|r| !alone(r)).count() as u64;
    same("audit rows", &(asked.len() as u64), &(world.asked * 2))?;
    same(
        "acts by itself",
        &by_itself,
        &(world.settings.by_itself * 2),
    )?;
    rows.retain(|r| !alone(&&r));
    let mut open = HashSet::new();
    for row in &rows {
        let in_order = match &row.outcome {
            None => open.insert(row.request_id),
            Some(outcome) => open.remove(&row.request_id) && !outcome.is_empty(),
        };
        if !in_order || !(row.who == "tester" || row.who.starts_with("evtop ")) {
            return Err(format!("audit row {row:?}"));
        }
    }
    same("acts without an outcome", &open.len(), &0)
}
