//! What librdkafka can do and its safe binding cannot: a cluster of its own with a chosen rebalance
//! delay, headers whose names are any bytes, and what groups are there, who is in them and what they have
//! committed. The only place with
//! `unsafe`; each block says why it is sound, and nothing raw leaves this folder.
#![allow(
    unsafe_code,
    reason = "no safe binding exists; see the comment on each block"
)]

mod groups;
pub mod headers;
mod mock;

use std::ffi::{CStr, CString, c_char};

use rdkafka_sys as sys;

use super::KafkaError;
pub use groups::{committed, describe, groups};
pub use mock::MockCluster;

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
