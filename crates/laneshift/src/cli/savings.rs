//! `laneshift savings`: what the gateway's calls cost, and what they would have cost in the standard tier.

use std::io::Write;
use std::path::PathBuf;

use clap::Args;
use laneshift_catalog::commitments::Commitments;
use laneshift_gateway::books::{Savings, Sum};
use serde_json::json;

use super::batch::run::failed;
use super::batch::usd;
use super::later::look;
use super::{Format, is_there, print};
use crate::clock;
use crate::error::Error;

#[derive(Args)]
pub(crate) struct SavingsArgs {
    /// Folder of the gateway
    #[arg(long, default_value = "laneshift-gateway", env = "LANESHIFT_GATEWAY_DATA")]
    data: PathBuf,
    /// Paid capacity (TOML), as the audit and the gateway read it: its fees become rows of their own
    #[arg(long)]
    commitments: Option<PathBuf>,
    /// How to print
    #[arg(long, value_enum, default_value_t)]
    format: Format,
}

pub(crate) fn run(args: &SavingsArgs, out: &mut dyn Write) -> Result<(), Error> {
    is_there(&args.data)?;
    let mut savings = Savings::read(&args.data).map_err(|e| Error::Gateway(format!("read {}: {e}", args.data.display())))?;
    let runtime = tokio::runtime::Runtime::new().map_err(|e| Error::Gateway(format!("start threads: {e}")))?;
    runtime.block_on(batch_lanes(args, &mut savings))?;
    if let Some(path) = &args.commitments {
        savings.add_fees(&Commitments::open(path).map_err(|e| Error::Data(e.to_string()))?, clock::now());
    }
    let mut all = Sum::default();
    for sum in savings.rows.values() {
        all.add(sum);
    }
    print(
        out,
        &match args.format {
            Format::Json => {
                let rows = savings.rows.iter().map(|((owner, workload, lane), sum)| {
                    let mut row = sum.value();
                    (row["owner"], row["workload"], row["lane"]) = (json!(owner), json!(workload), json!(lane));
                    row
                });
                format!("{}\n", json!({ "rows": rows.collect::<Vec<_>>(), "all": all.value() }))
            }
            Format::Text => text(&savings, &all),
        },
    )
}

/// Adds what the calls that could wait came to.
async fn batch_lanes(args: &SavingsArgs, savings: &mut Savings) -> Result<(), Error> {
    for opened in look(&args.data).await? {
        savings.add_batch_lane(&opened.engine).await.map_err(failed)?;
    }
    Ok(())
}

fn text(savings: &Savings, all: &Sum) -> String {
    if savings.rows.is_empty() {
        return "no call was booked yet\n".to_owned();
    }
    let mut table = comfy_table::Table::new();
    table.set_header(["owner", "workload", "lane", "calls", "errors", "input", "output", "paid", "in standard", "saved"]);
    let row = |place: [&str; 3], sum: &Sum| {
        let [owner, workload, lane] = place.map(str::to_owned);
        let counts = [sum.calls, sum.errors, sum.input_tokens, sum.output_tokens].map(|n| n.to_string());
        let money = [sum.paid, sum.on_demand, sum.on_demand - sum.paid].map(usd);
        [vec![owner, workload, lane], counts.to_vec(), money.to_vec()].concat()
    };
    for ((owner, workload, lane), sum) in &savings.rows {
        table.add_row(row([owner, workload, lane], sum));
    }
    table.add_row(row(["all", "", ""], all));
    let mut out = format!("{table}\nby list price\n");
    if all.paid_hours > 0 {
        out += "rows of owner * are fees of paid capacity, by the begun hour from the first call until now\n";
    }
    if all.bound > laneshift_units::Money::ZERO {
        out += &format!("up to {} more may have been paid, for calls whose answer was lost\n", usd(all.bound));
    }
    if all.unpriced > 0 {
        out += &format!("{} calls have no known price, and are in no amount\n", all.unpriced);
    }
    out
}
