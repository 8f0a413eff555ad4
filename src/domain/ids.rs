//! Ids made from what is there, so that reading the same record twice gives the same event.

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
    fn derived_ids_are_stable() {
        assert_eq!(of_text("evt-1"), of_text("evt-1"));
        assert_ne!(of_record("t", 1, 2), of_record("t", 12, 2));
        assert_eq!(of_text("evt-1").get_version_num(), 5);
    }
}
