//! `evtop snapshot`: any screen drawn once, by the very function that draws it on a terminal. It waits
//! until what the screen shows has been read, and says what was not.

use std::time::Duration;

use chrono::{DateTime, Utc};
use serde_json::json;

use super::ports::{fresh, reason};
use super::{End, Output, Ports, Step, json};
use crate::cli::{Exit, PictureFormat, SnapshotArgs};
use crate::command::Screen;
use crate::snapshot::{Dependency, DependencyState, Reading, SearchState, Snapshot};
use crate::tui::Settings;
use crate::tui::app::App;
use crate::tui::picture::Picture;
use crate::tui::theme::Theme;
use crate::tui::view;

/// How long to wait for rates, which take a second look, before going on without.
const SECOND_LOOK: Duration = Duration::from_secs(3);

pub(super) async fn run(
    args: &SnapshotArgs,
    ports: &mut Ports,
    output: &mut Output<'_>,
) -> Step<Exit> {
    let mut settings = match ports.drawing.take() {
        Some(settings) => settings,
        None => Settings::with(
            Theme::built_in("dark").map_err(|e| End::Said(Exit::Usage, e.to_string()))?,
        ),
    };
    let (width, height) = view::LEAST;
    if args.size.0 < width || args.size.1 < height {
        let why = format!("--size: a screen needs {width}x{height} cells at least");
        return Err(End::Said(Exit::Usage, why));
    }
    settings.screen = args.screen;
    let mut app = App::new(&settings, args.size);
    let asked = ports.clock.now();
    let limit = Duration::from_secs(args.wait);
    let found = look(&mut app, ports, limit, |app| {
        missing(&app.shown, args.screen, asked).is_empty()
    });
    let took = found.await?;
    let more = limit.saturating_sub(took);
    let more = if demo(&app.shown) {
        more
    } else {
        more.min(SECOND_LOOK)
    };
    look(&mut app, ports, more, |app| {
        lively(&app.shown, args.screen) && detailed(app)
    })
    .await?;
    let missing = missing(&app.shown, args.screen, asked);
    write(args, &app, &missing, output)?;
    if missing.is_empty() {
        return Ok(Exit::Ok);
    }
    let words = missing.join("; ");
    let sentence = format!("not answered within {} s: {words}", args.wait);
    Err(End::Said(Exit::Unavailable, sentence))
}

/// Shows snapshots, asking for what the screen looks at, until it is well or the time is up; returns how
/// long that took.
async fn look(
    app: &mut App,
    ports: &mut Ports,
    limit: Duration,
    well: impl Fn(&App) -> bool,
) -> Step<Duration> {
    let began = crate::clock::instant();
    loop {
        app.on_snapshot(ports.latest());
        let focus = app.focus();
        ports.focus.send_if_modified(|old| {
            let changed = *old != focus;
            if changed {
                *old = focus;
            }
            changed
        });
        let left = limit.saturating_sub(began.elapsed());
        if well(app) || left.is_zero() {
            return Ok(began.elapsed());
        }
        if let Ok(next) = tokio::time::timeout(left, ports.next()).await {
            next?;
        }
    }
}

/// An embedded stack that was started for this very picture: at first there is nothing on it.
fn demo(snapshot: &Snapshot) -> bool {
    snapshot.stack.embedded && snapshot.stack.workers
}

/// What the screen shows and nobody has answered since then, and why.
fn missing(snapshot: &Snapshot, screen: Screen, asked: DateTime<Utc>) -> Vec<String> {
    let stack = &snapshot.stack;
    if stack.name.is_empty() {
        return vec!["the engine".to_owned()];
    }
    let ours = !stack.attached;
    let why = |error: Option<&String>| reason(snapshot, error.map(String::as_str));
    let s = snapshot;
    let topics = || reading("topics", &s.topics, asked, &why);
    let lag = || reading("lag", &s.lag, asked, &why);
    let letters = || reading("dead letters", &s.letters, asked, &why);
    let outbox = || ours.then(|| reading("outbox", &s.outbox, asked, &why));
    let timeline = || ours.then(|| reading("timeline", &s.timeline, asked, &why));
    // With the store's first answer comes what other processes say; perhaps none runs any.
    let unread = stack.workers || s.store.value.is_none();
    let nobody = ours && s.consumers.is_empty() && unread;
    let consumers = || nobody.then(|| format!("consumers ({})", why(None)));
    let connecting = |d: &&Dependency| d.state == DependencyState::Connecting;
    let connecting = s.health.iter().filter(connecting);
    let mut all: Vec<String> = connecting
        .map(|d| format!("{} (still connecting)", d.name))
        .collect();
    let found = match screen {
        Screen::Flow => vec![topics(), lag(), letters(), outbox().flatten()],
        Screen::Lag => vec![lag()],
        Screen::Consumers => vec![consumers()],
        Screen::Outbox => vec![outbox().flatten()],
        Screen::Letters => vec![letters()],
        Screen::Timeline => vec![timeline().flatten()],
        Screen::Messages => vec![topics()],
        // What it shows is read at any time.
        Screen::Activity => Vec::new(),
    };
    all.extend(found.into_iter().flatten());
    all
}

