//! What is wrong with the settings, as far as only those can judge who use them: librdkafka's properties,
//! the theme and the keys. A mistake ends every command alike; `evtop config check` tells all of them.

use std::path::{Path, PathBuf};

use crate::cli::Cli;
use crate::config::{self, Config, ConfigError, Source};
use crate::engine::kafka_settings;
use crate::tui::{self, colour::Depth};

/// The screen's settings, where nothing is wrong.
///
/// # Errors
/// The first mistake.
pub fn checked(cli: &Cli, config: &Config, source: &Source) -> Result<tui::Settings, ConfigError> {
    if let Some((error, _)) = bad_property(config, source) {
        return Err(error);
    }
    let var = |name| std::env::var(name).ok();
    let depth = match cli.task {
        // What is drawn into a file has all colours, whatever this terminal has.
        Some(_) => Depth::True,
        None => Depth::of(
            var("NO_COLOR").as_deref(),
            var("COLORTERM").as_deref(),
            var("TERM").as_deref(),
        ),
    };
    tui::Settings::read(config, source, depth)
}

/// Whose place in the settings a property of librdkafka has: its table and its name.
type Property = (&'static str, String);

/// The first property that librdkafka does not take, where it can be told which that is.
fn bad_property(config: &Config, source: &Source) -> Option<(ConfigError, Option<Property>)> {
    let error = kafka_settings(config, None).check().err()?;
    let sentence = error.to_string();
    let tables = [
        ("properties", &config.kafka.properties),
        ("producer", &config.kafka.producer),
        ("consumer", &config.kafka.consumer),
    ];
    let names = tables
        .iter()
        .flat_map(|(table, properties)| properties.keys().map(move |name| (*table, name.clone())));
    // librdkafka names the property in its words; the longest that it may mean is meant.
    let meant = names
        .filter(|(_, name)| sentence.contains(name.as_str()))
        .max_by_key(|(_, name)| name.len());
    let path = match &meant {
        Some((table, name)) => format!("kafka.{table}.{name}"),
        None => "kafka".to_owned(),
    };
    let message = format!("{path}: {sentence}");
    let error = source.error(&path, message, "mend or remove that property");
    Some((error, meant))
}

/// The file that `evtop config check` looks at, and every mistake in it: with the profile that is asked
/// for, else without one and with each that it has.
#[must_use]
pub fn mistakes(file: Option<&Path>, profile: Option<&str>) -> (Option<PathBuf>, Vec<ConfigError>) {
    let default = || config::default_file().filter(|path| path.exists());
    let file = file.map(Path::to_owned).or_else(default);
    let text = match &file {
        None => String::new(),
        Some(path) => match config::read_file(path) {
            Ok(text) => text,
            Err(error) => return (file, vec![error]),
        },
    };
    let origin = config::origin(file.as_deref());
    let mut looks = vec![profile.map(str::to_owned)];
    if profile.is_none() {
        looks.extend(config::profiles(&text).into_iter().map(Some));
    }
    let mut found: Vec<ConfigError> = Vec::new();
    for profile in looks {
        let read = |path: &Path| std::fs::read_to_string(path);
        let (mut wrong, settings) = config::mistakes(
            &origin,
            &text,
            profile.as_deref(),
            config::environment(),
            read,
        );
        if let Some((config, source)) = settings {
            wrong.extend(of_users(config, &source));
        }
        wrong.retain(|error| !found.contains(error));
        found.extend(wrong);
    }
    found.sort_by_key(|error| error.place);
    (file, found)
}

/// What those who use the settings find wrong.
fn of_users(mut config: Config, source: &Source) -> Vec<ConfigError> {
    let mut found = Vec::new();
    while let Some((error, property)) = bad_property(&config, source) {
        found.push(error);
        let kafka = &mut config.kafka;
        let removed = match property {
            Some(("properties", name)) => kafka.properties.remove(&name),
            Some(("producer", name)) => kafka.producer.remove(&name),
            Some((_, name)) => kafka.consumer.remove(&name),
            None => None,
        };
        if removed.is_none() {
            break;
        }
    }
    found.extend(tui::Settings::mistakes(&config, source));
    found
}
