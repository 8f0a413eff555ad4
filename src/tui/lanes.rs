//! A correlation as lanes: one for each service that wrote, or for each stream where one service wrote all
//! of it; time goes down, an event a row, and an arrow leads from what caused it. Pure: events in, cells
//! out. An arrow is drawn only where it can't be misread; else the row names its cause in words.

use chrono::TimeDelta;
use uuid::Uuid;

use crate::domain::stored::StoredEvent;

/// Lanes that are told apart; whoever comes later shares the last one.
pub const MOST: usize = 8;

/// What an event says caused it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Cause {
    /// It names none.
    Unnamed,
    /// The event of this row, by an arrow.
    Arrow(usize),
    /// The event of this row. Its lane goes on in between, so that an arrow would begin at another.
    Row(usize),
    /// One that is not listed.
    Elsewhere(Uuid),
}

/// One event's place.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Node {
    pub lane: usize,
    pub cause: Cause,
    /// Since the row before; less than nothing where clocks differ. `None` for the first row.
    pub gap: Option<TimeDelta>,
}

#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Lanes {
    /// Of each lane, in the order in which they first wrote.
    pub names: Vec<String>,
    pub nodes: Vec<Node>,
}

/// What stands in a cell of the drawing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Stroke {
    Empty,
    Event,
    /// Something below was caused by what is above.
    Down,
    Along,
    /// The head of an arrow to the right, and to the left.
    Right,
    Left,
    /// Where an arrow leaves its cause's lane: for the last time, or going on down too.
    TurnsRight,
    TurnsLeft,
    ForksRight,
    ForksLeft,
    Crosses,
}

impl Stroke {
    #[must_use]
    pub fn symbol(self, ascii: bool) -> char {
        match (self, ascii) {
            (Self::Empty, _) => ' ',
            (Self::Event, false) => '●',
            (Self::Event, true) => 'o',
            (Self::Down, false) => '│',
            (Self::Down, true) => '|',
            (Self::Along, false) => '─',
            (Self::Along, true) => '-',
            (Self::Right, false) => '▶',
            (Self::Right, true) => '>',
            (Self::Left, false) => '◀',
            (Self::Left, true) => '<',
            (Self::TurnsRight, false) => '└',
            (Self::TurnsLeft, false) => '┘',
            (Self::ForksRight, false) => '├',
            (Self::ForksLeft, false) => '┤',
            (Self::Crosses, false) => '┼',
            (_, true) => '+',
        }
    }
}

impl Lanes {
    /// Lays out events, oldest first.
    #[must_use]
    pub fn of(events: &[&StoredEvent]) -> Self {
        let one_service = events
            .windows(2)
            .all(|e| e[0].source_service == e[1].source_service);
        let mut names: Vec<String> = Vec::new();
        let mut nodes: Vec<Node> = Vec::new();
        for (row, event) in events.iter().enumerate() {
            let name = if one_service {
                &event.stream
            } else {
                &event.source_service
            };
            let lane = names.iter().position(|n| n == name).unwrap_or_else(|| {
                names.push(name.clone());
                names.len() - 1
            });
            let lane = lane.min(MOST - 1);
            let cause = match event.causation_id {
                None => Cause::Unnamed,
                Some(id) => match events.iter().position(|e| e.event_id == id) {
                    None => Cause::Elsewhere(id),
                    Some(at) if at < row => {
                        let from = nodes[at].lane;
                        let between = nodes[at + 1..].iter().any(|n| n.lane == from);
                        if between {
                            Cause::Row(at)
                        } else {
                            Cause::Arrow(at)
                        }
                    }
                    Some(at) => Cause::Row(at),
                },
            };
            let before = row.checked_sub(1).map(|at| events[at].timestamp);
            nodes.push(Node {
                lane,
                cause,
                gap: before.map(|at| event.timestamp - at),
            });
        }
        if names.len() > MOST {
            let more = names.len() - (MOST - 1);
            names.truncate(MOST - 1);
            names.push(format!("{more} more"));
        }
        Self { names, nodes }
    }

    /// The cells of a row, up to the last lane; lanes stand `step` cells apart, two at least.
    #[must_use]
    pub fn cells(&self, row: usize, step: usize) -> Vec<Stroke> {
        let lanes = self.names.len();
        let mut cells = vec![Stroke::Empty; lanes.saturating_sub(1) * step + 1];
        for lane in 0..lanes {
            if self.goes_down(row, lane) {
                cells[lane * step] = Stroke::Down;
            }
        }
        let Some(node) = self.nodes.get(row) else {
            return cells;
        };
        if let Cause::Arrow(from) = node.cause {
            let from = self.nodes[from].lane;
            let forks = cells[from * step] == Stroke::Down && self.goes_down(row + 1, from);
            let (left, right) = (from.min(node.lane) * step, from.max(node.lane) * step);
            for cell in cells.iter_mut().take(right).skip(left + 1) {
                *cell = match cell {
                    Stroke::Down => Stroke::Crosses,
                    _ => Stroke::Along,
                };
            }
            if from < node.lane {
                cells[from * step] = if forks {
                    Stroke::ForksRight
                } else {
                    Stroke::TurnsRight
                };
                cells[right - 1] = Stroke::Right;
            } else if from > node.lane {
                cells[from * step] = if forks {
                    Stroke::ForksLeft
                } else {
                    Stroke::TurnsLeft
                };
                cells[left + 1] = Stroke::Left;
            }
        }
        cells[node.lane * step] = Stroke::Event;
        cells
    }

