//! One evtop of the three, as a process of its own.

use std::fs::File;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::Duration;

use evtop::clock;

use crate::child::Running;

pub struct Instance {
    child: Running,
    log: PathBuf,
}

impl Instance {
    /// `evtop run` with this configuration; what it says is added to `log`.
    pub fn start(config: &Path, log: PathBuf) -> Self {
        let out = File::options()
            .create(true)
            .append(true)
            .open(&log)
            .unwrap();
        let state = config.with_file_name("state");
        let mut command = Command::new(env!("CARGO_BIN_EXE_evtop"));
        command
            .arg("--config")
            .arg(config)
            .arg("run")
            .env("XDG_STATE_HOME", state)
            .stdin(Stdio::null())
            .stdout(out.try_clone().unwrap())
            .stderr(out);
        let child = Running::start(&mut command);
        Self { child, log }
    }

    /// How it ended by itself, if it did.
    pub fn ended(&mut self) -> Option<String> {
        let status = self.child.ended()?;
        Some(format!(
            "an instance ended by itself ({status}): {}",
            self.log.display()
        ))
    }

    pub fn signal(&self, name: &str) {
        self.child.signal(name);
    }

    pub fn kill(&mut self) {
        self.child.kill();
    }

    /// SIGTERM, and the end it makes.
    pub async fn stop(&mut self) -> Result<(), String> {
        self.signal("TERM");
        let began = clock::instant();
        loop {
            if let Some(status) = self.child.ended() {
                return status
                    .success()
                    .then_some(())
                    .ok_or(format!("told to stop, an instance ended with {status}"));
            }
            if began.elapsed() > Duration::from_secs(40) {
                return Err("told to stop, an instance did not end in 40 s".into());
            }
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    }
}
