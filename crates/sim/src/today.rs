//! A month as it is: every client calls Bedrock itself, on demand, under its own role.

use std::path::Path;

use laneshift_example::Company;
use laneshift_provider::settings::Settings;
use laneshift_units::Timestamp;

use crate::aws::{Aws, request_of};
use crate::error::SimError;
use crate::month::{Month, Progress};

/// So often is a throttled request made again.
const TRIES_MAX: usize = 8;
/// How long a client waits before it tries again; twice as long each time.
const PAUSE_MS: i64 = 500;

/// Runs a company's month against Bedrock alone; its invocation logs lie in the bucket `logs` below `folder`.
///
/// # Errors
/// [`SimError`].
pub async fn as_today(
    company: &Company,
    settings: Settings,
    folder: &Path,
    progress: &dyn Fn(Progress),
) -> Result<Month, SimError> {
    let aws = Aws::open(folder, company, settings)?;
    aws.log(company).await?;
    let calls: Vec<_> = laneshift_example::calls(company).collect();
    let mut month = Month::default();
    for call in &calls {
        aws.clock.set(call.at);
        let workload = &company.workloads[call.workload];
        let request = request_of(company, call)?;
        let mut pause_ms = PAUSE_MS;
        for left in (0..TRIES_MAX).rev() {
            let answer = aws.call(request.clone(), &call.principal, workload.region.as_str()).await?;
            if answer.is_success() {
                if let (false, Some(ms)) = (call.tolerant, answer.latency_ms()) {
                    month.waited_ms.push(ms + (aws.clock.now().0 - call.at.0).max(0).cast_unsigned());
                }
                break;
            }
            let throttled = answer.error.as_deref() == Some("ThrottlingException");
            if !throttled || left == 0 {
                return Err(SimError::Refused(format!("{}: {}", workload.name, answer.told())));
            }
            month.throttled += 1;
            aws.clock.set(Timestamp(aws.clock.now().0 + pause_ms));
            pause_ms *= 2;
        }
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
    Ok(month)
}
