//! What outlives the program: theme, sorting, filters and folds, in one file that is never trusted.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

mod common;

use std::path::{Path, PathBuf};

use common::{fixtures, keys, role_theme};
use evtop::command::Screen;
use evtop::domain::filter::Filter;
use evtop::tui::action::Action;
use evtop::tui::app::App;
use evtop::tui::lag_rows::LagKey;
use evtop::tui::sort::{List, Sort};
use evtop::tui::theme::Theme;
use evtop::tui::{Memory, Settings};
use tempfile::TempDir;

const SIZE: (u16, u16) = (140, 42);

fn file(home: &TempDir) -> PathBuf {
    home.path().join("state/evtop/screen.json")
}

/// A screen as it begins with what is in the file.
fn begin(file: &Path, stack: &str, named: Option<&str>) -> (App, Memory) {
    let theme = named.map_or_else(role_theme, |name| Theme::built_in(name).unwrap());
    let mut settings = Settings::with(theme);
    let memory = Memory::open(file.to_owned(), stack, fixtures::now());
    settings.remember(memory.clone(), named.is_some());
    let mut app = App::new(&settings, SIZE);
    app.on_snapshot(fixtures::failing().into());
    (app, memory)
}

#[test]
fn what_was_chosen_is_found_again() {
    let home = tempfile::tempdir().unwrap();
    let file = file(&home);
    let (mut app, mut memory) = begin(&file, "lab", None);
    keys(&mut app, "2 s s g left / m a i l enter 5 s S");
    keys(&mut app, "t j enter");
    let theme = app.theme.name.clone();
    memory.keep(&app);
    let (again, memory) = begin(&file, "lab", None);
    assert_eq!(again.theme.name, theme);
    let by = |column, down| Some(Sort { column, down });
    assert_eq!(again.sort(List::Lag), by(1, true));
    assert_eq!(again.sort(List::Causes), by(0, true));
    assert_eq!(again.sort(List::Letters), None);
    assert_eq!(again.filter(Screen::Lag), "mail");
    assert_eq!(again.filter(Screen::Letters), "");
    assert_eq!(again.lag.by_hand, app.lag.by_hand);
    let (row, open) = again.lag.by_hand.first_key_value().unwrap();
    assert!(matches!(row, LagKey::Group(_)) && !open, "{row:?}");
    assert!(!again.is_unfolded(row, true));
    assert!(memory.remembered().stacks.contains_key("lab"));

    // Another stack has rows of its own; theme and sorting are the person's.
    let (mut other, mut memory) = begin(&file, "production", None);
    assert_eq!(other.filter(Screen::Lag), "");
    assert!(other.lag.by_hand.is_empty());
    assert_eq!(
        (&other.theme.name, other.sort(List::Lag)),
        (&theme, by(1, true))
    );
    keys(&mut other, "2 / x enter");
    memory.keep(&other);
    assert_eq!(begin(&file, "lab", None).0.filter(Screen::Lag), "mail");
    assert_eq!(begin(&file, "production", None).0.filter(Screen::Lag), "x");
}

/// "ago" in a remembered filter counts from when it comes back, also before the first snapshot.
#[test]
fn a_remembered_time_works_from_the_start() {
    let home = tempfile::tempdir().unwrap();
    let file = file(&home);
    let (mut app, mut memory) = begin(&file, "lab", None);
    keys(&mut app, "5 / b e f o r e = 1 d enter");
    keys(&mut app, "9 / a f t e r = 1 h enter");
    memory.keep(&app);

    let later = fixtures::now() + chrono::TimeDelta::days(3);
    let mut settings = Settings::with(role_theme());
    settings.remember(Memory::open(file.clone(), "lab", later), false);
    settings.screen = Screen::Letters;
    let mut again = App::new(&settings, SIZE);
    let wanted = |text: &str| Filter::parse(text).unwrap().at(later);
    assert_eq!(again.filter(Screen::Letters), "before=1d");
    assert_eq!(again.focus().letters.filter, wanted("before=1d"));
    again.on_snapshot(fixtures::failing().into());
    assert_eq!(again.focus().letters.filter, wanted("before=1d"));
    // What is asked is what whole-cause actions wait for.
    assert!(again.why_not(Action::ArchiveMany).is_some());
    assert_eq!(*again.sieve(Screen::Activity).filter(), wanted("after=1h"));
    assert!(again.operations().is_empty(), "all of it is three days old");
    // One that can't be read any more says so and hides nothing.
    let odd = r#"{"stacks":{"lab":{"filters":{"outbox":"group=a"}}}}"#;
    std::fs::write(&file, odd).unwrap();
    let app = begin(&file, "lab", None).0;
    assert!(app.sieve(Screen::Outbox).error().is_some());
    assert!(app.sieve(Screen::Outbox).filter().is_empty());
}

