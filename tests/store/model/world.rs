//! What there is, and what must be true of it.

use std::cell::{Cell, RefCell};
use std::collections::{BTreeMap, HashMap, HashSet, VecDeque};
use std::fmt::Write as _;
use std::time::Duration;

use chrono::{DateTime, TimeDelta, Utc};
use evtop::domain::envelope::Envelope;
use evtop::domain::event::Event;
use evtop::domain::letter::{Letter, LetterStatus};
use evtop::domain::operation::OperationState;
use evtop::operate::redrive::drive::Round;
use evtop::store::{Item, ItemState, Store, Wish};
use fastrand::Rng;
use uuid::Uuid;

use crate::kit::{Kit, body};

pub const GROUP: &str = "inventory-service";
pub const KEYS: usize = 4;

/// After so much silence a driver is replaced; its last beat is moved back by more.
pub const SILENCE: Duration = Duration::from_secs(10);

/// An event that came, and its letter should it fail or wait.
pub struct Came {
    pub envelope: Envelope,
    pub event: Event,
    pub letter: Letter,
    pub key: usize,
}

/// What became of the last time an item was handed over.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum End {
    /// Its driver died or was asleep, or its round was dropped: nobody knows.
    Open,
    Unanswered,
    Sent,
    Refused,
}

/// A record on its way to the consumer.
#[derive(Clone, Copy, Debug)]
pub struct Flying {
    pub redrive: Uuid,
    pub letter: Uuid,
}

pub struct World {
    pub kit: Kit,
    pub other: Store,
    pub seed: u64,
    pub rng: RefCell<Rng>,
    pub came: RefCell<Vec<Came>>,
    pub index: RefCell<HashMap<Uuid, usize>>,
    /// Records on their way, by key, in the order in which they were sent.
    pub flying: RefCell<[VecDeque<Flying>; KEYS]>,
    pub handed: RefCell<HashMap<Uuid, End>>,
    /// The effects of each event.
    pub effects: RefCell<BTreeMap<Uuid, u32>>,
    pub operations: RefCell<Vec<Uuid>>,
    /// Who drives the newest operation, and who thinks so.
    pub epochs: RefCell<Vec<(Uuid, i64)>>,
    pub told: RefCell<String>,
    pub depth: Cell<u32>,
}

impl Drop for World {
    fn drop(&mut self) {
        if std::thread::panicking() || std::env::var_os("EVTOP_SEED").is_some() {
            println!("EVTOP_SEED={}\n{}", self.seed, self.told.borrow());
        }
    }
}

impl World {
    pub async fn new(like: &Kit, seed: u64) -> Self {
        let kit = like.fresh().await;
        kit.stock(&[("A", 1_000_000)]).await;
        let other = kit.another().await;
        Self {
            kit,
            other,
            seed,
            rng: RefCell::new(Rng::with_seed(seed)),
            came: RefCell::default(),
            index: RefCell::default(),
            flying: RefCell::default(),
            handed: RefCell::default(),
            effects: RefCell::default(),
            operations: RefCell::default(),
            epochs: RefCell::default(),
            told: RefCell::default(),
            depth: Cell::new(0),
        }
    }

    pub fn tell(&self, what: impl std::fmt::Display) {
        let indent = "  ".repeat(self.depth.get() as usize);
        writeln!(self.told.borrow_mut(), "{indent}{what}").unwrap();
    }

    pub fn under(&self, end: usize) -> usize {
        self.rng.borrow_mut().usize(0..end)
    }

    /// Once in so many times.
    pub fn once_in(&self, times: usize) -> bool {
        self.under(times) == 0
    }

    /// One of the processes.
    pub fn store(&self) -> &Store {
        if self.once_in(2) {
            &self.kit.store
        } else {
            &self.other
        }
    }

    /// The time by the clock of one of the processes, which are hours apart.
    pub fn now(&self) -> DateTime<Utc> {
        self.kit.now() + TimeDelta::hours([0, -5, 7][self.under(3)])
    }

    pub fn name(&self, letter: Uuid) -> String {
        let known = self.index.borrow().get(&letter).copied();
        known.map_or_else(
            || letter.to_string(),
            |n| {
                let key = self.came.borrow()[n].key;
                format!("#{n} (key {key})")
            },
        )
    }

