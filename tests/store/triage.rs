//! Letters put away, opened again and noted; and what becomes of their keys.

use evtop::domain::edit::EDIT_OF;
use evtop::domain::letter::{Letter, LetterBody, LetterFilter, LetterStatus};
use evtop::store::{Queued, RedriveRef};

use crate::kit::{Kit, body, created};

const GROUP: &str = "inventory-service";

/// A letter of order `key`, read at `offset`.
fn letter(kit: &Kit, key: &str, offset: i64) -> Letter {
    kit.letter(&kit.envelope(&created(key, &[("A", 1)])), offset)
}

/// A head and two events behind it.
async fn queue(kit: &Kit) -> [Letter; 3] {
    let rows = [1, 2, 3].map(|offset| letter(kit, "O-1", offset));
    kit.store.bury(&rows[0], &body(), None, None).await.unwrap();
    for row in &rows[1..] {
        let queued = kit.store.queue_behind(&[(row.clone(), body())]).await;
        assert_eq!(queued.unwrap(), [Queued::Queued]);
    }
    rows
}

async fn listed(kit: &Kit, statuses: &[LetterStatus]) -> u64 {
    let filter = LetterFilter {
        statuses: statuses.to_vec(),
        ..LetterFilter::default()
    };
    kit.store.letters(&filter, 0, 10).await.unwrap().1
}

async fn blocked(kit: &Kit) -> u64 {
    kit.store.blocked_keys(GROUP).await.unwrap()
}

pub async fn an_archived_letter_leaves_lists_and_counts(kit: Kit) {
    let it = letter(&kit, "O-1", 1);
    kit.store.bury(&it, &body(), None, None).await.unwrap();
    let put_away = kit.store.archive(&[it.id], "a test \0 order", false).await;
    assert_eq!(put_away.unwrap(), (1, 0));
    assert_eq!(listed(&kit, &[]).await, 0);
    assert_eq!(listed(&kit, &[LetterStatus::Archived]).await, 1);
    assert_eq!(
        kit.store
            .causes(&LetterFilter::default(), 9, kit.now())
            .await
            .unwrap()
            .1,
        0
    );
    let put_away = LetterFilter {
        statuses: vec![LetterStatus::Archived],
        ..LetterFilter::default()
    };
    let (causes, _) = kit.store.causes(&put_away, 9, kit.now()).await.unwrap();
    assert_eq!(causes[0].count, 1);
    assert_eq!(blocked(&kit).await, 0, "nothing holds its key any more");
    let kept = kit.store.letter(it.id).await.unwrap().unwrap().0;
    assert_eq!(kept.archived_because(), Some("a test \u{2400} order"));
    let again = kit.store.archive(&[it.id], "again", true).await.unwrap();
    assert_eq!(again, (0, 0), "what is put away stays as it is");
    // A later failure of it is no longer what was put away.
    kit.tick(5);
    let later = letter(&kit, "O-1", 1);
    kit.store.bury(&later, &body(), None, None).await.unwrap();
    assert_eq!(kit.status(&it).await, LetterStatus::Unresolved);
    assert_eq!(blocked(&kit).await, 1);
}

pub async fn what_waits_behind_goes_on_or_is_archived_too(kit: Kit) {
    let [head, next, last] = queue(&kit).await;
    let released = kit.store.archive(&[head.id], "why", false).await.unwrap();
    assert_eq!(released, (1, 0));
    let ready = kit.store.ready_letters(9).await.unwrap();
    assert_eq!(ready.iter().map(|l| l.id).collect::<Vec<_>>(), [next.id]);
    assert_eq!(kit.status(&last).await, LetterStatus::Blocked);
    // The one that is next, and the one behind it.
    let both = kit.store.archive(&[next.id], "why", true).await.unwrap();
    assert_eq!(both, (1, 1));
    assert_eq!(kit.status(&last).await, LetterStatus::Archived);
    assert_eq!(blocked(&kit).await, 0);
    assert!(kit.store.ready_letters(9).await.unwrap().is_empty());
}

