//! Reads the fields of one payload object, each with its rule. Messages name the field by its path.

use chrono::{DateTime, Utc};
use email_address::{EmailAddress, Options};
use serde_json::{Map, Value};

use crate::domain::decimal;
use crate::domain::describe::{cut, kind};
use crate::domain::ids;
use crate::domain::money::Money;
use crate::domain::reject::Reject;
use crate::domain::time;

const MAX_QUANTITY: i64 = 1000;

/// One object and the path to it: empty, or as `items[2].`.
pub(super) struct Fields<'a> {
    map: &'a Map<String, Value>,
    path: String,
}

impl<'a> Fields<'a> {
    pub(super) fn new(map: &'a Map<String, Value>) -> Self {
        Self {
            map,
            path: String::new(),
        }
    }

    /// The value; null is absent.
    pub(super) fn get(&self, name: &str) -> Option<&'a Value> {
        self.map.get(name).filter(|value| !value.is_null())
    }

    fn need(&self, name: &str) -> Result<&'a Value, Reject> {
        self.get(name).ok_or_else(|| self.error(name, "is missing"))
    }

    pub(super) fn error(&self, name: &str, problem: impl AsRef<str>) -> Reject {
        Reject::validation(format!("{}{name} {}", self.path, problem.as_ref()))
    }

    fn str(&self, name: &str, value: &'a Value) -> Result<&'a str, Reject> {
        value
            .as_str()
            .ok_or_else(|| self.error(name, format!("must be text, not {}", kind(value))))
    }

    /// An id: 1 to 100 characters, not blank, no control characters.
    pub(super) fn id(&self, name: &str) -> Result<String, Reject> {
        let text = self.str(name, self.need(name)?)?;
        match ids::problem(text) {
            Some(problem) => Err(self.error(name, problem)),
            None => Ok(text.to_owned()),
        }
    }

    /// A text of 1 to `max` characters.
    pub(super) fn text(&self, name: &str, max: usize) -> Result<String, Reject> {
        self.need(name)?;
        self.optional_text(name, max).map(Option::unwrap_or_default)
    }

    pub(super) fn optional_text(&self, name: &str, max: usize) -> Result<Option<String>, Reject> {
        let Some(value) = self.get(name) else {
            return Ok(None);
        };
        let text = self.str(name, value)?;
        match ids::text_problem(text, max) {
            Some(problem) => Err(self.error(name, problem)),
            None => Ok(Some(text.to_owned())),
        }
    }

    /// Any text, such as why something happened; it must be there, but may say nothing.
    pub(super) fn free_text(&self, name: &str) -> Result<String, Reject> {
        self.str(name, self.need(name)?).map(str::to_owned)
    }

    pub(super) fn optional_free_text(&self, name: &str) -> Result<Option<String>, Reject> {
        self.get(name).map(|_| self.free_text(name)).transpose()
    }

    /// Money above zero.
    pub(super) fn amount(&self, name: &str) -> Result<Money, Reject> {
        match self.money(name, self.need(name)?)? {
            amount if amount > Money::ZERO => Ok(amount),
            amount => Err(self.error(name, format!("is {amount} and must be above 0"))),
        }
    }

    pub(super) fn optional_amount(&self, name: &str) -> Result<Option<Money>, Reject> {
        self.get(name).map(|_| self.amount(name)).transpose()
    }

    /// Money of zero or more; zero where absent.
    pub(super) fn refund(&self, name: &str) -> Result<Money, Reject> {
        let Some(value) = self.get(name) else {
            return Ok(Money::ZERO);
        };
        match self.money(name, value)? {
            amount if amount >= Money::ZERO => Ok(amount),
            amount => Err(self.error(name, format!("is {amount} and must not be below 0"))),
        }
    }

    fn money(&self, name: &str, value: &Value) -> Result<Money, Reject> {
        Money::from_json(value).map_err(|error| {
            let sentence = error.to_string();
            if sentence.starts_with("must") {
                self.error(name, sentence)
            } else {
                self.error(name, format!("is no amount of money: {sentence}"))
            }
        })
    }

    /// A number with an integral value from 1 to 1000.
    pub(super) fn quantity(&self, name: &str) -> Result<u32, Reject> {
        let value = self.need(name)?;
        let Value::Number(number) = value else {
            return Err(self.error(name, format!("must be a number, not {}", kind(value))));
        };
        let written = cut(number.as_str());
        match decimal::integer(number) {
            Some(quantity @ 1..=MAX_QUANTITY) => Ok(u32::try_from(quantity).unwrap_or(u32::MAX)),
            Some(_) => Err(self.error(name, format!("is {written} and must be from 1 to 1000"))),
            None => Err(self.error(name, format!("is {written} and must be a whole number"))),
        }
    }

    /// A time, or `default` where absent.
    pub(super) fn time(&self, name: &str, default: DateTime<Utc>) -> Result<DateTime<Utc>, Reject> {
        match self.get(name) {
            None => Ok(default),
            Some(value) => time::from_json(value)
                .ok_or_else(|| self.error(name, "is no RFC 3339 time between 1970 and 9999")),
        }
    }

    /// An e-mail address that a mail could reach: a domain with a dot, no display name, no IP literal.
    pub(super) fn email(&self, name: &str) -> Result<Option<String>, Reject> {
        let Some(value) = self.get(name) else {
            return Ok(None);
        };
        let text = self.str(name, value)?;
        let options = Options::default()
            .with_required_tld()
            .without_domain_literal()
            .without_display_text();
        match EmailAddress::parse_with_options(text, options) {
            Ok(_) => Ok(Some(text.to_owned())),
            Err(error) => {
                let problem = error.to_string().trim_end_matches('.').to_owned();
                Err(self.error(name, format!("is no e-mail address: {problem}")))
            }
        }
    }

    /// One of a closed set of words.
    pub(super) fn word<T: Copy>(
        &self,
        name: &str,
        all: &[T],
        word: fn(T) -> &'static str,
    ) -> Result<T, Reject> {
        let text = self.str(name, self.need(name)?)?;
        all.iter()
            .copied()
            .find(|one| word(*one) == text)
            .ok_or_else(|| {
                let words: Vec<_> = all.iter().map(|one| word(*one)).collect();
                let text = cut(text);
                self.error(
                    name,
                    format!("is \"{text}\" and must be one of {}", words.join(", ")),
                )
            })
    }

    /// The objects of a list that must not be empty, in order.
    pub(super) fn list<T>(
        &self,
        name: &str,
        read: impl Fn(&Fields<'a>) -> Result<T, Reject>,
    ) -> Result<Vec<T>, Reject> {
        let value = self.need(name)?;
        let Value::Array(values) = value else {
            return Err(self.error(name, format!("must be a list, not {}", kind(value))));
        };
        if values.is_empty() {
            return Err(self.error(name, "must have at least one"));
        }
        let one = |(i, value): (usize, &'a Value)| match value {
            Value::Object(map) => read(&Fields {
                map,
                path: format!("{}{name}[{i}].", self.path),
            }),
            other => Err(self.error(
                &format!("{name}[{i}]"),
                format!("must be an object, not {}", kind(other)),
            )),
        };
        values.iter().enumerate().map(one).collect()
    }
}
