//! What a key can mean. One table: dispatch, the hint bar, the help and the names in the configuration
//! are all read from it.

use crate::command::Screen;

/// Something that a person can bind a key to.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Action {
    Go(Screen),
    NextScreen,
    PreviousScreen,
    Up,
    Down,
    Left,
    Right,
    PageUp,
    PageDown,
    Top,
    Bottom,
    Open,
    Back,
    Mark,
    MarkAll,
    Redrive,
    RedriveMany,
    Edit,
    Archive,
    ArchiveMany,
    Unarchive,
    UnarchiveMany,
    Note,
    Export,
    ShowArchived,
    Replay,
    ReplayMany,
    Raw,
    Message,
    Start,
    Correlation,
    PauseConsumer,
    ResumeConsumer,
    Faults,
    PauseOperation,
    ResumeOperation,
    CancelOperation,
    TrafficDown,
    TrafficUp,
    Inject,
    Filter,
    Sort,
    SortReverse,
    Copy,
    Write,
    Freeze,
    Faster,
    Slower,
    Theme,
    Palette,
    Help,
    Quit,
}

/// One row of the table.
#[derive(Clone, Copy, Debug)]
pub struct Row {
    pub action: Action,
    /// The name in the configuration.
    pub name: &'static str,
    pub keys: &'static [&'static str],
    /// Where it works; empty is everywhere.
    pub screens: &'static [Screen],
    /// A line of the help.
    pub help: &'static str,
    /// The word in the hint bar, for what is worth its place there.
    pub hint: Option<&'static str>,
    /// Which hints stand where there is no room for all: the lowest first.
    pub rank: u8,
    /// It changes something outside this process: read-only forbids it.
    pub writes: bool,
}

impl Row {
    const fn ranked(self, rank: u8) -> Self {
        Self { rank, ..self }
    }
}

const fn look(
    action: Action,
    name: &'static str,
    keys: &'static [&'static str],
    screens: &'static [Screen],
    help: &'static str,
    hint: Option<&'static str>,
) -> Row {
    Row {
        action,
        name,
        keys,
        screens,
        help,
        hint,
        // What only this screen can do, before what every screen can.
        rank: if screens.is_empty() { 3 } else { 2 },
        writes: false,
    }
}

const fn act(
    action: Action,
    name: &'static str,
    keys: &'static [&'static str],
    screens: &'static [Screen],
    help: &'static str,
    hint: Option<&'static str>,
) -> Row {
    Row {
        writes: true,
        ..look(action, name, keys, screens, help, hint)
    }
}

const LETTERS: &[Screen] = &[Screen::Letters];
const TIMELINE: &[Screen] = &[Screen::Timeline];
const CONSUMERS: &[Screen] = &[Screen::Consumers];
const RECORDS: &[Screen] = &[
    Screen::Letters,
    Screen::Timeline,
    Screen::Lag,
    Screen::Outbox,
];
/// Where rows can be marked: letters to be redriven or archived, events and records to be copied or written.
const MARKED: &[Screen] = &[Screen::Letters, Screen::Timeline, Screen::Messages];
const FLOW: &[Screen] = &[Screen::Flow];
/// Where there are lists; one that can't be sorted says why.
const SORTED: &[Screen] = &[
    Screen::Lag,
    Screen::Consumers,
    Screen::Outbox,
    Screen::Letters,
    Screen::Timeline,
    Screen::Messages,
    Screen::Activity,
];

