//! Dead letters and their index.

use evtop::domain::filter::Filter;
use evtop::domain::foreign::Family;
use evtop::domain::letter::{Letter, LetterBody, LetterFilter, LetterStatus};
use evtop::domain::service::Service;
use evtop::store::{Applied, Queued};

use crate::kit::{Kit, body, created};

/// A letter of an order of its own.
fn letter(kit: &Kit, n: i64) -> Letter {
    let event = created(&format!("O-{n}"), &[("A", 1)]);
    kit.letter(&kit.envelope(&event), n)
}

async fn find(kit: &Kit, filter: &LetterFilter) -> Vec<Letter> {
    kit.store.letters(filter, 0, 100).await.unwrap().0
}

pub async fn a_letter_is_kept_with_its_bytes(kit: Kit) {
    let mut plain = letter(&kit, 1);
    plain.message = "nul \0 and \u{202e}".into();
    kit.store.bury(&plain, &body(), None, None).await.unwrap();
    plain.message = "nul \u{2400} and \u{202e}".into();
    assert_eq!(
        kit.store.letter(plain.id).await.unwrap(),
        Some((plain.clone(), body()))
    );
    let mut bare = letter(&kit, 2);
    (
        bare.event_id,
        bare.event_type,
        bare.correlation_id,
        bare.dlq,
    ) = (None, None, None, None);
    bare.key = Some(vec![0, 0xff]);
    // One that only waits was not tried.
    bare.attempts = Some(0);
    kit.store
        .bury(&bare, &LetterBody::default(), None, None)
        .await
        .unwrap();
    assert_eq!(
        kit.store.letter(bare.id).await.unwrap(),
        Some((bare, LetterBody::default()))
    );
    assert_eq!(kit.store.letter(kit.clock.id()).await.unwrap(), None);
}

pub async fn a_long_key_blocks_as_a_short_one(kit: Kit) {
    let mut long = letter(&kit, 1);
    // Nothing that shrinks when it is packed, and longer than an index takes.
    long.key = Some(
        (0..20_000_u32)
            .map(|n| (n.wrapping_mul(2_654_435_761) >> 13) as u8)
            .collect(),
    );
    kit.store.bury(&long, &body(), None, None).await.unwrap();
    kit.store.bury(&long, &body(), None, None).await.unwrap();
    assert_eq!(
        kit.store.blocked_keys("inventory-service").await.unwrap(),
        1
    );
    let mut behind = long.clone();
    behind.id = kit.clock.id();
    let queued = kit.store.queue_behind(&[(behind, body())]).await.unwrap();
    assert_eq!(queued, [Queued::Queued]);
    assert_eq!(kit.store.behind(long.id).await.unwrap(), 1);
}

pub async fn copies_in_one_look_are_one_letter(kit: Kit) {
    let one = letter(&kit, 1);
    let two = letter(&kit, 2);
    let mut copy = one.clone();
    copy.dlq.as_mut().unwrap().offset = 9;
    let rows = [one, two, copy.clone()].map(|letter| (letter, body()));
    kit.store.index_letters(&rows).await.unwrap();
    let kept = kit.store.letter(copy.id).await.unwrap().unwrap().0;
    assert_eq!(kept.dlq, copy.dlq, "the newest copy's place");
    assert_eq!(find(&kit, &LetterFilter::default()).await.len(), 2);
}

pub async fn what_is_unknown_of_a_foreign_letter_stays_so(kit: Kit) {
    let mut foreign = letter(&kit, 1);
    foreign.family = Family::Connect;
    foreign.fingerprint = "nobody's".into();
    (foreign.group, foreign.topic) = (None, None);
    (foreign.partition, foreign.offset) = (None, None);
    (foreign.stage, foreign.attempts) = (None, None);
    let mut partly = letter(&kit, 2);
    partly.family = Family::Watermill;
    (partly.partition, partly.offset) = (Some(0), Some(0));
    for letter in [&foreign, &partly] {
        let rows = [(letter.clone(), body())];
        kit.store.index_letters(&rows).await.unwrap();
        kit.store.index_letters(&rows).await.unwrap();
        let kept = kit.store.letter(letter.id).await.unwrap();
        assert_eq!(kept, Some((letter.clone(), body())));
    }
    let (causes, _) = kit
        .store
        .causes(&LetterFilter::default(), 10, kit.now())
        .await
        .unwrap();
    let mut groups: Vec<_> = causes.into_iter().map(|c| c.group).collect();
    groups.sort();
    assert_eq!(groups, [None, Some("inventory-service".to_owned())]);
    assert_eq!(kit.store.letter_counts().await.unwrap()[0].1, 2);
}

