//! Questions before something is done: what a key asks of the engine, put into words and counted.

use std::collections::BTreeSet;

use super::app::App;
use super::overlay::{Confirm, Faults, Overlay, Replay};
use crate::command::{Command, EventChoice, LetterChoice, REDRIVE_RATE, Screen};
use crate::domain::event_type::EventType;
use crate::domain::letter::Letter;
use crate::domain::service::Service;
use crate::domain::stored::EventFilter;
use crate::snapshot::short_id;

impl App {
    pub(super) fn ask_redrive(&mut self) {
        let Some(letter) = self.letter_here() else {
            return;
        };
        let confirm = Confirm::new(
            Command::Redrive {
                letters: LetterChoice::Ids(vec![letter.id]),
                rate: REDRIVE_RATE,
            },
            "Redrive 1 letter",
            vec![
                ("letter", short_id(letter.id)),
                ("record", letter.from()),
                ("to", self.redriven_to(letter)),
                ("failed", format!("{}: {}", letter.code, letter.message)),
            ],
            1,
        );
        self.overlay = Some(Overlay::Confirm(self.guard(confirm)));
    }

    pub(super) fn ask_redrive_many(&mut self) {
        let confirm = if self.redrives_marked() {
            let marked: Vec<_> = self.letters.marked.keys().copied().collect();
            let count = marked.len() as u64;
            Confirm::new(
                Command::Redrive {
                    letters: LetterChoice::Ids(marked),
                    rate: REDRIVE_RATE,
                },
                "Redrive the marked letters",
                vec![
                    ("to", self.redriven_to_each()),
                    ("rate", format!("at most {REDRIVE_RATE}/s")),
                ],
                count,
            )
        } else {
            let Some((letters, cause)) = self.whole_cause() else {
                return;
            };
            let filter = self.sieve(Screen::Letters).filter();
            let mut facts = vec![("cause", format!("{}: {}", cause.code, cause.title))];
            let mut title = "Redrive every open letter of this cause";
            if !filter.is_empty() {
                facts.push(("that match", filter.to_string()));
                title = "Redrive the open letters of this cause that match";
            }
            let command = Command::Redrive {
                letters,
                rate: REDRIVE_RATE,
            };
            facts.extend([
                (
                    "to",
                    match &cause.group {
                        Some(group) if Service::is_ours(group) => {
                            format!("{group} only; other groups skip them")
                        }
                        _ => self.redriven_to_readers(&self.letters()),
                    },
                ),
                ("rate", format!("at most {REDRIVE_RATE}/s")),
            ]);
            Confirm::new(command, title, facts, cause.count)
        };
        self.overlay = Some(Overlay::Confirm(self.guard(confirm)));
    }

    /// Who will get the marked letters.
    fn redriven_to_each(&self) -> String {
        let ours = |l: &&Letter| l.group.as_deref().is_some_and(Service::is_ours);
        let marked = self.letters.marked.values();
        let (own, others): (Vec<&Letter>, Vec<&Letter>) = marked.partition(ours);
        match (own.is_empty(), others.is_empty()) {
            (_, true) => "each to the group that failed; others skip it".to_owned(),
            (true, false) => self.redriven_to_readers(&others),
            (false, false) => format!(
                "each to the group that failed where it is ours, else to {}",
                self.redriven_to_readers(&others)
            ),
        }
    }

    /// The groups that read the topics of these letters, as the cluster says.
    fn redriven_to_readers(&self, letters: &[&Letter]) -> String {
        let all = "every group that reads the topic each came from";
        if self.shown.lag.value.is_none() {
            return format!("{all}; which those are is not known yet");
        }
        let topics: BTreeSet<&str> = letters.iter().filter_map(|l| l.topic.as_deref()).collect();
        let readers: BTreeSet<String> = topics
            .iter()
            .flat_map(|topic| self.readers(topic, false))
            .collect();
        let readers: Vec<String> = readers.into_iter().collect();
        match readers.as_slice() {
            [] => format!("{all}; none is known"),
            some => format!("{all}: {}", some.join(", ")),
        }
    }

    /// Who will get the letter: the group that failed if it is ours, else everybody who reads its topic.
    fn redriven_to(&self, letter: &Letter) -> String {
        let Some(topic) = &letter.topic else {
            return "nowhere: its topic is unknown".to_owned();
        };
        if let Some(group) = letter.group.as_ref().filter(|g| Service::is_ours(g)) {
            return format!("{group} only; other groups skip it");
        }
        let mut readers = self.readers(topic, letter.group.is_some());
        readers.extend(letter.group.clone().filter(|g| !readers.contains(g)));
        let readers = match readers.as_slice() {
            [] => "none is known".to_owned(),
            some => some.join(", "),
        };
        let fetched = if letter.family.copies_headers() {
            ""
        } else {
            "; its headers are fetched from the source, if that is still there"
        };
        format!("every group that reads {topic}: {readers}{fetched}")
    }

