//! An answer that is passed on as it comes, and booked when it ends. One that says nothing for too long is ended here.

use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

use bytes::Bytes;
use http_body::{Body, Frame};
use laneshift_dialect::ChatStream;
use serde::Deserialize;
use tokio::time::{Instant, Sleep};

use crate::body::{Broken, Coming};
use crate::books::Open;
use crate::framing::{STREAM_ERROR, exception};
use crate::meter::{Frames, Said};

/// What is said of an answer without an end.
pub(crate) const BROKE_OFF: &str = "The answer broke off.";

/// A stream on its way to the client. When the client goes away first, the rest is not read, and what was not metered by then is
/// booked with its bound.
pub struct Metered {
    inner: Coming,
    frames: Frames,
    /// Until it is booked.
    call: Option<Open>,
    /// What the client reads instead of Bedrock's frames; `None` when it reads those.
    to: Option<ChatStream>,
    silence: Silence,
    /// Nothing more comes.
    ended: bool,
}

/// How long nothing has come, while it is waited for: a client that reads slowly is not the model's silence.
pub(crate) struct Silence {
    most: Duration,
    waiting: bool,
    over: Pin<Box<Sleep>>,
}

impl Silence {
    #[expect(
        clippy::disallowed_methods,
        reason = "a limit of time, which is no timeout of one future: it begins anew with each frame"
    )]
    pub(crate) fn new(most: Duration) -> Self {
        Self { most, waiting: false, over: Box::pin(tokio::time::sleep(most)) }
    }

    /// Something has come.
    pub(crate) const fn heard(&mut self) {
        self.waiting = false;
    }

    /// What is said of it.
    pub(crate) fn told(&self) -> String {
        format!("The model has sent nothing for {} s.", self.most.as_secs())
    }

    /// Nothing has come: whether that is so for too long.
    pub(crate) fn is_over(&mut self, cx: &mut Context<'_>) -> bool {
        if !self.waiting {
            self.waiting = true;
            self.over.as_mut().reset(Instant::now() + self.most);
        }
        self.over.as_mut().poll(cx).is_ready()
    }
}

/// What an error in a stream holds.
#[derive(Deserialize)]
struct Why {
    #[serde(default, alias = "Message")]
    message: String,
}

impl Metered {
    pub(crate) fn new(inner: Coming, frames: Frames, call: Open, idle: Duration) -> Self {
        Self { inner, frames, call: Some(call), to: None, silence: Silence::new(idle), ended: false }
    }

    /// Writes what the frames say as chunks of a chat completion.
    pub(crate) fn translate(&mut self, to: ChatStream) {
        self.to = Some(to);
    }

    /// Books it: by what was metered when that is all of it, and with its bound when its last count did not come.
    fn end(&mut self) {
        let Some(call) = self.call.take() else { return };
        if self.frames.complete {
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

    /// Nothing has come for too long: gives what the client still hears of it. In the middle of a frame that is only the end of the
    /// connection.
    fn fell_silent(&mut self) -> Option<Result<Bytes, Broken>> {
        let why = self.silence.told();
        let (known, between) = (self.frames.complete || self.frames.exception.is_some(), self.frames.are_whole());
        self.end();
        if self.to.is_some() {
            return self.last(Some(&why)).map(Ok);
        }
        match (known, between) {
            (true, true) => None,
            (false, true) => Some(exception(STREAM_ERROR, &why)),
            (_, false) => Some(Err(why.into())),
        }
    }

    /// What a client still hears at the end: how it came, when it did not come as Bedrock says it.
    fn last(&mut self, broken: Option<&str>) -> Option<Bytes> {
        let mut to = self.to.take()?;
        let mut written = Vec::new();
        let known = self.frames.complete || self.frames.exception.is_some();
        if let Some(why) = broken.or((!known).then_some(BROKE_OFF)) {
            to.error("ModelErrorException", why, &mut written);
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
            let Poll::Ready(came) = Pin::new(&mut self.inner).poll_frame(cx) else {
                if !self.silence.is_over(cx) {
                    return Poll::Pending;
                }
                self.ended = true;
                return Poll::Ready(self.fell_silent().map(|last| last.map(Frame::data)));
            };
            self.silence.heard();
            let end = match came {
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
            self.end();
            self.ended = true;
            let broken = end.is_some().then_some(BROKE_OFF);
            return Poll::Ready(match (self.last(broken), end) {
                (Some(data), _) => Some(Ok(Frame::data(data))),
                (None, Some(error)) => Some(Err(error)),
                (None, None) => None,
            });
        }
    }
}

impl Drop for Metered {
    fn drop(&mut self) {
        self.end();
    }
}
