//! Offers: what an account can buy, and what that would buy.

use scrip_core::statement::{Offer, Offers, PlanOffer};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::balance::LeftShown;
use crate::catalog::{PackageShown, PlanShown};

/// What an account can buy.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct OffersShown {
    /// The packages of the catalog in force, smallest first.
    pub packages: Vec<PackageOfferShown>,
    /// Its plans, in the document's order.
    pub plans: Vec<PlanOfferShown>,
    /// The catalog version in force.
    pub catalog_version: u32,
}

/// A package, for an account.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct PackageOfferShown {
    /// The package.
    pub package: PackageShown,
    /// Why the account cannot buy it now: `dates`, `needs_plan` or `limit`; null: it can.
    pub not_for_sale: Option<String>,
    /// Whether it would cover what is missing; absent where nothing was said to be.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub covers: Option<bool>,
    /// What its credits, bonus included, would buy of each tool that the account may run.
    pub buys: Vec<LeftShown>,
}

/// A plan, for an account.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct PlanOfferShown {
    /// The plan.
    pub plan: PlanShown,
    /// Whether the account can order it now; false: it has no price, or its payment would have no effect.
    pub for_sale: bool,
    /// What a cycle's credits would buy of each tool that the account may run.
    pub buys: Vec<LeftShown>,
}

impl From<&Offers> for OffersShown {
    fn from(offers: &Offers) -> OffersShown {
        OffersShown {
            packages: offers.packages.iter().map(PackageOfferShown::from).collect(),
            plans: offers.plans.iter().map(PlanOfferShown::from).collect(),
            catalog_version: offers.catalog_version,
        }
    }
}

impl From<&Offer> for PackageOfferShown {
    fn from(offer: &Offer) -> PackageOfferShown {
        PackageOfferShown {
            package: (&offer.package).into(),
            not_for_sale: offer.not_for_sale.map(|why| why.word().to_owned()),
            covers: offer.covers,
            buys: offer.buys.iter().map(LeftShown::from).collect(),
        }
    }
}

impl From<&PlanOffer> for PlanOfferShown {
    fn from(offer: &PlanOffer) -> PlanOfferShown {
        PlanOfferShown {
            plan: (&offer.plan).into(),
            for_sale: offer.for_sale,
            buys: offer.buys.iter().map(LeftShown::from).collect(),
        }
    }
}
