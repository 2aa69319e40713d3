//! The rules of an emulated Amazon Bedrock: field rules, models, answers, quotas, jobs, faults, logs and the bill.
//!
//! Promises: pure. The same events and the same questions give the same answers; the moment is an argument, chance is a
//! function of a seed, and the bill is added up by arithmetic of its own from the same dated price list that the audit
//! reads. Leaves out: sockets, files, clocks, threads.

pub mod admission;
pub mod answer;
pub mod ask;
pub mod bill;
pub mod cache;
pub mod chance;
pub mod event;
pub mod faults;
pub mod jobs;
pub mod log;
pub mod models;
pub mod notices;
pub mod quotas;
pub mod refusal;
pub mod resolve;
pub mod settings;
pub mod shapes;
pub mod tokens;
pub mod toy;
pub mod turnaround;
pub mod world;
