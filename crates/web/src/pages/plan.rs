//! *Plan*: the present one, what each other would do, and cancelling.

use askama::Template;
use axum::http::StatusCode;
use scrip_api::balance::LotShown;
use scrip_api::code::Code;
use scrip_api::offer::{OffersShown, PlanOfferShown};
use scrip_api::subscription::{PreviewShown, SubscriptionShown};
use serde_json::json;

use crate::form::{self, Filled};
use crate::frame::{self, Frame, Place};
use crate::pages::{self, Page};
use crate::trouble::Trouble;
use crate::visit::Visit;
use crate::wording::{self, Wording};

/// What of a plan's credits is translated into tools.
const SHOWN: usize = 5;

#[derive(Template)]
#[template(path = "plan.html")]
struct PlanPage {
    frame: Frame,
    subscription: Option<SubscriptionShown>,
    choices: Vec<Choice>,
    /// What the page was made from: its forms do nothing once anything else stands. Empty without a subscription.
    mark: String,
    /// Why nothing was done.
    note: Option<String>,
}

/// A plan that the account could be on.
struct Choice {
    offer: PlanOfferShown,
    way: Way,
    /// What choosing it does, in sentences.
    does: String,
    /// When it would begin, as a day.
    begins: String,
    /// What makes ordering it happen once.
    once: String,
}

/// How a plan is chosen.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Way {
    /// It is the present one.
    Present,
    /// It is the present one, and waits for a payment.
    PayPresent,
    /// It follows at the end of the term already.
    Next,
    /// It begins at once, when it is paid.
    Pay,
    /// It follows at the end of the term.
    Follow,
    /// Only the studio can put the account on it.
    Ask,
}

impl Choice {
    fn is(&self, way: &str) -> bool {
        matches!(
            (self.way, way),
            (Way::Present | Way::PayPresent, "present")
                | (Way::PayPresent, "pay-present")
                | (Way::Next, "next")
                | (Way::Pay, "pay")
                | (Way::Follow, "follow")
                | (Way::Ask, "ask")
        )
    }

    fn buys(&self) -> &[scrip_api::balance::LeftShown] {
        &self.offer.buys[..self.offer.buys.len().min(SHOWN)]
    }

    fn every(&self) -> &'static str {
        if self.offer.plan.term_months == 12 { "a year" } else { "a month" }
    }
}

impl PlanPage {
    /// What becomes of each lot when the plan is cancelled: its class, what is left of it, and how long.
    fn fates(&self) -> Vec<(&'static str, String, String)> {
        let frame = &self.frame;
        let fate = |lot: &LotShown| {
            let until = match &lot.expires_at {
                Some(at) => format!("until {}", frame.wording.day(at)),
                None => "stay".to_owned(),
            };
            (wording::class_name(&lot.class), frame.wording.amount(&lot.remaining), until)
        };
        frame.balance.lots.iter().map(fate).collect()
    }

