//! What a person feels of the whole program: time to the first frame, and what it costs while nobody
//! touches it and under load, with the embedded broker in the process. The real binary in a PTY; medians of its rounds.

#![expect(
    clippy::unwrap_used,
    clippy::print_stdout,
    reason = "a bench prints its figures and stops at the first failure"
)]

mod screen;

use std::time::Duration;

use screen::Running;

const STARTS: usize = 15;
const WARM: Duration = Duration::from_secs(10);
const WATCHED: Duration = Duration::from_secs(20);

fn start(traffic: &str) -> Running {
    Running::start(None, &[("EVTOP_TRAFFIC__ORDERS_PER_S", traffic)])
}

/// Share of a core in percent, resident MiB, bytes to the terminal a minute.
fn at_rest(traffic: &str) -> (f64, f64, f64) {
    let running = start(traffic);
    std::thread::sleep(WARM);
    while running.bytes.try_recv().is_ok() {}
    let pid = running.child.process_id().unwrap();
    let before = cpu(pid);
    std::thread::sleep(WATCHED);
    let used = cpu(pid) - before;
    let sent: usize = running.bytes.try_iter().map(|b| b.len()).sum();
    (
        used / WATCHED.as_secs_f64() * 100.0,
        running.resident(),
        sent as f64 * 60.0 / WATCHED.as_secs_f64(),
    )
}

/// Seconds on a core so far, of all threads: fields 14 and 15 of /proc/PID/stat, in 1/100 s.
fn cpu(pid: u32) -> f64 {
    let stat = std::fs::read_to_string(format!("/proc/{pid}/stat")).unwrap();
    let fields: Vec<&str> = stat
        .rsplit_once(')')
        .unwrap()
        .1
        .split_whitespace()
        .collect();
    (fields[11].parse::<f64>().unwrap() + fields[12].parse::<f64>().unwrap()) / 100.0
}

fn main() {
    // `cargo test --benches` only wants to know that it starts.
    if std::env::args().any(|arg| arg == "--test") {
        println!("first frame: {:.1} ms", start("0").first_frame());
        return;
    }
    let mut frames: Vec<f64> = (0..STARTS).map(|_| start("0").first_frame()).collect();
    frames.sort_by(f64::total_cmp);
    println!(
        "first frame           {:6.1} ms    ({:.1} to {:.1} in {STARTS} starts)",
        frames[STARTS / 2],
        frames[0],
        frames[STARTS - 1]
    );
    for (name, traffic) in [
        ("at rest, no orders", "0"),
        ("at rest, 3 orders/s", "3"),
        ("busy, 200 orders/s", "200"),
    ] {
        let (cpu, memory, bytes) = at_rest(traffic);
        println!(
            "{name:<22}{cpu:5.1} % of a core, {memory:.0} MiB, {:.1} KB a minute to the terminal",
            bytes / 1e3
        );
    }
}
