//! What lies above a screen and takes its keys: help, confirmation and forms. Each holds plain data;
//! the keys that work in it are here, what it looks like is in `view`.

use tui_input::{Input, InputRequest};

use super::app::App;
use super::keymap::{Code, Key};
use super::toast::Tone;
use crate::command::{Command, EventChoice, ReplayTarget};
use crate::domain::fault_plan::FaultPlan;
use crate::domain::scenario::Scenario;

#[derive(Clone, Debug)]
pub enum Overlay {
    Help { scroll: u16 },
    Filter(Filter),
    Confirm(Confirm),
    Inject(Inject),
    Faults(Faults),
    Replay(Replay),
}

impl Overlay {
    /// Whether characters are typed into it.
    #[must_use]
    pub fn types(&self) -> bool {
        !matches!(self, Self::Help { .. })
    }
}

/// The filter line of a screen. It works as it is typed; esc brings the old one back.
#[derive(Clone, Debug)]
pub struct Filter {
    pub input: Input,
    before: String,
}

impl Filter {
    #[must_use]
    pub fn new(text: String) -> Self {
        Self {
            input: Input::new(text.clone()),
            before: text,
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
    /// More records than this, and the count is typed.
    pub const MANY: u64 = 100;

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
        self.typed = (production || self.count > Self::MANY).then(Input::default);
        self
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
        span: Option<std::time::Duration>,
    },
    Refused(String),
}

/// What to replay, to whom, and how fast.
#[derive(Clone, Debug)]
pub struct Replay {
    pub events: EventChoice,
    pub what: String,
    /// The services first, the topic last.
    pub targets: Vec<ReplayTarget>,
    pub target: usize,
    /// Bypass idempotency.
    pub force: bool,
    pub rate: Input,
    /// 0 target, 1 idempotency, 2 rate.
    pub at: usize,
    /// Nothing was typed into the rate yet.
    pub fresh: bool,
    pub dry: Dry,
    /// The dry run's request.
    pub request: Option<uuid::Uuid>,
}

impl Replay {
    const FIELDS: usize = 3;

    #[must_use]
    pub fn new(events: EventChoice, what: String, services: Vec<String>) -> Self {
        let services = services.into_iter().map(ReplayTarget::Service);
        Self {
            events,
            what,
            targets: services.chain([ReplayTarget::Topic]).collect(),
            target: 0,
            force: false,
            rate: Input::new("25".into()),
            at: 0,
            fresh: true,
            dry: Dry::Asked,
            request: None,
        }
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
            events: self.events.clone(),
            target: self.target().clone(),
            rate: self.rate.value().trim().parse().ok()?,
            force: self.force,
            dry_run,
        })
    }
}

/// Types into a field. Whether the key was for it.
fn edit(input: &mut Input, key: Key) -> bool {
    let request = match key.code {
        Code::Char('u') if key.ctrl => InputRequest::DeleteLine,
        Code::Char('w') if key.ctrl => InputRequest::DeletePrevWord,
        Code::Char('a') if key.ctrl => InputRequest::GoToStart,
        Code::Char('e') if key.ctrl => InputRequest::GoToEnd,
        Code::Char(_) => match key.typed() {
            Some(c) if !c.is_control() && input.value().len() < 256 => InputRequest::InsertChar(c),
            _ => return false,
        },
        Code::Backspace => InputRequest::DeletePrevChar,
        Code::Delete => InputRequest::DeleteNextChar,
        Code::Left => InputRequest::GoToPrevChar,
        Code::Right => InputRequest::GoToNextChar,
        Code::Home => InputRequest::GoToStart,
        Code::End => InputRequest::GoToEnd,
        _ => return false,
    };
    input.handle(request);
    true
}

/// Types into a field that takes a number.
fn edit_number(input: &mut Input, key: Key, point: bool, fresh: &mut bool) {
    let digit = key
        .typed()
        .is_none_or(|c| c.is_ascii_digit() || (point && c == '.'));
    if digit && std::mem::take(fresh) && key.typed().is_some() {
        input.reset();
    }
    if digit && (key.typed().is_none() || input.value().len() < 9) {
        edit(input, key);
    }
}

/// The next or the previous of `len` places, around the end.
fn turn(at: usize, len: usize, forward: bool) -> usize {
    (at + if forward { 1 } else { len - 1 }) % len.max(1)
}

fn vertical(key: Key) -> Option<bool> {
    match key.code {
        Code::Down | Code::Tab => Some(true),
        Code::Up | Code::BackTab => Some(false),
        _ => None,
    }
}

impl App {
    /// A key while something lies on top. The overlay was taken; it is put back unless it is done.
    pub(super) fn on_overlay_key(&mut self, overlay: Overlay, key: Key) -> Option<Command> {
        if key.code == Code::Esc {
            if let Overlay::Filter(filter) = overlay {
                self.set_filter(filter.before);
            }
            return None;
        }
        match overlay {
            Overlay::Help { scroll } => self.help_key(scroll, key),
            Overlay::Filter(filter) => self.filter_key(filter, key),
            Overlay::Confirm(confirm) => return self.confirm_key(confirm, key),
            Overlay::Inject(form) => return self.inject_key(form, key),
            Overlay::Faults(form) => return self.faults_key(form, key),
            Overlay::Replay(form) => self.replay_key(form, key),
        }
        None
    }

