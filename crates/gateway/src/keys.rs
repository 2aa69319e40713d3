//! Keys that the gateway issues: each an access key id with its secret for signatures, and an API key.
//!
//! Promises: of the API key only a hash is kept; the secret is derived from the folder's master key and the id, and kept nowhere;
//! both are compared in constant time. A change is one file written beside the old one and moved over it, so that another process
//! may read at any time.

use std::collections::HashMap;
use std::fs::{self, DirBuilder, File, OpenOptions, TryLockError};
use std::io::{self, Read, Write};
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use laneshift_units::Timestamp;
use ring::rand::{SecureRandom, SystemRandom};
use ring::{digest, hkdf};
use serde::{Deserialize, Serialize};

/// How access key ids begin.
const ID_PREFIX: &str = "LSKEY";
/// How API keys begin; the id follows, and then the secret part.
const API_PREFIX: &str = "lsk-";
const ID_LETTERS: usize = 15;
const SECRET_BYTES: usize = 32;

/// A key, as it is kept.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Key {
    /// The access key id.
    pub id: String,
    /// Whose it is.
    pub owner: String,
    /// What for, where one key is for one purpose.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub workload: Option<String>,
    /// The models that it may call, as ids with `*` at their end; any when there is none.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub models: Vec<String>,
    /// Calls a minute, at most.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub requests_per_minute: Option<u64>,
    /// Tokens a minute, at most.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tokens_per_minute: Option<u64>,
    /// The key whose place it took first: what was spent with that one is spent with this one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub root: Option<String>,
    /// What may be spent with it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub budget: Option<Budget>,
    /// When it was made, in milliseconds since 1970.
    pub created_ms: i64,
    /// When it is revoked: from then on it is none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub revoked_ms: Option<i64>,
    /// SHA-256 of the API key, in hexadecimal.
    pub api_key_sha256: String,
}

/// What may be spent, by list price.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Budget {
    /// In dollars.
    pub usd: String,
    /// In which time.
    pub per: Period,
}

/// The time of a budget, in UTC.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Period {
    /// A day.
    Day,
    /// A calendar month.
    Month,
    /// All of it.
    Ever,
}

impl Key {
    /// A key without secrets and limits.
    pub fn named(id: &str, owner: &str) -> Self {
        Self {
            id: id.to_owned(),
            owner: owner.to_owned(),
            workload: None,
            models: Vec::new(),
            requests_per_minute: None,
            tokens_per_minute: None,
            root: None,
            budget: None,
            created_ms: 0,
            revoked_ms: None,
            api_key_sha256: String::new(),
        }
    }

    /// The id under which its spending is counted.
    pub fn spends_as(&self) -> &str {
        self.root.as_deref().unwrap_or(&self.id)
    }

    /// Whether it is one at a moment.
    pub fn holds(&self, now: Timestamp) -> bool {
        self.revoked_ms.is_none_or(|at| now.0 < at)
    }

    /// Whether it may call a model.
    pub fn allows(&self, model: &str) -> bool {
        let fits = |pattern: &String| match pattern.strip_suffix('*') {
            Some(begin) => model.starts_with(begin),
            None => model == pattern,
        };
        self.models.is_empty() || self.models.iter().any(fits)
    }
}

/// What is shown once, when a key is made.
#[derive(Clone, PartialEq, Eq)]
pub struct Secrets {
    /// The access key id.
    pub access_key_id: String,
    /// For signatures.
    pub secret_access_key: String,
    /// For `Authorization: Bearer`.
    pub api_key: String,
}

/// The keys of a folder, as they were when they were read.
pub struct Keys {
    master: hkdf::Prk,
    by_id: HashMap<String, Arc<Key>>,
}

impl Keys {
    /// Reads the keys of a folder.
    ///
    /// # Errors
    /// What the disk says, or that a file cannot be read.
    pub fn read(folder: &Path) -> io::Result<Self> {
        let master = master(folder)?;
        let by_id = list(folder)?.into_iter().map(|key| (key.id.clone(), Arc::new(key))).collect();
        Ok(Self { master, by_id })
    }

