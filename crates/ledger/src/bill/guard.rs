//! Turns a panic inside the Parquet library into an error.
//!
//! Version 59 of the library panics on some damaged files (a negative length in a footer, an unknown unit in the
//! stored Arrow schema) where it should return an error. Only calls into the library are guarded, never the caller's
//! code. Leaves out: an allocation that fails ends the process; what the library panics with still goes to stderr.

use std::error::Error;
use std::panic::{AssertUnwindSafe, catch_unwind};

/// Runs a call into the library. After an error, what the call was given must not be used again.
pub(super) fn guarded<T, E: Error + Send + Sync + 'static>(
    call: impl FnOnce() -> Result<T, E>,
) -> Result<T, Box<dyn Error + Send + Sync>> {
    match catch_unwind(AssertUnwindSafe(call)) {
        Ok(result) => result.map_err(Into::into),
        Err(_) => Err("the Parquet file is damaged".into()),
    }
}
