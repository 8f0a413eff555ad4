//! The screen: snapshots and keys in, frames and requests out. The only user of ratatui and crossterm,
//! and the rule it keeps: nothing slow is awaited here, and a frame is drawn only when it differs.

mod act;
pub mod action;
mod allowed;
mod answer;
pub mod app;
mod ask;
pub mod colour;
pub mod contrast;
pub mod copy;
pub mod cursor;
pub mod editing;
mod editor;
mod focus;
pub mod frame;
mod here;
pub mod keymap;
pub mod lag_rows;
pub mod lanes;
mod marks;
pub mod memory;
pub mod messages;
mod mouse;
mod moves;
pub mod overlay;
pub mod palette;
pub mod picture;
mod record;
pub mod reload;
pub mod rows;
pub mod save;
pub mod settings;
pub mod sieve;
mod sieves;
pub mod sort;
mod steady;
mod terminal;
pub mod theme;
pub mod toast;
pub mod triage;
mod typing;
pub mod view;
pub mod views;

use std::future::poll_fn;
use std::sync::Arc;
use std::task::Poll;
use std::time::{Duration, Instant};

use color_eyre::Result;
use crossterm::event::{Event, EventStream};
use futures_util::StreamExt;
use ratatui::DefaultTerminal;
use tokio::sync::{mpsc, watch};
use tokio_util::sync::CancellationToken;

use ratatui::buffer::Buffer;
use reload::ThemeFile;

use app::App;
use keymap::Key;
pub use memory::Memory;
pub use settings::Settings;
use terminal::Painter;
pub use terminal::{enter, leave};

use crate::clock::{self, Clock};
use crate::command::{Command, Focus, Outcome, Request};
use crate::failpoint;
use crate::snapshot::Snapshot;

/// The ends of the channels to the engine.
#[derive(Debug)]
pub struct Ports {
    pub snapshots: watch::Receiver<Arc<Snapshot>>,
    pub focus: watch::Sender<Focus>,
    pub requests: mpsc::Sender<Request>,
    pub outcomes: mpsc::Receiver<Outcome>,
    /// Asked from outside to stop: a signal, or the engine's end.
    pub stop: CancellationToken,
    /// For the ids of requests.
    pub clock: Clock,
}

/// Draws the frame before anything is connected, or even asked for.
pub fn first_frame(terminal: &mut DefaultTerminal, settings: &Settings) -> Result<()> {
    let size = terminal.size()?;
    let app = App::new(settings, (size.width, size.height));
    Painter::default().draw(terminal, &app)
}

