//! Request bodies that Bedrock moved out of the log, as far as they stand beside it.

use std::io::Read;
use std::iter;
use std::path::Path;
use std::sync::Arc;

use flate2::read::MultiGzDecoder;
use laneshift_bedrock::invocation_log::{BodyTraits, read_input_body};
use object_store::ObjectStore;
use object_store::path::Path as ObjectPath;

use crate::decode::is_gzip;
use crate::inputs::Input;
use crate::location::{Location, Objects};

/// The largest body that is read, stored and inflated.
const BODY_BYTES_MAX: u64 = 64 << 20;

/// What became of a body that was moved.
#[derive(Debug)]
pub(super) enum Beside {
    /// It was read; its size is that of the JSON.
    Found(Box<BodyTraits>, u64),
    /// It is not beside the log.
    Missing,
    /// It is there, but too large or of an unknown shape.
    Unreadable,
}

/// Looks for the body that a record of `input` names by its S3 path.
pub(super) fn find(input: &Input, s3_path: &str, objects: &Objects) -> Beside {
    let places = [&input.location, &*input.root].map(|place| under(place, s3_path));
    let candidates = iter::once(beside(&input.location, s3_path)).chain(places);
    for location in candidates.flatten() {
        match location.read_up_to(BODY_BYTES_MAX, objects) {
            Ok(Some(bytes)) => return parse(&bytes),
            Ok(None) => return Beside::Unreadable,
            // Wherever else it may be, it is not here.
            Err(_) => {}
        }
    }
    Beside::Missing
}

fn parse(bytes: &[u8]) -> Beside {
    let read = |json: &[u8]| match read_input_body(json) {
        Ok(traits) => Beside::Found(Box::new(traits), json.len() as u64),
        Err(_) => Beside::Unreadable,
    };
    if !is_gzip(bytes) {
        return read(bytes);
    }
    let mut json = Vec::new();
    match MultiGzDecoder::new(bytes).take(BODY_BYTES_MAX + 1).read_to_end(&mut json) {
        Ok(n) if n as u64 <= BODY_BYTES_MAX => read(&json),
        Ok(_) | Err(_) => Beside::Unreadable,
    }
}

/// `data/<name>` in the folder of the log, as AWS lays it out.
fn beside(log: &Location, s3_path: &str) -> Option<Location> {
    let name = s3_path.rsplit('/').next().filter(|name| is_plain(name))?;
    Some(match log {
        Location::Local(path) => Location::Local(path.parent()?.join("data").join(name)),
        Location::Object { store, path, .. } => {
            let folder = path.as_ref().rsplit_once('/').map_or("", |(folder, _)| folder);
            object(store, &format!("{folder}/data/{name}"))?
        }
    })
}

/// The key from `AWSLogs` on, in the folder that has `AWSLogs` in it: one above `place`, or else `place` itself.
fn under(place: &Location, s3_path: &str) -> Option<Location> {
    let key = &s3_path[s3_path.find("AWSLogs/")?..];
    if !key.split('/').all(is_plain) {
        return None;
    }
    Some(match place {
        Location::Local(path) => {
            let above = path.ancestors().find(|p| p.file_name().is_some_and(|name| name == "AWSLogs"));
            Location::Local(above.and_then(Path::parent).unwrap_or(path).join(key))
        }
        Location::Object { store, path, .. } => {
            let path = path.as_ref();
            let above = path.find("AWSLogs").map_or(path, |at| &path[..at]);
            object(store, &format!("{above}/{key}"))?
        }
    })
}

/// A part of a path that leads nowhere else.
fn is_plain(part: &str) -> bool {
    !matches!(part, "" | "." | "..") && !part.contains(['\\', '\0'])
}

fn object(store: &Arc<dyn ObjectStore>, key: &str) -> Option<Location> {
    let key = key.trim_start_matches('/').replace("//", "/");
    let path = ObjectPath::parse(&key).ok()?;
    Some(Location::Object { store: store.clone(), path, uri: key })
}