/// Its later events have long been handled by somebody.
pub async fn a_foreign_letter_blocks_no_key(kit: Kit) {
    let mut foreign = letter(&kit, 1);
    foreign.family = Family::Spring;
    let rows = [(foreign.clone(), body())];
    kit.store.index_letters(&rows).await.unwrap();
    let blocked = || kit.store.blocked_keys("inventory-service");
    assert_eq!(blocked().await.unwrap(), 0);
    // Nor does it keep a key blocked that another letter blocked.
    let mut own = letter(&kit, 2);
    own.key = foreign.key;
    kit.store.bury(&own, &body(), None, None).await.unwrap();
    assert_eq!(blocked().await.unwrap(), 1);
    assert_eq!(kit.store.behind(foreign.id).await.unwrap(), 0);
}

pub async fn the_same_letter_twice_is_one_row(kit: Kit) {
    let first = letter(&kit, 1);
    kit.store.bury(&first, &body(), None, None).await.unwrap();
    kit.tick(5);
    let mut again = letter(&kit, 1);
    again.attempts = Some(5);
    again.dlq.as_mut().unwrap().offset = 44;
    kit.store.bury(&again, &body(), None, None).await.unwrap();
    let kept = find(&kit, &LetterFilter::default()).await;
    assert_eq!(kept.len(), 1);
    assert_eq!(
        (kept[0].first_failed_at, kept[0].last_failed_at),
        (first.first_failed_at, kit.now())
    );
    assert_eq!(
        (kept[0].attempts, kept[0].dlq.as_ref().unwrap().offset),
        (Some(5), 44)
    );
}

pub async fn a_letter_blocks_its_key(kit: Kit) {
    let event = created("O-1", &[("A", 1)]);
    let letter = kit.letter(&kit.envelope(&event), 1);
    kit.store.bury(&letter, &body(), None, None).await.unwrap();
    assert_eq!(
        kit.store.blocked_keys("inventory-service").await.unwrap(),
        1
    );
    let next = kit.envelope(&event);
    let applied = kit.apply_one(Service::Inventory, &next, &event, None).await;
    assert_eq!(applied, Applied::Blocked(letter.id));
    assert_eq!(
        kit.store.totals().await.unwrap().0,
        0,
        "nothing is written for it"
    );
    let other = created("O-2", &[("A", 1)]);
    assert_eq!(
        kit.apply_one(Service::Inventory, &kit.envelope(&other), &other, None)
            .await,
        Applied::Done
    );
    // A second letter of the key leaves the first at the head.
    let second = kit.letter(&next, 2);
    kit.store.bury(&second, &body(), None, None).await.unwrap();
    let applied = kit
        .apply_one(Service::Inventory, &kit.envelope(&event), &event, None)
        .await;
    assert_eq!(applied, Applied::Blocked(letter.id));
}

pub async fn no_key_blocks_nothing(kit: Kit) {
    for (n, key) in [None, Some(Vec::new())].into_iter().enumerate() {
        let mut letter = letter(&kit, n as i64);
        letter.key = key.clone();
        kit.store.bury(&letter, &body(), None, None).await.unwrap();
        kit.store.index_letters(&[(letter, body())]).await.unwrap();
        assert_eq!(
            kit.store.blocked_keys("inventory-service").await.unwrap(),
            0
        );
        let event = created(&format!("O-{n}"), &[("A", 1)]);
        let envelope = kit.envelope(&event);
        let mut work = crate::kit::work(&envelope, &event);
        work.key = key;
        assert_eq!(
            kit.apply(Service::Inventory, &[work]).await,
            [Applied::Done]
        );
    }
}

pub async fn the_indexer_changes_no_fate(kit: Kit) {
    let event = created("O-1", &[("A", 1)]);
    let envelope = kit.envelope(&event);
    let letter = kit.letter(&envelope, 1);
    let copy = [(letter.clone(), body())];
    kit.store.index_letters(&copy).await.unwrap();
    kit.store.index_letters(&copy).await.unwrap();
    let (_, ids) = kit.redrive(&[&letter]).await;
    kit.send(ids[0]).await;
    kit.store.index_letters(&copy).await.unwrap();
    assert_eq!(kit.status(&letter).await, LetterStatus::InFlight);
    let redrive = Some(evtop::store::RedriveRef {
        letter: letter.id,
        redrive: ids[0],
    });
    assert_eq!(
        kit.apply_one(Service::Inventory, &envelope, &event, redrive)
            .await,
        Applied::Done
    );
    kit.store.index_letters(&copy).await.unwrap();
    let kept = kit.store.letter(letter.id).await.unwrap().unwrap().0;
    assert_eq!((kept.status, kept.redrives), (LetterStatus::Resolved, 1));
    assert_eq!(
        kept.outcome,
        Some(evtop::domain::letter::RedriveOutcome::Ok)
    );
    assert_eq!(
        kit.store.blocked_keys("inventory-service").await.unwrap(),
        0,
        "and blocks nothing anew"
    );
}

