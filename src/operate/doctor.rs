//! Looks at everything that evtop needs and says what is missing, with the remedy. Changes nothing
//! unless it is told to mend.

use std::time::Duration;

use super::{Operator, wanted_topics};
use crate::clock;
use crate::command::{Check, CheckState};
use crate::store::Store;

/// How long readers may wait for a transaction before it is worth a word.
const HELD: Duration = Duration::from_secs(2);

pub async fn checks(operator: &Operator, mend: bool) -> Vec<Check> {
    let mut checks = Vec::new();
    kafka(operator, &mut checks).await;
    store(operator, mend, &mut checks).await;
    if !operator.rules.attached {
        checks.push(redis(operator).await);
    }
    if operator.rules.read_only {
        checks.push(Check {
            name: "writes".into(),
            state: CheckState::Warn,
            text: "this profile is read-only: set read_only = false in its config to allow changes"
                .into(),
        });
    }
    checks
}

async fn kafka(operator: &Operator, checks: &mut Vec<Check>) {
    let started = clock::instant();
    let brokers = &operator.shared.settings.kafka.brokers;
    let topics = match operator.observer.topics().await {
        Ok(topics) => topics,
        Err(error) => {
            checks.push(bad(
                "kafka",
                format!(
                    "{brokers} does not answer ({error}): check kafka.brokers and that it runs"
                ),
            ));
            return;
        }
    };
    checks.push(ok(
        "kafka",
        format!(
            "{brokers} answers in {:.1} ms",
            started.elapsed().as_secs_f64() * 1e3
        ),
    ));
    if operator.rules.attached {
        let text = "not ours: no topic of evtop's is wanted there, and none is made".into();
        checks.push(ok("cluster", text));
        return;
    }
    for (name, partitions, _) in wanted_topics(&operator.shared.settings.dlq_topic) {
        let name_shown = format!("topic {name}");
        checks.push(match topics.get(&name) {
            None => bad(&name_shown, "is missing: run `evtop setup`".into()),
            Some(found) if *found < partitions as usize => warn(
                &name_shown,
                format!("has {found} partitions where {partitions} are usual: letters may change their partition"),
            ),
            Some(found) => ok(&name_shown, format!("{found} partition{}", if *found == 1 { "" } else { "s" })),
        });
    }
}

async fn store(operator: &Operator, mend: bool, checks: &mut Vec<Check>) {
    let store = &operator.shared.store;
    let kind = store.kind();
    let started = clock::instant();
    match store.probe().await {
        Ok(_) => checks.push(ok(
            kind,
            format!("answers in {:.1} ms", started.elapsed().as_secs_f64() * 1e3),
        )),
        Err(error) => {
            checks.push(bad(kind, format!("{error}: check store.url")));
            return;
        }
    }
    if operator.rules.attached {
        return;
    }
    checks.extend(restored(store, mend).await);
    match store.tail_held_by(HELD).await {
        Ok(None) => {}
        Ok(Some(holder)) => checks.push(warn("event store", holder.to_string())),
        Err(error) => checks.push(bad("event store", error.to_string())),
    }
    match store.outbox_blocked().await {
        Ok(blocked) if blocked.is_empty() => checks.push(ok("outbox", "no key is blocked".into())),
        Ok(blocked) => checks.push(warn(
            "outbox",
            format!(
                "{} keys can't be published, the first: {} ({})",
                blocked.len(),
                blocked[0].aggregate_id,
                blocked[0].error
            ),
        )),
        Err(error) => checks.push(bad("outbox", error.to_string())),
    }
}

async fn redis(operator: &Operator) -> Check {
    match operator.shared.dedupe.probe().await {
        None => ok(
            "redis",
            "not configured: idempotency is kept in memory, with the inbox behind it".into(),
        ),
        Some(Ok((address, took))) => ok(
            "redis",
            format!("{address} answers in {:.1} ms", took.as_secs_f64() * 1e3),
        ),
        Some(Err(error)) => warn(
            "redis",
            format!(
                "{error}: idempotency falls back to the inbox; check redis.url, redis.ca and that it is Redis 7 or newer"
            ),
        ),
    }
}

/// A store out of a dump whose positions this server has not reached: nobody can read its events.
async fn restored(store: &Store, mend: bool) -> Option<Check> {
    let name = "event store";
    let found = match store.restored().await {
        Ok(found) => found?,
        Err(error) => return Some(bad(name, error.to_string())),
    };
    if !mend {
        return Some(bad(
            name,
            format!(
                "a dump of another server, its events can't be read (transaction {}, here {}): stop all \
                 evtops, then run `evtop doctor --mend`",
                found.newest_tx, found.next_tx
            ),
        ));
    }
    Some(match store.mend_restored().await {
        Ok(events) => ok(
            name,
            format!("{events} events of a restored store can be read again"),
        ),
        Err(error) => bad(name, error.to_string()),
    })
}

fn ok(name: &str, text: String) -> Check {
    Check {
        name: name.to_owned(),
        state: CheckState::Ok,
        text,
    }
}

fn warn(name: &str, text: String) -> Check {
    Check {
        name: name.to_owned(),
        state: CheckState::Warn,
        text,
    }
}

fn bad(name: &str, text: String) -> Check {
    Check {
        name: name.to_owned(),
        state: CheckState::Bad,
        text,
    }
}
