//! What goes wrong in a round.

use std::fmt;

use fastrand::Rng;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fault {
    /// SIGKILL, and another one a second later.
    KillInstance(usize),
    /// SIGSTOP past the session, then SIGCONT: its partitions are others' by then.
    FreezeInstance(usize),
    /// SIGTERM, and another one: an orderly end in the middle of the load.
    RestartInstance(usize),
    KillServer(Server),
    RestartServer(Server),
    /// Stopped for some seconds, with every connection open.
    FreezeServer(Server),
    /// Redis forgets everything.
    Flush,
    /// Every way to Kafka is cut for some seconds.
    Cut,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Server {
    Kafka,
    Postgres,
    Redis,
}

pub const INSTANCES: usize = 3;

impl Server {
    pub const ALL: [Self; 3] = [Self::Kafka, Self::Postgres, Self::Redis];

    /// As `scripts/stack` calls it.
    pub fn name(self) -> &'static str {
        match self {
            Self::Kafka => "kafka",
            Self::Postgres => "postgres",
            Self::Redis => "redis",
        }
    }
}

impl Fault {
    pub fn name(self) -> &'static str {
        match self {
            Self::KillInstance(_) => "instance killed",
            Self::FreezeInstance(_) => "instance frozen",
            Self::RestartInstance(_) => "instance restarted",
            Self::KillServer(Server::Kafka) => "Kafka killed",
            Self::KillServer(Server::Postgres) => "PostgreSQL killed",
            Self::KillServer(Server::Redis) => "Redis killed",
            Self::RestartServer(Server::Kafka) => "Kafka restarted",
            Self::RestartServer(Server::Postgres) => "PostgreSQL restarted",
            Self::RestartServer(Server::Redis) => "Redis restarted",
            Self::FreezeServer(Server::Kafka) => "Kafka frozen",
            Self::FreezeServer(Server::Postgres) => "PostgreSQL frozen",
            Self::FreezeServer(Server::Redis) => "Redis frozen",
            Self::Flush => "Redis emptied",
            Self::Cut => "connections cut",
        }
    }

    fn any(rng: &mut Rng) -> Self {
        let instance = rng.usize(..INSTANCES);
        let server = Server::ALL[rng.usize(..Server::ALL.len())];
        match rng.u8(..8) {
            0 | 1 => Self::KillInstance(instance),
            2 => Self::FreezeInstance(instance),
            3 => Self::RestartInstance(instance),
            4 => Self::KillServer(server),
            5 => Self::RestartServer(server),
            6 => Self::FreezeServer(server),
            _ if rng.bool() => Self::Flush,
            _ => Self::Cut,
        }
    }
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::KillInstance(n) | Self::FreezeInstance(n) | Self::RestartInstance(n) => {
                write!(f, "{} ({n})", self.name())
            }
            _ => f.write_str(self.name()),
        }
    }
}

/// Two to four faults of one round, one after the other.
pub fn plan(rng: &mut Rng) -> Vec<Fault> {
    (0..rng.usize(2..=4)).map(|_| Fault::any(rng)).collect()
}
