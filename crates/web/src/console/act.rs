//! Doing something to an account: asked for in a form, tried and shown before it is done, with a reason, and then done once,
//! however often the last page is sent.
//!
//! What it will do is not reckoned here: the API is asked to try it (`dry_run`), by the rules that will decide it.

use askama::Template;
use axum::extract::{Path, Query};
use axum::http::StatusCode;
use axum::response::Response;
use scrip_api::account::AccountShown;
use scrip_api::balance::{BalanceShown, TotalsShown};
use scrip_api::code::Code;
use scrip_api::subscription::{PreviewShown, SubscriptionShown};
use scrip_core::id::AccountId;
use serde_json::json;

use super::Page;
use super::account::{self, account_id};
use super::deed::{Act, Fields};
use super::desk::{Denied, Desk, Sent, Told};
use super::frame::{Frame, Room};
use super::object::Object;
use super::told::{About, Outcome, Sentence};
use super::words::{self, Names, escaped};
use crate::form;
use crate::frame;
use crate::trouble::Trouble;
use crate::wording::Wording;

/// What is acted on: the id of a charge, a lot, a hold, an order.
#[derive(Debug, serde::Deserialize)]
pub(super) struct Asked {
    of: Option<String>,
}

/// Where the form stands.
enum Step {
    /// To be filled in; a fault is said.
    Ask { fault: Option<String>, once: String },
    /// To be confirmed.
    Confirm { sentences: Vec<Sentence>, after: TotalsShown, once: String, seen: String },
    /// Done: what, and what the account had then, where the answer said it.
    Done { sentence: String, after: Option<TotalsShown> },
    /// It was done before, by this very form, and nothing was done now; what it did then.
    DoneBefore { sentence: String },
}

#[derive(Template)]
#[template(path = "console/act.html")]
struct ActPage {
    frame: Frame,
    act: Act,
    account: AccountShown,
    balance: BalanceShown,
    names: Names,
    /// What it is done to, where that is something of the account.
    object: Option<Object>,
    fields: Fields,
    step: Step,
}

/// The empty form.
pub(super) async fn form(desk: Desk, Path((id, word)): Path<(String, String)>, Query(asked): Query<Asked>) -> Page {
    let (id, act) = (account_id(&id)?, act_of(&desk, &word)?);
    let fields = Fields { of: asked.of.unwrap_or_default(), ..Fields::default() };
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
        return shown(desk, &id, act, fields, ask(fault)).await;
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
        // With another amount, from the first form again: that is another act, and gets a key of its own.
        Err(Denied(Trouble::Problem(problem))) if problem.code == Code::IdempotencyKeyReused => {
            Step::Ask { fault: Some(USED.to_owned()), once: form::fresh()? }
        }
        // What the rules refuse is said where it can be mended.
        Err(Denied(Trouble::Problem(problem))) if problem.status < 500 && problem.code != Code::Forbidden => {
            ask(problem.detail.clone())
        }
        step => step?,
    };
    let done = match &step {
        Step::Done { sentence, .. } => Some(("It is done", sentence.clone())),
        Step::DoneBefore { sentence } => Some(("It was done already, and nothing was done now", sentence.clone())),
        Step::Ask { .. } | Step::Confirm { .. } => None,
    };
    match (shown(desk, &id, act, fields, step).await, done) {
        // What is done is told as done, whatever can be read of the account afterwards.
        (Err(_), Some((title, sentence))) => Ok(told_only(title, &sentence)),
        (page, _) => page,
    }
}

/// What was done, where the account cannot be read now.
fn told_only(title: &'static str, sentence: &str) -> Response {
    let words = format!(
        "{sentence} How the account stands now could not be read: look at it again before you do anything else."
    );
    Told { status: StatusCode::OK, title, words }.page()
}

/// What is said where a form was confirmed before, with something else in it.
const USED: &str = "Nothing was done now: this form was confirmed before, with something else in it. Look at the account for what was \
                    done then; go on from here if this is to be done as well.";

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
    let said = Said::of(desk, id, (act, fields)).await?;
    let sentences = said.about(fields).ahead(act, &outcome);
    Ok(Step::Confirm { sentences, after: outcome.balance, once, seen: String::new() })
}

