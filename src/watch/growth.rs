//! Partitions that a topic gets while somebody follows it. Whoever polls the broker anyway has seen them; a
//! reader takes them in from their first record on, so that none is left out.

use super::board::Board;
use super::messages::Reader;
use super::search::Search;
use crate::command::Reading;
use crate::domain::when::Start;
use crate::kafka::consumer::Place;
use crate::snapshot::Searched;

/// How many partitions the topic has by now, where those are more than are followed.
pub(super) fn grown(board: &Board, search: &Search) -> Option<usize> {
    let asked = &search.now.asked;
    let one = matches!(asked.start, Start::Offset { .. });
    if asked.mode == Reading::Search || one || !search.reads() {
        return None;
    }
    let seen = board.topics.with(|topics| {
        let mut all = topics.value.iter().flatten();
        let topic = all.find(|t| Some(&t.name) == asked.topic.as_ref());
        topic.map(|t| t.partitions)
    });
    seen.filter(|partitions| *partitions > search.known)
}

/// Takes the new partitions in; one that nobody leads yet, and those after it, the next time. Whether there
/// were any.
pub(super) async fn grow(
    reader: &Reader,
    search: &mut Search,
    partitions: usize,
) -> Result<bool, String> {
    let before = search.known;
    let topic = search.now.asked.topic.clone().unwrap_or_default();
    let number = |n: usize| i32::try_from(n).unwrap_or(i32::MAX);
    let new = number(search.known)..number(partitions);
    let places: Vec<Place> = new.map(|p| (topic.clone(), p)).collect();
    let bounds = reader.observer.bounds(places.clone()).await;
    for (place, bounds) in places.into_iter().zip(bounds.map_err(|e| e.to_string())?) {
        let (Some(first), Some(end)) = (bounds.first, bounds.end) else {
            break;
        };
        search.now.partitions.push(Searched {
            partition: place.1,
            first,
            from: first,
            next: first,
            end,
        });
        search.ended.push(false);
        search.known += 1;
        search.dirty = true;
    }
    Ok(search.known > before)
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;
    use std::sync::Arc;
    use std::time::Duration;

    use tokio::sync::watch;
    use tokio_util::sync::CancellationToken;

    use super::*;
    use crate::clock::Clock;
    use crate::command::{Focus, MessagesFocus, Screen};
    use crate::domain::record::NewRecord;
    use crate::kafka::embedded::Embedded;
    use crate::kafka::offsets::Observer;
    use crate::kafka::producer::Producer;
    use crate::snapshot::{SearchState, Topic};
    use crate::watch::messages::{begin, read};

    fn seen(board: &Board, partitions: usize) {
        let topic = Topic {
            name: "orders".into(),
            partitions,
            ..Topic::default()
        };
        let now = Clock::System.now();
        board.topics.take_in(Ok(vec![topic]), now);
    }

    /// The embedded broker adds no partitions, so the follower is made to have begun with two of three.
    #[tokio::test(flavor = "multi_thread")]
    async fn a_tail_takes_new_partitions_in_from_their_first_record() {
        let cluster = Embedded::start(&[("orders".to_owned(), 3, Duration::from_secs(3_600))])
            .expect("a cluster");
        let kafka = cluster.settings("test");
        let reader = Reader {
            clock: Clock::System,
            observer: Observer::new(&kafka).expect("an observer"),
            kafka: kafka.clone(),
            timeout: Duration::from_secs(5),
        };
        let producer = Producer::new(&kafka).expect("a producer");
        let records: Vec<NewRecord> = (0..30)
            .map(|n| NewRecord {
                topic: "orders".into(),
                partition: Some(n % 3),
                key: None,
                value: Some(n.to_string().into_bytes()),
                headers: Vec::new(),
            })
            .collect();
        for sent in producer.send_all(&records).await {
            sent.expect("sent");
        }
        let asked = MessagesFocus {
            topic: Some("orders".into()),
            ..MessagesFocus::default()
        };
        let mut search = begin(&reader, &asked).await.expect("begun");
        search.now.partitions.pop();
        search.ended.pop();
        search.known = 2;
        let board = Arc::new(Board::default());
        assert_eq!(grown(&board, &search), None, "nobody has polled yet");
        seen(&board, 2);
        assert_eq!(grown(&board, &search), None);
        let focus = watch::Sender::new(Focus {
            screen: Screen::Messages,
            messages: asked,
            ..Focus::default()
        });
        let stop = CancellationToken::new();
        let mut looked_at = focus.subscribe();
        let (of, until) = (Arc::clone(&board), stop.clone());
        let reading = tokio::spawn(async move {
            read(&mut search, &reader, &of, &mut looked_at, &until).await;
        });
        let rows = |wanted: usize| {
            let board = Arc::clone(&board);
            async move {
                loop {
                    let found = board.messages.read().value;
                    if let Some(found) = found.filter(|m| m.rows.len() >= wanted) {
                        return found;
                    }
                    tokio::time::sleep(Duration::from_millis(10)).await;
                }
            }
        };
        let patience = Duration::from_secs(20);
        let two = tokio::time::timeout(patience, rows(20)).await;
        assert_eq!(two.expect("both partitions").partitions.len(), 2);
        seen(&board, 3);
        let all = tokio::time::timeout(patience, rows(30)).await;
        let all = all.expect("the new partition too");
        let places: BTreeSet<_> = all.rows.iter().map(|m| m.place()).collect();
        assert_eq!((all.rows.len(), places.len()), (30, 30), "each once");
        assert_eq!(all.state, SearchState::Following);
        stop.cancel();
        reading.await.expect("ended");
    }

    #[test]
    fn one_partition_or_a_search_stays_what_it_is() {
        let board = Board::default();
        seen(&board, 9);
        let search = |start, mode| {
            let mut search = Search::new(MessagesFocus {
                topic: Some("orders".into()),
                start,
                mode,
                ..MessagesFocus::default()
            });
            search.known = 3;
            search
        };
        let at = Start::Offset {
            partition: 1,
            offset: 0,
        };
        assert_eq!(grown(&board, &search(at, Reading::Tail)), None);
        assert_eq!(
            grown(&board, &search(Start::Beginning, Reading::Search)),
            None
        );
        let followed = search(Start::Beginning, Reading::Stream);
        assert_eq!(grown(&board, &followed), Some(9));
    }
}
