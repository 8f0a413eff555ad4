//! One real-looking record of each family.

use super::*;

/// All that a record says, in a line; `-` is unknown.
fn said(it: &Foreign) -> String {
    let or = |text: &Option<String>| text.clone().unwrap_or("-".into());
    let number = |n: Option<i64>| n.map_or("-".into(), |n| n.to_string());
    format!(
        "{} {}/{}@{} of {}: {}: {} in {} after {}",
        it.family.name(),
        or(&it.origin.topic),
        number(it.origin.partition.map(i64::from)),
        number(it.origin.offset),
        or(&it.origin.group),
        or(&it.error.class),
        or(&it.error.message),
        or(&it.stage),
        number(it.attempts.map(i64::from)),
    )
}

#[test]
fn each_family_is_read() {
    let at: i64 = 1_700_000_000_123;
    let retry_topic = [
        h("retry_topic-attempts", 4i32.to_be_bytes()),
        h(
            "retry_topic-original-timestamp",
            [0x01, 0x8b, 0xcf, 0xe5, 0x68, 0x7b],
        ),
        h(
            "retry_topic-backoff-timestamp",
            [0x01, 0x8b, 0xcf, 0xe5, 0x70, 0x00],
        ),
        h("kafka_original-topic", "orders"),
        h("kafka_original-partition", 2i32.to_be_bytes()),
        h("kafka_original-offset", 77i64.to_be_bytes()),
        h("kafka_original-timestamp", at.to_be_bytes()),
        h(
            "kafka_exception-fqcn",
            "o.s.k.ListenerExecutionFailedException",
        ),
        h(
            "kafka_exception-cause-fqcn",
            "java.lang.IllegalStateException",
        ),
        h("kafka_exception-message", "Listener failed"),
        h("kafka_exception-stacktrace", "at Billing.on"),
        h("kafka_dlt-original-consumer-group", "billing"),
    ];
    let it = read(&retry_topic);
    assert_eq!(it.origin.timestamp, millis(at));
    assert_eq!(
        it.error.cause.as_deref(),
        Some("java.lang.IllegalStateException")
    );
    assert_eq!(it.error.stack.as_deref(), Some("at Billing.on"));
    assert_eq!(
        said(&it),
        "retry_topic orders/2@77 of billing: o.s.k.ListenerExecutionFailedException: Listener failed in - after 4"
    );

    let spring = [
        h("kafka_dlt-original-topic", "orders"),
        h("kafka_dlt-original-partition", 2i32.to_be_bytes()),
        h("kafka_dlt-original-offset", 77i64.to_be_bytes()),
        h("kafka_dlt-original-timestamp", at.to_be_bytes()),
        h("kafka_dlt-original-timestamp-type", "CreateTime"),
        h("kafka_dlt-original-consumer-group", "billing"),
        h("kafka_dlt-exception-fqcn", "java.lang.NullPointerException"),
        h("kafka_dlt-exception-message", "no customer"),
    ];
    let it = read(&spring);
    assert_eq!(it.origin.timestamp, millis(at));
    assert_eq!(
        said(&it),
        "spring orders/2@77 of billing: java.lang.NullPointerException: no customer in - after -"
    );

    let key_error = [
        h("kafka_dlt-original-topic", "orders"),
        h("kafka_dlt-key-exception-fqcn", "DeserializationException"),
        h("kafka_dlt-key-exception-message", "key"),
    ];
    let it = read(&key_error);
    assert_eq!(it.error.class.as_deref(), Some("DeserializationException"));
    assert_eq!(it.error.message.as_deref(), Some("key"));

    let tables: [(&[(&str, &str)], &str); 9] = [
        (
            &[
                ("__dlq.errors.topic", "orders"),
                ("__dlq.errors.partition", "2"),
                ("__dlq.errors.offset", "77"),
                ("__dlq.errors.group", "billing-share"),
                ("__dlq.errors.delivery.count", "5"),
                ("__dlq.errors.message", "Offset rejected by client."),
            ],
            "share_group orders/2@77 of billing-share: -: Offset rejected by client. in - after 5",
        ),
        (
            &[
                (
                    "__streams.errors.exception",
                    "java.lang.RuntimeException: no: rate",
                ),
                ("__streams.errors.stacktrace", "at Topology"),
                ("__streams.errors.message", "no: rate"),
                ("__streams.errors.topic", "orders"),
                ("__streams.errors.partition", "2"),
                ("__streams.errors.offset", "77"),
            ],
            "streams orders/2@77 of -: java.lang.RuntimeException: no: rate in - after -",
        ),
        (
            &[
                ("__connect.errors.topic", "orders"),
                ("__connect.errors.partition", "2"),
                ("__connect.errors.offset", "77"),
                ("__connect.errors.connector.name", "s3-sink"),
                ("__connect.errors.task.id", "0"),
                ("__connect.errors.stage", "VALUE_CONVERTER"),
                ("__connect.errors.class.name", "JsonConverter"),
                ("__connect.errors.exception.class.name", "DataException"),
                ("__connect.errors.exception.message", "bad json"),
            ],
            "connect orders/2@77 of connect-s3-sink: DataException: bad json in VALUE_CONVERTER after -",
        ),
        (
            &[
                ("dead-letter-reason", "no customer"),
                ("dead-letter-cause", "none"),
                ("dead-letter-topic", "orders"),
                ("dead-letter-partition", "2"),
                ("dead-letter-offset", "77"),
                ("dead-letter-exception-class-name", "ProcessingException"),
                ("dead-letter-cause-class-name", "NoSuchElementException"),
            ],
            "smallrye orders/2@77 of -: ProcessingException: no customer in - after -",
        ),
        (
            &[
                ("exception-type", "System.TimeoutException"),
                ("exception-message", "too slow"),
                ("failed-at", "1700000000123"),
                ("original-destination", "kafka://topic/orders"),
                ("original-partition", "2"),
                ("original-offset", "77"),
                ("attempts", "3"),
            ],
            "wolverine orders/2@77 of -: System.TimeoutException: too slow in - after 3",
        ),
        (
            &[
                ("reason_poisoned", "cannot ship"),
                ("topic_poisoned", "orders"),
                ("handler_poisoned", "ship"),
                ("subscriber_poisoned", "kafka.Subscriber"),
            ],
            "watermill orders/-@- of -: -: cannot ship in ship after -",
        ),
        (
            &[
                ("MT-Reason", "fault"),
                ("MT-Fault-ExceptionType", "System.InvalidOperationException"),
                ("MT-Fault-Message", "no stock"),
                ("MT-Fault-Timestamp", "2023-11-14T22:13:20.1230000Z"),
                ("MT-Fault-ConsumerType", "Shop.OrderConsumer"),
                (
                    "MT-Fault-InputAddress",
                    "rabbitmq://host/vhost/orders?durable=true",
                ),
                ("MT-Fault-RetryCount", "2"),
            ],
            "masstransit orders/-@- of -: System.InvalidOperationException: no stock in Shop.OrderConsumer after 3",
        ),
        (
            &[
                (
                    "NServiceBus.ExceptionInfo.ExceptionType",
                    "System.Exception",
                ),
                ("NServiceBus.ExceptionInfo.Message", "boom"),
                ("NServiceBus.FailedQ", "orders@MACHINE"),
                ("NServiceBus.TimeOfFailure", "2023-11-14 22:13:20:123000 Z"),
                ("NServiceBus.Retries", "0"),
            ],
            "nservicebus orders/-@- of -: System.Exception: boom in - after 1",
        ),
        (
            &[("x-retry-count", "3")],
            "in_value -/-@- of -: -: - in - after 4",
        ),
    ];
    for (headers, expected) in tables {
        let headers: Vec<Header> = headers.iter().map(|(n, v)| h(n, v)).collect();
        let it = read(&headers);
        assert_eq!(said(&it), expected);
        if let Family::Wolverine | Family::MassTransit | Family::NServiceBus = it.family {
            assert_eq!(it.failed_at, millis(at), "{expected}");
        }
    }

    let binder = [
        h("x-original-topic", "orders"),
        h("x-original-partition", 2i32.to_be_bytes()),
        h("x-original-offset", 77i64.to_be_bytes()),
        h("x-original-timestamp", at.to_be_bytes()),
        h("x-exception-fqcn", "MessageHandlingException"),
        h("x-exception-message", "no"),
    ];
    let it = read(&binder);
    assert_eq!(it.origin.timestamp, millis(at));
    assert_eq!(
        said(&it),
        "stream_binder orders/2@77 of -: MessageHandlingException: no in - after -"
    );
}
