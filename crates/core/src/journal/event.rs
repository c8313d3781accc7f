//! What happened, in a record's body.
//!
//! An amount that the entry's movements already say (what a charge took, what a release freed) is
//! not written again: a flag marks the rare entry where it differs, and is refused where it does not.

use super::bytes::{Problem, Reader, Writer};
use super::movement::{
    lowest_format_of_lots, lowest_format_of_revived, read_parts, read_revived, write_parts, write_revived,
};
use super::{order, text};
use crate::amount::Credits;
use crate::entry::{Act, Entry, Event, HoldSettled, Kind, LotChange, Refunded, SubscriptionChange};
use crate::hold::{Hold, HoldState, LotPart, OnExcess, Priced};
use crate::id::{ChargeId, HoldId, HoldName, LotId, MeasureId, PlanId, ProjectTypeId, StudioNumber, ToolId};
use crate::measure::{Decimal, MeasureValue, Measures};
use crate::plan::{NextPlan, PlanTerms, Reached, Renews, Subscription, SubscriptionState};
use crate::time::{Time, Zone};

/// What the rest of the record says of an event.
#[derive(Debug)]
pub(super) struct Context<'a> {
    /// The record's format.
    pub(super) format: u8,
    pub(super) seq: u64,
    pub(super) at: Time,
    pub(super) tool: Option<&'a ToolId>,
    pub(super) credits: Credits,
    pub(super) held: Credits,
    pub(super) debt: Credits,
    pub(super) lots: &'a [LotChange],
}

impl Context<'_> {
    /// What an entry that charges takes.
    fn charged(&self) -> Credits {
        -self.credits
    }

    /// What an entry that settles frees: what it unholds and does not take.
    fn freed_by_settling(&self) -> Credits {
        (-self.held - self.charged()).or_zero()
    }

    /// What an entry that only frees frees.
    fn freed(&self) -> Credits {
        -self.held
    }

    /// What a refund gives back: to lots, and off the debt.
    fn given_back(&self) -> Credits {
        self.credits - self.debt
    }

    /// What an entry that holds holds of which lot.
    fn held_parts(&self) -> Vec<LotPart> {
        self.lots
            .iter()
            .filter(|change| change.held.is_positive())
            .map(|change| LotPart { lot: change.lot, class: change.class, credits: change.held })
            .collect()
    }
}

/// Marks which of an event's optional amounts are written, one bit each, in the order they are asked about.
struct Flags(u8);

impl Flags {
    fn bit(place: u8, set: bool) -> u8 {
        u8::from(set) << place
    }

    fn has(&self, place: u8) -> bool {
        self.0 & (1 << place) != 0
    }

    fn read(body: &mut Reader<'_>, places: u8) -> Result<Flags, Problem> {
        let flags = body.byte()?;
        if flags >> places == 0 { Ok(Flags(flags)) } else { Err("an unknown mark on an event") }
    }

    /// An amount that is written only where it is not the usual one.
    fn credits(&self, place: u8, body: &mut Reader<'_>, usual: Credits) -> Result<Credits, Problem> {
        if !self.has(place) {
            return if usual.within_limit() { Ok(usual) } else { Err("an amount beyond the limit") };
        }
        let credits = body.credits()?;
        if credits == usual { Err("an amount that should have been left out") } else { Ok(credits) }
    }
}

fn write_unless_usual(out: &mut Writer, credits: Credits, usual: Credits) {
    if credits != usual {
        out.credits(credits);
    }
}

/// The lowest record format that can say this entry.
pub(super) fn lowest_format(entry: &Entry) -> u8 {
    lowest_format_of(&entry.event).max(lowest_format_of_lots(&entry.lots)).max(text::lowest_format(&entry.texts.fields))
}

