//! How many records a person agreed to, and when that has to be asked.

/// More records than this at once are confirmed by their number.
const MANY: u64 = 100;

/// What was counted before it was confirmed. What is done is never more than that.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Confirmed {
    /// The row (`seq`) of the newest letter when they were counted: later ones are not meant.
    pub up_to: i64,
    /// How many they were.
    pub count: u64,
}

impl Confirmed {
    /// Why what matches now is not what was confirmed; fewer is fine.
    #[must_use]
    pub fn refusal(self, now: u64) -> Option<String> {
        if now <= self.count {
            return None;
        }
        let (letters, were) = match self.count {
            1 => ("letter", "was"),
            _ => ("letters", "were"),
        };
        let count = self.count;
        Some(format!(
            "{count} {letters} {were} confirmed and {now} match now: look again"
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
        assert_eq!((one.refusal(0), one.refusal(1)), (None, None));
        let why = one.refusal(3).expect("more");
        assert_eq!(why, "1 letter was confirmed and 3 match now: look again");
        let many = Confirmed { up_to: 7, count: 2 };
        let why = many.refusal(201).expect("more");
        assert!(why.starts_with("2 letters were confirmed and 201"), "{why}");
    }

    #[test]
    fn many_or_production_want_the_number() {
        assert!(!wants_count(100, false) && wants_count(101, false) && wants_count(1, true));
    }
}
