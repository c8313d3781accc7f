//! Orders in a record's body.
//!
//! Every entry about an order says it whole, so that the newest is all that has to be found. What most orders do not
//! have (a bonus, an expiry, money that went back) is left out, and marked where it is there. Apart because it is the
//! one part of the format that several kinds of entries share.

use super::bytes::{Problem, Reader, Writer};
use super::event::{read_bool, read_renews, read_terms, write_renews, write_terms};
use crate::amount::Credits;
use crate::catalog::Price;
use crate::entry::OrderChange;
use crate::id::{OrderId, PackageId, ProviderRef};
use crate::order::{
    ClawBack, Dispute, DisputeState, Item, Order, Origin, Paid, PaidBy, PaidCycles, Payment, TakenBack,
};
use crate::plan::PlanTerms;
use crate::saved_method::{SavedMethod, Trouble};
use crate::tally::Tally;
use crate::time::Time;
use crate::top_up::{AutomaticTopUp, Switch, TopUpChange};

pub(super) const CHANGES: [OrderChange; 6] = [
    OrderChange::Placed,
    OrderChange::Sent,
    OrderChange::Expired,
    OrderChange::Failed,
    OrderChange::Noted,
    OrderChange::Paid,
];

pub(super) const fn change_number(change: OrderChange) -> u8 {
    match change {
        OrderChange::Placed => 1,
        OrderChange::Sent => 2,
        OrderChange::Expired => 3,
        OrderChange::Failed => 4,
        OrderChange::Noted => 5,
        OrderChange::Paid => 6,
    }
}

pub(super) fn read_change(number: u8) -> Result<OrderChange, Problem> {
    CHANGES.into_iter().find(|change| change_number(*change) == number).ok_or("an unknown change of an order")
}

// What an order has that most have not, one bit each.
const BONUS: u8 = 0b0000_0001;
const EXPIRES: u8 = 0b0000_0010;
const BONUS_EXPIRES: u8 = 0b0000_0100;
const QUANTITY: u8 = 0b0000_1000;
const REFERENCES: u8 = 0b0001_0000;
const REFUNDED: u8 = 0b0010_0000;
const DISPUTE: u8 = 0b0100_0000;
const TAKEN_BACK: u8 = 0b1000_0000;

// What format 3 added, one bit each.
const COUNTED: u8 = 0b0000_0001;
const FAILED: u8 = 0b0000_0010;
const DISPUTES: u8 = 0b0000_0100;
const SPENT_BACK: u8 = 0b0000_1000;
const GONE_BACK: u8 = 0b0001_0000;
const PAYS: u8 = 0b0010_0000;

/// What an order has that only format 3 can say, beside how it is paid.
fn since_3(order: &Order) -> u8 {
    let present = [
        (COUNTED, order.counted),
        (FAILED, order.refunds_failed != 0),
        (DISPUTES, order.disputes.len() > 1),
        (SPENT_BACK, order.spent_back != TakenBack::default()),
        (GONE_BACK, order.gone_back != TakenBack::default()),
        (PAYS, order.pays.is_some()),
    ];
    present.into_iter().filter(|(_, there)| *there).fold(0, |marks, (bit, _)| marks | bit)
}

/// The lowest format that can say an order.
pub(super) fn lowest_format(order: &Order) -> u8 {
    let renewal = order.origin == Origin::Renewal;
    let inquiry = order.disputes.iter().any(|dispute| dispute.state == DisputeState::Inquiry);
    if renewal || inquiry || since_3(order) != 0 || matches!(order.payment, Payment::Received(_)) { 3 } else { 2 }
}

/// Writes an order in a record of a format.
pub(super) fn write(out: &mut Writer, order: &Order, (format, at): (u8, Time)) {
    let present = [
        (BONUS, !order.bonus.is_zero()),
        (EXPIRES, order.expires_in_days.is_some()),
        (BONUS_EXPIRES, order.bonus_expires_in_days.is_some()),
        (QUANTITY, order.quantity != 1),
        (REFERENCES, !order.references.is_empty()),
        (REFUNDED, order.refunded != 0),
        (DISPUTE, !order.disputes.is_empty()),
        (TAKEN_BACK, order.taken_back != TakenBack::default()),
    ];
    out.byte(present.into_iter().filter(|(_, there)| *there).fold(0, |marks, (bit, _)| marks | bit));
    if format >= 3 {
        out.byte(since_3(order));
    }
    out.number(order.id.seq);
    out.number(u64::from(order.id.index));
    write_item(out, &order.item);
    out.byte(origin_number(order.origin));
    out.byte(policy_number(order.claw_back));
    out.credits(order.credits);
    out.signed(order.price.amount);
    out.text(&order.price.currency);
    out.number(u64::from(order.catalog_version));
    out.time(order.placed_at, at);
    out.time(order.expires_at, at);
    write_payment(out, order.payment, at);
    if !order.bonus.is_zero() {
        out.credits(order.bonus);
    }
    for days in [order.expires_in_days, order.bonus_expires_in_days].into_iter().flatten() {
        out.number(u64::from(days));
    }
    if order.quantity != 1 {
        out.number(u64::from(order.quantity));
    }
    if !order.references.is_empty() {
        out.count(order.references.len());
        order.references.iter().for_each(|reference| out.text(reference.as_str()));
    }
    if order.refunded != 0 {
        out.signed(order.refunded);
    }
    if let Some(dispute) = order.disputes.first() {
        write_dispute(out, dispute);
    }
    write_taken_back(out, order.taken_back);
    write_since_3(out, order, at);
}

