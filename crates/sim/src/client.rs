//! What a client does with a request: it sends it again when it is throttled, and notes how long it waited.

use laneshift_example::Call;
use laneshift_units::Timestamp;

use crate::aws::Answer;
use crate::clock::Clock;
use crate::error::SimError;
use crate::month::Month;

/// So often is a throttled request made again.
const TRIES_MAX: usize = 8;
/// How long a client waits before it tries again; twice as long each time.
const PAUSE_MS: i64 = 500;

/// Bedrock does not answer in its region. It will not in the minutes for which a client tries again, either.
const OUT: u16 = 503;

/// Sends until there is an answer. Waits are noted of requests that somebody waits for; `name` is for errors.
pub(crate) async fn answered(
    month: &mut Month,
    (clock, name, call): (&Clock, &str, &Call),
    send: impl AsyncFn() -> Result<Answer, SimError>,
) -> Result<(), SimError> {
    let mut pause_ms = PAUSE_MS;
    for left in (0..TRIES_MAX).rev() {
        let answer = send().await?;
        if answer.is_success() {
            if let (false, Some(ms)) = (call.tolerant, answer.latency_ms()) {
                month.waited_ms.push(ms + (clock.now().0 - call.at.0).max(0).cast_unsigned());
            }
            break;
        }
        let throttled = answer.error.as_deref() == Some("ThrottlingException");
        month.throttled += u64::from(throttled);
        if answer.status == OUT || throttled && left == 0 {
            month.failed += 1;
            month.unanswered.push((call.workload, call.usage));
            break;
        }
        if !throttled {
            return Err(SimError::Refused(format!("{name}: {}", answer.told())));
        }
        clock.set(Timestamp(clock.now().0 + pause_ms));
        pause_ms *= 2;
    }
    Ok(())
}