    /// The key with an id, with its secret for signatures; `None` when there is none, or it is revoked.
    pub fn signing(&self, id: &str, now: Timestamp) -> Option<(&Arc<Key>, String)> {
        let key = self.by_id.get(id).filter(|key| key.holds(now))?;
        Some((key, secret(&self.master, id)))
    }

    /// Whether there is a key with an id.
    pub fn knows(&self, id: &str, now: Timestamp) -> bool {
        self.by_id.get(id).is_some_and(|key| key.holds(now))
    }

    /// The key whose API key this is.
    pub fn bearer(&self, api_key: &str, now: Timestamp) -> Option<&Arc<Key>> {
        let id = api_key.strip_prefix(API_PREFIX)?.split('-').next()?;
        let key = self.by_id.get(id).filter(|key| key.holds(now))?;
        // Hashes, so how far they agree says nothing of the key.
        (laneshift_aws::sigv4::sha256_hex(api_key.as_bytes()) == key.api_key_sha256).then_some(key)
    }
}

/// All keys of a folder, oldest first.
///
/// # Errors
/// What the disk says, or that the file cannot be read.
pub fn list(folder: &Path) -> io::Result<Vec<Key>> {
    match fs::read(file(folder)) {
        Ok(bytes) => {
            serde_json::from_slice(&bytes).map_err(|e| io::Error::new(io::ErrorKind::InvalidData, format!("keys.json: {e}")))
        }
        Err(e) if e.kind() == io::ErrorKind::NotFound => Ok(Vec::new()),
        Err(e) => Err(e),
    }
}

/// Makes a key like this one: with an id, a moment and secrets of its own.
///
/// # Errors
/// What the disk says.
pub fn create(folder: &Path, like: &Key, now: Timestamp) -> io::Result<Secrets> {
    let (key, secrets) = made(folder, like, now)?;
    change(folder, |keys| {
        keys.push(key);
        true
    })?;
    Ok(secrets)
}

/// Makes a key that takes the place of another, which holds until `until`; `None` when there is no such key, or it is revoked.
///
/// # Errors
/// What the disk says.
pub fn rotate(folder: &Path, id: &str, until: Timestamp, now: Timestamp) -> io::Result<Option<Secrets>> {
    let Some(old) = list(folder)?.into_iter().find(|key| key.id == id && key.holds(now)) else { return Ok(None) };
    let (key, secrets) = made(folder, &Key { revoked_ms: None, root: Some(old.spends_as().to_owned()), ..old }, now)?;
    let changed = change(folder, |keys| match keys.iter_mut().find(|key| key.id == id && key.holds(now)) {
        Some(old) => {
            old.revoked_ms = Some(old.revoked_ms.map_or(until.0, |at| at.min(until.0)));
            keys.push(key);
            true
        }
        None => false,
    })?;
    Ok(changed.then_some(secrets))
}

fn made(folder: &Path, like: &Key, now: Timestamp) -> io::Result<(Key, Secrets)> {
    let random = SystemRandom::new();
    let mut bytes = [0; ID_LETTERS + SECRET_BYTES];
    random.fill(&mut bytes).map_err(|_| io::Error::other("the machine gives no random bytes"))?;
    const LETTERS: &[u8; 32] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZ234567";
    let letters: String = bytes[..ID_LETTERS].iter().map(|byte| char::from(LETTERS[usize::from(byte % 32)])).collect();
    let id = format!("{ID_PREFIX}{letters}");
    let api_key = format!("{API_PREFIX}{id}-{}", URL_SAFE_NO_PAD.encode(&bytes[ID_LETTERS..]));
    let key = Key {
        id: id.clone(),
        created_ms: now.0,
        api_key_sha256: laneshift_aws::sigv4::sha256_hex(api_key.as_bytes()),
        ..like.clone()
    };
    let secret_access_key = secret(&master(folder)?, &id);
    Ok((key, Secrets { access_key_id: id, secret_access_key, api_key }))
}

