//! The real binary on Kafka, PostgreSQL and Redis, as `scripts/stack` starts them: with passwords and TLS,
//! with several processes, and with servers that go away. Judged from outside: by SQL, by Kafka's own tools
//! and by clients of the tests' own. One test at a time has the servers.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

#[path = "../common/child.rs"]
mod child;
mod down;
mod instances;
#[path = "../common/kafka.rs"]
#[allow(dead_code, reason = "scenarios ask more of Kafka")]
mod kafka;
mod laws;
#[path = "../common/log.rs"]
mod log;
#[path = "../common/proxy.rs"]
mod proxy;
mod rig;
#[path = "../common/schema.rs"]
mod schema;
mod secure;
mod witness;
