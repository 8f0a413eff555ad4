//! Arguments → settings → engine → screen or command → drain report → exit code.

use std::io::{self, IsTerminal, Write};
use std::panic::{AssertUnwindSafe, resume_unwind};
use std::process::ExitCode;
use std::sync::Arc;

use color_eyre::eyre::Result;
use futures_util::FutureExt;
use tokio_util::sync::CancellationToken;

use evtop::cli::{Cli, Exit, Task};
use evtop::clock::{self, Clock};
use evtop::config::{self, Config, Source};
use evtop::engine::{Ends, Engine};
use evtop::folder::{self, Folder};
use evtop::headless::{self, Output};
use evtop::pipeline::Drained;
use evtop::tui::{
    self,
    keymap::Keymap,
    theme::{Depth, Theme},
};
use evtop::{bench, logging};

fn main() -> ExitCode {
    let cli = match Cli::read(std::env::args_os()) {
        Ok(cli) => cli,
        Err(error) => {
            let _ = error.print();
            return ExitCode::from(u8::try_from(error.exit_code()).unwrap_or(1));
        }
    };
    match start(&cli) {
        Ok(exit) => exit.into(),
        Err(report) => {
            say(&format!("{report:?}"));
            Exit::Unexpected.into()
        }
    }
}

/// A sentence that ends the program; nothing else is written to the terminal from here.
fn say(sentence: &str) {
    let _ = writeln!(io::stderr(), "evtop: {sentence}");
}

fn start(cli: &Cli) -> Result<Exit> {
    color_eyre::install()?;
    let (mut config, source) = match settings(cli) {
        Ok(found) => found,
        Err(sentence) => {
            say(&sentence);
            return Ok(Exit::Usage);
        }
    };
    cli.apply(&mut config);
    if let Err(error) = evtop::engine::kafka_settings(&config, None).check() {
        say(&format!("[kafka]: {error}: mend or remove that property"));
        return Ok(Exit::Usage);
    }
    match &cli.task {
        None => screen(config),
        Some(Task::Config) => {
            headless::settings(&config, &source, cli.json, &mut io::stdout())?;
            Ok(Exit::Ok)
        }
        Some(task) => command(cli, task, config),
    }
}

/// The settings: as named, or, for a command that only asks, those of the one embedded stack that runs.
fn settings(cli: &Cli) -> Result<(Config, Source), String> {
    let load = |file| {
        Config::load(file, cli.profile.as_deref(), config::environment()).map_err(|e| e.to_string())
    };
    let (config, source) = load(cli.config.as_deref())?;
    let own = matches!(
        cli.task,
        None | Some(Task::Run | Task::Bench(_) | Task::Config)
    );
    if !config.embedded() || own {
        return Ok((config, source));
    }
    match folder::running().as_slice() {
        [one] => load(Some(one)),
        // Without any, the doctor looks at one of its own.
        [] if matches!(cli.task, Some(Task::Doctor(_))) => Ok((config, source)),
        [] => Err("there is no stack to talk to: start `evtop` in another terminal, or name one with --config".into()),
        many => Err(format!(
            "{} embedded stacks run: name one with --config, such as {}",
            many.len(),
            many[0].display()
        )),
    }
}

/// The embedded stack writes into a folder of its own.
fn folder_for(config: &Config) -> Result<Option<Folder>> {
    Ok(config.embedded().then(Folder::create).transpose()?)
}

fn screen(config: Config) -> Result<Exit> {
    if !io::stdout().is_terminal() || !io::stdin().is_terminal() {
        say(
            "the screen needs a terminal: use a command such as `evtop lag`, or `evtop run` for workers alone",
        );
        return Ok(Exit::Usage);
    }
    let settings = match ui(&config) {
        Ok(settings) => settings,
        Err(sentence) => {
            say(&sentence);
            return Ok(Exit::Usage);
        }
    };
    let clock = Clock::System;
    // The frame first: connecting begins once it stands.
    let mut terminal = tui::enter()?;
    let result = tui::first_frame(&mut terminal, &settings).and_then(|()| {
        let folder = folder_for(&config)?;
        let log_file = config::log_file(&config, folder.as_ref().map(Folder::path));
        let log = logging::start(config.log.level, log_file.as_deref(), &clock);
        let runtime = tokio::runtime::Builder::new_multi_thread()
            .enable_all()
            .build()?;
        let drained = runtime.block_on(async {
            let stop = CancellationToken::new();
            watch_signals(stop.clone());
            let (ends, engine) = Engine::start(config, folder, clock.clone(), log).into_parts();
            let Ends {
                snapshots,
                focus,
                requests,
                outcomes,
            } = ends;
            let ports = tui::Ports {
                snapshots,
                focus,
                requests,
                outcomes,
                stop,
                clock: clock.clone(),
            };
            // Even a bug in the screen ends the workers in order.
            let shown = tui::run(&mut terminal, ports, settings);
            let shown = AssertUnwindSafe(shown).catch_unwind().await;
            tui::leave();
            say("ending: what is at work is finished and committed");
            let began = clock::instant();
            let drained = engine.stop().await;
            let shown = shown.unwrap_or_else(|panic| resume_unwind(panic));
            shown.map(|()| (drained, began.elapsed()))
        });
        runtime.shutdown_timeout(std::time::Duration::from_secs(1));
        drained
    });
    tui::leave();
    let (drained, took) = result?;
    if let Some(drained) = drained {
        report(&drained, took);
    }
    Ok(Exit::Ok)
}

