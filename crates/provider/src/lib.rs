//! The rules of an emulated Amazon Bedrock, as pure functions: no clock, no socket, no random source.

pub mod answer;
pub mod ask;
pub mod cache;
pub mod models;
pub mod tokens;
pub mod toy;
