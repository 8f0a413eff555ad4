//! What may happen.

use std::collections::HashSet;

use evtop::domain::letter::LetterStatus;
use evtop::domain::operation::{OperationKind, OperationState, redrive_id};
use evtop::domain::service::Service;
use evtop::operate::redrive::drive::{self, Fate, Round};
use evtop::store::{Applied, Granted, Item, ItemState, RedriveRef, StoreError, Wish};
use tokio::sync::Notify;
use uuid::Uuid;

use super::world::{Came, End, Flying, GROUP, KEYS, World};
use crate::kit::{body, cancelled, created, drop_after, work};

/// What goes wrong in a round.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Hazard {
    None,
    /// Some are refused, some are not answered for, of some nobody will report.
    Answers,
    /// The process dies once the broker has them, before that is written down.
    Killed,
    /// The round is dropped after so many polls.
    Dropped(usize),
    /// While the broker is asked, other things happen.
    Meanwhile,
}

impl World {
    pub async fn anything(&self) {
        match self.under(24) {
            0..3 => self.an_event_comes().await,
            3 => self.begin().await,
            4..12 => self.a_round().await,
            12..16 => drop(self.a_report(false).await),
            16 => self.lose_a_record(),
            17 => self.give_something_up().await,
            18 => self.pause_or_resume().await,
            19 => match self.once_in(2) {
                true => self.cancel().await,
                false => self.look_behind().await,
            },
            20 => self.somebody_else_drives().await,
            21 => self.archive().await,
            22 => self.unarchive().await,
            _ => match self.under(4) {
                0 => self.kit.store.tidy_tallies().await.unwrap(),
                1 => self.send_on().await,
                2 => self.index_again().await,
                _ => drop(self.kit.tick(60)),
            },
        }
    }

    /// The consumer gets an event: it handles it, it fails, or it waits.
    pub async fn an_event_comes(&self) {
        let key = self.under(KEYS);
        let n = self.came.borrow().len();
        let order = format!("O-{key}");
        let event = if self.once_in(2) {
            created(&order, &[("A", 1)])
        } else {
            cancelled(&order)
        };
        let envelope = self.kit.envelope(&event);
        let mut letter = self.kit.letter(&envelope, i64::try_from(n).unwrap());
        letter.first_failed_at = self.now();
        letter.last_failed_at = letter.first_failed_at;
        self.index.borrow_mut().insert(letter.id, n);
        self.came.borrow_mut().push(Came {
            envelope: envelope.clone(),
            event: event.clone(),
            letter,
            key,
        });
        let heads = self
            .kit
            .store
            .blocked_heads(GROUP, &[order.as_bytes()])
            .await;
        let free = heads.unwrap().is_empty();
        // A few fail although their key is blocked: the block came while they were tried.
        if free && !self.once_in(3) || self.once_in(8) {
            self.tell(format_args!("#{n} (key {key}) fails"));
            return self.bury_or_queue(n, true).await;
        }
        match self
            .kit
            .apply_one(Service::Inventory, &envelope, &event, None)
            .await
        {
            Applied::Done => {
                self.tell(format_args!("#{n} (key {key}) is handled"));
                *self
                    .effects
                    .borrow_mut()
                    .entry(envelope.event_id)
                    .or_default() += 1;
            }
            Applied::Blocked(_) => {
                self.tell(format_args!("#{n} (key {key}) waits"));
                self.bury_or_queue(n, false).await;
            }
            other => panic!("{other:?}"),
        }
    }

    /// Somebody redrives some of what is open, if nobody else does.
    pub async fn begin(&self) {
        let letters = self.letters().await;
        let all = self.once_in(2);
        let chosen: Vec<Uuid> = letters
            .iter()
            .filter(|l| l.status.is_open() || self.once_in(8))
            .filter(|_| all || self.once_in(2))
            .map(|l| l.id)
            .collect();
        if !chosen.is_empty() || self.once_in(20) {
            self.begin_with(&chosen).await;
        }
    }

