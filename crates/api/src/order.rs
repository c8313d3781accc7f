//! Orders: placed, marked paid, shown.

use scrip_core::answer::{Answer, Done};
use scrip_core::command::{Command, OrderItem};
use scrip_core::id::{OrderId, PackageId, PlanId};
use scrip_core::order::{Item, Order, Origin, Payment};
use scrip_core::rejection::Rejection;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::balance::TotalsShown;
use crate::catalog::PriceShown;
use crate::number::Amount;
use crate::present::present;
use crate::subscription::mark;
use crate::text;
use crate::time::Instant;
use crate::unfit::{InvalidField, Unfit};

/// An order to place.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct OrderRequest {
    /// The package; instead of `plan`.
    #[serde(default, deserialize_with = "present")]
    #[schema(nullable = false)]
    pub package: Option<String>,
    /// The plan, a term of which is bought; instead of `package`.
    #[serde(default, deserialize_with = "present")]
    #[schema(nullable = false)]
    pub plan: Option<String>,
    /// With a plan, the `mark` of a preview: it is ordered only while the subscription stands as it was looked at
    /// (`subscription_overtaken` otherwise).
    #[serde(default, deserialize_with = "present")]
    #[schema(nullable = false)]
    pub mark: Option<String>,
}

impl OrderRequest {
    /// The command. A name that nothing can have is one that nothing has.
    pub fn command(&self) -> Result<Command, Unfit> {
        let item = match (&self.package, &self.plan) {
            (Some(package), None) => {
                OrderItem::Package(PackageId::parse(package).map_err(|_| Rejection::PackageNotFound)?)
            }
            (None, Some(plan)) => OrderItem::Plan(PlanId::parse(plan).map_err(|_| Rejection::PlanNotFound)?),
            (Some(_), Some(_)) | (None, None) => {
                return Err(InvalidField::new("body", "either package or plan").into());
            }
        };
        let mark = match (&self.mark, &item) {
            (None, _) => None,
            (Some(text), OrderItem::Plan(_)) => Some(mark(text)?),
            (Some(_), OrderItem::Package(_)) => return Err(InvalidField::new("mark", "no mark with a package").into()),
        };
        Ok(Command::PlaceOrder { item, mark })
    }
}

/// A payment outside a provider.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct MarkPaidRequest {
    /// What shows the payment, kept in the history: an invoice's number, a bank's reference.
    #[schema(min_length = 1, max_length = 256)]
    pub reference: String,
}

impl MarkPaidRequest {
    /// The command, for this order; its own shape comes before an order that there is not.
    pub fn command(self, order: Result<OrderId, Rejection>) -> Result<Command, Unfit> {
        let reference = text::reference(self.reference)?;
        Ok(Command::MarkOrderPaid { order: order?, reference })
    }
}

/// An order, as it stands.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct OrderShown {
    /// Its id.
    pub order: String,
    /// Whose; null once the account's id was erased.
    pub account: Option<String>,
    /// `pending`, `expired`, `failed`, `received` (paid, but its credits do not fit the account yet), `paid`, `refunded`, `disputed`, `won` or `lost`.
    pub state: String,
    /// Whether it is `pending` and its money is known to be on its way; absent: no.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub on_its_way: bool,
    /// The package; absent where a plan is bought.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub package: Option<String>,
    /// The plan, a term of which is bought; absent where a package is.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub plan: Option<String>,
    /// Whether the account's automatic top-up placed it.
    pub automatic: bool,
    /// How many of it.
    pub quantity: u32,
    /// The top-up credits of all of it; of a plan, its credits a cycle.
    pub credits: Amount,
    /// The promo credits on top.
    pub bonus: Amount,
    /// What all of it costs.
    pub price: PriceShown,
    /// The catalog version that it was placed at.
    pub catalog_version: u32,
    /// When it was placed.
    pub placed_at: Instant,
    /// Until when it waits for the money. Money that comes later is credited all the same.
    pub expires_at: Instant,
    /// When it was paid; null before.
    pub paid_at: Option<Instant>,
    /// The lots that the payment made; empty before.
    pub lots: Vec<String>,
    /// How much of the money went back, in the currency's minor unit.
    pub refunded: i64,
    /// What of its credits, bonus included, was taken back or is known to be spent for that.
    pub clawed_back: Amount,
    /// Where to pay; null without a payment provider, and once there is nothing to pay.
    pub checkout_url: Option<String>,
    /// What its payment granted, in the answer that says it is paid: of a plan, what comes at once. What repaid a debt is in it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub granted: Option<Amount>,
    /// The account's totals after it, in answers to what changes an order.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub balance: Option<TotalsShown>,
}

impl OrderShown {
    /// The order of this account, without an address to pay at.
    pub fn of(order: &Order, account: Option<&str>) -> OrderShown {
        let (package, plan, credits) = match &order.item {
            Item::Package(package) => (Some(package.to_string()), None, order.credits),
            Item::Plan(terms) => (None, Some(terms.plan.to_string()), terms.allowance),
        };
        let paid_at = match order.payment {
            Payment::Paid(paid) => Some(Instant(paid.at)),
            Payment::Pending | Payment::Received(_) | Payment::Failed | Payment::Expired => None,
        };
        OrderShown {
            order: order.id.to_string(),
            account: account.map(str::to_owned),
            state: order.state().word().to_owned(),
            on_its_way: order.is_on_its_way(),
            package,
            plan,
            automatic: order.origin == Origin::Automatic,
            quantity: order.quantity,
            credits: Amount(credits),
            bonus: Amount(order.bonus),
            price: (&order.price).into(),
            catalog_version: order.catalog_version,
            placed_at: Instant(order.placed_at),
            expires_at: Instant(order.expires_at),
            paid_at,
            lots: order.lots().iter().map(|made| made.lot.to_string()).collect(),
            refunded: order.refunded - order.refunds_failed,
            clawed_back: Amount(order.taken_back.credits + order.taken_back.bonus),
            checkout_url: None,
            granted: None,
            balance: None,
        }
    }

    /// From the answer to a command about an order; `None` for any other.
    pub fn of_answer(answer: &Answer, account: &str) -> Option<OrderShown> {
        let Done::Ordered { order, granted } = &answer.done else { return None };
        let paid = matches!(order.payment, Payment::Paid(_));
        Some(OrderShown {
            granted: paid.then_some(Amount(*granted)),
            balance: Some(answer.balance.into()),
            ..OrderShown::of(order, Some(account))
        })
    }
}

/// A page of orders, newest first.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct OrdersShown {
    /// The orders.
    pub orders: Vec<OrderShown>,
    /// Give it as `after` for the next page; null at the end.
    pub next: Option<String>,
}
