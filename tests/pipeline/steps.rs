//! The steps: what a scenario does to its world.

use std::sync::Arc;
use std::time::Duration;

use evtop::command::{
    Behind, Command, Confirmed, Done, EventChoice, LetterChoice, Refusal, RefusalKind,
    ReplayTarget, Request,
};
use evtop::domain::edit;
use evtop::domain::fault_plan::FaultPlan;
use evtop::domain::filter::Resolved;
use evtop::domain::letter::{Letter, LetterFilter, LetterStatus};
use evtop::domain::position::Position;
use evtop::domain::reader::Limits;
use evtop::domain::record::NewRecord;
use evtop::domain::service::Service;
use evtop::domain::stored::EventFilter;
use evtop::domain::{scenario as orders, time};
use evtop::kafka::headers;
use evtop::pipeline::worker::Worker;
use evtop::pipeline::{consumer, indexer};
use evtop::store::Expected;
use tokio_util::sync::CancellationToken;
use uuid::Uuid;

use crate::kafka::DLQ_TEMPLATE;
use crate::records;
use crate::scenario::{Redrive, Replay, Send, Step};
use crate::world::{Guest, World};

impl World {
    pub async fn carry_out(&mut self, step: &Step) -> Result<(), String> {
        match step {
            Step::Inject {
                scenario,
                count,
                waits,
            } => {
                let scenario = orders::Scenario::parse(scenario).expect("a scenario's name");
                let command = Command::Inject {
                    scenario,
                    count: *count,
                };
                if *waits {
                    self.ask_and_go(command)?;
                } else {
                    self.ask(command, None).await?;
                }
            }
            Step::Send(send) => self.send(send).await?,
            Step::Raw(raw) => {
                let record = records::raw(raw);
                self.stack.broker.have_topic(&record.topic).await;
                self.produce(record, raw.name.as_ref()).await?;
            }
            Step::Resend { name } => {
                let record = self
                    .sent
                    .get(name)
                    .cloned()
                    .ok_or(format!("nothing was sent as {name}"))?;
                self.produce(record, None).await?;
            }
            Step::Pause { service } => {
                self.ask(
                    Command::PauseConsumer {
                        service: service.clone(),
                    },
                    None,
                )
                .await?;
            }
            Step::Resume { service } => {
                self.ask(
                    Command::ResumeConsumer {
                        service: service.clone(),
                    },
                    None,
                )
                .await?;
            }
            Step::Faults { service, plan } => {
                self.ask(
                    Command::SetFaults {
                        service: service.clone(),
                        plan: *plan,
                    },
                    None,
                )
                .await?;
            }
            Step::Join { service } => self.join(service).await,
            Step::Leave { service } => {
                let at = self
                    .guests
                    .iter()
                    .position(|g| g.worker.service.row().name == service);
                self.guests
                    .remove(at.ok_or("nobody to leave")?)
                    .leave()
                    .await;
            }
            Step::Broker { down } => self.stack.broker.set_down(*down),
            Step::Store { locked: true } => self.lock = Some(self.stack.database.lock().await),
            Step::Store { locked: false } => {
                self.lock
                    .take()
                    .ok_or("the store is not locked")?
                    .release()
                    .await;
            }
            Step::Redrive(redrive) => self.redrive(redrive).await?,
            Step::Replay(replay) => self.replay(replay).await?,
            Step::Cancel { elsewhere, refused } => {
                let operation = self.last_operation.ok_or("nothing to cancel")?;
                let (command, refused) = (Command::Cancel { operation }, refused.as_deref());
                if *elsewhere {
                    self.ask_elsewhere(command, false, refused).await?;
                } else {
                    self.ask(command, refused).await?;
                }
            }
            Step::StandStill {
                operation: paused,
                refused,
            } => {
                let operation = self.last_operation.ok_or("nothing to pause")?;
                let command = if *paused {
                    Command::PauseOperation { operation }
                } else {
                    Command::ResumeOperation { operation }
                };
                self.ask_elsewhere(command, false, refused.as_deref())
                    .await?;
            }
            Step::Forget {} => {
                let soon = self.clock.now() + Duration::from_secs(60);
                let pruned = self.store.prune_inbox(soon).await;
                pruned.map_err(|e| e.to_string())?;
                self.forgot = true;
            }
            Step::Look {} => {
                self.looked = Some(
                    self.store
                        .newest_letter()
                        .await
                        .map_err(|e| e.to_string())?,
                );
            }
            Step::Full { on } => self.set_full(*on)?,
            Step::Driver { silent: false } => self.driver_goes_on().await?,
            Step::Driver { silent: true } => self.driver_falls_silent().await?,
            Step::Restart { start } => {
                self.stop().await;
                if *start {
                    self.start().await;
                }
            }
            Step::RebuildIndex {} => self.rebuild_index().await?,
            Step::RefusesWrites {} => self.refuses_writes().await?,
            Step::Expect(expect) => crate::expect::wait_for(self, expect).await?,
        }
        Ok(())
    }

