//! What can go wrong with an event, in the three kinds that decide what happens next.

use std::fmt;

/// What a fault means for the event it befell.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum FaultKind {
    /// No retry can help: to the dead letters at once.
    Permanent,
    /// A retry may help: four attempts, then the dead letters.
    Transient,
    /// Nothing is wrong with the event: hold the partition, count no attempt.
    DependencyDown,
}

/// Where on its way the event failed. Written to the `evtop-stage` header.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Stage {
    /// Bytes to envelope.
    Decode,
    /// Envelope to typed event: schema and rules.
    Validate,
    /// The service's own work.
    Handle,
    /// The work took longer than a handler may.
    Timeout,
    /// The work panicked.
    Panic,
    /// Writing the effect.
    Store,
}

impl Stage {
    pub const ALL: [Self; 6] = [
        Self::Decode,
        Self::Validate,
        Self::Handle,
        Self::Timeout,
        Self::Panic,
        Self::Store,
    ];

    /// The word in the header.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Decode => "decode",
            Self::Validate => "validate",
            Self::Handle => "handle",
            Self::Timeout => "timeout",
            Self::Panic => "panic",
            Self::Store => "store",
        }
    }
}

/// One failure: its kind, where, a stable code and a sentence for a person.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fault {
    pub kind: FaultKind,
    pub stage: Stage,
    /// Stable and short, such as `malformed_json` or `gateway_timeout`; what causes are grouped by.
    pub code: String,
    pub message: String,
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.code, self.message)
    }
}

impl std::error::Error for Fault {}
