//! Which groups there are: ours by the table of services, others by the broker's word, and who reads
//! what. The broker is asked for names and members now and then, not with every poll.

use std::collections::HashMap;
use std::time::{Duration, Instant};

use super::board::within;
use super::sources::Sources;
use crate::clock;
use crate::domain::service::Service;
use crate::kafka::KafkaError;
use crate::kafka::consumer::Place;
use crate::kafka::groups::GroupInfo;
use crate::pipeline::indexer;
use crate::snapshot::ConsumerState;

/// How often the broker is asked for all groups and their members: a question to every broker, and an
/// answer as long as there are members.
const EVERY: Duration = Duration::from_secs(5);

/// A group, and what is known of it from elsewhere than its offsets.
#[derive(Clone, Debug, Default)]
pub struct Group {
    pub name: String,
    /// What it reads whether or not it has committed there.
    pub topics: Vec<String>,
    pub ours: bool,
    pub paused: bool,
    /// The broker's word for its state.
    pub state: Option<String>,
    /// Who reads a partition.
    pub owners: HashMap<Place, String>,
}

/// The groups of a cluster, as last told.
#[derive(Default)]
pub struct Groups {
    names: Vec<String>,
    infos: Vec<GroupInfo>,
    asked: Option<Instant>,
    /// Groups that a person has paused, as the store last said.
    paused: Vec<String>,
    wishes_asked: Option<Instant>,
    /// The broker can't tell: it is librdkafka's own, in this process or another.
    pub silent: bool,
}

impl Groups {
    /// All groups to be shown. Where the broker can't tell they are ours.
    pub async fn all(&mut self, sources: &Sources) -> Result<Vec<Group>, KafkaError> {
        let mut groups = ours(sources);
        if sources.pipeline.is_none() && !sources.attached {
            self.ask_wishes(sources).await;
            for group in &mut groups {
                group.paused = self.paused.contains(&group.name);
            }
        }
        if !self.silent && self.asked.is_none_or(|at| at.elapsed() >= EVERY) {
            self.names = match sources.observer.groups().await {
                Err(KafkaError::Unsupported(_)) => {
                    self.silent = true;
                    Vec::new()
                }
                names => names?,
            };
            self.infos = sources.observer.describe(self.names.clone()).await?;
            self.asked = Some(clock::instant());
        }
        if self.silent {
            return Ok(groups);
        }
        // What runs here is there in a moment; what nobody ever ran is no group of this cluster.
        groups.retain(|g| sources.pipeline.is_some() || self.names.contains(&g.name));
        for name in &self.names {
            if !groups.iter().any(|g| g.name == *name) {
                groups.push(Group {
                    name: name.clone(),
                    ..Group::default()
                });
            }
        }
        for group in &mut groups {
            if let Some(info) = self.infos.iter().find(|i| i.name == group.name) {
                add(group, info);
            }
        }
        Ok(groups)
    }

    /// Which groups a person has paused: where no workers run here, those that run elsewhere follow it. A
    /// store that does not answer holds Kafka's figures up for a moment only, and takes nothing back.
    async fn ask_wishes(&mut self, sources: &Sources) {
        const PATIENCE: Duration = Duration::from_millis(500);
        if self.wishes_asked.is_some_and(|at| at.elapsed() < EVERY) {
            return;
        }
        let limit = sources.timeout.min(PATIENCE);
        if let Ok(wishes) = within(limit, sources.store.consumer_wishes()).await {
            let paused = wishes.into_iter().filter(|wish| wish.paused);
            let services = paused.filter_map(|wish| Service::parse(&wish.service));
            self.paused = services.map(|s| s.row().group.to_owned()).collect();
        }
        self.wishes_asked = Some(clock::instant());
    }
}

/// What this process knows of its own stands; the broker's word adds to it.
fn add(group: &mut Group, info: &GroupInfo) {
    group.state = Some(info.state.clone()).filter(|s| !s.is_empty());
    for member in &info.members {
        let host = member.host.trim_start_matches('/');
        for place in &member.places {
            let owner = || format!("{}@{host}", member.client);
            group.owners.entry(place.clone()).or_insert_with(owner);
        }
    }
}

/// Our groups, and what their workers here say.
fn ours(sources: &Sources) -> Vec<Group> {
    let mut groups: Vec<Group> = Service::ALL
        .into_iter()
        .filter(|s| sources.groups.iter().any(|g| g == s.row().group))
        .map(|service| {
            let row = service.row();
            let worker = sources.pipeline.as_ref().and_then(|p| p.worker(row.group));
            let status = worker.map(|w| w.meter.status());
            let paused = |s: &crate::pipeline::meter::Status| s.state == ConsumerState::Paused;
            let owner = &sources.shared.owner;
            let owned = status.iter().flat_map(|s| &s.assigned);
            Group {
                name: row.group.to_owned(),
                topics: row.topics.iter().map(|t| (*t).to_owned()).collect(),
                ours: true,
                paused: status.as_ref().is_some_and(paused),
                state: None,
                owners: owned.map(|p| (p.clone(), owner.clone())).collect(),
            }
        })
        .collect();
    if sources.attached {
        return groups;
    }
    groups.push(Group {
        name: indexer::GROUP.to_owned(),
        topics: indexer::topics(&sources.shared.settings.dlq_topic),
        ours: true,
        ..Group::default()
    });
    groups
}
