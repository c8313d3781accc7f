//! Entries as records of what was said and who said it (R29, R30), and the proof that refuses
//! entries that cannot follow (R28).

use scrip_core::amount::Credits;
use scrip_core::apply::apply;
use scrip_core::command::{
    AfterExpiry, Command, Cost, Expected, Grant, PlaceHold, PutAccount, ReleaseHold, SettleHold, Stamp, Usage,
};
use scrip_core::decide::decide;
use scrip_core::entry::{Book, Entry, Posting, Text};
use scrip_core::hold::{HoldState, OnExcess};
use scrip_core::id::{ChargeId, HoldId, HoldName, HoldRef, LotId};
use scrip_core::lot::Class;
use scrip_core::proof::{Broken, follows};
use scrip_core::recall::{Wanted, wanted};
use scrip_core::rejection::Rejection;
use scrip_core::time::{Time, Zone};

use crate::world::{PLANS, World, catalog, published};

fn world() -> World {
    let start: Time = "2026-01-10T10:00:00Z".parse().unwrap();
    let mut world = World::new(published(vec![(Time::EPOCH, catalog(&PLANS))]), start);
    let put = PutAccount { name: Some("Ada".into()), ..PutAccount::default() };
    world.submit(&Command::PutAccount(put)).unwrap();
    let grant = Grant {
        credits: Credits::whole(100),
        class: Class::TopUp,
        expires_at: None,
        priority: None,
        reason: "welcome".into(),
    };
    world.submit(&Command::Grant(grant)).unwrap();
    world
}

fn hold(credits: i64) -> Command {
    Command::PlaceHold(PlaceHold {
        cost: Cost::Credits(Credits::whole(credits)),
        name: None,
        reference: Some("job-7".into()),
        member: Some("grace".into()),
        expires_in: Some(60),
        expected: Expected::default(),
    })
}

/// The last hold that was placed.
fn last_hold(world: &World) -> HoldRef {
    HoldRef::Id(HoldId::first(world.entries.iter().rev().find(|entry| entry.held().is_positive()).unwrap().seq))
}

/// The texts of the last entries, as `field=text`.
fn texts(entries: &[Entry]) -> Vec<String> {
    let line = |entry: &Entry| {
        let texts = entry.texts.fields.iter().map(|text| {
            let shown = text.text.as_deref().unwrap();
            assert_eq!(text.digest, Text::digest(&entry.texts.salt.unwrap(), text.field, shown));
            format!("{}={shown}", text.field.word())
        });
        format!("{}: {}", entry.event.kind().word(), texts.collect::<Vec<_>>().join(" "))
    };
    entries.iter().map(line).collect()
}

/// Whoever did it and what for stands in every entry of a job, and why in those that need a reason.
#[test]
fn every_entry_says_what_it_is_about() {
    let mut world = world();
    world.submit(&hold(10)).unwrap();
    world.submit(&Command::ExtendHold { hold: last_hold(&world), expires_in: 90 }).unwrap();
    let settle = SettleHold {
        hold: last_hold(&world),
        usage: Usage::Credits(Credits::whole(120)),
        on_excess: Some(OnExcess::Debt),
    };
    world.submit(&Command::SettleHold(settle)).unwrap();
    let charge = ChargeId::first(world.entries[4].seq);
    world.submit(&Command::Refund { charge, credits: None, reason: "sorry".into() }).unwrap();
    world.submit(&hold(20)).unwrap();
    let release =
        ReleaseHold { hold: last_hold(&world), reason: Some("cancelled".into()), after_expiry: AfterExpiry::Expire };
    world.submit(&Command::ReleaseHold(release)).unwrap();
    world.submit(&hold(30)).unwrap();
    world.now = world.now.plus_seconds(60);
    world.touch();
    world
        .submit(&Command::SettleHold(SettleHold { hold: last_hold(&world), usage: Usage::Held, on_excess: None }))
        .unwrap();
    let zone = Some(Zone::parse("Asia/Kathmandu").unwrap());
    world.submit(&Command::PutAccount(PutAccount { zone, ..PutAccount::default() })).unwrap();
    assert_eq!(
        texts(&world.entries),
        [
            "account: account_id=ada name=Ada",
            "grant: reason=welcome",
            "hold: reference=job-7 member=grace",
            "extend: reference=job-7 member=grace",
            "settle: reference=job-7 member=grace",
            "debt: reference=job-7 member=grace",
            "refund: reference=job-7 member=grace reason=sorry",
            "hold: reference=job-7 member=grace",
            "release: reference=job-7 member=grace reason=cancelled",
            "hold: reference=job-7 member=grace",
            "hold_expired: reference=job-7 member=grace",
            "settle: reference=job-7 member=grace",
            "account: ",
        ]
    );
    assert_eq!(world.account.name.as_deref(), Some("Ada"), "a name that is not mentioned stays");
}

