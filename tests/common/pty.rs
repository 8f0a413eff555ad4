//! The real binary in a terminal of its own: keys in, screen out, and every byte kept. Its rules: a
//! fixed size, poll with a deadline and never sleep for luck, end only what was started here.

use std::io::{Read, Write};
use std::num::NonZeroU16;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};
use std::thread::JoinHandle;
use std::time::Duration;

use portable_pty::{Child, CommandBuilder, MasterPty, PtySize, SlavePty, native_pty_system};
use tempfile::TempDir;
use vt100::{Parser, Screen};

/// For what has to come, however busy the machine is.
pub const PATIENCE: Duration = Duration::from_secs(30);

pub struct Pty {
    master: Box<dyn MasterPty + Send>,
    /// Kept open, so that the terminal's state can still be read when the program is gone.
    slave: Option<Box<dyn SlavePty + Send>>,
    child: Box<dyn Child + Send + Sync>,
    writer: Box<dyn Write + Send>,
    seen: Arc<Mutex<(Parser, Vec<u8>)>>,
    reader: Option<JoinHandle<()>>,
    home: Option<TempDir>,
}

/// How the program ended, and what it left.
pub struct Ended {
    pub code: u32,
    /// Everything that stands on the terminal then.
    pub text: String,
    pub alternate_screen: bool,
    pub cursor_hidden: bool,
    pub bracketed_paste: bool,
    /// Line editing and echo are on.
    pub cooked: bool,
}

fn size(width: u16, height: u16) -> PtySize {
    PtySize {
        rows: height,
        cols: width,
        pixel_width: 0,
        pixel_height: 0,
    }
}

fn least_one(n: u16) -> NonZeroU16 {
    NonZeroU16::new(n).unwrap_or(NonZeroU16::MIN)
}

impl Pty {
    /// The screen with an embedded stack, 140×42.
    pub fn start() -> Self {
        Self::with(&[], &[])
    }

    pub fn with(args: &[&str], env: &[(&str, &str)]) -> Self {
        Self::sized((140, 42), args, env)
    }

    pub fn sized((width, height): (u16, u16), args: &[&str], env: &[(&str, &str)]) -> Self {
        Self::at_home(tempfile::tempdir().unwrap(), (width, height), args, env)
    }

    /// `home` holds its config, its state and its temporary files.
    pub fn at_home(home: TempDir, cells: (u16, u16), args: &[&str], env: &[(&str, &str)]) -> Self {
        let pair = native_pty_system().openpty(size(cells.0, cells.1)).unwrap();
        let mut command = CommandBuilder::new(env!("CARGO_BIN_EXE_evtop"));
        command.args(args);
        command.cwd(home.path());
        command.env_remove("NO_COLOR");
        // A backtrace would scroll what is looked for off the screen.
        command.env_remove("RUST_BACKTRACE");
        command.env("TERM", "xterm-256color");
        for (name, folder) in [
            ("XDG_CONFIG_HOME", "config"),
            ("XDG_STATE_HOME", "state"),
            ("TMPDIR", "tmp"),
        ] {
            let folder = home.path().join(folder);
            std::fs::create_dir_all(&folder).unwrap();
            command.env(name, folder);
        }
        for (name, value) in env {
            command.env(name, value);
        }
        let child = pair.slave.spawn_command(command).unwrap();
        let parser = Parser::new(least_one(cells.1), least_one(cells.0), 0);
        let seen = Arc::new(Mutex::new((parser, Vec::new())));
        let mut output = pair.master.try_clone_reader().unwrap();
        let reader = {
            let seen = Arc::clone(&seen);
            std::thread::spawn(move || {
                let mut buffer = [0; 8192];
                while let Ok(count @ 1..) = output.read(&mut buffer) {
                    let mut seen = seen.lock().unwrap();
                    seen.0.process(&buffer[..count]);
                    seen.1.extend_from_slice(&buffer[..count]);
                }
            })
        };
        Self {
            writer: pair.master.take_writer().unwrap(),
            master: pair.master,
            slave: Some(pair.slave),
            child,
            seen,
            reader: Some(reader),
            home: Some(home),
        }
    }