    fn state(&self) -> Option<&'static str> {
        match self.subscription.as_ref()?.state.as_str() {
            "past_due" => Some("Waits for a payment"),
            "paused" => Some("Paused"),
            _ => None,
        }
    }

    /// Why no credits come, and what can be done about it.
    fn halted(&self) -> Option<String> {
        let subscription = self.subscription.as_ref()?;
        let (plan, studio) = (self.frame.plan(&subscription.plan), &self.frame.catalog.name);
        let present = self.choices.iter().find(|choice| choice.offer.plan.plan == subscription.plan);
        match (subscription.state.as_str(), present) {
            ("past_due", Some(choice)) if choice.way == Way::PayPresent => {
                Some(format!("No new credits come before {plan} is paid: see below."))
            }
            // It has a price and is past due, and yet cannot be ordered: a subscription at the provider pays for it.
            ("past_due", Some(choice)) if choice.offer.plan.price.is_some() => Some(format!(
                "No new credits come before {plan} is paid. Its card is charged by {studio}’s payment provider month by month, \
                 and the last charge failed: pay the open invoice that the provider has sent you by e-mail, or ask {studio} for \
                 its link. Credits come once it is paid; here it would be paid twice."
            )),
            ("past_due", _) => Some(format!("No new credits come before {plan} is paid: ask {studio} how.")),
            ("paused", _) => Some(format!("No new credits come before {studio} lets {plan} go on.")),
            (_, _) => None,
        }
    }

    /// What cancelling does, in sentences.
    fn cancelling(&self) -> String {
        let Some(subscription) = &self.subscription else { return String::new() };
        let frame = &self.frame;
        let plan = frame.plan(&subscription.plan);
        if subscription.cycle.start > frame.balance.at {
            return format!("{plan} then never begins, and no credits of it come. Credits that you bought stay.");
        }
        let meanwhile = match subscription.state.as_str() {
            "past_due" => "Until then its credits come only if it is paid.",
            "paused" => "Until then its credits come only if it is paused no more.",
            _ => "Until then its credits come as always.",
        };
        let loses = self.allowance(&subscription.plan);
        let loses = loses.map(|credits| format!(", and its {credits} credits a cycle with it")).unwrap_or_default();
        format!(
            "{plan} then ends on {}{loses}. {meanwhile} What is left of them ends with it; credits that you bought stay.",
            frame.wording.day(&subscription.term.end)
        )
    }

    /// What keeping the present plan after all does, in a sentence.
    fn keeping(&self) -> String {
        let Some(subscription) = &self.subscription else { return String::new() };
        let (frame, plan) = (&self.frame, self.frame.plan(&subscription.plan));
        let credits =
            |plan: &str| self.allowance(plan).map_or("its credits".to_owned(), |many| format!("{many} credits"));
        let instead = match &subscription.next_plan {
            Some(next) => format!(", not {} of {}", credits(next), frame.plan(next)),
            None => String::new(),
        };
        format!(
            "Kept, {plan} goes on after {}: {} in each cycle{instead}. Nothing changes before.",
            frame.wording.day(&subscription.term.end),
            credits(&subscription.plan)
        )
    }

    /// What a cycle of a plan brings, where the catalog still has it.
    fn allowance(&self, plan: &str) -> Option<String> {
        let plan = self.frame.catalog.plans.iter().find(|other| other.plan == plan)?;
        Some(self.frame.wording.amount(&plan.allowance))
    }
}

/// The subscription as it stands; `None` where there is none.
async fn stands(visit: &Visit) -> Result<Option<SubscriptionShown>, Trouble> {
    match visit.get::<SubscriptionShown>("/subscription").await {
        Ok(subscription) => Ok(Some(subscription)),
        Err(trouble) if trouble.is(Code::SubscriptionNotFound) => Ok(None),
        Err(trouble) => Err(trouble),
    }
}

/// The page.
pub(super) async fn page(visit: Visit) -> Page {
    show(&visit, None, StatusCode::OK).await
}

async fn show(visit: &Visit, note: Option<String>, status: StatusCode) -> Page {
    let frame = Frame::around(visit, Place::Plan).await?;
    // Before all that it stands for: what changes while the page is made makes its forms old at once.
    let mark = match visit.change::<PreviewShown>("POST", "/subscription/preview", Some(json!({"cancel": true}))).await
    {
        Ok(preview) => preview.mark,
        Err(trouble) if trouble.is(Code::SubscriptionNotFound) => String::new(),
        Err(trouble) => return Err(trouble),
    };
    let subscription = stands(visit).await?;
    let offers: OffersShown = visit.get("/offers").await?;
    let mut choices = Vec::new();
    for offer in offers.plans {
        let body = json!({ "plan": offer.plan.plan });
        match visit.change::<PreviewShown>("POST", "/subscription/preview", Some(body)).await {
            Ok(preview) => choices.push(choice(&frame, subscription.as_ref(), offer, &preview)?),
            // A plan that this account cannot ask for is no reason to show none.
            Err(Trouble::Problem(problem)) if problem.status < 500 => choices.push(Choice {
                offer,
                way: Way::Ask,
                does: "Your studio can put you on this plan.".to_owned(),
                begins: String::new(),
                once: form::fresh()?,
            }),
            Err(trouble) => return Err(trouble),
        }
    }
    Ok(frame::html(status, &PlanPage { frame, subscription, choices, mark, note }))
}

