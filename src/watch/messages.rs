//! Records of the topic that is looked at. While nobody looks nothing is read, and whatever is read
//! costs others nothing: it has a client of its own, joins no group and holds a bounded number of
//! records.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use chrono::{DateTime, Utc};
use tokio::sync::watch;
use tokio_util::sync::CancellationToken;

use super::board::{Board, within};
use super::sources::Sources;
use crate::clock::Clock;
use crate::command::{Focus, MessagesFocus, Reading, Screen};
use crate::domain::message::Message;
use crate::domain::record::Record;
use crate::domain::when::Start;
use crate::kafka::KafkaSettings;
use crate::kafka::browse::{Browser, Seen};
use crate::kafka::consumer::Place;
use crate::kafka::offsets::Observer;
use crate::snapshot::{Messages, SearchState, Searched};

/// How often news are shown, and the longest that a filter must stand before it is searched for.
const SHOW: Duration = Duration::from_millis(150);
const TYPING: Duration = Duration::from_millis(150);

/// How long the last record of a partition may take to tell its time.
const TAIL: Duration = Duration::from_millis(500);

/// After a fault it is tried again.
const AGAIN: Duration = Duration::from_secs(1);

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
    loop {
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
async fn read(
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
            seen = next(browser.as_ref()) => seen,
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
async fn begin(reader: &Reader, asked: &MessagesFocus) -> Result<Search, String> {
    let text = |e: crate::kafka::KafkaError| e.to_string();
    let observer = &reader.observer;
    let topic = asked.topic.clone().unwrap_or_default();
    let mut search = Search::new(asked.clone());
    let Some(partitions) = observer.topics().await.map_err(text)?.remove(&topic) else {
        search.now.state = SearchState::NoTopic;
        return Ok(search);
    };
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

/// Rows by time, and those of one partition alone by offset.
type Order = (Option<DateTime<Utc>>, i32, i64);

/// What was found so far.
struct Search {
    /// All but the rows.
    now: Messages,
    rows: BTreeMap<Order, Arc<Message>>,
    bytes: usize,
    /// Beside `now.partitions`: each was read to its end.
    ended: Vec<bool>,
    dirty: bool,
}

impl Search {
    fn new(asked: MessagesFocus) -> Self {
        Self {
            now: Messages {
                asked,
                ..Messages::default()
            },
            rows: BTreeMap::new(),
            bytes: 0,
            ended: Vec::new(),
            dirty: true,
        }
    }

    /// This search with its next page, if that is what is asked.
    fn next_page(mut self, asked: &MessagesFocus) -> Option<Self> {
        let page = self.now.asked.page.checked_add(1)?;
        let next = MessagesFocus {
            page,
            ..self.now.asked.clone()
        };
        if next != *asked || self.now.state != SearchState::More {
            return None;
        }
        self.now.asked = next;
        self.now.state = SearchState::Reading;
        self.now.dropped += self.rows.len() as u64;
        self.rows.clear();
        self.bytes = 0;
        self.dirty = true;
        Some(self)
    }

    fn places(&self) -> Vec<(Place, i64)> {
        let topic = self.now.asked.topic.clone().unwrap_or_default();
        let open = self.now.partitions.iter().zip(&self.ended);
        // A search asks only what is not done; whoever follows reads on everywhere.
        open.filter(|(_, ended)| !**ended || self.now.asked.mode != Reading::Search)
            .map(|(p, _)| ((topic.clone(), p.partition), p.next))
            .collect()
    }

    fn reads(&self) -> bool {
        matches!(
            self.now.state,
            SearchState::Reading | SearchState::Following
        )
    }

    fn take(&mut self, seen: Seen) {
        match seen {
            Seen::End(partition) => {
                if let Some(at) = self.at(partition) {
                    self.ended[at] = true;
                    // What is left up to the end is nothing that one reads, such as a transaction's markers.
                    let place = &mut self.now.partitions[at];
                    place.next = place.next.max(place.end);
                    self.dirty = true;
                }
            }
            Seen::Record(record) => self.take_record(record),
        }
        self.judge();
    }

    fn at(&self, partition: i32) -> Option<usize> {
        self.now
            .partitions
            .iter()
            .position(|p| p.partition == partition)
    }

    fn take_record(&mut self, record: Record) {
        let Some(at) = self.at(record.partition) else {
            return;
        };
        let place = &mut self.now.partitions[at];
        if record.offset < place.next {
            return;
        }
        if self.now.asked.mode == Reading::Search && record.offset >= place.end {
            self.ended[at] = true;
            return;
        }
        let early = self.now.since.is_some() && record.timestamp < self.now.since;
        // Where times could not be looked up, everything before is read past.
        let before = early && self.now.asked.page == 0 && place.from == place.next;
        place.next = record.offset + 1;
        place.end = place.end.max(place.next);
        self.dirty = true;
        if before {
            place.from = place.next;
            return;
        }
        self.now.searched += 1;
        if let Some(message) = Message::passing(record, &self.now.asked.filter) {
            self.now.matched += 1;
            self.bytes += message.weight();
            let alone = matches!(self.now.asked.start, Start::Offset { .. });
            let time = message.record.timestamp.filter(|_| !alone);
            let (partition, offset) = message.place();
            self.rows
                .insert((time, partition, offset), Arc::new(message));
        }
        if self.now.asked.mode == Reading::Tail {
            while self.rows.len() > Messages::MOST
                || (self.bytes > Messages::MOST_BYTES && self.rows.len() > 1)
            {
                if let Some((_, gone)) = self.rows.pop_first() {
                    self.bytes -= gone.weight();
                    self.now.dropped += 1;
                }
            }
        }
    }

    /// How it stands.
    fn judge(&mut self) {
        let before = self.now.state;
        if !self.reads() {
            return;
        }
        for (place, ended) in self.now.partitions.iter().zip(&mut self.ended) {
            *ended |= place.next >= place.end;
        }
        let done = self.ended.iter().all(|ended| *ended);
        let full = self.rows.len() >= Messages::MOST || self.bytes >= Messages::MOST_BYTES;
        self.now.state = match self.now.asked.mode {
            Reading::Search if done => SearchState::End,
            Reading::Search | Reading::Stream if full => SearchState::More,
            _ if done => SearchState::Following,
            _ => before,
        };
        self.dirty |= self.now.state != before;
    }

    fn shown(&self) -> Arc<Messages> {
        Arc::new(Messages {
            rows: self.rows.values().cloned().collect(),
            ..self.now.clone()
        })
    }
}
