//! *Buy credits*: the packages, what each would buy, and which one fits.

use askama::Template;
use axum::extract::Query;
use axum::http::StatusCode;
use scrip_api::balance::LeftShown;
use scrip_api::number::Amount;
use scrip_api::offer::{OffersShown, PackageOfferShown};
use scrip_core::amount::Credits;

use crate::form;
use crate::frame::{self, Frame, Place};
use crate::pages::Page;
use crate::visit::Visit;

/// What the customer was led here for.
#[derive(Debug, serde::Deserialize)]
pub(super) struct Wanted {
    short_by: Option<String>,
}

/// What of a package is shown before the rest is asked for.
const SHOWN: usize = 3;

#[derive(Template)]
#[template(path = "buy_credits.html")]
struct BuyCredits {
    frame: Frame,
    offers: Vec<Offer>,
    short_by: Option<Amount>,
    /// Whether any package would cover what is missing.
    covered: bool,
}

/// A package on the page.
struct Offer {
    offer: PackageOfferShown,
    /// The smallest that covers what is missing.
    fits: bool,
    /// What makes buying it happen once.
    once: String,
}

impl Offer {
    fn first(&self) -> &[LeftShown] {
        &self.offer.buys[..self.offer.buys.len().min(SHOWN)]
    }

    fn rest(&self) -> &[LeftShown] {
        self.offer.buys.get(SHOWN..).unwrap_or_default()
    }

    /// Whether its name says no more than what stands beneath it.
    fn says_its_credits(&self, frame: &Frame) -> bool {
        self.offer.package.name == format!("{} credits", frame.wording.amount(&self.offer.package.credits))
    }

    /// Why it cannot be bought.
    fn why_not(&self) -> Option<&'static str> {
        match self.offer.not_for_sale.as_deref()? {
            "needs_plan" => Some("For accounts on an active plan."),
            "limit" => Some("You have bought it as often as it can be."),
            _ => Some("Not for sale now."),
        }
    }

    fn has_bonus(&self) -> bool {
        self.offer.package.bonus.0.is_positive()
    }

    /// What the customer is told of the credits' end.
    fn keeps(&self, frame: &Frame) -> String {
        match self.offer.package.expires_in_days {
            None => "Never expire".to_owned(),
            Some(days) => format!("Expire {} days after the payment", frame.wording.count(days)),
        }
    }

    fn bonus_keeps(&self, frame: &Frame) -> String {
        match self.offer.package.bonus_expires_in_days {
            None => "never expires".to_owned(),
            Some(days) => format!("expires {} days after the payment", frame.wording.count(days)),
        }
    }
}

/// The page.
pub(super) async fn page(visit: Visit, Query(wanted): Query<Wanted>) -> Page {
    let positive = |text: String| Credits::parse(&text).ok().filter(|credits| credits.is_positive());
    let short_by = wanted.short_by.and_then(positive).map(Amount);
    let path = match short_by {
        Some(short_by) => format!("/offers?short_by={}", short_by.0),
        None => "/offers".to_owned(),
    };
    let frame = Frame::around(&visit, Place::BuyCredits).await?;
    let found: OffersShown = visit.get(&path).await?;
    let fits = |offer: &PackageOfferShown| offer.covers == Some(true) && offer.not_for_sale.is_none();
    let fitting = found.packages.iter().position(fits);
    let mut offers = Vec::new();
    for (place, offer) in found.packages.into_iter().enumerate() {
        offers.push(Offer { offer, fits: fitting == Some(place), once: form::fresh()? });
    }
    // What nobody can buy any more is no offer.
    offers.retain(|offer| offer.offer.not_for_sale.as_deref() != Some("dates"));
    Ok(frame::html(StatusCode::OK, &BuyCredits { frame, offers, short_by, covered: fitting.is_some() }))
}
