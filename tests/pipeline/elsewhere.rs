//! What happens beside the process of a scenario: other processes on the same database, and a broker
//! that is full.

use std::sync::Arc;
use std::time::Duration;

use evtop::clock;
use evtop::command::{Command, Request};
use evtop::domain::operation::{Counts, Operation, OperationKind, OperationState};
use evtop::domain::record::NewRecord;
use evtop::kafka::embedded::RETAINED_BYTES;
use evtop::kafka::producer::Delivery;
use tokio_util::sync::CancellationToken;
use uuid::Uuid;

use crate::expect::DEADLINE;
use crate::world::World;

/// A partition that nothing is sent to.
const FULL: (&str, i32) = ("payment-events", 0);

impl World {
    /// Through the gate of another process: it runs no workers and drives none of our operations.
    /// `leaves`: it goes away at once.
    pub async fn ask_elsewhere(
        &mut self,
        command: Command,
        leaves: bool,
        refused: Option<&str>,
    ) -> Result<(), String> {
        self.asked += u64::from(command.writes());
        let shared = self.shared("elsewhere").await;
        let operator = self.operator(&shared, None, false, &CancellationToken::new());
        let id = self.clock.id();
        let request = Request {
            id,
            command,
            leaves,
        };
        let outcome = operator.answer(request).await;
        shared.store.close().await;
        self.judge(outcome.result, refused).map(|_| ())
    }

    /// Through the gate, and on: the answer must be good when the workers end.
    pub fn ask_and_go(&mut self, command: Command) -> Result<(), String> {
        let node = self.node.as_ref().ok_or("nobody to ask")?;
        self.asked += u64::from(command.writes());
        let operator = Arc::clone(&node.operator);
        let id = self.clock.id();
        self.answers.push(tokio::spawn(async move {
            operator
                .answer(Request {
                    id,
                    command,
                    leaves: false,
                })
                .await
        }));
        Ok(())
    }

    /// As if a partition held all that the broker keeps, unread by some group; or as if it was read.
    pub fn set_full(&self, on: bool) -> Result<(), String> {
        let shared = &self.node.as_ref().ok_or("nobody to hold")?.pipeline.shared;
        let (topic, partition) = FULL;
        let record = NewRecord {
            topic: topic.into(),
            partition: Some(partition),
            key: None,
            value: Some(vec![b'x'; usize::try_from(RETAINED_BYTES).unwrap()]),
            headers: Vec::new(),
        };
        let place = Delivery {
            partition,
            offset: 0,
        };
        if on {
            shared.delivered(&record, place);
            shared.read(topic, partition, None, "slow-service");
        } else {
            shared.read(topic, partition, Some(1), "slow-service");
        }
        let held = shared.full().is_some();
        (held == on)
            .then_some(())
            .ok_or("the broker's fullness is not as told".into())
    }

    /// A redrive of every letter that another process began an hour ago and drives still: nobody else
    /// touches it. That is certain when another operation, begun later, was taken over before it.
    pub async fn driver_goes_on(&mut self) -> Result<(), String> {
        let letters = self.letters().await;
        let redrive = self.begun_elsewhere(OperationKind::Redrive, 60);
        let items: Vec<_> = letters.iter().map(|l| (self.clock.id(), l.id)).collect();
        let owner = Some("elsewhere");
        let written = self.store.create_operation(&redrive, &items, owner).await;
        written.map_err(|e| e.to_string())?;
        self.stack.database.beat(redrive.id, 3_600).await;
        self.last_operation = Some(redrive.id);

        let silent = self.begun_elsewhere(OperationKind::Replay, 59);
        let written = self.store.create_operation(&silent, &[], None).await;
        written.map_err(|e| e.to_string())?;
        let began = clock::instant();
        while self.state(silent.id).await? != OperationState::Failed {
            if began.elapsed() > DEADLINE {
                return Err("nobody takes a silent operation over".into());
            }
            tokio::time::sleep(Duration::from_millis(25)).await;
        }
        match self.state(redrive.id).await? {
            OperationState::Planned => Ok(()),
            state => Err(format!("it was taken from its driver, and is {state:?}")),
        }
    }

    /// The driver was last heard of an hour ago.
    pub async fn driver_falls_silent(&mut self) -> Result<(), String> {
        let id = self.last_operation.ok_or("nobody drives anything")?;
        self.stack.database.beat(id, -3_600).await;
        Ok(())
    }

    fn begun_elsewhere(&self, kind: OperationKind, minutes_ago: u64) -> Operation {
        Operation {
            id: self.clock.id(),
            kind,
            state: OperationState::Planned,
            what: "something".into(),
            target: "somewhere".into(),
            counts: Counts::default(),
            rate_limit: 0,
            by: "elsewhere".into(),
            created_at: self.clock.now() - Duration::from_secs(60 * minutes_ago),
            ended_at: None,
            note: None,
            paused: false,
            plan: String::new(),
            given_up: false,
        }
    }

    async fn state(&self, id: Uuid) -> Result<OperationState, String> {
        let found = self.store.operation(id).await.map_err(|e| e.to_string())?;
        found.map(|o| o.state).ok_or("the operation is gone".into())
    }
}
