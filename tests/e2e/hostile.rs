//! What came over the wire never reaches the terminal as it is.

use std::collections::BTreeMap;
use std::time::Duration;

use evtop::domain::record::NewRecord;
use evtop::kafka::KafkaSettings;
use evtop::kafka::producer::Producer;

use super::pty::{PATIENCE, Pty};
use super::{QUIET, letters, quiet};

/// Each would do something to a terminal that saw it raw.
const EVIL: [&str; 6] = [
    "\x1b]0;pwned\x07",
    "\x1b[31mEVIL",
    "\x1bP+q544e\x1b\\EVIL",
    "\u{9b}2JEVIL",
    "\x1b]52;c;RVZJTA==\x07",
    "\rEVIL\x08\x08\u{202e}LIVE",
];

fn brokers(pty: &Pty) -> String {
    let began = evtop::clock::instant();
    loop {
        let folder = pty.folders().pop().unwrap();
        if let Ok(text) = std::fs::read_to_string(folder.join("attach.toml")) {
            let table: toml::Table = text.parse().unwrap();
            return table["kafka"]["brokers"].as_str().unwrap().to_owned();
        }
        assert!(began.elapsed() < PATIENCE, "no attach file");
        std::thread::sleep(Duration::from_millis(20));
    }
}

fn records() -> Vec<NewRecord> {
    let evil = EVIL.concat();
    let quoted = serde_json::to_string(&evil).unwrap();
    // An id in the key is shown everywhere; a valid order carries it in names and addresses.
    let valid = format!(
        r#"{{"event_type":"OrderCreated","event_version":2,"event_id":"0191e0a0-0000-7000-8000-000000000001",
        "timestamp":"2026-05-01T12:00:00Z","source_service":{quoted},"correlation_id":"0191e0a0-0000-7000-8000-000000000002",
        "aggregate_id":"ORD-1","data":{{"order_id":"ORD-1","customer_id":{quoted},"customer_email":"a@example.com",
        "items":[{{"product_id":"P-01","product_name":{quoted},"quantity":1,"price":"1.00"}}],"total_amount":"1.00","currency":"USD"}},
        "metadata":{{"note":{quoted}}}}}"#
    );
    let unknown = format!(r#"{{"event_type":{quoted},"data":{{"order_id":{quoted}}}}}"#);
    let values = [evil.clone(), valid, unknown, format!("{{{quoted}: ")];
    values
        .into_iter()
        .enumerate()
        .map(|(n, value)| NewRecord {
            topic: "order-events".into(),
            partition: None,
            // One key each, or the others would wait behind the first.
            key: Some(format!("{evil}{n}").into_bytes()),
            value: Some(value.into_bytes()),
            headers: vec![
                (evil.clone(), Some(evil.clone().into_bytes())),
                ("event_type".into(), Some(evil.clone().into_bytes())),
            ],
        })
        .collect()
}

#[test]
fn control_sequences_are_shown_and_never_sent() {
    let mut pty = quiet(QUIET);
    let settings = KafkaSettings {
        brokers: brokers(&pty),
        client_id: "hostile".into(),
        embedded: true,
        properties: BTreeMap::new(),
        producer: BTreeMap::new(),
        consumer: BTreeMap::new(),
        timeout: Duration::from_secs(10),
    };
    let runtime = tokio::runtime::Runtime::new().unwrap();
    let producer = Producer::new(&settings).unwrap();
    for sent in runtime.block_on(producer.send_all(&records())) {
        sent.unwrap();
    }
    pty.wait_for("letters", |s| letters(&s.contents()) >= 6);
    // Everywhere, and into every row.
    for screen in ["1", "2", "3", "4", "5", "6", "8", "9"] {
        pty.keys(screen);
        for key in ["\r", "j", "\r", "j", "\r", "v", "G", "\r"] {
            pty.keys(key);
        }
    }
    // `v` has gone to the archived ones.
    pty.keys("5");
    pty.keys("v");
    pty.wait_text("␛");
    pty.keys("\r\r");
    pty.keys("/EVIL\r");
    pty.wait_text("only rows with");
    for size in [(80, 24), (40, 12), (200, 50)] {
        pty.resize(size.0, size.1);
        pty.wait_for("frame", |s| {
            s.rows(0, size.0).count() == usize::from(size.1) && s.contents().contains('␛')
        });
    }
    pty.keys("q");
    let ended = pty.ended();
    assert_eq!(ended.code, 0, "{}", ended.text);
    let raw = pty.raw();
    for evil in EVIL {
        let found = raw.windows(evil.len()).any(|w| w == evil.as_bytes());
        assert!(!found, "{evil:?} reached the terminal");
    }
    // Of escape sequences there are only those that move, colour and switch modes.
    let text = String::from_utf8(raw).unwrap();
    for (at, _) in text.match_indices('\x1b') {
        let rest = &text[at + 1..];
        assert!(
            rest.starts_with('['),
            "ESC {:?}",
            &rest[..rest.len().min(8)]
        );
        let ends = rest[1..].find(|c: char| ('@'..='~').contains(&c)).unwrap();
        let last = rest.as_bytes()[1 + ends];
        assert!(
            b"mHhlJKABCDGdX".contains(&last),
            "CSI {:?}",
            &rest[..ends + 2]
        );
    }
    for c in text.chars() {
        let fine = !c.is_control() || matches!(c, '\x1b' | '\r' | '\n');
        assert!(fine && c != '\u{202e}', "{c:?} reached the terminal");
    }
}
