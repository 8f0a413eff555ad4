//! The keys of an action, as the settings have them: one as text, or several as a list.

use std::fmt;

use serde::de::{Deserializer, SeqAccess, Visitor};
use serde::{Deserialize, Serialize};

/// `"ctrl-r"` or `["ctrl-r", "f5"]`; an empty list unbinds the action.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Keys(pub Vec<String>);

impl<'de> Deserialize<'de> for Keys {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        from.deserialize_any(OneOrMany)
    }
}

/// Says what is expected, which an untagged enum does not.
struct OneOrMany;

impl<'de> Visitor<'de> for OneOrMany {
    type Value = Keys;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a key such as \"ctrl-r\", or a list of them")
    }

    fn visit_str<E>(self, key: &str) -> Result<Keys, E> {
        Ok(Keys(vec![key.to_owned()]))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut from: A) -> Result<Keys, A::Error> {
        let mut keys = Vec::new();
        while let Some(key) = from.next_element()? {
            keys.push(key);
        }
        Ok(Keys(keys))
    }
}
