//! `evtop config`: what is in force, where it came from, and no secret.

use super::*;

#[test]
fn settings_are_shown_without_secrets() {
    let mut config = Config::default();
    let password = ("sasl.password".to_owned(), Secret::new("hunter2"));
    config.kafka.properties.extend([password]);
    for json in [false, true] {
        let mut out = Vec::new();
        settings(&config, &Source::default(), json, &mut out).expect("written");
        let out = String::from_utf8(out).expect("UTF-8");
        assert!(out.contains("***") && !out.contains("hunter2"), "{out}");
        assert!(out.contains("sasl.password"), "{out}");
    }
}

#[test]
fn settings_say_where_they_came_from() {
    let text = "kafka.brokers = 'k:9092'\n[profiles.lab]\nrelay.batch = 7\n[profiles.lab.kafka.properties]\n'a.b' = 'c'";
    let env = [("EVTOP_UI__ASCII".to_owned(), "true".to_owned())];
    let no_file = |_: &std::path::Path| Err(std::io::ErrorKind::NotFound.into());
    let read = evtop::config::parse("f.toml", text, Some("lab"), env.into_iter(), no_file);
    let (config, mut source) = read.expect("settings");
    source.given("read_only", "--read-only");
    let mut out = Vec::new();
    settings(&config, &source, false, &mut out).expect("written");
    let out = String::from_utf8(out).expect("UTF-8");
    for line in [
        "kafka.brokers = \"k:9092\"  # f.toml:1",
        "relay.batch = 7  # f.toml:3",
        "kafka.properties.\"a.b\" = \"***\"  # f.toml:5",
        "ui.ascii = true  # environment variable EVTOP_UI__ASCII",
        "read_only = false  # --read-only",
        "relay.shards = 4  # default",
        "# profile: \"lab\"  # default",
    ] {
        assert!(out.lines().any(|l| l == line), "{line}\n{out}");
    }
    // It could be a file: all but the secrets come back.
    let no_env = std::iter::empty();
    let again = evtop::config::parse("again", &out, None, no_env, no_file).expect("TOML");
    assert_eq!((again.0.relay, again.0.ui), (config.relay, config.ui));
}

#[test]
fn settings_that_have_an_effect_unset_are_shown_as_they_are_in_force() {
    let shown = |config: &Config| {
        let mut out = Vec::new();
        settings(config, &Source::default(), true, &mut out).expect("written");
        let object: serde_json::Value = serde_json::from_slice(&out).expect("JSON");
        object["settings"].clone()
    };
    let embedded = shown(&Config::default());
    assert_eq!(embedded["traffic"]["orders_per_s"], 3.0);
    assert_eq!(
        embedded["consumers"]["faults"]["inventory"]["permanent"],
        0.01
    );
    let mut own = Config::default();
    own.kafka.brokers = "k:9092".to_owned();
    let own = shown(&own);
    assert_eq!(own["traffic"]["orders_per_s"], 0.0);
    assert_eq!(own["consumers"]["faults"]["inventory"]["permanent"], 0.0);
}