#[test]
fn a_theme_that_is_named_wins_over_a_remembered_one() {
    let home = tempfile::tempdir().unwrap();
    let file = file(&home);
    std::fs::create_dir_all(file.parent().unwrap()).unwrap();
    std::fs::write(&file, r#"{"theme":"dark"}"#).unwrap();
    assert_eq!(begin(&file, "lab", None).0.theme.name, "dark");
    let (app, mut memory) = begin(&file, "lab", Some("light"));
    assert_eq!(app.theme.name, "light");
    memory.keep(&app);
    assert_eq!(
        begin(&file, "lab", None).0.theme.name,
        "dark",
        "it was not chosen"
    );
    std::fs::write(&file, r#"{"theme":"gone"}"#).unwrap();
    assert_eq!(begin(&file, "lab", Some("light")).0.theme.name, "light");
}

#[test]
fn a_file_that_is_none_of_ours_is_left_out() {
    let home = tempfile::tempdir().unwrap();
    let file = file(&home);
    std::fs::create_dir_all(file.parent().unwrap()).unwrap();
    let large = " ".repeat(2 << 20);
    for text in [
        "",
        "{",
        "[]",
        "\u{0}\u{1b}[31m",
        r#"{"windows":{"left":3}}"#,
        r#"{"theme":7}"#,
        r#"{"sorts":{"lag":[-1,true]}}"#,
        &large,
    ] {
        std::fs::write(&file, text).unwrap();
        let (app, _) = begin(&file, "lab", None);
        assert_eq!(app.sort(List::Lag), None, "{text:.40}");
    }
    // What means nothing here is left out, and the rest holds.
    let odd = r#"{"sorts":{"lag":[99,true],"nothing":[0,true],"causes":[1,false]}}"#;
    std::fs::write(&file, odd).unwrap();
    let (mut app, mut memory) = begin(&file, "lab", None);
    assert_eq!(app.sort(List::Lag), None);
    assert_eq!(app.sort(List::Causes).map(|s| s.column), Some(1));
    // A broken one is replaced by the next choice.
    std::fs::write(&file, "{").unwrap();
    keys(&mut app, "2 s");
    memory.keep(&app);
    assert!(begin(&file, "lab", None).0.sort(List::Lag).is_some());
}

#[cfg(unix)]
#[test]
fn only_its_owner_reads_it_and_it_is_replaced_whole() {
    use std::os::unix::fs::PermissionsExt;
    let home = tempfile::tempdir().unwrap();
    let file = file(&home);
    let (mut app, mut memory) = begin(&file, "lab", None);
    memory.keep(&app);
    assert!(!file.exists(), "nothing was chosen");
    for pressed in ["2 s", "s", "S"] {
        keys(&mut app, pressed);
        memory.keep(&app);
        let mode = std::fs::metadata(&file).unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o600);
    }
    let folder = std::fs::read_dir(file.parent().unwrap()).unwrap();
    assert_eq!(folder.count(), 1, "nothing is left beside it");
    // Where nothing can be written, the screen goes on.
    let (mut app, mut memory) = begin(&file.join("below/a/file"), "lab", None);
    keys(&mut app, "2 s");
    memory.keep(&app);
    assert!(app.sort(List::Lag).is_some());
}
