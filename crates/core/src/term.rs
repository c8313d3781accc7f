//! Terms: what an entry can be found by, and digests of commands.
//!
//! A term is the leading 128 bits of a SHA-256 over an encoding that begins with the kind of term,
//! so that terms of different kinds never meet. It is apart because stores index terms for good:
//! these encodings must never change.

use std::fmt;

use sha2::{Digest as _, Sha256};

use crate::amount::Credits;
use crate::command::{Command, Cost, Expected, Usage};
use crate::entry::{Entry, Event};
use crate::id::{AccountNumber, ChargeId, HoldId, HoldName, HoldRef, Key};
use crate::measure::{MeasureValue, Measures};
use crate::time::Time;

/// What an entry can be found by: the leading 128 bits of a SHA-256.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Term(pub u128);

impl fmt::Debug for Term {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:032x}", self.0)
    }
}

impl Term {
    /// What the last entry of a command with an idempotency key is found by (R31).
    pub fn key(account: AccountNumber, key: &Key) -> Term {
        Encoder::new(b"scrip:key:1").number(account.0).text(key.as_str()).term()
    }

    /// What the placing of a hold is found by, from the caller's own id of it.
    pub fn hold_name(account: AccountNumber, name: &HoldName) -> Term {
        Encoder::new(b"scrip:hold-name:1").number(account.0).text(name.as_str()).term()
    }

    /// What the end of a hold is found by: its settle, release or expiry, and a late settle after that.
    pub fn hold_end(account: AccountNumber, hold: HoldId) -> Term {
        Encoder::new(b"scrip:hold-end:1").number(account.0).number(hold.seq).number(u64::from(hold.index)).term()
    }

    /// What the refunds of a charge are found by.
    pub fn refund_of(account: AccountNumber, charge: ChargeId) -> Term {
        Encoder::new(b"scrip:refund-of:1").number(account.0).number(charge.seq).number(u64::from(charge.index)).term()
    }
}

/// The terms that an entry is found by.
pub fn terms(entry: &Entry) -> Vec<Term> {
    let account = entry.account;
    let of_event = match &entry.event {
        Event::HoldPlaced { hold } => hold.name.as_ref().map(|name| Term::hold_name(account, name)),
        Event::HoldSettled(settled) => Some(Term::hold_end(account, settled.hold)),
        Event::HoldReleased { hold, .. } | Event::HoldExpired { hold, .. } => Some(Term::hold_end(account, *hold)),
        Event::Refunded(refunded) => Some(Term::refund_of(account, refunded.charge)),
        Event::AccountOpened { .. }
        | Event::AccountChanged { .. }
        | Event::SubscriptionChanged { .. }
        | Event::Refilled { .. }
        | Event::RolledOver
        | Event::LotExpired
        | Event::HoldExtended { .. }
        | Event::Charged { .. }
        | Event::Granted
        | Event::Revoked { .. }
        | Event::DebtRecorded { .. }
        | Event::DebtRepaid
        | Event::WentUncollected { .. } => None,
    };
    entry.bound.map(|bound| bound.term).into_iter().chain(of_event).collect()
}

/// Digest of a parsed command (R31): the operation, ids and fields, amounts and measures in their one canonical
/// form, so that `25` and `25.0` are the same request. The account stands in [`Term::key`].
pub fn content(command: &Command) -> u64 {
    encode(Encoder::new(b"scrip:content:1"), command).number64()
}