    async fn send(&mut self, send: &Send) -> Result<(), String> {
        let mut records = Vec::new();
        for nth in 0..send.count.or(send.repeat).unwrap_or(1) {
            let now = time::format(self.clock.now());
            let record = records::event(send, nth, &mut self.rng, &now);
            if send.outbox {
                let stored = evtop::domain::record::Record {
                    topic: record.topic.clone(),
                    partition: 0,
                    offset: 0,
                    timestamp: None,
                    key: record.key.clone(),
                    value: record.value.clone(),
                    headers: Vec::new(),
                };
                let limits = Limits {
                    max_value_bytes: usize::MAX,
                };
                let (envelope, _) = evtop::domain::reader::read_envelope(&stored, &limits)
                    .map_err(|e| e.to_string())?;
                let stream = envelope.stream();
                let (now, any) = (self.clock.now(), Expected::Any);
                let written = self
                    .store
                    .append(&stream, any, &[envelope], true, now)
                    .await;
                written.map_err(|e| e.to_string())?;
            } else {
                if let Some(name) = &send.name {
                    self.sent.insert(name.clone(), record.clone());
                }
                records.push(record);
            }
        }
        for sent in self.producer.send_all(&records).await {
            sent.map_err(|e| e.to_string())?;
        }
        Ok(())
    }

    async fn produce(&mut self, record: NewRecord, name: Option<&String>) -> Result<(), String> {
        self.producer
            .send(&record)
            .await
            .map_err(|e| e.to_string())?;
        if let Some(name) = name {
            self.sent.insert(name.clone(), record);
        }
        Ok(())
    }

    async fn join(&mut self, service: &str) {
        let service = Service::parse(service).expect("a service's name");
        let shared = self.shared("second").await;
        let worker = Arc::new(Worker::new(service, shared, self.plan(service)));
        self.workers.push(Arc::clone(&worker));
        let stop = CancellationToken::new();
        let task = tokio::spawn(consumer::run(Arc::clone(&worker), stop.clone()));
        self.guests.push(Guest { worker, stop, task });
    }

    /// Letters in every status, oldest first.
    pub async fn letters(&self) -> Vec<Letter> {
        let filter = LetterFilter {
            statuses: LetterStatus::ALL.to_vec(),
            ..LetterFilter::default()
        };
        let (mut letters, total) = self.store.letters(&filter, 0, 100_000).await.unwrap();
        assert_eq!(letters.len() as u64, total);
        letters.sort_by_key(|l| (l.group.clone(), l.topic.clone(), l.partition, l.offset));
        letters
    }

