//! The emulator behind a socket.

use std::sync::Arc;
use std::time::Duration;

use http::Request;
use hyper::body::Incoming;
use hyper::service::service_fn;
use laneshift_listen::{Limits, Stop};
use rustls::ServerConfig;
use tokio::net::TcpListener;
use tokio::task::JoinSet;

use crate::body::Body;
use crate::emulator::Emulator;

const LIMITS: Limits = Limits { head: Duration::from_secs(30), connections: 100_000, drain: Duration::from_secs(5) };

/// Serves until `stop` is done, then lets open requests and the step of a job finish; a run of records is left to the next start.
pub async fn serve(emulator: Emulator, listener: TcpListener, tls: Arc<ServerConfig>, stop: Stop) {
    let mut beside = JoinSet::new();
    let driver = emulator.clone();
    beside.spawn(async move { driver.drive().await });
    let announcer = emulator.clone();
    beside.spawn(async move { announcer.announce().await });
    let answers = emulator.clone();
    let service = service_fn(move |request: Request<Incoming>| {
        let emulator = answers.clone();
        async move { emulator.answer(request.map(Body::from)).await }
    });
    laneshift_listen::serve(listener, tls, service, LIMITS, stop).await;
    emulator.end().await;
    beside.shutdown().await;
}
