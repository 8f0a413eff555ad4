//! What librdkafka can do and its safe binding cannot: a cluster of its own with a chosen rebalance
//! delay, and the committed offsets of a group we are no member of. The only file with `unsafe`; each
//! block says why it is sound, and nothing raw leaves this file.
#![allow(
    unsafe_code,
    reason = "no safe binding exists; see the comment on each block"
)]

use std::ffi::{CStr, CString, c_char};
use std::time::Duration;

use rdkafka::ClientConfig;
use rdkafka::consumer::{BaseConsumer, Consumer};
use rdkafka::producer::{BaseProducer, Producer};
use rdkafka_sys as sys;

use super::KafkaError;

/// librdkafka's own cluster: one broker on a loopback port of its choosing, speaking the real
/// protocol, on a thread that librdkafka starts. It lives as long as this value.
pub struct MockCluster {
    cluster: *mut sys::rd_kafka_mock_cluster_t,
    /// The cluster borrows this client's logger and threads: it must go first (see `drop`).
    _client: BaseProducer,
}

// SAFETY: librdkafka guards a mock cluster with its own mutex and carries calls out on the cluster's
// own thread through a queue (rdkafka_mock.c), so the pointer may be used from any thread.
unsafe impl Send for MockCluster {}
// SAFETY: as above.
unsafe impl Sync for MockCluster {}

impl MockCluster {
    /// Starts a cluster of one broker. A group's first rebalance is not delayed: with the usual delay
    /// and a session of 2 s no group would ever join.
    pub fn start() -> Result<Self, KafkaError> {
        let client: BaseProducer = ClientConfig::new().create()?;
        // SAFETY: the client is alive and is kept beside the cluster until the cluster is destroyed.
        let cluster = unsafe { sys::rd_kafka_mock_cluster_new(client.client().native_ptr(), 1) };
        if cluster.is_null() {
            return Err(KafkaError::Other(
                "the embedded cluster could not open a port".into(),
            ));
        }
        // SAFETY: `cluster` was just checked; the call takes the cluster's mutex and sets a number.
        unsafe { sys::rd_kafka_mock_group_initial_rebalance_delay_ms(cluster, 0) };
        Ok(Self {
            cluster,
            _client: client,
        })
    }

    /// `host:port` of the broker.
    #[must_use]
    pub fn bootstrap(&self) -> String {
        // SAFETY: the returned string belongs to the cluster, never changes and is copied at once.
        unsafe { text(sys::rd_kafka_mock_cluster_bootstraps(self.cluster)) }
    }

    /// Creates a topic; the mock answers no admin requests, so its owner has to do it.
    pub fn create_topic(&self, name: &str, partitions: i32) -> Result<(), KafkaError> {
        let name = c_string(name)?;
        // SAFETY: the name is a valid C string for the length of the call, which copies it.
        let code =
            unsafe { sys::rd_kafka_mock_topic_create(self.cluster, name.as_ptr(), partitions, 1) };
        check(code)
    }

    /// Cuts the broker's connections and refuses new ones, or ends that.
    pub fn set_down(&self, down: bool) -> Result<(), KafkaError> {
        // SAFETY: broker 1 is the only one; the calls go through the cluster's own queue.
        let code = unsafe {
            if down {
                sys::rd_kafka_mock_broker_set_down(self.cluster, 1)
            } else {
                sys::rd_kafka_mock_broker_set_up(self.cluster, 1)
            }
        };
        check(code)
    }
}

impl Drop for MockCluster {
    fn drop(&mut self) {
        // SAFETY: destroyed once, here, while the client it was made with is still alive.
        unsafe { sys::rd_kafka_mock_cluster_destroy(self.cluster) };
    }
}