    pub async fn begin_with(&self, letters: &[Uuid]) -> bool {
        let mut letters = letters.to_vec();
        self.rng.borrow_mut().shuffle(&mut letters);
        let operation = self.kit.operation(OperationKind::Redrive);
        let id = operation.id;
        let items: Vec<_> = letters.iter().map(|l| (redrive_id(id, *l), *l)).collect();
        let owner = self.once_in(2).then_some("here");
        match self
            .store()
            .create_operation(&operation, &items, owner)
            .await
        {
            Ok(()) => {}
            Err(StoreError::Busy(_)) => return false,
            Err(error) => panic!("{error}"),
        }
        let names: Vec<String> = letters.iter().map(|l| self.name(*l)).collect();
        self.tell(format_args!("redrive of {}", names.join(", ")));
        self.operations.borrow_mut().push(id);
        match owner {
            Some(_) => self.epochs.borrow_mut().push((id, 1)),
            None => drop(self.take_over(id).await),
        }
        true
    }

    /// A round of whoever drives the newest operation, or of one that only thinks so.
    async fn a_round(&self) {
        let drivers = self.epochs.borrow().clone();
        let Some(newest) = drivers.last().copied() else {
            return self.begin().await;
        };
        let read = self.kit.store.operation(newest.0).await.unwrap();
        if read.unwrap().state.is_over() && !self.once_in(6) {
            return self.begin().await;
        }
        let (id, epoch) = if self.once_in(5) {
            drivers[self.under(drivers.len())]
        } else {
            newest
        };
        let hazard = match self.under(8) {
            0..3 => Hazard::None,
            3..5 => Hazard::Answers,
            5 => Hazard::Killed,
            6 => Hazard::Dropped(self.under(60)),
            _ => Hazard::Meanwhile,
        };
        let page = [1, 2, 3, 100][self.under(4)];
        drop(self.round(id, epoch, page, &hazard).await);
    }

    /// A round without mishap, or a report.
    pub async fn a_round_or_a_report(&self) {
        let Some((id, epoch)) = self.epochs.borrow().last().copied() else {
            return;
        };
        match self.under(3) {
            0 => drop(self.a_report(true).await),
            _ => drop(self.round(id, epoch, 2, &Hazard::None).await),
        }
    }

    pub async fn round(
        &self,
        id: Uuid,
        epoch: i64,
        page: u32,
        hazard: &Hazard,
    ) -> Result<Round, StoreError> {
        self.tell(format_args!("round under {epoch}, page {page}, {hazard:?}"));
        let current = format!("SELECT epoch FROM operation WHERE id = '{id}'");
        let lost = self.kit.number(&current).await != epoch
            || self
                .kit
                .store
                .operation(id)
                .await
                .unwrap()
                .unwrap()
                .state
                .is_over();
        let open = self.kit.store.in_flight_items(id).await.unwrap();
        let queued: HashSet<Uuid> = open
            .iter()
            .filter(|i| i.state == ItemState::Queued)
            .map(|i| i.redrive_id)
            .collect();
        let killed = Notify::new();
        let send = async |items: &[Item]| {
            assert!(!lost, "sent under an old epoch");
            self.may_be_sent(id, epoch, items, &queued).await;
            let fates = self.broker(items, hazard);
            match hazard {
                Hazard::Killed => {
                    killed.notify_one();
                    std::future::pending().await
                }
                Hazard::Meanwhile if self.depth.get() < 3 => {
                    self.depth.set(self.depth.get() + 1);
                    for _ in 0..self.under(4) {
                        Box::pin(self.anything()).await;
                    }
                    self.depth.set(self.depth.get() - 1);
                    fates
                }
                _ => fates,
            }
        };
        let store = self.store();
        let handed = std::cell::RefCell::new(Vec::new());
        let send = async |items: &[Item]| {
            let fates = send(items).await;
            *handed.borrow_mut() = items
                .iter()
                .map(|i| i.redrive_id)
                .zip(fates.clone())
                .collect();
            fates
        };
        let round = drive::round(store, (id, epoch), page, self.now(), send);
        let done = match hazard {
            Hazard::Dropped(polls) => {
                let mut done = None;
                let all = async { done = Some(round.await) };
                if !drop_after(*polls, all).await {
                    self.tell("dropped");
                    self.kit.at_rest().await;
                }
                done
            }
            _ => tokio::select! {
                done = round => Some(done),
                () = killed.notified() => None,
            },
        };
        let Some(done) = done else {
            return Ok(Round::Idle);
        };
        self.tell(format_args!("  {done:?}"));
        if lost {
            assert_eq!(done, Err(StoreError::Lost));
        }
        // Unless somebody else had them meanwhile.
        let taken = self.kit.number(&current).await != epoch;
        for (redrive, fate) in handed.into_inner() {
            let end = match fate {
                _ if taken => continue,
                Fate::Sent { .. } => End::Sent,
                Fate::Refused(_) => End::Refused,
                Fate::Unanswered(_) => End::Unanswered,
            };
            self.handed.borrow_mut().insert(redrive, end);
        }
        done
    }

