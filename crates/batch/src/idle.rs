//! Capacity that is paid for by the hour, as far as it is idle: what waits is answered there at no further cost.
//!
//! How much of it is idle somebody else knows. The engine asks before it decides, and again for each record just before it is sent;
//! it tells what an answer used, and what a refusal says of the capacity. A record is refused for good only by capacity that is well.

use laneshift_aws::AwsError;
use laneshift_aws::runtime::{Invocation, Invoked};
use laneshift_store::Members;
use laneshift_units::{Timestamp, Usage};

use crate::accept::usage_of_input;
use crate::calls::{Note, metered, note_of};
use crate::decide::Spare;
use crate::engine::Engine;
use crate::error::EngineError;
use crate::pad;
use crate::pool::PoolSpec;

/// Knows what is idle.
pub trait Idle: Send + Sync {
    /// What a pool's records may take at this moment; nothing where none of it is for their model, or it has just refused.
    fn spare(&self, pool: &PoolSpec, now: Timestamp) -> Spare;

    /// Room for one record that is thought to use so much; `None` where there is none any more.
    fn lend(&self, pool: &PoolSpec, load: &Usage, now: Timestamp) -> Option<Lent>;
}

/// Room for one record. Dropped before it is given back, it was not used, and nothing is said of the capacity.
pub struct Lent {
    /// What is called instead of the model.
    pub arn: String,
    /// Gives it back.
    pub back: Box<dyn FnOnce(Ended) + Send>,
}

/// What became of a call.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Ended {
    /// It answered; with what that used, where the answer says.
    Answered(Option<Usage>),
    /// Whether it answered is not known.
    Lost,
    /// It has no room.
    Throttled,
    /// It cannot be called, in AWS's words.
    Gone(String),
    /// Nothing of its upstream can be reached.
    Unreachable,
}

impl Engine {
    /// What is idle of a pool's model.
    pub(crate) fn spare(&self, spec: &PoolSpec, now: Timestamp) -> Spare {
        self.idle.get().map_or_else(Spare::default, |idle| idle.spare(spec, now))
    }

    /// Room for one record on it.
    pub(crate) fn lend(&self, spec: &PoolSpec, input: &str) -> Option<Lent> {
        self.idle.get()?.lend(spec, &usage_of_input(input), self.now())
    }

    /// Whether some of these have no result.
    pub(crate) async fn is_left(&self, members: &[Members]) -> Result<bool, EngineError> {
        for m in members {
            if !m.slots.without(&self.store.chunk(m.chunk).await?.done).is_empty() {
                return Ok(true);
            }
        }
        Ok(false)
    }

    /// What an answer of such capacity means for its record; gives the room back.
    pub(crate) async fn note_of_lent(
        &self,
        (spec, attempt): (&PoolSpec, &str),
        slot: usize,
        sent: Result<Invoked, AwsError>,
        Lent { arn, back }: Lent,
    ) -> Option<Note> {
        match &sent {
            Ok(invoked) => back(Ended::Answered(metered(&invoked.body, invoked.tokens))),
            Err(AwsError::Unusable(_)) => back(Ended::Lost),
            Err(AwsError::Unknown(error)) if error.sent => back(Ended::Lost),
            Err(AwsError::Unknown(_)) => back(Ended::Unreachable),
            Err(AwsError::Service { status: 429 | 503, .. }) => back(Ended::Throttled),
            // What fails inside of it may be this record's doing: others go on.
            Err(error) if error.is_transient() => drop(back),
            Err(error @ AwsError::Service { status: 401 | 403 | 404, .. }) => {
                back(Ended::Gone(error.to_string()));
                return Some(Note::Free(slot));
            }
            // AWS says no more about a record that is wrong than about an ARN that is: the least request of all tells them apart.
            Err(AwsError::Service { .. }) => match self.probe(spec, attempt, &arn).await {
                Some(Ended::Answered(usage)) => back(Ended::Answered(usage)),
                other => {
                    other.map(back);
                    return Some(Note::Free(slot));
                }
            },
        }
        note_of(slot, sent)
    }

    /// Asks for the least that a model of this family answers; `None` where that is not known, or says nothing.
    async fn probe(&self, spec: &PoolSpec, attempt: &str, arn: &str) -> Option<Ended> {
        let metadata = [("laneshift-attempt", attempt.to_owned())];
        let body = pad::input(spec)?;
        let call = Invocation { model: arn, body, converse: spec.is_converse(), tier: None, metadata: &metadata };
        match self.client.invoke(call).await {
            Ok(invoked) => Some(Ended::Answered(metered(&invoked.body, invoked.tokens))),
            Err(error) if error.is_transient() => None,
            Err(error) => Some(Ended::Gone(error.to_string())),
        }
    }
}
