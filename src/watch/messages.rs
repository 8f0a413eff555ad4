//! Records of the topic that is looked at. While nobody looks nothing is read, and whatever is read
//! costs others nothing: it has a client of its own, joins no group and holds a bounded number of
//! records.

use std::sync::Arc;
use std::time::Duration;

use chrono::{DateTime, Utc};
use tokio::sync::watch;
use tokio_util::sync::CancellationToken;

use super::board::{Board, within};
use super::growth::{grow, grown};
use super::search::Search;
use super::sources::Sources;
use crate::clock::Clock;
use crate::command::{Focus, MessagesFocus, Screen};
use crate::domain::when::Start;
use crate::kafka::KafkaSettings;
use crate::kafka::browse::{Browser, Seen};
use crate::kafka::consumer::Place;
use crate::kafka::offsets::Observer;
use crate::snapshot::{SearchState, Searched};

/// How often news are shown, and the longest that a filter must stand before it is searched for.
const SHOW: Duration = Duration::from_millis(150);
const TYPING: Duration = Duration::from_millis(150);

/// How long the last record of a partition may take to tell its time.
const TAIL: Duration = Duration::from_millis(500);

/// After a fault it is tried again.
const AGAIN: Duration = Duration::from_secs(1);

/// How often one looks whether a topic that is followed got more partitions.
const GROWTH: Duration = Duration::from_secs(1);

/// Records taken at one go.
const BURST: usize = 500;

/// What is to be read: nothing unless the screen is looked at.
fn wanted(focus: &Focus) -> Option<&MessagesFocus> {
    let looks = focus.screen == Screen::Messages && focus.messages.topic.is_some();
    looks.then_some(&focus.messages)
}

/// Whom to ask, and how long to wait.
#[derive(Clone)]
pub struct Reader {
    pub clock: Clock,
    pub observer: Observer,
    pub kafka: KafkaSettings,
    pub timeout: Duration,
}

impl Reader {
    #[must_use]
    pub fn of(sources: &Sources) -> Self {
        Self {
            clock: sources.clock.clone(),
            observer: sources.observer.clone(),
            kafka: sources.shared.settings.kafka.clone(),
            timeout: sources.timeout,
        }
    }
}

/// Reads what is looked at until `stop`.
pub async fn keep_reading(
    reader: Reader,
    board: Arc<Board>,
    mut focus: watch::Receiver<Focus>,
    stop: CancellationToken,
) {
    let mut last: Option<Search> = None;
    // Nobody is left who could look: see `wait_for`, which goes on with the last word.
    while focus.has_changed().is_ok() {
        let asked = tokio::select! {
            () = stop.cancelled() => return,
            seen = focus.wait_for(|f| wanted(f).is_some()) => match seen {
                Ok(focus) => focus.messages.clone(),
                Err(_) => return,
            },
        };
        // Each letter that is typed asks anew: the last one counts.
        let typed = last
            .as_ref()
            .is_some_and(|s| s.now.asked.filter != asked.filter);
        if typed {
            tokio::select! {
                () = stop.cancelled() => return,
                () = tokio::time::sleep(TYPING) => {}
                moved = focus.wait_for(|f| wanted(f) != Some(&asked)) => match moved {
                    Ok(_) => continue,
                    Err(_) => return,
                },
            }
        }
        let other = |f: &Focus| wanted(f) != Some(&asked);
        let mut search = match last.take().and_then(|s| s.next_page(&asked)) {
            Some(search) => search,
            None => {
                let begun = tokio::select! {
                    () = stop.cancelled() => return,
                    _ = focus.wait_for(other) => continue,
                    begun = within(reader.timeout * 2, begin(&reader, &asked)) => begun,
                };
                match begun {
                    Ok(search) => search,
                    Err(error) => {
                        board.messages.take_in(Err(error), reader.clock.now());
                        board.fresh.notify_one();
                        tokio::select! {
                            () = stop.cancelled() => return,
                            () = tokio::time::sleep(AGAIN) => {}
                            _ = focus.wait_for(other) => {}
                        }
                        continue;
                    }
                }
            }
        };
        read(&mut search, &reader, &board, &mut focus, &stop).await;
        if stop.is_cancelled() {
            return;
        }
        if wanted(&focus.borrow()).is_none() {
            board.messages.clear();
        } else {
            last = Some(search);
        }
    }
}

