//! Draws `screenshots/*.svg` from a live embedded stack: `cargo run --release --example screenshots`.
//! Every number in them was measured by the run that drew them.

use std::fmt::Write as _;
use std::sync::Arc;
use std::time::Duration;

use color_eyre::eyre::{Result, bail};
use evtop::clock::Clock;
use evtop::command::{Command, Request, Screen};
use evtop::config::Config;
use evtop::domain::scenario::Scenario;
use evtop::engine::{Ends, Engine};
use evtop::folder::Folder;
use evtop::logging;
use evtop::snapshot::Snapshot;
use evtop::tui::Settings;
use evtop::tui::app::App;
use evtop::tui::keymap::Key;
use evtop::tui::theme::Theme;
use evtop::tui::view;
use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::style::{Color, Modifier, Style};
use unicode_width::UnicodeWidthStr;

/// File, screen, keys pressed on it, theme.
const PICTURES: [(&str, Screen, &str, &str); 10] = [
    ("flow", Screen::Flow, "", "dark"),
    ("lag", Screen::Lag, "enter", "dark"),
    ("consumers", Screen::Consumers, "down", "dark"),
    ("outbox", Screen::Outbox, "", "dark"),
    ("letters", Screen::Letters, "", "dark"),
    ("timeline", Screen::Timeline, "", "dark"),
    ("messages", Screen::Messages, "enter", "dark"),
    ("activity", Screen::Activity, "", "dark"),
    ("inject", Screen::Flow, "i", "dark"),
    ("light", Screen::Flow, "", "light"),
];

const SIZE: (u16, u16) = (140, 42);

fn main() -> Result<()> {
    let mut config = Config::default();
    config.traffic.orders_per_s = Some(20.0);
    config.traffic.seed = Some(7);
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()?;
    runtime.block_on(async {
        let clock = Clock::System;
        let folder = Folder::create()?;
        let log = logging::start(config.log.level, None, &clock);
        let (mut ends, engine) =
            Engine::start(config, Some(folder), clock.clone(), log).into_parts();
        tokio::time::sleep(Duration::from_secs(75)).await;
        redrive_something(&mut ends, &clock).await?;
        for (name, screen, keys, theme) in PICTURES {
            let buffer = picture(&mut ends, screen, keys, theme).await?;
            std::fs::write(format!("screenshots/{name}.svg"), svg(&buffer, theme))?;
        }
        engine.stop().await;
        Ok(())
    })
}

/// So that the Activity screen has something to show.
async fn redrive_something(ends: &mut Ends, clock: &Clock) -> Result<()> {
    let snapshot = ends.snapshots.borrow().clone();
    let causes = snapshot.letters.value.iter().flat_map(|l| &l.causes);
    let redrivable = causes.clone().find(|c| c.code == "rejected");
    let mut commands = vec![Command::Inject {
        scenario: Scenario::Duplicate,
        count: 3,
    }];
    commands.extend(redrivable.map(|cause| Command::Redrive {
        letters: evtop::command::LetterChoice::Cause(cause.fingerprint.clone()),
        rate: 25,
    }));
    for command in commands {
        ends.requests
            .send(Request {
                id: clock.id(),
                command,
            })
            .await?;
        if ends.outcomes.recv().await.is_none() {
            bail!("the engine ended");
        }
    }
    tokio::time::sleep(Duration::from_secs(3)).await;
    Ok(())
}

async fn picture(ends: &mut Ends, screen: Screen, keys: &str, theme: &str) -> Result<Buffer> {
    let mut settings = Settings::with(Theme::built_in(theme)?);
    settings.screen = screen;
    let mut app = App::new(&settings, SIZE);
    let first: Arc<Snapshot> = ends.snapshots.borrow().clone();
    app.on_snapshot(first);
    for key in keys.split_whitespace() {
        let _ = app.on_key(key.parse::<Key>()?);
    }
    // What is looked at is asked for; a few snapshots later it is there.
    for _ in 0..10 {
        ends.focus.send_replace(app.focus());
        ends.snapshots.changed().await?;
        let snapshot = ends.snapshots.borrow_and_update().clone();
        app.on_snapshot(snapshot);
    }
    let area = Rect::new(0, 0, SIZE.0, SIZE.1);
    let mut buffer = Buffer::empty(area);
    view::render(&app, area, &mut buffer);
    Ok(buffer)
}

