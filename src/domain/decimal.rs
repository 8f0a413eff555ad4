//! A decimal number read exactly from its text, so that money, counts and times never pass through a float.

/// A decimal as it was written: sign, digits before and after the point, exponent of ten.
#[derive(Clone, Copy, Debug)]
pub struct Decimal<'a> {
    negative: bool,
    whole: &'a str,
    fraction: &'a str,
    exponent: i64,
}

/// How a decimal fits into an integer of so many decimal places.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Scaled {
    /// The value exactly.
    Exact(i64),
    /// The value cut towards zero: digits were left over.
    Cut(i64),
    /// More than 18 digits before the cut.
    TooLarge,
}

impl<'a> Decimal<'a> {
    /// Reads `-?\d+(\.\d+)?`, ASCII only.
    #[must_use]
    pub fn plain(text: &'a str) -> Option<Self> {
        let (negative, rest) = match text.strip_prefix('-') {
            Some(rest) => (true, rest),
            None => (false, text),
        };
        let (whole, fraction) = match rest.split_once('.') {
            Some((whole, fraction)) if !fraction.is_empty() => (whole, fraction),
            Some(_) => return None,
            None => (rest, ""),
        };
        let digits = |s: &str| s.bytes().all(|b| b.is_ascii_digit());
        (!whole.is_empty() && digits(whole) && digits(fraction)).then_some(Self {
            negative,
            whole,
            fraction,
            exponent: 0,
        })
    }

    /// Reads a JSON number (RFC 8259), which may have an exponent.
    #[must_use]
    pub fn json(text: &'a str) -> Option<Self> {
        let Some((mantissa, exponent)) = text.split_once(['e', 'E']) else {
            return Self::plain(text);
        };
        let (down, digits) = match exponent.as_bytes().first()? {
            b'-' => (true, &exponent[1..]),
            b'+' => (false, &exponent[1..]),
            _ => (false, exponent),
        };
        if digits.is_empty() || !digits.bytes().all(|b| b.is_ascii_digit()) {
            return None;
        }
        // Far more than any text of this length could bring back into range.
        let size = digits.parse::<i64>().unwrap_or(i64::MAX).min(1 << 40);
        let exponent = if down { -size } else { size };
        Some(Self {
            exponent,
            ..Self::plain(mantissa)?
        })
    }

    /// The value times ten to the power of `places`, as an integer.
    #[must_use]
    pub fn scaled(&self, places: u32) -> Scaled {
        let digits = || self.whole.bytes().chain(self.fraction.bytes());
        let count = self.whole.len() + self.fraction.len();
        let leading = digits().take_while(|b| *b == b'0').count();
        if leading == count {
            return Scaled::Exact(0);
        }
        let trailing = digits().rev().take_while(|b| *b == b'0').count();
        let significant = count - leading - trailing;
        let length = |n: usize| i64::try_from(n).unwrap_or(i64::MAX);
        // The value is the significant digits times ten to this power, after scaling.
        let power =
            self.exponent - length(self.fraction.len()) + length(trailing) + i64::from(places);
        let kept = length(significant) + power.min(0);
        if kept <= 0 {
            return Scaled::Cut(0);
        }
        if kept + power.max(0) > 18 {
            return Scaled::TooLarge;
        }
        let kept = usize::try_from(kept).unwrap_or(usize::MAX);
        let mut value = digits()
            .skip(leading)
            .take(kept.min(significant))
            .fold(0_i64, |sum, digit| sum * 10 + i64::from(digit - b'0'));
        for _ in 0..power.max(0) {
            value *= 10;
        }
        let value = if self.negative { -value } else { value };
        if power < 0 {
            Scaled::Cut(value)
        } else {
            Scaled::Exact(value)
        }
    }
}

/// The integer that a JSON number is by value: `2`, `2.0` and `2e0` are 2, `2.5` is none.
#[must_use]
pub fn integer(number: &serde_json::Number) -> Option<i64> {
    match Decimal::json(number.as_str())?.scaled(0) {
        Scaled::Exact(value) => Some(value),
        Scaled::Cut(_) | Scaled::TooLarge => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn scaled(text: &str, places: u32) -> Option<Scaled> {
        Decimal::json(text).map(|d| d.scaled(places))
    }

    #[test]
    fn scales_by_exact_value() {
        for (text, places, expected) in [
            ("0", 2, Scaled::Exact(0)),
            ("-0.000", 2, Scaled::Exact(0)),
            ("29.990", 2, Scaled::Exact(2999)),
            ("1e2", 2, Scaled::Exact(10000)),
            ("1.5E-1", 2, Scaled::Exact(15)),
            ("1.005", 2, Scaled::Cut(100)),
            ("-1.009", 2, Scaled::Cut(-100)),
            ("0.0001", 2, Scaled::Cut(0)),
            ("1e99999999999999999999", 2, Scaled::TooLarge),
            ("1e-99999999999999999999", 2, Scaled::Cut(0)),
            ("0e99999999999999999999", 2, Scaled::Exact(0)),
            (
                "999999999999999999",
                0,
                Scaled::Exact(999_999_999_999_999_999),
            ),
            ("9999999999999999999", 0, Scaled::TooLarge),
            ("0001", 0, Scaled::Exact(1)),
        ] {
            assert_eq!(scaled(text, places), Some(expected), "{text}");
        }
    }

    #[test]
    fn refuses_what_is_no_decimal() {
        for text in [
            "", "-", ".5", "5.", "+5", " 5", "5 ", "1e", "1e+", "٣", "1,5", "NaN", "--1",
        ] {
            assert_eq!(scaled(text, 2), None, "{text:?}");
        }
        assert!(Decimal::plain("1e2").is_none());
    }
}
