//! Questions about consumer groups. Many are asked at once on a queue of their own.

use std::collections::HashMap;
use std::ffi::{c_char, c_int};
use std::ptr::without_provenance_mut;
use std::time::{Duration, Instant};

use rdkafka::consumer::{BaseConsumer, Consumer};

use super::super::consumer::Place;
use super::super::context::Context;
use super::super::groups::{GroupInfo, Member};
use super::{KafkaError, c_string, sys, text};
use crate::clock;

/// Requests to the broker whose answers come to a queue of their own, so that no event of the client's
/// own polling is taken.
struct Questions<'a> {
    client: &'a BaseConsumer<Context>,
    queue: *mut sys::rd_kafka_queue_t,
    began: Instant,
    timeout: Duration,
}

impl<'a> Questions<'a> {
    fn new(client: &'a BaseConsumer<Context>, timeout: Duration) -> Self {
        // SAFETY: the client is alive for 'a, and so is the queue, which is destroyed in `drop`.
        let queue = unsafe { sys::rd_kafka_queue_new(client.client().native_ptr()) };
        Self {
            client,
            queue,
            began: clock::instant(),
            timeout,
        }
    }

    fn left_ms(&self) -> c_int {
        let left = self.timeout.saturating_sub(self.began.elapsed());
        c_int::try_from(left.as_millis()).unwrap_or(c_int::MAX)
    }

    /// Makes a request's options and hands them to `send`. The answer's event bears `index`.
    fn ask(
        &self,
        op: sys::rd_kafka_admin_op_t,
        index: usize,
        send: impl FnOnce(*mut sys::rd_kafka_t, *mut sys::rd_kafka_AdminOptions_t),
    ) {
        let rk = self.client.client().native_ptr();
        let mut error = [0 as c_char; 256];
        // SAFETY: the client is alive; the options are copied by the request and destroyed right after;
        // the opaque is a number that librdkafka only hands back.
        unsafe {
            let options = sys::rd_kafka_AdminOptions_new(rk, op);
            sys::rd_kafka_AdminOptions_set_request_timeout(
                options,
                self.left_ms().max(1),
                error.as_mut_ptr(),
                error.len(),
            );
            sys::rd_kafka_AdminOptions_set_opaque(options, without_provenance_mut(index));
            send(rk, options);
            sys::rd_kafka_AdminOptions_destroy(options);
        }
    }

    /// The next answer, whichever it is.
    fn next(&self) -> Result<Answer, KafkaError> {
        // SAFETY: the queue lives until `drop`; the event is owned by the answer from here on.
        let event = unsafe { sys::rd_kafka_queue_poll(self.queue, self.left_ms()) };
        if event.is_null() {
            let why = "the broker did not answer in time".into();
            return Err(KafkaError::Unavailable(why));
        }
        Ok(Answer(event))
    }
}

impl Drop for Questions<'_> {
    fn drop(&mut self) {
        // SAFETY: made in `new` and destroyed once; answers still to come are dropped by librdkafka.
        unsafe { sys::rd_kafka_queue_destroy(self.queue) };
    }
}

/// An answer's event; everything read from it belongs to it and is copied.
struct Answer(*mut sys::rd_kafka_event_t);

impl Answer {
    fn index(&self) -> usize {
        // SAFETY: the event is alive; the opaque is the number that `ask` put there.
        unsafe { sys::rd_kafka_event_opaque(self.0) }.addr()
    }

    fn check(&self) -> Result<(), KafkaError> {
        // SAFETY: the event is alive, and its text is copied.
        unsafe {
            let code = sys::rd_kafka_event_error(self.0);
            if code == sys::rd_kafka_resp_err_t::RD_KAFKA_RESP_ERR_NO_ERROR {
                return Ok(());
            }
            Err(failure(
                code,
                text(sys::rd_kafka_event_error_string(self.0)),
            ))
        }
    }
}

impl Drop for Answer {
    fn drop(&mut self) {
        // SAFETY: owned, and destroyed once.
        unsafe { sys::rd_kafka_event_destroy(self.0) };
    }
}

