//! The events that exist: their names, newest versions and topics, in one table.

/// What happened.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum EventType {
    OrderCreated,
    OrderConfirmed,
    OrderShipped,
    OrderCancelled,
    ItemAdded,
    ItemRemoved,
    PaymentProcessed,
    PaymentFailed,
    PaymentRefunded,
    InventoryReserved,
    InventoryReservationFailed,
    InventoryReleased,
}

/// Topic of everything that befalls an order.
pub const ORDER_EVENTS: &str = "order-events";
/// Topic of payments.
pub const PAYMENT_EVENTS: &str = "payment-events";
/// Topic of reservations.
pub const INVENTORY_EVENTS: &str = "inventory-events";

/// Bytes of the longest type with a prefix: a domain name has 253 at most.
const MAX_PREFIXED: usize = 320;

struct Row {
    event_type: EventType,
    name: &'static str,
    /// The name's words in lower case, for the spellings with separators.
    words: &'static [&'static str],
    newest_version: u32,
    topic: &'static str,
}

const fn row(
    event_type: EventType,
    name: &'static str,
    words: &'static [&'static str],
    newest_version: u32,
    topic: &'static str,
) -> Row {
    Row {
        event_type,
        name,
        words,
        newest_version,
        topic,
    }
}

/// In the order of the enum, so that a variant is its row's index.
#[rustfmt::skip]
const TABLE: [Row; 12] = [
    row(EventType::OrderCreated, "OrderCreated", &["order", "created"], 2, ORDER_EVENTS),
    row(EventType::OrderConfirmed, "OrderConfirmed", &["order", "confirmed"], 1, ORDER_EVENTS),
    row(EventType::OrderShipped, "OrderShipped", &["order", "shipped"], 1, ORDER_EVENTS),
    row(EventType::OrderCancelled, "OrderCancelled", &["order", "cancelled"], 1, ORDER_EVENTS),
    row(EventType::ItemAdded, "ItemAdded", &["item", "added"], 1, ORDER_EVENTS),
    row(EventType::ItemRemoved, "ItemRemoved", &["item", "removed"], 1, ORDER_EVENTS),
    row(EventType::PaymentProcessed, "PaymentProcessed", &["payment", "processed"], 1, PAYMENT_EVENTS),
    row(EventType::PaymentFailed, "PaymentFailed", &["payment", "failed"], 1, PAYMENT_EVENTS),
    row(EventType::PaymentRefunded, "PaymentRefunded", &["payment", "refunded"], 1, PAYMENT_EVENTS),
    row(EventType::InventoryReserved, "InventoryReserved", &["inventory", "reserved"], 1, INVENTORY_EVENTS),
    row(EventType::InventoryReservationFailed, "InventoryReservationFailed",
        &["inventory", "reservation", "failed"], 1, INVENTORY_EVENTS),
    row(EventType::InventoryReleased, "InventoryReleased", &["inventory", "released"], 1, INVENTORY_EVENTS),
];

impl EventType {
    pub const ALL: [Self; 12] = {
        let mut all = [Self::OrderCreated; 12];
        let mut i = 0;
        while i < all.len() {
            all[i] = TABLE[i].event_type;
            i += 1;
        }
        all
    };

