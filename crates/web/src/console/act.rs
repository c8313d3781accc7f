//! Doing something to an account: asked for in a form, tried and shown before it is done, with a reason, and then done once,
//! however often the last page is sent.
//!
//! What it will do is not reckoned here: the API is asked to try it (`dry_run`), by the rules that will decide it.

use askama::Template;
use axum::extract::{Path, Query};
use axum::http::StatusCode;
use scrip_api::account::AccountShown;
use scrip_api::balance::{BalanceShown, LotShown, PartShown, TotalsShown};
use scrip_api::code::Code;
use scrip_api::hold::HoldShown;
use scrip_api::number::Amount;
use scrip_api::order::OrderShown;
use scrip_api::subscription::{PreviewShown, SubscriptionShown};
use scrip_core::id::AccountId;
use serde_json::json;

use super::Page;
use super::account::{self, account_id};
use super::deed::{Act, Fields};
use super::desk::{Denied, Desk, Sent};
use super::frame::{Frame, Room};
use super::words::{self, Names, escaped};
use crate::form;
use crate::frame;
use crate::trouble::Trouble;
use crate::wording::Wording;

/// What is acted on: a charge, a lot, a hold, an order.
#[derive(Debug, serde::Deserialize)]
pub(super) struct Object {
    of: Option<String>,
}

/// Where the form stands.
enum Step {
    /// To be filled in; a fault is said.
    Ask { fault: Option<String>, once: String },
    /// To be confirmed.
    Confirm { sentences: Vec<String>, after: TotalsShown, once: String, seen: String },
    /// Done.
    Done { sentence: String, after: TotalsShown },
}

#[derive(Template)]
#[template(path = "console/act.html")]
struct ActPage {
    frame: Frame,
    act: Act,
    account: AccountShown,
    balance: BalanceShown,
    names: Names,
    fields: Fields,
    step: Step,
}

/// The empty form.
pub(super) async fn form(desk: Desk, Path((id, word)): Path<(String, String)>, Query(object): Query<Object>) -> Page {
    let (id, act) = (account_id(&id)?, act_of(&desk, &word)?);
    let fields = Fields { of: object.of.unwrap_or_default(), ..Fields::default() };
    let fields = with_plan(&desk, &id, act, fields).await?;
    shown(&desk, &id, act, fields, Step::Ask { fault: None, once: form::fresh()? }).await
}

/// The filled form: shown again, then done.
pub(super) async fn sent(Path((id, word)): Path<(String, String)>, sent: Sent) -> Page {
    let (id, act) = (account_id(&id)?, act_of(&sent.desk, &word)?);
    let text = |name| sent.text(name).unwrap_or_default().to_owned();
    let fields = Fields {
        of: text("of"),
        credits: text("credits"),
        class: text("class"),
        last_day: text("last_day"),
        plan: text("plan"),
        make_good: text("make_good"),
        reason: text("reason"),
    };
    let desk = &sent.desk;
    let fields = with_plan(desk, &id, act, fields).await?;
    // Made with the first form and carried on: who goes back from the last page and confirms again gets the first answer.
    let once = sent.text("once").ok_or(Denied(Trouble::NotFromHere))?;
    let ask = |fault: String| Step::Ask { fault: Some(fault), once: once.to_owned() };
    if let Some(fault) = fields.fault(act) {
        return shown(desk, &id, act, fields, ask(fault.to_owned())).await;
    }
    let step = match sent.text("do") {
        Some("confirm") if act.is_of_plan() => change_plan(desk, &id, (act, &fields), &text("seen")).await,
        Some("confirm") => done(desk, &id, act, &fields, once).await,
        Some(_) | None => tried(desk, &id, act, &fields, once).await,
    };
    let step = match step {
        Err(Denied(Trouble::Problem(problem))) if problem.code == Code::SubscriptionOvertaken => {
            ask(OVERTAKEN.to_owned())
        }
        // What the rules refuse is said where it can be mended.
        Err(Denied(Trouble::Problem(problem))) if problem.status < 500 && problem.code != Code::Forbidden => {
            ask(problem.detail.clone())
        }
        step => step?,
    };
    shown(desk, &id, act, fields, step).await
}

/// What is said where a plan is not as the preview saw it.
const OVERTAKEN: &str = "Nothing was changed now: the plan is not as it was when this was shown. It may have been changed already, by \
                         this page or by somebody else; look at what it would do now.";

