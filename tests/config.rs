//! Settings: the example is the documentation, so it is held to the code; and every way to get one
//! wrong says where, what and how to mend it.

use std::path::Path;

use evtop::config::{Config, ConfigError, Faults, SERVICES, Source, attach_file, log_file, parse};

fn no_file(path: &Path) -> std::io::Result<String> {
    match path.to_str() {
        Some("/run/secrets/kafka") => Ok("from a file\n".to_owned()),
        _ => Err(std::io::Error::from(std::io::ErrorKind::NotFound)),
    }
}

fn load(
    text: &str,
    profile: Option<&str>,
    env: &[(&str, &str)],
) -> Result<(Config, Source), ConfigError> {
    let env = env.iter().map(|(n, v)| ((*n).to_owned(), (*v).to_owned()));
    parse("config.toml", text, profile, env, no_file)
}

fn ok(text: &str) -> Config {
    load(text, None, &[]).expect("good settings").0
}

fn fails(text: &str) -> String {
    load(text, None, &[]).expect_err("bad settings").to_string()
}

fn example() -> String {
    let text = include_str!("../config.toml.example");
    let uncomment = |line: &str| match line.strip_prefix('#') {
        Some(setting) if !setting.is_empty() && !setting.starts_with(' ') => setting.to_owned(),
        _ => line.to_owned(),
    };
    text.lines().map(uncomment).collect::<Vec<_>>().join("\n")
}

#[test]
fn nothing_set_is_the_embedded_stack() {
    let config = ok("");
    assert_eq!(config, Config::default());
    assert!(config.embedded());
    assert_eq!(config.stack_name(), "embedded");
    assert_eq!(config.orders_per_s(), 3.0);
    assert!(!config.faults("analytics").is_quiet());
}

#[test]
fn an_own_stack_gets_neither_traffic_nor_faults_unless_told() {
    let config = ok("kafka.brokers = 'k:9092'");
    assert_eq!(config.stack_name(), "k:9092");
    assert_eq!(config.orders_per_s(), 0.0);
    for service in SERVICES {
        assert!(config.faults(service).is_quiet());
    }
    let told = ok("kafka.brokers = 'k:9092'\n[consumers.faults.email]\nslow = 1");
    assert_eq!(told.faults("email").slow, 1.0);
    assert!(told.faults("inventory").is_quiet());
}

#[test]
fn the_example_with_its_comments_taken_off_is_the_default() {
    let untouched = ok(include_str!("../config.toml.example"));
    assert_eq!(untouched, Config::default());
    let mut config = ok(&example());
    for service in SERVICES {
        assert_eq!(config.faults(service), Faults::demo(service), "{service}");
    }
    assert_eq!(config.orders_per_s(), Config::default().orders_per_s());
    // What has no default of its own.
    config.consumers.faults = Faults::default();
    config.traffic.orders_per_s = None;
    assert!(config.traffic.seed.take().is_some());
    assert!(config.log.file.take().is_some());
    assert_eq!(config, Config::default());
}

#[test]
fn the_example_has_every_setting_there_is() {
    let example: toml::Table = example().parse().expect("TOML");
    let mut full = Config::default();
    full.traffic.orders_per_s = Some(1.0);
    full.traffic.seed = Some(1);
    full.log.file = Some("x".into());
    full.consumers.faults = Faults {
        email: Some(Default::default()),
        analytics: Some(Default::default()),
        inventory: Some(Default::default()),
    };
    let full = toml::Table::try_from(full).expect("serialises");
    fn compare(path: &str, want: &toml::Table, have: &toml::Table) {
        for (key, value) in want {
            let path = format!("{path}.{key}");
            let found = have.get(key);
            assert!(
                found.is_some(),
                "{path} is missing from config.toml.example"
            );
            if let (Some(want), Some(toml::Value::Table(have))) = (value.as_table(), found) {
                compare(&path, want, have);
            }
        }
    }
    compare("", &full, &example);
}

