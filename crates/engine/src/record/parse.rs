//! Reading an account's JSON object. Whatever is lenient here, the comparison with what would be
//! written makes strict again.

use std::collections::BTreeSet;
use std::sync::Arc;

use scrip_core::account::{Account, Recalled};
use scrip_core::amount::Credits;
use scrip_core::catalog::Price;
use scrip_core::hold::{Hold, HoldState, LotPart, OnExcess, Priced};
use scrip_core::id::{
    HoldId, HoldName, LotId, MeasureId, OrderId, PackageId, PlanId, ProjectTypeId, ProviderRef, ToolId,
};
use scrip_core::lot::{Class, Lot, Priority, Sold};
use scrip_core::measure::{Decimal, MeasureValue, Measures};
use scrip_core::order::{
    ClawBack, Dispute, DisputeState, Item, Order, Origin, Paid, PaidBy, PaidCycles, Payment, TakenBack,
};
use scrip_core::plan::{NextPlan, PlanTerms, Reached, Renews, Subscription, SubscriptionState};
use scrip_core::saved_method::{SavedMethod, Trouble};
use scrip_core::tally::Tally;
use scrip_core::time::{Time, Zone};
use scrip_core::top_up::{AutomaticTopUp, Switch};
use serde_json::Value;

use super::write::dispute_word;
use super::{Columns, FORMAT};
use crate::store::StoredAccount;
use crate::trail::Trail;

/// The account of a row.
pub(super) fn account(columns: Columns, text: &str) -> Result<StoredAccount, String> {
    let value: Value =
        serde_json::from_str(text).map_err(|error| format!("an account's row that is not JSON: {error}"))?;
    let row = At { value: &value, path: "account" };
    let format: u64 = row.need("v")?.whole()?;
    if !(1..=FORMAT).contains(&format) {
        return Err(format!("an account's row of format {format}; this scrip knows the formats 1 to {FORMAT}"));
    }
    let account = Account {
        number: columns.number,
        studio: columns.studio,
        id: columns.id,
        name: row.get("name").map(|name| name.text().map(Arc::from)).transpose()?,
        zone: zone(row)?,
        project_types: row
            .get("project_types")
            .map(|types| types.list(|id| id.parsed(ProjectTypeId::parse)).map(BTreeSet::from_iter).map(Arc::new))
            .transpose()?,
        opened_at: row.need("opened")?.time()?,
        seq: columns.seq,
        last_at: row.need("last")?.time()?,
        head: columns.head,
        subscription: row.get("subscription").map(|held| subscription(held).map(Arc::new)).transpose()?,
        lots: row.need("lots")?.list(lot)?,
        holds: row.get("holds").map_or(Ok(Vec::new()), |holds| holds.list(hold))?,
        debt: row.get("debt").map_or(Ok(Credits::ZERO), At::credits)?,
        repaid: row.get("repaid").map_or(Ok(Credits::ZERO), At::credits)?,
        orders: row.get("orders").map_or(Ok(Vec::new()), |orders| orders.list(order))?,
        top_up: row.get("top_up").map(|held| top_up(held).map(Box::new)).transpose()?,
        billing: row.get("billing").map(|order| order.word(OrderId::parse)).transpose()?,
        saved_method: row.get("saved_method").map(saved_method).transpose()?,
        bought: row.get("bought").map_or(Ok(Vec::new()), |packages| packages.list(bought))?.into_iter().collect(),
        recalled: Recalled::default(),
    };
    let trail = Trail::from_positions(row.need("trail")?.list(At::whole)?);
    Ok(StoredAccount { account, trail })
}

fn zone(at: At<'_>) -> Result<Zone, String> {
    at.get("zone").map_or(Ok(Zone::utc()), |zone| zone.parsed(Zone::parse))
}