/// What only an order in a record of format 3 has.
fn write_since_3(out: &mut Writer, order: &Order, at: Time) {
    if order.refunds_failed != 0 {
        out.signed(order.refunds_failed);
    }
    if let [_, more @ ..] = &order.disputes[..]
        && !more.is_empty()
    {
        out.count(more.len());
        more.iter().for_each(|dispute| write_dispute(out, dispute));
    }
    write_taken_back(out, order.spent_back);
    write_taken_back(out, order.gone_back);
    if let Some(pays) = order.pays {
        out.time(pays.anchor, at);
        out.number(u64::from(pays.first));
        out.number(u64::from(pays.until));
    }
}

fn write_dispute(out: &mut Writer, dispute: &Dispute) {
    out.byte(dispute_number(dispute.state));
    out.signed(dispute.amount);
}

/// Nothing where it is nothing.
fn write_taken_back(out: &mut Writer, taken_back: TakenBack) {
    if taken_back != TakenBack::default() {
        out.credits(taken_back.credits);
        out.credits(taken_back.bonus);
    }
}

fn read_taken_back(body: &mut Reader<'_>) -> Result<TakenBack, Problem> {
    unusual(TakenBack { credits: body.credits()?, bonus: body.credits()? }, TakenBack::default())
}

/// Reads an order.
pub(super) fn read(body: &mut Reader<'_>, (format, at): (u8, Time)) -> Result<Box<Order>, Problem> {
    let marks = body.byte()?;
    let more = if format >= 3 { body.byte()? } else { 0 };
    if more & !(COUNTED | FAILED | DISPUTES | SPENT_BACK | GONE_BACK | PAYS) != 0 {
        return Err("an unknown mark on an order");
    }
    let has = |bit: u8| marks & bit != 0;
    let has_since_3 = |bit: u8| more & bit != 0;
    let id = OrderId { seq: body.number()?, index: super::event::read_index(body)? };
    let item = read_item(body)?;
    let origin = read_origin(body.byte()?)?;
    let claw_back = read_policy(body.byte()?)?;
    let credits = body.credits()?;
    let price = Price { amount: body.signed()?, currency: read_currency(body)? };
    let catalog_version = body.short()?;
    let placed_at = body.time(at)?;
    let expires_at = body.time(at)?;
    let payment = read_payment(body, at)?;
    let bonus = if has(BONUS) { body.some_credits()? } else { Credits::ZERO };
    let expires_in_days = if has(EXPIRES) { Some(body.short()?) } else { None };
    let bonus_expires_in_days = if has(BONUS_EXPIRES) { Some(body.short()?) } else { None };
    let quantity = if has(QUANTITY) { unusual(body.short()?, 1)? } else { 1 };
    let references = if has(REFERENCES) { read_references(body)? } else { Vec::new() };
    let refunded = if has(REFUNDED) { unusual(body.signed()?, 0)? } else { 0 };
    let mut disputes = if has(DISPUTE) { vec![read_dispute(body)?] } else { Vec::new() };
    let none = TakenBack::default();
    let taken_back = if has(TAKEN_BACK) { read_taken_back(body)? } else { none };
    let refunds_failed = if has_since_3(FAILED) { unusual(body.signed()?, 0)? } else { 0 };
    if has_since_3(DISPUTES) {
        let count = super::movement::some(body.count()?)?;
        if disputes.is_empty() {
            return Err("more disputes than the first, but no first");
        }
        for _ in 0..count {
            disputes.push(read_dispute(body)?);
        }
    }
    let spent_back = if has_since_3(SPENT_BACK) { read_taken_back(body)? } else { none };
    let gone_back = if has_since_3(GONE_BACK) { read_taken_back(body)? } else { none };
    let pays = if has_since_3(PAYS) {
        Some(PaidCycles { anchor: body.time(at)?, first: body.short()?, until: body.short()? })
    } else {
        None
    };
    Ok(Box::new(Order {
        id,
        item,
        quantity,
        origin,
        credits,
        bonus,
        expires_in_days,
        bonus_expires_in_days,
        price,
        catalog_version,
        claw_back,
        placed_at,
        expires_at,
        references,
        payment,
        refunded,
        refunds_failed,
        disputes,
        taken_back,
        spent_back,
        gone_back,
        counted: has_since_3(COUNTED),
        pays,
    }))
}

