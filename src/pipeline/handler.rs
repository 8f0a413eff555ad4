//! A service's own work outside the database, under the fault plan, a timeout and a net for panics.

use std::panic::AssertUnwindSafe;
use std::time::Duration;

use futures_util::FutureExt;

use super::batch::Task;
use super::worker::Worker;
use crate::domain::fault::{Fault, FaultKind, Stage};
use crate::domain::fault_plan::Fate;
use crate::domain::record::Headers;
use crate::kafka::headers::history;

/// Runs the handler; `headers` are its record's.
pub(super) async fn handle(worker: &Worker, task: &Task, headers: &Headers) -> Result<(), Fault> {
    let fate = worker.fate(
        task.read.envelope.event_id,
        history(headers).0 + task.attempts,
        task.asked.redrives,
    );
    if fate == Fate::Works {
        return Ok(());
    }
    let limit = worker.shared.settings.handler_timeout;
    let work = AssertUnwindSafe(suffer(fate, worker.service.row().name)).catch_unwind();
    match tokio::time::timeout(limit, work).await {
        Ok(Ok(result)) => result,
        Ok(Err(panic)) => Err(Fault {
            kind: FaultKind::Transient,
            stage: Stage::Panic,
            code: "panic".into(),
            message: format!("the handler panicked: {}", panic_text(panic.as_ref())),
        }),
        Err(_) => Err(timed_out(limit)),
    }
}

/// Carries out what the fault plan has in store.
async fn suffer(fate: Fate, service: &str) -> Result<(), Fault> {
    let fault = |kind, code: &str, message: String| {
        Err(Fault {
            kind,
            stage: Stage::Handle,
            code: code.into(),
            message,
        })
    };
    match fate {
        Fate::Works => Ok(()),
        Fate::Slow(time) => {
            tokio::time::sleep(time).await;
            Ok(())
        }
        Fate::FailsTransiently => fault(
            FaultKind::Transient,
            "gateway_timeout",
            format!("{service}: the gateway did not answer in time (fault plan)"),
        ),
        Fate::FailsForGood => fault(
            FaultKind::Permanent,
            "rejected",
            format!("{service}: the gateway rejected the request (fault plan)"),
        ),
        Fate::Panics => panic!("{service}: a bug in the handler (fault plan)"),
    }
}

fn timed_out(limit: Duration) -> Fault {
    Fault {
        kind: FaultKind::Transient,
        stage: Stage::Timeout,
        code: "timeout".into(),
        message: format!("the handler did not finish in {} s", limit.as_secs_f64()),
    }
}

fn panic_text(panic: &(dyn std::any::Any + Send)) -> &str {
    panic
        .downcast_ref::<&str>()
        .copied()
        .or_else(|| panic.downcast_ref::<String>().map(String::as_str))
        .unwrap_or("no message")
}
