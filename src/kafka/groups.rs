//! Consumer groups as the broker knows them, ours and others alike.

use super::consumer::Place;

/// A group's state and who is in it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct GroupInfo {
    pub name: String,
    /// The broker's word, such as `Stable` or `Empty`.
    pub state: String,
    pub members: Vec<Member>,
}

/// A member of a group.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Member {
    pub client: String,
    pub host: String,
    /// What it reads.
    pub places: Vec<Place>,
}
