//! Mails to the customer: one when the order is created, shipped and cancelled.

use chrono::{DateTime, Utc};
use uuid::Uuid;

use super::{Decision, Needs, Stamp, State, Write};
use crate::domain::envelope::Envelope;
use crate::domain::event::Event;
use crate::domain::fault::Fault;
use crate::domain::reject::Reject;

/// A mail; its `Message-ID` is the event's id, so that a second delivery can be told.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Email {
    pub message_id: Uuid,
    pub order_id: String,
    /// `None`: no address is known, so it is written down and goes nowhere.
    pub recipient: Option<String>,
    pub subject: String,
    pub at: DateTime<Utc>,
}

pub(super) fn needs(event: &Event, needs: &mut Needs) {
    if let Event::OrderShipped(_) | Event::OrderCancelled(_) = event {
        needs.addresses.insert(event.order_id().to_owned());
    }
}

/// An order without address is refused for good; later mails go where the first one went.
pub(super) fn decide(
    state: &mut State,
    envelope: &Envelope,
    event: &Event,
    stamp: Stamp,
) -> Result<Decision, Fault> {
    let order = event.order_id();
    let (recipient, subject) = match event {
        Event::OrderCreated(created) => {
            let Some(address) = &created.customer_email else {
                return Err(
                    Reject::validation("customer_email is missing: nobody to write to").into(),
                );
            };
            let address = Some(address.clone());
            state.addresses.insert(order.to_owned(), address.clone());
            (address, format!("We have your order {order}"))
        }
        Event::OrderShipped(shipped) => (
            known(state, order),
            format!(
                "Your order {order} is on its way: {} {}",
                shipped.carrier, shipped.tracking_number
            ),
        ),
        Event::OrderCancelled(_) => (
            known(state, order),
            format!("Your order {order} is cancelled"),
        ),
        _ => return Ok(Decision::default()),
    };
    Ok(Decision {
        writes: vec![Write::Email(Email {
            message_id: envelope.event_id,
            order_id: order.to_owned(),
            recipient,
            subject,
            at: stamp.at,
        })],
        ..Decision::default()
    })
}

fn known(state: &State, order: &str) -> Option<String> {
    state.addresses.get(order).cloned().flatten()
}

#[cfg(test)]
mod tests {
    use super::super::fixture::{cancelled, created, declined, envelope, shipped, stamp};
    use super::*;
    use crate::domain::fault::FaultKind;

    fn mail(state: &mut State, event: &Event) -> Email {
        let decision = decide(state, &envelope(event, 0), event, stamp(1)).unwrap();
        assert!(decision.events.is_empty() && decision.messages.is_empty());
        match &decision.writes[..] {
            [Write::Email(email)] => email.clone(),
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn later_mails_go_where_the_first_one_went() {
        let mut state = State::default();
        let first = mail(&mut state, &created("O-1", &[("A", 1)]));
        assert_eq!(first.recipient.as_deref(), Some("ada@example.com"));
        assert_eq!(first.subject, "We have your order O-1");
        assert_eq!(
            first.message_id,
            envelope(&created("O-1", &[("A", 1)]), 0).event_id
        );
        let second = mail(&mut state, &shipped("O-1"));
        assert_eq!(second.recipient, first.recipient);
        assert_eq!(second.subject, "Your order O-1 is on its way: Post T-1");
        assert_eq!(
            mail(&mut state, &cancelled("O-1")).recipient,
            first.recipient
        );
    }

    #[test]
    fn an_unknown_order_is_logged_without_address() {
        assert_eq!(
            mail(&mut State::default(), &cancelled("O-2")).recipient,
            None
        );
    }

    #[test]
    fn an_order_without_address_is_refused_for_good() {
        let mut state = State::default();
        let mut event = created("O-1", &[("A", 1)]);
        if let Event::OrderCreated(created) = &mut event {
            created.customer_email = None;
        }
        let fault = decide(&mut state, &envelope(&event, 0), &event, stamp(0)).unwrap_err();
        assert_eq!(
            (fault.kind, fault.code.as_str()),
            (FaultKind::Permanent, "validation")
        );
        assert!(state.addresses.is_empty());
    }

    #[test]
    fn other_events_are_nothing_to_it() {
        let event = declined("O-1");
        let decision = decide(
            &mut State::default(),
            &envelope(&event, 0),
            &event,
            stamp(0),
        );
        assert_eq!(decision.unwrap(), Decision::default());
    }
}
