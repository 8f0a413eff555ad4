//! The tree of a settings file: tables merged, set, taken out and asked for their place in the text. It
//! knows no setting but `read_only` and the profiles.

use std::ops::Range;

use toml::Spanned;
use toml::de::{DeTable, DeValue};

use super::error::{Flaw, nearest};

/// A whole file.
pub type Root<'i> = Spanned<DeTable<'i>>;

/// Whether `read_only` is written where it means this very stack: in the profile, else in the file.
pub fn says_read_only(root: &DeTable<'_>, profile: Option<&str>) -> bool {
    let inner = |table: &DeTable<'_>, key: &str| table.get(key).is_some();
    let Some(name) = profile else {
        return inner(root, "read_only");
    };
    let profiles = root.get("profiles").and_then(|p| p.get_ref().as_table());
    let profile = profiles.and_then(|p| p.get(name)?.get_ref().as_table());
    profile.is_some_and(|table| inner(table, "read_only"))
}

/// Takes the profiles out of the tree and lays the wanted one over the rest.
pub fn merge_profile(
    root: &mut Root<'_>,
    wanted: Option<&(String, Option<Range<usize>>)>,
) -> Result<(), Flaw> {
    let mut profiles = match root.get_mut().remove("profiles") {
        None => DeTable::new(),
        Some(value) => {
            let span = value.span();
            match value.into_inner() {
                DeValue::Table(table) => table,
                _ => {
                    return Err(Flaw {
                        span: Some(span),
                        message: "`profiles` is no table".to_owned(),
                        remedy: "write `[profiles.NAME]` with settings under it".to_owned(),
                    });
                }
            }
        }
    };
    let Some((name, span)) = wanted else {
        return Ok(());
    };
    let names: Vec<String> = profiles.keys().map(|k| k.get_ref().to_string()).collect();
    match profiles.remove(name.as_str()).map(Spanned::into_inner) {
        Some(DeValue::Table(over)) => {
            merge(root.get_mut(), over);
            Ok(())
        }
        Some(_) | None => {
            let known: Vec<&str> = names.iter().map(String::as_str).collect();
            Err(Flaw {
                span: span.clone(),
                message: format!("there is no profile `{name}`"),
                remedy: match nearest(name, &known) {
                    Some(near) => format!("did you mean `{near}`?"),
                    None if known.is_empty() => format!("add a table `[profiles.{name}]`"),
                    None => format!("known: {}", known.join(", ")),
                },
            })
        }
    }
}

/// Tables are merged, anything else is replaced.
fn merge<'i>(base: &mut DeTable<'i>, over: DeTable<'i>) {
    for (key, value) in over {
        match (base.get_mut(key.get_ref().as_ref()), value) {
            (Some(old), new) if old.get_ref().is_table() && new.get_ref().is_table() => {
                if let (DeValue::Table(old), DeValue::Table(new)) =
                    (old.get_mut(), new.into_inner())
                {
                    merge(old, new);
                }
            }
            (_, new) => {
                base.remove(key.get_ref().as_ref());
                base.insert(key, new);
            }
        }
    }
}

/// The setting that stands at this place of the text, or whose value does.
pub fn setting_at(table: &DeTable<'_>, at: usize) -> Option<Vec<String>> {
    let mut here = None;
    for (key, value) in table {
        let name = || key.get_ref().to_string();
        let inner = value.get_ref().as_table();
        if let Some(mut path) = inner.and_then(|inner| setting_at(inner, at)) {
            path.insert(0, name());
            return Some(path);
        }
        if key.span().contains(&at) || value.span().contains(&at) {
            here = Some(vec![name()]);
        }
    }
    here
}

/// Takes a setting out.
pub fn remove(table: &mut DeTable<'_>, path: &[String]) {
    match path {
        [] => {}
        [last] => {
            table.remove(last.as_str());
        }
        [head, rest @ ..] => {
            if let Some(inner) = inner(table, head) {
                remove(inner, rest);
            }
        }
    }
}

/// Where a setting's value stands in the text.
pub fn span_of(table: &DeTable<'_>, path: &str) -> Option<Range<usize>> {
    let (head, rest) = match path.split_once('.') {
        Some((head, rest)) => (head, Some(rest)),
        None => (path, None),
    };
    let value = table.get(head)?;
    match rest {
        None => Some(value.span()),
        Some(rest) => span_of(value.get_ref().as_table()?, rest),
    }
}

/// Puts a variable's value at its place: as TOML where it is some, else as text. With `literal` only
/// a table (a secret's `{ env = … }`) is read as TOML.
pub fn set<'i>(
    table: &mut DeTable<'i>,
    path: &[String],
    value: &'i str,
    literal: bool,
) -> Result<(), Flaw> {
    let [head, rest @ ..] = path else {
        return Ok(());
    };
    if rest.is_empty() {
        let text = || Spanned::new(0..0, DeValue::String(value.into()));
        let new = match DeValue::parse(value) {
            Ok(new) if !literal || new.get_ref().is_table() => new,
            _ => text(),
        };
        table.remove(head.as_str());
        table.insert(Spanned::new(0..0, head.clone().into()), new);
        return Ok(());
    }
    if !table.contains_key(head.as_str()) {
        let empty = Spanned::new(0..0, DeValue::Table(DeTable::new()));
        table.insert(Spanned::new(0..0, head.clone().into()), empty);
    }
    match table.get_mut(head.as_str()).map(Spanned::get_mut) {
        Some(DeValue::Table(inner)) => set(inner, rest, value, literal),
        _ => Err(Flaw {
            span: None,
            message: format!("`{head}` is no section"),
            remedy: "write EVTOP_SECTION__SETTING".to_owned(),
        }),
    }
}

/// The table under a key.
pub fn inner<'t, 'i>(table: &'t mut DeTable<'i>, key: &str) -> Option<&'t mut DeTable<'i>> {
    match table.get_mut(key)?.get_mut() {
        DeValue::Table(inner) => Some(inner),
        _ => None,
    }
}
