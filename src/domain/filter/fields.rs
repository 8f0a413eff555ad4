//! Which fields the rows of each list have. A filter that asks a list for another is refused: a row that has
//! no such field would pass no term about it.

use super::{Field, Term, Test};

/// What a filter narrows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum List {
    Letters,
    /// A topic's records.
    Records,
    /// The event store's timeline.
    Events,
    /// Groups, their topics and partitions.
    Lag,
    Consumers,
    /// Rows that wait, are held back or were sent.
    Outbox,
    /// Operations, audit and log have one filter, so it may ask what all three have.
    Activity,
    /// Rows that are text alone: findings, names of topics.
    Texts,
}

impl List {
    /// Its fields, as they are typed.
    #[must_use]
    pub fn fields(self) -> &'static [&'static str] {
        match self {
            Self::Letters => &[
                "key",
                "type",
                "group",
                "partition",
                "after",
                "before",
                "value",
                "header",
            ],
            Self::Records => &[
                "key",
                "type",
                "partition",
                "after",
                "before",
                "value",
                "header",
            ],
            Self::Events => &["key", "type", "after", "before", "value"],
            Self::Lag => &["key", "type", "group", "partition"],
            Self::Consumers => &["type", "group"],
            Self::Outbox => &["key", "type", "after", "before"],
            Self::Activity => &["type", "after", "before"],
            Self::Texts => &[],
        }
    }

    pub(super) fn has_all<T>(self, terms: &[Term<T>]) -> Result<(), String> {
        let has = self.fields();
        let mut asked = terms.iter().filter_map(|term| Some((term, term.field()?)));
        let Some((term, name)) = asked.find(|(_, field)| !has.contains(field)) else {
            return Ok(());
        };
        let words: Vec<String> = has.iter().copied().map(shown).collect();
        let (field, typed) = (shown(name), &term.typed);
        let missing = match words.split_last() {
            None => format!("this list has no {field}, only words"),
            Some((last, [])) => format!("this list has no {field}; it has {last}"),
            Some((last, first)) => {
                let first = first.join(", ");
                format!("this list has no {field}; it has {first} and {last}")
            }
        };
        // A name that no list has was meant as a word, it may be.
        let text = words.is_empty() || matches!(term.test, Test::Field(Field::Other(_), _));
        Err(match text {
            true => format!("{missing}; to find that text, quote it: \"{typed}\""),
            false => missing,
        })
    }
}

/// A field as one types it.
fn shown(field: &str) -> String {
    match field {
        "value" => "value.path=".to_owned(),
        "header" => "header.name=".to_owned(),
        field => format!("{field}="),
    }
}

impl<T> Term<T> {
    /// The field that it asks for; words and expressions ask for none.
    fn field(&self) -> Option<&str> {
        match &self.test {
            Test::Word | Test::Regex(_) => None,
            Test::Field(Field::Key, _) => Some("key"),
            Test::Field(Field::Type, _) => Some("type"),
            Test::Field(Field::Group, _) => Some("group"),
            Test::Field(Field::Value(_), _) => Some("value"),
            Test::Field(Field::Header(_), _) => Some("header"),
            Test::Field(Field::Other(name), _) => Some(name),
            Test::Partition(_) => Some("partition"),
            Test::Time(bound) => Some(bound.name()),
        }
    }
}
