//! Groups failures by cause: two messages that differ only in ids, times and numbers are one cause.

use xxhash_rust::xxh3::xxh3_64;

/// What stands for anything that varies.
const MASK: char = '#';
/// Characters of a normalised message that count.
const MAX_CHARS: usize = 200;

/// The cause of a failure as 16 hex digits: who failed, where, with what code and what kind of message.
#[must_use]
pub fn fingerprint(consumer: &str, stage: &str, code: &str, message: &str) -> String {
    // A unit separator cannot be part of a normalised message, so no two inputs run together.
    let text = [consumer, stage, code, &normalise(message)].join("\u{1f}");
    format!("{:016x}", xxh3_64(text.as_bytes()))
}

/// The message without what varies from one failure to the next: UUIDs, times, hex from 8 digits,
/// quoted text, e-mail addresses, hosts and ids in URLs, and numbers each become `#`; runs of blanks
/// become one; at most 200 characters.
#[must_use]
pub fn normalise(message: &str) -> String {
    let chars: Vec<char> = message.chars().take(MAX_CHARS * 5).collect();
    let mut out = String::new();
    let mut at = 0;
    while at < chars.len() {
        let before = at.checked_sub(1).map(|i| chars[i]);
        let rest = &chars[at..];
        let masked = match before {
            Some(c) if c.is_alphanumeric() => None,
            _ => uuid(rest).or_else(|| time(rest)).or_else(|| hex(rest)),
        };
        let masked = masked
            .or_else(|| quoted(before, rest))
            .or_else(|| number(rest));
        if let Some(len) = masked {
            out.push(MASK);
            at += len;
        } else if let Some((text, len)) = word(before, rest) {
            out.push_str(&text);
            at += len;
        } else {
            // A control character is a blank here, so that none is left to be a separator.
            let c = rest[0];
            let blank = c.is_whitespace() || c.is_control();
            if !blank {
                out.push(c);
            } else if !out.ends_with(' ') {
                out.push(' ');
            }
            at += 1;
        }
    }
    out.trim().chars().take(MAX_CHARS).collect()
}

fn starts(rest: &[char], len: usize, test: impl Fn(usize, char) -> bool) -> bool {
    rest.len() >= len && rest[..len].iter().enumerate().all(|(i, c)| test(i, *c))
}

fn ends_word(rest: &[char], len: usize) -> bool {
    rest.get(len).is_none_or(|c| !c.is_alphanumeric())
}

fn uuid(rest: &[char]) -> Option<usize> {
    let form = |i: usize, c: char| match i {
        8 | 13 | 18 | 23 => c == '-',
        _ => c.is_ascii_hexdigit(),
    };
    (starts(rest, 36, form) && ends_word(rest, 36)).then_some(36)
}

fn time(rest: &[char]) -> Option<usize> {
    let form = |i: usize, c: char| match i {
        4 | 7 => c == '-',
        10 => matches!(c, 'T' | 't' | ' '),
        13 | 16 => c == ':',
        _ => c.is_ascii_digit(),
    };
    if !starts(rest, 19, form) {
        return None;
    }
    let mut len = 19;
    if rest.get(len) == Some(&'.') {
        len += 1 + run(&rest[len + 1..], |c| c.is_ascii_digit());
    }
    let zone = |i: usize, c: char| match i {
        0 => matches!(c, '+' | '-'),
        3 => c == ':',
        _ => c.is_ascii_digit(),
    };
    match rest.get(len) {
        Some('Z' | 'z') => len += 1,
        _ if starts(&rest[len..], 6, zone) => len += 6,
        _ => {}
    }
    Some(len)
}

fn hex(rest: &[char]) -> Option<usize> {
    let prefix = if starts(rest, 2, |i, c| {
        if i == 0 {
            c == '0'
        } else {
            matches!(c, 'x' | 'X')
        }
    }) {
        2
    } else {
        0
    };
    let len = run(&rest[prefix..], |c| c.is_ascii_hexdigit());
    (len >= 8 && ends_word(rest, prefix + len)).then_some(prefix + len)
}

/// A text in quotes; an apostrophe inside a word is none.
fn quoted(before: Option<char>, rest: &[char]) -> Option<usize> {
    let close = match rest[0] {
        quote @ ('"' | '`') => quote,
        '\'' if before.is_none_or(|c| !c.is_alphanumeric()) => '\'',
        '“' => '”',
        '‘' => '’',
        _ => return None,
    };
    let mut at = 1;
    while let Some(c) = rest.get(at) {
        match c {
            '\\' => at += 1,
            c if *c == close && (close != '\'' || ends_word(rest, at + 1)) => return Some(at + 1),
            _ => {}
        }
        at += 1;
    }
    None
}

