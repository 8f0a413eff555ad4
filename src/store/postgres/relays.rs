//! Who relays which part of the outbox. A shard is held by a session's advisory lock: on a connection of
//! its own, with no transaction open, so that it holds up no reader, and gone with the session. A relay
//! that is stopped, not dead, keeps its lock; when it has been silent long enough, whoever wants the shard
//! ends its session on the server, and the sleeper finds so before it sends again.

use std::fmt;
use std::time::Duration;

use sqlx::Connection as _;
use sqlx::postgres::PgConnectOptions;

use super::connect::one;
use super::{Connection, Postgres};
use crate::store::{Part, Shard, ShardOwner, StoreError};

/// The lock's first number: the schema's, so that two evtops in one database don't meet.
const CLASS: &str = "hashtext('evtop relay ' || current_schema())";
/// How long the server may take to end a session.
const END_MS: i64 = 5_000;

/// A session that holds a shard.
pub struct Session {
    connection: Connection,
    shard: i32,
    owner: String,
    silence: Duration,
}

impl fmt::Debug for Session {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Session")
            .field("shard", &self.shard)
            .finish()
    }
}

impl Postgres {
    pub(in crate::store) async fn set_shards(&self, shards: u32) -> Result<(), StoreError> {
        let mut tx = self.begin().await?;
        let held: i64 = sqlx::query_scalar(sqlx::AssertSqlSafe(format!(
            "SELECT count(*) FROM pg_locks WHERE locktype = 'advisory' AND granted
                 AND CAST(classid AS bigint) = CAST({CLASS} AS bigint) & 4294967295 AND objsubid = 2
                 AND database = (SELECT oid FROM pg_database WHERE datname = current_database())"
        )))
        .fetch_one(&mut *tx)
        .await?;
        if held > 0 {
            return Err(StoreError::Busy(format!(
                "{held} relays are at work; stop them all before the number of shards changes"
            )));
        }
        sqlx::query(
            "INSERT INTO relay_setting VALUES (1, $1) ON CONFLICT (one) DO UPDATE SET shards = excluded.shards",
        )
        .bind(number(shards)?)
        .execute(&mut *tx)
        .await?;
        tx.commit().await?;
        Ok(())
    }

    /// A row of the table says who had it last; the lock says whether that is true.
    pub(in crate::store) async fn shard_owners(&self) -> Result<Vec<ShardOwner>, StoreError> {
        let rows: Vec<(i32, i32, Option<String>, Option<f64>)> =
            sqlx::query_as(
                "SELECT n, g.shards, s.owner, CAST(extract(epoch FROM clock_timestamp() - s.beat) AS float8)
                 FROM relay_setting g CROSS JOIN generate_series(0, g.shards - 1) n
                     LEFT JOIN relay_held s ON s.shard = n
                 ORDER BY n",
            )
            .fetch_all(&self.read)
            .await?;
        let rows = rows.into_iter().map(|(shard, of, owner, silent)| {
            let silent = Duration::try_from_secs_f64(silent.unwrap_or_default());
            ShardOwner {
                part: Part {
                    number: shard.unsigned_abs(),
                    of: of.unsigned_abs(),
                },
                owner: owner.map(|owner| (owner, silent.unwrap_or_default())),
            }
        });
        Ok(rows.collect())
    }

    pub(in crate::store) async fn claim_shard(
        &self,
        owner: &str,
        shards: u32,
        silence: Duration,
    ) -> Result<Option<Shard>, StoreError> {
        let shards = number(shards)?;
        let share = {
            let mut pooled = self.write.acquire().await?;
            present(&mut pooled, owner).await?;
            agree(&mut pooled, shards).await?;
            share(&mut pooled, owner, silence).await?
        };
        if share.held >= share.due {
            return Ok(None);
        }
        // A relay's sign of life need not survive a power cut.
        let options = PgConnectOptions::clone(&self.write.connect_options());
        let options = options.options([("synchronous_commit", "off")]);
        let mut connection = one(&options).await?;
        let mut wanted: Vec<(i32, Option<i32>)> = (0..shards).map(|shard| (shard, None)).collect();
        // First what is free, then what a silent relay keeps.
        for round in 0..2 {
            if round == 1 {
                wanted = silent(&mut connection, silence).await?;
            }
            for (shard, sleeper) in &wanted {
                if let Some(pid) = sleeper {
                    sqlx::query("SELECT pg_terminate_backend($1, $2)")
                        .bind(pid)
                        .bind(END_MS)
                        .execute(&mut connection)
                        .await?;
                }
                if take(&mut connection, *shard, owner).await? {
                    let (number, of) = (shard.unsigned_abs(), shards.unsigned_abs());
                    let session = Session {
                        connection,
                        shard: *shard,
                        owner: owner.to_owned(),
                        silence,
                    };
                    return Ok(Some(Shard::held(number, of, session)));
                }
            }
        }
        Ok(None)
    }
}

impl Session {
    /// Says that it is alive, and asks whether the shard is still its own.
    pub(in crate::store) async fn beat(&mut self) -> Result<bool, sqlx::Error> {
        // The lock goes with the session, so a session that answers has it; the row says who else came.
        let beat = sqlx::query(
            "UPDATE relay_shard SET beat = clock_timestamp() WHERE shard = $1 AND pid = pg_backend_pid()",
        )
        .bind(self.shard)
        .execute(&mut self.connection)
        .await?;
        Ok(beat.rows_affected() > 0)
    }

