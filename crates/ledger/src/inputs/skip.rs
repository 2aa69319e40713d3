//! Files among the evidence that are none.

/// Why a file is passed over, by its name and the name of its folder.
pub(super) fn reason_to_skip(folder: &str, name: &str) -> Option<&'static str> {
    let plain = name.strip_suffix(".gz").unwrap_or(name);
    if name.starts_with('.') {
        return Some("a hidden file");
    }
    if folder == "data" && (plain.ends_with("_input.json") || plain.ends_with("_output.json")) {
        return Some("a body that stands beside its log");
    }
    if plain.ends_with("-Manifest.json") {
        return Some("the manifest of a bill export");
    }
    match name {
        "owners.csv" | "evidence.toml" | "profiles.csv" => Some("an answer or setting, not evidence"),
        "truth.csv" => Some("the made-up truth of an example"),
        // AWS writes it when logging is switched on.
        "amazon-bedrock-logs-permission-check" => Some("the permission check of model invocation logging"),
        _ if name.to_ascii_lowercase().ends_with(".md") => Some("a text for people"),
        _ => None,
    }
}