/// To keep a plan is to be put on the one that stands.
async fn with_plan(desk: &Desk, id: &AccountId, act: Act, fields: Fields) -> Result<Fields, Denied> {
    if act != Act::KeepPlan || !fields.plan.is_empty() {
        return Ok(fields);
    }
    let stands = account::subscription(desk, id).await?;
    Ok(Fields { plan: stands.map(|stands| stands.plan).unwrap_or_default(), ..fields })
}

/// An act that there is, and that the role may do.
fn act_of(desk: &Desk, word: &str) -> Result<Act, Denied> {
    let act = Act::ALL.into_iter().find(|act| act.word() == word).ok_or_else(Denied::no_page)?;
    if desk.may(act.call()) { Ok(act) } else { Err(Denied::not_yours()) }
}

/// What came, or would come, of an act: what the answers of the API have in common.
#[derive(serde::Deserialize)]
struct Outcome {
    /// Credits that moved, where the answer says so.
    credits: Option<Amount>,
    /// The same of a hold.
    freed: Option<Amount>,
    /// Lots that got some.
    #[serde(default)]
    to: Vec<PartShown>,
    balance: TotalsShown,
}

impl Outcome {
    /// How much moved; of a grant it is what was asked.
    fn moved(&self, wording: &Wording, fields: &Fields) -> String {
        let told = self.credits.or(self.freed).map(|credits| wording.amount(&credits));
        told.or_else(|| fields.amount(wording)).unwrap_or_default()
    }
}

/// An amount with its noun: `1 credit`, `25 promotional credits`.
fn counted(amount: &str, kind: &str) -> String {
    format!("{amount} {kind}credit{}", if amount == "1" { "" } else { "s" })
}

/// Tries it, and says what it would do.
async fn tried(desk: &Desk, id: &AccountId, act: Act, fields: &Fields, once: &str) -> Result<Step, Denied> {
    let once = once.to_owned();
    if act.is_of_plan() {
        return tried_plan(desk, id, act, fields, once).await;
    }
    let path = format!("{}?dry_run=true", act.path(id, &fields.of));
    let outcome: Outcome = desk.send("POST", path, Some(&once), fields.body(act)).await?;
    if outcome.credits.is_some_and(|credits| credits.0.is_zero()) {
        let fault = Some("Nothing would change: there is nothing left of it.".to_owned());
        return Ok(Step::Ask { fault, once });
    }
    let sentences = sentences(desk, id, act, fields, &outcome).await?;
    Ok(Step::Confirm { sentences, after: outcome.balance, once, seen: String::new() })
}

/// Tries a change of the plan.
async fn tried_plan(desk: &Desk, id: &AccountId, act: Act, fields: &Fields, once: String) -> Result<Step, Denied> {
    let path = act.path(id, &fields.of);
    let asked = if act == Act::CancelPlan { json!({"cancel": true}) } else { json!({"plan": fields.plan}) };
    let preview: PreviewShown = desk.send("POST", format!("{path}/preview"), None, asked).await?;
    let stands = account::subscription(desk, id).await?;
    let (wording, names) = (Frame::around(desk, Room::Accounts).wording, desk.catalog().await?);
    let sentences = match act {
        Act::CancelPlan => cancel_sentences(&wording, &names, &preview, stands.as_ref()),
        Act::KeepPlan => keep_sentences(&wording, &names, &preview, stands.as_ref()),
        _ => plan_sentences(&wording, &names, &preview),
    };
    Ok(Step::Confirm { sentences, after: preview.balance, once, seen: preview.mark })
}

/// Changes the plan where it stands as the preview saw it, which the API decides: a page that is sent again does not take back what was
/// done since.
async fn change_plan(desk: &Desk, id: &AccountId, (act, fields): (Act, &Fields), seen: &str) -> Result<Step, Denied> {
    if seen.is_empty() {
        return Err(overtaken());
    }
    let frame = Frame::around(desk, Room::Accounts);
    let path = act.path(id, &fields.of);
    let stands: SubscriptionShown = match act {
        Act::CancelPlan => {
            desk.delete(format!("{path}?mark={}&reason={}", escaped(seen), escaped(&fields.reason))).await?
        }
        _ => {
            let mut body = fields.body(act);
            body["mark"] = seen.into();
            desk.send("PUT", path, None, body).await?
        }
    };
    let names = desk.catalog().await?;
    let plan = names.plan(&stands.plan);
    let sentence = match (&stands.ends_at, &stands.next_plan) {
        (Some(ends), _) => format!("The plan {plan} ends on {}.", frame.wording.instant(ends)),
        (None, Some(next)) => {
            format!("The plan will be {} from {} on.", names.plan(next), frame.wording.instant(&stands.term.end))
        }
        (None, None) => format!("The plan is {plan}."),
    };
    let balance: BalanceShown = desk.get(&format!("/accounts/{id}/balance")).await?;
    let after = TotalsShown { remaining: balance.remaining, held: balance.held, available: balance.available };
    Ok(Step::Done { sentence, after })
}

