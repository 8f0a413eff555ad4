//! Every mistake in a file, not only the first: what is wrong is told, left out, and the rest read again.

use std::path::Path;

use toml::de::DeTable;

use super::error::ConfigError;
use super::load::{Culprit, Without, read};
use super::settings::Config;
use super::source::Source;
use super::variable::Variable;

/// Every mistake, and the settings without what is wrong; `None` where nothing can be read at all, such as
/// a file that is no TOML.
pub fn mistakes(
    origin: &str,
    text: &str,
    profile: Option<&str>,
    env: impl Iterator<Item = Variable>,
    fetch: impl Fn(&Path) -> std::io::Result<String>,
) -> (Vec<ConfigError>, Option<(Config, Source)>) {
    let env: Vec<Variable> = env.collect();
    let mut profile = profile.map(str::to_owned);
    let mut without = Without::default();
    let mut found: Vec<ConfigError> = Vec::new();
    loop {
        let env = env
            .iter()
            .filter(|(name, _)| !without.variables.contains(name));
        let settings = read(
            (origin, text),
            profile.as_deref(),
            env.cloned().collect(),
            &fetch,
            &without.paths,
        );
        let (error, culprit) = match settings {
            Ok(settings) => return (found, Some(settings)),
            Err(wrong) => *wrong,
        };
        // A default that does not go with another setting may be the work of what was left out.
        if found.is_empty() || culprit.is_some() {
            found.push(error);
        }
        match culprit {
            Some(Culprit::Setting(path)) if !without.paths.contains(&path) => {
                without.paths.push(path);
            }
            Some(Culprit::Variable(name)) if !without.variables.contains(&name) => {
                without.variables.push(name);
            }
            Some(Culprit::Profile) if profile.as_deref() != Some("") => {
                profile = Some(String::new());
            }
            _ => return (found, None),
        }
    }
}

/// The names of a file's profiles; none where it is no TOML.
#[must_use]
pub fn profiles(text: &str) -> Vec<String> {
    let Ok(root) = DeTable::parse(text) else {
        return Vec::new();
    };
    let profiles = root.get_ref().get("profiles");
    let names = profiles.and_then(|p| p.get_ref().as_table());
    let names = names.into_iter().flat_map(|table| table.keys());
    names.map(|key| key.get_ref().to_string()).collect()
}
