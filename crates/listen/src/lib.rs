//! HTTP/1.1 and HTTP/2 behind one socket, plain and TLS on the same port.
//!
//! Promises: no answer waits for a full packet (`TCP_NODELAY`); who says nothing for too long, or is one too many, is cut off; after the
//! signal to stop, open requests may finish for a while. Leaves out: what is answered.

pub mod tls;

use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;

use http::{Request, Response};
use http_body::Body;
use hyper::body::Incoming;
use hyper::service::Service;
use hyper_util::rt::{TokioExecutor, TokioIo, TokioTimer};
use hyper_util::server::conn::auto::Builder;
use hyper_util::server::graceful::{GracefulShutdown, Watcher};
use rustls::ServerConfig;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::Semaphore;
use tokio::task::JoinSet;
use tokio_rustls::TlsAcceptor;

/// The first byte of a TLS handshake record.
const TLS_HANDSHAKE: u8 = 0x16;

/// How much a client may ask of the server.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// How long a client may take to say the first byte, to shake hands, and to send the head of a request.
    pub head: Duration,
    /// Connections at one time; the next one waits.
    pub connections: usize,
    /// How long open requests may take after the signal to stop.
    pub drain: Duration,
}

/// Says when to stop. Boxed, so that the server is compiled once.
pub type Stop = Pin<Box<dyn Future<Output = ()> + Send>>;

/// Serves until `stop` is done, then lets open requests finish.
pub async fn serve<S, B>(listener: TcpListener, tls: Arc<ServerConfig>, service: S, limits: Limits, mut stop: Stop)
where
    S: Service<Request<Incoming>, Response = Response<B>> + Clone + Send + 'static,
    S::Future: Send + 'static,
    S::Error: Into<Box<dyn std::error::Error + Send + Sync>>,
    B: Body + Send + 'static,
    B::Data: Send,
    B::Error: Into<Box<dyn std::error::Error + Send + Sync>>,
{
    let acceptor = TlsAcceptor::from(tls);
    let graceful = GracefulShutdown::new();
    let places = Arc::new(Semaphore::new(limits.connections));
    let mut connections = JoinSet::new();
    loop {
        let accepted = async {
            let place = places.clone().acquire_owned().await;
            (listener.accept().await, place)
        };
        let (stream, place) = tokio::select! {
            accepted = accepted => match accepted {
                (Ok((stream, _)), place) => (stream, place),
                // Out of file descriptors, or a client that went away: the next one may do.
                (Err(_), _) => { tokio::task::yield_now().await; continue }
            },
            () = &mut stop => break,
        };
        while connections.try_join_next().is_some() {}
        let (service, acceptor, watcher) = (service.clone(), acceptor.clone(), graceful.watcher());
        connections.spawn(async move {
            let _place = place;
            let _ = stream.set_nodelay(true);
            match is_tls(&stream, limits.head).await {
                Some(false) => connection(service, stream, watcher, limits.head).await,
                Some(true) => {
                    if let Ok(Ok(stream)) = tokio::time::timeout(limits.head, acceptor.accept(stream)).await {
                        connection(service, stream, watcher, limits.head).await;
                    }
                }
                None => {}
            }
        });
    }
    drop(listener);
    let _ = tokio::time::timeout(limits.drain, graceful.shutdown()).await;
    connections.shutdown().await;
}

/// Whether a client begins with a TLS handshake; `None` when it says nothing.
async fn is_tls(stream: &TcpStream, most: Duration) -> Option<bool> {
    let mut first = [0];
    match tokio::time::timeout(most, stream.peek(&mut first)).await {
        Ok(Ok(1)) => Some(first[0] == TLS_HANDSHAKE),
        _ => None,
    }
}

async fn connection<S, B, T>(service: S, stream: T, watcher: Watcher, head: Duration)
where
    S: Service<Request<Incoming>, Response = Response<B>> + Send + 'static,
    S::Future: Send + 'static,
    S::Error: Into<Box<dyn std::error::Error + Send + Sync>>,
    B: Body + Send + 'static,
    B::Data: Send,
    B::Error: Into<Box<dyn std::error::Error + Send + Sync>>,
    T: AsyncRead + AsyncWrite + Unpin + Send + 'static,
{
    let mut builder = Builder::new(TokioExecutor::new());
    builder.http1().timer(TokioTimer::new()).header_read_timeout(head);
    builder.http2().timer(TokioTimer::new());
    let served = builder.serve_connection(TokioIo::new(stream), service).into_owned();
    // A connection that breaks is the client's business.
    let _ = watcher.watch(served).await;
}
