//! Writing an account's JSON object. What is usual (UTC, no name, no debt) is left out.

use std::fmt::{Display, Write as _};

use scrip_core::account::Account;
use scrip_core::hold::{Hold, HoldState, LotPart};
use scrip_core::id::PackageId;
use scrip_core::lot::Lot;
use scrip_core::measure::{MeasureValue, Measures};
use scrip_core::order::{Dispute, DisputeState, Item, Order, Origin, PaidBy, Payment, TakenBack};
use scrip_core::plan::{NextPlan, PlanTerms, Renews, Subscription};
use scrip_core::tally::Tally;
use scrip_core::time::Time;
use scrip_core::top_up::{AutomaticTopUp, Switch};

use crate::trail::Trail;

/// The account's JSON object.
pub(super) fn account(account: &Account, trail: &Trail) -> String {
    let mut json = Json::with_capacity(256);
    json.object(|json| {
        json.field("v").plain(lowest_format(account));
        if let Some(name) = &account.name {
            json.field("name").text(name);
        }
        if account.zone.name() != "UTC" {
            json.field("zone").text(account.zone.name());
        }
        if let Some(project_types) = &account.project_types {
            json.field("project_types").list(project_types.iter(), |json, id| json.text(id.as_str()));
        }
        json.field("opened").time(account.opened_at);
        json.field("last").time(account.last_at);
        if let Some(held) = &account.subscription {
            json.field("subscription");
            subscription(json, held);
        }
        json.field("lots").list(&account.lots, lot);
        if !account.holds.is_empty() {
            json.field("holds").list(&account.holds, hold);
        }
        if !account.debt.is_zero() {
            json.field("debt").plain(account.debt);
        }
        if !account.repaid.is_zero() {
            json.field("repaid").plain(account.repaid);
        }
        if !account.orders.is_empty() {
            json.field("orders").list(&account.orders, order);
        }
        if let Some(held) = &account.top_up {
            json.field("top_up");
            top_up(json, held);
        }
        if let Some(saved) = account.saved_method {
            json.field("saved_method").object(|json| {
                json.field("order").quoted(saved.order);
                if let Some(trouble) = saved.trouble {
                    json.field("trouble").quoted(trouble.word());
                }
            });
        }
        if let Some(order) = account.billing {
            json.field("billing").quoted(order);
        }
        if !account.bought.is_empty() {
            json.field("bought").list(&account.bought, bought);
        }
        json.field("trail").list(trail.positions(), |json, position| json.plain(position));
    });
    json.text
}

/// The lowest version of the shape that can say the account: 2 once it has to do with orders and payments, 3 once it has
/// a saved payment method, a plan that a provider's subscription pays for, lots that count what leaves them unspent, or an order with what was not known of orders before.
pub(super) fn lowest_format(account: &Account) -> u64 {
    let sold = account.lots.iter().any(|lot| lot.sold.is_some());
    if sold || account.orders.iter().any(is_since_3) || account.saved_method.is_some() || account.billing.is_some() {
        return 3;
    }
    let by_payment = |terms: &PlanTerms| terms.renews != Renews::Clock;
    let paid = account.subscription.as_deref().is_some_and(|held| {
        let next = matches!(&held.next, Some(NextPlan::Change(next)) if by_payment(next));
        by_payment(&held.terms) || next || held.paid_until.is_some()
    });
    if account.orders.is_empty() && account.bought.is_empty() && account.top_up.is_none() && !paid { 1 } else { 2 }
}

/// Whether an order says what only version 3 of the shape can.
fn is_since_3(order: &Order) -> bool {
    order.counted
        || order.origin == Origin::Renewal
        || order.refunds_failed != 0
        || order.disputes.len() > 1
        || order.spent_back != TakenBack::default()
        || order.gone_back != TakenBack::default()
        || order.pays.is_some()
        || matches!(order.payment, Payment::Received(_))
}

fn order(json: &mut Json, order: &Order) {
    json.object(|json| {
        json.field("order").quoted(order.id);
        match &order.item {
            Item::Package(package) => json.field("package").text(package.as_str()),
            Item::Plan(bought) => json.field("terms").object(|json| terms(json, bought)),
        }
        match order.origin {
            Origin::Asked => {}
            Origin::Automatic => json.field("origin").text("automatic"),
            Origin::Renewal => json.field("origin").text("renewal"),
        }
        if order.quantity != 1 {
            json.field("quantity").plain(order.quantity);
        }
        json.field("credits").plain(order.credits);
        if !order.bonus.is_zero() {
            json.field("bonus").plain(order.bonus);
        }
        for (name, days) in [("days", order.expires_in_days), ("bonus_days", order.bonus_expires_in_days)] {
            if let Some(days) = days {
                json.field(name).plain(days);
            }
        }
        json.field("price").array(|json| {
            json.item().plain(order.price.amount);
            json.item().text(&order.price.currency);
        });
        json.field("version").plain(order.catalog_version);
        json.field("claw_back").text(order.claw_back.word());
        json.field("placed").time(order.placed_at);
        json.field("expires").time(order.expires_at);
        if !order.references.is_empty() {
            json.field("references").list(&order.references, |json, reference| json.text(reference.as_str()));
        }
        payment(json, order.payment);
        if order.refunded != 0 {
            json.field("refunded").plain(order.refunded);
        }
        if let [first, more @ ..] = &order.disputes[..] {
            dispute(json.field("dispute"), first);
            if !more.is_empty() {
                json.field("disputes").list(more, dispute);
            }
        }
        taken_back(json, "taken_back", order.taken_back);
        if order.refunds_failed != 0 {
            json.field("refunds_failed").plain(order.refunds_failed);
        }
        taken_back(json, "spent_back", order.spent_back);
        taken_back(json, "gone_back", order.gone_back);
        if order.counted {
            json.field("counted").plain(true);
        }
        if let Some(pays) = order.pays {
            json.field("pays").array(|json| {
                json.item().time(pays.anchor);
                json.item().plain(pays.first);
                json.item().plain(pays.until);
            });
        }
    });
}