fn subscription(at: At<'_>) -> Result<Subscription, String> {
    Ok(Subscription {
        terms: terms(at)?,
        state: at.need("state")?.word(SubscriptionState::from_word)?,
        anchor: at.need("anchor")?.time()?,
        zone: zone(at)?,
        term_start: at.need("term")?.whole()?,
        reached: at
            .get("reached")
            .map(|reached| {
                Ok::<_, String>(Reached { cycle: reached.item(0)?.whole()?, allowance: reached.item(1)?.credits()? })
            })
            .transpose()?,
        next: match at.get("next") {
            None => None,
            Some(next) if next.value.is_string() => {
                Some(next.word(|word| (word == "cancel").then_some(NextPlan::Cancel))?)
            }
            Some(next) => Some(NextPlan::Change(terms(next)?)),
        },
        paid_until: at.get("paid").map(At::whole).transpose()?,
        turns_at: at.get("turns").map(At::time).transpose()?,
    })
}

fn terms(at: At<'_>) -> Result<PlanTerms, String> {
    Ok(PlanTerms {
        plan: at.need("plan")?.parsed(PlanId::parse)?,
        allowance: at.need("allowance")?.credits()?,
        term_months: at.need("months")?.whole()?,
        roll_over_cap: at.get("cap").map(At::credits).transpose()?,
        renews: match at.get("grace") {
            Some(days) => Renews::Payment { grace_days: days.whole()? },
            None => Renews::Clock,
        },
    })
}

fn lot(at: At<'_>) -> Result<Lot, String> {
    let expires_at = at.item(4)?;
    let or_zero = |place| at.item(place).map_or(Ok(Credits::ZERO), At::credits);
    Ok(Lot {
        id: at.item(0)?.word(LotId::parse)?,
        class: at.item(1)?.word(Class::from_word)?,
        priority: Priority(at.item(2)?.whole()?),
        granted_at: at.item(3)?.time()?,
        expires_at: if expires_at.value.is_null() { None } else { Some(expires_at.time()?) },
        granted: at.item(5)?.credits()?,
        remaining: at.item(6)?.credits()?,
        held: or_zero(7)?,
        frozen: or_zero(8)?,
        sold: at.item(9).map_or(Ok(None), |order| sold(order, at).map(Some))?,
    })
}

fn sold(order: At<'_>, lot: At<'_>) -> Result<Sold, String> {
    Ok(Sold { order: order.word(OrderId::parse)?, unspent: lot.item(10)?.credits()? })
}

fn hold(at: At<'_>) -> Result<Hold, String> {
    let text = |name| at.get(name).map(|text| text.text().map(Box::from)).transpose();
    Ok(Hold {
        id: at.need("hold")?.word(HoldId::parse)?,
        name: at.get("name").map(|name| name.parsed(HoldName::parse)).transpose()?,
        priced: Priced {
            tool: at.get("tool").map(|tool| tool.parsed(ToolId::parse)).transpose()?,
            measures: at.get("measures").map_or(Ok(Measures::none()), measures)?,
            catalog_version: at.need("version")?.whole()?,
        },
        credits: at.need("credits")?.credits()?,
        parts: at.need("parts")?.list(part)?,
        placed_at: at.need("placed")?.time()?,
        expires_at: at.need("expires")?.time()?,
        on_excess: at.need("on_excess")?.word(OnExcess::from_word)?,
        reference: text("reference")?,
        member: text("member")?,
        state: HoldState::Open,
    })
}

fn order(at: At<'_>) -> Result<Order, String> {
    let days = |name| at.get(name).map(At::whole).transpose();
    let price = at.need("price")?;
    let taken_back = |name| match at.get(name) {
        Some(taken) => {
            Ok::<_, String>(TakenBack { credits: taken.item(0)?.credits()?, bonus: taken.item(1)?.credits()? })
        }
        None => Ok(TakenBack::default()),
    };
    Ok(Order {
        id: at.need("order")?.word(OrderId::parse)?,
        item: match at.get("terms") {
            Some(bought) => Item::Plan(terms(bought)?),
            None => Item::Package(at.need("package")?.parsed(PackageId::parse)?),
        },
        quantity: at.get("quantity").map_or(Ok(1), At::whole)?,
        origin: at.get("origin").map_or(Ok(Origin::Asked), |origin| {
            origin.word(|word| match word {
                "automatic" => Some(Origin::Automatic),
                "renewal" => Some(Origin::Renewal),
                _ => None,
            })
        })?,
        credits: at.need("credits")?.credits()?,
        bonus: at.get("bonus").map_or(Ok(Credits::ZERO), At::credits)?,
        expires_in_days: days("days")?,
        bonus_expires_in_days: days("bonus_days")?,
        price: Price { amount: price.item(0)?.whole()?, currency: price.item(1)?.text()?.into() },
        catalog_version: at.need("version")?.whole()?,
        claw_back: at.need("claw_back")?.word(ClawBack::from_word)?,
        placed_at: at.need("placed")?.time()?,
        expires_at: at.need("expires")?.time()?,
        references: at
            .get("references")
            .map_or(Ok(Vec::new()), |all| all.list(|reference| reference.parsed(ProviderRef::parse)))?,
        payment: payment(at.need("payment")?)?,
        refunded: at.get("refunded").map_or(Ok(0), At::whole)?,
        refunds_failed: at.get("refunds_failed").map_or(Ok(0), At::whole)?,
        disputes: disputes(at)?,
        taken_back: taken_back("taken_back")?,
        spent_back: taken_back("spent_back")?,
        gone_back: taken_back("gone_back")?,
        counted: at.get("counted").is_some(),
        pays: at.get("pays").map(pays).transpose()?,
    })
}