// The height of a full block at this font size, so that charts have no seams.
const CELL: (f32, f32) = (8.43, 16.3);
const PAD: f32 = 12.0;

/// A picture of the cells: runs of one style, each stretched to exactly its cells.
fn svg(buffer: &Buffer, theme: &str) -> String {
    let (fg, bg) = if theme == "light" {
        ("#24292f", "#ffffff")
    } else {
        ("#d0d0d0", "#101216")
    };
    let area = buffer.area;
    let (width, height) = (
        f32::from(area.width) * CELL.0 + 2.0 * PAD,
        f32::from(area.height) * CELL.1 + 2.0 * PAD,
    );
    let mut out = format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"{width}\" height=\"{height}\" font-family=\"ui-monospace, 'DejaVu Sans Mono', Menlo, Consolas, monospace\" font-size=\"14\">\n<rect width=\"100%\" height=\"100%\" rx=\"8\" fill=\"{bg}\"/>\n"
    );
    for y in 0..area.height {
        let mut x = 0;
        while x < area.width {
            let style = buffer[(x, y)].style();
            let start = x;
            let mut text = String::new();
            while x < area.width && buffer[(x, y)].style() == style {
                let symbol = buffer[(x, y)].symbol();
                text.push_str(symbol);
                x += u16::try_from(symbol.width().max(1)).unwrap_or(1);
            }
            run(&mut out, (start, y), x - start, &text, style, (fg, bg));
        }
    }
    out.push_str("</svg>\n");
    out
}

fn run(out: &mut String, at: (u16, u16), cells: u16, text: &str, style: Style, base: (&str, &str)) {
    let (left, top) = (
        PAD + f32::from(at.0) * CELL.0,
        PAD + f32::from(at.1) * CELL.1,
    );
    let long = f32::from(cells) * CELL.0;
    let mut fg = colour(style.fg).unwrap_or_else(|| base.0.to_owned());
    let mut bg = colour(style.bg);
    if style.add_modifier.contains(Modifier::REVERSED) {
        let swapped = bg.unwrap_or_else(|| base.1.to_owned());
        bg = Some(std::mem::replace(&mut fg, swapped));
    }
    if let Some(bg) = bg {
        let _ = writeln!(
            out,
            "<rect x=\"{left:.1}\" y=\"{top:.1}\" width=\"{long:.1}\" height=\"{:.1}\" fill=\"{bg}\"/>",
            CELL.1
        );
    }
    if text.trim().is_empty() {
        return;
    }
    let weight = if style.add_modifier.contains(Modifier::BOLD) {
        " font-weight=\"bold\""
    } else {
        ""
    };
    let dim = if style.add_modifier.contains(Modifier::DIM) {
        " opacity=\"0.6\""
    } else {
        ""
    };
    let italic = if style.add_modifier.contains(Modifier::ITALIC) {
        " font-style=\"italic\""
    } else {
        ""
    };
    let text = text
        .replace('&', "&amp;")
        .replace('<', "&lt;")
        .replace('>', "&gt;");
    let _ = writeln!(
        out,
        "<text x=\"{left:.1}\" y=\"{:.1}\" fill=\"{fg}\" textLength=\"{long:.1}\" lengthAdjust=\"spacingAndGlyphs\" xml:space=\"preserve\"{weight}{dim}{italic}>{text}</text>",
        top + 13.0
    );
}

fn colour(colour: Option<Color>) -> Option<String> {
    match colour {
        Some(Color::Rgb(r, g, b)) => Some(format!("#{r:02x}{g:02x}{b:02x}")),
        _ => None,
    }
}