pub async fn the_index_is_rebuilt_from_the_topic(kit: Kit) {
    let rows: Vec<_> = (0..450).map(|n| (letter(&kit, n), body())).collect();
    for _ in 0..2 {
        kit.store.index_letters(&rows).await.unwrap();
        let (kept, total) = kit
            .store
            .letters(&LetterFilter::default(), 0, 1_000)
            .await
            .unwrap();
        assert_eq!(total, 450);
        assert!(kept.iter().rev().eq(rows.iter().map(|(letter, _)| letter)));
        assert_eq!(
            kit.store.blocked_keys("inventory-service").await.unwrap(),
            450
        );
    }
    kit.store.index_letters(&[]).await.unwrap();
    assert_eq!(
        kit.store.letter(rows[7].0.id).await.unwrap().unwrap(),
        rows[7]
    );
}

pub async fn a_page_and_its_total_are_of_one_moment(kit: Kit) {
    let other = kit.another().await;
    let written = async {
        for n in 0..100 {
            other
                .bury(&letter(&kit, n), &body(), None, None)
                .await
                .unwrap();
        }
    };
    let looked = async {
        loop {
            let all = LetterFilter::default();
            let (rows, total) = kit.store.letters(&all, 0, 100).await.unwrap();
            assert_eq!(rows.len() as u64, total);
            if total == 100 {
                return;
            }
        }
    };
    tokio::join!(written, looked);
}

pub async fn a_later_failure_in_the_topic_reopens(kit: Kit) {
    let event = created("O-1", &[("A", 1)]);
    let envelope = kit.envelope(&event);
    let first = kit.letter(&envelope, 1);
    kit.store.bury(&first, &body(), None, None).await.unwrap();
    let (_, ids) = kit.redrive(&[&first]).await;
    kit.send(ids[0]).await;
    kit.tick(9);
    // It failed again, and the report was lost in a crash.
    let mut later = kit.letter(&envelope, 1);
    later.first_failed_at = first.first_failed_at;
    later.message = "another reason".into();
    kit.store
        .index_letters(&[(later.clone(), body())])
        .await
        .unwrap();
    let kept = kit.store.letter(first.id).await.unwrap().unwrap().0;
    assert_eq!(kept.status, LetterStatus::Unresolved);
    assert_eq!(
        (kept.message.as_str(), kept.last_failed_at),
        ("another reason", kit.now())
    );
    kit.tick(1);
    later.last_failed_at = kit.now();
    later.redrives = 3;
    kit.store.index_letters(&[(later, body())]).await.unwrap();
    assert_eq!(kit.status(&first).await, LetterStatus::Parked);
}

pub async fn letters_are_filtered_and_paged(kit: Kit) {
    for n in 0..10 {
        let mut letter = letter(&kit, n);
        if n % 2 == 1 {
            letter.group = Some("email-service".into());
            letter.fingerprint = "odd".into();
        }
        kit.store.bury(&letter, &body(), None, None).await.unwrap();
        kit.tick(1);
    }
    let all = LetterFilter::default();
    let (page, total) = kit.store.letters(&all, 2, 3).await.unwrap();
    assert_eq!(total, 10);
    assert_eq!(
        page.iter().filter_map(|l| l.offset).collect::<Vec<_>>(),
        [7, 6, 5],
        "newest failure first"
    );
    let odd = LetterFilter {
        fingerprint: Some("odd".into()),
        ..all.clone()
    };
    assert_eq!(find(&kit, &odd).await.len(), 5);
    let email = LetterFilter {
        group: Some("email-service".into()),
        ..all.clone()
    };
    assert_eq!(find(&kit, &email).await.len(), 5);
    let key = LetterFilter {
        key: Some(b"O-3".to_vec()),
        ..all.clone()
    };
    assert_eq!(find(&kit, &key).await[0].offset, Some(3));
    let parked = LetterFilter {
        statuses: vec![LetterStatus::Parked],
        ..all.clone()
    };
    assert!(find(&kit, &parked).await.is_empty());
    assert_eq!(
        kit.store.letters(&all, 100, 5).await.unwrap(),
        (Vec::new(), 10)
    );
}

