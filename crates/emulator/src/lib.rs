//! Amazon Bedrock, the S3 and Service Quotas beside it, and the bill: on one port and from one folder.
//!
//! [`Emulator`] opens the folder and answers requests as a [`tower::Service`], without a socket; [`server::serve`] puts it
//! behind one. Promises: what was answered survives `kill -9`; the same folder, settings and requests give the same
//! answers. Leaves out: the rules themselves (`laneshift-provider`) and the machine's clock, which is handed in.

mod admin;
mod back_off;
mod body;
mod call;
mod clock;
mod driver;
mod emulator;
mod http;
mod jobs;
mod journal;
mod logs;
mod notices;
mod push;
mod s3;
pub mod server;
mod service;
mod session;
mod state;
mod task;
mod upstream;

pub use body::{Body, Hangup};
pub use clock::{Move, Pace, WallClock};
pub use emulator::{Emulator, OpenError, Options, Tell};
