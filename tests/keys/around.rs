//! What is there on every screen: palette, themes, sorting, copying, the mouse.

use evtop::command::Anchor;
use evtop::domain::position::Position;
use evtop::snapshot::Topic;
use evtop::tui::rows::OutboxKey;

use super::*;

#[test]
fn the_palette_finds_any_action_and_does_it() {
    let mut app = failing(Screen::Flow);
    keys(&mut app, ":");
    type_in(&mut app, "zzz");
    assert!(app.palette_rows("zzz").is_empty());
    keys(&mut app, "ctrl-u");
    type_in(&mut app, "faul");
    let rows = app.palette_rows("faul");
    assert_eq!(rows[0].row.action, Action::Faults);
    assert_eq!(rows[0].elsewhere, Some(Screen::Consumers));
    let replays = app.palette_rows("rep");
    assert_eq!(
        replays[0].row.action,
        Action::Replay,
        "a name before any help"
    );
    keys(&mut app, "enter");
    assert_eq!(app.screen, Screen::Consumers, "it goes where it works");
    assert!(matches!(app.overlay, Some(Overlay::Faults(_))));
}

#[test]
fn the_palette_has_every_command_and_says_why_not() {
    let app = read_only(Screen::Letters);
    let rows = app.palette_rows("");
    let motions = TABLE.len() - rows.len();
    assert_eq!(motions, 9, "only moves and itself are left out");
    let redrive = rows.iter().find(|e| e.row.action == Action::RedriveMany);
    let why = redrive
        .and_then(|e| e.why_not.as_deref())
        .expect("a reason");
    assert!(why.contains("read-only"), "{why}");
    assert!(
        rows[0].row.screens.contains(&Screen::Letters),
        "its own first"
    );
}

#[test]
fn a_theme_is_seen_before_it_is_chosen() {
    let mut app = busy(Screen::Flow);
    let first = app.theme.name.clone();
    keys(&mut app, "t j j");
    let seen = app.theme.name.clone();
    assert_ne!(seen, first);
    keys(&mut app, "esc");
    assert_eq!(app.theme.name, first, "esc goes back");
    keys(&mut app, "t j j enter");
    assert_eq!((app.theme.name, app.overlay.is_none()), (seen, true));
}

fn groups(app: &App) -> Vec<(String, Option<u64>)> {
    let rows = app.lag_rows();
    let groups = rows.iter().filter(|row| row.topic.is_none());
    groups
        .map(|row| (row.group.group.clone(), row.numbers().lag))
        .collect()
}

#[test]
fn a_list_is_sorted_by_any_column_and_remembers_it() {
    let mut app = failing(Screen::Lag);
    let as_it_came = groups(&app);
    keys(&mut app, "s");
    let names: Vec<String> = groups(&app).into_iter().map(|(name, _)| name).collect();
    assert!(names.is_sorted(), "{names:?}");
    keys(&mut app, "s");
    let lags: Vec<_> = groups(&app).into_iter().map(|(_, lag)| lag).collect();
    assert!(
        lags.is_sorted_by(|a, b| a >= b),
        "the largest first: {lags:?}"
    );
    let cursor = app.lag.cursor.key().cloned();
    keys(&mut app, "S");
    let lags: Vec<_> = groups(&app).into_iter().map(|(_, lag)| lag).collect();
    assert!(lags.is_sorted(), "{lags:?}");
    assert_eq!(
        app.lag.cursor.key().cloned(),
        cursor,
        "the cursor keeps its row"
    );
    keys(&mut app, "1 2");
    let again: Vec<_> = groups(&app).into_iter().map(|(_, lag)| lag).collect();
    assert_eq!(again, lags, "remembered");
    keys(&mut app, "s s s s s s");
    assert_eq!(
        groups(&app),
        as_it_came,
        "after the last column, as it came"
    );
    keys(&mut app, "S");
    assert!(said(&app).contains("s sorts it"), "{}", said(&app));
}

