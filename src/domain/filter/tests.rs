//! Every kind of term, mistakes, and what holds for any text.

use proptest::prelude::*;

use super::*;

/// So many seconds after noon.
fn moment(seconds: i64) -> DateTime<Utc> {
    let noon: DateTime<Utc> = "2026-05-01T12:00:00Z".parse().expect("a time");
    noon + chrono::TimeDelta::seconds(seconds)
}

fn order() -> Fields<'static> {
    let value = r#"{"event_type":"OrderCreated","data":{"order_id":"ORD-1","total_amount":129.90,
        "paid":false,"note":null,"items":[{"product_id":"P-1"},{"product_id":"P-17"}],"tags":["new","big one"]}}"#;
    Fields {
        texts: vec!["ORD-1".into(), value.into(), "00-abc".into()],
        key: Some("ORD-1".into()),
        kind: Some("OrderCreated"),
        group: Some("email-service"),
        partition: Some(2),
        at: Some(moment(0)),
        value: serde_json::from_str(value).ok(),
        headers: vec![("Traceparent", "00-abc".into()), ("ce-type", "x.y".into())],
    }
}

fn holds(filter: &str) -> bool {
    Filter::parse(filter)
        .expect(filter)
        .at(moment(600))
        .holds(Row::Record(&order()))
}

#[test]
fn every_kind_of_term() {
    for filter in [
        "",
        "  ",
        "!",
        "ord-1",
        "ORD P-17",
        "key=ORD-1",
        "key=ord-*",
        "key=*-1",
        "key=*",
        "key=o*d*1",
        "type=OrderCreated",
        "type=order*",
        "group=email-*",
        "!group=billing",
        "partition=2",
        "after=11m",
        "before=9m !after=9m",
        "after=10m",
        "!before=10m",
        "after=12:00 before=12:00:01",
        "after=2026-05-01T11:59:59Z before=2026-05-01T14:01:00+02:00",
        "value.data.order_id=ORD-1",
        "value.data.total_amount=129.90",
        "value.data.paid=false",
        "value.data.note=null",
        "value.data.items.product_id=P-17",
        "value.data.items.1.product_id=P-17",
        "value.data.tags=\"big one\"",
        "value.data.tags.0=new",
        "header.traceparent=00-*",
        "header.ce-type=x.y",
        "~P-\\d\\d",
        "~\"big one\"",
        "\"big one\"",
        "!\"small one\"",
        "!key=ORD-2 !partition=1 type=*",
        "!!ord-1",
        "value=*ORD-1*",
        "\"!\"x !\"!\"y !key=",
    ] {
        let wanted = !filter.contains("\"!\"x");
        assert_eq!(holds(filter), wanted, "{filter}");
    }
    for filter in [
        "ord-2",
        "ord-1 ord-2",
        "!ord-1",
        "key=ORD",
        "key=",
        "type=Order",
        "partition=1",
        "before=10m",
        "before=12:00",
        "after=12:00:00.001",
        "!after=11m",
        "before=2026-05-01T12:00:00Z",
        "value.data.order_id=ORD",
        "value.data.items.0.product_id=P-17",
        "value.nothing=*",
        "value.data.items.7.product_id=P-17",
        "header.none=*",
        "~^nothing$",
        "!~P-\\d",
    ] {
        assert!(!holds(filter), "{filter}");
    }
}

#[test]
fn what_a_row_has_no_field_for_is_text() {
    let line = ["store", "retry key=ORD-1 error=Timeout"];
    for filter in [
        "key=ORD-1",
        "error=timeout",
        "error=TIMEOUT retry",
        "!partition=1",
        "~key=\\w+",
    ] {
        assert!(Filter::new(filter).passes(line), "{filter}");
    }
    assert!(!Filter::new("key=ORD-2").passes(line));
}

