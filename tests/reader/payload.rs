//! The rules of every payload, and the sentence that each broken one gives.

use super::*;

#[test]
fn canonical_orders_are_checked() {
    let long = |n: usize| format!("\"{}\"", "é".repeat(n));
    for (pointer, json, reason) in [
        ("/data/order_id", "\"\"", "order_id is empty"),
        (
            "/data/order_id",
            "true",
            "order_id must be text, not a boolean",
        ),
        (
            "/data/customer_id",
            &long(101),
            "customer_id has 101 characters, more than 100",
        ),
        ("/data/customer_id", "\"\\t\"", "customer_id is blank"),
        ("/data/customer_email", "null", "customer_email is missing"),
        (
            "/data/customer_email",
            "\"jane@localhost\"",
            "customer_email is no e-mail address: Too few parts in the domain",
        ),
        ("/data/items", "[]", "items must have at least one"),
        ("/data/items", "{}", "items must be a list, not an object"),
        (
            "/data/items/0",
            "7",
            "items[0] must be an object, not a number",
        ),
        (
            "/data/items/1/product_id",
            "null",
            "items[1].product_id is missing",
        ),
        (
            "/data/items/1/product_name",
            "null",
            "items[1].product_name is missing",
        ),
        (
            "/data/items/0/product_name",
            "\"\"",
            "items[0].product_name is empty",
        ),
        (
            "/data/items/0/product_name",
            &long(256),
            "items[0].product_name has 256 characters, more than 255",
        ),
        (
            "/data/items/0/quantity",
            "0",
            "items[0].quantity is 0 and must be from 1 to 1000",
        ),
        (
            "/data/items/0/quantity",
            "1001",
            "items[0].quantity is 1001 and must be from 1 to 1000",
        ),
        (
            "/data/items/0/quantity",
            "1.5",
            "items[0].quantity is 1.5 and must be a whole number",
        ),
        (
            "/data/items/0/quantity",
            "\"2\"",
            "items[0].quantity must be a number, not text",
        ),
        ("/data/items/0/price", "null", "items[0].price is missing"),
        (
            "/data/items/0/price",
            "0",
            "items[0].price is 0.00 and must be above 0",
        ),
        (
            "/data/items/0/price",
            "\"29.999\"",
            "items[0].price is no amount of money: 29.999 has more than two decimals",
        ),
        (
            "/data/items/0/price",
            "\"1e2\"",
            "items[0].price is no amount of money: \"1e2\" is not a decimal number",
        ),
        (
            "/data/items/0/price",
            "[]",
            "items[0].price must be a number or a decimal text, not a list",
        ),
        (
            "/data/total_amount",
            "\"129.99\"",
            "total_amount is 129.99 but the items add up to 129.97",
        ),
        (
            "/data/total_amount",
            "10000000000",
            "total_amount is no amount of money: 10000000000 is more than 9999999999.99",
        ),
        ("/data/total_amount", "null", "total_amount is missing"),
        (
            "/data/currency",
            "\"eur\"",
            "currency is \"eur\" and must be three capital letters",
        ),
        (
            "/data/shipping_address",
            "5",
            "shipping_address must be an object or text, not a number",
        ),
    ] {
        assert_eq!(
            refused(&set(CANONICAL, pointer, json)),
            format!("validation: {reason}")
        );
    }
    for (pointer, json) in [
        ("/data/total_amount", "\"129.98\""),
        ("/data/total_amount", "129.96"),
        ("/data/total_amount", "1.2997e2"),
        ("/data/items/0/quantity", "2.0"),
        ("/data/items/0/price", "29.990"),
        ("/data/currency", "null"),
        ("/data/shipping_address", "\"Hauptstr. 1\""),
        ("/data/customer_phone", "\"+49 221 1\""),
        ("/data/items/0/product_name", &long(255)),
    ] {
        ok(&set(CANONICAL, pointer, json));
    }
}

#[test]
fn email_addresses_are_real_ones() {
    for (email, good) in [
        ("jane.doe+tag@mail.example.com", true),
        ("jürgen@bücher.de", true),
        ("a@b.co", true),
        ("jane", false),
        ("jane@", false),
        ("@example.com", false),
        ("jane@localhost", false),
        ("jane@[127.0.0.1]", false),
        ("Jane <jane@example.com>", false),
        ("<jane@example.com>", false),
        ("jane@exa mple.com", false),
        ("", false),
    ] {
        let body = change(CANONICAL, &[("/data/customer_email", Some(email.into()))]);
        assert_eq!(go(&record(body)).is_ok(), good, "{email}");
    }
}

