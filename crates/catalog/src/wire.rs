//! How quantities of `units` and names of `core` are written in our files.

use laneshift_core::route::LaneId;

/// Reads [`LaneId::name`].
pub(crate) fn lane(name: &str) -> Option<LaneId> {
    LaneId::ALL.into_iter().find(|lane| lane.name() == name)
}
