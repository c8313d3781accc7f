//! Entries: immutable facts in an account's journal (R12, R28–R30). Past tense.
//!
//! An entry says everything that changed, so that [`crate::apply::apply`] needs no rules: which
//! lots were made, how each lot's remaining and held moved, which of the studio's books stand on
//! the other side, what the totals are afterwards, and what happened.

use sha2::{Digest as _, Sha256};

use crate::account::Totals;
use crate::amount::Credits;
use crate::hold::{Hold, LotPart, OnExcess, Priced};
use crate::id::{AccountNumber, ChargeId, HoldId, LotId, OrderId, PlanId, StudioNumber, ToolId};
use crate::lot::{Class, Lot, NewLot};
use crate::order::Order;
use crate::plan::Subscription;
use crate::saved_method::SavedMethod;
use crate::tally::Tally;
use crate::time::{Time, Zone};
use crate::top_up::{AutomaticTopUp, TopUpChange};

pub use crate::term::Term;

/// One line of an account's journal.
///
/// Invariants, proved by `verify` from the journal alone:
/// - `Σ lots.remaining − debt + Σ books = 0` (double entry, R28);
/// - `after` is what came before plus this entry's changes;
/// - `seq` is the previous entry's plus one, and `at` is not before its.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Entry {
    /// Whose.
    pub account: AccountNumber,
    /// Its place in the account's journal, from 1.
    pub seq: u64,
    /// When it took effect.
    pub at: Time,
    /// What happened.
    pub event: Event,
    /// The lots that it makes: the *i*-th is `LotId { seq, index: i }`, with remaining zero until `lots` fills it.
    pub makes: Vec<NewLot>,
    /// How lots changed, in spend order of what was taken.
    pub lots: Vec<LotChange>,
    /// The signed change of what the account owes.
    pub debt: Credits,
    /// The other side, in the studio's books.
    pub books: Vec<Posting>,
    /// The account's totals after it.
    pub after: Totals,
    /// On the last entry of a command with a key: what the key is bound to (R31).
    pub bound: Option<Bound>,
    /// Free text, outside the chained record (R29).
    pub texts: Texts,
}

/// How one lot changed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct LotChange {
    /// The lot.
    pub lot: LotId,
    /// Its class.
    pub class: Class,
    /// Signed change of what is left.
    pub remaining: Credits,
    /// Signed change of what is set aside.
    pub held: Credits,
    /// Signed change of what is frozen.
    pub frozen: Credits,
    /// Of a lot that [counts](crate::lot::Sold::unspent) it: all that has left it unspent, as of this entry; `None` in
    /// an entry that changes nothing about that.
    pub unspent: Option<Credits>,
}

impl LotChange {
    /// Whether it says no more than what left the lot unspent: all that can be said of a lot with nothing left.
    pub fn moves_nothing(&self) -> bool {
        self.remaining.is_zero() && self.held.is_zero() && self.frozen.is_zero()
    }
}

/// One of the studio's own books (R28).
///
/// The signs: what lots and debts gain, a book loses, so that every entry sums to zero.
///
/// | what | lots | debt | books |
/// | --- | --- | --- | --- |
/// | refill, grant of *x* | +x | | issued −x |
/// | revoke of *x* | −x | | issued +x |
/// | charge of *x* | −x | | spent +x |
/// | *x* capped, late or written off | | | spent +x (unless written off), uncollected −x |
/// | *x* recorded as debt | | +x | spent +x |
/// | *x* of debt repaid | −x | −x | |
/// | *x* of debt written off | | −x | uncollected −x |
/// | refund of *x*, *d* of it off the debt | +(x − d) | −d | refunded −x |
/// | *x* expired | −x | | expired +x |
/// | roll-over, make-good at a release | −x, +x | | |
/// | paid order of *x*, bonus included | +x | | sold −x |
/// | claw-back of *x*, and of *d* as a debt, *w* written off | −x | +d | sold +(x + d + w), uncollected −w |
/// | its undoing: *x* to lots, *d* off the debt, *w* no longer written off | +x | −d | sold −(x + d + w), uncollected +w |
/// | refund of *x* for work that *w* of credits written off had paid | +(x − w) | | refunded −x, uncollected +w |
///
/// So `spent` is all work that was done, and −`uncollected` the part of it that nobody pays for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Book {
    /// Credits granted without money: refills, promos, make-goods, operators' top-ups. Revokes come back here.
    Issued,
    /// Credits that paid orders made, bonuses included. Claw-backs come back here.
    Sold,
    /// Work done, at its price.
    Spent,
    /// Credits that came to their end.
    Expired,
    /// Credits given back after a charge.
    Refunded,
    /// Work that nobody paid for: capped, late, written off, or paid for with credits whose money went back. Counts
    /// downwards.
    Uncollected,
}

