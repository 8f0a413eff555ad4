//! Everything that writes letters, items and blocks at once, on the same few keys: none may wait for each other in a
//! circle, and what is written down adds up. Nothing stops a server from ending one of two that do.

use evtop::domain::envelope::Envelope;
use evtop::domain::event::Event;
use evtop::domain::letter::{Letter, LetterBody};
use evtop::domain::operation::{OperationKind, OperationState, redrive_id};
use evtop::domain::service::Service;
use evtop::operate::redrive::drive::{self, Fate};
use evtop::store::{Item, RedriveRef, Store, StoreError, Wish};
use fastrand::Rng;
use futures_util::future::join_all;
use uuid::Uuid;

use crate::kit::{Kit, body, cancelled, created, work};

const KEYS: usize = 20;
const WRITERS: usize = 8;
const TURNS: usize = 120;

struct One {
    envelope: Envelope,
    event: Event,
    row: (Letter, LetterBody),
}

struct Mix<'a> {
    kit: &'a Kit,
    all: Vec<One>,
}

/// Whose letters a writer takes. A partition has one consumer: the same event is not written down for the first
/// time by two at once. What waits is in no dead-letter topic, so that the indexer does not meet it.
#[derive(Clone, Copy)]
enum Of {
    All,
    /// Those that failed.
    Failed,
    /// Those of one writer that failed, or that wait.
    Mine(usize, bool),
}

impl Of {
    fn has(self, n: usize) -> bool {
        let (writer, waits) = (n % WRITERS, n / WRITERS % 2 == 1);
        match self {
            Self::All => true,
            Self::Failed => !waits,
            Self::Mine(mine, wait) => (writer, waits) == (mine, wait),
        }
    }
}

