//! Why a report could not be drawn.

/// The template could not be filled. Reads after "failed to draw the report:".
#[derive(Debug, thiserror::Error)]
#[error("fill the template: {0}")]
pub struct ReportError(#[from] askama::Error);
