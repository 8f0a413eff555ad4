//! Ids made from what is there, so that reading the same record twice gives the same event.

use std::fmt;
use std::str::FromStr;

use uuid::Uuid;

/// Most characters (Unicode scalar values) of an id.
pub const MAX_ID_CHARS: usize = 100;

/// An id that is no UUID becomes the UUIDv5 (RFC 9562) of itself.
#[must_use]
pub fn of_text(id: &str) -> Uuid {
    Uuid::new_v5(&Uuid::NAMESPACE_OID, id.as_bytes())
}

/// The id of an event whose producer gave none: the UUIDv5 of its place in the log.
#[must_use]
pub fn of_record(topic: &str, partition: i32, offset: i64) -> Uuid {
    // A topic's name has no slash, so no two places make the same text.
    Uuid::new_v5(
        &Uuid::NAMESPACE_URL,
        format!("kafka:{topic}/{partition}/{offset}").as_bytes(),
    )
}

/// What is wrong with an id, as the end of a sentence; `None` when it is fine.
#[must_use]
pub fn problem(id: &str) -> Option<String> {
    text_problem(id, MAX_ID_CHARS).or_else(|| {
        if id.chars().all(char::is_whitespace) {
            Some("is blank".to_owned())
        } else if id.chars().any(char::is_control) {
            Some("has control characters".to_owned())
        } else {
            None
        }
    })
}

/// What is wrong with a text of 1 to `max` characters; `None` when it is fine.
#[must_use]
pub fn text_problem(text: &str, max: usize) -> Option<String> {
    if text.is_empty() {
        return Some("is empty".to_owned());
    }
    // No text has more characters than bytes.
    if text.len() <= max {
        return None;
    }
    let chars = text.chars().count();
    (chars > max).then(|| format!("has {chars} characters, more than {max}"))
}

/// An id as a person writes it: all of it, its beginning, or its end, which is what lists show of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct IdPart(String);

impl IdPart {
    /// The id, where all of it was written.
    #[must_use]
    pub fn whole(&self) -> Option<Uuid> {
        Uuid::try_parse(&self.0).ok()
    }

    /// Whether this may be meant.
    #[must_use]
    pub fn is_of(&self, id: Uuid) -> bool {
        let id = id.simple().to_string();
        let digits = self.0.replace('-', "");
        id.starts_with(&digits) || id.ends_with(&digits)
    }
}

impl FromStr for IdPart {
    type Err = &'static str;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let legal = text.chars().all(|c| c.is_ascii_hexdigit() || c == '-');
        let digits = text.chars().filter(char::is_ascii_hexdigit).count();
        if legal && (1..=32).contains(&digits) {
            Ok(Self(text.to_ascii_lowercase()))
        } else {
            Err("write an id, or its first or last digits (0-9, a-f)")
        }
    }
}

impl fmt::Display for IdPart {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_are_counted_in_characters() {
        assert_eq!(problem(&"é".repeat(100)), None);
        assert_eq!(
            problem(&"é".repeat(101)).as_deref(),
            Some("has 101 characters, more than 100")
        );
        assert_eq!(problem("").as_deref(), Some("is empty"));
        assert_eq!(problem(" \u{a0}").as_deref(), Some("is blank"));
        assert_eq!(
            problem("a\u{7f}").as_deref(),
            Some("has control characters")
        );
    }

    #[test]
    fn a_part_of_an_id_is_its_beginning_or_its_end() {
        let id = Uuid::from_u128(0x0191_c1a0_0000_7000_8000_0000_0000_beef);
        let part = |text: &str| text.parse::<IdPart>();
        for text in ["0191c1a0", "0191C1A0-00", "0191c1a000007", "beef"] {
            assert!(
                part(text).is_ok_and(|p| p.is_of(id) && p.whole().is_none()),
                "{text}"
            );
        }
        assert!(part("c1a0").is_ok_and(|p| !p.is_of(id)));
        assert_eq!(part(&id.to_string()).map(|p| p.whole()), Ok(Some(id)));
        for text in ["", "-", "not-an-id", &"0".repeat(33)] {
            assert!(part(text).is_err(), "{text}");
        }
    }

    #[test]
    fn derived_ids_are_stable() {
        assert_eq!(of_text("evt-1"), of_text("evt-1"));
        assert_ne!(of_record("t", 1, 2), of_record("t", 12, 2));
        assert_eq!(of_text("evt-1").get_version_num(), 5);
    }
}
