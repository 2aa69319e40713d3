//! Why a month cannot be told.

use crate::invariants::Broken;

/// See the module.
#[derive(Debug, thiserror::Error)]
pub enum SimError {
    /// The emulator cannot be opened.
    #[error("{0}")]
    Emulator(Box<laneshift_emulator::OpenError>),
    /// The gateway cannot be opened.
    #[error("open the gateway: {0}")]
    Gateway(Box<laneshift_gateway::OpenError>),
    /// The batch lane cannot go on.
    #[error("the batch lane: {0}")]
    Batch(Box<laneshift_batch::EngineError>),
    /// A folder, or a file in it.
    #[error("{0}")]
    Folder(#[from] std::io::Error),
    /// A file that was built in.
    #[error("{0}")]
    Data(Box<laneshift_catalog::DataError>),
    /// A request was refused that has to be answered.
    #[error("{0}")]
    Refused(String),
    /// An invariant does not hold.
    #[error("{0}")]
    Broken(Box<Broken>),
    /// A price is missing, so the months cannot be compared.
    #[error("the bill has no price for {0}")]
    Unpriced(String),
}

macro_rules! boxed {
    ($($variant:ident: $error:ty,)*) => {
        $(impl From<$error> for SimError {
            fn from(error: $error) -> Self {
                Self::$variant(Box::new(error))
            }
        })*
    };
}

boxed! {
    Gateway: laneshift_gateway::OpenError,
    Batch: laneshift_batch::EngineError,
    Emulator: laneshift_emulator::OpenError,
    Data: laneshift_catalog::DataError,
}
