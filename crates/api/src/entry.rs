//! History: entries as they are shown, in JSON and CSV.

use scrip_core::entry::{Entry, Event, OrderChange, SubscriptionChange, TextField};
use scrip_core::id::RefundId;
use scrip_core::order::Item;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::csv::CsvRow;
use crate::measure::MeasuresShown;
use crate::number::Amount;
use crate::time::Instant;

/// One line of an account's history.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct EntryShown {
    /// Its id within the account.
    pub entry: String,
    /// When it took effect.
    pub at: Instant,
    /// What happened.
    pub kind: String,
    /// Whose: only in lists over a whole studio. Null once the account's id was erased.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub account: Option<String>,
    /// The tool that it is about.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tool: Option<String>,
    /// The measures that it was priced by.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub measures: Option<MeasuresShown>,
    /// The catalog version that priced it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub catalog_version: Option<u32>,
    /// The studio's job reference.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reference: Option<String>,
    /// Who of the account ran it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub member: Option<String>,
    /// Why.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
    /// The hold that it is about, by scrip's id.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub hold: Option<String>,
    /// The refund that it made.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub refund: Option<String>,
    /// The charge that it made or is about.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub charge: Option<String>,
    /// The order that it is about.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub order: Option<String>,
    /// The package that the order buys.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub package: Option<String>,
    /// The plan that it is about.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub plan: Option<String>,
    /// What changed about the subscription (`plan_change`) or the order (`order`), or the automatic top-up.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub change: Option<String>,
    /// What the job cost (`settle`): charged + uncollected + debt.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub price: Option<Amount>,
    /// What nobody pays.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub uncollected: Option<Amount>,
    /// The signed change of what the account owes, where it changed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub debt: Option<Amount>,
    /// The new deadline (`hold`, `extend`).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub expires_at: Option<Instant>,
    /// The signed change of remaining.
    pub credits: Amount,
    /// The signed change of held.
    pub held: Amount,
    /// The signed change of frozen, where it changed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub frozen: Option<Amount>,
    /// How each lot changed, in the order of what was taken.
    pub lots: Vec<LotChangeShown>,
    /// Available after it.
    pub available_after: Amount,
    /// Remaining after it.
    pub remaining_after: Amount,
}

/// How one lot changed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct LotChangeShown {
    /// The lot.
    pub lot: String,
    /// `subscription`, `promo`, `top_up` or `make_good`.
    pub class: String,
    /// The signed change of its remaining.
    pub credits: Amount,
    /// The signed change of its held part.
    pub held: Amount,
    /// The signed change of its frozen part, where it changed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub frozen: Option<Amount>,
}

/// A page of history, newest first.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct EntriesShown {
    /// The entries.
    pub entries: Vec<EntryShown>,
    /// Give it as `after` for the next page; null at the end.
    pub next: Option<String>,
}

/// What an event adds to its line.
#[derive(Default)]
struct Particulars {
    hold: Option<String>,
    refund: Option<String>,
    plan: Option<String>,
    change: Option<&'static str>,
    price: Option<Amount>,
    uncollected: Option<Amount>,
    expires_at: Option<Instant>,
}

/// The id of an entry within its account.
pub fn entry_id(seq: u64) -> String {
    format!("entry_{seq}")
}

impl EntryShown {
    /// The line of an entry, in its own account's history.
    pub fn of(entry: &Entry) -> EntryShown {
        let particulars = particulars(entry);
        let (priced, order) = (entry.priced(), entry.event.order());
        let text = |field| entry.texts.get(field).map(str::to_owned);
        EntryShown {
            entry: entry_id(entry.seq),
            at: Instant(entry.at),
            kind: entry.event.kind().word().to_owned(),
            account: None,
            tool: entry.tool().map(ToString::to_string),
            measures: priced
                .filter(|priced| !priced.measures.is_empty())
                .map(|priced| MeasuresShown(priced.measures.clone())),
            catalog_version: priced.map(|priced| priced.catalog_version),
            reference: text(TextField::Reference),
            member: text(TextField::Member),
            reason: text(TextField::Reason),
            hold: particulars.hold,
            refund: particulars.refund,
            charge: entry.charge().map(|charge| charge.to_string()),
            order: order.map(|order| order.id.to_string()),
            package: order.and_then(|order| match &order.item {
                Item::Package(package) => Some(package.to_string()),
                Item::Plan(_) => None,
            }),
            plan: particulars.plan.or_else(|| match &order?.item {
                Item::Plan(terms) => Some(terms.plan.to_string()),
                Item::Package(_) => None,
            }),
            change: particulars.change.map(str::to_owned),
            price: particulars.price,
            uncollected: particulars.uncollected,
            debt: Some(entry.debt).filter(|debt| !debt.is_zero()).map(Amount),
            expires_at: particulars.expires_at,
            credits: Amount(entry.credits()),
            held: Amount(entry.held()),
            frozen: Some(entry.frozen()).filter(|frozen| !frozen.is_zero()).map(Amount),
            lots: entry.lots.iter().filter(|change| !change.moves_nothing()).map(lot_change).collect(),
            available_after: Amount(entry.after.available()),
            remaining_after: Amount(entry.after.remaining),
        }
    }
}