fn disputes(at: At<'_>) -> Result<Vec<Dispute>, String> {
    let mut all: Vec<Dispute> = at.get("dispute").map(dispute).transpose()?.into_iter().collect();
    all.extend(at.get("disputes").map_or(Ok(Vec::new()), |more| more.list(dispute))?);
    Ok(all)
}

fn pays(at: At<'_>) -> Result<PaidCycles, String> {
    Ok(PaidCycles { anchor: at.item(0)?.time()?, first: at.item(1)?.whole()?, until: at.item(2)?.whole()? })
}

fn payment(at: At<'_>) -> Result<Payment, String> {
    if at.value.is_string() {
        return at.word(|word| match word {
            "pending" => Some(Payment::Pending),
            "failed" => Some(Payment::Failed),
            "expired" => Some(Payment::Expired),
            _ => None,
        });
    }
    if at.item(0)?.text()? == "received" {
        return Ok(Payment::Received(at.item(1)?.time()?));
    }
    let by = at.item(0)?.word(|word| match word {
        "provider" => Some(PaidBy::Provider),
        "operator" => Some(PaidBy::Operator),
        _ => None,
    })?;
    Ok(Payment::Paid(Paid { seq: at.item(1)?.whole()?, at: at.item(2)?.time()?, by }))
}

fn dispute(at: At<'_>) -> Result<Dispute, String> {
    let states = [DisputeState::Inquiry, DisputeState::Open, DisputeState::Won, DisputeState::Lost];
    let state = at.item(0)?.word(|word| states.into_iter().find(|state| dispute_word(*state) == word))?;
    Ok(Dispute { state, amount: at.item(1)?.whole()? })
}

fn top_up(at: At<'_>) -> Result<AutomaticTopUp, String> {
    let truth = |name| {
        let found = at.need(name)?;
        found.value.as_bool().ok_or_else(|| found.wrong("true or false"))
    };
    let most = |name| at.get(name).map(At::whole).transpose();
    let placed = at.need("placed")?;
    Ok(AutomaticTopUp {
        package: at.need("package")?.parsed(PackageId::parse)?,
        below: at.need("below")?.credits()?,
        up_to: at.need("up_to")?.credits()?,
        per_day: most("per_day")?,
        per_month: most("per_month")?,
        switch: if truth("on")? { Switch::On } else { Switch::Off },
        order: at.get("order").map(|order| order.word(OrderId::parse)).transpose()?,
        armed: truth("armed")?,
        declines: at.get("declines").map_or(Ok(0), At::whole)?,
        waits_until: at.get("waits_until").map(At::time).transpose()?,
        placed: Tally {
            ever: placed.item(0)?.whole()?,
            month: placed.item(1)?.whole()?,
            day: placed.item(2)?.whole()?,
            last: placed.item(3)?.time()?,
        },
    })
}

fn saved_method(at: At<'_>) -> Result<SavedMethod, String> {
    Ok(SavedMethod {
        order: at.need("order")?.word(OrderId::parse)?,
        trouble: at.get("trouble").map(|trouble| trouble.word(Trouble::from_word)).transpose()?,
    })
}

