//! Letters narrowed by what a person types, sorted and gone through in pages.

use evtop::domain::filter::Filter;
use evtop::domain::foreign::Family;
use evtop::domain::letter::{Letter, LetterColumn, LetterFilter, LetterOrder, LetterStatus};
use evtop::store::Queued;
use uuid::Uuid;

use crate::kit::{Kit, body, created};

fn letter(kit: &Kit, key: &str, offset: i64) -> Letter {
    kit.letter(&kit.envelope(&created(key, &[("A", 1)])), offset)
}

/// Letters that differ in all that a filter looks at.
async fn several(kit: &Kit) -> Vec<Letter> {
    let mut all: Vec<Letter> = (1..=6).map(|n| letter(kit, &format!("O-{n}"), n)).collect();
    all[0].key = Some(b"100%_Done!".to_vec());
    all[1].group = Some("Billing".into());
    all[1].fingerprint = "billing".into();
    all[1].partition = Some(4);
    all[2].event_type = Some("PaymentFailed".into());
    all[2].message = "card 4 was declined".into();
    // What another program wrote down may say next to nothing.
    let bare = &mut all[3];
    (bare.key, bare.event_type, bare.group, bare.topic) = (None, None, None, None);
    (bare.partition, bare.offset, bare.attempts) = (None, None, None);
    bare.family = Family::Unknown;
    all[4].attempts = Some(9);
    all[5].key = Some(vec![0xff, 0xfe]);
    for it in &mut all {
        it.last_failed_at = kit.now();
        kit.store.bury(it, &body(), None, None).await.unwrap();
        kit.tick(1);
    }
    all
}

/// The same, and one of which type, group and topic are empty: they are as unknown as those that are not there.
async fn with_an_empty_one(kit: &Kit) -> Vec<Letter> {
    let mut all = several(kit).await;
    let mut it = letter(kit, "O-7", 7);
    it.event_type = Some(String::new());
    it.group = Some(String::new());
    it.topic = Some(String::new());
    it.key = Some(Vec::new());
    it.family = Family::Unknown;
    kit.store.bury(&it, &body(), None, None).await.unwrap();
    kit.tick(1);
    all.push(it);
    all
}

async fn ids(kit: &Kit, filter: &LetterFilter) -> Vec<Uuid> {
    let (letters, total) = kit.store.letters(filter, 0, 100).await.unwrap();
    assert_eq!(letters.len() as u64, total);
    letters.iter().map(|l| l.id).collect()
}

fn typed(text: &str) -> LetterFilter {
    LetterFilter {
        typed: Filter::parse(text).unwrap().at(chrono::DateTime::default()),
        ..LetterFilter::default()
    }
}

pub async fn the_store_and_the_filter_judge_alike(kit: Kit) {
    let all = with_an_empty_one(&kit).await;
    let mut narrow = 0;
    for text in [
        "o-2",
        "BILLING",
        "!billing",
        "key=O-*",
        "!key=O-*",
        "key=100%_done!",
        "key=*%*",
        "key=1*_*!",
        "key=_*",
        "key=*",
        "!key=*",
        "key=",
        "!key=",
        "!key=O-1",
        "type=payment*",
        "type=ordercreated",
        "!type=order*",
        "type=*",
        "!type=*",
        "!type=nobody*",
        "type=",
        "!type=",
        "group=billing",
        "group=*",
        "!group=*",
        "!group=nobody*",
        "group=",
        "!group=inventory-service",
        "partition=4",
        "partition=-1",
        "!partition=0",
        "!partition=4",
        "!partition=-1",
        "!!partition=4",
        "\"card 4\"",
        "declined !type=Order*",
        "key=O-* group=inv* !o-5",
        "order-events",
    ] {
        let filter = typed(text);
        assert!(filter.typed.is_plain(), "{text}");
        let found = ids(&kit, &filter).await;
        let passes = |l: &&Letter| filter.typed.holds(&l.fields(None));
        // The newest failure stands first.
        let expected: Vec<Uuid> = all.iter().filter(passes).map(|l| l.id).rev().collect();
        assert_eq!(found, expected, "{text}");
        narrow += usize::from(!found.is_empty() && found.len() < all.len());
    }
    assert!(narrow >= 18, "{narrow} filters tell letters apart");
    // What the store can't judge is left to whoever asks, with what it can judge kept.
    assert_eq!(
        ids(&kit, &typed("~x value.a=1 header.b=2 group=Billing")).await,
        [all[1].id]
    );
    assert!(!typed("grün").typed.is_plain());
    let among = LetterFilter {
        among: Some(vec![all[2].id, all[0].id, Uuid::nil()]),
        ..typed("!o-9")
    };
    assert_eq!(ids(&kit, &among).await, [all[2].id, all[0].id]);
    let nothing = LetterFilter {
        among: Some(Vec::new()),
        ..LetterFilter::default()
    };
    assert!(ids(&kit, &nothing).await.is_empty());
}

