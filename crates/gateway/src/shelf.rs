//! What clients were given an id for: what is known of each in a file of its own, written whole or not at all.

use std::fs;
use std::io::{self, Write};
use std::path::PathBuf;

use ring::rand::{SecureRandom, SystemRandom};
use serde::{Serialize, de::DeserializeOwned};

use crate::gateway::Gateway;
use crate::refusal::Refusal;

/// Where files of a kind are kept.
pub(crate) struct Shelf(PathBuf);

impl Shelf {
    pub(crate) fn content(&self, id: &str) -> PathBuf {
        self.0.join(format!("{id}.jsonl"))
    }

    pub(crate) fn about(&self, id: &str) -> PathBuf {
        self.0.join(format!("{id}.json"))
    }

    /// Writes what is known, whole or not at all.
    pub(crate) fn note(&self, id: &str, what: &impl Serialize) -> io::Result<()> {
        fs::create_dir_all(&self.0)?;
        let part = self.0.join(format!(".{id}.part"));
        let mut file = fs::File::create(&part)?;
        file.write_all(&serde_json::to_vec(what)?)?;
        file.sync_all()?;
        fs::rename(part, self.about(id))?;
        fs::File::open(&self.0)?.sync_all()
    }

    /// What is known of one; `None` when there is none, or the id is no id.
    pub(crate) fn read<T: DeserializeOwned>(&self, id: &str) -> Option<T> {
        let plain = id.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-' || byte == b'_');
        let bytes = plain.then(|| fs::read(self.about(id)).ok()).flatten()?;
        serde_json::from_slice(&bytes).ok()
    }

    /// All of them, newest first by what `key` gives.
    pub(crate) fn all<T: DeserializeOwned>(&self, key: impl Fn(&T) -> i64) -> Vec<T> {
        let entries = fs::read_dir(&self.0).into_iter().flatten().flatten();
        let paths = entries.map(|entry| entry.path()).filter(|path| path.extension().is_some_and(|end| end == "json"));
        let mut all: Vec<T> = paths.filter_map(|path| serde_json::from_slice(&fs::read(path).ok()?).ok()).collect();
        all.sort_by_key(|one| std::cmp::Reverse(key(one)));
        all
    }
}

/// A random id.
pub(crate) fn fresh(prefix: &str) -> Result<String, Refusal> {
    let mut bytes = [0; 16];
    SystemRandom::new().fill(&mut bytes).map_err(|_| Refusal::internal("The machine gives no random bytes."))?;
    Ok(bytes.iter().fold(prefix.to_owned(), |id, byte| id + &format!("{byte:02x}")))
}

impl Gateway {
    pub(crate) fn shelf(&self, kind: &str) -> Shelf {
        Shelf(self.config().data.join(kind))
    }
}
