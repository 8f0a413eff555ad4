//! Every operation on every table, once: this folder is compiled for each database, and `super` is that
//! database. It gives the connections ([`Db`], [`Tx`]), the words and column types in which databases
//! differ ([`dialect`]), the locks that only matter where several write at once ([`locks`]), and how a
//! stream's versions are given out ([`streams`]). Braces in a statement stand for such a word:
//!
//! - `{rows 1}`: the JSON list in `$1`, a row for each entry; `{in_order}` keeps its order;
//! - `{text 0}`, `{int 0}`, `{id 0}`, `{time 0}`, `{cents 0}`, `{bytes 0}`: an entry's part, as that type;
//! - `{money total}`: a column of money, in cents.
//!
//! A batch is one statement with a fixed text, however many rows it has.

mod apply;
mod audit;
mod causes;
pub(super) mod codec;
mod drivers;
mod event_read;
mod event_write;
mod inbox;
mod item_ends;
mod item_sends;
mod items;
mod key_queue;
mod letter_page;
mod letter_read;
mod letter_triage;
mod letter_where;
mod letter_write;
mod operations;
mod orders;
mod outbox;
mod replays;
mod services;
mod workers;

use super::{Connection, Db, Driver, Row, Tx, dialect, locks, streams};

/// Rows that one DELETE of a pruning takes, so that writers get their turn.
const PRUNE_ROWS: i64 = 5_000;
