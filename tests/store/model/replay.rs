//! Replays: whatever happens between sending a page and writing that down, the counts add up, and nothing that was
//! meant is left out.

use std::cell::{Cell, RefCell};
use std::collections::HashSet;
use std::time::Duration;

use evtop::clock;
use evtop::domain::event::Event;
use evtop::domain::operation::{Counts, OperationKind, OperationState};
use evtop::domain::position::Position;
use evtop::domain::record::NewRecord;
use evtop::domain::service::Service;
use evtop::domain::stored::EventFilter;
use evtop::operate::plan::Plan;
use evtop::operate::replay::{self, Progress, Round, Sent};
use evtop::store::{Applied, StoreError, Wish};
use fastrand::Rng;
use tokio::sync::Notify;
use uuid::Uuid;

use super::{runs, seeds};
use crate::kit::{EPOCH, Kit, created, drop_after, paid, work};

const SILENCE: Duration = Duration::from_secs(10);

/// Writes so many events down, every third of another type.
async fn events(kit: &Kit, from: usize, many: usize) -> Vec<Uuid> {
    let mut all = Vec::new();
    for n in from..from + many {
        let order = format!("O-{n}");
        let event: Event = if n % 3 == 2 {
            paid(&order)
        } else {
            created(&order, &[("A", 1)])
        };
        all.push(kit.envelope(&event));
    }
    for page in all.chunks(1_000) {
        kit.store.append_many(page, false, kit.now()).await.unwrap();
    }
    kit.settled().await;
    all.iter().map(|e| e.event_id).collect()
}

struct Replay<'a> {
    kit: &'a Kit,
    id: Uuid,
    plan: Plan,
    total: u64,
    epoch: Cell<i64>,
    sent: RefCell<HashSet<Uuid>>,
    after: Cell<Position>,
}

impl<'a> Replay<'a> {
    async fn begin(kit: &'a Kit, service: Option<&str>) -> Self {
        let mut filter = EventFilter::default();
        let found = kit.store.count_events(&filter).await.unwrap();
        // Of nothing, nothing is meant; the gate refuses it.
        filter.up_to = found.last.or(Some(Position::START));
        let mut operation = kit.operation(OperationKind::Replay);
        operation.counts.total = found.count;
        kit.store
            .create_operation(&operation, &[], Some("kit"))
            .await
            .unwrap();
        Self {
            kit,
            id: operation.id,
            plan: Plan {
                filter,
                one: None,
                service: service.map(str::to_owned),
                force: false,
            },
            total: found.count,
            epoch: Cell::new(EPOCH),
            sent: RefCell::default(),
            after: Cell::default(),
        }
    }

    /// The broker has these.
    fn takes(&self, records: &[NewRecord], refused: u64) -> Sent {
        for record in records {
            let value: serde_json::Value =
                serde_json::from_slice(record.value.as_deref().unwrap()).unwrap();
            let id: Uuid = value["event_id"].as_str().unwrap().parse().unwrap();
            self.sent.borrow_mut().insert(id);
        }
        let refused = refused.min(records.len() as u64);
        Sent {
            count: records.len() as u64 - refused,
            refused,
            ..Sent::default()
        }
    }

    async fn round(&self, epoch: i64, page: u32) -> Result<Round, StoreError> {
        let send = async |records: Vec<NewRecord>| Some(self.takes(&records, 0));
        self.with(epoch, page, send).await
    }

    async fn with(
        &self,
        epoch: i64,
        page: u32,
        send: impl AsyncFnOnce(Vec<NewRecord>) -> Option<Sent>,
    ) -> Result<Round, StoreError> {
        let now = self.kit.now();
        replay::round(
            &self.kit.store,
            (self.id, epoch),
            &self.plan,
            page,
            now,
            send,
        )
        .await
    }

    async fn take_over(&self) {
        self.kit
            .ago(self.id, SILENCE + Duration::from_secs(1))
            .await;
        let claimed = self
            .kit
            .store
            .claim_operation(self.id, "next", SILENCE)
            .await;
        self.epoch.set(claimed.unwrap().unwrap_or(self.epoch.get()));
    }

    async fn ask(&self, wish: Wish) {
        let now = self.kit.now();
        self.kit
            .store
            .ask_operation(self.id, wish, now)
            .await
            .unwrap();
    }

