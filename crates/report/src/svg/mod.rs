//! Charts as inline SVG. Colours are classes, so that light, dark and print set them; texts are escaped in one place.
//!
//! Floats are fine here and nowhere else: a chart shows ratios.

mod canvas;
mod daily;
mod heat;
mod lanes;
mod range;
mod scatter;
mod waterfall;

pub(crate) use canvas::Svg;
pub(crate) use daily::daily;
pub(crate) use heat::heat;
pub(crate) use lanes::{class as lane_class, lane_bar};
pub(crate) use range::range;
pub(crate) use scatter::scatter;
pub(crate) use waterfall::waterfall;
