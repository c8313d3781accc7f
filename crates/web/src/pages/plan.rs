//! *Plan*: the present one, what each other would do, and cancelling.

use askama::Template;
use axum::http::StatusCode;
use scrip_api::balance::LotShown;
use scrip_api::catalog::CatalogShown;
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
    /// What can be done with it; `None` without one.
    acts: Option<Acts>,
    choices: Vec<Choice>,
    /// What the page was made from: its forms do nothing once anything else stands.
    mark: String,
    /// Why nothing was done.
    note: Option<String>,
}

/// What can be done with the present plan, as the API has tried it.
struct Acts {
    /// Cancelling.
    cancel: PreviewShown,
    /// Staying on it, where something else waits for the end of its term.
    keep: Option<PreviewShown>,
    /// The plan that waits for the end of its term.
    next: Option<PreviewShown>,
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
                "No new credits come before {plan} is paid. Your card is charged for it by {studio}’s payment provider. If an invoice \
                 is open, pay it: it may have been sent to you by e-mail. Otherwise ask {studio}. Paid here, it could be paid twice."
            )),
            ("past_due", _) => Some(format!("No new credits come before {plan} is paid: ask {studio} how.")),
            ("paused", _) => Some(format!("No new credits come before {studio} lets {plan} go on.")),
            (_, _) => None,
        }
    }

    /// What cancelling does, in sentences.
    fn cancelling(&self) -> String {
        let (Some(present), Some(Acts { cancel, .. })) = (&self.subscription, &self.acts) else { return String::new() };
        let frame = &self.frame;
        if present.cycle.start > frame.balance.at {
            let plan = frame.plan(&present.plan);
            return format!("{plan} then never begins, and no credits of it come. Credits that you bought stay.");
        }
        let meanwhile = match present.state.as_str() {
            "past_due" => "Until then its credits come only if it is paid.",
            "paused" => "Until then its credits come only if it is paused no more.",
            _ => "Until then its credits come as always.",
        };
        // A change that the provider was paid for already takes place before the end.
        let last = &cancel.subscription.plan;
        let dropped = present.next_plan.as_ref().filter(|next| *next != last);
        let dropped = dropped.map_or(String::new(), |next| format!(" {} does not follow.", frame.plan(next)));
        let forfeits = match &present.paid_until {
            Some(until) if *until > cancel.effective_at => {
                format!(" What you have paid for until {} ends with it.", frame.wording.day(until))
            }
            Some(_) | None => String::new(),
        };
        format!(
            "{} then ends on {}, and its {} credits a cycle with it. {meanwhile} What is left of them ends with it; credits that \
             you bought stay.{dropped}{forfeits}",
            frame.plan(last),
            frame.wording.day(&cancel.effective_at),
            frame.wording.amount(&cancel.allowance)
        )
    }

    /// Whether the present plan can be kept after all. Where its provider was paid for the one that follows, that one is had first.
    fn can_keep(&self) -> bool {
        let (Some(present), Some(Acts { keep: Some(keep), .. })) = (&self.subscription, &self.acts) else {
            return false;
        };
        let paid_ahead = present.paid_until.as_ref().is_some_and(|until| *until > present.term.end);
        present.next_plan.is_none() || !paid_ahead || keep.subscription.paid_until != present.paid_until
    }

    /// What keeping the present plan after all does, in sentences, or why it cannot be kept.
    fn keeping(&self) -> String {
        let (Some(present), Some(Acts { keep: Some(keep), next, .. })) = (&self.subscription, &self.acts) else {
            return String::new();
        };
        let frame = &self.frame;
        let plan = frame.plan(&present.plan);
        if let (false, Some(next)) = (self.can_keep(), &present.next_plan) {
            let next = frame.plan(next);
            return format!("{next} is paid for already, and follows: {plan} can be chosen again once it has begun.");
        }
        let instead = match (next, &present.next_plan) {
            (Some(preview), Some(next)) => {
                format!(", not {} credits of {}", frame.wording.amount(&preview.allowance), frame.plan(next))
            }
            (_, _) => String::new(),
        };
        let forfeits = match &present.next_plan {
            Some(next) if keep.subscription.paid_until < present.paid_until => {
                format!(" What you have paid for {} then buys nothing.", frame.plan(next))
            }
            Some(_) | None => String::new(),
        };
        format!(
            "Kept, {plan} goes on after {}: {} credits in each cycle{}{instead}. Nothing changes before.{forfeits}",
            frame.wording.day(&present.term.end),
            frame.wording.amount(&keep.allowance),
            refills_when(Some(present))
        )
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
    // Before all that it stands for: what changes while the page is made makes its forms old at once.
    let (mark, cancel) = looked_at(visit).await?;
    let frame = Frame::around(visit, Place::Plan).await?;
    let subscription = if cancel.is_some() { stands(visit).await? } else { None };
    let acts = match (&subscription, cancel) {
        (Some(subscription), Some(cancel)) => Some(acts(visit, subscription, cancel).await?),
        (None, _) | (_, None) => None,
    };
    let offers: OffersShown = visit.get("/offers").await?;
    let mut choices = Vec::new();
    for offer in offers.plans {
        match preview(visit, &offer.plan.plan).await {
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
    Ok(frame::html(status, &PlanPage { frame, subscription, acts, choices, mark, note }))
}

/// What asking for a plan would do.
async fn preview(visit: &Visit, plan: &str) -> Result<PreviewShown, Trouble> {
    visit.change("POST", "/subscription/preview", Some(json!({ "plan": plan }))).await
}

/// What stands now, in a mark, and what cancelling it would do; without a subscription the mark of any preview says that there is
/// none.
async fn looked_at(visit: &Visit) -> Result<(String, Option<PreviewShown>), Trouble> {
    match visit.change::<PreviewShown>("POST", "/subscription/preview", Some(json!({"cancel": true}))).await {
        Ok(cancel) => return Ok((cancel.mark.clone(), Some(cancel))),
        Err(trouble) if trouble.is(Code::SubscriptionNotFound) => {}
        Err(trouble) => return Err(trouble),
    }
    for plan in visit.get_shared::<CatalogShown>("/catalog").await?.plans {
        match preview(visit, &plan.plan).await {
            Ok(preview) => return Ok((preview.mark, None)),
            Err(Trouble::Problem(problem)) if problem.status < 500 => {}
            Err(trouble) => return Err(trouble),
        }
    }
    Ok((String::new(), None))
}

/// What else than cancelling can be done with the present plan.
async fn acts(visit: &Visit, present: &SubscriptionShown, cancel: PreviewShown) -> Result<Acts, Trouble> {
    let waits = present.ends_at.is_some() || present.next_plan.is_some();
    let keep = if waits { Some(preview(visit, &present.plan).await?) } else { None };
    let next = match &present.next_plan {
        Some(next) => Some(preview(visit, next).await?),
        None => None,
    };
    Ok(Acts { cancel, keep, next })
}

fn choice(
    frame: &Frame,
    subscription: Option<&SubscriptionShown>,
    offer: PlanOfferShown,
    preview: &PreviewShown,
) -> Result<Choice, Trouble> {
    let way = way(frame, subscription, &offer, preview);
    let brings = format!("{} credits in each cycle", frame.wording.amount(&preview.allowance));
    let available = frame.wording.amount(&preview.balance.available);
    let on = |at| format!("{} ({})", frame.wording.day(at), Wording::ahead(at, &frame.balance.at));
    let when = refills_when(subscription);
    let pays = Pays { frame, present: subscription, preview };
    let does = match way {
        Way::Present => String::new(),
        Way::PayPresent if subscription.is_some_and(|present| present.state == "active") => {
            format!("This cycle is not paid for yet. {}", pays.does("Goes on"))
        }
        Way::PayPresent => pays.does("Goes on"),
        Way::Next => format!("Begins on {}: {brings}{when}.", on(&preview.effective_at)),
        Way::Pay => pays.does("Begins"),
        Way::Follow => format!(
            "Begins on {}: {brings}{when}. Nothing changes before: you keep your {available} available.{}",
            on(&preview.effective_at),
            undoes(frame, subscription, &preview.subscription)
        ),
        Way::Ask => "Your studio can put you on this plan.".to_owned(),
    };
    let begins = frame.wording.day(&preview.effective_at);
    Ok(Choice { offer, way, does, begins, once: form::fresh()? })
}

fn way(frame: &Frame, subscription: Option<&SubscriptionShown>, offer: &PlanOfferShown, preview: &PreviewShown) -> Way {
    let plan = &offer.plan.plan;
    let present = subscription.is_some_and(|present| present.plan == *plan);
    let next = subscription.is_some_and(|present| present.next_plan.as_ref() == Some(plan));
    let later = preview.subscription.next_plan.as_ref() == Some(plan);
    let past_due = subscription.is_some_and(|present| present.state == "past_due");
    // In its grace: the cycle's credits came, and wait for their payment.
    let in_grace = subscription.is_some_and(|present| {
        present.state == "active" && present.paid_until.as_ref().is_some_and(|until| *until <= frame.balance.at)
    });
    // What is past due is followed by nothing that is not paid; but another plan begins at once where it is.
    let pays_now = preview.when_paid.as_ref().is_some_and(|paid| paid.subscription.plan == *plan);
    match (present, next, later && subscription.is_some(), offer.for_sale) {
        (true, _, _, true) if past_due || in_grace => Way::PayPresent,
        (true, ..) => Way::Present,
        (false, true, ..) => Way::Next,
        (false, false, true, true) if past_due && pays_now => Way::Pay,
        (false, false, true, _) => Way::Follow,
        (false, false, false, true) => Way::Pay,
        (false, false, false, false) => Way::Ask,
    }
}

/// On what a plan's refills wait, beside the calendar.
fn refills_when(subscription: Option<&SubscriptionShown>) -> &'static str {
    match subscription.map(|present| present.state.as_str()) {
        Some("past_due") => " once it is paid",
        Some("paused") => " once it is paused no more",
        _ => "",
    }
}

/// A payment for a plan, and how it finds the present one.
struct Pays<'a> {
    frame: &'a Frame,
    present: Option<&'a SubscriptionShown>,
    preview: &'a PreviewShown,
}

