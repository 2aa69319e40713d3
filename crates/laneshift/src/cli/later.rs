//! The batch lanes of a gateway: each opened over a queue of its own, with the keys of its region, and turned beside the others;
//! and their queues to look at.

use std::collections::BTreeSet;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use futures::future::join_all;
use laneshift_batch::{Place, PoolSpec, Terms};
use laneshift_catalog::prices::Catalog;
use laneshift_gateway::config::{Batch, Config};
use laneshift_gateway::{Gateway, Later, queue_in, queue_of, queues_of};
use laneshift_store::Intake;

use super::batch::open::{AwsArgs, Known, Opened, QueueArgs, credentials, look_with, open_with, store};
use super::batch::run::place;
use crate::clock;
use crate::error::Error;

/// Opens a lane for each batch table. Whatever their order, a queue stays with its region: the first one with that of its work,
/// the others with that of their name. While nothing was accepted into the first one, it goes to a region that has none.
pub(super) async fn lanes(config: &Config, catalog: &Arc<Catalog>) -> Result<Vec<Later>, Error> {
    let (first, known, mut lanes) = (queue_of(&config.data), Known::of(catalog.clone())?, Vec::new());
    let mut of_first = if config.batches.is_empty() { None } else { region_of(&first).await? };
    for batch in &config.batches {
        let (region, own) = (config.region_of(batch), queue_in(&config.data, config.region_of(batch)));
        if of_first.is_none() && !own.exists() {
            of_first = Some(region.to_owned());
        }
        let queue = if of_first.as_deref() == Some(region) { &first } else { &own };
        lanes.push(lane(config, batch, queue, known.clone()).await?);
    }
    for queue in queues_of(&config.data).unwrap_or_default() {
        if lanes.iter().all(|later| later.queue != queue) {
            let queue = queue.display();
            tracing::warn!(%queue, "no [[batch]] is for the region of this queue: what waits in it stands still");
        }
    }
    Ok(lanes)
}

/// The region of the work in a queue; `None` where nothing was ever accepted.
async fn region_of(queue: &Path) -> Result<Option<String>, Error> {
    if !queue.is_dir() {
        return Ok(None);
    }
    let failed = |e: &dyn std::fmt::Display| Error::Batch(format!("read the queue in {}: {e}", queue.display()));
    let pools = store(queue).await?.pools().await.map_err(|e| failed(&e))?;
    let last = pools.last().map(|(_, spec)| serde_json::from_str::<PoolSpec>(spec)).transpose();
    Ok(last.map_err(|e| failed(&e))?.map(|spec| spec.region))
}

async fn lane(config: &Config, batch: &Batch, queue: &Path, known: Known) -> Result<Later, Error> {
    let (bucket, prefix) = place(&batch.s3)?;
    let region = config.region_of(batch).to_owned();
    let upstream = config.upstream_of(batch).ok_or_else(|| Error::Data(format!("no [[upstream]] is in {region:?}")))?;
    let names = [&upstream.keys.access_key_id_env, &upstream.keys.secret_access_key_env, &upstream.keys.session_token_env];
    let aws = AwsArgs::of(&region, upstream.endpoint_url.clone(), batch.poll_s.max(1).into(), credentials(names)?);
    let opened = open_with(known, &QueueArgs { data: queue.to_owned() }, &aws, batch.rescue_tpm, Arc::new(|_| {})).await?;
    let terms = Terms { linger_ms: i64::from(batch.linger_s) * 1_000, ..Terms::default() };
    let place = Place { region, role: batch.role.clone(), bucket, prefix, terms };
    Ok(Later { engine: Arc::new(opened.engine), place, queue: queue.to_owned() })
}

/// Takes turns of every lane for ever.
pub(super) async fn turns(lanes: &[Later], config: &Config, gateway: &Gateway) {
    let pauses = config.batches.iter().map(|batch| Duration::from_secs(batch.poll_s.into()));
    join_all(lanes.iter().zip(pauses).map(|(later, pause)| turns_of(later, gateway, pause))).await;
    std::future::pending().await
}

/// Takes turns of a lane for ever; what stands in their way is told once.
async fn turns_of(later: &Later, gateway: &Gateway, pause: Duration) {
    let (mut told, mut held) = (String::new(), BTreeSet::new());
    loop {
        // What one of them stumbles over holds up no other.
        let steps = [
            later.engine.turn().await.map(drop),
            later.engine.deliver_others("").await.map(drop),
            gateway.finish_begun(later).await,
            gateway.end_jobs(later).await,
            gateway.settle_budgets().await,
        ];
        let holds = later.engine.troubles().await.unwrap_or_default();
        for trouble in holds.difference(&held) {
            tracing::warn!(trouble, region = later.place.region, "the batch lane");
        }
        held = holds;
        let troubles: BTreeSet<String> = steps.into_iter().filter_map(|step| Some(step.err()?.to_string())).collect();
        let trouble = troubles.into_iter().collect::<Vec<_>>().join("; ");
        if trouble != told && !trouble.is_empty() {
            tracing::warn!(trouble, region = later.place.region, "the batch lane");
        }
        told = trouble;
        let mut rest = std::pin::pin!(clock::sleep(pause));
        loop {
            tokio::select! {
                () = &mut rest => break,
                // What fails here fails in the next turn too, which tells it.
                () = later.engine.pressed() => drop(later.engine.turn_early().await),
            }
        }
    }
}

/// Opens all queues of a gateway's folder, to look at them.
pub(crate) async fn look(data: &Path) -> Result<Vec<Opened>, Error> {
    let queues = queues_of(data).map_err(|e| Error::Gateway(format!("read {}: {e}", data.display())))?;
    let (known, mut all) = (Known::shipped()?, Vec::new());
    for data in queues {
        match look_with(known.clone(), &QueueArgs { data }).await {
            Err(Error::NoSuch(_)) => {}
            opened => all.push(opened?),
        }
    }
    Ok(all)
}

/// Begins no more calls, and returns when none is under way: their answers are paid for.
pub(super) async fn detach(lanes: &[Later]) {
    join_all(lanes.iter().map(|later| later.engine.detach())).await;
}
