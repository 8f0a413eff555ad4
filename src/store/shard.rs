//! A relay's part of the outbox: aggregates are dealt out by hash, so that an aggregate's rows always go
//! through one relay and keep their order.

use super::postgres::Session;

/// Which aggregates: the `number`-th part, from 0, of so many.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Part {
    pub number: u32,
    pub of: u32,
}

impl Part {
    /// All of them.
    pub const ALL: Self = Self { number: 0, of: 1 };
}

/// A part that this relay alone publishes, for as long as it is held. Dropped, it is free.
#[derive(Debug)]
pub struct Shard {
    part: Part,
    /// `None` where there is one relay by nature.
    session: Option<Session>,
}

impl Shard {
    pub(super) fn held(number: u32, of: u32, session: Session) -> Self {
        Self {
            part: Part { number, of },
            session: Some(session),
        }
    }

    /// The only one.
    pub(super) fn whole() -> Self {
        Self {
            part: Part::ALL,
            session: None,
        }
    }

    #[must_use]
    pub fn part(&self) -> Part {
        self.part
    }

    /// Says that this relay is alive, and asks whether the shard is still its own: before each batch.
    /// False when somebody took it over or the database does not answer: send nothing, drop it, and
    /// claim again.
    pub async fn still_ours(&mut self) -> bool {
        match &mut self.session {
            None => true,
            Some(session) => session.beat().await.unwrap_or(false),
        }
    }

    /// Whether this process has more shards than its share and should let go of this one, since others
    /// wait for some. False when nobody knows.
    pub async fn surplus(&mut self) -> bool {
        match &mut self.session {
            None => false,
            Some(session) => session.surplus().await.unwrap_or(false),
        }
    }

    /// Lets go at once, as at the end of the program.
    pub async fn release(self) {
        if let Some(session) = self.session
            && let Err(error) = session.end().await
        {
            tracing::debug!(%error, "a shard's session had ended");
        }
    }
}