/// An erased text leaves the rest of the account as it is (R29).
#[test]
fn an_erased_text_changes_no_amount() {
    let mut world = world();
    world.submit(&hold(10)).unwrap();
    for entry in &mut world.entries {
        entry.texts.salt = None;
        entry.texts.fields.iter_mut().for_each(|text| text.text = None);
    }
    let replayed = world.replayed();
    assert_eq!(replayed.totals(), world.account.totals());
    assert_eq!(replayed.lots, world.account.lots);
    assert_eq!((replayed.name, &replayed.holds[0].reference, &replayed.holds[0].member), (None, &None, &None));
}

/// The entry that places a hold of 10, spoilt in one way.
#[track_caller]
fn refused(spoil: impl FnOnce(&mut Entry), broken: Broken) {
    let world = world();
    let before = world.account.clone();
    let mut after = world;
    after.submit(&hold(10)).unwrap();
    let mut entry = after.entries.pop().unwrap();
    assert_eq!(follows(&before, &entry), Ok(()));
    spoil(&mut entry);
    assert_eq!(follows(&before, &entry), Err(broken));
}

#[test]
fn what_cannot_follow_is_refused() {
    let whole = Credits::whole;
    refused(|entry| entry.account.0 += 1, Broken::OtherAccount);
    refused(|entry| entry.seq += 1, Broken::OutOfSequence);
    refused(|entry| entry.seq -= 1, Broken::OutOfSequence);
    refused(|entry| entry.at = Time::EPOCH, Broken::BackInTime);
    refused(|entry| entry.lots[0].remaining -= whole(1), Broken::Unbalanced);
    refused(|entry| entry.debt += whole(1), Broken::Unbalanced);
    refused(|entry| entry.books.push(Posting { book: Book::Spent, credits: whole(1) }), Broken::Unbalanced);
    refused(|entry| entry.lots[0].lot = LotId::first(99), Broken::UnknownLot);
    refused(|entry| entry.lots[0].held = whole(101), Broken::LotOutOfBounds);
    refused(|entry| entry.lots[0].held = whole(-1), Broken::LotOutOfBounds);
    refused(|entry| entry.lots[0].frozen = whole(-1), Broken::LotOutOfBounds);
    refused(|entry| entry.after.held += whole(1), Broken::WrongTotals);
    refused(|entry| entry.lots[0].held += whole(1), Broken::WrongTotals);
    refused(
        |entry| {
            entry.debt = whole(-1);
            entry.lots[0].remaining = whole(-1);
        },
        Broken::DebtBelowZero,
    );
    refused(
        |entry| {
            let credits = whole(-1);
            entry.lots[0].remaining = whole(1);
            entry.books.push(Posting { book: Book::Issued, credits });
        },
        Broken::LotOutOfBounds,
    );
}

