//! What an act will do, and what it did, in words.
//!
//! Apart from asking, trying and doing because it only speaks: every amount in it is from an answer of the API.

use scrip_api::balance::{PartShown, TotalsShown};
use scrip_api::catalog::PriceShown;
use scrip_api::number::Amount;
use scrip_api::subscription::{PreviewShown, SubscriptionShown};

use super::deed::{Act, Fields};
use super::object::Object;
use super::words::{self, Names};
use crate::wording::Wording;

/// A sentence, and the id of what it speaks of, said small beside it.
pub(super) struct Sentence {
    pub(super) said: String,
    pub(super) id: String,
}

impl From<String> for Sentence {
    fn from(said: String) -> Sentence {
        Sentence { said, id: String::new() }
    }
}

/// What came, or would come, of an act: what the answers of the API have in common.
#[derive(serde::Deserialize)]
pub(super) struct Outcome {
    /// Credits that moved, where the answer says so; of an order, what it is for.
    pub(super) credits: Option<Amount>,
    /// The same of a hold.
    freed: Option<Amount>,
    /// Lots that got some.
    #[serde(default)]
    to: Vec<PartShown>,
    /// Of an order: the plan that it pays a term of, the bonus, the price, and what came at once.
    plan: Option<String>,
    bonus: Option<Amount>,
    price: Option<PriceShown>,
    granted: Option<Amount>,
    pub(super) balance: TotalsShown,
}

impl Outcome {
    /// How much moved; of a grant it is what was asked.
    fn moved(&self, wording: &Wording, fields: &Fields) -> String {
        let told = self.credits.or(self.freed).map(|credits| wording.amount(&credits));
        told.or_else(|| fields.amount(wording)).unwrap_or_default()
    }

    /// What a package brings: `100 credits and 20 bonus credits`.
    fn brought(&self, wording: &Wording) -> String {
        let counted = |amount: &Amount, kind: &str| counted(&wording.amount(amount), kind);
        let credits = self.credits.as_ref().map(|credits| counted(credits, "")).unwrap_or_default();
        match self.bonus.as_ref().filter(|bonus| bonus.0.is_positive()) {
            Some(bonus) => format!("{credits} and {}", counted(bonus, "bonus ")),
            None => credits,
        }
    }

    /// What comes at once, where it is more than nothing.
    fn at_once(&self, wording: &Wording) -> Option<String> {
        self.granted.filter(|granted| granted.0.is_positive()).map(|granted| counted(&wording.amount(&granted), ""))
    }
}

/// Whom the words are for, and what they are about.
pub(super) struct About<'a> {
    pub(super) wording: &'a Wording,
    pub(super) names: &'a Names,
    /// What the act is done to, where it is done to something of the account.
    pub(super) object: Option<&'a Object>,
    pub(super) fields: &'a Fields,
}

/// An amount with its noun: `1 credit`, `25 promotional credits`.
fn counted(amount: &str, kind: &str) -> String {
    format!("{amount} {kind}credit{}", if amount == "1" { "" } else { "s" })
}

