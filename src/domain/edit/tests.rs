use super::*;
use crate::domain::letter::fixture::letter;

const NEW: Uuid = Uuid::from_u128(99);

fn header(name: &str, value: &str) -> (String, Option<Vec<u8>>) {
    (name.to_owned(), Some(value.as_bytes().to_vec()))
}

fn told<'a>(headers: &'a Headers, name: &str) -> Option<&'a str> {
    crate::domain::record::header_text(headers, name)
}

const CANCELLED: &str = r#""order_id":"ORD-1","reason":"late""#;

#[test]
fn every_shape_becomes_an_event_of_the_new_id() {
    let old = Uuid::from_u128(1);
    let cloud = [
        header("ce_specversion", "1.0"),
        header("ce_id", "a"),
        header("ce_type", "OrderCancelled"),
        header("ce_source", "x"),
    ];
    let camel = format!(
        r#"{{"eventId":"{old}","eventType":"OrderCancelled","data":{{{CANCELLED}}},"checksum":"stale"}}"#
    );
    let shapes = [
        (
            format!(
                r#"{{"event_id":"{old}","event_type":"OrderCancelled","event_version":1,"data":{{{CANCELLED}}}}}"#
            ),
            vec![header("event_id", &old.to_string())],
        ),
        (camel, vec![]),
        (
            format!(r#"{{"type":"order.cancelled",{CANCELLED}}}"#),
            vec![],
        ),
        (
            format!(
                r#"{{"specversion":"1.0","id":"1","source":"x","type":"OrderCancelled","data":{{{CANCELLED}}}}}"#
            ),
            vec![],
        ),
        (format!("{{{CANCELLED}}}"), cloud.to_vec()),
    ];
    for (text, headers) in shapes {
        let it = letter("email-service");
        let sent = renewed(&it, &headers, None, &text, NEW);
        let (value, headers) = sent.unwrap_or_else(|why| panic!("{text}: {why}"));
        let text = String::from_utf8(value).unwrap();
        let read = reader::read(&record(&it, &headers, &text), &Limits::default()).unwrap();
        assert_eq!(read.envelope.event_id, NEW, "{text}");
        assert_eq!(told(&headers, EDIT_OF), Some(old.to_string().as_str()));
    }
}

#[test]
fn what_would_fail_again_is_not_sent() {
    let it = letter("email-service");
    let bad = |text: &str| renewed(&it, &Vec::new(), None, text, NEW).unwrap_err();
    let why = bad("{\n \"event_type\": oops\n}");
    assert!(why.contains("line 2"), "{why}");
    let why = bad(r#"{"event_type":"OrderCancelled","data":{"order_id":"ORD-1"}}"#);
    assert!(why.contains("reason"), "{why}");
    let verdict = judge(&it, &Vec::new(), None, "{\"a\":}");
    let Verdict::Bad { at: Some(at), .. } = verdict else {
        panic!("{verdict:?}");
    };
    assert_eq!((at.line, at.column), (1, 6));
    // A text that is not closed is wrong behind its last character, not before the next line.
    let verdict = judge(&it, &Vec::new(), None, "{\n \"a\": \"b\n}");
    let Verdict::Bad { at: Some(at), .. } = verdict else {
        panic!("{verdict:?}");
    };
    assert_eq!((at.line, at.column), (2, 9));
}

#[test]
fn another_programs_value_keeps_its_bytes() {
    let it = letter("shop-mailer");
    let text = "{ \"n\": 1E5 }";
    let (value, headers) = renewed(&it, &Vec::new(), Some(b"{}"), text, NEW).unwrap();
    assert_eq!(value, text.as_bytes());
    assert!(told(&headers, EDIT_OF).is_some());
    assert_eq!(judge(&it, &Vec::new(), Some(b"a;b"), "a;c"), Verdict::Text);
    assert!(judge(&it, &Vec::new(), Some(b"{}"), "a;c").is_bad());
}

#[test]
fn a_path_is_set_and_a_wrong_one_is_named() {
    let text = r#"{"data":{"items":[{"quantity":0}]},"big":12345678901234567890.10}"#;
    let text = set(text, "data.items.0.quantity=2").unwrap();
    let text = set(&text, "data.note=soon").unwrap();
    let value: Value = serde_json::from_str(&text).unwrap();
    assert_eq!(value["data"]["items"][0]["quantity"], 2);
    assert_eq!(value["data"]["note"], "soon");
    assert!(text.contains("12345678901234567890.10"), "{text}");
    let why = set(&text, "data.items.7.quantity=2").unwrap_err();
    assert!(why.contains("data.items.7"), "{why}");
    assert!(set(&text, "nothing").is_err());
}

#[test]
fn a_diff_shows_what_changed_and_nothing_else() {
    let lines = diff("a\nb\nc\nd", "a\nx\nc\nd\ne");
    use Line::{Gone, New, Same};
    assert_eq!(
        lines,
        [
            Same("a"),
            Gone("b"),
            New("x"),
            Same("c"),
            Same("d"),
            New("e")
        ]
    );
    assert!(diff("a", "a").iter().all(|line| matches!(line, Same(_))));
}

#[test]
fn bytes_that_are_no_text_are_not_edited() {
    let body = |value: Option<&[u8]>| LetterBody {
        value: value.map(<[u8]>::to_vec),
        headers: Headers::new(),
    };
    assert!(editable(&body(None)).is_err());
    assert!(
        editable(&body(Some(b"ok \xff")))
            .unwrap_err()
            .contains("byte 3")
    );
    assert_eq!(
        editable(&body(Some(b"{\"a\":1.10}"))).unwrap(),
        "{\n  \"a\": 1.10\n}"
    );
    assert_eq!(editable(&body(Some(b"{oops"))).unwrap(), "{oops");
}
