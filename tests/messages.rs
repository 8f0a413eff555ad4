//! Reading a topic's records as the screen and the command do, on the embedded broker: only what is
//! looked at is read, no group is made, and every record comes.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

use evtop::clock::Clock;
use evtop::command::{Focus, MessagesFocus, Reading, Screen};
use evtop::domain::filter::Filter;
use evtop::domain::record::NewRecord;
use evtop::domain::when::{Start, When};
use evtop::kafka::embedded::Embedded;
use evtop::kafka::offsets::Observer;
use evtop::kafka::producer::Producer;
use evtop::snapshot::{Messages, SearchState};
use evtop::watch::board::Board;
use evtop::watch::messages::{Reader, keep_reading};
use tokio::sync::watch;
use tokio_util::sync::CancellationToken;

const TOPIC: &str = "orders";
const PATIENCE: Duration = Duration::from_secs(20);

struct Rig {
    _cluster: Embedded,
    producer: Producer,
    board: Arc<Board>,
    focus: watch::Sender<Focus>,
    stop: CancellationToken,
}

impl Drop for Rig {
    fn drop(&mut self) {
        self.stop.cancel();
    }
}

impl Rig {
    fn start() -> Self {
        let cluster = Embedded::start(&[(TOPIC.to_owned(), 3, Duration::ZERO)]).unwrap();
        let kafka = cluster.settings("test");
        let reader = Reader {
            clock: Clock::System,
            observer: Observer::new(&kafka).unwrap(),
            kafka: kafka.clone(),
            timeout: Duration::from_secs(5),
        };
        let (board, stop) = (Arc::new(Board::default()), CancellationToken::new());
        let focus = watch::Sender::new(Focus::default());
        let reading = keep_reading(reader, board.clone(), focus.subscribe(), stop.clone());
        tokio::spawn(reading);
        Self {
            _cluster: cluster,
            producer: Producer::new(&kafka).unwrap(),
            board,
            focus,
            stop,
        }
    }

    /// Sends so many records, spread over the partitions.
    async fn send(&self, numbers: std::ops::Range<usize>) {
        let records: Vec<NewRecord> = numbers
            .map(|n| NewRecord {
                topic: TOPIC.into(),
                partition: Some(i32::try_from(n % 3).unwrap()),
                key: Some(format!("ORD-{n}").into_bytes()),
                value: Some(format!("{{\"n\":{n},\"odd\":{}}}", n % 2 == 1).into_bytes()),
                headers: Vec::new(),
            })
            .collect();
        for sent in self.producer.send_all(&records).await {
            sent.unwrap();
        }
    }

    fn look(&self, screen: Screen, messages: MessagesFocus) {
        self.focus.send_replace(Focus {
            screen,
            messages,
            ..Focus::default()
        });
    }

    /// What this question is answered once it is as wanted.
    async fn until(
        &self,
        asked: &MessagesFocus,
        wanted: impl Fn(&Messages) -> bool,
    ) -> Arc<Messages> {
        self.look(Screen::Messages, asked.clone());
        let poll = async {
            loop {
                let reading = self.board.messages.read();
                if let Some(found) = reading.value.filter(|m| m.asked == *asked && wanted(m)) {
                    return found;
                }
                tokio::time::sleep(Duration::from_millis(10)).await;
            }
        };
        match tokio::time::timeout(PATIENCE, poll).await {
            Ok(found) => found,
            Err(_) => panic!("{asked:?}: {:?}", self.board.messages.read()),
        }
    }

    async fn search(&self, start: Start, filter: &str) -> Arc<Messages> {
        let asked = asked(start, filter, Reading::Search);
        self.until(&asked, |m| m.state != SearchState::Reading)
            .await
    }
}

fn asked(start: Start, filter: &str, mode: Reading) -> MessagesFocus {
    MessagesFocus {
        topic: Some(TOPIC.into()),
        start,
        filter: Filter::parse(filter)
            .unwrap()
            .at(chrono::DateTime::default()),
        mode,
        page: 0,
    }
}

fn keys(found: &Messages) -> BTreeSet<String> {
    let key = |m: &Arc<evtop::domain::message::Message>| m.record.key.clone().unwrap();
    let keys = found
        .rows
        .iter()
        .map(|m| String::from_utf8(key(m)).unwrap());
    keys.collect()
}

fn order(n: usize) -> String {
    format!("ORD-{n}")
}

