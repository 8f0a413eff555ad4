//! One evtop of the three, as a process of its own.

use std::fs::File;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use evtop::clock;

pub struct Instance {
    child: Child,
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
        let child = Command::new(env!("CARGO_BIN_EXE_evtop"))
            .arg("--config")
            .arg(config)
            .arg("run")
            .env("XDG_STATE_HOME", state)
            .stdin(Stdio::null())
            .stdout(out.try_clone().unwrap())
            .stderr(out)
            .spawn()
            .unwrap();
        Self { child, log }
    }

    /// How it ended by itself, if it did.
    pub fn ended(&mut self) -> Option<String> {
        let status = self.child.try_wait().unwrap()?;
        Some(format!(
            "an instance ended by itself ({status}): {}",
            self.log.display()
        ))
    }

    pub fn signal(&self, name: &str) {
        let done = Command::new("kill")
            .args([format!("-{name}"), self.child.id().to_string()])
            .status();
        assert!(done.unwrap().success());
    }

    pub fn kill(&mut self) {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
    }

    /// SIGTERM, and the end it makes.
    pub async fn stop(&mut self) -> Result<(), String> {
        self.signal("TERM");
        let began = clock::instant();
        loop {
            if let Some(status) = self.child.try_wait().unwrap() {
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

impl Drop for Instance {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
