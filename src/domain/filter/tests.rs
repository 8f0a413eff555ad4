//! Every kind of term, mistakes, and what holds for any text.

use proptest::prelude::*;

use super::*;

fn order() -> Fields<'static> {
    let value = r#"{"event_type":"OrderCreated","data":{"order_id":"ORD-1","total_amount":129.90,
        "paid":false,"note":null,"items":[{"product_id":"P-1"},{"product_id":"P-17"}],"tags":["new","big one"]}}"#;
    Fields {
        texts: vec!["ORD-1".into(), value.into(), "00-abc".into()],
        key: Some("ORD-1".into()),
        kind: Some("OrderCreated"),
        group: Some("email-service"),
        partition: Some(2),
        value: serde_json::from_str(value).ok(),
        headers: vec![("Traceparent", "00-abc".into()), ("ce-type", "x.y".into())],
    }
}

fn holds(filter: &str) -> bool {
    Filter::parse(filter)
        .expect(filter)
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
    fn terms_of_the_language_never_panic(terms in prop::collection::vec("!{0,2}(key=|type=|partition=|value\\.|header\\.|~|\")?[a-z0-9.*\"=\\\\(]{0,8}", 0..6)) {
        let _ = Filter::new(terms.join(" ")).holds(Row::Record(&order()));
    }

    #[test]
    fn an_exclamation_mark_inverts(term in "(key=|type=|value\\.data\\.order_id=|~)?[A-Za-z0-9-]{1,6}") {
        prop_assert_ne!(holds(&term), holds(&format!("!{term}")));
        prop_assert_eq!(holds(&term), holds(&format!("!!{term}")));
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