/// `[state, minor units]`.
fn dispute(json: &mut Json, dispute: &Dispute) {
    json.array(|json| {
        json.item().text(dispute_word(dispute.state));
        json.item().plain(dispute.amount);
    });
}

/// `[credits, bonus]`; nothing where both are zero.
fn taken_back(json: &mut Json, name: &str, taken_back: TakenBack) {
    if taken_back != TakenBack::default() {
        json.field(name).array(|json| {
            json.item().plain(taken_back.credits);
            json.item().plain(taken_back.bonus);
        });
    }
}

/// `"pending"`, `"failed"` or `"expired"`; `["received", when]`; or `[who said that it is paid, entry, when]`.
fn payment(json: &mut Json, payment: Payment) {
    let json = json.field("payment");
    match payment {
        Payment::Pending => json.text("pending"),
        Payment::Failed => json.text("failed"),
        Payment::Expired => json.text("expired"),
        Payment::Received(since) => json.array(|json| {
            json.item().text("received");
            json.item().time(since);
        }),
        Payment::Paid(paid) => json.array(|json| {
            json.item().text(match paid.by {
                PaidBy::Provider => "provider",
                PaidBy::Operator => "operator",
            });
            json.item().plain(paid.seq);
            json.item().time(paid.at);
        }),
    }
}

pub(super) const fn dispute_word(state: DisputeState) -> &'static str {
    match state {
        DisputeState::Inquiry => "inquiry",
        DisputeState::Open => "open",
        DisputeState::Won => "won",
        DisputeState::Lost => "lost",
    }
}

fn top_up(json: &mut Json, top_up: &AutomaticTopUp) {
    json.object(|json| {
        json.field("package").text(top_up.package.as_str());
        json.field("below").plain(top_up.below);
        json.field("up_to").plain(top_up.up_to);
        for (name, most) in [("per_day", top_up.per_day), ("per_month", top_up.per_month)] {
            if let Some(most) = most {
                json.field(name).plain(most);
            }
        }
        if let Some(order) = top_up.order {
            json.field("order").quoted(order);
        }
        json.field("on").plain(top_up.switch == Switch::On);
        json.field("armed").plain(top_up.armed);
        if top_up.declines != 0 {
            json.field("declines").plain(top_up.declines);
        }
        if let Some(until) = top_up.waits_until {
            json.field("waits_until").time(until);
        }
        json.field("placed").array(|json| {
            json.item().plain(top_up.placed.ever);
            json.item().plain(top_up.placed.month);
            json.item().plain(top_up.placed.day);
            json.item().time(top_up.placed.last);
        });
    });
}

/// `[package, ever, in the month, on the day, last]`.
fn bought(json: &mut Json, (package, tally): (&PackageId, &Tally)) {
    json.array(|json| {
        json.item().text(package.as_str());
        json.item().plain(tally.ever);
        json.item().plain(tally.month);
        json.item().plain(tally.day);
        json.item().time(tally.last);
    });
}

fn subscription(json: &mut Json, subscription: &Subscription) {
    json.object(|json| {
        terms(json, &subscription.terms);
        json.field("state").text(subscription.state.word());
        json.field("anchor").time(subscription.anchor);
        if subscription.zone.name() != "UTC" {
            json.field("zone").text(subscription.zone.name());
        }
        json.field("term").plain(subscription.term_start);
        if let Some(reached) = subscription.reached {
            json.field("reached").array(|json| {
                json.item().plain(reached.cycle);
                json.item().plain(reached.allowance);
            });
        }
        match &subscription.next {
            None => {}
            Some(NextPlan::Cancel) => json.field("next").text("cancel"),
            Some(NextPlan::Change(next)) => json.field("next").object(|json| terms(json, next)),
        }
        if let Some(paid_until) = subscription.paid_until {
            json.field("paid").plain(paid_until);
        }
        if let Some(turns_at) = subscription.turns_at {
            json.field("turns").time(turns_at);
        }
    });
}

