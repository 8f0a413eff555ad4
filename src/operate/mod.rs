//! Carries out what is asked. One gate: whatever changes anything is refused when read-only, written to
//! the audit log before it is done, and answered with an outcome that is written there too.

mod adopt;
mod choose;
mod doctor;
mod edit;
mod export;
mod plan;
mod redrive;
mod replay;
mod setup;
mod triage;
mod wish;

use std::collections::HashMap;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use tokio::sync::mpsc;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;
use uuid::Uuid;

use crate::command::{Command, Done, Outcome, Refusal, RefusalKind, Request};
use crate::kafka::offsets::Observer;
use crate::lock::lock;
use crate::pipeline::inject::{InjectError, inject};
use crate::pipeline::worker::Worker;
use crate::pipeline::{Pipeline, Shared};
use crate::store::StoreError;

pub use setup::wanted_topics;

/// Most orders that one injection makes.
const MOST_ORDERS: u32 = 100_000;

/// How often whoever drives an operation says so.
const BEAT: Duration = Duration::from_secs(1);

/// What may be done here at all.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Rules {
    pub read_only: bool,
    /// The cluster is not ours: letters may be sent back, and nothing else is there to be done.
    pub attached: bool,
}

/// What the gate knows and may use.
pub struct Operator {
    pub shared: Arc<Shared>,
    /// `None` where this process runs no workers.
    pub pipeline: Option<Arc<Pipeline>>,
    pub observer: Observer,
    pub rules: Rules,
    /// Who asks, as the audit log says it.
    pub who: String,
    running: Mutex<HashMap<Uuid, CancellationToken>>,
    tasks: TaskTracker,
    stop: CancellationToken,
}

impl Operator {
    #[must_use]
    pub fn new(
        shared: Arc<Shared>,
        pipeline: Option<Arc<Pipeline>>,
        observer: Observer,
        rules: Rules,
        who: String,
        stop: CancellationToken,
    ) -> Self {
        Self {
            shared,
            pipeline,
            observer,
            rules,
            who,
            running: Mutex::default(),
            tasks: TaskTracker::new(),
            stop,
        }
    }

    /// Answers requests until `stop`; each in a task of its own, so that none waits for another.
    pub async fn run(
        self: Arc<Self>,
        mut requests: mpsc::Receiver<Request>,
        outcomes: mpsc::Sender<Outcome>,
    ) {
        let Rules {
            read_only,
            attached,
        } = self.rules;
        if (self.pipeline.is_some() || attached) && !read_only {
            self.tasks.spawn(adopt::take_over(Arc::clone(&self)));
        }
        loop {
            let request = tokio::select! {
                () = self.stop.cancelled() => break,
                request = requests.recv() => match request {
                    Some(request) => request,
                    None => break,
                },
            };
            let (this, outcomes) = (Arc::clone(&self), outcomes.clone());
            self.tasks.spawn(async move {
                let outcome = this.answer(request).await;
                let _ = outcomes.send(outcome).await;
            });
        }
        self.stop.cancelled().await;
        self.tasks.close();
        // Operations are persisted: what runs is let go where it is and goes on at the next start.
        let _ = tokio::time::timeout(Duration::from_secs(2), self.tasks.wait()).await;
    }

    /// The gate.
    pub async fn answer(self: &Arc<Self>, request: Request) -> Outcome {
        let Request { id, command } = request;
        let result = if let Some(why) = self.not_here(&command) {
            Err(refuse(RefusalKind::Conflict, why))
        } else if command.writes() {
            self.guarded(id, &command).await
        } else {
            self.carry_out(id, &command).await
        };
        if let Err(refusal) = &result {
            tracing::info!(action = command.action(), why = refusal.sentence, "refused");
        }
        Outcome { id, result }
    }

    /// Why a command has nothing to work on here: on a cluster that is not ours there is neither outbox nor
    /// event store, and no topic is made.
    fn not_here(&self, command: &Command) -> Option<String> {
        let what = match command {
            _ if !self.rules.attached => return None,
            Command::Redrive { .. }
            | Command::Archive { .. }
            | Command::Unarchive { .. }
            | Command::Note { .. }
            | Command::Edit { .. }
            | Command::Export { .. }
            | Command::Cancel { .. }
            | Command::Doctor { .. } => return None,
            Command::Inject { .. } => "test orders go through evtop's own outbox, which it has not",
            Command::Replay { .. } => "there is no event store of evtop's to replay from",
            Command::Setup => "no topic and no table is made on it",
            Command::SetTraffic { .. }
            | Command::SetFaults { .. }
            | Command::PauseConsumer { .. }
            | Command::ResumeConsumer { .. } => "its consumers are not evtop's to steer",
        };
        let remedy = "use a profile of a stack of your own";
        Some(format!(
            "attached to a cluster that is not ours: {what}; {remedy}"
        ))
    }

