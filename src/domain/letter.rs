//! Dead letters: what failed, why, and what became of it.

#[cfg(test)]
pub mod fixture;

use std::borrow::Cow;

use chrono::{DateTime, Utc};
use uuid::Uuid;

use super::fault::Stage;
use super::filter::{Fields, Resolved};
use super::foreign::Family;
use super::record::Headers;

/// Where a letter stands in its triage.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum LetterStatus {
    /// Failed, and waiting for a person.
    Unresolved,
    /// Did not fail itself: waits behind an earlier letter of its key.
    Blocked,
    /// A redrive means to send it.
    Queued,
    /// Sent, acknowledged by the broker, not yet reported by the consumer.
    InFlight,
    /// The consumer reported that it is done.
    Resolved,
    /// Redriven three times in vain: only a person takes it out.
    Parked,
    /// Put away with a reason.
    Archived,
}

impl LetterStatus {
    pub const ALL: [Self; 7] = [
        Self::Unresolved,
        Self::Blocked,
        Self::Queued,
        Self::InFlight,
        Self::Resolved,
        Self::Parked,
        Self::Archived,
    ];

    /// The word in the database, in JSON and on screen.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Unresolved => "unresolved",
            Self::Blocked => "blocked",
            Self::Queued => "queued",
            Self::InFlight => "in_flight",
            Self::Resolved => "resolved",
            Self::Parked => "parked",
            Self::Archived => "archived",
        }
    }

    #[must_use]
    pub fn parse(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|s| s.name() == name)
    }

    /// Still wants attention: it holds back later events of its key.
    #[must_use]
    pub fn is_open(self) -> bool {
        !matches!(self, Self::Resolved | Self::Archived)
    }
}

/// What the consumer reported of a redriven letter.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum RedriveOutcome {
    Ok,
    FailedAgain,
    /// The event had been handled before: nothing was done.
    Duplicate,
    /// The group's committed offset passed the record and nobody reported.
    Unknown,
}

impl RedriveOutcome {
    pub const ALL: [Self; 4] = [Self::Ok, Self::FailedAgain, Self::Duplicate, Self::Unknown];

    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Ok => "ok",
            Self::FailedAgain => "failed_again",
            Self::Duplicate => "duplicate",
            Self::Unknown => "unknown",
        }
    }

    #[must_use]
    pub fn parse(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|s| s.name() == name)
    }
}

/// One failed delivery and its lineage. The dead-letter topic carries the record; this is its index.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Letter {
    /// UUIDv5 of group, topic, partition and offset: the same letter however often it is written. Where
    /// one of them is unknown, of its place in the dead-letter topic.
    pub id: Uuid,
    pub status: LetterStatus,
    /// Who wrote it. Where that was not us, any fact below may be unknown.
    pub family: Family,
    /// The consumer group that failed.
    pub group: Option<String>,
    /// Where the record came from.
    pub topic: Option<String>,
    pub partition: Option<i32>,
    pub offset: Option<i64>,
    pub key: Option<Vec<u8>>,
    pub event_id: Option<Uuid>,
    pub event_type: Option<String>,
    pub correlation_id: Option<Uuid>,
    pub stage: Option<Stage>,
    /// Stable reason code such as `malformed_json`; a foreign letter's exception class.
    pub code: String,
    pub message: String,
    /// Groups letters of one cause; see [`super::fingerprint`].
    pub fingerprint: String,
    pub attempts: Option<u32>,
    pub first_failed_at: DateTime<Utc>,
    pub last_failed_at: DateTime<Utc>,
    pub redrives: u32,
    pub outcome: Option<RedriveOutcome>,
    /// The letter at the head of this key's queue, where this one only waits behind it.
    pub blocked_by: Option<Uuid>,
    /// Where it stands in the dead-letter topic; `None` for a queued row and for one the log lost.
    pub dlq: Option<DlqPlace>,
    /// What a person wrote down about it.
    pub note: Option<String>,
    /// Why it was archived the last time; it counts while the status is archived.
    pub reason: Option<String>,
}

impl Letter {
    /// `topic/partition @ offset`, with `–` for what is unknown.
    #[must_use]
    pub fn from(&self) -> String {
        let Some(topic) = &self.topic else {
            return "unknown".to_owned();
        };
        let number = |n: Option<i64>| n.map_or("–".to_owned(), |n| n.to_string());
        let partition = number(self.partition.map(i64::from));
        format!("{topic}/{partition} @ {}", number(self.offset))
    }

    /// The group that failed, as a word.
    #[must_use]
    pub fn group_name(&self) -> &str {
        self.group.as_deref().unwrap_or("unknown")
    }

    /// Why it can't be sent again as it is; `alone`: a person chose just this one.
    #[must_use]
    pub fn refusal(&self, alone: bool) -> Option<String> {
        let why = match self.status {
            LetterStatus::Parked if !alone => {
                "it was redriven three times in vain and is parked: choose it alone to try once more"
            }
            LetterStatus::Queued | LetterStatus::InFlight => "it is being redriven already",
            LetterStatus::Resolved => "it is resolved already",
            LetterStatus::Archived => "it is archived: open it again first",
            LetterStatus::Unresolved | LetterStatus::Blocked | LetterStatus::Parked => {
                return self.no_way_back().or_else(|| {
                    unreadable(self.stage, &self.code).then(|| must_be_edited("its", &self.message))
                });
            }
        };
        Some(why.to_owned())
    }

    /// Why it can't be sent edited; what can't be read may be mended so.
    #[must_use]
    pub fn edit_refusal(&self) -> Option<String> {
        match self.status {
            LetterStatus::Blocked => Some("it did not fail: it waits behind another".to_owned()),
            LetterStatus::Unresolved | LetterStatus::Parked => self.no_way_back(),
            _ => self.refusal(true),
        }
    }

