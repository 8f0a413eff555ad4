//! `evtop config show` and `config check`: the settings in force and where each came from, and every
//! mistake in them. Secrets are `***`. What is not set and has an effect by default, such as the embedded
//! stack's faults and orders, is shown as it is in force.

use std::io::{self, Write};

use serde_json::{Map, Value, json};

use super::json;
use crate::config::{Config, ConfigError, Faults, Source};
use crate::domain::printable::{visible, visible_lines};

/// What stands for the origin of a setting that nobody gave.
const DEFAULT: &str = "default";

/// Writes the settings: TOML that could be a config file, each line with where it came from, or one JSON
/// object.
pub fn settings(
    config: &Config,
    source: &Source,
    json: bool,
    out: &mut (impl Write + ?Sized),
) -> io::Result<()> {
    let shown = &in_force(config);
    let file = source
        .file
        .as_deref()
        .map(|path| path.display().to_string());
    let tree = toml::Table::try_from(shown).map_err(io::Error::other)?;
    let mut lines = Vec::new();
    flatten(&tree, &mut Vec::new(), &mut lines);
    let from = |path: &[String]| {
        let given = source.origin(&path.join("."));
        let forced = config.attached && path == ["read_only"] && config.read_only;
        given.unwrap_or_else(|| if forced { "attached" } else { DEFAULT }.to_owned())
    };
    if json {
        let origins: Map<String, Value> = lines
            .iter()
            .map(|(path, _)| (path.join("."), from(path).into()))
            .collect();
        let object = json!({
            "stack": config.stack_name(),
            "embedded": config.embedded(),
            "file": file,
            "profile": source.profile,
            "variables": source.variables,
            "settings": serde_json::to_value(shown).unwrap_or(Value::Null),
            "from": origins,
        });
        return json::line(&object, out);
    }
    let file = file.unwrap_or_else(|| "none: defaults".to_owned());
    let mut text = format!("# stack: {}\n# file: {file}\n", config.stack_name());
    if !source.variables.is_empty() {
        text += &format!("# environment: {}\n", source.variables.join(", "));
    }
    for (path, value) in &lines {
        if path == &["profile"] {
            // What it says is laid over the rest here; as a setting it would want the table again.
            text += &format!("# profile: {value}  # {}\n", visible(&from(path)));
            continue;
        }
        let name: Vec<String> = path.iter().map(|part| quoted(part)).collect();
        let from = visible(&from(path));
        text += &format!("{} = {value}  # {from}\n", name.join("."));
    }
    writeln!(out, "{}", visible_lines(&text).trim_end())
}

/// Every setting with its path, by name.
fn flatten(table: &toml::Table, path: &mut Vec<String>, out: &mut Vec<(Vec<String>, toml::Value)>) {
    for (key, value) in table {
        path.push(key.clone());
        match value {
            toml::Value::Table(inner) => flatten(inner, path, out),
            value => out.push((path.clone(), value.clone())),
        }
        path.pop();
    }
}

/// A part of a dotted key, in quotes where TOML wants some.
fn quoted(part: &str) -> String {
    let bare = |c: char| c.is_ascii_alphanumeric() || matches!(c, '_' | '-');
    if !part.is_empty() && part.chars().all(bare) {
        part.to_owned()
    } else {
        toml::Value::from(part).to_string()
    }
}

/// A line for each mistake: file, line, column, what is wrong, the remedy.
pub fn mistake_rows(
    mistakes: &[ConfigError],
    json: bool,
    out: &mut (impl Write + ?Sized),
) -> io::Result<()> {
    for mistake in mistakes {
        if json {
            let object = json!({
                "origin": mistake.origin,
                "line": mistake.place.map(|(line, _)| line),
                "column": mistake.place.map(|(_, column)| column),
                "message": mistake.message,
                "remedy": mistake.remedy,
            });
            json::line(&object, out)?;
        } else {
            writeln!(out, "{}", visible(&mistake.to_string()))?;
        }
    }
    Ok(())
}

/// The same settings with every default that depends on others filled in.
fn in_force(config: &Config) -> Config {
    let mut shown = config.clone();
    shown.traffic.orders_per_s = Some(config.orders_per_s());
    let plan = |service| Some(config.faults(service));
    shown.consumers.faults = Faults {
        email: plan("email"),
        analytics: plan("analytics"),
        inventory: plan("inventory"),
    };
    shown
}
