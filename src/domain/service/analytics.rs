//! Tumbling one-minute windows by event time: orders, revenue, approvals by payment method. A window
//! closes when event time has passed its end by the allowed lateness, and goes out as a message; what
//! comes later is counted as late and changes no figure that was published.

use std::collections::BTreeMap;

use chrono::{DateTime, TimeDelta, Utc};
use serde_json::{Map, Value};
use uuid::Uuid;

use super::{Decision, Message, Needs, Stamp, State, Write};
use crate::domain::envelope::Envelope;
use crate::domain::event::{Event, PaymentStatus};
use crate::domain::money::Money;
use crate::domain::time;

/// Where closed windows go.
pub const ORDER_ANALYTICS: &str = "order-analytics";
/// The type of a closed window's message.
pub const WINDOW_CLOSED: &str = "OrderWindowClosed";
/// How long a window is.
pub const LENGTH: TimeDelta = TimeDelta::minutes(1);
/// How long after its end a window still counts.
pub const LATENESS: TimeDelta = TimeDelta::seconds(10);

/// Payments by one method.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Tally {
    pub approved: u64,
    pub declined: u64,
}

/// One minute of events.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Window {
    pub start: DateTime<Utc>,
    pub orders: u64,
    pub revenue: Money,
    /// By payment method.
    pub payments: BTreeMap<String, Tally>,
    /// Events that came after it had closed.
    pub late: u64,
    /// The newest event time counted here, at most the wall time of then: a clock that runs ahead
    /// elsewhere must not close windows.
    pub newest: DateTime<Utc>,
    pub closed_at: Option<DateTime<Utc>>,
}

impl Window {
    fn new(start: DateTime<Utc>) -> Self {
        Self {
            start,
            orders: 0,
            revenue: Money::ZERO,
            payments: BTreeMap::new(),
            late: 0,
            newest: start,
            closed_at: None,
        }
    }

    /// Revenue of one order on average, to the cent below; `None` without orders.
    #[must_use]
    pub fn average(&self) -> Option<Money> {
        let orders = i64::try_from(self.orders).ok()?;
        self.revenue
            .cents()
            .checked_div(orders)
            .map(Money::from_cents)
    }
}

/// The start of the window that a time falls into.
#[must_use]
pub fn window_start(at: DateTime<Utc>) -> DateTime<Utc> {
    at - TimeDelta::microseconds(at.timestamp_micros().rem_euclid(60_000_000))
}

pub(super) fn needs(envelope: &Envelope, event: &Event, needs: &mut Needs) {
    if let Event::OrderCreated(_) | Event::PaymentProcessed(_) = event {
        needs.windows.insert(window_start(envelope.timestamp));
    }
}

pub(super) fn decide(
    state: &mut State,
    envelope: &Envelope,
    event: &Event,
    stamp: Stamp,
) -> Decision {
    if !matches!(event, Event::OrderCreated(_) | Event::PaymentProcessed(_)) {
        return Decision::default();
    }
    let seen = envelope.timestamp.min(stamp.at);
    let watermark = state.watermark.map_or(seen, |w| w.max(seen));
    state.watermark = Some(watermark);
    let start = window_start(envelope.timestamp);
    let window = state
        .windows
        .entry(start)
        .or_insert_with(|| Window::new(start));
    if window.closed_at.is_some() || is_over(start, watermark) {
        window.late += 1;
    } else {
        window.newest = window.newest.min(stamp.at).max(seen);
        count(window, event);
    }
    // One that was passed before it opened is closed without a word: it counted nothing.
    let silent = window.closed_at.is_none() && is_over(start, watermark) && is_empty(window);
    if silent {
        window.closed_at = Some(stamp.at);
    }
    let mut decision = Decision::default();
    decision.writes.push(Write::Window(window.clone()));
    for window in state.windows.values_mut() {
        if window.closed_at.is_none() && is_over(window.start, watermark) {
            window.closed_at = Some(stamp.at);
            decision.messages.push(message(window));
            decision.writes.push(Write::Window(window.clone()));
        }
    }
    decision
}

fn is_over(start: DateTime<Utc>, watermark: DateTime<Utc>) -> bool {
    start + LENGTH + LATENESS <= watermark
}

fn is_empty(window: &Window) -> bool {
    window.orders == 0 && window.payments.is_empty()
}

fn count(window: &mut Window, event: &Event) {
    match event {
        Event::OrderCreated(created) => {
            window.orders += 1;
            let cents = window
                .revenue
                .cents()
                .saturating_add(created.total_amount.cents());
            window.revenue = Money::from_cents(cents);
        }
        Event::PaymentProcessed(payment) => {
            let method = payment.payment_method.name().to_owned();
            let tally = window.payments.entry(method).or_default();
            match payment.status {
                PaymentStatus::Approved => tally.approved += 1,
                PaymentStatus::Declined => tally.declined += 1,
                PaymentStatus::Pending | PaymentStatus::Refunded => {}
            }
        }
        _ => {}
    }
}