#[test]
fn what_is_whole_is_sorted_and_a_window_says_why_not() {
    let mut app = failing(Screen::Letters);
    keys(&mut app, "s");
    let names: Vec<String> = app.causes().iter().map(|c| c.code.clone()).collect();
    assert!(names.is_sorted() && names.len() > 1, "{names:?}");
    keys(&mut app, "s");
    let counts: Vec<u64> = app.causes().iter().map(|c| c.count).collect();
    assert!(counts.is_sorted_by(|a, b| a >= b), "{counts:?}");
    // Letters are a window, so the store sorts them.
    keys(&mut app, "g enter s S");
    let order = app.focus().letters.order;
    let by = |by, down| Some(evtop::domain::letter::LetterOrder { by, down });
    assert_eq!(order, by(evtop::domain::letter::LetterColumn::Key, true));
    keys(&mut app, "s s s s s s");
    assert_eq!(
        app.focus().letters.order,
        None,
        "after the last, as it came"
    );

    let mut app = busy(Screen::Messages);
    keys(&mut app, "s S");
    let names: Vec<&str> = app.topics().iter().map(|t| t.name.as_str()).collect();
    assert!(names.is_sorted_by(|a, b| a >= b), "{names:?}");
    let mut app = failing(Screen::Activity);
    keys(&mut app, "s");
    let what: Vec<&str> = app.operations().iter().map(|o| o.kind.name()).collect();
    assert!(what.is_sorted() && what.len() > 1, "{what:?}");

    let mut app = busy(Screen::Outbox);
    let delays = |app: &App| -> Vec<i64> {
        let rows = app.outbox_rows();
        let outbox = app.shown.outbox.value.as_ref().expect("an outbox");
        let sent = rows.iter().filter_map(|row| match row {
            OutboxKey::Sent(seq) => outbox.sent.iter().find(|r| r.seq == *seq),
            _ => None,
        });
        sent.map(|r| {
            (r.sent_at - r.created_at)
                .num_microseconds()
                .expect("small")
        })
        .collect()
    };
    keys(&mut app, "G s s s s s");
    let slowest = delays(&app);
    assert!(
        slowest.is_sorted_by(|a, b| a >= b) && slowest.len() > 1,
        "{slowest:?}"
    );
    let mut app = failing(Screen::Activity);
    keys(&mut app, "right s s");
    let who: Vec<&str> = app.audit().iter().map(|a| a.who.as_str()).collect();
    assert!(who.is_sorted() && who.len() > 1, "{who:?}");

    for (screen, more) in [
        (Screen::Outbox, "g"),
        (Screen::Timeline, ""),
        (Screen::Messages, "enter"),
        (Screen::Activity, "right right"),
    ] {
        let mut app = failing(screen);
        keys(&mut app, more);
        for action in [Action::Sort, Action::SortReverse] {
            let why = app.why_not(action).unwrap_or_default();
            assert!(why.contains("order"), "{screen:?}: {why}");
        }
    }
}

/// Each column that a list is sorted by is one of its table, and what is known of a row in it is not unknown.
#[test]
fn topics_are_sorted_by_the_column_that_is_marked() {
    let mut app = busy(Screen::Messages);
    let columns: [fn(&Topic) -> f64; 3] = [
        |t| t.partitions as f64,
        |t| t.records().map_or(f64::NAN, |n| n as f64),
        |t| t.rate.unwrap_or(f64::NAN),
    ];
    keys(&mut app, "s");
    for (title, value) in ["▾P", "▾RECORDS", "▾/S"].into_iter().zip(columns) {
        keys(&mut app, "s");
        let frame = common::draw(&app, SIZE);
        let text: String = (0..SIZE.0 * 12)
            .map(|at| frame[(at % SIZE.0, at / SIZE.0)].symbol())
            .collect();
        assert!(text.contains(title), "{title} in {text}");
        let values: Vec<f64> = app.topics().into_iter().map(value).collect();
        assert!(values.is_sorted_by(|a, b| a >= b), "{title}: {values:?}");
    }
}