/// The lowest record format that has this event: 1 for what the first version knew. An event that gets a new shape
/// keeps its old one, and its number here, for what that could say.
fn lowest_format_of(event: &Event) -> u8 {
    match event {
        Event::AccountOpened { .. }
        | Event::AccountChanged { .. }
        | Event::RolledOver
        | Event::LotExpired
        | Event::HoldPlaced { .. }
        | Event::HoldExtended { .. }
        | Event::HoldSettled(_)
        | Event::HoldReleased { .. }
        | Event::HoldExpired { .. }
        | Event::Charged { .. }
        | Event::Granted
        | Event::Revoked { .. }
        | Event::DebtRecorded { .. }
        | Event::DebtRepaid
        | Event::WentUncollected { .. } => 1,
        Event::Refunded(refunded) => lowest_format_of_revived(&refunded.revived),
        Event::SubscriptionChanged { change: SubscriptionChange::Paid, .. } => 2,
        Event::SubscriptionChanged { change: SubscriptionChange::Unpaid, .. } => 3,
        Event::SubscriptionChanged { subscription, .. } => {
            if subscription.as_ref().is_some_and(renews_by_payment) {
                2
            } else {
                1
            }
        }
        Event::Refilled { subscription, .. } => {
            if renews_by_payment(subscription) {
                2
            } else {
                1
            }
        }
        Event::AccountErased | Event::AutomaticTopUpChanged { .. } => 2,
        Event::OrderChanged { order, .. }
        | Event::OrderPaid { order, .. }
        | Event::LotsFrozen { order }
        | Event::LotsUnfrozen { order }
        | Event::ClawedBack { order, .. } => order::lowest_format(order),
        Event::SavedMethodChanged { .. }
        | Event::BillingChanged { .. }
        | Event::GivenBack { .. }
        | Event::Acted { .. } => 3,
    }
}

/// Writes what happened.
pub(super) fn write(out: &mut Writer, entry: &Entry, context: &Context<'_>) {
    match &entry.event {
        Event::AccountOpened { studio, zone, project_types } => {
            out.byte(0);
            out.number(u64::from(studio.0));
            write_settings(out, zone, project_types.as_deref());
        }
        Event::AccountChanged { zone, project_types } => {
            out.byte(1);
            write_settings(out, zone, project_types.as_deref());
        }
        Event::SubscriptionChanged { change, subscription } => {
            out.byte(change_number(*change));
            out.byte(u8::from(subscription.is_some()));
            if let Some(subscription) = subscription {
                write_subscription(out, subscription, context.at);
                if context.format >= 2 {
                    write_payments(out, subscription);
                }
            }
        }
        Event::Refilled { plan, cycle, subscription } => {
            out.text(plan.as_str());
            out.number(u64::from(*cycle));
            write_subscription(out, subscription, context.at);
            if context.format >= 2 {
                write_payments(out, subscription);
            }
        }
        Event::RolledOver | Event::LotExpired | Event::Granted | Event::DebtRepaid | Event::AccountErased => {}
        Event::Acted { act } => out.byte(act.number()),
        Event::HoldPlaced { hold } => write_hold(out, hold, context),
        Event::HoldExtended { hold, tool: _, expires_at } => {
            write_hold_id(out, *hold);
            out.time(*expires_at, context.at);
        }
        Event::HoldSettled(settled) => write_settled(out, settled, context),
        Event::HoldReleased { hold, tool: _, freed } | Event::HoldExpired { hold, tool: _, freed } => {
            out.byte(Flags::bit(0, *freed != context.freed()));
            write_hold_id(out, *hold);
            write_unless_usual(out, *freed, context.freed());
        }
        Event::Charged { priced, credits } => {
            out.byte(Flags::bit(0, *credits != context.charged()));
            write_priced(out, priced);
            write_unless_usual(out, *credits, context.charged());
        }
        Event::Refunded(refunded) => write_refunded(out, refunded, context),
        Event::Revoked { lot } => {
            out.number(lot.seq);
            out.number(u64::from(lot.index));
        }
        Event::DebtRecorded { charge, tool: _ } => write_charge_id(out, *charge),
        Event::WentUncollected { charge, tool: _, credits } => {
            out.byte(Flags::bit(0, charge.is_some()));
            if let Some(charge) = charge {
                write_charge_id(out, *charge);
            }
            out.credits(*credits);
        }
        Event::OrderChanged { change, order } => {
            out.byte(order::change_number(*change));
            order::write(out, order, (context.format, context.at));
        }
        Event::OrderPaid { order, bought } => {
            order::write(out, order, (context.format, context.at));
            order::write_tally(out, bought, context.at);
        }
        Event::AutomaticTopUpChanged { change, top_up } => order::write_top_up(out, *change, top_up, context.at),
        Event::BillingChanged { billing } => order::write_billing(out, *billing),
        Event::SavedMethodChanged { method } => order::write_saved_method(out, *method),
        Event::LotsFrozen { order } | Event::LotsUnfrozen { order } => {
            order::write(out, order, (context.format, context.at))
        }
        Event::GivenBack { order, revived, repaid_back } => {
            out.credits(*repaid_back);
            write_revived(out, revived, context.at);
            order::write(out, order, (context.format, context.at));
        }
        Event::ClawedBack { order, uncollected } => {
            out.credits(*uncollected);
            order::write(out, order, (context.format, context.at));
        }
    }
}