/// Revokes a key at once; gives whether there was one that held.
///
/// # Errors
/// What the disk says.
pub fn revoke(folder: &Path, id: &str, now: Timestamp) -> io::Result<bool> {
    change(folder, |keys| match keys.iter_mut().find(|key| key.id == id && key.holds(now)) {
        Some(key) => {
            key.revoked_ms = Some(now.0);
            true
        }
        None => false,
    })
}

/// The folder of a gateway, made for nobody else on this machine: prompts, answers and secrets lie in it.
///
/// # Errors
/// What the disk says.
pub fn private_folder(folder: &Path) -> io::Result<()> {
    DirBuilder::new().recursive(true).mode(0o700).create(folder)
}

/// Takes a folder, as long as the file is held: another process would take the calls that are open here for lost.
///
/// # Errors
/// [`io::ErrorKind::ResourceBusy`] where another gateway has it, or what the disk says.
pub fn take_folder(folder: &Path) -> io::Result<File> {
    private_folder(folder)?;
    let file = File::create(folder.join("gateway.lock"))?;
    match file.try_lock() {
        Ok(()) => Ok(file),
        Err(TryLockError::WouldBlock) => {
            let why = format!("another gateway works in {}: stop it, or name another --data", folder.display());
            Err(io::Error::new(io::ErrorKind::ResourceBusy, why))
        }
        Err(TryLockError::Error(error)) => Err(error),
    }
}

/// Changes the file, one process at a time, when `how` says that there is something to change.
fn change(folder: &Path, how: impl FnOnce(&mut Vec<Key>) -> bool) -> io::Result<bool> {
    private_folder(folder)?;
    let lock = OpenOptions::new().create(true).truncate(false).write(true).open(folder.join("keys.lock"))?;
    lock.lock()?;
    let mut keys = list(folder)?;
    if !how(&mut keys) {
        return Ok(false);
    }
    let part = folder.join(".keys.json.part");
    let mut written = private(&part)?;
    written.write_all(&serde_json::to_vec_pretty(&keys)?)?;
    written.sync_all()?;
    fs::rename(part, file(folder))?;
    File::open(folder)?.sync_all()?;
    Ok(true)
}

/// Where the keys of a folder are.
pub fn file(folder: &Path) -> PathBuf {
    folder.join("keys.json")
}

/// The folder's master key, which is made when it is missing.
fn master(folder: &Path) -> io::Result<hkdf::Prk> {
    let path = folder.join("master.key");
    let mut bytes = Vec::new();
    match File::open(&path) {
        Ok(mut file) => drop(file.read_to_end(&mut bytes)?),
        Err(e) if e.kind() == io::ErrorKind::NotFound => {
            private_folder(folder)?;
            bytes = vec![0; SECRET_BYTES];
            SystemRandom::new().fill(&mut bytes).map_err(|_| io::Error::other("the machine gives no random bytes"))?;
            let part = folder.join(format!(".master.key.{}", std::process::id()));
            let mut file = private(&part)?;
            file.write_all(&bytes)?;
            file.sync_all()?;
            // Another process may have been first: its key counts.
            match fs::hard_link(&part, &path) {
                Ok(()) => fs::remove_file(part)?,
                Err(_) => {
                    fs::remove_file(part)?;
                    bytes = fs::read(&path)?;
                }
            }
        }
        Err(e) => return Err(e),
    }
    if bytes.len() != SECRET_BYTES {
        return Err(io::Error::new(
            io::ErrorKind::InvalidData,
            format!("master.key has {} bytes and not {SECRET_BYTES}", bytes.len()),
        ));
    }
    Ok(hkdf::Salt::new(hkdf::HKDF_SHA256, b"laneshift gateway").extract(&bytes))
}

fn private(path: &Path) -> io::Result<File> {
    OpenOptions::new().create(true).truncate(true).write(true).mode(0o600).open(path)
}

