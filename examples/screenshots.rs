//! Draws `screenshots/*.svg` from a live embedded stack: `cargo run --release --example screenshots`.
//! Every number in them was measured by the run that drew them.

use std::sync::Arc;
use std::time::Duration;

use color_eyre::eyre::{Result, bail};
use evtop::clock::Clock;
use evtop::command::{Command, Confirmed, LetterChoice, Request, Screen};
use evtop::config::Config;
use evtop::domain::filter::Resolved;
use evtop::domain::scenario::Scenario;
use evtop::engine::{Ends, Engine};
use evtop::folder::Folder;
use evtop::logging;
use evtop::snapshot::Snapshot;
use evtop::tui::Settings;
use evtop::tui::app::App;
use evtop::tui::keymap::Key;
use evtop::tui::picture::Picture;
use evtop::tui::theme::Theme;

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
            let theme = Theme::built_in(theme)?;
            let drawn = picture(&mut ends, screen, keys, &theme).await?;
            std::fs::write(format!("screenshots/{name}.svg"), drawn.svg(&theme))?;
        }
        engine.stop().await;
        Ok(())
    })
}

/// So that the Activity screen has something to show.
async fn redrive_something(ends: &mut Ends, clock: &Clock) -> Result<()> {
    let snapshot = ends.snapshots.borrow().clone();
    let all = snapshot.letters.value.iter();
    let mut causes = all.flat_map(|l| l.causes.iter().map(move |cause| (l.up_to, cause)));
    let redrivable = causes.find(|(_, cause)| cause.code == "rejected");
    let mut commands = vec![Command::Inject {
        scenario: Scenario::Duplicate,
        count: 3,
    }];
    commands.extend(redrivable.map(|(up_to, cause)| Command::Redrive {
        letters: LetterChoice::Cause {
            cause: cause.fingerprint.clone(),
            filter: Resolved::NONE,
            confirmed: Confirmed {
                up_to,
                count: cause.count,
            },
        },
        rate: 25,
    }));
    for command in commands {
        ends.requests
            .send(Request {
                id: clock.id(),
                command,
                leaves: false,
            })
            .await?;
        if ends.outcomes.recv().await.is_none() {
            bail!("the engine ended");
        }
    }
    tokio::time::sleep(Duration::from_secs(3)).await;
    Ok(())
}

async fn picture(ends: &mut Ends, screen: Screen, keys: &str, theme: &Theme) -> Result<Picture> {
    let mut settings = Settings::with(theme.clone());
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
    Ok(Picture::of(&app))
}
