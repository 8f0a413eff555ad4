//! Where this machine keeps things: the config file, the log, the environment. The only global reads
//! of this module.

use std::path::{Path, PathBuf};

use etcetera::BaseStrategy;

use super::settings::Config;

/// `evtop/config.toml` in the user's config folder (`$XDG_CONFIG_HOME`).
#[must_use]
pub fn default_file() -> Option<PathBuf> {
    let base = etcetera::choose_base_strategy().ok()?;
    Some(base.config_dir().join("evtop").join("config.toml"))
}

/// evtop's folder for logs and the like (`$XDG_STATE_HOME`).
#[must_use]
pub fn state_dir() -> Option<PathBuf> {
    let base = etcetera::choose_base_strategy().ok()?;
    Some(base.state_dir()?.join("evtop"))
}

/// Where the log goes: as set, else beside everything else of the embedded stack, else to the state
/// folder.
#[must_use]
pub fn log_file(config: &Config, embedded_folder: Option<&Path>) -> Option<PathBuf> {
    let folder = match embedded_folder {
        Some(folder) if config.embedded() => Some(folder.to_owned()),
        _ => state_dir(),
    };
    let default = folder.map(|folder| folder.join("evtop.log"));
    config.log.file.clone().or(default)
}

/// A config file with which another evtop looks at a stack that this one runs.
#[must_use]
pub fn attach_file(name: &str, brokers: &str, sqlite: &Path) -> String {
    let text = |value: &str| toml::Value::from(value);
    format!(
        "name = {}\nworkers = false\nkafka.brokers = {}\nstore.url = {}\n",
        text(name),
        text(brokers),
        text(&format!("sqlite:{}", sqlite.display())),
    )
}

/// The process's environment; what is no text can be no setting.
pub fn environment() -> impl Iterator<Item = (String, String)> {
    std::env::vars_os()
        .filter_map(|(name, value)| Some((name.into_string().ok()?, value.into_string().ok()?)))
}
