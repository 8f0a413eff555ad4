//! Headers as bytes, on the way in and out: the safe binding takes every name for UTF-8 and panics at one that is
//! not, which would end each reader of that partition for as long as the record stands there.

use std::ffi::{CStr, c_char, c_void};
use std::ptr;

use rdkafka::message::{BorrowedHeaders, BorrowedMessage, OwnedHeaders};
use rdkafka_sys as sys;

use super::check;
use crate::domain::record::{Headers, name_bytes, name_of};
use crate::kafka::KafkaError;

/// A message's headers, in wire order; none where it has none, or librdkafka can't take them apart.
pub fn read(message: &BorrowedMessage<'_>) -> Headers {
    let mut list = ptr::null_mut();
    // SAFETY: the message lives for the length of the call; the list that is handed out belongs to it.
    let code = unsafe { sys::rd_kafka_message_headers(message.ptr(), &mut list) };
    let mut headers = Headers::new();
    if check(code).is_err() || list.is_null() {
        return headers;
    }
    loop {
        let (mut name, mut value, mut size) = (ptr::null(), ptr::null(), 0);
        // SAFETY: the list is the message's, which is borrowed; beyond its end an error is returned and nothing
        // is written.
        let code = unsafe {
            sys::rd_kafka_header_get_all(list, headers.len(), &mut name, &mut value, &mut size)
        };
        if check(code).is_err() || name.is_null() {
            return headers;
        }
        // SAFETY: librdkafka ends each name with a zero byte; the bytes are copied.
        let name = unsafe { CStr::from_ptr(name) };
        let value = (!value.is_null()).then(|| {
            // SAFETY: a value that is not null has `size` bytes, which live as long as the message; they are copied.
            unsafe { std::slice::from_raw_parts(value.cast::<u8>(), size) }.to_vec()
        });
        headers.push((name_of(name.to_bytes()), value));
    }
}

/// Headers to be sent.
///
/// # Errors
/// When librdkafka does not take one.
pub fn write(headers: &Headers) -> Result<OwnedHeaders, KafkaError> {
    // SAFETY: no argument but a number; the list is ours until it is destroyed below.
    let list = unsafe { sys::rd_kafka_headers_new(headers.len()) };
    let add = |name: &[u8], value: Option<&[u8]>| {
        let size = |bytes: &[u8]| isize::try_from(bytes.len()).unwrap_or(isize::MAX);
        let data = value.map_or(ptr::null(), |v| v.as_ptr().cast::<c_void>());
        // SAFETY: the list is ours; name and value live for the length of the call, which copies them.
        check(unsafe {
            sys::rd_kafka_header_add(
                list,
                name.as_ptr().cast::<c_char>(),
                size(name),
                data,
                value.map_or(0, size),
            )
        })
    };
    let added = headers
        .iter()
        .try_for_each(|(name, value)| add(&name_bytes(name), value.as_deref()));
    // SAFETY: the binding's own type for a borrowed list is the list itself, seen through a pointer; it is only
    // borrowed for the copy that is made here.
    let copy = added.map(|()| unsafe { &*list.cast::<BorrowedHeaders>() }.detach());
    // SAFETY: the list is ours, and nothing refers to it any more.
    unsafe { sys::rd_kafka_headers_destroy(list) };
    copy
}
