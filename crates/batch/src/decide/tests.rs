//! Laws of [`super::decide`]: on any pool, by example, and over simulated time.

mod bisect;
mod fits;
mod idle;
mod laws;
mod minutes;
mod small;
mod world;
