//! What the slice calls: an emulator, and another of the same kind with the gateway in front of it, each behind a socket as `emulate`
//! and `serve` put it there. Two emulators, so that a call finds the same prompt caches both ways.

use std::collections::{BTreeMap, BTreeSet};
use std::io;
use std::net::{Ipv4Addr, SocketAddr};
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use http::Request;
use hyper::body::Incoming;
use hyper::service::service_fn;
use laneshift_aws::WallClock;
use laneshift_catalog::prices::Catalog;
use laneshift_emulator::{Emulator, Options, Pace, server};
use laneshift_example::Company;
use laneshift_gateway::config::{Bedrock, Config, Upstream};
use laneshift_gateway::keys::{self, Key, Secrets};
use laneshift_gateway::{Coming, Gateway, Wire};
use laneshift_listen::{Limits, Stop, tls};
use laneshift_provider::settings::{OnDemand, Settings};
use laneshift_sim::GATEWAY_KEYS;
use laneshift_units::{ModelId, Region, Timestamp, Usage};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::oneshot;
use tokio::task::JoinSet;

use crate::clock::Stopwatch;

/// The slice begins at noon of the company's first day, whatever the machine's date is: prices and models are those of its month.
const NOON_MS: i64 = 12 * 3_600_000;
/// Nothing is throttled: what a limit does to a call is not what the gateway adds to it.
const WITHOUT_LIMIT: OnDemand = OnDemand { tokens_per_minute: 1e12, requests_per_minute: 1e9 };

/// A socket for each server.
pub(super) struct Sockets([TcpListener; 3]);

impl Sockets {
    /// Takes free ports, and sees whether they can be reached.
    pub(super) async fn open() -> io::Result<Self> {
        Ok(Self([reachable().await?, reachable().await?, reachable().await?]))
    }
}

async fn reachable() -> io::Result<TcpListener> {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await?;
    TcpStream::connect(listener.local_addr()?).await?;
    Ok(listener)
}

/// An emulator behind a socket.
pub(super) struct Emulated {
    emulator: Emulator,
    pub(super) address: SocketAddr,
}

impl Emulated {
    /// What it has metered, by model and region.
    pub(super) fn tokens(&self) -> BTreeMap<(ModelId, Region), Usage> {
        let mut tokens: BTreeMap<(ModelId, Region), Usage> = BTreeMap::new();
        for (key, usage) in self.emulator.bill().entries() {
            *tokens.entry((key.model.model.clone(), key.region.clone())).or_default() += *usage;
        }
        tokens
    }
}

/// All of them, under way.
pub(super) struct Servers {
    pub(super) straight: Emulated,
    pub(super) behind: Emulated,
    pub(super) gateway: SocketAddr,
    /// Keys of the gateway, by owner.
    pub(super) keys: BTreeMap<String, Secrets>,
    pub(super) wall: WallClock,
    running: JoinSet<()>,
    stops: Vec<oneshot::Sender<()>>,
}

