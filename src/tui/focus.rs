//! What somebody looks at, so that only that is queried.

use uuid::Uuid;

use super::app::App;
use super::cursor::window;
use super::lag_rows::LagRow;
use crate::command::{Focus, Screen, TimelineFocus};
use crate::domain::event_type::EventType;
use crate::domain::stored::EventFilter;

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
            lag_rows: if on(Screen::Lag) {
                self.lag_focus()
            } else {
                Vec::new()
            },
        }
    }

    /// Whether the timeline is about one correlation, which is drawn as lanes.
    #[must_use]
    pub fn in_lanes(&self) -> bool {
        self.timeline_filter().correlation_id.is_some()
    }

    /// Whether the timeline's typed filter is one that the store looks up.
    #[must_use]
    pub fn looks_up(&self) -> bool {
        self.timeline_filter() != self.timeline.filter
    }

    /// What narrows the timeline: the correlation that is followed, and a typed filter that names an
    /// order, a stream, a type or a correlation, which the store can look up. Any other text narrows the
    /// page alone.
    pub(super) fn timeline_filter(&self) -> EventFilter {
        let mut filter = self.timeline.filter.clone();
        let text = self.filter(Screen::Timeline).trim();
        let order = text.strip_prefix("order-").unwrap_or(text);
        let hex = order
            .strip_prefix("ORD-")
            .is_some_and(|rest| rest.len() == 8 && rest.bytes().all(|b| b.is_ascii_hexdigit()));
        if hex {
            filter.stream = Some(format!("order-{order}"));
        } else if let Ok(id) = Uuid::try_parse(text) {
            filter.correlation_id = Some(id);
        } else if let Some(event_type) = EventType::ALL.into_iter().find(|t| t.name() == text) {
            filter.event_type = Some(event_type.name().to_owned());
        }
        filter
    }

    /// The partitions in sight, and those that a folded row in sight sums up while they are few.
    fn lag_focus(&self) -> Vec<(String, String, i32)> {
        const FEW: usize = 64;
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
