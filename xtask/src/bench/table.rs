//! Runs as a markdown table.

use std::fmt::Write as _;

use super::measure::Run;

/// The runs of a tool on a data set.
pub(super) struct Row {
    pub(super) tool: String,
    pub(super) data: &'static str,
    /// Before compression.
    pub(super) raw_bytes: u64,
    pub(super) records: u64,
    pub(super) runs: Vec<Run>,
}

/// The table; `baseline` names the tool to which CPU is compared, on the same data.
pub(super) fn markdown(rows: &[Row], baseline: &str) -> String {
    let mut text = format!("| tool | data | CPU s | wall s | RSS MB | GB/CPU-s | M records/CPU-s | of {baseline} |\n");
    text.push_str("|---|---|--:|--:|--:|--:|--:|--:|\n");
    for row in rows {
        let cpu_s = median(row.runs.iter().map(|r| r.cpu_s));
        let wall_s = median(row.runs.iter().map(|r| r.wall_s));
        let rss = row.runs.iter().map(|r| r.rss_bytes).max().unwrap_or(0);
        let base = rows.iter().find(|r| r.tool == baseline && r.data == row.data);
        let ratio = base.map_or_else(|| "-".to_owned(), |b| format!("{:.2}", median(b.runs.iter().map(|r| r.cpu_s)) / cpu_s));
        // Writing to a String does not fail.
        let _ = writeln!(
            text,
            "| {} | {} | {cpu_s:.2} | {wall_s:.2} | {} | {:.2} | {:.2} | {ratio} |",
            row.tool,
            row.data,
            rss / 1_000_000,
            row.raw_bytes as f64 / 1e9 / cpu_s,
            row.records as f64 / 1e6 / cpu_s,
        );
    }
    text
}

fn median(values: impl Iterator<Item = f64>) -> f64 {
    let mut values: Vec<f64> = values.collect();
    values.sort_by(f64::total_cmp);
    match values.len() {
        0 => f64::NAN,
        n if n % 2 == 1 => values[n / 2],
        n => f64::midpoint(values[n / 2 - 1], values[n / 2]),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn row(tool: &str, cpu_s: &[f64]) -> Row {
        let runs = cpu_s.iter().map(|&cpu_s| Run { cpu_s, wall_s: 1.0, rss_bytes: 2_000_000 }).collect();
        Row { tool: tool.to_owned(), data: "full", raw_bytes: 1_000_000_000, records: 500_000, runs }
    }

    #[test]
    fn the_table_has_medians_and_the_ratio_to_the_baseline() {
        let text = markdown(&[row("a", &[9.0, 1.0, 2.0]), row("b", &[4.0, 4.0])], "b");
        let lines: Vec<&str> = text.lines().skip(2).collect();
        assert_eq!(
            lines,
            ["| a | full | 2.00 | 1.00 | 2 | 0.50 | 0.25 | 2.00 |", "| b | full | 4.00 | 1.00 | 2 | 0.25 | 0.12 | 1.00 |"]
        );
    }
}
