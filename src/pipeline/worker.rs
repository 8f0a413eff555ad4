//! One service in this process: what its loop, its batches and its observers share.

use std::sync::{Arc, Mutex, MutexGuard};
use std::time::Instant;

use tokio::sync::watch;
use uuid::Uuid;

use super::Shared;
use super::circuit::Circuit;
use super::meter::Meter;
use crate::clock;
use crate::domain::envelope::Envelope;
use crate::domain::event_type::EventType;
use crate::domain::fault_plan::{Fate, FaultPlan};
use crate::domain::service::Service;
use crate::kafka::headers::Directions;
use crate::lock::lock;

pub struct Worker {
    pub service: Service,
    pub shared: Arc<Shared>,
    pub meter: Meter,
    plan: Mutex<FaultPlan>,
    paused: watch::Sender<bool>,
    circuit: Mutex<Circuit>,
    started: Instant,
}

impl Worker {
    #[must_use]
    pub fn new(service: Service, shared: Arc<Shared>, plan: FaultPlan) -> Self {
        Self {
            service,
            shared,
            meter: Meter::default(),
            plan: Mutex::new(plan),
            paused: watch::Sender::new(false),
            circuit: Mutex::default(),
            started: clock::instant(),
        }
    }

    #[must_use]
    pub fn plan(&self) -> FaultPlan {
        *lock(&self.plan)
    }

    pub fn set_plan(&self, plan: FaultPlan) {
        *lock(&self.plan) = plan;
    }

    /// Stops its work, or lets it go on; it stays in its group.
    pub fn set_paused(&self, paused: bool) {
        self.paused.send_replace(paused);
    }

    /// Whether its work is stopped, and news of that.
    #[must_use]
    pub fn paused(&self) -> watch::Receiver<bool> {
        self.paused.subscribe()
    }

    /// Its circuit; never held across an await.
    pub fn circuit(&self) -> MutexGuard<'_, Circuit> {
        lock(&self.circuit)
    }

    /// What the fault plan has in store for this attempt.
    #[must_use]
    pub fn fate(&self, event_id: Uuid, attempt: u32, redrives: u32) -> Fate {
        let plan = self.plan();
        if plan.is_quiet() {
            return Fate::Works;
        }
        plan.fate(event_id, attempt, redrives, self.started.elapsed())
    }

    /// An order is end to end handled when its e-mail is: the time since it was created, for orders on
    /// their first way.
    pub fn observe_end_to_end(&self, envelope: &Envelope, asked: &Directions) {
        let first_way = asked.redrive.is_none() && asked.replay.is_none();
        if self.service == Service::Email
            && envelope.event_type == EventType::OrderCreated
            && first_way
        {
            let took = self.shared.clock.now() - envelope.timestamp;
            self.shared
                .end_to_end
                .record(took.to_std().unwrap_or_default(), 1);
        }
    }
}
