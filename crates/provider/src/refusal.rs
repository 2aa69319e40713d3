//! The errors of AWS, with their names, HTTP codes and headers' spelling.
//!
//! Source: service models of bedrock and bedrock-runtime in botocore; Amazon Bedrock User Guide, "Troubleshooting Amazon
//! Bedrock API error codes". Read 2026-11-23. Conflict and quota errors are 400 here, not 409 or 402.

/// An error of AWS by its name.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Kind {
    /// The caller may not do this.
    AccessDenied,
    /// The signature does not hold.
    InvalidSignature,
    /// The `Authorization` header lacks a part.
    IncompleteSignature,
    /// The access key is not known.
    UnrecognizedClient,
    /// The session of the access key has ended.
    ExpiredToken,
    /// There is no `Authorization` header.
    MissingAuthenticationToken,
    /// The input breaks a rule.
    Validation,
    /// The body is not what the operation can read.
    Serialization,
    /// No operation has this method and path.
    UnknownOperation,
    /// The state of the resource forbids it.
    Conflict,
    /// A quota of the account is used up.
    ServiceQuotaExceeded,
    /// More than 50 tags, or 200 at creation.
    TooManyTags,
    /// No such resource.
    ResourceNotFound,
    /// Service Quotas' word for a missing resource.
    NoSuchResource,
    /// Service Quotas' word for an input that breaks a rule.
    IllegalArgument,
    /// Service Quotas' word for a token that no list gave.
    InvalidPaginationToken,
    /// Too many requests or tokens for the account.
    Throttling,
    /// The service failed.
    InternalServer,
    /// The service has no capacity.
    ServiceUnavailable,
    /// The model failed.
    ModelError,
    /// The model failed in the middle of its answer.
    ModelStreamError,
    /// The model took too long.
    ModelTimeout,
    /// The model is not loaded yet.
    ModelNotReady,
}

impl Kind {
    /// AWS's name, without the namespace.
    pub const fn name(self) -> &'static str {
        match self {
            Self::AccessDenied => "AccessDeniedException",
            Self::InvalidSignature => "InvalidSignatureException",
            Self::IncompleteSignature => "IncompleteSignatureException",
            Self::UnrecognizedClient => "UnrecognizedClientException",
            Self::ExpiredToken => "ExpiredTokenException",
            Self::MissingAuthenticationToken => "MissingAuthenticationTokenException",
            Self::Validation => "ValidationException",
            Self::Serialization => "SerializationException",
            Self::UnknownOperation => "UnknownOperationException",
            Self::Conflict => "ConflictException",
            Self::ServiceQuotaExceeded => "ServiceQuotaExceededException",
            Self::TooManyTags => "TooManyTagsException",
            Self::ResourceNotFound => "ResourceNotFoundException",
            Self::NoSuchResource => "NoSuchResourceException",
            Self::IllegalArgument => "IllegalArgumentException",
            Self::InvalidPaginationToken => "InvalidPaginationTokenException",
            Self::Throttling => "ThrottlingException",
            Self::InternalServer => "InternalServerException",
            Self::ServiceUnavailable => "ServiceUnavailableException",
            Self::ModelError => "ModelErrorException",
            Self::ModelStreamError => "ModelStreamErrorException",
            Self::ModelTimeout => "ModelTimeoutException",
            Self::ModelNotReady => "ModelNotReadyException",
        }
    }

    /// The HTTP status.
    pub const fn status(self) -> u16 {
        match self {
            Self::AccessDenied
            | Self::InvalidSignature
            | Self::IncompleteSignature
            | Self::UnrecognizedClient
            | Self::ExpiredToken
            | Self::MissingAuthenticationToken => 403,
            Self::Validation
            | Self::Serialization
            | Self::Conflict
            | Self::ServiceQuotaExceeded
            | Self::TooManyTags
            | Self::NoSuchResource
            | Self::IllegalArgument
            | Self::InvalidPaginationToken => 400,
            Self::ResourceNotFound | Self::UnknownOperation => 404,
            Self::Throttling | Self::ModelNotReady => 429,
            Self::InternalServer => 500,
            Self::ServiceUnavailable => 503,
            Self::ModelError | Self::ModelStreamError => 424,
            Self::ModelTimeout => 408,
        }
    }

    /// Reads [`Kind::name`].
    pub fn parse(name: &str) -> Option<Self> {
        [
            Self::AccessDenied,
            Self::InvalidSignature,
            Self::IncompleteSignature,
            Self::UnrecognizedClient,
            Self::ExpiredToken,
            Self::MissingAuthenticationToken,
            Self::Validation,
            Self::Serialization,
            Self::UnknownOperation,
            Self::Conflict,
            Self::ServiceQuotaExceeded,
            Self::TooManyTags,
            Self::ResourceNotFound,
            Self::NoSuchResource,
            Self::IllegalArgument,
            Self::InvalidPaginationToken,
            Self::Throttling,
            Self::InternalServer,
            Self::ServiceUnavailable,
            Self::ModelError,
            Self::ModelStreamError,
            Self::ModelTimeout,
            Self::ModelNotReady,
        ]
        .into_iter()
        .find(|kind| kind.name() == name)
    }

    /// The member of a response stream that carries this error: the name, beginning in lower case.
    pub fn member(self) -> String {
        let name = self.name();
        format!("{}{}", name[..1].to_ascii_lowercase(), &name[1..])
    }
}

/// An error to answer with.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{}: {message}", kind.name())]
pub struct Refusal {
    /// Which error.
    pub kind: Kind,
    /// AWS's text.
    pub message: String,
}

impl Refusal {
    /// An error with its text.
    pub fn new(kind: Kind, message: impl Into<String>) -> Self {
        Self { kind, message: message.into() }
    }

    /// The input breaks a rule.
    pub fn validation(message: impl Into<String>) -> Self {
        Self::new(Kind::Validation, message)
    }
}