/// Reads what happened.
pub(super) fn read(body: &mut Reader<'_>, kind: Kind, context: &Context<'_>) -> Result<Event, Problem> {
    if context.tool.is_some() && !has_tool(kind) {
        return Err("a tool where none belongs");
    }
    let tool = context.tool.cloned();
    Ok(match kind {
        Kind::Account => read_account(body)?,
        Kind::PlanChange => {
            let change = read_change(body.byte()?)?;
            let subscription = if read_bool(body)? { Some(read_subscription(body, context)?) } else { None };
            Event::SubscriptionChanged { change, subscription }
        }
        Kind::Refill => {
            let plan = read_plan(body)?;
            let cycle = body.short()?;
            Event::Refilled { plan, cycle, subscription: read_subscription(body, context)? }
        }
        Kind::RollOver => Event::RolledOver,
        Kind::Expiry => Event::LotExpired,
        Kind::Hold => Event::HoldPlaced { hold: read_hold(body, context)? },
        Kind::Extend => Event::HoldExtended { hold: read_hold_id(body)?, tool, expires_at: body.time(context.at)? },
        Kind::Settle => Event::HoldSettled(read_settled(body, context)?),
        Kind::Release => {
            let (hold, freed) = read_freed(body, context)?;
            Event::HoldReleased { hold, tool, freed }
        }
        Kind::HoldExpired => {
            let (hold, freed) = read_freed(body, context)?;
            Event::HoldExpired { hold, tool, freed }
        }
        Kind::Charge => {
            let flags = Flags::read(body, 1)?;
            let priced = read_priced(body, context)?;
            Event::Charged { priced, credits: flags.credits(0, body, context.charged())? }
        }
        Kind::Refund => Event::Refunded(read_refunded(body, context)?),
        Kind::Grant => Event::Granted,
        Kind::Revoke => Event::Revoked { lot: LotId { seq: body.number()?, index: read_index(body)? } },
        Kind::Debt => Event::DebtRecorded { charge: read_charge_id(body)?, tool },
        Kind::DebtRepaid => Event::DebtRepaid,
        Kind::Uncollected => {
            let flags = Flags::read(body, 1)?;
            let charge = if flags.has(0) { Some(read_charge_id(body)?) } else { None };
            Event::WentUncollected { charge, tool, credits: body.credits()? }
        }
        Kind::Erasure => Event::AccountErased,
        Kind::Act => Event::Acted { act: Act::from_number(body.byte()?).ok_or("an act that is not known")? },
        Kind::Order => {
            let change = order::read_change(body.byte()?)?;
            Event::OrderChanged { change, order: order::read(body, (context.format, context.at))? }
        }
        Kind::TopUp => {
            let order = order::read(body, (context.format, context.at))?;
            Event::OrderPaid { order, bought: order::read_tally(body, context.at)? }
        }
        Kind::AutomaticTopUp => {
            let (change, top_up) = order::read_top_up(body, context.at)?;
            Event::AutomaticTopUpChanged { change, top_up }
        }
        Kind::Billing => Event::BillingChanged { billing: order::read_billing(body)? },
        Kind::SavedMethod => Event::SavedMethodChanged { method: order::read_saved_method(body)? },
        Kind::Freeze => Event::LotsFrozen { order: order::read(body, (context.format, context.at))? },
        Kind::Unfreeze => Event::LotsUnfrozen { order: order::read(body, (context.format, context.at))? },
        Kind::GiveBack => {
            let repaid_back = body.credits()?;
            let revived = read_revived(body, context.at)?;
            Event::GivenBack { order: order::read(body, (context.format, context.at))?, revived, repaid_back }
        }
        Kind::ClawBack => {
            let uncollected = body.credits()?;
            Event::ClawedBack { order: order::read(body, (context.format, context.at))?, uncollected }
        }
    })
}