    const fn row(self) -> &'static Row {
        &TABLE[self as usize]
    }

    /// The canonical name: `OrderCreated`.
    #[must_use]
    pub const fn name(self) -> &'static str {
        self.row().name
    }

    /// The newest schema version of its `data` that this program knows.
    #[must_use]
    pub const fn newest_version(self) -> u32 {
        self.row().newest_version
    }

    /// The topic that it is published to.
    #[must_use]
    pub const fn topic(self) -> &'static str {
        self.row().topic
    }

    /// The type of exactly that canonical name.
    #[must_use]
    pub fn from_name(name: &str) -> Option<Self> {
        TABLE.iter().find(|r| r.name == name).map(|r| r.event_type)
    }

    /// Reads `OrderCreated`, `OrderCreatedEvent`, and the same words in lower case joined by `.`,
    /// `_` or `-`; a trailing `.vN` is a version.
    #[must_use]
    pub fn parse(text: &str) -> Option<(Self, Option<u32>)> {
        if let Some(exact) = Self::from_name(text) {
            return Some((exact, None));
        }
        let (text, version) = split_version(text);
        let bare = text.strip_suffix("Event").unwrap_or(text);
        Self::from_name(bare)
            .or_else(|| Self::from_words(text))
            .map(|found| (found, version))
    }

    /// As [`EventType::parse`], where a reverse-DNS prefix may stand before the type, as CloudEvents
    /// advises: `com.example.order.created.v1`.
    #[must_use]
    pub fn parse_prefixed(text: &str) -> Option<(Self, Option<u32>)> {
        // Longer than any prefix is useful; each of its dots would cost a look at the rest.
        if text.len() > MAX_PREFIXED {
            return None;
        }
        Self::parse(text).or_else(|| {
            text.match_indices('.').find_map(|(dot, _)| {
                let (prefix, rest) = (&text[..dot], &text[dot + 1..]);
                is_dns_name(prefix).then(|| Self::parse(rest)).flatten()
            })
        })
    }

    fn from_words(text: &str) -> Option<Self> {
        let words = || text.split(['.', '_', '-']);
        TABLE
            .iter()
            .find(|r| {
                words().eq(r.words.iter().copied())
                    || words().eq(r.words.iter().copied().chain(["event"]))
            })
            .map(|r| r.event_type)
    }
}

/// Cuts a trailing `.vN` (from 1, no leading zero). A number beyond `u32` is as unknown as its limit.
pub(super) fn split_version(text: &str) -> (&str, Option<u32>) {
    let Some((rest, digits)) = text.rsplit_once(".v") else {
        return (text, None);
    };
    let number = !digits.is_empty()
        && !digits.starts_with('0')
        && digits.bytes().all(|b| b.is_ascii_digit());
    if number {
        (rest, Some(digits.parse().unwrap_or(u32::MAX)))
    } else {
        (text, None)
    }
}

fn is_dns_name(text: &str) -> bool {
    text.split('.').all(|label| {
        !label.is_empty()
            && label
                .bytes()
                .all(|b| b.is_ascii_alphanumeric() || b == b'-')
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_table_is_in_the_order_of_the_enum() {
        for (i, event_type) in EventType::ALL.into_iter().enumerate() {
            assert_eq!(event_type as usize, i);
            let words: String = event_type.row().words.concat();
            assert_eq!(event_type.name().to_lowercase(), words);
        }
    }

    #[test]
    fn spellings() {
        use EventType::{InventoryReservationFailed, OrderCreated};
        for (text, expected) in [
            ("OrderCreated", Some((OrderCreated, None))),
            ("OrderCreatedEvent", Some((OrderCreated, None))),
            ("order.created", Some((OrderCreated, None))),
            ("order_created", Some((OrderCreated, None))),
            ("order-created", Some((OrderCreated, None))),
            ("order.created.v2", Some((OrderCreated, Some(2)))),
            ("OrderCreated.v1", Some((OrderCreated, Some(1)))),
            (
                "inventory.reservation.failed",
                Some((InventoryReservationFailed, None)),
            ),
            ("OrderPlaced", None),
            ("ordercreated", None),
            ("Order.Created", None),
            ("order.created.v0", None),
            ("order..created", None),
            ("com.example.order.created", None),
            ("", None),
        ] {
            assert_eq!(EventType::parse(text), expected, "{text}");
        }
    }

    #[test]
    fn prefixes_are_for_cloudevents() {
        use EventType::OrderCreated;
        for (text, expected) in [
            (
                "com.example.order.created.v1",
                Some((OrderCreated, Some(1))),
            ),
            ("com.example.OrderCreated", Some((OrderCreated, None))),
            ("order.created", Some((OrderCreated, None))),
            ("com example.order.created", None),
            (".order.created", None),
            ("com.example.placed", None),
        ] {
            assert_eq!(EventType::parse_prefixed(text), expected, "{text}");
        }
    }
}