fn ui(config: &Config) -> Result<tui::Settings, String> {
    let name = &config.ui.theme;
    let theme = if name.ends_with(".toml") {
        let text = std::fs::read_to_string(name)
            .map_err(|e| format!("theme {name} can't be read: {e}"))?;
        Theme::parse(name, &text)
    } else {
        Theme::built_in(name)
    };
    let var = |name| std::env::var(name).ok();
    let depth = Depth::of(var("COLORTERM").as_deref(), var("TERM").as_deref());
    let theme = theme.map_err(|e| e.to_string())?.in_depth(depth);
    let keys = config
        .keys
        .iter()
        .map(|(action, keys)| (action.as_str(), keys.clone()));
    let keys = Keymap::patched(keys).map_err(|e| e.to_string())?;
    Ok(tui::Settings {
        keys,
        max_fps: config.ui.max_fps,
        ascii: config.ui.ascii,
        ..tui::Settings::with(theme)
    })
}

/// What was done and what is left, once the terminal is back.
fn report(drained: &Drained, took: std::time::Duration) {
    let handled: Vec<String> = drained
        .handled
        .iter()
        .map(|(name, count)| format!("{name} {count}"))
        .collect();
    let pending = match drained.pending {
        Some(0) => "the outbox is empty".to_owned(),
        Some(count) => format!("{count} rows wait in the outbox for the next start"),
        None => "the outbox could not be read".to_owned(),
    };
    let late = match drained.late {
        0 => String::new(),
        count => {
            format!("; {count} workers did not end in time, what they held is delivered again")
        }
    };
    say(&format!(
        "drained in {:.1} s: {} published, handled {}; {pending}{late}",
        took.as_secs_f64(),
        drained.published,
        handled.join(", ")
    ));
}

fn command(cli: &Cli, task: &Task, config: Config) -> Result<Exit> {
    let clock = Clock::System;
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()?;
    if let Task::Bench(args) = task {
        return runtime.block_on(bench::run(args, &config, cli.json, &mut io::stdout()));
    }
    let folder = folder_for(&config)?;
    let log_file = config::log_file(&config, folder.as_ref().map(Folder::path));
    let log = logging::start(config.log.level, log_file.as_deref(), &clock);
    let exit = runtime.block_on(async {
        let stop = CancellationToken::new();
        watch_signals(stop.clone());
        let (ends, engine) = Engine::start(config, folder, clock.clone(), log).into_parts();
        let Ends {
            snapshots,
            focus,
            requests,
            outcomes,
        } = ends;
        let last = snapshots.clone();
        let ports = headless::Ports::new(snapshots, focus, requests, outcomes, stop, clock);
        let (mut out, mut err) = (io::stdout(), io::stderr());
        let exit = headless::run(
            task,
            ports,
            Output {
                out: &mut out,
                err: &mut err,
                json: cli.json,
            },
        )
        .await;
        let began = clock::instant();
        let last = Arc::clone(&last.borrow());
        let drained = engine.stop().await;
        if let (Task::Run, Some(drained)) = (task, drained) {
            let clean = drained.late == 0 && drained.pending == Some(0);
            headless::farewell(&last, clean, began.elapsed(), cli.json, &mut io::stderr())?;
        }
        Ok(exit)
    });
    runtime.shutdown_timeout(std::time::Duration::from_secs(1));
    exit
}

/// Ctrl-C, SIGTERM and SIGHUP end the program in order.
fn watch_signals(stop: CancellationToken) {
    use tokio::signal::unix::{SignalKind, signal};
    for kind in [
        SignalKind::interrupt(),
        SignalKind::terminate(),
        SignalKind::hangup(),
    ] {
        let stop = stop.clone();
        match signal(kind) {
            Ok(mut signals) => {
                tokio::spawn(async move {
                    while signals.recv().await.is_some() {
                        stop.cancel();
                    }
                });
            }
            Err(error) => tracing::warn!(%error, "a signal can't be watched"),
        }
    }
}
