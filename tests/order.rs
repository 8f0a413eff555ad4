//! The order's rules: what its facts mean, whatever order they come in, and which commands it allows.

#![allow(clippy::unwrap_used, reason = "a test may")]

use chrono::{DateTime, TimeDelta, Utc};
use evtop::domain::event::{
    Event, InventoryReleased, InventoryReserved, Item, OrderCreated, PaymentFailed, PaymentMethod,
    ReservedItem,
};
use evtop::domain::money::Money;
use evtop::domain::order::{Order, OrderError, Status, diff};

fn at(second: i64) -> DateTime<Utc> {
    DateTime::UNIX_EPOCH + TimeDelta::seconds(second)
}

fn item(product: &str, quantity: u32, cents: i64) -> Item {
    Item {
        product_id: product.into(),
        product_name: Some(product.to_lowercase()),
        quantity,
        price: Money::from_cents(cents),
    }
}

fn created() -> Event {
    Event::OrderCreated(OrderCreated {
        order_id: "ORD-1".into(),
        customer_id: "CUST-1".into(),
        customer_email: Some("jane@example.com".into()),
        customer_phone: None,
        currency: "USD".into(),
        shipping_address: None,
        items: vec![item("LAMP", 2, 2500)],
        total_amount: Money::from_cents(5000),
    })
}

type Step = fn(&Order) -> Result<Event, OrderError>;

/// Each step is a command on the state that the steps before it made.
fn journey(steps: &[Step]) -> (Order, Vec<Event>) {
    let mut order = Order::empty("ORD-1");
    let mut events = vec![created()];
    order.apply(&events[0], at(0));
    for step in steps {
        let event = step(&order).unwrap();
        order.apply(&event, at(events.len() as i64));
        events.push(event);
    }
    (order, events)
}

const CONFIRM: Step = Order::confirm;
const PAY: Step = |order| order.pay("PAY-1", order.total(), PaymentMethod::Paypal);
const SHIP: Step = |order| order.ship("DHL", "T-1", at(99));
const CANCEL: Step = |order| order.cancel("no longer wanted");

fn fold(events: &[Event]) -> Order {
    Order::fold(
        events
            .iter()
            .zip(0..)
            .map(|(event, second)| (event, at(second))),
    )
}

#[test]
fn the_way_of_an_order() {
    let (order, events) = journey(&[CONFIRM, PAY, SHIP]);
    assert_eq!(order.status(), Status::Shipped);
    assert_eq!(fold(&events), order);
    let stations: Vec<_> = (1..=4).map(|n| fold(&events[..n]).status()).collect();
    assert_eq!(
        stations,
        [
            Status::Draft,
            Status::Confirmed,
            Status::Paid,
            Status::Shipped
        ]
    );
}

#[test]
fn facts_may_come_early_late_and_twice() {
    let (order, events) = journey(&[CONFIRM, PAY, SHIP]);
    let mut other = Order::empty("ORD-1");
    for i in [3, 2, 2, 0, 3, 1, 0] {
        other.apply(&events[i], at(i as i64));
    }
    assert_eq!(other, order);
    let mut early = Order::empty("ORD-1");
    early.apply(&events[2], at(2));
    assert_eq!(early.status(), Status::Paid);
    assert!(!early.is_created());
}

#[test]
fn another_orders_events_change_nothing() {
    let mut order = Order::empty("ORD-2");
    order.apply(&created(), at(0));
    assert_eq!(order, Order::empty("ORD-2"));
}

#[test]
fn lines_change_only_in_a_draft() {
    let (order, events) = journey(&[
        |order| order.add_item(item("DESK", 1, 10000)),
        |order| order.add_item(item("LAMP", 1, 2500)),
        |order| order.remove_item("DESK"),
    ]);
    assert_eq!(order.items(), [item("LAMP", 3, 2500)]);
    assert_eq!(order.total(), Money::from_cents(7500));
    // Lines too are a set: backwards and twice it is the same.
    let mut backwards = Order::empty("ORD-1");
    for (second, event) in events.iter().enumerate().rev().chain([(1, &events[1])]) {
        backwards.apply(event, at(second as i64));
    }
    assert_eq!(backwards, order);

    assert_eq!(
        order.remove_item("SOFA").unwrap_err().to_string(),
        "product SOFA is not in the order"
    );
    assert_eq!(
        order.add_item(item("LAMP", 0, 100)).unwrap_err(),
        OrderError::BadItem
    );
    assert_eq!(
        order.add_item(item("LAMP", 1, 0)).unwrap_err(),
        OrderError::BadItem
    );
    let (confirmed, _) = journey(&[CONFIRM]);
    assert_eq!(
        confirmed
            .add_item(item("DESK", 1, 1))
            .unwrap_err()
            .to_string(),
        "an order that is confirmed cannot be changed"
    );
    assert!(confirmed.remove_item("LAMP").is_err());
}

