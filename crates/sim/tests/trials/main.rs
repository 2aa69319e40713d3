//! Seeds of tiny companies: everything goes wrong that can, and whatever is planted is found.

mod bent;
mod company;
mod kills;
mod planted;
mod seeds;
mod trial;
