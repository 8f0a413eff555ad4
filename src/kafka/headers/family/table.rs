//! The table of families: which names each uses, what they tell, and how each value is written.

use crate::domain::foreign::Family;

/// What a header tells.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Fact {
    Topic,
    Partition,
    Offset,
    Timestamp,
    Group,
    Class,
    Cause,
    Message,
    Stack,
    Stage,
    Attempts,
    FailedAt,
    /// Nothing that we show; it goes when the record is sent again.
    Other,
}
use Fact::{
    Attempts, Cause, Class, FailedAt, Group, Message, Offset, Other, Partition, Stack, Stage,
    Timestamp, Topic,
};

/// How its value is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum As {
    Text,
    /// The last segment of an address.
    Address,
    /// The name of a connector, whose group is `connect-<name>`.
    Connector,
    /// Java's `Throwable.toString()`: the class before the colon.
    Throwable,
    /// 4 bytes, big-endian.
    Int,
    /// 8 bytes, big-endian.
    Long,
    /// Java's `BigInteger.toByteArray()`: two's complement of any length.
    BigInt,
    /// 4 bytes, or the 1 byte of old versions.
    IntOrByte,
    Decimal,
    /// Retries, decimal: one less than deliveries.
    Retries,
    /// Milliseconds since 1970 as decimal text.
    Millis,
    /// RFC 3339, or `2014-09-12 07:38:50:546213 Z` as NServiceBus writes it.
    Date,
}
use As::{
    Address, BigInt, Connector, Date, Decimal, Int, IntOrByte, Long, Millis, Retries, Text,
    Throwable,
};

pub(super) struct Row {
    pub(super) family: Family,
    /// How many of its names a record must have: some are words that anybody may use.
    pub(super) least: usize,
    pub(super) names: &'static [(&'static str, Fact, As)],
    /// Names that it shares with another family, so that they prove nothing.
    pub(super) lent: &'static [(&'static str, Fact, As)],
}

