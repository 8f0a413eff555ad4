//! What the commands take that only look: a screen drawn once, lag, events and records.

use std::path::PathBuf;

use clap::{Args, ValueEnum};
use uuid::Uuid;

use super::values::{screen, size};
use crate::command::Screen;
use crate::domain::filter::{Filter, List};
use crate::domain::when::{Start, When};

/// `evtop snapshot`
#[derive(Clone, Debug, PartialEq, Eq, Args)]
pub struct SnapshotArgs {
    /// Which screen, by name or key
    #[arg(long, value_name = "SCREEN", default_value = "flow", value_parser = screen())]
    pub screen: Screen,
    /// Columns and rows
    #[arg(long, value_name = "WxH", default_value = "140x42", value_parser = size)]
    pub size: (u16, u16),
    /// Theme, by name or file
    #[arg(long, value_name = "THEME")]
    pub theme: Option<String>,
    /// Characters alone, truecolor lines for a terminal, or a picture
    #[arg(long, value_name = "FORMAT", default_value = "text")]
    pub format: PictureFormat,
    /// Write it to this file instead of stdout
    #[arg(short = 'o', long = "out", value_name = "FILE")]
    pub out: Option<PathBuf>,
    /// Wait that long at most until everything on the screen has been read
    #[arg(long, value_name = "SECONDS", default_value_t = 15, value_parser = clap::value_parser!(u64).range(0..=3_600))]
    pub wait: u64,
}

/// How a drawn screen is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum PictureFormat {
    /// Characters alone
    Text,
    /// Truecolor lines, as `cat` shows them in a terminal
    Ansi,
    /// A picture that needs nothing else
    Svg,
}

impl PictureFormat {
    /// Its word on the command line and in JSON.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Text => "text",
            Self::Ansi => "ansi",
            Self::Svg => "svg",
        }
    }
}

/// `evtop lag`
#[derive(Clone, Debug, Default, PartialEq, Eq, Args)]
pub struct LagArgs {
    /// Only this group
    #[arg(value_name = "GROUP")]
    pub group: Option<String>,
    /// A row for each partition
    #[arg(long)]
    pub partitions: bool,
}

/// Which events: every filter given must match.
#[derive(Clone, Debug, Default, PartialEq, Args)]
pub struct EventArgs {
    /// Only this stream, such as order-ORD-1
    #[arg(long, value_name = "STREAM")]
    pub stream: Option<String>,
    /// Of that stream, from this version on
    #[arg(long, value_name = "V", requires = "stream", value_parser = clap::value_parser!(i64).range(1..))]
    pub from_version: Option<i64>,
    /// Only this event type, such as OrderCreated
    #[arg(long = "type", value_name = "TYPE")]
    pub event_type: Option<String>,
    /// Only this correlation id
    #[arg(long, value_name = "UUID")]
    pub correlation: Option<Uuid>,
    /// From this time on: RFC 3339, 12:04 (today, UTC), or how long ago, such as 90s, 15m, 2h, 1d
    #[arg(long, value_name = "TIME", value_parser = When::parse)]
    pub from: Option<When>,
    /// Before this time
    #[arg(long, value_name = "TIME", value_parser = When::parse)]
    pub to: Option<When>,
}

/// `evtop timeline`
#[derive(Clone, Debug, PartialEq, Args)]
pub struct TimelineArgs {
    #[command(flatten)]
    pub events: EventArgs,
    /// The newest N events
    #[arg(long, value_name = "N", default_value_t = 50, value_parser = clap::value_parser!(u32).range(1..=100_000))]
    pub limit: u32,
    /// Go on with new events until interrupted
    #[arg(long)]
    pub follow: bool,
}

/// A filter of records, or why it is none.
fn of_records(text: &str) -> Result<Filter, String> {
    Filter::parse(text)?.only(List::Records)
}

/// `evtop messages`
#[derive(Clone, Debug, PartialEq, Args)]
pub struct MessagesArgs {
    /// The topic
    #[arg(value_name = "TOPIC")]
    pub topic: String,
    /// Where to begin: newest:N of each partition, offset:P:O, time:T (RFC 3339, 12:04 UTC or 15m ago) or beginning
    #[arg(long, value_name = "START", default_value = "newest:20", value_parser = Start::parse)]
    pub from: Start,
    /// Only records that match: words, key=, type=, partition=, after=, before=, value.path=, header.name=,
    /// ~regex; ! in front of one inverts it
    #[arg(long, value_name = "EXPR", value_parser = of_records)]
    pub filter: Option<Filter>,
    /// Records at most; as many as there are without
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..))]
    pub limit: Option<u32>,
    /// Go on with new records until interrupted
    #[arg(long)]
    pub follow: bool,
}