    pub async fn letters(&self) -> Vec<Letter> {
        let ids: Vec<Uuid> = self.came.borrow().iter().map(|c| c.letter.id).collect();
        let mut letters = Vec::new();
        for id in ids {
            letters.extend(self.kit.store.letter(id).await.unwrap().map(|(l, _)| l));
        }
        letters
    }

    /// What is true at any moment.
    pub async fn holds(&self) {
        if let Err(wrong) = self.kit.sums_and_heads_agree().await {
            panic!("{wrong}");
        }
        let operations = self.operations.borrow().clone();
        for id in operations {
            let read = self.kit.store.operation(id).await.unwrap().unwrap();
            assert_eq!(read.counts, self.kit.counted(id).await);
        }
    }

    /// A round of whoever drives, by itself: all is acknowledged.
    pub async fn plain_round(&self, id: Uuid, epoch: i64) -> Round {
        self.round(id, epoch, 3, &super::actions::Hazard::None)
            .await
            .unwrap()
    }

    /// Takes an operation over from whoever drives it.
    pub async fn take_over(&self, id: Uuid) -> Option<i64> {
        self.kit.ago(id, SILENCE + Duration::from_secs(1)).await;
        let epoch = self
            .store()
            .claim_operation(id, "next", SILENCE)
            .await
            .unwrap();
        if let Some(epoch) = epoch {
            self.tell(format_args!("take over: epoch {epoch}"));
            self.epochs.borrow_mut().push((id, epoch));
            for end in self.handed.borrow_mut().values_mut() {
                if *end == End::Unanswered {
                    *end = End::Open;
                }
            }
        }
        epoch
    }

    /// Lets everything end that may end: the consumer reports what it has, and the rest is given up.
    pub async fn come_to_rest(&self) {
        self.tell("-- to rest");
        let store = &self.kit.store;
        let operations = self.operations.borrow().clone();
        for id in &operations {
            store
                .ask_operation(*id, Wish::Resume, self.now())
                .await
                .unwrap();
            let Some(epoch) = self.take_over(*id).await else {
                continue;
            };
            let mut over = false;
            for _ in 0..2_000 {
                match self.plain_round(*id, epoch).await {
                    Round::Over => {
                        over = true;
                        break;
                    }
                    Round::Idle => {
                        if !self.a_report(false).await {
                            let mut open = store.in_flight_items(*id).await.unwrap();
                            if open.is_empty() {
                                // It waits for what another operation sent and left behind.
                                open = store.items_left_behind(1_000).await.unwrap();
                            }
                            assert!(
                                !open.is_empty(),
                                "it stands still, and nothing is on its way"
                            );
                            for item in open {
                                self.give_up(&item).await;
                            }
                        }
                    }
                    Round::Moved(_) => {}
                    Round::Down(why) => panic!("{why}"),
                }
            }
            assert!(over, "it never ends");
        }
        while self.a_report(false).await {}
        for item in store.items_left_behind(1_000).await.unwrap() {
            self.give_up(&item).await;
        }
        self.holds().await;
        for id in &operations {
            let read = store.operation(*id).await.unwrap().unwrap();
            let c = read.counts;
            let sum = c.ok + c.failed_again + c.duplicate + c.unknown + c.refused + c.left;
            assert_eq!(c.total, sum, "{read:?}");
            assert!(matches!(
                read.state,
                OperationState::Completed | OperationState::Cancelled
            ));
            assert!(
                read.state == OperationState::Cancelled || c.left == 0,
                "{read:?}"
            );
            assert!(store.in_flight_items(*id).await.unwrap().is_empty());
        }
        assert!(store.items_left_behind(1).await.unwrap().is_empty());
        let hanging = "SELECT count(*) FROM dead_letter WHERE status IN ('queued', 'in_flight')";
        assert_eq!(self.kit.number(hanging).await, 0, "letters hang");
        for (event, times) in self.effects.borrow().iter() {
            assert_eq!(*times, 1, "{event}");
        }
    }

