//! Secret keys: listed, made and revoked.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::present::present;
use crate::text;
use crate::time::Instant;
use crate::unfit::InvalidField;

/// A key to make.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct KeyRequest {
    /// What it is for: `read`, `jobs`, `support`, `finance` or `admin`.
    pub role: String,
    /// Why it is made, or for whom: kept in the audit trail, and shown beside the key.
    #[serde(default, deserialize_with = "present")]
    #[schema(nullable = false, min_length = 1, max_length = 1000)]
    pub reason: Option<String>,
}

impl KeyRequest {
    /// Why it is made, if that is said.
    pub fn reason(&self) -> Result<Option<Box<str>>, InvalidField> {
        text::reason_if_any(self.reason.clone())
    }
}

/// A key. Never its secret.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct KeyShown {
    /// Its public id, as in `key_8f3a52c01d7e`: it stands in the audit trail.
    pub key: String,
    /// What it is for.
    pub role: String,
    /// The secret's last four characters; null for a key that is set with `SCRIP_KEYS`.
    pub hint: Option<String>,
    /// When it was made; null for a key that is set with `SCRIP_KEYS`, which is there as long as it is set.
    pub created_at: Option<Instant>,
    /// Who made it: a key's id, or `command line`; null for a key that is set with `SCRIP_KEYS`, and for one that the server's first
    /// start made.
    pub created_by: Option<String>,
    /// Why it was made, where that was said.
    pub reason: Option<String>,
    /// When it was revoked, if it was.
    pub revoked_at: Option<Instant>,
}

/// The keys of a studio, newest first.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct KeysShown {
    /// The keys, revoked ones included.
    pub keys: Vec<KeyShown>,
}

/// A key that was made.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct KeyMadeShown {
    /// Its public id.
    pub key: String,
    /// What it is for.
    pub role: String,
    /// The secret: shown this once, and stored nowhere.
    pub secret: String,
}
