//! `evtop dlq ls`, `causes` and `show`: which letters are asked for, and whether all of them are known.

use std::collections::HashSet;
use std::time::Duration;

use uuid::Uuid;

use super::letter_rows::{COLUMNS, cause_rows, letter_detail, write_letters};
use super::ports::{fresh, reason};
use super::table::{Table, count};
use super::{End, Output, Ports, Step, ids};
use crate::cli::{DlqListArgs, Exit};
use crate::command::{Focus, LettersFocus, Screen};
use crate::domain::ids::IdPart;
use crate::domain::letter::Letter;
use crate::snapshot::{LetterDetail, Letters, Snapshot};

/// Letters asked for at once.
pub(super) const PAGE: u32 = 500;
/// How long a letter may stay away once the index answers, before it counts as not there.
const GRACE: Duration = Duration::from_secs(2);

/// Asks for letters and waits for the page that answers.
pub(super) async fn page(
    ports: &mut Ports,
    output: &mut Output<'_>,
    wanted: LettersFocus,
) -> Step<Letters> {
    catch_up(ports).await?;
    let cause = wanted.fingerprint.clone();
    let (from, archived, filter) = (wanted.from, wanted.archived, wanted.filter.clone());
    let asked = ports.look(Focus {
        screen: Screen::Letters,
        letters: wanted,
        ..Focus::default()
    });
    let answer = |s: &Snapshot| {
        let letters = s
            .letters
            .value
            .as_ref()
            .filter(|_| fresh(&s.letters, asked))?;
        let of_cause = |l: &Letter| cause.as_ref().is_none_or(|c| *c == l.fingerprint);
        let fits = letters.rows_from == from
            && letters.archived == archived
            && letters.filter == filter
            && letters.rows.iter().all(of_cause);
        fits.then(|| letters.clone())
    };
    // A filter that looks into the letters takes as many looks as there are letters for.
    let judged = |s: &Snapshot| answer(s).filter(|letters| letters.unjudged == 0);
    if let Some(letters) = ports.until(ports.patience, judged).await? {
        return Ok(letters);
    }
    if let Some(letters) = answer(&ports.latest()) {
        return Ok(letters);
    }
    let latest = ports.latest();
    let why = reason(&latest, latest.letters.error.as_deref());
    output.unavailable("dead letters", &why)?;
    Err(End::Said(Exit::Unavailable, format!("dead letters: {why}")))
}

/// The letters of a cluster that is not ours are read by this very process: waits, once, until the index
/// has all of them, but no longer than for any answer.
pub(super) async fn catch_up(ports: &mut Ports) -> Step<()> {
    if ports.caught_up {
        return Ok(());
    }
    ports.caught_up = true;
    ports.look(Focus {
        screen: Screen::Letters,
        ..Focus::default()
    });
    let known = |s: &Snapshot| (!s.stack.name.is_empty()).then_some(s.stack.attached);
    if ports.until(ports.patience, known).await? == Some(true) {
        let all = |s: &Snapshot| (s.letters.value.as_ref()?.unread == Some(0)).then_some(());
        ports.until(ports.patience, all).await?;
    }
    Ok(())
}

pub(super) async fn list(
    args: &DlqListArgs,
    ports: &mut Ports,
    output: &mut Output<'_>,
) -> Step<Exit> {
    let filter = ports.resolved(args.filter.as_ref());
    let cause = match &args.cause {
        Some(part) => Some(ids::cause(
            part,
            &known(args.archived, ports, output).await?,
        )?),
        None => None,
    };
    let mut seen = HashSet::new();
    let mut table = Table::new(COLUMNS);
    let mut from = 0;
    loop {
        let left = args.limit - u32::try_from(seen.len()).unwrap_or(args.limit);
        let wanted = LettersFocus {
            fingerprint: cause.clone(),
            filter: filter.clone(),
            order: None,
            archived: args.archived,
            from,
            rows: left.min(PAGE),
            letter: None,
        };
        let letters = page(ports, output, wanted).await?;
        let got = letters.rows.len() as u64;
        // New letters at the top push others onto the next page: each is shown once.
        let rows: Vec<&Letter> = letters
            .rows
            .iter()
            .take(left as usize)
            .filter(|l| seen.insert(l.id))
            .collect();
        write_letters(&rows, output.json, &mut table, &mut *output.out)?;
        from += got;
        if got == 0 || from >= letters.rows_total || seen.len() >= args.limit as usize {
            return Ok(tell_bounds(&letters, seen.len() as u64, ports, output));
        }
    }
}