impl About<'_> {
    fn name(&self) -> &str {
        self.object.map_or("", |object| &object.name)
    }

    /// What confirming will do, of an act that is not about the plan.
    pub(super) fn ahead(&self, act: Act, outcome: &Outcome) -> Vec<Sentence> {
        let (wording, name) = (self.wording, self.name());
        let moved = outcome.moved(wording, self.fields);
        let mut said = vec![match act {
            Act::Grant => {
                let class = words::class(&self.fields.class).to_lowercase();
                let ends = match self.fields.last_day.as_str() {
                    "" => "with no end".to_owned(),
                    day => format!("to be spent by the end of {day}, in UTC"),
                };
                format!("Gives {}, {ends}.", counted(&moved, &format!("{class} ")))
            }
            Act::Refund => format!("Gives {} of {name} back.", counted(&moved, "")),
            Act::Revoke => {
                let class = self.object.and_then(|object| object.lot.as_ref()).map(|lot| words::class(&lot.class));
                let class = class.map(|class| format!("{} ", class.to_lowercase())).unwrap_or_default();
                format!("Takes {} back.", counted(&moved, &class))
            }
            Act::WriteOff => format!("Forgives {}, which nobody pays.", counted(&moved, "owed ")),
            Act::Release => format!("Frees {} of {name}; it can charge nothing any more.", counted(&moved, "held ")),
            Act::MarkPaid => {
                let price = outcome.price.as_ref().map(|price| wording.money(price)).unwrap_or_default();
                let brings = match outcome.plan {
                    Some(_) => format!("a term of the plan, with {} each cycle", counted(&moved, "")),
                    None => format!("{} at once", outcome.brought(wording)),
                };
                format!("Takes the order of {name}, of {price}, as paid: {brings}.")
            }
            Act::Plan | Act::CancelPlan | Act::KeepPlan => String::new(),
        }];
        if act == Act::MarkPaid && outcome.plan.is_some() {
            said.push(match outcome.at_once(wording) {
                Some(credits) => format!("At once: {credits}."),
                None => "Nothing of it comes at once.".to_owned(),
            });
        }
        let mut said: Vec<Sentence> = said.into_iter().map(Sentence::from).collect();
        said[0].id = self.object.map(|object| object.id.clone()).unwrap_or_default();
        said.extend(outcome.to.iter().map(|part| {
            let (class, credits) = (words::class(&part.class).to_lowercase(), wording.amount(&part.credits));
            Sentence { said: format!("{credits} of them are {class} credits."), id: part.lot.clone() }
        }));
        said
    }

    /// What it did.
    pub(super) fn behind(&self, act: Act, outcome: &Outcome) -> String {
        let moved = outcome.moved(self.wording, self.fields);
        match act {
            Act::Grant => format!("Granted {}.", counted(&moved, "")),
            Act::Refund => format!("Gave {} back.", counted(&moved, "")),
            Act::Revoke => format!("Took {} back.", counted(&moved, "")),
            Act::WriteOff => format!("Forgave {}.", counted(&moved, "owed ")),
            Act::Release => format!("Freed {}.", counted(&moved, "held ")),
            Act::MarkPaid => {
                let brought = match outcome.plan {
                    None => outcome.brought(self.wording),
                    Some(_) => match outcome.at_once(self.wording) {
                        Some(credits) => format!("{credits} came at once"),
                        None => "no credits came at once".to_owned(),
                    },
                };
                format!("The order of {} is paid: {brought}.", self.name())
            }
            Act::Plan | Act::CancelPlan | Act::KeepPlan => String::new(),
        }
    }

    /// What confirming will do to the plan, where `stands` is how it is.
    pub(super) fn of_plan(
        &self,
        act: Act,
        preview: &PreviewShown,
        stands: Option<&SubscriptionShown>,
    ) -> Vec<Sentence> {
        let said = match act {
            Act::CancelPlan => self.cancelling(preview, stands),
            Act::KeepPlan => self.keeping(preview, stands),
            _ => self.changing(preview),
        };
        said.into_iter().map(Sentence::from).collect()
    }

    fn changing(&self, preview: &PreviewShown) -> Vec<String> {
        let (wording, names) = (self.wording, self.names);
        let at_once = preview.subscription.next_plan.is_none();
        let from =
            if at_once { "at once".to_owned() } else { format!("on {}", wording.instant(&preview.effective_at)) };
        let next = preview.subscription.next_plan.as_deref().unwrap_or(&preview.subscription.plan);
        let becomes = format!(
            "The plan becomes {} {from}, with {} credits each cycle.",
            names.plan(next),
            wording.amount(&preview.allowance)
        );
        let grants = wording.amount(&preview.grants);
        let granted = match (preview.grants.0.is_positive(), at_once) {
            (true, true) => format!("{grants} credits are granted now."),
            (true, false) => format!("{grants} credits are granted then; nothing changes now."),
            (false, _) => NOTHING_NOW.to_owned(),
        };
        vec![becomes, granted]
    }

    fn cancelling(&self, preview: &PreviewShown, stands: Option<&SubscriptionShown>) -> Vec<String> {
        let (plan, ending) = (self.names.plan(&preview.subscription.plan), &preview.subscription);
        if ending.cycle.start.0 > preview.effective_at.0 {
            return vec![format!("The plan {plan} ends at once: it has not begun."), NOTHING_NOW.to_owned()];
        }
        let mut said = vec![format!("The plan {plan} ends on {}.", self.wording.instant(&preview.effective_at))];
        if let Some(next) = stands.and_then(|stands| stands.next_plan.as_deref()) {
            said.push(format!("{} does not follow it.", self.names.plan(next)));
        }
        said.push(match ending.state.as_str() {
            "active" => "Until then its credits come as always. What is left of them ends with it; other credits stay."
                .to_owned(),
            state => {
                let state = words::spoken(state).to_lowercase();
                format!("It is {state}: until then it brings credits only if that changes.")
            }
        });
        said.push(NOTHING_NOW.to_owned());
        said
    }

    fn keeping(&self, preview: &PreviewShown, stands: Option<&SubscriptionShown>) -> Vec<String> {
        let (wording, plan) = (self.wording, self.names.plan(&preview.subscription.plan));
        let allowance = wording.amount(&preview.allowance);
        let mut said = vec![format!("The plan {plan} goes on, with {allowance} credits each cycle.")];
        let ends = stands.and_then(|stands| stands.ends_at.as_ref());
        let next = stands.and_then(|stands| Some((stands.next_plan.as_deref()?, &stands.term.end)));
        said.extend(ends.map(|ends| format!("It does not end on {}.", wording.instant(ends))));
        said.extend(
            next.map(|(next, from)| {
                format!("{} does not follow it on {}.", self.names.plan(next), wording.instant(from))
            }),
        );
        said.push(match preview.grants.0.is_positive() {
            true => format!("{} credits are granted now.", wording.amount(&preview.grants)),
            false => NOTHING_NOW.to_owned(),
        });
        said
    }

    /// How the plan stands after it was changed.
    pub(super) fn plan_now(&self, stands: &SubscriptionShown) -> String {
        let plan = self.names.plan(&stands.plan);
        match (&stands.ends_at, &stands.next_plan) {
            (Some(ends), _) => format!("The plan {plan} ends on {}.", self.wording.instant(ends)),
            (None, Some(next)) => {
                let from = self.wording.instant(&stands.term.end);
                format!("The plan will be {} from {from} on.", self.names.plan(next))
            }
            (None, None) => format!("The plan is {plan}."),
        }
    }
}

