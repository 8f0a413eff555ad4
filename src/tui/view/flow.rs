//! Flow: is it healthy, and if not, where does it stick? The way of an event as a drawing, end to end
//! times, and what is wrong, worst first. Wide screens get boxes, others a list along a rail.

use std::ops::Add;

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;

use crate::snapshot::{Consumer, ConsumerState, GroupLag, VerdictKind};
use crate::tui::app::App;
use crate::tui::theme::Role;

use super::parts::below;
use super::{findings, flow_wide, rail};

pub fn render(app: &App, area: Rect, buf: &mut Buffer) {
    let used = if area.width >= flow_wide::LEAST.0 && area.height >= flow_wide::LEAST.1 {
        flow_wide::render(app, area, buf)
    } else {
        rail::render(app, area, buf)
    };
    findings::render(app, below(area, used), buf);
}

/// A reader of topics as the drawing shows it: a service of ours, or a group of somebody else's.
pub struct Reader<'a> {
    pub name: &'a str,
    pub rate: Option<f64>,
    pub lag: Option<u64>,
    pub history: &'a crate::snapshot::Series,
    pub sign: (&'static str, &'static str, Role),
    /// The one thing to say when it is not all right.
    pub trouble: Option<(Role, String)>,
}

/// Our consumers; where no workers run, the groups of the cluster.
pub fn readers(app: &App) -> Vec<Reader<'_>> {
    let groups = app
        .shown
        .lag
        .value
        .as_deref()
        .map_or(&[][..], Vec::as_slice);
    if app.shown.consumers.is_empty() {
        return groups.iter().map(of_group).collect();
    }
    let mut readers: Vec<Reader<'_>> = Vec::new();
    for consumer in &app.shown.consumers {
        let reader = of_consumer(consumer, groups);
        match readers.iter_mut().find(|r| r.name == consumer.service) {
            Some(known) => together(known, reader),
            None => readers.push(reader),
        }
    }
    readers
}

/// One service in several instances: what they do together, and the trouble of the first that has any.
fn together<'a>(known: &mut Reader<'a>, other: Reader<'a>) {
    known.rate = match (known.rate, other.rate) {
        (Some(a), Some(b)) => Some(a + b),
        (a, b) => a.or(b),
    };
    if known.trouble.is_none() && other.trouble.is_some() {
        (known.sign, known.trouble) = (other.sign, other.trouble);
    }
}

fn of_group(group: &GroupLag) -> Reader<'_> {
    Reader {
        name: &group.group,
        rate: group.numbers.rate_out,
        lag: group.numbers.lag,
        history: &group.numbers.history,
        sign: sign(group.verdict.kind),
        trouble: trouble(group),
    }
}

fn of_consumer<'a>(consumer: &'a Consumer, groups: &'a [GroupLag]) -> Reader<'a> {
    let group = groups.iter().find(|g| g.group == consumer.group);
    let state = match consumer.state {
        ConsumerState::Running | ConsumerState::Starting => None,
        ConsumerState::Paused | ConsumerState::Holding => Some(Role::Warn),
        ConsumerState::CircuitOpen | ConsumerState::Restarting | ConsumerState::Stopped => {
            Some(Role::Bad)
        }
    };
    let word = consumer.state.name();
    let said = state.map(|role| match &consumer.state_reason {
        Some(reason) => (role, format!("{word}: {reason}")),
        None => (role, word.to_owned()),
    });
    let sign = match state {
        Some(role) => ("◐", "!", role),
        None if consumer.state == ConsumerState::Starting => ("◌", "~", Role::Dim),
        None => sign(group.map_or(VerdictKind::Ok, |g| g.verdict.kind)),
    };
    Reader {
        name: &consumer.service,
        rate: consumer.events_per_s,
        lag: group.and_then(|g| g.numbers.lag),
        history: &consumer.history,
        sign,
        trouble: said.or_else(|| group.and_then(trouble)),
    }
}

fn trouble(group: &GroupLag) -> Option<(Role, String)> {
    let role = match group.verdict.kind {
        VerdictKind::Ok | VerdictKind::Unknown | VerdictKind::Growing => return None,
        VerdictKind::AtRisk | VerdictKind::Rewound => Role::Warn,
        VerdictKind::Stopped | VerdictKind::Stalled => Role::Bad,
    };
    Some((role, group.verdict.reason.to_string()))
}

pub fn sign(kind: VerdictKind) -> (&'static str, &'static str, Role) {
    match kind {
        VerdictKind::Ok => ("●", "+", Role::Ok),
        VerdictKind::Unknown => ("○", "?", Role::Dim),
        VerdictKind::Growing => ("▲", "^", Role::Warn),
        VerdictKind::AtRisk | VerdictKind::Rewound => ("!", "!", Role::Warn),
        VerdictKind::Stopped | VerdictKind::Stalled => ("✗", "x", Role::Bad),
    }
}

/// The role of a number of records that wait: calm while it is small and its reader is all right.
pub fn lag_role(reader: &Reader<'_>) -> Role {
    match reader.sign.2 {
        role @ (Role::Warn | Role::Bad) => role,
        _ if reader.lag == Some(0) => Role::Dim,
        _ => Role::Base,
    }
}

/// The sum of what is known; unknown when nothing is.
pub fn sum<N: Add<Output = N>>(parts: impl Iterator<Item = Option<N>>) -> Option<N> {
    parts.flatten().reduce(Add::add)
}