fn choice(
    frame: &Frame,
    subscription: Option<&SubscriptionShown>,
    offer: PlanOfferShown,
    preview: &PreviewShown,
) -> Result<Choice, Trouble> {
    let present = subscription.is_some_and(|subscription| subscription.plan == offer.plan.plan);
    let next = subscription.is_some_and(|subscription| subscription.next_plan.as_deref() == Some(&offer.plan.plan));
    let later = preview.subscription.next_plan.as_deref() == Some(&offer.plan.plan);
    let past_due = subscription.is_some_and(|subscription| subscription.state == "past_due");
    // What is past due is followed by nothing that is not paid; but another plan begins at once where it is.
    let pays_now = preview.when_paid.as_ref().is_some_and(|paid| paid.subscription.plan == offer.plan.plan);
    let way = match (present, next, later && subscription.is_some(), offer.for_sale) {
        (true, _, _, true) if past_due => Way::PayPresent,
        (true, ..) => Way::Present,
        (false, true, ..) => Way::Next,
        (false, false, true, true) if past_due && pays_now => Way::Pay,
        (false, false, true, _) => Way::Follow,
        (false, false, false, true) => Way::Pay,
        (false, false, false, false) => Way::Ask,
    };
    let brings = format!("{} credits in each cycle", frame.wording.amount(&preview.allowance));
    let available = frame.wording.amount(&preview.balance.available);
    let on = |at| format!("{} ({})", frame.wording.day(at), Wording::ahead(at, &frame.balance.at));
    let when = match subscription.map(|subscription| subscription.state.as_str()) {
        Some("past_due") => " once it is paid",
        Some("paused") => " once it is paused no more",
        _ => "",
    };
    let does = match way {
        Way::Present => String::new(),
        Way::PayPresent => paid_does(frame, "Goes on", preview, &brings),
        Way::Next => format!("Begins on {}: {brings}{when}.", on(&preview.effective_at)),
        Way::Pay => paid_does(frame, "Begins", preview, &brings),
        Way::Follow => format!(
            "Begins on {}: {brings}{when}. Nothing changes before: you keep your {available} available.",
            on(&preview.effective_at)
        ),
        Way::Ask => "Your studio can put you on this plan.".to_owned(),
    };
    let begins = frame.wording.day(&preview.effective_at);
    Ok(Choice { offer, way, does, begins, once: form::fresh()? })
}

/// What paying for a plan does, in sentences: what comes at once, what in each cycle, and what is available then.
fn paid_does(frame: &Frame, verb: &str, preview: &PreviewShown, brings: &str) -> String {
    let Some(paid) = &preview.when_paid else { return format!("{verb} when it is paid: {brings}.") };
    let available = frame.wording.amount(&paid.balance.available);
    if paid.subscription.state == "paused" {
        let studio = &frame.catalog.name;
        return format!(
            "{verb} when it is paid, and stays paused: no credits come before {studio} lets it go on, then {brings}. You keep \
             your {available} available."
        );
    }
    if paid.grants.0.is_positive() {
        let grants = frame.wording.signed(&paid.grants);
        return format!(
            "{verb} when it is paid: {grants} credits at once, then {brings}. You would have {available} available."
        );
    }
    let begins = &paid.subscription.cycle.start;
    let until = if *begins > frame.balance.at {
        format!("nothing before {}", frame.wording.day(begins))
    } else {
        "no more credits in this cycle, which has had them".to_owned()
    };
    format!("{verb} when it is paid: {until}, then {brings}. You keep your {available} available.")
}

/// Chooses a plan that begins at the end of the term, or keeps the present one after all.
pub(super) async fn choose(filled: Filled) -> Page {
    let (plan, mark) = (filled.text("plan").ok_or(Trouble::NotFromHere)?, mark(&filled)?);
    let body = json!({ "plan": plan, "mark": mark });
    done(&filled, filled.visit.change("PUT", "/subscription", Some(body)).await).await
}

/// Cancels at the end of the term.
pub(super) async fn cancel(filled: Filled) -> Page {
    let path = format!("/subscription?mark={}", mark(&filled)?);
    done(&filled, filled.visit.change("DELETE", &path, None).await).await
}

/// What the page that a form stood on was made from. Nothing but a mark's digits may stand in an address.
fn mark(filled: &Filled) -> Result<&str, Trouble> {
    let is_one = |mark: &&str| !mark.is_empty() && mark.bytes().all(|digit| digit.is_ascii_hexdigit());
    filled.text("mark").filter(is_one).ok_or(Trouble::NotFromHere)
}

/// The page as it stands now, whether the change was made or not: of an old page, its button named another plan, or another day.
async fn done(filled: &Filled, change: Result<SubscriptionShown, Trouble>) -> Page {
    match change {
        Ok(_) => Ok(pages::see(Place::Plan.href())),
        Err(trouble) if trouble.is(Code::SubscriptionOvertaken) => {
            let note = "Your plan, or what is offered, has changed since you opened this page, and nothing was done. Both stand \
                        below as they are now.";
            show(&filled.visit, Some(note.to_owned()), StatusCode::CONFLICT).await
        }
        Err(trouble) => Err(trouble),
    }
}
