//! A real model behind the emulator: any server that speaks OpenAI's chat completions.

use std::time::Duration;

use bytes::Bytes;
use futures::stream::{FuturesOrdered, StreamExt};
use http::{Request, StatusCode, Uri};
use http_body_util::{BodyExt, Full, Limited};
use hyper_rustls::{HttpsConnector, HttpsConnectorBuilder};
use hyper_util::client::legacy::Client;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::TokioExecutor;
use laneshift_provider::answer::{Answer, answer_from_chat, to_chat};
use laneshift_provider::ask::Ask;
use laneshift_provider::models::Model;
use laneshift_provider::settings::Upstream as Settings;
use tokio::sync::watch;

/// The largest answer that is read.
const ANSWER_BYTES_MAX: usize = 16_000_000;
/// How long an answer may take.
// AWS SDKs wait an hour for Claude 4 and later; a local model on a small machine needs some of it.
const ANSWER_TIME_MAX: Duration = Duration::from_secs(3600);
/// Records of a batch job that are asked for at a time.
const WIDTH: usize = 16;

/// Plain or TLS, over one pool.
pub(crate) type HttpClient = Client<HttpsConnector<HttpConnector>, Full<Bytes>>;

/// A client for servers outside.
pub(crate) fn http_client() -> HttpClient {
    let connector = HttpsConnectorBuilder::new().with_webpki_roots().https_or_http().enable_http1().build();
    Client::builder(TokioExecutor::new()).build(connector)
}

/// The server.
pub(crate) struct Upstream {
    settings: Settings,
    uri: Uri,
    client: HttpClient,
}

impl Upstream {
    pub(crate) fn new(settings: Settings) -> Result<Self, String> {
        let text = format!("{}/chat/completions", settings.url.trim_end_matches('/'));
        let uri: Uri = text.parse().map_err(|e| format!("upstream.url: {e}"))?;
        if uri.authority().is_none() {
            return Err(format!("upstream.url: {} names no host; write http://127.0.0.1:8000/v1", settings.url));
        }
        Ok(Self { settings, uri, client: http_client() })
    }

    /// How many records to ask for at a time.
    pub(crate) fn width(&self) -> usize {
        WIDTH
    }

    /// Asks for one answer.
    pub(crate) async fn answer(&self, model: &Model, ask: &Ask) -> Result<Answer, String> {
        let name = self.settings.model.as_deref().unwrap_or(&model.id);
        let mut request = Request::post(self.uri.clone()).header("content-type", "application/json");
        if let Some(key) = &self.settings.api_key {
            request = request.header("authorization", format!("Bearer {key}"));
        }
        let body = Full::new(Bytes::from(to_chat(ask, name).to_string()));
        let request = request.body(body).map_err(|e| format!("the upstream cannot be asked: {e}"))?;
        let asked = tokio::time::timeout(ANSWER_TIME_MAX, self.client.request(request)).await;
        let response =
            asked.map_err(|_| "the upstream took too long")?.map_err(|e| format!("the upstream did not answer: {e}"))?;
        let status = response.status();
        let body = Limited::new(response.into_body(), ANSWER_BYTES_MAX).collect().await;
        let body = body.map_err(|e| format!("the upstream's answer could not be read: {e}"))?.to_bytes();
        if status != StatusCode::OK {
            return Err(format!("the upstream answered {status}"));
        }
        let chat = serde_json::from_slice(&body).map_err(|e| format!("the upstream's answer is not JSON: {e}"))?;
        answer_from_chat(ask, &chat)
    }

    /// Asks for the answers of many records at once, in their order; for none once `ending` is set. Runs on a thread that may
    /// block.
    pub(crate) fn answer_all<'a>(
        &self,
        model: &Model,
        asks: impl Iterator<Item = Option<&'a Ask>>,
        ending: &watch::Sender<bool>,
    ) -> Vec<Option<Result<Answer, String>>> {
        let all = asks.map(|ask| async move {
            match ask {
                Some(ask) => Some(self.answer(model, ask).await),
                None => None,
            }
        });
        let all: FuturesOrdered<_> = all.collect();
        let mut ending = ending.subscribe();
        tokio::runtime::Handle::current().block_on(async {
            tokio::select! {
                answers = all.collect() => answers,
                _ = ending.wait_for(|ending| *ending) => Vec::new(),
            }
        })
    }
}
