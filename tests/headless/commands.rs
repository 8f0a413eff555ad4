//! Commands that change something: what is asked, followed and refused, and the exit code that comes of it.

use super::*;

fn redriven(
    state: OperationState,
    counts: Counts,
    snapshot: &mut Snapshot,
) -> Result<Done, Refusal> {
    snapshot.activity.operations = vec![operation(state, counts)];
    Ok(Done::Started {
        operation: id(500),
        total: counts.total,
    })
}

#[tokio::test]
async fn a_redrive_is_followed_and_its_counts_make_the_exit_code() {
    type Answer = fn(&Command, &mut Snapshot) -> Result<Done, Refusal>;
    let cases: [(Answer, Exit); 4] = [
        (
            |_, s| redriven(OperationState::Completed, GOOD, s),
            Exit::Ok,
        ),
        (
            |_, s| {
                let counts = Counts {
                    ok: 7,
                    failed_again: 1,
                    ..GOOD
                };
                redriven(OperationState::Completed, counts, s)
            },
            Exit::Partial,
        ),
        (
            |_, s| {
                let counts = Counts {
                    ok: 7,
                    unknown: 1,
                    ..GOOD
                };
                redriven(OperationState::Completed, counts, s)
            },
            Exit::Partial,
        ),
        (
            |_, s| redriven(OperationState::Cancelled, GOOD, s),
            Exit::Partial,
        ),
    ];
    for (i, (answer, exit)) in cases.into_iter().enumerate() {
        let mut engine = Engine::new(busy());
        engine.on_command = answer;
        let played = engine
            .play(&format!("dlq redrive {} {}", id(1), id(1)))
            .await;
        assert_eq!(played.exit, exit, "case {i}: {}", played.err);
        assert!(played.out.starts_with("redrive "), "{}", played.out);
        assert_eq!(
            played.asked,
            [Command::Redrive {
                letters: LetterChoice::Ids(vec![id(1)]),
                rate: 25
            }]
        );
    }
    let mut engine = Engine::new(busy());
    engine.on_command = |_, s| redriven(OperationState::Completed, GOOD, s);
    let json = engine.play(&format!("dlq redrive {} --json", id(1))).await;
    assert_eq!(objects(&json.out)[0]["ok"], 8);
    assert_eq!(json.err, "");
}

#[tokio::test]
async fn many_records_or_a_production_profile_want_a_yes() {
    let cause = "dlq redrive --cause 3f9a2c17d05b";
    let refused = shows(cause).await;
    assert_eq!(refused.exit, Exit::Refused);
    assert!(
        refused.err.contains("212 letters at once: add --yes"),
        "{}",
        refused.err
    );

    let mut engine = Engine::new(busy());
    engine.on_command = |_, s| redriven(OperationState::Completed, GOOD, s);
    let allowed = engine.play(&format!("{cause} --yes")).await;
    assert_eq!(allowed.exit, Exit::Ok, "{}", allowed.err);
    assert!(matches!(
        &allowed.asked[..],
        [Command::Redrive {
            letters: LetterChoice::Cause { .. },
            ..
        }]
    ));

    let mut production = busy();
    production.stack.production = true;
    let refused = Engine::new(production).play("inject happy").await;
    assert_eq!(refused.exit, Exit::Refused);
    assert!(
        refused.err.contains("1 order in a production profile"),
        "{}",
        refused.err
    );

    let mut engine = Engine::new(busy());
    engine.on_focus = |_, s| {
        if let Some(letters) = &mut s.letters.value {
            letters.rows.clear();
            letters.rows_total = 0;
        }
    };
    let unknown = engine.play("dlq redrive --cause nothing").await;
    assert_eq!(unknown.exit, Exit::Refused, "{}", unknown.err);
}

#[tokio::test]
async fn an_interrupted_redrive_says_that_it_goes_on() {
    let mut engine = Engine::new(busy());
    engine.on_command = |_, s| redriven(OperationState::Running, Counts { ok: 1, ..GOOD }, s);
    engine.stop_after = Some(Duration::from_millis(50));
    let played = engine.play(&format!("dlq redrive {}", id(1))).await;
    assert_eq!(played.exit, Exit::Partial);
    assert!(
        played.err.contains("redrive running: 9 of 9 sent, 1 ok"),
        "{}",
        played.err
    );
    assert!(
        played
            .err
            .contains("goes on as soon as an `evtop` or `evtop run` is there"),
        "{}",
        played.err
    );
}

#[tokio::test]
async fn without_waiting_the_id_is_the_answer() {
    let mut engine = Engine::new(busy());
    engine.on_command = |_, s| redriven(OperationState::Running, GOOD, s);
    let played = engine
        .play(&format!("dlq redrive {} --no-wait", id(1)))
        .await;
    assert_eq!(
        (played.exit, played.out),
        (Exit::Ok, format!("{}\n", id(500)))
    );
}