/// Whether entries of this kind may be about a tool.
const fn has_tool(kind: Kind) -> bool {
    match kind {
        Kind::Hold
        | Kind::Extend
        | Kind::Settle
        | Kind::Release
        | Kind::HoldExpired
        | Kind::Charge
        | Kind::Refund
        | Kind::Debt
        | Kind::Uncollected => true,
        Kind::Account
        | Kind::PlanChange
        | Kind::Refill
        | Kind::RollOver
        | Kind::Expiry
        | Kind::Grant
        | Kind::Revoke
        | Kind::DebtRepaid
        | Kind::Erasure
        | Kind::TopUp
        | Kind::Freeze
        | Kind::Unfreeze
        | Kind::ClawBack
        | Kind::Order
        | Kind::AutomaticTopUp
        | Kind::SavedMethod
        | Kind::Billing
        | Kind::GiveBack
        | Kind::Act => false,
    }
}

pub(super) fn read_bool(body: &mut Reader<'_>) -> Result<bool, Problem> {
    match body.byte()? {
        0 => Ok(false),
        1 => Ok(true),
        _ => Err("neither yes nor no"),
    }
}

// Accounts.

fn write_settings(out: &mut Writer, zone: &Zone, project_types: Option<&[ProjectTypeId]>) {
    out.text(zone.name());
    out.byte(u8::from(project_types.is_some()));
    if let Some(project_types) = project_types {
        out.count(project_types.len());
        for project_type in project_types {
            out.text(project_type.as_str());
        }
    }
}

fn read_account(body: &mut Reader<'_>) -> Result<Event, Problem> {
    let changed = read_bool(body)?;
    let studio = if changed { None } else { Some(StudioNumber(body.short()?)) };
    let zone = read_zone(body)?;
    let project_types = if read_bool(body)? {
        let read = |body: &mut Reader<'_>| ProjectTypeId::parse(body.text()?).map_err(|_| "not a project type's id");
        Some((0..body.count()?).map(|_| read(body)).collect::<Result<_, _>>()?)
    } else {
        None
    };
    Ok(match studio {
        Some(studio) => Event::AccountOpened { studio, zone, project_types },
        None => Event::AccountChanged { zone, project_types },
    })
}

fn read_zone(body: &mut Reader<'_>) -> Result<Zone, Problem> {
    const WRONG: Problem = "not a time zone that is known here";
    let name = body.text()?;
    let zone = Zone::parse(name).map_err(|_| WRONG)?;
    if zone.name() == name { Ok(zone) } else { Err(WRONG) }
}

// Plans.

pub(super) const CHANGES: [SubscriptionChange; 9] = [
    SubscriptionChange::Started,
    SubscriptionChange::Changed,
    SubscriptionChange::Scheduled,
    SubscriptionChange::Unscheduled,
    SubscriptionChange::StateChanged,
    SubscriptionChange::TookEffect,
    SubscriptionChange::Ended,
    SubscriptionChange::Paid,
    SubscriptionChange::Unpaid,
];

const fn change_number(change: SubscriptionChange) -> u8 {
    match change {
        SubscriptionChange::Started => 1,
        SubscriptionChange::Changed => 2,
        SubscriptionChange::Scheduled => 3,
        SubscriptionChange::Unscheduled => 4,
        SubscriptionChange::StateChanged => 5,
        SubscriptionChange::TookEffect => 6,
        SubscriptionChange::Ended => 7,
        SubscriptionChange::Paid => 8,
        SubscriptionChange::Unpaid => 9,
    }
}

fn read_change(number: u8) -> Result<SubscriptionChange, Problem> {
    CHANGES.into_iter().find(|change| change_number(*change) == number).ok_or("an unknown change of a subscription")
}

const STATES: [SubscriptionState; 3] =
    [SubscriptionState::Active, SubscriptionState::PastDue, SubscriptionState::Paused];

const fn state_number(state: SubscriptionState) -> u8 {
    match state {
        SubscriptionState::Active => 1,
        SubscriptionState::PastDue => 2,
        SubscriptionState::Paused => 3,
    }
}

