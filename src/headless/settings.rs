//! `evtop config`: the settings in force and where they came from; secrets are `***`. What is not set and
//! has an effect by default, such as the embedded stack's faults and orders, is shown as it is in force.

use std::io::{self, Write};

use serde_json::{Value, json};

use super::json;
use crate::config::{Config, Faults, Source};
use crate::domain::printable::visible_lines;

/// Writes the settings: TOML that could be a config file, or one JSON object.
pub fn settings(
    config: &Config,
    source: &Source,
    json: bool,
    out: &mut (impl Write + ?Sized),
) -> io::Result<()> {
    let config = &in_force(config);
    let file = source
        .file
        .as_deref()
        .map(|path| path.display().to_string());
    if json {
        let object = json!({
            "stack": config.stack_name(),
            "embedded": config.embedded(),
            "file": file,
            "profile": source.profile,
            "variables": source.variables,
            "settings": serde_json::to_value(config).unwrap_or(Value::Null),
        });
        return json::line(&object, out);
    }
    let file = file.unwrap_or_else(|| "none: defaults".to_owned());
    let mut head = format!("# stack: {}\n# file: {file}\n", config.stack_name());
    if !source.variables.is_empty() {
        head += &format!("# environment: {}\n", source.variables.join(", "));
    }
    let body = toml::to_string(config).map_err(io::Error::other)?;
    writeln!(
        out,
        "{}",
        visible_lines(&format!("{head}{body}")).trim_end()
    )
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
