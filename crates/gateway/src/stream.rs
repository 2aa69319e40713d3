//! An answer that is passed on as it comes, and booked when it ends.

use std::pin::Pin;
use std::task::{Context, Poll, ready};

use bytes::Bytes;
use http_body::{Body, Frame};
use hyper::body::Incoming;

use crate::books::Open;
use crate::meter::Frames;

/// A stream on its way to the client. When the client goes away first, the rest is not read, and what was not metered by then is
/// booked with its bound.
pub struct Metered {
    inner: Incoming,
    frames: Frames,
    /// Until it is booked.
    call: Option<Open>,
}

impl Metered {
    pub(crate) fn new(inner: Incoming, frames: Frames, call: Open) -> Self {
        Self { inner, frames, call: Some(call) }
    }

    fn end(&mut self) {
        if let Some(call) = self.call.take() {
            call.answered(self.frames.meter, self.frames.exception.take());
        }
    }
}

impl Body for Metered {
    type Data = Bytes;
    type Error = hyper::Error;

    fn poll_frame(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, hyper::Error>>> {
        let frame = ready!(Pin::new(&mut self.inner).poll_frame(cx));
        match &frame {
            Some(Ok(frame)) => {
                if let Some(data) = frame.data_ref() {
                    self.frames.take(data);
                }
            }
            Some(Err(_)) | None => self.end(),
        }
        Poll::Ready(frame)
    }
}

impl Drop for Metered {
    fn drop(&mut self) {
        self.end();
    }
}
