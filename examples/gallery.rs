//! Runs the screen on a fixture, without an engine: `gallery SCREEN FIXTURE [light] [ascii]`. Every key
//! works; what would be asked of an engine is refused.

#[path = "../tests/common/fixtures/mod.rs"]
#[allow(dead_code, reason = "the gallery takes what it is asked for")]
mod fixtures;

use std::sync::Arc;

use color_eyre::eyre::{OptionExt, Result};
use evtop::clock::Clock;
use evtop::command::{Focus, Outcome, Refusal, RefusalKind, Screen};
use evtop::tui::theme::Theme;
use evtop::tui::{Ports, Settings, enter, leave, run};
use tokio::sync::{mpsc, watch};
use tokio_util::sync::CancellationToken;

fn main() -> Result<()> {
    color_eyre::install()?;
    let args: Vec<String> = std::env::args().skip(1).collect();
    let screen = args.first().map_or("flow", String::as_str).to_lowercase();
    let screen = Screen::ALL
        .into_iter()
        .find(|s| s.tab().1.to_lowercase().contains(&screen))
        .ok_or_eyre("no such screen")?;
    let fixture = args.get(1).map_or("busy", String::as_str);
    let snapshot = fixtures::by_name(fixture).ok_or_eyre("no such fixture")?;
    let has = |word: &str| args.iter().any(|arg| arg == word);
    let theme = if has("light") { "light" } else { "dark" };
    let mut settings = Settings::with(Theme::built_in(theme)?);
    settings.ascii = has("ascii");
    settings.screen = screen;

    let (_snapshots, shown) = watch::channel(Arc::new(snapshot));
    let (requests, mut asked) = mpsc::channel(8);
    let (answers, outcomes) = mpsc::channel(8);
    let (focus, _looked_at) = watch::channel(Focus::default());
    let ports = Ports {
        snapshots: shown,
        focus,
        requests,
        outcomes,
        stop: CancellationToken::new(),
        clock: Clock::System,
    };
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()?;
    let mut terminal = enter()?;
    let result = runtime.block_on(async {
        tokio::spawn(async move {
            while let Some(request) = asked.recv().await {
                let refusal = Refusal {
                    kind: RefusalKind::Unavailable,
                    sentence: format!("No engine here to {}", request.command.action()),
                };
                let result = Err(refusal);
                let id = request.id;
                if answers.send(Outcome { id, result }).await.is_err() {
                    break;
                }
            }
        });
        run(&mut terminal, ports, settings).await
    });
    leave();
    result
}
