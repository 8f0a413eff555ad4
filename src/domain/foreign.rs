//! What a dead letter says of itself that another framework wrote, as far as it can be read: what is
//! missing or makes no sense is `None`, never a guess.

use chrono::{DateTime, Utc};

/// Longest stack trace or message that is kept, in bytes.
pub const TEXT_BYTES: usize = 8 * 1024;

/// Who wrote a letter, told by its headers. In the order in which they are tried.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum Family {
    /// Our own.
    #[default]
    Evtop,
    /// Spring's retry topics and their dead-letter topic.
    RetryTopic,
    /// Spring's `DeadLetterPublishingRecoverer`.
    Spring,
    /// The broker itself, for share groups (KIP-1191).
    ShareGroup,
    /// Kafka Streams (KIP-1034).
    Streams,
    /// A Kafka Connect sink.
    Connect,
    /// Spring Cloud Stream's binder.
    StreamBinder,
    /// SmallRye, and with it Quarkus.
    SmallRye,
    Wolverine,
    Watermill,
    MassTransit,
    NServiceBus,
    /// No header family: the value itself carries the failure.
    InValue,
    /// Nothing that we know.
    Unknown,
}

/// Each family with its word in the database and in JSON, and its name on screen.
const NAMES: [(Family, &str, &str); 14] = [
    (Family::Evtop, "evtop", "evtop"),
    (Family::RetryTopic, "retry_topic", "Spring retry topic"),
    (Family::Spring, "spring", "Spring"),
    (Family::ShareGroup, "share_group", "Kafka share group"),
    (Family::Streams, "streams", "Kafka Streams"),
    (Family::Connect, "connect", "Kafka Connect"),
    (Family::StreamBinder, "stream_binder", "Spring Cloud Stream"),
    (Family::SmallRye, "smallrye", "SmallRye"),
    (Family::Wolverine, "wolverine", "Wolverine"),
    (Family::Watermill, "watermill", "Watermill"),
    (Family::MassTransit, "masstransit", "MassTransit"),
    (Family::NServiceBus, "nservicebus", "NServiceBus"),
    (Family::InValue, "in_value", "a home-made handler"),
    (Family::Unknown, "unknown", "an unknown program"),
];

impl Family {
    /// The word in the database and in JSON.
    #[must_use]
    pub fn name(self) -> &'static str {
        NAMES[self as usize].1
    }

    /// The name on screen.
    #[must_use]
    pub fn title(self) -> &'static str {
        NAMES[self as usize].2
    }

    #[must_use]
    pub fn parse(name: &str) -> Option<Self> {
        NAMES.iter().find(|row| row.1 == name).map(|row| row.0)
    }

    /// Written by somebody else.
    #[must_use]
    pub fn is_foreign(self) -> bool {
        self != Self::Evtop
    }

    /// Whether the record's own headers came along; these two leave them behind.
    #[must_use]
    pub fn copies_headers(self) -> bool {
        !matches!(self, Self::ShareGroup | Self::Streams)
    }
}

/// Where a record was before it failed first.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Origin {
    pub topic: Option<String>,
    pub partition: Option<i32>,
    pub offset: Option<i64>,
    /// The consumer group that failed last.
    pub group: Option<String>,
    pub timestamp: Option<DateTime<Utc>>,
}

/// The latest failure.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Failed {
    pub class: Option<String>,
    /// The class of what lay behind it.
    pub cause: Option<String>,
    pub message: Option<String>,
    /// At most [`TEXT_BYTES`].
    pub stack: Option<String>,
}

/// One station of a record's way, oldest first.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Hop {
    pub topic: Option<String>,
    pub partition: Option<i32>,
    pub offset: Option<i64>,
    pub timestamp: Option<DateTime<Utc>>,
    /// The class of the exception that sent it on.
    pub class: Option<String>,
}

/// All that a framework's headers, or the value, say of a failure.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Foreign {
    pub family: Family,
    pub origin: Origin,
    pub error: Failed,
    /// The framework's own word for where it failed: a Connect stage, a handler.
    pub stage: Option<String>,
    /// Deliveries made.
    pub attempts: Option<u32>,
    pub failed_at: Option<DateTime<Utc>>,
    pub hops: Vec<Hop>,
}

/// The text, cut to `most` bytes with a word that says so.
#[must_use]
pub fn cut(text: &str, most: usize) -> String {
    if text.len() <= most {
        return text.to_owned();
    }
    let end = (0..=most)
        .rev()
        .find(|at| text.is_char_boundary(*at))
        .unwrap_or(0);
    format!("{}… (truncated)", &text[..end])
}

/// The name as a topic that Kafka would take; `None` for any other text.
#[must_use]
pub fn topic_name(text: &str) -> Option<String> {
    let legal = |c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | '_' | '-');
    let fits = (1..=249).contains(&text.len()) && text.chars().all(legal);
    (fits && text != "." && text != "..").then(|| text.to_owned())
}

/// The last path segment of an address, without query and `@host`: `kafka://topic/orders` is `orders`.
#[must_use]
pub fn address(text: &str) -> Option<String> {
    let path = text.split(['?', '#']).next().unwrap_or_default();
    let last = path.trim_end_matches('/').rsplit('/').next()?;
    let name = last.split('@').next()?;
    let name = ["queue:", "topic:", "exchange:"]
        .iter()
        .find_map(|scheme| name.strip_prefix(scheme))
        .unwrap_or(name);
    topic_name(name)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_family_has_its_row() {
        for (at, (family, name, _)) in NAMES.into_iter().enumerate() {
            assert_eq!(family as usize, at);
            assert_eq!(Family::parse(name), Some(family));
        }
    }

    #[test]
    fn an_address_names_a_topic() {
        for (text, topic) in [
            ("orders", Some("orders")),
            ("kafka://topic/orders", Some("orders")),
            ("rabbitmq://host/vhost/orders?durable=true", Some("orders")),
            ("orders@MACHINE-7", Some("orders")),
            ("queue:orders", Some("orders")),
            ("kafka://localhost:9092", None),
            ("[dbo].[orders]", None),
            ("", None),
            ("/", None),
        ] {
            assert_eq!(address(text).as_deref(), topic, "{text}");
        }
    }

    #[test]
    fn a_cut_text_says_so() {
        assert_eq!(cut("abc", 3), "abc");
        assert_eq!(cut("aéb", 2), "a… (truncated)");
    }
}