fn rows_of(app: &App) -> Vec<evtop::domain::stored::StoredEvent> {
    app.shown
        .timeline
        .value
        .as_ref()
        .expect("a page")
        .rows
        .clone()
}

fn written(sent: &[Command]) -> (&str, String, &std::path::Path) {
    let [Command::Write { what, bytes, file }] = sent else {
        panic!("{sent:?}");
    };
    let text = String::from_utf8(bytes.clone()).expect("text");
    (what, text, file)
}

#[test]
fn what_is_looked_at_is_written_to_a_file() {
    for (screen, more) in [(Screen::Letters, "enter"), (Screen::Timeline, "")] {
        let mut app = failing(screen);
        keys(&mut app, more);
        keys(&mut app, "y");
        let copied = app.take_copied().expect("a payload");
        let sent = keys(&mut app, "w enter");
        let (what, text, file) = written(&sent);
        assert_eq!((what, text), ("the payload", copied));
        let name = file.display().to_string();
        assert!(
            name.starts_with("evtop-payload-") && name.ends_with(".json"),
            "{name}"
        );
        assert!(app.overlay.is_none());
    }
    // Where nothing has a payload, and where one wants it, the screen as it is, without the form.
    for (screen, pressed) in [
        (Screen::Lag, "w enter"),
        (Screen::Timeline, "w up space enter"),
    ] {
        let mut app = busy(screen);
        let sent = keys(&mut app, pressed);
        let (what, text, file) = written(&sent);
        assert_eq!(
            (what, file.extension()),
            ("the screen", Some("txt".as_ref()))
        );
        assert!(
            text.contains("kafka") && !text.contains("Write to a file"),
            "{text}"
        );
    }
    let mut app = busy(Screen::Flow);
    keys(&mut app, "w ctrl-u");
    assert_eq!(keys(&mut app, "enter"), []);
    assert!(said(&app).contains("name of a new file"), "{}", said(&app));
    type_in(&mut app, "flow.svg");
    let sent = keys(&mut app, "enter");
    assert!(written(&sent).1.starts_with("<svg"));
    keys(&mut app, "w ctrl-u");
    type_in(&mut app, "flow.ansi");
    let sent = keys(&mut app, "enter");
    assert!(written(&sent).1.contains("\x1b["));
}

#[test]
fn marked_rows_are_copied_and_written_as_the_commands_write_them() {
    let mut app = failing(Screen::Timeline);
    keys(&mut app, "k k x x");
    let marked: Vec<Position> = app.timeline.marked.keys().copied().collect();
    let last = app.events().len() - 3;
    let rows = [app.events()[last], app.events()[last + 1]].map(|e| e.position);
    assert_eq!(marked, rows, "the third from below and the next");
    keys(&mut app, "y");
    let copied = app.take_copied().expect("lines");
    let lines: Vec<serde_json::Value> = copied
        .lines()
        .map(|line| serde_json::from_str(line).expect("an object a line"))
        .collect();
    assert_eq!(lines.len(), 2);
    assert_eq!(lines[0]["value"], app.events()[last].payload);
    let sent = keys(&mut app, "w enter");
    let (what, text, file) = written(&sent);
    assert_eq!((what, text), ("2 marked events", copied));
    assert_eq!(file.extension(), Some("jsonl".as_ref()));
    // What slides out of the page keeps its mark, and its content.
    let page = app.shown.clone();
    let mut later = (*page).clone();
    later.timeline.value.as_mut().expect("a page").rows.clear();
    app.on_snapshot(later.into());
    assert_eq!(written(&keys(&mut app, "w enter")).0, "2 marked events");
    app.on_snapshot(page);
    keys(&mut app, "*");
    assert_eq!(app.marked(), 0);
    // As many as can be kept: one of them can still be taken off, and no other be added.
    let event = rows_of(&app)[0].clone();
    let fill = (0..1_000).map(|n| (Position { tx: 0, pos: -n }, event.clone()));
    app.timeline.marked = fill.collect();
    keys(&mut app, "k x");
    assert_eq!(app.marked(), 1_000);
    assert!(said(&app).contains("* takes all"), "{}", said(&app));
    let here = app.event_key().expect("an event");
    app.timeline.marked.pop_first();
    app.timeline.marked.insert(here, event);
    keys(&mut app, "x");
    assert_eq!(app.marked(), 999);
    keys(&mut app, "enter x");
    assert!(said(&app).contains("back to the list"), "{}", said(&app));

    let mut app = busy(Screen::Messages);
    keys(&mut app, "x");
    assert!(
        said(&app).contains("Enter opens the topic"),
        "{}",
        said(&app)
    );
    keys(&mut app, "enter *");
    let all = app.messages_shown().expect("records").rows.len();
    assert_eq!((app.marked(), app.messages.marked.len()), (all, all));
    let sent = keys(&mut app, "w enter");
    assert_eq!(written(&sent).1.lines().count(), all);
}