#[tokio::test(flavor = "multi_thread")]
async fn a_tail_shows_the_newest_and_what_comes_and_rests_when_nobody_looks() {
    let rig = Rig::start();
    rig.send(0..30).await;
    let tail = asked(Start::Newest(4), "", Reading::Tail);
    let found = rig
        .until(&tail, |m| m.state == SearchState::Following)
        .await;
    assert_eq!(
        keys(&found),
        (18..30).map(order).collect(),
        "four of each partition"
    );
    assert_eq!((found.searched, found.matched, found.dropped), (12, 12, 0));
    rig.send(30..33).await;
    let found = rig.until(&tail, |m| m.rows.len() == 15).await;
    assert!(keys(&found).contains("ORD-32"));
    assert!(found.rows.is_sorted_by_key(|m| m.record.timestamp));

    rig.look(Screen::Flow, tail.clone());
    let gone = async {
        while rig.board.messages.read().value.is_some() {
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    };
    tokio::time::timeout(PATIENCE, gone).await.unwrap();
    let found = rig
        .until(&tail, |m| m.state == SearchState::Following)
        .await;
    assert_eq!(found.rows.len(), 12, "begun anew");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_tail_keeps_a_bounded_number_and_says_what_it_let_go() {
    let rig = Rig::start();
    rig.send(0..Messages::MOST + 100).await;
    let tail = asked(Start::Newest(1_000), "", Reading::Tail);
    let found = rig
        .until(&tail, |m| m.state == SearchState::Following)
        .await;
    assert_eq!(found.rows.len(), Messages::MOST);
    assert_eq!((found.searched, found.dropped), (600, 100));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_search_ends_where_the_topic_ended_and_counts_what_it_read() {
    let rig = Rig::start();
    rig.send(0..90).await;
    let found = rig
        .search(Start::Beginning, "value.odd=true key=ORD-1*")
        .await;
    let wanted = [1, 11, 13, 15, 17, 19].map(order);
    assert_eq!(keys(&found), wanted.into_iter().collect());
    assert_eq!((found.searched, found.matched), (90, 6));
    assert_eq!(found.state, SearchState::End);

    let place = Start::Offset {
        partition: 2,
        offset: 27,
    };
    let found = rig.search(place, "").await;
    assert_eq!(keys(&found), [83, 86, 89].map(order).into_iter().collect());
    let beyond = Start::Offset {
        partition: 0,
        offset: 1_000,
    };
    assert_eq!(rig.search(beyond, "").await.rows.len(), 0);
    let nowhere = Start::Offset {
        partition: 9,
        offset: 0,
    };
    assert_eq!(
        rig.search(nowhere, "").await.state,
        SearchState::NoPartition
    );
    let mut other = asked(Start::Beginning, "", Reading::Search);
    other.topic = Some("nothing".into());
    let found = rig.until(&other, |m| m.state != SearchState::Reading).await;
    assert_eq!(found.state, SearchState::NoTopic);
}

/// The embedded broker looks no times up: the records themselves are asked.
#[tokio::test(flavor = "multi_thread")]
async fn a_time_is_found_even_where_the_broker_knows_none() {
    let rig = Rig::start();
    rig.send(0..30).await;
    let all = rig.search(Start::Beginning, "").await;
    let newest = all
        .rows
        .iter()
        .filter_map(|m| m.record.timestamp)
        .max()
        .unwrap();
    let since = newest + chrono::TimeDelta::milliseconds(1);
    let mut n = 30;
    // Records of a later millisecond.
    loop {
        rig.send(n..n + 3).await;
        n += 3;
        let found = rig.search(Start::Newest(1), "").await;
        if found.rows.iter().all(|m| m.record.timestamp > Some(newest)) {
            break;
        }
    }
    let found = rig.search(Start::Time(When::At(since)), "").await;
    assert!(!found.rows.is_empty());
    assert!(found.rows.iter().all(|m| m.record.timestamp >= Some(since)));
    assert_eq!(
        found.searched as usize,
        found.rows.len(),
        "what is older is read past, not counted"
    );
    let later = since + chrono::TimeDelta::hours(1);
    let found = rig.search(Start::Time(When::At(later)), "").await;
    assert_eq!((found.rows.len(), found.state), (0, SearchState::End));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_filter_of_times_is_held_against_the_records_own() {
    let rig = Rig::start();
    rig.send(0..40).await;
    let all = rig.search(Start::Beginning, "").await;
    let mut times: Vec<_> = all
        .rows
        .iter()
        .map(|m| m.record.timestamp.unwrap())
        .collect();
    times.sort();
    let middle = times[20].to_rfc3339();
    let late = rig
        .search(Start::Beginning, &format!("after={middle}"))
        .await;
    let early = rig
        .search(Start::Beginning, &format!("before={middle}"))
        .await;
    assert!(!late.rows.is_empty());
    assert!(
        late.rows
            .iter()
            .all(|m| m.record.timestamp >= Some(times[20]))
    );
    assert!(
        early
            .rows
            .iter()
            .all(|m| m.record.timestamp < Some(times[20]))
    );
    assert_eq!(late.rows.len() + early.rows.len(), 40);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_stream_goes_page_by_page_and_leaves_none_out() {
    const ALL: usize = 1_700;
    let rig = Rig::start();
    rig.send(0..ALL).await;
    let mut asked = asked(Start::Beginning, "", Reading::Stream);
    let mut got = BTreeSet::new();
    while got.len() < ALL {
        let full = |m: &Messages| matches!(m.state, SearchState::More | SearchState::Following);
        let found = rig.until(&asked, full).await;
        assert!(found.rows.len() <= Messages::MOST);
        got.extend(keys(&found));
        if found.state == SearchState::Following {
            break;
        }
        asked.page += 1;
    }
    assert_eq!(got, (0..ALL).map(order).collect());
    rig.send(ALL..ALL + 2).await;
    let more = |m: &Messages| keys(m).contains(&order(ALL + 1));
    rig.until(&asked, more).await;
}
