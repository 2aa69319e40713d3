//! Tables of calls that are no invocation logs, explained by a mapping: which column is which field of a row.
//!
//! A mapping is a text such as `at=created_at,model_id=model,input=prompt_tokens,operation='Converse'`: fields of
//! [`crate::row::Row`] on the left, columns or quoted constants on the right. Promises: a cell that cannot be read
//! costs its record, which is rejected. Leaves out: bodies, and what is only known from them.

mod field;
mod read;

use std::fmt;

pub(crate) use field::Field;
pub(crate) use read::TableError;

/// Which column of a table is which field of a row.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Mapping {
    parts: Vec<(Field, Source)>,
}

/// Where a field's text comes from.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Source {
    Column(String),
    Constant(String),
}

/// A text that is no mapping.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("read the mapping: {reason}\nhint: --map at=created_at,model_id=model,input=prompt_tokens,output=completion_tokens")]
pub struct MappingError {
    reason: String,
}

impl Mapping {
    /// Reads a mapping. It must say at least when a call was made and of which model.
    ///
    /// # Errors
    /// [`MappingError`] when a part is no `field=column`, a field is unknown or given twice, or one is missing.
    pub fn parse(text: &str) -> Result<Self, MappingError> {
        let wrong = |reason: String| MappingError { reason };
        let mut parts: Vec<(Field, Source)> = Vec::new();
        for part in text.split(',').map(str::trim).filter(|part| !part.is_empty()) {
            let (name, source) = part.split_once('=').ok_or_else(|| wrong(format!("{part} is no field=column")))?;
            let (name, source) = (name.trim(), source.trim());
            let field = Field::ALL.into_iter().find(|field| field.name() == name).ok_or_else(|| {
                wrong(format!("there is no field {name}; there are {}", Field::ALL.map(Field::name).join(", ")))
            })?;
            if parts.iter().any(|(other, _)| *other == field) {
                return Err(wrong(format!("the field {name} is given twice")));
            }
            let constant = source.strip_prefix('\'').and_then(|rest| rest.strip_suffix('\''));
            parts.push(match constant {
                Some(constant) => (field, Source::Constant(constant.to_owned())),
                None if source.is_empty() => return Err(wrong(format!("the field {name} has no column"))),
                None => (field, Source::Column(source.to_owned())),
            });
        }
        for needed in [Field::At, Field::ModelId] {
            if !parts.iter().any(|(field, _)| *field == needed) {
                return Err(wrong(format!("the field {} is missing", needed.name())));
            }
        }
        parts.sort_by_key(|(field, _)| *field);
        Ok(Self { parts })
    }
}

/// The text that parses to it, its fields in their own order.
impl fmt::Display for Mapping {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (n, (field, source)) in self.parts.iter().enumerate() {
            let comma = if n == 0 { "" } else { "," };
            match source {
                Source::Column(column) => write!(f, "{comma}{}={column}", field.name())?,
                Source::Constant(constant) => write!(f, "{comma}{}='{constant}'", field.name())?,
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests;
