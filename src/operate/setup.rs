//! Creates what is missing and changes nothing that exists.

use std::time::Duration;

use super::{Operator, refuse};
use crate::command::{Check, CheckState, Done, Refusal, RefusalKind};
use crate::pipeline::indexer;

const DAY: Duration = Duration::from_secs(24 * 60 * 60);

/// The topics that the pipeline uses: name, partitions, retention. Dead letters stay a month, since a
/// person must find the time for them.
#[must_use]
pub fn wanted_topics(dlq_template: &str) -> Vec<(String, i32, Duration)> {
    let mut topics: Vec<(String, i32, Duration)> = [
        ("order-events", 3, 7 * DAY),
        ("payment-events", 3, 7 * DAY),
        ("inventory-events", 3, 7 * DAY),
        ("order-analytics", 1, 30 * DAY),
        ("platform-events", 1, 30 * DAY),
    ]
    .into_iter()
    .map(|(name, partitions, keep)| (name.to_owned(), partitions, keep))
    .collect();
    topics.extend(
        indexer::topics(dlq_template)
            .into_iter()
            .map(|name| (name, 3, 30 * DAY)),
    );
    topics
}

pub async fn setup(operator: &Operator) -> Result<Done, Refusal> {
    let wanted = wanted_topics(&operator.shared.settings.dlq_topic);
    let created = operator
        .observer
        .create_missing(&wanted)
        .await
        .map_err(|e| {
            refuse(
                RefusalKind::Unavailable,
                format!("topics could not be created: {e}"),
            )
        })?;
    let mut checks: Vec<Check> = wanted
        .iter()
        .map(|(name, partitions, keep)| {
            let made = created.contains(name);
            let days = keep.as_secs() / DAY.as_secs();
            Check {
                name: format!("topic {name}"),
                state: if made {
                    CheckState::Created
                } else {
                    CheckState::Ok
                },
                text: if made {
                    format!("created with {partitions} partitions, kept {days} days")
                } else {
                    "is there, left as it is".into()
                },
            }
        })
        .collect();
    checks.push(Check {
        name: operator.shared.store.kind().to_owned(),
        state: CheckState::Ok,
        text: "tables are up to date".into(),
    });
    Ok(Done::Checked(checks))
}
