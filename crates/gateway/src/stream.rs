//! An answer that is passed on as it comes, and booked when it ends.

use std::pin::Pin;
use std::task::{Context, Poll, ready};

use bytes::Bytes;
use http_body::{Body, Frame};
use laneshift_dialect::ChatStream;
use serde::Deserialize;

use crate::body::{Broken, Coming};
use crate::books::Open;
use crate::meter::{Frames, Said};

/// A stream on its way to the client. When the client goes away first, the rest is not read, and what was not metered by then is
/// booked with its bound.
pub struct Metered {
    inner: Coming,
    frames: Frames,
    /// Until it is booked.
    call: Option<Open>,
    /// What the client reads instead of Bedrock's frames; `None` when it reads those.
    to: Option<ChatStream>,
    /// Nothing more comes.
    ended: bool,
}

/// What an error in a stream holds.
#[derive(Deserialize)]
struct Why {
    #[serde(default, alias = "Message")]
    message: String,
}

impl Metered {
    pub(crate) fn new(inner: Coming, frames: Frames, call: Open) -> Self {
        Self { inner, frames, call: Some(call), to: None, ended: false }
    }

    /// Writes what the frames say as chunks of a chat completion.
    pub(crate) fn translate(&mut self, to: ChatStream) {
        self.to = Some(to);
    }

    /// Books it: by what was metered when that is all of it, and with its bound when it was cut off before.
    fn end(&mut self, whole: bool) {
        let Some(call) = self.call.take() else { return };
        if self.frames.complete || (whole && self.frames.exception.is_none()) {
            call.answered(self.frames.meter, self.frames.exception.take());
        }
    }

    /// What bytes of Bedrock's come to.
    fn pass(&mut self, data: Bytes) -> Bytes {
        let Some(to) = &mut self.to else {
            self.frames.take(&data, &mut |_| {});
            return data;
        };
        let mut written = Vec::new();
        self.frames.take(&data, &mut |said| match said {
            Said::Event(kind, payload) => to.event(kind, payload, &mut written),
            Said::Exception(name, payload) => {
                let why = serde_json::from_slice::<Why>(payload).map_or_else(|_| String::new(), |why| why.message);
                to.error(name, &why, &mut written);
            }
        });
        written.into()
    }

    /// What a client still hears at the end: how it came, when it did not come as Bedrock says it.
    fn last(&mut self, broken: bool) -> Option<Bytes> {
        let mut to = self.to.take()?;
        let mut written = Vec::new();
        if broken || !(self.frames.complete || self.frames.exception.is_some()) {
            to.error("ModelErrorException", "The answer broke off.", &mut written);
        }
        to.end(&mut written);
        (!written.is_empty()).then(|| written.into())
    }
}

impl Body for Metered {
    type Data = Bytes;
    type Error = Broken;

    fn poll_frame(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, Broken>>> {
        loop {
            if self.ended {
                return Poll::Ready(None);
            }
            let end = match ready!(Pin::new(&mut self.inner).poll_frame(cx)) {
                Some(Ok(frame)) => {
                    // Bedrock sends no trailers.
                    let Ok(data) = frame.into_data() else { continue };
                    let data = self.pass(data);
                    if data.is_empty() {
                        continue;
                    }
                    return Poll::Ready(Some(Ok(Frame::data(data))));
                }
                Some(Err(error)) => Some(error),
                None => None,
            };
            self.end(end.is_none());
            self.ended = true;
            return Poll::Ready(match (self.last(end.is_some()), end) {
                (Some(data), _) => Some(Ok(Frame::data(data))),
                (None, Some(error)) => Some(Err(error)),
                (None, None) => None,
            });
        }
    }
}

impl Drop for Metered {
    fn drop(&mut self) {
        self.end(false);
    }
}
