//! The part of a filter that an index of records can judge by itself. The rule: a plain term asks exactly
//! what the filter's own judgement asks.

use super::{Field, Resolved, Term, Test};

/// A term that an index can judge, in lower case.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Plain<'a> {
    pub inverse: bool,
    pub test: PlainTest<'a>,
}

/// What a plain term asks. In a pattern `*` is any text.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PlainTest<'a> {
    /// It stands somewhere in the row's texts.
    Word(&'a str),
    Key(&'a str),
    Type(&'a str),
    Group(&'a str),
    Partition(i32),
}

impl Resolved {
    /// The terms that an index can judge as this module does. Text beyond ASCII is none of them: databases
    /// differ in its lower case.
    #[must_use]
    pub fn plain_terms(&self) -> Vec<Plain<'_>> {
        self.terms.iter().filter_map(Term::plain).collect()
    }

    /// Whether its plain terms, and the times that every row is within ([`Resolved::between`]), are all there is
    /// of it.
    #[must_use]
    pub fn is_plain(&self) -> bool {
        let time = |term: &Term<_>| matches!(term.test, Test::Time(_));
        self.terms
            .iter()
            .all(|term| term.plain().is_some() || time(term))
    }
}

impl<T> Term<T> {
    fn plain(&self) -> Option<Plain<'_>> {
        let test = match &self.test {
            Test::Word => PlainTest::Word(&self.typed),
            Test::Field(Field::Key, wanted) => PlainTest::Key(wanted),
            Test::Field(Field::Type, wanted) => PlainTest::Type(wanted),
            Test::Field(Field::Group, wanted) => PlainTest::Group(wanted),
            Test::Partition(wanted) => PlainTest::Partition(*wanted),
            _ => return None,
        };
        self.typed.is_ascii().then_some(Plain {
            inverse: self.inverse,
            test,
        })
    }
}
