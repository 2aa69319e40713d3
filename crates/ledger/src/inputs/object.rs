//! Evidence in an object store.

use std::sync::Arc;

use futures::TryStreamExt;
use object_store::path::Path as ObjectPath;
use object_store::{ObjectMeta, ObjectStore, ObjectStoreExt};

use super::skip::reason_to_skip;
use super::{Found, Input, OpenStore, Skipped, evidence, is_pattern, pattern};
use crate::error::LedgerError;
use crate::location::{Location, Objects};

pub(super) fn find(
    argument: &str,
    address: &str,
    open_store: OpenStore<'_>,
    objects: &Objects,
    found: &mut Found,
) -> Result<(), LedgerError> {
    let failed = |source| LedgerError::Store { uri: argument.to_owned(), source };
    let (bucket, key) = address.split_once('/').unwrap_or((address, ""));
    if bucket.is_empty() {
        return Err(evidence(argument, "it names no bucket"));
    }
    let store = open_store(bucket).map_err(failed)?;
    let matcher = if is_pattern(key) { Some(pattern(argument, key)?) } else { None };
    let parts = key.split('/').filter(|part| !part.is_empty());
    let base: Vec<&str> = parts.take_while(|part| matcher.is_none() || !is_pattern(part)).collect();
    let base = ObjectPath::parse(base.join("/")).map_err(|e| evidence(argument, &e.to_string()))?;
    let listed = objects.wait(list(store.as_ref(), &base)).map_err(|e| failed(Box::new(e)))?;
    let metas = listed.map_err(|e| failed(Box::new(e)))?;
    let location = |path: &ObjectPath, uri: String| Location::Object { store: Arc::clone(&store), path: path.clone(), uri };
    let root = Arc::new(location(&base, format!("s3://{bucket}/{base}")));
    let before = found.inputs.len() + found.skipped.len();
    for meta in metas {
        let key = meta.location.as_ref();
        if matcher.as_ref().is_some_and(|m| !m.is_match(key)) {
            continue;
        }
        let uri = format!("s3://{bucket}/{key}");
        let inner = key.strip_prefix(base.as_ref()).unwrap_or(key);
        let (folder, name) = inner.rsplit_once('/').unwrap_or(("", inner));
        let is_hidden = folder.split('/').any(|part| part.starts_with('.'));
        let folder = folder.rsplit('/').next().unwrap_or_default();
        let reason = is_hidden.then_some("in a hidden folder").or_else(|| reason_to_skip(folder, name));
        match reason {
            Some(reason) => found.skipped.push(Skipped { uri, reason }),
            None => {
                found.inputs.push(Input {
                    location: location(&meta.location, uri.clone()),
                    root: Arc::clone(&root),
                    uri,
                    size: meta.size,
                    stamp: meta.e_tag.unwrap_or_else(|| meta.last_modified.to_rfc3339()),
                });
            }
        }
    }
    if found.inputs.len() + found.skipped.len() == before {
        return Err(evidence(argument, "no object is there"));
    }
    Ok(())
}

/// Every object under a prefix, or the one object of that key.
async fn list(store: &dyn ObjectStore, base: &ObjectPath) -> object_store::Result<Vec<ObjectMeta>> {
    let mut metas: Vec<ObjectMeta> = store.list(Some(base)).try_collect().await?;
    if metas.is_empty() && !base.as_ref().is_empty() {
        match store.head(base).await {
            Ok(meta) => metas.push(meta),
            Err(object_store::Error::NotFound { .. }) => {}
            Err(e) => return Err(e),
        }
    }
    Ok(metas)
}
