//! `evtop run`: the workers without a screen. A line of how things stand now and then, and a last
//! one when they have drained; all of it words, so on `err`.

use std::io::{self, Write};
use std::time::Duration;

use serde_json::json;

use super::table::{number, rate, span};
use super::{End, Output, Ports, Step, json};
use crate::cli::Exit;
use crate::command::Focus;
use crate::domain::printable::visible;
use crate::snapshot::{Snapshot, VerdictKind};

/// How often it is said how things stand.
const EVERY: Duration = Duration::from_secs(10);

/// Tells how things stand until stopped; the drain is the caller's, and [`farewell`] its report.
pub(super) async fn run(ports: &mut Ports, output: &mut Output<'_>) -> Step<Exit> {
    ports.look(Focus::default());
    let known = |s: &Snapshot| (!s.stack.name.is_empty()).then(|| s.stack.clone());
    let begun = async {
        if let Some(stack) = ports.until(ports.patience, known).await?
            && !stack.workers
        {
            return Err(End::Said(
                Exit::Usage,
                "this profile runs no workers (`workers = false`)".to_owned(),
            ));
        }
        // A first line soon, then at leisure.
        ports.until(Duration::from_secs(2), |_| None::<()>).await?;
        Ok(())
    };
    let mut ended = begun.await;
    while ended.is_ok() {
        // The workers go on where nobody listens.
        let _ = status_line(&ports.latest(), output.json, &mut *output.err);
        ended = ports.until(EVERY, |_| None::<()>).await.map(|_| ());
    }
    match ended {
        Ok(()) | Err(End::Stopped) => Ok(Exit::Ok),
        Err(end) => Err(end),
    }
}

/// How things stand, on one line.
pub fn status_line(
    snapshot: &Snapshot,
    json: bool,
    err: &mut (impl Write + ?Sized),
) -> io::Result<()> {
    let groups = snapshot.lag.value.iter().flat_map(|groups| groups.iter());
    let lag = |name: &str| groups.clone().find(|g| g.group == name);
    let outbox = snapshot.outbox.value.as_ref();
    let open = snapshot.letters.value.as_ref().map(|l| l.open);
    if json {
        let consumers: Vec<_> = snapshot
            .consumers
            .iter()
            .map(|c| {
                json!({
                    "service": c.service,
                    "instance": c.instance,
                    "state": c.state.name(),
                    "events_per_s": c.events_per_s,
                    "handled": c.handled,
                    "dead": c.dead,
                    "lag": lag(&c.group).and_then(|g| g.numbers.lag),
                })
            })
            .collect();
        let line = json!({
            "at": json::time(Some(snapshot.taken)),
            "orders_per_s": snapshot.traffic.orders_per_s,
            "outbox_pending": outbox.map(|o| o.pending),
            "dead_letters_open": open,
            "consumers": consumers,
            "findings": snapshot.findings.iter().map(|f| &f.text).collect::<Vec<_>>(),
        });
        json::line(&line, err)?;
        return err.flush();
    }
    let mut parts = vec![
        snapshot.taken.format("%H:%M:%S").to_string(),
        format!("orders {}/s", rate(snapshot.traffic.orders_per_s)),
        format!("outbox {}", number(outbox.map(|o| o.pending))),
    ];
    for c in &snapshot.consumers {
        let group = lag(&c.group);
        let mut part = format!(
            "{} {} {}/s lag {}",
            c.name(),
            c.state.name(),
            rate(c.events_per_s),
            number(group.and_then(|g| g.numbers.lag))
        );
        if let Some(group) = group
            && group.verdict.kind > VerdictKind::Unknown
        {
            part += &format!(" ({})", group.verdict.reason);
        }
        parts.push(part);
    }
    parts.push(format!("dead letters {}", number(open)));
    writeln!(err, "{}", visible(&parts.join(" | ")))?;
    err.flush()
}

/// The report after the workers have drained: what each service did, and whether all ended in time.
pub fn farewell(
    last: &Snapshot,
    clean: bool,
    took: Duration,
    json: bool,
    err: &mut (impl Write + ?Sized),
) -> io::Result<()> {
    if json {
        let services: Vec<_> = last
            .consumers
            .iter()
            .map(|c| {
                json!({
                    "service": c.service,
                    "handled": c.handled,
                    "retries": c.retries,
                    "dead": c.dead,
                    "duplicates": c.duplicates,
                    "in_flight": c.in_flight,
                })
            })
            .collect();
        let line = json!({
            "drained": clean,
            "took_ms": json::millis(Some(took)),
            "services": services,
        });
        json::line(&line, err)?;
        return err.flush();
    }
    let how = if clean {
        "drained"
    } else {
        "not drained in time; what was unfinished comes again, and once only"
    };
    writeln!(err, "{how}, in {}", span(Some(took)))?;
    for c in &last.consumers {
        let line = format!(
            "  {}: {} handled, {} retries, {} dead, {} duplicates",
            c.service, c.handled, c.retries, c.dead, c.duplicates
        );
        writeln!(err, "{}", visible(&line))?;
    }
    err.flush()
}
