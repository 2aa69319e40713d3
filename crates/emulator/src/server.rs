//! The emulator behind a socket: HTTP/1.1 and HTTP/2, plain and TLS on the same port.

use std::future::Future;
use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;

use http::Request;
use hyper::body::Incoming;
use hyper::service::service_fn;
use hyper_util::rt::{TokioExecutor, TokioIo, TokioTimer};
use hyper_util::server::conn::auto::Builder;
use hyper_util::server::graceful::GracefulShutdown;
use rustls::ServerConfig;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinSet;
use tokio_rustls::TlsAcceptor;

use crate::body::Body;
use crate::emulator::Emulator;

/// How long open requests may take after the signal to stop.
const DRAIN_MAX: Duration = Duration::from_secs(5);
/// How long a client may take to say the first byte of a TLS handshake or a request.
const FIRST_BYTE_MAX: Duration = Duration::from_secs(30);
/// The first byte of a TLS handshake record.
const TLS_HANDSHAKE: u8 = 0x16;

/// Says when to stop. Boxed, so that the server is compiled here and not once more where it is called.
pub type Stop = Pin<Box<dyn Future<Output = ()> + Send>>;

/// Serves until `stop` is done, then lets open requests and the step of a job finish; a run of records is left to the next start.
///
/// # Errors
/// When the listener fails.
pub async fn serve(emulator: Emulator, listener: TcpListener, tls: Arc<ServerConfig>, mut stop: Stop) -> io::Result<()> {
    let acceptor = TlsAcceptor::from(tls);
    let graceful = GracefulShutdown::new();
    let mut connections = JoinSet::new();
    let driver = emulator.clone();
    connections.spawn(async move { driver.drive().await });
    let announcer = emulator.clone();
    connections.spawn(async move { announcer.announce().await });
    loop {
        let stream = tokio::select! {
            accepted = listener.accept() => match accepted {
                Ok((stream, _)) => stream,
                // Out of file descriptors, or a client that went away: the next one may do.
                Err(_) => { tokio::task::yield_now().await; continue }
            },
            () = &mut stop => break,
        };
        while connections.try_join_next().is_some() {}
        let (emulator, acceptor, watcher) = (emulator.clone(), acceptor.clone(), graceful.watcher());
        connections.spawn(async move {
            let _ = stream.set_nodelay(true);
            if is_tls(&stream).await {
                if let Ok(stream) = acceptor.accept(stream).await {
                    connection(emulator, stream, watcher).await;
                }
            } else {
                connection(emulator, stream, watcher).await;
            }
        });
    }
    let (_, ()) = tokio::join!(tokio::time::timeout(DRAIN_MAX, graceful.shutdown()), emulator.end());
    connections.shutdown().await;
    Ok(())
}

async fn is_tls(stream: &TcpStream) -> bool {
    let mut first = [0];
    let peeked = tokio::time::timeout(FIRST_BYTE_MAX, stream.peek(&mut first)).await;
    matches!(peeked, Ok(Ok(1))) && first[0] == TLS_HANDSHAKE
}

async fn connection<S>(emulator: Emulator, stream: S, watcher: hyper_util::server::graceful::Watcher)
where
    S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
{
    let service = service_fn(move |request: Request<Incoming>| {
        let emulator = emulator.clone();
        async move { emulator.answer(request.map(Body::from)).await }
    });
    let mut builder = Builder::new(TokioExecutor::new());
    builder.http1().timer(TokioTimer::new()).header_read_timeout(FIRST_BYTE_MAX);
    builder.http2().timer(TokioTimer::new());
    let served = builder.serve_connection(TokioIo::new(stream), service).into_owned();
    // A connection that breaks is the client's business.
    let _ = watcher.watch(served).await;
}