/// Shows and steers until somebody quits. Call it on the thread that called [`enter`].
pub async fn run(
    terminal: &mut DefaultTerminal,
    mut ports: Ports,
    settings: Settings,
) -> Result<()> {
    let frame = Duration::from_secs(1) / settings.max_fps.clamp(1, 120);
    let size = terminal.size()?;
    let mut app = App::new(&settings, (size.width, size.height));
    if settings.mouse {
        terminal::take_mouse(terminal)?;
    }
    let mut theme_file = settings.theme_file.clone();
    let mut memory = settings.memory.clone();
    if let Some(memory) = &mut memory {
        memory.tell();
    }
    let mut looks = tokio::time::interval(THEME);
    let in_tmux = std::env::var_os("TMUX").is_some();
    let mut painter = Painter::default();
    let mut events = EventStream::new();
    let mut engine = Engine {
        snapshots: true,
        outcomes: true,
    };
    ports.snapshots.mark_changed();
    // Before anything has arrived: everything is connecting.
    painter.draw(terminal, &app)?;
    let mut drawn = clock::instant();
    let mut dirty = false;
    while !app.quit {
        let wait = frame.saturating_sub(since(drawn));
        tokio::select! {
            biased;
            () = ports.stop.cancelled() => break,
            event = events.next() => match event {
                Some(event) => on_event(&mut app, &event?, &ports, painter.frame()),
                None => break,
            },
            outcome = ports.outcomes.recv(), if engine.outcomes => match outcome {
                Some(outcome) => app.on_outcome(outcome),
                None => engine.outcomes = false,
            },
            changed = ports.snapshots.changed(), if engine.snapshots => match changed {
                Ok(()) => on_snapshot(&mut app, &mut ports),
                Err(_) => engine.snapshots = false,
            },
            () = tokio::time::sleep(wait), if dirty => {}
            _ = looks.tick(), if theme_file.is_some() => {
                match theme_file.as_mut().and_then(ThemeFile::changed) {
                    Some(theme) => app.on_theme(theme),
                    None => continue,
                }
            }
        }
        drain(&mut app, &mut events, &mut ports, painter.frame()).await?;
        if let Some(text) = app.editor.take() {
            // Whoever still listens to the terminal would take the editor's keys.
            drop(events);
            let edited = editor::run(terminal, &text, &ports.stop).await?;
            events = EventStream::new();
            painter = Painter::default();
            app.on_edited(edited);
        }
        send_focus(&app, &ports.focus);
        // What is still being tried out is not kept.
        if let (Some(memory), None) = (&mut memory, &app.overlay) {
            memory.keep(&app);
        }
        if let Some(text) = app.take_copied() {
            copy::write(terminal.backend_mut(), &text, in_tmux)?;
        }
        dirty = true;
        if since(drawn) >= frame {
            failpoint::pass("ui.draw");
            painter.draw(terminal, &app)?;
            drawn = clock::instant();
            dirty = false;
        }
    }
    Ok(())
}

/// How often the theme's own file is looked at.
const THEME: Duration = Duration::from_secs(1);

/// Which ends of the engine still speak.
struct Engine {
    snapshots: bool,
    outcomes: bool,
}

fn since(at: Instant) -> Duration {
    clock::instant().duration_since(at)
}

/// Takes what is ready, so that a burst of keys or outcomes costs one frame.
///
/// The events are polled with this task's own waker: a poll with another one, as `now_or_never` makes it,
/// leaves that one behind in the stream, and the next event wakes nobody.
async fn drain(
    app: &mut App,
    events: &mut EventStream,
    ports: &mut Ports,
    frame: &Buffer,
) -> Result<()> {
    while let Poll::Ready(Some(event)) = poll_fn(|cx| Poll::Ready(events.poll_next_unpin(cx))).await
    {
        on_event(app, &event?, ports, frame);
        if app.quit {
            return Ok(());
        }
    }
    while let Ok(outcome) = ports.outcomes.try_recv() {
        app.on_outcome(outcome);
    }
    if ports.snapshots.has_changed().unwrap_or(false) {
        on_snapshot(app, ports);
    }
    Ok(())
}

fn on_snapshot(app: &mut App, ports: &mut Ports) {
    let snapshot = Arc::clone(&ports.snapshots.borrow_and_update());
    app.on_snapshot(snapshot);
}

fn on_event(app: &mut App, event: &Event, ports: &Ports, frame: &Buffer) {
    match event {
        Event::Resize(width, height) => app.on_resize(*width, *height),
        Event::Paste(text) => app.on_paste(text),
        Event::Mouse(mouse) => {
            if let Some(command) = app.on_mouse(*mouse, frame) {
                send(app, command, ports);
            }
        }
        event => {
            let key = event.as_key_press_event().and_then(Key::of);
            if let Some(command) = key.and_then(|key| app.on_key(key)) {
                send(app, command, ports);
            }
        }
    }
}

fn send(app: &mut App, command: Command, ports: &Ports) {
    let id = ports.clock.id();
    let request = Request {
        id,
        command: command.clone(),
        leaves: false,
    };
    match ports.requests.try_send(request) {
        Ok(()) => app.on_sent(id, command),
        Err(_) => app.on_busy(),
    }
}

fn send_focus(app: &App, port: &watch::Sender<Focus>) {
    let focus = app.focus();
    port.send_if_modified(|old| {
        let changed = *old != focus;
        if changed {
            *old = focus;
        }
        changed
    });
}
