//! Prints the page of the sample plan, to look at while working on a template:
//! `cargo run -p laneshift-report --example sample > /tmp/report.html`. With `empty` it is the page of a plan of nothing.

#[path = "../tests/sample/mod.rs"]
mod sample;

fn main() -> Result<(), laneshift_report::ReportError> {
    let empty = std::env::args().nth(1).as_deref() == Some("empty");
    let plan = if empty { sample::empty() } else { sample::rich() };
    print!("{}", laneshift_report::html(&plan)?);
    Ok(())
}
