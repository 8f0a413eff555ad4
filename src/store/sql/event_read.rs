//! Reading the event store: pages by position, streams, counts.

use sqlx::QueryBuilder;

use super::codec::{Columns, at, id};
use super::dialect::{NEWEST_FIRST, OLDEST_FIRST, SETTLED, beyond};
use super::{Db, Driver, Row, Tx, streams};
use crate::domain::position::Position;
use crate::domain::stored::{EventFilter, StoredEvent};
use crate::store::{EventCount, EventPage, Page, StoreError};

const COLUMNS: &str =
    "SELECT tx, pos, event_id, stream, version, event_type, event_version, correlation_id,
    causation_id, source_service, timestamp, recorded_at, data FROM event_store";

impl Db {
    pub(in crate::store) async fn probe(&self) -> Result<(), StoreError> {
        let asked: Option<i64> = sqlx::query_scalar("SELECT pos FROM event_store LIMIT 1")
            .fetch_optional(&self.read)
            .await?;
        let _ = asked;
        Ok(())
    }

    pub(in crate::store) async fn events(
        &self,
        filter: &EventFilter,
        page: Page,
        limit: u32,
    ) -> Result<EventPage, StoreError> {
        // The positions first: an index tells them, and only the page's own rows are read.
        let inner = "SELECT pos FROM event_store";
        let mut query = select(format!("{COLUMNS} WHERE pos IN ({inner}"), filter);
        query.push(SETTLED);
        let order = match page {
            Page::Newest => NEWEST_FIRST,
            Page::Before(position) => {
                beyond(&mut query, "<", position);
                NEWEST_FIRST
            }
            Page::After(position) => {
                beyond(&mut query, ">", position);
                OLDEST_FIRST
            }
        };
        // One more than asked tells whether there are more.
        query
            .push(order)
            .push(" LIMIT ")
            .push_bind(i64::from(limit) + 1);
        query.push(")").push(OLDEST_FIRST);
        let mut rows = query.build().fetch_all(&self.read).await?;
        let more = rows.len() > limit as usize;
        if more {
            match page {
                Page::Newest | Page::Before(_) => drop(rows.remove(0)),
                Page::After(_) => drop(rows.pop()),
            }
        }
        let rows = rows.iter().map(stored).collect::<Result<_, _>>()?;
        let (at_start, at_end) = match page {
            Page::Newest => (!more, true),
            Page::Before(position) => (!more, !self.any(filter, ">=", position).await?),
            Page::After(position) => (!self.any(filter, "<=", position).await?, !more),
        };
        Ok(EventPage {
            rows,
            at_start,
            at_end,
        })
    }

    async fn any(
        &self,
        filter: &EventFilter,
        side: &'static str,
        position: Position,
    ) -> Result<bool, StoreError> {
        let mut query = select("SELECT pos FROM event_store", filter);
        beyond(&mut query, side, position);
        query.push(SETTLED).push(" LIMIT 1");
        Ok(query.build().fetch_optional(&self.read).await?.is_some())
    }

    pub(in crate::store) async fn event(
        &self,
        position: Position,
    ) -> Result<Option<StoredEvent>, StoreError> {
        let mut query = QueryBuilder::<Driver>::new(COLUMNS);
        query.push(" WHERE pos = ").push_bind(position.pos);
        query.push(" AND tx = ").push_bind(position.tx);
        let row = query.build().fetch_optional(&self.read).await?;
        row.as_ref().map(stored).transpose()
    }

    pub(in crate::store) async fn previous_in_stream(
        &self,
        stream: &str,
        version: i64,
    ) -> Result<Option<StoredEvent>, StoreError> {
        let mut query = QueryBuilder::<Driver>::new(COLUMNS);
        query.push(" WHERE stream = ").push_bind(stream);
        query.push(" AND version < ").push_bind(version);
        query.push(" ORDER BY version DESC LIMIT 1");
        let row = query.build().fetch_optional(&self.read).await?;
        row.as_ref().map(stored).transpose()
    }

