//! Taking a mutex whose holder may have panicked.

use std::sync::{Mutex, MutexGuard, PoisonError};

/// Locks it in any case: what we guard are plain values that are whole after each statement, so a panic
/// elsewhere leaves nothing half done, and a worker's panic must not take the observers with it.
pub fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
