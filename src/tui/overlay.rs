//! What lies above a screen and takes its keys: help, confirmation and forms. Each holds plain data;
//! the keys that work in it are in `typing`, what it looks like is in `view`.

use tui_input::Input;

use super::editing::Editing;
use super::palette::Palette;
use super::save::Save;
use super::sieve::Sieve;
use super::theme::Theme;
use super::triage::Triage;
use crate::command::{Command, Confirmed, EventChoice, ReplayTarget, wants_count};
use crate::domain::fault_plan::FaultPlan;
use crate::domain::position::Position;
use crate::domain::scenario::Scenario;
use crate::domain::when::Start;

#[derive(Clone, Debug)]
pub enum Overlay {
    Help { scroll: u16 },
    Filter(Filter),
    Confirm(Confirm),
    Inject(Inject),
    Faults(Faults),
    Replay(Replay),
    Palette(Palette),
    Themes(Themes),
    Triage(Triage),
    Edit(Box<Editing>),
    Save(Save),
    Start(StartForm),
}

impl Overlay {
    /// Whether characters are typed into it.
    #[must_use]
    pub fn types(&self) -> bool {
        !matches!(self, Self::Help { .. } | Self::Themes(_))
    }
}

/// Which theme is seen, and the one to go back to.
#[derive(Clone, Debug)]
pub struct Themes {
    pub at: usize,
    pub(super) before: Theme,
}

/// The filter line of a screen. It works as it is typed; esc brings the old one back.
#[derive(Clone, Debug)]
pub struct Filter {
    pub input: Input,
    pub(super) before: Sieve,
}

impl Filter {
    #[must_use]
    pub fn new(before: Sieve) -> Self {
        Self {
            input: Input::new(before.text().to_owned()),
            before,
        }
    }
}

/// Where reading a topic is to begin, as it is typed.
#[derive(Clone, Debug)]
pub struct StartForm {
    pub input: Input,
    /// Nothing was typed yet: the first character replaces what stands there.
    pub fresh: bool,
}

impl StartForm {
    #[must_use]
    pub fn new(start: Start) -> Self {
        Self {
            input: Input::new(start.to_string()),
            fresh: true,
        }
    }
}

/// A question before something is done. It carries the very command; Enter answers nothing.
#[derive(Clone, Debug)]
pub struct Confirm {
    pub command: Command,
    pub title: String,
    /// What it is about: label and words.
    pub facts: Vec<(&'static str, String)>,
    pub count: u64,
    /// Where the count is typed, when it must be.
    pub typed: Option<Input>,
}

impl Confirm {
    #[must_use]
    pub fn new(
        command: Command,
        title: &str,
        facts: Vec<(&'static str, String)>,
        count: u64,
    ) -> Self {
        Self {
            command,
            title: title.to_owned(),
            facts,
            count,
            typed: None,
        }
    }

    #[must_use]
    pub fn guarded(mut self, production: bool) -> Self {
        self.typed = wants_count(self.count, production).then(Input::default);
        self
    }

    /// What is still to be typed before `y` would send it.
    #[must_use]
    pub fn missing(&self) -> String {
        let typed = self.typed.as_ref().map_or("", Input::value);
        let count = self.count.to_string();
        if typed.is_empty() || (count.starts_with(typed) && typed != count) {
            format!("y confirms once it says {count}")
        } else {
            format!("{typed} is not {count}")
        }
    }

    /// Whether `y` would send it.
    #[must_use]
    pub fn ready(&self) -> bool {
        let count = self.count.to_string();
        self.typed
            .as_ref()
            .is_none_or(|input| input.value() == count)
    }
}

/// Which orders to inject, and how many.
#[derive(Clone, Debug)]
pub struct Inject {
    pub scenario: usize,
    pub count: Input,
    /// Nothing was typed yet: the first digit replaces what stands there.
    pub fresh: bool,
}

impl Inject {
    #[must_use]
    pub fn new() -> Self {
        Self {
            scenario: 0,
            count: Input::new("1".into()),
            fresh: true,
        }
    }

    /// How many orders, or what is missing for that.
    pub fn orders(&self) -> Result<u32, &'static str> {
        match self.count.value() {
            "" => Err("Type how many: a number from 1 on"),
            text => match text.parse() {
                Ok(count @ 1..=1_000_000) => Ok(count),
                _ => Err("A number from 1 to 1000000"),
            },
        }
    }

    #[must_use]
    pub fn chosen(&self) -> Scenario {
        Scenario::ALL[self.scenario.min(Scenario::ALL.len() - 1)]
    }
}

impl Default for Inject {
    fn default() -> Self {
        Self::new()
    }
}

/// A service's fault plan as fields.
#[derive(Clone, Debug)]
pub struct Faults {
    pub service: String,
    pub fields: Box<[Input; 9]>,
    pub at: usize,
    /// Nothing was typed into this field yet: the first digit replaces what stands there.
    pub fresh: bool,
}

impl Faults {
    /// Label and unit of each field.
    pub const LABELS: [(&'static str, &'static str); 9] = [
        ("fails for a while", "% of events"),
        ("attempts that fail", ""),
        ("fails for good", "% of events"),
        ("until redriven", "times"),
        ("is slow", "% of events"),
        ("takes when slow", "ms"),
        ("panics", "% of events"),
        ("slow in bursts of", "s, 0 is always"),
        ("a burst every", "s"),
    ];

