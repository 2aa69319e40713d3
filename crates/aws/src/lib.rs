//! Talking to AWS: signing and its verification, a transport, a retry with a budget, the few calls that laneshift makes, and
//! the one constructor of S3 clients.
//!
//! Promises: a signature is compared in constant time; a call that may have been carried out is sent again only where that
//! is harmless; nothing here reads a clock or logs a key. Leaves out: what the answers mean.

pub mod account;
pub mod bedrock;
mod client;
pub mod runtime;
pub mod s3;
pub mod sigv4;
mod transport;

pub use client::{AwsError, Client, Credentials, Endpoints, WallClock};
pub use transport::{Transport, TransportError, nowhere, over_network};
