//! Orders: purchases of packages, from placed to paid and, at times, back again (R26, R27).
//!
//! An order says all about itself: what is bought and for how much is pinned when it is placed, and every entry about
//! it carries it whole, as it stands from then on. So the newest of these entries is all that deciding needs of an
//! order that is over. It is apart from deciding because pages and statements read it too.

use crate::amount::Credits;
use crate::catalog::{Price, Published};
use crate::id::{LotId, OrderId, PackageId, ProviderRef};
use crate::lot::Class;
use crate::plan::PlanTerms;
use crate::time::Time;

/// One purchase.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Order {
    /// Derived from the entry that placed it.
    pub id: OrderId,
    /// What is bought.
    pub item: Item,
    /// How many of it; 1 unless an automatic top-up has a wider gap to close.
    pub quantity: u32,
    /// Who placed it.
    pub origin: Origin,
    /// Top-up credits, of all that is bought.
    pub credits: Credits,
    /// Promo credits on top, a lot of their own (R13).
    pub bonus: Credits,
    /// Days from the payment until its credits expire; `None`: never (R13).
    pub expires_in_days: Option<u32>,
    /// Days from the payment until its bonus expires; `None`: never.
    pub bonus_expires_in_days: Option<u32>,
    /// What all of it costs.
    pub price: Price,
    /// The catalog version that it was placed at: nothing is repriced afterwards (R7).
    pub catalog_version: u32,
    /// What becomes of credits that are to come back and were spent (R27).
    pub claw_back: ClawBack,
    /// When it was placed.
    pub placed_at: Time,
    /// From when on it no longer waits for a payment. One that comes all the same is credited.
    pub expires_at: Time,
    /// The provider's ids of it, in the order in which they were learned: a checkout session, a payment.
    pub references: Vec<ProviderRef>,
    /// Whether it is paid.
    pub payment: Payment,
    /// How much money was given back so far, in the currency's minor unit: what of it did not arrive and came back since is
    /// part of it.
    pub refunded: i64,
    /// How much of what was given back came back since, in the currency's minor unit: refunds that failed.
    pub refunds_failed: i64,
    /// What the card holder's bank said, a dispute each, in the order in which they were opened. Of inquiries only those
    /// that come before a dispute.
    pub disputes: Vec<Dispute>,
    /// What of its credits and bonus is settled for the money that is gone: taken from its lots, or missing there.
    pub taken_back: TakenBack,
    /// Of that, what was missing because it was spent: owed by the account or, by policy, by nobody.
    pub spent_back: TakenBack,
    /// Of that, what was missing because it was revoked or had expired.
    pub gone_back: TakenBack,
    /// Whether its lots count what leaves them without being spent ([`crate::lot::Sold`]). Those of orders that were paid
    /// before records of format 3 do not: what is missing there is taken for spent unless the lot has come to its end.
    pub counted: bool,
    /// Which cycles of a subscription its payment paid for: none of them where it bought nothing
    /// ([`Order::bought_nothing`]). `None` for packages, before the payment, for a renewal that was known already, and where
    /// that was not written down yet (before records of format 3).
    pub pays: Option<PaidCycles>,
}

/// Cycles of a subscription that an order paid for (R17a).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PaidCycles {
    /// The subscription's anchor: another subscription has another one.
    pub anchor: Time,
    /// The first cycle that was paid for.
    pub first: u32,
    /// The first after them; `first` itself: none was.
    pub until: u32,
}

/// What an order buys.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Item {
    /// A package's credits.
    Package(PackageId),
    /// A term of a plan, on these terms (R17a). Its credits are the subscription's refills: the order has none itself.
    Plan(PlanTerms),
}

/// Who placed an order.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Origin {
    /// Somebody: the customer, or the studio for it.
    Asked,
    /// The account's automatic top-up.
    Automatic,
    /// The provider's own subscription, when it paid for a further term.
    Renewal,
}

/// What becomes of credits that are to come back but were spent (R27).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum ClawBack {
    /// The account owes them.
    #[default]
    Debt,
    /// Nobody does.
    WriteOff,
}

impl ClawBack {
    /// Every policy.
    pub const ALL: [ClawBack; 2] = [ClawBack::Debt, ClawBack::WriteOff];

    /// The word in catalogs.
    pub const fn word(self) -> &'static str {
        match self {
            ClawBack::Debt => "debt",
            ClawBack::WriteOff => "write_off",
        }
    }

    /// The policy that a word names.
    pub fn from_word(word: &str) -> Option<ClawBack> {
        ClawBack::ALL.into_iter().find(|policy| policy.word() == word)
    }
}

