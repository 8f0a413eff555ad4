//! Passwords and TLS everywhere, the certificates of an authority of one's own, and what is said when one of
//! them is wrong: which dependency, in words that help, and never a secret.

use std::path::{Path, PathBuf};
use std::process::Command;

use crate::child::{Running, wait_until};
use crate::kafka::env;
use crate::laws;
use crate::rig::{Rig, text};

/// What the servers' secrets are replaced with to be wrong; a secret as well.
const WRONG: &str = "hunter2-is-wrong";

/// How to reach each server.
struct Way {
    mechanism: &'static str,
    kafka_password: String,
    store: String,
    redis: String,
    kafka_ca: PathBuf,
    redis_ca: PathBuf,
}

impl Way {
    fn right(rig: &Rig) -> Self {
        let ca = PathBuf::from(env("EVTOP_STACK_CA"));
        Self {
            mechanism: "SCRAM-SHA-512",
            kafka_password: env("EVTOP_STACK_SASL_PASSWORD"),
            store: verified(rig, &ca),
            redis: env("EVTOP_STACK_REDIS_TLS"),
            kafka_ca: ca.clone(),
            redis_ca: ca,
        }
    }

    /// The settings; the secrets come from the environment and from files.
    fn write(&self, rig: &Rig, name: &str) -> PathBuf {
        rig.write(&format!("{name}.store"), &self.store);
        rig.write(&format!("{name}.kafka"), &self.kafka_password);
        let secret = |what: &str| rig.home.path().join(format!("{name}.{what}"));
        let text = format!(
            "kafka.brokers = \"{brokers}\"\nstore.url = {{ file = \"{store}\" }}\n\
             redis = {{ url = {{ env = \"REDIS_URL\" }}, ca = \"{redis_ca}\" }}\nlog.level = \"trace\"\n\
             consumers.faults.inventory = {{ permanent = 1.0, permanent_times = 1 }}\n\
             {quick}\
             [kafka.properties]\n\"security.protocol\" = \"sasl_ssl\"\n\"sasl.mechanism\" = \"{mechanism}\"\n\
             \"sasl.username\" = \"{user}\"\n\"sasl.password\" = {{ file = \"{password}\" }}\n\
             \"ssl.ca.location\" = \"{kafka_ca}\"\n",
            brokers = env("EVTOP_STACK_BROKERS_SASL"),
            store = secret("store").display(),
            redis_ca = self.redis_ca.display(),
            quick = crate::rig::QUICK,
            mechanism = self.mechanism,
            user = env("EVTOP_STACK_SASL_USER"),
            password = secret("kafka").display(),
            kafka_ca = self.kafka_ca.display(),
        );
        rig.write(&format!("{name}.toml"), &text)
    }

    fn vars(&self) -> [(&str, &str); 1] {
        [("REDIS_URL", &self.redis)]
    }
}

/// The store's address, with the server's certificate checked against this authority.
fn verified(rig: &Rig, ca: &Path) -> String {
    let plain = rig.store();
    format!("{plain}&sslmode=verify-full&sslrootcert={}", ca.display())
}

/// The password in an address.
fn password(url: &str) -> String {
    let (before, _) = url.rsplit_once('@').unwrap();
    before.rsplit(':').next().unwrap().to_owned()
}

/// That no secret stands in any file of the test's home that the program wrote, nor in `said`.
#[track_caller]
fn no_secret(rig: &Rig, said: &[String]) {
    let mut secrets = vec![WRONG.to_owned(), env("EVTOP_STACK_SASL_PASSWORD")];
    secrets.push(password(&env("EVTOP_STACK_POSTGRES")));
    secrets.push(password(&env("EVTOP_STACK_REDIS_TLS")));
    let log = rig.home.path().join("state/evtop/evtop.log");
    assert!(log.exists(), "the log was written");
    let mut files = vec![log];
    for entry in std::fs::read_dir(rig.home.path()).unwrap() {
        let path = entry.unwrap().path();
        let end = path.extension().and_then(|end| end.to_str());
        files.extend(matches!(end, Some("out" | "err")).then(|| path.clone()));
    }
    assert!(files.len() > 2, "{files:?}");
    let read = |path: PathBuf| text(&std::fs::read(path).unwrap());
    for words in files.into_iter().map(read).chain(said.iter().cloned()) {
        for secret in &secrets {
            let at = words.lines().find(|line| line.contains(secret));
            assert_eq!(at, None);
        }
    }
}

