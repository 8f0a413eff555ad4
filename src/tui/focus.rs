//! What somebody looks at, so that only that is queried.

use uuid::Uuid;

use super::app::App;
use super::cursor::window;
use super::lag_rows::LagRow;
use crate::command::{Focus, Screen, TimelineFocus};
use crate::domain::event_type::EventType;
use crate::domain::filter::Other;
use crate::domain::stored::EventFilter;

/// Partitions of which the time is asked though nobody may look at each.
const FEW: usize = 64;

impl App {
    /// What the engine should read for this screen.
    #[must_use]
    pub fn focus(&self) -> Focus {
        let on = |screen| self.screen == screen;
        Focus {
            screen: self.screen,
            letters: self.letters_focus(),
            timeline: TimelineFocus {
                filter: self.timeline_filter(),
                anchor: self.timeline.anchor,
                rows: u32::from(self.size.1).max(20),
                event: on(Screen::Timeline).then(|| self.event_key()).flatten(),
            },
            messages: self.messages_focus(),
            lag_rows: match self.screen {
                Screen::Lag => self.lag_focus(),
                Screen::Consumers => self.consumer_focus(),
                _ => Vec::new(),
            },
        }
    }

    /// The partitions of the consumer under the cursor, while they are few.
    fn consumer_focus(&self) -> Vec<(String, String, i32)> {
        let consumer = self.consumer().filter(|c| c.assigned.len() <= FEW);
        let places = consumer.iter().flat_map(|c| &c.assigned);
        let group =
            |place: &(String, i32)| Some((consumer?.group.clone(), place.0.clone(), place.1));
        places.filter_map(group).collect()
    }

    /// Whether the timeline is about one correlation, which is drawn as lanes.
    #[must_use]
    pub fn in_lanes(&self) -> bool {
        self.timeline_filter().correlation_id.is_some()
    }

    /// Whether events and the one under the cursor stand beside each other.
    #[must_use]
    pub fn timeline_wide(&self) -> bool {
        self.size.0 >= 116
    }

    /// Whether the event under the cursor is of an older schema, so that two payloads are shown.
    #[must_use]
    pub fn compares(&self) -> bool {
        let detail = self.shown.event.as_ref();
        let here = detail.filter(|d| Some(d.event.position) == self.event_key());
        !self.timeline.raw && here.is_some_and(|d| d.upcasted.is_some())
    }

    /// Whether the store looks up all that is typed on the timeline.
    #[must_use]
    pub fn looks_up(&self) -> bool {
        !self.sieve(Screen::Timeline).filter().is_empty() && self.looked_up().1
    }

    /// What narrows the timeline in the store.
    #[must_use]
    pub fn timeline_filter(&self) -> EventFilter {
        self.looked_up().0
    }

    /// The correlation that is followed, and what is typed as far as the store can look it up: times, and a
    /// word that is an order, its stream, a type or a correlation. Any other term narrows the page alone.
    /// Whether nothing else is typed is told too.
    fn looked_up(&self) -> (EventFilter, bool) {
        let mut filter = self.timeline.filter.clone();
        let typed = self.sieve(Screen::Timeline).filter();
        (filter.from, filter.to) = typed.between();
        let known = match typed.others().as_slice() {
            [] => true,
            [Other::Word(word)] => look_up(&mut filter, word),
            [Other::Type(name)] => look_up_type(&mut filter, name),
            _ => false,
        };
        (filter, known)
    }

    /// The partitions in sight, and those that a folded row in sight sums up while they are few.
    fn lag_focus(&self) -> Vec<(String, String, i32)> {
        let rows = self.lag_rows();
        let keys: Vec<_> = rows.iter().map(LagRow::key).collect();
        let seen = window(
            rows.len(),
            self.lag.cursor.index(&keys),
            usize::from(self.size.1).max(1),
        );
        let mut wanted = Vec::new();
        for row in &rows[seen] {
            let (Some(topic), group) = (row.topic, &row.group.group) else {
                continue;
            };
            match row.partition {
                Some(p) => wanted.push((group.clone(), topic.topic.clone(), p.partition)),
                None if row.open == Some(false) => {
                    let all = topic.partitions.iter().take(FEW);
                    wanted.extend(all.map(|p| (group.clone(), topic.topic.clone(), p.partition)));
                }
                None => {}
            }
        }
        wanted
    }
}

/// Whether a word in lower case is the name of something that the store knows rows by.
fn look_up(filter: &mut EventFilter, word: &str) -> bool {
    let order = word.strip_prefix("order-").unwrap_or(word);
    let hex = order
        .strip_prefix("ord-")
        .is_some_and(|rest| rest.len() == 8 && rest.bytes().all(|b| b.is_ascii_hexdigit()));
    if hex {
        filter.stream = Some(format!("order-{}", order.to_uppercase()));
    } else if let Ok(id) = Uuid::try_parse(word) {
        filter.correlation_id = Some(id);
    } else {
        return look_up_type(filter, word);
    }
    true
}

fn look_up_type(filter: &mut EventFilter, name: &str) -> bool {
    let mut all = EventType::ALL.into_iter();
    let found = all.find(|t| t.name().eq_ignore_ascii_case(name));
    if let Some(event_type) = found {
        filter.event_type = Some(event_type.name().to_owned());
    }
    found.is_some()
}
