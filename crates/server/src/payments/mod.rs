//! Payments through Stripe: orders sent to its hosted page, and what it says of them brought to the rules.
//!
//! One way leads from the provider to an account: [`settle`] reads the provider's truth of one order and hands it to the
//! rules as `FulfilOrder`, which writes what is missing and nothing twice. The webhook, the page that customers come back
//! to, a saved method's [`charge`] and the [`Reconciler`] only differ in how they learn *which* order to look at. None of them may believe anything
//! else, and nothing here decides what a payment means for credits.

mod billed;
mod billing;
mod charge;
mod checkout;
mod come_back;
mod deliveries;
mod event;
mod missed;
mod provider;
mod reconciler;
mod settle;
mod waiting;

use scrip_core::id::{AccountId, OrderId, StudioNumber};

pub(crate) use checkout::{close_page, pay_at};
pub(crate) use come_back::{away, back};
pub(crate) use deliveries::{Became, Deliveries, OPEN_MAX, Row as DeliveryRow};
pub(crate) use event::{receive, unread, unsigned};
pub use reconciler::Reconciler;
pub(crate) use settle::{Look, Settled, Unsettled, settle};
pub(crate) use waiting::Waiting;

use crate::app::App;
use crate::config::StripeAccount;

/// An order, anywhere.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct OrderAt {
    pub(crate) studio: StudioNumber,
    pub(crate) account: AccountId,
    pub(crate) order: OrderId,
}

/// What a studio's id of a hosted page begins with: only such an id among an order's references is one.
const SESSION: &str = "cs_";

/// A studio's account at the provider, by the studio's name, with the studio's number.
pub(crate) fn account_named<'a>(app: &'a App, studio: &str) -> Option<(StudioNumber, &'a StripeAccount)> {
    let at = app.config().payments.stripe.iter().find(|at| at.studio.as_str() == studio)?;
    let number = app.engine().studios().into_iter().find(|(_, id)| *id == at.studio).map(|(number, _)| number)?;
    Some((number, at))
}

/// A studio's account at the provider.
pub(crate) fn account_of(app: &App, studio: StudioNumber) -> Option<&StripeAccount> {
    let (_, id) = app.engine().studios().into_iter().find(|(number, _)| *number == studio)?;
    app.config().payments.stripe.iter().find(|at| at.studio == id)
}
