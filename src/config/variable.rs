//! Which setting an environment variable means.

/// Name and value.
pub type Variable = (String, String);

/// The setting a variable means: `EVTOP_KAFKA__BROKERS` → kafka, brokers. A name without `__` counts
/// only where it is a setting of the top level: an orchestrator sets the likes of
/// `EVTOP_SERVICE_HOST` by itself. In a property table `_` stands for librdkafka's `.`.
pub fn setting_path(name: &str) -> Option<Vec<String>> {
    let rest = name.strip_prefix("EVTOP_")?;
    let mut path: Vec<String> = rest.split("__").map(str::to_lowercase).collect();
    if path.len() == 1 {
        let known = ["name", "workers", "read_only", "production"];
        return known.contains(&path[0].as_str()).then_some(path);
    }
    if path[0] == "kafka" && path.len() > 2 {
        let property = path.split_off(2).join("_").replace('_', ".");
        path.push(property);
    }
    Some(path)
}

/// Whether a variable's value is text, whatever it looks like: a password such as `12_34` is no number.
pub fn may_be_secret(path: &[String]) -> bool {
    let path: Vec<&str> = path.iter().map(String::as_str).collect();
    matches!(path[..], ["store" | "redis", "url"] | ["kafka", _, _])
}
