//! A part of an id or of a fingerprint is enough while it means one.

use super::*;

/// The first and last letters of `id(1)` and `id(2)` are alike but for the very last.
#[tokio::test]
async fn a_part_of_an_id_is_enough_while_one_letter_is_meant() {
    let mut two = busy();
    if let Some(letters) = &mut two.letters.value {
        letters.rows = vec![letter(1), letter(2)];
        letters.rows_total = 2;
    }
    let shown = Engine::new(two.clone()).play("dlq show 0001 --json").await;
    assert_eq!(shown.exit, Exit::Ok, "{}", shown.err);
    assert_eq!(objects(&shown.out)[0]["id"], id(1).to_string());
    let several = Engine::new(two.clone()).play("dlq show 01968C00").await;
    assert_eq!((several.exit, several.out.as_str()), (Exit::Refused, ""));
    let (one, other) = (id(1).to_string(), id(2).to_string());
    assert!(
        several.err.contains(&one) && several.err.contains(&other),
        "{}",
        several.err
    );
    let none = Engine::new(two.clone()).play("dlq redrive beef").await;
    assert_eq!(none.exit, Exit::Refused);
    assert!(
        none.err.contains("`beef`") && none.asked.is_empty(),
        "{}",
        none.err
    );
    let mut engine = Engine::new(two);
    engine.on_command = |_, _| no(RefusalKind::Conflict);
    let redriven = engine.play("dlq redrive 0002").await;
    let wanted = LetterChoice::Ids(vec![id(2)]);
    assert!(
        matches!(&redriven.asked[..], [Command::Redrive { letters, .. }] if *letters == wanted),
        "{:?}",
        redriven.asked
    );
}

#[tokio::test]
async fn a_part_of_an_operation_s_id_is_enough() {
    let mut running = busy();
    running.activity.operations = vec![operation(OperationState::Running, Counts::default())];
    let mut engine = Engine::new(running.clone());
    engine.on_command = |_, _| no(RefusalKind::Conflict);
    let played = engine.play("ops --cancel 01f4").await;
    assert_eq!(played.asked, [Command::Cancel { operation: id(500) }]);
    let none = Engine::new(running).play("ops --cancel 01f5").await;
    assert_eq!(none.exit, Exit::Refused);
    assert!(none.err.contains("`evtop ops` lists them"), "{}", none.err);
}

#[tokio::test]
async fn the_first_digits_of_a_fingerprint_are_enough() {
    let causes = |fingerprints: &[&str], total: u64| {
        let mut snapshot = busy();
        if let Some(letters) = &mut snapshot.letters.value {
            let cause = letters.causes[0].clone();
            let of = |fingerprint: &&str| evtop::domain::letter::Cause {
                fingerprint: (*fingerprint).to_owned(),
                ..cause.clone()
            };
            letters.causes = fingerprints.iter().map(of).collect();
            letters.causes_total = total;
            letters.rows[0].fingerprint = fingerprints[0].to_owned();
        }
        let mut engine = Engine::new(snapshot);
        engine.on_command = |_, _| no(RefusalKind::Conflict);
        engine
    };
    let (one, other) = ("3f9a2c17d05b0001", "3f9b2c17d05b0002");
    let line = "dlq redrive --yes --cause";
    let played = causes(&[one, other], 2).play(&format!("{line} 3f9a")).await;
    assert!(
        matches!(&played.asked[..], [Command::Redrive { letters: LetterChoice::Cause { cause, .. }, .. }] if cause == one),
        "{:?} {}",
        played.asked,
        played.err
    );
    for (part, total, words) in [
        ("3f9", 2, vec![one, other]),
        ("4", 2, vec!["`4`", "evtop dlq causes"]),
        // What is not listed may be meant too.
        ("3f9a", 300, vec!["298 more causes"]),
    ] {
        let played = causes(&[one, other], total)
            .play(&format!("{line} {part}"))
            .await;
        assert_eq!(played.exit, Exit::Refused, "{part}");
        assert_eq!(played.asked, [], "{part}");
        assert!(
            words.iter().all(|w| played.err.contains(w)),
            "{}",
            played.err
        );
    }
    let listed = causes(&[one], 1).play("dlq ls --json --cause 3f9a").await;
    assert_eq!(objects(&listed.out).len(), 1, "{}", listed.err);
}
