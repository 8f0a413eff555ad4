//! Which topics hold dead letters, told by their names: every framework has its habit.

/// Names of dead-letter topics as frameworks give them. `*` stands for any text, and case does not count.
pub const PATTERNS: [&str; 12] = [
    // Spring, now and before 3.3, and its retry topics.
    "*-dlt",
    "*.dlt",
    "*-dlq",
    "*.dlq",
    // Spring Cloud Stream: error.<destination>.<group>.
    "error.*.*",
    // SmallRye.
    "dead-letter-topic-*",
    "wolverine-dead-letter-queue",
    // MassTransit: what failed, and what nobody handles.
    "*_error",
    "*_skipped",
    // Share groups.
    "dlq.*",
    // Whatever says it.
    "*dlq*",
    "*dead_letter*",
];

/// Whether a topic of this name holds dead letters. Kafka's own topics (`__…`) never do.
#[must_use]
pub fn is_dead_letter_topic(name: &str, patterns: &[impl AsRef<str>]) -> bool {
    !name.starts_with("__") && patterns.iter().any(|p| fits(name, p.as_ref()))
}

/// Whether `name` is `pattern`, in which `*` stands for any text; case does not count.
fn fits(name: &str, pattern: &str) -> bool {
    let name = name.to_ascii_lowercase();
    let pattern = pattern.to_ascii_lowercase();
    let Some((head, rest)) = pattern.split_once('*') else {
        return name == pattern;
    };
    let Some(mut left) = name.strip_prefix(head) else {
        return false;
    };
    let mut parts: Vec<&str> = rest.split('*').collect();
    let tail = parts.pop().unwrap_or_default();
    for part in parts {
        match left.find(part) {
            Some(at) => left = &left[at + part.len()..],
            None => return false,
        }
    }
    left.ends_with(tail)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_that_frameworks_give_are_known() {
        for name in [
            "orders-dlt",
            "orders-deserialization-dlt",
            "orders.DLT",
            "orders-dlq",
            "orders.dlq",
            "error.orders.billing",
            "dead-letter-topic-orders",
            "wolverine-dead-letter-queue",
            "orders_error",
            "orders_skipped",
            "dlq.billing",
            "billing__dlq",
            "myDLQtopic",
            "the_Dead_Letter_box",
            "order-events-email-service-dlt",
        ] {
            assert!(is_dead_letter_topic(name, &PATTERNS), "{name}");
        }
        for name in [
            "orders",
            "orders-retry-0",
            "error.orders",
            "wolverine-dead-letter-queue-2",
            "dlt-orders",
            "error_orders",
            "__dlq",
            "",
        ] {
            assert!(!is_dead_letter_topic(name, &PATTERNS), "{name}");
        }
    }

    #[test]
    fn a_star_is_any_text_and_nothing_else_is_special() {
        for (name, pattern, is) in [
            ("ab", "a*b", true),
            ("aXYb", "a*b", true),
            ("a", "a*a", false),
            ("aa", "a*a", true),
            ("abcabc", "*abc", true),
            ("abab", "*ab*ab", true),
            ("ab", "*ab*ab", false),
            ("a.b", "a.b", true),
            ("aXb", "a.b", false),
            ("anything", "*", true),
            ("x", "", false),
        ] {
            assert_eq!(
                is_dead_letter_topic(name, &[pattern]),
                is,
                "{name} {pattern}"
            );
        }
    }
}
