//! Where the examples are: in the repository, a folder for each target under `crates/sim/corpus`.
//!
//! What a run found is added there as a file, so that it is tried ever after.

use std::path::PathBuf;

/// A file or folder of the repository.
pub fn repository(path: &str) -> PathBuf {
    PathBuf::from(format!("{}/../../{path}", env!("CARGO_MANIFEST_DIR")))
}

/// Every file of a folder of the corpus, by name.
pub fn files(target: &str) -> Vec<Vec<u8>> {
    let folder = repository(&format!("crates/sim/corpus/{target}"));
    let listed = std::fs::read_dir(&folder).unwrap_or_else(|error| panic!("{}: {error}", folder.display()));
    let mut paths: Vec<PathBuf> = listed.map(|entry| entry.expect("a folder that can be listed").path()).collect();
    paths.sort();
    paths.iter().map(|path| std::fs::read(path).expect("an example that can be read")).collect()
}
