//! What differs between two catalogs, for people (R7).
use crate::catalog::Catalog;

/// What differs between two catalogs, a line each ("Text to Material 1024²: 12 → 14", R7).
pub fn diff(_old: &Catalog, _new: &Catalog) -> Vec<String> {
    Vec::new()
}
