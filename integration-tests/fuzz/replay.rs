//! Runs every stored input through its target. Each crate whose targets are fuzzed includes this file in its tests.

use std::{fs, path::Path};

/// Longer inputs are run as they are only.
const DAMAGED: usize = 1024;

/// `ok-…` must be accepted and `no-…` refused; what a fuzzer found has its hash for a name and must only do no harm.
/// Of what is accepted, versions with one byte changed or the end cut off are run as well.
pub(crate) fn all(targets: &[(&str, super::Target)]) {
    for (name, target) in targets {
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../integration-tests/fuzz/corpus").join(name);
        let files = fs::read_dir(&folder).unwrap_or_else(|why| panic!("{}: {why}", folder.display()));
        let mut paths: Vec<_> = files.map(|file| file.unwrap().path()).collect();
        paths.sort();
        assert!(paths.iter().any(|path| named(path, "ok-")), "{name}: no input that is accepted is stored");
        for path in paths {
            let bytes = fs::read(&path).unwrap();
            let _named = OnPanic(&path);
            let accepted = target(&bytes);
            assert!(accepted || !named(&path, "ok-"), "is refused");
            assert!(!accepted || !named(&path, "no-"), "is accepted");
            if named(&path, "ok-") && bytes.len() <= DAMAGED {
                for damaged in damage(&bytes) {
                    target(&damaged);
                }
            }
        }
    }
}

fn named(path: &Path, prefix: &str) -> bool {
    path.file_name().is_some_and(|name| name.to_string_lossy().starts_with(prefix))
}

/// Some forty versions of the input, spread over it; the same ones each time.
fn damage(bytes: &[u8]) -> impl Iterator<Item = Vec<u8>> {
    let step = bytes.len().div_ceil(20).max(1);
    (0..bytes.len()).step_by(step).flat_map(move |at| {
        let mut changed = bytes.to_vec();
        changed[at] ^= 1 << (at % 8);
        [changed, bytes[..at].to_vec()]
    })
}

/// Says which input it was.
struct OnPanic<'a>(&'a Path);

impl Drop for OnPanic<'_> {
    fn drop(&mut self) {
        if std::thread::panicking() {
            eprintln!("input: {}", self.0.display());
        }
    }
}
