//! Snapshots by hand: plain data with fixed times, so that a screen's test needs no service.

use std::sync::Arc;
use std::time::Duration;

use chrono::{DateTime, TimeDelta, Utc};
use evtop::domain::fault::Stage;
use evtop::domain::fault_plan::FaultPlan;
use evtop::domain::letter::{Cause, DlqPlace, Letter, LetterBody, LetterStatus, RedriveOutcome};
use evtop::domain::operation::{AuditRow, Counts, Operation, OperationKind, OperationState};
use evtop::domain::position::Position;
use evtop::domain::stored::{BlockedKey, OutboxRow, SentRow, StoredEvent};
use evtop::snapshot::*;
use uuid::Uuid;

/// A fixture's name, and how it is made.
pub type Fixture = (&'static str, fn() -> Snapshot);

pub const ALL: [Fixture; 6] = [
    ("connecting", connecting),
    ("empty", empty),
    ("busy", busy),
    ("failing", failing),
    ("huge", huge),
    ("unicode", unicode),
];

pub fn by_name(name: &str) -> Option<Snapshot> {
    let found = ALL.into_iter().find(|(n, _)| *n == name);
    found.map(|(_, make)| make())
}

/// The moment of every fixture.
pub fn now() -> DateTime<Utc> {
    DateTime::from_timestamp_millis(1_795_262_671_240).expect("a time")
}

fn ago(ms: i64) -> DateTime<Utc> {
    now() - TimeDelta::milliseconds(ms)
}

fn id(n: u128) -> Uuid {
    Uuid::from_u128(0x0191_0000_0000_7000_8000_0000_0000_0000 + n * 0x9e37_79b9_7f4a_7c15)
}

/// A wave that looks like a rate, the same each time.
fn wave(base: f32, swing: f32, seed: u32) -> Series {
    let mut state = seed.wrapping_mul(2_654_435_761).max(1);
    let points = (0..120_u16).map(|at| {
        state ^= state << 13;
        state ^= state >> 17;
        state ^= state << 5;
        let noise = (state % 1_000) as f32 / 1_000.0 - 0.5;
        let slow = (f32::from(at) / 17.0 + seed as f32).sin();
        Some((base + swing * (slow * 0.5 + noise * 0.6)).max(0.0))
    });
    Series {
        step: Duration::from_secs(5),
        points: points.collect(),
    }
}

/// Nothing, then growth, with a gap while it was not known.
fn growth(to: f32) -> Series {
    let points = (0..120_u16).map(|at| match at {
        0..20 => Some(0.0),
        48..54 => None,
        at => Some(to * (f32::from(at) - 20.0).max(0.0) / 100.0),
    });
    Series {
        step: Duration::from_secs(5),
        points: points.collect(),
    }
}

fn zero() -> Series {
    Series {
        step: Duration::from_secs(5),
        points: vec![Some(0.0); 120].into(),
    }
}

fn ms(ms: u64) -> Duration {
    Duration::from_millis(ms)
}

pub fn connecting() -> Snapshot {
    Snapshot::default()
}

fn base() -> Snapshot {
    Snapshot {
        seq: 42,
        taken: now(),
        every: ms(250),
        stack: Stack {
            name: "embedded".into(),
            embedded: true,
            workers: true,
            ..Stack::default()
        },
        health: vec![
            dependency(
                "kafka",
                DependencyState::Up,
                Some(Duration::from_micros(1_040)),
                None,
            ),
            dependency(
                "sqlite",
                DependencyState::Up,
                Some(Duration::from_micros(310)),
                None,
            ),
            dependency("redis", DependencyState::Off, None, Some("in memory")),
        ],
        ..Snapshot::default()
    }
}

fn dependency(
    name: &str,
    state: DependencyState,
    latency: Option<Duration>,
    note: Option<&str>,
) -> Dependency {
    Dependency {
        name: name.into(),
        state,
        latency,
        since: Some(ago(90_000)),
        note: note.map(Into::into),
    }
}

/// Everything is there and nothing has happened yet.
pub fn empty() -> Snapshot {
    let at = ago(100);
    Snapshot {
        topics: Reading::new(Vec::new(), at),
        lag: Reading::new(Arc::default(), at),
        outbox: Reading::new(
            Outbox {
                relays: vec![relay("0", "idle")],
                ..Outbox::default()
            },
            at,
        ),
        store: Reading::new(StoreTotals::default(), at),
        letters: Reading::new(Letters::default(), at),
        timeline: Reading::new(
            Timeline {
                total: Some(0),
                at_end: true,
                at_start: true,
                ..Timeline::default()
            },
            at,
        ),
        ..base()
    }
}

fn relay(shard: &str, state: &str) -> Relay {
    Relay {
        shard: shard.into(),
        owner: "worker-1@host".into(),
        state: state.into(),
        last_error: None,
    }
}

const SERVICES: [(&str, &[&str]); 6] = [
    ("email", &["order-events"]),
    (
        "analytics",
        &["order-events", "payment-events", "inventory-events"],
    ),
    ("inventory", &["order-events", "payment-events"]),
    ("payment", &["inventory-events"]),
    ("shipping", &["payment-events"]),
    ("order", &["inventory-events", "payment-events"]),
];

fn partition(n: i32, end: i64, lag: u64, seed: u32) -> PartitionLag {
    let behind = i64::try_from(lag).unwrap_or(0);
    PartitionLag {
        partition: n,
        first: Some(0),
        end: Some(end),
        committed: Some(end - behind),
        moved_at: Some(ago(400)),
        numbers: LagNumbers {
            lag: Some(lag),
            time: Some(ms(lag * 50)),
            rate_in: Some(6.7),
            rate_out: Some(6.8),
            eta: (lag > 0).then(|| Duration::from_secs(2)),
            history: if lag == 0 {
                zero()
            } else {
                wave(lag as f32, lag as f32, seed)
            },
        },
        verdict: ok(),
        owner: Some("worker-1@host".into()),
    }
}

fn ok() -> Verdict {
    Verdict {
        kind: VerdictKind::Ok,
        reason: "keeps up".into(),
    }
}

fn group(at: usize, service: &str, topics: &[&str]) -> GroupLag {
    let seed = u32::try_from(at).unwrap_or(0) + 3;
    let lag = [14, 0, 3, 0, 1, 0][at % 6];
    let topics = topics.iter().enumerate().map(|(nth, topic)| {
        let of = if nth == 0 { lag } else { 0 };
        TopicLag {
            topic: (*topic).into(),
            numbers: LagNumbers {
                lag: Some(of),
                time: Some(ms(of * 50)),
                rate_in: Some(20.3),
                rate_out: Some(20.1),
                eta: (of > 0).then(|| Duration::from_secs(2)),
                history: if of == 0 {
                    zero()
                } else {
                    wave(of as f32, of as f32, seed)
                },
            },
            verdict: ok(),
            partitions: (0..3)
                .map(|n| partition(n, 5_120 + i64::from(n), if n == 1 { of } else { 0 }, seed))
                .collect(),
        }
    });
    let topics: Vec<_> = topics.collect();
    GroupLag {
        group: format!("{service}-service"),
        ours: true,
        state: Some("Stable".into()),
        numbers: topics[0].numbers.clone(),
        verdict: ok(),
        topics,
    }
}

fn consumer(at: usize, service: &str, topics: &[&str]) -> Consumer {
    let seed = u32::try_from(at).unwrap_or(0) + 11;
    let n = at as u64;
    Consumer {
        service: service.into(),
        group: format!("{service}-service"),
        topics: topics.iter().map(|t| (*t).into()).collect(),
        state: ConsumerState::Running,
        since: Some(ago(754_000)),
        events_per_s: Some(20.1 - at as f64 * 1.7),
        errors_per_s: Some(0.0),
        latency: Some(Percentiles {
            p50: Duration::from_micros(2_100 + n * 300),
            p95: Duration::from_micros(6_400 + n * 700),
            p99: ms(11 + n * 3),
        }),
        in_flight: 1,
        handled: 15_214 - n * 1_100,
        retries: 31 + n,
        dead: 0,
        duplicates: n,
        skipped: n * 120,
        assigned: topics
            .iter()
            .flat_map(|t| (0..3).map(|p| ((*t).into(), p)))
            .collect(),
        blocked_keys: Some(0),
        faults: FaultPlan {
            transient: if at == 0 { 0.01 } else { 0.0 },
            ..FaultPlan::default()
        },
        history: wave(20.0 - at as f32 * 1.7, 8.0, seed),
        ..Consumer::default()
    }
}

fn topic(name: &str, end: i64, rate: f64, seed: u32) -> Topic {
    Topic {
        name: name.into(),
        partitions: 3,
        end: Some(end),
        rate: Some(rate),
        history: wave(rate as f32, rate as f32 / 3.0, seed),
    }
}

const STEPS: [(&str, &str); 5] = [
    ("OrderCreated", "order-service"),
    ("InventoryReserved", "inventory-service"),
    ("PaymentProcessed", "payment-service"),
    ("OrderConfirmed", "order-service"),
    ("OrderShipped", "shipping-service"),
];

fn stored(n: i64) -> StoredEvent {
    let (order, step) = (n / 5, usize::try_from(n % 5).unwrap_or(0));
    let order_id = format!("5F00A1{order:02X}");
    let (kind, from) = STEPS[step];
    let at = ago((60 - n) * 49);
    StoredEvent {
        position: Position {
            tx: 0,
            pos: 48_150 + n,
        },
        event_id: id(1_000 + n.unsigned_abs() as u128),
        stream: format!("order-{order_id}"),
        version: i64::try_from(step).unwrap_or(0) + 1,
        event_type: kind.into(),
        event_version: 2,
        correlation_id: id(500 + order.unsigned_abs() as u128),
        causation_id: (step > 0).then(|| id(999 + n.unsigned_abs() as u128)),
        source_service: from.into(),
        timestamp: at,
        recorded_at: at + TimeDelta::milliseconds(3),
        payload: format!(
            r#"{{"event_id":"{}","event_type":"{kind}","version":2,"timestamp":"{}","data":{{"order_id":"{order_id}","total_amount":129.97,"express":true,"note":null,"items":[{{"product_id":"P-17","quantity":4}},{{"product_id":"P-03","quantity":1}}]}}}}"#,
            id(1_000 + n.unsigned_abs() as u128),
            at.to_rfc3339_opts(chrono::SecondsFormat::Millis, true),
        ),
    }
}

/// A page of events and the detail of one of them, as the engine would answer.
fn timeline() -> (Timeline, EventDetail) {
    let rows: Vec<_> = (0..60).map(stored).collect();
    let event = rows[59].clone();
    let detail = EventDetail {
        event,
        upcasted: None,
        state: [
            ("status", "shipped"),
            ("customer", "C-1042"),
            ("total", "129.97"),
            ("paid", "129.97"),
            ("items", "2"),
            ("tracking", "1Z-5F00A1"),
        ]
        .map(|(k, v)| (k.to_owned(), v.to_owned()))
        .to_vec(),
        changes: vec![
            ("status".into(), "paid".into(), "shipped".into()),
            ("tracking".into(), "–".into(), "1Z-5F00A1".into()),
        ],
        since_previous: Some(ms(49)),
        error: None,
    };
    let page = Timeline {
        total: Some(48_210),
        rows,
        at_end: true,
        at_start: false,
    };
    (page, detail)
}

fn sent(n: i64) -> SentRow {
    SentRow {
        seq: 48_210 - n,
        id: id(2_000 + n.unsigned_abs() as u128),
        aggregate_id: format!("5F00A1{:02X}", 60 - n),
        event_type: STEPS[usize::try_from(n % 5).unwrap_or(0)].0.into(),
        topic: ["order-events", "inventory-events", "payment-events"]
            [usize::try_from(n % 3).unwrap_or(0)]
        .into(),
        partition: i32::try_from(n % 3).unwrap_or(0),
        offset: 5_124 - n,
        created_at: ago(n * 50 + 62 + n % 7),
        sent_at: ago(n * 50 + 50),
    }
}

fn waiting(n: i64, age: i64) -> OutboxRow {
    OutboxRow {
        seq: 48_211 + n,
        id: id(3_000 + n.unsigned_abs() as u128),
        aggregate_type: "order".into(),
        aggregate_id: format!("77AC00{n:02X}"),
        event_type: "OrderCreated".into(),
        topic: "order-events".into(),
        payload: "{}".into(),
        headers: Vec::new(),
        created_at: ago(age - n * 9),
    }
}

fn outbox() -> Outbox {
    Outbox {
        pending: 3,
        oldest: Some(ago(40)),
        published: 48_207,
        publish_per_s: Some(38.4),
        delay: Some(Percentiles {
            p50: ms(4),
            p95: ms(9),
            p99: ms(12),
        }),
        blocked: Vec::new(),
        head: (0..3).map(|n| waiting(n, 40)).collect(),
        sent: (0..40).map(sent).collect(),
        relays: vec![relay("0", "publishing")],
        pending_history: wave(3.0, 4.0, 5),
        rate_history: wave(38.0, 12.0, 6),
    }
}

fn operation(
    n: u128,
    kind: OperationKind,
    state: OperationState,
    what: &str,
    target: &str,
    counts: Counts,
) -> Operation {
    Operation {
        id: id(4_000 + n),
        kind,
        state,
        what: what.into(),
        target: target.into(),
        counts,
        rate_limit: 25,
        by: "ada".into(),
        created_at: ago(i64::try_from(n).unwrap_or(0) * 210_000 + 4_000),
        ended_at: state.is_over().then(|| ago(100_000)),
        note: None,
        plan: "{}".into(),
    }
}

fn audit(n: i64, action: &str, detail: &str, outcome: Option<&str>) -> AuditRow {
    AuditRow {
        id: 100 - n,
        at: ago(n * 61_000 + 2_000),
        request_id: id(5_000 + n.unsigned_abs() as u128),
        who: "ada".into(),
        action: action.into(),
        detail: detail.into(),
        outcome: outcome.map(Into::into),
    }
}

fn log(n: i64, level: LogLevel, target: &str, text: &str) -> LogLine {
    LogLine {
        at: ago(n * 3_100),
        level,
        target: target.into(),
        text: text.into(),
    }
}

fn activity() -> Activity {
    let done = Counts {
        total: 12,
        sent: 12,
        ok: 11,
        duplicate: 1,
        ..Counts::default()
    };
    Activity {
        operations: vec![operation(
            3,
            OperationKind::Replay,
            OperationState::Completed,
            "stream order-5F00A101",
            "email-service only",
            done,
        )],
        audit: vec![
            audit(0, "set-traffic", "20 orders/s", Some("done")),
            audit(
                1,
                "replay",
                "stream order-5F00A101 to email-service, idempotency honoured",
                Some("12 of 12: ok 11, duplicate 1"),
            ),
            audit(
                1,
                "replay",
                "stream order-5F00A101 to email-service, idempotency honoured",
                None,
            ),
            audit(2, "inject", "5 happy", Some("5 orders")),
        ],
        log: vec![
            log(9, LogLevel::Info, "pipeline", "6 consumers started"),
            log(8, LogLevel::Info, "relay", "shard 0 taken"),
            log(
                5,
                LogLevel::Debug,
                "consumer",
                "email-service: batch of 32 in 9 ms",
            ),
            log(
                2,
                LogLevel::Warn,
                "consumer",
                "email-service: attempt 1 failed, again in 1.1 s",
            ),
            log(
                0,
                LogLevel::Info,
                "consumer",
                "email-service: attempt 2 worked",
            ),
        ]
        .into(),
    }
}

/// A stack at work, with nothing wrong but one dead letter.
pub fn busy() -> Snapshot {
    let at = ago(100);
    let (page, detail) = timeline();
    let groups = SERVICES
        .iter()
        .enumerate()
        .map(|(at, (s, t))| group(at, s, t));
    let mut letters = letters(1, 1);
    letters.last_minute = 0;
    letters.causes[0].per_minute = [0, 0, 0, 0, 0, 0, 1, 0, 0, 0];
    letters.causes[0].last = ago(184_000);
    let rows = letters.rows.clone();
    Snapshot {
        findings: vec![
            Finding {
                severity: Severity::Warn,
                text: "1 dead letter in 1 cause, the newest 3 min ago".into(),
                place: Place::Letters { fingerprint: None },
            },
            Finding {
                severity: Severity::Note,
                text: "no Redis configured: idempotency in memory, the inbox behind it".into(),
                place: Place::Activity,
            },
        ],
        traffic: Traffic {
            rate: 20.0,
            slowed: None,
            orders_per_s: Some(20.4),
            history: wave(20.0, 6.0, 1),
        },
        topics: Reading::new(
            vec![
                topic("order-events", 15_372, 20.3, 2),
                topic("payment-events", 9_102, 12.1, 3),
                topic("inventory-events", 12_044, 18.9, 4),
            ],
            at,
        ),
        lag: Reading::new(Arc::new(groups.collect()), at),
        consumers: SERVICES
            .iter()
            .enumerate()
            .map(|(at, (s, t))| consumer(at, s, t))
            .collect(),
        outbox: Reading::new(outbox(), at),
        store: Reading::new(
            StoreTotals {
                events: 48_213,
                streams: Some(9_640),
            },
            at,
        ),
        end_to_end: Some(Percentiles {
            p50: ms(6),
            p95: ms(14),
            p99: ms(22),
        }),
        letter: Some(letter_detail(&rows[0])),
        letters: Reading::new(letters, at),
        timeline: Reading::new(page, at),
        event: Some(detail),
        activity: activity(),
        ..base()
    }
}

fn letter(n: u64, fingerprint: &str, code: &str, message: &str, group: &str) -> Letter {
    Letter {
        id: id(6_000 + u128::from(n)),
        status: match n {
            1 => LetterStatus::InFlight,
            2 => LetterStatus::Queued,
            7 => LetterStatus::Parked,
            _ => LetterStatus::Unresolved,
        },
        group: group.into(),
        topic: "order-events".into(),
        partition: 2,
        offset: 4_812 + i64::try_from(n).unwrap_or(0) * 7,
        key: Some(format!("ORD-5F00A1{:02X}", 0xB2 + n).into_bytes()),
        event_id: Some(id(7_000 + u128::from(n))),
        event_type: Some("OrderCreated".into()),
        correlation_id: Some(id(500)),
        stage: Stage::Timeout,
        code: code.into(),
        message: message.into(),
        fingerprint: fingerprint.into(),
        attempts: 4,
        first_failed_at: ago(41_000 + i64::try_from(n).unwrap_or(0) * 5_000),
        last_failed_at: ago(3_000 + i64::try_from(n).unwrap_or(0) * 5_000),
        redrives: u32::from(n == 7) * 3,
        outcome: (n == 7).then_some(RedriveOutcome::FailedAgain),
        blocked_by: None,
        dlq: Some(DlqPlace {
            topic: format!("order-events-{group}-dlt"),
            partition: 2,
            offset: 31 + i64::try_from(n).unwrap_or(0),
        }),
    }
}

fn letter_detail(letter: &Letter) -> LetterDetail {
    let header = |name: &str, value: &str| (name.to_owned(), Some(value.as_bytes().to_vec()));
    LetterDetail {
        letter: letter.clone(),
        body: LetterBody {
            value: Some(stored(0).payload.into_bytes()),
            headers: vec![
                header("event_type", "OrderCreated"),
                header(
                    "traceparent",
                    "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01",
                ),
                header(
                    "kafka_dlt-exception-message",
                    "stock table did not answer in 30 s",
                ),
                header("evtop-attempts", "4"),
                ("evtop-edit-of".to_owned(), None),
                (
                    "kafka_dlt-original-offset".to_owned(),
                    Some(vec![0, 0, 0, 0, 0, 0, 0x12, 0xcc]),
                ),
            ],
        },
        behind: 2,
    }
}

const TIMEOUT: &str = "a1b2c3d4e5f60718";
const MALFORMED: &str = "0f1e2d3c4b5a6978";

fn letters(causes: usize, rows: u64) -> Letters {
    let all = vec![
        Cause {
            fingerprint: TIMEOUT.into(),
            group: "inventory-service".into(),
            code: "handler_timeout".into(),
            title: "stock table did not answer in # s".into(),
            count: 9.min(rows),
            parked: 0,
            redriving: 0,
            first: ago(184_000),
            last: ago(3_000),
            per_minute: [0, 0, 1, 0, 1, 2, 2, 1, 2, 4],
        },
        Cause {
            fingerprint: MALFORMED.into(),
            group: "analytics-service".into(),
            code: "malformed_json".into(),
            title: "expected value at line # column #".into(),
            count: 3,
            parked: 1,
            redriving: 0,
            first: ago(400_000),
            last: ago(244_000),
            per_minute: [2, 1, 0, 0, 0, 1, 0, 0, 0, 0],
        },
    ];
    let causes: Vec<_> = all.into_iter().take(causes).collect();
    let message = "stock table did not answer in 30 s: the connection pool is exhausted and 41 callers wait for one of 8 connections";
    Letters {
        by_status: vec![
            (LetterStatus::Unresolved, rows),
            (LetterStatus::Resolved, 118),
        ],
        open: causes.iter().map(|c| c.count).sum(),
        last_minute: 4,
        causes_total: causes.len() as u64,
        rows: (0..rows)
            .map(|n| letter(n, TIMEOUT, "handler_timeout", message, "inventory-service"))
            .collect(),
        rows_total: rows,
        rows_from: 0,
        unread: None,
        causes,
    }
}

/// Much is wrong: Kafka's answers are old, a group is stuck, letters pile up, an operation runs.
pub fn failing() -> Snapshot {
    let mut shown = busy();
    shown.stack = Stack {
        name: "orders-eu".into(),
        production: true,
        workers: true,
        ..Stack::default()
    };
    shown.health = vec![
        dependency("kafka", DependencyState::Up, Some(ms(48)), None),
        dependency(
            "postgres",
            DependencyState::Down,
            None,
            Some("connection refused"),
        ),
        dependency("redis", DependencyState::Connecting, None, None),
    ];
    let reason = "offset unmoved for 41 s, 6 polls, 312 behind";
    let stuck = |numbers: &mut LagNumbers, verdict: &mut Verdict| {
        numbers.lag = Some(312);
        numbers.time = Some(Duration::from_secs(41));
        numbers.rate_out = Some(0.0);
        numbers.eta = None;
        numbers.history = growth(312.0);
        *verdict = Verdict {
            kind: VerdictKind::Stalled,
            reason: reason.into(),
        };
    };
    let mut groups = shown.lag.value.as_deref().cloned().unwrap_or_default();
    let group = &mut groups[2];
    group.state = Some("PreparingRebalance".into());
    stuck(&mut group.numbers, &mut group.verdict);
    let topic = &mut group.topics[0];
    stuck(&mut topic.numbers, &mut topic.verdict);
    let partition = &mut topic.partitions[2];
    stuck(&mut partition.numbers, &mut partition.verdict);
    partition.committed = Some(4_812);
    partition.end = Some(5_124);
    partition.moved_at = Some(ago(41_000));
    groups[4].verdict = Verdict {
        kind: VerdictKind::Growing,
        reason: "grows by 3.1/s over 2 min".into(),
    };
    groups[5].topics[0].partitions[1].committed = None;
    groups[5].topics[0].partitions[1].numbers = LagNumbers::default();
    groups[5].topics[0].partitions[1].verdict = Verdict {
        kind: VerdictKind::Unknown,
        reason: "never committed".into(),
    };
    shown.lag = Reading {
        error: Some("broker transport failure".into()),
        at: Some(ago(12_000)),
        value: Some(Arc::new(groups)),
    };
    let inventory = &mut shown.consumers[2];
    inventory.state = ConsumerState::Holding;
    inventory.state_reason = Some("postgres is down: connection refused".into());
    inventory.events_per_s = Some(0.0);
    inventory.errors_per_s = Some(2.4);
    inventory.dead = 9;
    inventory.blocked_keys = Some(4);
    inventory.held = vec![HeldPartition {
        topic: "order-events".into(),
        partition: 2,
        offset: 4_812,
        attempts: 3,
        since: ago(41_000),
        due: Some(now() + TimeDelta::milliseconds(2_300)),
        reason: "stock table did not answer in 30 s".into(),
        waiting: 312,
    }];
    inventory.last_error = Some((ago(3_000), "handler_timeout: stock table did not answer in 30 s: the connection pool is exhausted and 41 callers wait for one of 8 connections".into()));
    shown.consumers[3].state = ConsumerState::Paused;
    shown.consumers[4].state = ConsumerState::Restarting;
    shown.consumers[4].restarts = 3;
    shown.consumers[4].state_reason = Some("panicked: index out of bounds".into());
    shown.outbox = Reading {
        value: Some(Outbox {
            pending: 1_204,
            oldest: Some(ago(73_000)),
            publish_per_s: Some(0.0),
            blocked: vec![
                BlockedKey {
                    aggregate_id: "77AC0001".into(),
                    head_seq: 48_211,
                    attempts: 7,
                    until: Some(now() + TimeDelta::seconds(9)),
                    error: "record of 9.1 MiB is larger than max.message.bytes".into(),
                },
                BlockedKey {
                    aggregate_id: "77AC0002".into(),
                    head_seq: 48_212,
                    attempts: 12,
                    until: None,
                    error: "topic order-events: authorization failed".into(),
                },
            ],
            head: (0..20).map(|n| waiting(n, 73_000)).collect(),
            relays: vec![Relay {
                state: "held: kafka down".into(),
                last_error: Some((ago(9_000), "all brokers are down".into())),
                ..relay("0", "")
            }],
            pending_history: growth(1_204.0),
            ..outbox()
        }),
        at: Some(ago(9_000)),
        error: Some("connection refused".into()),
    };
    let mut letters = letters(2, 9);
    letters.causes[0].redriving = 2;
    letters.unread = Some(214);
    shown.letter = Some(letter_detail(&letters.rows[0]));
    shown.letters = Reading::new(letters, ago(100));
    shown.traffic.slowed = Some("order-service is 4 MiB behind".into());
    shown.traffic.orders_per_s = Some(4.0);
    shown.end_to_end = None;
    let counts = Counts {
        total: 9,
        sent: 5,
        ok: 3,
        failed_again: 1,
        ..Counts::default()
    };
    let mut running = operation(
        0,
        OperationKind::Redrive,
        OperationState::Running,
        "cause handler_timeout",
        "inventory-service only",
        counts,
    );
    running.note = Some("stops when more than 20 % fail again".into());
    shown.activity.operations.insert(0, running);
    let counts = Counts {
        total: 40,
        sent: 12,
        ok: 2,
        failed_again: 10,
        ..Counts::default()
    };
    let mut failed = operation(
        1,
        OperationKind::Redrive,
        OperationState::Failed,
        "12 marked letters",
        "each to its group",
        counts,
    );
    failed.note = Some("10 of 12 failed again".into());
    shown.activity.operations.insert(1, failed);
    let mut lines = shown.activity.log.to_vec();
    lines.push(log(
        0,
        LogLevel::Error,
        "store",
        "connection refused (os error 111); again in 4 s",
    ));
    shown.activity.log = lines.into();
    shown.findings = vec![
        Finding { severity: Severity::Bad, text: "inventory-service stuck on order-events/2: 312 behind, offset unmoved for 41 s, last error \"stock table did not answer in 30 s\"".into(), place: Place::Lag { group: "inventory-service".into(), topic: Some("order-events".into()), partition: Some(2) } },
        Finding { severity: Severity::Bad, text: "postgres is down for 90 s: connection refused; consumers hold, nothing is lost".into(), place: Place::Activity },
        Finding { severity: Severity::Bad, text: "shipping panicked 3 times and is being started again".into(), place: Place::Consumer { service: "shipping".into() } },
        Finding { severity: Severity::Warn, text: "12 dead letters in 2 causes, the newest 3 s ago, +4/min".into(), place: Place::Letters { fingerprint: Some(TIMEOUT.into()) } },
        Finding { severity: Severity::Warn, text: "2 outbox keys blocked, the oldest row waits for 73 s".into(), place: Place::Outbox },
        Finding { severity: Severity::Note, text: "payment is paused by ada".into(), place: Place::Consumer { service: "payment".into() } },
    ];
    shown
}

/// A big cluster that is only watched: no workers, read-only, a thousand partitions.
pub fn huge() -> Snapshot {
    let mut shown = busy();
    shown.stack = Stack {
        name: "cluster-of-somebody-else".into(),
        read_only: true,
        ..Stack::default()
    };
    shown.consumers.clear();
    let groups = (0..50_usize).map(|g| {
        let mut group = group(
            g % 6,
            &format!("team-{g:02}-consumer"),
            &["clickstream.raw.v1"],
        );
        let topic = &mut group.topics[0];
        topic.partitions = (0..20)
            .map(|p| partition(p, 8_812_345_120, 1_234_567, 7))
            .collect();
        topic.numbers.lag = Some(24_691_340);
        topic.numbers.time = Some(Duration::from_secs(98_000));
        topic.numbers.rate_in = Some(12_345.6);
        group.numbers = topic.numbers.clone();
        if g % 10 == 3 {
            group.verdict = Verdict {
                kind: VerdictKind::AtRisk,
                reason: "retention ends in 2 h 10, catching up takes 5 h".into(),
            };
        }
        group
    });
    shown.lag = Reading::new(Arc::new(groups.collect()), ago(100));
    shown.topics = Reading::new(
        (0..40)
            .map(|n| topic(&format!("clickstream.raw.v{n}"), 8_812_345_120, 98_765.4, n))
            .collect(),
        ago(100),
    );
    let mut page = letters(2, 200);
    page.rows_total = 212_331;
    page.causes_total = 412;
    page.open = 212_331;
    page.causes = (0..40)
        .map(|n| Cause {
            fingerprint: format!("{n:016x}"),
            count: 50_000 / (n + 1),
            ..page.causes[0].clone()
        })
        .collect();
    let first = page.causes[0].fingerprint.clone();
    page.rows
        .iter_mut()
        .for_each(|row| row.fingerprint.clone_from(&first));
    shown.letter = Some(letter_detail(&page.rows[0]));
    shown.letters = Reading::new(page, ago(100));
    shown.store = Reading::new(
        StoreTotals {
            events: 9_912_345_678,
            streams: None,
        },
        ago(100),
    );
    if let Some(timeline) = &mut shown.timeline.value {
        timeline.total = None;
    }
    shown
}

/// Text from people who mean harm, or who write in other scripts.
pub fn unicode() -> Snapshot {
    const EVIL: &str =
        "\u{1b}[31mred\u{1b}]52;c;aGk=\u{7} \u{202e}gpj.exe\u{202c} \u{9b}2J\r\n\t end";
    const WIDE: &str = "注文サービス👩‍👩‍👧‍👦é̂̃̄̅한국어";
    let mut shown = failing();
    shown.stack.name = format!("prod{EVIL}");
    shown.health[1].note = Some(EVIL.into());
    for finding in &mut shown.findings {
        finding.text = format!("{WIDE} {EVIL} {}", finding.text);
    }
    shown.consumers[0].service = WIDE.into();
    shown.consumers[1].service = EVIL.into();
    shown.consumers[2].state_reason = Some(EVIL.into());
    shown.consumers[2].last_error = Some((ago(3_000), format!("{EVIL}{WIDE}")));
    let mut groups = shown.lag.value.as_deref().cloned().unwrap_or_default();
    groups[0].group = WIDE.into();
    groups[1].group = EVIL.into();
    groups[2].verdict.reason = EVIL.into();
    groups[2].topics[0].topic = format!("t\u{202e}{WIDE}");
    groups[2].topics[0].partitions[2].owner = Some(EVIL.into());
    shown.lag.value = Some(Arc::new(groups));
    shown.lag.error = Some(EVIL.into());
    if let Some(topics) = &mut shown.topics.value {
        topics[0].name = WIDE.into();
        topics[1].name = EVIL.into();
    }
    if let Some(outbox) = &mut shown.outbox.value {
        outbox.head[0].aggregate_id = EVIL.into();
        outbox.head[1].event_type = WIDE.into();
        outbox.blocked[0].error = EVIL.into();
        outbox.sent[0].aggregate_id = WIDE.into();
        outbox.relays[0].owner = EVIL.into();
    }
    if let Some(letters) = &mut shown.letters.value {
        letters.causes[0].title = EVIL.into();
        letters.causes[1].title = WIDE.into();
        letters.rows[0].key = Some(EVIL.as_bytes().to_vec());
        letters.rows[0].message = format!("{EVIL}{WIDE}");
        letters.rows[1].key = Some(vec![0xff, 0x00, 0x1b, 0x5b]);
        letters.rows[2].key = Some(WIDE.as_bytes().to_vec());
        letters.rows[3].event_type = Some(EVIL.into());
        let mut detail = letter_detail(&letters.rows[0]);
        detail.body.value = Some(
            format!(
                "{{\"{WIDE}\": \"{}\", \"n\": 1.50}}",
                "\\u001b[31m \u{202e}abc"
            )
            .into_bytes(),
        );
        detail
            .body
            .headers
            .push((EVIL.into(), Some(vec![0x1b, 0x9b, 0xff])));
        shown.letter = Some(detail);
    }
    if let Some(timeline) = &mut shown.timeline.value {
        timeline.rows[58].stream = EVIL.into();
        timeline.rows[57].event_type = WIDE.into();
        timeline.rows[59].payload = format!("not json {EVIL}\nsecond line {WIDE}");
    }
    if let Some(event) = &mut shown.event {
        event.state[1].1 = format!("{EVIL}{WIDE}");
        event.error = Some(EVIL.into());
    }
    shown.activity.operations[0].what = format!("{WIDE}{EVIL}");
    shown.activity.audit[0].detail = EVIL.into();
    let mut lines = shown.activity.log.to_vec();
    lines.push(log(0, LogLevel::Warn, "kafka", &format!("{EVIL}{WIDE}")));
    shown.activity.log = lines.into();
    shown
}