impl Servers {
    pub(super) async fn begin(
        Sockets([to_straight, to_behind, to_gateway]): Sockets,
        company: &Company,
        settings: &Settings,
        planned: &Path,
        folder: &Path,
    ) -> Result<Self, String> {
        let (begun, start) = (Stopwatch::start(), Timestamp(company.start.0 + NOON_MS));
        let wall: WallClock =
            Arc::new(move || Timestamp(start.0.saturating_add(i64::try_from(begun.elapsed().as_millis()).unwrap_or(i64::MAX))));
        let emulated = |name: &str, listener: &TcpListener| {
            let emulator = emulator(&folder.join(name), settings, wall.clone())?;
            Ok::<_, String>(Emulated { emulator, address: listener.local_addr().map_err(|e| e.to_string())? })
        };
        let (straight, behind) = (emulated("straight", &to_straight)?, emulated("behind", &to_behind)?);
        let data = folder.join("gateway");
        std::fs::create_dir_all(&data).map_err(|e| e.to_string())?;
        let keys = keys_of(company, &data).map_err(|e| format!("make keys: {e}"))?;
        let config = config(&planned.join("gateway/gateway.toml"), &data, behind.address)?;
        let limits = limits_of(&config);
        let gateway = gateway(config, wall.clone())?;
        let address = to_gateway.local_addr().map_err(|e| e.to_string())?;
        let tls = tls::server_config(folder).map_err(|e| format!("make a certificate: {e}"))?;
        let (mut running, mut stops) = (JoinSet::new(), Vec::new());
        for (one, listener) in [(&straight, to_straight), (&behind, to_behind)] {
            running.spawn(server::serve(one.emulator.clone(), listener, tls.clone(), stop(&mut stops)));
        }
        // Only what listens can be asked.
        gateway.read_quotas().await;
        gateway.check_profiles().await;
        let service = service_fn(move |request: Request<Incoming>| {
            let gateway = gateway.clone();
            async move { gateway.answer(request.map(Coming::Network)).await }
        });
        running.spawn(laneshift_listen::serve(to_gateway, tls, service, limits, stop(&mut stops)));
        Ok(Self { straight, behind, gateway: address, keys, wall, running, stops })
    }

    /// Ends them in order.
    pub(super) async fn end(self) {
        drop(self.stops);
        self.running.join_all().await;
    }
}

/// Done when its other end is dropped.
fn stop(stops: &mut Vec<oneshot::Sender<()>>) -> Stop {
    let (sender, dropped) = oneshot::channel();
    stops.push(sender);
    Box::pin(async move {
        let _ = dropped.await;
    })
}

fn emulator(folder: &Path, settings: &Settings, wall: WallClock) -> Result<Emulator, String> {
    let options = Options {
        folder: folder.to_owned(),
        settings: Settings { quotas: BTreeMap::new(), on_demand: WITHOUT_LIMIT, ..settings.clone() },
        pace: Pace::Speed(1.0),
        start: None,
        auth: true,
        wall,
        tell: Arc::new(|what| eprintln!("the emulator: {what}")),
    };
    Emulator::open(options).map_err(|e| e.to_string())
}

fn keys_of(company: &Company, data: &Path) -> io::Result<BTreeMap<String, Secrets>> {
    let owners: BTreeSet<&String> = company.workloads.iter().map(|workload| &workload.role).collect();
    owners.into_iter().map(|owner| Ok((owner.clone(), keys::create(data, &Key::named("", owner), company.start)?))).collect()
}

/// What the month's gateway was told, in a folder of its own and with an emulator at an address.
fn config(path: &Path, data: &Path, behind: SocketAddr) -> Result<Config, String> {
    let mut config = Config::read(path).map_err(|e| e.to_string())?;
    data.clone_into(&mut config.data);
    for upstream in &mut config.upstreams {
        if let Some(bedrock) = upstream.bedrock() {
            *upstream = Upstream::Bedrock(Bedrock { endpoint_url: Some(format!("http://{behind}")), ..bedrock.clone() });
        }
    }
    Ok(config)
}

fn limits_of(config: &Config) -> Limits {
    Limits {
        head: Duration::from_secs(config.limits.head_s),
        connections: config.limits.connections,
        drain: Duration::from_secs(config.limits.drain_s),
    }
}

/// Without a batch lane: nothing of the slice can wait.
fn gateway(config: Config, wall: WallClock) -> Result<Gateway, String> {
    let catalog = Catalog::shipped().map(Arc::new).map_err(|e| e.to_string())?;
    let env = |name: &str| match name {
        "AWS_ACCESS_KEY_ID" => Some(GATEWAY_KEYS.0.to_owned()),
        "AWS_SECRET_ACCESS_KEY" => Some(GATEWAY_KEYS.1.to_owned()),
        _ => None,
    };
    Gateway::open(config, catalog, wall, &env, (Wire::network(), Vec::new())).map_err(|e| e.to_string())
}
