//! Lines in, lines out.

mod answers;
mod any;
mod bedrock_lines;
mod live;
mod requests;
