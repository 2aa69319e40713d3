//! What can be wrong with a bill: with the file as a whole, and with one row.

use std::error::Error;

/// A file that cannot be read as a bill.
#[derive(Debug, thiserror::Error)]
pub enum BillError {
    /// The file has no column that a cost and usage report has.
    #[error("read the bill {name}: it is no cost and usage report")]
    NotABill {
        /// The file.
        name: String,
    },
    /// The file is a FOCUS export.
    #[error("read the bill {name}: it is a FOCUS export, and only CUR 2.0 and legacy CUR are read")]
    Focus {
        /// The file.
        name: String,
    },
    /// The file is a bill without columns that are needed.
    #[error("read the bill {name}: it lacks the columns {columns}")]
    MissingColumns {
        /// The file.
        name: String,
        /// CUR 2.0's names of the missing columns, with commas.
        columns: String,
    },
    /// The file cannot be read to its end.
    #[error("read the bill {name}")]
    Unreadable {
        /// The file.
        name: String,
        /// What went wrong.
        #[source]
        source: Box<dyn Error + Send + Sync>,
    },
}

impl BillError {
    pub(super) fn unreadable(name: &str, source: impl Into<Box<dyn Error + Send + Sync>>) -> Self {
        Self::Unreadable { name: name.to_owned(), source: source.into() }
    }
}

/// A row that was left out.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Reject {
    /// The line of a CSV file (the header is line 1), or the row of a Parquet file (the first row is 1).
    pub line: u64,
    /// What is wrong with it.
    pub reason: String,
}
