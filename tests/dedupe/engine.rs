//! The whole program with a Redis that comes and goes: work goes on, nothing is lost, doubled or
//! dead-lettered, and the screen says what is wrong.

use std::collections::HashSet;
use std::sync::Arc;

use evtop::clock::Clock;
use evtop::command::{Command, Done, Request};
use evtop::config::{Config, Faults, Secret};
use evtop::domain::fault_plan::FaultPlan;
use evtop::domain::stored::EventFilter;
use evtop::engine::{Ends, Engine};
use evtop::logging::Ring;
use evtop::snapshot::{Dependency, DependencyState, Severity, Snapshot};
use evtop::store::{Store, StoreSettings};
use tokio::sync::watch;
use uuid::Uuid;

use super::server::{PATIENCE, Server};

type Seen = watch::Receiver<Arc<Snapshot>>;

fn redis(shown: &Snapshot) -> Option<&Dependency> {
    shown.health.iter().find(|d| d.name == "redis")
}

fn mails(shown: &Snapshot) -> u64 {
    let email = shown.consumers.iter().find(|c| c.service == "email");
    email.map_or(0, |c| c.handled)
}

async fn see(seen: &mut Seen, what: &str, wanted: impl Fn(&Snapshot) -> bool) -> Arc<Snapshot> {
    let found = seen.wait_for(|shown| wanted(shown));
    let found = tokio::time::timeout(PATIENCE, found).await;
    Arc::clone(
        &found
            .unwrap_or_else(|_| panic!("not seen: {what}"))
            .unwrap(),
    )
}

/// Work goes on, whatever Redis does meanwhile.
async fn more_mails(seen: &mut Seen, when: &str) {
    let before = mails(&seen.borrow());
    see(seen, when, |shown| mails(shown) >= before + 100).await;
}

async fn is_up(seen: &mut Seen, when: &str) {
    let up = |shown: &Snapshot| {
        redis(shown).is_some_and(|d| d.state == DependencyState::Up && d.latency.is_some())
    };
    see(seen, when, up).await;
}

async fn is_down(seen: &mut Seen, when: &str) {
    let down = |shown: &Snapshot| redis(shown).is_some_and(|d| d.state == DependencyState::Down);
    let shown = see(seen, when, down).await;
    let note = redis(&shown).unwrap().note.clone().unwrap();
    assert!(
        note.contains("idempotency falls back to the inbox"),
        "{note}"
    );
    let found = shown
        .findings
        .iter()
        .find(|f| f.text.contains("redis is down"));
    assert_eq!(found.unwrap().severity, Severity::Warn, "{found:?}");
}

async fn ask(ends: &mut Ends, command: Command) -> Done {
    let id = Uuid::from_u128(fastrand::u128(..));
    ends.requests
        .send(Request {
            id,
            command,
            leaves: false,
        })
        .await
        .unwrap();
    let answer = tokio::time::timeout(PATIENCE, ends.outcomes.recv()).await;
    let answer = answer.unwrap().unwrap();
    assert_eq!(answer.id, id);
    answer.result.unwrap()
}

/// What the doctor says of Redis.
async fn doctor(ends: &mut Ends) -> String {
    let Done::Checked(checks) = ask(ends, Command::Doctor { mend: false }).await else {
        panic!("no checks");
    };
    checks.into_iter().find(|c| c.name == "redis").unwrap().text
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "needs EVTOP_STACK_REDIS: scripts/stack test runs it"]
async fn work_goes_on_whatever_redis_does() {
    let mut server = Server::start().await;
    let folder = tempfile::tempdir().unwrap();
    let database = format!("sqlite:{}", folder.path().join("evtop.db").display());
    let mut config = Config::default();
    config.redis.url = Secret::new(server.url());
    config.store.url = Secret::new(&*database);
    config.traffic.orders_per_s = Some(100.0);
    config.traffic.poison_every = 0;
    let quiet = Some(FaultPlan::default());
    config.consumers.faults = Faults {
        email: quiet,
        analytics: quiet,
        inventory: quiet,
    };
    let engine = Engine::start(config, None, Clock::System, Ring::default());
    let (mut ends, handle) = engine.into_parts();
    let mut seen = ends.snapshots.clone();

    is_up(&mut seen, "connected").await;
    more_mails(&mut seen, "with Redis").await;
    server.freeze();
    is_down(&mut seen, "frozen").await;
    more_mails(&mut seen, "frozen").await;
    server.thaw();
    is_up(&mut seen, "thawed").await;
    server.say(&["FLUSHALL"]).await;
    more_mails(&mut seen, "emptied").await;
    server.kill();
    is_down(&mut seen, "killed").await;
    more_mails(&mut seen, "killed").await;
    let says = doctor(&mut ends).await;
    assert!(
        says.contains("refused") && says.contains("redis.url"),
        "{says}"
    );
    server.restart().await;
    is_up(&mut seen, "started again").await;
    more_mails(&mut seen, "started again").await;
    let says = doctor(&mut ends).await;
    assert!(says.contains("answers in"), "{says}");

    let shown = Arc::clone(&seen.borrow());
    for consumer in &shown.consumers {
        assert_eq!((consumer.dead, consumer.retries), (0, 0), "{consumer:?}");
    }
    ask(&mut ends, Command::SetTraffic { orders_per_s: 0.0 }).await;
    let store = Store::open(&StoreSettings::new(database)).await.unwrap();
    let filter = EventFilter {
        event_type: Some("OrderCreated".into()),
        ..EventFilter::default()
    };
    // What was accepted meanwhile is counted too.
    let mut orders = 0;
    let all = async {
        loop {
            let counted = store.count_events(&filter).await.unwrap().count;
            if counted == orders && mails(&seen.borrow()) >= orders {
                break;
            }
            orders = counted;
            seen.changed().await.unwrap();
        }
    };
    tokio::time::timeout(PATIENCE, all).await.unwrap();
    let drained = handle.stop().await.unwrap();
    assert_eq!((drained.late, drained.pending), (0, Some(0)));
    assert_eq!(store.letter_counts().await.unwrap(), []);
    let mails = store.emails_newest(1_000_000).await.unwrap();
    let mailed: HashSet<_> = mails.iter().map(|m| &m.order_id).collect();
    assert!(orders >= 500, "{orders}");
    assert_eq!(
        (mails.len(), mailed.len()),
        (orders as usize, orders as usize)
    );
    store.close().await;
}