/// A value that is left out where it is the usual one.
fn unusual<T: PartialEq>(value: T, usual: T) -> Result<T, Problem> {
    if value == usual { Err("a value that should have been left out") } else { Ok(value) }
}

fn write_item(out: &mut Writer, item: &Item) {
    match item {
        Item::Package(package) => {
            out.byte(1);
            out.text(package.as_str());
        }
        Item::Plan(terms) => {
            out.byte(2);
            write_terms(out, terms);
            write_renews(out, terms.renews);
        }
    }
}

fn read_item(body: &mut Reader<'_>) -> Result<Item, Problem> {
    match body.byte()? {
        1 => PackageId::parse(body.text()?).map(Item::Package).map_err(|_| "not a package's id"),
        2 => {
            let terms = read_terms(body)?;
            Ok(Item::Plan(PlanTerms { renews: read_renews(body)?, ..terms }))
        }
        _ => Err("an order of an unknown thing"),
    }
}

const fn origin_number(origin: Origin) -> u8 {
    match origin {
        Origin::Asked => 1,
        Origin::Automatic => 2,
        Origin::Renewal => 3,
    }
}

fn read_origin(number: u8) -> Result<Origin, Problem> {
    match number {
        1 => Ok(Origin::Asked),
        2 => Ok(Origin::Automatic),
        3 => Ok(Origin::Renewal),
        _ => Err("an order of unknown origin"),
    }
}

const fn policy_number(policy: ClawBack) -> u8 {
    match policy {
        ClawBack::Debt => 1,
        ClawBack::WriteOff => 2,
    }
}

fn read_policy(number: u8) -> Result<ClawBack, Problem> {
    ClawBack::ALL.into_iter().find(|policy| policy_number(*policy) == number).ok_or("an unknown policy")
}

fn read_currency(body: &mut Reader<'_>) -> Result<Box<str>, Problem> {
    let currency = body.text()?;
    if currency.len() == 3 && currency.bytes().all(|byte| byte.is_ascii_uppercase()) {
        Ok(currency.into())
    } else {
        Err("not a currency")
    }
}

fn write_payment(out: &mut Writer, payment: Payment, at: Time) {
    match payment {
        Payment::Pending => out.byte(1),
        Payment::Failed => out.byte(2),
        Payment::Expired => out.byte(3),
        Payment::Received(since) => {
            out.byte(6);
            out.time(since, at);
        }
        Payment::Paid(paid) => {
            out.byte(match paid.by {
                PaidBy::Provider => 4,
                PaidBy::Operator => 5,
            });
            out.number(paid.seq);
            out.time(paid.at, at);
        }
    }
}

fn read_payment(body: &mut Reader<'_>, at: Time) -> Result<Payment, Problem> {
    let by = match body.byte()? {
        1 => return Ok(Payment::Pending),
        2 => return Ok(Payment::Failed),
        3 => return Ok(Payment::Expired),
        4 => PaidBy::Provider,
        5 => PaidBy::Operator,
        6 => return Ok(Payment::Received(body.time(at)?)),
        _ => return Err("an unknown state of a payment"),
    };
    Ok(Payment::Paid(Paid { seq: body.number()?, at: body.time(at)?, by }))
}

fn read_references(body: &mut Reader<'_>) -> Result<Vec<ProviderRef>, Problem> {
    let read = |body: &mut Reader<'_>| ProviderRef::parse(body.text()?).map_err(|_| "not a provider's id");
    (0..super::movement::some(body.count()?)?).map(|_| read(body)).collect()
}

const fn dispute_number(state: DisputeState) -> u8 {
    match state {
        DisputeState::Open => 1,
        DisputeState::Won => 2,
        DisputeState::Lost => 3,
        DisputeState::Inquiry => 4,
    }
}

fn read_dispute(body: &mut Reader<'_>) -> Result<Dispute, Problem> {
    let state = match body.byte()? {
        1 => DisputeState::Open,
        2 => DisputeState::Won,
        3 => DisputeState::Lost,
        4 => DisputeState::Inquiry,
        _ => return Err("an unknown state of a dispute"),
    };
    Ok(Dispute { state, amount: body.signed()? })
}

/// Writes how often something happened.
pub(super) fn write_tally(out: &mut Writer, tally: &Tally, at: Time) {
    for count in [tally.ever, tally.month, tally.day] {
        out.number(u64::from(count));
    }
    out.time(tally.last, at);
}

