//! A slice of the calls that somebody waits for, in real time over real sockets: each once straight to an emulator and once through
//! the gateway, to see what the gateway adds.

mod client;
mod servers;

use std::path::Path;
use std::time::Duration;

use laneshift_example::Call;
use laneshift_provider::chance;
use laneshift_provider::settings::Settings;
use laneshift_report::comparison::{Latency, Measured, RealTime, Slice};
use laneshift_sim::Traffic;
use tokio::runtime::Runtime;

use crate::clock::Stopwatch;
use crate::error::Error;
use client::{Client, Timed};
use servers::{Servers, Sockets};

/// So many calls are drawn.
const CALLS_MAX: usize = 200;
/// After so long no further call is begun: on a slow machine the slice is smaller.
const LENGTH_MAX: Duration = Duration::from_secs(3);

/// Sends the slice. `planned` is the folder of the month as planned: the gateway is told what that month's was.
///
/// # Errors
/// [`Error::Demo`], when a call gets no answer, or another one through the gateway than straight.
pub(super) fn run(traffic: &Traffic, settings: &Settings, planned: &Path, folder: &Path) -> Result<Slice, Error> {
    let calls = drawn(traffic);
    if calls.is_empty() {
        return Ok(Slice::Missing("nobody waits for any of the calls".to_owned()));
    }
    let opened = Runtime::new().and_then(|runtime| Ok((runtime.block_on(Sockets::open())?, runtime)));
    let (sockets, runtime) = match opened {
        Ok(opened) => opened,
        Err(error) => return Ok(Slice::Missing(format!("no sockets can be opened on 127.0.0.1: {error}"))),
    };
    let failed = |why: String| Error::Demo(format!("{} in real time: {why}", traffic.company.name));
    let settings = Settings { accounts: laneshift_sim::callers(&traffic.company, calls.iter().copied()), ..settings.clone() };
    let servers = runtime.block_on(Servers::begin(sockets, &traffic.company, &settings, planned, folder)).map_err(failed)?;
    let measured = measured(traffic, &calls, &servers, &settings).map_err(failed)?;
    runtime.block_on(servers.end());
    Ok(Slice::Measured(measured))
}

/// Calls that somebody waits for, drawn by the seed, in their order of time.
fn drawn(traffic: &Traffic) -> Vec<&Call> {
    let Traffic { company, calls } = traffic;
    let is_waited_for = |call: &Call| !call.tolerant && !company.workloads[call.workload].is_called_by_aws();
    let waited_for = calls.iter().enumerate().filter(|(_, call)| is_waited_for(call));
    let mut lots: Vec<(u64, usize)> =
        waited_for.map(|(n, _)| (chance::draw(company.seed, &format!("in real time {n}")), n)).collect();
    lots.sort_unstable();
    lots.truncate(CALLS_MAX);
    lots.sort_unstable_by_key(|(_, n)| *n);
    lots.into_iter().map(|(_, n)| &calls[n]).collect()
}

/// Sends each call both ways, one after the other, so that whatever else the machine does strikes both.
fn measured(traffic: &Traffic, calls: &[&Call], servers: &Servers, settings: &Settings) -> Result<RealTime, String> {
    let client = Client::new(&traffic.company, servers, settings);
    let (mut straight, mut through, mut streams) = (Vec::new(), Vec::new(), 0);
    let begun = Stopwatch::start();
    for call in calls.iter().take_while(|_| begun.elapsed() < LENGTH_MAX) {
        // Who goes first finds the processor's caches as the call before left them: that is shared out too.
        if straight.len() % 2 == 0 {
            straight.push(client.straight(call)?);
            through.push(client.through(call)?);
        } else {
            through.push(client.through(call)?);
            straight.push(client.straight(call)?);
        }
        streams += u64::from(call.operation.streams());
        let (one, other) = (servers.straight.tokens(), servers.behind.tokens());
        if one != other {
            let name = &traffic.company.workloads[call.workload].name;
            return Err(format!("a call of {name} took other tokens through the gateway: {other:?}, not {one:?}"));
        }
    }
    Ok(RealTime { calls: straight.len() as u64, streams, straight: latencies(&straight), through: latencies(&through) })
}

fn latencies(timed: &[Timed]) -> Measured {
    let of = |length: &dyn Fn(&Timed) -> Duration| {
        let mut lengths: Vec<Duration> = timed.iter().map(length).collect();
        lengths.sort_unstable();
        let percentile = |percent: usize| {
            let at = (lengths.len() * percent).div_ceil(100).saturating_sub(1);
            lengths.get(at).map_or(0, |length| u64::try_from(length.as_micros()).unwrap_or(u64::MAX))
        };
        Latency { p50_us: percentile(50), p99_us: percentile(99) }
    };
    Measured { first_byte: of(&|timed| timed.first_byte), whole: of(&|timed| timed.whole) }
}
