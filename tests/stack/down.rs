//! Decision by decision: a dependency that is away costs no event. Each server is stopped before the start,
//! killed in the middle, restarted, frozen and, where there is a way to cut, cut off, under traffic. While it
//! is away the snapshot says so and since when, nothing is dead-lettered for it, and afterwards everything
//! goes on by itself.

use std::path::Path;
use std::process::Command;
use std::sync::Arc;

use chrono::{DateTime, TimeDelta, Utc};
use evtop::clock::Clock;
use evtop::config::Config;
use evtop::engine::{Engine, Handle};
use evtop::logging::Ring;
use evtop::snapshot::{Dependency, DependencyState, Snapshot};
use tokio::sync::watch;

use crate::child::wait_until;
use crate::kafka::env;
use crate::laws;
use crate::proxy::Proxy;
use crate::rig::{Rig, text};

#[track_caller]
fn stack(words: &[&str]) {
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("scripts/stack");
    let said = Command::new(script).args(words).output().unwrap();
    let (out, err) = (text(&said.stdout), text(&said.stderr));
    assert!(said.status.success(), "{words:?}: {out}{err}");
}

/// Whatever becomes of the test, the servers run again after it.
struct Up;

impl Drop for Up {
    fn drop(&mut self) {
        stack(&["up"]);
    }
}

/// The engine in this process, and what it shows.
struct Running {
    snapshots: watch::Receiver<Arc<Snapshot>>,
    handle: Handle,
    _ends: Box<dyn Send>,
}

fn start(rig: &Rig, brokers: &str, orders_per_s: f64) -> Running {
    let settings = rig.settings(&format!("traffic.orders_per_s = {orders_per_s:.1}\n"));
    let settings = settings.replace(&env("EVTOP_STACK_BROKERS"), brokers);
    let file = rig.write("evtop.toml", &settings);
    let (config, _) = Config::load(Some(&file), None, std::iter::empty()).unwrap();
    let _inside = rig.runtime.enter();
    let (ends, handle) = Engine::start(config, None, Clock::System, Ring::default()).into_parts();
    Running {
        snapshots: ends.snapshots.clone(),
        handle,
        _ends: Box::new(ends),
    }
}

impl Running {
    fn dependency(&self, name: &str) -> Option<Dependency> {
        let snapshot = self.snapshots.borrow();
        snapshot.health.iter().find(|d| d.name == name).cloned()
    }

    /// It is said to be down, why, and since when: since it is.
    #[track_caller]
    fn says_down(&self, name: &str, stopped: DateTime<Utc>) {
        let found = wait_until(name, || {
            let found = self.dependency(name).ok_or("unknown")?;
            let down = found.state == DependencyState::Down;
            let told = format!("{found:?}");
            down.then_some(found).ok_or(told)
        });
        assert!(found.note.is_some(), "{found:?}");
        let since = found.since.unwrap();
        // A question that was on its way may be told as failed a little later, never earlier.
        let earliest = stopped - TimeDelta::seconds(1);
        assert!(
            since >= earliest && since <= Clock::System.now(),
            "{found:?}"
        );
    }

    /// It is said to be up, and orders are accepted and handled again.
    #[track_caller]
    fn goes_on(&self, rig: &Rig, name: &str) {
        wait_until("recovery", || {
            let found = self.dependency(name);
            let up = found
                .as_ref()
                .is_some_and(|d| d.state == DependencyState::Up);
            up.then_some(()).ok_or_else(|| format!("{found:?}"))
        });
        let orders = || rig.number("SELECT count(*) FROM orders");
        let newest = orders() + 3;
        wait_until("handled order", || {
            // A mail of an order that was accepted since.
            let found = rig.number("SELECT count(*) FROM email_log");
            (found >= newest)
                .then_some(())
                .ok_or_else(|| format!("{found} mails of {newest}"))
        });
    }

    fn stop(self, rig: &Rig) {
        let drained = rig.runtime.block_on(self.handle.stop());
        assert_eq!(drained.map(|d| d.late), Some(0));
    }
}

fn comes_and_goes(part: &str) {
    let rig = Rig::new();
    let _up = Up;
    let now = || Clock::System.now();
    let proxied = env("EVTOP_STACK_BROKERS_PROXIED");
    let proxy = rig.runtime.block_on(Proxy::to_broker());

    // At the start.
    let stopped = now();
    stack(&["stop", part]);
    let running = start(&rig, &proxied, 5.0);
    running.says_down(part, stopped);
    stack(&["start", part]);
    running.goes_on(&rig, part);
    // In the middle.
    let stopped = now();
    stack(&["kill", part]);
    running.says_down(part, stopped);
    stack(&["start", part]);
    running.goes_on(&rig, part);
    // So quickly that it may not be seen, or only while it is frozen next.
    let stopped = now();
    stack(&["stop", part]);
    stack(&["start", part]);
    running.goes_on(&rig, part);
    // It has its connections, and says nothing.
    stack(&["freeze", part]);
    running.says_down(part, stopped);
    stack(&["thaw", part]);
    running.goes_on(&rig, part);
    // It is well, and can't be reached.
    if part == "kafka" {
        let stopped = now();
        proxy.set_cut(true);
        running.says_down(part, stopped);
        proxy.set_cut(false);
        running.goes_on(&rig, part);
    }

    running.stop(&rig);
    let last = start(&rig, &proxied, 0.0);
    assert!(laws::hold(&rig) > 10);
    last.stop(&rig);
}

#[test]
#[ignore = "needs servers: `scripts/stack test` runs it"]
fn kafka_comes_and_goes() {
    comes_and_goes("kafka");
}

#[test]
#[ignore = "needs servers: `scripts/stack test` runs it"]
fn postgres_comes_and_goes() {
    comes_and_goes("postgres");
}

#[test]
#[ignore = "needs servers: `scripts/stack test` runs it"]
fn redis_comes_and_goes() {
    comes_and_goes("redis");
}