#[test]
fn a_profile_is_laid_over_the_rest() {
    let text = "
        profile = 'lab'
        [kafka]
        brokers = 'a:1'
        [kafka.properties]
        'socket.keepalive.enable' = true
        [profiles.lab]
        read_only = true
        [profiles.lab.kafka]
        brokers = 'b:2'
        [profiles.lab.kafka.properties]
        'retries' = 3
        [profiles.prod]
        production = true";
    let (lab, source) = load(text, None, &[]).expect("lab");
    assert_eq!(source.profile.as_deref(), Some("lab"));
    assert!(lab.read_only && !lab.production);
    assert_eq!(lab.kafka.brokers, "b:2");
    assert_eq!(lab.kafka.properties["retries"].expose(), "3");
    assert_eq!(
        lab.kafka.properties["socket.keepalive.enable"].expose(),
        "true"
    );
    assert_eq!(lab.stack_name(), "lab");

    let prod = load(text, Some("prod"), &[("EVTOP_PROFILE", "lab")])
        .expect("prod")
        .0;
    assert!(prod.production && !prod.read_only);
    assert_eq!(prod.kafka.brokers, "a:1");
    let by_env = load(text, None, &[("EVTOP_PROFILE", "prod")])
        .expect("prod")
        .0;
    assert!(by_env.production);
}

#[test]
fn the_environment_comes_last() {
    let env = [
        ("EVTOP_KAFKA__BROKERS", "localhost:9092"),
        ("EVTOP_RELAY__BATCH", "7"),
        ("EVTOP_READ_ONLY", "true"),
        ("EVTOP_CONSUMERS__SERVICES", "['email']"),
        ("EVTOP_NAME", "5"),
        ("EVTOP_KAFKA__PROPERTIES__SASL_PASSWORD", "12_34"),
        ("EVTOP_KAFKA__PRODUCER__COMPRESSION_TYPE", "{ env = 'ZIP' }"),
        ("EVTOP_SERVICE_HOST", "10.0.0.1"),
        ("ZIP", "zstd"),
        ("HOME", "/"),
    ];
    let (config, source) = load("relay.batch = 3", None, &env).expect("good");
    assert_eq!(config.kafka.brokers, "localhost:9092");
    assert_eq!(config.relay.batch, 7);
    assert!(config.read_only);
    assert_eq!(config.consumers.services, ["email"]);
    assert_eq!(config.name, "5");
    assert_eq!(config.kafka.properties["sasl.password"].expose(), "12_34");
    assert_eq!(config.kafka.producer["compression.type"].expose(), "zstd");
    assert_eq!(source.variables.len(), 7);
}

#[test]
fn a_secret_is_fetched_and_never_shown() {
    let text = "
        [kafka.properties]
        'sasl.username' = 'evtop-user'
        'sasl.password' = { env = 'PASSWORD' }
        'ssl.key.password' = { file = '/run/secrets/kafka' }
        [redis]
        url = { env = 'REDIS' }";
    let (config, _) = load(
        text,
        None,
        &[("PASSWORD", "hunter2"), ("REDIS", "redis://me:sesame@r/1")],
    )
    .expect("good");
    assert_eq!(config.kafka.properties["sasl.password"].expose(), "hunter2");
    assert_eq!(
        config.kafka.properties["ssl.key.password"].expose(),
        "from a file"
    );
    assert_eq!(config.redis.url.expose(), "redis://me:sesame@r/1");
    let shown = format!("{config:?} {}", toml::to_string(&config).expect("TOML"));
    for secret in ["hunter2", "from a file", "evtop-user", "sesame"] {
        assert!(!shown.contains(secret), "{shown}");
    }
    assert!(shown.contains("***"));
}

