//! The test clock.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::time::Instant;

/// Where the test clock is to stand, or stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct TestClock {
    /// The instant.
    pub now: Instant,
}
