//! Terms: what an entry can be found by, and digests of commands.
//!
//! A term is the leading 128 bits of a SHA-256 over an encoding that begins with the kind of term,
//! so that terms of different kinds never meet. It is apart because stores index terms for good:
//! these encodings must never change.

use std::fmt;

use sha2::{Digest as _, Sha256};

use crate::amount::Credits;
use crate::command::{Command, Cost, Expected, Grant, OrderItem, PutAccount, Usage};
use crate::entry::{Entry, Event};
use crate::id::{AccountNumber, ChargeId, HoldId, HoldName, HoldRef, Key, LotId, OrderId, ProviderRef};
use crate::measure::{MeasureValue, Measures};
use crate::order::{DisputeState, Truth, TruthOfPayment};
use crate::time::Time;
use crate::top_up::Switch;

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

    /// What the last entry of an account's opening is found by, see [`crate::command::Opening`].
    pub fn opening(account: AccountNumber) -> Term {
        Encoder::new(b"scrip:opening:1").number(account.0).term()
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

    /// What the entries about an order are found by; the newest says how it stands.
    pub fn order(account: AccountNumber, order: OrderId) -> Term {
        Encoder::new(b"scrip:order:1").number(account.0).number(order.seq).number(u64::from(order.index)).term()
    }

    /// What the entries are found by that tell what left a lot unspent; the newest tells all of it.
    pub fn unspent_of(account: AccountNumber, lot: LotId) -> Term {
        Encoder::new(b"scrip:unspent-of:1").number(account.0).number(lot.seq).number(u64::from(lot.index)).term()
    }

    /// What the entries about an order are found by, from a payment provider's own id of it: the one term that names no
    /// account, because a provider does not know of any.
    pub fn provider_ref(reference: &ProviderRef) -> Term {
        Encoder::new(b"scrip:provider-ref:1").text(reference.as_str()).term()
    }
}

/// The terms that an entry is found by.
pub fn terms(entry: &Entry) -> impl Iterator<Item = Term> + use<> {
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
        | Event::WentUncollected { .. }
        | Event::AutomaticTopUpChanged { .. }
        | Event::SavedMethodChanged { .. }
        | Event::BillingChanged { .. }
        | Event::AccountErased
        | Event::Acted { .. } => None,
        Event::OrderChanged { order, .. }
        | Event::OrderPaid { order, .. }
        | Event::LotsFrozen { order }
        | Event::LotsUnfrozen { order }
        | Event::GivenBack { order, .. }
        | Event::ClawedBack { order, .. } => Some(Term::order(account, order.id)),
    };
    // Entries about an order are few: only these gather their references.
    let references = entry.event.order().map_or(&[][..], |order| &order.references);
    let references: Vec<Term> = references.iter().map(Term::provider_ref).collect();
    let unspent = entry.lots.iter().filter(|change| change.unspent.is_some());
    let unspent: Vec<Term> = unspent.map(|change| Term::unspent_of(account, change.lot)).collect();
    entry.bound.map(|bound| bound.term).into_iter().chain(of_event).chain(references).chain(unspent)
}

/// Digest of a parsed command (R31): the operation, ids and fields, amounts and measures in their one canonical
/// form, so that `25` and `25.0` are the same request. The account stands in [`Term::key`].
pub fn content(command: &Command) -> u64 {
    encode(&mut Encoder::new(b"scrip:content:1"), command).number64()
}

