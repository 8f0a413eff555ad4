//! A small busy stack as plain data, and an engine that plays it.

use std::io::{self, Write};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use chrono::{DateTime, TimeDelta, Utc};
use evtop::cli::{Cli, Exit};
use evtop::clock::Clock;
use evtop::command::{Command, Done, Focus, Outcome, Refusal};
use evtop::domain::fault::Stage;
use evtop::domain::foreign::Family;
use evtop::domain::letter::{Cause, DlqPlace, Letter, LetterBody, LetterStatus};
use evtop::domain::operation::{Counts, Operation, OperationKind, OperationState};
use evtop::domain::position::Position;
use evtop::domain::stored::{BlockedKey, OutboxRow, SentRow, StoredEvent};
use evtop::headless::{Output, Ports, run_within};
use evtop::snapshot::*;
use tokio::sync::{mpsc, watch};
use tokio_util::sync::CancellationToken;
use uuid::Uuid;

pub fn now() -> DateTime<Utc> {
    "2026-05-01T12:04:31Z".parse().expect("a time")
}

pub fn ago(seconds: i64) -> DateTime<Utc> {
    now() - TimeDelta::seconds(seconds)
}

pub fn id(n: u128) -> Uuid {
    Uuid::from_u128(0x0196_8c00_0000_7000_8000_0000_0000_0000 + n)
}

fn partition(partition: i32, committed: Option<i64>, end: i64) -> PartitionLag {
    let lag = committed.map(|c| u64::try_from(end - c).expect("committed first"));
    PartitionLag {
        partition,
        first: Some(0),
        end: Some(end),
        committed,
        moved_at: committed.map(|_| ago(41)),
        owner: Some("worker-1".to_owned()),
        verdict: Verdict {
            kind: match lag {
                None => VerdictKind::Unknown,
                Some(0) => VerdictKind::Ok,
                Some(_) => VerdictKind::Stalled,
            },
            reason: match lag {
                None => "never committed".into(),
                Some(0) => "".into(),
                Some(_) => "offset unmoved for 41 s".into(),
            },
        },
        numbers: LagNumbers {
            lag,
            time: lag.map(|lag| Duration::from_secs(if lag > 0 { 41 } else { 0 })),
            rate_in: Some(6.75),
            rate_out: lag.map(|_| 0.0),
            ..LagNumbers::default()
        },
    }
}

pub fn lag() -> Vec<GroupLag> {
    let topic = |partitions: Vec<PartitionLag>| {
        let worst = partitions
            .iter()
            .map(|p| p.verdict.clone())
            .max_by_key(|v| v.kind);
        TopicLag {
            topic: "order-events".to_owned(),
            numbers: LagNumbers {
                lag: partitions.iter().map(|p| p.numbers.lag).sum(),
                time: partitions.iter().map(|p| p.numbers.time).max().flatten(),
                rate_in: Some(13.5),
                ..LagNumbers::default()
            },
            verdict: worst.unwrap_or_default(),
            partitions,
        }
    };
    let group = |name: &str, ours, topics| GroupLag {
        group: name.to_owned(),
        ours,
        state: ours.then(|| "Stable".to_owned()),
        topics,
        ..GroupLag::default()
    };
    vec![
        group(
            "inventory-service",
            true,
            vec![topic(vec![
                partition(0, Some(4_800), 4_800),
                partition(1, Some(4_812), 5_124),
            ])],
        ),
        group(
            "late\u{1b}[2J\u{202e}comer",
            false,
            vec![topic(vec![partition(0, None, 4_800)])],
        ),
    ]
}

pub fn letter(n: u128) -> Letter {
    Letter {
        id: id(n),
        status: LetterStatus::Unresolved,
        family: Family::Evtop,
        group: Some("inventory-service".to_owned()),
        topic: Some("order-events".to_owned()),
        partition: Some(2),
        offset: Some(i64::MAX),
        key: Some(b"ORD-\x1b]0;owned\x07".to_vec()),
        event_id: None,
        event_type: Some("OrderCreated".to_owned()),
        correlation_id: Some(id(77)),
        stage: Some(Stage::Handle),
        code: "timeout".to_owned(),
        message: "stock table did not answer\u{9b}31m in 30 s".to_owned(),
        fingerprint: "3f9a2c17d05b".to_owned(),
        attempts: Some(4),
        first_failed_at: ago(41),
        last_failed_at: ago(34),
        redrives: 0,
        outcome: None,
        blocked_by: None,
        note: None,
        reason: None,
        dlq: Some(DlqPlace {
            topic: "order-events-inventory-service-dlt".to_owned(),
            partition: 2,
            offset: 9,
        }),
    }
}

