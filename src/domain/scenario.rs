//! Test orders that can be injected, by what they are meant to show.

/// What an injected order is meant to show.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Scenario {
    Happy,
    InsufficientStock,
    InvalidTotal,
    PoisonBytes,
    Duplicate,
    OldSchema,
}

impl Scenario {
    pub const ALL: [Self; 6] = [
        Self::Happy,
        Self::InsufficientStock,
        Self::InvalidTotal,
        Self::PoisonBytes,
        Self::Duplicate,
        Self::OldSchema,
    ];

    /// The word on the command line.
    #[must_use]
    pub fn name(self) -> &'static str {
        self.row().0
    }

    /// What will be seen, in a sentence.
    #[must_use]
    pub fn help(self) -> &'static str {
        self.row().1
    }

    #[must_use]
    pub fn parse(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|s| s.name() == name)
    }

    fn row(self) -> (&'static str, &'static str) {
        match self {
            Self::Happy => (
                "happy",
                "a valid order: e-mail, window and reservation follow",
            ),
            Self::InsufficientStock => (
                "insufficient-stock",
                "more than the warehouse has: a failed reservation, no dead letter",
            ),
            Self::InvalidTotal => (
                "invalid-total",
                "the total does not match the items: a dead letter in each service",
            ),
            Self::PoisonBytes => (
                "poison-bytes",
                "bytes that no service can read: a dead letter in each, bytes untouched",
            ),
            Self::Duplicate => (
                "duplicate",
                "the same event twice on the topic: handled once by each service",
            ),
            Self::OldSchema => (
                "old-schema",
                "OrderCreated version 1: upcast to version 2 on reading",
            ),
        }
    }
}
