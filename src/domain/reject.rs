//! Why a record is no event that we can work on. Always permanent: reading it again helps nobody.

use std::fmt;

use super::fault::{Fault, FaultKind, Stage};

/// The stable codes by which causes are grouped.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum RejectCode {
    MalformedJson,
    MalformedEnvelope,
    NotUtf8,
    UnknownType,
    UnknownVersion,
    Validation,
    Checksum,
    TooLarge,
}

impl RejectCode {
    pub const ALL: [Self; 8] = [
        Self::MalformedJson,
        Self::MalformedEnvelope,
        Self::NotUtf8,
        Self::UnknownType,
        Self::UnknownVersion,
        Self::Validation,
        Self::Checksum,
        Self::TooLarge,
    ];

    /// The word in headers, metrics and on screen.
    #[must_use]
    pub const fn code(self) -> &'static str {
        match self {
            Self::MalformedJson => "malformed_json",
            Self::MalformedEnvelope => "malformed_envelope",
            Self::NotUtf8 => "not_utf8",
            Self::UnknownType => "unknown_type",
            Self::UnknownVersion => "unknown_version",
            Self::Validation => "validation",
            Self::Checksum => "checksum",
            Self::TooLarge => "too_large",
        }
    }

    /// Where it shows: while bytes become an envelope, or while the envelope becomes a typed event.
    #[must_use]
    pub const fn stage(self) -> Stage {
        match self {
            Self::UnknownVersion | Self::Validation => Stage::Validate,
            Self::MalformedJson
            | Self::MalformedEnvelope
            | Self::NotUtf8
            | Self::UnknownType
            | Self::Checksum
            | Self::TooLarge => Stage::Decode,
        }
    }
}

/// A refusal: the code and a sentence that names the field and what is wrong with it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Reject {
    pub code: RejectCode,
    pub reason: String,
}

impl Reject {
    pub fn new(code: RejectCode, reason: impl Into<String>) -> Self {
        Self {
            code,
            reason: reason.into(),
        }
    }

    pub fn envelope(reason: impl Into<String>) -> Self {
        Self::new(RejectCode::MalformedEnvelope, reason)
    }

    pub fn validation(reason: impl Into<String>) -> Self {
        Self::new(RejectCode::Validation, reason)
    }
}

impl fmt::Display for Reject {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.code.code(), self.reason)
    }
}

impl std::error::Error for Reject {}

impl From<Reject> for Fault {
    fn from(reject: Reject) -> Self {
        Self {
            kind: FaultKind::Permanent,
            stage: reject.code.stage(),
            code: reject.code.code().to_owned(),
            message: reject.reason,
        }
    }
}
