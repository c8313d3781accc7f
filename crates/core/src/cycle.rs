//! Cycles: period *n* from the original anchor, never from the period before (R15). Skeleton.
use crate::time::{Time, Zone};

/// Start of cycle `n`: anchor + n months in the zone, clamped to the month's end.
pub fn boundary(_anchor: Time, _zone: &Zone, _n: u32) -> Time {
    unimplemented!()
}
/// The cycle that contains `at`; `None` before the anchor.
pub fn cycle_at(_anchor: Time, _zone: &Zone, _at: Time) -> Option<u32> {
    unimplemented!()
}