    async fn guarded(self: &Arc<Self>, id: Uuid, command: &Command) -> Result<Done, Refusal> {
        if self.rules.read_only {
            let why = if self.rules.attached {
                "this cluster is not ours, so evtop is read-only: write read_only = false in its profile to allow changes"
            } else {
                "evtop is read-only: start it without --read-only and with read_only = false to allow changes"
            };
            return Err(refuse(RefusalKind::ReadOnly, why));
        }
        let detail = command.to_string();
        self.audit(id, command.action(), &detail, None)
            .await
            .map_err(|e| {
                refuse(
                    RefusalKind::Unavailable,
                    format!("nothing was done, the audit log can't be written: {e}"),
                )
            })?;
        let result = self.carry_out(id, command).await;
        let outcome = match &result {
            Ok(done) => done.to_string(),
            Err(refusal) => format!("refused: {}", refusal.sentence),
        };
        if let Err(error) = self
            .audit(id, command.action(), &detail, Some(&outcome))
            .await
        {
            tracing::error!(%error, "an outcome could not be written to the audit log");
        }
        result
    }

    async fn audit(
        &self,
        id: Uuid,
        action: &str,
        detail: &str,
        outcome: Option<&str>,
    ) -> Result<(), StoreError> {
        let now = self.shared.clock.now();
        self.shared
            .store
            .audit(now, id, &self.who, action, detail, outcome)
            .await
    }

    async fn carry_out(self: &Arc<Self>, id: Uuid, command: &Command) -> Result<Done, Refusal> {
        match command {
            Command::Inject { scenario, count } => {
                let count = *count;
                if count == 0 || count > MOST_ORDERS {
                    return Err(refuse(
                        RefusalKind::Invalid,
                        format!("inject 1 to {MOST_ORDERS} orders at a time"),
                    ));
                }
                let mut rng = fastrand::Rng::new();
                let order_ids = inject(&self.shared, &mut rng, *scenario, count, &self.stop)
                    .await
                    .map_err(|e| match e {
                        InjectError::Store(e) => from_store(&e),
                        InjectError::Stopped => refuse(RefusalKind::Unavailable, e.to_string()),
                        InjectError::Kafka(e) => refuse(
                            RefusalKind::Unavailable,
                            format!("Kafka did not take it: {e}"),
                        ),
                    })?;
                Ok(Done::Injected {
                    scenario: *scenario,
                    count,
                    order_ids,
                })
            }
            Command::Redrive { letters, rate } => redrive::start(self, id, letters, *rate).await,
            Command::Archive {
                letters,
                reason,
                behind,
            } => triage::archive(self, letters, reason, *behind).await,
            Command::Unarchive { letters } => triage::unarchive(self, letters).await,
            Command::Note { letter, text } => triage::note(self, *letter, text).await,
            Command::Edit { letter, value } => edit::start(self, id, *letter, value).await,
            Command::Export {
                letters,
                archived,
                file,
            } => export::export(self, letters, *archived, file).await,
            Command::Replay {
                events,
                target,
                rate,
                force,
                dry_run,
            } => {
                let plan = plan::plan(self, events, target, *force).await?;
                if *dry_run {
                    Ok(plan.dry())
                } else {
                    replay::start(self, id, plan, *rate).await
                }
            }
            Command::Cancel { operation } => self.cancel(*operation).await,
            Command::SetTraffic { orders_per_s } => {
                let pipeline = self.workers()?;
                if !(0.0..=100_000.0).contains(orders_per_s) {
                    return Err(refuse(
                        RefusalKind::Invalid,
                        "traffic is 0 to 100 000 orders a second",
                    ));
                }
                pipeline.set_rate(*orders_per_s);
                Ok(Done::TrafficSet {
                    orders_per_s: *orders_per_s,
                })
            }
            Command::SetFaults { service, plan } => {
                self.worker(service)?.set_plan(*plan);
                Ok(Done::FaultsSet {
                    service: service.clone(),
                })
            }
            Command::PauseConsumer { service } => wish::wish(self, service, true).await,
            Command::ResumeConsumer { service } => wish::wish(self, service, false).await,
            Command::Setup => setup::setup(self).await,
            Command::Doctor { mend } => Ok(Done::Checked(doctor::checks(self, *mend).await)),
        }
    }

