//! The language of the scenario files: settings, then steps in order. A step is a table with one name,
//! so that a file reads as a list of what happens and of what must be seen then.

use std::collections::BTreeMap;

use evtop::domain::fault_plan::FaultPlan;
use serde::Deserialize;

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Scenario {
    /// What it shows, in a sentence.
    pub about: String,
    #[serde(default)]
    pub settings: Settings,
    pub step: Vec<Step>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Settings {
    pub services: Vec<String>,
    pub max_attempts: u32,
    pub handler_timeout_ms: u64,
    pub max_value_bytes: usize,
    /// 1 is 1 s, 2 s, 4 s between attempts.
    pub retry_scale: f64,
    pub batch: usize,
    /// Of each product.
    pub stock: i64,
    /// By service.
    pub faults: BTreeMap<String, FaultPlan>,
    /// Properties of every producer.
    pub producer: BTreeMap<String, String>,
    /// Whether the observers run too, for what they find.
    pub watch: bool,
    /// Whether the workers run from the start; else a `restart` starts them.
    pub workers: bool,
    /// Acts that nobody asks for: the gate is asked by the workers themselves.
    pub by_itself: u64,
    /// Where the processes share their claims; else each has them in memory.
    #[serde(skip)]
    pub redis: Option<String>,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            services: vec!["email".into(), "analytics".into(), "inventory".into()],
            max_attempts: 4,
            handler_timeout_ms: 30_000,
            max_value_bytes: 1024 * 1024,
            retry_scale: 0.02,
            batch: 100,
            stock: 1_000,
            faults: BTreeMap::new(),
            producer: BTreeMap::new(),
            watch: false,
            workers: true,
            by_itself: 0,
            redis: None,
        }
    }
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "snake_case")]
pub enum Step {
    /// Test orders, through the gate. `waits`: nobody waits for the answer, since it comes later.
    Inject {
        scenario: String,
        #[serde(default = "one")]
        count: u32,
        #[serde(default)]
        waits: bool,
    },
    /// A canonical event.
    Send(Box<Send>),
    /// A record of any bytes.
    Raw(Raw),
    /// A record that was sent before `as` a name, once more.
    Resend {
        name: String,
    },
    Pause {
        service: String,
    },
    Resume {
        service: String,
    },
    /// Replaces a service's fault plan.
    Faults {
        service: String,
        plan: FaultPlan,
    },
    /// A second instance of a service joins its group, or goes.
    Join {
        service: String,
    },
    Leave {
        service: String,
    },
    /// Cuts everybody off the broker, or ends that.
    Broker {
        down: bool,
    },
    /// Another connection takes the store's write lock, or lets go.
    Store {
        locked: bool,
    },
    /// A person looks at the letters: what is done to a whole cause from now on is meant for those that came
    /// before.
    Look {},
    Redrive(Redrive),
    Replay(Replay),
    /// Cancels the operation that was started last; `elsewhere`: by another process.
    Cancel {
        #[serde(default)]
        elsewhere: bool,
        /// It is refused, with these words.
        refused: Option<String>,
    },
    /// Another process pauses the operation that was started last, or resumes it.
    StandStill {
        operation: bool,
        /// It is refused, with these words.
        refused: Option<String>,
    },
    /// Forgets which messages were handled so far, as pruning does after weeks.
    Forget {},
    /// A partition of the broker has as much unread as it can keep, or room again.
    Full {
        on: bool,
    },
    /// A process that began a redrive of every letter, and says that it drives it or has fallen silent.
    Driver {
        silent: bool,
    },
    /// Ends the workers in order, with what is in flight, and starts new ones unless `start` is false.
    Restart {
        #[serde(default = "yes")]
        start: bool,
    },
    /// Forgets the index of dead letters, reads their topics again, and compares.
    RebuildIndex {},
    /// A read-only gate refuses every command that writes, and writes nothing itself.
    RefusesWrites {},
    Expect(Box<Expect>),
}

impl Step {
    /// Its word, roughly as in the file.
    pub fn name(&self) -> String {
        let text = format!("{self:?}").to_lowercase();
        text.split([' ', '(']).next().unwrap_or_default().to_owned()
    }
}

#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Send {
    pub event: String,
    /// Its order, and so its key: `A` is `ORD-A`.
    pub order: String,
    /// So many orders, `A0` and on.
    pub count: Option<u32>,
    /// So many events of the same order.
    pub repeat: Option<u32>,
    /// Fault plans are shares: an unlucky event is hit by every plan of at least a half, another only
    /// by plans above that.
    pub unlucky: bool,
    /// Through the outbox instead of straight to the topic.
    pub outbox: bool,
    pub no_key: bool,
    pub partition: Option<i32>,
    pub headers: BTreeMap<String, String>,
    /// Product and quantity.
    pub items: BTreeMap<String, u32>,
    /// Replaces fields of the envelope, of its `data`.
    pub envelope: serde_json::Map<String, serde_json::Value>,
    pub data: serde_json::Map<String, serde_json::Value>,
    /// Bytes of an unknown field that makes it large.
    pub padding: usize,
    /// Remember it for `resend`.
    #[serde(rename = "as")]
    pub name: Option<String>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Raw {
    pub topic: Option<String>,
    pub key: Option<String>,
    pub partition: Option<i32>,
    pub headers: BTreeMap<String, String>,
    /// The value: one of these, or none at all.
    pub text: Option<String>,
    pub base64: Option<String>,
    pub size: Option<usize>,
    #[serde(rename = "as")]
    pub name: Option<String>,
}