#[test]
fn what_is_under_the_cursor_is_copied() {
    for (screen, more, wanted) in [
        (Screen::Lag, "", "email-service"),
        (Screen::Consumers, "", "email"),
        (Screen::Letters, "enter", "\"order_id\""),
        (Screen::Timeline, "", "{"),
    ] {
        let mut app = failing(screen);
        keys(&mut app, more);
        keys(&mut app, "y");
        let copied = app.take_copied().unwrap_or_default();
        assert!(copied.contains(wanted), "{screen:?}: {copied}");
        assert_eq!(app.take_copied(), None, "once");
    }
}

fn mouse(app: &mut App, kind: MouseEventKind, column: u16, row: u16) {
    let frame = common::draw(app, SIZE);
    let event = MouseEvent {
        kind,
        column,
        row,
        modifiers: KeyModifiers::NONE,
    };
    assert_eq!(app.on_mouse(event, &frame), None);
}

#[test]
fn wheel_and_clicks_are_keys() {
    let mut app = failing(Screen::Lag);
    let frame = common::draw(&app, SIZE);
    let text = |row: u16| -> String { (0..SIZE.0).map(|x| frame[(x, row)].symbol()).collect() };
    let click = MouseEventKind::Down(MouseButton::Left);
    let row = (0..SIZE.1)
        .find(|y| text(*y).contains("payment-service"))
        .expect("a row");
    mouse(&mut app, click, 20, row);
    assert_eq!(
        app.lag.cursor.key(),
        Some(&LagKey::Group("payment-service".into()))
    );
    let open = app.lag_rows().len();
    mouse(&mut app, click, 20, row);
    assert!(app.lag_rows().len() < open, "a second click folds it");
    mouse(&mut app, MouseEventKind::ScrollUp, 20, 30);
    assert_ne!(
        app.lag.cursor.key(),
        Some(&LagKey::Group("payment-service".into()))
    );
    let before = app.lag.cursor.key().cloned();
    mouse(&mut app, click, 20, SIZE.1 - 1);
    assert_eq!(
        app.lag.cursor.key().cloned(),
        before,
        "the hints are no row"
    );
    let column = text(1).find("Outbox").expect("a tab");
    mouse(&mut app, click, u16::try_from(column).expect("small"), 1);
    assert_eq!(app.screen, Screen::Outbox);
}

#[test]
fn a_theme_is_seen_when_its_file_is_saved() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("mine.toml");
    let (_, text) = evtop::tui::theme::BUILT_IN[0];
    std::fs::write(&path, text).expect("written");
    let mut file = ThemeFile::new(path.clone(), evtop::tui::colour::Depth::True);
    assert!(file.changed().is_none(), "nothing new");
    let mut app = busy(Screen::Flow);
    app.theme = Theme::parse(&path.to_string_lossy(), text).expect("a theme");
    app.themes = Theme::all(&app.theme);
    let save = |text: &str, seconds: u64| {
        std::fs::write(&path, text).expect("written");
        let saved = std::fs::File::options()
            .append(true)
            .open(&path)
            .expect("a file");
        let at = std::time::UNIX_EPOCH + Duration::from_secs(seconds);
        saved.set_modified(at).expect("a time");
    };
    save(&text.replace("#14171c", "#000001"), 1_000);
    app.on_theme(file.changed().expect("saved"));
    assert_eq!(app.theme.style(Role::Base).bg, Some(Color::Rgb(0, 0, 1)));
    save("base = 3", 2_000);
    app.on_theme(file.changed().expect("saved"));
    assert!(said(&app).contains("mine.toml:1"), "{}", said(&app));
    assert_eq!(
        app.theme.style(Role::Base).bg,
        Some(Color::Rgb(0, 0, 1)),
        "the last good one stays"
    );
}

