//! Stock: an order reserves all of its items or none; a reservation is released once, however many
//! events ask for it.

use std::collections::BTreeMap;

use super::{Decision, Needs, Service, Stamp, State, Write, caused};
use crate::domain::envelope::Envelope;
use crate::domain::event::{
    Event, InventoryReleased, InventoryReservationFailed, InventoryReserved, OrderCreated,
    ReservedItem,
};

/// What the warehouse has of a product.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Stock {
    pub available: i64,
    pub reserved: i64,
}

/// Where an order's reservation stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ReservationStatus {
    Reserved,
    Released,
    /// There was not enough.
    Refused,
    /// Called off before the order was seen: it must not reserve any more.
    Forestalled,
}

impl ReservationStatus {
    pub const ALL: [Self; 4] = [
        Self::Reserved,
        Self::Released,
        Self::Refused,
        Self::Forestalled,
    ];

    /// The word in the database.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Reserved => "reserved",
            Self::Released => "released",
            Self::Refused => "refused",
            Self::Forestalled => "forestalled",
        }
    }

    #[must_use]
    pub fn parse(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|s| s.name() == name)
    }
}

/// What an order holds of the stock. There is at most one for an order.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Reservation {
    pub order_id: String,
    pub reservation_id: String,
    /// One row for each product.
    pub items: Vec<ReservedItem>,
    pub status: ReservationStatus,
}

pub(super) fn needs(event: &Event, needs: &mut Needs) {
    match event {
        Event::OrderCreated(created) => {
            needs.reservations.insert(created.order_id.clone());
            needs
                .products
                .extend(created.items.iter().map(|i| i.product_id.clone()));
        }
        Event::OrderCancelled(_) | Event::PaymentFailed(_) => {
            needs.reservations.insert(event.order_id().to_owned());
        }
        _ => {}
    }
}

/// Adds the products of reservations that the batch may release: known once those are loaded.
pub fn needs_of_reservations(state: &State, needs: &mut Needs) {
    for reservation in state.reservations.values() {
        if reservation.status == ReservationStatus::Reserved {
            let products = reservation.items.iter().map(|i| i.product_id.clone());
            needs.products.extend(products);
        }
    }
}

pub(super) fn decide(
    state: &mut State,
    envelope: &Envelope,
    event: &Event,
    stamp: Stamp,
) -> Decision {
    match event {
        Event::OrderCreated(created) => reserve(state, envelope, created, stamp),
        Event::OrderCancelled(e) => release(state, envelope, &e.order_id, &e.reason, stamp),
        Event::PaymentFailed(e) => release(state, envelope, &e.order_id, &e.reason, stamp),
        _ => Decision::default(),
    }
}

fn reserve(
    state: &mut State,
    envelope: &Envelope,
    created: &OrderCreated,
    stamp: Stamp,
) -> Decision {
    let order = &created.order_id;
    let earlier = state.reservations.get(order).map(|r| r.status);
    let forestalled = earlier == Some(ReservationStatus::Forestalled);
    if earlier.is_some() && !forestalled {
        return Decision::default();
    }
    let mut wanted: BTreeMap<&str, u32> = BTreeMap::new();
    for item in &created.items {
        let sum = wanted.entry(&item.product_id).or_default();
        *sum = sum.saturating_add(item.quantity);
    }
    let missing = if forestalled {
        Some("the order was called off before".to_owned())
    } else {
        wanted.iter().find_map(|(product, quantity)| {
            let available = state.stock.get(*product).map_or(0, |s| s.available);
            (available < i64::from(*quantity)).then(|| {
                format!("insufficient stock: {quantity} of {product} wanted, {available} available")
            })
        })
    };
    let mut decision = Decision::default();
    let items: Vec<ReservedItem> = wanted
        .into_iter()
        .map(|(product, quantity)| ReservedItem {
            product_id: product.to_owned(),
            quantity,
        })
        .collect();
    // Made from the event, so that the same order gets the same reservation whenever it is decided.
    let reservation_id = format!("RES-{}", envelope.event_id);
    let (status, outcome) = match missing {
        Some(reason) => (
            ReservationStatus::Refused,
            Event::InventoryReservationFailed(InventoryReservationFailed {
                order_id: order.clone(),
                reason,
            }),
        ),
        None => {
            for item in &items {
                move_stock(state, item, 1, &mut decision);
            }
            let reserved = InventoryReserved {
                order_id: order.clone(),
                reservation_id: reservation_id.clone(),
                items: items.clone(),
            };
            (
                ReservationStatus::Reserved,
                Event::InventoryReserved(reserved),
            )
        }
    };
    let reservation = Reservation {
        order_id: order.clone(),
        reservation_id,
        items,
        status,
    };
    keep(state, reservation, &mut decision);
    decision
        .events
        .push(caused(Service::Inventory, envelope, &outcome, stamp));
    decision
}

fn release(
    state: &mut State,
    envelope: &Envelope,
    order: &str,
    reason: &str,
    stamp: Stamp,
) -> Decision {
    let mut decision = Decision::default();
    match state.reservations.get(order).cloned() {
        Some(mut held) if held.status == ReservationStatus::Reserved => {
            for item in &held.items {
                move_stock(state, item, -1, &mut decision);
            }
            let released = Event::InventoryReleased(InventoryReleased {
                order_id: order.to_owned(),
                reservation_id: held.reservation_id.clone(),
                reason: Some(reason.to_owned()),
            });
            held.status = ReservationStatus::Released;
            keep(state, held, &mut decision);
            decision
                .events
                .push(caused(Service::Inventory, envelope, &released, stamp));
        }
        Some(_) => {}
        None => {
            let never = Reservation {
                order_id: order.to_owned(),
                reservation_id: format!("RES-{}", envelope.event_id),
                items: Vec::new(),
                status: ReservationStatus::Forestalled,
            };
            keep(state, never, &mut decision);
        }
    }
    decision
}

