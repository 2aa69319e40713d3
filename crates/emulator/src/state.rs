//! The state and its journal, changed together.

use std::io;

use laneshift_provider::event::Event;
use laneshift_provider::world::World;

use crate::journal::Journal;
use crate::notices::Notices;

/// What the one lock of the emulator guards.
#[derive(Debug)]
pub(crate) struct State {
    pub(crate) world: World,
    pub(crate) notices: Notices,
    pub(crate) journal: Journal,
}

impl State {
    /// Journals events, then takes them over. Nothing is taken over that is not in the journal.
    pub(crate) fn commit(&mut self, events: &[Event]) -> io::Result<()> {
        if events.is_empty() {
            return Ok(());
        }
        self.journal.append(events)?;
        for event in events {
            apply(&mut self.world, &mut self.notices, event).map_err(io::Error::other)?;
        }
        Ok(())
    }
}

/// Takes one event over.
pub(crate) fn apply(world: &mut World, notices: &mut Notices, event: &Event) -> Result<(), String> {
    world.apply(event)?;
    notices.see(world, event);
    Ok(())
}