#[test]
#[ignore = "needs servers: `scripts/stack test` runs it"]
fn orders_flow_over_tls_with_passwords() {
    let rig = Rig::new();
    let mut said = Vec::new();
    for (round, mechanism) in (1..).zip(["SCRAM-SHA-512", "PLAIN"]) {
        let way = Way {
            mechanism,
            ..Way::right(&rig)
        };
        let config = way.write(&rig, mechanism);
        let mut ask = |args: &[&str]| {
            let answer = rig.ask(&config, args, &way.vars());
            let (out, err) = (text(&answer.stdout), text(&answer.stderr));
            assert!(answer.status.success(), "{args:?}: {out}{err}");
            said.extend([out.clone(), err]);
            out
        };
        let run = rig.run(mechanism, &config, &way.vars());
        ask(&["inject", "happy", "--count", "5"]);
        wait_until("mails and letters", || {
            let mails = rig.number("SELECT count(*) FROM email_log");
            let open = "SELECT count(*) FROM dead_letter WHERE status = 'unresolved' AND dlq_topic IS NOT NULL";
            let found = (mails, rig.number(open));
            (found == (5 * round, 5))
                .then_some(())
                .ok_or_else(|| format!("{found:?}"))
        });
        let plain = rig.number(
            "SELECT count(*) FILTER (WHERE NOT ssl) FROM pg_stat_ssl JOIN pg_stat_activity USING (pid)
             WHERE application_name LIKE 'evtop %'",
        );
        assert_eq!(plain, 0, "sessions without TLS");
        assert!(rig.redis_keys() > 0, "claims are in Redis");
        let causes = ask(&["dlq", "causes", "--json"]);
        let cause: serde_json::Value =
            serde_json::from_str(causes.lines().next().unwrap()).unwrap();
        let cause = cause["fingerprint"].as_str().unwrap();
        ask(&["dlq", "redrive", "--cause", cause, "--yes"]);
        laws::settled(&rig);
        let open = rig.number("SELECT count(*) FROM dead_letter WHERE status <> 'resolved'");
        assert_eq!(open, 0);
        let reserved = rig.number("SELECT count(*) FROM reservation WHERE status = 'reserved'");
        assert_eq!(reserved, 5 * round);
        for args in [
            &["config"][..],
            &["config", "--json"],
            &["doctor"],
            &["dlq", "ls"],
        ] {
            ask(args);
        }
        run.stop();
    }
    no_secret(&rig, &said);
}

/// An authority that signed none of the servers' certificates.
fn other_authority(rig: &Rig) -> PathBuf {
    let (pem, key) = (
        rig.home.path().join("other.pem"),
        rig.home.path().join("other.key"),
    );
    let made = Command::new("openssl")
        .args([
            "req",
            "-x509",
            "-newkey",
            "ec",
            "-pkeyopt",
            "ec_paramgen_curve:P-256",
            "-nodes",
        ])
        .args(["-subj", "/CN=another CA", "-keyout"])
        .arg(key)
        .arg("-out")
        .arg(&pem)
        .output()
        .unwrap();
    assert!(made.status.success(), "{}", text(&made.stderr));
    pem
}

#[test]
#[ignore = "needs servers: `scripts/stack test` runs it"]
fn what_is_wrong_is_said_and_tried_again() {
    let rig = Rig::new();
    let other = other_authority(&rig);
    let right = || Way::right(&rig);
    let wrong = |url: &str| url.replace(&password(url), WRONG);
    // Name, way, dependency, words.
    let cases = [
        (
            "kafka-password",
            Way {
                kafka_password: WRONG.into(),
                ..right()
            },
            "kafka",
            "check sasl.mechanism, sasl.username and sasl.password",
        ),
        (
            "kafka-ca",
            Way {
                kafka_ca: other.clone(),
                ..right()
            },
            "kafka",
            "check ssl.ca.location",
        ),
        (
            "store-password",
            Way {
                store: wrong(&right().store),
                ..right()
            },
            "postgres",
            "password authentication failed",
        ),
        (
            "store-ca",
            Way {
                store: verified(&rig, &other),
                ..right()
            },
            "postgres",
            "certificate",
        ),
        (
            "redis-password",
            Way {
                redis: wrong(&right().redis),
                ..right()
            },
            "redis",
            "password",
        ),
        (
            "redis-ca",
            Way {
                redis_ca: other.clone(),
                ..right()
            },
            "redis",
            "certificate",
        ),
    ];
    let running: Vec<_> = cases
        .iter()
        .map(|(name, way, ..)| rig.run(name, &way.write(&rig, name), &way.vars()))
        .collect();
    for (name, _, dependency, words) in &cases {
        let said = rig.home.path().join(format!("{name}.err"));
        wait_until(name, || {
            let said = std::fs::read_to_string(&said).unwrap();
            let down = format!("{dependency} is down for ");
            // Twice: it goes on trying, and has been down since the first time.
            let lines = said
                .lines()
                .filter(|l| l.contains(&down) && l.contains(words));
            (lines.count() >= 2).then_some(()).ok_or(said)
        });
    }
    running.into_iter().for_each(Running::stop);
    let (rig, ask) = (&rig, |(name, way): (&str, &Way)| {
        let config = rig.home.path().join(format!("{name}.toml"));
        let answers = [["doctor"], ["config"]].map(|args| rig.ask(&config, &args, &way.vars()));
        answers.map(|it| text(&it.stdout) + &text(&it.stderr))
    });
    // At once: a doctor waits long for what is not there.
    let said: Vec<String> = std::thread::scope(|scope| {
        let asked = cases
            .iter()
            .map(|(name, way, ..)| scope.spawn(move || ask((name, way))));
        let asked: Vec<_> = asked.collect();
        asked
            .into_iter()
            .flat_map(|it| it.join().unwrap())
            .collect()
    });
    no_secret(rig, &said);
}