#[tokio::test]
async fn a_replay_counts_before_it_acts() {
    fn answer(command: &Command, snapshot: &mut Snapshot) -> Result<Done, Refusal> {
        match command {
            Command::Replay { dry_run: true, .. } => Ok(Done::WouldReplay {
                events: 101,
                first: Some(Position { tx: 0, pos: 5 }),
                last: Some(Position { tx: 0, pos: 900 }),
                span: Some(Duration::from_secs(3_700)),
            }),
            _ => redriven(OperationState::Completed, GOOD, snapshot),
        }
    }
    let engine = || {
        let mut engine = Engine::new(busy());
        engine.on_command = answer;
        engine
    };
    let line = "replay --type OrderCreated --from 1h --to-service analytics";
    let dry = engine().play(&format!("{line} --dry-run")).await;
    assert_eq!(dry.exit, Exit::Ok);
    assert_eq!(
        dry.out,
        "would replay 101 events, positions 5 to 900, over 1 h 1 min\n"
    );
    let refused = engine().play(line).await;
    assert_eq!((refused.exit, refused.asked.len()), (Exit::Refused, 1));
    let done = engine()
        .play(&format!("{line} --yes --rate 7 --force"))
        .await;
    assert_eq!(done.exit, Exit::Ok, "{}", done.err);
    let Some(Command::Replay {
        events: EventChoice::Matching(filter),
        target,
        rate,
        force,
        confirmed,
        dry_run,
    }) = done.asked.last()
    else {
        panic!("{:?}", done.asked)
    };
    assert_eq!(filter.event_type.as_deref(), Some("OrderCreated"));
    assert_eq!(filter.from, Some(ago(3_600)));
    assert_eq!(*target, ReplayTarget::Service("analytics".to_owned()));
    assert_eq!((*rate, *force, *dry_run), (7, true, false));
    assert!(confirmed.is_some(), "what the dry run counted");
}

#[tokio::test]
async fn injected_orders_are_named() {
    let injected = |_: &Command, _: &mut Snapshot| {
        Ok(Done::Injected {
            scenario: Scenario::Happy,
            count: 2,
            order_ids: vec!["ORD-1".to_owned(), "ORD-2\u{1b}".to_owned()],
        })
    };
    let mut engine = Engine::new(busy());
    engine.on_command = injected;
    let text = engine.play("inject happy --count 2").await;
    assert_eq!(text.out, "ORD-1\nORD-2␛\n");
    let mut engine = Engine::new(busy());
    engine.on_command = injected;
    let json = engine.play("inject happy --count 2 --json").await;
    assert_eq!(objects(&json.out)[0]["order_ids"][1], "ORD-2\u{1b}");
}

#[tokio::test]
async fn a_refusal_is_a_sentence_and_a_code() {
    let kinds = [
        (RefusalKind::ReadOnly, Exit::Refused),
        (RefusalKind::NotFound, Exit::Refused),
        (RefusalKind::Conflict, Exit::Refused),
        (RefusalKind::Unavailable, Exit::Unavailable),
        (RefusalKind::Invalid, Exit::Usage),
    ];
    for (kind, exit) in kinds {
        let mut engine = Engine::new(busy());
        engine.on_command = match kind {
            RefusalKind::ReadOnly => |_, _| no(RefusalKind::ReadOnly),
            RefusalKind::NotFound => |_, _| no(RefusalKind::NotFound),
            RefusalKind::Conflict => |_, _| no(RefusalKind::Conflict),
            RefusalKind::Unavailable => |_, _| no(RefusalKind::Unavailable),
            RefusalKind::Invalid => |_, _| no(RefusalKind::Invalid),
        };
        let played = engine.play(&format!("ops --cancel {}", id(500))).await;
        assert_eq!(played.exit, exit, "{kind:?}");
        assert_eq!(played.err, "evtop: because␛ so\n");
        assert_eq!(played.out, "");
    }
}

#[tokio::test]
async fn doctor_tells_what_it_found() {
    let mut engine = Engine::new(busy());
    engine.on_command = |_, _| {
        let check = |name: &str, state, text: &str| Check {
            name: name.to_owned(),
            state,
            text: text.to_owned(),
        };
        Ok(Done::Checked(vec![
            check("sqlite", CheckState::Ok, "3.50"),
            check(
                "topic order-events",
                CheckState::Bad,
                "missing: run `evtop setup`",
            ),
        ]))
    };
    let played = engine.play("doctor").await;
    assert_eq!(played.exit, Exit::Unavailable);
    insta::assert_snapshot!(played.out, @r"
    STATE  WHAT                FOUND
    ok     sqlite              3.50
    bad    topic order-events  missing: run `evtop setup`
    ");
}
