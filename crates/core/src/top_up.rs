//! Automatic top-up: an account buys a package by itself when its available credits run low, with brakes.
//!
//! It is decided here alone, as what follows from other entries: whatever lowers available credits may place an order of
//! origin `automatic`. Taking the money for it is somebody else's work. The brakes: one order at a time; none again
//! before available credits have been up once more; no more than so many in a day and in a month; and after a decline a
//! wait, a longer one each time, until it is off. Each step is an entry.

use crate::account::Account;
use crate::amount::Credits;
use crate::catalog::{Catalogs, Package, Published};
use crate::draft::Draft;
use crate::entry::{Event, OrderChange};
use crate::id::{OrderId, PackageId};
use crate::order::{Item, Order, Origin, Payment, bare};
use crate::recall::find_order;
use crate::sale::{self, NotForSale};
use crate::tally::{Per, Tally};
use crate::time::Time;

/// Seconds to wait after the first decline in a row, the second and the third. One more, and it is off.
const WAITS: [i64; 3] = [3_600, 6 * 3_600, 24 * 3_600];
/// The most of a package that one order buys.
const QUANTITY_MAX: i64 = 100;

/// An account's automatic top-up, and where it stands.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AutomaticTopUp {
    /// What it buys.
    pub package: PackageId,
    /// It buys when less than this is available, and not again before available credits have been here.
    pub below: Credits,
    /// It buys as many as lead here.
    pub up_to: Credits,
    /// The most orders of a calendar day in UTC; `None`: any number.
    pub per_day: Option<u32>,
    /// The most orders of a calendar month in UTC; `None`: any number.
    pub per_month: Option<u32>,
    /// Whether it may buy.
    pub switch: Switch,
    /// The order whose end it waits for.
    pub order: Option<OrderId>,
    /// Whether available credits were at [`AutomaticTopUp::below`] or more since its last paid order, or the last was not paid.
    pub armed: bool,
    /// How many of its orders in a row were not paid.
    pub declines: u32,
    /// It does not try again before this; [`Time::MAX`] where no time is known: it tries at the account's next entry.
    pub waits_until: Option<Time>,
    /// How many orders it placed.
    pub placed: Tally,
}

/// Whether an automatic top-up may buy.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Switch {
    /// It may.
    On,
    /// It may not: it was put so, or it stopped by itself. Only putting it turns it on again.
    Off,
}

/// What about an automatic top-up changed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum TopUpChange {
    /// Its settings were put.
    Set,
    /// It placed an order.
    Ordered,
    /// Its order was paid.
    Paid,
    /// Its order was not paid: it waits.
    Declined,
    /// Available credits are up again, or another payment method was saved after a decline: it may buy once more.
    Armed,
    /// A limit, or the package's own terms, make it wait.
    Waits,
    /// It is off: declined too often, its package is no more, money of an order of the account went back or is disputed,
    /// or the account's texts were erased.
    Stopped,
}

impl TopUpChange {
    /// Every change.
    pub const ALL: [TopUpChange; 7] = [
        TopUpChange::Set,
        TopUpChange::Ordered,
        TopUpChange::Paid,
        TopUpChange::Declined,
        TopUpChange::Armed,
        TopUpChange::Waits,
        TopUpChange::Stopped,
    ];

    /// The word on the wire.
    pub const fn word(self) -> &'static str {
        match self {
            TopUpChange::Set => "set",
            TopUpChange::Ordered => "ordered",
            TopUpChange::Paid => "paid",
            TopUpChange::Declined => "declined",
            TopUpChange::Armed => "armed",
            TopUpChange::Waits => "waits",
            TopUpChange::Stopped => "stopped",
        }
    }
}

/// When an automatic top-up that waits tries again; `None` where it does not wait for a time.
pub(crate) fn tries_again_at(account: &Account) -> Option<Time> {
    let top_up = account.top_up.as_deref()?;
    let wants = top_up.switch == Switch::On && top_up.order.is_none() && top_up.armed;
    top_up.waits_until.filter(|until| *until < Time::MAX && wants && at_hand(account) < top_up.below)
}

/// What the automatic top-up does next after other entries; nothing where it has nothing to do.
pub(crate) fn follow_up(account: &Account, catalogs: &Catalogs, at: Time) -> Vec<Draft> {
    let Some(top_up) = account.top_up.as_deref() else { return Vec::new() };
    if let Some(order) = top_up.order {
        return ended(account, top_up, order, at).into_iter().collect();
    }
    let at_hand = at_hand(account);
    if top_up.switch == Switch::Off {
        return Vec::new();
    }
    if !top_up.armed {
        let armed = AutomaticTopUp { armed: true, ..top_up.clone() };
        return if at_hand >= top_up.below { vec![changed(TopUpChange::Armed, armed)] } else { Vec::new() };
    }
    if at_hand >= top_up.below || top_up.waits_until.is_some_and(|until| at < until && until < Time::MAX) {
        return Vec::new();
    }
    buy(account, catalogs, top_up, at)
}

/// Turns it off; `None` where it is off, or there is none. Money that went back must not lead to the next purchase, and
/// who asked for its data to be erased buys nothing more.
pub(crate) fn stop(account: &Account) -> Option<Draft> {
    let top_up = account.top_up.as_deref().filter(|top_up| top_up.switch == Switch::On)?;
    Some(changed(TopUpChange::Stopped, AutomaticTopUp { switch: Switch::Off, ..top_up.clone() }))
}

/// Takes off what declines brought about, since another payment method was saved; `None` where there is nothing to take off.
pub(crate) fn forgive(account: &Account) -> Option<Draft> {
    let on = |top_up: &&AutomaticTopUp| top_up.switch == Switch::On && top_up.declines > 0;
    let top_up = account.top_up.as_deref().filter(on)?;
    Some(changed(TopUpChange::Armed, AutomaticTopUp { armed: true, declines: 0, waits_until: None, ..top_up.clone() }))
}