    fn workers(&self) -> Result<&Arc<Pipeline>, Refusal> {
        self.pipeline.as_ref().ok_or_else(|| {
            refuse(
                RefusalKind::Conflict,
                "this process runs no workers: ask the instance that does",
            )
        })
    }

    fn worker(&self, service: &str) -> Result<&Arc<Worker>, Refusal> {
        let worker = self.workers()?.worker(service);
        worker.ok_or_else(|| no_service(service))
    }

    async fn cancel(&self, operation: Uuid) -> Result<Done, Refusal> {
        let found = self
            .shared
            .store
            .operation(operation)
            .await
            .map_err(|e| from_store(&e))?;
        let Some(found) = found else {
            return Err(refuse(
                RefusalKind::NotFound,
                format!("there is no operation {operation}: see `evtop ops`"),
            ));
        };
        if found.state.is_over() {
            let state = found.state.name();
            return Err(refuse(
                RefusalKind::Conflict,
                format!("the operation is already {state}"),
            ));
        }
        self.shared
            .store
            .request_cancel(operation)
            .await
            .map_err(|e| from_store(&e))?;
        if let Some(token) = self.running().get(&operation) {
            token.cancel();
        }
        Ok(Done::Cancelled { operation })
    }

    /// Starts an operation's runner in the background.
    fn begin<F>(
        self: &Arc<Self>,
        operation: Uuid,
        run: impl FnOnce(Arc<Self>, CancellationToken) -> F,
    ) where
        F: Future<Output = ()> + Send + 'static,
    {
        // No child of `stop`: the program's end leaves an operation unfinished, and is no cancel.
        let token = CancellationToken::new();
        self.running().insert(operation, token.clone());
        let this = Arc::clone(self);
        let work = run(Arc::clone(self), token);
        self.tasks.spawn(async move {
            tokio::select! {
                () = work => {}
                () = this.beat(operation) => {}
            }
            this.running().remove(&operation);
        });
    }

    /// Says, for as long as it is polled, that this process drives the operation: no other takes it over.
    async fn beat(&self, operation: Uuid) {
        loop {
            let now = self.shared.clock.now();
            if let Err(error) = self.shared.store.beat(operation, now).await {
                tracing::debug!(%error, "a beat can't be written");
            }
            tokio::time::sleep(BEAT).await;
        }
    }

    /// Whether the operation should stop: asked for here, or by another process.
    async fn cancelled(&self, operation: Uuid, token: &CancellationToken) -> bool {
        token.is_cancelled()
            || self
                .shared
                .store
                .cancel_requested(operation)
                .await
                .unwrap_or(false)
    }

    /// Waits while the embedded broker is full, since it would drop what nobody has read. Returns when
    /// there is room, or when the operation should end.
    async fn room(&self, operation: Uuid, token: &CancellationToken) {
        while self.shared.full().is_some()
            && !self.stop.is_cancelled()
            && !self.cancelled(operation, token).await
        {
            tokio::select! {
                () = self.stop.cancelled() => {}
                () = tokio::time::sleep(Duration::from_millis(100)) => {}
            }
        }
    }

    fn running(&self) -> std::sync::MutexGuard<'_, HashMap<Uuid, CancellationToken>> {
        lock(&self.running)
    }
}

fn refuse(kind: RefusalKind, sentence: impl Into<String>) -> Refusal {
    Refusal {
        kind,
        sentence: sentence.into(),
    }
}

fn no_service(name: &str) -> Refusal {
    refuse(
        RefusalKind::NotFound,
        format!("there is no service `{name}`: see the Consumers screen"),
    )
}

fn from_store(error: &StoreError) -> Refusal {
    match error {
        StoreError::Unavailable(why) => refuse(
            RefusalKind::Unavailable,
            format!("the store does not answer: {why}"),
        ),
        StoreError::Busy(why) => refuse(RefusalKind::Conflict, why.clone()),
        other => refuse(RefusalKind::Conflict, other.to_string()),
    }
}
