//! A correlation as lanes: one for each service that wrote, or for each stream where one service wrote all
//! of it; time goes down, an event a row, and an arrow leads from what caused it. Pure: events in, cells
//! out. A dead letter that is known stands in the lane of the consumer that failed, led to from its event.
//! An arrow is drawn only where it can't be misread; else the row names its cause in words.

use chrono::{DateTime, TimeDelta, Utc};
use uuid::Uuid;

use crate::domain::letter::Letter;
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

/// What stands in a row, by its place in the list.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Of {
    Event(usize),
    Letter(usize),
}

/// The place of an event or a dead letter.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Node {
    pub of: Of,
    /// When it happened, or failed first.
    pub at: DateTime<Utc>,
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
    Letter,
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
            (Self::Letter, false) => '✗',
            (Self::Letter, true) => 'x',
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
    /// Lays out events, oldest first, and the dead letters among them.
    #[must_use]
    pub fn of(events: &[&StoredEvent], letters: &[Letter]) -> Self {
        let mut lanes = Self::default();
        let rows = rows(events, letters);
        let one_service = events
            .windows(2)
            .all(|e| e[0].source_service == e[1].source_service);
        let one_service = one_service && rows.len() == events.len();
        for of in &rows {
            let (name, cause, at) = match *of {
                Of::Event(n) if one_service => (
                    &*events[n].stream,
                    events[n].causation_id,
                    events[n].timestamp,
                ),
                Of::Event(n) => {
                    let event = events[n];
                    (&*event.source_service, event.causation_id, event.timestamp)
                }
                Of::Letter(n) => {
                    let letter = &letters[n];
                    (letter.group_name(), letter.event_id, letter.first_failed_at)
                }
            };
            let found = lanes.names.iter().position(|n| n == name);
            let lane = found.unwrap_or_else(|| {
                lanes.names.push(name.to_owned());
                lanes.names.len() - 1
            });
            let row_of = |id: Uuid| {
                let is = |of: &Of| matches!(*of, Of::Event(n) if events[n].event_id == id);
                rows.iter().position(is)
            };
            let cause = match cause.map(|id| (id, row_of(id))) {
                None => Cause::Unnamed,
                Some((id, None)) => Cause::Elsewhere(id),
                Some((_, Some(at))) => match lanes.nodes.get(at) {
                    Some(from) if lanes.nodes[at + 1..].iter().all(|n| n.lane != from.lane) => {
                        Cause::Arrow(at)
                    }
                    _ => Cause::Row(at),
                },
            };
            lanes.nodes.push(Node {
                of: *of,
                at,
                lane: lane.min(MOST - 1),
                cause,
                gap: lanes.nodes.last().map(|before| at - before.at),
            });
        }
        if lanes.names.len() > MOST {
            let more = lanes.names.len() - (MOST - 1);
            lanes.names.truncate(MOST - 1);
            lanes.names.push(format!("{more} more"));
        }
        lanes
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
        cells[node.lane * step] = match node.of {
            Of::Event(_) => Stroke::Event,
            Of::Letter(_) => Stroke::Letter,
        };
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

/// Events as they are, each letter of one of them where it came to be, below its event.
fn rows(events: &[&StoredEvent], letters: &[Letter]) -> Vec<Of> {
    let mut rows: Vec<Of> = (0..events.len()).map(Of::Event).collect();
    for (n, letter) in letters.iter().enumerate() {
        let of = |e: &&StoredEvent| Some(e.event_id) == letter.event_id;
        let Some(own) = events.iter().position(of) else {
            continue;
        };
        let before = |of: &Of| match *of {
            Of::Event(at) => at <= own || events[at].timestamp <= letter.first_failed_at,
            Of::Letter(at) => letters[at].first_failed_at <= letter.first_failed_at,
        };
        let at = rows.iter().rposition(before).map_or(0, |at| at + 1);
        rows.insert(at, Of::Letter(n));
    }
    rows
}

#[cfg(test)]
mod tests;
