//! The commands as a person or a script uses them, against a stack that runs in another process and is
//! found by itself.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

use std::io::Read;
use std::process::{Child, Command, Output, Stdio};
use std::time::Duration;

use serde_json::Value;
use tempfile::TempDir;

const PATIENCE: Duration = Duration::from_secs(30);

/// Nothing happens by itself; inventory rejects all until it is redriven.
const SETTINGS: &str = "
traffic.orders_per_s = 0.0
watch.queries_ms = 200
consumers.retry_base_ms = 10
consumers.faults = { email = {}, analytics = {}, inventory = { permanent = 1.0, permanent_times = 1 } }
";

struct Stack {
    home: TempDir,
    child: Child,
}

impl Drop for Stack {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn evtop(home: &TempDir, args: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_evtop"));
    command
        .args(args)
        .env("TMPDIR", home.path().join("tmp"))
        .env("XDG_CONFIG_HOME", home.path())
        .env("XDG_STATE_HOME", home.path())
        .stdin(Stdio::null());
    command
}

fn home() -> TempDir {
    let home = tempfile::tempdir().unwrap();
    std::fs::create_dir_all(home.path().join("tmp")).unwrap();
    std::fs::create_dir_all(home.path().join("evtop")).unwrap();
    std::fs::write(home.path().join("evtop/config.toml"), SETTINGS).unwrap();
    home
}

impl Stack {
    fn start() -> Self {
        Self::start_with("")
    }

    /// With further settings before the others.
    fn start_with(settings: &str) -> Self {
        let home = home();
        let file = home.path().join("evtop/config.toml");
        std::fs::write(file, format!("{settings}{SETTINGS}")).unwrap();
        let child = Self::run(&home);
        let stack = Self { home, child };
        stack.await_groups();
        stack
    }

    fn run(home: &TempDir) -> Child {
        let mut command = evtop(home, &["run"]);
        command.current_dir(home.path());
        command.stdout(Stdio::null()).stderr(Stdio::null());
        command.spawn().unwrap()
    }

    /// Killed and started again: what it had in its folder is gone, its database is not.
    fn restart(&mut self) {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
        self.child = Self::run(&self.home);
        self.await_groups();
    }

    fn await_groups(&self) {
        self.until("groups", || {
            let (rows, code) = self.rows_and_code(&["lag"]);
            // Not announced yet, or not answered.
            if code != 0 {
                return None;
            }
            let own = rows.iter().filter(|r| r["ours"] == true);
            (own.count() == 10).then_some(())
        });
    }

    fn ask(&self, args: &[&str]) -> Output {
        evtop(&self.home, args).output().unwrap()
    }

    /// The lines of a command's `--json`; it must end well.
    #[track_caller]
    fn rows(&self, args: &[&str]) -> Vec<Value> {
        let (rows, code) = self.rows_and_code(args);
        assert_eq!(code, 0, "{args:?}: {rows:#?}");
        rows
    }

    #[track_caller]
    fn rows_and_code(&self, args: &[&str]) -> (Vec<Value>, i32) {
        let args = [args, &["--json"]].concat();
        let output = self.ask(&args);
        let text = String::from_utf8(output.stdout).unwrap();
        let rows = text.lines().map(|line| match serde_json::from_str(line) {
            Ok(row @ Value::Object(_)) => row,
            other => panic!("{args:?}: {line}: {other:?}"),
        });
        (rows.collect(), output.status.code().unwrap())
    }

    #[track_caller]
    fn until<T>(&self, what: &str, mut look: impl FnMut() -> Option<T>) -> T {
        let began = evtop::clock::instant();
        loop {
            if let Some(found) = look() {
                return found;
            }
            assert!(began.elapsed() < PATIENCE, "no {what}");
            std::thread::sleep(Duration::from_millis(50));
        }
    }

