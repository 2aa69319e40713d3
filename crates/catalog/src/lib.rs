//! Every dated file: prices, capabilities, signal weights, owners, policy and plan files.

pub mod prices;
