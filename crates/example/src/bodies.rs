//! Request and answer bodies in the shapes of the APIs: what `inputBodyJson` and `outputBodyJson` hold.

mod claude;
mod converse;
mod others;
mod talk;

use serde::Serialize;

use crate::company::Company;
use crate::events::{Event, Outcome};
use crate::part::Operation;
use crate::prices::{self, Family};
pub(crate) use talk::{Length, Talk};

/// A request body.
#[derive(Debug, Serialize)]
#[serde(untagged)]
pub(crate) enum Input {
    Converse(converse::Request),
    Claude(claude::Request),
    Llama(others::LlamaRequest),
    OpenAi(others::OpenAiRequest),
    Titan(others::TitanRequest),
}

/// An answer body.
#[derive(Debug, Serialize)]
#[serde(untagged)]
pub(crate) enum Output {
    Converse(converse::Answer),
    Claude(claude::Answer),
    ClaudeStream(Vec<claude::StreamEvent>),
    Llama(others::LlamaAnswer),
    OpenAi(others::OpenAiAnswer),
    Titan(others::TitanAnswer),
}

/// The request body of an event.
pub(crate) fn input(company: &Company, event: &Event, talk: &Talk) -> Input {
    let (workload, part) = (event.workload_of(company), event.part_of(company));
    match (part.operation.converses(), prices::model(&workload.model.model).family) {
        (true, _) => Input::Converse(converse::Request::new(talk, part)),
        (false, Family::Claude) => Input::Claude(claude::Request::new(talk, part)),
        (false, Family::Nova) => Input::Converse(converse::Request::nova(talk, part)),
        (false, Family::Llama) => Input::Llama(others::LlamaRequest::new(talk)),
        (false, Family::OpenAi) => Input::OpenAi(others::OpenAiRequest::new(talk, workload, part)),
        (false, Family::TitanEmbedding) => Input::Titan(others::TitanRequest::new(talk)),
    }
}

/// The answer body of an event, or nothing where the call failed.
pub(crate) fn output(company: &Company, event: &Event, talk: &Talk) -> Option<Output> {
    if matches!(event.outcome, Outcome::Throttled | Outcome::Invalid) {
        return None;
    }
    let (workload, part) = (event.workload_of(company), event.part_of(company));
    let streams = part.operation == Operation::InvokeModelWithResponseStream;
    Some(match (part.operation.converses(), prices::model(&workload.model.model).family) {
        (true, _) => Output::Converse(converse::Answer::new(talk, event, part)),
        (false, Family::Claude) if streams => Output::ClaudeStream(claude::stream(talk, event, workload)),
        (false, Family::Claude) => Output::Claude(claude::Answer::new(talk, event, workload)),
        (false, Family::Nova) => Output::Converse(converse::Answer::nova(talk, event)),
        (false, Family::Llama) => Output::Llama(others::LlamaAnswer::new(talk, event)),
        (false, Family::OpenAi) => Output::OpenAi(others::OpenAiAnswer::new(talk, event, workload, part)),
        (false, Family::TitanEmbedding) => Output::Titan(others::TitanAnswer::new(talk, event)),
    })
}