#[test]
fn esc_goes_back_whatever_is_said() {
    let mut app = failing(Screen::Letters);
    keys(&mut app, "enter");
    app.on_sent(Uuid::from_u128(9), Command::Setup);
    app.on_outcome(evtop::command::Outcome {
        id: Uuid::from_u128(9),
        result: Ok(evtop::command::Done::Noted),
    });
    assert!(!said(&app).is_empty());
    keys(&mut app, "esc");
    assert!(said(&app).is_empty());
    assert_eq!(app.letters.depth, evtop::tui::views::Depth::Causes);
}

#[test]
fn a_letter_out_of_sight_is_not_marked() {
    let mut app = failing(Screen::Letters);
    keys(&mut app, "x *");
    assert!(app.letters.marked.is_empty());
    assert!(
        said(&app).contains("Enter opens the cause"),
        "{}",
        said(&app)
    );
    keys(&mut app, "enter x esc");
    let frame = common::text(&common::draw(&app, SIZE));
    assert_eq!(app.letters.marked.len(), 1);
    assert!(
        !frame.contains(" marked"),
        "what is done to causes is done to all of each"
    );
}

/// A page of which the filter leaves nothing is no dead end.
#[test]
fn an_empty_page_of_the_timeline_is_turned() {
    let mut app = busy(Screen::Timeline);
    let rows = &app.shown.timeline.value.as_ref().expect("a page").rows;
    let (first, last) = (rows[0].position, rows[rows.len() - 1].position);
    keys(&mut app, "/");
    type_in(&mut app, "value.nobody=has-this");
    keys(&mut app, "enter");
    assert_eq!(app.events().len(), 0);
    for (pressed, anchor) in [
        ("pgup", Anchor::Before(first)),
        ("g", Anchor::After(Position::START)),
        ("G", Anchor::Newest),
    ] {
        keys(&mut app, pressed);
        assert_eq!(app.focus().timeline.anchor, anchor, "{pressed}");
    }
    let mut middle = (*app.shown).clone();
    middle.timeline.value.as_mut().expect("a page").at_end = false;
    app.on_snapshot(middle.into());
    keys(&mut app, "pgdn");
    assert_eq!(app.focus().timeline.anchor, Anchor::After(last));
}

/// Where each tab begins does not depend on the one that is chosen, nor Lag's columns on what is wrong.
#[test]
fn nothing_jumps() {
    let row = |app: &App, size: (u16, u16), y: u16| -> String {
        let frame = common::draw(app, size);
        (0..size.0).map(|x| frame[(x, y)].symbol()).collect()
    };
    for size in [(140, 42), (100, 30), (80, 24), (40, 12)] {
        let tabs = |screen| row(&app(screen, fixtures::busy(), size), size, 1);
        let first = tabs(Screen::Flow);
        for screen in Screen::ALL {
            if size.0 > 40 {
                assert_eq!(tabs(screen), first, "{screen:?} {size:?}");
            }
        }
        let head = |snapshot| {
            let app = app(Screen::Lag, snapshot, size);
            let rows = (2..6).map(|y| row(&app, size, y));
            rows.into_iter().find(|row| row.contains("LAG"))
        };
        assert_eq!(
            head(fixtures::busy()),
            head(fixtures::failing()),
            "{size:?}"
        );
    }
}
