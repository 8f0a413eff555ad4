//! Carries out what is asked. One gate: whatever changes anything is refused when read-only, written to
//! the audit log before it is done, and answered with an outcome that is written there too.

mod adopt;
mod choose;
mod doctor;
mod edit;
mod export;
mod inject;
pub mod plan;
pub mod redrive;
mod refusal;
pub mod replay;
mod running;
mod settle;
mod setup;
mod triage;
mod wish;

use std::collections::HashSet;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use tokio::sync::mpsc;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;
use uuid::Uuid;

use crate::command::{Command, Done, EventChoice, Outcome, Refusal, RefusalKind, Request};
use crate::kafka::offsets::Observer;
use crate::pipeline::worker::Worker;
use crate::pipeline::{Pipeline, Shared};
use crate::store::{StoreError, Wish};

use refusal::{from_store, no_service, refuse};
pub use setup::wanted_topics;

/// What may be done here at all.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Rules {
    pub read_only: bool,
    /// The cluster is not ours: letters may be sent back, and nothing else is there to be done.
    pub attached: bool,
    /// This process stays, so it takes over what nobody drives: a screen, or `evtop run`.
    pub drives: bool,
}

/// A request as it is carried out.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Asked<'a> {
    pub id: Uuid,
    /// Who asks, as the audit log says it.
    pub who: &'a str,
    /// Whoever asks goes away at once: another process must carry it out.
    pub leaves: bool,
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
    running: Mutex<HashSet<Uuid>>,
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
        if self.rules.drives && !self.rules.read_only {
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

    /// Answers one request.
    pub async fn answer(self: &Arc<Self>, request: Request) -> Outcome {
        let Request {
            id,
            command,
            leaves,
        } = request;
        let who = &self.who;
        let result = self.through_gate(Asked { id, who, leaves }, &command).await;
        Outcome { id, result }
    }

    /// The gate.
    pub(crate) async fn through_gate(
        self: &Arc<Self>,
        asked: Asked<'_>,
        command: &Command,
    ) -> Result<Done, Refusal> {
        let result = if let Some(why) = self.not_here(command) {
            Err(refuse(RefusalKind::Conflict, why))
        } else if command.writes() {
            self.guarded(asked, command).await
        } else {
            self.carry_out(asked, command).await
        };
        if let Err(refusal) = &result {
            tracing::info!(action = command.action(), why = refusal.sentence, "refused");
        }
        result
    }

    /// The program's own name in the audit log, for what nobody asked of it.
    pub(crate) fn own_name(&self) -> String {
        format!("evtop {}", self.shared.owner)
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
            | Command::Write { .. }
            | Command::Cancel { .. }
            | Command::PauseOperation { .. }
            | Command::ResumeOperation { .. }
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

    async fn guarded(
        self: &Arc<Self>,
        asked: Asked<'_>,
        command: &Command,
    ) -> Result<Done, Refusal> {
        if self.rules.read_only {
            let why = if self.rules.attached {
                "this cluster is not ours, so evtop is read-only: write read_only = false in its profile to allow changes"
            } else {
                "evtop is read-only: start it without --read-only and with read_only = false to allow changes"
            };
            return Err(refuse(RefusalKind::ReadOnly, why));
        }
        let detail = command.to_string();
        self.audit(asked, command.action(), &detail, None)
            .await
            .map_err(|e| {
                refuse(
                    RefusalKind::Unavailable,
                    format!("nothing was done, the audit log can't be written: {e}"),
                )
            })?;
        let result = self.carry_out(asked, command).await;
        let outcome = match &result {
            Ok(done) => done.to_string(),
            Err(refusal) => format!("refused: {}", refusal.sentence),
        };
        if let Err(error) = self
            .audit(asked, command.action(), &detail, Some(&outcome))
            .await
        {
            tracing::error!(%error, "an outcome could not be written to the audit log");
        }
        result
    }

    async fn audit(
        &self,
        asked: Asked<'_>,
        action: &str,
        detail: &str,
        outcome: Option<&str>,
    ) -> Result<(), StoreError> {
        let now = self.shared.clock.now();
        self.shared
            .store
            .audit(now, asked.id, asked.who, action, detail, outcome)
            .await
    }

    async fn carry_out(
        self: &Arc<Self>,
        asked: Asked<'_>,
        command: &Command,
    ) -> Result<Done, Refusal> {
        match command {
            Command::Inject { scenario, count } => inject::inject(self, *scenario, *count).await,
            Command::Redrive { letters, rate } => redrive::start(self, asked, letters, *rate).await,
            Command::Archive {
                letters,
                reason,
                behind,
            } => triage::archive(self, letters, reason, *behind).await,
            Command::Unarchive { letters } => triage::unarchive(self, letters).await,
            Command::Note { letter, text } => triage::note(self, *letter, text).await,
            Command::Edit { letter, value } => edit::start(self, asked, *letter, value).await,
            Command::Export {
                letters,
                archived,
                file,
            } => export::export(self, letters, *archived, file).await,
            Command::Write { bytes, file, .. } => export::write(bytes, file),
            Command::Replay {
                events,
                target,
                rate,
                force,
                confirmed,
                dry_run,
            } => {
                let several = matches!(events, EventChoice::Matching(_));
                if several && confirmed.is_none() && !dry_run {
                    return Err(refuse(
                        RefusalKind::Invalid,
                        "a replay of many events says how many were counted: count them first with a dry run",
                    ));
                }
                let planned = plan::plan(self, events, target, *force, *confirmed).await?;
                if *dry_run {
                    Ok(planned.dry())
                } else {
                    replay::start(self, asked, planned, *rate).await
                }
            }
            Command::Cancel { operation } => self.wish(*operation, Wish::Cancel).await,
            Command::PauseOperation { operation } => self.wish(*operation, Wish::Pause).await,
            Command::ResumeOperation { operation } => self.wish(*operation, Wish::Resume).await,
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
}
