//! One suite for every store: what a verb promises and what it refuses holds on each, every verb can run twice, and on any
//! history the two agree.

mod aim;
mod answer;
mod attempts;
mod books;
mod fixture;
mod histories;
mod intake;
mod picture;
mod sqlite;
mod submissions;
mod verb;
mod work;
