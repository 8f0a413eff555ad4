//! The connection to Redis, and the breaker before it: a call that gets no answer in time cuts the
//! connection, and until a task of its own has made a new one and had an answer over it, calls fail at
//! once. So an absent or slow Redis costs one timeout now and then, not one a batch.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use redis::aio::MultiplexedConnection;
use redis::{
    AsyncConnectionConfig, Client, ErrorKind, FromRedisValue, RedisError, RedisResult,
    ScriptInvocation, TlsCertificates,
};
use tokio::sync::{Notify, watch};
use tokio::time::{sleep, timeout};

use super::DedupeError;
use super::redis::{CLAIM, RedisSettings};
use crate::clock;
use crate::lock::lock;

/// How often a connection that stands is asked for an answer.
const ASK: Duration = Duration::from_secs(1);

/// The wait before a new connection; it doubles until one has stood for [`ASK`].
const FIRST_WAIT: Duration = Duration::from_millis(250);
const LONGEST_WAIT: Duration = Duration::from_secs(5);

/// How long a new connection may take; nobody waits for it.
const CONNECT: Duration = Duration::from_secs(2);

/// How the server is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Health {
    Connecting,
    /// With the last probe's round trip.
    Up(Duration),
    /// Why, in words for a person.
    Down(String),
}

pub(super) struct Link {
    settings: RedisSettings,
    /// Changed together with `health`.
    live: Mutex<Option<Live>>,
    health: watch::Sender<Health>,
    cut: Notify,
}

#[derive(Clone)]
struct Live {
    /// Tells this connection from earlier ones.
    number: u64,
    connection: MultiplexedConnection,
}

impl Link {
    pub(super) fn new(settings: RedisSettings) -> Self {
        Self {
            settings,
            live: Mutex::default(),
            health: watch::Sender::new(Health::Connecting),
            cut: Notify::new(),
        }
    }

    pub(super) fn health(&self) -> watch::Receiver<Health> {
        self.health.subscribe()
    }

    /// Runs a script over the connection that stands; fails at once where none does.
    pub(super) async fn ask<T: FromRedisValue>(
        &self,
        call: &ScriptInvocation<'_>,
    ) -> Result<T, DedupeError> {
        let live = lock(&self.live).clone();
        let Some(Live { number, connection }) = live else {
            return Err(DedupeError(match &*self.health.borrow() {
                Health::Down(error) => error.clone(),
                Health::Connecting | Health::Up(_) => "still connecting".to_owned(),
            }));
        };
        let answer = self.run(connection, call).await;
        if let Err(error) = &answer {
            self.part(number, error);
        }
        answer
    }

    async fn run<T: FromRedisValue>(
        &self,
        mut connection: MultiplexedConnection,
        call: &ScriptInvocation<'_>,
    ) -> Result<T, DedupeError> {
        within(self.settings.timeout, call.invoke_async(&mut connection)).await
    }

    /// Keeps a connection, for ever.
    pub(super) async fn keep(self: Arc<Self>) {
        let mut wait = FIRST_WAIT;
        for number in 1.. {
            match self.connect().await {
                Ok((connection, took)) => {
                    let live = Live { number, connection };
                    self.set(&mut lock(&self.live), Some(live), Health::Up(took));
                    if self.stay(number).await {
                        wait = FIRST_WAIT;
                    }
                }
                Err(DedupeError(error)) => {
                    self.set(&mut lock(&self.live), None, Health::Down(error));
                }
            }
            sleep(wait).await;
            wait = (wait * 2).min(LONGEST_WAIT);
        }
    }