/// Every action, in the order of the help; hints stand in the same order.
#[rustfmt::skip]
pub const TABLE: &[Row] = &[
    act(Action::Redrive, "redrive", &["r"], LETTERS, "redrive the letter under the cursor to the consumer that failed", Some("redrive")),
    act(Action::RedriveMany, "redrive-many", &["R"], LETTERS, "redrive the marked letters, or the whole cause", Some("redrive cause")),
    act(Action::Edit, "edit", &["e"], LETTERS, "edit the letter's value and send it as a new event", Some("edit")),
    act(Action::Archive, "archive", &["a"], LETTERS, "archive the letter, with the reason", Some("archive")),
    act(Action::ArchiveMany, "archive-many", &["A"], LETTERS, "archive the marked letters, or the whole cause", None),
    act(Action::Unarchive, "unarchive", &["u"], LETTERS, "open an archived letter again", None),
    act(Action::UnarchiveMany, "unarchive-many", &["U"], LETTERS, "open the marked archived letters again, or the whole cause", None),
    act(Action::Note, "note", &["n"], LETTERS, "write a note down on the letter", None),
    look(Action::Export, "export", &["E"], LETTERS, "write the marked letters, or the whole cause, to a file", None),
    look(Action::ShowArchived, "archived", &["v"], LETTERS, "show archived letters instead of open ones, and back", None),
    look(Action::Mark, "mark", &["x"], MARKED, "mark or unmark the row", Some("mark")).ranked(3),
    look(Action::MarkAll, "mark-all", &["*"], MARKED, "mark every row that is listed, or unmark all", None),
    act(Action::Replay, "replay", &["p"], TIMELINE, "replay the event under the cursor", Some("replay")),
    act(Action::ReplayMany, "replay-stream", &["P"], TIMELINE, "replay the event's whole stream", Some("replay stream")).ranked(3),
    look(Action::Correlation, "correlation", &["c"], TIMELINE, "follow the event's correlation, drawn as lanes; esc clears", Some("correlation")),
    look(Action::Raw, "raw", &["v"], TIMELINE, "show the payload as written, or as the newest schema sees it", Some("raw/upcast")).ranked(3),
    look(Action::Message, "message", &["m"], RECORDS, "the record in its topic, among its neighbours; esc comes back", Some("message")).ranked(3),
    look(Action::Start, "from", &["o"], &[Screen::Messages], "read from somewhere else: newest:500, offset:2:4812, time:15m, beginning", Some("from")),
    act(Action::PauseConsumer, "pause", &["p"], CONSUMERS, "pause the consumer", Some("pause")),
    act(Action::ResumeConsumer, "resume", &["r"], CONSUMERS, "resume the consumer", Some("resume")),
    act(Action::Faults, "faults", &["f"], CONSUMERS, "change what the service fails on purpose", Some("faults")),
    act(Action::PauseOperation, "pause-operation", &["p"], &[Screen::Activity], "pause the running operation", Some("pause")),
    act(Action::ResumeOperation, "resume-operation", &["r"], &[Screen::Activity], "let the paused operation go on", Some("resume")),
    act(Action::CancelOperation, "cancel", &["C"], &[Screen::Activity], "cancel the running operation", Some("cancel")),
    act(Action::TrafficDown, "traffic-down", &["["], FLOW, "fewer test orders a second", Some("orders −")).ranked(3),
    act(Action::TrafficUp, "traffic-up", &["]"], FLOW, "more test orders a second", Some("orders +")).ranked(3),
    look(Action::Open, "open", &["enter"], &[], "open, unfold, or go to the screen of the place", Some("open")).ranked(0),
    look(Action::Back, "back", &["esc"], &[], "back, or clear the filter; never quits", Some("back")).ranked(1),
    look(Action::Filter, "filter", &["/"], &[], "show only rows with these words: key=, type=, after=, before=, value.path=, header.name=, ~regex, !not", Some("filter")).ranked(1),
    act(Action::Inject, "inject", &["i"], &[], "inject test orders", Some("inject")),
    look(Action::Sort, "sort", &["s"], SORTED, "sort by the next column; after the last, as it came", Some("sort")),
    look(Action::SortReverse, "sort-reverse", &["S"], SORTED, "sort the other way round", None),
    look(Action::Copy, "copy", &["y"], &[], "copy what is under the cursor, or the marked events or records, to the clipboard", Some("copy")),
    look(Action::Write, "write", &["w"], &[], "write the payload, the marked events or records, or the screen to a new file", None),
    look(Action::Freeze, "freeze", &["space"], &[], "freeze the screen; collecting goes on", Some("freeze")),
    look(Action::Faster, "refresh-faster", &["+", "="], &[], "show news more often", None),
    look(Action::Slower, "refresh-slower", &["-"], &[], "show news less often", None),
    look(Action::Theme, "theme", &["t"], &[], "choose a theme, seen as you go", None),
    look(Action::Palette, "palette", &[":", "ctrl-p"], &[], "find any action by name", Some("palette")),
    look(Action::Help, "help", &["?"], &[], "this help", Some("help")),
    look(Action::Quit, "quit", &["q", "ctrl-c"], &[], "quit", None),
    look(Action::Up, "up", &["up", "k"], &[], "up", None),
    look(Action::Down, "down", &["down", "j"], &[], "down", None),
    look(Action::Left, "left", &["left", "h"], &[], "fold, or the pane or stage before", None),
    look(Action::Right, "right", &["right", "l"], &[], "unfold, or the next pane or stage", None),
    look(Action::PageUp, "page-up", &["pgup", "ctrl-u"], &[], "a page up", None),
    look(Action::PageDown, "page-down", &["pgdn", "ctrl-d"], &[], "a page down", None),
    look(Action::Top, "top", &["g", "home"], &[], "to the first row", None),
    look(Action::Bottom, "bottom", &["G", "end"], &[], "to the last row; timeline and messages follow from there", None),
    look(Action::NextScreen, "next-screen", &["tab"], &[], "the next screen", None),
    look(Action::PreviousScreen, "previous-screen", &["shift-tab"], &[], "the screen before", None),
    look(Action::Go(Screen::Flow), "flow", &["1"], &[], "Flow: is it healthy, and where does it stick", None),
    look(Action::Go(Screen::Lag), "lag", &["2"], &[], "Lag: who is behind, by how much, for how long", None),
    look(Action::Go(Screen::Consumers), "consumers", &["3"], &[], "Consumers: what each one does, and steering it", None),
    look(Action::Go(Screen::Outbox), "outbox", &["4"], &[], "Outbox: what is written and not yet sent", None),
    look(Action::Go(Screen::Letters), "dead-letters", &["5"], &[], "Dead letters: what failed, why, and putting it back", None),
    look(Action::Go(Screen::Timeline), "timeline", &["6"], &[], "Timeline: the event store, and replay", None),
    look(Action::Go(Screen::Messages), "messages", &["8"], &[], "Messages: the records of a topic, live or searched", None),
    look(Action::Go(Screen::Activity), "activity", &["9"], &[], "Activity: operations, audit and the log", None),
];

/// The row of an action. Every action has one: a test holds that.
#[must_use]
pub fn row(action: Action) -> &'static Row {
    TABLE
        .iter()
        .find(|row| row.action == action)
        .unwrap_or(&TABLE[0])
}

/// The actions of a screen: its own first, then those of every screen.
pub fn on(screen: Screen) -> impl Iterator<Item = &'static Row> {
    let own = TABLE
        .iter()
        .filter(move |row| row.screens.contains(&screen));
    own.chain(TABLE.iter().filter(|row| row.screens.is_empty()))
}