/// The secret for signatures that belongs to an id.
fn secret(master: &hkdf::Prk, id: &str) -> String {
    let mut bytes = [0; digest::SHA256_OUTPUT_LEN];
    let info = [b"secret access key ".as_slice(), id.as_bytes()];
    let filled = master.expand(&info, hkdf::HKDF_SHA256).and_then(|okm| okm.fill(&mut bytes));
    filled.expect("HKDF gives as many bytes as its hash has");
    URL_SAFE_NO_PAD.encode(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_is_known_by_both_its_secrets_until_it_is_revoked() {
        let folder = tempfile::tempdir().expect("a folder");
        let made = create(folder.path(), &Key::named("", "team-a"), Timestamp(5)).expect("made");
        let other = create(folder.path(), &Key::named("", "team-b"), Timestamp(6)).expect("made");
        let keys = Keys::read(folder.path()).expect("read");
        let (key, secret) = keys.signing(&made.access_key_id, Timestamp(7)).expect("known");
        assert_eq!((&*key.owner, secret), ("team-a", made.secret_access_key));
        assert_eq!(keys.bearer(&other.api_key, Timestamp(7)).map(|key| &*key.owner), Some("team-b"));
        let mixed = made.api_key.replace(&made.access_key_id, &other.access_key_id);
        assert_eq!(keys.bearer(&mixed, Timestamp(7)), None, "one's secret under another's id");
        assert!(revoke(folder.path(), &made.access_key_id, Timestamp(7)).expect("written"));
        assert!(!revoke(folder.path(), &made.access_key_id, Timestamp(8)).expect("read"), "it is revoked already");
        let keys = Keys::read(folder.path()).expect("read");
        assert!(keys.signing(&made.access_key_id, Timestamp(7)).is_none() && keys.bearer(&made.api_key, Timestamp(7)).is_none());
        assert!(keys.bearer(&other.api_key, Timestamp(7)).is_some());
    }

    #[test]
    fn a_key_that_is_rotated_holds_for_a_while_beside_the_new_one() {
        let folder = tempfile::tempdir().expect("a folder");
        let like = Key { requests_per_minute: Some(9), ..Key::named("", "a") };
        let old = create(folder.path(), &like, Timestamp(5)).expect("made");
        let new =
            rotate(folder.path(), &old.access_key_id, Timestamp(100), Timestamp(6)).expect("written").expect("it was there");
        let keys = Keys::read(folder.path()).expect("read");
        assert!(keys.bearer(&old.api_key, Timestamp(99)).is_some() && keys.bearer(&old.api_key, Timestamp(100)).is_none());
        assert_eq!(keys.bearer(&new.api_key, Timestamp(100)).and_then(|key| key.requests_per_minute), Some(9));
        assert!(rotate(folder.path(), "LSKEYNONE", Timestamp(9), Timestamp(6)).expect("read").is_none());
        assert!(revoke(folder.path(), &old.access_key_id, Timestamp(50)).expect("written"), "the while can be ended");
    }

    #[test]
    fn no_file_holds_a_secret_and_only_the_owner_may_read_them() {
        use std::os::unix::fs::PermissionsExt;
        let folder = tempfile::tempdir().expect("a folder");
        let made = create(folder.path(), &Key::named("", "a"), Timestamp(5)).expect("made");
        for entry in fs::read_dir(folder.path()).expect("a folder").map(|entry| entry.expect("an entry")) {
            let held = String::from_utf8_lossy(&fs::read(entry.path()).expect("read")).into_owned();
            assert!(!held.contains(&made.api_key) && !held.contains(&made.secret_access_key), "{entry:?}");
            let mode = entry.metadata().expect("there").permissions().mode() & 0o077;
            assert!(mode == 0 || entry.file_name() == "keys.lock", "{entry:?} {mode:o}");
        }
    }

    #[test]
    fn models_are_named_whole_or_by_their_beginning() {
        let mut key = Key { models: vec!["us.amazon.*".to_owned(), "m".to_owned()], ..Key::named("", "") };
        let may = ["us.amazon.nova-lite-v1:0", "m"].map(|model| key.allows(model));
        let may_not = ["amazon.nova-lite-v1:0", "m2", "us.amazon"].map(|model| key.allows(model));
        assert_eq!((may, may_not), ([true; 2], [false; 3]));
        key.models.clear();
        assert!(key.allows("anything"));
    }
}