#[test]
fn a_time_is_a_bound_that_somebody_else_can_keep() {
    let between = |filter: &str| Filter::new(filter).at(moment(600)).between();
    let (from, to) = (Some(moment(0)), Some(moment(300)));
    assert_eq!(between("after=10m before=5m word"), (from, to));
    assert_eq!(between("!before=12:00 !after=12:05"), (from, to));
    assert_eq!(
        between("after=1h after=10m before=5m before=1s"),
        (from, to)
    );
    assert_eq!(between("word"), (None, None));
    let filter = Filter::new("after=1h Word type=X !not");
    let others = [Other::Word("word"), Other::Type("x"), Other::Else];
    assert_eq!(filter.others(), others);
}

#[test]
fn a_time_says_nothing_of_what_it_can_not_be_held_against() {
    let record = |at| Fields { at, ..order() };
    let counted = Filter::new("after=5m");
    let earlier = record(Some(moment(0)));
    assert!(
        counted.holds(Row::Record(&earlier)),
        "from when is not said yet"
    );
    assert!(!counted.at(moment(600)).holds(Row::Record(&earlier)));
    assert!(!Filter::new("after=2026-05-01T12:00:00Z").holds(Row::Record(&record(None))));
    assert!(
        Filter::new("after=5m").passes(["retry after=5m"]),
        "a line of a log"
    );
}

#[test]
fn a_mistake_is_a_sentence_with_the_remedy() {
    for (typed, word) in [
        ("\"open", "close it"),
        ("key=\"a b", "close it"),
        ("~(", "without ~"),
        ("partition=two", "partition=2"),
        ("partition=", "partition=2"),
        ("value.=1", "value.data"),
        ("value.a..b=1", "value.data"),
        ("header.=1", "header.traceparent"),
        ("header=1", "header.traceparent"),
        ("after=", "15m (ago)"),
        ("before=soon", "12:04 (today, UTC)"),
        ("after=12:61", "2026-05-01T12:00:00Z"),
    ] {
        let error = Filter::parse(typed).expect_err(typed);
        assert!(
            error.contains(word) && !error.contains('\n'),
            "{typed}: {error}"
        );
        let lenient = Filter::new(typed);
        assert!(
            lenient.is_empty() && lenient.passes(["anything"]),
            "{typed}"
        );
    }
}

proptest! {
    #[test]
    fn any_text_is_read_or_refused(text in any::<String>()) {
        let filter = Filter::new(text);
        let _ = filter.holds(Row::Record(&order()));
        let _ = filter.passes(["some", "texts"]);
    }

    #[test]
    fn terms_of_the_language_never_panic(terms in prop::collection::vec("!{0,2}(key=|type=|partition=|after=|before=|value\\.|header\\.|~|\")?[a-z0-9.*\"=\\\\(]{0,8}", 0..6)) {
        let _ = Filter::new(terms.join(" ")).holds(Row::Record(&order()));
    }

    #[test]
    fn an_exclamation_mark_inverts(term in "(key=|type=|value\\.data\\.order_id=|~)?[A-Za-z0-9-]{1,6}") {
        prop_assert_ne!(holds(&term), holds(&format!("!{term}")));
        prop_assert_eq!(holds(&term), holds(&format!("!!{term}")));
    }

    #[test]
    fn a_bound_of_time_is_exact(at in -7_200_i64..7_200) {
        let bound = moment(at).to_rfc3339();
        prop_assert_eq!(holds(&format!("after={bound}")), at <= 0);
        prop_assert_eq!(holds(&format!("before={bound}")), at > 0);
    }

    #[test]
    fn all_terms_must_hold(a in "[A-Z0-9-]{1,3}", b in "!?[a-z]{1,3}") {
        prop_assert_eq!(holds(&format!("{a} {b}")), holds(&a) && holds(&b));
    }

    /// What `/` was before there was a language.
    #[test]
    fn a_plain_word_is_what_it_always_was(word in "!?[A-Za-z0-9:/_-]{0,6}", text in "[A-Za-z0-9:/ _-]{0,12}") {
        let (wanted, inverse) = word.strip_prefix('!').map_or((&*word, false), |w| (w, true));
        let old = wanted.is_empty() || text.to_lowercase().contains(&wanted.to_lowercase()) != inverse;
        prop_assert_eq!(Filter::new(word.clone()).passes([text.as_str()]), old);
    }
}