    /// Whether this is the last of more shards than its process's share, now that others want some.
    pub(in crate::store) async fn surplus(&mut self) -> Result<bool, StoreError> {
        let share = share(&mut self.connection, &self.owner, self.silence).await?;
        Ok(share.held > share.due && share.last == Some(self.shard))
    }

    /// Gives the shard back at once: a closed session ends on the server in its own time.
    pub(in crate::store) async fn end(mut self) -> Result<(), StoreError> {
        sqlx::query("DELETE FROM relay_instance WHERE owner = $1")
            .bind(&self.owner)
            .execute(&mut self.connection)
            .await?;
        sqlx::query("SELECT pg_advisory_unlock_all()")
            .execute(&mut self.connection)
            .await?;
        Ok(self.connection.close().await?)
    }
}

fn number(shards: u32) -> Result<i32, StoreError> {
    i32::try_from(shards)
        .ok()
        .filter(|n| *n > 0)
        .ok_or_else(|| StoreError::Other(format!("{shards} relay shards can't be; use 1 or more")))
}

/// What a process has of the shards, and what it should have.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Share {
    held: i64,
    due: i64,
    /// The highest of those it has.
    last: Option<i32>,
}

/// Says that a process would relay.
async fn present(connection: &mut Connection, owner: &str) -> Result<(), StoreError> {
    sqlx::query(
        "INSERT INTO relay_instance VALUES ($1, clock_timestamp())
         ON CONFLICT (owner) DO UPDATE SET beat = excluded.beat",
    )
    .bind(owner)
    .execute(connection)
    .await?;
    Ok(())
}

/// The shards are dealt evenly to all processes that relay or wait to; the first ones by name have one
/// more where it does not come out even. One that waits says so every second.
async fn share(
    connection: &mut Connection,
    owner: &str,
    silence: Duration,
) -> Result<Share, StoreError> {
    let (shards, all, before, held, last): (i32, i64, i64, i64, Option<i32>) = sqlx::query_as(
        "WITH here AS (
             SELECT owner FROM relay_instance
             WHERE beat > clock_timestamp() - make_interval(secs => $2 / 2)
             UNION SELECT owner FROM relay_held WHERE beat > clock_timestamp() - make_interval(secs => $2)
             UNION SELECT $1)
         SELECT (SELECT shards FROM relay_setting), (SELECT count(*) FROM here),
             (SELECT count(*) FROM here WHERE owner < $1), count(*), max(shard)
         FROM relay_held WHERE owner = $1",
    )
    .bind(owner)
    .bind(silence.as_secs_f64())
    .fetch_one(connection)
    .await?;
    let shards = i64::from(shards);
    Ok(Share {
        held,
        due: shards / all + i64::from(before < shards % all),
        last,
    })
}

/// The first relay says how many shards there are; all others must mean the same.
async fn agree(connection: &mut Connection, shards: i32) -> Result<(), StoreError> {
    sqlx::query("INSERT INTO relay_setting VALUES (1, $1) ON CONFLICT DO NOTHING")
        .bind(shards)
        .execute(&mut *connection)
        .await?;
    let agreed: i32 = sqlx::query_scalar("SELECT shards FROM relay_setting")
        .fetch_one(connection)
        .await?;
    if agreed == shards {
        return Ok(());
    }
    Err(StoreError::Other(format!(
        "this database's outbox is relayed in {agreed} shards, not {shards}; set relay.shards = {agreed}, \
         or stop all relays and change the number for all of them"
    )))
}

/// Takes the lock and writes down whose it is; false when it is somebody's.
async fn take(connection: &mut Connection, shard: i32, owner: &str) -> Result<bool, StoreError> {
    let taken: bool = sqlx::query_scalar(sqlx::AssertSqlSafe(format!(
        "SELECT pg_try_advisory_lock({CLASS}, $1)"
    )))
    .bind(shard)
    .fetch_one(&mut *connection)
    .await?;
    if taken {
        sqlx::query(
            "INSERT INTO relay_shard VALUES ($1, $2, pg_backend_pid(), clock_timestamp())
             ON CONFLICT (shard) DO UPDATE SET owner = excluded.owner, pid = excluded.pid, beat = excluded.beat",
        )
        .bind(shard)
        .bind(owner)
        .execute(connection)
        .await?;
    }
    Ok(taken)
}

/// Shards whose holder has said nothing for so long, with the session that really has the lock: what the
/// table says of a session may be said of another by now.
async fn silent(
    connection: &mut Connection,
    silence: Duration,
) -> Result<Vec<(i32, Option<i32>)>, StoreError> {
    let rows: Vec<(i32, i32)> = sqlx::query_as(sqlx::AssertSqlSafe(format!(
        "SELECT CAST(CAST(l.objid AS bigint) AS integer), l.pid
         FROM pg_locks l JOIN pg_stat_activity a ON a.pid = l.pid
             LEFT JOIN relay_shard s ON s.shard = CAST(l.objid AS bigint) AND s.pid = l.pid
         WHERE l.locktype = 'advisory' AND l.granted AND l.objsubid = 2
             AND CAST(l.classid AS bigint) = CAST({CLASS} AS bigint) & 4294967295
             AND l.database = (SELECT oid FROM pg_database WHERE datname = current_database())
             AND coalesce(s.beat, a.state_change) < clock_timestamp() - make_interval(secs => $1)
         ORDER BY 1"
    )))
    .bind(silence.as_secs_f64())
    .fetch_all(connection)
    .await?;
    Ok(rows
        .into_iter()
        .map(|(shard, pid)| (shard, Some(pid)))
        .collect())
}