/// Whether an order is paid. Once it is, it stays so: money that goes back is told by what was refunded.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Payment {
    /// Not yet.
    Pending,
    /// The provider said no, or the customer gave up. Should the money come all the same, it is credited.
    Failed,
    /// Nobody paid in time. Should the money come all the same, it is credited.
    Expired,
    /// The money is there, since this instant, but its credits do not fit the account (R1): they are made once they do.
    Received(Time),
    /// The money is there, and so are the lots.
    Paid(Paid),
}

/// A payment.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Paid {
    /// The entry that made the lots: the credits are its first lot, the bonus its second.
    pub seq: u64,
    /// When.
    pub at: Time,
    /// Who said so.
    pub by: PaidBy,
}

/// Who said that an order is paid.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum PaidBy {
    /// The payment provider.
    Provider,
    /// An operator, of a payment outside a provider. What a provider says of refunds and disputes is then of
    /// another payment, and takes nothing back.
    Operator,
}

/// What a card holder's bank said of a payment.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Dispute {
    /// How it stands.
    pub state: DisputeState,
    /// How much of the money it is about, in the currency's minor unit.
    pub amount: i64,
}

/// How a dispute stands. The order is that of what may follow what: a later state is never undone by an earlier one
/// that is told late.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum DisputeState {
    /// The bank only asks, which has no consequence. It may become a dispute, so it keeps its place among them.
    Inquiry,
    /// Opened: what is left of the lots is frozen.
    Open,
    /// Closed for the studio: what was frozen is free.
    Won,
    /// Closed for the card holder: the money is gone.
    Lost,
}

/// Which part of an order a lot holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Part {
    /// The credits that were bought.
    Credits,
    /// The bonus.
    Bonus,
}

impl Part {
    /// The class of its lot (R13).
    pub const fn class(self) -> Class {
        match self {
            Part::Credits => Class::TopUp,
            Part::Bonus => Class::Promo,
        }
    }
}

/// A lot that an order's payment made.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct MadeLot {
    /// The lot.
    pub lot: LotId,
    /// What it holds.
    pub part: Part,
    /// With how much it was made.
    pub credits: Credits,
    /// When it ends; `None`: never.
    pub expires_at: Option<Time>,
}

/// Credits of an order, by the lot that they are or were in.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct TakenBack {
    /// Of its credits.
    pub credits: Credits,
    /// Of its bonus.
    pub bonus: Credits,
}

impl TakenBack {
    /// Of one part.
    pub fn of(&self, part: Part) -> Credits {
        match part {
            Part::Credits => self.credits,
            Part::Bonus => self.bonus,
        }
    }

    /// Of one part, to be changed.
    pub(crate) fn of_mut(&mut self, part: Part) -> &mut Credits {
        match part {
            Part::Credits => &mut self.credits,
            Part::Bonus => &mut self.bonus,
        }
    }
}

/// Where an order stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum OrderState {
    /// Waiting for the money.
    Pending,
    /// Nobody paid in time.
    Expired,
    /// The provider said no.
    Failed,
    /// Paid, but its credits do not fit the account yet (R1).
    Received,
    /// Paid and credited; part of the money may have gone back.
    Paid,
    /// All of the money went back.
    Refunded,
    /// Paid, and disputed.
    Disputed,
    /// Disputed, and won.
    Won,
    /// Disputed, and lost.
    Lost,
}

impl OrderState {
    /// Every state.
    pub const ALL: [OrderState; 9] = [
        OrderState::Pending,
        OrderState::Expired,
        OrderState::Failed,
        OrderState::Received,
        OrderState::Paid,
        OrderState::Refunded,
        OrderState::Disputed,
        OrderState::Won,
        OrderState::Lost,
    ];

    /// The word on the wire.
    pub const fn word(self) -> &'static str {
        match self {
            OrderState::Pending => "pending",
            OrderState::Expired => "expired",
            OrderState::Failed => "failed",
            OrderState::Received => "received",
            OrderState::Paid => "paid",
            OrderState::Refunded => "refunded",
            OrderState::Disputed => "disputed",
            OrderState::Won => "won",
            OrderState::Lost => "lost",
        }
    }

    /// The state that a word names.
    pub fn from_word(word: &str) -> Option<OrderState> {
        OrderState::ALL.into_iter().find(|state| state.word() == word)
    }
}

