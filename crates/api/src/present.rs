//! Optional fields that may be absent but not null.
//!
//! A null would have to mean either "absent" or "make it empty"; as the two differ, it is refused.

use serde::{Deserialize, Deserializer};

/// For `#[serde(default, deserialize_with = "present")]`.
pub(crate) fn present<'de, T: Deserialize<'de>, D: Deserializer<'de>>(deserializer: D) -> Result<Option<T>, D::Error> {
    T::deserialize(deserializer).map(Some)
}
