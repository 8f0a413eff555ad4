//! Ids that a person gave in part: exactly one must be meant. Several, or none, is a sentence and
//! nothing is done.

use uuid::Uuid;

use super::ports::reason;
use super::{End, Output, Ports, Step, letters};
use crate::cli::Exit;
use crate::command::{Focus, LettersFocus, Screen};
use crate::domain::filter::Filter;
use crate::domain::ids::IdPart;
use crate::snapshot::{DependencyState, Letters, Snapshot};

/// Candidates that are listed.
const LISTED: usize = 8;
/// Digits of a whole fingerprint.
const FINGERPRINT: usize = 16;

/// The one of `found`, or why there is not one.
fn one<T: ToString>(part: &str, what: &str, lists: &str, mut found: Vec<T>) -> Step<T> {
    let said = |sentence| Err(End::Said(Exit::Refused, sentence));
    match found.len() {
        0 => said(format!("no {what} `{part}`; `{lists}` lists them")),
        1 => Ok(found.remove(0)),
        n => {
            let mut names: Vec<String> = found.iter().map(T::to_string).collect();
            names.truncate(LISTED);
            let more = match n - names.len() {
                0 => String::new(),
                more => format!(" and {more} more"),
            };
            let names = names.join(", ");
            said(format!(
                "`{part}` may mean any of {n}: {names}{more}; write more of it"
            ))
        }
    }
}

/// The letter that is meant. One that is open, or archived, is preferred where only such a one can be
/// meant; the others are looked through too, since what is wrong with it is said then. A whole id is taken
/// as it is, whatever its letter's state.
pub(super) async fn letter(
    part: &IdPart,
    archived: Option<bool>,
    ports: &mut Ports,
    output: &mut Output<'_>,
) -> Step<Uuid> {
    if let Some(id) = part.whole() {
        return Ok(id);
    }
    let first = archived.unwrap_or_default();
    let mut found = of_list(part, first, ports, output).await?;
    if archived.is_none() || found.is_empty() {
        found.extend(of_list(part, !first, ports, output).await?);
        found.sort_unstable();
        found.dedup();
    }
    let what = "open or archived letter has an id that begins or ends with";
    let lists = "evtop dlq ls` and `evtop dlq ls --archived";
    one(&part.to_string(), what, lists, found)
}

/// Those of the open, or of the archived letters that may be meant.
async fn of_list(
    part: &IdPart,
    archived: bool,
    ports: &mut Ports,
    output: &mut Output<'_>,
) -> Step<Vec<Uuid>> {
    // Digits of an id are one word.
    let digits = Filter::parse(&part.to_string()).map_err(|why| End::Said(Exit::Usage, why))?;
    let filter = ports.resolved(Some(&digits));
    let mut found = Vec::new();
    let mut from = 0;
    loop {
        let wanted = LettersFocus {
            filter: filter.clone(),
            archived,
            from,
            rows: letters::PAGE,
            ..LettersFocus::default()
        };
        let page = letters::page(ports, output, wanted).await?;
        from += page.rows.len() as u64;
        let ids = page.rows.iter().map(|l| l.id);
        found.extend(ids.filter(|id| part.is_of(*id)));
        if page.rows.is_empty() || from >= page.rows_total {
            found.sort_unstable();
            found.dedup();
            return Ok(found);
        }
    }
}

/// The operation that is meant, among the newest.
pub(super) async fn operation(
    part: &IdPart,
    ports: &mut Ports,
    output: &mut Output<'_>,
) -> Step<Uuid> {
    if let Some(id) = part.whole() {
        return Ok(id);
    }
    list_operations(ports, output).await?;
    let latest = ports.latest();
    let ids = latest.activity.operations.iter().map(|o| o.id);
    let what = "operation has an id that begins or ends with";
    let found = ids.filter(|id| part.is_of(*id)).collect();
    one(&part.to_string(), what, "evtop ops", found)
}

/// Waits until the operations are known.
pub(super) async fn list_operations(ports: &mut Ports, output: &mut Output<'_>) -> Step<()> {
    ports.look(Focus {
        screen: Screen::Activity,
        ..Focus::default()
    });
    // The list is no reading of its own: empty means empty only once its store answers.
    let listed = |s: &Snapshot| (!s.activity.operations.is_empty()).then_some(());
    let up = |s: &Snapshot| {
        let store = |name: &str| matches!(name, "sqlite" | "postgres");
        let mut stores = s.health.iter().filter(|d| store(&d.name));
        let up = stores.any(|d| d.state == DependencyState::Up);
        (up || listed(s).is_some()).then_some(())
    };
    if ports.until(ports.patience, up).await?.is_none() {
        let why = reason(&ports.latest(), None);
        output.unavailable("operations", &why)?;
        return Err(End::Said(Exit::Unavailable, format!("operations: {why}")));
    }
    ports
        .until(super::operations::GRACE.min(ports.patience), listed)
        .await?;
    Ok(())
}

/// The cause that is meant, among those that are listed; a whole fingerprint may be any.
pub(super) fn cause(part: &str, letters: &Letters) -> Step<String> {
    let part = part.to_ascii_lowercase();
    let listed = || letters.causes.iter().map(|c| c.fingerprint.clone());
    if part.len() >= FINGERPRINT || listed().any(|c| c == part) {
        return Ok(part);
    }
    let hidden = letters
        .causes_total
        .saturating_sub(letters.causes.len() as u64);
    let found: Vec<String> = listed().filter(|c| c.starts_with(&part)).collect();
    if hidden > 0 && found.len() < 2 {
        let sentence = format!(
            "there are {hidden} more causes than are listed, so write all {FINGERPRINT} digits of `{part}`"
        );
        return Err(End::Said(Exit::Refused, sentence));
    }
    let what = "open letter has a cause that begins with";
    one(&part, what, "evtop dlq causes", found)
}
