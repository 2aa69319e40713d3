//! HTTP/1.1 and HTTP/2 behind one socket, plain and TLS on the same port.
//!
//! Promises: no answer waits for a full packet (`TCP_NODELAY`); who says nothing for too long, or is one too many, is cut off; after the
//! signal to stop, open requests may finish for a while. Leaves out: what is answered.

mod asked;
pub mod tls;

use std::future::Future;
use std::pin::{Pin, pin};
use std::sync::Arc;
use std::time::Duration;

use http::{Request, Response};
use http_body::Body;
use hyper::body::Incoming;
use hyper::service::Service;
use hyper_util::rt::{TokioExecutor, TokioIo, TokioTimer};
use hyper_util::server::conn::auto::Builder;
use rustls::ServerConfig;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{Semaphore, watch};
use tokio::task::JoinSet;
use tokio::time::sleep;
use tokio_rustls::TlsAcceptor;

use crate::asked::{Asked, Noting};

/// The first byte of a TLS handshake record.
const TLS_HANDSHAKE: u8 = 0x16;
/// How long a connection is kept that neither asks nor is answered, at least.
const IDLE: Duration = Duration::from_secs(120);
/// How often a client of HTTP/2 is asked whether it is still there, and how long it may take to say so.
const PING: Duration = Duration::from_secs(30);
/// When there is no descriptor for another connection, how long until the next try.
const FULL: Duration = Duration::from_millis(20);

/// How much a client may ask of the server.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// How long a client may take to say the first byte, to shake hands, to send the head of a request, and until its first request.
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
    let (stopping, stopped) = watch::channel(());
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
                (Err(_), _) => { no_descriptor().await; continue }
            },
            () = &mut stop => break,
        };
        while connections.try_join_next().is_some() {}
        let (service, acceptor, stopped) = (service.clone(), acceptor.clone(), stopped.clone());
        connections.spawn(async move {
            let _place = place;
            let _ = stream.set_nodelay(true);
            match is_tls(&stream, limits.head).await {
                Some(false) => connection(service, stream, stopped, limits.head).await,
                Some(true) => {
                    if let Ok(Ok(stream)) = tokio::time::timeout(limits.head, acceptor.accept(stream)).await {
                        connection(service, stream, stopped, limits.head).await;
                    }
                }
                None => {}
            }
        });
    }
    drop(listener);
    drop(stopping);
    let _ = tokio::time::timeout(limits.drain, async { while connections.join_next().await.is_some() {} }).await;
    connections.shutdown().await;
}

/// Out of file descriptors, or a client that went away: the next one may do.
#[expect(clippy::disallowed_methods, reason = "nothing says that a descriptor is free again")]
async fn no_descriptor() {
    sleep(FULL).await;
}

/// Whether a client begins with a TLS handshake; `None` when it says nothing.
async fn is_tls(stream: &TcpStream, most: Duration) -> Option<bool> {
    let mut first = [0];
    match tokio::time::timeout(most, stream.peek(&mut first)).await {
        Ok(Ok(1)) => Some(first[0] == TLS_HANDSHAKE),
        _ => None,
    }
}

/// Serves a connection until it ends, or nothing new comes of it: then what is open may finish, and no more is taken.
#[expect(clippy::disallowed_methods, reason = "a limit of time, which begins anew with each request")]
async fn connection<S, B, T>(service: S, stream: T, mut stopped: watch::Receiver<()>, head: Duration)
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
    builder.http2().timer(TokioTimer::new()).keep_alive_interval(Some(PING)).keep_alive_timeout(PING);
    let asked = Asked::default();
    let service = Noting { service, asked: asked.clone() };
    let mut served = pin!(builder.serve_connection(TokioIo::new(stream), service));
    // Whoever sends the head of a request slowly is told so before.
    let first = 2 * head;
    // A connection that breaks is the client's business.
    tokio::select! {
        biased;
        _ = &mut served => return,
        _ = stopped.changed() => {}
        () = sleep(first) => if !asked.was() { return },
    }
    // This and the service's.
    while !asked.is_idle(2) && stopped.has_changed().is_ok() {
        tokio::select! {
            biased;
            _ = &mut served => return,
            _ = stopped.changed() => {}
            () = sleep(IDLE) => {}
        }
    }
    served.as_mut().graceful_shutdown();
    let _ = served.await;
}

#[cfg(test)]
mod tests {
    use std::convert::Infallible;
    use std::sync::Mutex;
    use std::task::{Context, Poll};

    use http_body::Frame;
    use http_body_util::{BodyExt, Empty};
    use hyper::client::conn::http2;
    use hyper::service::service_fn;
    use tokio::sync::oneshot;

    use super::*;

    /// A body that ends when it is told to, or at once.
    struct Until(Option<oneshot::Receiver<()>>);

    impl Body for Until {
        type Data = &'static [u8];
        type Error = Infallible;

        fn poll_frame(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Result<Frame<&'static [u8]>, Infallible>>> {
            self.0.as_mut().map_or(Poll::Ready(None), |until| Pin::new(until).poll(cx).map(|_| None))
        }
    }

    #[tokio::test(start_paused = true)]
    #[expect(clippy::disallowed_methods, reason = "time passes by itself here")]
    async fn a_connection_ends_when_it_neither_asks_nor_is_answered_and_not_before() {
        let (ours, theirs) = tokio::io::duplex(1 << 16);
        let (_stopping, stopped) = watch::channel(());
        let (end, until) = oneshot::channel();
        let until = Arc::new(Mutex::new(Some(until)));
        let service = service_fn(move |_| {
            let body = Until(until.lock().expect("a lock").take());
            async move { Ok::<_, Infallible>(Response::new(body)) }
        });
        let mut tasks = JoinSet::new();
        tasks.spawn(connection(service, ours, stopped, Duration::from_secs(30)));
        let handshake = http2::handshake(TokioExecutor::new(), TokioIo::new(theirs)).await;
        let (mut client, theirs) = handshake.expect("HTTP/2");
        tasks.spawn(async move { drop(theirs.await) });
        let request = || Request::new(Empty::<&[u8]>::new());
        let answer = client.send_request(request()).await.expect("an answer");
        sleep(10 * IDLE).await;
        drop(client.send_request(request()).await.expect("while an answer is under way others are taken"));
        end.send(()).expect("it is read");
        answer.into_body().collect().await.expect("its end");
        sleep(3 * IDLE).await;
        assert!(client.is_closed(), "nothing is");

        let (ours, theirs) = tokio::io::duplex(1 << 16);
        let (_stopping, stopped) = watch::channel(());
        let never = service_fn(async |_| Ok::<_, Infallible>(Response::new(Empty::<&[u8]>::new())));
        connection(never, ours, stopped, Duration::from_secs(30)).await;
        drop(theirs);
    }
}