impl Book {
    /// Every book.
    pub const ALL: [Book; 6] =
        [Book::Issued, Book::Sold, Book::Spent, Book::Expired, Book::Refunded, Book::Uncollected];

    /// The word in exports and reports.
    pub const fn word(self) -> &'static str {
        match self {
            Book::Issued => "issued",
            Book::Sold => "sold",
            Book::Spent => "spent",
            Book::Expired => "expired",
            Book::Refunded => "refunded",
            Book::Uncollected => "uncollected",
        }
    }
}

/// A signed amount in a book: spending 5 puts +5 in `Spent`, granting 5 puts −5 in `Issued`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Posting {
    /// Which book.
    pub book: Book,
    /// Signed.
    pub credits: Credits,
}

/// A key's binding: the command's own entries are this one and the `back` before it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Bound {
    /// Digest of account and key.
    pub term: Term,
    /// Digest of the parsed command.
    pub content: u64,
    /// How many entries before this one belong to the same command.
    pub back: u8,
}

/// The free texts of an entry. The chained record holds only a salted digest of each, so text and
/// salt can be erased and the chain stays whole (R29).
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Texts {
    /// The salt of the digests; `None` where there is no text, or where it was erased.
    pub salt: Option<[u8; 16]>,
    /// The texts, in the order of [`TextField`].
    pub fields: Vec<Text>,
}

/// One free text.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Text {
    /// Which.
    pub field: TextField,
    /// The leading 16 bytes of SHA-256(salt ‖ field ‖ text).
    pub digest: [u8; 16],
    /// The text; `None` once erased.
    pub text: Option<Box<str>>,
}

/// The kinds of free text.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum TextField {
    /// The studio's own id of the account.
    AccountId,
    /// The account's display name.
    Name,
    /// A job reference.
    Reference,
    /// A member of the account.
    Member,
    /// Why something was done.
    Reason,
    /// Who did it, by hand: a key of the studio, a person, the command line.
    By,
}

impl TextField {
    /// The word in stored texts and views.
    pub const fn word(self) -> &'static str {
        match self {
            TextField::AccountId => "account_id",
            TextField::Name => "name",
            TextField::Reference => "reference",
            TextField::Member => "member",
            TextField::Reason => "reason",
            TextField::By => "by",
        }
    }
}

impl TextField {
    /// The number in digests.
    pub const fn number(self) -> u8 {
        match self {
            TextField::AccountId => 1,
            TextField::Name => 2,
            TextField::Reference => 3,
            TextField::Member => 4,
            TextField::Reason => 5,
            TextField::By => 6,
        }
    }
}

impl Text {
    /// The leading 16 bytes of SHA-256(salt ‖ the field's number as one byte ‖ text).
    pub fn digest(salt: &[u8; 16], field: TextField, text: &str) -> [u8; 16] {
        let mut sha = Sha256::new();
        sha.update(salt);
        sha.update([field.number()]);
        sha.update(text.as_bytes());
        let full: [u8; 32] = sha.finalize().into();
        let (leading, _) = full.split_at(16);
        leading.try_into().expect("half of 32 bytes")
    }
}

