//! Arguments of every kind find each file once.

use std::fs;
use std::path::Path;
use std::sync::Arc;

use object_store::memory::InMemory;
use object_store::path::Path as ObjectPath;
use object_store::{ObjectStore, ObjectStoreExt};
use tempfile::tempdir;

use super::{Found, resolve};
use crate::{LedgerError, Location, Objects};

fn write(root: &Path, name: &str) {
    let path = root.join(name);
    fs::create_dir_all(path.parent().expect("a folder")).expect("a folder");
    fs::write(path, "x").expect("a file");
}

fn find(arguments: &[String]) -> Result<Found, LedgerError> {
    resolve(arguments, &|_| Err("no store".into()), &Objects::new())
}

fn names(found: &Found, root: &Path) -> Vec<String> {
    let root = fs::canonicalize(root).expect("a root").display().to_string() + "/";
    found.inputs.iter().map(|input| input.uri.replacen(&root, "", 1)).collect()
}

#[test]
fn folders_files_and_patterns_name_each_file_once() {
    let dir = tempdir().expect("a folder");
    let root = dir.path();
    for name in ["b/2.json", "b/1.json", "a.json", "c/d/3.json.gz", ".hidden", ".git/x.json"] {
        write(root, name);
    }
    for name in ["data/r_input.json.gz", "data/r_output.json", "owners.csv", "evidence.toml", "README.md", "truth.csv"] {
        write(root, name);
    }
    write(root, "earlier/ledger/journal.ndjson");
    write(root, "earlier/plan.json");
    let at = |name: &str| root.join(name).display().to_string();
    let found = find(&[at(""), at("b/1.json"), at("b")]).expect("files");
    assert_eq!(names(&found, root), ["a.json", "b/1.json", "b/2.json", "c/d/3.json.gz"]);
    assert_eq!(found.skipped.len(), 9, "{:?}", found.skipped);
    assert_eq!(names(&find(&[at("b/*.json")]).expect("files"), root), ["b/1.json", "b/2.json"]);
    assert_eq!(names(&find(&[at("**/3*")]).expect("files"), root), ["c/d/3.json.gz"]);
    assert_eq!(names(&find(&[at("{b,c}")]).expect("files"), root), ["b/1.json", "b/2.json", "c/d/3.json.gz"]);
    let error = find(&[at("none")]).expect_err("nothing");
    assert!(error.to_string().ends_with("there is no such file or folder"));
    assert!(find(&[at("none*")]).is_err());
}

#[test]
fn a_bucket_is_listed_and_read() {
    let objects = Objects::new();
    let store = Arc::new(InMemory::new());
    for key in ["logs/AWSLogs/1/a.json", "logs/AWSLogs/1/data/x_input.json", "logs/owners.csv", "other/b.json"] {
        let path = ObjectPath::from(key);
        let put = store.put(&path, key.to_owned().into());
        objects.wait(put).expect("a runtime").expect("an object");
    }
    let open = |bucket: &str| {
        assert_eq!(bucket, "bucket");
        Ok(Arc::clone(&store) as Arc<dyn ObjectStore>)
    };
    let uris = |argument: &str| {
        let found = resolve(&[argument.to_owned()], &open, &objects).expect("objects");
        (found.inputs.iter().map(|i| i.uri.clone()).collect::<Vec<_>>(), found.skipped.len())
    };
    assert_eq!(uris("s3://bucket/logs"), (vec!["s3://bucket/logs/AWSLogs/1/a.json".into()], 2));
    assert_eq!(uris("s3://bucket/logs/").0.len(), 1);
    assert_eq!(uris("s3://bucket").0.len(), 2);
    assert_eq!(uris("s3://bucket/other/b.json").0.len(), 1);
    assert_eq!(uris("s3://bucket/*/b.*").0, ["s3://bucket/other/b.json"]);
    assert!(resolve(&["s3://bucket/none".to_owned()], &open, &objects).is_err());
    let found = resolve(&["s3://bucket/other".to_owned()], &open, &objects).expect("objects");
    let location: &Location = &found.inputs[0].location;
    assert_eq!(location.read_up_to(100, &objects).expect("an object"), Some(b"other/b.json".to_vec()));
    assert_eq!(location.read_up_to(5, &objects).expect("an object"), None);
    let mut text = String::new();
    std::io::Read::read_to_string(&mut location.open(&objects).expect("an object"), &mut text).expect("text");
    assert_eq!(text, "other/b.json");
}
