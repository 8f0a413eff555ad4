//! Connecting: the address as libpq writes it, with what evtop adds. What an address holds is told to
//! nobody: it may name a password.

use std::str::FromStr;
use std::time::Duration;

use sqlx::postgres::{PgConnectOptions, PgPoolOptions};
use sqlx::{ConnectOptions, Connection as _};

use super::{Connection, MIGRATOR, Postgres, nodelay};
use crate::store::failure::ACQUIRE_TIMEOUT;
use crate::store::{StoreError, StoreSettings};

const WRITERS: u32 = 8;
const READERS: u32 = 4;
/// Longer than any statement of ours takes; a person's search through everything included.
const STATEMENT: Duration = Duration::from_secs(30);
/// How long to wait for another process that brings the schema up to date.
const MIGRATION: Duration = Duration::from_secs(60);
/// A transaction of ours waits for nothing but the database: one that idles has lost its process.
const IDLE: Duration = Duration::from_secs(10);

impl Postgres {
    pub(in crate::store) async fn open(settings: &StoreSettings) -> Result<Self, StoreError> {
        let url = settings.url.as_str();
        if let Some(stranger) = stranger(url) {
            return Err(StoreError::Other(format!(
                "store.url has a parameter \"{stranger}\" that is not known; use libpq's, such as sslmode"
            )));
        }
        let options = PgConnectOptions::from_str(url).map_err(|_| {
            StoreError::Other(
                "store.url is no address of PostgreSQL; use postgres://user:password@host:port/database, with %XX for \
                 what is no letter or digit in the password"
                    .into(),
            )
        })?;
        let millis = |d: Duration| d.as_millis().to_string();
        let read_only = if settings.read_only { "on" } else { "off" };
        let mut options = options
            .application_name(&settings.name)
            .statement_cache_capacity(200)
            .options([
                ("statement_timeout", millis(STATEMENT)),
                ("lock_timeout", millis(settings.busy_timeout)),
                ("idle_in_transaction_session_timeout", millis(IDLE)),
                ("default_transaction_read_only", read_only.to_owned()),
            ]);
        if !settings.statements {
            options = options.disable_statement_logging();
        }
        if !settings.durable {
            options = options.options([("synchronous_commit", "off")]);
        }
        let port = options.get_port();
        let pool = |connections| {
            PgPoolOptions::new()
                .max_connections(connections)
                .acquire_timeout(ACQUIRE_TIMEOUT)
                .after_connect(move |_, _| {
                    nodelay::set(port);
                    Box::pin(std::future::ready(Ok(())))
                })
        };
        // A pool asks again until its time is over and then only says so; one connection says why. It has
        // patience: another process that starts may be at the schema, and large tables take their time.
        let patient = options.clone().options([
            ("lock_timeout", millis(MIGRATION)),
            ("statement_timeout", "0".to_owned()),
        ]);
        let mut first = one(&patient).await?;
        if !settings.read_only {
            // It locks out other processes that start, and finds nothing to do after them.
            MIGRATOR.run_direct(None, &mut first, false).await?;
        }
        first.close().await?;
        let write = pool(WRITERS).connect_with(options.clone()).await?;
        let reading = options.options([("default_transaction_read_only", "on")]);
        let read = pool(READERS).connect_with(reading).await?;
        Ok(Self { write, read })
    }
}

/// What an address may say beside the place. The driver only logs what it does not know, with its value,
/// which may be a password that stands in the wrong place.
const PARAMETERS: [&str; 18] = [
    "sslmode",
    "ssl-mode",
    "sslrootcert",
    "ssl-root-cert",
    "ssl-ca",
    "sslcert",
    "ssl-cert",
    "sslkey",
    "ssl-key",
    "statement-cache-capacity",
    "host",
    "hostaddr",
    "port",
    "dbname",
    "user",
    "password",
    "application_name",
    "options",
];

/// The first parameter that the driver does not know.
fn stranger(url: &str) -> Option<&str> {
    let (_, query) = url.split_once('?')?;
    let query = query.split('#').next().unwrap_or(query);
    let names = query
        .split('&')
        .map(|pair| pair.split('=').next().unwrap_or(pair));
    names
        .filter(|name| !name.is_empty() && !name.starts_with("options["))
        .find(|name| !PARAMETERS.contains(name))
}

/// One connection of its own.
pub(super) async fn one(options: &PgConnectOptions) -> Result<Connection, StoreError> {
    let connected = tokio::time::timeout(ACQUIRE_TIMEOUT, options.connect());
    connected
        .await
        .map_err(|_| StoreError::Unavailable("the server does not take connections".into()))?
        .map_err(StoreError::from)
}
