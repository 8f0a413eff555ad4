//! What must hold for any input at all.

#![allow(clippy::unwrap_used, reason = "a test may")]

mod given;

use std::time::Duration;

use chrono::{DateTime, TimeDelta, Utc};
use evtop::domain::envelope::Envelope;
use evtop::domain::event::{
    Event, InventoryReserved, Item, OrderCancelled, OrderConfirmed, OrderCreated, OrderShipped,
    PaymentFailed, PaymentMethod, PaymentProcessed, PaymentRefunded, PaymentStatus, ReservedItem,
};
use evtop::domain::event_type::EventType;
use evtop::domain::money::Money;
use evtop::domain::order::{Order, diff};
use evtop::domain::reader::{Limits, Shape, read, read_envelope};
use evtop::domain::record::{Headers, Record};
use evtop::domain::{fingerprint, printable, retry, time, upcast};
use proptest::collection::vec;
use proptest::prelude::*;
use serde_json::{Map, Value};
use uuid::Uuid;

use given::*;

proptest! {
    #[test]
    fn the_reader_never_panics_on_bytes(
        value in vec(any::<u8>(), 0..300),
        key in prop::option::of(vec(any::<u8>(), 0..9)),
        headers in headers(),
    ) {
        let _ = read(&record(value, key, headers), &Limits::default());
    }

    #[test]
    fn the_reader_never_panics_on_json(value in object(json()), headers in headers()) {
        let record = record(value.to_string().into_bytes(), None, headers);
        if let Ok((envelope, shape)) = read_envelope(&record, &Limits::default()) {
            let _ = Event::decode(&envelope, shape);
            // Whatever it made of it, it makes the same of it again.
            prop_assert_eq!(read_envelope(&record, &Limits::default()).unwrap(), (envelope, shape));
        }
    }

    #[test]
    fn brackets_never_reach_the_stacks_end(
        open in prop::sample::select(vec!["[", "{\"a\":", "[{\"a\":", "\"[", "\\\"{"]),
        times in 0..30_000_usize,
    ) {
        let _ = read(&record(open.repeat(times).into_bytes(), None, vec![]), &Limits::default());
    }

    #[test]
    fn canonical_events_go_round(
        event in created(),
        ids in (any::<u128>(), any::<u128>(), any::<Option<u128>>()),
        micros in 0..253_402_300_800_000_000_i64,
        extra in prop::collection::btree_map("x_[a-z]{1,4}", json(), 0..3),
        metadata in prop::collection::btree_map("m_[a-z]{1,4}", json(), 0..3),
    ) {
        let mut envelope = envelope(&event, ids, micros);
        // Null is absent; the key is one that the parser keeps to itself.
        let kept = |map: std::collections::BTreeMap<String, Value>| -> Map<String, Value> {
            map.into_iter()
                .filter(|(_, value)| !value.is_null())
                .filter(|(_, value)| !value.to_string().contains("$serde_json"))
                .collect()
        };
        envelope.extra = kept(extra);
        envelope.metadata = kept(metadata);
        let sent = record(envelope.to_bytes(), Some(envelope.key()), envelope.headers());
        let back = read(&sent, &Limits::default()).unwrap();
        prop_assert_eq!(back.shape, Shape::Canonical);
        prop_assert_eq!(back.envelope, envelope);
        prop_assert_eq!(back.event, event);
    }

    #[test]
    fn money_goes_round(cents in -999_999_999_999..=999_999_999_999_i64) {
        let money = Money::from_cents(cents);
        prop_assert_eq!(Money::parse_str(&money.to_string()), Ok(money));
        prop_assert_eq!(Money::from_json(&money.to_json()), Ok(money));
        let number: Value = serde_json::from_str(&money.to_string()).unwrap();
        prop_assert_eq!(Money::from_json(&number), Ok(money));
    }

    #[test]
    fn money_is_any_decimal_of_that_value(cents in 0..=999_999_999_i64, zeros in 0..9_usize, shift in 0..9_i32) {
        let money = Money::from_cents(cents);
        prop_assert_eq!(Money::parse_str(&format!("{money}{}", "0".repeat(zeros))), Ok(money));
        let shifted = format!("{cents}{}e-{}", "0".repeat(shift as usize), shift + 2);
        let number: Value = serde_json::from_str(&shifted).unwrap();
        prop_assert_eq!(Money::from_json(&number), Ok(money));
    }

    #[test]
    fn money_refuses_without_panic(text in ".{0,40}", value in json()) {
        let _ = Money::parse_str(&text);
        let _ = Money::from_json(&value);
    }

    #[test]
    fn types_go_round(i in 0..EventType::ALL.len(), separator in "[._-]", version in 1..99_u32) {
        let event_type = EventType::ALL[i];
        prop_assert_eq!(EventType::parse(event_type.name()), Some((event_type, None)));
        let mut words = String::new();
        for c in event_type.name().chars() {
            if c.is_uppercase() && !words.is_empty() {
                words.push_str(&separator);
            }
            words.extend(c.to_lowercase());
        }
        let text = format!("{words}.v{version}");
        prop_assert_eq!(EventType::parse(&text), Some((event_type, Some(version))));
        let prefixed = format!("com.example.{text}");
        prop_assert_eq!(EventType::parse_prefixed(&prefixed), Some((event_type, Some(version))));
    }

    #[test]
    fn types_never_panic(text in ".{0,40}") {
        let _ = EventType::parse(&text);
        let _ = EventType::parse_prefixed(&text);
    }

    #[test]
    fn upcasting_ends_at_the_newest(i in 0..EventType::ALL.len(), version in 0..5_u32, data in object(json())) {
        let Value::Object(data) = data else { return Ok(()) };
        let event_type = EventType::ALL[i];
        let newest = event_type.newest_version();
        match upcast::upcast(event_type, version, data.clone()) {
            Ok((reached, new)) => {
                prop_assert_eq!(reached, newest);
                // What was told stays, and once is enough.
                for (name, value) in &data {
                    prop_assert!(value.is_null() || new.get(name) == Some(value));
                }
                prop_assert_eq!(upcast::upcast(event_type, newest, new.clone()), Ok((newest, new)));
            }
            Err(_) => prop_assert!(version == 0 || version > newest),
        }
    }

    #[test]
    fn times_go_round(micros in 0..253_402_300_800_000_000_i64) {
        let at = DateTime::from_timestamp_micros(micros).unwrap();
        prop_assert_eq!(time::parse(&time::format(at)), Some(at));
    }

    #[test]
    fn times_never_panic(text in "[0-9TtZz:.+ -]{0,40}|.{0,40}", value in json()) {
        let _ = time::parse(&text);
        let _ = time::from_json(&value);
    }

    #[test]
    fn an_order_is_its_set_of_facts(
        facts in facts().prop_flat_map(|facts| {
            let order: Vec<usize> = (0..facts.len()).collect();
            let mixed = Just(order).prop_shuffle();
            let again = vec(0..facts.len(), 0..5);
            (Just(facts), mixed, again)
        }),
    ) {
        let (facts, mixed, again) = facts;
        let times = |i: usize| (&facts[i], at(i));
        let straight = Order::fold((0..facts.len()).map(times));
        let shuffled = Order::fold(mixed.into_iter().chain(again).map(times));
        prop_assert_eq!(shuffled.status(), straight.status());
        prop_assert_eq!(&shuffled, &straight);
        for n in 0..=facts.len() {
            let before = Order::fold((0..n).map(times));
            let _ = diff(&before, &straight);
            for command in [Order::confirm, Order::refund] {
                let _ = command(&before);
            }
            let _ = before.cancel("x");
        }
    }

    #[test]
    fn backoff_grows_and_is_capped(after in 0..100_u32, jitter in any::<f64>()) {
        let wait = retry::delay(after, jitter);
        prop_assert!(wait <= Duration::from_secs(60));
        prop_assert!(wait <= retry::delay(after + 1, jitter));
        prop_assert!(wait >= retry::delay(after, 1.0) / 2);
    }

    #[test]
    fn what_is_shown_is_harmless(text in any::<String>(), more in "[\u{200b}-\u{2070}\u{300}-\u{310}\u{e0000}-\u{e007f}\u{fe00}-\u{fe0f}a👩❤ीक\u{0}-\u{1f}]{0,20}") {
        let text = text + &more;
        let shown = printable::visible(&text);
        for c in shown.chars() {
            let joiner = matches!(c, '\u{200c}' | '\u{200d}');
            let format = matches!(c,
                '\u{ad}' | '\u{600}'..='\u{605}' | '\u{61c}' | '\u{6dd}' | '\u{70f}' | '\u{180e}'
                | '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{206f}'
                | '\u{feff}' | '\u{fff9}'..='\u{fffc}' | '\u{e0000}'..='\u{e007f}');
            prop_assert!(joiner || !(c.is_control() || format), "{:?} in {:?}", c, shown);
        }
        // Nothing is left to replace, and no part draws over another.
        prop_assert_eq!(&printable::visible(&shown), &shown);
        let parts = printable::segments(&text);
        let joined: String = parts.iter().map(|part| part.text.as_str()).collect();
        prop_assert_eq!(&joined, &shown);
        let widths: usize = parts.iter().map(|part| printable::width(&part.text)).sum();
        prop_assert_eq!(widths, printable::width(&shown));
        prop_assert_eq!(printable::visible_bytes(text.as_bytes()), shown);
    }

    #[test]
    fn a_cut_text_fits(text in any::<String>(), columns in 0..30_usize) {
        let shown = printable::visible(&text);
        let cut = printable::truncate(&shown, columns);
        prop_assert!(printable::width(&cut) <= columns);
        prop_assert!(cut == shown || cut.ends_with('…') || columns == 0);
    }

    #[test]
    fn bytes_are_always_shown(bytes in vec(any::<u8>(), 0..60)) {
        prop_assert!(!printable::visible_bytes(&bytes).chars().any(char::is_control));
        prop_assert!(!printable::visible_lines(&String::from_utf8_lossy(&bytes)).contains('\r'));
    }

    #[test]
    fn fingerprints_ignore_what_varies(text in ".{0,60}", a in any::<u128>(), b in any::<u128>(), n in any::<u32>()) {
        let message = |id: u128, n: u32| format!("order {} failed after {n} s: {text}", Uuid::from_u128(id));
        prop_assert_eq!(
            fingerprint::fingerprint("c", "handle", "x", &message(a, n)),
            fingerprint::fingerprint("c", "handle", "x", &message(b, n / 2))
        );
        prop_assert!(fingerprint::normalise(&text).chars().count() <= 200);
    }
}

