//! However it ends, the terminal is the person's again, and nothing of it is left.

use std::fs::{self, File};
use std::time::SystemTime;

use super::pty::{Ended, Pty};
use super::{QUIET, home, joined};

#[track_caller]
fn given_back(ended: &Ended) {
    assert!(!ended.alternate_screen, "{}", ended.text);
    assert!(!ended.cursor_hidden, "the cursor is shown");
    assert!(!ended.bracketed_paste, "pastes are plain again");
    assert!(ended.cooked, "raw mode is off");
}

#[track_caller]
fn in_order(pty: &mut Pty) {
    let ended = pty.ended();
    given_back(&ended);
    assert_eq!(ended.code, 0, "{}", ended.text);
    assert!(ended.text.contains("drained in"), "{}", ended.text);
    assert!(ended.text.contains("the outbox is empty"), "{}", ended.text);
    assert_eq!(pty.folders(), Vec::<std::path::PathBuf>::new());
}

fn lively() -> Pty {
    let mut pty = Pty::start();
    joined(&mut pty);
    assert_eq!(pty.folders().len(), 1);
    pty
}

#[test]
fn q_quits() {
    let mut pty = lively();
    pty.keys("q");
    in_order(&mut pty);
}

#[test]
fn ctrl_c_quits() {
    let mut pty = lively();
    pty.keys("\x03");
    in_order(&mut pty);
}

#[test]
fn it_quits_before_it_has_connected() {
    let mut pty = Pty::start();
    pty.wait_text("1 Flow");
    pty.keys("q");
    let ended = pty.ended();
    given_back(&ended);
    assert_eq!(ended.code, 0, "{}", ended.text);
    assert_eq!(pty.folders(), Vec::<std::path::PathBuf>::new());
}

#[test]
fn signals_end_it_in_order() {
    for name in ["INT", "TERM", "HUP"] {
        let mut pty = lively();
        pty.signal(name);
        in_order(&mut pty);
    }
}

#[test]
fn a_panic_on_the_screens_thread_gives_the_terminal_back_first() {
    let mut pty = Pty::with(&[], &[("EVTOP_FAILPOINT", "ui.draw:4=panic")]);
    let ended = pty.ended();
    given_back(&ended);
    assert_eq!(ended.code, 101);
    assert!(ended.text.contains("failpoint ui.draw"), "{}", ended.text);
    assert_eq!(pty.folders(), Vec::<std::path::PathBuf>::new());
}

#[test]
fn a_workers_panic_leaves_the_screen_alone() {
    let home = home(&QUIET.replace("orders_per_s = 0.0", "orders_per_s = 5.0"));
    let env = [("EVTOP_FAILPOINT", "worker.batch:6=panic")];
    let mut pty = Pty::at_home(home, (140, 42), &[], &env);
    pty.keys("9");
    pty.wait_text("failpoint worker.batch");
    pty.keys("3");
    // The consumer is started again in sight, and goes on.
    joined(&mut pty);
    let restarted = |text: &str| text.contains("restart") || text.contains("broke off");
    pty.wait_for("a word of it", |s| restarted(&s.contents()));
    assert!(pty.look(vt100::Screen::alternate_screen));
    assert!(!pty.cooked());
    let raw = String::from_utf8_lossy(&pty.raw()).into_owned();
    assert!(!raw.contains("The application panicked"));
    pty.keys("q");
    in_order(&mut pty);
}

#[test]
fn what_a_killed_one_left_is_swept() {
    let home = home(QUIET);
    let left = home.path().join("tmp/evtop-embedded-killed");
    fs::create_dir_all(&left).unwrap();
    File::create(left.join("lock")).unwrap();
    fs::write(left.join("evtop.db"), "old").unwrap();
    // Nobody's lock, but old; and something that is none of ours.
    let half = home.path().join("tmp/evtop-embedded-half");
    fs::create_dir_all(&half).unwrap();
    let half_made = File::open(&half).unwrap();
    half_made.set_modified(SystemTime::UNIX_EPOCH).unwrap();
    fs::create_dir_all(home.path().join("tmp/other")).unwrap();
    let mut pty = Pty::at_home(home, (140, 42), &[], &[]);
    joined(&mut pty);
    assert!(!left.exists() && !half.exists());
    assert_eq!(pty.folders().len(), 2);
    pty.signal("KILL");
    pty.ended();
    assert_eq!(pty.folders().len(), 2, "a kill leaves its folder");
    let mut next = Pty::at_home(pty.take_home(), (140, 42), &[], &[]);
    joined(&mut next);
    assert_eq!(next.folders().len(), 2, "its folder, and the other");
    next.keys("q");
    assert_eq!(next.ended().code, 0);
    assert_eq!(next.folders().len(), 1);
}