    /// Asks for answers until this connection is cut; whether there was one.
    async fn stay(&self, number: u64) -> bool {
        let mut stood = false;
        loop {
            tokio::select! {
                () = self.cut.notified() => {}
                () = sleep(ASK) => {}
            }
            let live = lock(&self.live).clone();
            let Some(live) = live.filter(|live| live.number == number) else {
                return stood;
            };
            match self.answer_time(&live.connection).await {
                Ok(took) => {
                    stood = true;
                    let mut now = lock(&self.live);
                    if now.is_some() {
                        self.set(&mut now, Some(live), Health::Up(took));
                    }
                }
                Err(error) => self.part(number, &error),
            }
        }
    }

    /// Lets a connection go over which there was no good answer, unless that was an earlier one.
    fn part(&self, number: u64, error: &DedupeError) {
        let mut live = lock(&self.live);
        if live.as_ref().is_some_and(|live| live.number == number) {
            self.set(&mut live, None, Health::Down(error.0.clone()));
            self.cut.notify_one();
        }
    }

    fn set(&self, place: &mut Option<Live>, live: Option<Live>, health: Health) {
        *place = live;
        let before = self.health.send_replace(health.clone());
        match health {
            Health::Down(error) if !matches!(before, Health::Down(_)) => {
                tracing::warn!(
                    error,
                    "redis: no answer, idempotency falls back to the inbox"
                );
            }
            Health::Up(took) if !matches!(before, Health::Up(_)) => {
                tracing::info!(?took, "redis: connected");
            }
            _ => {}
        }
    }

    /// A connection of its own and an answer over it.
    pub(super) async fn probe(&self) -> Result<(String, Duration), DedupeError> {
        let (_, took) = self.connect().await?;
        let client = Client::open(&*self.settings.url).map_err(text)?;
        Ok((client.get_connection_info().addr().to_string(), took))
    }

    async fn connect(&self) -> Result<(MultiplexedConnection, Duration), DedupeError> {
        let client = self.client().await?;
        let address = client.get_connection_info().addr().to_string();
        // The timeouts are ours.
        let config = AsyncConnectionConfig::new()
            .set_connection_timeout(None)
            .set_response_timeout(None);
        let connection = client.get_multiplexed_async_connection_with_config(&config);
        let asked = async {
            let connection = within(CONNECT, connection).await?;
            let took = self.answer_time(&connection).await?;
            Ok((connection, took))
        };
        let named = |e: DedupeError| DedupeError(format!("{address}: {}", e.0));
        asked.await.map_err(named)
    }

    /// How long an answer takes that says that it would take claims.
    async fn answer_time(
        &self,
        connection: &MultiplexedConnection,
    ) -> Result<Duration, DedupeError> {
        let started = clock::instant();
        let _: Vec<i64> = self
            .run(connection.clone(), &CLAIM.prepare_invoke())
            .await?;
        Ok(started.elapsed())
    }

    /// Made anew each time: the authorities' file may have changed.
    async fn client(&self) -> Result<Client, DedupeError> {
        let settings = &self.settings;
        // Another part of the program may have chosen first, and then that holds.
        let _ = rustls::crypto::ring::default_provider().install_default();
        let Some(path) = &settings.ca else {
            return Client::open(&*settings.url).map_err(text);
        };
        let named = |e: &dyn std::fmt::Display| DedupeError(format!("{}: {e}", path.display()));
        let pem = tokio::fs::read(path).await.map_err(|e| named(&e))?;
        let trusted = TlsCertificates {
            client_tls: None,
            root_cert: Some(pem),
        };
        Client::build_with_tls(&*settings.url, trusted).map_err(|e| named(&e))
    }
}

async fn within<T>(
    limit: Duration,
    work: impl Future<Output = RedisResult<T>>,
) -> Result<T, DedupeError> {
    match timeout(limit, work).await {
        Ok(result) => result.map_err(text),
        Err(_) => Err(DedupeError(format!(
            "no answer in {} ms",
            limit.as_millis()
        ))),
    }
}

fn text(error: RedisError) -> DedupeError {
    DedupeError(match error.kind() {
        ErrorKind::AuthenticationFailed => "user or password is refused".to_owned(),
        _ => error.to_string(),
    })
}
