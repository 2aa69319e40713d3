//! The emulator: a folder, opened.

use std::collections::{HashMap, HashSet};
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use laneshift_provider::chance;
use laneshift_provider::event::{Event, VERSION};
use laneshift_provider::models::Models;
use laneshift_provider::quotas::{self, Quota};
use laneshift_provider::refusal::{Kind, Refusal};
use laneshift_provider::settings::{Account, Settings};
use laneshift_provider::world::World;
use laneshift_units::Timestamp;
use s3s::service::S3Service;
use tokio::sync::{Notify, watch};

use crate::back_off::BackOff;
use crate::clock::{Clock, Pace, WallClock, after};
use crate::journal::{Journal, JournalError};
use crate::notices::Notices;
use crate::s3;
use crate::state::{State, apply};
use crate::upstream::Upstream;

/// Tells whoever runs the emulator what goes wrong by itself, where no call can be refused for it.
pub type Tell = Arc<dyn Fn(&str) + Send + Sync>;

/// How an emulator is opened.
#[derive(Clone)]
pub struct Options {
    /// The folder that holds everything; made when it is missing.
    pub folder: PathBuf,
    /// What it is told.
    pub settings: Settings,
    /// How its time passes.
    pub pace: Pace,
    /// When a new folder's time begins; the machine's time when absent.
    pub start: Option<Timestamp>,
    /// Whether signatures are checked.
    pub auth: bool,
    /// The machine's clock.
    pub wall: WallClock,
    /// Where it says what goes wrong.
    pub tell: Tell,
}

/// Why a folder cannot be opened.
#[derive(Debug, thiserror::Error)]
pub enum OpenError {
    /// Another process holds it.
    #[error("open {0}: another emulator uses this folder")]
    InUse(PathBuf),
    /// Its journal cannot be read.
    #[error("open {path}: {reason}")]
    Journal {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        reason: String,
    },
    /// The settings name something that is not there.
    #[error("use the settings: {0}")]
    Settings(String),
    /// The disk refused.
    #[error("open {path}: {reason}")]
    Folder {
        /// The folder.
        path: PathBuf,
        /// The system's words.
        reason: String,
    },
}

/// An open emulator; clones share it.
#[derive(Clone)]
pub struct Emulator {
    pub(crate) inner: Arc<Inner>,
}

/// What clones share.
pub(crate) struct Inner {
    pub(crate) folder: PathBuf,
    pub(crate) auth: bool,
    pub(crate) clock: Clock,
    pub(crate) s3: S3Service,
    pub(crate) upstream: Option<Upstream>,
    /// Only one driver moves jobs at a time.
    pub(crate) stepping: tokio::sync::Mutex<()>,
    /// Whether the emulator is to end: no step begins any more, and a run that was begun leaves its records to the next start.
    pub(crate) ending: watch::Sender<bool>,
    pub(crate) tell: Tell,
    /// Jobs whose last step failed.
    back_off: Mutex<BackOff>,
    /// Accounts and regions whose logs could not be written when it was last tried.
    undelivered: Mutex<HashSet<(String, String)>>,
    /// Wakes the driver when something new may be due.
    pub(crate) wake: Notify,
    /// Wakes whoever posts notices.
    pub(crate) told: Notify,
    /// Conditional writes of objects, one after another.
    pub(crate) conditional: tokio::sync::Mutex<()>,
    accounts: Vec<Account>,
    /// They are settings, and do not change.
    quotas: Vec<Quota>,
    by_access_key: HashMap<String, usize>,
    default_region: String,
    seed: u64,
    id_seed: u64,
    requests: AtomicU64,
    state: Mutex<State>,
}

