//! What idle capacity takes that is paid for already: free records, the earliest deadlines first. They wait for no company, and no
//! deadline has to press.

use laneshift_store::{Lane, Members};
use laneshift_units::{Tokens, Usage};

use super::{Hedge, Move, Part, View, guard};

/// Records that go there in one moment, at most: their answers are waited for.
const RECORDS_MAX: u64 = 1_024;

/// How much of idle capacity a pool's records may take at a moment.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Spare {
    /// Input tokens.
    pub input: Tokens,
    /// Output tokens.
    pub output: Tokens,
    /// Records.
    pub records: u64,
}

impl Spare {
    /// Takes what a record is thought to use, if it is there.
    pub(crate) fn take(&mut self, load: &Usage) -> bool {
        let left =
            (self.input.0.checked_sub(load.input.0), self.output.0.checked_sub(load.output.0), self.records.checked_sub(1));
        let (Some(input), Some(output), Some(records)) = left else { return false };
        *self = Self { input: Tokens(input), output: Tokens(output), records };
        true
    }
}

/// Moves what fits, and says whether anything does. Records that are too large for what is left do not hold up smaller ones: all
/// have another way.
pub(super) fn drain(view: &View<'_>, parts: &mut [Part], moves: &mut Vec<Move>) -> bool {
    let (mut input, mut output) = (view.spare.input.0, view.spare.output.0);
    let mut records = view.spare.records.min(RECORDS_MAX);
    let mut members = Vec::new();
    for part in parts {
        let [each_input, each_output] = part.load;
        let fits = records.min(input / each_input).min(output.checked_div(each_output).unwrap_or(u64::MAX));
        let free = view.lost.get(&part.chunk).map_or_else(|| part.free.clone(), |lost| part.free.without(lost));
        let slots = guard::first(&free, fits);
        if !slots.is_empty() {
            let n = slots.count();
            (input, output, records) = (input - n * each_input, output - n * each_output, records - n);
            part.free = part.free.without(&slots);
            members.push(Members { chunk: part.chunk, slots });
        }
    }
    let any = !members.is_empty();
    if any {
        moves.push(Move::Calls(members, Lane::Provisioned, Hedge::No));
    }
    any
}
