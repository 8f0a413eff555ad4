//! Places where a test may stop this process to kill it there. In a release build there are none.
//!
//! `EVTOP_FAILPOINT=name` or `name:N` parks the N-th passage forever, after writing the name to the
//! file that `EVTOP_FAILPOINT_FILE` names; `name=panic` panics there instead.

/// Passes the place called `name`, unless a test asked to stop here.
#[cfg(not(debug_assertions))]
#[inline]
pub fn pass(_: &str) {}

/// Passes the place called `name`, unless a test asked to stop here.
#[cfg(debug_assertions)]
pub fn pass(name: &str) {
    use std::sync::OnceLock;
    use std::sync::atomic::{AtomicU32, Ordering};

    struct Wanted {
        name: String,
        left: AtomicU32,
        panic: bool,
    }
    static WANTED: OnceLock<Option<Wanted>> = OnceLock::new();
    let wanted = WANTED.get_or_init(|| {
        let text = std::env::var("EVTOP_FAILPOINT").ok()?;
        let (text, panic) = match text.strip_suffix("=panic") {
            Some(text) => (text.to_owned(), true),
            None => (text, false),
        };
        let (name, left) = text.split_once(':').unwrap_or((&text, "1"));
        Some(Wanted {
            name: name.to_owned(),
            left: AtomicU32::new(left.parse().unwrap_or(1)),
            panic,
        })
    });
    let Some(wanted) = wanted else { return };
    if wanted.name != name || wanted.left.fetch_sub(1, Ordering::SeqCst) != 1 {
        return;
    }
    assert!(!wanted.panic, "failpoint {name}");
    if let Ok(file) = std::env::var("EVTOP_FAILPOINT_FILE") {
        let _ = std::fs::write(file, name);
    }
    loop {
        std::thread::park();
    }
}
