//! Killed where it hurts most, the program loses nothing and does nothing twice. Kafka and the database
//! are asked, not the program.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

#[path = "common/child.rs"]
mod child;
#[path = "kill/rig.rs"]
mod rig;

use std::time::Duration;

use rig::{Rig, wait_until};

/// Every accepted order is handled by every service, once, or is a letter of that service; and every
/// number adds up.
#[track_caller]
fn check(rig: &Rig, poison: i64) {
    let orders = rig.number("SELECT count(*) FROM event_store WHERE event_type = 'OrderCreated'");
    assert!(orders > 0);
    let unhandled = rig.texts(
        "SELECT e.event_id || ' by ' || g.name FROM event_store e, (SELECT 'email-service' AS name
         UNION SELECT 'analytics-service' UNION SELECT 'inventory-service') g
         WHERE e.event_type = 'OrderCreated'
         AND NOT EXISTS (SELECT 1 FROM inbox WHERE consumer = g.name AND message_id = e.event_id)
         AND NOT EXISTS (SELECT 1 FROM dead_letter WHERE consumer = g.name AND event_id = e.event_id)",
    );
    assert_eq!(unhandled, Vec::<String>::new());
    // E-mail: one each.
    let mails = rig.number("SELECT count(*) FROM email_log");
    let mailed = rig.number("SELECT count(DISTINCT message_id) FROM email_log");
    let shipped = rig.number("SELECT count(*) FROM event_store WHERE event_type = 'OrderShipped'");
    assert_eq!((mails, mailed), (orders + shipped, orders + shipped));
    let early = rig.texts(
        "SELECT l.order_id FROM email_log l JOIN event_store e ON e.event_id = l.message_id
         JOIN email_log later ON later.order_id = l.order_id AND later.id > l.id
         JOIN event_store f ON f.event_id = later.message_id AND f.version < e.version",
    );
    assert_eq!(early, Vec::<String>::new(), "out of order");
    // Analytics: each counted once, and to the cent.
    let counted = rig.number("SELECT coalesce(sum(orders + late), 0) FROM analytics_window");
    assert_eq!(counted, orders);
    let late = rig.number("SELECT coalesce(sum(late), 0) FROM analytics_window");
    let revenue = rig.number("SELECT coalesce(sum(revenue), 0) FROM analytics_window");
    let totals = rig.number("SELECT coalesce(sum(total), 0) FROM orders");
    assert!(revenue == totals || late > 0, "{revenue} of {totals}");
    // Inventory: one answer an order, and the stock adds up with what is reserved.
    let dead = rig.number(
        "SELECT count(*) FROM dead_letter WHERE consumer = 'inventory-service'
         AND event_id IS NOT NULL AND status <> 'resolved'",
    );
    let answers =
        rig.number("SELECT count(*) FROM event_store WHERE event_type LIKE 'InventoryReserv%'");
    assert_eq!(answers + dead, orders);
    let twice = rig.texts(
        "SELECT stream FROM event_store WHERE event_type LIKE 'InventoryReserv%'
         GROUP BY stream HAVING count(*) > 1",
    );
    assert_eq!(twice, Vec::<String>::new());
    let wrong = rig.texts(
        "SELECT s.product_id || ': ' || s.available || ' and ' || s.reserved FROM stock s
         LEFT JOIN (SELECT json_extract(i.value, '$[0]') AS product,
                           sum(json_extract(i.value, '$[1]')) AS pieces
                    FROM reservation r, json_each(r.items) i WHERE r.status = 'reserved' GROUP BY 1) r
         ON r.product = s.product_id
         WHERE s.reserved <> coalesce(r.pieces, 0) OR s.available + s.reserved <> 1000000",
    );
    assert_eq!(wrong, Vec::<String>::new());
    // The outbox is empty, and each event of ours is on its topic.
    assert_eq!(rig.number("SELECT count(*) FROM outbox"), 0);
    let mut there: Vec<String> = Vec::new();
    for topic in ["order-events", "inventory-events"] {
        for record in rig.records(topic) {
            let id = record.headers.iter().find(|(name, _)| name == "event_id");
            let id = id.and_then(|(_, value)| String::from_utf8(value.clone()?).ok());
            there.extend(id);
        }
    }
    let missing: Vec<String> = rig
        .texts("SELECT event_id FROM event_store")
        .into_iter()
        .filter(|id| !there.contains(id))
        .collect();
    assert_eq!(missing, Vec::<String>::new(), "not on a topic");
    // Letters: one for each service that got the poison, however often the topic has it.
    let letters = rig.number("SELECT count(*) FROM dead_letter WHERE event_id IS NULL");
    assert_eq!(letters, poison * 3);
    let rows: std::collections::BTreeSet<String> = rig
        .texts("SELECT id FROM dead_letter WHERE dlq_topic IS NOT NULL")
        .into_iter()
        .collect();
    assert_eq!(rig.letters_on_topics(), rows);
}

const QUIET: &str = "";

/// Kills the first run at the failpoint and checks what the second makes of it.
#[track_caller]
fn survives(failpoint: &str) {
    let rig = Rig::new(QUIET);
    rig.accept(40, 4);
    rig.kill_at(&["run"], failpoint);
    let second = rig.run(&[]);
    rig.settled();
    check(&rig, 4);
    second.stop();
    check(&rig, 4);
}