pub async fn what_is_before_an_archived_letter_stays(kit: Kit) {
    let [head, next, last] = queue(&kit).await;
    let both = kit.store.archive(&[next.id], "why", true).await.unwrap();
    assert_eq!(both, (1, 1));
    assert_eq!(kit.status(&head).await, LetterStatus::Unresolved);
    assert_eq!(kit.status(&last).await, LetterStatus::Archived);
    assert_eq!(blocked(&kit).await, 1, "its head is still open");
}

pub async fn an_opened_letter_holds_its_key_again(kit: Kit) {
    let [head, next, last] = queue(&kit).await;
    let all = [head.id, next.id, last.id];
    assert_eq!(kit.store.archive(&all, "why", false).await.unwrap(), (3, 0));
    assert_eq!(kit.store.unarchive(&[next.id, head.id]).await.unwrap(), 2);
    assert_eq!(kit.status(&head).await, LetterStatus::Unresolved);
    assert_eq!(kit.status(&next).await, LetterStatus::Blocked);
    assert_eq!(kit.status(&last).await, LetterStatus::Archived);
    let key = head.key.clone().unwrap();
    let heads = kit.store.blocked_heads(GROUP, &[&key]).await.unwrap();
    assert_eq!(heads[&key], head.id, "the oldest open one is the head");
    assert_eq!(kit.store.behind(head.id).await.unwrap(), 1);
    assert_eq!(kit.store.unarchive(&[head.id]).await.unwrap(), 0);
    // One that only waited, alone: nothing but its turn is missing.
    kit.store
        .archive(&[head.id, next.id], "why", false)
        .await
        .unwrap();
    assert_eq!(kit.store.unarchive(&[last.id]).await.unwrap(), 1);
    let ready = kit.store.ready_letters(9).await.unwrap();
    assert_eq!(ready.iter().map(|l| l.id).collect::<Vec<_>>(), [last.id]);
}

pub async fn a_parked_letter_comes_back_parked(kit: Kit) {
    let mut it = letter(&kit, "O-1", 1);
    (it.redrives, it.status) = (3, LetterStatus::Parked);
    kit.store.bury(&it, &body(), None, None).await.unwrap();
    kit.store.archive(&[it.id], "why", false).await.unwrap();
    kit.store.unarchive(&[it.id]).await.unwrap();
    assert_eq!(kit.status(&it).await, LetterStatus::Parked);
}

pub async fn a_note_stays_with_its_letter(kit: Kit) {
    let it = letter(&kit, "O-1", 1);
    kit.store.bury(&it, &body(), None, None).await.unwrap();
    let note = async || kit.store.letter(it.id).await.unwrap().unwrap().0.note;
    assert!(kit.store.note(it.id, Some("ask Ada")).await.unwrap());
    kit.store.bury(&it, &body(), None, None).await.unwrap();
    kit.store.archive(&[it.id], "why", false).await.unwrap();
    assert_eq!(note().await.as_deref(), Some("ask Ada"));
    assert!(kit.store.note(it.id, None).await.unwrap());
    assert_eq!(note().await, None);
    let nobody = kit.clock.id();
    assert!(!kit.store.note(nobody, Some("x")).await.unwrap());
}

/// What an edited event fails with is of its own bytes.
pub async fn an_edited_letter_that_fails_shows_what_failed(kit: Kit) {
    let it = letter(&kit, "O-1", 1);
    kit.store.bury(&it, &body(), None, None).await.unwrap();
    let mut again = letter(&kit, "O-1", 1);
    again.redrives = 1;
    let edited = LetterBody {
        value: Some(b"edited".to_vec()),
        headers: vec![(EDIT_OF.to_owned(), Some(b"x".to_vec()))],
    };
    let redrive = RedriveRef {
        letter: it.id,
        redrive: kit.clock.id(),
    };
    kit.store
        .bury(&again, &edited, Some(redrive), None)
        .await
        .unwrap();
    let (kept, bytes) = kit.store.letter(it.id).await.unwrap().unwrap();
    assert_eq!((kept.event_id, bytes), (again.event_id, edited.clone()));
    // A copy of the first failure, read from the topic once more, changes nothing.
    kit.store
        .index_letters(&[(it.clone(), body())])
        .await
        .unwrap();
    assert_eq!(kit.store.letter(it.id).await.unwrap().unwrap().1, edited);
}
