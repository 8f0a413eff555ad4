//! Which of the known shapes a body has. Fields are read by alias, so this decides only how strict the
//! payload's rules are, whether a checksum counts, and what a screen says.

use serde_json::{Map, Value};

/// How a record was written.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Shape {
    /// Ours.
    Canonical,
    /// The payload's fields beside the envelope's.
    Flat,
    /// snake_case, with the version as text such as `"1.0"`.
    Snake,
    /// Lower-case types such as `order.created`, and `source`.
    Dotted,
    /// camelCase, `metadata` and an optional `checksum`.
    Camel,
    /// CloudEvents 1.0, attributes in `ce_` headers.
    CloudEventsBinary,
    /// CloudEvents 1.0, attributes beside `data`.
    CloudEventsStructured,
}

impl Shape {
    pub const ALL: [Self; 7] = [
        Self::Canonical,
        Self::Flat,
        Self::Snake,
        Self::Dotted,
        Self::Camel,
        Self::CloudEventsBinary,
        Self::CloudEventsStructured,
    ];

    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Canonical => "canonical",
            Self::Flat => "flat",
            Self::Snake => "snake",
            Self::Dotted => "dotted",
            Self::Camel => "camel",
            Self::CloudEventsBinary => "cloudevents-binary",
            Self::CloudEventsStructured => "cloudevents-structured",
        }
    }

    #[must_use]
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|shape| shape.name() == name)
    }
}

/// What tells the shapes of a plain body apart.
pub(super) struct Signs {
    pub(super) camel: bool,
    /// There was no `data`.
    pub(super) flat: bool,
    /// The type and every envelope field came by its canonical name.
    pub(super) canonical_names: bool,
    pub(super) version_is_integer: bool,
    /// The type is in lower case.
    pub(super) lower_case: bool,
}

pub(super) fn of_body(signs: &Signs) -> Shape {
    if signs.camel {
        Shape::Camel
    } else if signs.flat {
        Shape::Flat
    } else if signs.lower_case {
        Shape::Dotted
    } else if signs.canonical_names && signs.version_is_integer {
        Shape::Canonical
    } else {
        Shape::Snake
    }
}

/// Camel is what says its type in camelCase, or says none but uses camelCase names.
pub(super) fn is_camel(body: &Map<String, Value>) -> bool {
    let has = |name: &str| body.get(name).is_some_and(|value| !value.is_null());
    !has("event_type")
        && ["eventType", "eventId", "eventVersion"]
            .into_iter()
            .any(has)
}
