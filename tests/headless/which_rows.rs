//! Which rows a command is about: "ago" means what the moment does, and a field that a list has not is refused.

use evtop::command::{Confirmed, Focus};
use evtop::domain::letter::Letter;

use super::*;

const CAUSE: &str = "3f9a2c17d05b";

/// Letters that failed 20 seconds, two hours and three days ago.
fn letters() -> Vec<Letter> {
    let ages = [20, 7_200, 259_200];
    let letter = |(n, age)| Letter {
        last_failed_at: ago(age),
        fingerprint: CAUSE.to_owned(),
        ..letter(n)
    };
    (1..).zip(ages).map(letter).collect()
}

/// An engine that judges its letters and records as the real one does.
fn judging() -> Engine {
    let mut engine = Engine::new(busy());
    engine.on_focus = |focus: &Focus, shown: &mut Snapshot| {
        let found = messages(SearchState::End, &focus.messages);
        shown.messages = Reading::new(Arc::new(found), now());
        let page = shown.letters.value.as_mut().expect("letters");
        page.up_to = 77;
        page.rows = letters();
        page.rows
            .retain(|l| focus.letters.filter.holds(&l.fields(None)));
        page.rows_total = page.rows.len() as u64;
        page.causes[0].count = page.rows_total;
        if page.rows.is_empty() {
            page.causes.clear();
        }
    };
    engine.on_command = |_, _| no(RefusalKind::Conflict);
    engine
}

/// What a command came to: what it wrote, or the letters that it asked to act on.
async fn acted_on(line: &str) -> (String, Vec<Letter>) {
    let played = judging().play(line).await;
    let [
        Command::Redrive {
            letters: choice, ..
        }
        | Command::Archive {
            letters: choice, ..
        }
        | Command::Unarchive { letters: choice }
        | Command::Export {
            letters: choice, ..
        },
    ] = &played.asked[..]
    else {
        assert_eq!(played.asked, [], "{line}");
        return (played.out, Vec::new());
    };
    let LetterChoice::Cause {
        filter, confirmed, ..
    } = choice
    else {
        panic!("{line}: {choice:?}");
    };
    let mut all = letters();
    all.retain(|l| filter.holds(&l.fields(None)));
    let lists = if line.contains("export") { 2 } else { 1 };
    let count = all.len() as u64 * lists;
    assert_eq!(*confirmed, Confirmed { up_to: 77, count }, "{line}");
    (played.out, all)
}

#[tokio::test]
async fn how_long_ago_is_the_moment_it_means() {
    let day_ago = ago(86_400).to_rfc3339();
    let commands = [
        "dlq ls --json".to_owned(),
        format!("dlq redrive --cause {CAUSE} --yes"),
        format!("dlq archive --cause {CAUSE} --reason test"),
        format!("dlq unarchive --cause {CAUSE}"),
        format!("dlq export --cause {CAUSE}"),
        "messages order-events --from beginning --json".to_owned(),
    ];
    for command in &commands {
        for term in ["before", "after", "!before", "!after"] {
            let relative = acted_on(&format!("{command} --filter {term}=1d")).await;
            let absolute = acted_on(&format!("{command} --filter {term}={day_ago}")).await;
            assert_eq!(relative, absolute, "{command} {term}");
        }
        let (out, old) = acted_on(&format!("{command} --filter before=1d")).await;
        let (lines, ids) = match command.as_str() {
            c if c.starts_with("messages") => (0, vec![]),
            c if c.starts_with("dlq ls") => (1, vec![]),
            _ => (0, vec![id(3)]),
        };
        assert_eq!(out.lines().count(), lines, "{command}: {out}");
        let found: Vec<_> = old.iter().map(|l| l.id).collect();
        assert_eq!(found, ids, "{command}");
    }
}

/// A letter that is 20 s old is none that failed before yesterday.
#[tokio::test]
async fn nothing_that_old_is_nothing_to_archive() {
    let line = format!("dlq archive --cause {CAUSE} --reason test --filter before=9d");
    let played = judging().play(&line).await;
    assert_eq!((played.exit, &played.asked[..]), (Exit::Refused, &[][..]));
    assert!(played.err.contains("passes the filter"), "{}", played.err);
}

#[test]
fn a_field_that_a_list_has_not_is_wrong_usage() {
    let read = |line: &str| evtop::cli::Cli::read(line.split(' '));
    let error = read("evtop messages order-events --filter group=a").expect_err("refused");
    assert_eq!(error.exit_code(), 2);
    assert!(
        error.to_string().contains("this list has no group="),
        "{error}"
    );
    assert!(read("evtop dlq ls --filter group=a").is_ok());
    assert!(read("evtop dlq ls --filter !code=rejected").is_err());
    assert!(read("evtop dlq ls --filter \"code=rejected\"").is_ok());
}

/// Of a cause both lists are written out, so both are counted; without a word of the archived ones, only one
/// is.
#[tokio::test]
async fn an_export_is_bound_to_what_was_counted() {
    let whole = "3f9a2c17d05b0001";
    let mut engine = judging();
    engine.on_focus = |focus, shown| {
        let page = shown.letters.value.as_mut().expect("letters");
        page.up_to = if focus.letters.archived { 90 } else { 77 };
        page.causes[0].fingerprint = "3f9a2c17d05b0001".to_owned();
        page.causes[0].count = if focus.letters.archived { 4 } else { 3 };
        page.rows.clear();
    };
    let played = engine.play(&format!("dlq export --cause {whole}")).await;
    let [
        Command::Export {
            letters: LetterChoice::Cause {
                cause, confirmed, ..
            },
            ..
        },
    ] = &played.asked[..]
    else {
        panic!("{:?} {}", played.asked, played.err);
    };
    assert_eq!(cause, whole);
    assert_eq!(
        *confirmed,
        Confirmed {
            up_to: 77,
            count: 7
        }
    );
}