    fn help_key(&mut self, scroll: u16, key: Key) {
        let scroll = match key.code {
            Code::Down | Code::Char('j') => scroll.saturating_add(1),
            Code::Up | Code::Char('k') => scroll.saturating_sub(1),
            Code::PageDown => scroll.saturating_add(10),
            Code::PageUp => scroll.saturating_sub(10),
            Code::Char('?' | 'q') => return,
            _ => scroll,
        };
        self.overlay = Some(Overlay::Help {
            scroll: scroll.min(200),
        });
    }

    fn filter_key(&mut self, mut filter: Filter, key: Key) {
        if key.code == Code::Enter {
            return;
        }
        edit(&mut filter.input, key);
        self.set_filter(filter.input.value().to_owned());
        self.overlay = Some(Overlay::Filter(filter));
    }

    fn confirm_key(&mut self, mut confirm: Confirm, key: Key) -> Option<Command> {
        match key.typed() {
            Some('y' | 'Y') if confirm.ready() => return Some(confirm.command),
            Some('n' | 'N') => return None,
            _ => {}
        }
        if let Some(input) = &mut confirm.typed {
            edit_number(input, key, false, &mut false);
        }
        self.overlay = Some(Overlay::Confirm(confirm));
        None
    }

    fn inject_key(&mut self, mut form: Inject, key: Key) -> Option<Command> {
        if let Some(forward) = vertical(key) {
            form.scenario = turn(form.scenario, Scenario::ALL.len(), forward);
        } else if key.code == Code::Enter {
            let scenario = form.chosen();
            match form.count.value().parse::<u32>() {
                Ok(count) if count > 0 => {
                    let facts = vec![("scenario", scenario.name().to_owned())];
                    let command = Command::Inject { scenario, count };
                    let confirm = Confirm::new(command, "Inject orders", facts, u64::from(count));
                    let confirm = self.guard(confirm);
                    if confirm.typed.is_none() {
                        return Some(confirm.command);
                    }
                    self.overlay = Some(Overlay::Confirm(confirm));
                    return None;
                }
                _ => self
                    .toasts
                    .say(Tone::Hint, "How many orders: a number from 1 on"),
            }
        } else {
            edit_number(&mut form.count, key, false, &mut form.fresh);
        }
        self.overlay = Some(Overlay::Inject(form));
        None
    }

    fn faults_key(&mut self, mut form: Faults, key: Key) -> Option<Command> {
        if let Some(forward) = vertical(key) {
            form.at = turn(form.at, form.fields.len(), forward);
            form.fresh = true;
        } else if key.code == Code::Enter {
            match form.plan() {
                Ok(plan) => {
                    let service = form.service;
                    let facts = vec![("consumer", service.clone())];
                    let command = Command::SetFaults { service, plan };
                    let confirm = Confirm::new(command, "Change the fault plan", facts, 1);
                    let confirm = self.guard(confirm);
                    if confirm.typed.is_none() {
                        return Some(confirm.command);
                    }
                    self.overlay = Some(Overlay::Confirm(confirm));
                    return None;
                }
                Err(sentence) => self.toasts.say(Tone::Hint, sentence),
            }
        } else {
            let at = form.at;
            edit_number(
                &mut form.fields[at],
                key,
                matches!(at, 0 | 2 | 4 | 6),
                &mut form.fresh,
            );
        }
        self.overlay = Some(Overlay::Faults(form));
        None
    }

    fn replay_key(&mut self, mut form: Replay, key: Key) {
        if let Some(forward) = vertical(key) {
            form.at = turn(form.at, Replay::FIELDS, forward);
        } else if key.code == Code::Enter {
            if let Some(confirm) = self.replay_confirm(&form) {
                self.overlay = Some(Overlay::Confirm(confirm));
                return;
            }
        } else {
            match (form.at, key.code) {
                (0, Code::Left) => form.target = turn(form.target, form.targets.len(), false),
                (0, Code::Right | Code::Char(' ')) => {
                    form.target = turn(form.target, form.targets.len(), true);
                }
                (1, Code::Left | Code::Right | Code::Char(' ')) => form.force = !form.force,
                (2, _) => edit_number(&mut form.rate, key, false, &mut form.fresh),
                _ => {}
            }
        }
        self.overlay = Some(Overlay::Replay(form));
    }

    /// The question for this form, once the dry run has counted.
    fn replay_confirm(&mut self, form: &Replay) -> Option<Confirm> {
        let count = match &form.dry {
            Dry::Counted { events: 0, .. } => {
                self.toasts.say(
                    Tone::Hint,
                    "No event matches, so there is nothing to replay",
                );
                return None;
            }
            Dry::Counted { events, .. } => *events,
            Dry::Asked => {
                self.toasts.say(Tone::Hint, "Still counting the events");
                return None;
            }
            Dry::Refused(sentence) => {
                self.toasts.say(Tone::Refused, sentence.clone());
                return None;
            }
        };
        let Some(command) = form.command(false) else {
            self.toasts.say(
                Tone::Hint,
                "The rate wants a whole number; 0 is without limit",
            );
            return None;
        };
        let to = match form.target() {
            ReplayTarget::Service(service) => format!("{service} only; other groups skip it"),
            ReplayTarget::Topic => "the event's own topic: every group sees it".to_owned(),
        };
        let idempotency = if form.force {
            "bypassed: effects double"
        } else {
            "honoured: what was handled is skipped"
        };
        let facts = vec![
            ("events", form.what.clone()),
            ("to", to),
            ("idempotency", idempotency.to_owned()),
        ];
        Some(self.guard(Confirm::new(command, "Replay", facts, count)))
    }
}