    /// The broker gets records, and answers.
    fn broker(&self, items: &[Item], hazard: &Hazard) -> Vec<Fate> {
        let fates = items.iter().enumerate().map(|(n, item)| {
            let name = self.name(item.letter_id);
            let sent = |told| Fate::Sent {
                place: ("order-events".into(), 0, 1_000 + n as i64),
                told,
            };
            let (fate, arrives) = match (hazard, self.under(8)) {
                (Hazard::Answers, 0) => (Fate::Refused("too large".into()), false),
                (Hazard::Answers, 1) => (Fate::Unanswered("no answer".into()), false),
                (Hazard::Answers, 2) => (Fate::Unanswered("no answer".into()), true),
                (Hazard::Answers, 3) => (sent(false), true),
                (Hazard::Killed | Hazard::Dropped(_), 0..4) => (sent(true), false),
                _ => (sent(true), true),
            };
            self.tell(format_args!("  {name}: {fate:?}, arrives: {arrives}"));
            if arrives {
                let key = self.came.borrow()[self.index.borrow()[&item.letter_id]].key;
                self.flying.borrow_mut()[key].push_back(Flying {
                    redrive: item.redrive_id,
                    letter: item.letter_id,
                });
            }
            fate
        });
        fates.collect()
    }

    /// The consumer meets a redriven record, of each key in the order in which they were sent. False when there
    /// is none. Once in a while it meets one once more; with `calm` it does not.
    pub async fn a_report(&self, calm: bool) -> bool {
        let fails = self.once_in(3);
        self.report(fails, !calm && self.once_in(6)).await
    }

    pub async fn a_good_report(&self) -> bool {
        self.report(false, false).await
    }

    async fn report(&self, fails: bool, again: bool) -> bool {
        let first = self.under(KEYS);
        let found = {
            let mut flying = self.flying.borrow_mut();
            let keys = (0..KEYS).map(|n| (first + n) % KEYS);
            let key = keys.into_iter().find(|key| !flying[*key].is_empty());
            key.and_then(|key| match again {
                true => flying[key].front().copied(),
                false => flying[key].pop_front(),
            })
        };
        let Some(flying) = found else {
            return false;
        };
        let n = self.index.borrow()[&flying.letter];
        let (envelope, event, mut letter) = {
            let came = &self.came.borrow()[n];
            (
                came.envelope.clone(),
                came.event.clone(),
                came.letter.clone(),
            )
        };
        let redrive = RedriveRef {
            letter: flying.letter,
            redrive: flying.redrive,
        };
        let store = self.store();
        let handled = self.effects.borrow().contains_key(&envelope.event_id);
        if fails && !handled {
            self.tell(format_args!("#{n} fails again"));
            let kept = self.kit.store.letter(letter.id).await.unwrap().unwrap().0;
            letter.redrives = kept.redrives;
            letter.last_failed_at = self.now();
            store
                .bury(&letter, &body(), Some(redrive), None)
                .await
                .unwrap();
            return true;
        }
        let mut work = work(&envelope, &event);
        work.redrive = Some(redrive);
        let applied = store
            .apply(Service::Inventory, &[work], self.now(), &self.kit.clock)
            .await
            .unwrap();
        self.tell(format_args!("#{n}: {applied:?}"));
        match applied[..] {
            [Applied::Done] => {
                assert!(!handled);
                *self
                    .effects
                    .borrow_mut()
                    .entry(envelope.event_id)
                    .or_default() += 1;
            }
            [Applied::Duplicate] => assert!(handled),
            ref other => panic!("{other:?}"),
        }
        true
    }

    fn lose_a_record(&self) {
        let key = self.under(KEYS);
        if let Some(lost) = self.flying.borrow_mut()[key].pop_front() {
            self.tell(format_args!("{} is lost", self.name(lost.letter)));
        }
    }

    async fn give_something_up(&self) {
        let Some(id) = self.operations.borrow().last().copied() else {
            return;
        };
        let open = self.kit.store.in_flight_items(id).await.unwrap();
        let sent: Vec<&Item> = open
            .iter()
            .filter(|i| i.state == ItemState::InFlight)
            .collect();
        if !sent.is_empty() {
            self.give_up(sent[self.under(sent.len())]).await;
        }
    }

