//! Redrives of exactly as many letters as a page has, one less, one more, none, and very many.

use evtop::clock;
use evtop::domain::envelope::Envelope;
use evtop::domain::event::Event;
use evtop::domain::operation::{Counts, OperationKind, OperationState, redrive_id};
use evtop::domain::service::Service;
use evtop::operate::redrive::drive::{self, Fate, PAGE, Round};
use evtop::store::{Applied, Item, RedriveRef};
use uuid::Uuid;

use crate::kit::{EPOCH, Kit, body, created, work};

struct One {
    letter: Uuid,
    envelope: Envelope,
    event: Event,
}

/// So many letters, each of a key of its own, or two of each key.
async fn letters(kit: &Kit, many: usize, keys: usize) -> Vec<One> {
    let mut all = Vec::new();
    let mut rows = Vec::new();
    for n in 0..many {
        let event = created(&format!("O-{}", n % keys), &[("A", 1)]);
        let envelope = kit.envelope(&event);
        let letter = kit.letter(&envelope, i64::try_from(n).unwrap());
        all.push(One {
            letter: letter.id,
            envelope,
            event,
        });
        rows.push((letter, body()));
    }
    for page in rows.chunks(1_000) {
        kit.store.index_letters(page).await.unwrap();
    }
    all
}

/// Redrives them all; each page is handled before the next round. Returns the rounds and what they took at most.
async fn redrive(kit: &Kit, all: &[One]) -> (usize, std::time::Duration, Counts) {
    let operation = kit.operation(OperationKind::Redrive);
    let id = operation.id;
    let items: Vec<_> = all
        .iter()
        .map(|o| (redrive_id(id, o.letter), o.letter))
        .collect();
    kit.store
        .create_operation(&operation, &items, Some("kit"))
        .await
        .unwrap();
    let by_letter: std::collections::HashMap<Uuid, &One> =
        all.iter().map(|one| (one.letter, one)).collect();
    let (mut rounds, mut longest) = (0, std::time::Duration::ZERO);
    loop {
        let handed = std::cell::RefCell::new(Vec::new());
        let send = async |items: &[Item]| {
            *handed.borrow_mut() = items.to_vec();
            let fates = items.iter().map(|item| Fate::Sent {
                place: ("order-events".into(), 0, item.seq),
                told: true,
            });
            fates.collect()
        };
        let began = clock::instant();
        let round = drive::round(&kit.store, (id, EPOCH), PAGE, kit.now(), send).await;
        longest = longest.max(began.elapsed());
        rounds += 1;
        let handed = handed.into_inner();
        assert!(handed.len() <= PAGE as usize);
        let batch: Vec<_> = handed
            .iter()
            .map(|item| {
                let one = by_letter[&item.letter_id];
                let mut work = work(&one.envelope, &one.event);
                work.redrive = Some(RedriveRef {
                    letter: one.letter,
                    redrive: item.redrive_id,
                });
                work
            })
            .collect();
        let done = kit.apply(Service::Inventory, &batch).await;
        assert!(done.iter().all(|done| *done == Applied::Done));
        match round.unwrap() {
            Round::Over => break,
            Round::Moved(_) => {}
            other => panic!("{other:?}"),
        }
        assert!(rounds < 4 + 4 * all.len(), "it never ends");
    }
    let read = kit.store.operation(id).await.unwrap().unwrap();
    assert_eq!(read.state, OperationState::Completed);
    assert_eq!(read.counts, kit.counted(id).await);
    (rounds, longest, read.counts)
}

fn all_ok(many: usize) -> Counts {
    let n = many as u64;
    Counts {
        total: n,
        sent: n,
        ok: n,
        ..Counts::default()
    }
}

pub async fn redrives_of_any_size_end(kit: Kit) {
    for many in [0usize, 1, 99, 100, 101, 250] {
        for keys in [many, many.div_ceil(2)] {
            let kit = kit.fresh().await;
            kit.stock(&[("A", 1_000)]).await;
            let all = letters(&kit, many, keys.max(1)).await;
            let (_, _, counts) = redrive(&kit, &all).await;
            assert_eq!(counts, all_ok(many));
            kit.sums_and_heads_agree().await.unwrap();
            assert_eq!(
                kit.store.blocked_keys("inventory-service").await.unwrap(),
                0
            );
        }
    }
}

pub async fn ten_thousand_letters_end(kit: Kit) {
    const MANY: usize = 10_000;
    kit.stock(&[("A", 1_000_000)]).await;
    let began = clock::instant();
    let all = letters(&kit, MANY, MANY / 4).await;
    let written = began.elapsed();
    let (rounds, longest, counts) = redrive(&kit, &all).await;
    println!(
        "{}: {MANY} letters written in {written:?}; {rounds} rounds, {:?} in all, the longest {longest:?}",
        kit.store.kind(),
        began.elapsed()
    );
    assert_eq!(counts, all_ok(MANY));
    kit.sums_and_heads_agree().await.unwrap();
}
