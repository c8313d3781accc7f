//! Tiers: a price by bands of a quantity, graduated or by volume (R4).
//!
//! Apart because evaluation, proof and the lines of a quote all read the same bands.

use crate::rate::ratio::Ratio;

/// A price by bands.
#[derive(Clone, Debug)]
pub(crate) struct Tiers {
    pub(crate) kind: TierKind,
    /// In order; each ends where the next begins, the last has no end.
    bands: Vec<Band>,
}

/// How the bands are used.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum TierKind {
    /// Each band's price for the part of the quantity that lies in it.
    Graduated,
    /// The price of the one band that the whole quantity lies in.
    Volume,
}

/// One band: from the end of the one before to its own, which belongs to it.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Band {
    /// Where it ends; `None`: nowhere.
    pub(crate) up_to: Option<Ratio>,
    /// Per unit; not negative.
    pub(crate) credits: Ratio,
    /// Once, when the quantity reaches into the band; not negative.
    pub(crate) plus: Ratio,
}

/// What one band adds to a price.
pub(crate) struct Part {
    pub(crate) quantity: Ratio,
    pub(crate) band: Band,
}

impl Tiers {
    /// From bands in order, the last without an end.
    pub(crate) fn new(kind: TierKind, bands: Vec<Band>) -> Tiers {
        Tiers { kind, bands }
    }

    /// The bands in order.
    pub(crate) fn bands(&self) -> &[Band] {
        &self.bands
    }

    /// The price of a quantity that is not negative.
    pub(crate) fn price(&self, quantity: Ratio) -> Option<Ratio> {
        let mut total = Ratio::ZERO;
        for part in self.parts(quantity) {
            let part = part?;
            total = total.add(part.quantity.mul(part.band.credits)?)?.add(part.band.plus)?;
        }
        Some(total)
    }

    /// What each band that the quantity reaches into adds; `None` stands for an overflow.
    pub(crate) fn parts(&self, quantity: Ratio) -> impl Iterator<Item = Option<Part>> {
        let volume_band = self.band_of(quantity);
        let mut start = Ratio::ZERO;
        self.bands.iter().enumerate().filter_map(move |(place, band)| {
            let from = start;
            start = band.up_to.unwrap_or(from);
            match self.kind {
                TierKind::Volume => (place == volume_band).then_some(Some(Part { quantity, band: *band })),
                TierKind::Graduated => {
                    let end = band.up_to.map_or(quantity, |end| end.min(quantity));
                    (place == 0 || quantity > from).then(|| Some(Part { quantity: end.sub(from)?, band: *band }))
                }
            }
        })
    }

    /// The place of the band that a quantity lies in.
    pub(crate) fn band_of(&self, quantity: Ratio) -> usize {
        let inside = self.bands.iter().position(|band| band.up_to.is_none_or(|end| quantity <= end));
        inside.unwrap_or(self.bands.len() - 1)
    }

    /// Whether more never costs less between two bands (both included).
    pub(crate) fn never_falls(&self, first: usize, last: usize) -> bool {
        match self.kind {
            TierKind::Graduated => true,
            TierKind::Volume => self.bands[first..=last].windows(2).all(|pair| {
                let cost = |band: &Band, end: Ratio| end.mul(band.credits).and_then(|cost| cost.add(band.plus));
                let costs = pair[0].up_to.and_then(|end| cost(&pair[0], end).zip(cost(&pair[1], end)));
                costs.is_some_and(|(before, after)| before <= after)
            }),
        }
    }
}
