//! The embedded stack's temporary folder: everything it writes is in there, it goes with the process,
//! and what a killed process left is swept at the next start. A lock on a file in it says that its
//! owner lives, which also lets other commands find a running instance.

use std::fs::{self, File};
use std::path::{Path, PathBuf};

use tempfile::TempDir;

const PREFIX: &str = "evtop-embedded-";
const LOCK: &str = "lock";
const SETTINGS: &str = "attach.toml";

/// A folder that lives as long as this value.
#[derive(Debug)]
pub struct Folder {
    dir: TempDir,
    _lock: File,
}

impl Folder {
    /// Makes the folder, readable by its owner alone, and sweeps stale ones.
    ///
    /// # Errors
    /// When the temporary folder can't be written.
    pub fn create() -> std::io::Result<Self> {
        for stale in others().into_iter().filter(|dir| !is_alive(dir)) {
            // Somebody else may be sweeping too.
            let _ = fs::remove_dir_all(stale);
        }
        let dir = tempfile::Builder::new().prefix(PREFIX).tempdir()?;
        // Nobody may see the lock before it is held: that would look as if its owner had died.
        let made = dir.path().join("lock.new");
        let lock = File::create(&made)?;
        lock.lock()?;
        fs::rename(made, dir.path().join(LOCK))?;
        Ok(Self { dir, _lock: lock })
    }

    #[must_use]
    pub fn path(&self) -> &Path {
        self.dir.path()
    }

    /// Writes how another evtop reaches this stack; returns the file.
    ///
    /// # Errors
    /// When the file can't be written.
    pub fn announce(&self, brokers: &str, database: &Path) -> std::io::Result<PathBuf> {
        let file = self.path().join(SETTINGS);
        let text = crate::config::attach_file("embedded", brokers, database);
        fs::write(&file, text)?;
        Ok(file)
    }
}

/// Settings of the embedded stacks that run on this machine under this user's eyes.
#[must_use]
pub fn running() -> Vec<PathBuf> {
    others()
        .into_iter()
        .filter(|dir| is_alive(dir))
        .map(|dir| dir.join(SETTINGS))
        .filter(|file| file.exists())
        .collect()
}

fn others() -> Vec<PathBuf> {
    let Ok(entries) = fs::read_dir(std::env::temp_dir()) else {
        return Vec::new();
    };
    entries
        .flatten()
        .filter(|entry| entry.file_name().to_string_lossy().starts_with(PREFIX))
        .map(|entry| entry.path())
        .collect()
}

/// Whether its owner still holds the lock. One that can't be looked at is left alone.
fn is_alive(dir: &Path) -> bool {
    match File::open(dir.join(LOCK)) {
        Ok(file) => file.try_lock_shared().is_err(),
        // It is being made right now, or it is somebody else's.
        Err(_) => fs::metadata(dir)
            .and_then(|m| m.modified())
            .ok()
            .and_then(|at| at.elapsed().ok())
            .is_none_or(|age| age.as_secs() < 60),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_living_folder_is_found_and_goes_with_its_owner() {
        let folder = Folder::create().unwrap();
        let path = folder.path().to_owned();
        let file = folder
            .announce("127.0.0.1:1", &path.join("evtop.db"))
            .unwrap();
        assert!(running().contains(&file));
        drop(folder);
        assert!(!path.exists());
    }

    #[test]
    fn what_a_killed_process_left_is_swept() {
        let left = std::env::temp_dir().join(format!("{PREFIX}left-{}", std::process::id()));
        fs::create_dir_all(&left).unwrap();
        File::create(left.join(LOCK)).unwrap();
        let folder = Folder::create().unwrap();
        assert!(!left.exists());
        drop(folder);
    }
}