    pub fn keys(&mut self, keys: &str) {
        self.writer.write_all(keys.as_bytes()).unwrap();
        self.writer.flush().unwrap();
    }

    pub fn resize(&mut self, width: u16, height: u16) {
        // The parser first: what is drawn for the new size must find it.
        let mut seen = self.seen.lock().unwrap();
        seen.0.set_size(least_one(height), least_one(width));
        drop(seen);
        self.master.resize(size(width, height)).unwrap();
    }

    pub fn look<T>(&self, at: impl FnOnce(&Screen) -> T) -> T {
        at(self.seen.lock().unwrap().0.screen())
    }

    pub fn text(&self) -> String {
        self.look(Screen::contents)
    }

    /// Every byte that came so far.
    pub fn raw(&self) -> Vec<u8> {
        self.seen.lock().unwrap().1.clone()
    }

    #[track_caller]
    pub fn wait_for(&mut self, what: &str, found: impl Fn(&Screen) -> bool) {
        self.wait_within(PATIENCE, what, found);
    }

    #[track_caller]
    pub fn wait_within(&mut self, limit: Duration, what: &str, found: impl Fn(&Screen) -> bool) {
        let began = evtop::clock::instant();
        while !self.look(&found) {
            let ended = self.child.try_wait().unwrap();
            let late = began.elapsed() > limit;
            assert!(
                ended.is_none() && !late,
                "no {what}; ended: {ended:?}; the screen:\n{}",
                self.text()
            );
            std::thread::sleep(Duration::from_millis(10));
        }
    }

    #[track_caller]
    pub fn wait_text(&mut self, text: &str) {
        self.wait_for(text, |screen| screen.contents().contains(text));
    }

    pub fn signal(&self, name: &str) {
        let pid = self.child.process_id().unwrap().to_string();
        let done = std::process::Command::new("kill")
            .args([&format!("-{name}"), &pid])
            .status();
        assert!(done.unwrap().success());
    }

    fn home(&self) -> &Path {
        self.home.as_ref().unwrap().path()
    }

    /// Its home, for another start.
    pub fn take_home(mut self) -> TempDir {
        self.home.take().unwrap()
    }

    /// Folders of embedded stacks that stand in its temporary folder.
    pub fn folders(&self) -> Vec<PathBuf> {
        let entries = std::fs::read_dir(self.home().join("tmp")).unwrap();
        entries.map(|entry| entry.unwrap().path()).collect()
    }

    /// Whether the terminal edits and echoes lines, as a shell wants it.
    pub fn cooked(&self) -> bool {
        let modes = self.master.get_termios().unwrap().local_flags.bits();
        let wanted = libc::ICANON | libc::ECHO | libc::ISIG;
        modes & wanted == wanted
    }

    /// Waits until the program has ended by itself and all it wrote is read.
    #[track_caller]
    pub fn ended(&mut self) -> Ended {
        let began = evtop::clock::instant();
        let status = loop {
            match self.child.try_wait().unwrap() {
                Some(status) => break status,
                None => assert!(began.elapsed() < PATIENCE, "it runs on:\n{}", self.text()),
            }
            std::thread::sleep(Duration::from_millis(10));
        };
        let cooked = self.cooked();
        self.slave = None;
        if let Some(reader) = self.reader.take() {
            reader.join().unwrap();
        }
        self.look(|screen| Ended {
            code: status.exit_code(),
            text: screen.contents(),
            alternate_screen: screen.alternate_screen(),
            cursor_hidden: screen.hide_cursor(),
            bracketed_paste: screen.bracketed_paste(),
            cooked,
        })
    }
}

impl Drop for Pty {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