    /// Why it can't be archived.
    #[must_use]
    pub fn archive_refusal(&self) -> Option<&'static str> {
        match self.status {
            LetterStatus::Unresolved | LetterStatus::Parked | LetterStatus::Blocked => None,
            LetterStatus::Queued | LetterStatus::InFlight => Some("it is being redriven"),
            LetterStatus::Resolved => Some("it is resolved already"),
            LetterStatus::Archived => Some("it is archived already"),
        }
    }

    /// Why it is put away; `None` while it is not.
    #[must_use]
    pub fn archived_because(&self) -> Option<&str> {
        let archived = self.status == LetterStatus::Archived;
        self.reason.as_deref().filter(|_| archived)
    }

    /// What a filter sees of it: words are looked for in id, key, type, code, message, group and topic, as
    /// the store does it; its time is that of the last failure. `body` is the record as it was before it failed, where the filter reads it.
    #[must_use]
    pub fn fields<'a>(&'a self, body: Option<&'a LetterBody>) -> Fields<'a> {
        let key = self.key.as_deref().map(String::from_utf8_lossy);
        let ids = [self.id.to_string(), self.id.simple().to_string()];
        let texts = [
            self.event_type.as_deref(),
            Some(&*self.code),
            Some(&*self.message),
            self.group.as_deref(),
            self.topic.as_deref(),
        ];
        let texts = texts.into_iter().flatten().map(Cow::Borrowed);
        let headers = body.iter().flat_map(|body| &body.headers);
        Fields {
            texts: ids
                .into_iter()
                .map(Cow::Owned)
                .chain(key.clone())
                .chain(texts)
                .collect(),
            key,
            // An empty one is none.
            kind: self.event_type.as_deref().filter(|kind| !kind.is_empty()),
            group: self.group.as_deref().filter(|group| !group.is_empty()),
            partition: self.partition,
            at: Some(self.last_failed_at),
            value: body.and_then(|b| serde_json::from_slice(b.value.as_deref()?).ok()),
            headers: headers
                .filter_map(|(name, value)| {
                    Some((&**name, String::from_utf8_lossy(value.as_deref()?)))
                })
                .collect(),
        }
    }

    /// Why there is no topic to send it back to.
    fn no_way_back(&self) -> Option<String> {
        let id = self.id;
        match &self.topic {
            None => Some(format!(
                "nothing on it says which topic it came from, so it can't be sent back: `evtop dlq show {id}` has its bytes to send by hand"
            )),
            Some(topic) if topic.starts_with("__") => Some(format!(
                "it says that it came from {topic}, which is Kafka's own: nothing is written there"
            )),
            Some(_) => None,
        }
    }
}

/// Whether bytes are what failed: they fail again however often they are sent. A type that nobody knew
/// may be known by now.
fn unreadable(stage: Option<Stage>, code: &str) -> bool {
    stage == Some(Stage::Decode) && code != "unknown_type"
}

fn must_be_edited(whose: &str, message: &str) -> String {
    format!(
        "{whose} bytes can't be read ({message}), so sending them again would fail again: they must be edited first"
    )
}

/// A place in a dead-letter topic.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DlqPlace {
    pub topic: String,
    pub partition: i32,
    pub offset: i64,
}

/// The original record's bytes, kept apart so that lists stay light.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct LetterBody {
    pub value: Option<Vec<u8>>,
    pub headers: Headers,
}

/// Letters of one cause.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Cause {
    pub fingerprint: String,
    pub group: Option<String>,
    /// `None` where another program does not say.
    pub stage: Option<Stage>,
    pub code: String,
    /// The newest letter's message, normalised: numbers, ids and quoted text stand as `#`.
    pub title: String,
    /// Letters of this cause that are still open.
    pub count: u64,
    pub parked: u64,
    pub redriving: u64,
    pub first: DateTime<Utc>,
    pub last: DateTime<Utc>,
    /// New letters in each of the last ten minutes, oldest first.
    pub per_minute: [u32; 10],
}

impl Cause {
    /// Why none of its letters can be sent again as they are.
    #[must_use]
    pub fn refusal(&self) -> Option<String> {
        unreadable(self.stage, &self.code).then(|| must_be_edited("their", &self.title))
    }
}

/// Which letters a page is about; empty fields do not filter.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct LetterFilter {
    pub fingerprint: Option<String>,
    pub group: Option<String>,
    pub key: Option<Vec<u8>>,
    /// Empty: every status that is still open.
    pub statuses: Vec<LetterStatus>,
    /// What was typed. The store judges its plain terms alone ([`Resolved::plain_terms`]).
    pub typed: Resolved,
    /// Only letters up to this row (`seq`): later ones are not meant.
    pub up_to: Option<i64>,
    /// Only letters among these, where the rest of it was judged on the letters.
    pub among: Option<Vec<Uuid>>,
    /// `None`: the newest failure first.
    pub order: Option<LetterOrder>,
}

/// Letters that a typed filter or a chosen order looks through, the newest failures first: what a poll asks must
/// cost the same however many there are. Where there are more, that is said; `after=` and `before=` reach others.
pub const NEWEST: u32 = 20_000;

/// How letters are sorted; what is unknown stands last.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct LetterOrder {
    pub by: LetterColumn,
    /// The largest first.
    pub down: bool,
}

/// What letters can be sorted by.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LetterColumn {
    Key,
    Type,
    /// Topic, partition and offset.
    From,
    Failed,
    Attempts,
    Status,
}
