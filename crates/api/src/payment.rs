//! What payment providers delivered and what became of it, as an operator sees it.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::time::Instant;

/// Something that a payment provider delivered, or that was found by asking it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct DeliveryShown {
    /// When, the last time.
    pub at: Instant,
    /// How often it was delivered; 0: it was found by asking.
    pub times: u32,
    /// The provider's id of what happened; null where it was not believed.
    pub event: Option<String>,
    /// What happened, in the provider's word, as in `checkout.session.completed`.
    pub kind: Option<String>,
    /// The provider's id of the page or the payment that it led to.
    pub object: Option<String>,
    /// `settled`, `left_alone`, `refused` (not believed or not understood) or `open` (not settled: it is tried again).
    pub state: String,
    /// Why it is refused or open: a code.
    pub reason: Option<String>,
    /// The order, where one is known by that page or payment.
    pub order: Option<String>,
    /// Whose order.
    pub account: Option<String>,
}

/// Deliveries, newest first.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct DeliveriesShown {
    /// The deliveries.
    pub deliveries: Vec<DeliveryShown>,
    /// What happened at the provider before then was looked at, by the provider's clock: five minutes before the newest that
    /// is known, so it stands still while nothing happens. Null as long as nothing has.
    pub asked_until: Option<Instant>,
    /// Where the next page begins; null at the end.
    pub next: Option<String>,
}