/// In the order in which they are tried; with two families on a record the first one speaks. Of several
/// names for a fact the earlier counts.
pub(super) const TABLE: [Row; 11] = [
    Row {
        family: Family::RetryTopic,
        least: 1,
        names: &[
            ("retry_topic-attempts", Attempts, IntOrByte),
            ("retry_topic-backoff-timestamp", Other, BigInt),
            ("retry_topic-original-timestamp", Timestamp, BigInt),
            ("kafka_original-topic", Topic, Text),
            ("kafka_original-partition", Partition, Int),
            ("kafka_original-offset", Offset, Long),
            ("kafka_original-timestamp", Timestamp, Long),
            ("kafka_original-timestamp-type", Other, Text),
            ("kafka_exception-fqcn", Class, Text),
            ("kafka_exception-cause-fqcn", Cause, Text),
            ("kafka_exception-message", Message, Text),
            ("kafka_exception-stacktrace", Stack, Text),
        ],
        lent: &[("kafka_dlt-original-consumer-group", Group, Text)],
    },
    Row {
        family: Family::Spring,
        least: 1,
        names: &[
            ("kafka_dlt-original-topic", Topic, Text),
            ("kafka_dlt-original-partition", Partition, Int),
            ("kafka_dlt-original-offset", Offset, Long),
            ("kafka_dlt-original-timestamp", Timestamp, Long),
            ("kafka_dlt-original-timestamp-type", Other, Text),
            ("kafka_dlt-original-consumer-group", Group, Text),
            ("kafka_dlt-exception-fqcn", Class, Text),
            ("kafka_dlt-exception-cause-fqcn", Cause, Text),
            ("kafka_dlt-exception-message", Message, Text),
            ("kafka_dlt-exception-stacktrace", Stack, Text),
            ("kafka_dlt-key-exception-fqcn", Class, Text),
            ("kafka_dlt-key-exception-message", Message, Text),
            ("kafka_dlt-key-exception-stacktrace", Stack, Text),
        ],
        lent: &[],
    },
    Row {
        family: Family::ShareGroup,
        least: 1,
        names: &[
            ("__dlq.errors.topic", Topic, Text),
            ("__dlq.errors.partition", Partition, Decimal),
            ("__dlq.errors.offset", Offset, Decimal),
            ("__dlq.errors.group", Group, Text),
            ("__dlq.errors.delivery.count", Attempts, Decimal),
            ("__dlq.errors.message", Message, Text),
        ],
        lent: &[],
    },
    Row {
        family: Family::Streams,
        least: 1,
        names: &[
            ("__streams.errors.exception", Class, Throwable),
            ("__streams.errors.stacktrace", Stack, Text),
            ("__streams.errors.message", Message, Text),
            ("__streams.errors.topic", Topic, Text),
            ("__streams.errors.partition", Partition, Decimal),
            ("__streams.errors.offset", Offset, Decimal),
        ],
        lent: &[],
    },
    Row {
        family: Family::Connect,
        least: 1,
        names: &[
            ("__connect.errors.topic", Topic, Text),
            ("__connect.errors.partition", Partition, Decimal),
            ("__connect.errors.offset", Offset, Decimal),
            ("__connect.errors.connector.name", Group, Connector),
            ("__connect.errors.task.id", Other, Text),
            ("__connect.errors.stage", Stage, Text),
            ("__connect.errors.class.name", Other, Text),
            ("__connect.errors.exception.class.name", Class, Text),
            ("__connect.errors.exception.message", Message, Text),
            ("__connect.errors.exception.stacktrace", Stack, Text),
        ],
        lent: &[],
    },
    Row {
        family: Family::StreamBinder,
        least: 1,
        names: &[
            ("x-original-topic", Topic, Text),
            ("x-original-partition", Partition, Int),
            ("x-original-offset", Offset, Long),
            ("x-original-timestamp", Timestamp, Long),
            ("x-original-timestamp-type", Other, Text),
            ("x-exception-fqcn", Class, Text),
            ("x-exception-message", Message, Text),
            ("x-exception-stacktrace", Stack, Text),
        ],
        lent: &[],
    },
    Row {
        family: Family::SmallRye,
        least: 1,
        names: &[
            ("dead-letter-topic", Topic, Text),
            ("dead-letter-partition", Partition, Decimal),
            ("dead-letter-offset", Offset, Decimal),
            ("dead-letter-exception-class-name", Class, Text),
            ("dead-letter-cause-class-name", Cause, Text),
            ("dead-letter-reason", Message, Text),
            ("dead-letter-cause", Other, Text),
        ],
        lent: &[],
    },
    Row {
        family: Family::Wolverine,
        least: 2,
        names: &[
            ("original-destination", Topic, Address),
            ("wolverine-kafka-retry-source", Topic, Address),
            ("original-partition", Partition, Decimal),
            ("original-offset", Offset, Decimal),
            ("exception-type", Class, Text),
            ("wolverine-kafka-retry-exception-type", Class, Text),
            ("exception-message", Message, Text),
            ("wolverine-kafka-retry-exception-message", Message, Text),
            ("exception-stack", Stack, Text),
            ("failed-at", FailedAt, Millis),
            ("attempts", Attempts, Decimal),
            ("wolverine-kafka-retry-attempt", Attempts, Decimal),
            ("wolverine-kafka-retry-tier", Other, Text),
            ("wolverine-kafka-retry-first-failed", Other, Text),
        ],
        lent: &[],
    },
    Row {
        family: Family::Watermill,
        least: 1,
        names: &[
            ("topic_poisoned", Topic, Text),
            ("reason_poisoned", Message, Text),
            ("handler_poisoned", Stage, Text),
            ("subscriber_poisoned", Other, Text),
        ],
        lent: &[],
    },
    Row {
        family: Family::MassTransit,
        least: 1,
        names: &[
            ("MT-Fault-InputAddress", Topic, Address),
            ("MT-Fault-ExceptionType", Class, Text),
            ("MT-Fault-Message", Message, Text),
            // Without an exception: `fault`, `dead-letter`.
            ("MT-Reason", Message, Text),
            ("MT-Fault-StackTrace", Stack, Text),
            ("MT-Fault-Timestamp", FailedAt, Date),
            ("MT-Fault-ConsumerType", Stage, Text),
            ("MT-Fault-RetryCount", Attempts, Retries),
            ("MT-Fault-RedeliveryCount", Other, Text),
            ("MT-Redelivery-Count", Other, Text),
            ("MT-Fault-MessageType", Other, Text),
            ("MT-OriginalMessageId", Other, Text),
        ],
        lent: &[],
    },
    Row {
        family: Family::NServiceBus,
        least: 1,
        names: &[
            ("NServiceBus.FailedQ", Topic, Address),
            ("NServiceBus.ExceptionInfo.ExceptionType", Class, Text),
            ("NServiceBus.ExceptionInfo.InnerExceptionType", Cause, Text),
            ("NServiceBus.ExceptionInfo.Message", Message, Text),
            ("NServiceBus.ExceptionInfo.StackTrace", Stack, Text),
            ("NServiceBus.ExceptionInfo.Source", Other, Text),
            ("NServiceBus.ExceptionInfo.HelpLink", Other, Text),
            ("NServiceBus.TimeOfFailure", FailedAt, Date),
            ("NServiceBus.Retries", Attempts, Retries),
        ],
        lent: &[],
    },
];