#[test]
fn an_error_says_where_what_and_the_remedy() {
    let cases = [
        (
            "[kafka]\nbrokrs = 'x'",
            "config.toml:2:1: unknown setting `brokrs`; did you mean `brokers`?",
        ),
        (
            "[kafak]\nbrokers = 'x'",
            "config.toml:1:2: unknown setting `kafak`; did you mean `kafka`?",
        ),
        (
            "read_only = true\nworkers = 'no'",
            "config.toml:2:11: invalid type: string \"no\", expected a boolean; config.toml.example lists every setting with its default",
        ),
        (
            "[log]\nlevel = 'inof'",
            "config.toml:2:9: unknown value `inof`; did you mean `info`?",
        ),
        (
            "[consumers]\nservices = ['emial']",
            "config.toml:2:12: consumers.services: unknown service `emial`; did you mean `email`?",
        ),
        (
            "[consumers.faults.email]\nslow = 1.5",
            "config.toml:2:8: consumers.faults.email.slow: 1.5 is no share; use 0.0 (never) to 1.0 (always)",
        ),
        (
            "[store]\nurl = 'mysql://me:hunter2@db/x'",
            "config.toml:2:7: store.url: this is no address of a store; use `sqlite:PATH` or `postgres://user:password@host:port/database`, or leave it out for a temporary file",
        ),
        (
            "[redis]\nurl = 'http://me:hunter2@r/x'",
            "config.toml:2:7: redis.url: this is no address of Redis; use `redis://user:password@host:port/db`, `rediss://` for TLS, or leave it out to keep idempotency in memory",
        ),
        (
            "[redis]\nurl = 'rediss://me:hunter2@r/0#insecure'",
            "config.toml:2:7: redis.url: a `#` has no meaning here: certificates are always checked; name the authority's file in redis.ca, and write `%23` in a password",
        ),
        (
            "[redis]\nurl = 'redis://r'\nca = '/ca.pem'",
            "config.toml:3:6: redis.ca: authorities are for TLS alone; use `rediss://` in redis.url, or leave this out",
        ),
        (
            "[redis]\ntimeout_ms = 0",
            "config.toml:2:14: redis.timeout_ms: 0 is out of range; use 1 to 60000",
        ),
        (
            "[store]\nurl = 'sqlite::memory:'",
            "config.toml:2:7: store.url: a store in memory can't be shared between connections; leave it out for a temporary file",
        ),
        (
            "[kafka]\ndlq_topic = '{topic}'",
            "config.toml:2:13: kafka.dlq_topic: dead letters would go back to their own topic; add something to `{topic}`, such as `{topic}-{group}-dlt`",
        ),
        (
            "[kafka]\ndead_letter_topics = ['*-dlt', 'order*']",
            "config.toml:2:22: kafka.dead_letter_topics: `order*` fits order-events, whose records are no dead letters; use a narrower name, such as `*-dlt`",
        ),
        (
            "profile = 'prdo'\n[profiles.prod]\nworkers = false",
            "config.toml:1:11: there is no profile `prdo`; did you mean `prod`?",
        ),
        (
            "profile = 'x'\n[relay]\nbatch = 1\n[profiles.x]\nrelay.batch = 0",
            "config.toml:5:15: relay.batch: 0 is out of range; use 1 to 100000",
        ),
        (
            "[kafka.properties]\n'sasl.password' = { env = 'NOT_SET' }",
            "config.toml:2:19: environment variable NOT_SET is not set; set it, or give the value in another way",
        ),
    ];
    for (text, want) in cases {
        assert_eq!(fails(text), want, "of {text}");
    }
}

#[test]
fn an_action_has_one_key_or_several() {
    let config = ok("[keys]\nredrive = \"ctrl-r\"\ncopy = [\"y\", \"ctrl-y\"]\nquit = []");
    let keys = |action: &str| config.keys[action].0.join(" ");
    assert_eq!(
        [keys("redrive"), keys("copy"), keys("quit")],
        ["ctrl-r", "y ctrl-y", ""]
    );
    let said = fails("[keys]\nredrive = 3");
    assert!(said.contains("a key such as \"ctrl-r\""), "{said}");
}

#[test]
fn a_bad_variable_is_named() {
    let bad = |name, value| {
        load("", None, &[(name, value)])
            .expect_err("bad")
            .to_string()
    };
    assert_eq!(
        bad("EVTOP_KAFKA__BROKRES", "x"),
        "environment variable EVTOP_KAFKA__BROKRES: unknown setting `brokres`; did you mean `brokers`?"
    );
    assert_eq!(
        bad("EVTOP_RELAY__BATCH", "many"),
        "environment variable EVTOP_RELAY__BATCH: invalid type: string \"many\", expected usize; config.toml.example lists every setting with its default"
    );
    assert_eq!(
        bad("EVTOP_NAME__X", "1"),
        "environment variable EVTOP_NAME__X: invalid type: map, expected a string; config.toml.example lists every setting with its default"
    );
}

#[test]
fn broken_toml_and_a_bad_secret_do_not_show_the_line() {
    let broken = fails("[kafka.properties]\n'sasl.password' = 'hunter2");
    assert!(broken.starts_with("config.toml:2:"), "{broken}");
    assert!(!broken.contains("hunter2"), "{broken}");
    let odd = fails("[store]\nurl = ['hunter2']");
    assert!(!odd.contains("hunter2"), "{odd}");
    let unreadable = fails("[store]\nurl = { file = '/nowhere' }");
    assert!(
        unreadable.contains("/nowhere can't be read"),
        "{unreadable}"
    );
}

