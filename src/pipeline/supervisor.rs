//! Keeps workers running: a worker that fails or panics is started again after a pause, in sight.

use std::future::Future;
use std::time::Duration;

use tokio_util::sync::CancellationToken;

use crate::clock;

/// The first pause before another start.
const FIRST: Duration = Duration::from_millis(500);

/// Longest pause before another start.
const LONGEST: Duration = Duration::from_secs(30);

/// Runs `start` again and again until it ends well or `stop` is asked for. `failed` hears of each end
/// that was not well.
pub async fn keep<F>(
    name: &'static str,
    stop: CancellationToken,
    failed: impl Fn(&str) + Send,
    start: impl Fn() -> F + Send,
) where
    F: Future<Output = Result<(), String>> + Send + 'static,
{
    let mut pause = FIRST;
    loop {
        let started = clock::instant();
        let why = match tokio::spawn(start()).await {
            Ok(Ok(())) => return,
            Ok(Err(why)) => why,
            Err(panic) => format!("it panicked: {panic}"),
        };
        tracing::error!(worker = name, why, "a worker ended and is started again");
        failed(&why);
        tokio::select! {
            () = stop.cancelled() => return,
            () = tokio::time::sleep(pause) => {}
        }
        // One that ran well for long begins anew.
        pause = if started.elapsed() > LONGEST * 2 {
            FIRST
        } else {
            (pause * 2).min(LONGEST)
        };
    }
}
