//! Bedrock's own API in front of Bedrock: who calls, where the call goes, what it cost.
//!
//! [`Gateway::answer`] takes a request that any AWS client makes, with keys of this gateway, sends it on under its own, and books it.
//! Promises: bytes are passed on as they came; a call is in the journal before it is sent, so that whatever dies, it is booked: by
//! what was metered, or by the most that it can have cost; no prompt, answer or key is written anywhere. Leaves out: sockets and the
//! machine's clock, which are handed in.

mod body;
pub mod books;
pub mod config;
mod elsewhere;
mod explain;
mod frame;
mod framing;
mod gateway;
#[cfg(test)]
mod hostile;
mod idle;
mod jobs;
pub mod keys;
mod lanes;
mod later;
mod lines;
mod live;
mod market;
mod messages;
mod meter;
mod metrics;
mod openai;
mod outline;
mod passed;
mod quotas;
mod refusal;
mod relay;
mod roles;
mod room;
mod runtime;
mod sent;
mod serve;
mod server;
mod shelf;
mod stream;
mod upstream;

pub use body::{Body, Broken, Coming};
pub use explain::{Question, explain};
pub use gateway::Gateway;
pub use lanes::Waits;
pub use later::{Later, queue_in, queue_of, queues_of};
pub use live::{OpenError, check};
pub use upstream::{InProcess, Wire};