/// What words about an act are made of.
struct Said {
    wording: Wording,
    names: Names,
    object: Option<Object>,
}

impl Said {
    async fn of(desk: &Desk, id: &AccountId, (act, fields): (Act, &Fields)) -> Result<Said, Denied> {
        let (wording, names) = (Frame::around(desk, Room::Accounts).wording, desk.catalog().await?);
        let object = Object::find(desk, &names, id, (act, &fields.of)).await?;
        Ok(Said { wording, names, object })
    }

    /// The same of what is done: what cannot be read any more goes by its id.
    async fn afterwards(desk: &Desk, id: &AccountId, (act, fields): (Act, &Fields)) -> Said {
        let by_id = |_| Said {
            wording: Frame::around(desk, Room::Accounts).wording,
            names: Names(None),
            object: Object::by_id((act, &fields.of)),
        };
        Said::of(desk, id, (act, fields)).await.unwrap_or_else(by_id)
    }

    fn about<'a>(&'a self, fields: &'a Fields) -> About<'a> {
        About { wording: &self.wording, names: &self.names, object: self.object.as_ref(), fields }
    }
}

/// Tries a change of the plan.
async fn tried_plan(desk: &Desk, id: &AccountId, act: Act, fields: &Fields, once: String) -> Result<Step, Denied> {
    let path = act.path(id, &fields.of);
    let asked = if act == Act::CancelPlan { json!({"cancel": true}) } else { json!({"plan": fields.plan}) };
    let preview: PreviewShown = desk.send("POST", format!("{path}/preview"), None, asked).await?;
    let stands = account::subscription(desk, id).await?;
    let said = Said::of(desk, id, (act, fields)).await?;
    let sentences = said.about(fields).of_plan(act, &preview, stands.as_ref());
    Ok(Step::Confirm { sentences, after: preview.balance, once, seen: preview.mark })
}

/// Changes the plan where it stands as the preview saw it, which the API decides: a page that is sent again does not take back what was
/// done since.
async fn change_plan(desk: &Desk, id: &AccountId, (act, fields): (Act, &Fields), seen: &str) -> Result<Step, Denied> {
    if seen.is_empty() {
        return Err(overtaken());
    }
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
    let said = Said::afterwards(desk, id, (act, fields)).await;
    Ok(Step::Done { sentence: said.about(fields).plan_now(&stands), after: None })
}

/// A confirmation of nothing that was seen.
fn overtaken() -> Denied {
    Denied::because(Code::SubscriptionOvertaken, OVERTAKEN)
}

/// Does it, once.
async fn done(desk: &Desk, id: &AccountId, act: Act, fields: &Fields, once: &str) -> Result<Step, Denied> {
    let answered = desk.send_once::<Outcome>(act.path(id, &fields.of), once, fields.body(act)).await?;
    let outcome = answered.body;
    let said = Said::afterwards(desk, id, (act, fields)).await;
    let sentence = said.about(fields).behind(act, &outcome);
    Ok(match answered.replayed {
        true => Step::DoneBefore { sentence },
        false => Step::Done { sentence, after: Some(outcome.balance) },
    })
}

async fn shown(desk: &Desk, id: &AccountId, act: Act, fields: Fields, step: Step) -> Page {
    let (account, balance) = (format!("/accounts/{id}"), format!("/accounts/{id}/balance"));
    let (account, balance) = tokio::try_join!(desk.get::<AccountShown>(&account), desk.get::<BalanceShown>(&balance))?;
    let (names, frame) = (desk.catalog().await?, Frame::around(desk, Room::Accounts));
    let object = Object::find(desk, &names, id, (act, &fields.of)).await?;
    Ok(frame::html(StatusCode::OK, &ActPage { frame, act, account, balance, names, object, fields, step }))
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

    /// What the account had after the act; else what it has now.
    fn had(&self, after: &Option<TotalsShown>) -> TotalsShown {
        after.unwrap_or_else(|| TotalsShown::from(&self.balance))
    }

    /// Whether anything is owed, or will be: new credits repay that first.
    fn is_owed(&self, after: &TotalsShown) -> bool {
        self.balance.debt.0.is_positive() || after.debt.0.is_positive()
    }
}
