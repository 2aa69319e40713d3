//! A load generator for one prepared HTTP/1.1 request: so many connections, each asking again as soon as it is answered, or all of
//! them together so often a second, whatever the answers take.
//!
//! It reads answers only as far as it must: status, length, end. Both kinds of framing are known.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::thread;
use std::time::Duration;

use anyhow::{Context, Result, bail};

use crate::clock::Stopwatch;

/// What a round of load saw.
pub(super) struct Load {
    pub(super) wall_s: f64,
    /// Microseconds, in order.
    pub(super) latencies_us: Vec<u32>,
}

/// Sends `request` `total` times over `connections` connections, each as soon as it is answered.
pub(super) fn run(address: SocketAddr, request: &[u8], connections: usize, total: usize) -> Result<Load> {
    load(address, request, connections, total, None)
}

/// Sends `request` so often a second. A call that had to wait for the one before it on its connection has waited since it was due.
pub(super) fn paced(address: SocketAddr, request: &[u8], connections: usize, total: usize, per_s: f64) -> Result<Load> {
    load(address, request, connections, total, Some(per_s))
}

fn load(address: SocketAddr, request: &[u8], connections: usize, total: usize, per_s: Option<f64>) -> Result<Load> {
    let clock = &Stopwatch::start();
    let each = total / connections;
    let due_s = move |connection: usize, n: usize| Some((n * connections + connection) as f64 / per_s?);
    let parts: Vec<Result<Vec<u32>>> = thread::scope(|scope| {
        let worker = |at| scope.spawn(move || connection(address, request, each, clock, |n| due_s(at, n)));
        let workers: Vec<_> = (0..connections).map(worker).collect();
        workers.into_iter().map(|worker| worker.join().expect("a worker returns its errors")).collect()
    });
    let wall_s = clock.elapsed_s();
    let mut latencies_us = Vec::with_capacity(total);
    for part in parts {
        latencies_us.extend(part?);
    }
    latencies_us.sort_unstable();
    Ok(Load { wall_s, latencies_us })
}

#[expect(clippy::disallowed_methods, reason = "a call is sent when it is due")]
fn connection(
    address: SocketAddr,
    request: &[u8],
    n: usize,
    clock: &Stopwatch,
    due_s: impl Fn(usize) -> Option<f64>,
) -> Result<Vec<u32>> {
    let mut stream = TcpStream::connect(address).context("failed to connect")?;
    stream.set_nodelay(true)?;
    let mut reader = BufReader::with_capacity(1 << 16, stream.try_clone()?);
    let mut latencies_us = Vec::with_capacity(n);
    for n in 0..n {
        let due_s = due_s(n);
        if let Some(due_s) = due_s {
            thread::sleep(Duration::from_secs_f64((due_s - clock.elapsed_s()).max(0.0)));
        }
        let begin_s = due_s.unwrap_or_else(|| clock.elapsed_s());
        stream.write_all(request)?;
        answer(&mut reader)?;
        latencies_us.push(((clock.elapsed_s() - begin_s) * 1e6) as u32);
    }
    Ok(latencies_us)
}

/// The times between what arrives of one chunked answer and the next of it, in microseconds and in order: of `n` answers on each of
/// so many connections.
pub(super) fn gaps(address: SocketAddr, request: &[u8], connections: usize, n: usize) -> Result<Vec<u32>> {
    let parts: Vec<Result<Vec<u32>>> = thread::scope(|scope| {
        let workers: Vec<_> = (0..connections).map(|_| scope.spawn(|| arrivals(address, request, n))).collect();
        workers.into_iter().map(|worker| worker.join().expect("a worker returns its errors")).collect()
    });
    let mut gaps_us = Vec::new();
    for part in parts {
        gaps_us.extend(part?);
    }
    gaps_us.sort_unstable();
    Ok(gaps_us)
}

fn arrivals(address: SocketAddr, request: &[u8], n: usize) -> Result<Vec<u32>> {
    let mut stream = TcpStream::connect(address).context("failed to connect")?;
    stream.set_nodelay(true)?;
    let (mut buffer, mut gaps_us) = (vec![0; 1 << 16], Vec::new());
    for _ in 0..n {
        stream.write_all(request)?;
        let (mut read, mut clock) = (Vec::new(), None::<Stopwatch>);
        while !read.ends_with(b"\r\n0\r\n\r\n") {
            let more = stream.read(&mut buffer)?;
            if more == 0 {
                bail!("the answer broke off");
            }
            gaps_us.extend(clock.map(|clock| (clock.elapsed_s() * 1e6) as u32));
            clock = Some(Stopwatch::start());
            read.extend_from_slice(&buffer[..more]);
        }
        if !read.starts_with(b"HTTP/1.1 200") {
            bail!("the server answered {}", String::from_utf8_lossy(&read));
        }
    }
    Ok(gaps_us)
}

fn answer(reader: &mut BufReader<TcpStream>) -> Result<()> {
    let mut line = String::new();
    let mut next = |reader: &mut BufReader<TcpStream>| -> Result<String> {
        line.clear();
        reader.read_line(&mut line)?;
        Ok(line.trim_end().to_ascii_lowercase())
    };
    let status = next(reader)?;
    if !status.starts_with("http/1.1 200") {
        bail!("the server answered {status}");
    }
    let mut length = None;
    loop {
        let header = next(reader)?;
        match header.split_once(':') {
            Some(("content-length", value)) => length = Some(value.trim().parse::<u64>()?),
            Some(_) => {}
            None => break,
        }
    }
    let skip = |reader: &mut BufReader<TcpStream>, n: u64| std::io::copy(&mut reader.take(n), &mut std::io::sink());
    let Some(length) = length else {
        loop {
            let size = u64::from_str_radix(next(reader)?.trim(), 16).context("failed to read a chunk's size")?;
            skip(reader, size + 2)?;
            if size == 0 {
                return Ok(());
            }
        }
    };
    skip(reader, length)?;
    Ok(())
}
