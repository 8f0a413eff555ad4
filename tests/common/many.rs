//! Many letters at once, written by the database itself: for plans and for measuring.

use evtop::domain::fingerprint::fingerprint;
use sqlx::postgres::PgConnection;
use sqlx::sqlite::SqliteConnectOptions;
use sqlx::{AssertSqlSafe, ConnectOptions as _, Connection as _, Executor as _};

pub const GROUP: &str = "inventory-service";

/// Writes so many letters into the store at this address: each of a key of its own, of twenty causes, one in ten
/// waiting, three in ten resolved or archived; one failed each 10 ms up to now, and one in a hundred just now.
pub async fn letters(url: &str, count: u32) {
    let sqlite = url.strip_prefix("sqlite:");
    let (rows, id, at, now, key, empty) = match sqlite {
        Some(_) => (
            format!(
                "WITH RECURSIVE n (n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM n WHERE n < {count})"
            ),
            "printf('%08x-0000-4000-8000-000000000000', n)",
            "(unixepoch() * 1000000 - (COUNT - n) * 10000)",
            "unixepoch() * 1000000",
            "CAST('K-' || n AS BLOB)",
            "x''",
        ),
        None => (
            format!("WITH n AS (SELECT n FROM generate_series(1, {count}) AS n)"),
            "CAST(lpad(to_hex(n), 8, '0') || '-0000-4000-8000-000000000000' AS uuid)",
            "(now() - (COUNT - n) * interval '10 milliseconds')",
            "now()",
            "convert_to('K-' || n, 'UTF8')",
            "''::bytea",
        ),
    };
    let at = at.replace("COUNT", &count.to_string());
    let cause = fingerprint(GROUP, "handle", "timeout", "no answer");
    let letters = format!(
        "INSERT INTO dead_letter (id, status, consumer, topic, partition, \"offset\", key, event_type, stage, code,
             message, fingerprint, attempts, first_failed_at, last_failed_at, redrives, blocked_by, dlq_topic,
             dlq_partition, dlq_offset, family)
         {rows}
         SELECT {id}, CASE WHEN n % 10 = 1 THEN 'blocked' WHEN n % 10 = 2 THEN 'archived'
                 WHEN n % 10 IN (3, 4) THEN 'resolved' WHEN n % 1000 = 5 THEN 'parked' ELSE 'unresolved' END,
             '{GROUP}', 'order-events', n % 3, n, {key}, 'OrderCreated', 'handle', 'timeout',
             'gateway 10.0.0.' || (n % 250) || ' did not answer in time, attempt ' || n,
             CASE WHEN n % 10 = 1 THEN 'waits' ELSE '{cause}' || (n % 20) END, 4,
             CASE WHEN n % 100 = 0 THEN {now} ELSE {at} END, {at}, 0,
             CASE WHEN n % 10 = 1 THEN {id} END, 'order-events-dlt', n % 3, n, 'evtop'
         FROM n"
    );
    let bodies = format!(
        "INSERT INTO dead_letter_body (id, value, headers) SELECT id, {empty}, '[]' FROM dead_letter"
    );
    let blocks = "INSERT INTO key_block (consumer, key, head_id, since, ready)
         SELECT consumer, key, id, last_failed_at, status = 'blocked' AND seq % 1000 = 1 FROM dead_letter
         WHERE status NOT IN ('resolved', 'archived')";
    // What was redriven and handled long ago.
    let operation = "INSERT INTO operation (id, kind, state, what, target, total, sent, ok, failed_again, duplicate,
             unknown, refused, rate_limit, asked_by, created_at, ended_at, plan)
         SELECT id, 'redrive', 'completed', '', '', 0, 0, 0, 0, 0, 0, 0, 0, '', first_failed_at, first_failed_at, ''
         FROM dead_letter WHERE seq = (SELECT min(seq) FROM dead_letter)";
    let items = "INSERT INTO operation_item (redrive_id, operation_id, letter_id, seq, state, outcome, followed)
         SELECT id, (SELECT id FROM operation), id, seq, 'settled', 'ok', true FROM dead_letter";
    let inbox = "INSERT INTO inbox (consumer, message_id, at)
         SELECT consumer, CAST(id AS text), first_failed_at FROM dead_letter";
    let statements = [&*letters, &*bodies, blocks, operation, items, inbox];
    match sqlite {
        Some(file) => {
            let mut raw = SqliteConnectOptions::new()
                .filename(file)
                .connect()
                .await
                .unwrap();
            for statement in statements {
                raw.execute(AssertSqlSafe(statement)).await.unwrap();
            }
        }
        None => {
            let mut raw = PgConnection::connect(url).await.unwrap();
            for statement in statements {
                raw.execute(AssertSqlSafe(statement)).await.unwrap();
            }
            raw.execute("ANALYZE").await.unwrap();
        }
    }
}