    async fn over(&self) -> bool {
        let read = self.kit.store.operation(self.id).await.unwrap().unwrap();
        read.state.is_over()
    }

    /// The place where it stands never goes back.
    async fn holds(&self) {
        let Ok(turn) = self.kit.store.replay_turn(self.id, self.epoch.get()).await else {
            return;
        };
        let after = Progress::read(&turn.progress).after;
        assert!(after >= self.after.replace(after), "it goes back");
        let c = self.kit.counts(self.id).await;
        assert!(c.sent + c.refused <= self.total, "{c:?}");
    }

    /// Runs to the end; a replay for a service is ended as whoever drives it would.
    async fn end(&self, page: u32) -> Counts {
        self.ask(Wish::Resume).await;
        self.take_over().await;
        for _ in 0..10 + self.total {
            self.holds().await;
            match self.round(self.epoch.get(), page).await {
                Ok(Round::Moved(_)) => {}
                Ok(Round::Sent(progress)) => {
                    assert!(progress.all);
                    let store = &self.kit.store;
                    let (hold, state) = (self.epoch.get(), OperationState::Completed);
                    let now = self.kit.now();
                    let ended = store.finish_operation(self.id, hold, state, None, now);
                    assert!(ended.await.unwrap());
                    store.settle_replay(self.id, true).await.unwrap();
                    break;
                }
                Ok(Round::Over) => break,
                Err(StoreError::Lost) if self.over().await => break,
                other => panic!("{other:?}"),
            }
        }
        let read = self.kit.store.operation(self.id).await.unwrap().unwrap();
        assert!(read.state.is_over(), "it never ends");
        let c = read.counts;
        assert_eq!(c.sent + c.refused + c.left, self.total, "{c:?}");
        c
    }
}

pub async fn replays_of_any_size_are_sent_whole(kit: Kit) {
    for many in [0, 1, 99, 100, 101, 250, 10_000] {
        for service in [None, Some("inventory")] {
            let kit = kit.fresh().await;
            let meant = events(&kit, 0, many).await;
            let replay = Replay::begin(&kit, service).await;
            assert_eq!(replay.total, many as u64);
            let later = events(&kit, 20_000, 7).await;
            let began = clock::instant();
            let c = replay.end(100).await;
            if many == 10_000 {
                println!(
                    "{}: {many} events to {service:?} in {:?}",
                    kit.store.kind(),
                    began.elapsed()
                );
            }
            let sent = replay.sent.borrow();
            assert!(later.iter().all(|id| !sent.contains(id)), "written later");
            assert_eq!((c.sent, c.left), (sent.len() as u64, 0));
            match service {
                None => assert_eq!(c.sent, many as u64),
                Some(_) => assert_eq!(
                    c.refused,
                    (many as u64).saturating_sub(many.div_ceil(3) as u64) / 2
                ),
            }
            if service.is_none() {
                assert!(meant.iter().all(|id| sent.contains(id)));
            }
        }
    }
}