impl Texts {
    /// The texts that are there, in the order of [`TextField`], digested with this salt.
    pub fn salted<'a>(salt: [u8; 16], texts: impl IntoIterator<Item = (TextField, Option<&'a str>)>) -> Texts {
        let mut fields: Vec<Text> = Vec::new();
        for (field, text) in texts {
            let Some(text) = text else { continue };
            fields.push(Text { field, digest: Text::digest(&salt, field, text), text: Some(text.into()) });
        }
        fields.sort_by_key(|text| text.field);
        Texts { salt: (!fields.is_empty()).then_some(salt), fields }
    }

    /// Adds a text of a later field than those that are there, digested with their salt, or with this one where there are none.
    pub fn add(&mut self, salt: [u8; 16], field: TextField, text: &str) {
        assert!(self.fields.last().is_none_or(|last| last.field < field), "texts are in the order of their fields");
        let salt = *self.salt.get_or_insert(salt);
        self.fields.push(Text { field, digest: Text::digest(&salt, field, text), text: Some(text.into()) });
    }

    /// Whether there is, or was, a text of this field.
    pub fn names(&self, field: TextField) -> bool {
        self.fields.iter().any(|text| text.field == field)
    }

    /// The text of a field, if there is one and it was not erased.
    pub fn get(&self, field: TextField) -> Option<&str> {
        self.fields.iter().find(|text| text.field == field)?.text.as_deref()
    }
}

