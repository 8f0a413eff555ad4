//! Money in cents: exact, never a float.

use std::fmt;

use serde_json::Value;
use thiserror::Error;

use super::decimal::{Decimal, Scaled};
use super::describe;

/// An amount in cents of its currency. Shown and sent as `129.97`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Money(i64);

/// Why a text or JSON value is no amount of money.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum MoneyError {
    #[error("\"{0}\" is not a decimal number")]
    NotDecimal(String),
    #[error("{0} has more than two decimals")]
    TooPrecise(String),
    #[error("{0} is more than 9999999999.99")]
    TooLarge(String),
    #[error("must be a number or a decimal text, not {0}")]
    WrongType(&'static str),
}

impl Money {
    pub const ZERO: Self = Self(0);
    /// One cent: by so much a total may differ from what it sums up.
    pub const CENT: Self = Self(1);
    /// The largest amount that is read: 9 999 999 999.99.
    pub const MAX: Self = Self(999_999_999_999);

    #[must_use]
    pub const fn from_cents(cents: i64) -> Self {
        Self(cents)
    }

    #[must_use]
    pub const fn cents(self) -> i64 {
        self.0
    }

    /// Reads `-?\d+(\.\d+)?` by its exact value: `29.990` is 29.99, `29.999` is none.
    pub fn parse_str(text: &str) -> Result<Self, MoneyError> {
        Self::exact(Decimal::plain(text), text)
    }

    /// Reads a JSON number (`1e2` is 100) or a decimal text.
    pub fn from_json(value: &Value) -> Result<Self, MoneyError> {
        match value {
            Value::Number(number) => Self::exact(Decimal::json(number.as_str()), number.as_str()),
            Value::String(text) => Self::parse_str(text),
            Value::Null | Value::Bool(_) | Value::Array(_) | Value::Object(_) => {
                Err(MoneyError::WrongType(describe::kind(value)))
            }
        }
    }

    fn exact(decimal: Option<Decimal<'_>>, text: &str) -> Result<Self, MoneyError> {
        let decimal = decimal.ok_or_else(|| MoneyError::NotDecimal(describe::cut(text)))?;
        match decimal.scaled(2) {
            Scaled::Exact(cents) if cents.abs() <= Self::MAX.0 => Ok(Self(cents)),
            Scaled::Exact(_) | Scaled::TooLarge => Err(MoneyError::TooLarge(describe::cut(text))),
            Scaled::Cut(_) => Err(MoneyError::TooPrecise(describe::cut(text))),
        }
    }

    #[must_use]
    pub fn checked_add(self, other: Self) -> Option<Self> {
        self.0.checked_add(other.0).map(Self)
    }

    #[must_use]
    pub fn checked_sub(self, other: Self) -> Option<Self> {
        self.0.checked_sub(other.0).map(Self)
    }

    #[must_use]
    pub fn checked_mul(self, quantity: u32) -> Option<Self> {
        self.0.checked_mul(i64::from(quantity)).map(Self)
    }

    /// Whether the two differ by a cent at most.
    #[must_use]
    pub fn is_close_to(self, other: Self) -> bool {
        self.0.abs_diff(other.0) <= Self::CENT.0.unsigned_abs()
    }

    /// The wire form: a text, since a JSON number may be read as a float elsewhere.
    #[must_use]
    pub fn to_json(self) -> Value {
        Value::String(self.to_string())
    }
}

impl fmt::Display for Money {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let sign = if self.0 < 0 { "-" } else { "" };
        let cents = self.0.unsigned_abs();
        f.pad(&format!("{sign}{}.{:02}", cents / 100, cents % 100))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn json(text: &str) -> Result<Money, MoneyError> {
        Money::from_json(&serde_json::from_str(text).unwrap())
    }

    #[test]
    fn reads_numbers_and_texts_exactly() {
        for (text, cents) in [
            ("129.97", 12997),
            ("\"129.97\"", 12997),
            ("29.990", 2999),
            ("1e2", 10000),
            ("1.5E1", 1500),
            ("0.1", 10),
            ("-3", -300),
            ("9999999999.99", 999_999_999_999),
            ("\"0009.50\"", 950),
        ] {
            assert_eq!(json(text), Ok(Money(cents)), "{text}");
        }
    }

    #[test]
    fn refuses_the_rest_with_a_sentence() {
        for (text, sentence) in [
            ("29.999", "29.999 has more than two decimals"),
            ("10000000000", "10000000000 is more than 9999999999.99"),
            ("1e400", "1e+400 is more than 9999999999.99"),
            ("\"1e2\"", "\"1e2\" is not a decimal number"),
            ("\" 1\"", "\" 1\" is not a decimal number"),
            ("\"١\"", "\"١\" is not a decimal number"),
            ("true", "must be a number or a decimal text, not a boolean"),
            ("null", "must be a number or a decimal text, not null"),
        ] {
            assert_eq!(json(text).unwrap_err().to_string(), sentence, "{text}");
        }
    }

    #[test]
    fn prints_two_decimals() {
        for (cents, text) in [
            (0, "0.00"),
            (5, "0.05"),
            (-5, "-0.05"),
            (-12997, "-129.97"),
            (i64::MIN, "-92233720368547758.08"),
        ] {
            assert_eq!(Money(cents).to_string(), text);
        }
        assert_eq!(format!("{:>8}", Money(150)), "    1.50");
    }

    #[test]
    fn overflow_is_none() {
        assert_eq!(Money(i64::MAX).checked_add(Money(1)), None);
        assert_eq!(Money(i64::MAX / 2).checked_mul(3), None);
        assert_eq!(Money(1250).checked_mul(3), Some(Money(3750)));
    }
}
