//! One order: placed, sent to where it is paid, and what became of it.

use askama::Template;
use axum::extract::Path;
use axum::http::StatusCode;
use axum::response::Response;
use scrip_api::code::Code;
use scrip_api::number::Amount;
use scrip_api::order::OrderShown;
use serde_json::json;

use crate::form::Filled;
use crate::frame::{self, Frame, Place};
use crate::pages::{self, Page, onward, plan};
use crate::trouble::Trouble;
use crate::visit::Visit;

/// How often a page looks at an order that waits, in milliseconds.
const LOOKS_EVERY_MS: u32 = 2_000;

#[derive(Template)]
#[template(path = "order.html")]
struct OrderPage {
    frame: Frame,
    order: OrderShown,
    told: Told,
}

/// What is said of an order.
struct Told {
    title: &'static str,
    words: String,
    mood: Mood,
}

/// How it stands with an order.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Mood {
    /// It can still be paid.
    Open,
    /// The money is on its way.
    OnItsWay,
    /// The credits are there.
    Good,
    /// Nothing came of it.
    Bad,
}

impl OrderPage {
    fn looks_every(&self) -> Option<u32> {
        matches!(self.told.mood, Mood::Open | Mood::OnItsWay).then_some(LOOKS_EVERY_MS)
    }

    fn is_open(&self) -> bool {
        self.told.mood == Mood::Open
    }

    fn is_bad(&self) -> bool {
        self.told.mood == Mood::Bad
    }

    fn is_good(&self) -> bool {
        self.told.mood == Mood::Good
    }

    fn is_on_its_way(&self) -> bool {
        self.told.mood == Mood::OnItsWay
    }

    fn what(&self) -> &str {
        match (&self.order.package, &self.order.plan) {
            (Some(package), _) => self.frame.package(package),
            (None, Some(plan)) => self.frame.plan(plan),
            (None, None) => "Credits",
        }
    }

    fn has_bonus(&self) -> bool {
        self.order.bonus.0.is_positive()
    }
}

/// Places the order that a form asks for, and leads to where it is paid.
pub(super) async fn place(filled: Filled) -> Page {
    let item = match (filled.text("package"), filled.text("plan"), filled.text("mark")) {
        (Some(package), None, _) => json!({ "package": package }),
        (None, Some(plan), None) => json!({ "plan": plan }),
        (None, Some(plan), Some(mark)) => json!({ "plan": plan, "mark": mark }),
        (Some(_), Some(_), _) | (None, None, _) => return Err(Trouble::NotFromHere),
    };
    match filled.visit.once::<OrderShown>("/orders", filled.once()?, item).await {
        Ok(order) => Ok(to_payment(order)),
        Err(trouble) if trouble.is(Code::SubscriptionOvertaken) => plan::overtaken(&filled.visit).await,
        Err(trouble) => Err(trouble),
    }
}

/// Leads to where an order that waits is paid.
pub(super) async fn pay(Path(order): Path<String>, filled: Filled) -> Page {
    let path = format!("/orders/{}/checkout", id(&order)?);
    let order: OrderShown = filled.visit.change("POST", &path, None).await?;
    Ok(to_payment(order))
}

fn to_payment(order: OrderShown) -> Response {
    match order.checkout_url {
        Some(url) => onward::to_payment(&url),
        None => pages::see(&format!("/dashboard/orders/{}", order.order)),
    }
}

/// The page.
pub(super) async fn page(visit: Visit, Path(order): Path<String>) -> Page {
    let path = format!("/orders/{}", id(&order)?);
    let order: OrderShown = visit.get(&path).await?;
    let frame = Frame::around(&visit, Place::BuyCredits).await?;
    let told = told(&frame, &order);
    Ok(frame::html(StatusCode::OK, &OrderPage { frame, order, told }))
}

/// An order's id as an address has it: what could be none is not asked for.
fn id(order: &str) -> Result<&str, Trouble> {
    let plain = order.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_');
    if plain && order.len() <= 40 { Ok(order) } else { Err(Trouble::NoPage) }
}

fn told(frame: &Frame, order: &OrderShown) -> Told {
    let amount = |amount: &Amount| frame.wording.amount(amount);
    match order.state.as_str() {
        "pending" if order.on_its_way => Told {
            title: "Your payment is on its way",
            words: "Your bank takes a little longer. The credits appear here by themselves as soon as it arrives; you can close this page.".to_owned(),
            mood: Mood::OnItsWay,
        },
        "pending" => Told {
            title: "Waiting for your payment",
            words: format!("Nothing is charged before you pay. The order is kept until {}.", frame.wording.instant(&order.expires_at)),
            mood: Mood::Open,
        },
        "paid" | "won" => Told {
            title: "Thank you",
            words: match (&order.plan, order.bonus.0.is_positive()) {
                (Some(plan), _) => format!("{} is paid: {} credits in each cycle.", frame.plan(plan), amount(&order.credits)),
                (None, true) => format!(
                    "{} credits and {} bonus credits are in your account.",
                    amount(&order.credits),
                    amount(&order.bonus)
                ),
                (None, false) => format!("{} credits are in your account.", amount(&order.credits)),
            },
            mood: Mood::Good,
        },
        "received" => Told {
            title: "Your payment has arrived",
            words: "Its credits do not fit into your account yet, and are added as soon as they do.".to_owned(),
            mood: Mood::OnItsWay,
        },
        "failed" => Told {
            title: "The payment failed",
            words: "Nothing was charged and nothing was credited. You can try again with another card.".to_owned(),
            mood: Mood::Bad,
        },
        "expired" => Told {
            title: "This order has expired",
            words: "It was not paid in time. Should a payment still arrive, it is credited all the same.".to_owned(),
            mood: Mood::Bad,
        },
        "refunded" => Told {
            title: "The money went back",
            words: format!("{} of its credits were taken back.", amount(&order.clawed_back)),
            mood: Mood::Bad,
        },
        "disputed" => Told {
            title: "The payment is disputed",
            words: "What is left of its credits is frozen until your bank has decided.".to_owned(),
            mood: Mood::Bad,
        },
        // "lost": a dispute that the studio lost.
        _ => Told {
            title: "The payment was taken back",
            words: format!("{} of its credits were taken back.", amount(&order.clawed_back)),
            mood: Mood::Bad,
        },
    }
}
