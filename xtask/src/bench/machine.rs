//! One line about the machine, so that numbers can be read later.

use std::fs;
use std::num::NonZero;
use std::thread;

use crate::clock;

/// Processors this process may use.
pub(super) fn processors() -> usize {
    thread::available_parallelism().map_or(1, NonZero::get)
}

/// Date, processors, model, memory, load.
pub(super) fn line() -> String {
    let read = |path| fs::read_to_string(path).unwrap_or_default();
    let (cpu, memory, load) = (read("/proc/cpuinfo"), read("/proc/meminfo"), read("/proc/loadavg"));
    let model = field(&cpu, "model name").unwrap_or("unknown processor");
    let memory_kib: u64 = field(&memory, "MemTotal").and_then(|v| v.split(' ').next()?.parse().ok()).unwrap_or(0);
    let load = load.split(' ').next().unwrap_or("unknown");
    format!("{}, {} x {model}, {} GiB, load average at the start {load}", clock::today(), processors(), memory_kib / (1 << 20))
}

fn field<'a>(text: &'a str, name: &str) -> Option<&'a str> {
    text.lines().find_map(|line| line.strip_prefix(name)?.trim_start().strip_prefix(':').map(str::trim))
}