#[test]
fn commands_have_their_time() {
    let (draft, _) = journey(&[]);
    let (empty, _) = journey(&[|order| order.remove_item("LAMP")]);
    let (confirmed, _) = journey(&[CONFIRM]);
    let (paid, _) = journey(&[CONFIRM, PAY]);
    let (shipped, _) = journey(&[CONFIRM, PAY, SHIP]);
    let (cancelled, _) = journey(&[CONFIRM, PAY, CANCEL]);
    assert_eq!(empty.confirm().unwrap_err(), OrderError::Empty);
    assert!(Order::empty("ORD-9").confirm().is_err());
    for (order, allowed) in [
        (&draft, [true, false, false, true, false]),
        (&confirmed, [false, true, false, true, false]),
        (&paid, [false, false, true, true, true]),
        (&shipped, [false, false, false, false, true]),
        (&cancelled, [false, false, false, false, true]),
    ] {
        let commands = [CONFIRM, PAY, SHIP, CANCEL, Order::refund];
        assert_eq!(
            commands.map(|command| command(order).is_ok()),
            allowed,
            "{:?}",
            order.status()
        );
    }
    let wrong = confirmed
        .pay("P", Money::from_cents(4900), PaymentMethod::Paypal)
        .unwrap_err();
    assert_eq!(
        wrong.to_string(),
        "the payment of 49.00 does not match the order's total of 50.00"
    );
    assert!(
        confirmed
            .pay("P", Money::from_cents(5001), PaymentMethod::Paypal)
            .is_ok()
    );
}

#[test]
fn compensations() {
    let (cancelled, _) = journey(&[CONFIRM, PAY, SHIP, |order| order.cancel_shipment("lost")]);
    assert_eq!(cancelled.status(), Status::Cancelled);
    let (refunded, events) = journey(&[CONFIRM, PAY, CANCEL, Order::refund]);
    assert_eq!(refunded.status(), Status::Refunded);
    match &events[3] {
        Event::OrderCancelled(e) => assert_eq!(e.refund_amount, Money::from_cents(5000)),
        other => panic!("{other:?}"),
    }
    assert!(refunded.refund().is_err());
}

#[test]
fn a_failure_alone_cancels_nothing() {
    let mut order = Order::empty("ORD-1");
    order.apply(&created(), at(0));
    let failed = Event::PaymentFailed(PaymentFailed {
        order_id: "ORD-1".into(),
        amount: Money::from_cents(5000),
        reason: "declined".into(),
    });
    order.apply(&failed, at(1));
    assert_eq!(order.status(), Status::Draft);
}

#[test]
fn a_reservation_holds_until_it_is_released() {
    let reserved = Event::InventoryReserved(InventoryReserved {
        order_id: "ORD-1".into(),
        reservation_id: "R-1".into(),
        items: vec![ReservedItem {
            product_id: "LAMP".into(),
            quantity: 2,
        }],
    });
    let released = Event::InventoryReleased(InventoryReleased {
        order_id: "ORD-1".into(),
        reservation_id: "R-1".into(),
        reason: None,
    });
    assert_eq!(
        fold(std::slice::from_ref(&reserved)).reservation(),
        Some("R-1")
    );
    assert_eq!(
        fold(&[reserved.clone(), released.clone()]).reservation(),
        None
    );
    assert_eq!(fold(&[released, reserved]).reservation(), None);
}

#[test]
fn changes_are_told_field_by_field() {
    let (_, events) = journey(&[CONFIRM, PAY]);
    let changes = diff(&fold(&events[..2]), &fold(&events));
    let told: Vec<_> = changes
        .iter()
        .map(|change| (change.field, change.before.as_str(), change.after.as_str()))
        .collect();
    assert_eq!(
        told,
        [
            ("status", "confirmed", "paid"),
            ("payment", "", "PAY-1 50.00")
        ]
    );
    assert!(diff(&fold(&events), &fold(&events)).is_empty());
    let fields = fold(&events).fields();
    assert!(fields.contains(&("total", "50.00 USD".to_owned())));
    assert!(fields.contains(&("items", "2 × lamp at 25.00".to_owned())));
}
