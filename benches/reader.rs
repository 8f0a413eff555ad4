//! How long one record takes to read: the shape that is ours, and the dearest foreign one.

#![allow(clippy::unwrap_used, reason = "a benchmark may")]

use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use evtop::domain::reader::{Limits, read};
use evtop::domain::record::Record;

const CANONICAL: &str = r#"{"event_id":"01890a5d-ac96-774b-bcce-b302099a8057","event_type":"OrderCreated","event_version":2,"timestamp":"2026-01-31T10:00:00.123456Z","source_service":"order-service","correlation_id":"01890a5d-ac96-774b-bcce-b302099a8058","causation_id":null,"aggregate_id":"ORD-1","data":{"order_id":"ORD-1","customer_id":"CUST-1","customer_email":"jane@example.com","customer_phone":null,"currency":"EUR","shipping_address":{"city":"Bonn"},"items":[{"product_id":"P-1","product_name":"Lamp","quantity":2,"price":"29.99"},{"product_id":"P-2","product_name":"Desk","quantity":1,"price":"69.99"}],"total_amount":"129.97"}}"#;

fn reader(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("reader");
    let camel = include_str!("../tests/fixtures/camel.json");
    for (name, value) in [("canonical", CANONICAL), ("camel with checksum", camel)] {
        let record = Record {
            topic: "order-events".into(),
            partition: 0,
            offset: 0,
            timestamp: None,
            key: None,
            value: Some(value.as_bytes().to_vec()),
            headers: vec![],
        };
        let limits = Limits::default();
        assert!(read(&record, &limits).is_ok());
        group.throughput(Throughput::Elements(1));
        group.bench_function(name, |bencher| bencher.iter(|| read(&record, &limits)));
    }
    group.finish();
}

criterion_group!(benches, reader);
criterion_main!(benches);