    /// Words of a command that ends with `code`; nothing of them is on stdout.
    #[track_caller]
    fn refused(&self, args: &[&str], code: i32) -> String {
        let output = self.ask(args);
        let words = String::from_utf8(output.stderr).unwrap();
        assert_eq!(output.status.code(), Some(code), "{args:?}: {words}");
        assert!(output.stdout.is_empty(), "{args:?}: {:?}", output.stdout);
        assert!(words.starts_with("evtop: "), "{words}");
        words
    }
}

#[test]
fn the_way_of_a_person_through_the_commands() {
    let stack = Stack::start();
    // Put in one of each.
    for (scenario, count) in [
        ("happy", 3),
        ("insufficient-stock", 1),
        ("invalid-total", 1),
        ("poison-bytes", 1),
        ("duplicate", 1),
        ("old-schema", 1),
    ] {
        let rows = stack.rows(&["inject", scenario, "--count", &count.to_string()]);
        assert_eq!(rows.len(), 1);
        assert_eq!(rows[0]["order_ids"].as_array().unwrap().len(), count);
    }
    // Invalid and poison: one letter a service. The others: rejected by inventory, and the second
    // copy of the duplicate behind the first.
    let letters = stack.until("letters", || {
        let rows = stack.rows(&["dlq", "ls"]);
        (rows.len() == 6 + 6 + 1).then_some(rows)
    });
    let causes = stack.rows(&["dlq", "causes"]);
    let cause = causes.iter().find(|c| c["code"] == "rejected").unwrap();
    assert_eq!(cause["open"], 6, "{causes:#?}");
    let id = letters[0]["id"].as_str().unwrap();
    let shown = stack.rows(&["dlq", "show", id]);
    assert_eq!(shown[0]["id"], id);
    // A part of the id is enough: its beginning, or the end that the screen shows.
    for part in [&id[..13], &id[id.len() - 8..]] {
        assert_eq!(stack.rows(&["dlq", "show", part])[0]["id"], id);
    }
    // Tables say the same.
    let table = stack.ask(&["dlq", "ls"]);
    assert_eq!(String::from_utf8(table.stdout).unwrap().lines().count(), 14);
    assert_eq!(table.stderr, b"");
    // Send the rejected ones back: done, and what waited behind one follows.
    let fingerprint = cause["fingerprint"].as_str().unwrap();
    let (done, code) = stack.rows_and_code(&["dlq", "redrive", "--cause", fingerprint]);
    assert_eq!(code, 0, "{done:#?}");
    assert_eq!(done[0]["state"], "completed");
    assert_eq!(done[0]["failed_again"], 0);
    let left = stack.rows(&["dlq", "ls"]);
    assert!(left.iter().all(|l| l["code"] != "rejected"), "{left:#?}");
    // Send a poison one back: it may not be, as it is.
    let poison = left.iter().find(|l| l["code"] != "validation").unwrap();
    let words = stack.refused(&["dlq", "redrive", poison["id"].as_str().unwrap()], 4);
    assert!(words.contains("edit"), "{words}");
    events_and_replay(&stack);
    observers(&stack);
}

fn events_and_replay(stack: &Stack) {
    let events = stack.until("reservations", || {
        let rows = stack.rows(&["timeline"]);
        let reserved = rows.iter().filter(|e| e["event_type"] != "OrderCreated");
        (reserved.count() == 6).then_some(rows)
    });
    let stream = events[0]["stream"].as_str().unwrap();
    assert_eq!(stack.rows(&["timeline", "--stream", stream]).len(), 2);
    let which = ["replay", "--type", "OrderCreated", "--to-service", "email"];
    let would = stack.rows(&[&which[..], &["--dry-run"]].concat());
    assert_eq!(would[0]["events"], 6);
    assert!(stack.rows(&["ops"]).len() == 1, "a dry run is no operation");
    // Honoured: all are known.
    let done = stack.rows(&which);
    assert_eq!(
        (&done[0]["total"], &done[0]["state"]),
        (&6.into(), &"completed".into())
    );
    let operations = stack.rows(&["ops"]);
    assert_eq!(operations.len(), 2);
    let id = operations[0]["id"].as_str().unwrap();
    let words = stack.refused(&["ops", "--cancel", id], 4);
    assert!(words.contains("already completed"), "{words}");
}

fn observers(stack: &Stack) {
    let lag = stack.until("lag 0", || {
        let rows = stack.rows(&["lag", "--partitions"]);
        let own = rows.iter().filter(|r| r["ours"] == true);
        own.clone().all(|r| r["lag"] == 0).then_some(rows.len())
    });
    assert!(lag >= 15, "{lag}");
    assert!(!stack.rows(&["lag", "email-service"]).is_empty());
    stack.refused(&["lag", "nobody"], 4);
    let outbox = stack.rows(&["outbox"]);
    assert_eq!(outbox[0]["pending"], 0);
    stack.rows(&["setup"]);
    stack.rows(&["doctor", "--config", attach(stack).as_str()]);
    let config = stack.rows(&["config"]);
    assert!(config[0].is_object());
    // Its consumers are in the other process: whatever it says, it says as data, and ends.
    let (_, code) = stack.rows_and_code(&["consumers"]);
    assert!([0, 3, 4].contains(&code), "{code}");
}

fn attach(stack: &Stack) -> String {
    let mut folders = std::fs::read_dir(stack.home.path().join("tmp")).unwrap();
    let file = folders.next().unwrap().unwrap().path().join("attach.toml");
    file.to_str().unwrap().to_owned()
}

#[test]
fn a_screen_is_drawn_of_a_stack_that_runs_and_a_pause_reaches_it() {
    let stack = Stack::start();
    // So many that no partition stays without one: of what was never committed the lag is unknown.
    stack.rows(&["inject", "happy", "--count", "40"]);
    let text = |args: &[&str]| {
        let output = stack.ask(&[&["snapshot"], args].concat());
        let words = String::from_utf8(output.stderr).unwrap();
        assert_eq!(output.status.code(), Some(0), "{args:?}: {words}");
        String::from_utf8(output.stdout).unwrap()
    };
    let timeline = stack.until("orders", || {
        let drawn = text(&["--screen", "timeline", "--size", "120x30"]);
        drawn.contains("OrderCreated").then_some(drawn)
    });
    assert_eq!(timeline.lines().count(), 30);
    assert!(timeline.contains("6 Timeline") && !timeline.contains('\x1b'));
    let lag = text(&["--screen", "2", "--format", "ansi"]);
    assert!(lag.contains("inventory-service") && lag.contains("\x1b[0;"));
    let file = stack.home.path().join("flow.svg");
    let drawn = text(&[
        "--format",
        "svg",
        "--theme",
        "light",
        "-o",
        file.to_str().unwrap(),
    ]);
    assert_eq!(drawn, "");
    let svg = std::fs::read_to_string(file).unwrap();
    assert!(svg.starts_with("<svg ") && svg.contains("Flow"));

    stack.until("all of it handled", || {
        let rows = stack.rows(&["lag", "email-service", "--partitions"]);
        rows.iter().all(|row| row["lag"] == 0).then_some(())
    });
    let paused = stack.rows(&["consumers", "pause", "email"]);
    assert_eq!(paused[0]["state"], "paused", "{paused:#?}");
    let drawn = text(&["--screen", "consumers"]);
    assert!(drawn.contains("paused"), "{drawn}");
    // Another process knows it too, and does not say of what stands that it moves.
    stack.rows(&["inject", "happy", "--count", "5"]);
    let stopped = stack.until("a verdict on the paused one", || {
        let rows = stack.rows(&["lag", "email-service", "--partitions"]);
        rows.into_iter().find(|row| row["lag"].as_u64() > Some(0))
    });
    assert_eq!(stopped["verdict"], "stopped", "{stopped:#?}");
    stack.refused(&["consumers", "resume", "email", "--read-only"], 4);
    let resumed = stack.rows(&["consumers", "resume", "email"]);
    assert_ne!(resumed[0]["state"], "paused");

    let limits = ["check", "--max-outbox", "1000", "--max-dead-letters"];
    let (fine, code) = stack.rows_and_code(&[&limits[..], &["1000000"]].concat());
    assert_eq!((code, fine.len()), (0, 2), "{fine:#?}");
    let over = stack.until("a dead letter", || {
        let (rows, code) = stack.rows_and_code(&[&limits[..], &["0"]].concat());
        (code == 5).then_some(rows)
    });
    assert_eq!(over[0]["result"], "over");
    // What is under the cursor is waited for too.
    let letters = text(&["--screen", "dlq"]);
    assert!(
        letters.contains("rejected") && !letters.contains("reading its bytes"),
        "{letters}"
    );
}

#[test]
fn a_pause_outlasts_a_restart() {
    let mut stack = Stack::start_with("store.url = \"sqlite:kept.db\"\n");
    let paused = stack.rows(&["consumers", "pause", "email"]);
    assert_eq!(paused[0]["state"], "paused", "{paused:#?}");
    stack.restart();
    // What the process that runs now says; the killed one is remembered for a while.
    let says = |service: &str, stack: &Stack| {
        let rows = stack.rows(&["consumers"]);
        let pid = format!("{}@", stack.child.id());
        let mut own = rows.into_iter().filter(|c| c["service"] == service);
        own.find(|c| c["instance"].as_str().is_some_and(|i| i.starts_with(&pid)))
    };
    let email = stack.until("word of email", || says("email", &stack));
    assert_eq!(
        (&email["state"], &email["handled"]),
        (&"paused".into(), &0.into())
    );
    stack.rows(&["inject", "happy"]);
    let handled =
        |service: &str| says(service, &stack).map_or(0, |c| c["handled"].as_u64().unwrap());
    stack.until("analytics", || (handled("analytics") > 0).then_some(()));
    assert_eq!(handled("email"), 0);
    // The killed one can't follow, which may be said.
    let (_, code) = stack.rows_and_code(&["consumers", "resume", "email"]);
    assert!([0, 5].contains(&code), "{code}");
    stack.until("email", || (handled("email") > 0).then_some(()));
}

#[test]
fn without_a_stack_the_embedded_one_is_drawn() {
    let home = home();
    let file = home.path().join("lively.toml");
    std::fs::write(
        &file,
        "traffic.orders_per_s = 50.0\nwatch.queries_ms = 200\n",
    )
    .unwrap();
    let config = file.to_str().unwrap();
    let args = [
        "snapshot", "--screen", "timeline", "--wait", "30", "--config", config,
    ];
    let output = evtop(&home, &args).output().unwrap();
    let words = String::from_utf8(output.stderr).unwrap();
    assert_eq!(output.status.code(), Some(0), "{words}");
    let drawn = String::from_utf8(output.stdout).unwrap();
    assert!(
        drawn.contains("6 Timeline") && drawn.contains("OrderCreated"),
        "{drawn}"
    );
    let rest = std::fs::read_dir(home.path().join("tmp")).unwrap().count();
    assert_eq!(rest, 0, "its folder is gone");
}

#[test]
fn a_file_s_mistakes_are_told_all_at_once() {
    let home = home();
    let file = home.path().join("bad.toml");
    std::fs::write(
        &file,
        "workers = 'no'\n[kafka]\nbrokrs = 'x'\n[kafka.properties]\n'no.such' = 1\n[keys]\nquit = ['x']\nredriv = ['y']\n[profiles.lab]\nrelay.batch = 0\n",
    )
    .unwrap();
    let name = file.to_str().unwrap();
    let output = evtop(&home, &["config", "check", name]).output().unwrap();
    assert_eq!(output.status.code(), Some(2));
    let out = String::from_utf8(output.stdout).unwrap();
    let lines: Vec<&str> = out.lines().collect();
    let wants = [
        (":1:11: ", "expected a boolean"),
        (":3:1: ", "did you mean `brokers`?"),
        (":5:1: ", "no.such"),
        (":7:1: ", "claimed by both"),
        (":8:1: ", "did you mean `redrive`?"),
        (":10:15: ", "relay.batch: 0"),
    ];
    assert_eq!(lines.len(), wants.len(), "{out}");
    for (line, (place, what)) in lines.iter().zip(wants) {
        assert!(line.starts_with(&format!("{name}{place}")), "{line}");
        assert!(line.contains(what), "{line}");
    }
    let output = evtop(&home, &["config", "check"]).output().unwrap();
    assert_eq!((output.status.code(), output.stdout.len()), (Some(0), 0));
}

/// The command goes before anything is sent; whoever runs workers drives it to its end.
#[test]
fn nobody_waits_for_a_redrive() {
    let stack = Stack::start();
    stack.rows(&["inject", "happy", "--count", "8"]);
    let cause = stack.until("letters", || {
        let causes = stack.rows(&["dlq", "causes"]);
        let all = causes.first().filter(|c| c["open"] == 8)?;
        Some(all["fingerprint"].as_str().unwrap().to_owned())
    });
    let slow = ["--rate", "4", "--no-wait"];
    let begun = stack.rows(&[&["dlq", "redrive", "--cause", &cause], &slow[..]].concat());
    assert_eq!(begun[0]["total"], 8);
    let done = stack.until("end of the operation", || {
        let operations = stack.rows(&["ops"]);
        operations.into_iter().find(|o| o["state"] == "completed")
    });
    assert_eq!(
        (&done["id"], &done["ok"]),
        (&begun[0]["operation"], &8.into())
    );
    assert!(stack.rows(&["dlq", "ls"]).is_empty());
}

#[test]
fn what_is_refused_says_why() {
    let stack = Stack::start();
    let refused = |args: &[&str]| stack.refused(args, 4);
    for args in [
        &["inject", "happy", "--read-only"][..],
        &["dlq", "redrive", "--read-only", NOBODY],
        &["setup", "--read-only"],
    ] {
        let words = refused(args);
        assert!(words.contains("read-only"), "{args:?}: {words}");
    }
    assert!(refused(&["inject", "happy", "--count", "101"]).contains("--yes"));
    assert!(refused(&["dlq", "show", NOBODY]).contains("no letter"));
    assert!(refused(&["dlq", "redrive", "--cause", "none"]).contains("no open letter"));
    assert!(refused(&["ops", "--cancel", NOBODY]).contains("no operation"));
    let nothing = ["replay", "--type", "OrderRefunded", "--to-topic"];
    assert!(refused(&nothing).contains("no event"));
    assert_eq!(stack.rows(&["timeline"]).len(), 0);
}

const NOBODY: &str = "00000000-0000-7000-8000-000000000000";

#[test]
fn a_reader_that_goes_away_is_no_error() {
    let stack = Stack::start();
    stack.rows(&["inject", "happy", "--count", "100"]);
    let mut command = evtop(&stack.home, &["timeline", "--follow", "--json"]);
    command.stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut child = command.spawn().unwrap();
    let mut first = [0; 64];
    child.stdout.take().unwrap().read_exact(&mut first).unwrap();
    // stdout is closed now, and events go on.
    let status = stack.until("end", || {
        stack.rows(&["inject", "happy", "--count", "20"]);
        child.try_wait().unwrap()
    });
    let mut words = String::new();
    child
        .stderr
        .take()
        .unwrap()
        .read_to_string(&mut words)
        .unwrap();
    assert_eq!((status.code(), words.as_str()), (Some(0), ""));
}

#[test]
fn without_a_stack_it_says_how_to_get_one() {
    let home = home();
    let output = evtop(&home, &["lag"]).output().unwrap();
    assert_eq!(output.status.code(), Some(3));
    let words = String::from_utf8(output.stderr).unwrap();
    assert!(words.contains("start `evtop`"), "{words}");
}

#[test]
fn settings_may_be_read_in_part() {
    let mut command = evtop(&home(), &["config"]);
    let mut child = command
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    drop(child.stdout.take());
    let output = child.wait_with_output().unwrap();
    assert_eq!(
        (output.status.code(), output.stderr.as_slice()),
        (Some(0), &b""[..])
    );
}

#[test]
fn a_broker_that_is_away_is_told_within_the_request_timeout() {
    let home = home();
    let file = home.path().join("dead.toml");
    let settings =
        "workers = false\n[kafka]\nbrokers = \"127.0.0.1:1\"\nrequest_timeout_ms = 500\n";
    std::fs::write(&file, settings).unwrap();
    let began = evtop::clock::instant();
    let output = evtop(&home, &["lag", "--config", file.to_str().unwrap()])
        .output()
        .unwrap();
    // A machine at work is slow to start a program; without the limit it took eleven seconds.
    assert!(
        began.elapsed() < Duration::from_secs(5),
        "{:?}",
        began.elapsed()
    );
    assert_eq!(output.status.code(), Some(3));
    assert_eq!(output.stdout, b"lag: unavailable\n");
    let words = String::from_utf8(output.stderr).unwrap();
    assert!(
        words.starts_with("evtop: lag: ") && words.contains("kafka is"),
        "{words}"
    );
    assert_eq!(words.lines().count(), 1, "{words}");
}

/// Triage as a script does it, on letters that really failed: found by what is in them, put away, opened
/// again, written out, and sent back changed from a file.
#[test]
fn the_way_of_a_script_through_a_triage() {
    let stack = Stack::start();
    let made = stack.rows(&["inject", "happy", "--count", "4"]);
    let order = made[0]["order_ids"][2].as_str().unwrap().to_owned();
    let letters = stack.until("letters", || {
        let rows = stack.rows(&["dlq", "ls"]);
        (rows.len() == 4).then_some(rows)
    });
    let cause = letters[0]["fingerprint"].as_str().unwrap();
    // What only the values say is found in them; the store alone could not.
    let of_value = format!("value.data.order_id={order}");
    let found = stack.rows(&["dlq", "ls", "--filter", &of_value]);
    assert_eq!(found.len(), 1, "{found:#?}");
    let id = found[0]["id"].as_str().unwrap();
    let others = stack.rows(&[
        "dlq",
        "ls",
        "--filter",
        &format!("!{of_value} type=Order* ~."),
    ]);
    assert_eq!(others.len(), 3);
    assert!(others.iter().all(|l| l["id"] != id));
    // Put away: exactly those that pass.
    let archive = ["dlq", "archive", "--cause", cause, "--reason", "a test"];
    let narrow = ["--filter", of_value.as_str()];
    let nothing = [&archive[..], &["--filter", "value.data.order_id=nowhere"]].concat();
    assert!(stack.refused(&nothing, 4).contains("passes the filter"));
    stack.refused(&[&archive[..], &narrow[..], &["--read-only"]].concat(), 4);
    let done = stack.rows(&[&archive[..], &narrow[..]].concat());
    assert_eq!(done[0], serde_json::json!({ "archived": 1, "behind": 0 }));
    assert_eq!(stack.rows(&["dlq", "ls"]).len(), 3);
    let archived = stack.rows(&["dlq", "ls", "--archived"]);
    assert_eq!(archived[0]["id"], id);
    // The first digits find it there too.
    let part = &id[..13];
    stack.rows(&["dlq", "note", part, "ticket 7"]);
    let shown = stack.rows(&["dlq", "show", part]);
    assert_eq!(
        (&shown[0]["note"], &shown[0]["id"]),
        (&"ticket 7".into(), &id.into())
    );
    let lines = stack.rows(&["dlq", "export", part]);
    assert_eq!((lines.len(), &lines[0]["id"]), (1, &id.into()));
    let words = stack.refused(&["dlq", "archive", part, "--reason", "again"], 4);
    assert!(words.contains("archived already"), "{words}");
    let opened = stack.ask(&["dlq", "unarchive", part]);
    assert_eq!(opened.stdout, b"opened 1 letter again\n");
    assert!(
        String::from_utf8(opened.stderr)
            .unwrap()
            .contains("out of order")
    );
    // A whole cause, in a file that nobody else reads.
    let file = stack.home.path().join("letters.jsonl");
    let name = file.to_str().unwrap();
    let written = stack.rows(&["dlq", "export", "--cause", cause, "-o", name]);
    assert_eq!(written[0]["letters"], 4);
    assert_eq!(std::fs::read_to_string(&file).unwrap().lines().count(), 4);
    stack.refused(&["dlq", "export", "--cause", cause, "-o", name], 4);
    // Sent back changed, as a new event that the consumer takes.
    let value = shown[0]["value"].as_str().unwrap();
    let mut event: Value = serde_json::from_str(value).unwrap();
    event["data"]["items"][0]["product_name"] = "Changed".into();
    let changed = stack.home.path().join("changed.json");
    std::fs::write(&changed, event.to_string()).unwrap();
    let edit = ["dlq", "edit", part, "--file", changed.to_str().unwrap()];
    let dry = stack.rows(&[&edit[..], &["--dry-run"]].concat());
    assert_eq!(dry[0]["valid"], true, "{dry:#?}");
    let (sent, code) = stack.rows_and_code(&edit);
    assert_eq!(
        (code, &sent[0]["state"]),
        (0, &"completed".into()),
        "{sent:#?}"
    );
    assert!(stack.rows(&["dlq", "ls"]).iter().all(|l| l["id"] != id));
}
