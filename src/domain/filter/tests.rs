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
        .holds(&order())
}

/// A filter in which nothing is counted from now.
fn resolved(filter: &str) -> Resolved {
    Filter::parse(filter).expect(filter).at(moment(600))
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
fn what_is_unknown_holds_for_nothing() {
    let bare = Fields {
        texts: vec!["some text".into()],
        ..Fields::default()
    };
    let known = |filter: &str| resolved(filter).holds(&bare);
    for term in [
        "key=*",
        "key=",
        "type=order*",
        "group=email*",
        "partition=2",
        "after=10m",
        "before=2026-05-01T12:00:00Z",
        "value.a=1",
        "value=*",
    ] {
        assert!(!known(term), "{term}");
        assert!(!known(&format!("!{term}")), "!{term}");
        assert!(!known(&format!("text !{term}")), "text !{term}");
    }
    // These are known: no text has the word, and there is no such header.
    for (term, holds) in [
        ("some", true),
        ("other", false),
        ("~tex.", true),
        ("header.x=*", false),
    ] {
        assert_eq!(known(term), holds, "{term}");
        assert_eq!(known(&format!("!{term}")), !holds, "!{term}");
    }
    // So is what a JSON value has not.
    assert!(resolved("!value.nothing=* !value.data.order_id=ORD-2").holds(&order()));
}

#[test]
fn somebodys_own_text_stands_in_quotes() {
    let line = ["store", "retry error=Timeout"];
    for filter in [
        "\"error=timeout\"",
        "\"error=TIMEOUT\" retry",
        "~error=\\w+",
        "!\"a=b\"",
        "!http://a/?b=c",
    ] {
        let filter = Filter::parse(filter).and_then(|f| f.only(List::Texts));
        assert!(filter.expect("words").at(moment(0)).passes(line));
    }
}

/// A column's name, or a slip of the finger: turned around it would hold for every row.
#[test]
fn a_field_that_nobody_knows_is_refused_and_holds_for_nothing() {
    for typed in [
        "code=rejected",
        "!code=rejected",
        "!grup=a*",
        "status=open",
        "vlue.data.x=4",
    ] {
        let filter = Filter::parse(typed).expect(typed);
        let name = typed
            .trim_start_matches('!')
            .split('=')
            .next()
            .expect("a name");
        let why = filter.clone().only(List::Letters).expect_err(typed);
        assert!(
            why.starts_with(&format!("this list has no {name}=; it has key=")),
            "{why}"
        );
        assert!(
            why.ends_with(&format!("quote it: \"{}\"", typed.trim_start_matches('!'))),
            "{why}"
        );
        assert!(filter.clone().only(List::Texts).is_err(), "{typed}");
        assert!(!filter.at(moment(0)).holds(&order()), "{typed}");
    }
}

#[test]
fn a_list_refuses_a_field_that_it_has_not() {
    let only = |filter: &str, list| Filter::parse(filter).expect(filter).only(list);
    for (filter, list, why) in [
        (
            "word group=a",
            List::Outbox,
            "this list has no group=; it has key=, type=, after= and before=",
        ),
        (
            "!header.x=1",
            List::Events,
            "this list has no header.name=; it has key=, type=, after=, before= and value.path=",
        ),
        (
            "partition=1",
            List::Consumers,
            "this list has no partition=; it has type= and group=",
        ),
        (
            "type=a after=1h",
            List::Lag,
            "this list has no after=; it has key=, type=, group= and partition=",
        ),
        (
            "key=ORD-1",
            List::Texts,
            "this list has no key=, only words; to find that text, quote it: \"key=ord-1\"",
        ),
    ] {
        assert_eq!(only(filter, list).expect_err(filter), why);
    }
    let all =
        "a ~b \"c=d\" key=1 type=1 group=1 partition=1 after=1h before=1h value.a=1 header.a=1";
    assert!(only(all, List::Letters).is_ok());
    assert!(only("\"key=ORD-1\" ~key=1 \"a=b\"", List::Texts).is_ok());
}

/// Each field that a list is said to have is taken by it, and no other.
#[test]
fn the_table_of_fields_is_what_is_asked() {
    let typed = |field: &&str| match *field {
        "value" => "value.a=1".to_owned(),
        "header" => "header.a=1".to_owned(),
        "partition" => "partition=1".to_owned(),
        "after" | "before" => format!("{field}=1h"),
        field => format!("{field}=x"),
    };
    let every = List::Letters.fields();
    for list in [
        List::Letters,
        List::Records,
        List::Events,
        List::Lag,
        List::Consumers,
        List::Outbox,
        List::Activity,
        List::Texts,
    ] {
        for field in every {
            let taken = Filter::parse(&typed(field)).and_then(|f| f.only(list));
            assert_eq!(
                taken.is_ok(),
                list.fields().contains(field),
                "{list:?} {field}"
            );
        }
    }
}

#[test]
fn a_time_is_a_bound_that_somebody_else_can_keep() {
    let between = |filter: &str| resolved(filter).between();
    let (from, to) = (Some(moment(0)), Some(moment(300)));
    assert_eq!(between("after=10m before=5m word"), (from, to));
    assert_eq!(between("!before=12:00 !after=12:05"), (from, to));
    assert_eq!(
        between("after=1h after=10m before=5m before=1s"),
        (from, to)
    );
    assert_eq!(between("word"), (None, None));
    let filter = resolved("after=1h Word type=X !not");
    let others = [Other::Word("word"), Other::Type("x"), Other::Else];
    assert_eq!(filter.others(), others);
}

#[test]
fn ago_counts_from_the_moment_that_is_said() {
    let typed = Filter::parse("before=1d").expect("a filter");
    let now = moment(0);
    let young = Fields {
        at: Some(now - chrono::TimeDelta::seconds(20)),
        ..order()
    };
    assert!(!typed.at(now).holds(&young), "20 s are no day");
    assert!(typed.at(now + chrono::TimeDelta::days(2)).holds(&young));
    assert!(!resolved("!before=1d").holds(&Fields {
        at: Some(moment(-90_000)),
        ..order()
    }));
}

#[test]
fn two_are_the_same_when_they_are_typed_alike_and_mean_the_same() {
    let typed = |text: &str, at| Filter::parse(text).expect(text).at(moment(at));
    assert_eq!(typed("key=A after=5m", 0), typed("key=A after=5m", 0));
    assert_ne!(typed("key=A after=5m", 0), typed("key=A after=5m", 1));
    assert_ne!(typed("key=A", 0), typed("key=B", 0));
    assert_eq!(typed("key=A after=12:00", 0), typed("key=A after=12:00", 1));
    assert_eq!(Resolved::NONE, typed("", 0));
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
    }
}