impl Pays<'_> {
    /// What paying does, in sentences: what comes at once, what in each cycle and until when, what is available then, and what is
    /// called off by it.
    fn does(&self, verb: &str) -> String {
        let Pays { frame, present, preview } = self;
        let Some(paid) = &preview.when_paid else { return format!("{verb} when it is paid{}.", self.then(None)) };
        let available = frame.wording.amount(&paid.balance.available);
        let (then, undoes) = (self.then(Some(&paid.subscription)), undoes(frame, *present, &paid.subscription));
        if paid.subscription.state == "paused" {
            let studio = &frame.catalog.name;
            return format!(
                "{verb} when it is paid, and stays paused: no credits come before {studio} lets it go on{then}. You keep your \
                 {available} available.{undoes}"
            );
        }
        if paid.grants.0.is_positive() {
            let grants = frame.wording.signed(&paid.grants);
            let owed = if frame.balance.debt.0.is_positive() { ", with what you owe taken off" } else { "" };
            return format!(
                "{verb} when it is paid: {grants} credits at once{then}. You would have {available} available{owed}.{undoes}"
            );
        }
        let begins = &paid.subscription.cycle.start;
        let at_once = if *begins > frame.balance.at {
            format!("nothing before {}", frame.wording.day(begins))
        } else {
            "no more credits in this cycle, which has had them".to_owned()
        };
        format!("{verb} when it is paid: {at_once}{then}. You keep your {available} available.{undoes}")
    }

    /// What comes in the cycles after the present one, and what ends that, as the subscription stands once it is paid.
    fn then(&self, paid: Option<&SubscriptionShown>) -> String {
        let (frame, preview) = (self.frame, self.preview);
        let brings = format!(", then {} credits in each cycle", frame.wording.amount(&preview.allowance));
        let Some(paid) = paid else { return brings };
        let (until, at) = match (&paid.ends_at, &paid.next_plan) {
            (Some(at), _) => ("it ends".to_owned(), at),
            (None, Some(next)) => (format!("{} follows", frame.plan(next)), &paid.term.end),
            (None, None) => return brings,
        };
        let brings = if *at > paid.cycle.end { brings } else { String::new() };
        format!("{brings}, until {until} on {}", frame.wording.day(at))
    }
}

