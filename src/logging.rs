//! The program's own log: a file, and the last lines in memory for the Activity screen. Nothing here
//! ever writes to the terminal, which belongs to the screen.

use std::collections::VecDeque;
use std::fmt::{self, Write as _};
use std::fs::{File, OpenOptions};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};

use tracing::field::{Field, Visit};
use tracing::{Event, Level, Subscriber};
use tracing_subscriber::filter::EnvFilter;
use tracing_subscriber::fmt::format::Writer;
use tracing_subscriber::fmt::time::FormatTime;
use tracing_subscriber::layer::{Context, Layer, SubscriberExt};
use tracing_subscriber::util::SubscriberInitExt;

use crate::clock::Clock;
use crate::config::LogLevel as Threshold;
use crate::lock::lock;
use crate::snapshot::{LogLevel, LogLine};

/// Lines kept in memory.
const KEPT: usize = 500;
/// A longer text is cut: it is a line on a screen, and the file has it whole.
const LINE_CHARS: usize = 2_000;
/// A file that has grown past this is moved aside when the program starts.
const ROTATE_BYTES: u64 = 8 * 1024 * 1024;

/// The newest log lines, oldest first; clones share them.
#[derive(Clone, Debug, Default)]
pub struct Ring {
    lines: Arc<Mutex<Lines>>,
}

#[derive(Debug, Default)]
struct Lines {
    lines: VecDeque<LogLine>,
    /// The copy that snapshots share until a line is added.
    copy: Option<Arc<[LogLine]>>,
}

impl Ring {
    /// Adds a line; the oldest goes when there are too many.
    pub fn push(&self, line: LogLine) {
        let mut kept = lock(&self.lines);
        if kept.lines.len() == KEPT {
            kept.lines.pop_front();
        }
        kept.lines.push_back(line);
        kept.copy = None;
    }

    /// A copy for a snapshot.
    #[must_use]
    pub fn lines(&self) -> Arc<[LogLine]> {
        let mut kept = lock(&self.lines);
        let Lines { lines, copy } = &mut *kept;
        let copy = copy.get_or_insert_with(|| lines.iter().cloned().collect());
        Arc::clone(copy)
    }
}

/// Starts logging into `file` and the ring. A file that can't be opened is itself a line in the
/// ring: a full disk must not keep anybody from looking at a stack.
pub fn start(level: Threshold, file: Option<&Path>, clock: &Clock) -> Ring {
    let ring = Ring::default();
    let opened = file.map(open);
    let (writer, problem) = match opened {
        Some(Ok(file)) => (Some(file), None),
        Some(Err(problem)) => (None, Some(problem)),
        None => (None, None),
    };
    let to_file = writer.map(|file| {
        tracing_subscriber::fmt::layer()
            .with_ansi(false)
            .with_timer(Time(clock.clone()))
            .with_writer(Mutex::new(file))
    });
    let to_ring = RingLayer {
        ring: ring.clone(),
        clock: clock.clone(),
    };
    let started = tracing_subscriber::registry()
        .with(EnvFilter::new(filter(level)))
        .with(to_file)
        .with(to_ring)
        .try_init();
    if started.is_err() {
        problem_line(&ring, clock, "a log was already started in this process");
    }
    if let Some(problem) = problem {
        problem_line(&ring, clock, &problem);
    }
    ring
}

fn problem_line(ring: &Ring, clock: &Clock, text: &str) {
    ring.push(LogLine {
        at: clock.now(),
        level: LogLevel::Warn,
        target: "evtop::logging".to_owned(),
        text: text.to_owned(),
    });
}

/// Our own lines from the level that was set; the drivers' chatter only from warnings on.
fn filter(level: Threshold) -> &'static str {
    match level {
        Threshold::Off => "off",
        Threshold::Error => "error",
        Threshold::Warn => "warn",
        Threshold::Info => "warn,evtop=info",
        Threshold::Debug => "info,evtop=debug",
        Threshold::Trace => "debug,evtop=trace",
    }
}