#[test]
fn published_but_not_crossed_off() {
    survives("relay.published:2");
}

#[test]
fn the_effect_stands_but_not_the_offset() {
    survives("effect.committed:5");
}

#[test]
fn just_before_the_offset() {
    survives("offset.store:7");
}

#[test]
fn the_letter_is_on_its_topic_but_not_in_the_index() {
    survives("dlq.acked:2");
}

#[test]
fn the_letter_is_in_the_index_but_not_passed() {
    survives("dlq.indexed:3");
}

#[test]
fn accepted_but_not_published() {
    let rig = Rig::new(QUIET);
    rig.accept(5, 0);
    rig.kill_at(&["inject", "happy", "--count", "7"], "inject.appended");
    assert_eq!(rig.number("SELECT count(*) FROM outbox"), 5 + 2 + 7);
    let run = rig.run(&[]);
    rig.settled();
    check(&rig, 0);
    assert_eq!(rig.number("SELECT count(*) FROM email_log"), 5 + 2 + 7);
    run.stop();
}

/// Kills the redrive at the failpoint; the next run goes on with the same operation.
#[track_caller]
fn redrive_survives(failpoint: &str) {
    let rig = Rig::new("inventory = { permanent = 1.0, permanent_times = 1 }");
    rig.accept(12, 0);
    let first = rig.run(&[]);
    rig.settled();
    assert_eq!(rig.number("SELECT count(*) FROM reservation"), 0);
    let cause = rig.texts("SELECT DISTINCT fingerprint FROM dead_letter");
    let redrive = ["dlq", "redrive", "--rate", "0", "--cause", &cause[0]];
    rig.kill_at(&redrive, failpoint);
    let operation = rig.texts("SELECT id FROM operation");
    assert_eq!(operation.len(), 1);
    first.stop();
    let second = rig.run(&[]);
    wait_until("end of the operation", || {
        (rig.texts("SELECT state FROM operation") == ["completed"]).then_some(())
    });
    rig.settled();
    assert_eq!(rig.texts("SELECT id FROM operation"), operation);
    let open = rig.number("SELECT count(*) FROM dead_letter WHERE status <> 'resolved'");
    assert_eq!(open, 0);
    check(&rig, 0);
    let sent = rig.number("SELECT count(*) FROM operation_item WHERE state = 'settled'");
    // Twelve letters, and the second copy of one order, which waited behind the first.
    assert_eq!(
        sent,
        13,
        "{:?}",
        rig.texts("SELECT state FROM operation_item")
    );
    second.stop();
}

#[test]
fn a_redrive_that_was_about_to_be_sent() {
    redrive_survives("redrive.queued:4");
}

#[test]
fn a_redrive_that_was_sent_and_not_noted() {
    redrive_survives("redrive.acked:4");
}

/// Orders that go on coming in while it runs.
const TRAFFIC: (&str, &str) = ("EVTOP_TRAFFIC__ORDERS_PER_S", "40");

fn poison_on_topic(rig: &Rig) -> i64 {
    let records = rig.records("order-events");
    let poison = records
        .iter()
        .filter(|r| r.headers.iter().all(|(name, _)| name != "event_id"));
    i64::try_from(poison.count()).unwrap()
}

#[test]
fn killed_at_any_moment_under_load() {
    let seed = std::env::var("EVTOP_TEST_SEED").ok();
    let seed = seed
        .and_then(|s| s.parse().ok())
        .unwrap_or(fastrand::u64(..));
    println!("EVTOP_TEST_SEED={seed}");
    let mut rng = fastrand::Rng::with_seed(seed);
    let rig = Rig::new("email = { transient = 0.05 }");
    for _ in 0..3 {
        let before = rig.number("SELECT count(*) FROM orders");
        let mut run = rig.run(&[TRAFFIC]);
        // Under way, and then at any moment.
        wait_until("orders", || {
            (rig.number("SELECT count(*) FROM orders") > before + 5).then_some(())
        });
        std::thread::sleep(Duration::from_millis(rng.u64(0..2_500)));
        run.kill();
    }
    let last = rig.run(&[]);
    rig.settled();
    check(&rig, poison_on_topic(&rig));
    last.stop();
}

#[test]
fn stopped_for_longer_than_a_session() {
    let rig = Rig::new(QUIET);
    let first = rig.run(&[TRAFFIC]);
    wait_until("mails", || {
        (rig.number("SELECT count(*) FROM email_log") > 10).then_some(())
    });
    let second = rig.run(&[]);
    rig.accept(30, 2);
    first.signal("STOP");
    // The group gives its partitions to the second; but one that was stopped inside a transaction
    // holds the database's only write lock, and then everybody waits for it.
    let stopped = evtop::clock::instant();
    wait_until("end of the session", || {
        (stopped.elapsed() > Duration::from_secs(4)).then_some(())
    });
    first.signal("CONT");
    let before = rig.number("SELECT count(*) FROM orders");
    wait_until("orders of the first again", || {
        (rig.number("SELECT count(*) FROM orders") > before + 20).then_some(())
    });
    first.stop();
    rig.settled();
    check(&rig, poison_on_topic(&rig));
    second.stop();
}