    /// Whether an arrow of this lane comes down to this row or passes it.
    fn goes_down(&self, row: usize, lane: usize) -> bool {
        let to = |(at, node): (usize, &Node)| match node.cause {
            Cause::Arrow(from) => self.nodes[from].lane == lane && from < row && row <= at,
            _ => false,
        };
        self.nodes.iter().enumerate().any(to)
    }
}

#[cfg(test)]
mod tests {
    use chrono::{DateTime, Utc};

    use super::*;
    use crate::domain::position::Position;

    /// An event of a service, caused by another one's number.
    fn event(n: u128, service: &str, stream: &str, cause: Option<u128>) -> StoredEvent {
        let at = |n: u128| -> DateTime<Utc> {
            DateTime::from_timestamp_millis(1_000 * i64::try_from(n).expect("small"))
                .expect("a time")
        };
        StoredEvent {
            position: Position { tx: 0, pos: 1 },
            event_id: Uuid::from_u128(n),
            stream: stream.into(),
            version: 1,
            event_type: "OrderCreated".into(),
            event_version: 2,
            correlation_id: Uuid::nil(),
            causation_id: cause.map(Uuid::from_u128),
            source_service: service.into(),
            timestamp: at(n),
            recorded_at: at(n),
            payload: String::new(),
        }
    }

    fn drawn(events: &[StoredEvent], step: usize) -> Vec<String> {
        let events: Vec<&StoredEvent> = events.iter().collect();
        let lanes = Lanes::of(&events);
        let rows = 0..events.len();
        rows.map(|row| {
            let cells = lanes.cells(row, step);
            let line: String = cells.iter().map(|c| c.symbol(false)).collect();
            line.trim_end().to_owned()
        })
        .collect()
    }

    #[test]
    fn arrows_lead_from_cause_to_effect_through_other_lanes() {
        let events = [
            event(1, "order", "o", None),
            event(2, "inventory", "o", Some(1)),
            event(3, "payment", "o", Some(1)),
            event(4, "shipping", "o", Some(2)),
            event(5, "order", "o", Some(3)),
        ];
        assert_eq!(
            drawn(&events, 4),
            ["●", "├──▶●", "└───┼──▶●", "    └───┼──▶●", "●◀──────┘",]
        );
        assert_eq!(drawn(&events, 2)[1..3], ["├▶●", "└─┼▶●"]);
    }

    #[test]
    fn an_arrow_that_would_begin_at_another_event_is_not_drawn() {
        let events = [
            event(1, "order", "o", None),
            event(2, "order", "o", Some(1)),
            event(3, "payment", "o", Some(1)),
            event(4, "payment", "o", Some(77)),
            event(5, "payment", "o", Some(6)),
            event(6, "payment", "o", None),
        ];
        let all: Vec<&StoredEvent> = events.iter().collect();
        let causes: Vec<Cause> = Lanes::of(&all).nodes.iter().map(|n| n.cause).collect();
        assert_eq!(
            causes,
            [
                Cause::Unnamed,
                Cause::Arrow(0),
                Cause::Row(0),
                Cause::Elsewhere(Uuid::from_u128(77)),
                Cause::Row(5),
                Cause::Unnamed,
            ]
        );
        assert_eq!(drawn(&events, 4)[..3], ["●", "●", "    ●"]);
    }

    #[test]
    fn one_service_has_a_lane_for_each_stream() {
        let events = [
            event(1, "order", "a", None),
            event(2, "order", "b", Some(1)),
        ];
        let all: Vec<&StoredEvent> = events.iter().collect();
        let lanes = Lanes::of(&all);
        assert_eq!(lanes.names, ["a", "b"]);
        assert_eq!(lanes.nodes[1].gap, Some(TimeDelta::seconds(1)));
        assert_eq!(lanes.nodes[0].gap, None);
    }

    #[test]
    fn whoever_comes_late_shares_the_last_lane() {
        let events: Vec<StoredEvent> = (0..20)
            .map(|n| event(n, &format!("s{n}"), "o", n.checked_sub(1)))
            .collect();
        let all: Vec<&StoredEvent> = events.iter().collect();
        let lanes = Lanes::of(&all);
        assert_eq!(lanes.names.len(), MOST);
        assert_eq!(lanes.names[MOST - 1], "13 more");
        for row in 0..20 {
            let cells = lanes.cells(row, 2);
            assert_eq!(cells.iter().filter(|c| **c == Stroke::Event).count(), 1);
        }
        assert_eq!(Lanes::of(&[]).cells(0, 2).len(), 1);
    }
}
