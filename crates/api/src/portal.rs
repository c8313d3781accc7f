//! Portal sessions: a customer's own, short way in.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::present::present;
use crate::text;
use crate::time::Instant;
use crate::unfit::InvalidField;

/// How long a session lasts when nothing is said, in seconds: an hour.
pub const EXPIRES_IN_DEFAULT: u32 = 3_600;
/// How long it lasts at the most: a day.
pub const EXPIRES_IN_MAX: u32 = 86_400;

/// A session to open.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct PortalSessionRequest {
    /// Seconds that it lasts; absent: an hour. Opened by hand it lasts for 900 at most, and no longer than the session of who opens
    /// it: `expires_at` says.
    #[serde(default, deserialize_with = "present", skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false, minimum = 1, maximum = 86400)]
    pub expires_in: Option<u32>,
    /// Why, where it is opened by hand: kept in the audit trail.
    #[serde(default, deserialize_with = "present", skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false, min_length = 1, max_length = 1000)]
    pub reason: Option<String>,
}

impl PortalSessionRequest {
    /// Seconds that it lasts.
    pub fn expires_in(&self) -> Result<u32, InvalidField> {
        match self.expires_in {
            None => Ok(EXPIRES_IN_DEFAULT),
            Some(seconds @ 1..=EXPIRES_IN_MAX) => Ok(seconds),
            Some(_) => Err(InvalidField::new("expires_in", "1 to 86400 seconds")),
        }
    }

    /// Why, if that is said.
    pub fn reason(&self) -> Result<Option<Box<str>>, InvalidField> {
        text::reason_if_any(self.reason.clone())
    }
}

/// Who a customer token lets in.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct PortalVisitShown {
    /// Whose customer.
    pub studio: String,
    /// The account that it is for.
    pub account: String,
    /// The first instant at which it is not good any more.
    pub expires_at: Instant,
    /// Whether it only reads: somebody of the studio opened it, to look.
    pub only_reads: bool,
}

/// A session.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct PortalSessionShown {
    /// The customer's pages: send the browser there. It holds the token: hand it to nobody else, and log it nowhere. Null on a
    /// server that was not told where browsers reach it (`--public-url`), unless it is called as `localhost`.
    pub url: Option<String>,
    /// A customer token, for the account alone: `Authorization: Bearer ct_…`.
    pub token: String,
    /// The first instant at which neither is good any more.
    pub expires_at: Instant,
}