    /// Whatever is open can be redriven until nothing is.
    pub async fn all_can_be_redriven(&self) {
        self.tell("-- all is redriven");
        for _ in 0..200 {
            let letters = self.letters().await;
            let open: Vec<Uuid> = letters
                .iter()
                .filter(|l| l.status.is_open())
                .map(|l| l.id)
                .collect();
            if open.is_empty() {
                break;
            }
            assert!(self.begin_with(&open).await);
            let id = *self.operations.borrow().last().unwrap();
            let epoch = self.take_over(id).await.unwrap();
            for _ in 0..2_000 {
                match self.plain_round(id, epoch).await {
                    Round::Over => break,
                    Round::Idle => assert!(self.a_good_report().await, "it stands still"),
                    Round::Moved(_) => {}
                    Round::Down(why) => panic!("{why}"),
                }
            }
            let read = self.kit.store.operation(id).await.unwrap().unwrap();
            let c = read.counts;
            assert_eq!(read.state, OperationState::Completed);
            assert_eq!(c.ok + c.duplicate, c.total, "{c:?}");
        }
        let letters = self.letters().await;
        assert!(letters.iter().all(|l| !l.status.is_open()));
        assert_eq!(self.kit.number("SELECT count(*) FROM key_block").await, 0);
        self.holds().await;
        let archived: HashSet<Uuid> = letters
            .iter()
            .filter(|l| l.status == LetterStatus::Archived)
            .map(|l| l.id)
            .collect();
        for came in self.came.borrow().iter() {
            let times = self.effects.borrow().get(&came.envelope.event_id).copied();
            match times {
                None => assert!(
                    archived.contains(&came.letter.id),
                    "an event without effect"
                ),
                Some(times) => assert_eq!(times, 1),
            }
        }
    }

    pub async fn nothing_is_ready(&self) {
        let ready = self.kit.store.ready_letters(10).await.unwrap();
        let ready: Vec<String> = ready.iter().map(|l| self.name(l.id)).collect();
        assert!(ready.is_empty(), "{ready:?} would be sent on by itself");
    }

    pub async fn give_up(&self, item: &Item) {
        self.tell(format_args!("give {} up", self.name(item.letter_id)));
        self.store().item_unknown(item.redrive_id).await.unwrap();
    }

    /// What a driver hands over may be handed over.
    pub async fn may_be_sent(&self, id: Uuid, epoch: i64, items: &[Item], queued: &HashSet<Uuid>) {
        let stands = format!(
            "SELECT count(*) FROM operation WHERE id = '{id}' AND epoch = {epoch}
                 AND state = 'running' AND paused = {}",
            if self.kit.store.kind() == "sqlite" {
                "0"
            } else {
                "false"
            }
        );
        assert_eq!(
            self.kit.number(&stands).await,
            1,
            "sent under epoch {epoch}, paused, or over"
        );
        let mut letters = HashSet::new();
        for item in items {
            let name = self.name(item.letter_id);
            assert!(
                letters.insert(item.letter_id),
                "{name} stands twice in a page"
            );
            assert_eq!(item.operation_id, id);
            assert_eq!(item.state, ItemState::Queued);
            let before = self.handed.borrow_mut().insert(item.redrive_id, End::Open);
            assert!(
                matches!(before, None | Some(End::Open | End::Unanswered)),
                "{name} is sent again after {before:?}"
            );
            // One that was meant to be sent before may be on its way: that is a fact by now.
            if queued.contains(&item.redrive_id) {
                continue;
            }
            let older = format!(
                "SELECT count(*) FROM dead_letter d JOIN dead_letter o ON o.consumer = d.consumer AND o.key = d.key
                     AND o.seq < d.seq AND o.status NOT IN ('resolved', 'archived')
                 WHERE d.id = '{}'",
                item.letter_id
            );
            assert_eq!(
                self.kit.number(&older).await,
                0,
                "{name} is sent before an older one of its key"
            );
        }
    }

    pub async fn bury_or_queue(&self, n: usize, bury: bool) {
        let letter = self.came.borrow()[n].letter.clone();
        if bury {
            self.store()
                .bury(&letter, &body(), None, None)
                .await
                .unwrap();
        } else {
            self.store()
                .queue_behind(&[(letter, body())])
                .await
                .unwrap();
        }
    }
}