/// What is available, less what new credits would repay first: below zero under a debt.
fn at_hand(account: &Account) -> Credits {
    account.totals().available() - account.debt
}

fn changed(change: TopUpChange, top_up: AutomaticTopUp) -> Draft {
    Draft::new(Event::AutomaticTopUpChanged { change, top_up: Box::new(top_up) })
}

/// What the end of its order means for it; nothing while the order waits.
fn ended(account: &Account, top_up: &AutomaticTopUp, order: OrderId, at: Time) -> Option<Draft> {
    let after = AutomaticTopUp { order: None, ..top_up.clone() };
    match find_order(account, order).map(|order| order.payment) {
        Some(Payment::Pending | Payment::Received(_)) => None,
        Some(Payment::Paid(_)) => {
            Some(changed(TopUpChange::Paid, AutomaticTopUp { armed: false, declines: 0, ..after }))
        }
        Some(Payment::Failed | Payment::Expired) | None => {
            let declines = top_up.declines + 1;
            let wait = usize::try_from(top_up.declines).ok().and_then(|place| WAITS.get(place));
            let declined = AutomaticTopUp { armed: true, declines, ..after };
            Some(match wait {
                Some(seconds) => {
                    let waits_until = Some(at.plus_seconds(*seconds));
                    changed(TopUpChange::Declined, AutomaticTopUp { waits_until, ..declined })
                }
                None => changed(TopUpChange::Stopped, AutomaticTopUp { switch: Switch::Off, ..declined }),
            })
        }
    }
}

/// Places the order that closes the gap; or waits, where a limit says so; or stops, where the package is sold no more.
fn buy(account: &Account, catalogs: &Catalogs, top_up: &AutomaticTopUp, at: Time) -> Vec<Draft> {
    for (per, most) in [(Per::Month, top_up.per_month), (Per::Day, top_up.per_day)] {
        if most.is_some_and(|most| top_up.placed.count(per, at) >= most) {
            return waits(top_up, per.next(at));
        }
    }
    let published = catalogs.in_force(account.studio, at);
    let offered =
        published.and_then(|published| Some((published, published.catalog.package(top_up.package.as_str())?)));
    let sold = offered.filter(|(_, package)| package.until.is_none_or(|until| at < until));
    let Some((published, package)) = sold else {
        return vec![changed(TopUpChange::Stopped, AutomaticTopUp { switch: Switch::Off, ..top_up.clone() })];
    };
    match (order(account, (published, package), top_up, at), sale::check(account, package, at)) {
        (Some(order), Ok(())) => {
            let after = AutomaticTopUp {
                order: Some(order.id),
                armed: false,
                waits_until: None,
                placed: top_up.placed.plus(1, at),
                ..top_up.clone()
            };
            let placed = Event::OrderChanged { change: OrderChange::Placed, order: Box::new(order) };
            vec![Draft::new(placed), changed(TopUpChange::Ordered, after)]
        }
        (_, Err(NotForSale::Dates)) => waits(top_up, package.from),
        (_, Err(NotForSale::Limit)) => waits(top_up, package.limit.and_then(|limit| limit.per.next(at))),
        (_, Err(NotForSale::NeedsPlan)) | (None, Ok(())) => waits(top_up, None),
    }
}

/// It waits until then; or, where no time is known, for the entry after which it can buy. Said once.
fn waits(top_up: &AutomaticTopUp, until: Option<Time>) -> Vec<Draft> {
    let waits_until = Some(until.unwrap_or(Time::MAX));
    if top_up.waits_until == waits_until {
        return Vec::new();
    }
    vec![changed(TopUpChange::Waits, AutomaticTopUp { waits_until, ..top_up.clone() })]
}

/// How many of `each` cover `gap`, both in millionths: what is left of the division is covered by one more.
fn packages(gap: i64, each: i64) -> i64 {
    gap / each + i64::from(gap % each > 0)
}

/// Whether one order can lead from nothing to `up_to`.
pub(crate) fn within_one_order(package: &Package, up_to: Credits) -> bool {
    packages(up_to.millionths(), (package.credits + package.bonus).millionths()) <= QUANTITY_MAX
}

/// One order of as many as lead from what is at hand up to where it should be; `None` where they would not fit.
fn order(
    account: &Account,
    (published, package): (&Published, &Package),
    top_up: &AutomaticTopUp,
    at: Time,
) -> Option<Order> {
    let each = (package.credits + package.bonus).millionths();
    let gap = (top_up.up_to - at_hand(account)).millionths();
    let most = sale::left(account, package, at).map_or(QUANTITY_MAX, |left| QUANTITY_MAX.min(i64::from(left)));
    let quantity = packages(gap, each).clamp(1, most.max(1));
    let times = |credits: Credits| credits.millionths().checked_mul(quantity).map(Credits::from_millionths);
    let (credits, bonus) = (times(package.credits)?, times(package.bonus)?);
    let fits = credits.within_limit() && bonus.within_limit();
    if !fits || !(account.totals().remaining + credits + bonus).within_limit() {
        return None;
    }
    let mut price = package.price.clone();
    price.amount = price.amount.checked_mul(quantity)?;
    let bare = bare(OrderId::first(account.seq + 1), Item::Package(package.id.clone()), price, published, at);
    Some(Order {
        origin: Origin::Automatic,
        quantity: u32::try_from(quantity).ok()?,
        credits,
        bonus,
        expires_in_days: package.expires_in_days,
        bonus_expires_in_days: package.bonus_expires_in_days,
        ..bare
    })
}