fn terms(json: &mut Json, terms: &PlanTerms) {
    json.field("plan").text(terms.plan.as_str());
    json.field("allowance").plain(terms.allowance);
    json.field("months").plain(terms.term_months);
    if let Some(cap) = terms.roll_over_cap {
        json.field("cap").plain(cap);
    }
    if let Renews::Payment { grace_days } = terms.renews {
        json.field("grace").plain(grace_days);
    }
}

/// `["lot_2","subscription",10,granted_at,expires_at,granted,remaining,held,frozen]`; zeros at the end are left out, but
/// not before `"order_2",unspent` of a lot that was bought.
fn lot(json: &mut Json, lot: &Lot) {
    json.array(|json| {
        json.item().quoted(lot.id);
        json.item().text(lot.class.word());
        json.item().plain(lot.priority.0);
        json.item().time(lot.granted_at);
        match lot.expires_at {
            None => json.item().plain("null"),
            Some(expires_at) => json.item().time(expires_at),
        }
        json.item().plain(lot.granted);
        json.item().plain(lot.remaining);
        if !lot.held.is_zero() || !lot.frozen.is_zero() || lot.sold.is_some() {
            json.item().plain(lot.held);
        }
        if !lot.frozen.is_zero() || lot.sold.is_some() {
            json.item().plain(lot.frozen);
        }
        if let Some(sold) = lot.sold {
            json.item().quoted(sold.order);
            json.item().plain(sold.unspent);
        }
    });
}

fn hold(json: &mut Json, hold: &Hold) {
    assert!(hold.state == HoldState::Open, "an account keeps open holds alone: {hold:?}");
    json.object(|json| {
        json.field("hold").quoted(hold.id);
        if let Some(name) = &hold.name {
            json.field("name").text(name.as_str());
        }
        if let Some(tool) = &hold.priced.tool {
            json.field("tool").text(tool.as_str());
        }
        if !hold.priced.measures.is_empty() {
            json.field("measures");
            measures(json, &hold.priced.measures);
        }
        json.field("version").plain(hold.priced.catalog_version);
        json.field("credits").plain(hold.credits);
        json.field("parts").list(&hold.parts, part);
        json.field("placed").time(hold.placed_at);
        json.field("expires").time(hold.expires_at);
        json.field("on_excess").text(hold.on_excess.word());
        if let Some(reference) = &hold.reference {
            json.field("reference").text(reference);
        }
        if let Some(member) = &hold.member {
            json.field("member").text(member);
        }
    });
}

fn measures(json: &mut Json, measures: &Measures) {
    json.object(|json| {
        for (name, value) in measures.iter() {
            match value {
                MeasureValue::Number(number) => json.field(name.as_str()).plain(number),
                MeasureValue::Word(word) => json.field(name.as_str()).text(word),
            }
        }
    });
}

fn part(json: &mut Json, part: &LotPart) {
    json.array(|json| {
        json.item().quoted(part.lot);
        json.item().text(part.class.word());
        json.item().plain(part.credits);
    });
}

/// JSON under construction.
struct Json {
    text: String,
}

impl Json {
    fn with_capacity(bytes: usize) -> Json {
        Json { text: String::with_capacity(bytes) }
    }

    /// A value that writes itself as JSON does: a number.
    fn plain(&mut self, value: impl Display) {
        write!(self.text, "{value}").expect("writing to a string cannot fail");
    }

    /// A value that writes itself without anything to escape.
    fn quoted(&mut self, value: impl Display) {
        write!(self.text, "\"{value}\"").expect("writing to a string cannot fail");
    }

    /// A text.
    fn text(&mut self, text: &str) {
        self.text.push_str(&serde_json::to_string(text).expect("a text can always be written"));
    }

    /// An instant in seconds since 1970, with as many decimals as it has.
    fn time(&mut self, time: Time) {
        let (seconds, micros) = (time.micros().div_euclid(1_000_000), time.micros().rem_euclid(1_000_000));
        self.plain(seconds);
        if micros != 0 {
            let decimals = format!(".{micros:06}");
            self.text.push_str(decimals.trim_end_matches('0'));
        }
    }

    fn object(&mut self, fields: impl FnOnce(&mut Json)) {
        self.text.push('{');
        fields(self);
        self.text.push('}');
    }

    fn field(&mut self, name: &str) -> &mut Json {
        self.item();
        self.text.push('"');
        self.text.push_str(name);
        self.text.push_str("\":");
        self
    }

    fn array(&mut self, items: impl FnOnce(&mut Json)) {
        self.text.push('[');
        items(self);
        self.text.push(']');
    }

    /// Makes room for an item of an array or object.
    fn item(&mut self) -> &mut Json {
        if !self.text.ends_with(['[', '{']) {
            self.text.push(',');
        }
        self
    }

    fn list<T>(&mut self, items: impl IntoIterator<Item = T>, mut write: impl FnMut(&mut Json, T)) {
        self.array(|json| {
            for item in items {
                write(json.item(), item);
            }
        });
    }
}
