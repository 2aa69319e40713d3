//! Lines in, lines out.

mod answers;
mod any;
mod bedrock_lines;
mod live;
mod over_claude;
mod requests;