impl Emulator {
    /// Opens a folder, reads its journal, and continues from there.
    ///
    /// # Errors
    /// [`OpenError`].
    pub fn open(options: Options) -> Result<Self, OpenError> {
        let Options { folder, settings, pace, start, auth, wall, tell } = options;
        let unknown = quotas::unknown_names(Models::shipped().iter(), &settings);
        if let Some(name) = unknown.first() {
            let text = format!("quotas: no quota is named {name:?}; ListServiceQuotas gives the names");
            return Err(OpenError::Settings(text));
        }
        for part in [s3::FOLDER, crate::jobs::FOLDER] {
            let path = folder.join(part);
            fs::create_dir_all(&path).map_err(|e| OpenError::Folder { path, reason: e.to_string() })?;
        }
        let mut world = World::new(settings);
        let mut notices = Notices::default();
        let (mut latest, mut anchor) = (None::<Timestamp>, None::<Event>);
        let path = folder.join("journal.ndjson");
        let journal = Journal::open(&path, |event| {
            latest = latest.max(moment(&event));
            if matches!(event, Event::ClockSet { .. }) {
                anchor = Some(event.clone());
            }
            apply(&mut world, &mut notices, &event)
        });
        let journal = journal.map_err(|error| match error {
            JournalError::InUse => OpenError::InUse(folder.clone()),
            other => OpenError::Journal { path: path.clone(), reason: other.to_string() },
        })?;
        let now = begin(pace, start, latest, anchor.as_ref(), wall());
        let clock = Clock::new(pace, wall, now);
        if world.settings.events_url.is_some() {
            notices.begin_to_push(latest.unwrap_or(now));
        }
        let (accounts, quotas) = (world.settings.accounts.clone(), world.quotas());
        let by_access_key = accounts.iter().enumerate().map(|(i, a)| (a.access_key.clone(), i)).collect();
        let s3 = s3::service(&folder, auth, &accounts).map_err(|reason| OpenError::Folder { path: folder.clone(), reason })?;
        let upstream = world.settings.upstream.clone().map(Upstream::new).transpose().map_err(OpenError::Settings)?;
        let (default_region, seed) = (world.settings.region.clone(), world.settings.seed);
        let id_seed = chance::draw(world.settings.seed, &format!("opening {}", world.openings));
        let opened = Event::Opened { version: VERSION, seed: world.settings.seed, at_ms: now.0 };
        let mut state = State { world, notices, journal };
        let told: Vec<Event> = [opened, clock.event(now)].into_iter().chain(state.world.provisioned_set(now)).collect();
        state.commit(&told).map_err(|e| OpenError::Journal { path, reason: e.to_string() })?;
        let inner = Inner {
            folder,
            auth,
            clock,
            s3,
            upstream,
            stepping: tokio::sync::Mutex::new(()),
            ending: watch::Sender::new(false),
            tell,
            back_off: Mutex::default(),
            undelivered: Mutex::default(),
            wake: Notify::new(),
            told: Notify::new(),
            conditional: tokio::sync::Mutex::new(()),
            accounts,
            quotas,
            by_access_key,
            default_region,
            seed,
            id_seed,
            requests: AtomicU64::new(0),
            state: Mutex::new(state),
        };
        Ok(Self { inner: Arc::new(inner) })
    }

    /// The folder.
    pub fn folder(&self) -> &Path {
        &self.inner.folder
    }
}

impl Inner {
    pub(crate) fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(crate) fn back_off(&self) -> MutexGuard<'_, BackOff> {
        self.back_off.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(crate) fn undelivered(&self) -> MutexGuard<'_, HashSet<(String, String)>> {
        self.undelivered.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Journals and takes over; a journal that cannot be written is the service's failure.
    pub(crate) fn commit(&self, events: &[Event]) -> Result<(), Refusal> {
        let committed = self.state().commit(events);
        committed.map_err(|e| Refusal::new(Kind::InternalServer, format!("The journal could not be written: {e}")))
    }

    pub(crate) fn account_of_key(&self, access_key: &str) -> Option<&Account> {
        self.by_access_key.get(access_key).map(|at| &self.accounts[*at])
    }

    pub(crate) fn quotas(&self) -> &[Quota] {
        &self.quotas
    }

    pub(crate) fn accounts(&self) -> &[Account] {
        &self.accounts
    }

    /// Begins what chance has a part in.
    pub(crate) const fn seed(&self) -> u64 {
        self.seed
    }

    pub(crate) fn default_region(&self) -> &str {
        &self.default_region
    }

    /// An id that no other request of this folder has.
    pub(crate) fn request_id(&self) -> String {
        let n = self.requests.fetch_add(1, Ordering::Relaxed);
        chance::uuid(self.id_seed ^ n.wrapping_mul(0x9e37_79b9_7f4a_7c15), "request")
    }
}

/// The moment an event carries.
fn moment(event: &Event) -> Option<Timestamp> {
    let at_ms = match event {
        Event::Opened { at_ms, .. }
        | Event::ClockSet { at_ms, .. }
        | Event::JobMoved { at_ms, .. }
        | Event::JobValidated { at_ms, .. }
        | Event::JobEnded { at_ms, .. }
        | Event::ProvisionedSet { at_ms, .. }
        | Event::Logged { at_ms, .. }
        | Event::FaultsSet { at_ms, .. } => *at_ms,
        Event::JobCreated(created) => created.at_ms,
        Event::Called(called) => called.at_ms,
        Event::JobRan { .. }
        | Event::JobPublished { .. }
        | Event::Tagged { .. }
        | Event::Untagged { .. }
        | Event::LoggingSet { .. }
        | Event::ProfileCreated(_)
        | Event::ProfileDeleted { .. }
        | Event::LogsDelivered { .. }
        | Event::LogsDropped { .. }
        | Event::FaultCounted(_) => return None,
    };
    Some(Timestamp(at_ms))
}

/// The emulator's time at opening: never before what has happened, and what anybody has seen. Real time keeps the
/// distance it was moved by; a faster clock also passes while nobody runs it, at the speed that it had.
fn begin(pace: Pace, start: Option<Timestamp>, latest: Option<Timestamp>, anchor: Option<&Event>, wall: Timestamp) -> Timestamp {
    let Some(latest) = latest else { return start.unwrap_or(wall) };
    let Some(Event::ClockSet { at_ms, wall_ms, speed }) = anchor else { return latest };
    after(Timestamp(*at_ms), wall.0 - wall_ms, speed.unwrap_or(pace.speed())).max(latest)
}