/// What groups have committed, as the broker tells it (KIP-709's ListConsumerGroupOffsets): for each
/// group what it committed anywhere, or, where places are named, of those. All are asked at once, and
/// the answers stand in the groups' order. Blocks for up to `timeout`.
pub fn committed(
    client: &BaseConsumer<Context>,
    groups: &[(String, Option<Vec<Place>>)],
    timeout: Duration,
) -> Vec<Result<HashMap<Place, i64>, KafkaError>> {
    use sys::rd_kafka_admin_op_t::RD_KAFKA_ADMIN_OP_LISTCONSUMERGROUPOFFSETS as OP;
    let silent = || KafkaError::Unavailable("no answer to the offsets of a group in time".into());
    let mut answers: Vec<_> = groups.iter().map(|_| Err(silent())).collect();
    let questions = Questions::new(client, timeout);
    let mut open = 0;
    for (index, (group, places)) in groups.iter().enumerate() {
        let request = match offsets_request(group, places.as_deref()) {
            Ok(request) => request,
            Err(error) => {
                answers[index] = Err(error);
                continue;
            }
        };
        let mut request = request;
        questions.ask(OP, index, |rk, options| {
            // SAFETY: the request is copied by the call and destroyed right after it.
            unsafe {
                sys::rd_kafka_ListConsumerGroupOffsets(
                    rk,
                    &raw mut request,
                    1,
                    options,
                    questions.queue,
                );
                sys::rd_kafka_ListConsumerGroupOffsets_destroy(request);
            }
        });
        open += 1;
    }
    for _ in 0..open {
        let Ok(answer) = questions.next() else { break };
        if let Some(row) = answers.get_mut(answer.index()) {
            *row = offsets_of(&answer);
        }
    }
    answers
}

fn offsets_request(
    group: &str,
    places: Option<&[Place]>,
) -> Result<*mut sys::rd_kafka_ListConsumerGroupOffsets_t, KafkaError> {
    let group = c_string(group)?;
    let names = places.unwrap_or_default().iter();
    let names = names
        .map(|(topic, _)| c_string(topic))
        .collect::<Result<Vec<_>, _>>()?;
    // SAFETY: the strings outlive the calls, which copy them; the list is copied by the request and
    // destroyed here; without a list (null) the broker tells all.
    unsafe {
        let list = if places.is_some() {
            sys::rd_kafka_topic_partition_list_new(c_int::try_from(names.len()).unwrap_or(0))
        } else {
            std::ptr::null_mut()
        };
        for (name, (_, partition)) in names.iter().zip(places.unwrap_or_default()) {
            sys::rd_kafka_topic_partition_list_add(list, name.as_ptr(), *partition);
        }
        let request = sys::rd_kafka_ListConsumerGroupOffsets_new(group.as_ptr(), list);
        if !list.is_null() {
            sys::rd_kafka_topic_partition_list_destroy(list);
        }
        Ok(request)
    }
}

fn offsets_of(answer: &Answer) -> Result<HashMap<Place, i64>, KafkaError> {
    answer.check()?;
    // SAFETY: the event answers a ListConsumerGroupOffsets request; it owns all that is read here.
    unsafe {
        let result = sys::rd_kafka_event_ListConsumerGroupOffsets_result(answer.0);
        let mut count = 0usize;
        let groups = sys::rd_kafka_ListConsumerGroupOffsets_result_groups(result, &raw mut count);
        if groups.is_null() || count == 0 {
            return Ok(HashMap::new());
        }
        check_error(sys::rd_kafka_group_result_error(*groups))?;
        let rows = rows(sys::rd_kafka_group_result_partitions(*groups));
        let committed = rows.iter().filter(|row| row.offset >= 0);
        Ok(committed
            .map(|row| ((text(row.topic), row.partition), row.offset))
            .collect())
    }
}

/// The groups that the broker knows, by name (KIP-222's ListGroups). Blocks for up to `timeout`.
pub fn groups(
    client: &BaseConsumer<Context>,
    timeout: Duration,
) -> Result<Vec<String>, KafkaError> {
    use sys::rd_kafka_admin_op_t::RD_KAFKA_ADMIN_OP_LISTCONSUMERGROUPS as OP;
    let questions = Questions::new(client, timeout);
    questions.ask(OP, 0, |rk, options| {
        // SAFETY: client, options and queue are alive for the call.
        unsafe { sys::rd_kafka_ListConsumerGroups(rk, options, questions.queue) };
    });
    let answer = questions.next()?;
    answer.check()?;
    // SAFETY: the event answers a ListConsumerGroups request; it owns all that is read here.
    unsafe {
        let result = sys::rd_kafka_event_ListConsumerGroups_result(answer.0);
        let mut count = 0usize;
        let found = sys::rd_kafka_ListConsumerGroups_result_valid(result, &raw mut count);
        let mut names: Vec<String> = slice(found, count)
            .iter()
            .map(|row| text(sys::rd_kafka_ConsumerGroupListing_group_id(*row)))
            .collect();
        let errors = sys::rd_kafka_ListConsumerGroups_result_errors(result, &raw mut count);
        if names.is_empty()
            && let Some(error) = slice(errors, count).first()
        {
            check_error(*error)?;
        }
        names.sort();
        Ok(names)
    }
}