fn encode<'a>(to: &'a mut Encoder, command: &Command) -> &'a mut Encoder {
    match command {
        Command::PutAccount(put) => to.tag(1).settings(put),
        Command::PutSubscription(put) => to
            .tag(2)
            .option(put.plan.as_ref(), |to, plan| to.text(plan.as_str()))
            .option(put.anchor, Encoder::time)
            .option(put.state, |to, state| to.text(state.word())),
        Command::CancelSubscription(_) => to.tag(3),
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
        Command::Grant(grant) => to.tag(10).grant(grant),
        Command::RevokeLot { lot, credits, reason } => {
            let to = to.tag(11).number(lot.seq).number(u64::from(lot.index));
            to.option(*credits, Encoder::credits).text(reason)
        }
        Command::WriteOffDebt { credits, reason } => to.tag(12).option(*credits, Encoder::credits).text(reason),
        Command::RecordAct { act, subject, reason } => {
            let to = to.tag(35).text(act.word()).text(subject);
            match reason.as_deref() {
                Some(reason) => to.text(reason),
                None => to,
            }
        }
        Command::EraseAccount { reason } => to.tag(20).option(reason.as_deref(), Encoder::text),
        Command::Touch => to.tag(13),
        Command::OpenAccount(opening) => {
            let to = to.tag(14).settings(&opening.settings);
            let to = to.option(opening.subscription.as_ref(), |to, subscription| {
                to.text(subscription.plan.as_str())
                    .time(subscription.anchor)
                    .text(subscription.state.word())
                    .option(subscription.remaining, Encoder::credits)
            });
            let to = to.number(opening.lots.len() as u64);
            opening.lots.iter().fold(to, |to, lot| to.grant(&lot.grant).credits(lot.granted))
        }
        Command::PlaceOrder { item, mark: _ } => {
            let to = to.tag(15);
            match item {
                OrderItem::Package(package) => to.tag(0).text(package.as_str()),
                OrderItem::Plan(plan) => to.tag(1).text(plan.as_str()),
            }
        }
        Command::SendOrder { order, reference } => to.tag(16).order(*order).text(reference.as_str()),
        Command::PutTopUp(put) => to
            .tag(19)
            .option(put.package.as_ref(), |to, package| to.text(package.as_str()))
            .option(put.below, Encoder::credits)
            .option(put.up_to, Encoder::credits)
            .option(put.per_day, Encoder::most)
            .option(put.per_month, Encoder::most)
            .option(put.switch, |to, switch| to.tag(u8::from(switch == Switch::On))),
        Command::FulfilOrder { order, truth } => to.tag(17).order(*order).truth(truth),
        Command::MarkOrderPaid { order, reference } => to.tag(18).order(*order).text(reference),
        Command::SaveMethod { order } => to.tag(30).order(*order),
        Command::BeginBilling { order } => to.tag(32).order(*order),
        Command::EndBilling { order } => to.tag(33).order(*order),
        Command::PayTerm(paid) => {
            let to = to.tag(34).order(paid.order).number(u64::from(paid.months));
            let to = to.money(paid.price.amount).text(&paid.price.currency).number(paid.references.len() as u64);
            paid.references.iter().fold(to, |to, reference| to.text(reference.as_str()))
        }
        Command::RefuseMethod { order, trouble } => to.tag(31).order(*order).text(trouble.word()),
    }
}

/// Feeds values to the hash so that no two different sequences of values look alike: numbers have a fixed width,
/// texts are preceded by their length, options by whether they are there.
///
/// Values gather in a buffer first: the hash costs more per call than per byte, and every charge is digested.
struct Encoder {
    sha: Sha256,
    gathered: [u8; 192],
    length: usize,
}

impl Encoder {
    fn new(domain: &[u8]) -> Encoder {
        let mut encoder = Encoder { sha: Sha256::new(), gathered: [0; 192], length: 0 };
        encoder.bytes(domain);
        encoder
    }

    fn bytes(&mut self, bytes: &[u8]) -> &mut Encoder {
        if self.length + bytes.len() > self.gathered.len() {
            self.sha.update(&self.gathered[..self.length]);
            self.length = 0;
        }
        if bytes.len() > self.gathered.len() {
            self.sha.update(bytes);
        } else {
            self.gathered[self.length..self.length + bytes.len()].copy_from_slice(bytes);
            self.length += bytes.len();
        }
        self
    }

    fn tag(&mut self, tag: u8) -> &mut Encoder {
        self.bytes(&[tag])
    }

    fn number(&mut self, number: u64) -> &mut Encoder {
        self.bytes(&number.to_be_bytes())
    }

    fn text(&mut self, text: &str) -> &mut Encoder {
        self.number(text.len() as u64).bytes(text.as_bytes())
    }

    fn credits(&mut self, credits: Credits) -> &mut Encoder {
        self.bytes(&credits.millionths().to_be_bytes())
    }

    fn time(&mut self, time: Time) -> &mut Encoder {
        self.bytes(&time.micros().to_be_bytes())
    }