/// Terms that none of the letters is unknown to, each with its inverse, part the letters in two; where some
/// are unknown, these are in neither part.
pub async fn a_letter_that_is_unknown_is_in_neither_half(kit: Kit) {
    let all = with_an_empty_one(&kit).await;
    for (term, known) in [
        ("o-", 7),
        ("key=O-*", 6),
        ("type=Order*", 5),
        ("group=inv*", 5),
        ("partition=0", 6),
    ] {
        let mut both = ids(&kit, &typed(term)).await;
        both.extend(ids(&kit, &typed(&format!("!{term}"))).await);
        assert_eq!(both.len(), known, "{term}");
        both.sort_unstable();
        both.dedup();
        assert_eq!(both.len(), known, "{term}");
    }
    assert_eq!(all.len(), 7);
}

/// What came after the bound is not meant, whoever asks.
pub async fn letters_after_the_bound_are_not_meant(kit: Kit) {
    assert_eq!(kit.store.newest_letter().await.unwrap(), 0);
    let first = letter(&kit, "O-1", 1);
    kit.store.bury(&first, &body(), None, None).await.unwrap();
    let up_to = kit.store.newest_letter().await.unwrap();
    assert!(up_to > 0);
    let second = letter(&kit, "O-2", 2);
    kit.store.bury(&second, &body(), None, None).await.unwrap();
    assert!(kit.store.newest_letter().await.unwrap() > up_to);
    let bound = |up_to| LetterFilter {
        up_to: Some(up_to),
        ..LetterFilter::default()
    };
    assert_eq!(ids(&kit, &bound(up_to)).await, [first.id]);
    assert!(ids(&kit, &bound(0)).await.is_empty());
    let page = kit.store.letter_page(&bound(up_to), 0, 9, false).await;
    assert_eq!(page.unwrap().rows.len(), 1);
    let (causes, _) = kit.store.causes(&bound(up_to), 9, kit.now()).await.unwrap();
    assert_eq!(causes[0].count, 1);
    // One that fails again is the same row.
    kit.store.bury(&first, &body(), None, None).await.unwrap();
    assert_eq!(ids(&kit, &bound(up_to)).await, [first.id]);
}

pub async fn causes_count_what_passes(kit: Kit) {
    let all = several(&kit).await;
    let causes = async |filter: &LetterFilter| {
        let (causes, total) = kit.store.causes(filter, 9, kit.now()).await.unwrap();
        assert_eq!(causes.len() as u64, total);
        causes
    };
    let found = causes(&typed("key=O-*")).await;
    let counts: Vec<_> = found.iter().map(|c| (&*c.fingerprint, c.count)).collect();
    assert_eq!(counts, [(&*all[4].fingerprint, 2), ("billing", 1)]);
    assert_eq!(found[0].last, all[4].last_failed_at);
    assert_eq!(
        found[0].per_minute.iter().sum::<u32>(),
        2,
        "so does the trend"
    );
    let among = LetterFilter {
        among: Some(vec![all[1].id]),
        ..LetterFilter::default()
    };
    let found = causes(&among).await;
    assert_eq!((found.len(), &*found[0].fingerprint), (1, "billing"));
    assert!(causes(&typed("nowhere")).await.is_empty());
}

