//! What is asked and what was done, in words: detail and outcome in the audit log.

use std::fmt;

use uuid::Uuid;

use super::{Behind, Command, Confirmed, Done, EventChoice, LetterChoice, ReplayTarget};

/// What is asked, in words: the audit log's detail.
impl fmt::Display for Command {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Inject { scenario, count } => write!(f, "{count} × {}", scenario.name()),
            Self::Redrive { letters, rate } => write!(f, "{letters}, {}", Rate(*rate)),
            Self::Archive {
                letters,
                reason,
                behind,
            } => {
                write!(f, "{letters}: {reason}")?;
                f.write_str(match behind {
                    Behind::Release => "; what waits behind goes on",
                    Behind::Archive => "; what waits behind too",
                })
            }
            Self::Unarchive { letters } => letters.fmt(f),
            Self::Note { letter, text } if text.is_empty() => write!(f, "letter {letter}: none"),
            Self::Note { letter, text } => write!(f, "letter {letter}: {text}"),
            Self::Edit { letter, value } => write!(f, "letter {letter}, {} bytes", value.len()),
            Self::Export {
                letters,
                archived,
                file,
            } => {
                let which = match archived {
                    None => "",
                    Some(false) => "open of ",
                    Some(true) => "archived of ",
                };
                write!(f, "{which}{letters} to {}", file.display())
            }
            Self::Write { what, file, .. } => write!(f, "{what} to {}", file.display()),
            Self::Replay {
                events,
                target,
                rate,
                force,
                confirmed,
                dry_run,
            } => {
                write!(f, "{events} to {target}, {}", Rate(*rate))?;
                if let Some(Confirmed { count, up_to }) = confirmed {
                    write!(f, ", {count} up to position {up_to}")?;
                }
                f.write_str(if *force { ", effects double" } else { "" })?;
                f.write_str(if *dry_run { ", counting only" } else { "" })
            }
            Self::Cancel { operation }
            | Self::PauseOperation { operation }
            | Self::ResumeOperation { operation } => write!(f, "operation {operation}"),
            Self::SetTraffic { orders_per_s } => write!(f, "{orders_per_s} orders/s"),
            Self::SetFaults { service, plan } => write!(f, "{service}: {plan}"),
            Self::PauseConsumer { service } | Self::ResumeConsumer { service } => {
                f.write_str(service)
            }
            Self::Setup => f.write_str("topics and tables"),
            Self::Doctor { mend: false } => f.write_str("everything"),
            Self::Doctor { mend: true } => {
                f.write_str("everything, mending a restored event store's positions")
            }
        }
    }
}

struct Rate(u32);

impl fmt::Display for Rate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0 {
            0 => f.write_str("without limit"),
            rate => write!(f, "{rate}/s at most"),
        }
    }
}

impl fmt::Display for LetterChoice {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Ids(ids) => {
                let ids: Vec<String> = ids.iter().map(Uuid::to_string).collect();
                write!(f, "letters {}", ids.join(" "))
            }
            Self::Cause { cause, filter, .. } if filter.is_empty() => write!(f, "cause {cause}"),
            Self::Cause { cause, filter, .. } => write!(f, "cause {cause} where {filter}"),
        }
    }
}

impl fmt::Display for EventChoice {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::One(position) => write!(f, "event {position}"),
            Self::Matching(filter) => filter.fmt(f),
        }
    }
}

impl fmt::Display for ReplayTarget {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Service(name) => write!(f, "{name} alone"),
            Self::Topic => f.write_str("their topics"),
        }
    }
}

/// What was done, in words: the audit log's outcome.
impl fmt::Display for Done {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Injected { order_ids, .. } => match order_ids.as_slice() {
                [] => f.write_str("nothing injected"),
                [one] => write!(f, "injected {one}"),
                [first, .., last] => write!(f, "injected {first} to {last}"),
            },
            Self::Started { operation, total } => {
                write!(f, "operation {operation} of {total} begun")
            }
            Self::Archived { letters, behind: 0 } => write!(f, "archived {letters}"),
            Self::Archived { letters, behind } => {
                write!(f, "archived {letters} and {behind} behind")
            }
            Self::Unarchived { letters } => write!(f, "opened {letters} again"),
            Self::Noted => f.write_str("noted"),
            Self::Exported { letters, file } => write!(f, "{letters} in {}", file.display()),
            Self::Written { bytes, file } => write!(f, "{bytes} bytes in {}", file.display()),
            Self::WouldReplay { events, .. } => write!(f, "{events} events match"),
            Self::Cancelled { operation } => write!(f, "operation {operation} is told to stop"),
            Self::OperationPaused { operation } => write!(f, "operation {operation} stands still"),
            Self::OperationResumed { operation } => write!(f, "operation {operation} goes on"),
            Self::TrafficSet { orders_per_s } => write!(f, "set to {orders_per_s} orders/s"),
            Self::FaultsSet { service } => write!(f, "{service} fails as told"),
            Self::ConsumerPaused { service } => write!(f, "{service} is paused"),
            Self::ConsumerResumed { service } => write!(f, "{service} goes on"),
            Self::Checked(checks) => write!(f, "{} things looked at", checks.len()),
        }
    }
}
