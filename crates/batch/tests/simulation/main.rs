//! The engine and the emulator in one process under a clock that only the simulation moves: nights pass in no time, and whatever
//! can go wrong goes wrong where it is told to.

mod deadlines;
mod flaky;
mod histories;
mod idle;
mod ids;
mod pauses;
mod poison;
mod sim;
mod trickle;
mod uploads;
