//! The batch lane: requests that can wait become few, large Bedrock batch jobs, and each gets its answer once.
//!
//! A request that was accepted is a line of a chunk, already in the shape of a job's input; its id is its address, chunk and
//! slot. Promises: what was accepted survives `kill -9` at any step and is answered or reported once; nothing that was paid
//! for is asked for again; a job is decided, with its exact request and its token, before it is created, so no lost answer
//! makes a second one. Leaves out: surfaces (command line, gateway), prices' source, the machine's clock.
//!
//! Start reading at [`Engine::run`].

mod accept;
mod chunk;
mod compose;
mod cost;
mod deliver;
mod engine;
mod harvest;
mod id;
mod limits;
mod record;
mod submit;

pub use accept::{Accepted, BadLine, Estimate, Refused, Request, read_input};
pub use engine::{Engine, EngineError, Phase, Progress, Receipt, Timer, Tools};
pub use limits::Limits;
pub use record::Shape;
