//! A program that a test started: told and ended by its own id alone.

#![allow(dead_code, reason = "not every test does everything to it")]

use std::process::{Child, Command, ExitStatus};
use std::time::Duration;

/// How long anything may take before a test has failed.
pub const PATIENCE: Duration = Duration::from_secs(60);

/// A child of the test's own: killed at the latest when it is dropped.
pub struct Running(Child);

impl Running {
    pub fn start(command: &mut Command) -> Self {
        Self(command.spawn().unwrap())
    }

    /// As its reports and relays begin.
    pub fn name(&self) -> String {
        format!("{}@", self.0.id())
    }

    /// How it ended, once it has.
    pub fn ended(&mut self) -> Option<ExitStatus> {
        self.0.try_wait().unwrap()
    }

    /// A signal, by its name without SIG.
    pub fn signal(&self, name: &str) {
        let pid = self.0.id().to_string();
        let sent = Command::new("kill").args(["-s", name, &pid]).status();
        assert!(sent.unwrap().success());
    }

    /// SIGKILL: nothing is flushed, nothing is said.
    pub fn kill(&mut self) {
        self.0.kill().unwrap();
        self.0.wait().unwrap();
    }

    /// SIGTERM, and the end it makes.
    #[track_caller]
    pub fn stop(mut self) {
        self.signal("TERM");
        let status = wait_until("end of the program", || {
            self.ended().ok_or_else(String::new)
        });
        assert!(status.success(), "{status}");
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// Looks until it is so; what is missing is told at the end.
#[track_caller]
pub fn wait_until<T>(what: &str, mut look: impl FnMut() -> Result<T, String>) -> T {
    let began = evtop::clock::instant();
    loop {
        let missing = match look() {
            Ok(found) => return found,
            Err(missing) => missing,
        };
        assert!(began.elapsed() < PATIENCE, "no {what}: {missing}");
        std::thread::sleep(Duration::from_millis(20));
    }
}
