//! Imports go strictly down: a crate depends on crates of smaller layers only.
//!
//! A layer stands in the manifest as `[package.metadata.laneshift] layer = N`. Dependencies of tests are exempt, and so is
//! everything in the layer of the tasks.

use std::collections::BTreeMap;

use cargo_metadata::{DependencyKind, Metadata, Package};

/// The layer of the tasks, which may use whatever they drive.
const TASKS: u64 = 7;

/// Each upward or level edge, and each crate without a layer.
pub(super) fn findings(metadata: &Metadata) -> Vec<String> {
    let packages = metadata.workspace_packages();
    let mut found = Vec::new();
    let mut layers = BTreeMap::new();
    for package in &packages {
        match layer(package) {
            Some(layer) => {
                layers.insert(package.name.to_string(), layer);
            }
            None => found.push(format!("{} has no layer; add [package.metadata.laneshift] layer = N", package.name)),
        }
    }
    let edges = packages.iter().flat_map(|package| {
        let needed = package.dependencies.iter().filter(|d| d.path.is_some() && d.kind != DependencyKind::Development);
        needed.map(|dependency| (package.name.as_str(), dependency.name.as_str()))
    });
    found.extend(upward(&layers, edges));
    found
}

fn layer(package: &Package) -> Option<u64> {
    package.metadata.get("laneshift")?.get("layer")?.as_u64()
}

fn upward<'a>(layers: &BTreeMap<String, u64>, edges: impl Iterator<Item = (&'a str, &'a str)>) -> Vec<String> {
    let mut found = Vec::new();
    for (from, to) in edges {
        let (Some(&above), Some(&below)) = (layers.get(from), layers.get(to)) else { continue };
        if above != TASKS && below >= above {
            found.push(format!("{from} (layer {above}) depends on {to} (layer {below}); a dependency must have a smaller layer"));
        }
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    fn layers() -> BTreeMap<String, u64> {
        [("units", 0), ("core", 1), ("bedrock", 1), ("xtask", 7)].map(|(name, layer)| (name.to_owned(), layer)).into()
    }

    #[test]
    fn an_edge_down_is_in_order() {
        assert_eq!(upward(&layers(), [("core", "units"), ("xtask", "core")].into_iter()), Vec::<String>::new());
    }

    #[test]
    fn an_edge_up_or_level_names_both_crates_and_layers() {
        let found = upward(&layers(), [("units", "core"), ("core", "bedrock")].into_iter());
        assert_eq!(
            found,
            [
                "units (layer 0) depends on core (layer 1); a dependency must have a smaller layer",
                "core (layer 1) depends on bedrock (layer 1); a dependency must have a smaller layer",
            ]
        );
    }
}