/// What happened.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Event {
    /// The account came to be. Text: `account_id`, and `name` if given.
    AccountOpened {
        /// Whose customer.
        studio: StudioNumber,
        /// Its zone.
        zone: Zone,
        /// Its enabled project types; `None`: all.
        project_types: Option<Vec<crate::id::ProjectTypeId>>,
    },
    /// Its settings as they now stand; a `name` text if that changed.
    AccountChanged {
        /// Its zone.
        zone: Zone,
        /// Its enabled project types; `None`: all.
        project_types: Option<Vec<crate::id::ProjectTypeId>>,
    },
    /// A subscription as it now stands: begun, changed, cancelled or (with `None`) ended.
    SubscriptionChanged {
        /// What changed, for the history.
        change: SubscriptionChange,
        /// The subscription from now on.
        subscription: Option<Subscription>,
    },
    /// A cycle began, or an upgrade or reactivation granted in the middle of one (R14, R17).
    Refilled {
        /// The plan.
        plan: PlanId,
        /// The cycle, counted from the anchor.
        cycle: u32,
        /// The subscription from now on (`reached`, and terms read anew at a term's end).
        subscription: Subscription,
    },
    /// What was unheld at the turn became one lot of the next cycle (R14).
    RolledOver,
    /// Lots, or what was freed of them, came to their end (R14, R22): all that did at this instant.
    LotExpired,
    /// Credits were set aside (R18).
    HoldPlaced {
        /// The hold, without its texts (they stand in [`Entry::texts`]); `placed_at` and `id` are the entry's.
        hold: Hold,
    },
    /// A hold's deadline moved (R18).
    HoldExtended {
        /// Which.
        hold: HoldId,
        /// Its tool.
        tool: Option<ToolId>,
        /// The new deadline.
        expires_at: Time,
    },
    /// A hold was charged (R19, R21).
    HoldSettled(HoldSettled),
    /// A hold was freed by the studio (R20).
    HoldReleased {
        /// Which.
        hold: HoldId,
        /// Its tool.
        tool: Option<ToolId>,
        /// What was freed.
        freed: Credits,
    },
    /// A hold was freed at its deadline (R21).
    HoldExpired {
        /// Which.
        hold: HoldId,
        /// Its tool.
        tool: Option<ToolId>,
        /// What was freed.
        freed: Credits,
    },
    /// Credits were taken at once.
    Charged {
        /// What for.
        priced: Priced,
        /// How much.
        credits: Credits,
    },
    /// Credits were given back (R24).
    Refunded(Refunded),
    /// Credits were given (R25).
    Granted,
    /// Credits were taken back (R25): perhaps none, where nothing was left unheld.
    Revoked {
        /// Of which lot.
        lot: LotId,
    },
    /// What a charge could not take is owed (R19).
    DebtRecorded {
        /// The charge.
        charge: ChargeId,
        /// Its tool.
        tool: Option<ToolId>,
    },
    /// New credits repaid what was owed (R19).
    DebtRepaid,
    /// Work that nobody pays for (R21), or a debt written off (R19).
    WentUncollected {
        /// The charge; `None` for a write-off.
        charge: Option<ChargeId>,
        /// The charge's tool.
        tool: Option<ToolId>,
        /// How much.
        credits: Credits,
    },
    /// Every text of the account was erased: the studio's id of it, its name, and the texts of all entries before this
    /// one (R29). Credits and holds stay; from here on it goes by [`AccountId::erased`](crate::id::AccountId::erased).
    /// Text: a `reason`, if given.
    AccountErased,
    /// An operator did something that moves no credits. Texts: a `reference` to what it was done to, why (`reason`) where it is said, and `by`.
    Acted {
        /// What.
        act: Act,
    },
    /// Something about an order changed that moves no credits (R26).
    OrderChanged {
        /// What.
        change: OrderChange,
        /// The order from now on.
        order: Box<Order>,
    },
    /// An order's money is there, and so are its lots (R26). A text: the `reference` that an operator gave.
    OrderPaid {
        /// The order from now on.
        order: Box<Order>,
        /// How often the account has bought the package, this time included.
        bought: Tally,
    },
    /// What is unheld in a disputed order's lots was frozen (R27).
    LotsFrozen {
        /// The order from now on.
        order: Box<Order>,
    },
    /// What was frozen in an order's lots is free (R27).
    LotsUnfrozen {
        /// The order from now on.
        order: Box<Order>,
    },
    /// Something about the account's automatic top-up changed.
    AutomaticTopUpChanged {
        /// What.
        change: TopUpChange,
        /// The automatic top-up from now on.
        top_up: Box<AutomaticTopUp>,
    },
    /// What was taken back of an order is given back, since its money is there again: a refund failed (R27). Its debt part
    /// is the entry's.
    GivenBack {
        /// The order from now on.
        order: Box<Order>,
        /// The lots that had nothing left and now have again, remaining zero.
        revived: Vec<Lot>,
        /// What was owed and has been repaid since, and so comes back as make-good.
        repaid_back: Credits,
    },
    /// A payment method was saved for payments while its owner is away, or could not be charged, or could again.
    SavedMethodChanged {
        /// The saved method from now on.
        method: SavedMethod,
    },
    /// A payment provider's own subscription pays for the plan's terms from now on, or no more.
    BillingChanged {
        /// The order whose payment began it; `None`: it is over.
        billing: Option<OrderId>,
    },
    /// Credits were taken back of an order whose money went back (R27); its debt part is the entry's.
    ClawedBack {
        /// The order from now on.
        order: Box<Order>,
        /// What was spent and nobody owes.
        uncollected: Credits,
    },
}

/// What about an order changed without moving credits.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum OrderChange {
    /// It was placed.
    Placed,
    /// The provider has it: an id of it became known.
    Sent,
    /// Nobody paid in time.
    Expired,
    /// The provider said no.
    Failed,
    /// A plan's term is paid for; what that does to the subscription follows.
    Paid,
    /// The provider told something else of it: another id, money that went back for less than a whole credit, a dispute
    /// of which nothing is left to freeze.
    Noted,
}