/// Redrives the letters that match.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Redrive {
    pub group: Option<String>,
    pub code: Option<String>,
    pub order: Option<String>,
    /// The whole cause of the first match, instead of the letters themselves.
    pub cause: bool,
    /// So many of the cause were confirmed; as many as there are where it is absent.
    pub confirmed: Option<u64>,
    pub rate: u32,
    /// Sends the first of them edited: parts of its value, as `path=value`.
    pub set: Vec<String>,
    /// Archives them with this reason, instead of a redrive; an empty one opens them again.
    pub archive: Option<String>,
    /// Archives also what waits behind them.
    pub behind: bool,
    /// Asked by another process that drives nothing.
    pub elsewhere: bool,
    /// Who asks goes away at once: the instance that runs must carry it out.
    pub leaves: bool,
    /// The letters in the opposite order.
    pub reversed: bool,
    /// It is refused, with these words.
    pub refused: Option<String>,
}

/// Replays the events that match.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Replay {
    pub order: Option<String>,
    pub event: Option<String>,
    /// A service; all who read the topic where it is absent.
    pub into: Option<String>,
    pub rate: u32,
    pub force: bool,
    /// Only count: that many.
    pub would: Option<u64>,
    pub refused: Option<String>,
}

/// What must come to be within `within_ms`; absent fields are not looked at.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Expect {
    pub within_ms: Option<u64>,
    /// Do not wait until the outbox is empty and every group has committed every offset.
    pub unsettled: bool,
    /// Counters by service, over all its instances.
    pub meters: BTreeMap<String, Meters>,
    /// Rows of the e-mail log.
    pub mails: Option<usize>,
    /// An order's mails, by what their subjects contain.
    pub mails_of: BTreeMap<String, Vec<String>>,
    /// Of a product: available and reserved.
    pub stock: BTreeMap<String, (i64, i64)>,
    /// Orders that analytics counted.
    pub counted_orders: Option<u64>,
    /// The event store by type; types left out must not be there.
    pub events: Option<BTreeMap<String, u64>>,
    /// An order's events, in order.
    pub stream: BTreeMap<String, Vec<String>>,
    /// Rows waiting in the outbox, where not none.
    pub outbox: u64,
    /// Orders whose keys are parked in the outbox.
    pub parked_keys: Option<Vec<String>>,
    /// Every letter there is, in any order.
    pub letters: Option<Vec<LetterIs>>,
    /// Records in dead-letter topics; those left out must be empty.
    pub dlq: Option<BTreeMap<String, u64>>,
    /// Keys that are blocked, by group.
    pub blocked_keys: BTreeMap<String, u64>,
    /// The operation that was started last.
    pub operation: Option<OperationIs>,
    /// Whoever drives it has gone on saying so.
    pub driven: bool,
    /// A service's state, over its first instance.
    pub state: BTreeMap<String, String>,
    /// A service's partitions that wait, with what is in the reason.
    pub held: BTreeMap<String, String>,
    /// Events of a service at work.
    pub in_flight: BTreeMap<String, u64>,
    /// What the relay says it does.
    pub relay: Option<String>,
    /// Words of findings on screen.
    pub findings: Vec<String>,
    /// How many instances of a service own partitions.
    pub owners: BTreeMap<String, usize>,
    /// Audit rows by action; each act has two.
    pub audit: BTreeMap<String, u64>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Meters {
    pub handled: Option<u64>,
    pub handled_at_least: Option<u64>,
    pub handled_at_most: Option<u64>,
    pub duplicates: Option<u64>,
    pub dead: Option<u64>,
    pub queued: Option<u64>,
    pub retries: Option<u64>,
    pub skipped: Option<u64>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct LetterIs {
    /// How many there are of this kind; one where absent.
    pub count: Option<usize>,
    pub group: Option<String>,
    pub order: Option<String>,
    pub code: Option<String>,
    pub stage: Option<String>,
    pub status: Option<String>,
    pub outcome: Option<String>,
    pub attempts: Option<u32>,
    pub redrives: Option<u32>,
    pub event: Option<String>,
    /// The message contains it.
    pub message: Option<String>,
    /// It waits behind another letter.
    pub blocked: Option<bool>,
    /// It has a record in a dead-letter topic.
    pub on_topic: Option<bool>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct OperationIs {
    pub state: Option<String>,
    pub total: Option<u64>,
    pub sent: Option<u64>,
    pub paused: Option<bool>,
    pub sent_at_most: Option<u64>,
    pub ok: Option<u64>,
    pub failed_again: Option<u64>,
    pub duplicate: Option<u64>,
    pub unknown: Option<u64>,
    pub refused: Option<u64>,
    pub left: Option<u64>,
    pub note: Option<String>,
}

fn one() -> u32 {
    1
}

fn yes() -> bool {
    true
}