pub fn detail() -> LetterDetail {
    LetterDetail {
        letter: letter(1),
        body: LetterBody {
            value: Some(vec![0xff, 0x00, b'{']),
            headers: vec![
                ("evtop-stage".to_owned(), Some(b"handle".to_vec())),
                ("raw".to_owned(), Some(vec![0xfe])),
                ("none".to_owned(), None),
            ],
        },
        foreign: None,
        behind: 2,
        waiting: Vec::new(),
        gone_on: 0,
    }
}

pub fn event(pos: i64) -> StoredEvent {
    StoredEvent {
        position: Position { tx: 0, pos },
        event_id: id(1_000 + pos.unsigned_abs() as u128),
        stream: "order-ORD-1".to_owned(),
        version: pos,
        event_type: "OrderCreated".to_owned(),
        event_version: 2,
        correlation_id: id(77),
        causation_id: None,
        source_service: "order-service".to_owned(),
        timestamp: ago(60 - pos),
        recorded_at: ago(60 - pos),
        payload: "{\"total_amount\": 29.990, \"n\": 9007199254740993}".to_owned(),
    }
}

pub fn operation(state: OperationState, counts: Counts) -> Operation {
    Operation {
        id: id(500),
        kind: OperationKind::Redrive,
        state,
        what: "cause 3f9a2c17d05b (timeout)".to_owned(),
        target: "inventory-service only".to_owned(),
        counts,
        rate_limit: 25,
        by: "ops@host".to_owned(),
        created_at: ago(10),
        ended_at: state.is_over().then(now),
        note: None,
        paused: false,
        plan: "{}".to_owned(),
        given_up: false,
    }
}

pub fn outbox() -> Outbox {
    Outbox {
        pending: 3,
        oldest: Some(ago(5)),
        published: Some(48_210),
        publish_per_s: None,
        blocked: vec![BlockedKey {
            aggregate_id: "ORD-9".to_owned(),
            head_seq: 7,
            attempts: 3,
            until: None,
            error: "message too large".to_owned(),
        }],
        head: vec![OutboxRow {
            seq: 8,
            id: id(8),
            aggregate_type: "order".to_owned(),
            aggregate_id: "ORD-1".to_owned(),
            event_type: "OrderCreated".to_owned(),
            topic: "order-events".to_owned(),
            payload: "{}".to_owned(),
            headers: Vec::new(),
            created_at: ago(5),
        }],
        sent: vec![SentRow {
            seq: 6,
            id: id(6),
            aggregate_id: "ORD-0".to_owned(),
            event_type: "OrderCreated".to_owned(),
            topic: "order-events".to_owned(),
            partition: 1,
            offset: 5_123,
            created_at: ago(7),
            sent_at: ago(6),
        }],
        relays: vec![Relay {
            shard: "0".to_owned(),
            owner: Some("host-1".to_owned()),
            state: Some("held: kafka down".to_owned()),
            last_error: Some((ago(2), "broker away".to_owned())),
            ..Relay::default()
        }],
        ..Outbox::default()
    }
}

fn consumer() -> Consumer {
    Consumer {
        service: "inventory".to_owned(),
        group: "inventory-service".to_owned(),
        topics: vec!["order-events".to_owned()],
        state: ConsumerState::Running,
        since: Some(ago(600)),
        events_per_s: Some(6.7),
        errors_per_s: None,
        latency: Some(Percentiles {
            p50: Duration::from_micros(350),
            p95: Duration::from_millis(14),
            p99: Duration::from_secs(2),
        }),
        handled: 4_812,
        dead: 9,
        assigned: vec![("order-events".to_owned(), 1)],
        held: vec![HeldPartition {
            topic: "order-events".to_owned(),
            partition: 1,
            offset: 4_812,
            attempts: 2,
            since: ago(41),
            due: None,
            reason: "stock table locked".to_owned(),
            waiting: 312,
        }],
        ..Consumer::default()
    }
}

/// Everything there, as one moment of a stack with a stuck service.
pub fn busy() -> Snapshot {
    Snapshot {
        seq: 7,
        taken: now(),
        stack: Stack {
            name: "lab".to_owned(),
            workers: true,
            ..Stack::default()
        },
        health: vec![Dependency {
            name: "sqlite".to_owned(),
            state: DependencyState::Up,
            latency: None,
            since: None,
            note: None,
        }],
        lag: Reading::new(Arc::new(lag()), now()),
        consumers: vec![consumer()],
        outbox: Reading::new(outbox(), now()),
        letters: Reading::new(
            Letters {
                open: 1,
                causes: vec![Cause {
                    fingerprint: "3f9a2c17d05b".to_owned(),
                    group: Some("inventory-service".to_owned()),
                    stage: Some(Stage::Timeout),
                    code: "timeout".to_owned(),
                    title: "stock table did not answer in # s".to_owned(),
                    count: 212,
                    parked: 1,
                    redriving: 0,
                    first: ago(200),
                    last: ago(34),
                    per_minute: [0, 0, 0, 0, 0, 0, 0, 1, 2, 9],
                }],
                causes_total: 3,
                archived: false,
                rows: vec![letter(1)],
                rows_total: 1,
                unread: Some(4),
                ..Letters::default()
            },
            now(),
        ),
        letter: Some(detail()),
        timeline: Reading::new(
            Timeline {
                total: Some(2),
                rows: vec![event(1), event(2)],
                at_end: true,
                at_start: true,
                letters: Vec::new(),
            },
            now(),
        ),
        activity: Activity {
            operations: vec![operation(
                OperationState::Running,
                Counts {
                    total: 9,
                    sent: 5,
                    ok: 4,
                    ..Counts::default()
                },
            )],
            ..Activity::default()
        },
        ..Snapshot::default()
    }
}