/// What the provider says of an order now: everything so far, never a difference, so that it may be said late, twice
/// and in any order.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Truth {
    /// Whether the money is there.
    pub payment: TruthOfPayment,
    /// How much of it was ever given back, in the currency's minor unit, refunds that failed included. Means nothing
    /// before the payment.
    pub refunded: i64,
    /// How much of that came back since, because a refund failed.
    pub refunds_failed: i64,
    /// How its disputes stand, in the order in which they were opened, inquiries included: each has the same place
    /// whenever it is told.
    pub disputes: Vec<Dispute>,
    /// The provider's ids of it that are known now.
    pub references: Vec<ProviderRef>,
    /// Whether its payment begins a subscription of the provider's, which pays for the terms to come.
    pub begins_billing: bool,
}

/// Whether the provider has the money.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum TruthOfPayment {
    /// Not yet: it may still come.
    Pending,
    /// Its customer has done what was asked; the money is on its way, perhaps for days.
    Processing,
    /// It was refused for good.
    Failed,
    /// The page to pay on is closed.
    Expired,
    /// So much of it, all that was paid.
    Paid(Price),
}

impl Order {
    /// Where it stands.
    pub fn state(&self) -> OrderState {
        match self.payment {
            Payment::Pending => OrderState::Pending,
            Payment::Failed => OrderState::Failed,
            Payment::Expired => OrderState::Expired,
            Payment::Received(_) => OrderState::Received,
            Payment::Paid(_) if self.is_disputed() => OrderState::Disputed,
            Payment::Paid(_) if self.lost() > 0 => OrderState::Lost,
            Payment::Paid(_) if self.all_is_gone() => OrderState::Refunded,
            Payment::Paid(_) if self.disputes.iter().all(|dispute| dispute.state == DisputeState::Inquiry) => {
                OrderState::Paid
            }
            Payment::Paid(_) => OrderState::Won,
        }
    }

    /// Whether the account must keep it at hand: it waits for money, its lots are frozen, or credits are to come back
    /// that a hold still has.
    pub fn is_open(&self) -> bool {
        self.waits() || self.is_disputed() || self.to_take_back() != TakenBack::default()
    }

    /// Whether it waits for its money, or for room for its credits.
    pub fn waits(&self) -> bool {
        match self.payment {
            Payment::Pending | Payment::Received(_) => true,
            Payment::Failed | Payment::Expired | Payment::Paid(_) => false,
        }
    }

    /// Whether its lots are frozen.
    pub fn is_disputed(&self) -> bool {
        matches!(self.payment, Payment::Paid(_))
            && self.disputes.iter().any(|dispute| dispute.state == DisputeState::Open)
    }

    /// The lots that its payment made: those of the credits and of the bonus.
    pub fn lots(&self) -> Vec<MadeLot> {
        let Payment::Paid(Paid { seq, at, .. }) = self.payment else { return Vec::new() };
        let parts = [
            (Part::Credits, self.credits, self.expires_in_days),
            (Part::Bonus, self.bonus, self.bonus_expires_in_days),
        ];
        let made = parts.into_iter().filter(|(_, credits, _)| credits.is_positive());
        (0..)
            .zip(made)
            .map(|(index, (part, credits, days))| MadeLot {
                lot: LotId { seq, index },
                part,
                credits,
                expires_at: days.map(|days| at.plus_seconds(i64::from(days) * 86_400)),
            })
            .collect()
    }

    /// How much of the money is gone again: refunded, or lost to disputes; never more than was paid.
    pub fn returned(&self) -> i64 {
        let refunded = self.refunded.saturating_sub(self.refunds_failed).max(0);
        refunded.saturating_add(self.lost()).min(self.price.amount)
    }

    /// Whether it is of a plan, paid, and its payment had no effect: it came too late, or beside a subscription of the
    /// provider's that pays for the same. Its money is to be given back.
    pub fn bought_nothing(&self) -> bool {
        self.pays.is_some_and(|pays| pays.first == pays.until)
    }

    /// Whether all of the money is gone again.
    pub fn all_is_gone(&self) -> bool {
        self.price.amount > 0 && self.returned() >= self.price.amount
    }

    /// How much of the money disputes took.
    fn lost(&self) -> i64 {
        let lost = self.disputes.iter().filter(|dispute| dispute.state == DisputeState::Lost);
        lost.fold(0, |sum: i64, dispute| sum.saturating_add(dispute.amount))
    }

    /// What is still to come back of its lots for the money that is gone: that share of the credits and of the bonus,
    /// rounded down to whole credits; everything when all of the money is (R27).
    pub fn to_take_back(&self) -> TakenBack {
        let due = self.due_back();
        TakenBack {
            credits: (due.credits - self.taken_back.credits).or_zero(),
            bonus: (due.bonus - self.taken_back.bonus).or_zero(),
        }
    }

