//! CSV as a person edits it in a spreadsheet: a header in any order, and cells that no spreadsheet runs as a formula.

use std::path::Path;

use crate::DataError;

/// What makes a spreadsheet run a cell. OWASP, "CSV Injection": `= + - @`, tab and carriage return.
const FORMULA_STARTS: [char; 6] = ['=', '+', '-', '@', '\t', '\r'];
/// The longest table.
const ROWS_MAX: usize = 1_000_000;

/// One row, by column.
pub(crate) struct Row {
    pub(crate) line: u64,
    cells: Vec<String>,
}

impl Row {
    /// The cell of a column that the file may have; empty where it has it not.
    pub(crate) fn get(&self, column: usize) -> &str {
        self.cells.get(column).map(String::as_str).unwrap_or_default()
    }

    /// Where the row is, as errors show it.
    pub(crate) fn at(&self) -> String {
        format!("line {}", self.line)
    }
}

/// Reads a table. Rows hold their cells in the order of `columns`; the first `needed` columns must be there, and no
/// others may be.
pub(crate) fn read(path: &Path, text: &str, columns: &[&str], needed: usize) -> Result<Vec<Row>, DataError> {
    let hint = || format!("the header has these columns: {}", columns.join(","));
    let no_csv = |e: &csv::Error| {
        let line = e.position().map_or(1, csv::Position::line);
        DataError::format(path, format!("line {line}"), e.to_string(), "quote cells that hold commas or line breaks")
    };
    let mut reader = csv::ReaderBuilder::new().trim(csv::Trim::All).from_reader(text.as_bytes());
    let header = reader.headers().map_err(|e| no_csv(&e))?.clone();
    let mut places = Vec::with_capacity(header.len());
    for name in &header {
        let Some(place) = columns.iter().position(|column| column.eq_ignore_ascii_case(name)) else {
            return Err(DataError::field(path, "line 1", name, "no column has this name", hint()));
        };
        if places.contains(&place) {
            return Err(DataError::field(path, "line 1", name, "the column is there twice", "remove one"));
        }
        places.push(place);
    }
    if let Some(missing) = (0..needed).find(|place| !places.contains(place)) {
        return Err(DataError::field(path, "line 1", columns[missing], "the column is missing", hint()));
    }
    let mut rows = Vec::new();
    for record in reader.records() {
        let record = record.map_err(|e| no_csv(&e))?;
        if record.iter().all(str::is_empty) {
            continue;
        }
        let mut cells = vec![String::new(); columns.len()];
        for (place, cell) in places.iter().zip(&record) {
            cells[*place] = unguarded(cell).to_owned();
        }
        rows.push(Row { line: record.position().map_or(0, csv::Position::line), cells });
        if rows.len() > ROWS_MAX {
            return Err(DataError::format(path, "the whole file", format!("more than {ROWS_MAX} rows"), "split the file"));
        }
    }
    Ok(rows)
}

/// Writes a table.
pub(crate) fn write<R: IntoIterator<Item = String>>(columns: &[&str], rows: impl IntoIterator<Item = R>) -> String {
    let mut out = String::new();
    line(&mut out, columns.iter().map(|c| (*c).to_owned()));
    for row in rows {
        line(&mut out, row);
    }
    out
}

fn line(out: &mut String, cells: impl IntoIterator<Item = String>) {
    for (i, cell) in cells.into_iter().enumerate() {
        if i > 0 {
            out.push(',');
        }
        let cell = guarded(cell);
        if cell.contains(['"', ',', '\n', '\r']) {
            out.push('"');
            out.push_str(&cell.replace('"', "\"\""));
            out.push('"');
        } else {
            out.push_str(&cell);
        }
    }
    out.push('\n');
}

/// Puts `'` before a cell that a spreadsheet would run. [`unguarded`] takes it away again.
fn guarded(cell: String) -> String {
    if is_formula(&cell) { format!("'{cell}") } else { cell }
}

fn unguarded(cell: &str) -> &str {
    cell.strip_prefix('\'').filter(|rest| is_formula(rest)).unwrap_or(cell)
}

/// Also true for a cell that is guarded already, so that guarding can always be undone.
fn is_formula(cell: &str) -> bool {
    cell.trim_start_matches('\'').trim_start_matches(' ').starts_with(FORMULA_STARTS)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn formulas_are_defused_and_come_back_as_they_were() {
        let cells = ["=1+1", "+1", "-1", "@SUM(A1)", "\t=1", "'=1", "'tis", "a=b", "say \"hi\", twice", "two\nlines", ""];
        let text = write(&["a", "b"], cells.map(|c| [c.to_owned(), "x".to_owned()]));
        for line in text.lines() {
            assert!(!line.trim_start_matches('"').starts_with(FORMULA_STARTS), "{line}");
        }
        let rows = read(Path::new("t.csv"), &text, &["a", "b"], 1).expect("reads");
        let back: Vec<&str> = rows.iter().map(|r| r.get(0)).collect();
        assert_eq!(back, cells);
    }

    #[test]
    fn headers_may_be_in_any_order_but_not_unknown_missing_or_double() {
        let rows = read(Path::new("t.csv"), "B, A\n2, 1\n,\n", &["a", "b", "c"], 2).expect("reads");
        assert_eq!((rows.len(), rows[0].get(0), rows[0].get(1), rows[0].get(2), rows[0].line), (1, "1", "2", "", 2));
        for (text, expected) in [
            ("a,d\n", "line 1, field d: no column has this name"),
            ("b\n", "line 1, field a: the column is missing"),
            ("a,a\n", "line 1, field a: the column is there twice"),
            ("a,b\n1\n", "line 2: "),
        ] {
            let error = read(Path::new("t.csv"), text, &["a", "b"], 1).err().map(|e| e.to_string()).unwrap_or_default();
            assert!(error.contains(expected), "{text}: {error}");
        }
    }
}
