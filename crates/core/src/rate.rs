//! Rates: how one tool is priced (R2–R5). Skeleton.
use crate::amount::Credits;
use crate::measure::Measures;
use crate::quote::{Left, Quote};
use crate::rejection::Rejection;

/// How one tool is priced.
#[derive(Clone, Debug)]
pub struct Rate {}

impl Rate {
    /// The price of these measures.
    pub fn price(&self, _measures: &Measures) -> Result<Credits, Rejection> {
        unimplemented!()
    }
    /// The price with its lines.
    pub fn quote(&self, _measures: &Measures) -> Result<Quote, Rejection> {
        unimplemented!()
    }
    /// The longest affordable quantity.
    pub fn left(&self, _available: Credits) -> Option<Left> {
        unimplemented!()
    }
}
