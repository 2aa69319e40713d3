//! `laneshift serve`: the gateway on one port, from one folder.

use std::io::Write;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use clap::Args;
use http::Request;
use hyper::body::Incoming;
use hyper::service::service_fn;
use laneshift_catalog::prices::Catalog;
use laneshift_gateway::config::{Config, Upstream};
use laneshift_gateway::{Coming, Gateway, OpenError, Wire, check, keys};
use laneshift_listen::{Limits, tls};
use serde_json::json;
use tokio::net::TcpListener;
use tokio::signal::unix::{SignalKind, signal};
use tokio::sync::Notify;

use super::later;
use super::log;
use super::signals::stop;
use super::{Format, print};
use crate::clock;
use crate::error::Error;

const EXAMPLES: &str = "Examples:
  laneshift keys create --owner team-a --workload chat
  laneshift serve --region us-east-1
  laneshift serve --region us-east-1 --endpoint-url http://127.0.0.1:4577
  laneshift serve --config gateway.toml

Clients change their endpoint and their keys, and nothing else:
  export AWS_ENDPOINT_URL_BEDROCK_RUNTIME=http://127.0.0.1:4580
  export AWS_ACCESS_KEY_ID=LSKEY… AWS_SECRET_ACCESS_KEY=…

docs/gateway.md says what is served, what is not, and every setting.";

/// How often the file of keys is looked at.
const KEYS_LOOK: Duration = Duration::from_secs(1);

#[derive(Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct ServeArgs {
    /// Configuration (TOML)
    #[arg(long, env = "LANESHIFT_GATEWAY_CONFIG")]
    config: Option<PathBuf>,
    /// Region to call, where there is no --config
    #[arg(long, env = "AWS_REGION")]
    region: Option<String>,
    /// Another endpoint than AWS's, where there is no --config
    #[arg(long, env = "LANESHIFT_GATEWAY_UPSTREAM")]
    endpoint_url: Option<String>,
    /// Address and port; port 0 takes a free one
    #[arg(long, env = "LANESHIFT_GATEWAY_LISTEN")]
    listen: Option<SocketAddr>,
    /// Folder of keys, journal and ledger
    #[arg(long, env = "LANESHIFT_GATEWAY_DATA")]
    data: Option<PathBuf>,
    /// How to say where it listens: for people on standard error, or one JSON line on standard output
    #[arg(long, value_enum, default_value_t)]
    format: Format,
}

pub(crate) fn run(args: &ServeArgs, out: &mut dyn Write) -> Result<(), Error> {
    let config = config(args)?;
    log::begin();
    let failed = |what: &str, e: &dyn std::fmt::Display| Error::Gateway(format!("{what}: {e}"));
    let catalog = Catalog::shipped().map(Arc::new).map_err(|e| Error::Catalog(e.to_string()))?;
    let env = |name: &str| std::env::var(name).ok();
    // What is wrong with the configuration is said before the folder is taken.
    check(config.clone(), catalog.clone(), &env).map_err(unusable)?;
    let _taken = keys::take_folder(&config.data).map_err(|e| failed(&format!("take {}", config.data.display()), &e))?;
    let tls = match &config.tls {
        Some(files) => tls::from_files(&files.certificate, &files.key),
        None => tls::server_config(&config.data),
    };
    let tls = tls.map_err(|e| failed("prepare its certificate", &e))?;
    let runtime = tokio::runtime::Runtime::new().map_err(|e| failed("start its threads", &e))?;
    runtime.block_on(async {
        let lanes = later::lanes(&config, &catalog).await?;
        let gateway = Gateway::open(config.clone(), catalog, Arc::new(clock::now), &env, (Wire::network(), lanes.clone()));
        let gateway = gateway.map_err(unusable)?;
        for lane in &lanes {
            gateway.finish_begun(lane).await.map_err(|e| failed("accept what was begun", &e))?;
        }
        gateway.settle_budgets().await.map_err(|e| failed("read the queue", &e))?;
        let listener = TcpListener::bind(config.listen).await.map_err(|e| failed(&format!("listen on {}", config.listen), &e))?;
        let address = listener.local_addr().map_err(|e| failed("listen", &e))?;
        let signals = |e: std::io::Error| failed("listen for signals", &e);
        let (stop, mut hangup) = (stop().map_err(signals)?, signal(SignalKind::hangup()).map_err(signals)?);
        told(args, &config, address, out)?;
        let answers = gateway.clone();
        let service = service_fn(move |request: Request<Incoming>| {
            let gateway = answers.clone();
            async move { gateway.answer(request.map(Coming::Network)).await }
        });
        let scraped = match config.metrics_listen {
            None => None,
            Some(address) => {
                Some(TcpListener::bind(address).await.map_err(|e| failed(&format!("listen on {address} for metrics"), &e))?)
            }
        };
        let limits = Limits {
            head: Duration::from_secs(config.limits.head_s),
            connections: config.limits.connections,
            drain: Duration::from_secs(config.limits.drain_s),
        };
        let configured = Notify::new();
        configured.notify_one();
        let quotas = async {
            loop {
                configured.notified().await;
                gateway.read_quotas().await;
                gateway.check_profiles().await;
            }
        };
        let keys = async {
            let mut seen = changed(&config.data);
            loop {
                tokio::select! {
                    () = clock::sleep(KEYS_LOOK) => {}
                    _ = hangup.recv() => {
                        seen = None;
                        reload(args, &gateway);
                        configured.notify_one();
                    }
                }
                let now = changed(&config.data);
                if now != seen {
                    match gateway.read_keys() {
                        Ok(()) => seen = now,
                        Err(error) => tracing::error!(%error, "the keys cannot be read, and stay as they were"),
                    }
                }
            }
        };
        let mut turns = std::pin::pin!(later::turns(&lanes, &config, &gateway));
        let metrics = async {
            let Some(listener) = scraped else { return std::future::pending().await };
            let gateway = gateway.clone();
            let service = service_fn(move |request: Request<Incoming>| {
                let gateway = gateway.clone();
                async move { gateway.answer_metrics(request).await }
            });
            laneshift_listen::serve(listener, tls.clone(), service, limits, Box::pin(std::future::pending())).await;
        };
        tokio::select! {
            () = laneshift_listen::serve(listener, tls.clone(), service, limits, Box::pin(stop)) => {}
            () = metrics => {}
            () = keys => {}
            () = quotas => {}
            () = &mut turns => {}
        }
        tokio::select! {
            () = later::detach(&lanes) => {}
            () = &mut turns => {}
        }
        Ok(())
    })?;
    eprintln!("stopped");
    Ok(())
}