#[test]
fn foreign_orders_may_leave_things_out() {
    // Neither e-mail nor product name nor price; then the total cannot be checked.
    let read = ok(&without(DOTTED, "/data/items/0/price"));
    assert_eq!(created(&read).items[0].told_price(), None);
    assert!(
        !read.event.data()["items"][0]
            .as_object()
            .unwrap()
            .contains_key("price")
    );
    for pointer in ["order_id", "user_id", "items", "total_amount"] {
        let body = without(DOTTED, &format!("/data/{pointer}"));
        assert_eq!(
            go(&record(body)).unwrap_err().code,
            RejectCode::Validation,
            "{pointer}"
        );
    }
    assert_eq!(
        refused(&set(DOTTED, "/data/customer_email", "\"nobody\""))
            .split(':')
            .next(),
        Some("validation")
    );
    assert_eq!(
        refused(&without(DOTTED, "/data/items/0/quantity")),
        "validation: items[0].quantity is missing"
    );
}

#[test]
fn every_payload_has_its_required_fields() {
    let samples: [(&str, &str, &[&str]); 11] = [
        (
            "OrderConfirmed",
            r#"{"order_id":"ORD-1","total_amount":"5.00"}"#,
            &[],
        ),
        (
            "OrderShipped",
            r#"{"order_id":"ORD-1","tracking_number":"T","carrier":"DHL","shipped_at":null}"#,
            &["shipped_at"],
        ),
        (
            "OrderCancelled",
            r#"{"order_id":"ORD-1","reason":"","refund_amount":0}"#,
            &["refund_amount"],
        ),
        (
            "ItemAdded",
            r#"{"order_id":"ORD-1","product_id":"P","product_name":"N","quantity":1,"price":"1.00"}"#,
            &[],
        ),
        (
            "ItemRemoved",
            r#"{"order_id":"ORD-1","product_id":"P"}"#,
            &[],
        ),
        (
            "PaymentProcessed",
            r#"{"order_id":"ORD-1","payment_id":"PAY","amount":1,"payment_method":"paypal","status":"approved"}"#,
            &[],
        ),
        (
            "PaymentFailed",
            r#"{"order_id":"ORD-1","amount":1,"reason":"declined"}"#,
            &[],
        ),
        (
            "PaymentRefunded",
            r#"{"order_id":"ORD-1","payment_id":"PAY","amount":1}"#,
            &[],
        ),
        (
            "InventoryReserved",
            r#"{"order_id":"ORD-1","reservation_id":"R","items":[{"product_id":"P","quantity":1}]}"#,
            &[],
        ),
        (
            "InventoryReservationFailed",
            r#"{"order_id":"ORD-1","reason":"none left"}"#,
            &[],
        ),
        (
            "InventoryReleased",
            r#"{"order_id":"ORD-1","reservation_id":"R","reason":"x"}"#,
            &["reason"],
        ),
    ];
    for (event_type, data, optional) in samples {
        let body = canonical(event_type, data);
        let read = ok(&body);
        assert_eq!(read.shape, Shape::Canonical);
        assert_eq!(read.event.event_type().name(), event_type);
        // The wire form of the event is the same event.
        let mut again = read.envelope.clone();
        again.data = read.event.data();
        assert_eq!(Event::decode(&again, Shape::Canonical).unwrap(), read.event);
        let fields: serde_json::Map<String, Value> = serde_json::from_str(data).unwrap();
        for name in fields.keys() {
            let result = go(&record(without(&body, &format!("/data/{name}"))));
            assert_eq!(
                result.is_ok(),
                optional.contains(&name.as_str()),
                "{event_type}.{name}"
            );
        }
    }
    for (event_type, data, reason) in [
        (
            "OrderShipped",
            r#"{"order_id":"ORD-1","tracking_number":"T","carrier":""}"#,
            "carrier is empty",
        ),
        (
            "OrderShipped",
            r#"{"order_id":"ORD-1","tracking_number":"T","carrier":"D","shipped_at":"now"}"#,
            "shipped_at is no RFC 3339 time between 1970 and 9999",
        ),
        (
            "OrderCancelled",
            r#"{"order_id":"ORD-1","reason":"x","refund_amount":-1}"#,
            "refund_amount is -1.00 and must not be below 0",
        ),
        (
            "PaymentRefunded",
            r#"{"order_id":"ORD-1","payment_id":"P","amount":0}"#,
            "amount is 0.00 and must be above 0",
        ),
        (
            "PaymentProcessed",
            r#"{"order_id":"ORD-1","payment_id":"P","amount":1,"payment_method":"cash","status":"approved"}"#,
            "payment_method is \"cash\" and must be one of credit_card, debit_card, paypal, bank_transfer",
        ),
        (
            "PaymentProcessed",
            r#"{"order_id":"ORD-1","payment_id":"P","amount":1,"payment_method":"paypal","status":"ok"}"#,
            "status is \"ok\" and must be one of pending, approved, declined, refunded",
        ),
        (
            "InventoryReserved",
            r#"{"order_id":"ORD-1","reservation_id":"R","items":[]}"#,
            "items must have at least one",
        ),
    ] {
        assert_eq!(
            refused(&canonical(event_type, data)),
            format!("validation: {reason}")
        );
    }
}
