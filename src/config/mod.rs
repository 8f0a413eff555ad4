//! What evtop is told: settings with one home for their defaults, read from a file, a profile in it
//! and the environment. No setting at all is the embedded stack. An error names file, line, column
//! and the remedy; a secret is never shown, not even by its own `Debug`.

mod check;
mod consumers;
mod error;
mod fetch;
mod idempotency;
mod kafka;
mod keys;
mod load;
mod mistakes;
mod places;
mod secret;
mod settings;
mod source;
mod store;
mod tree;
mod variable;

pub use consumers::{Consumers, Faults, SERVICES};
pub use error::{ConfigError, nearest};
pub use idempotency::Redis;
pub use kafka::Kafka;
pub use keys::Keys;
pub use load::{origin, parse, read_file};
pub use mistakes::{mistakes, profiles};
pub use places::{attach_file, default_file, environment, log_file, state_dir};
pub use secret::{Properties, Secret};
pub use settings::{Config, LogLevel, LogSettings, Relay, Traffic, Ui, Watch};
pub use source::Source;
pub use store::Store;