    async fn redrive(&mut self, redrive: &Redrive) -> Result<(), String> {
        let found: Vec<Letter> = self
            .letters()
            .await
            .into_iter()
            .filter(|l| redrive.group.as_ref().is_none_or(|g| g == l.group_name()))
            .filter(|l| redrive.code.as_ref().is_none_or(|c| *c == l.code))
            .filter(|l| {
                let order = redrive
                    .order
                    .as_ref()
                    .map(|o| records::order_id(o).into_bytes());
                order.is_none_or(|o| l.key.as_ref() == Some(&o))
            })
            .collect();
        let first = found.first().ok_or("no letter matches")?;
        let letters = if redrive.cause {
            let all = self.letters().await.into_iter();
            let alike = all.filter(|l| l.fingerprint == first.fingerprint);
            LetterChoice::Cause {
                cause: first.fingerprint.clone(),
                filter: Resolved::NONE,
                confirmed: Confirmed {
                    up_to: match self.looked {
                        Some(up_to) => up_to,
                        None => self.store.newest_letter().await.unwrap(),
                    },
                    count: redrive.confirmed.unwrap_or(alike.count() as u64),
                },
            }
        } else {
            let mut ids: Vec<Uuid> = found.iter().map(|l| l.id).collect();
            if redrive.reversed {
                ids.reverse();
            }
            LetterChoice::Ids(ids)
        };
        let command = if !redrive.set.is_empty() {
            let (letter, body) = self.store.letter(first.id).await.unwrap().unwrap();
            let mut value = edit::editable(&headers::unwrapped(letter.family, &body))?;
            for assignment in &redrive.set {
                value = edit::set(&value, assignment)?;
            }
            Command::Edit {
                letter: letter.id,
                value,
            }
        } else if let Some(reason) = redrive.archive.clone() {
            match (reason.as_str(), redrive.behind) {
                ("", _) => Command::Unarchive { letters },
                (_, behind) => Command::Archive {
                    letters,
                    reason,
                    behind: if behind {
                        Behind::Archive
                    } else {
                        Behind::Release
                    },
                },
            }
        } else {
            Command::Redrive {
                letters,
                rate: redrive.rate,
            }
        };
        let refused = redrive.refused.as_deref();
        if redrive.elsewhere {
            return self.ask_elsewhere(command, redrive.leaves, refused).await;
        }
        self.ask(command, refused).await.map(|_| ())
    }

    async fn replay(&mut self, replay: &Replay) -> Result<(), String> {
        let filter = EventFilter {
            stream: replay
                .order
                .as_ref()
                .map(|o| format!("order-{}", records::order_id(o))),
            event_type: replay.event.clone(),
            ..EventFilter::default()
        };
        let target = replay.into.clone();
        let target = target.map_or(ReplayTarget::Topic, ReplayTarget::Service);
        let command = |confirmed: Option<Confirmed<Position>>| Command::Replay {
            events: EventChoice::Matching(filter.clone()),
            target: target.clone(),
            rate: replay.rate,
            force: replay.force,
            confirmed,
            dry_run: confirmed.is_none(),
        };
        // As a person does: counted first, and then what was counted.
        let refused = replay.refused.as_deref();
        match (self.ask(command(None), refused).await?, replay.would) {
            (Some(Done::WouldReplay { events, .. }), Some(would)) if events != would => {
                Err(format!("a replay would be of {events}, not {would}"))
            }
            (
                Some(Done::WouldReplay {
                    events,
                    last: Some(last),
                    ..
                }),
                None,
            ) => {
                let counted = Confirmed {
                    up_to: last,
                    count: events,
                };
                self.ask(command(Some(counted)), None).await.map(|_| ())
            }
            _ => Ok(()),
        }
    }

    /// Through the gate. `refused`: it must be, with these words.
    async fn ask(
        &mut self,
        command: Command,
        refused: Option<&str>,
    ) -> Result<Option<Done>, String> {
        let operator = &self.node.as_ref().ok_or("nobody to ask")?.operator;
        self.asked += u64::from(command.writes());
        let id = self.clock.id();
        let outcome = operator
            .answer(Request {
                id,
                command,
                leaves: false,
            })
            .await;
        self.judge(outcome.result, refused)
    }

