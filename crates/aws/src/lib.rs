//! What talking to AWS needs below its operations: who signed a request, and whether it is true.
//!
//! Promises: a signature is compared in constant time; nothing here reads a clock or keeps a secret.
//! Leaves out: transport, retries, credentials.

pub mod sigv4;
