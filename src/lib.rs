//! evtop: top for event-driven systems. This page is the map of the house.
//!
//! ```text
//!  orders ─► store (events + outbox, one tx) ─► relay ─► Kafka ─► consumers ─► store / DLQ       pipeline/
//!                                                          │          │
//!               broker offsets, DLQ topics, tables ────────┘          └── meters (atomics)
//!                          │                                               │
//!                          ▼                                               ▼
//!                       watch/  ── watch<Arc<Snapshot>> ──►  tui/  or  headless/
//!                          ▲                                   │
//!                          └───────── Focus ───────────────────┤ keys → Action → Command
//!                       operate/ ◄──── mpsc<Command> ──────────┘
//!                          └─────────── Outcome ──────────────► toast, activity, audit
//! ```
//!
//! Two modules of plain data are the whole contract between the engine and whoever shows it:
//! [`snapshot`] is all that may be shown, [`command`] all that may be asked and answered. [`engine`] puts
//! the parts together.
//!
//! The rules, held by `tests/architecture.rs` where a test can hold them:
//!
//! 1. [`domain`] names no other module and no driver; `snapshot` and `command` name only `domain`.
//! 2. [`kafka`] is the only user of rdkafka, [`store`] of sqlx, and [`dedupe`] of redis; they do
//!    not name each other. [`pipeline`], [`watch`] and [`operate`] name no driver type and no screen.
//! 3. [`tui`] and [`headless`] name none of those; `tui::view` names no clock, channel or setting.
//! 4. Views are pure functions of plain data. Selection and marks hold a row's key, never its index.
//! 5. Time is read in [`clock`] alone. Unknown is `None`, never 0.
//! 6. A closed set is an enum and a `match`; one table each for actions, services and roles.
//! 7. Whatever changes anything passes the one gate in `operate`.
//! 8. The event's id in the transaction of its effect is the truth. Offsets are stored after the work;
//!    a dead letter is acknowledged before its offset moves.
//! 9. `unsafe` stands in `kafka/ffi` and `store/postgres/nodelay`, each block with its reason.
//! 10. An operation is its items: its end and its counts derive from them. One process drives it at a time, under an
//!     epoch by the database's clock; only who stays (a screen, `evtop run`) takes over.
//! 11. What is asked in every batch and by every poll reads no table whole (`tests/store/plans.rs`).
//! 12. The SQL of both databases stands once, in `store/sql`; what differs is the database's own file.

pub mod bench;
pub mod cli;
pub mod clock;
pub mod command;
pub mod config;
pub mod dedupe;
pub mod domain;
pub mod engine;
pub mod failpoint;
pub mod folder;
pub mod headless;
pub mod kafka;
pub mod lock;
pub mod logging;
pub mod operate;
pub mod pipeline;
pub mod preflight;
pub mod snapshot;
pub mod store;
pub mod tui;
pub mod watch;
