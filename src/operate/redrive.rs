//! Redrive: letters go back to the consumer that failed, and to no other. Each step is written down
//! before it is taken (intent, broker's acknowledgement, consumer's report), so a crash anywhere sends a
//! letter again under the same redrive id, which the inbox absorbs, and never loses one. Here it
//! is planned; `drive` carries it out.

pub mod drive;
mod send;

use std::sync::Arc;

use uuid::Uuid;

pub use drive::run;

use super::choose::{Chosen, choose};
use super::{Asked, Operator, refuse};
use crate::command::{Done, LetterChoice, Refusal, RefusalKind};
use crate::domain::letter::Letter;
use crate::domain::operation::{Operation, OperationKind, redrive_id};
use crate::domain::service::Service;

/// Plans the operation, writes it down and begins.
pub(super) async fn start(
    operator: &Arc<Operator>,
    asked: Asked<'_>,
    choice: &LetterChoice,
    rate: u32,
) -> Result<Done, Refusal> {
    let chosen = choose(operator, choice).await?;
    begin(operator, asked, chosen, rate, String::new()).await
}

/// The same for one letter that was edited; `plan` is what is sent in its stead.
pub(super) async fn start_edited(
    operator: &Arc<Operator>,
    asked: Asked<'_>,
    letter: Letter,
    what: String,
    plan: String,
) -> Result<Done, Refusal> {
    let chosen = Chosen {
        letters: vec![letter],
        refused: Vec::new(),
        what,
    };
    begin(operator, asked, chosen, 0, plan).await
}

async fn begin(
    operator: &Arc<Operator>,
    asked: Asked<'_>,
    mut chosen: Chosen,
    rate: u32,
    plan: String,
) -> Result<Done, Refusal> {
    existing(operator, &mut chosen).await?;
    let items: Vec<(Uuid, Uuid)> = chosen
        .letters
        .iter()
        .map(|l| (redrive_id(asked.id, l.id), l.id))
        .collect();
    let operation = Operation {
        what: chosen.what.clone(),
        target: target(&chosen.letters),
        rate_limit: rate,
        note: left_out(&chosen.refused),
        plan,
        ..operator.planned(asked, OperationKind::Redrive, items.len() as u64)
    };
    operator.begin(asked, &operation, &items).await
}

/// Leaves out letters whose topic is gone: a broker may make it anew at the first record that is sent
/// there, and what is not ours is not ours to make.
async fn existing(operator: &Operator, chosen: &mut Chosen) -> Result<(), Refusal> {
    if !operator.rules.attached {
        return Ok(());
    }
    let there = operator.observer.topics().await.map_err(|e| {
        let why = format!("nothing was done, the topics can't be listed: {e}");
        refuse(RefusalKind::Unavailable, why)
    })?;
    let is_there = |l: &Letter| l.topic.as_ref().is_some_and(|t| there.contains_key(t));
    let (kept, gone) = std::mem::take(&mut chosen.letters)
        .into_iter()
        .partition(is_there);
    chosen.letters = kept;
    let gone: Vec<Letter> = gone;
    chosen.refused.extend(gone.into_iter().map(|letter| {
        let topic = letter.topic.as_deref().unwrap_or("unknown");
        let why = format!("its topic {topic} is not on this cluster, and none is made there");
        (letter.id, why)
    }));
    match (chosen.letters.first(), chosen.refused.first()) {
        (None, Some((_, why))) => Err(refuse(RefusalKind::Conflict, why.clone())),
        _ => Ok(()),
    }
}

/// Who will get them: the groups that failed where they are ours, else whoever reads the topics.
fn target(letters: &[Letter]) -> String {
    let list = |mut names: Vec<&str>| {
        names.sort_unstable();
        names.dedup();
        names.join(", ")
    };
    let (own, others): (Vec<&Letter>, Vec<&Letter>) = letters.iter().partition(|l| reports(l));
    let groups = list(own.iter().filter_map(|l| l.group.as_deref()).collect());
    let topics = list(others.iter().filter_map(|l| l.topic.as_deref()).collect());
    match (groups.is_empty(), topics.is_empty()) {
        (_, true) => format!("{groups} only"),
        (true, false) => format!("whoever reads {topics}"),
        (false, false) => format!("{groups} only; whoever reads {topics}"),
    }
}

/// Whether its group is one of ours, so that what becomes of it is reported.
fn reports(letter: &Letter) -> bool {
    letter.group.as_deref().is_some_and(Service::is_ours)
}

fn left_out(refused: &[(Uuid, String)]) -> Option<String> {
    let (_, first) = refused.first()?;
    Some(format!("{} left out; the first: {first}", refused.len()))
}