fn message(window: &Window) -> Message {
    let start = time::format(window.start);
    let payments: Map<String, Value> = window
        .payments
        .iter()
        .map(|(method, tally)| {
            let answered = tally.approved + tally.declined;
            let rate = tally
                .approved
                .saturating_mul(10_000)
                .checked_div(answered)
                .map(|r| Value::String(format!("{}.{:04}", r / 10_000, r % 10_000)));
            let fields = [
                ("approved", tally.approved.into()),
                ("declined", tally.declined.into()),
                ("approval_rate", rate.unwrap_or_default()),
            ];
            (method.clone(), object(fields))
        })
        .collect();
    let payload = object([
        ("window_start", start.as_str().into()),
        ("window_end", time::format(window.start + LENGTH).into()),
        ("orders", window.orders.into()),
        ("revenue", window.revenue.to_json()),
        (
            "average",
            window.average().map(Money::to_json).unwrap_or_default(),
        ),
        ("payments", Value::Object(payments)),
    ]);
    Message {
        id: Uuid::new_v5(
            &Uuid::NAMESPACE_URL,
            format!("{ORDER_ANALYTICS}/{start}").as_bytes(),
        ),
        topic: ORDER_ANALYTICS,
        key: start,
        event_type: WINDOW_CLOSED,
        payload: payload.to_string(),
    }
}

fn object<const N: usize>(fields: [(&str, Value); N]) -> Value {
    Value::Object(fields.into_iter().map(|(k, v)| (k.to_owned(), v)).collect())
}

#[cfg(test)]
mod tests {
    use super::super::fixture::{at, cancelled, created, envelope, paid, stamp};
    use super::*;
    use crate::domain::event::PaymentMethod;

    /// An event that happened at `seconds` and is handled at `now`.
    fn run(state: &mut State, event: &Event, seconds: i64, now: i64) -> Decision {
        decide(state, &envelope(event, seconds), event, stamp(now))
    }

    fn order() -> Event {
        created("O-1", &[("A", 2)])
    }

    #[test]
    fn a_window_closes_when_event_time_has_passed_it() {
        let mut state = State::default();
        for seconds in [0, 59] {
            assert!(
                run(&mut state, &order(), seconds, seconds)
                    .messages
                    .is_empty()
            );
        }
        for (status, second) in [
            (PaymentStatus::Approved, 3),
            (PaymentStatus::Approved, 4),
            (PaymentStatus::Declined, 5),
        ] {
            run(
                &mut state,
                &paid("O-1", PaymentMethod::Paypal, status),
                second,
                60,
            );
        }
        assert!(
            run(&mut state, &order(), 69, 69).messages.is_empty(),
            "still within the lateness"
        );
        run(&mut state, &order(), 58, 69);
        let decision = run(&mut state, &order(), 70, 70);
        let [message] = &decision.messages[..] else {
            panic!("{decision:?}")
        };
        assert_eq!(message.topic, "order-analytics");
        assert_eq!(message.key, "2026-01-31T12:00:00.000000Z");
        assert_eq!(
            message.payload,
            "{\"window_start\":\"2026-01-31T12:00:00.000000Z\",\"window_end\":\"2026-01-31T12:01:00.000000Z\",\
             \"orders\":3,\"revenue\":\"60.00\",\"average\":\"20.00\",\
             \"payments\":{\"paypal\":{\"approved\":2,\"declined\":1,\"approval_rate\":\"0.6666\"}}}"
        );
        assert_eq!(state.windows[&at(60)].orders, 2);
        assert!(
            run(&mut state, &order(), 71, 71).messages.is_empty(),
            "closed once"
        );
    }

    #[test]
    fn late_events_are_counted_and_change_nothing_else() {
        let mut state = State::default();
        run(&mut state, &order(), 0, 0);
        run(&mut state, &order(), 70, 70);
        let decision = run(&mut state, &order(), 30, 80);
        assert!(decision.messages.is_empty());
        let window = &state.windows[&at(0)];
        assert_eq!((window.orders, window.late), (1, 1));
        // A minute that nobody had seen before it was over.
        let decision = run(&mut state, &order(), -600, 80);
        assert!(decision.messages.is_empty());
        let window = &state.windows[&at(-600)];
        assert_eq!((window.orders, window.late), (0, 1));
        assert!(window.closed_at.is_some());
    }

    #[test]
    fn a_clock_that_runs_ahead_closes_nothing() {
        let mut state = State::default();
        run(&mut state, &order(), 0, 0);
        let decision = run(&mut state, &order(), 86_400, 5);
        assert!(decision.messages.is_empty());
        run(&mut state, &order(), 6, 6);
        assert_eq!(state.windows[&at(0)].orders, 2);
        assert_eq!(state.watermark, Some(at(6)));
    }

    #[test]
    fn windows_close_oldest_first() {
        let mut state = State::default();
        run(&mut state, &order(), 65, 65);
        run(&mut state, &order(), 59, 65);
        let decision = run(&mut state, &order(), 300, 300);
        let keys: Vec<&str> = decision.messages.iter().map(|m| m.key.as_str()).collect();
        assert_eq!(
            keys,
            ["2026-01-31T12:00:00.000000Z", "2026-01-31T12:01:00.000000Z"]
        );
    }

    #[test]
    fn other_events_are_nothing_to_it() {
        assert_eq!(
            run(&mut State::default(), &cancelled("O-1"), 0, 0),
            Decision::default()
        );
    }

    #[test]
    fn windows_start_on_the_minute_before_1970_too() {
        assert_eq!(window_start(at(61)), at(60));
        let old = DateTime::from_timestamp_micros(-1).unwrap();
        assert_eq!(window_start(old), DateTime::from_timestamp(-60, 0).unwrap());
    }
}