/// Only what may be there is fetched: an id beyond the history names nothing, and what is known is not asked again.
#[test]
fn nothing_is_fetched_in_vain() {
    let mut world = world();
    world.submit(&hold(10)).unwrap();
    let release =
        |hold: HoldRef| Command::ReleaseHold(ReleaseHold { hold, reason: None, after_expiry: AfterExpiry::Expire });
    let refund = |charge| Command::Refund { charge, credits: None, reason: "why".into() };
    let revoke = |lot| Command::RevokeLot { lot, credits: None, reason: "why".into() };
    let name = HoldName::parse("job-7").unwrap();
    let (second, third, fourth) = (HoldId::first(2), HoldId::first(3), HoldId::first(4));
    for (command, expected) in [
        (release(HoldRef::Id(third)), vec![]),
        (release(HoldRef::Id(second)), vec![Wanted::Hold(second)]),
        (release(HoldRef::Id(fourth)), vec![]),
        (release(HoldRef::Id(HoldId::first(0))), vec![]),
        (release(HoldRef::Id(HoldId { seq: 2, index: 1 })), vec![]),
        (release(HoldRef::Name(name.clone())), vec![Wanted::HoldByName(name.clone())]),
        (refund(ChargeId::first(3)), vec![Wanted::Charge(ChargeId::first(3))]),
        (refund(ChargeId::first(4)), vec![]),
        (revoke(LotId::first(2)), vec![]),
        (revoke(LotId::first(3)), vec![Wanted::Lot(LotId::first(3))]),
        (revoke(LotId::first(4)), vec![]),
        (hold(1), vec![]),
        (Command::Touch, vec![]),
    ] {
        assert_eq!(wanted(&world.account, &command), expected, "{command:?}");
    }
    world.account.recalled.names.insert(name.clone(), Some(second));
    assert_eq!(wanted(&world.account, &release(HoldRef::Name(name.clone()))), [Wanted::Hold(second)]);
    world.account.recalled.names.insert(name.clone(), None);
    assert_eq!(wanted(&world.account, &release(HoldRef::Name(name))), []);
    world.account.recalled.lots.insert(LotId::first(3), None);
    assert_eq!(wanted(&world.account, &revoke(LotId::first(3))), []);
}

/// What a command of the same batch did is known to the next without asking the store: nothing is cleared between them.
#[test]
fn a_batch_sees_its_own_commands() {
    let mut world = world();
    world.submit(&hold(10)).unwrap();
    let release =
        Command::ReleaseHold(ReleaseHold { hold: last_hold(&world), reason: None, after_expiry: AfterExpiry::Expire });
    let stamp = Stamp { now: world.now, salt: [0; 16], binding: None, by: None };
    let mut account = world.account.clone();
    let decision = decide(&account, &world.catalogs, &release, &stamp).unwrap();
    decision.entries.iter().for_each(|entry| apply(&mut account, entry));
    assert_eq!(wanted(&account, &release), []);
    let again = decide(&account, &world.catalogs, &release, &stamp);
    let state = HoldState::Released;
    assert_eq!(again, Err(Rejection::HoldNotOpen { state }));
}

/// Two refunds in one batch: the second knows what the first gave back, the debt part included.
#[test]
fn a_batch_refunds_no_more_than_was_charged() {
    let mut world = world();
    world.submit(&hold(10)).unwrap();
    let credits = Credits::whole(120);
    let settle =
        SettleHold { hold: last_hold(&world), usage: Usage::Credits(credits), on_excess: Some(OnExcess::Debt) };
    world.submit(&Command::SettleHold(settle)).unwrap();
    let charge = ChargeId::first(4);
    let refund = |credits| Command::Refund { charge, credits: Some(Credits::whole(credits)), reason: "why".into() };
    let stamp = Stamp { now: world.now, salt: [0; 16], binding: None, by: None };
    let mut account = world.account.clone();
    let facts = scrip_core::recall::charge(&world.entries[3], None);
    account.recalled.charges.insert(charge, facts);
    let lot = scrip_core::recall::lot(&world.entries[1], None, LotId::first(2));
    account.recalled.lots.insert(LotId::first(2), lot);
    for credits in [15, 90] {
        let decision = decide(&account, &world.catalogs, &refund(credits), &stamp).unwrap();
        decision.entries.iter().for_each(|entry| apply(&mut account, entry));
    }
    assert_eq!(account.totals().remaining, Credits::whole(85), "the debt part of 20 came first");
    assert!(account.debt.is_zero());
    let refundable = Credits::whole(15);
    let more = decide(&account, &world.catalogs, &refund(16), &stamp);
    assert_eq!(more, Err(Rejection::RefundExceedsCharge { refundable }));
}
