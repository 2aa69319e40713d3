//! The rules of an emulated Amazon Bedrock, without clock and network.

pub mod bill;
pub mod log;
