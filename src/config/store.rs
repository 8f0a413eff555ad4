//! Settings of the database: which one, and how long things are kept in it.

use std::path::PathBuf;

use serde::{Deserialize, Serialize};

use super::secret::Secret;

/// `[store]`
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Store {
    /// `sqlite:PATH` or `postgres://user:password@host:port/database`; empty is a file in a temporary
    /// folder.
    pub url: Secret,
    /// Units of each product in a new database.
    pub stock: i64,
    pub sent_retention_hours: u64,
    /// Longer than topic and dead letters are kept, so that no redelivery finds its mark gone.
    pub inbox_retention_days: u64,
}

impl Default for Store {
    fn default() -> Self {
        Self {
            url: Secret::default(),
            stock: 100_000_000,
            sent_retention_hours: 24,
            inbox_retention_days: 37,
        }
    }
}

impl Store {
    /// Which database it is: `sqlite` or `postgres`.
    #[must_use]
    pub fn kind(&self) -> &'static str {
        match self.url.expose().split_once(':') {
            Some(("postgres" | "postgresql", _)) => "postgres",
            _ => "sqlite",
        }
    }

    /// The SQLite file, where one is named.
    #[must_use]
    pub fn sqlite_path(&self) -> Option<PathBuf> {
        let url = self.url.expose();
        let path = url.strip_prefix("sqlite:")?;
        let path = path.strip_prefix("//").unwrap_or(path);
        Some(PathBuf::from(path))
    }
}