/// What left the lot unspent is for the rules alone.
fn lot_change(change: &scrip_core::entry::LotChange) -> LotChangeShown {
    LotChangeShown {
        lot: change.lot.to_string(),
        class: change.class.word().to_owned(),
        credits: Amount(change.remaining),
        held: Amount(change.held),
        frozen: Some(change.frozen).filter(|frozen| !frozen.is_zero()).map(Amount),
    }
}

fn particulars(entry: &Entry) -> Particulars {
    let none = Particulars::default();
    match &entry.event {
        Event::AccountOpened { .. }
        | Event::AccountChanged { .. }
        | Event::RolledOver
        | Event::LotExpired
        | Event::Granted
        | Event::Revoked { .. }
        | Event::DebtRecorded { .. }
        | Event::DebtRepaid
        | Event::AccountErased
        | Event::Acted { .. } => none,
        Event::SubscriptionChanged { change, subscription } => Particulars {
            change: Some(change_word(*change)),
            plan: subscription.as_ref().map(|subscription| subscription.terms.plan.to_string()),
            ..none
        },
        Event::Refilled { plan, .. } => Particulars { plan: Some(plan.to_string()), ..none },
        Event::HoldPlaced { hold } => {
            Particulars { hold: Some(hold.id.to_string()), expires_at: Some(Instant(hold.expires_at)), ..none }
        }
        Event::HoldExtended { hold, expires_at, .. } => {
            Particulars { hold: Some(hold.to_string()), expires_at: Some(Instant(*expires_at)), ..none }
        }
        Event::HoldSettled(settled) => Particulars {
            hold: Some(settled.hold.to_string()),
            price: Some(Amount(settled.price)),
            uncollected: Some(settled.uncollected).filter(|credits| !credits.is_zero()).map(Amount),
            ..none
        },
        Event::HoldReleased { hold, .. } | Event::HoldExpired { hold, .. } => {
            Particulars { hold: Some(hold.to_string()), ..none }
        }
        Event::Charged { credits, .. } => Particulars { price: Some(Amount(*credits)), ..none },
        Event::Refunded(_) => Particulars { refund: Some(RefundId::first(entry.seq).to_string()), ..none },
        Event::WentUncollected { credits, .. } => Particulars { uncollected: Some(Amount(*credits)), ..none },
        Event::OrderChanged { change, order } => Particulars {
            change: Some(order_change_word(*change)),
            expires_at: (*change == OrderChange::Placed).then_some(Instant(order.expires_at)),
            ..none
        },
        Event::ClawedBack { uncollected, .. } => {
            Particulars { uncollected: Some(*uncollected).filter(|credits| !credits.is_zero()).map(Amount), ..none }
        }
        Event::AutomaticTopUpChanged { change, .. } => Particulars { change: Some(change.word()), ..none },
        Event::BillingChanged { billing } => {
            Particulars { change: Some(if billing.is_some() { "began" } else { "ended" }), ..none }
        }
        Event::SavedMethodChanged { method } => Particulars { change: Some(method.word()), ..none },
        Event::OrderPaid { .. } | Event::GivenBack { .. } | Event::LotsFrozen { .. } | Event::LotsUnfrozen { .. } => {
            none
        }
    }
}

/// The word for what changed about an order.
const fn order_change_word(change: OrderChange) -> &'static str {
    match change {
        OrderChange::Placed => "placed",
        OrderChange::Sent => "sent",
        OrderChange::Expired => "expired",
        OrderChange::Failed => "failed",
        OrderChange::Paid => "paid",
        OrderChange::Noted => "noted",
    }
}

/// The word for what changed about a subscription.
const fn change_word(change: SubscriptionChange) -> &'static str {
    match change {
        SubscriptionChange::Started => "started",
        SubscriptionChange::Changed => "changed",
        SubscriptionChange::Scheduled => "scheduled",
        SubscriptionChange::Unscheduled => "unscheduled",
        SubscriptionChange::StateChanged => "state_changed",
        SubscriptionChange::TookEffect => "took_effect",
        SubscriptionChange::Ended => "ended",
        SubscriptionChange::Paid => "paid",
        SubscriptionChange::Unpaid => "unpaid",
    }
}

/// The columns of the CSV form.
const COLUMNS: &str = "entry,at,kind,account,tool,reference,member,reason,hold,charge,credits,held,lots,\
                       available_after,remaining_after\r\n";

/// The CSV form (RFC 4180): a header, then a row per entry; lots as `lot:credits` separated by spaces.
pub fn csv(entries: &[EntryShown]) -> String {
    let mut out = String::from(COLUMNS);
    for entry in entries {
        let mut row = CsvRow::new();
        row.plain(&entry.entry).plain(entry.at.0).plain(&entry.kind).text(entry.account.as_deref());
        row.plain_if_any(entry.tool.as_deref());
        row.text(entry.reference.as_deref()).text(entry.member.as_deref()).text(entry.reason.as_deref());
        row.plain_if_any(entry.hold.as_deref()).plain_if_any(entry.charge.as_deref());
        row.plain(entry.credits.0).plain(entry.held.0).plain(lots_cell(&entry.lots));
        row.plain(entry.available_after.0).plain(entry.remaining_after.0);
        out.push_str(&row.finish());
    }
    out
}

/// How lots changed, in one cell: `lot:credits` separated by spaces.
fn lots_cell(lots: &[LotChangeShown]) -> String {
    let lots: Vec<_> = lots.iter().map(|part| format!("{}:{}", part.lot, part.credits.0)).collect();
    lots.join(" ")
}
