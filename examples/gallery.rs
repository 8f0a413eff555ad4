//! Draws one screen from a fixture until a key is pressed: `gallery SCREEN FIXTURE [light] [ascii] [keys KEY…]`.

#[path = "../tests/common/fixtures.rs"]
#[allow(dead_code, reason = "the gallery takes what it is asked for")]
mod fixtures;

use std::sync::Arc;

use color_eyre::eyre::{OptionExt, Result};
use crossterm::event::{Event, read};
use evtop::command::Screen;
use evtop::tui::app::{App, Settings};
use evtop::tui::theme::Theme;
use evtop::tui::{Painter, enter, leave};

fn main() -> Result<()> {
    color_eyre::install()?;
    let args: Vec<String> = std::env::args().skip(1).collect();
    let screen = args.first().map_or("flow", String::as_str).to_lowercase();
    let screen = Screen::ALL
        .into_iter()
        .find(|s| s.tab().1.to_lowercase().starts_with(&screen))
        .ok_or_eyre("no such screen")?;
    let fixture = args.get(1).map_or("busy", String::as_str);
    let snapshot = fixtures::by_name(fixture).ok_or_eyre("no such fixture")?;
    let theme = if args.iter().any(|a| a == "light") {
        "light"
    } else {
        "dark"
    };
    let mut settings = Settings::with(Theme::built_in(theme)?);
    settings.ascii = args.iter().any(|a| a == "ascii");
    let mut terminal = enter()?;
    let size = terminal.size()?;
    let mut app = App::new(&settings, (size.width, size.height));
    if snapshot.seq > 0 {
        app.on_snapshot(Arc::new(snapshot));
    }
    app.on_key(screen.tab().0.to_string().parse()?);
    for key in args.iter().skip_while(|a| *a != "keys").skip(1) {
        app.on_key(key.parse()?);
    }
    let mut painter = Painter::default();
    loop {
        painter.draw(&mut terminal, &app)?;
        match read()? {
            Event::Resize(width, height) => app.on_resize(width, height),
            Event::Key(_) => break,
            _ => {}
        }
    }
    leave();
    Ok(())
}
