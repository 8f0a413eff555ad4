//! A Redis that is emptied, frozen, killed, cut off, full or not ours to enter.

use std::path::PathBuf;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use evtop::clock;
use evtop::dedupe::{Claim, Dedupe, RedisSettings};
use tracing_subscriber::fmt::MakeWriter;

use super::server::{PASSWORD, Server};
use super::{claim, complete, consumer, down, now, settings, up};

async fn no_answer(dedupe: &Dedupe) -> String {
    let answer = dedupe.claim("email-service", &["e"], "a", now()).await;
    answer.expect_err("no answer").to_string()
}

#[tokio::test]
#[ignore = "needs EVTOP_STACK_REDIS: scripts/stack test runs it"]
async fn emptied_in_the_middle_it_goes_on() {
    let server = Server::start().await;
    let (dedupe, group) = (Dedupe::redis(settings(server.url())), consumer());
    up(&dedupe).await;
    assert_eq!(claim(&dedupe, &group, &["e"], "a").await, [Claim::Fresh]);
    server.say(&["FLUSHALL"]).await;
    server.say(&["SCRIPT", "FLUSH"]).await;
    complete(&dedupe, &group, &["e"], "a").await;
    assert_eq!(claim(&dedupe, &group, &["e"], "b").await, [Claim::Done]);
    server.say(&["FLUSHALL"]).await;
    assert_eq!(claim(&dedupe, &group, &["e"], "b").await, [Claim::Fresh]);
}

#[tokio::test]
#[ignore = "needs EVTOP_STACK_REDIS: scripts/stack test runs it"]
async fn frozen_it_costs_one_timeout_and_comes_back() {
    let server = Server::start().await;
    let timeout = Duration::from_secs(1);
    let dedupe = Dedupe::redis(RedisSettings {
        timeout,
        ..settings(server.url())
    });
    up(&dedupe).await;
    server.freeze();
    let started = clock::instant();
    let (one, other) = tokio::join!(no_answer(&dedupe), no_answer(&dedupe));
    for why in [one, other] {
        assert_eq!(why, "no answer in 1000 ms");
    }
    for _ in 0..1_000 {
        no_answer(&dedupe).await;
    }
    assert!(started.elapsed() < timeout * 2, "{:?}", started.elapsed());
    down(&dedupe).await;
    server.thaw();
    up(&dedupe).await;
    assert_eq!(
        claim(&dedupe, &consumer(), &["e"], "a").await,
        [Claim::Fresh]
    );
}

#[tokio::test]
#[ignore = "needs EVTOP_STACK_REDIS: scripts/stack test runs it"]
async fn killed_it_is_found_again() {
    let mut server = Server::start().await;
    let dedupe = Dedupe::redis(settings(server.url()));
    up(&dedupe).await;
    server.kill();
    no_answer(&dedupe).await;
    down(&dedupe).await;
    // The words change from "cut" to "refused" when it has tried again.
    let refused = |health: &_| format!("{health:?}").contains("refused");
    super::until(&dedupe, refused).await;
    assert!(no_answer(&dedupe).await.contains("127.0.0.1:"));
    server.restart().await;
    up(&dedupe).await;
    claim(&dedupe, &consumer(), &["e"], "a").await;
}

#[tokio::test]
#[ignore = "needs EVTOP_STACK_REDIS: scripts/stack test runs it"]
async fn cut_off_it_connects_again() {
    let server = Server::start().await;
    let dedupe = Dedupe::redis(settings(server.url()));
    for _ in 0..3 {
        up(&dedupe).await;
        server
            .say(&["CLIENT", "KILL", "TYPE", "normal", "SKIPME", "yes"])
            .await;
        down(&dedupe).await;
    }
    up(&dedupe).await;
}

#[tokio::test]
#[ignore = "needs EVTOP_STACK_REDIS: scripts/stack test runs it"]
async fn full_it_is_down_until_there_is_room() {
    let server = Server::start().await;
    let dedupe = Dedupe::redis(settings(server.url()));
    up(&dedupe).await;
    server.say(&["CONFIG", "SET", "maxmemory", "1"]).await;
    let why = down(&dedupe).await;
    assert!(why.contains("OOM"), "{why}");
    // Nor is it taken for well as soon as one connects again.
    let mut health = dedupe.health().unwrap();
    for _ in 0..2 {
        health.changed().await.unwrap();
        assert!(format!("{:?}", *health.borrow_and_update()).contains("OOM"));
    }
    server.say(&["CONFIG", "SET", "maxmemory", "0"]).await;
    up(&dedupe).await;
}