#[test]
fn paths_and_templates() {
    assert_eq!(
        Config::default()
            .kafka
            .dlq_topic_for("order-events", "email-service"),
        "order-events-email-service-dlt"
    );
    let path = |url: &str| ok(&format!("store.url = '{url}'")).store.sqlite_path();
    assert_eq!(
        path("sqlite:/var/x.db").as_deref(),
        Some(Path::new("/var/x.db"))
    );
    assert_eq!(
        path("sqlite:///var/x.db").as_deref(),
        Some(Path::new("/var/x.db"))
    );
    assert_eq!(path("sqlite:x.db").as_deref(), Some(Path::new("x.db")));
    assert_eq!(path(""), None);
}

#[test]
fn a_file_that_is_named_must_be_there() {
    let missing = Config::load(Some(Path::new("/nowhere/x.toml")), None, std::iter::empty());
    let error = missing.expect_err("missing").to_string();
    assert!(
        error.starts_with("/nowhere/x.toml: can't be read"),
        "{error}"
    );
}

#[test]
fn another_evtop_can_look_at_a_running_stack() {
    let path = Path::new("/tmp/it's \"odd\"/evtop.db");
    let config = ok(&attach_file("embedded", "127.0.0.1:4711", path));
    assert_eq!(config.kafka.brokers, "127.0.0.1:4711");
    assert_eq!(config.store.sqlite_path().as_deref(), Some(path));
    assert_eq!(config.stack_name(), "embedded");
    assert!(!config.workers && !config.embedded());
}

#[test]
fn the_log_of_an_embedded_stack_goes_with_it() {
    let folder = Path::new("/tmp/evtop-1");
    let log = |text: &str| log_file(&ok(text), Some(folder));
    assert_eq!(
        log("").as_deref(),
        Some(Path::new("/tmp/evtop-1/evtop.log"))
    );
    assert_eq!(
        log("log.file = '/x.log'").as_deref(),
        Some(Path::new("/x.log"))
    );
    assert!(log("kafka.brokers = 'k:1'").is_none_or(|file| !file.starts_with(folder)));
}

const OTHERS: &str = "
read_only = false
profile = 'attach'
[profiles.attach]
workers = false
kafka.brokers = 'k:9092'
[profiles.allowed]
workers = false
read_only = false
kafka.brokers = 'k:9092'
[profiles.ours]
workers = false
kafka.brokers = 'k:9092'
store.url = 'sqlite:/var/lib/evtop.db'
";

#[test]
fn a_cluster_that_is_not_ours_is_read_only_until_its_profile_says_otherwise() {
    let load = |profile: &str, env: &[(&str, &str)]| load(OTHERS, Some(profile), env).unwrap().0;
    for (profile, env, attached, read_only) in [
        // What the file says of all stacks was not said of this one.
        ("attach", &[][..], true, true),
        ("attach", &[("EVTOP_READ_ONLY", "false")], true, false),
        ("allowed", &[], true, false),
        ("allowed", &[("EVTOP_READ_ONLY", "true")], true, true),
        ("ours", &[], false, false),
        ("ours", &[("EVTOP_STORE__URL", "")], true, true),
        ("attach", &[("EVTOP_WORKERS", "true")], false, false),
    ] {
        let config = load(profile, env);
        let found = (config.attached, config.read_only);
        assert_eq!(found, (attached, read_only), "{profile} {env:?}");
    }
    let own = ok("kafka.brokers = 'k:9092'");
    assert!(!own.attached, "a stack of one's own runs workers");
    let told = ok("kafka.brokers = 'k:9092'\nworkers = false\nread_only = false");
    assert!(
        told.attached && !told.read_only,
        "without a profile the file itself is meant"
    );
    assert!(
        !ok("workers = false").attached,
        "the embedded cluster is ours"
    );
}

#[test]
fn a_short_command_on_our_own_stack_is_not_attached() {
    let mut config = ok("kafka.brokers = 'k:9092'");
    let cli = evtop::cli::Cli::read(["evtop", "lag"]).unwrap();
    cli.apply(&mut config);
    assert!(!config.workers && !config.attached);
}
