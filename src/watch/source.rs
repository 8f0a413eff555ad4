//! The sources that are asked again and again, and what each looks at: a source is asked each second,
//! and at once when what it looks at has moved; never again before its last answer is in.

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::watch;
use tokio_util::sync::CancellationToken;

use super::board::{Board, within};
use super::groups::Groups;
use super::judge::Judge;
use super::lag::LagWatch;
use super::outbox::OutboxWatch;
use super::sources::Sources;
use super::{health, letters, reports, timeline};
use crate::command::{Focus, Screen};
use crate::domain::dlq_topics::is_dead_letter_topic;
use crate::pipeline::indexer;

/// Operations and audit lines that are shown.
const MOST_ROWS: u32 = 200;

/// What can be asked.
pub enum Source {
    Health,
    Letters(Judge),
    Timeline,
    Activity,
    /// Workers of other processes.
    Workers,
    Outbox(OutboxWatch),
    Lag(Box<LagWatch>, Groups),
}

impl Source {
    /// Every source of these handles.
    #[must_use]
    pub fn all(sources: &Sources) -> Vec<Self> {
        let points = usize::try_from(sources.history.as_secs()).unwrap_or(600);
        let lag = LagWatch::new(
            sources.observer.clone(),
            sources.clock.clone(),
            sources.every,
            sources.history,
        );
        let mut all = vec![
            Self::Health,
            Self::Letters(Judge::default()),
            Self::Activity,
            Self::Lag(Box::new(lag), Groups::default()),
        ];
        // What a cluster has none of is not asked for, or its absence would be shown as zeros.
        if !sources.attached {
            all.push(Self::Timeline);
            all.push(Self::Outbox(OutboxWatch::new(
                Duration::from_secs(1),
                points,
            )));
            // Nobody shares the embedded stack's workers.
            let shared = !sources.workers || !sources.shared.settings.kafka.embedded;
            all.extend(shared.then_some(Self::Workers));
        }
        all
    }

    /// The part of the focus that it looks at; the rest may move without a new question.
    fn part(&self, focus: &Focus) -> Focus {
        let mut part = Focus {
            screen: focus.screen,
            ..Focus::default()
        };
        match self {
            Self::Health | Self::Workers => part.screen = Screen::default(),
            Self::Activity | Self::Outbox(_) => {}
            Self::Letters(_) => part.letters = focus.letters.clone(),
            Self::Timeline => part.timeline = focus.timeline.clone(),
            Self::Lag(..) => part.lag_rows.clone_from(&focus.lag_rows),
        }
        part
    }

    async fn ask(&mut self, sources: &Sources, board: &Board, focus: &Focus) {
        match self {
            Self::Health => health::poll(sources, board).await,
            Self::Letters(judge) => letters::poll(sources, judge, board, focus).await,
            Self::Timeline => timeline::poll(sources, board, focus).await,
            Self::Activity => activity(sources, board, focus).await,
            Self::Workers => reports::read(sources, board).await,
            Self::Outbox(outbox) => outbox.poll(sources, board, focus).await,
            Self::Lag(lag, groups) => poll_lag(lag, groups, sources, board, focus).await,
        }
    }

    /// Asks until `stop`.
    pub async fn keep_asking(
        mut self,
        sources: Sources,
        board: Arc<Board>,
        mut focus: watch::Receiver<Focus>,
        stop: CancellationToken,
    ) {
        let mut waited_for = true;
        loop {
            let part = self.part(&focus.borrow_and_update());
            tokio::select! {
                () = stop.cancelled() => return,
                () = self.ask(&sources, &board, &part) => {}
            }
            // An answer that somebody waits for is shown at once, the others with the next snapshot.
            if waited_for {
                board.fresh.notify_one();
            }
            waited_for = tokio::select! {
                () = stop.cancelled() => return,
                () = tokio::time::sleep(sources.every) => false,
                moved = focus.wait_for(|now| self.part(now) != part) => match moved {
                    Ok(_) => true,
                    Err(_) => return,
                },
            };
        }
    }
}

async fn poll_lag(
    lag: &mut LagWatch,
    groups: &mut Groups,
    sources: &Sources,
    board: &Board,
    focus: &Focus,
) {
    let wanted: &[_] = if focus.screen == Screen::Lag {
        &focus.lag_rows
    } else {
        &[]
    };
    let poll = async {
        let all = groups.all(sources).await.map_err(|e| e.to_string())?;
        lag.poll(&all, groups.silent, wanted).await
    };
    let answer = within(sources.timeout * 2, poll).await;
    let now = sources.clock.now();
    let latency = answer.as_ref().map(|polled| polled.latency);
    health::set(board, "kafka", latency.map_err(Clone::clone), now);
    match answer {
        Ok(mut polled) => {
            let letters = indexer::topics(&sources.shared.settings.dlq_topic);
            for topic in &mut polled.topics {
                let patterns = &sources.shared.settings.dead_letter_topics;
                topic.dead_letters =
                    letters.contains(&topic.name) || is_dead_letter_topic(&topic.name, patterns);
            }
            for (topic, partition, committed, group) in &polled.slowest {
                sources.shared.read(topic, *partition, *committed, group);
            }
            board.topics.take_in(Ok(polled.topics), now);
            board.lag.take_in(Ok(Arc::new(polled.groups)), now);
        }
        Err(error) => {
            board.topics.take_in(Err(error.clone()), now);
            board.lag.take_in(Err(error), now);
        }
    }
}

async fn activity(sources: &Sources, board: &Board, focus: &Focus) {
    let now = sources.clock.now();
    let operations = within(sources.timeout, sources.store.operations(MOST_ROWS)).await;
    board.operations.take_in(operations, now);
    if focus.screen == Screen::Activity {
        let audit = within(sources.timeout, sources.store.audit_rows(MOST_ROWS)).await;
        board.audit.take_in(audit, now);
    }
}