/// A confirmation of nothing that was seen.
fn overtaken() -> Denied {
    Denied::because(Code::SubscriptionOvertaken, OVERTAKEN)
}

fn plan_sentences(wording: &Wording, names: &Names, preview: &PreviewShown) -> Vec<String> {
    let at_once = preview.subscription.next_plan.is_none();
    let from = if at_once { "at once".to_owned() } else { format!("on {}", wording.instant(&preview.effective_at)) };
    let next = preview.subscription.next_plan.as_deref().unwrap_or(&preview.subscription.plan);
    let mut sentences = vec![format!(
        "The plan becomes {} {from}, with {} credits each cycle.",
        names.plan(next),
        wording.amount(&preview.allowance)
    )];
    sentences.push(match (preview.grants.0.is_positive(), at_once) {
        (true, true) => format!("{} credits are granted now.", wording.amount(&preview.grants)),
        (true, false) => format!("{} credits are granted then; nothing changes now.", wording.amount(&preview.grants)),
        (false, _) => NOTHING_NOW.to_owned(),
    });
    sentences
}

const NOTHING_NOW: &str = "No credits are granted or taken now.";

fn cancel_sentences(
    wording: &Wording,
    names: &Names,
    preview: &PreviewShown,
    stands: Option<&SubscriptionShown>,
) -> Vec<String> {
    let (plan, ending) = (names.plan(&preview.subscription.plan), &preview.subscription);
    if ending.cycle.start.0 > preview.effective_at.0 {
        return vec![format!("The plan {plan} ends at once: it has not begun."), NOTHING_NOW.to_owned()];
    }
    let mut sentences = vec![format!("The plan {plan} ends on {}.", wording.instant(&preview.effective_at))];
    if let Some(next) = stands.and_then(|stands| stands.next_plan.as_deref()) {
        sentences.push(format!("{} does not follow it.", names.plan(next)));
    }
    sentences.push(match ending.state.as_str() {
        "active" => {
            "Until then its credits come as always. What is left of them ends with it; other credits stay.".to_owned()
        }
        state => {
            format!("It is {}: until then it brings credits only if that changes.", words::spoken(state).to_lowercase())
        }
    });
    sentences.push(NOTHING_NOW.to_owned());
    sentences
}

fn keep_sentences(
    wording: &Wording,
    names: &Names,
    preview: &PreviewShown,
    stands: Option<&SubscriptionShown>,
) -> Vec<String> {
    let plan = names.plan(&preview.subscription.plan);
    let mut sentences =
        vec![format!("The plan {plan} goes on, with {} credits each cycle.", wording.amount(&preview.allowance))];
    let ends = stands.and_then(|stands| stands.ends_at.as_ref());
    let next = stands.and_then(|stands| Some((stands.next_plan.as_deref()?, &stands.term.end)));
    sentences.extend(ends.map(|ends| format!("It does not end on {}.", wording.instant(ends))));
    sentences.extend(
        next.map(|(next, from)| format!("{} does not follow it on {}.", names.plan(next), wording.instant(from))),
    );
    sentences.push(match preview.grants.0.is_positive() {
        true => format!("{} credits are granted now.", wording.amount(&preview.grants)),
        false => NOTHING_NOW.to_owned(),
    });
    sentences
}