fn reading<T>(
    what: &str,
    reading: &Reading<T>,
    asked: DateTime<Utc>,
    why: &impl Fn(Option<&String>) -> String,
) -> Option<String> {
    (!fresh(reading, asked)).then(|| format!("{what} ({})", why(reading.error.as_ref())))
}

/// Whether what is under the cursor has been read too.
fn detailed(app: &App) -> bool {
    let (focus, shown) = (app.focus(), &app.shown);
    let letter = shown.letter.as_ref().map(|detail| detail.letter.id);
    let event = shown.event.as_ref().map(|detail| detail.event.position);
    match app.screen {
        Screen::Letters => focus.letters.letter.is_none() || focus.letters.letter == letter,
        Screen::Timeline => focus.timeline.event.is_none() || focus.timeline.event == event,
        _ => true,
    }
}

/// Whether rates are there, and on a stack that has only begun, anything at all.
fn lively(snapshot: &Snapshot, screen: Screen) -> bool {
    let s = snapshot;
    let begun = !demo(s);
    match screen {
        Screen::Flow => {
            let rates = s
                .topics
                .value
                .iter()
                .flatten()
                .all(|t| t.rate.is_some() || t.end.is_none());
            rates && (begun || s.end_to_end.is_some())
        }
        Screen::Lag => {
            let all = || s.lag.value.iter().flat_map(|groups| groups.iter());
            let partitions = || all().flat_map(|g| &g.topics).flat_map(|t| &t.partitions);
            partitions().all(|p| p.numbers.rate_in.is_some() || p.end.is_none())
                && (begun || partitions().any(|p| p.committed.is_some_and(|c| c > 0)))
        }
        Screen::Consumers => {
            let all = &s.consumers;
            s.stack.attached
                || !all.is_empty()
                    && all.iter().all(|c| c.events_per_s.is_some())
                    && (begun || all.iter().any(|c| c.handled > 0))
        }
        Screen::Outbox => {
            begun
                || (s.outbox.value.as_ref())
                    .is_some_and(|o| o.publish_per_s.is_some() && !o.sent.is_empty())
        }
        Screen::Letters => {
            begun || (s.letters.value.as_ref()).is_some_and(|l| !l.causes.is_empty())
        }
        Screen::Timeline => {
            begun || (s.timeline.value.as_ref()).is_some_and(|t| !t.rows.is_empty())
        }
        Screen::Messages => {
            s.topics.value.as_ref().is_some_and(Vec::is_empty)
                || s.messages
                    .value
                    .as_ref()
                    .is_some_and(|m| m.state != SearchState::Reading)
        }
        Screen::Activity => !s.activity.log.is_empty(),
    }
}

fn write(args: &SnapshotArgs, app: &App, missing: &[String], output: &mut Output<'_>) -> Step<()> {
    let picture = Picture::of(app);
    let drawn = match args.format {
        PictureFormat::Text => picture.text(),
        PictureFormat::Ansi => picture.ansi(),
        PictureFormat::Svg => picture.svg(&app.theme),
    };
    let mut whole = Vec::new();
    if output.json {
        let object = json!({
            "screen": args.screen.tab().1,
            "width": args.size.0,
            "height": args.size.1,
            "format": args.format.name(),
            "taken": json::time(Some(app.shown.taken)),
            "missing": missing,
            "picture": drawn,
        });
        json::line(&object, &mut whole)?;
    } else {
        whole = drawn.into_bytes();
    }
    match &args.out {
        None => output.out.write_all(&whole)?,
        Some(path) => std::fs::write(path, &whole).map_err(|error| {
            let path = path.display();
            let words = format!("can't write {path}: {error}; name another file with --out");
            End::Said(Exit::Usage, words)
        })?,
    }
    Ok(())
}