    pub(in crate::store) async fn stream_until(
        &self,
        stream: &str,
        version: i64,
    ) -> Result<Vec<StoredEvent>, StoreError> {
        let mut query = QueryBuilder::<Driver>::new(COLUMNS);
        query.push(" WHERE stream = ").push_bind(stream);
        query.push(" AND version <= ").push_bind(version);
        query.push(" ORDER BY version");
        let rows = query.build().fetch_all(&self.read).await?;
        rows.iter().map(stored).collect()
    }

    pub(in crate::store) async fn count_events(
        &self,
        filter: &EventFilter,
    ) -> Result<EventCount, StoreError> {
        // One moment for all of it: an event that comes in between would be counted and lie beyond the last, or
        // the other way round.
        let mut tx = self.look().await?;
        let columns =
            "SELECT count(*), min(timestamp), max(timestamp), min(recorded_at) FROM event_store";
        let mut query = select(columns, filter);
        let row = query.push(SETTLED).build().fetch_one(&mut *tx).await?;
        let mut c = Columns::of(&row);
        Ok(EventCount {
            count: c.count()?,
            first_at: c.time_or_null()?,
            last_at: c.time_or_null()?,
            recorded_from: c.time_or_null()?,
            first: outermost(&mut tx, filter, OLDEST_FIRST).await?,
            last: outermost(&mut tx, filter, NEWEST_FIRST).await?,
        })
    }

    pub(in crate::store) async fn totals(&self) -> Result<(u64, Option<u64>), StoreError> {
        streams::totals(self).await
    }
}

async fn outermost(
    tx: &mut Tx,
    filter: &EventFilter,
    order: &'static str,
) -> Result<Option<Position>, StoreError> {
    let mut query = select("SELECT tx, pos FROM event_store", filter);
    query.push(SETTLED).push(order).push(" LIMIT 1");
    let row: Option<(i64, i64)> = query.build_query_as().fetch_optional(&mut **tx).await?;
    Ok(row.map(|(tx, pos)| Position { tx, pos }))
}

/// A SELECT with the filter's conditions.
fn select(columns: impl Into<String>, filter: &EventFilter) -> QueryBuilder<Driver> {
    let mut query = QueryBuilder::<Driver>::new(columns);
    query.push(" WHERE true");
    if let Some(stream) = &filter.stream {
        query.push(" AND stream = ").push_bind(stream.clone());
    }
    if let Some(version) = filter.from_version {
        query.push(" AND version >= ").push_bind(version);
    }
    if let Some(event_type) = &filter.event_type {
        query
            .push(" AND event_type = ")
            .push_bind(event_type.clone());
    }
    if let Some(wanted) = filter.correlation_id {
        query.push(" AND correlation_id = ").push_bind(id(wanted));
    }
    if let Some(wanted) = filter.event_id {
        query.push(" AND event_id = ").push_bind(id(wanted));
    }
    if let Some(from) = filter.from {
        query.push(" AND timestamp >= ").push_bind(at(from));
    }
    if let Some(to) = filter.to {
        query.push(" AND timestamp < ").push_bind(at(to));
    }
    if !filter.types.is_empty() {
        query.push(" AND event_type IN (");
        let mut types = query.separated(", ");
        for event_type in &filter.types {
            types.push_bind(event_type.clone());
        }
        query.push(")");
    }
    if let Some(last) = filter.up_to {
        beyond(&mut query, "<=", last);
    }
    query
}

fn stored(row: &Row) -> Result<StoredEvent, StoreError> {
    let mut c = Columns::of(row);
    Ok(StoredEvent {
        position: Position {
            tx: c.get()?,
            pos: c.get()?,
        },
        event_id: c.uuid()?,
        stream: c.get()?,
        version: c.get()?,
        event_type: c.get()?,
        event_version: c.narrow()?,
        correlation_id: c.uuid()?,
        causation_id: c.uuid_or_null()?,
        source_service: c.get()?,
        timestamp: c.time()?,
        recorded_at: c.time()?,
        payload: c.get()?,
    })
}
