//! What an act is done to, as people know it: a job by its tool and reference, a lot by its class, an order by what it buys.
//!
//! Apart because the form, the preview and what is said afterwards must call it alike. Its id goes with the name, for who must
//! find it elsewhere. It changes nothing.

use scrip_api::balance::{BalanceShown, LotShown};
use scrip_api::entry::EntriesShown;
use scrip_api::hold::HoldShown;
use scrip_api::order::OrderShown;
use scrip_core::id::AccountId;

use super::deed::{self, Act};
use super::desk::{Denied, Desk};
use super::words::{self, Names};
use crate::trouble::Trouble;

/// Something of an account.
pub(super) struct Object {
    /// Its name for people; its id where there is nothing of this id.
    pub(super) name: String,
    /// Its id.
    pub(super) id: String,
    /// The lot that it is.
    pub(super) lot: Option<LotShown>,
}

impl Object {
    /// What an act was done to, by its id alone; `None` for an act on the account itself.
    pub(super) fn by_id((act, of): (Act, &str)) -> Option<Object> {
        let named = act.takes_object() && !of.is_empty();
        named.then(|| Object { name: of.to_owned(), id: of.to_owned(), lot: None })
    }

    /// Finds what an act is to be done to; `None` for an act on the account itself.
    pub(super) async fn find(
        desk: &Desk,
        names: &Names,
        account: &AccountId,
        (act, of): (Act, &str),
    ) -> Result<Option<Object>, Denied> {
        if !act.takes_object() || of.is_empty() {
            return Ok(None);
        }
        let found = if deed::is_id(of) { found(desk, names, account, (act, of)).await } else { Ok(None) };
        let (name, lot) = match found {
            Ok(Some(found)) => found,
            Ok(None) => (of.to_owned(), None),
            // There is no such thing: the act itself will say so.
            Err(Denied(Trouble::Problem(problem))) if problem.status < 500 => (of.to_owned(), None),
            Err(denied) => return Err(denied),
        };
        Ok(Some(Object { name, id: of.to_owned(), lot }))
    }
}

async fn found(
    desk: &Desk,
    names: &Names,
    account: &AccountId,
    (act, of): (Act, &str),
) -> Result<Option<(String, Option<LotShown>)>, Denied> {
    Ok(match act {
        Act::Refund => {
            let path = format!("/accounts/{account}/entries?kind=settle,charge&charge={of}&limit=1");
            let made = desk.get::<EntriesShown>(&path).await?.entries.into_iter().next();
            made.map(|made| (job(names, made.tool.as_deref(), made.reference.as_deref()), None))
        }
        Act::Revoke => {
            let balance: BalanceShown = desk.get(&format!("/accounts/{account}/balance")).await?;
            let lot = balance.lots.into_iter().find(|lot| lot.lot == of);
            lot.map(|lot| (format!("{} credits", words::class(&lot.class)), Some(lot)))
        }
        Act::Release => {
            let hold: HoldShown = desk.get(&format!("/accounts/{account}/holds/{of}")).await?;
            // A name of the studio's own says more than scrip's id.
            let own = Some(hold.hold.as_str()).filter(|name| *name != hold.id);
            Some((job(names, hold.tool.as_deref(), hold.reference.as_deref().or(own)), None))
        }
        Act::MarkPaid => {
            let order: OrderShown = desk.get(&format!("/accounts/{account}/orders/{of}")).await?;
            Some((names.bought(order.package.as_deref(), order.plan.as_deref()).to_owned(), None))
        }
        Act::Grant | Act::WriteOff | Act::Plan | Act::CancelPlan | Act::KeepPlan => None,
    })
}

/// A job, by its tool and the studio's reference.
fn job(names: &Names, tool: Option<&str>, reference: Option<&str>) -> String {
    let tool = tool.map_or("a job without a tool", |tool| names.tool(tool));
    match reference {
        Some(reference) => format!("{tool}, {reference}"),
        None => tool.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_job_goes_by_its_tool_and_its_reference() {
        let names = Names(None);
        for (tool, reference, expected) in [
            (Some("live-action"), Some("shot 12"), "live-action, shot 12"),
            (Some("live-action"), None, "live-action"),
            (None, Some("shot 12"), "a job without a tool, shot 12"),
            (None, None, "a job without a tool"),
        ] {
            assert_eq!(job(&names, tool, reference), expected);
        }
    }
}
