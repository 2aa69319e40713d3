//! A client as an SDK is one: it signs, keeps its connections, and reads an answer to its end.

use std::collections::BTreeMap;
use std::io::Read;
use std::net::SocketAddr;
use std::time::Duration;

use bytes::Bytes;
use http::header::HOST;
use http::{HeaderValue, Request, Uri};
use laneshift_example::{Call, Company};
use laneshift_provider::settings::Settings;
use laneshift_sim::{request_of, signed};
use ureq::Agent;

use super::servers::Servers;
use crate::clock::Stopwatch;

/// Longer than any answer here takes: a client that reaches it has lost its server.
const TIMEOUT: Duration = Duration::from_secs(30);

/// How long an answer took, from before the request was sent.
#[derive(Clone, Copy, Debug)]
pub(super) struct Timed {
    /// Until the first byte of its body was there.
    pub(super) first_byte: Duration,
    /// Until all of it was.
    pub(super) whole: Duration,
}

pub(super) struct Client<'a> {
    company: &'a Company,
    servers: &'a Servers,
    /// Keys of Bedrock, by caller.
    keys: BTreeMap<&'a str, (&'a str, &'a str)>,
    agent: Agent,
}

impl<'a> Client<'a> {
    pub(super) fn new(company: &'a Company, servers: &'a Servers, settings: &'a Settings) -> Self {
        let keys = settings.accounts.iter().map(|of| (&*of.principal, (&*of.access_key, &*of.secret_key)));
        let agent = Agent::config_builder().proxy(None).http_status_as_error(false).timeout_global(Some(TIMEOUT)).build();
        Self { company, servers, keys: keys.collect(), agent: agent.into() }
    }

    /// Calls the emulator as the caller does in the month as it is.
    pub(super) fn straight(&self, call: &Call) -> Result<Timed, String> {
        let keys = self.keys.get(&*call.principal).ok_or_else(|| format!("{} has no key", call.principal))?;
        self.send(call, self.servers.straight.address, *keys).map_err(|e| self.told(call, "straight", &e))
    }

    /// Calls the gateway with its owner's key.
    pub(super) fn through(&self, call: &Call) -> Result<Timed, String> {
        let owner = &self.company.workloads[call.workload].role;
        let keys = self.servers.keys.get(owner).ok_or_else(|| format!("{owner} has no key"))?;
        let keys = (&*keys.access_key_id, &*keys.secret_access_key);
        self.send(call, self.servers.gateway, keys).map_err(|e| self.told(call, "through the gateway", &e))
    }

    fn told(&self, call: &Call, how: &str, why: &str) -> String {
        format!("a call of {}, {how}: {why}", self.company.workloads[call.workload].name)
    }

    fn send(&self, call: &Call, to: SocketAddr, keys: (&str, &str)) -> Result<Timed, String> {
        let request = request_of(self.company, call).map_err(|e| e.to_string())?;
        let request = addressed(request, to).map_err(|e| e.to_string())?;
        let region = self.company.workloads[call.workload].region.as_str();
        let request = signed(request, keys, region, (self.servers.wall)()).map_err(|e| e.to_string())?;
        let request = request.map(Vec::from);
        let begun = Stopwatch::start();
        let answer = self.agent.run(request).map_err(|e| e.to_string())?;
        let status = answer.status();
        let (mut body, mut bytes) = (answer.into_body().into_reader(), vec![0; 64 * 1024]);
        let mut read = body.read(&mut bytes).map_err(|e| e.to_string())?;
        let first_byte = begun.elapsed();
        if !status.is_success() {
            return Err(format!("{status}: {}", String::from_utf8_lossy(&bytes[..read])));
        }
        if read == 0 {
            return Err("the answer is empty".to_owned());
        }
        while read > 0 {
            read = body.read(&mut bytes).map_err(|e| e.to_string())?;
        }
        Ok(Timed { first_byte, whole: begun.elapsed() })
    }
}

/// A request to an address.
fn addressed(request: Request<Bytes>, to: SocketAddr) -> Result<Request<Bytes>, http::Error> {
    let (mut parts, body) = request.into_parts();
    let path = parts.uri.path_and_query().map_or("/", |path| path.as_str());
    let uri = Uri::builder().scheme("http").authority(to.to_string()).path_and_query(path).build()?;
    parts.headers.insert(HOST, HeaderValue::from_str(&to.to_string())?);
    parts.uri = uri;
    Ok(Request::from_parts(parts, body))
}
