//! Old payloads made new, one version at a time. Adding an optional field needs no version; removing,
//! renaming or retyping one does, and then a row here.

use serde_json::{Map, Value};

use super::event_type::EventType;
use super::reject::{Reject, RejectCode};

/// The currency of an order that tells none.
pub const DEFAULT_CURRENCY: &str = "USD";

/// Makes `data` of one version into the next.
type Upcaster = fn(&mut Map<String, Value>);

const UPCASTERS: [(EventType, u32, Upcaster); 1] =
    [(EventType::OrderCreated, 1, order_created_1_to_2)];

/// Version 2 brought a phone, a currency and an address. What a producer told early stays.
fn order_created_1_to_2(data: &mut Map<String, Value>) {
    for (name, value) in [
        ("customer_phone", Value::Null),
        ("currency", DEFAULT_CURRENCY.into()),
        ("shipping_address", Value::Null),
    ] {
        let field = data.entry(name).or_insert(Value::Null);
        if field.is_null() {
            *field = value;
        }
    }
}

/// The data at the newest version that is known, and that version.
pub fn upcast(
    event_type: EventType,
    version: u32,
    mut data: Map<String, Value>,
) -> Result<(u32, Map<String, Value>), Reject> {
    let newest = event_type.newest_version();
    if version == 0 || version > newest {
        return Err(Reject::new(
            RejectCode::UnknownVersion,
            format!(
                "{} version {version} is unknown: versions 1 to {newest} are known",
                event_type.name()
            ),
        ));
    }
    for upcaster in (version..newest).filter_map(|from| find(event_type, from)) {
        upcaster(&mut data);
    }
    Ok((newest, data))
}

/// The versions that lie between, as (from, to), so that a screen can show each step.
#[must_use]
pub fn steps(event_type: EventType, version: u32) -> Vec<(u32, u32)> {
    (version..event_type.newest_version())
        .filter(|from| find(event_type, *from).is_some())
        .map(|from| (from, from + 1))
        .collect()
}

fn find(event_type: EventType, from: u32) -> Option<Upcaster> {
    UPCASTERS
        .iter()
        .find(|(t, v, _)| *t == event_type && *v == from)
        .map(|(_, _, upcaster)| *upcaster)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_version_has_its_upcaster() {
        for event_type in EventType::ALL {
            let newest = event_type.newest_version();
            assert_eq!(
                steps(event_type, 1).len(),
                newest as usize - 1,
                "{event_type:?}"
            );
            assert_eq!(steps(event_type, newest), []);
        }
    }

    #[test]
    fn version_1_gets_the_defaults_and_keeps_what_it_told() {
        let data = |json: &str| -> Map<String, Value> { serde_json::from_str(json).unwrap() };
        let (version, new) = upcast(
            EventType::OrderCreated,
            1,
            data(r#"{"a":1,"currency":"EUR"}"#),
        )
        .unwrap();
        assert_eq!(version, 2);
        assert_eq!(
            new,
            data(r#"{"a":1,"currency":"EUR","customer_phone":null,"shipping_address":null}"#)
        );
        assert_eq!(
            upcast(EventType::OrderCreated, 2, new.clone()),
            Ok((2, new))
        );
    }

    #[test]
    fn unknown_versions_are_named() {
        let reject = upcast(EventType::OrderShipped, 7, Map::new()).unwrap_err();
        assert_eq!(
            reject.to_string(),
            "unknown_version: OrderShipped version 7 is unknown: versions 1 to 1 are known"
        );
    }
}
