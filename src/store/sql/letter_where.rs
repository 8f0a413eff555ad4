//! Which letters a statement is about: a filter as SQL conditions, with the same words on every database.
//! The rule: a condition holds for exactly the letters for which the filter's own judgement does.

use sqlx::QueryBuilder;

use super::Driver;
use super::codec::{at, list, part, text};
use crate::domain::filter::{Plain, PlainTest};
use crate::domain::letter::{LetterFilter, NEWEST};
use crate::store::StoreError;

/// Open letters, in the very words of the partial indexes.
const OPEN: &str = "status NOT IN ('resolved', 'archived')";

/// A statement that goes on with ` WHERE` and the filter's conditions.
pub(super) fn select(
    columns: &'static str,
    filter: &LetterFilter,
) -> Result<QueryBuilder<Driver>, StoreError> {
    let mut query = QueryBuilder::new(columns);
    query.push(" WHERE ");
    conditions(&mut query, filter)?;
    Ok(query)
}

/// The same of the newest letters alone ([`NEWEST`]), where a filter or an order would read all of them.
pub(super) fn select_newest(
    columns: &str,
    filter: &LetterFilter,
) -> Result<QueryBuilder<Driver>, StoreError> {
    let mut query = QueryBuilder::new(columns);
    query.push(" FROM ");
    newest(&mut query, filter);
    query.push(" WHERE ");
    conditions(&mut query, filter)?;
    Ok(query)
}

/// The letters that are looked through, as a table of a statement.
pub(super) fn newest(query: &mut QueryBuilder<Driver>, filter: &LetterFilter) {
    let named = filter.among.is_some() || filter.key.is_some();
    if named || (filter.typed.is_empty() && filter.order.is_none()) {
        query.push("dead_letter");
        return;
    }
    query.push("(SELECT * FROM dead_letter WHERE ");
    status(query, filter);
    place(query, filter);
    query.push(" ORDER BY last_failed_at DESC, seq DESC LIMIT ");
    query.push(NEWEST).push(") AS newest");
}

/// What an index tells of a letter: its cause, its row and when it failed.
fn place(query: &mut QueryBuilder<Driver>, filter: &LetterFilter) {
    if let Some(fingerprint) = &filter.fingerprint {
        query
            .push(" AND fingerprint = ")
            .push_bind(fingerprint.clone());
    }
    if let Some(up_to) = filter.up_to {
        query.push(" AND seq <= ").push_bind(up_to);
    }
    let (from, to) = filter.typed.between();
    if let Some(from) = from {
        query.push(" AND last_failed_at >= ").push_bind(at(from));
    }
    if let Some(to) = to {
        query.push(" AND last_failed_at < ").push_bind(at(to));
    }
}

/// The filter's conditions, at least one.
pub(super) fn conditions(
    query: &mut QueryBuilder<Driver>,
    filter: &LetterFilter,
) -> Result<(), StoreError> {
    status(query, filter);
    narrow(query, filter)
}

fn status(query: &mut QueryBuilder<Driver>, filter: &LetterFilter) {
    // As words, not as bound values: a partial index is only taken for what is known to be within it.
    match filter.statuses.as_slice() {
        [] => query.push(OPEN),
        [one] => query.push(format_args!("status = '{}'", one.name())),
        several => {
            let words: Vec<_> = several.iter().map(|s| format!("'{}'", s.name())).collect();
            query.push(format_args!("status IN ({})", words.join(", ")))
        }
    };
}

/// The conditions beside the status, each with its `AND`.
pub(super) fn narrow(
    query: &mut QueryBuilder<Driver>,
    filter: &LetterFilter,
) -> Result<(), StoreError> {
    place(query, filter);
    if let Some(group) = &filter.group {
        query.push(" AND consumer = ").push_bind(group.clone());
    }
    if let Some(key) = &filter.key {
        query.push(" AND key = ").push_bind(key.clone());
    }
    for term in filter.typed.plain_terms() {
        plain(query, term);
    }
    if let Some(ids) = &filter.among {
        query.push(" AND id IN ");
        let ids = list(ids.iter().copied())?;
        with_bound(query, "(SELECT {id 0} FROM {rows 0})", ids);
    }
    Ok(())
}

/// Adds a part in which `$0` stands for this value: its number among the bound ones is the builder's to
/// give.
pub(super) fn with_bound<T>(query: &mut QueryBuilder<Driver>, statement: &str, value: T)
where
    T: for<'q> sqlx::Encode<'q, Driver> + sqlx::Type<Driver>,
{
    let filled = part(statement);
    let (before, after) = filled.split_once("$0").unwrap_or((&filled, ""));
    query.push(before).push_bind(value).push(after);
}

/// A condition that is NULL, and so holds for nothing, where the letter's field is unknown.
fn plain(query: &mut QueryBuilder<Driver>, term: Plain<'_>) {
    query.push(if term.inverse { " AND NOT " } else { " AND " });
    match term.test {
        PlainTest::Word(wanted) => {
            // Found as it stands: no wildcard of the searcher's has a meaning.
            query.push(part(
                "{find}(lower(CAST(id AS text) || '\n' || replace(CAST(id AS text), '-', '') || '\n'
                    || coalesce({readable key}, '') || '\n' || coalesce(event_type, '') || '\n'
                    || code || '\n' || message || '\n' || consumer || '\n' || topic), ",
            ));
            query.push_bind(text(wanted)).push(") > 0");
        }
        PlainTest::Key(wanted) => like(query, "{readable key}", wanted),
        PlainTest::Type(wanted) => like(query, "NULLIF(event_type, '')", wanted),
        PlainTest::Group(wanted) => like(query, "NULLIF(consumer, '')", wanted),
        PlainTest::Partition(wanted) => {
            // An unknown one is written as -1.
            query.push("(CASE WHEN partition >= 0 THEN partition = ");
            query.push_bind(wanted).push(" END)");
        }
    }
}

/// Text like a pattern in lower case, in which `*` is any text. What is unknown is NULL, and so is the
/// answer, inverted or not.
fn like(query: &mut QueryBuilder<Driver>, column: &str, pattern: &str) {
    let mut escaped = String::with_capacity(pattern.len());
    for c in text(pattern).chars() {
        match c {
            '*' => escaped.push('%'),
            '%' | '_' | '!' => escaped.extend(['!', c]),
            c => escaped.push(c),
        }
    }
    query.push(part(&format!("(lower({column}) LIKE ")));
    query.push_bind(escaped).push(" ESCAPE '!')");
}
