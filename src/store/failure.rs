//! What a driver's error means to a caller: whether waiting may help, or nothing will.

use std::time::Duration;

use sqlx::error::DatabaseError;
use sqlx::migrate::MigrateError;
use sqlx::postgres::PgDatabaseError;
use sqlx::sqlite::SqliteError;

use super::StoreError;

/// How long a caller waits for a connection of ours.
pub(super) const ACQUIRE_TIMEOUT: Duration = Duration::from_secs(10);

/// SQLite's primary result codes that say something of the machine and nothing of the request: busy,
/// locked, no memory, read-only, I/O, corrupt, full, cannot open, locking protocol, no database.
const SQLITE_PASSING: [i32; 10] = [5, 6, 7, 8, 10, 11, 13, 14, 15, 26];

/// The same of PostgreSQL's SQLSTATEs, by their first characters
/// (<https://www.postgresql.org/docs/current/errcodes-appendix.html>).
const POSTGRES_PASSING: [(&str, &str); 14] = [
    ("08", "connection exceptions"),
    (
        "25006",
        "read-only transaction: a standby, or a read-only default",
    ),
    ("25P03", "idle in a transaction for too long"),
    ("25P04", "transaction timeout"),
    (
        "28",
        "the role or its password is refused: a person may mend it",
    ),
    ("3D000", "the database is not there yet"),
    ("40001", "serialization failure"),
    ("40003", "statement completion unknown"),
    ("40P01", "deadlock"),
    ("53", "disk full, out of memory, too many connections"),
    ("55P03", "a lock was not to be had in time"),
    ("57", "cancelled, statement timeout, shutdown, starting up"),
    ("58", "I/O errors of the server"),
    ("XX", "internal errors, among them damaged pages"),
];

/// SQLite's primary result code.
pub(super) fn primary_code(error: &sqlx::Error) -> Option<i32> {
    let error = error
        .as_database_error()?
        .try_downcast_ref::<SqliteError>()?;
    Some(error.code()?.parse::<i32>().ok()? & 0xff)
}

/// PostgreSQL's SQLSTATE.
fn sqlstate(error: &sqlx::Error) -> Option<&str> {
    let error = error.as_database_error()?;
    Some(error.try_downcast_ref::<PgDatabaseError>()?.code())
}

fn postgres_passes(error: &sqlx::Error) -> bool {
    let passes = |code: &str| POSTGRES_PASSING.iter().any(|(c, _)| code.starts_with(c));
    sqlstate(error).is_some_and(passes)
}

/// What the database says, without the driver's words around it.
fn said(error: &sqlx::Error) -> String {
    let message = error.as_database_error().map(DatabaseError::message);
    let message = message.map_or_else(|| error.to_string(), str::to_owned);
    if sqlstate(error) == Some("55P03") {
        format!("the database is locked: {message}")
    } else {
        message
    }
}

impl From<sqlx::Error> for StoreError {
    fn from(error: sqlx::Error) -> Self {
        let passing = match &error {
            sqlx::Error::Io(_)
            | sqlx::Error::Tls(_)
            | sqlx::Error::PoolTimedOut
            | sqlx::Error::PoolClosed
            | sqlx::Error::WorkerCrashed => true,
            error => {
                primary_code(error).is_some_and(|code| SQLITE_PASSING.contains(&code))
                    || postgres_passes(error)
            }
        };
        if let sqlx::Error::PoolTimedOut = error {
            // Whoever has the connection waits for a lock, or works: the pool knows neither.
            let secs = ACQUIRE_TIMEOUT.as_secs();
            Self::Unavailable(format!(
                "the database is locked, overloaded or away: no connection came free in {secs} s"
            ))
        } else if passing {
            Self::Unavailable(said(&error))
        } else {
            Self::Other(said(&error))
        }
    }
}

impl From<MigrateError> for StoreError {
    fn from(error: MigrateError) -> Self {
        match error {
            MigrateError::Execute(inner) | MigrateError::ExecuteMigration(inner, _) => inner.into(),
            other => Self::Other(format!("cannot bring the schema up to date: {other}")),
        }
    }
}