fn write_subscription(out: &mut Writer, subscription: &Subscription, at: Time) {
    out.byte(state_number(subscription.state));
    write_terms(out, &subscription.terms);
    out.time(subscription.anchor, at);
    out.text(subscription.zone.name());
    out.number(u64::from(subscription.term_start));
    out.byte(u8::from(subscription.reached.is_some()));
    if let Some(reached) = subscription.reached {
        out.number(u64::from(reached.cycle));
        out.credits(reached.allowance);
    }
    match &subscription.next {
        None => out.byte(0),
        Some(NextPlan::Change(terms)) => {
            out.byte(1);
            write_terms(out, terms);
        }
        Some(NextPlan::Cancel) => out.byte(2),
    }
    out.byte(u8::from(subscription.turns_at.is_some()));
    if let Some(turns_at) = subscription.turns_at {
        out.time(turns_at, at);
    }
}

fn read_subscription(body: &mut Reader<'_>, context: &Context<'_>) -> Result<Subscription, Problem> {
    let (at, number) = (context.at, body.byte()?);
    let subscription = Subscription {
        state: STATES
            .into_iter()
            .find(|state| state_number(*state) == number)
            .ok_or("an unknown state of a subscription")?,
        terms: read_terms(body)?,
        anchor: body.time(at)?,
        zone: read_zone(body)?,
        term_start: body.short()?,
        reached: if read_bool(body)? {
            Some(Reached { cycle: body.short()?, allowance: body.credits()? })
        } else {
            None
        },
        next: match body.byte()? {
            0 => None,
            1 => Some(NextPlan::Change(read_terms(body)?)),
            2 => Some(NextPlan::Cancel),
            _ => return Err("an unknown end of a term"),
        },
        turns_at: if read_bool(body)? { Some(body.time(at)?) } else { None },
        paid_until: None,
    };
    if context.format >= 2 { read_payments(body, subscription) } else { Ok(subscription) }
}

/// Whether a subscription, or the plan that follows, has to do with payments: what format 1 could not say.
fn renews_by_payment(subscription: &Subscription) -> bool {
    let next = match &subscription.next {
        Some(NextPlan::Change(terms)) => terms.renews,
        Some(NextPlan::Cancel) | None => Renews::Clock,
    };
    subscription.terms.renews != Renews::Clock || next != Renews::Clock || subscription.paid_until.is_some()
}

/// What format 2 adds to a subscription: how its plan renews, and the plan that follows, and until when it is paid.
fn write_payments(out: &mut Writer, subscription: &Subscription) {
    write_renews(out, subscription.terms.renews);
    if let Some(NextPlan::Change(terms)) = &subscription.next {
        write_renews(out, terms.renews);
    }
    out.byte(u8::from(subscription.paid_until.is_some()));
    if let Some(paid_until) = subscription.paid_until {
        out.number(u64::from(paid_until));
    }
}

fn read_payments(body: &mut Reader<'_>, mut subscription: Subscription) -> Result<Subscription, Problem> {
    subscription.terms.renews = read_renews(body)?;
    if let Some(NextPlan::Change(terms)) = &mut subscription.next {
        terms.renews = read_renews(body)?;
    }
    subscription.paid_until = if read_bool(body)? { Some(body.short()?) } else { None };
    Ok(subscription)
}

/// An option of the days of grace of a plan that renews by payment.
pub(super) fn write_renews(out: &mut Writer, renews: Renews) {
    match renews {
        Renews::Clock => out.byte(0),
        Renews::Payment { grace_days } => {
            out.byte(1);
            out.number(u64::from(grace_days));
        }
    }
}

pub(super) fn read_renews(body: &mut Reader<'_>) -> Result<Renews, Problem> {
    if read_bool(body)? { Ok(Renews::Payment { grace_days: body.short()? }) } else { Ok(Renews::Clock) }
}

pub(super) fn write_terms(out: &mut Writer, terms: &PlanTerms) {
    out.text(terms.plan.as_str());
    out.credits(terms.allowance);
    out.number(u64::from(terms.term_months));
    out.byte(u8::from(terms.roll_over_cap.is_some()));
    if let Some(cap) = terms.roll_over_cap {
        out.credits(cap);
    }
}

pub(super) fn read_terms(body: &mut Reader<'_>) -> Result<PlanTerms, Problem> {
    Ok(PlanTerms {
        plan: read_plan(body)?,
        allowance: body.credits()?,
        term_months: body.short()?,
        roll_over_cap: if read_bool(body)? { Some(body.credits()?) } else { None },
        renews: Renews::Clock,
    })
}