fn encode(to: Encoder, command: &Command) -> Encoder {
    match command {
        Command::PutAccount(put) => {
            let to = to.tag(1).option(put.name.as_deref(), Encoder::text);
            let to = to.option(put.zone.as_ref(), |to, zone| to.text(zone.name()));
            to.option(put.project_types.as_ref(), |to, types| {
                types.iter().fold(to.number(types.len() as u64), |to, name| to.text(name.as_str()))
            })
        }
        Command::PutSubscription(put) => to
            .tag(2)
            .option(put.plan.as_ref(), |to, plan| to.text(plan.as_str()))
            .option(put.anchor, Encoder::time)
            .option(put.state, |to, state| to.text(state.word())),
        Command::CancelSubscription => to.tag(3),
        Command::PlaceHold(hold) => to
            .tag(4)
            .cost(&hold.cost)
            .option(hold.name.as_ref(), |to, name| to.text(name.as_str()))
            .option(hold.reference.as_deref(), Encoder::text)
            .option(hold.member.as_deref(), Encoder::text)
            .option(hold.expires_in, |to, seconds| to.number(u64::from(seconds)))
            .expected(hold.expected),
        Command::ExtendHold { hold, expires_in } => to.tag(5).hold(hold).number(u64::from(*expires_in)),
        Command::SettleHold(settle) => {
            let to = to.tag(6).hold(&settle.hold);
            let to = match &settle.usage {
                Usage::Held => to.tag(0),
                Usage::Measures(measures) => to.tag(1).measures(measures),
                Usage::Credits(credits) => to.tag(2).credits(*credits),
            };
            to.option(settle.on_excess, |to, policy| to.text(policy.word()))
        }
        Command::ReleaseHold(release) => {
            let to = to.tag(7).hold(&release.hold).option(release.reason.as_deref(), Encoder::text);
            match release.after_expiry {
                crate::command::AfterExpiry::Expire => to.tag(0),
                crate::command::AfterExpiry::MakeGood => to.tag(1),
            }
        }
        Command::Charge(charge) => to
            .tag(8)
            .cost(&charge.cost)
            .option(charge.reference.as_deref(), Encoder::text)
            .option(charge.member.as_deref(), Encoder::text)
            .expected(charge.expected),
        Command::Refund { charge, credits, reason } => {
            let to = to.tag(9).number(charge.seq).number(u64::from(charge.index));
            to.option(*credits, Encoder::credits).text(reason)
        }
        Command::Grant(grant) => to
            .tag(10)
            .credits(grant.credits)
            .text(grant.class.word())
            .option(grant.expires_at, Encoder::time)
            .option(grant.priority, |to, priority| to.tag(priority.0))
            .text(&grant.reason),
        Command::RevokeLot { lot, credits, reason } => {
            let to = to.tag(11).number(lot.seq).number(u64::from(lot.index));
            to.option(*credits, Encoder::credits).text(reason)
        }
        Command::WriteOffDebt { credits, reason } => to.tag(12).option(*credits, Encoder::credits).text(reason),
        Command::Touch => to.tag(13),
    }
}

/// Feeds values to the hash so that no two different sequences of values look alike: numbers have a fixed width,
/// texts are preceded by their length, options by whether they are there.
struct Encoder(Sha256);

impl Encoder {
    fn new(domain: &[u8]) -> Encoder {
        Encoder(Sha256::new()).bytes(domain)
    }

    fn bytes(mut self, bytes: &[u8]) -> Encoder {
        self.0.update(bytes);
        self
    }

    fn tag(self, tag: u8) -> Encoder {
        self.bytes(&[tag])
    }

    fn number(self, number: u64) -> Encoder {
        self.bytes(&number.to_be_bytes())
    }

    fn text(self, text: &str) -> Encoder {
        self.number(text.len() as u64).bytes(text.as_bytes())
    }

    fn credits(self, credits: Credits) -> Encoder {
        self.bytes(&credits.millionths().to_be_bytes())
    }

    fn time(self, time: Time) -> Encoder {
        self.bytes(&time.micros().to_be_bytes())
    }

    fn option<T>(self, value: Option<T>, encode: impl FnOnce(Encoder, T) -> Encoder) -> Encoder {
        match value {
            None => self.tag(0),
            Some(value) => encode(self.tag(1), value),
        }
    }

    fn hold(self, hold: &HoldRef) -> Encoder {
        match hold {
            HoldRef::Id(id) => self.tag(0).number(id.seq).number(u64::from(id.index)),
            HoldRef::Name(name) => self.tag(1).text(name.as_str()),
        }
    }

    fn cost(self, cost: &Cost) -> Encoder {
        match cost {
            Cost::Tool { tool, measures } => self.tag(0).text(tool.as_str()).measures(measures),
            Cost::Credits(credits) => self.tag(1).credits(*credits),
        }
    }

    fn expected(self, expected: Expected) -> Encoder {
        self.option(expected.catalog_version, |to, version| to.number(u64::from(version)))
            .option(expected.credits, Encoder::credits)
    }

    fn measures(self, measures: &Measures) -> Encoder {
        measures.iter().fold(self.number(measures.len() as u64), |to, (name, value)| {
            let to = to.text(name.as_str());
            match value {
                MeasureValue::Number(number) => to.tag(0).bytes(&number.mantissa().to_be_bytes()).tag(number.scale()),
                MeasureValue::Word(word) => to.tag(1).text(word),
            }
        })
    }

    fn leading<const N: usize>(self) -> [u8; N] {
        let full: [u8; 32] = self.0.finalize().into();
        full[..N].try_into().expect("N is at most 32")
    }

    fn term(self) -> Term {
        Term(u128::from_be_bytes(self.leading()))
    }

    fn number64(self) -> u64 {
        u64::from_be_bytes(self.leading())
    }
}
