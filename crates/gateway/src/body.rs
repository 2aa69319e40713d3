//! Bodies: of what comes in, and of answers.

use std::pin::Pin;
use std::task::{Context, Poll, ready};

use bytes::Bytes;
use futures::Stream;
use http_body::{Frame, SizeHint};
use http_body_util::combinators::UnsyncBoxBody;
use hyper::body::Incoming;
use tokio_util::io::ReaderStream;

use crate::relay::Relayed;
use crate::stream::Metered;

/// Why a body breaks off.
pub type Broken = Box<dyn std::error::Error + Send + Sync>;

/// A body that comes in: of a client's request, or of an upstream's answer.
pub enum Coming {
    /// From a socket.
    Network(Incoming),
    /// From whatever else asks and answers in this process.
    InProcess(UnsyncBoxBody<Bytes, Broken>),
}

impl http_body::Body for Coming {
    type Data = Bytes;
    type Error = Broken;

    fn poll_frame(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, Broken>>> {
        match &mut *self {
            Self::Network(body) => Pin::new(body).poll_frame(cx).map_err(Into::into),
            Self::InProcess(body) => Pin::new(body).poll_frame(cx),
        }
    }

    fn is_end_stream(&self) -> bool {
        match self {
            Self::Network(body) => body.is_end_stream(),
            Self::InProcess(body) => body.is_end_stream(),
        }
    }

    fn size_hint(&self) -> SizeHint {
        match self {
            Self::Network(body) => body.size_hint(),
            Self::InProcess(body) => body.size_hint(),
        }
    }
}

/// The body of an answer.
pub enum Body {
    /// All of it; nothing once it is taken.
    Whole(Option<Bytes>),
    /// A stream that is passed on as it comes.
    Stream(Box<Metered>),
    /// A stream of a server that speaks OpenAI's API.
    Relayed(Box<Relayed>),
    /// A file, and its length.
    File(Pin<Box<ReaderStream<tokio::fs::File>>>, u64),
}

impl Body {
    pub(crate) fn file(file: tokio::fs::File, bytes: u64) -> Self {
        Self::File(Box::pin(ReaderStream::with_capacity(file, 1 << 16)), bytes)
    }
}

impl http_body::Body for Body {
    type Data = Bytes;
    type Error = Broken;

    fn poll_frame(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, Broken>>> {
        match &mut *self {
            Self::Whole(bytes) => Poll::Ready(bytes.take().filter(|bytes| !bytes.is_empty()).map(|bytes| Ok(Frame::data(bytes)))),
            Self::Stream(stream) => Pin::new(&mut **stream).poll_frame(cx).map_err(Into::into),
            Self::Relayed(stream) => Pin::new(&mut **stream).poll_frame(cx).map_err(Into::into),
            Self::File(file, _) => {
                let read = ready!(file.as_mut().poll_next(cx));
                Poll::Ready(read.map(|read| read.map(Frame::data).map_err(Into::into)))
            }
        }
    }

    fn is_end_stream(&self) -> bool {
        match self {
            Self::Whole(bytes) => bytes.as_ref().is_none_or(Bytes::is_empty),
            Self::Stream(_) | Self::Relayed(_) => false,
            Self::File(_, bytes) => *bytes == 0,
        }
    }

    fn size_hint(&self) -> SizeHint {
        match self {
            Self::Whole(bytes) => SizeHint::with_exact(bytes.as_ref().map_or(0, |bytes| bytes.len() as u64)),
            Self::Stream(_) | Self::Relayed(_) => SizeHint::default(),
            Self::File(_, bytes) => SizeHint::with_exact(*bytes),
        }
    }
}