/// A hold's settling.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct HoldSettled {
    /// Which hold.
    pub hold: HoldId,
    /// What was used and the version that priced it; `tool` `None` where the hold named an amount.
    pub priced: Priced,
    /// What the job cost.
    pub price: Credits,
    /// What lots paid.
    pub charged: Credits,
    /// What was freed of the hold.
    pub freed: Credits,
    /// What nobody pays: the part above a capped hold, posted here; or, for a late settle, posted by the
    /// [`Event::WentUncollected`] that follows.
    pub uncollected: Credits,
    /// What is owed, posted by the [`Event::DebtRecorded`] that follows.
    pub debt: Credits,
    /// The policy that was applied.
    pub on_excess: OnExcess,
    /// Settled after the deadline (R21).
    pub late: bool,
}

/// A refund.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Refunded {
    /// Of which charge.
    pub charge: ChargeId,
    /// The charge's tool.
    pub tool: Option<ToolId>,
    /// How much in all, the debt part included.
    pub credits: Credits,
    /// The lots that had nothing left and now have again, remaining zero: `apply` needs no history to bring them
    /// back.
    pub revived: Vec<Lot>,
    /// What the lots that paid have got back so far, this refund included (whether to the lot itself or as
    /// make-good in its stead).
    pub refunded: Vec<LotPart>,
    /// What was taken off the charge's debt part so far, this refund included.
    pub refunded_debt: Credits,
    /// Of this refund's debt part, what was repaid already and so comes back as make-good.
    pub repaid_back: Credits,
}

/// What an operator does that moves no credits.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[repr(u8)]
pub enum Act {
    /// A key was made. Of the studio's own account.
    KeyCreated = 1,
    /// A key was revoked. Of the studio's own account.
    KeyRevoked = 2,
    /// A catalog version was published. Of the studio's own account.
    CatalogPublished = 3,
    /// Somebody signed in to the console. Of the studio's own account.
    SignedIn = 4,
    /// A customer was let in: of the customer's account.
    PortalOpened = 5,
    /// Every token that customers have was ended. Of the studio's own account.
    TokensRenewed = 6,
}

impl Act {
    /// Every act.
    pub const ALL: [Act; 6] =
        [Act::KeyCreated, Act::KeyRevoked, Act::CatalogPublished, Act::SignedIn, Act::PortalOpened, Act::TokensRenewed];

    /// The number in stored records.
    pub const fn number(self) -> u8 {
        self as u8
    }

    /// The act that a number stands for.
    pub fn from_number(number: u8) -> Option<Act> {
        Act::ALL.into_iter().find(|act| act.number() == number)
    }

    /// The word on the wire.
    pub const fn word(self) -> &'static str {
        match self {
            Act::KeyCreated => "key_created",
            Act::KeyRevoked => "key_revoked",
            Act::CatalogPublished => "catalog_published",
            Act::SignedIn => "signed_in",
            Act::PortalOpened => "portal_opened",
            Act::TokensRenewed => "tokens_renewed",
        }
    }
}

/// What changed about a subscription.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum SubscriptionChange {
    /// It began.
    Started,
    /// Another plan, at once.
    Changed,
    /// Another plan, or the end, waits for the end of the term.
    Scheduled,
    /// What waited was called off.
    Unscheduled,
    /// Active, past due or paused.
    StateChanged,
    /// What waited took place.
    TookEffect,
    /// It ended.
    Ended,
    /// It was paid for, further than before (R17a).
    Paid,
    /// Money of a payment for it went back: it is paid for less far than before (R27).
    Unpaid,
}

