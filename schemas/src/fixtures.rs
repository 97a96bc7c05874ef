//! Where tests find fixtures made by others: `MOOT_FIXTURES`, or `shared/fixtures` beside the repository.

use std::{fs, path::PathBuf};

/// A file or folder of the fixtures. Says loudly when it is missing: a test then passes without having tested.
pub(crate) fn path(name: &str) -> Option<PathBuf> {
    let root = std::env::var_os("MOOT_FIXTURES")
        .map_or_else(|| PathBuf::from(concat!(env!("CARGO_MANIFEST_DIR"), "/../../shared/fixtures")), PathBuf::from);
    let path = root.join(name);
    if path.exists() {
        return Some(path);
    }
    eprintln!("skipped: no fixtures at {}", path.display());
    None
}

/// The lines of a syntax list, without comments and blank lines.
pub(crate) fn lines(name: &str) -> Vec<String> {
    let Some(path) = path(name) else { return Vec::new() };
    let text = fs::read_to_string(path).unwrap();
    text.lines().filter(|line| !line.is_empty() && !line.starts_with('#')).map(str::to_owned).collect()
}

pub(crate) fn json(name: &str) -> Option<serde_json::Value> {
    Some(serde_json::from_slice(&fs::read(path(name)?).unwrap()).unwrap())
}
