//! What several instances do to the same rows at once. Each is tried often: a race is won by one side now
//! and by the other then.

use evtop::domain::event::Event;
use evtop::domain::letter::{Letter, LetterStatus};
use evtop::domain::operation::OperationKind;
use evtop::domain::service::Service;
use evtop::store::{Applied, Expected, Queued, RedriveRef, Store, StoreError, Work};
use futures_util::future::join_all;

use sqlx::postgres::PgConnection;
use sqlx::{Connection, Executor};

use crate::kit::{Kit, body, cancelled, created, declined, paid, work};

/// Hands a batch in until the database takes it, as the pipeline does.
async fn insist(kit: &Kit, store: &Store, service: Service, batch: &[Work<'_>]) -> Vec<Applied> {
    loop {
        match store.apply(service, batch, kit.now(), &kit.clock).await {
            Ok(done) => return done,
            Err(error) => assert!(error.is_unavailable(), "{error}"),
        }
    }
}

#[tokio::test]
#[ignore = "needs EVTOP_STACK_POSTGRES: scripts/stack test sets it"]
async fn of_those_who_expect_the_same_version_one_appends() {
    let kit = Kit::postgres().await;
    let other = kit.another().await;
    for round in 0..10 {
        let events: Vec<_> = (0..8).map(|_| [kit.envelope(&cancelled("O-1"))]).collect();
        let appends = events.iter().enumerate().map(|(n, event)| {
            let store = if n % 2 == 0 { &kit.store } else { &other };
            store.append("order-O-1", Expected::Exact(round), event, true, kit.now())
        });
        let results = join_all(appends).await;
        let mut appended = 0;
        for result in results {
            match result {
                Ok(stored) => {
                    assert_eq!(stored[0].version, round + 1);
                    appended += 1;
                }
                Err(error) => assert_eq!(
                    error,
                    StoreError::Conflict {
                        stream: "order-O-1".into(),
                        expected: round,
                        actual: round + 1
                    }
                ),
            }
        }
        assert_eq!(appended, 1);
    }
    // Positions and outbox rows follow the versions.
    let stream = kit.store.stream_until("order-O-1", 100).await.unwrap();
    assert!(stream.windows(2).all(|w| w[0].position < w[1].position));
    let outbox = kit.store.outbox_head(100).await.unwrap();
    assert!(
        outbox
            .iter()
            .map(|r| r.id)
            .eq(stream.iter().map(|e| e.event_id))
    );
    assert_eq!(kit.store.totals().await.unwrap(), (10, Some(1)));
}

#[tokio::test]
#[ignore = "needs EVTOP_STACK_POSTGRES: scripts/stack test sets it"]
async fn many_streams_in_any_order_do_not_wait_for_each_other() {
    let kit = Kit::postgres().await;
    let other = kit.another().await;
    let appends = (0..12).map(|n| {
        let mut events: Vec<_> = (0..30)
            .map(|o| kit.envelope(&cancelled(&format!("O-{o}"))))
            .collect();
        if n % 3 == 0 {
            events.reverse();
        }
        let store = if n % 2 == 0 { &kit.store } else { &other };
        async move { store.append_many(&events, true, kit_now(n)).await.unwrap() }
    });
    join_all(appends).await;
    for o in 0..30 {
        let stream = kit
            .store
            .stream_until(&format!("order-O-{o}"), 100)
            .await
            .unwrap();
        assert!(stream.iter().map(|e| e.version).eq(1..=12));
        assert!(stream.windows(2).all(|w| w[0].position < w[1].position));
    }
}

fn kit_now(n: i64) -> chrono::DateTime<chrono::Utc> {
    chrono::DateTime::from_timestamp(crate::kit::NOON + n, 0).unwrap()
}

#[tokio::test]
#[ignore = "needs EVTOP_STACK_POSTGRES: scripts/stack test sets it"]
async fn an_event_that_everybody_gets_has_one_effect() {
    let kit = Kit::postgres().await;
    let other = kit.another().await;
    kit.stock(&[("A", 1_000), ("B", 1_000)]).await;
    let events: Vec<_> = (0..30)
        .map(|n| created(&format!("O-{n}"), &[("A", 1), ("B", 2)]))
        .collect();
    let envelopes: Vec<_> = events.iter().map(|e| kit.envelope(e)).collect();
    for service in Service::ALL {
        let all = (0..6).map(|n| {
            let mut batch: Vec<_> = envelopes
                .iter()
                .zip(&events)
                .map(|(v, e)| work(v, e))
                .collect();
            batch.rotate_left(n * 5);
            if n % 2 == 0 {
                batch.reverse();
            }
            let (kit, store) = (&kit, if n % 2 == 0 { &kit.store } else { &other });
            async move { insist(kit, store, service, &batch).await }
        });
        let answers: Vec<_> = join_all(all).await.into_iter().flatten().collect();
        let done = answers.iter().filter(|a| **a == Applied::Done).count();
        assert_eq!((done, answers.len()), (30, 180));
    }
    assert_eq!(
        kit.levels().await,
        [("A".into(), 970, 30), ("B".into(), 940, 60)]
    );
    assert_eq!(kit.store.emails_newest(1_000).await.unwrap().len(), 30);
    assert_eq!(kit.store.windows_newest(10).await.unwrap()[0].orders, 30);
}

#[tokio::test]
#[ignore = "needs EVTOP_STACK_POSTGRES: scripts/stack test sets it"]
async fn stock_wanted_in_opposite_order_is_reserved_for_all() {
    let kit = Kit::postgres().await;
    let other = kit.another().await;
    let products: Vec<String> = (0..12).map(|n| format!("P-{n:02}")).collect();
    let stock: Vec<_> = products.iter().map(|p| (p.as_str(), 1_000)).collect();
    kit.stock(&stock).await;
    let orders = (0..40).map(|n| {
        let mut items: Vec<_> = products.iter().map(|p| (p.as_str(), 1)).collect();
        if n % 2 == 0 {
            items.reverse();
        }
        let event = created(&format!("O-{n}"), &items);
        let envelope = kit.envelope(&event);
        let (kit, store) = (&kit, if n % 2 == 0 { &kit.store } else { &other });
        async move {
            let batch = [work(&envelope, &event)];
            insist(kit, store, Service::Inventory, &batch).await
        }
    });
    for done in join_all(orders).await {
        assert_eq!(done, [Applied::Done]);
    }
    assert!(
        kit.levels()
            .await
            .iter()
            .all(|(_, a, r)| (*a, *r) == (960, 40))
    );
}

#[tokio::test]
#[ignore = "needs EVTOP_STACK_POSTGRES: scripts/stack test sets it"]
async fn two_events_that_release_a_reservation_release_it_once() {
    let kit = Kit::postgres().await;
    let other = kit.another().await;
    kit.stock(&[("A", 100)]).await;
    for n in 0..15 {
        let order = format!("O-{n}");
        let events = [
            created(&order, &[("A", 2)]),
            declined(&order),
            cancelled(&order),
        ];
        let envelopes = events.each_ref().map(|e| kit.envelope(e));
        let batches: Vec<_> = (0..3).map(|i| [work(&envelopes[i], &events[i])]).collect();
        // Every third time the order itself comes at the same time as what calls it off.
        if n % 3 != 0 {
            kit.apply(Service::Inventory, &batches[0]).await;
        }
        tokio::join!(
            insist(&kit, &kit.store, Service::Inventory, &batches[0]),
            insist(&kit, &other, Service::Inventory, &batches[1]),
            insist(&kit, &other, Service::Inventory, &batches[2]),
        );
        assert_eq!(kit.levels().await, [("A".into(), 100, 0)], "round {n}");
    }
}

#[tokio::test]
#[ignore = "needs EVTOP_STACK_POSTGRES: scripts/stack test sets it"]
async fn windows_count_what_all_instances_see() {
    let kit = Kit::postgres().await;
    let other = kit.another().await;
    let all = (0..40).map(|n| {
        let event = created(&format!("O-{n}"), &[("A", 1)]);
        let payment = paid(&format!("O-{n}"));
        let envelopes = [kit.envelope(&event), kit.envelope(&payment)];
        let (kit, store) = (&kit, if n % 2 == 0 { &kit.store } else { &other });
        async move {
            let batch = [work(&envelopes[0], &event), work(&envelopes[1], &payment)];
            insist(kit, store, Service::Analytics, &batch).await
        }
    });
    join_all(all).await;
    let window = kit.store.windows_newest(1).await.unwrap().remove(0);
    assert_eq!((window.orders, window.revenue.cents()), (40, 40 * 1_000));
    assert_eq!(window.payments["paypal"].approved, 40);
}

#[tokio::test]
#[ignore = "needs EVTOP_STACK_POSTGRES: scripts/stack test sets it"]
async fn of_two_redrives_on_a_topic_one_is_busy() {
    let kit = Kit::postgres().await;
    let other = kit.another().await;
    for n in 0..10 {
        let event = created(&format!("O-{n}"), &[("A", 1)]);
        let mut letter = kit.letter(&kit.envelope(&event), n);
        letter.topic = Some(format!("topic-{n}"));
        kit.store.bury(&letter, &body(), None, None).await.unwrap();
        let operations = [0, 1].map(|_| kit.operation(OperationKind::Redrive));
        let items = [0, 1].map(|_| [(kit.clock.id(), letter.id)]);
        let (a, b) = tokio::join!(
            kit.store.create_operation(&operations[0], &items[0], None),
            other.create_operation(&operations[1], &items[1], None),
        );
        let busy = |r: &Result<(), StoreError>| matches!(r, Err(StoreError::Busy(_)));
        assert!(
            a.is_ok() && busy(&b) || b.is_ok() && busy(&a),
            "{a:?} {b:?}"
        );
    }
}

/// The letter of order `n` is redriven and handled while a letter of a later event of its key is written,
/// sooner now and later then. That letter, what became of the redrive, and what the writing gave.
async fn while_resolved<T>(
    kit: &Kit,
    n: i64,
    later: Event,
    write: impl AsyncFnOnce(&Letter) -> T,
) -> (Letter, Vec<Applied>, T) {
    let event = created(&format!("O-{n}"), &[("A", 1)]);
    let envelope = kit.envelope(&event);
    let head = kit.letter(&envelope, 2 * n);
    kit.store.bury(&head, &body(), None, None).await.unwrap();
    let next = kit.letter(&kit.envelope(&later), 2 * n + 1);
    let mut redriven = work(&envelope, &event);
    redriven.redrive = Some(RedriveRef {
        letter: head.id,
        redrive: kit.clock.id(),
    });
    let batch = [redriven];
    let writing = async {
        for _ in 0..n % 12 {
            tokio::task::yield_now().await;
        }
        write(&next).await
    };
    let resolving = insist(kit, &kit.store, Service::Inventory, &batch);
    let (done, written) = tokio::join!(resolving, writing);
    (next, done, written)
}

#[tokio::test]
#[ignore = "needs EVTOP_STACK_POSTGRES: scripts/stack test sets it"]
async fn what_queues_while_its_head_is_resolved_is_never_lost() {
    let kit = Kit::postgres().await;
    let other = kit.another().await;
    kit.stock(&[("A", 1_000)]).await;
    let group = "inventory-service";
    let (mut queued, mut released) = (0, 0);
    for n in 0..60 {
        let order = format!("O-{n}");
        let queue = async |next: &Letter| {
            let rows = [(next.clone(), body())];
            other.queue_behind(&rows).await.unwrap()[0]
        };
        let (next, done, answer) = while_resolved(&kit, n, cancelled(&order), queue).await;
        assert_eq!(done, [Applied::Done]);
        let turn = kit
            .store
            .next_behind(group, order.as_bytes())
            .await
            .unwrap();
        match answer {
            Queued::Queued => {
                queued += 1;
                assert_eq!(turn.map(|l| l.id), Some(next.id), "its turn, round {n}");
                assert_eq!(kit.status(&next).await, LetterStatus::Blocked);
            }
            Queued::Released => {
                released += 1;
                assert_eq!(turn, None);
                let free = kit.store.blocked_heads(group, &[order.as_bytes()]).await;
                assert!(free.unwrap().is_empty(), "nothing of the key is open");
            }
            Queued::Full => panic!("one row"),
        }
    }
    println!("queued {queued}, released {released}");
}

/// A session that holds the block of the only blocked key, as whoever lifts it or queues behind it does,
/// and what a store does meanwhile: that has to wait until `then` is done and committed.
async fn held<T>(kit: &Kit, then: &'static str, meanwhile: impl Future<Output = T>) -> T {
    let mut holder = PgConnection::connect(&kit.url).await.unwrap();
    holder
        .execute("BEGIN; SELECT 1 FROM key_block FOR UPDATE")
        .await
        .unwrap();
    let release = async {
        loop {
            let waiting: i64 = sqlx::query_scalar(
                "SELECT count(*) FROM pg_stat_activity WHERE pg_backend_pid() = ANY (pg_blocking_pids(pid))",
            )
            .fetch_one(&mut holder)
            .await
            .unwrap();
            if waiting > 0 {
                break;
            }
            tokio::time::sleep(std::time::Duration::from_millis(2)).await;
        }
        holder.execute(then).await.unwrap();
        holder.execute("COMMIT").await.unwrap();
    };
    let limit = std::time::Duration::from_secs(20);
    let both = async { tokio::join!(meanwhile, release).0 };
    tokio::time::timeout(limit, both)
        .await
        .expect("it waits for the block")
}

#[tokio::test]
#[ignore = "needs EVTOP_STACK_POSTGRES: scripts/stack test sets it"]
async fn a_block_is_not_changed_under_who_holds_it() {
    let kit = Kit::postgres().await;
    kit.stock(&[("A", 10)]).await;
    let event = created("O-1", &[("A", 1)]);
    let envelope = kit.envelope(&event);
    let heads = async || {
        let heads = kit
            .store
            .blocked_heads("inventory-service", &[b"O-1"])
            .await;
        heads.unwrap().remove(&b"O-1"[..])
    };
    let letter = |n| kit.letter(&kit.envelope(&cancelled("O-1")), n);
    let (head, second, third) = (kit.letter(&envelope, 1), letter(2), letter(3));
    kit.store.bury(&head, &body(), None, None).await.unwrap();
    // Lifted while another letter of its key is written: that one blocks it again.
    let bytes = body();
    let bury = kit.store.bury(&second, &bytes, None, None);
    let lifted =
        "UPDATE dead_letter SET status = 'resolved' WHERE seq = (SELECT min(seq) FROM dead_letter);
                  DELETE FROM key_block";
    held(&kit, lifted, bury).await.unwrap();
    assert_eq!(heads().await, Some(second.id));
    // Lifted while an event is to wait behind it: the event is handled instead.
    let rows = [(third.clone(), body())];
    let queue = kit.store.queue_behind(&rows);
    let answer = held(&kit, "DELETE FROM key_block", queue).await.unwrap();
    assert_eq!(answer, [Queued::Released]);
    assert_eq!(kit.store.letter(third.id).await.unwrap(), None);
    // An event comes to wait while the last letter is resolved: it is the next head.
    kit.store.bury(&second, &body(), None, None).await.unwrap();
    let redriven = |letter| {
        let mut work = work(&envelope, &event);
        let redrive = kit.clock.id();
        work.redrive = Some(RedriveRef { letter, redrive });
        [work]
    };
    kit.apply(Service::Inventory, &redriven(head.id)).await;
    assert_eq!(kit.status(&head).await, LetterStatus::Resolved);
    let batch = redriven(second.id);
    let resolve = kit
        .store
        .apply(Service::Inventory, &batch, kit.now(), &kit.clock);
    let queued = "UPDATE dead_letter SET status = 'blocked'
                  WHERE seq = (SELECT min(seq) FROM dead_letter)";
    held(&kit, queued, resolve).await.unwrap();
    assert_eq!(kit.status(&second).await, LetterStatus::Resolved);
    assert_eq!(heads().await, Some(head.id));
}

#[tokio::test]
#[ignore = "needs EVTOP_STACK_POSTGRES: scripts/stack test sets it"]
async fn a_letter_written_while_its_key_is_freed_keeps_its_block() {
    let kit = Kit::postgres().await;
    let other = kit.another().await;
    kit.stock(&[("A", 1_000)]).await;
    for n in 0..60 {
        let order = format!("O-{n}");
        let bury = async |second: &Letter| {
            other.bury(second, &body(), None, None).await.unwrap();
        };
        let (second, ..) = while_resolved(&kit, n, declined(&order), bury).await;
        let heads = kit
            .store
            .blocked_heads("inventory-service", &[order.as_bytes()])
            .await
            .unwrap();
        assert_eq!(heads.get(order.as_bytes()), Some(&second.id), "round {n}");
    }
}