/// Much of the worst must cost no more than as much of anything: quadratic work would take
/// minutes here.
#[test]
fn long_inputs_take_no_long_time() {
    const SIZE: usize = 1 << 18;
    for piece in [
        "\u{200d}",
        "e\u{301}",
        "क\u{200d}",
        "🇩",
        "👩\u{200d}",
        "\u{1b}",
        "\u{fe0f}",
        "a.",
        "\"",
        "@",
        "-",
        "0",
        "\u{1100}\u{1161}",
    ] {
        let text = piece.repeat(SIZE / piece.len());
        let shown = printable::visible(&text);
        let _ = printable::truncate(&shown, 80);
        let _ = fingerprint::normalise(&text);
        let _ = EventType::parse_prefixed(&text);
        let _ = Money::parse_str(&text);
        let _ = time::parse(&text);
        for field in [
            "type",
            "id",
            "time",
            "aggregate_id",
            "dataschema",
            "metadata",
            "data_base64",
        ] {
            let mut event = serde_json::json!({
                "specversion": "1.0", "type": "order.created",
                "data": {"order_id": "1", "customer_id": "1", "customer_email": text},
            });
            event[field] = text.as_str().into();
            let limits = Limits {
                max_value_bytes: 64 << 20,
            };
            if let Err(reject) = read(
                &record(event.to_string().into_bytes(), None, vec![]),
                &limits,
            ) {
                is_short(&reject.reason);
            }
        }
    }
}

/// A reason is read by a person.
fn is_short(reason: &str) {
    assert!(
        reason.chars().count() < 400,
        "{} characters",
        reason.chars().count()
    );
}