/// Reads until something else is looked at.
pub(super) async fn read(
    search: &mut Search,
    reader: &Reader,
    board: &Board,
    focus: &mut watch::Receiver<Focus>,
    stop: &CancellationToken,
) {
    let show = |search: &mut Search, error: Option<String>| {
        search.dirty = false;
        let now = reader.clock.now();
        board.messages.take_in(Ok(search.shown()), now);
        if let Some(error) = error {
            board.messages.take_in(Err(error), now);
        }
        board.fresh.notify_one();
    };
    let asked = search.now.asked.clone();
    let other = |f: &Focus| wanted(f) != Some(&asked);
    search.judge();
    let places = search.places();
    let mut browser = None;
    if search.reads() {
        match Browser::open(&reader.kafka, &places) {
            Ok(opened) => browser = Some(opened),
            Err(error) => show(search, Some(error.to_string())),
        }
    }
    show(search, None);
    let mut ticks = tokio::time::interval(SHOW);
    ticks.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
    let mut growth = tokio::time::interval(GROWTH);
    growth.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
    loop {
        if !search.reads() {
            if search.dirty {
                show(search, None);
            }
            close(browser.take());
        }
        let seen = tokio::select! {
            biased;
            () = stop.cancelled() => break,
            _ = focus.wait_for(other) => break,
            _ = ticks.tick(), if search.dirty => {
                show(search, None);
                continue;
            }
            _ = growth.tick() => None,
            seen = next(browser.as_ref()) => Some(seen),
        };
        let Some(seen) = seen else {
            let Some(partitions) = grown(board, search) else {
                continue;
            };
            let more = tokio::select! {
                () = stop.cancelled() => break,
                _ = focus.wait_for(other) => break,
                more = within(reader.timeout, grow(reader, search, partitions)) => more,
            };
            // Who reads more places begins anew where it is; what was fetched ahead comes again.
            let opened = more.and_then(|more| {
                let open = || Browser::open(&reader.kafka, &search.places());
                more.then(open).transpose().map_err(|e| e.to_string())
            });
            match opened {
                Ok(Some(opened)) => close(browser.replace(opened)),
                Ok(None) => {}
                Err(error) => show(search, Some(error)),
            }
            continue;
        };
        match seen {
            Ok(seen) => {
                search.take(seen);
                let ready = std::iter::from_fn(|| browser.as_ref()?.ready());
                for seen in ready.take(BURST) {
                    search.take(seen);
                    if !search.reads() {
                        break;
                    }
                }
                tokio::task::yield_now().await;
            }
            Err(error) => {
                show(search, Some(error));
                tokio::select! {
                    () = stop.cancelled() => break,
                    _ = focus.wait_for(other) => break,
                    () = tokio::time::sleep(AGAIN) => search.dirty = true,
                }
            }
        }
    }
    close(browser);
}

/// What comes next; nothing ever does where nothing is read.
async fn next(browser: Option<&Browser>) -> Result<Seen, String> {
    match browser {
        Some(browser) => browser.next().await.map_err(|e| e.to_string()),
        None => std::future::pending().await,
    }
}

/// Letting go takes a moment, which nobody waits for.
fn close(browser: Option<Browser>) {
    if let Some(browser) = browser {
        tokio::spawn(browser.close());
    }
}

/// Where everything that is asked begins and ends.
pub(super) async fn begin(reader: &Reader, asked: &MessagesFocus) -> Result<Search, String> {
    let text = |e: crate::kafka::KafkaError| e.to_string();
    let observer = &reader.observer;
    let topic = asked.topic.clone().unwrap_or_default();
    let mut search = Search::new(asked.clone());
    let Some(partitions) = observer.topics().await.map_err(text)?.remove(&topic) else {
        search.now.state = SearchState::NoTopic;
        return Ok(search);
    };
    search.known = partitions;
    let all = 0..i32::try_from(partitions).unwrap_or(i32::MAX);
    let of = |p: &i32| !matches!(asked.start, Start::Offset { partition, .. } if partition != *p);
    let places: Vec<Place> = all.filter(of).map(|p| (topic.clone(), p)).collect();
    if places.is_empty() {
        search.now.state = SearchState::NoPartition;
        return Ok(search);
    }
    let bounds = observer.bounds(places.clone()).await.map_err(text)?;
    let mut at = vec![None; places.len()];
    if let Start::Time(when) = asked.start {
        let since = when.at(reader.clock.now());
        search.now.since = Some(since);
        at = observer
            .offsets_at(places.clone(), since)
            .await
            .map_err(text)?;
    }
    for ((place, bounds), at) in places.into_iter().zip(bounds).zip(at) {
        let (Some(first), Some(end)) = (bounds.first, bounds.end) else {
            search.now.unread += 1;
            continue;
        };
        let from = match asked.start {
            Start::Beginning => first,
            Start::Newest(n) => end - i64::from(n),
            Start::Offset { offset, .. } => offset,
            Start::Time(_) => match at {
                Some(at) if at < end => at,
                _ if first < end && newer(reader, &place, end, search.now.since).await? => first,
                _ => end,
            },
        };
        let from = from.clamp(first, end.max(first));
        search.now.partitions.push(Searched {
            partition: place.1,
            first,
            from,
            next: from,
            end,
        });
    }
    search.ended = vec![false; search.now.partitions.len()];
    Ok(search)
}

/// Whether the partition's last record is of that time or later although no offset was found for it: the
/// broker can't look times up, as the embedded one can't, and the records themselves are to be asked.
async fn newer(
    reader: &Reader,
    place: &Place,
    end: i64,
    since: Option<DateTime<Utc>>,
) -> Result<bool, String> {
    let last = reader
        .observer
        .record_at(place.clone(), end - 1, TAIL)
        .await;
    let last = last.map_err(|e| e.to_string())?;
    Ok(last.is_some_and(|record| record.timestamp >= since))
}
