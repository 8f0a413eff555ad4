//! The keys themselves: each action has its own, and they can be bound anew.

use super::*;

#[test]
fn the_default_keys_have_no_conflict_and_each_action_one_row() {
    assert_eq!(Keymap::default().check(), Ok(()));
    let names: BTreeSet<_> = TABLE.iter().map(|row| row.name).collect();
    assert_eq!(names.len(), TABLE.len());
    for row in TABLE {
        let mine = TABLE.iter().filter(|other| other.action == row.action);
        assert_eq!(mine.count(), 1, "{}", row.name);
        for key in row.keys {
            let read: Key = key.parse().expect("a key");
            assert_eq!(&read.to_string().parse::<Key>(), &Ok(read));
        }
    }
}

#[test]
fn every_action_is_reached_by_each_of_its_keys() {
    let map = Keymap::default();
    for row in TABLE {
        assert!(!row.keys.is_empty(), "{} has no key", row.name);
        let screens = if row.screens.is_empty() {
            &Screen::ALL[..]
        } else {
            row.screens
        };
        for key in row.keys {
            let key = key.parse().expect("a key");
            let reached = screens
                .iter()
                .any(|s| map.action(*s, key) == Some(row.action));
            assert!(reached, "{} by {key}", row.name);
        }
    }
}

#[test]
fn keys_can_be_bound_anew_and_conflicts_name_both() {
    let map = Keymap::patched([("redrive", vec!["ctrl-r".into(), "f5".into()])]).expect("fine");
    let key = "f5".parse().expect("a key");
    assert_eq!(map.action(Screen::Letters, key), Some(Action::Redrive));
    let clash = Keymap::patched([("redrive", vec!["x".into()])]);
    let Err(KeyError::Conflict { first, second, .. }) = clash else {
        panic!("{clash:?}");
    };
    assert_eq!((first, second), ("redrive", "mark"));
    let shadow = Keymap::patched([("pause", vec!["q".into()])]);
    let Err(KeyError::Conflict { first, second, .. }) = shadow else {
        panic!("a screen's own key hides a global one: {shadow:?}");
    };
    assert_eq!((first, second), ("pause", "quit"));
    let never = Keymap::patched([
        ("quit", vec!["q".into()]),
        ("redrive", vec!["ctrl-c".into()]),
    ]);
    assert!(never.is_err(), "ctrl-c always quits");
    let elsewhere = Keymap::patched([("pause", vec!["x".into()])]);
    assert!(
        elsewhere.is_ok(),
        "x means something on another screen only"
    );
    assert!(Keymap::patched([("fly", vec![])]).is_err());
    assert!(Keymap::patched([("redrive", vec!["hyper-q".into()])]).is_err());
}