/// What the list leaves out is said.
fn tell_bounds(letters: &Letters, shown: u64, ports: &mut Ports, output: &mut Output<'_>) -> Exit {
    if letters.unjudged > 0 {
        let many = count(letters.unjudged, "older letter");
        output.say(&format!(
            "{many} could not be held against the filter: after= and before= beside it reach others"
        ));
    }
    if shown < letters.rows_total {
        let total = count(letters.rows_total, "letter");
        output.say(&format!("the newest {shown} of {total}"));
    }
    tell_unread(letters, ports, output)
}

/// Says what the index has yet to read. Where nobody but this process reads it, not to know how much that
/// is means that Kafka did not answer.
fn tell_unread(letters: &Letters, ports: &mut Ports, output: &mut Output<'_>) -> Exit {
    let latest = ports.latest();
    match letters.unread {
        None if latest.stack.attached => {
            let why = reason(&latest, None);
            output.say(&format!(
                "these are the letters of an earlier look, the dead-letter topics could not be read: {why}"
            ));
            Exit::Unavailable
        }
        Some(unread @ 1..) => {
            output.say(&unread_words(unread));
            Exit::Ok
        }
        None | Some(0) => Exit::Ok,
    }
}

fn unread_words(unread: u64) -> String {
    format!(
        "the index has yet to read {} of the dead-letter topics",
        count(unread, "record")
    )
}

/// The causes there are, of open or of archived letters, and a letter.
pub(super) async fn known(
    archived: bool,
    ports: &mut Ports,
    output: &mut Output<'_>,
) -> Step<Letters> {
    let wanted = LettersFocus {
        archived,
        rows: 1,
        ..LettersFocus::default()
    };
    page(ports, output, wanted).await
}

pub(super) async fn causes(ports: &mut Ports, output: &mut Output<'_>) -> Step<Exit> {
    let letters = known(false, ports, output).await?;
    cause_rows(&letters.causes, output.json, &mut *output.out)?;
    let shown = letters.causes.len() as u64;
    if shown < letters.causes_total {
        output.say(&format!(
            "the worst {shown} of {} causes",
            letters.causes_total
        ));
    }
    Ok(tell_unread(&letters, ports, output))
}

pub(super) async fn show(part: &IdPart, ports: &mut Ports, output: &mut Output<'_>) -> Step<Exit> {
    let id = ids::letter(part, None, ports, output).await?;
    let detail = detail(id, ports, output).await?;
    letter_detail(&detail, output.json, &mut *output.out)?;
    Ok(Exit::Ok)
}

/// One letter with its bytes, or that there is none.
pub(super) async fn detail(
    id: Uuid,
    ports: &mut Ports,
    output: &mut Output<'_>,
) -> Step<LetterDetail> {
    let wanted = LettersFocus {
        rows: 1,
        letter: Some(id),
        ..LettersFocus::default()
    };
    let letters = page(ports, output, wanted).await?;
    let found = |s: &Snapshot| s.letter.clone().filter(|detail| detail.letter.id == id);
    if let Some(detail) = ports.until(GRACE.min(ports.patience), found).await? {
        return Ok(detail);
    }
    let more = letters.unread.filter(|n| *n > 0).map(unread_words);
    let more = more.unwrap_or_else(|| "`evtop dlq ls` lists them".to_owned());
    let sentence = format!("no letter has the id {id}; {more}");
    Err(End::Said(Exit::Refused, sentence))
}