/// States and members of groups (KIP-222's DescribeGroups). A group that can't be described is left
/// out. Blocks for up to `timeout`.
pub fn describe(
    client: &BaseConsumer<Context>,
    names: &[String],
    timeout: Duration,
) -> Result<Vec<GroupInfo>, KafkaError> {
    use sys::rd_kafka_admin_op_t::RD_KAFKA_ADMIN_OP_DESCRIBECONSUMERGROUPS as OP;
    if names.is_empty() {
        return Ok(Vec::new());
    }
    let texts = names.iter().map(|name| c_string(name));
    let texts = texts.collect::<Result<Vec<_>, _>>()?;
    let mut pointers: Vec<*const c_char> = texts.iter().map(|t| t.as_ptr()).collect();
    let questions = Questions::new(client, timeout);
    questions.ask(OP, 0, |rk, options| {
        // SAFETY: the names outlive the call, which copies them.
        unsafe {
            sys::rd_kafka_DescribeConsumerGroups(
                rk,
                pointers.as_mut_ptr(),
                pointers.len(),
                options,
                questions.queue,
            );
        }
    });
    let answer = questions.next()?;
    answer.check()?;
    // SAFETY: the event answers a DescribeConsumerGroups request; it owns all that is read here.
    unsafe {
        let result = sys::rd_kafka_event_DescribeConsumerGroups_result(answer.0);
        let mut count = 0usize;
        let found = sys::rd_kafka_DescribeConsumerGroups_result_groups(result, &raw mut count);
        Ok(slice(found, count)
            .iter()
            .filter(|row| check_error(sys::rd_kafka_ConsumerGroupDescription_error(**row)).is_ok())
            .map(|row| group_info(*row))
            .collect())
    }
}

/// # Safety
/// `group` must belong to a live answer.
unsafe fn group_info(group: *const sys::rd_kafka_ConsumerGroupDescription_t) -> GroupInfo {
    // SAFETY: the caller vouches for the group; members and their lists belong to it.
    unsafe {
        let state = sys::rd_kafka_ConsumerGroupDescription_state(group);
        let count = sys::rd_kafka_ConsumerGroupDescription_member_count(group);
        let member = |index| {
            let member = sys::rd_kafka_ConsumerGroupDescription_member(group, index);
            let assigned = sys::rd_kafka_MemberDescription_assignment(member);
            let list = if assigned.is_null() {
                std::ptr::null()
            } else {
                sys::rd_kafka_MemberAssignment_partitions(assigned)
            };
            Member {
                client: text(sys::rd_kafka_MemberDescription_client_id(member)),
                host: text(sys::rd_kafka_MemberDescription_host(member)),
                places: rows(list)
                    .iter()
                    .map(|row| (text(row.topic), row.partition))
                    .collect(),
            }
        };
        GroupInfo {
            name: text(sys::rd_kafka_ConsumerGroupDescription_group_id(group)),
            state: text(sys::rd_kafka_consumer_group_state_name(state)),
            members: (0..count).map(member).collect(),
        }
    }
}

/// # Safety
/// `list` must be null or a list that lives as long as the result is used.
unsafe fn rows<'a>(
    list: *const sys::rd_kafka_topic_partition_list_t,
) -> &'a [sys::rd_kafka_topic_partition_t] {
    if list.is_null() {
        return &[];
    }
    // SAFETY: the caller vouches for the list; `elems` holds `cnt` elements.
    unsafe { slice((*list).elems, usize::try_from((*list).cnt).unwrap_or(0)) }
}

/// # Safety
/// `first` must be null or point at `count` elements that live as long as the result is used.
unsafe fn slice<'a, T>(first: *const T, count: usize) -> &'a [T] {
    if first.is_null() {
        return &[];
    }
    // SAFETY: the caller vouches for it.
    unsafe { std::slice::from_raw_parts(first, count) }
}

fn failure(code: sys::rd_kafka_resp_err_t, why: String) -> KafkaError {
    if code == sys::rd_kafka_resp_err_t::RD_KAFKA_RESP_ERR__UNSUPPORTED_FEATURE {
        KafkaError::Unsupported(why)
    } else {
        KafkaError::Unavailable(why)
    }
}

/// # Safety
/// `error` must be null or an error that lives for the length of the call.
unsafe fn check_error(error: *const sys::rd_kafka_error_t) -> Result<(), KafkaError> {
    if error.is_null() {
        return Ok(());
    }
    // SAFETY: the caller vouches for it; the text is copied.
    unsafe {
        let code = sys::rd_kafka_error_code(error);
        if code == sys::rd_kafka_resp_err_t::RD_KAFKA_RESP_ERR_NO_ERROR {
            return Ok(());
        }
        Err(failure(code, text(sys::rd_kafka_error_string(error))))
    }
}