    #[must_use]
    pub fn new(service: String, plan: &FaultPlan) -> Self {
        let share = |share: f64| (share * 100_000.0).round() / 1_000.0;
        let fields = [
            share(plan.transient).to_string(),
            plan.transient_times.to_string(),
            share(plan.permanent).to_string(),
            plan.permanent_times.to_string(),
            share(plan.slow).to_string(),
            plan.slow_ms.to_string(),
            share(plan.panic).to_string(),
            plan.burst_secs.to_string(),
            plan.burst_every_secs.to_string(),
        ];
        Self {
            service,
            fields: Box::new(fields.map(Input::new)),
            at: 0,
            fresh: true,
        }
    }

    /// Whether a field takes a percentage, not a whole number.
    #[must_use]
    pub fn is_share(at: usize) -> bool {
        Self::LABELS
            .get(at)
            .is_some_and(|(_, unit)| unit.starts_with('%'))
    }

    /// The plan as typed, or the field that can't be read and why.
    pub fn plan(&self) -> Result<FaultPlan, String> {
        Ok(FaultPlan {
            transient: self.share(0)?,
            transient_times: self.number(1)?,
            permanent: self.share(2)?,
            permanent_times: self.number(3)?,
            slow: self.share(4)?,
            slow_ms: self.number(5)?,
            panic: self.share(6)?,
            burst_secs: self.number(7)?,
            burst_every_secs: self.number(8)?,
        })
    }

    fn share(&self, at: usize) -> Result<f64, String> {
        let percent: Option<f64> = self.fields[at].value().trim().parse().ok();
        percent
            .filter(|percent| (0.0..=100.0).contains(percent))
            .map(|percent| percent / 100.0)
            .ok_or_else(|| {
                format!(
                    "\"{}\" wants a percentage from 0 to 100",
                    Self::LABELS[at].0
                )
            })
    }

    fn number<T: std::str::FromStr>(&self, at: usize) -> Result<T, String> {
        let value = self.fields[at].value().trim().parse();
        value.map_err(|_| format!("\"{}\" wants a whole number", Self::LABELS[at].0))
    }
}

/// What a dry run has said of a replay so far.
#[derive(Clone, Debug, PartialEq)]
pub enum Dry {
    Asked,
    Counted {
        events: u64,
        /// The last of them.
        last: Option<Position>,
        span: Option<std::time::Duration>,
    },
    Refused(String),
}

/// What to replay, to whom, and how fast.
#[derive(Clone, Debug)]
pub struct Replay {
    /// Which events, with the words for it: the one under the cursor, its stream from there on, all of it.
    pub choices: Vec<(EventChoice, String)>,
    pub choice: usize,
    /// The services first, the topic last.
    pub targets: Vec<ReplayTarget>,
    pub target: usize,
    /// Bypass idempotency.
    pub force: bool,
    pub rate: Input,
    /// 0 events, 1 target, 2 idempotency, 3 rate.
    pub at: usize,
    /// Nothing was typed into the rate yet.
    pub fresh: bool,
    pub dry: Dry,
    /// The dry run's request.
    pub request: Option<uuid::Uuid>,
}

impl Replay {
    pub(super) const FIELDS: usize = 4;

    #[must_use]
    pub fn new(choices: Vec<(EventChoice, String)>, choice: usize, services: Vec<String>) -> Self {
        let services = services.into_iter().map(ReplayTarget::Service);
        Self {
            choices,
            choice,
            targets: services.chain([ReplayTarget::Topic]).collect(),
            target: 0,
            force: false,
            rate: Input::new("25".into()),
            at: 1,
            fresh: true,
            dry: Dry::Asked,
            request: None,
        }
    }

    /// The words for the events that are chosen.
    #[must_use]
    pub fn what(&self) -> &str {
        self.choices.get(self.choice).map_or("", |(_, what)| what)
    }

    #[must_use]
    pub fn target(&self) -> &ReplayTarget {
        self.targets
            .get(self.target)
            .unwrap_or(&ReplayTarget::Topic)
    }

    /// The command as the form stands; `None` while the rate can't be read.
    #[must_use]
    pub fn command(&self, dry_run: bool) -> Option<Command> {
        Some(Command::Replay {
            events: self.choices.get(self.choice)?.0.clone(),
            target: self.target().clone(),
            // Counting needs no rate.
            rate: match self.rate.value().trim().parse() {
                Err(_) if dry_run => 0,
                rate => rate.ok()?,
            },
            force: self.force,
            confirmed: match self.dry {
                Dry::Counted {
                    events,
                    last: Some(last),
                    ..
                } if !dry_run => Some(Confirmed {
                    up_to: last,
                    count: events,
                }),
                _ => None,
            },
            dry_run,
        })
    }
}