    fn option<T>(
        &mut self,
        value: Option<T>,
        encode: impl for<'a> FnOnce(&'a mut Encoder, T) -> &'a mut Encoder,
    ) -> &mut Encoder {
        match value {
            None => self.tag(0),
            Some(value) => encode(self.tag(1), value),
        }
    }

    fn most(&mut self, most: Option<u32>) -> &mut Encoder {
        self.option(most, |to, most| to.number(u64::from(most)))
    }

    fn settings(&mut self, put: &PutAccount) -> &mut Encoder {
        self.option(put.name.as_deref(), Encoder::text)
            .option(put.zone.as_ref(), |to, zone| to.text(zone.name()))
            .option(put.project_types.as_ref(), |to, types| {
                types.iter().fold(to.number(types.len() as u64), |to, name| to.text(name.as_str()))
            })
    }

    fn grant(&mut self, grant: &Grant) -> &mut Encoder {
        self.credits(grant.credits)
            .text(grant.class.word())
            .option(grant.expires_at, Encoder::time)
            .option(grant.priority, |to, priority| to.tag(priority.0))
            .text(&grant.reason)
    }

    fn hold(&mut self, hold: &HoldRef) -> &mut Encoder {
        match hold {
            HoldRef::Id(id) => self.tag(0).number(id.seq).number(u64::from(id.index)),
            HoldRef::Name(name) => self.tag(1).text(name.as_str()),
        }
    }

    fn order(&mut self, order: OrderId) -> &mut Encoder {
        self.number(order.seq).number(u64::from(order.index))
    }

    fn money(&mut self, amount: i64) -> &mut Encoder {
        self.bytes(&amount.to_be_bytes())
    }

    fn truth(&mut self, truth: &Truth) -> &mut Encoder {
        let to = match &truth.payment {
            TruthOfPayment::Pending => self.tag(0),
            TruthOfPayment::Failed => self.tag(1),
            TruthOfPayment::Expired => self.tag(2),
            TruthOfPayment::Processing => self.tag(4),
            TruthOfPayment::Paid(paid) => self.tag(3).money(paid.amount).text(&paid.currency),
        };
        let to = to.money(truth.refunded).money(truth.refunds_failed).number(truth.disputes.len() as u64);
        let to = truth.disputes.iter().fold(to, |to, dispute| {
            let state = match dispute.state {
                DisputeState::Open => 0,
                DisputeState::Won => 1,
                DisputeState::Lost => 2,
                DisputeState::Inquiry => 3,
            };
            to.tag(state).money(dispute.amount)
        });
        let count = to.number(truth.references.len() as u64);
        let to = truth.references.iter().fold(count, |to, reference| to.text(reference.as_str()));
        to.tag(u8::from(truth.begins_billing))
    }

    fn cost(&mut self, cost: &Cost) -> &mut Encoder {
        match cost {
            Cost::Tool { tool, measures } => self.tag(0).text(tool.as_str()).measures(measures),
            Cost::Credits(credits) => self.tag(1).credits(*credits),
        }
    }

    fn expected(&mut self, expected: Expected) -> &mut Encoder {
        self.option(expected.catalog_version, |to, version| to.number(u64::from(version)))
            .option(expected.credits, Encoder::credits)
    }

    fn measures(&mut self, measures: &Measures) -> &mut Encoder {
        measures.iter().fold(self.number(measures.len() as u64), |to, (name, value)| {
            let to = to.text(name.as_str());
            match value {
                MeasureValue::Number(number) => to.tag(0).bytes(&number.mantissa().to_be_bytes()).tag(number.scale()),
                MeasureValue::Word(word) => to.tag(1).text(word),
            }
        })
    }

    fn leading<const N: usize>(&mut self) -> [u8; N] {
        self.sha.update(&self.gathered[..self.length]);
        self.length = 0;
        let full: [u8; 32] = self.sha.finalize_reset().into();
        full[..N].try_into().expect("N is at most 32")
    }

    fn term(&mut self) -> Term {
        Term(u128::from_be_bytes(self.leading()))
    }

    fn number64(&mut self) -> u64 {
        u64::from_be_bytes(self.leading())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::command::{PlaceCharge, PlaceHold, SettleHold};
    use crate::id::ToolId;
    use crate::measure::Decimal;

    const ACCOUNT: AccountNumber = AccountNumber(7);

    fn key(text: &str) -> Term {
        Term::key(ACCOUNT, &Key::parse(text).unwrap())
    }

    /// Stores index terms for good: these values never change.
    #[test]
    fn terms_stay_as_they_are() {
        let hold = HoldName::parse("job-7").unwrap();
        for (term, digest) in [
            (key("job-7"), "937e84f28b81f2a1daae63f250a36a6f"),
            (Term::opening(ACCOUNT), "dadc6bd61886553e1a01394ae5a0a155"),
            (Term::hold_name(ACCOUNT, &hold), "ee00794fe7b8b2b34d66d2d7240e2cc2"),
            (Term::hold_end(ACCOUNT, HoldId::first(3)), "56707f06b5d826780c34fa740ad4108b"),
            (Term::refund_of(ACCOUNT, ChargeId::first(3)), "76ab494e4173a5d0251b868c6aac28cb"),
            (Term::order(ACCOUNT, OrderId::first(3)), "f043035738d621b396739bc57e60f9c6"),
            (Term::provider_ref(&ProviderRef::parse("cs_1").unwrap()), "e2d4c6930e446fc106e1bb5c880d79fb"),
        ] {
            assert_eq!(format!("{term:?}"), digest);
        }
        assert_eq!(format!("{:016x}", content(&charge("10.4", None))), "11943ebcd916b903");
    }

    fn charge(seconds: &str, reference: Option<&str>) -> Command {
        let mut measures = Measures::none();
        let value = MeasureValue::Number(Decimal::parse(seconds).unwrap());
        assert!(measures.insert(crate::id::MeasureId::parse("seconds").unwrap(), value));
        Command::Charge(PlaceCharge {
            cost: Cost::Tool { tool: ToolId::parse("camera-track").unwrap(), measures },
            reference: reference.map(Box::from),
            member: None,
            expected: Expected::default(),
        })
    }

    #[test]
    fn terms_of_another_account_or_kind_are_others() {
        let name = HoldName::parse("a").unwrap();
        let other = Term::key(AccountNumber(8), &Key::parse("a").unwrap());
        let terms = [key("a"), key("b"), other, Term::hold_name(ACCOUNT, &name), Term::opening(ACCOUNT)];
        for (place, term) in terms.iter().enumerate() {
            assert!(!terms[place + 1..].contains(term));
        }
    }

    /// Spelled otherwise, it is the same request (R31).
    #[test]
    fn content_is_the_parsed_command() {
        let credits = |text: &str| {
            Command::SettleHold(SettleHold {
                hold: HoldRef::parse("job-7").unwrap(),
                usage: Usage::Credits(text.parse().unwrap()),
                on_excess: None,
            })
        };
        assert_eq!(content(&credits("25")), content(&credits("25.0")));
        assert_eq!(content(&charge("10.40", None)), content(&charge("10.4", None)));
        let hold = Command::PlaceHold(PlaceHold {
            cost: Cost::Credits(Credits::whole(25)),
            name: None,
            reference: None,
            member: None,
            expires_in: None,
            expected: Expected::default(),
        });
        let others =
            [credits("25"), credits("26"), charge("10.4", None), charge("10.4", Some("")), charge("10", None), hold];
        let contents: Vec<u64> = others.iter().map(content).collect();
        for (place, digest) in contents.iter().enumerate() {
            assert!(!contents[place + 1..].contains(digest), "{place}");
        }
    }

    /// A text longer than the buffer is digested as if there were none.
    #[test]
    fn long_texts_are_digested_whole() {
        let long = "x".repeat(500);
        let whole = Encoder::new(b"d").text(&long).number64();
        let (start, end) = long.as_bytes().split_at(123);
        assert_eq!(whole, Encoder::new(b"d").number(500).bytes(start).bytes(end).number64());
        assert_eq!(content(&charge("1", Some(&long))), content(&charge("1", Some(&long))));
        assert_ne!(content(&charge("1", Some(&long))), content(&charge("1", Some(&long[1..]))));
    }
}