pub async fn replays_add_up(kit: Kit) {
    for seed in seeds(runs(&kit, 24)) {
        println!("EVTOP_SEED={seed}");
        let kit = kit.fresh().await;
        let mut rng = Rng::with_seed(seed);
        let many = [1, 9, 10, 11, 25, 40][rng.usize(0..6)];
        let meant = events(&kit, 0, many).await;
        let replay = Replay::begin(&kit, None).await;
        let later = events(&kit, 10_000, 5).await;
        for _ in 0..rng.usize(0..24) {
            let page = [1, 3, 10][rng.usize(0..3)];
            let epoch = replay.epoch.get();
            let refused = rng.u64(0..2);
            match rng.usize(0..12) {
                0..3 => {
                    let send = async |records: Vec<_>| Some(replay.takes(&records, refused));
                    drop(replay.with(epoch, page, send).await);
                }
                3 => drop(replay.with(epoch, page, async |_| None).await),
                4 => {
                    // Dies between sending and writing it down.
                    let killed = Notify::new();
                    let send = async |records: Vec<_>| {
                        replay.takes(&records, 0);
                        killed.notify_one();
                        std::future::pending().await
                    };
                    tokio::select! {
                        round = replay.with(epoch, page, send) => assert_ne!(round, Ok(Round::Moved(1))),
                        () = killed.notified() => {}
                    }
                }
                5 => {
                    let _ = drop_after(rng.usize(0..60), replay.round(epoch, page)).await;
                    replay.kit.at_rest().await;
                }
                6 => {
                    // Asleep while it sends; another takes over and goes on.
                    let was_over = replay.over().await;
                    let send = async |records: Vec<_>| {
                        let sent = replay.takes(&records, 0);
                        replay.take_over().await;
                        drop(replay.round(replay.epoch.get(), page).await);
                        Some(sent)
                    };
                    let round = replay.with(epoch, page, send).await;
                    if replay.epoch.get() != epoch && !was_over {
                        assert_eq!(round, Err(StoreError::Lost));
                    }
                }
                7 => {
                    replay.take_over().await;
                    if replay.epoch.get() != epoch {
                        let send = async |_| unreachable!("sent under an old epoch");
                        assert_eq!(replay.with(epoch, page, send).await, Err(StoreError::Lost));
                    }
                }
                8 => {
                    replay.ask(Wish::Pause).await;
                    let read = kit.store.operation(replay.id).await.unwrap().unwrap();
                    if read.stands_still() && read.counts.unsent() > 0 {
                        let send = async |_| unreachable!("sent though it is paused");
                        let round = replay.with(epoch, page, send).await;
                        assert!(!matches!(round, Ok(Round::Moved(_)) | Err(_)), "{round:?}");
                    }
                }
                9 => replay.ask(Wish::Resume).await,
                10 => {
                    drop(events(&kit, 11_000 + rng.usize(0..1_000_000), 2).await);
                }
                _ if rng.usize(0..6) == 0 => {
                    replay.ask(Wish::Cancel).await;
                    let send = async |_| unreachable!("sent though it is cancelled");
                    assert_eq!(replay.with(epoch, page, send).await, Err(StoreError::Lost));
                }
                _ => {}
            }
            replay.holds().await;
        }
        replay.end(10).await;
        let read = kit.store.operation(replay.id).await.unwrap().unwrap();
        let sent = replay.sent.borrow().clone();
        assert!(later.iter().all(|id| !sent.contains(id)), "written later");
        if read.state == OperationState::Completed {
            assert_eq!(read.counts.left, 0);
            assert!(meant.iter().all(|id| sent.contains(id)), "not all was sent");
        }
        assert!(kit.store.unsettled_replays().await.unwrap().len() <= 1);
    }
}

/// What was handed over when it was cancelled was sent, and will be reported: it is not left.
pub async fn a_replay_that_is_cancelled_while_it_sends_counts_what_it_sent(kit: Kit) {
    kit.stock(&[("A", 100)]).await;
    events(&kit, 0, 10).await;
    let replay = Replay::begin(&kit, Some("inventory")).await;
    let send = async |records: Vec<NewRecord>| {
        let sent = replay.takes(&records, 0);
        replay.ask(Wish::Cancel).await;
        Some(sent)
    };
    let round = replay.with(EPOCH, 6, send).await;
    assert_eq!(round, Err(StoreError::Lost));
    // The consumer reports all of them.
    let sent: Vec<Uuid> = replay.sent.borrow().iter().copied().collect();
    for event_id in &sent {
        let filter = EventFilter {
            event_id: Some(*event_id),
            ..EventFilter::default()
        };
        let page = kit
            .store
            .events(&filter, evtop::store::Page::Newest, 1)
            .await
            .unwrap();
        let event = created(&page.rows[0].stream.replace("order-", ""), &[("A", 1)]);
        let mut envelope = kit.envelope(&event);
        envelope.event_id = *event_id;
        let mut work = work(&envelope, &event);
        work.replay = Some(replay.id);
        let done = kit.apply(Service::Inventory, &[work]).await;
        assert_eq!(done, [Applied::Done]);
    }
    let c = kit.counts(replay.id).await;
    let (n, refused) = (sent.len() as u64, 6 - sent.len() as u64);
    assert_eq!(
        (c.sent, c.ok, c.refused, c.left),
        (n, n, refused, 4),
        "{c:?}"
    );
    assert!(c.ok + c.refused + c.left <= c.total);
}
