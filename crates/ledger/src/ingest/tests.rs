//! Evidence of every kind and condition becomes each row once.

mod fixture;

mod damage;
mod property;
mod resume;
mod road;