pub async fn search_takes_text_as_it_is(kit: Kit) {
    let mut percent = letter(&kit, 1);
    percent.message = "100% of_it failed".into();
    let other = letter(&kit, 2);
    for letter in [&percent, &other] {
        kit.store.bury(letter, &body(), None, None).await.unwrap();
    }
    let search = |text: &str| LetterFilter {
        typed: Filter::parse(text).unwrap().at(kit.now()),
        ..LetterFilter::default()
    };
    for (text, hits) in [
        ("\"% OF_\"", 1),
        ("%", 1),
        ("_", 1),
        ("o-2", 1),
        ("ordercreated", 2),
        ("timeout", 2),
        ("", 2),
        ("x", 0),
    ] {
        assert_eq!(find(&kit, &search(text)).await.len(), hits, "{text}");
    }
    // By id too, with its dashes or without, and by the end of it.
    let id = percent.id.to_string();
    for text in [&id[..13], &id.replace('-', "")[..12], &id[24..]] {
        let found = find(&kit, &search(text)).await;
        assert_eq!(found.iter().map(|l| l.id).collect::<Vec<_>>(), [percent.id]);
    }
}

pub async fn causes_group_and_trend(kit: Kit) {
    for n in 0..6 {
        kit.store
            .bury(&letter(&kit, n), &body(), None, None)
            .await
            .unwrap();
        kit.tick(60);
    }
    let mut other = letter(&kit, 9);
    other.fingerprint = "other".into();
    other.code = "validation".into();
    kit.store.bury(&other, &body(), None, None).await.unwrap();
    let one = letter(&kit, 0);
    let (_, ids) = kit.redrive(&[&one]).await;
    assert!(kit.queued(ids[0]).await);
    let (causes, total) = kit
        .store
        .causes(&LetterFilter::default(), 1, kit.now())
        .await
        .unwrap();
    assert_eq!(
        (causes.len(), total),
        (1, 2),
        "the largest, and how many there are"
    );
    let cause = &causes[0];
    assert_eq!((cause.count, cause.parked, cause.redriving), (6, 0, 1));
    assert_eq!(
        (
            cause.group.as_deref().unwrap(),
            cause.stage,
            cause.code.as_str()
        ),
        ("inventory-service", one.stage, "timeout")
    );
    assert!(
        cause.title.contains('#') && !cause.title.contains("10.0"),
        "{}",
        cause.title
    );
    assert_eq!(cause.per_minute, [0, 0, 0, 1, 1, 1, 1, 1, 1, 0]);
    assert_eq!(cause.last - cause.first, chrono::TimeDelta::minutes(5));
    let (causes, _) = kit
        .store
        .causes(&LetterFilter::default(), 10, kit.now())
        .await
        .unwrap();
    assert_eq!(causes[1].fingerprint, "other");
    assert_eq!(causes[1].per_minute[9], 1);
    let (none, total) = kit
        .store
        .causes(&LetterFilter::default(), 0, kit.now())
        .await
        .unwrap();
    assert!(none.is_empty() && total == 0);
}

pub async fn counts_by_status_and_since(kit: Kit) {
    let since = kit.tick(1);
    for n in 0..3 {
        kit.store
            .bury(&letter(&kit, n), &body(), None, None)
            .await
            .unwrap();
        kit.tick(1);
    }
    let event = created("O-0", &[("A", 1)]);
    let waiting = kit.letter(&kit.envelope(&event), 50);
    kit.store.queue_behind(&[(waiting, body())]).await.unwrap();
    let counts = kit.store.letter_counts().await.unwrap();
    assert_eq!(
        counts,
        [(LetterStatus::Unresolved, 3), (LetterStatus::Blocked, 1)]
    );
    assert_eq!(
        kit.store.letters_since(since).await.unwrap(),
        3,
        "one that waits has not failed"
    );
    assert_eq!(
        kit.store
            .letters_since(since + chrono::TimeDelta::seconds(2))
            .await
            .unwrap(),
        1
    );
}

pub async fn a_closed_letter_that_fails_again_is_open(kit: Kit) {
    let event = created("O-1", &[("A", 1)]);
    let envelope = kit.envelope(&event);
    let letter = kit.letter(&envelope, 1);
    kit.store.bury(&letter, &body(), None, None).await.unwrap();
    let (_, ids) = kit.redrive(&[&letter]).await;
    kit.send(ids[0]).await;
    let redrive = Some(evtop::store::RedriveRef {
        letter: letter.id,
        redrive: ids[0],
    });
    kit.apply_one(Service::Inventory, &envelope, &event, redrive)
        .await;
    // A redelivery that is written again changes nothing …
    kit.store.bury(&letter, &body(), None, None).await.unwrap();
    assert_eq!(kit.status(&letter).await, LetterStatus::Resolved);
    // … a later failure does.
    kit.tick(60);
    kit.store
        .bury(&kit.letter(&envelope, 1), &body(), None, None)
        .await
        .unwrap();
    assert_eq!(kit.status(&letter).await, LetterStatus::Unresolved);
    assert_eq!(
        kit.store.blocked_keys("inventory-service").await.unwrap(),
        1
    );
}