/// What a change, or a payment, takes back of what was asked and paid for before, in sentences.
fn undoes(frame: &Frame, present: Option<&SubscriptionShown>, after: &SubscriptionShown) -> String {
    let Some(present) = present else { return String::new() };
    let mut says = match (&present.ends_at, &present.next_plan) {
        (Some(at), _) if after.ends_at.is_none() => format!(" That calls off the end on {}.", frame.wording.day(at)),
        (None, Some(next)) if after.next_plan.as_ref() != Some(next) && after.plan != *next => {
            format!(" That calls off the change to {}.", frame.plan(next))
        }
        (_, _) => String::new(),
    };
    // Of what the clock renews, only a term that is not past due counts as paid.
    let paid = match &present.paid_until {
        None if present.state == "past_due" => None,
        None => Some((&present.term.end, &after.term.end)),
        Some(until) => Some((until, after.paid_until.as_ref().unwrap_or(&after.term.end))),
    };
    if let Some((until, _)) = paid.filter(|(before, after)| after < before) {
        says += &format!(" What you have paid for until {} ends with it.", frame.wording.day(until));
    }
    says
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
        Err(trouble) if trouble.is(Code::SubscriptionOvertaken) => overtaken(&filled.visit).await,
        Err(trouble) => Err(trouble),
    }
}

/// The page as it stands now, in place of what an old one asked for.
pub(super) async fn overtaken(visit: &Visit) -> Page {
    let note = "Your plan, or what is offered, has changed since you opened this page, and nothing was done. Both stand below as \
                they are now.";
    show(visit, Some(note.to_owned()), StatusCode::CONFLICT).await
}
