//! `evtop consumers pause` and `resume`: a wish that every instance follows; waits until they do.

use std::time::Duration;

use serde_json::json;

use super::act::confirm;
use super::table::Table;
use super::{End, Output, Ports, Step, json};
use crate::cli::{Exit, PauseArgs, WriteArgs};
use crate::command::{Command, Done, Focus, Screen};
use crate::snapshot::{Consumer, ConsumerState, Snapshot};

/// Instances look every two seconds, and say so as often.
const FOLLOWED: Duration = Duration::from_secs(8);

const COLUMNS: &[(&str, bool)] = &[("SERVICE", false), ("INSTANCE", false), ("STATE", false)];

pub(super) async fn run(
    args: &PauseArgs,
    paused: bool,
    ports: &mut Ports,
    output: &mut Output<'_>,
) -> Step<Exit> {
    let write = WriteArgs {
        yes: args.yes,
        no_wait: false,
    };
    confirm(1, "consumer", write.yes, ports).await?;
    let service = args.service.clone();
    let command = if paused {
        Command::PauseConsumer { service }
    } else {
        Command::ResumeConsumer { service }
    };
    let service = match ports.ask(command).await? {
        Done::ConsumerPaused { service } | Done::ConsumerResumed { service } => service,
        other => {
            let words = format!("an answer to another question: {other}");
            return Err(End::Said(Exit::Unexpected, words));
        }
    };
    ports.look(Focus {
        screen: Screen::Consumers,
        ..Focus::default()
    });
    let follows = |c: &Consumer| {
        c.state == ConsumerState::Stopped || (c.state == ConsumerState::Paused) == paused
    };
    let those = |s: &Snapshot| -> Vec<Consumer> {
        let all = s.consumers.iter().filter(|c| c.service == service);
        all.cloned().collect()
    };
    let all = |s: &Snapshot| {
        let found = those(s);
        (!found.is_empty() && found.iter().all(follows)).then_some(())
    };
    let followed = ports.until(FOLLOWED.min(ports.patience), all).await?;
    let found = those(&ports.latest());
    write_rows(&found, output)?;
    let wanted = if paused { "paused" } else { "running" };
    if found.is_empty() {
        output.say(&format!(
            "{service} is to be {wanted}, and no process runs it now: the next one that does will follow"
        ));
        return Ok(Exit::Ok);
    }
    if followed.is_none() {
        let late = found.iter().filter(|c| !follows(c));
        let late: Vec<String> = late.map(Consumer::name).collect();
        let words = format!(
            "{service} is to be {wanted}; not followed yet by {}: see `evtop consumers`",
            late.join(", ")
        );
        return Err(End::Said(Exit::Partial, words));
    }
    Ok(Exit::Ok)
}

fn write_rows(found: &[Consumer], output: &mut Output<'_>) -> Step<()> {
    if output.json {
        for c in found {
            let object = json!({
                "service": c.service,
                "instance": c.instance,
                "state": c.state.name(),
            });
            json::line(&object, &mut *output.out)?;
        }
    } else if !found.is_empty() {
        let row = |c: &Consumer| {
            let here = || "this process".to_owned();
            let instance = c.instance.clone().unwrap_or_else(here);
            vec![c.service.clone(), instance, c.state.name().to_owned()]
        };
        Table::new(COLUMNS).write(found.iter().map(row).collect(), &mut *output.out)?;
    }
    output.out.flush()?;
    Ok(())
}