/// What confirming will do.
async fn sentences(
    desk: &Desk,
    id: &AccountId,
    act: Act,
    fields: &Fields,
    outcome: &Outcome,
) -> Result<Vec<String>, Denied> {
    let (wording, names) = (Frame::around(desk, Room::Accounts).wording, desk.catalog().await?);
    let moved = outcome.moved(&wording, fields);
    let mut sentences = vec![match act {
        Act::Grant => {
            let class = words::class(&fields.class).to_lowercase();
            let ends = match fields.last_day.as_str() {
                "" => "with no end".to_owned(),
                day => format!("to be spent by the end of {day}, in UTC"),
            };
            format!("Gives {}, {ends}.", counted(&moved, &format!("{class} ")))
        }
        Act::Refund => format!("Gives {} of {} back.", counted(&moved, ""), fields.of),
        Act::Revoke => {
            let balance: BalanceShown = desk.get(&format!("/accounts/{id}/balance")).await?;
            let class = balance.lots.iter().find(|lot| lot.lot == fields.of).map(|lot| words::class(&lot.class));
            let class = class.map(|class| format!("{} ", class.to_lowercase())).unwrap_or_default();
            format!("Takes {} ({}) back.", counted(&moved, &class), fields.of)
        }
        Act::WriteOff => format!("Forgives {}; nobody pays them.", counted(&moved, "owed ")),
        Act::Release => {
            let hold: HoldShown = desk.get(&format!("/accounts/{id}/holds/{}", fields.of)).await?;
            let tool = hold.tool.as_deref().map_or("without a tool", |tool| names.tool(tool));
            let job = hold.reference.as_deref().unwrap_or(&hold.hold);
            format!("Frees {}; the job {job}, {tool}, can charge nothing.", counted(&moved, "held "))
        }
        Act::MarkPaid => {
            let order: OrderShown = desk.get(&format!("/accounts/{id}/orders/{}", fields.of)).await?;
            let bonus = order.bonus.0.is_positive();
            let bonus = bonus.then(|| format!(" and {}", counted(&wording.amount(&order.bonus), "bonus ")));
            format!(
                "Takes the order of {} ({}), of {}, as paid: {}{} at once.",
                names.bought(order.package.as_deref(), order.plan.as_deref()),
                fields.of,
                wording.money(&order.price),
                counted(&wording.amount(&order.credits), ""),
                bonus.unwrap_or_default()
            )
        }
        Act::Plan | Act::CancelPlan | Act::KeepPlan => String::new(),
    }];
    sentences.extend(outcome.to.iter().map(|part| {
        let (class, credits) = (words::class(&part.class).to_lowercase(), wording.amount(&part.credits));
        format!("{credits} of them are {class} credits ({}).", part.lot)
    }));
    Ok(sentences)
}

/// Does it, once.
async fn done(desk: &Desk, id: &AccountId, act: Act, fields: &Fields, once: &str) -> Result<Step, Denied> {
    let frame = Frame::around(desk, Room::Accounts);
    let outcome: Outcome = desk.send("POST", act.path(id, &fields.of), Some(once), fields.body(act)).await?;
    let moved = outcome.moved(&frame.wording, fields);
    let sentence = match act {
        Act::Grant => format!("Granted {}.", counted(&moved, "")),
        Act::Refund => format!("Gave {} back.", counted(&moved, "")),
        Act::Revoke => format!("Took {} back.", counted(&moved, "")),
        Act::WriteOff => format!("Forgave {}.", counted(&moved, "owed ")),
        Act::Release => format!("Freed {}.", counted(&moved, "held ")),
        Act::MarkPaid => format!("{} is paid: {}.", fields.of, counted(&moved, "")),
        Act::Plan | Act::CancelPlan | Act::KeepPlan => String::new(),
    };
    Ok(Step::Done { sentence, after: outcome.balance })
}

async fn shown(desk: &Desk, id: &AccountId, act: Act, fields: Fields, step: Step) -> Page {
    let (account, balance) = (format!("/accounts/{id}"), format!("/accounts/{id}/balance"));
    let (account, balance) = tokio::try_join!(desk.get::<AccountShown>(&account), desk.get::<BalanceShown>(&balance))?;
    let (names, frame) = (desk.catalog().await?, Frame::around(desk, Room::Accounts));
    Ok(frame::html(StatusCode::OK, &ActPage { frame, act, account, balance, names, fields, step }))
}

impl ActPage {
    fn name(&self) -> &str {
        self.account.name.as_deref().unwrap_or(&self.account.account)
    }

    /// The classes that may be granted: a key for support gives make-good credits alone.
    fn classes(&self) -> &'static [&'static str] {
        if self.frame.role == "support" { &["make_good"] } else { &["promo", "make_good", "top_up"] }
    }

    fn class(&self, class: &str) -> &'static str {
        words::class(class)
    }

    fn is(&self, word: &str) -> bool {
        self.act.word() == word
    }

    /// The lot that is meant.
    fn lot(&self) -> Option<&LotShown> {
        self.balance.lots.iter().find(|lot| lot.lot == self.fields.of)
    }
}
