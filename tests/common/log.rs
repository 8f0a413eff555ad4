//! The program's own log beside a test's output, where EVTOP_LOG names a filter: `EVTOP_LOG=evtop=debug`.

pub fn begin() {
    if let Ok(filter) = std::env::var("EVTOP_LOG") {
        let _ = tracing_subscriber::fmt()
            .with_env_filter(filter)
            .with_test_writer()
            .try_init();
    }
}
