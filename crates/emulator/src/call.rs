//! A request for Bedrock, read and believed.

use bytes::Bytes;
use laneshift_provider::shapes::Params;
use laneshift_provider::world::Caller;

/// A request whose caller and operation are known.
pub(crate) struct Call {
    pub(crate) operation: String,
    pub(crate) params: Params,
    pub(crate) bytes: Bytes,
    pub(crate) caller: Caller,
    pub(crate) request_id: String,
    /// It came by an API of bedrock-mantle.
    pub(crate) mantle: Option<Mantle>,
}

/// An API of bedrock-mantle.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Mantle {
    /// OpenAI's chat completions.
    Chat {
        /// A stream ends with what was used.
        include_usage: bool,
    },
    /// Anthropic's messages.
    Messages,
}

impl Call {
    /// A parameter of the path.
    pub(crate) fn uri(&self, name: &str) -> &str {
        self.params.uri.iter().find(|(n, _)| n == name).map_or("", |(_, v)| v)
    }

    /// A parameter of the query.
    pub(crate) fn query(&self, name: &str) -> Option<String> {
        self.params.query.iter().find(|(n, _)| n == name).map(|(_, v)| v.clone())
    }

    /// A header.
    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        self.params.headers.iter().find(|(n, _)| n.eq_ignore_ascii_case(name)).map(|(_, v)| &**v)
    }
}