const NOTHING_NOW: &str = "No credits are granted or taken now.";

#[cfg(test)]
mod tests {
    use scrip_core::time::Zone;
    use serde_json::{Value, json};

    use super::*;

    /// What is said of an order that is marked as paid, before and afterwards.
    #[track_caller]
    fn check(answer: Value, ahead: &[&str], behind: &str) {
        let mut answer = answer;
        answer["balance"] = json!({"remaining": 0, "held": 0, "available": 0});
        let outcome: Outcome = serde_json::from_str(&answer.to_string()).unwrap();
        let (wording, names, fields) = (Wording::new("en-GB", &Zone::utc()), Names(None), Fields::default());
        let object = Object { name: "Lite".to_owned(), id: "order_2".to_owned(), lot: None };
        let about = About { wording: &wording, names: &names, object: Some(&object), fields: &fields };
        let said: Vec<_> = about.ahead(Act::MarkPaid, &outcome).into_iter().map(|one| (one.said, one.id)).collect();
        let ids = ["order_2", ""];
        let expected: Vec<_> = ahead.iter().zip(ids).map(|(said, id)| ((*said).to_owned(), id.to_owned())).collect();
        assert_eq!(said, expected);
        assert_eq!(about.behind(Act::MarkPaid, &outcome), behind);
    }

    #[test]
    fn an_order_says_what_comes_at_once() {
        let order = |plan: Value, granted: i64| {
            let price = json!({"amount": 2_000, "currency": "USD"});
            json!({"credits": 3_000, "bonus": 0, "plan": plan, "price": price, "granted": granted})
        };
        let term = "Takes the order of Lite, of 20.00 USD, as paid: a term of the plan, with 3,000 credits each cycle.";
        check(
            order(json!("lite"), 3_000),
            &[term, "At once: 3,000 credits."],
            "The order of Lite is paid: 3,000 credits came at once.",
        );
        check(
            order(json!("lite"), 0),
            &[term, "Nothing of it comes at once."],
            "The order of Lite is paid: no credits came at once.",
        );
        check(
            order(Value::Null, 3_000),
            &["Takes the order of Lite, of 20.00 USD, as paid: 3,000 credits at once."],
            "The order of Lite is paid: 3,000 credits.",
        );
    }
}
