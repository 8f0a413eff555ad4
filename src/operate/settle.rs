//! What became of records that nobody has reported: settled by one rule, whether their operation still runs or is
//! over. A record that its group has passed without a report stays unknown, since no one will report it any more;
//! so does one of which nothing was heard for long. A report that comes late still counts.

use std::collections::HashMap;
use std::time::Duration;

use uuid::Uuid;

use super::Operator;
use super::replay::{Progress, passed};
use super::running::SILENCE;
use crate::domain::service::Service;
use crate::operate::plan::Plan;
use crate::store::{Item, ItemState, StoreError};

/// Looks at which a record must be passed without a report: the report comes before the offset, so one more look
/// would do; a slow database gets a few.
const LOOKS: u32 = 3;

/// After so long without a report a record is unknown, wherever its group stands.
const GIVE_UP: Duration = Duration::from_secs(600);

/// Items of operations that are over which are looked at together.
const MOST: u32 = 1_000;

/// At how many looks each record was passed.
#[derive(Default)]
pub struct Settler {
    passed: HashMap<Uuid, u32>,
}

impl Settler {
    /// Looks at items in flight, and gives up those of which no report will come.
    ///
    /// # Errors
    /// When the store does not answer; the next look goes on.
    pub async fn look(&mut self, operator: &Operator, items: &[Item]) -> Result<(), StoreError> {
        let store = &operator.shared.store;
        let mut offsets: HashMap<(String, String, i32), Option<i64>> = HashMap::new();
        let mut passed = HashMap::new();
        for item in items.iter().filter(|i| i.state == ItemState::InFlight) {
            let (id, old) = (item.redrive_id, item.age.is_some_and(|age| age >= GIVE_UP));
            // Nobody reports for a group of others, or to the file beside a cluster of others: that it was sent
            // is all that is known.
            let told = |group: &String| Service::is_ours(group) && !operator.rules.attached;
            let group = item.group.clone().filter(told);
            let (Some(group), Some((topic, partition, offset)), false) =
                (group, item.place.clone(), old)
            else {
                store.item_unknown(id).await?;
                continue;
            };
            let place = (group.clone(), topic.clone(), partition);
            let committed = match offsets.get(&place) {
                Some(known) => *known,
                None => {
                    let at = vec![(topic, partition)];
                    let answer = operator.observer.committed(&group, at).await;
                    let committed = answer.ok().and_then(|c| c.first().copied().flatten());
                    *offsets.entry(place).or_insert(committed)
                }
            };
            if committed.is_none_or(|at| at <= offset) {
                continue;
            }
            let looks = self.passed.get(&id).copied().unwrap_or_default() + 1;
            if looks >= LOOKS {
                store.item_unknown(id).await?;
            } else {
                passed.insert(id, looks);
            }
        }
        self.passed = passed;
        Ok(())
    }

    /// The same for what operations left behind that are over.
    ///
    /// # Errors
    /// When the store does not answer; the next look goes on.
    pub async fn look_behind(&mut self, operator: &Operator) -> Result<(), StoreError> {
        let store = &operator.shared.store;
        let items = store.items_left_behind(MOST).await?;
        // Meant to be sent, and nobody is at it any more: it may be on its way or not.
        let meant = |i: &&Item| i.state == ItemState::Queued && i.age.is_none_or(|a| a >= SILENCE);
        for item in items.iter().filter(meant) {
            store.item_unknown(item.redrive_id).await?;
        }
        self.look(operator, &items).await
    }

    /// The same for replays that are over.
    ///
    /// # Errors
    /// When the store does not answer; the next look goes on.
    pub async fn look_at_replays(&mut self, operator: &Operator) -> Result<(), StoreError> {
        let store = &operator.shared.store;
        let mut waiting = HashMap::new();
        for (replay, progress) in store.unsettled_replays().await? {
            let service = Plan::read(&replay.plan).and_then(|plan| plan.target());
            let counts = replay.counts;
            let Some(service) = service.filter(|_| counts.reported() < counts.sent) else {
                store.settle_replay(replay.id, false).await?;
                continue;
            };
            let over = replay.ended_at.unwrap_or(replay.created_at);
            let old = (operator.shared.clock.now() - over).to_std();
            let old = old.is_ok_and(|age| age >= GIVE_UP);
            let places = Progress::read(&progress).places;
            let looks = self.passed.get(&replay.id).copied().unwrap_or_default() + 1;
            if old || (passed(operator, service, &places).await && looks >= LOOKS) {
                store.settle_replay(replay.id, true).await?;
            } else {
                waiting.insert(replay.id, looks);
            }
        }
        self.passed = waiting;
        Ok(())
    }
}