/// Nothing has answered, and Kafka says why.
pub fn dark() -> Snapshot {
    Snapshot {
        stack: busy().stack,
        health: vec![Dependency {
            name: "kafka".to_owned(),
            state: DependencyState::Down,
            latency: None,
            since: None,
            note: Some("connection refused".to_owned()),
        }],
        ..Snapshot::default()
    }
}

/// How a command went.
pub struct Played {
    pub exit: Exit,
    pub out: String,
    pub err: String,
    pub asked: Vec<Command>,
}

/// An engine: it answers commands, and may change what it shows on a question or a command.
pub struct Engine {
    pub snapshot: Snapshot,
    pub on_focus: fn(&Focus, &mut Snapshot),
    pub on_command: fn(&Command, &mut Snapshot) -> Result<Done, Refusal>,
    /// Ctrl-C after so long.
    pub stop_after: Option<Duration>,
}

impl Engine {
    pub fn new(snapshot: Snapshot) -> Self {
        Self {
            snapshot,
            on_focus: |_, _| {},
            on_command: |command, _| panic!("nobody should ask for {command:?}"),
            stop_after: None,
        }
    }

    pub async fn play(self, line: &str) -> Played {
        let mut out = Vec::new();
        let (exit, err, asked) = self.play_into(line, &mut out).await;
        Played {
            exit,
            out: String::from_utf8(out).expect("UTF-8"),
            err,
            asked,
        }
    }

    pub async fn play_into(
        mut self,
        line: &str,
        out: &mut (dyn Write + Send),
    ) -> (Exit, String, Vec<Command>) {
        let args = std::iter::once("evtop").chain(line.split_whitespace());
        let cli = Cli::read(args).expect("a command");
        let (show, snapshots) = watch::channel(Arc::new(self.snapshot.clone()));
        let (focus, mut focused) = watch::channel(Focus::default());
        let (requests, mut asked) = mpsc::channel(4);
        let (answers, outcomes) = mpsc::channel(4);
        let stop = CancellationToken::new();
        let log = Arc::new(Mutex::new(Vec::new()));
        let ports = Ports::new(
            snapshots,
            focus,
            requests,
            outcomes,
            stop.clone(),
            Clock::fixed(now()),
        );
        let seen = log.clone();
        let stop_after = self.stop_after;
        let engine = tokio::spawn(async move {
            loop {
                tokio::select! {
                    changed = focused.changed() => {
                        if changed.is_err() {
                            return;
                        }
                        let focus = focused.borrow_and_update().clone();
                        if let Some(letters) = &mut self.snapshot.letters.value {
                            letters.filter = focus.letters.filter.clone();
                            letters.archived = focus.letters.archived;
                        }
                        (self.on_focus)(&focus, &mut self.snapshot);
                    }
                    Some(request) = asked.recv() => {
                        let result = (self.on_command)(&request.command, &mut self.snapshot);
                        seen.lock().expect("log").push(request.command);
                        let _ = answers.send(Outcome { id: request.id, result }).await;
                    }
                    () = tokio::time::sleep(stop_after.unwrap_or(Duration::MAX)) => stop.cancel(),
                }
                let _ = show.send(Arc::new(self.snapshot.clone()));
            }
        });
        let mut err = Vec::new();
        let output = Output {
            out,
            err: &mut err,
            json: cli.json,
        };
        let task = cli.task.expect("a command");
        let exit = run_within(Duration::from_millis(200), &task, ports, output).await;
        engine.abort();
        let asked = std::mem::take(&mut *log.lock().expect("log"));
        (exit, String::from_utf8(err).expect("UTF-8"), asked)
    }
}

/// A reader that has gone away.
pub struct Gone;

impl Write for Gone {
    fn write(&mut self, _: &[u8]) -> io::Result<usize> {
        Err(io::ErrorKind::BrokenPipe.into())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}