fn number(rest: &[char]) -> Option<usize> {
    let whole = run(rest, |c| c.is_ascii_digit());
    if whole == 0 {
        return None;
    }
    let fraction = match rest.get(whole) {
        Some('.') => run(&rest[whole + 1..], |c| c.is_ascii_digit()),
        _ => 0,
    };
    Some(if fraction > 0 {
        whole + 1 + fraction
    } else {
        whole
    })
}

/// A run without blanks that is an e-mail address or a URL, as what stands for it.
fn word(before: Option<char>, rest: &[char]) -> Option<(String, usize)> {
    if before.is_some_and(|c| c.is_alphanumeric()) {
        return None;
    }
    let stops = |c: char| c.is_whitespace() || "\"'`<>()[]{},;".contains(c);
    let len = run(rest, |c| !stops(c));
    let text: String = rest[..len].iter().collect();
    if let Some((scheme, tail)) = text.split_once("://") {
        let known = !scheme.is_empty() && scheme.chars().all(|c| c.is_ascii_alphanumeric());
        return known.then(|| (url(scheme, tail), len));
    }
    let text = text.trim_end_matches(['.', ':', '!', '?']);
    let (local, domain) = text.split_once('@')?;
    let mail = !local.is_empty()
        && domain.contains('.')
        && domain
            .chars()
            .all(|c| c.is_alphanumeric() || matches!(c, '.' | '-'));
    mail.then(|| (MASK.to_string(), text.chars().count()))
}

/// Host, query and every part of the path with a digit vary; the rest of the path says what was asked.
fn url(scheme: &str, tail: &str) -> String {
    let path = tail.split(['?', '#']).next().unwrap_or_default();
    let mut out = format!("{scheme}://{MASK}");
    for part in path.split('/').skip(1) {
        out.push('/');
        if part.chars().any(|c| c.is_ascii_digit()) {
            out.push(MASK);
        } else {
            out.push_str(part);
        }
    }
    out
}

fn run(chars: &[char], test: impl Fn(char) -> bool) -> usize {
    chars.iter().take_while(|c| test(**c)).count()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_varies_is_masked() {
        for (message, expected) in [
            (
                "order 0190a1b2-c3d4-7e5f-8a9b-0c1d2e3f4a5b failed",
                "order # failed",
            ),
            (
                "at 2026-01-31T10:00:00.123Z and 2026-01-31 10:00:00+02:00",
                "at # and #",
            ),
            ("hash deadbeef01 short beef", "hash # short beef"),
            ("ORD-1A2B3C4D is gone", "ORD-# is gone"),
            (
                "field \"total \\\" x\" and 'it' aren't",
                "field # and # aren't",
            ),
            ("mail to jane.doe+x@example.com.", "mail to #."),
            (
                "GET https://api.example.com:8443/v1/orders/17/items?x=1 failed",
                "GET https://#/#/orders/#/items failed",
            ),
            (
                "total is 12.00 but the items add up to 13.5",
                "total is # but the items add up to #",
            ),
            ("a \t\n  b\u{7}c", "a b c"),
            ("", ""),
            ("unclosed \"quote 1", "unclosed \"quote #"),
        ] {
            assert_eq!(normalise(message), expected);
        }
        assert_eq!(normalise(&"é ".repeat(500)).chars().count(), 200);
    }

    #[test]
    fn every_part_counts() {
        let one = fingerprint("email-service", "handle", "smtp", "timeout after 30 s");
        assert_eq!(
            one,
            fingerprint("email-service", "handle", "smtp", "timeout after 31 s")
        );
        assert_eq!(one.len(), 16);
        for other in [
            fingerprint("analytics-service", "handle", "smtp", "timeout after 30 s"),
            fingerprint("email-service", "store", "smtp", "timeout after 30 s"),
            fingerprint("email-service", "handle", "dns", "timeout after 30 s"),
            fingerprint("email-service", "handle", "smtp", "refused"),
            fingerprint("email-servic", "ehandle", "smtp", "timeout after 30 s"),
        ] {
            assert_ne!(one, other);
        }
    }
}
