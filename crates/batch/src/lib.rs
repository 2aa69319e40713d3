//! The batch lane: requests that can wait become few, large Bedrock batch jobs, and each gets its answer once.
//!
//! A request that was accepted is a line of a chunk, already in the shape of a job's input; its id is its address, chunk and
//! slot. Promises: what was accepted survives `kill -9` at any step and is answered or reported once; nothing that was paid
//! for is asked for again; a job is decided, with its exact request and its token, before it is created, so no lost answer
//! makes a second one; what would miss its deadline in batch leaves for the on-demand lanes while there is time. Leaves out:
//! surfaces (command line, gateway), prices' source, the machine's clock.
//!
//! Start reading at [`Engine::turn`]; what it decides is [`decide`].

mod accept;
mod calls;
mod chunk;
mod container;
mod cost;
pub mod decide;
mod deliver;
mod engine;
mod error;
mod find;
mod harvest;
mod hold;
mod id;
mod idle;
mod market;
mod one;
mod outcome;
mod outlook;
mod pad;
mod pool;
mod reconcile;
mod retry;
mod room;
mod single;
mod status;
mod submit;
mod tail;
mod tidy;
mod turn;
mod upload;

pub use accept::{Accepted, BadLine, Place, PoolEstimate, Refused, Request, submission_id};
pub use decide::{Spare, Terms};
pub use deliver::{Delivered, errors_path, part_path};
pub use engine::{Buckets, Engine, Phase, Progress, RescueSettings, Settings, Timer, Tools};
pub use error::EngineError;
pub use find::{Address, Story};
pub use id::{Chance, machine_chance};
pub use idle::{Ended, Idle, Lent};
pub use laneshift_dialect::{Dialect, Shape};
pub use one::{One, OneState};
pub use outlook::{Outlook, Way};
pub use pool::PoolSpec;
pub use reconcile::{Evidence, Reconciled};
pub use retry::Retry;
pub use room::FreeBytes;
pub use single::{NotAccepted, Single, Taken};
pub use status::{Booked, Part, Receipt};
