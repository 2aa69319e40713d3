//! Prints the page of the sample plan, to look at while working on a template:
//! `cargo run -p laneshift-report --example sample > /tmp/report.html`.

#[path = "../tests/sample/mod.rs"]
mod sample;

fn main() -> Result<(), laneshift_report::ReportError> {
    print!("{}", laneshift_report::html(&sample::rich())?);
    Ok(())
}