fn read_plan(body: &mut Reader<'_>) -> Result<PlanId, Problem> {
    PlanId::parse(body.text()?).map_err(|_| "not a plan's id")
}

// Jobs: holds and charges.

fn write_hold_id(out: &mut Writer, hold: HoldId) {
    out.number(hold.seq);
    out.number(u64::from(hold.index));
}

fn read_hold_id(body: &mut Reader<'_>) -> Result<HoldId, Problem> {
    Ok(HoldId { seq: body.number()?, index: read_index(body)? })
}

fn write_charge_id(out: &mut Writer, charge: ChargeId) {
    out.number(charge.seq);
    out.number(u64::from(charge.index));
}

fn read_charge_id(body: &mut Reader<'_>) -> Result<ChargeId, Problem> {
    Ok(ChargeId { seq: body.number()?, index: read_index(body)? })
}

pub(super) fn read_index(body: &mut Reader<'_>) -> Result<u16, Problem> {
    u16::try_from(body.number()?).map_err(|_| "an index out of range")
}

/// The most decimals a measure is given with.
const SCALE_MAX: u8 = 18;
/// In the place of a scale: a word.
const WORD: u8 = 0xff;

fn write_priced(out: &mut Writer, priced: &Priced) {
    out.number(u64::from(priced.catalog_version));
    out.count(priced.measures.len());
    for (name, value) in priced.measures.iter() {
        out.text(name.as_str());
        match value {
            MeasureValue::Number(number) => {
                assert!(number.scale() <= SCALE_MAX, "a measure is read with at most {SCALE_MAX} decimals");
                out.byte(number.scale());
                out.signed_wide(number.mantissa());
            }
            MeasureValue::Word(word) => {
                out.byte(WORD);
                out.text(word);
            }
        }
    }
}

fn read_priced(body: &mut Reader<'_>, context: &Context<'_>) -> Result<Priced, Problem> {
    let catalog_version = body.short()?;
    let mut measures = Measures::none();
    let mut last: Option<&str> = None;
    for _ in 0..body.count()? {
        let name = body.text()?;
        let value = match body.byte()? {
            WORD => MeasureValue::Word(body.text()?.into()),
            scale => {
                let mantissa = body.signed_wide()?;
                if scale > SCALE_MAX || (scale > 0 && mantissa % 10 == 0) {
                    return Err("a decimal that is not in its one spelling");
                }
                MeasureValue::Number(Decimal::new(mantissa, scale))
            }
        };
        let id = MeasureId::parse(name).map_err(|_| "not a measure's name")?;
        if last.is_some_and(|last| last >= name) || !measures.insert(id, value) {
            return Err("measures out of order");
        }
        last = Some(name);
    }
    Ok(Priced { tool: context.tool.cloned(), measures, catalog_version })
}

const fn policy_number(policy: OnExcess) -> u8 {
    match policy {
        OnExcess::Cap => 0,
        OnExcess::Extend => 1,
        OnExcess::Debt => 2,
    }
}

fn read_policy(body: &mut Reader<'_>) -> Result<OnExcess, Problem> {
    match body.byte()? {
        0 => Ok(OnExcess::Cap),
        1 => Ok(OnExcess::Extend),
        2 => Ok(OnExcess::Debt),
        _ => Err("an unknown policy"),
    }
}

/// The hold's id, its time and its state are the entry's, and its texts lie beside the record.
fn write_hold(out: &mut Writer, hold: &Hold, context: &Context<'_>) {
    assert!(
        hold.id == HoldId::first(context.seq)
            && hold.placed_at == context.at
            && hold.state == HoldState::Open
            && hold.reference.is_none()
            && hold.member.is_none(),
        "a hold that is placed is open, named and timed by its entry, and without texts: {hold:?}"
    );
    let usual_parts = context.held_parts() == hold.parts;
    let usual_credits = hold.credits == context.held;
    out.byte(Flags::bit(0, hold.name.is_some()) | Flags::bit(1, !usual_credits) | Flags::bit(2, !usual_parts));
    out.byte(policy_number(hold.on_excess));
    if let Some(name) = &hold.name {
        out.text(name.as_str());
    }
    out.time(hold.expires_at, context.at);
    write_priced(out, &hold.priced);
    write_unless_usual(out, hold.credits, context.held);
    if !usual_parts {
        write_parts(out, &hold.parts);
    }
}