fn open(path: &Path) -> Result<File, String> {
    let failed = |error: std::io::Error| format!("no log file at {}: {error}", path.display());
    if let Some(folder) = path.parent() {
        std::fs::create_dir_all(folder).map_err(failed)?;
    }
    if std::fs::metadata(path).is_ok_and(|file| file.len() > ROTATE_BYTES) {
        let mut old = path.as_os_str().to_owned();
        old.push(".1");
        std::fs::rename(path, PathBuf::from(old)).map_err(failed)?;
    }
    let mut options = OpenOptions::new();
    options.create(true).append(true);
    #[cfg(unix)]
    {
        use std::os::unix::fs::OpenOptionsExt;
        options.mode(0o600);
    }
    options.open(path).map_err(failed)
}

/// The clock's time as the file shows it.
struct Time(Clock);

impl FormatTime for Time {
    fn format_time(&self, w: &mut Writer<'_>) -> fmt::Result {
        write!(w, "{}", self.0.now().format("%Y-%m-%dT%H:%M:%S%.6fZ"))
    }
}

/// Turns each event into a [`LogLine`].
struct RingLayer {
    ring: Ring,
    clock: Clock,
}

impl<S: Subscriber> Layer<S> for RingLayer {
    fn on_event(&self, event: &Event<'_>, _: Context<'_, S>) {
        let mut text = Text::default();
        event.record(&mut text);
        let metadata = event.metadata();
        self.ring.push(LogLine {
            at: self.clock.now(),
            level: level(*metadata.level()),
            target: metadata.target().to_owned(),
            text: text.joined(),
        });
    }
}

fn level(level: Level) -> LogLevel {
    match level {
        Level::ERROR => LogLevel::Error,
        Level::WARN => LogLevel::Warn,
        Level::INFO => LogLevel::Info,
        _ => LogLevel::Debug,
    }
}

/// The message first, then the fields as `name=value`.
#[derive(Default)]
struct Text {
    message: String,
    fields: String,
}

impl Text {
    fn joined(self) -> String {
        let text = self.message + &self.fields;
        match text.char_indices().nth(LINE_CHARS) {
            Some((cut, _)) => format!("{}…", &text[..cut]),
            None => text,
        }
    }

    fn add(&mut self, field: &Field, value: fmt::Arguments<'_>) {
        // Writing to a String can't fail.
        let _ = if field.name() == "message" {
            self.message.write_fmt(value)
        } else {
            write!(self.fields, " {}={value}", field.name())
        };
    }
}

impl Visit for Text {
    fn record_debug(&mut self, field: &Field, value: &dyn fmt::Debug) {
        self.add(field, format_args!("{value:?}"));
    }

    fn record_str(&mut self, field: &Field, value: &str) {
        self.add(field, format_args!("{value}"));
    }

    fn record_error(&mut self, field: &Field, value: &(dyn std::error::Error + 'static)) {
        self.add(field, format_args!("{value}"));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_ring_keeps_the_newest_lines() {
        let clock = Clock::System;
        let ring = Ring::default();
        for i in 0..KEPT + 3 {
            problem_line(&ring, &clock, &i.to_string());
        }
        let lines = ring.lines();
        assert_eq!(lines.len(), KEPT);
        assert_eq!(lines[0].text, "3");
        assert_eq!(lines[KEPT - 1].text, (KEPT + 2).to_string());
    }

    #[test]
    fn an_event_becomes_a_line_with_its_fields() {
        let ring = Ring::default();
        let layer = RingLayer {
            ring: ring.clone(),
            clock: Clock::System,
        };
        let subscriber = tracing_subscriber::registry().with(layer);
        tracing::subscriber::with_default(subscriber, || {
            tracing::warn!(target: "evtop::kafka", topic = "order-events", n = 3, "broker away");
        });
        let lines = ring.lines();
        assert_eq!(lines[0].text, "broker away topic=order-events n=3");
        assert_eq!(lines[0].level, LogLevel::Warn);
        assert_eq!(lines[0].target, "evtop::kafka");
    }

    #[test]
    fn a_file_that_cannot_be_opened_is_said_in_words() {
        let problem = open(Path::new("/dev/null/evtop.log")).expect_err("no folder");
        assert!(
            problem.starts_with("no log file at /dev/null/evtop.log"),
            "{problem}"
        );
    }
}
