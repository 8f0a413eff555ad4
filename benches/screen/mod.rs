//! The real binary in a PTY of 140 × 42, as the benches watch it.

use std::io::Read;
use std::sync::mpsc::{Receiver, channel};
use std::time::{Duration, Instant};

use portable_pty::{Child, CommandBuilder, MasterPty, PtySize, native_pty_system};

/// A running evtop with a home of its own; it ends with this.
pub struct Running {
    pub child: Box<dyn Child + Send + Sync>,
    /// What it sends to the terminal.
    pub bytes: Receiver<Vec<u8>>,
    started: Instant,
    _master: Box<dyn MasterPty + Send>,
    _home: tempfile::TempDir,
}

impl Drop for Running {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

impl Running {
    /// With these settings and environment variables; without settings it is the embedded stack.
    #[expect(clippy::disallowed_methods, reason = "a bench measures time")]
    pub fn start(settings: Option<&str>, variables: &[(&str, &str)]) -> Self {
        let home = tempfile::tempdir().unwrap();
        let size = PtySize {
            rows: 42,
            cols: 140,
            pixel_width: 0,
            pixel_height: 0,
        };
        let pair = native_pty_system().openpty(size).unwrap();
        let mut command = CommandBuilder::new(env!("CARGO_BIN_EXE_evtop"));
        if let Some(settings) = settings {
            let file = home.path().join("bench.toml");
            std::fs::write(&file, settings).unwrap();
            command.arg("--config");
            command.arg(&file);
        }
        for name in ["XDG_CONFIG_HOME", "XDG_STATE_HOME", "TMPDIR"] {
            command.env(name, home.path());
        }
        command.env("TERM", "xterm-256color");
        for (name, value) in variables {
            command.env(name, value);
        }
        let mut reader = pair.master.try_clone_reader().unwrap();
        let started = Instant::now();
        let child = pair.slave.spawn_command(command).unwrap();
        let (send, bytes) = channel();
        std::thread::spawn(move || {
            let mut buffer = [0; 65_536];
            while let Ok(count @ 1..) = reader.read(&mut buffer) {
                if send.send(buffer[..count].to_vec()).is_err() {
                    break;
                }
            }
        });
        Self {
            child,
            bytes,
            started,
            _master: pair.master,
            _home: home,
        }
    }

    /// Milliseconds from the start until the first whole frame was sent.
    pub fn first_frame(&self) -> f64 {
        let mut seen = Vec::new();
        loop {
            let bytes = self.bytes.recv_timeout(Duration::from_secs(10));
            seen.extend(bytes.expect("a frame"));
            if seen.windows(8).any(|w| w == b"Timeline") {
                return self.started.elapsed().as_secs_f64() * 1e3;
            }
        }
    }

    /// Resident memory in MiB.
    pub fn resident(&self) -> f64 {
        let pid = self.child.process_id().unwrap();
        let status = std::fs::read_to_string(format!("/proc/{pid}/status")).unwrap();
        let line = status.lines().find(|l| l.starts_with("VmRSS")).unwrap();
        let kib: f64 = line.split_whitespace().nth(1).unwrap().parse().unwrap();
        kib / 1024.0
    }
}