    /// Whether an answer is what it should be: good, or refused with these words.
    pub fn judge(
        &mut self,
        answer: Result<Done, Refusal>,
        refused: Option<&str>,
    ) -> Result<Option<Done>, String> {
        match (answer, refused) {
            (Ok(done), None) => {
                if let Done::Started { operation, .. } = &done {
                    self.last_operation = Some(*operation);
                }
                Ok(Some(done))
            }
            (Err(refusal), Some(words)) if refusal.sentence.contains(words) => Ok(None),
            (Err(refusal), None) => Err(format!("refused: {}", refusal.sentence)),
            (answer, Some(words)) => Err(format!("not refused with \"{words}\": {answer:?}")),
        }
    }

    async fn rebuild_index(&mut self) -> Result<(), String> {
        self.stop().await;
        let before = self.letters().await;
        let mut topics = indexer::topics(DLQ_TEMPLATE);
        let places = before.iter().filter_map(|l| l.dlq.as_ref());
        topics.extend(places.map(|place| place.topic.clone()));
        topics.sort();
        topics.dedup();
        self.stack.rewind(indexer::GROUP, &topics);
        self.stack.database.forget_letters().await;
        self.start().await;
        let started = evtop::clock::instant();
        loop {
            let after = self.letters().await;
            if after == before {
                return Ok(());
            }
            if started.elapsed() > crate::expect::DEADLINE {
                let mut differ = before.iter().zip(&after).filter(|(b, a)| b != a);
                let first = differ.next();
                return Err(format!(
                    "{} letters, then {}: {first:#?}",
                    before.len(),
                    after.len()
                ));
            }
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    }

    async fn refuses_writes(&mut self) -> Result<(), String> {
        let node = self.node.as_ref().ok_or("nobody to ask")?;
        let stop = CancellationToken::new();
        let shared = &node.pipeline.shared;
        let operator = self.operator(shared, Some(Arc::clone(&node.pipeline)), true, &stop);
        let audited = self.store.audit_rows(100_000).await.unwrap();
        let service = || "email".to_owned();
        let letters = self.letters().await;
        let ids = letters.iter().map(|l| l.id).collect();
        let replay = |dry_run| Command::Replay {
            events: EventChoice::One(Position { tx: 0, pos: 1 }),
            target: ReplayTarget::Topic,
            rate: 0,
            force: false,
            confirmed: None,
            dry_run,
        };
        let mut refused = 0;
        for command in [
            Command::Inject {
                scenario: orders::Scenario::Happy,
                count: 1,
            },
            Command::Redrive {
                letters: LetterChoice::Ids(ids),
                rate: 0,
            },
            replay(false),
            replay(true),
            Command::Cancel {
                operation: Uuid::nil(),
            },
            Command::SetTraffic { orders_per_s: 5.0 },
            Command::SetFaults {
                service: service(),
                plan: FaultPlan {
                    panic: 1.0,
                    ..FaultPlan::default()
                },
            },
            Command::PauseConsumer { service: service() },
            Command::ResumeConsumer { service: service() },
            Command::Setup,
            Command::Doctor { mend: false },
        ] {
            let writes = command.writes();
            let action = command.action();
            let outcome = operator
                .answer(Request {
                    id: self.clock.id(),
                    command,
                    leaves: false,
                })
                .await;
            let read_only = outcome
                .result
                .as_ref()
                .is_err_and(|r| r.kind == RefusalKind::ReadOnly);
            if read_only != writes {
                return Err(format!(
                    "{action} of a read-only profile: {:?}",
                    outcome.result
                ));
            }
            refused += u64::from(read_only);
        }
        if refused != 9 || self.store.audit_rows(100_000).await.unwrap() != audited {
            return Err(format!(
                "{refused} were refused, or something was written to the audit"
            ));
        }
        (letters == self.letters().await)
            .then_some(())
            .ok_or("letters have changed".into())
    }
}