/// The kinds of entries, as history and exports name them.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[repr(u8)]
pub enum Kind {
    /// An account opened or its settings changed: in the journal, not in the history that is shown.
    Account = 1,
    /// [`Event::SubscriptionChanged`].
    PlanChange = 2,
    /// [`Event::Refilled`].
    Refill = 3,
    /// [`Event::RolledOver`].
    RollOver = 4,
    /// [`Event::LotExpired`].
    Expiry = 5,
    /// [`Event::HoldPlaced`].
    Hold = 6,
    /// [`Event::HoldExtended`].
    Extend = 7,
    /// [`Event::HoldSettled`].
    Settle = 8,
    /// [`Event::HoldReleased`].
    Release = 9,
    /// [`Event::HoldExpired`].
    HoldExpired = 10,
    /// [`Event::Charged`].
    Charge = 11,
    /// [`Event::Refunded`].
    Refund = 12,
    /// [`Event::Granted`].
    Grant = 13,
    /// [`Event::Revoked`].
    Revoke = 14,
    /// [`Event::DebtRecorded`].
    Debt = 15,
    /// [`Event::DebtRepaid`].
    DebtRepaid = 16,
    /// [`Event::WentUncollected`].
    Uncollected = 17,
    /// [`Event::AccountErased`]: in the journal, not in the history that is shown.
    Erasure = 18,
    /// [`Event::OrderPaid`].
    TopUp = 19,
    /// [`Event::LotsFrozen`].
    Freeze = 20,
    /// [`Event::LotsUnfrozen`].
    Unfreeze = 21,
    /// [`Event::ClawedBack`].
    ClawBack = 22,
    /// [`Event::OrderChanged`].
    Order = 23,
    /// [`Event::AutomaticTopUpChanged`].
    AutomaticTopUp = 24,
    /// [`Event::GivenBack`].
    GiveBack = 25,
    /// [`Event::SavedMethodChanged`].
    SavedMethod = 30,
    /// [`Event::BillingChanged`].
    Billing = 31,
    /// [`Event::Acted`]: in the journal, not in the history that is shown.
    Act = 35,
}

impl Kind {
    /// Every kind, by number.
    pub const ALL: [Kind; 28] = [
        Kind::Account,
        Kind::PlanChange,
        Kind::Refill,
        Kind::RollOver,
        Kind::Expiry,
        Kind::Hold,
        Kind::Extend,
        Kind::Settle,
        Kind::Release,
        Kind::HoldExpired,
        Kind::Charge,
        Kind::Refund,
        Kind::Grant,
        Kind::Revoke,
        Kind::Debt,
        Kind::DebtRepaid,
        Kind::Uncollected,
        Kind::Erasure,
        Kind::TopUp,
        Kind::Freeze,
        Kind::Unfreeze,
        Kind::ClawBack,
        Kind::Order,
        Kind::AutomaticTopUp,
        Kind::GiveBack,
        Kind::SavedMethod,
        Kind::Billing,
        Kind::Act,
    ];

    /// The kinds whose entries may say who made them ([`TextField::By`]).
    pub const BY_HAND: [Kind; 11] = [
        Kind::PlanChange,
        Kind::Release,
        Kind::Refund,
        Kind::Grant,
        Kind::Revoke,
        Kind::Uncollected,
        Kind::Erasure,
        Kind::TopUp,
        Kind::Order,
        Kind::AutomaticTopUp,
        Kind::Act,
    ];

    /// The number in stored records.
    pub const fn number(self) -> u8 {
        self as u8
    }

    /// The kind that a number stands for.
    pub fn from_number(number: u8) -> Option<Kind> {
        Kind::ALL.into_iter().find(|kind| kind.number() == number)
    }