pub async fn letters_are_sorted_by_each_column(kit: Kit) {
    let all = several(&kit).await;
    let place = |id: &Uuid| all.iter().position(|l| l.id == *id).unwrap();
    let sorted = async |by, down| {
        let filter = LetterFilter {
            order: Some(LetterOrder { by, down }),
            ..LetterFilter::default()
        };
        let ids = ids(&kit, &filter).await;
        ids.iter().map(place).collect::<Vec<usize>>()
    };
    for (by, up, down) in [
        (LetterColumn::Key, [0, 1, 2, 4, 5, 3], [5, 4, 2, 1, 0, 3]),
        (LetterColumn::From, [0, 2, 4, 5, 1, 3], [1, 5, 4, 2, 0, 3]),
        (LetterColumn::Failed, [0, 1, 2, 3, 4, 5], [5, 4, 3, 2, 1, 0]),
        // Of equals the newest failure stands first.
        (
            LetterColumn::Attempts,
            [5, 2, 1, 0, 4, 3],
            [4, 5, 2, 1, 0, 3],
        ),
        (LetterColumn::Type, [5, 4, 1, 0, 2, 3], [2, 5, 4, 1, 0, 3]),
    ] {
        assert_eq!(sorted(by, false).await, up, "{by:?}");
        assert_eq!(sorted(by, true).await, down, "{by:?} down");
    }
    assert_eq!(sorted(LetterColumn::Status, true).await.len(), 6);
}

pub async fn pages_reach_every_letter_while_they_change(kit: Kit) {
    let all = several(&kit).await;
    let filter = LetterFilter::default();
    let mut seen = Vec::new();
    let mut after = 0;
    loop {
        let page = kit
            .store
            .letter_page(&filter, after, 4, true)
            .await
            .unwrap();
        assert!(page.rows.iter().all(|(_, found)| *found == body()));
        seen.extend(page.rows.iter().map(|(l, _)| l.id));
        // What is done with a page must not move the next.
        kit.store.archive(&seen, "a test", false).await.unwrap();
        match page.next {
            Some(next) => after = next,
            None => break,
        }
    }
    let expected: Vec<Uuid> = all.iter().map(|l| l.id).collect();
    assert_eq!(seen, expected);
    let bare = LetterFilter {
        statuses: vec![LetterStatus::Archived],
        ..LetterFilter::default()
    };
    let page = kit.store.letter_page(&bare, 0, 100, false).await.unwrap();
    assert!(page.rows.iter().all(|(_, body)| body.value.is_none()));
    assert_eq!((page.rows.len(), page.next), (6, None));
    let newest = kit.store.letters_by_failure(&bare, 2).await.unwrap();
    let newest: Vec<Uuid> = newest.into_iter().map(|(id, _)| id).collect();
    assert_eq!(newest, [all[5].id, all[4].id]);
}

pub async fn what_waits_behind_is_listed(kit: Kit) {
    let [head, second, third] = [1, 2, 3].map(|offset| letter(&kit, "O-1", offset));
    kit.store.bury(&head, &body(), None, None).await.unwrap();
    for row in [&second, &third] {
        let queued = kit.store.queue_behind(&[(row.clone(), body())]).await;
        assert_eq!(queued.unwrap(), [Queued::Queued]);
    }
    let behind = async |id, limit| {
        let rows = kit.store.letters_behind(id, limit).await.unwrap();
        rows.iter().map(|l| l.id).collect::<Vec<_>>()
    };
    assert_eq!(behind(head.id, 9).await, [second.id, third.id]);
    assert_eq!(behind(head.id, 1).await, [second.id]);
    assert_eq!(behind(second.id, 9).await, [third.id]);
    assert!(behind(Uuid::nil(), 9).await.is_empty());
}

pub async fn what_went_on_since_is_counted(kit: Kit) {
    let [head, second] = [1, 2].map(|offset| letter(&kit, "O-1", offset));
    kit.store.bury(&head, &body(), None, None).await.unwrap();
    let queued = kit.store.queue_behind(&[(second.clone(), body())]).await;
    assert_eq!(queued.unwrap(), [Queued::Queued]);
    let gone_on = async || kit.store.gone_on(&[head.id]).await.unwrap();
    kit.store
        .archive(&[head.id], "a test", false)
        .await
        .unwrap();
    assert_eq!(gone_on().await, 0, "it still waits for its turn");
    let (_, redrives) = kit.redrive(&[&second]).await;
    assert!(kit.queued(redrives[0]).await);
    assert_eq!(gone_on().await, 1);
    kit.store.unarchive(&[head.id]).await.unwrap();
    assert_eq!(gone_on().await, 0, "only of archived ones");
}
