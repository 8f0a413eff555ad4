//! Arguments → settings → engine → screen or command → drain report → exit code.

use std::io::{self, IsTerminal, Write};
use std::panic::{AssertUnwindSafe, resume_unwind};
use std::path::Path;
use std::process::ExitCode;
use std::sync::Arc;
use std::time::Duration;

use color_eyre::eyre::Result;
use futures_util::FutureExt;
use tokio::runtime::Runtime;
use tokio_util::sync::CancellationToken;

use evtop::cli::{Cli, ConfigArgs, ConfigTask, Exit, Task, completions};
use evtop::clock::{self, Clock};
use evtop::config::{self, Config, Source};
use evtop::engine::{Ends, Engine};
use evtop::folder::{self, Folder};
use evtop::headless::{self, Output};
use evtop::pipeline::Drained;
use evtop::tui;
use evtop::{bench, logging, preflight};

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
    match &cli.task {
        Some(Task::Completions { shell }) => {
            return written(completions(*shell, &mut io::stdout()));
        }
        Some(Task::Config(ConfigArgs {
            task: Some(ConfigTask::Check { file }),
        })) => return check_config(cli, file.as_deref()),
        _ => {}
    }
    let (mut config, mut source) = match settings(cli) {
        Ok(found) => found,
        Err((exit, sentence)) => {
            say(&sentence);
            return Ok(exit);
        }
    };
    let workers = config.workers;
    cli.apply(&mut config);
    if workers != config.workers {
        source.given("workers", "read-only");
    }
    if cli.theme().is_some() {
        source.given("ui.theme", "--theme");
    }
    if cli.read_only {
        source.given("read_only", "--read-only");
    }
    if cli.profile.is_some() {
        source.given("profile", "--profile");
    }
    let mut ui = match preflight::checked(cli, &config, &source) {
        Ok(ui) => ui,
        Err(error) => {
            say(&error.to_string());
            return Ok(Exit::Usage);
        }
    };
    // What the screen remembers is in force for it, so `config themes` tells it too.
    if let (None | Some(Task::Config(_)), Some(folder)) = (&cli.task, config::state_dir()) {
        let memory = tui::Memory::open(
            folder.join("screen.json"),
            config.stack_name(),
            Clock::System.now(),
        );
        ui.remember(memory, source.origin("ui.theme").is_some());
    }
    match &cli.task {
        None => screen(config, ui),
        Some(Task::Config(args)) => config_task(cli, args, &config, &source, &ui),
        Some(Task::Bench(args)) => {
            runtime()?.block_on(bench::run(args, &config, cli.json, &mut io::stdout()))
        }
        Some(task) => command(cli, task, config, ui),
    }
}

/// `evtop config`: what stands in the settings, and what is wrong with them.
fn config_task(
    cli: &Cli,
    args: &ConfigArgs,
    config: &Config,
    source: &Source,
    ui: &tui::Settings,
) -> Result<Exit> {
    let mut out = io::stdout();
    written(match args.task {
        Some(ConfigTask::Keys) => headless::key_rows(&ui.keys, cli.json, &mut out),
        Some(ConfigTask::Themes) => headless::theme_rows(&ui.theme, cli.json, &mut out),
        _ => headless::settings(config, source, cli.json, &mut out),
    })
}

/// Every mistake of a file is told; it need not be fit for use.
fn check_config(cli: &Cli, file: Option<&Path>) -> Result<Exit> {
    let file = file.or(cli.config.as_deref());
    let (file, found) = preflight::mistakes(file, cli.profile.as_deref());
    let exit = written(headless::mistake_rows(&found, cli.json, &mut io::stdout()))?;
    let name = config::origin(file.as_deref());
    if !found.is_empty() {
        say(&format!("{name}: {} to mend", found.len()));
        return Ok(Exit::Usage);
    }
    say(&format!("{name}: nothing is wrong"));
    Ok(exit)
}

/// A reader that goes away ends it quietly.
fn written(done: io::Result<()>) -> Result<Exit> {
    match done {
        Err(error) if error.kind() != io::ErrorKind::BrokenPipe => Err(error.into()),
        _ => Ok(Exit::Ok),
    }
}