fn read_hold(body: &mut Reader<'_>, context: &Context<'_>) -> Result<Hold, Problem> {
    let flags = Flags::read(body, 3)?;
    let on_excess = read_policy(body)?;
    let name =
        if flags.has(0) { Some(HoldName::parse(body.text()?).map_err(|_| "not a hold's own id")?) } else { None };
    let expires_at = body.time(context.at)?;
    let priced = read_priced(body, context)?;
    let credits = flags.credits(1, body, context.held)?;
    let usual_parts = context.held_parts();
    let parts = if flags.has(2) { read_parts(body)? } else { usual_parts.clone() };
    if flags.has(2) && parts == usual_parts {
        return Err("parts that should have been left out");
    }
    Ok(Hold {
        id: HoldId::first(context.seq),
        name,
        priced,
        credits,
        parts,
        placed_at: context.at,
        expires_at,
        on_excess,
        reference: None,
        member: None,
        state: HoldState::Open,
    })
}

fn write_settled(out: &mut Writer, settled: &HoldSettled, context: &Context<'_>) {
    let price = settled.charged + settled.uncollected + settled.debt;
    out.byte(
        Flags::bit(0, settled.charged != context.charged())
            | Flags::bit(1, settled.freed != context.freed_by_settling())
            | Flags::bit(2, !settled.uncollected.is_zero())
            | Flags::bit(3, !settled.debt.is_zero())
            | Flags::bit(4, settled.price != price)
            | Flags::bit(5, settled.late),
    );
    out.byte(policy_number(settled.on_excess));
    write_hold_id(out, settled.hold);
    write_priced(out, &settled.priced);
    write_unless_usual(out, settled.charged, context.charged());
    write_unless_usual(out, settled.freed, context.freed_by_settling());
    write_unless_usual(out, settled.uncollected, Credits::ZERO);
    write_unless_usual(out, settled.debt, Credits::ZERO);
    write_unless_usual(out, settled.price, price);
}

fn read_settled(body: &mut Reader<'_>, context: &Context<'_>) -> Result<HoldSettled, Problem> {
    let flags = Flags::read(body, 6)?;
    let on_excess = read_policy(body)?;
    let hold = read_hold_id(body)?;
    let priced = read_priced(body, context)?;
    let charged = flags.credits(0, body, context.charged())?;
    let freed = flags.credits(1, body, context.freed_by_settling())?;
    let uncollected = flags.credits(2, body, Credits::ZERO)?;
    let debt = flags.credits(3, body, Credits::ZERO)?;
    let price = flags.credits(4, body, charged + uncollected + debt)?;
    Ok(HoldSettled { hold, priced, price, charged, freed, uncollected, debt, on_excess, late: flags.has(5) })
}

fn read_freed(body: &mut Reader<'_>, context: &Context<'_>) -> Result<(HoldId, Credits), Problem> {
    let flags = Flags::read(body, 1)?;
    let hold = read_hold_id(body)?;
    Ok((hold, flags.credits(0, body, context.freed())?))
}

fn write_refunded(out: &mut Writer, refunded: &Refunded, context: &Context<'_>) {
    out.byte(
        Flags::bit(0, refunded.credits != context.given_back())
            | Flags::bit(1, !refunded.refunded_debt.is_zero())
            | Flags::bit(2, !refunded.repaid_back.is_zero()),
    );
    write_charge_id(out, refunded.charge);
    write_unless_usual(out, refunded.credits, context.given_back());
    write_revived(out, &refunded.revived, context.at);
    write_parts(out, &refunded.refunded);
    write_unless_usual(out, refunded.refunded_debt, Credits::ZERO);
    write_unless_usual(out, refunded.repaid_back, Credits::ZERO);
}

fn read_refunded(body: &mut Reader<'_>, context: &Context<'_>) -> Result<Refunded, Problem> {
    let flags = Flags::read(body, 3)?;
    let charge = read_charge_id(body)?;
    let credits = flags.credits(0, body, context.given_back())?;
    let revived = read_revived(body, context.at)?;
    let refunded = read_parts(body)?;
    let refunded_debt = flags.credits(1, body, Credits::ZERO)?;
    let repaid_back = flags.credits(2, body, Credits::ZERO)?;
    let tool = context.tool.cloned();
    Ok(Refunded { charge, tool, credits, revived, refunded, refunded_debt, repaid_back })
}