    /// The word on the wire and in views.
    pub const fn word(self) -> &'static str {
        match self {
            Kind::Account => "account",
            Kind::PlanChange => "plan_change",
            Kind::Refill => "refill",
            Kind::RollOver => "roll_over",
            Kind::Expiry => "expiry",
            Kind::Hold => "hold",
            Kind::Extend => "extend",
            Kind::Settle => "settle",
            Kind::Release => "release",
            Kind::HoldExpired => "hold_expired",
            Kind::Charge => "charge",
            Kind::Refund => "refund",
            Kind::Grant => "grant",
            Kind::Revoke => "revoke",
            Kind::Debt => "debt",
            Kind::DebtRepaid => "debt_repaid",
            Kind::Uncollected => "uncollected",
            Kind::Erasure => "erasure",
            Kind::TopUp => "top_up",
            Kind::Freeze => "freeze",
            Kind::Unfreeze => "unfreeze",
            Kind::ClawBack => "claw_back",
            Kind::Order => "order",
            Kind::AutomaticTopUp => "automatic_top_up",
            Kind::GiveBack => "give_back",
            Kind::SavedMethod => "saved_method",
            Kind::Billing => "billing",
            Kind::Act => "act",
        }
    }

    /// Whether entries of this kind are part of the history that is shown. The others are about the account, not about
    /// its credits.
    pub const fn is_shown(self) -> bool {
        !matches!(self, Kind::Account | Kind::Erasure | Kind::Act)
    }

    /// The kind that a word names.
    pub fn from_word(word: &str) -> Option<Kind> {
        Kind::ALL.into_iter().find(|kind| kind.word() == word)
    }
}

impl Event {
    /// Its kind.
    pub const fn kind(&self) -> Kind {
        match self {
            Event::AccountOpened { .. } | Event::AccountChanged { .. } => Kind::Account,
            Event::SubscriptionChanged { .. } => Kind::PlanChange,
            Event::Refilled { .. } => Kind::Refill,
            Event::RolledOver => Kind::RollOver,
            Event::LotExpired => Kind::Expiry,
            Event::HoldPlaced { .. } => Kind::Hold,
            Event::HoldExtended { .. } => Kind::Extend,
            Event::HoldSettled(_) => Kind::Settle,
            Event::HoldReleased { .. } => Kind::Release,
            Event::HoldExpired { .. } => Kind::HoldExpired,
            Event::Charged { .. } => Kind::Charge,
            Event::Refunded(_) => Kind::Refund,
            Event::Granted => Kind::Grant,
            Event::Revoked { .. } => Kind::Revoke,
            Event::DebtRecorded { .. } => Kind::Debt,
            Event::DebtRepaid => Kind::DebtRepaid,
            Event::WentUncollected { .. } => Kind::Uncollected,
            Event::AccountErased => Kind::Erasure,
            Event::Acted { .. } => Kind::Act,
            Event::OrderPaid { .. } => Kind::TopUp,
            Event::LotsFrozen { .. } => Kind::Freeze,
            Event::LotsUnfrozen { .. } => Kind::Unfreeze,
            Event::ClawedBack { .. } => Kind::ClawBack,
            Event::OrderChanged { .. } => Kind::Order,
            Event::AutomaticTopUpChanged { .. } => Kind::AutomaticTopUp,
            Event::GivenBack { .. } => Kind::GiveBack,
            Event::SavedMethodChanged { .. } => Kind::SavedMethod,
            Event::BillingChanged { .. } => Kind::Billing,
        }
    }

    /// The order that it is about, as it stands from then on, if any.
    pub fn order(&self) -> Option<&Order> {
        match self {
            Event::OrderChanged { order, .. }
            | Event::OrderPaid { order, .. }
            | Event::LotsFrozen { order }
            | Event::LotsUnfrozen { order }
            | Event::GivenBack { order, .. }
            | Event::ClawedBack { order, .. } => Some(order),
            _ => None,
        }
    }
}

impl Entry {
    /// The signed change of what is left: `credits` in the history.
    pub fn credits(&self) -> Credits {
        self.lots.iter().map(|change| change.remaining).sum()
    }