    /// What was taken back for money that is there again, because a refund failed. Of lots that are not
    /// [counted](Order::counted) it cannot be told where it came from: nothing.
    pub(crate) fn to_give_back(&self) -> TakenBack {
        if !self.counted {
            return TakenBack::default();
        }
        let due = self.due_back();
        TakenBack {
            credits: (self.taken_back.credits - due.credits).or_zero(),
            bonus: (self.taken_back.bonus - due.bonus).or_zero(),
        }
    }

    /// The share of the credits and of the bonus for the money that is gone.
    fn due_back(&self) -> TakenBack {
        if !matches!(self.payment, Payment::Paid(_)) {
            return TakenBack::default();
        }
        let share = |granted: Credits| share(granted, self.returned(), self.price.amount);
        TakenBack { credits: share(self.credits), bonus: share(self.bonus) }
    }

    /// What is known of its disputes, with what is told: each only goes on, never back. An inquiry is kept only where a
    /// dispute follows it: by itself it is nothing.
    ///
    /// Disputes never become fewer, so more of them than are known are newer than all that is known, and are taken as they
    /// are. Earlier versions left inquiries out: what those stored stands at another place than what is told now.
    pub(crate) fn learn_disputes(&mut self, told: &[Dispute]) {
        let last = told.iter().rposition(|dispute| dispute.state != DisputeState::Inquiry);
        let told = last.map_or(&[][..], |last| &told[..=last.min(DISPUTES_MAX - 1)]);
        if told.len() > self.disputes.len() {
            self.disputes = told.to_vec();
            return;
        }
        for (known, told) in self.disputes.iter_mut().zip(told) {
            if told.state > known.state {
                *known = *told;
            }
        }
    }
}

/// The most disputes that an order keeps: more were never seen of one payment.
const DISPUTES_MAX: usize = 64;
/// Seconds for which an order waits for its money: a day.
const ORDER_FOR: i64 = 86_400;
/// Seconds for which it waits on once the provider says that the money is on its way: two weeks, as bank debits may take.
const PROCESSING_FOR: i64 = 14 * 86_400;

impl Order {
    /// Whether it waits for money that is known to be on its way: for longer than it would wait for any.
    pub fn is_on_its_way(&self) -> bool {
        self.payment == Payment::Pending && self.expires_at > self.placed_at.plus_seconds(ORDER_FOR)
    }

    /// The order once its money is known to be on its way: it waits for two weeks more, also where the clock had given it
    /// up. `None` where it waits for nothing, or waits for a week or longer anyway: so the same word, told every half
    /// hour, is written once.
    pub(crate) fn on_its_way(&self, at: Time) -> Option<Order> {
        let waits = match self.payment {
            Payment::Pending => self.expires_at >= at.plus_seconds(PROCESSING_FOR / 2),
            Payment::Expired => false,
            Payment::Failed | Payment::Received(_) | Payment::Paid(_) => true,
        };
        let expires_at = at.plus_seconds(PROCESSING_FOR);
        (!waits).then(|| Order { payment: Payment::Pending, expires_at, ..self.clone() })
    }
}

/// An order that was just placed and makes no credits yet.
pub(crate) fn bare(id: OrderId, item: Item, price: Price, published: &Published, at: Time) -> Order {
    Order {
        id,
        item,
        quantity: 1,
        origin: Origin::Asked,
        credits: Credits::ZERO,
        bonus: Credits::ZERO,
        expires_in_days: None,
        bonus_expires_in_days: None,
        price,
        catalog_version: published.version,
        claw_back: published.catalog.claw_back,
        placed_at: at,
        expires_at: at.plus_seconds(ORDER_FOR),
        references: Vec::new(),
        payment: Payment::Pending,
        refunded: 0,
        refunds_failed: 0,
        disputes: Vec::new(),
        taken_back: TakenBack::default(),
        spent_back: TakenBack::default(),
        gone_back: TakenBack::default(),
        counted: false,
        pays: None,
    }
}

/// The share `part` of `whole` of some credits, rounded down to whole credits unless it is all of them.
fn share(credits: Credits, part: i64, whole: i64) -> Credits {
    if part <= 0 || whole <= 0 {
        return Credits::ZERO;
    }
    if part >= whole {
        return credits;
    }
    const WHOLE_CREDIT: i128 = 1_000_000;
    let exact = i128::from(credits.millionths()) * i128::from(part) / i128::from(whole);
    let whole_credits = exact - exact % WHOLE_CREDIT;
    Credits::from_millionths(i64::try_from(whole_credits).expect("a part is no more than the whole"))
}