proptest! {
    #[test]
    fn any_text_is_read_or_refused(text in any::<String>()) {
        if let Ok(filter) = Filter::parse(&text) {
            let filter = filter.at(moment(0));
            let _ = filter.holds(&order());
            let _ = filter.passes(["some", "texts"]);
        }
    }

    #[test]
    fn terms_of_the_language_never_panic(terms in prop::collection::vec("!{0,2}(key=|type=|partition=|after=|before=|value\\.|header\\.|~|\")?[a-z0-9.*\"=\\\\(]{0,8}", 0..6)) {
        let filter = Filter::parse(&terms.join(" "));
        let _ = filter.map(|filter| filter.at(moment(0)).holds(&order()));
    }

    #[test]
    fn an_exclamation_mark_inverts(term in "(key=|type=|value\\.data\\.order_id=|~)?[A-Za-z0-9-]{1,6}") {
        prop_assert_ne!(holds(&term), holds(&format!("!{term}")));
        prop_assert_eq!(holds(&term), holds(&format!("!!{term}")));
    }

    /// Whatever is asked of a field that is unknown, the answer is no.
    #[test]
    fn no_term_holds_for_an_unknown_field(term in "!{0,2}(key=|type=|group=|value\\.a=)[A-Za-z0-9*-]{0,6}") {
        let bare = Fields { texts: vec!["x".into()], ..Fields::default() };
        prop_assert!(!resolved(&term).holds(&bare), "{}", term);
    }

    #[test]
    fn a_relative_time_means_what_the_absolute_one_does(ago in 0_i64..200_000, at in -200_000_i64..200_000, inverse: bool, after: bool) {
        let (sign, name) = (if inverse { "!" } else { "" }, if after { "after" } else { "before" });
        let bound = moment(-ago).to_rfc3339();
        let judged = |filter: String| {
            let filter = Filter::parse(&filter).expect("a filter").at(moment(0));
            filter.holds(&Fields { at: Some(moment(at)), ..Fields::default() })
        };
        prop_assert_eq!(judged(format!("{sign}{name}={ago}s")), judged(format!("{sign}{name}={bound}")));
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
        prop_assert_eq!(resolved(&word).passes([text.as_str()]), old);
    }
}
