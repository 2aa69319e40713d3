//! Placeholder.
pub mod shapes;