    /// Groups known to read a topic; `skipped`: ours will pass over the record, since it names another.
    fn readers(&self, topic: &str, skipped: bool) -> Vec<String> {
        let groups = self.shown.lag.value.iter().flat_map(|all| all.iter());
        let mut names: Vec<String> = groups
            .filter(|g| g.topics.iter().any(|t| t.topic == topic))
            .map(|g| g.group.clone())
            .chain(
                self.shown
                    .consumers
                    .iter()
                    .filter(|c| c.topics.iter().any(|t| t == topic))
                    .map(|c| c.group.clone()),
            )
            .filter(|group| !(skipped && Service::is_ours(group)))
            .collect();
        names.sort();
        names.dedup();
        names
    }

    /// Opens the replay form and asks how many events it would be.
    pub(super) fn ask_replay(&mut self, stream: bool) -> Option<Command> {
        let event = self.event_here()?;
        let position = event.position;
        let (kind, version, name) = (&event.event_type, event.version, &event.stream);
        let of_stream = |from_version| {
            EventChoice::Matching(EventFilter {
                stream: Some(name.clone()),
                from_version,
                ..EventFilter::default()
            })
        };
        let choices = vec![
            (
                EventChoice::One(position),
                format!("{kind} v{version} of {name}"),
            ),
            (
                of_stream(Some(version)),
                format!("stream {name} from v{version} on"),
            ),
            (of_stream(None), format!("stream {name}")),
        ];
        let choice = if stream { choices.len() - 1 } else { 0 };
        let mut services: Vec<String> = Vec::new();
        for consumer in &self.shown.consumers {
            if !services.contains(&consumer.service) {
                services.push(consumer.service.clone());
            }
        }
        // The first that reads it, else the topic.
        let kind = EventType::from_name(kind);
        let reads = |name: &String| {
            let service = Service::parse(name);
            service.zip(kind).is_some_and(|(s, kind)| s.wants(kind))
        };
        let target = services.iter().position(reads).unwrap_or(services.len());
        let mut form = Replay::new(choices, choice, services);
        form.target = target;
        let dry = form.command(true);
        self.overlay = Some(Overlay::Replay(form));
        dry
    }

    pub(super) fn ask_pause(&mut self) {
        let Some(service) = self.consumer().map(|c| c.service.clone()) else {
            return;
        };
        let confirm = Confirm::new(
            Command::PauseConsumer {
                service: service.clone(),
            },
            "Pause this consumer",
            vec![
                ("consumer", service),
                ("where", "in every instance, and after a restart too".into()),
                ("meanwhile", "its lag grows; nothing is lost".into()),
            ],
            1,
        );
        self.overlay = Some(Overlay::Confirm(self.guard(confirm)));
    }

    pub(super) fn ask_faults(&mut self) {
        if let Some(consumer) = self.consumer() {
            let form = Faults::new(consumer.service.clone(), &consumer.faults);
            self.overlay = Some(Overlay::Faults(form));
        }
    }

    pub(super) fn ask_cancel(&mut self) {
        let Some(operation) = self.unfinished() else {
            return;
        };
        let left = operation.counts.total.saturating_sub(operation.counts.sent);
        let confirm = Confirm::new(
            Command::Cancel {
                operation: operation.id,
            },
            "Cancel the operation",
            vec![
                (
                    "operation",
                    format!("{} {}", operation.kind.name(), operation.what),
                ),
                (
                    "sent",
                    format!("{} of {}", operation.counts.sent, operation.counts.total),
                ),
                ("not sent then", left.to_string()),
            ],
            1,
        );
        self.overlay = Some(Overlay::Confirm(self.guard(confirm)));
    }

    /// The next step from the rate that is set; `None` while that is unknown.
    pub(super) fn traffic(&self, more: bool) -> Option<Command> {
        const STEPS: [f64; 12] = [
            0.0, 0.5, 1.0, 2.0, 5.0, 10.0, 20.0, 50.0, 100.0, 200.0, 500.0, 1_000.0,
        ];
        let now = self.newest.traffic.rate?;
        let orders_per_s = if more {
            STEPS.into_iter().find(|step| *step > now).unwrap_or(now)
        } else {
            let below = STEPS.into_iter().rev().find(|step| *step < now);
            below.unwrap_or(0.0)
        };
        Some(Command::SetTraffic { orders_per_s })
    }

    /// Above a hundred records, and on production always, the count is typed.
    pub(super) fn guard(&self, confirm: Confirm) -> Confirm {
        confirm.guarded(self.shown.stack.production)
    }
}
