//! What must be true of every order in the end, asked of PostgreSQL and Kafka.

use crate::child::wait_until;
use crate::rig::{GROUPS, Rig, STOCK};

/// Waits until nothing is under way: the outbox is empty and each group has committed all there is.
#[track_caller]
pub fn settled(rig: &Rig) {
    let look = || {
        let waiting = rig.number("SELECT count(*) FROM outbox");
        if waiting > 0 {
            return Err(format!("{waiting} rows wait in the outbox"));
        }
        for (group, topics) in GROUPS {
            let topics: Vec<String> = topics.iter().map(|t| (*t).to_owned()).collect();
            for (topic, partition, end) in rig.ends(&topics) {
                let at = rig.committed(group, &topic, partition);
                if end > 0 && at != Some(end) {
                    return Err(format!("{group} {topic}/{partition}: {at:?} of {end}"));
                }
            }
        }
        Ok(())
    };
    // Work makes work: twice in a row.
    wait_until("rest", look);
    wait_until("rest", look);
}

/// Every accepted order was handled by every service, and its effects happened once; nothing is a letter.
/// Returns how many orders there are.
#[track_caller]
pub fn hold(rig: &Rig) -> i64 {
    settled(rig);
    let orders = rig.number("SELECT count(*) FROM event_store WHERE event_type = 'OrderCreated'");
    assert!(orders > 0);
    for (group, _) in GROUPS {
        let handled = rig.number(&format!(
            "SELECT count(*) FROM event_store e JOIN inbox i
                 ON i.message_id = CAST(e.event_id AS text) AND i.consumer = '{group}'
             WHERE e.event_type = 'OrderCreated'"
        ));
        assert_eq!(handled, orders, "{group}");
    }
    let mails = rig.number("SELECT count(*) FROM email_log");
    let mailed = rig.number("SELECT count(DISTINCT message_id) FROM email_log");
    assert_eq!((mails, mailed), (orders, orders));
    let counted = rig.number("SELECT coalesce(sum(orders + late), 0) FROM analytics_window");
    assert_eq!(counted, orders);
    let answers = "SELECT count(*) FROM event_store WHERE event_type LIKE 'InventoryReserv%'";
    assert_eq!(rig.number(answers), orders);
    let twice = rig.texts(
        "SELECT stream FROM event_store WHERE event_type LIKE 'InventoryReserv%'
         GROUP BY stream HAVING count(*) > 1",
    );
    assert_eq!(twice, Vec::<String>::new());
    let wrong = rig.texts(&format!(
        "SELECT s.product_id FROM stock s LEFT JOIN (
             SELECT item->>0 AS product, sum(CAST(item->>1 AS bigint)) AS pieces
             FROM reservation r, jsonb_array_elements(CAST(r.items AS jsonb)) item
             WHERE r.status = 'reserved' GROUP BY 1) r ON r.product = s.product_id
         WHERE s.reserved <> coalesce(r.pieces, 0) OR s.available + s.reserved <> {STOCK}"
    ));
    assert_eq!(wrong, Vec::<String>::new(), "stock that adds up");
    assert_eq!(rig.number("SELECT count(*) FROM dead_letter"), 0);
    assert_eq!(rig.letters_on_topics(), 0);
    orders
}
