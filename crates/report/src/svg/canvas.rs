//! The shapes that charts are made of.

use std::fmt::{self, Write};

use askama::filters::{Escaper, Html, HtmlSafe};

/// A finished chart, safe to put into a page as it is.
#[derive(Clone, Debug)]
pub(crate) struct Svg(String);

impl fmt::Display for Svg {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl HtmlSafe for Svg {}

/// Where a text is anchored.
#[derive(Clone, Copy, Debug)]
pub(super) enum Anchor {
    Start,
    Middle,
    End,
}

/// A chart that is being drawn. Coordinates are user units.
pub(super) struct Canvas(String);

impl Canvas {
    /// A chart with a name and a description for those who cannot see it. `id` is unique on the page.
    pub(super) fn new(id: &str, title: &str, description: &str, (width, height): (f64, f64)) -> Self {
        Self::open(id, title, description, (width, height), "")
    }

    /// A chart without texts, which fills its box in both directions.
    pub(super) fn stretched(id: &str, title: &str, description: &str, size: (f64, f64)) -> Self {
        Self::open(id, title, description, size, " preserveAspectRatio=\"none\"")
    }

    fn open(id: &str, title: &str, description: &str, (width, height): (f64, f64), attributes: &str) -> Self {
        let mut canvas = Self(String::with_capacity(4096));
        canvas.put(format_args!(
            "<svg class=\"chart\" viewBox=\"0 0 {} {}\" role=\"img\" aria-labelledby=\"{id}-t {id}-d\"{attributes}>",
            Number(width),
            Number(height)
        ));
        canvas.element("title", &format!(" id=\"{id}-t\""), title);
        canvas.element("desc", &format!(" id=\"{id}-d\""), description);
        canvas
    }

    /// A rectangle; `tip` is shown on hovering.
    pub(super) fn rect(&mut self, class: &str, (x, y): (f64, f64), (width, height): (f64, f64), tip: &str) {
        self.put(format_args!(
            "<rect class=\"{class}\" x=\"{}\" y=\"{}\" width=\"{}\" height=\"{}\">",
            Number(x),
            Number(y),
            Number(width.max(0.0)),
            Number(height.max(0.0))
        ));
        self.tip(tip);
        self.put(format_args!("</rect>"));
    }

    /// A straight line.
    pub(super) fn line(&mut self, class: &str, (x1, y1): (f64, f64), (x2, y2): (f64, f64)) {
        self.put(format_args!(
            "<line class=\"{class}\" x1=\"{}\" y1=\"{}\" x2=\"{}\" y2=\"{}\"/>",
            Number(x1),
            Number(y1),
            Number(x2),
            Number(y2)
        ));
    }

    /// A path in SVG's own notation, which the caller writes.
    pub(super) fn path(&mut self, class: &str, d: &str, tip: &str) {
        self.put(format_args!("<path class=\"{class}\" d=\"{d}\">"));
        self.tip(tip);
        self.put(format_args!("</path>"));
    }

    /// A text; `y` is its baseline.
    pub(super) fn text(&mut self, class: &str, anchor: Anchor, (x, y): (f64, f64), text: &str) {
        let anchor = match anchor {
            Anchor::Start => "start",
            Anchor::Middle => "middle",
            Anchor::End => "end",
        };
        let attributes = format!(" class=\"{class}\" text-anchor=\"{anchor}\" x=\"{}\" y=\"{}\"", Number(x), Number(y));
        self.element("text", &attributes, text);
    }

    /// A link around what `draw` draws. The page has the same link in a table, so the keyboard skips this one.
    pub(super) fn link(&mut self, target_id: &str, draw: impl FnOnce(&mut Self)) {
        self.put(format_args!("<a href=\"#{target_id}\" tabindex=\"-1\">"));
        draw(self);
        self.put(format_args!("</a>"));
    }

    /// The chart.
    pub(super) fn finish(mut self) -> Svg {
        self.put(format_args!("</svg>"));
        Svg(self.0)
    }

    fn tip(&mut self, text: &str) {
        if !text.is_empty() {
            self.element("title", "", text);
        }
    }

    fn element(&mut self, name: &str, attributes: &str, text: &str) {
        self.put(format_args!("<{name}{attributes}>"));
        Html.write_escaped_str(&mut self.0, text).expect("a string takes everything");
        self.put(format_args!("</{name}>"));
    }

    fn put(&mut self, arguments: fmt::Arguments<'_>) {
        self.0.write_fmt(arguments).expect("a string takes everything");
    }
}

/// A coordinate with at most one decimal.
pub(super) struct Number(pub(super) f64);

impl fmt::Display for Number {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let tenths = (self.0 * 10.0).round() as i64;
        if tenths % 10 == 0 { write!(f, "{}", tenths / 10) } else { write!(f, "{:.1}", tenths as f64 / 10.0) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn texts_are_escaped_wherever_they_stand() {
        let hostile = "</title><script>alert(1)</script>";
        let mut canvas = Canvas::new("c", hostile, hostile, (10.0, 10.0));
        canvas.rect("a", (0.0, 0.0), (1.0, 1.0), hostile);
        canvas.text("a", Anchor::Start, (0.0, 0.0), hostile);
        let svg = canvas.finish().to_string();
        assert!(!svg.contains("<script"), "{svg}");
    }

    #[test]
    fn coordinates_are_short() {
        assert_eq!(
            (Number(1.0).to_string(), Number(-0.25).to_string(), Number(2.04).to_string()),
            ("1".into(), "-0.3".into(), "2".into())
        );
    }
}
