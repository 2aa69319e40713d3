//! Posts state changes of jobs to whoever is named in the settings, as EventBridge would. Jobs do not wait for it.

use std::time::Duration;

use bytes::Bytes;
use http::Request;
use http_body_util::Full;

use crate::emulator::Emulator;
use crate::upstream::http_client;

/// How long a listener may take to answer.
const PUSH_TIME_MAX: Duration = Duration::from_secs(5);

impl Emulator {
    /// Runs for ever: posts notices as their moments come.
    pub async fn announce(&self) {
        loop {
            let woken = self.inner.told.notified();
            self.push_notices().await;
            let next = self.inner.state().notices.next_at();
            let _ = tokio::time::timeout(self.pause(next), woken).await;
        }
    }

    /// Posts the notices whose moment has come, once each: EventBridge's delivery is best effort too.
    async fn push_notices(&self) {
        let Some(url) = self.inner.state().world.settings.events_url.clone() else { return };
        let client = http_client();
        loop {
            let notice = self.inner.state().notices.next_unsent(self.inner.clock.now());
            let Some(notice) = notice else { return };
            let body = Full::new(Bytes::from(notice.to_string()));
            let Ok(request) = Request::post(&url).header("content-type", "application/json").body(body) else { return };
            let _ = tokio::time::timeout(PUSH_TIME_MAX, client.request(request)).await;
        }
    }
}
