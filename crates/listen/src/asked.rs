//! What a connection is asked, so that one that is idle can be told from one that answers.

use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::{Context, Poll, ready};

use http::Response;
use http_body::{Body, Frame, SizeHint};
use hyper::service::Service;
use pin_project_lite::pin_project;

/// Clones are of one connection; each answer that is under way holds one.
#[derive(Clone, Default)]
pub(crate) struct Asked(Arc<AtomicBool>);

impl Asked {
    /// Whether anything was asked.
    pub(crate) fn was(&self) -> bool {
        self.0.load(Ordering::Relaxed)
    }

    /// Whether nothing was asked since the last time that this was, and nothing is being answered. `held` are the clones that are no
    /// answers.
    pub(crate) fn is_idle(&self, held: usize) -> bool {
        !self.0.swap(false, Ordering::Relaxed) && Arc::strong_count(&self.0) <= held
    }
}

/// A service that notes what it is asked.
pub(crate) struct Noting<S> {
    pub(crate) service: S,
    pub(crate) asked: Asked,
}

impl<S, R, B> Service<R> for Noting<S>
where
    S: Service<R, Response = Response<B>>,
{
    type Response = Response<Noted<B>>;
    type Error = S::Error;
    type Future = Answering<S::Future>;

    fn call(&self, request: R) -> Self::Future {
        self.asked.0.store(true, Ordering::Relaxed);
        Answering { inner: self.service.call(request), asked: Some(self.asked.clone()) }
    }
}

pin_project! {
    /// An answer that has not begun.
    pub(crate) struct Answering<F> {
        #[pin]
        inner: F,
        asked: Option<Asked>,
    }
}

impl<F, B, E> Future for Answering<F>
where
    F: Future<Output = Result<Response<B>, E>>,
{
    type Output = Result<Response<Noted<B>>, E>;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let this = self.project();
        let answer = ready!(this.inner.poll(cx));
        let asked = this.asked.take();
        Poll::Ready(answer.map(|answer| answer.map(|inner| Noted { inner, asked })))
    }
}

pin_project! {
    /// The body of an answer that has begun.
    pub(crate) struct Noted<B> {
        #[pin]
        inner: B,
        asked: Option<Asked>,
    }
}

impl<B: Body> Body for Noted<B> {
    type Data = B::Data;
    type Error = B::Error;

    fn poll_frame(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Result<Frame<B::Data>, B::Error>>> {
        self.project().inner.poll_frame(cx)
    }

    fn is_end_stream(&self) -> bool {
        self.inner.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.inner.size_hint()
    }
}