    /// What ended operations left behind is settled, some of it.
    async fn look_behind(&self) {
        for item in self.store().items_left_behind(100).await.unwrap() {
            if item.state == ItemState::Queued || self.once_in(3) {
                self.give_up(&item).await;
            }
        }
    }

    async fn ask(&self, wish: Wish) {
        let Some(id) = self.operations.borrow().last().copied() else {
            return;
        };
        let granted = self
            .store()
            .ask_operation(id, wish, self.now())
            .await
            .unwrap();
        self.tell(format_args!("{wish:?}: {granted:?}"));
        let over = self.kit.store.operation(id).await.unwrap().unwrap().state;
        match (granted, wish) {
            (Granted::Yes, Wish::Cancel) => assert_eq!(over, OperationState::Cancelled),
            (Granted::Yes, _) => assert!(!over.is_over()),
            (Granted::Over(state), _) => assert_eq!(state, over),
            (Granted::Missing, _) => panic!("missing"),
        }
    }

    async fn pause_or_resume(&self) {
        let wish = if self.once_in(2) {
            Wish::Pause
        } else {
            Wish::Resume
        };
        self.ask(wish).await;
    }

    pub async fn cancel(&self) {
        self.ask(Wish::Cancel).await;
    }

    /// Another takes over: the one before was silent, or let go.
    async fn somebody_else_drives(&self) {
        let Some((id, epoch)) = self.epochs.borrow().last().copied() else {
            return;
        };
        let claim = async || {
            let silence = super::world::SILENCE;
            self.store()
                .claim_operation(id, "next", silence)
                .await
                .unwrap()
        };
        let over = self
            .kit
            .store
            .operation(id)
            .await
            .unwrap()
            .unwrap()
            .state
            .is_over();
        if !over {
            self.kit.store.beat(id, epoch).await.unwrap();
            assert_eq!(
                claim().await,
                None,
                "it is being driven, whatever a clock says"
            );
        }
        if self.once_in(2) {
            self.store().release_operation(id, epoch).await.unwrap();
        }
        let epoch = self.take_over(id).await;
        assert_eq!(epoch.is_none(), over);
    }

    async fn archive(&self) {
        let letters = self.letters().await;
        let open: Vec<Uuid> = letters
            .iter()
            .filter(|l| l.status.is_open())
            .map(|l| l.id)
            .filter(|_| self.once_in(3))
            .take(2)
            .collect();
        let behind = self.once_in(2);
        if open.is_empty() {
            return;
        }
        let names: Vec<String> = open.iter().map(|l| self.name(*l)).collect();
        self.tell(format_args!("archive {names:?}, behind: {behind}"));
        self.store()
            .archive(&open, "not wanted", behind)
            .await
            .unwrap();
    }

    async fn unarchive(&self) {
        let letters = self.letters().await;
        let away: Vec<Uuid> = letters
            .iter()
            .filter(|l| l.status == LetterStatus::Archived)
            .map(|l| l.id)
            .filter(|_| self.once_in(2))
            .collect();
        if away.is_empty() {
            return;
        }
        let names: Vec<String> = away.iter().map(|l| self.name(*l)).collect();
        self.tell(format_args!("unarchive {names:?}"));
        self.store().unarchive(&away).await.unwrap();
    }

    /// What waits behind nothing is sent on.
    async fn send_on(&self) {
        let ready = self.kit.store.ready_letters(100).await.unwrap();
        let ready: Vec<Uuid> = ready.iter().map(|l| l.id).collect();
        if !ready.is_empty() {
            self.tell("send on");
            self.begin_with(&ready).await;
        }
    }

    /// The indexer meets letters once more.
    async fn index_again(&self) {
        let mut rows = Vec::new();
        for letter in self.letters().await {
            if letter.status != LetterStatus::Blocked && self.once_in(2) {
                let n = self.index.borrow()[&letter.id];
                let mut copy = self.came.borrow()[n].letter.clone();
                copy.last_failed_at = letter.last_failed_at;
                rows.push((copy, body()));
            }
        }
        self.tell(format_args!("{} letters are indexed again", rows.len()));
        self.store().index_letters(&rows).await.unwrap();
    }
}