/// The settings: as named, or, for a command that only asks, those of the one embedded stack that runs.
fn settings(cli: &Cli) -> Result<(Config, Source), (Exit, String)> {
    let load = |file| {
        Config::load(file, cli.profile.as_deref(), config::environment())
            .map_err(|e| (Exit::Usage, e.to_string()))
    };
    let (config, source) = load(cli.config.as_deref())?;
    let own = matches!(
        cli.task,
        None | Some(Task::Run | Task::Bench(_) | Task::Config(_))
    );
    if !config.embedded() || own {
        return Ok((config, source));
    }
    match folder::running().as_slice() {
        [one] => load(Some(one)),
        // Without any, the doctor looks at one of its own, and a picture is drawn of one.
        [] if matches!(cli.task, Some(Task::Doctor(_) | Task::Snapshot(_))) => {
            Ok((config, source))
        }
        [] => Err((
            Exit::Unavailable,
            "there is no stack to talk to: start `evtop` in another terminal, or name one with --config".into(),
        )),
        many => Err((
            Exit::Usage,
            format!(
                "{} embedded stacks run: name one with --config, such as {}",
                many.len(),
                many[0].display()
            ),
        )),
    }
}

fn runtime() -> Result<Runtime> {
    Ok(tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()?)
}

/// How work with an engine ended.
struct Ended<T> {
    result: T,
    /// What was left; `None` where no workers ran.
    drained: Option<Drained>,
    /// How long ending took.
    took: Duration,
}

/// Starts an engine, does the work with it, and ends it in order whatever became of the work.
fn with_engine<T>(
    config: Config,
    work: impl AsyncFnOnce(Ends, CancellationToken, Clock) -> T,
) -> Result<Ended<T>> {
    let clock = Clock::System;
    // The embedded stack writes into a folder of its own.
    let folder = config.embedded().then(Folder::create).transpose()?;
    let log_file = config::log_file(&config, folder.as_ref().map(Folder::path));
    let log = logging::start(config.log.level, log_file.as_deref(), &clock);
    let runtime = runtime()?;
    let ended = runtime.block_on(async {
        let stop = CancellationToken::new();
        watch_signals(stop.clone());
        let (ends, engine) = Engine::start(config, folder, clock.clone(), log).into_parts();
        // Even a bug in the work ends the workers in order.
        let result = AssertUnwindSafe(work(ends, stop, clock))
            .catch_unwind()
            .await;
        let began = clock::instant();
        let drained = engine.stop().await;
        Ended {
            result: result.unwrap_or_else(|panic| resume_unwind(panic)),
            drained,
            took: began.elapsed(),
        }
    });
    // Where no workers ran, a question to a broker that is away is all that may still be waiting.
    let patience = if ended.drained.is_some() { 1_000 } else { 50 };
    runtime.shutdown_timeout(Duration::from_millis(patience));
    Ok(ended)
}

fn screen(config: Config, settings: tui::Settings) -> Result<Exit> {
    if !io::stdout().is_terminal() || !io::stdin().is_terminal() {
        say(
            "the screen needs a terminal: use a command such as `evtop lag`, or `evtop run` for workers alone",
        );
        return Ok(Exit::Usage);
    }
    // The frame first: connecting begins once it stands.
    let mut terminal = tui::enter()?;
    let ended = tui::first_frame(&mut terminal, &settings).and_then(|()| {
        with_engine(config, async |ends: Ends, stop, clock| {
            let ports = tui::Ports {
                snapshots: ends.snapshots,
                focus: ends.focus,
                requests: ends.requests,
                outcomes: ends.outcomes,
                stop,
                clock,
            };
            let shown = tui::run(&mut terminal, ports, settings);
            let shown = AssertUnwindSafe(shown).catch_unwind().await;
            tui::leave();
            say("ending: what is at work is finished and committed");
            shown.unwrap_or_else(|panic| resume_unwind(panic))
        })
    });
    tui::leave();
    let Ended {
        result,
        drained,
        took,
    } = ended?;
    result?;
    if let Some(drained) = drained {
        report(&drained, took);
    }
    Ok(Exit::Ok)
}

fn command(cli: &Cli, task: &Task, config: Config, ui: tui::Settings) -> Result<Exit> {
    let asking = config.kafka.request_timeout();
    let ended = with_engine(config, async |ends: Ends, stop, clock| {
        let last = ends.snapshots.clone();
        let ports = headless::Ports::new(
            ends.snapshots,
            ends.focus,
            ends.requests,
            ends.outcomes,
            stop,
            clock,
        );
        let (mut out, mut err) = (io::stdout(), io::stderr());
        let output = Output {
            out: &mut out,
            err: &mut err,
            json: cli.json,
        };
        let ports = ports.asking_kafka_for(asking).drawing(ui);
        let exit = headless::run(task, ports, output).await;
        (exit, Arc::clone(&last.borrow()))
    })?;
    let (exit, last) = ended.result;
    if let (Task::Run, Some(drained)) = (task, ended.drained) {
        let clean = drained.late == 0 && drained.pending == Some(0);
        headless::farewell(&last, clean, ended.took, cli.json, &mut io::stderr())?;
    }
    Ok(exit)
}

/// What was done and what is left, once the terminal is back.
fn report(drained: &Drained, took: Duration) {
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
