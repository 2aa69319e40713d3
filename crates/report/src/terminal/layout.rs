//! Text in 80 columns: wrapping, truncating, tables.

use unicode_width::{UnicodeWidthChar, UnicodeWidthStr};

use crate::text::clean;

/// Columns of a line.
pub(crate) const WIDTH: usize = 80;
/// Space before everything but headings.
const INDENT: &str = "  ";
/// Space between two columns of a table.
const GAP: usize = 2;

/// Lines that are added from top to bottom.
#[derive(Default)]
pub(crate) struct Lines(String);

impl Lines {
    /// A heading, with a blank line before it unless it is the first line.
    pub(crate) fn heading(&mut self, text: &str) {
        if !self.0.is_empty() {
            self.0.push('\n');
        }
        self.wrap("", "", text);
    }

    /// A paragraph.
    pub(crate) fn paragraph(&mut self, text: &str) {
        self.wrap(INDENT, INDENT, text);
    }

    /// A list item: `mark` stands before its first line.
    pub(crate) fn item(&mut self, mark: &str, text: &str) {
        let first = format!("{INDENT}{mark} ");
        let rest = " ".repeat(first.width());
        self.wrap(&first, &rest, text);
    }

    /// A table, each row a line.
    pub(crate) fn table(&mut self, table: &Table) {
        for line in table.lines() {
            self.0.push_str(INDENT);
            self.0.push_str(&line);
            self.0.push('\n');
        }
    }

    /// The text.
    pub(crate) fn finish(self) -> String {
        self.0
    }

    fn wrap(&mut self, first: &str, rest: &str, text: &str) {
        let mut line = first.to_owned();
        let mut room = WIDTH - first.width();
        let mut fresh = true;
        for word in clean(text).split(' ').filter(|w| !w.is_empty()) {
            for piece in broken(word, WIDTH - rest.width()) {
                let needs = piece.width() + usize::from(!fresh);
                if needs > room {
                    self.0.push_str(line.trim_end());
                    self.0.push('\n');
                    line = rest.to_owned();
                    room = WIDTH - rest.width();
                    fresh = true;
                }
                if !fresh {
                    line.push(' ');
                    room -= 1;
                }
                room -= piece.width();
                line.push_str(&piece);
                fresh = false;
            }
        }
        self.0.push_str(line.trim_end());
        self.0.push('\n');
    }
}

/// A word in pieces of at most `width` columns.
fn broken(word: &str, width: usize) -> Vec<String> {
    let mut pieces = vec![String::new()];
    let mut used = 0;
    for c in word.chars() {
        let wide = c.width().unwrap_or(0);
        if used + wide > width {
            pieces.push(String::new());
            used = 0;
        }
        used += wide;
        if let Some(last) = pieces.last_mut() {
            last.push(c);
        }
    }
    pieces
}

/// `text` cleaned and cut to `width` columns, with an ellipsis where something is missing.
pub(crate) fn ellipsis(text: &str, width: usize) -> String {
    let text = clean(text);
    if text.width() <= width {
        return text;
    }
    let mut out = String::new();
    let mut used = 1;
    for c in text.chars() {
        used += c.width().unwrap_or(0);
        if used > width {
            break;
        }
        out.push(c);
    }
    out.push('…');
    out
}

/// How a column is set.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Align {
    /// Text, at the left.
    Left,
    /// Numbers, at the right.
    Right,
    /// Text at the left that gives way when the line is too long. One column at most.
    Flexible,
}

/// A table. Rows hold as many cells as there are columns.
pub(crate) struct Table {
    align: Vec<Align>,
    rows: Vec<Vec<String>>,
}

impl Table {
    pub(crate) fn new(align: &[Align]) -> Self {
        Self { align: align.to_vec(), rows: Vec::new() }
    }

    pub(crate) fn row<const N: usize>(&mut self, cells: [String; N]) {
        debug_assert_eq!(N, self.align.len(), "a cell for each column");
        self.rows.push(cells.iter().map(|c| clean(c)).collect());
    }

    fn lines(&self) -> Vec<String> {
        let mut widths: Vec<usize> =
            (0..self.align.len()).map(|at| self.rows.iter().map(|r| r[at].width()).max().unwrap_or(0)).collect();
        let total = INDENT.width() + widths.iter().sum::<usize>() + GAP * widths.len().saturating_sub(1);
        if let Some(at) = self.align.iter().position(|a| *a == Align::Flexible) {
            widths[at] = widths[at].saturating_sub(total.saturating_sub(WIDTH)).max(1);
        }
        self.rows.iter().map(|row| self.line(row, &widths)).collect()
    }

    fn line(&self, row: &[String], widths: &[usize]) -> String {
        let mut line = String::new();
        for (at, cell) in row.iter().enumerate() {
            if at > 0 {
                line.push_str(&" ".repeat(GAP));
            }
            let cell = ellipsis(cell, widths[at]);
            let space = " ".repeat(widths[at] - cell.width());
            match self.align[at] {
                Align::Right => line.extend([space.as_str(), cell.as_str()]),
                Align::Left | Align::Flexible => line.extend([cell.as_str(), space.as_str()]),
            }
        }
        line.trim_end().to_owned()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn long_words_are_broken_and_wide_ones_measured() {
        let mut lines = Lines::default();
        lines.item("1.", &"x".repeat(200));
        lines.paragraph(&"東京 ".repeat(60));
        assert!(lines.finish().lines().all(|l| l.width() <= WIDTH));
    }

    #[test]
    fn a_long_name_gives_way_to_the_numbers() {
        let mut table = Table::new(&[Align::Flexible, Align::Right]);
        table.row(["a".repeat(100), "$1".to_owned()]);
        table.row(["b".to_owned(), "$12,345".to_owned()]);
        let lines = table.lines();
        assert_eq!(lines[0].width(), WIDTH - INDENT.len());
        assert!(lines[0].contains('…') && lines[0].ends_with("$1"));
        assert_eq!(ellipsis("東京都", 4), "東…");
    }
}