#[tokio::test]
async fn nobody_waits_for_one_that_never_was_there() {
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    // It takes connections and never says a word: the timeout is the hour of a test that hangs.
    let dedupe = Dedupe::redis(RedisSettings {
        timeout: Duration::from_secs(3_600),
        ..settings(format!("redis://{address}"))
    });
    assert_eq!(no_answer(&dedupe).await, "still connecting");
    assert_eq!(
        down(&dedupe).await,
        format!("{address}: no answer in 2000 ms")
    );
    assert_eq!(
        no_answer(&dedupe).await,
        format!("{address}: no answer in 2000 ms")
    );
}

#[derive(Clone, Default)]
struct Written(Arc<Mutex<Vec<u8>>>);

impl std::io::Write for Written {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.0.lock().unwrap().extend(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

impl MakeWriter<'_> for Written {
    type Writer = Self;

    fn make_writer(&self) -> Self {
        self.clone()
    }
}

#[tokio::test]
#[ignore = "needs EVTOP_STACK_REDIS: scripts/stack test runs it"]
async fn a_password_is_never_shown() {
    let server = Server::start().await;
    let log = Written::default();
    // The tasks of this test stay on its thread.
    let _guard = tracing::subscriber::set_default(
        tracing_subscriber::fmt()
            .with_env_filter("trace")
            .with_writer(log.clone())
            .finish(),
    );
    let mut shown = String::new();
    let good = settings(server.url());
    shown += &format!("{good:?}");
    let good = Dedupe::redis(good);
    up(&good).await;
    shown += &format!("{:?}", good.probe().await);
    server
        .say(&["CLIENT", "KILL", "TYPE", "normal", "SKIPME", "yes"])
        .await;
    shown += &down(&good).await;

    let secret = "not-the-password";
    let wrong = Dedupe::redis(settings(server.url_with(secret)));
    let why = down(&wrong).await;
    assert!(why.contains("user or password is refused"), "{why}");
    shown += &why;
    for url in [
        format!("redis://:{secret}@[broken"),
        format!("rediss://default:{secret}@127.0.0.1:1/db"),
        format!("rediss://default:{secret}@127.0.0.1:1/0#{secret}"),
    ] {
        let ca = Some(PathBuf::from("/nowhere/ca.pem"));
        for ca in [None, ca] {
            let broken = Dedupe::redis(RedisSettings {
                ca,
                ..settings(url.clone())
            });
            shown += &down(&broken).await;
            shown += &format!("{:?}", broken.probe().await);
        }
    }
    let log = String::from_utf8(log.0.lock().unwrap().clone()).unwrap();
    assert!(log.contains("user or password is refused"), "{log}");
    assert!(shown.contains("/nowhere/ca.pem: No such file"), "{shown}");
    for secret in [PASSWORD, secret] {
        assert!(!shown.contains(secret), "{shown}");
        assert!(!log.contains(secret), "{log}");
    }
}

#[tokio::test]
#[ignore = "needs EVTOP_STACK_REDIS: scripts/stack test runs it"]
async fn tls_trusts_the_authority_that_is_named_and_no_other() {
    let url = std::env::var("EVTOP_STACK_REDIS_TLS").expect("EVTOP_STACK_REDIS_TLS");
    let ca = std::env::var_os("EVTOP_STACK_CA").expect("EVTOP_STACK_CA");
    let stranger = Dedupe::redis(settings(url.clone()));
    let why = down(&stranger).await;
    assert!(why.contains("UnknownIssuer"), "{why}");
    let dedupe = Dedupe::redis(RedisSettings {
        ca: Some(ca.into()),
        timeout: super::PATIENCE,
        ..settings(url)
    });
    up(&dedupe).await;
    assert_eq!(
        claim(&dedupe, &consumer(), &["e"], "a").await,
        [Claim::Fresh]
    );
}