    /// What lots paid in it, in the order they were taken.
    pub fn taken(&self) -> impl Iterator<Item = LotPart> + '_ {
        self.lots.iter().filter(|change| change.remaining.is_negative()).map(|change| LotPart {
            lot: change.lot,
            class: change.class,
            credits: -change.remaining,
        })
    }

    /// What lots were given in it.
    pub fn given(&self) -> impl Iterator<Item = LotPart> + '_ {
        self.lots.iter().filter(|change| change.remaining.is_positive()).map(|change| LotPart {
            lot: change.lot,
            class: change.class,
            credits: change.remaining,
        })
    }

    /// The signed change of what is set aside: `held` in the history.
    pub fn held(&self) -> Credits {
        self.lots.iter().map(|change| change.held).sum()
    }

    /// The signed change of what is frozen.
    pub fn frozen(&self) -> Credits {
        self.lots.iter().map(|change| change.frozen).sum()
    }

    /// The charge that it made or is about, if any.
    pub fn charge(&self) -> Option<ChargeId> {
        match &self.event {
            Event::HoldSettled(_) | Event::Charged { .. } => Some(ChargeId::first(self.seq)),
            Event::Refunded(refunded) => Some(refunded.charge),
            Event::DebtRecorded { charge, .. } => Some(*charge),
            Event::WentUncollected { charge, .. } => *charge,
            Event::AccountOpened { .. }
            | Event::AccountChanged { .. }
            | Event::SubscriptionChanged { .. }
            | Event::Refilled { .. }
            | Event::RolledOver
            | Event::LotExpired
            | Event::HoldPlaced { .. }
            | Event::HoldExtended { .. }
            | Event::HoldReleased { .. }
            | Event::HoldExpired { .. }
            | Event::Granted
            | Event::Revoked { .. }
            | Event::DebtRepaid
            | Event::AccountErased
            | Event::Acted { .. }
            | Event::OrderChanged { .. }
            | Event::OrderPaid { .. }
            | Event::LotsFrozen { .. }
            | Event::LotsUnfrozen { .. }
            | Event::AutomaticTopUpChanged { .. }
            | Event::GivenBack { .. }
            | Event::SavedMethodChanged { .. }
            | Event::BillingChanged { .. }
            | Event::ClawedBack { .. } => None,
        }
    }

    /// The tool that it is about, if any.
    pub fn tool(&self) -> Option<&ToolId> {
        match &self.event {
            Event::HoldPlaced { hold } => hold.priced.tool.as_ref(),
            Event::HoldSettled(settled) => settled.priced.tool.as_ref(),
            Event::Charged { priced, .. } => priced.tool.as_ref(),
            Event::Refunded(refunded) => refunded.tool.as_ref(),
            Event::HoldExtended { tool, .. }
            | Event::HoldReleased { tool, .. }
            | Event::HoldExpired { tool, .. }
            | Event::DebtRecorded { tool, .. }
            | Event::WentUncollected { tool, .. } => tool.as_ref(),
            Event::AccountOpened { .. }
            | Event::AccountChanged { .. }
            | Event::SubscriptionChanged { .. }
            | Event::Refilled { .. }
            | Event::RolledOver
            | Event::LotExpired
            | Event::Granted
            | Event::Revoked { .. }
            | Event::DebtRepaid
            | Event::AccountErased
            | Event::Acted { .. }
            | Event::OrderChanged { .. }
            | Event::OrderPaid { .. }
            | Event::LotsFrozen { .. }
            | Event::LotsUnfrozen { .. }
            | Event::AutomaticTopUpChanged { .. }
            | Event::GivenBack { .. }
            | Event::SavedMethodChanged { .. }
            | Event::BillingChanged { .. }
            | Event::ClawedBack { .. } => None,
        }
    }

    /// The tool and measures that it was priced by, if any.
    pub fn priced(&self) -> Option<&Priced> {
        match &self.event {
            Event::HoldPlaced { hold } => Some(&hold.priced),
            Event::HoldSettled(settled) => Some(&settled.priced),
            Event::Charged { priced, .. } => Some(priced),
            _ => None,
        }
    }
}
