//! Tables of calls that are no invocation logs, explained by a mapping of columns.

use std::fmt;
use std::io::{self, Read};
use std::ops::ControlFlow;

use crate::row::Row;

/// Which column of a table is which field of a row.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Mapping(String);

impl fmt::Display for Mapping {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// What a record of a table is, with its line and its offset: a row, or why it is none and its hash.
pub(crate) type EachRecord<'a> = &'a mut dyn FnMut(u64, u64, Result<Row<'_>, (String, u64)>) -> ControlFlow<()>;

impl Mapping {
    pub(crate) fn read(&self, _: &mut dyn Read, _: EachRecord<'_>) -> io::Result<ControlFlow<()>> {
        Ok(ControlFlow::Continue(()))
    }
}
