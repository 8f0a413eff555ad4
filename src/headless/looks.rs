//! `evtop config keys` and `config themes`: what each key means here, and what each theme looks like to
//! eyes that see less.

use std::io::{self, Write};

use serde_json::{Value, json};

use super::json;
use super::table::{Table, UNKNOWN};
use crate::tui::action::TABLE;
use crate::tui::contrast::{Contrast, MARKS, contrasts};
use crate::tui::keymap::Keymap;
use crate::tui::theme::{BUILT_IN, Theme};

const KEYS: &[(&str, bool)] = &[
    ("ACTION", false),
    ("KEYS", false),
    ("WHERE", false),
    ("WHAT", false),
    ("BY DEFAULT", false),
];

/// A row for each action: its name in `[keys]`, its keys, and what they were before somebody changed them.
pub fn key_rows(keys: &Keymap, json: bool, out: &mut (impl Write + ?Sized)) -> io::Result<()> {
    let mut rows = Vec::new();
    let defaults = Keymap::default();
    for row in TABLE {
        let named = |keys: &Keymap| -> Vec<String> {
            let keys = keys.keys(row.action);
            keys.iter().map(ToString::to_string).collect()
        };
        let (bound, default) = (named(keys), named(&defaults));
        let screens: Vec<&str> = row.screens.iter().map(|s| s.tab().1).collect();
        let changed = bound != default;
        if json {
            let object = json!({
                "action": row.name,
                "keys": bound,
                "screens": screens,
                "help": row.help,
                "writes": row.writes,
                "default": default,
                "changed": changed,
            });
            json::line(&object, out)?;
            continue;
        }
        let place = match screens.as_slice() {
            [] => "everywhere".to_owned(),
            screens => screens.join(", "),
        };
        let before = if changed {
            default.join(" ")
        } else {
            String::new()
        };
        let bound = match bound.as_slice() {
            [] => "none".to_owned(),
            keys => keys.join(" "),
        };
        rows.push(vec![
            row.name.to_owned(),
            bound,
            place,
            row.help.to_owned(),
            before,
        ]);
    }
    if json {
        return Ok(());
    }
    Table::new(KEYS).write(rows, out)
}

const THEMES: &[(&str, bool)] = &[
    ("THEME", false),
    ("FROM", false),
    ("TEXT ≥ 4.5", true),
    ("MARKS ≥ 3", true),
    ("LEAST READABLE", false),
    ("", false),
];

/// A row for each theme that is built in, and for the one in force where that is a file, with its least
/// contrast.
pub fn theme_rows(in_force: &Theme, json: bool, out: &mut (impl Write + ?Sized)) -> io::Result<()> {
    let mut themes = Vec::new();
    for (name, _) in BUILT_IN {
        themes.push(("built in", Theme::built_in(name).map_err(io::Error::other)?));
    }
    if BUILT_IN.iter().all(|(name, _)| *name != in_force.name) {
        themes.push(("file", in_force.clone()));
    }
    let mut rows = Vec::new();
    for (from, theme) in themes {
        let all = contrasts(&theme);
        let current = theme.name == in_force.name;
        if json {
            let roles: Vec<Value> = all.iter().map(object).collect();
            let object = json!({
                "theme": theme.name,
                "from": from,
                "in_force": current,
                "enough": enough(&all),
                "contrast": roles,
            });
            json::line(&object, out)?;
            continue;
        }
        rows.push(vec![
            theme.name.clone(),
            from.to_owned(),
            least(&all, |c| c.least > MARKS),
            least(&all, |c| c.least <= MARKS),
            worst(&all),
            if current { "in force" } else { "" }.to_owned(),
        ]);
    }
    if json {
        return Ok(());
    }
    Table::new(THEMES).write(rows, out)
}

fn object(c: &Contrast) -> Value {
    json!({
        "role": c.role.name(),
        "on": c.on.name(),
        "ratio": c.ratio.map(|ratio| (ratio * 100.0).round() / 100.0),
        "least": c.least,
        "enough": c.enough(),
    })
}

/// Whether all of it can be read; unknown where a colour is the terminal's own.
fn enough(all: &[Contrast]) -> Option<bool> {
    if all.iter().any(|c| c.enough() == Some(false)) {
        return Some(false);
    }
    all.iter().all(|c| c.enough().is_some()).then_some(true)
}

fn least(all: &[Contrast], of: impl Fn(&Contrast) -> bool) -> String {
    let ratios = all.iter().filter(|c| of(c)).filter_map(|c| c.ratio);
    let least = ratios.min_by(f64::total_cmp);
    least.map_or_else(|| UNKNOWN.to_owned(), |ratio| format!("{ratio:.1}"))
}

/// The role that is read least well for what it is, or that the terminal decides.
fn worst(all: &[Contrast]) -> String {
    let share = |c: &Contrast| c.ratio.map(|ratio| ratio / c.least);
    let known = all.iter().filter(|c| c.ratio.is_some());
    let worst = known.min_by(|a, b| {
        let (a, b) = (share(a).unwrap_or(f64::MAX), share(b).unwrap_or(f64::MAX));
        a.total_cmp(&b)
    });
    let Some(worst) = worst else {
        return "the terminal's own colours".to_owned();
    };
    let verdict = match worst.enough() {
        Some(false) => " (too little)",
        _ => "",
    };
    format!("{} on {}{verdict}", worst.role.name(), worst.on.name())
}