impl Mix<'_> {
    fn some(&self, rng: &mut Rng, of: Of, many: usize) -> Vec<&One> {
        let all = self.all.iter().enumerate().filter(|(n, _)| of.has(*n));
        let mut some: Vec<&One> = all.map(|(_, one)| one).collect();
        rng.shuffle(&mut some);
        some.truncate(many);
        some
    }

    fn by_letter(&self, letter: Uuid) -> &One {
        self.all.iter().find(|one| one.row.0.id == letter).unwrap()
    }

    /// Every item that is on its way is reported, in any order and more than once.
    async fn report(&self, store: &Store, items: &[Item]) -> Result<(), StoreError> {
        let work: Vec<_> = items
            .iter()
            .map(|item| {
                let one = self.by_letter(item.letter_id);
                let mut work = work(&one.envelope, &one.event);
                work.redrive = Some(RedriveRef {
                    letter: item.letter_id,
                    redrive: item.redrive_id,
                });
                work
            })
            .collect();
        let (now, clock) = (self.kit.now(), &self.kit.clock);
        store
            .apply(Service::Inventory, &work, now, clock)
            .await
            .map(drop)
    }

    async fn turn(&self, store: &Store, writer: usize, rng: &mut Rng) -> Result<(), StoreError> {
        let now = self.kit.now();
        let rows = |some: &[&One]| -> Vec<_> { some.iter().map(|one| one.row.clone()).collect() };
        let ids = |some: &[&One]| -> Vec<Uuid> { some.iter().map(|one| one.row.0.id).collect() };
        let unfinished = async || -> Result<Vec<Uuid>, StoreError> {
            let all = store.operations(10).await?;
            let open = all.iter().filter(|o| o.state == OperationState::Running);
            Ok(open.map(|o| o.id).collect())
        };
        match rng.usize(0..12) {
            0 => {
                let some = self.some(rng, Of::Mine(writer, false), 1);
                store.bury(&some[0].row.0, &some[0].row.1, None, None).await
            }
            1 => store
                .queue_behind(&rows(&self.some(rng, Of::Mine(writer, true), 12)))
                .await
                .map(drop),
            2 => {
                store
                    .index_letters(&rows(&self.some(rng, Of::Failed, 12)))
                    .await
            }
            3 => store
                .archive(&ids(&self.some(rng, Of::All, 8)), "why", rng.bool())
                .await
                .map(drop),
            4 => store
                .unarchive(&ids(&self.some(rng, Of::All, 30)))
                .await
                .map(drop),
            5 => {
                let operation = self.kit.operation(OperationKind::Redrive);
                let mut letters = ids(&self.some(rng, Of::All, 40));
                letters.sort_unstable();
                letters.dedup();
                let item = |l: &Uuid| (redrive_id(operation.id, *l), *l);
                let items: Vec<_> = letters.iter().map(item).collect();
                store.create_operation(&operation, &items, Some("a")).await
            }
            6..9 => {
                for id in unfinished().await? {
                    // All believe that they drive it: the worst that may be.
                    let send = async |items: &[Item]| {
                        let mut fates = Vec::new();
                        for item in items {
                            fates.push(match item.seq % 9 {
                                0 => Fate::Refused("too large".into()),
                                1 => Fate::Unanswered("no answer".into()),
                                n => Fate::Sent {
                                    place: ("order-events".into(), 0, item.seq),
                                    told: n != 2,
                                },
                            });
                        }
                        fates
                    };
                    drive::round(store, (id, 1), 20, now, send).await?;
                }
                Ok(())
            }
            9 => {
                for id in unfinished().await? {
                    let mut items = store.in_flight_items(id).await?;
                    rng.shuffle(&mut items);
                    self.report(store, &items).await?;
                    if let Some(item) = items.first() {
                        let one = self.by_letter(item.letter_id);
                        let failed = RedriveRef {
                            letter: item.letter_id,
                            redrive: item.redrive_id,
                        };
                        store
                            .bury(&one.row.0, &one.row.1, Some(failed), None)
                            .await?;
                    }
                    self.report(store, &items).await?;
                }
                Ok(())
            }
            10 => {
                for item in store.items_left_behind(30).await? {
                    store.item_unknown(item.redrive_id).await?;
                }
                Ok(())
            }
            _ => {
                for id in unfinished().await? {
                    if rng.bool() {
                        store.ask_operation(id, Wish::Cancel, now).await?;
                    }
                }
                store.tidy_tallies().await
            }
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "needs EVTOP_STACK_POSTGRES: scripts/stack test sets it"]
async fn writers_of_all_kinds_do_not_wait_for_each_other() {
    let kit = Kit::postgres().await;
    kit.stock(&[("A", 1_000_000)]).await;
    let mut all = Vec::new();
    for n in 0..KEYS * 8 {
        let order = format!("O-{}", n % KEYS);
        let event = if n < KEYS {
            created(&order, &[("A", 1)])
        } else {
            cancelled(&order)
        };
        let envelope = kit.envelope(&event);
        let letter = kit.letter(&envelope, i64::try_from(n).unwrap());
        let row = (letter, body());
        all.push(One {
            envelope,
            event,
            row,
        });
    }
    let mix = Mix { kit: &kit, all };
    let writers = (0..WRITERS).map(|writer| {
        let mix = &mix;
        async move {
            let store = mix.kit.another().await;
            let mut rng = Rng::with_seed(writer as u64);
            let mut wrong = Vec::new();
            for turn in 0..TURNS {
                let known = rng.clone().usize(0..12);
                match mix.turn(&store, writer, &mut rng).await {
                    Ok(()) | Err(StoreError::Lost | StoreError::Busy(_)) => {}
                    Err(error) => {
                        wrong.push(format!("turn {turn} of {writer}, kind {known}: {error}"))
                    }
                }
            }
            store.close().await;
            wrong
        }
    });
    let wrong: Vec<String> = join_all(writers).await.into_iter().flatten().collect();
    assert!(wrong.is_empty(), "{} went wrong: {wrong:#?}", wrong.len());
    kit.sums_and_heads_agree().await.unwrap();
}