/// Moves an item from available to reserved (`sign` 1) or back (−1).
fn move_stock(state: &mut State, item: &ReservedItem, sign: i64, decision: &mut Decision) {
    let stock = state.stock.entry(item.product_id.clone()).or_default();
    let quantity = sign * i64::from(item.quantity);
    stock.available -= quantity;
    stock.reserved += quantity;
    decision
        .writes
        .push(Write::Stock(item.product_id.clone(), *stock));
}

fn keep(state: &mut State, reservation: Reservation, decision: &mut Decision) {
    decision
        .writes
        .push(Write::Reservation(reservation.clone()));
    state
        .reservations
        .insert(reservation.order_id.clone(), reservation);
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::super::fixture::{cancelled, created, declined, envelope, stamp};
    use super::*;

    fn warehouse(products: &[(&str, i64)]) -> State {
        let mut state = State::default();
        for (product, available) in products {
            let stock = Stock {
                available: *available,
                reserved: 0,
            };
            state.stock.insert((*product).into(), stock);
        }
        state
    }

    fn run(state: &mut State, event: &Event) -> Decision {
        decide(state, &envelope(event, 0), event, stamp(1))
    }

    fn levels(state: &State, product: &str) -> (i64, i64) {
        let stock = state.stock.get(product).copied().unwrap_or_default();
        (stock.available, stock.reserved)
    }

    #[test]
    fn an_order_reserves_all_of_its_items() {
        let mut state = warehouse(&[("A", 5), ("B", 5)]);
        let order = created("O-1", &[("A", 2), ("B", 1), ("A", 1)]);
        let decision = run(&mut state, &order);
        assert_eq!(levels(&state, "A"), (2, 3));
        assert_eq!(levels(&state, "B"), (4, 1));
        let [said] = &decision.events[..] else {
            panic!("{decision:?}")
        };
        assert_eq!(said.event_type.name(), "InventoryReserved");
        assert_eq!(said.source_service, "inventory-service");
        assert_eq!(said.causation_id, Some(envelope(&order, 0).event_id));
        assert_eq!(said.correlation_id, envelope(&order, 0).correlation_id);
        assert_eq!(said.aggregate_id, "O-1");
        assert_eq!(said.timestamp, stamp(1).at);
        assert_eq!(decision.writes.len(), 3);
    }

    #[test]
    fn too_little_of_one_thing_reserves_nothing() {
        for items in [[("A", 1), ("B", 6)], [("A", 1), ("unknown", 1)]] {
            let mut state = warehouse(&[("A", 5), ("B", 5)]);
            let decision = run(&mut state, &created("O-1", &items));
            assert_eq!(levels(&state, "A"), (5, 0));
            assert_eq!(
                decision.events[0].event_type.name(),
                "InventoryReservationFailed"
            );
            assert_eq!(decision.writes.len(), 1, "only the refusal is kept");
        }
    }

    #[test]
    fn either_event_releases_and_only_once() {
        let mut state = warehouse(&[("A", 5)]);
        run(&mut state, &created("O-1", &[("A", 2)]));
        let first = run(&mut state, &declined("O-1"));
        assert_eq!(first.events[0].event_type.name(), "InventoryReleased");
        assert_eq!(levels(&state, "A"), (5, 0));
        assert_eq!(run(&mut state, &cancelled("O-1")), Decision::default());
        assert_eq!(
            run(&mut state, &created("O-1", &[("A", 2)])),
            Decision::default()
        );
        assert_eq!(levels(&state, "A"), (5, 0));
    }

    #[test]
    fn a_refused_order_has_nothing_to_release() {
        let mut state = warehouse(&[]);
        run(&mut state, &created("O-1", &[("A", 2)]));
        assert_eq!(run(&mut state, &cancelled("O-1")), Decision::default());
    }

    #[test]
    fn a_cancellation_that_comes_first_keeps_the_order_from_reserving() {
        let mut state = warehouse(&[("A", 5)]);
        assert!(run(&mut state, &cancelled("O-1")).events.is_empty());
        let late = run(&mut state, &created("O-1", &[("A", 2)]));
        assert_eq!(
            late.events[0].event_type.name(),
            "InventoryReservationFailed"
        );
        assert_eq!(levels(&state, "A"), (5, 0));
        assert_eq!(
            run(&mut state, &created("O-1", &[("A", 2)])),
            Decision::default()
        );
    }

    proptest! {
        /// Whatever comes in whatever order, nothing is sold twice and nothing is lost.
        #[test]
        fn stock_is_conserved(steps in prop::collection::vec((0u8..6, 0u8..3, 1u32..4), 0..60)) {
            let mut state = warehouse(&[("A", 10), ("B", 4)]);
            for (order, what, quantity) in steps {
                let order = format!("O-{order}");
                let event = match what {
                    0 => created(&order, &[("A", quantity), ("B", 1)]),
                    1 => cancelled(&order),
                    _ => declined(&order),
                };
                run(&mut state, &event);
                for (product, total) in [("A", 10), ("B", 4)] {
                    let (available, reserved) = levels(&state, product);
                    prop_assert!(available >= 0 && reserved >= 0);
                    prop_assert_eq!(available + reserved, total);
                    let held: i64 = state
                        .reservations
                        .values()
                        .filter(|r| r.status == ReservationStatus::Reserved)
                        .flat_map(|r| &r.items)
                        .filter(|i| i.product_id == product)
                        .map(|i| i64::from(i.quantity))
                        .sum();
                    prop_assert_eq!(held, reserved);
                }
            }
        }
    }
}
