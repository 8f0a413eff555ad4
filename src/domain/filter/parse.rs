//! From what is typed to the terms of a filter; what can't be read is told in one sentence.

use regex::RegexBuilder;

use super::{Field, Term, Test, times};
use crate::domain::when::When;

/// Bytes that a compiled expression may take.
const LARGEST_REGEX: usize = 1 << 20;

/// One term as typed: whether it is inverted, its text without quotes, and whether quotes began it.
#[derive(Default)]
struct Typed {
    inverse: bool,
    text: String,
    quoted: bool,
}

pub(super) fn terms(text: &str) -> Result<Vec<Term<When>>, String> {
    let mut terms = Vec::new();
    for typed in split(text)? {
        let typed_text = typed.text.to_lowercase();
        if typed_text.is_empty() && !typed.quoted {
            continue;
        }
        terms.push(Term {
            inverse: typed.inverse,
            test: test(&typed)?,
            typed: typed_text,
        });
    }
    Ok(terms)
}

/// Terms stand between blanks that no quotes hold; in quotes a `\"` is a quote.
fn split(text: &str) -> Result<Vec<Typed>, String> {
    let mut out = Vec::new();
    let mut rest = text.trim_start();
    while !rest.is_empty() {
        let mut typed = Typed::default();
        while let Some(after) = rest.strip_prefix('!') {
            typed.inverse = !typed.inverse;
            rest = after;
        }
        typed.quoted = rest.starts_with('"');
        let mut inside = false;
        let mut end = rest.len();
        let mut chars = rest.char_indices().peekable();
        while let Some((at, c)) = chars.next() {
            match c {
                '"' => inside = !inside,
                '\\' if inside && chars.peek().is_some_and(|(_, c)| *c == '"') => {
                    chars.next();
                    typed.text.push('"');
                }
                c if c.is_whitespace() && !inside => {
                    end = at;
                    break;
                }
                c => typed.text.push(c),
            }
        }
        if inside {
            return Err("A quote is open: close it with another \"".to_owned());
        }
        rest = rest[end..].trim_start();
        out.push(typed);
    }
    Ok(out)
}

fn test(typed: &Typed) -> Result<Test<When>, String> {
    let text = &typed.text;
    if typed.quoted {
        return Ok(Test::Word);
    }
    if let Some(pattern) = text.strip_prefix('~') {
        let regex = RegexBuilder::new(pattern)
            .size_limit(LARGEST_REGEX)
            .dfa_size_limit(LARGEST_REGEX)
            .build();
        return match regex {
            Ok(regex) => Ok(Test::Regex(regex)),
            Err(error) => Err(format!(
                "~{pattern} is no regular expression: {}; without ~ it is plain text",
                reason(&error)
            )),
        };
    }
    let Some((name, wanted)) = text.split_once('=') else {
        return Ok(Test::Word);
    };
    let path = |rest: &str| -> Option<Vec<String>> {
        let parts: Vec<String> = rest.split('.').map(str::to_owned).collect();
        parts.iter().all(|p| !p.is_empty()).then_some(parts)
    };
    let field = match name {
        "key" => Field::Key,
        "type" => Field::Type,
        "group" => Field::Group,
        "partition" => {
            return wanted
                .parse()
                .map(Test::Partition)
                .map_err(|_| "partition= wants a whole number, such as partition=2".to_owned());
        }
        "after" | "before" => return times::read(name, wanted).map(Test::Time),
        "value" => Field::Value(Vec::new()),
        "header" | "header." => {
            return Err("header= wants a name: header.traceparent=00-*".to_owned());
        }
        _ => match (name.strip_prefix("value."), name.strip_prefix("header.")) {
            (Some(rest), _) => match path(rest) {
                Some(path) => Field::Value(path),
                None => {
                    return Err(
                        "value. wants a path of names: value.data.order_id=ORD-1".to_owned()
                    );
                }
            },
            (_, Some(name)) => Field::Header(name.to_lowercase()),
            // A name is a field; anything else with = in it is text, such as an address.
            _ if is_name(name) => Field::Other(name.to_owned()),
            _ => return Ok(Test::Word),
        },
    };
    Ok(Test::Field(field, wanted.to_lowercase()))
}

fn is_name(text: &str) -> bool {
    let mut chars = text.chars();
    let first = chars.next().is_some_and(|c| c.is_alphabetic());
    first && chars.all(|c| c.is_alphanumeric() || matches!(c, '_' | '-' | '.'))
}

/// The last line of the library's words, which is the reason.
fn reason(error: &regex::Error) -> String {
    match error {
        regex::Error::CompiledTooBig(_) => "it is too large".to_owned(),
        other => {
            let said = other.to_string();
            let last = said.lines().last().unwrap_or_default().trim();
            last.strip_prefix("error: ").unwrap_or(last).to_owned()
        }
    }
}
