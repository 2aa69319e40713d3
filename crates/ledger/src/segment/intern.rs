//! A column of texts that repeat: each text once, and a key a row.

use std::collections::HashMap;
use std::hash::{BuildHasherDefault, Hasher};
use std::sync::Arc;

use arrow_array::types::Int32Type;
use arrow_array::{ArrayRef, DictionaryArray, Int32Array, StringArray};
use arrow_schema::ArrowError;
use xxhash_rust::xxh3::xxh3_64;

/// Texts kept from batch to batch. A column that has more, such as sessions, starts afresh: carrying them along costs
/// more than finding them again.
const KEPT_MAX: usize = 1024;

#[derive(Default)]
pub(super) struct Interner {
    keys_by_text: HashMap<Arc<str>, i32, BuildHasherDefault<TextHasher>>,
    texts: Vec<Arc<str>>,
    keys: Vec<Option<i32>>,
    last: Option<i32>,
}

impl Interner {
    pub(super) fn push(&mut self, text: &str) {
        let key = match self.last.filter(|&key| self.texts.get(key as usize).is_some_and(|t| **t == *text)) {
            Some(key) => key,
            None => self.key(text),
        };
        self.last = Some(key);
        self.keys.push(Some(key));
    }

    pub(super) fn push_null(&mut self) {
        self.keys.push(None);
    }

    /// The rows so far as an array.
    pub(super) fn take(&mut self) -> Result<ArrayRef, ArrowError> {
        let keys = Int32Array::from(std::mem::take(&mut self.keys));
        let texts = Arc::new(StringArray::from_iter_values(&self.texts));
        if self.texts.len() > KEPT_MAX {
            self.keys_by_text.clear();
            self.texts.clear();
            self.last = None;
        }
        Ok(Arc::new(DictionaryArray::<Int32Type>::try_new(keys, texts)?))
    }

    fn key(&mut self, text: &str) -> i32 {
        if let Some(&key) = self.keys_by_text.get(text) {
            return key;
        }
        // A batch has far fewer rows than an i32 counts.
        let key = self.texts.len() as i32;
        let text: Arc<str> = text.into();
        self.texts.push(Arc::clone(&text));
        self.keys_by_text.insert(text, key);
        key
    }
}

/// `str` writes its bytes and one more; the hash need not resist an attacker, the table is bounded.
#[derive(Default)]
struct TextHasher(u64);

impl Hasher for TextHasher {
    fn write(&mut self, bytes: &[u8]) {
        self.0 = self.0.rotate_left(5) ^ xxh3_64(bytes);
    }
    fn write_u8(&mut self, _: u8) {}
    fn finish(&self) -> u64 {
        self.0
    }
}
