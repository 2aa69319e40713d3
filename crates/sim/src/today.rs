//! A month as it is: every client calls Bedrock itself, on demand, under its own role.

use std::path::Path;

use laneshift_provider::settings::Settings;

use crate::aws::{Aws, request_of, role_of};
use crate::client::answered;
use crate::error::SimError;
use crate::month::{Month, Progress, by_principal};
use crate::traffic::Traffic;

/// Runs a company's month against Bedrock alone; its invocation logs lie in the bucket `logs` below `folder`.
///
/// # Errors
/// [`SimError`].
pub async fn as_today(
    traffic: &Traffic,
    settings: Settings,
    folder: &Path,
    progress: &dyn Fn(Progress),
) -> Result<Month, SimError> {
    let Traffic { company, calls } = traffic;
    let aws = Aws::open(folder, traffic, settings, None)?;
    aws.log(company).await?;
    let mut month = Month::default();
    for call in calls {
        aws.clock.set(call.at);
        let workload = &company.workloads[call.workload];
        let request = request_of(company, call)?;
        let send = async || aws.call(request.clone(), &call.principal, workload.region.as_str()).await;
        answered(&mut month, (&aws.clock, &workload.name, call), send).await?;
        month.requests += 1;
        if month.requests.is_multiple_of(64) {
            aws.emulator.settle().await;
            progress(Progress { done: month.requests, of: calls.len() as u64 });
        }
    }
    aws.until(company.end()).await;
    aws.emulator.flush().await;
    month.waited_ms.sort_unstable();
    month.bill = aws.emulator.bill();
    for (principal, billed) in by_principal(&month.bill)? {
        *month.by_role.entry(role_of(&principal).to_owned()).or_default() += billed;
    }
    Ok(month)
}
