//! How many records a person agreed to, and when that has to be asked.

/// More records than this at once are confirmed by their number.
const MANY: u64 = 100;

/// What was counted before it was confirmed. What is done is never more than that.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Confirmed<P> {
    /// The place of the newest when they were counted, a letter's row (`seq`) or an event's position: later ones
    /// are not meant.
    pub up_to: P,
    /// How many they were.
    pub count: u64,
}

impl<P> Confirmed<P> {
    /// Why what matches now is not what was confirmed; fewer is fine. `of` is the word for one of them.
    #[must_use]
    pub fn refusal(&self, now: u64, of: &str) -> Option<String> {
        if now <= self.count {
            return None;
        }
        let (s, were) = match self.count {
            1 => ("", "was"),
            _ => ("s", "were"),
        };
        let count = self.count;
        Some(format!(
            "{count} {of}{s} {were} confirmed and {now} match now: look again"
        ))
    }
}

/// Whether so many records want their number as the answer: many at once, and in production any.
#[must_use]
pub fn wants_count(records: u64, production: bool) -> bool {
    production || records > MANY
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn more_than_was_confirmed_is_refused_with_both_numbers() {
        let one = Confirmed { up_to: 7, count: 1 };
        assert_eq!(
            (one.refusal(0, "letter"), one.refusal(1, "letter")),
            (None, None)
        );
        let why = one.refusal(3, "letter").expect("more");
        assert_eq!(why, "1 letter was confirmed and 3 match now: look again");
        let many = Confirmed { up_to: 7, count: 2 };
        let why = many.refusal(201, "letter").expect("more");
        assert!(why.starts_with("2 letters were confirmed and 201"), "{why}");
    }

    #[test]
    fn many_or_production_want_the_number() {
        assert!(!wants_count(100, false) && wants_count(101, false) && wants_count(1, true));
    }
}
