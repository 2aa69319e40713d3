//! The operations of Bedrock's runtime that run a model.
//!
//! Source: service model of bedrock-runtime in botocore, read 2026-11-23.

use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};

/// See the module.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Operation {
    /// `Converse`.
    Converse,
    /// `ConverseStream`.
    ConverseStream,
    /// `InvokeModel`.
    InvokeModel,
    /// `InvokeModelWithResponseStream`.
    InvokeModelWithResponseStream,
}

impl Operation {
    /// Every operation.
    pub const ALL: [Self; 4] = [Self::Converse, Self::ConverseStream, Self::InvokeModel, Self::InvokeModelWithResponseStream];

    /// AWS's name.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Converse => "Converse",
            Self::ConverseStream => "ConverseStream",
            Self::InvokeModel => "InvokeModel",
            Self::InvokeModelWithResponseStream => "InvokeModelWithResponseStream",
        }
    }

    /// Reads [`Operation::name`].
    pub fn parse(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|operation| operation.name() == name)
    }

    /// Whether the answer is an event stream.
    pub const fn streams(self) -> bool {
        matches!(self, Self::ConverseStream | Self::InvokeModelWithResponseStream)
    }

    /// Whether the body is Converse's; the model's own otherwise.
    pub const fn is_converse(self) -> bool {
        matches!(self, Self::Converse | Self::ConverseStream)
    }

    /// The last segment of its path.
    const fn segment(self) -> &'static str {
        match self {
            Self::Converse => "converse",
            Self::ConverseStream => "converse-stream",
            Self::InvokeModel => "invoke",
            Self::InvokeModelWithResponseStream => "invoke-with-response-stream",
        }
    }

    /// The path that calls a model.
    pub fn path(self, model: &str) -> String {
        format!("/model/{}/{}", utf8_percent_encode(model, NON_ALPHANUMERIC), self.segment())
    }

    /// The model as it is encoded in a path, and the operation, of `/model/MODEL/converse` and the others.
    pub fn of_path(path: &str) -> Option<(&str, Self)> {
        let (model, segment) = path.strip_prefix("/model/")?.split_once('/')?;
        let operation = Self::ALL.into_iter().find(|operation| operation.segment() == segment)?;
        (!model.is_empty()).then_some((model, operation))
    }
}