/// Why a gateway cannot begin, or take another configuration.
pub(super) fn unusable(error: OpenError) -> Error {
    match error {
        OpenError::Data(error) => Error::Data(error.to_string()),
        OpenError::Commitment(why) => Error::Data(why),
        error => Error::Gateway(format!("open it: {error}")),
    }
}

/// Reads the configuration again, where there is one.
fn reload(args: &ServeArgs, gateway: &Gateway) {
    if args.config.is_none() {
        return;
    }
    let env = |name: &str| std::env::var(name).ok();
    let reloaded = config(args).and_then(|config| gateway.reload(config, &env).map_err(unusable));
    match reloaded {
        Ok(()) => tracing::info!("the configuration was read again"),
        Err(error) => tracing::error!(%error, "the configuration cannot be used, and the one before stays"),
    }
}

/// When the file of keys was last changed.
fn changed(data: &Path) -> Option<std::time::SystemTime> {
    std::fs::metadata(keys::file(data)).and_then(|file| file.modified()).ok()
}

fn config(args: &ServeArgs) -> Result<Config, Error> {
    let mut config = match (&args.config, &args.region) {
        (Some(path), _) => Config::read(path).map_err(|e| Error::Data(e.to_string()))?,
        (None, Some(region)) => Config::of(Upstream::of(region, args.endpoint_url.clone())).map_err(Error::Data)?,
        (None, None) => {
            let reason = "name a --config, or a --region".to_owned();
            return Err(Error::Argument { what: "where calls go".to_owned(), reason });
        }
    };
    config.listen = args.listen.unwrap_or(config.listen);
    if let Some(data) = &args.data {
        config.data.clone_from(data);
    }
    Ok(config)
}

fn told(args: &ServeArgs, config: &Config, address: SocketAddr, out: &mut dyn Write) -> Result<(), Error> {
    let ca = config.tls.is_none().then(|| {
        let path = tls::ca_path(&config.data);
        std::fs::canonicalize(&path).unwrap_or(path)
    });
    match args.format {
        Format::Json => {
            let told = json!({
                "url": format!("http://{address}"),
                "tls_url": format!("https://localhost:{}", address.port()),
                "ca_bundle": ca,
            });
            print(out, &format!("{told}\n"))
        }
        Format::Text => {
            eprintln!(
                "Bedrock Runtime on http://{address}, and over TLS on the same port; keys and books in {}",
                config.data.display()
            );
            if let Some(ca) = ca {
                eprintln!("its certificate is signed by the development authority in {}", ca.display());
            }
            if keys::list(&config.data).is_ok_and(|keys| keys.is_empty()) {
                eprintln!("it has no keys yet: `laneshift keys create --owner NAME --data {}` makes one", config.data.display());
            }
            Ok(())
        }
    }
}