/// The offsets that `group` has committed on `partitions`, as the broker tells them (KIP-709's
/// ListConsumerGroupOffsets); `None` where it never committed. Blocks for up to `timeout`.
pub fn committed(
    client: &BaseConsumer,
    group: &str,
    partitions: &[(String, i32)],
    timeout: Duration,
) -> Result<Vec<Option<i64>>, KafkaError> {
    let group = c_string(group)?;
    let names = partitions
        .iter()
        .map(|(topic, _)| c_string(topic))
        .collect::<Result<Vec<_>, _>>()?;
    let rk = client.client().native_ptr();
    let millis = i32::try_from(timeout.as_millis()).unwrap_or(i32::MAX);

    // SAFETY: every object made here is destroyed here, on each path; the request, the options and the
    // list are copied by the call, so they may go right after it; the queue is private, so no event of
    // the client's own polling is taken; the event owns the result, which is read before it is destroyed.
    unsafe {
        let list = sys::rd_kafka_topic_partition_list_new(i32::try_from(names.len()).unwrap_or(0));
        for (name, (_, partition)) in names.iter().zip(partitions) {
            sys::rd_kafka_topic_partition_list_add(list, name.as_ptr(), *partition);
        }
        let mut request = sys::rd_kafka_ListConsumerGroupOffsets_new(group.as_ptr(), list);
        sys::rd_kafka_topic_partition_list_destroy(list);
        let options = sys::rd_kafka_AdminOptions_new(
            rk,
            sys::rd_kafka_admin_op_t::RD_KAFKA_ADMIN_OP_LISTCONSUMERGROUPOFFSETS,
        );
        let mut error = [0 as c_char; 256];
        sys::rd_kafka_AdminOptions_set_request_timeout(
            options,
            millis,
            error.as_mut_ptr(),
            error.len(),
        );
        let queue = sys::rd_kafka_queue_new(rk);
        sys::rd_kafka_ListConsumerGroupOffsets(rk, &raw mut request, 1, options, queue);
        sys::rd_kafka_AdminOptions_destroy(options);
        sys::rd_kafka_ListConsumerGroupOffsets_destroy(request);
        let event = sys::rd_kafka_queue_poll(queue, millis);
        let answer = if event.is_null() {
            Err(KafkaError::Unavailable(
                "no answer to the offsets of a group in time".into(),
            ))
        } else {
            read_offsets(event, partitions)
        };
        if !event.is_null() {
            sys::rd_kafka_event_destroy(event);
        }
        sys::rd_kafka_queue_destroy(queue);
        answer
    }
}

/// # Safety
/// `event` must be a live event of a ListConsumerGroupOffsets request.
unsafe fn read_offsets(
    event: *mut sys::rd_kafka_event_t,
    asked: &[(String, i32)],
) -> Result<Vec<Option<i64>>, KafkaError> {
    // SAFETY: the caller vouches for the event; everything read below belongs to it and is copied.
    unsafe {
        if sys::rd_kafka_event_error(event) != sys::rd_kafka_resp_err_t::RD_KAFKA_RESP_ERR_NO_ERROR
        {
            let why = text(sys::rd_kafka_event_error_string(event));
            return Err(KafkaError::Unavailable(why));
        }
        let result = sys::rd_kafka_event_ListConsumerGroupOffsets_result(event);
        let mut count = 0usize;
        let groups = sys::rd_kafka_ListConsumerGroupOffsets_result_groups(result, &raw mut count);
        if groups.is_null() || count == 0 {
            return Ok(vec![None; asked.len()]);
        }
        let group = *groups;
        let error = sys::rd_kafka_group_result_error(group);
        if !error.is_null() {
            return Err(KafkaError::Other(text(sys::rd_kafka_error_string(error))));
        }
        let list = sys::rd_kafka_group_result_partitions(group);
        let mut found = std::collections::HashMap::new();
        if !list.is_null() {
            let rows = std::slice::from_raw_parts(
                (*list).elems,
                usize::try_from((*list).cnt).unwrap_or(0),
            );
            for row in rows {
                if row.offset >= 0 {
                    found.insert((text(row.topic), row.partition), row.offset);
                }
            }
        }
        Ok(asked.iter().map(|row| found.get(row).copied()).collect())
    }
}

fn c_string(text: &str) -> Result<CString, KafkaError> {
    CString::new(text).map_err(|_| KafkaError::Other("a name holds a zero byte".into()))
}

/// # Safety
/// `text` must be null or a C string that lives for the length of the call.
unsafe fn text(text: *const c_char) -> String {
    if text.is_null() {
        return String::new();
    }
    // SAFETY: the caller vouches for it; the bytes are copied.
    unsafe { CStr::from_ptr(text) }
        .to_string_lossy()
        .into_owned()
}

fn check(code: sys::rd_kafka_resp_err_t) -> Result<(), KafkaError> {
    if code == sys::rd_kafka_resp_err_t::RD_KAFKA_RESP_ERR_NO_ERROR {
        Ok(())
    } else {
        Err(KafkaError::Other(
            rdkafka::types::RDKafkaErrorCode::from(code).to_string(),
        ))
    }
}