fn bought(at: At<'_>) -> Result<(PackageId, Tally), String> {
    let tally = Tally {
        ever: at.item(1)?.whole()?,
        month: at.item(2)?.whole()?,
        day: at.item(3)?.whole()?,
        last: at.item(4)?.time()?,
    };
    Ok((at.item(0)?.parsed(PackageId::parse)?, tally))
}

fn measures(at: At<'_>) -> Result<Measures, String> {
    let mut measures = Measures::none();
    for (name, value) in at.value.as_object().ok_or_else(|| at.wrong("an object"))? {
        let value = match value {
            Value::String(word) => MeasureValue::Word(word.as_str().into()),
            Value::Number(number) => {
                MeasureValue::Number(Decimal::parse(number.as_str()).map_err(|error| error.to_string())?)
            }
            _ => return Err(at.wrong("numbers and words")),
        };
        let name = MeasureId::parse(name).map_err(|error| error.to_string())?;
        if !measures.insert(name, value) {
            return Err(at.wrong("each measure once"));
        }
    }
    Ok(measures)
}

fn part(at: At<'_>) -> Result<LotPart, String> {
    Ok(LotPart {
        lot: at.item(0)?.word(LotId::parse)?,
        class: at.item(1)?.word(Class::from_word)?,
        credits: at.item(2)?.credits()?,
    })
}

/// A value and the name under which it was found.
#[derive(Clone, Copy)]
struct At<'a> {
    value: &'a Value,
    path: &'static str,
}

impl<'a> At<'a> {
    fn get(self, name: &'static str) -> Option<At<'a>> {
        self.value.get(name).map(|value| At { value, path: name })
    }

    fn need(self, name: &'static str) -> Result<At<'a>, String> {
        self.get(name).ok_or_else(|| format!("an account's row without {name} in {}", self.path))
    }

    fn item(self, place: usize) -> Result<At<'a>, String> {
        let value = self.value.get(place).ok_or_else(|| self.wrong("a longer array"))?;
        Ok(At { value, path: self.path })
    }

    fn list<T>(self, read: impl Fn(At<'a>) -> Result<T, String>) -> Result<Vec<T>, String> {
        let items = self.value.as_array().ok_or_else(|| self.wrong("an array"))?;
        items.iter().map(|value| read(At { value, path: self.path })).collect()
    }

    fn text(self) -> Result<&'a str, String> {
        self.value.as_str().ok_or_else(|| self.wrong("a text"))
    }

    fn word<T>(self, known: impl Fn(&str) -> Option<T>) -> Result<T, String> {
        known(self.text()?).ok_or_else(|| self.wrong("a word that is known"))
    }

    fn parsed<T, E: std::fmt::Display>(self, parse: impl Fn(&str) -> Result<T, E>) -> Result<T, String> {
        parse(self.text()?).map_err(|error| self.wrong(&error.to_string()))
    }

    /// A number's own digits.
    fn digits(self) -> Result<&'a str, String> {
        match self.value {
            Value::Number(number) => Ok(number.as_str()),
            _ => Err(self.wrong("a number")),
        }
    }

    fn whole<T: std::str::FromStr>(self) -> Result<T, String> {
        self.digits()?.parse().map_err(|_| self.wrong("a whole number within its range"))
    }

    fn credits(self) -> Result<Credits, String> {
        Credits::parse(self.digits()?).map_err(|error| self.wrong(&format!("an amount of credits ({error})")))
    }

    /// Seconds with at most six decimals.
    fn time(self) -> Result<Time, String> {
        let digits = self.digits()?;
        let (seconds, decimals) = digits.split_once('.').unwrap_or((digits, ""));
        let micros = format!("{seconds}{decimals:0<6}");
        let time = micros.parse().map(Time::from_micros).map_err(|_| self.wrong("seconds since 1970"))?;
        if decimals.len() <= 6 && (Time::EPOCH..=Time::MAX).contains(&time) {
            Ok(time)
        } else {
            Err(self.wrong("seconds since 1970 with at most six decimals"))
        }
    }

    fn wrong(self, expected: &str) -> String {
        format!("an account's row whose {} is not {expected}", self.path)
    }
}