/// Reads how often something happened.
pub(super) fn read_tally(body: &mut Reader<'_>, at: Time) -> Result<Tally, Problem> {
    Ok(Tally { ever: body.short()?, month: body.short()?, day: body.short()?, last: body.time(at)? })
}

/// Writes an automatic top-up.
pub(super) fn write_top_up(out: &mut Writer, change: TopUpChange, top_up: &AutomaticTopUp, at: Time) {
    out.byte(top_up_change_number(change));
    out.byte(u8::from(top_up.switch == Switch::On));
    out.byte(u8::from(top_up.armed));
    out.text(top_up.package.as_str());
    out.credits(top_up.below);
    out.credits(top_up.up_to);
    for most in [top_up.per_day, top_up.per_month] {
        out.byte(u8::from(most.is_some()));
        most.into_iter().for_each(|most| out.number(u64::from(most)));
    }
    out.byte(u8::from(top_up.order.is_some()));
    if let Some(order) = top_up.order {
        out.number(order.seq);
        out.number(u64::from(order.index));
    }
    out.number(u64::from(top_up.declines));
    out.byte(u8::from(top_up.waits_until.is_some()));
    if let Some(until) = top_up.waits_until {
        out.time(until, at);
    }
    write_tally(out, &top_up.placed, at);
}

/// Reads an automatic top-up, and what changed about it.
pub(super) fn read_top_up(body: &mut Reader<'_>, at: Time) -> Result<(TopUpChange, Box<AutomaticTopUp>), Problem> {
    let number = body.byte()?;
    let change = TopUpChange::ALL.into_iter().find(|change| top_up_change_number(*change) == number);
    let switch = if read_bool(body)? { Switch::On } else { Switch::Off };
    let armed = read_bool(body)?;
    let package = PackageId::parse(body.text()?).map_err(|_| "not a package's id")?;
    let (below, up_to) = (body.credits()?, body.credits()?);
    let per_day = if read_bool(body)? { Some(body.short()?) } else { None };
    let per_month = if read_bool(body)? { Some(body.short()?) } else { None };
    let order = if read_bool(body)? {
        Some(OrderId { seq: body.number()?, index: super::event::read_index(body)? })
    } else {
        None
    };
    let declines = body.short()?;
    let waits_until = if read_bool(body)? { Some(body.time(at)?) } else { None };
    let placed = read_tally(body, at)?;
    let top_up = AutomaticTopUp {
        package,
        below,
        up_to,
        per_day,
        per_month,
        switch,
        order,
        armed,
        declines,
        waits_until,
        placed,
    };
    Ok((change.ok_or("an unknown change of an automatic top-up")?, Box::new(top_up)))
}

const fn top_up_change_number(change: TopUpChange) -> u8 {
    match change {
        TopUpChange::Set => 1,
        TopUpChange::Ordered => 2,
        TopUpChange::Paid => 3,
        TopUpChange::Declined => 4,
        TopUpChange::Armed => 5,
        TopUpChange::Waits => 6,
        TopUpChange::Stopped => 7,
    }
}

/// Writes a saved payment method.
pub(super) fn write_saved_method(out: &mut Writer, method: SavedMethod) {
    out.byte(method.trouble.map_or(0, trouble_number));
    out.number(method.order.seq);
    out.number(u64::from(method.order.index));
}

/// Reads a saved payment method.
pub(super) fn read_saved_method(body: &mut Reader<'_>) -> Result<SavedMethod, Problem> {
    let number = body.byte()?;
    let trouble = Trouble::ALL.into_iter().find(|trouble| trouble_number(*trouble) == number);
    if trouble.is_none() && number != 0 {
        return Err("an unknown trouble with a payment method");
    }
    let order = OrderId { seq: body.number()?, index: super::event::read_index(body)? };
    Ok(SavedMethod { order, trouble })
}

const fn trouble_number(trouble: Trouble) -> u8 {
    match trouble {
        Trouble::Declined => 1,
        Trouble::AuthenticationNeeded => 2,
        Trouble::Expired => 3,
        Trouble::Removed => 4,
    }
}

/// Writes which order began the provider's subscription.
pub(super) fn write_billing(out: &mut Writer, billing: Option<OrderId>) {
    out.byte(u8::from(billing.is_some()));
    if let Some(order) = billing {
        out.number(order.seq);
        out.number(u64::from(order.index));
    }
}

/// Reads it.
pub(super) fn read_billing(body: &mut Reader<'_>) -> Result<Option<OrderId>, Problem> {
    if !read_bool(body)? {
        return Ok(None);
    }
    Ok(Some(OrderId { seq: body.number()?, index: super::event::read_index(body)? }))
}
