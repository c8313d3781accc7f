//! Round trips over arbitrary entries, detection of every changed byte, and fixed vectors.

mod orders;

use proptest::prelude::*;

use super::*;
use crate::entry::{Act, Book, Event, HoldSettled, LotChange, Posting, Refunded, Text, TextField, Texts};
use crate::hold::{Hold, HoldState, LotPart, OnExcess, Priced};
use crate::id::{ChargeId, HoldId, HoldName, LotId, MeasureId, OrderId, PlanId, ProjectTypeId, StudioNumber};
use crate::lot::{Class, Lot, NewLot, Priority, Sold};
use crate::measure::{Decimal, MeasureValue, Measures};
use crate::plan::{NextPlan, PlanTerms, Reached, Renews, Subscription, SubscriptionState};
use crate::time::Zone;

fn credits() -> impl Strategy<Value = Credits> {
    let limit = Credits::MAX.millionths();
    prop_oneof![
        Just(0),
        -100_i64..100,
        (-10_000_i64..10_000).prop_map(|whole| whole * 1_000_000),
        -limit / 16..limit / 16,
    ]
    .prop_map(Credits::from_millionths)
}

fn time() -> impl Strategy<Value = Time> {
    (0..=Time::MAX.micros()).prop_map(Time::from_micros)
}

fn seq() -> impl Strategy<Value = u64> {
    prop_oneof![1_u64..200, any::<u64>()]
}

fn lot_id() -> impl Strategy<Value = LotId> {
    (seq(), prop_oneof![Just(0), any::<u16>()]).prop_map(|(seq, index)| LotId { seq, index })
}

fn hold_id() -> impl Strategy<Value = HoldId> {
    (seq(), prop_oneof![Just(0), any::<u16>()]).prop_map(|(seq, index)| HoldId { seq, index })
}

fn charge_id() -> impl Strategy<Value = ChargeId> {
    (seq(), prop_oneof![Just(0), any::<u16>()]).prop_map(|(seq, index)| ChargeId { seq, index })
}

fn class() -> impl Strategy<Value = Class> {
    prop::sample::select(Class::ALL.to_vec())
}

fn part() -> impl Strategy<Value = LotPart> {
    (lot_id(), class(), credits()).prop_map(|(lot, class, credits)| LotPart { lot, class, credits })
}

fn parts() -> impl Strategy<Value = Vec<LotPart>> {
    prop::collection::vec(part(), 0..4)
}

fn slug() -> impl Strategy<Value = String> {
    "[a-z]([a-z0-9]|-[a-z]){0,20}"
}

fn zone() -> impl Strategy<Value = Zone> {
    prop::sample::select(vec!["UTC", "America/Los_Angeles", "Asia/Kathmandu"])
        .prop_map(|name| Zone::parse(name).unwrap())
}

fn measures() -> impl Strategy<Value = Measures> {
    let number = (-999_999_999_999_999_i128..=999_999_999_999_999, 0_u8..=18)
        .prop_map(|(mantissa, scale)| MeasureValue::Number(Decimal::new(mantissa, scale)));
    let word = ".{0,12}".prop_map(|word| MeasureValue::Word(word.into()));
    prop::collection::btree_map("[a-z][a-z_0-9]{0,9}", prop_oneof![number, word], 0..4).prop_map(|map| {
        let mut measures = Measures::none();
        for (name, value) in map {
            assert!(measures.insert(MeasureId::parse(&name).unwrap(), value));
        }
        measures
    })
}

fn tool() -> impl Strategy<Value = Option<ToolId>> {
    prop::option::of(slug().prop_map(|id| ToolId::parse(&id).unwrap()))
}

fn priced() -> impl Strategy<Value = Priced> {
    (tool(), measures(), any::<u32>()).prop_map(|(tool, measures, catalog_version)| Priced {
        tool,
        measures,
        catalog_version,
    })
}

fn policy() -> impl Strategy<Value = OnExcess> {
    prop::sample::select(vec![OnExcess::Cap, OnExcess::Extend, OnExcess::Debt])
}

fn plan() -> impl Strategy<Value = PlanId> {
    slug().prop_map(|id| PlanId::parse(&id).unwrap())
}

fn renews() -> impl Strategy<Value = Renews> {
    prop_oneof![2 => Just(Renews::Clock), 1 => any::<u32>().prop_map(|grace_days| Renews::Payment { grace_days })]
}

fn plan_terms() -> impl Strategy<Value = PlanTerms> {
    (plan(), credits(), any::<u32>(), prop::option::of(credits()), renews()).prop_map(
        |(plan, allowance, term_months, roll_over_cap, renews)| PlanTerms {
            plan,
            allowance,
            term_months,
            roll_over_cap,
            renews,
        },
    )
}

fn subscription() -> impl Strategy<Value = Subscription> {
    let state =
        prop::sample::select(vec![SubscriptionState::Active, SubscriptionState::PastDue, SubscriptionState::Paused]);
    let reached =
        prop::option::of((any::<u32>(), credits()).prop_map(|(cycle, allowance)| Reached { cycle, allowance }));
    let next = prop::option::of(prop_oneof![Just(NextPlan::Cancel), plan_terms().prop_map(NextPlan::Change)]);
    let paid_until = prop::option::weighted(0.3, any::<u32>());
    (plan_terms(), state, time(), zone(), any::<u32>(), reached, next, prop::option::of(time()), paid_until).prop_map(
        |(terms, state, anchor, zone, term_start, reached, next, turns_at, paid_until)| Subscription {
            terms,
            state,
            anchor,
            zone,
            term_start,
            reached,
            next,
            paid_until,
            turns_at,
        },
    )
}

fn settings() -> impl Strategy<Value = (Zone, Option<Vec<ProjectTypeId>>)> {
    let project_type = slug().prop_map(|id| ProjectTypeId::parse(&id).unwrap());
    (zone(), prop::option::of(prop::collection::vec(project_type, 0..3)))
}

fn hold() -> impl Strategy<Value = Hold> {
    let name = "[A-Za-z0-9._:@-]{1,20}"
        .prop_filter("looks like ours", |name| !name.starts_with("hold_"))
        .prop_map(|name| HoldName::parse(&name).unwrap());
    (prop::option::of(name), priced(), credits(), parts(), time(), policy()).prop_map(
        |(name, priced, credits, parts, expires_at, on_excess)| Hold {
            id: HoldId::first(0),
            name,
            priced,
            credits,
            parts,
            placed_at: Time::EPOCH,
            expires_at,
            on_excess,
            reference: None,
            member: None,
            state: HoldState::Open,
        },
    )
}

fn settled() -> impl Strategy<Value = HoldSettled> {
    (hold_id(), priced(), prop::array::uniform5(credits()), policy(), any::<bool>()).prop_map(
        |(hold, priced, [price, charged, freed, uncollected, debt], on_excess, late)| HoldSettled {
            hold,
            priced,
            price,
            charged,
            freed,
            uncollected,
            debt,
            on_excess,
            late,
        },
    )
}

fn event() -> impl Strategy<Value = Event> {
    prop_oneof![
        (any::<u32>(), settings()).prop_map(|(studio, (zone, project_types))| Event::AccountOpened {
            studio: StudioNumber(studio),
            zone,
            project_types
        }),
        settings().prop_map(|(zone, project_types)| Event::AccountChanged { zone, project_types }),
        (prop::sample::select(super::event::CHANGES.to_vec()), prop::option::of(subscription()))
            .prop_map(|(change, subscription)| Event::SubscriptionChanged { change, subscription }),
        (plan(), any::<u32>(), subscription()).prop_map(|(plan, cycle, subscription)| Event::Refilled {
            plan,
            cycle,
            subscription
        }),
        Just(Event::RolledOver),
        Just(Event::LotExpired),
        prop::sample::select(Act::ALL.to_vec()).prop_map(|act| Event::Acted { act }),
        hold().prop_map(|hold| Event::HoldPlaced { hold }),
        (hold_id(), tool(), time()).prop_map(|(hold, tool, expires_at)| Event::HoldExtended { hold, tool, expires_at }),
        settled().prop_map(Event::HoldSettled),
        (hold_id(), tool(), credits()).prop_map(|(hold, tool, freed)| Event::HoldReleased { hold, tool, freed }),
        (hold_id(), tool(), credits()).prop_map(|(hold, tool, freed)| Event::HoldExpired { hold, tool, freed }),
        (priced(), credits()).prop_map(|(priced, credits)| Event::Charged { priced, credits }),
        (charge_id(), tool(), credits(), prop::collection::vec(revived(), 0..3), parts(), credits(), credits())
            .prop_map(|(charge, tool, credits, revived, refunded, refunded_debt, repaid_back)| {
                Event::Refunded(Refunded { charge, tool, credits, revived, refunded, refunded_debt, repaid_back })
            }),
        Just(Event::Granted),
        lot_id().prop_map(|lot| Event::Revoked { lot }),
        (charge_id(), tool()).prop_map(|(charge, tool)| Event::DebtRecorded { charge, tool }),
        Just(Event::DebtRepaid),
        (prop::option::of(charge_id()), tool(), credits()).prop_map(|(charge, tool, credits)| Event::WentUncollected {
            charge,
            tool,
            credits
        }),
        Just(Event::AccountErased),
        orders::event(),
    ]
}

fn new_lot() -> impl Strategy<Value = NewLot> {
    (class(), any::<u8>(), prop::option::of(time()), credits()).prop_map(|(class, priority, expires_at, granted)| {
        NewLot { class, priority: Priority(priority), expires_at, granted }
    })
}

fn revived() -> impl Strategy<Value = Lot> {
    let sold = (seq(), any::<u16>(), credits());
    let sold = sold.prop_map(|(seq, index, unspent)| Sold { order: OrderId { seq, index }, unspent });
    (lot_id(), new_lot(), time(), prop::option::of(sold)).prop_map(|(id, new, granted_at, sold)| Lot {
        id,
        class: new.class,
        priority: new.priority,
        granted_at,
        expires_at: new.expires_at,
        granted: new.granted,
        remaining: Credits::ZERO,
        held: Credits::ZERO,
        frozen: Credits::ZERO,
        sold,
    })
}

fn lot_change() -> impl Strategy<Value = LotChange> {
    let unspent = prop::option::weighted(0.2, credits());
    (lot_id(), class(), prop::array::uniform3(credits()), unspent).prop_map(
        |(lot, class, [remaining, held, frozen], unspent)| LotChange { lot, class, remaining, held, frozen, unspent },
    )
}

fn posting() -> impl Strategy<Value = Posting> {
    (prop::sample::select(Book::ALL.to_vec()), credits()).prop_map(|(book, credits)| Posting { book, credits })
}

/// Texts that are all there, partly erased, or wholly erased with their salt.
fn texts() -> impl Strategy<Value = Texts> {
    let fields = prop::sample::subsequence(
        vec![
            TextField::AccountId,
            TextField::Name,
            TextField::Reference,
            TextField::Member,
            TextField::Reason,
            TextField::By,
        ],
        0..=6,
    );
    let contents = prop::collection::vec((any::<String>(), any::<bool>()), 6);
    (prop::option::of(any::<[u8; 16]>()), fields, contents).prop_map(|(salt, fields, contents)| Texts {
        salt: if fields.is_empty() { None } else { salt },
        fields: fields
            .into_iter()
            .zip(contents)
            .map(|(field, (text, kept))| match salt {
                Some(salt) => {
                    Text { field, digest: Text::digest(&salt, field, &text), text: kept.then(|| text.into_boxed_str()) }
                }
                None => Text { field, digest: [7; 16], text: None },
            })
            .collect(),
    })
}

fn bound() -> impl Strategy<Value = Bound> {
    (any::<u128>(), any::<u64>(), any::<u8>()).prop_map(|(term, content, back)| Bound {
        term: Term(term),
        content,
        back,
    })
}

fn totals() -> impl Strategy<Value = Totals> {
    prop::array::uniform4(credits()).prop_map(|[remaining, held, frozen, debt]| Totals {
        remaining,
        held,
        frozen,
        debt,
    })
}

fn entry() -> impl Strategy<Value = Entry> {
    let amounts = (
        prop::collection::vec(new_lot(), 0..3),
        prop::collection::vec(lot_change(), 0..4),
        credits(),
        prop::collection::vec(posting(), 0..3),
        totals(),
    );
    (any::<u64>(), seq(), time(), event(), amounts, prop::option::of(bound()), texts(), any::<bool>()).prop_map(
        |(account, seq, at, event, (makes, lots, debt, books, after), bound, texts, usual)| {
            let mut entry = Entry {
                account: AccountNumber(account),
                seq,
                at,
                event,
                makes,
                lots,
                debt,
                books,
                after,
                bound,
                texts,
            };
            settle_context(&mut entry, usual);
            entry
        },
    )
}

/// What a placed hold has from its entry; and, where `usual`, the amounts that follow from the lots.
fn settle_context(entry: &mut Entry, usual: bool) {
    let (credits, held) = (entry.credits(), entry.held());
    let lots = entry.lots.clone();
    match &mut entry.event {
        Event::HoldPlaced { hold } => {
            hold.id = HoldId::first(entry.seq);
            hold.placed_at = entry.at;
            if usual {
                hold.credits = held;
                hold.parts = lots
                    .iter()
                    .filter(|change| change.held.is_positive())
                    .map(|change| LotPart { lot: change.lot, class: change.class, credits: change.held })
                    .collect();
            }
        }
        Event::Charged { credits: charged, .. } if usual => *charged = -credits,
        Event::HoldReleased { freed, .. } | Event::HoldExpired { freed, .. } if usual => *freed = -held,
        Event::HoldSettled(settled) if usual => {
            settled.charged = -credits;
            settled.price = settled.charged + settled.uncollected + settled.debt;
        }
        _ => {}
    }
}

proptest! {
    #[test]
    fn an_entry_comes_back_from_its_record(entry in entry()) {
        let record = encode(&entry, Hash([3; 32]));
        let read = decode(&record).unwrap();
        prop_assert_eq!(&read, &entry);
        prop_assert_eq!(encode(&read, Hash([3; 32])), record);
    }

    #[test]
    fn every_changed_byte_is_detected(entry in entry(), place in any::<prop::sample::Index>(), change in 1_u8..) {
        let previous = Hash([3; 32]);
        let record = encode(&entry, previous);
        let mut changed = record.clone();
        let place = place.index(record.body.len());
        changed.body[place] ^= change;
        prop_assert_ne!(chain(&changed, previous), record.hash);
        // Whatever still decodes is the one spelling of another entry.
        if let Ok(other) = decode(&changed) {
            prop_assert_ne!(&other, &entry);
            prop_assert_eq!(encode(&other, previous).body, changed.body);
        }
    }

    #[test]
    fn a_record_of_any_bytes_is_refused_or_has_one_spelling(entry in entry(), body in prop::collection::vec(any::<u8>(), 0..60)) {
        let mut record = encode(&entry, Hash::default());
        record.body.truncate(2);
        record.body.extend(body);
        if let Ok(other) = decode(&record) {
            prop_assert_eq!(encode(&other, Hash::default()).body, record.body);
        }
    }

    #[test]
    fn every_readable_field_is_chained(entry in entry()) {
        let record = encode(&entry, Hash::default());
        let other_tool = ToolId::parse("another").unwrap();
        let one = Credits::from_millionths(1);
        let changes: [fn(&mut Record, &ToolId, Credits); 9] = [
            |record, _, _| record.account.0 ^= 1,
            |record, _, _| record.seq ^= 1,
            |record, _, _| record.at = Time::from_micros(record.at.micros() ^ 1),
            |record, _, _| record.kind = if record.kind == Kind::Charge { Kind::Hold } else { Kind::Charge },
            |record, tool, _| record.tool = if record.tool.is_some() { None } else { Some(tool.clone()) },
            |record, _, one| record.credits += one,
            |record, _, one| record.held += one,
            |record, _, one| record.available_after += one,
            |record, _, one| record.remaining_after += one,
        ];
        for change in changes {
            let mut changed = record.clone();
            change(&mut changed, &other_tool, one);
            prop_assert_ne!(chain(&changed, Hash::default()), record.hash);
        }
    }
}

/// A charge of 12 for a job with a reference, as most entries are.
fn charge() -> Entry {
    let mut measures = Measures::none();
    assert!(
        measures.insert(MeasureId::parse("seconds").unwrap(), MeasureValue::Number(Decimal::parse("10.4").unwrap()))
    );
    let salt = [0x11; 16];
    let reference = "job-1";
    Entry {
        account: AccountNumber(7),
        seq: 42,
        at: Time::parse("2026-01-31T10:00:00Z").unwrap(),
        event: Event::Charged {
            priced: Priced { tool: Some(ToolId::parse("live-action").unwrap()), measures, catalog_version: 3 },
            credits: Credits::whole(12),
        },
        makes: Vec::new(),
        lots: vec![
            LotChange {
                lot: LotId::first(2),
                class: Class::Subscription,
                remaining: Credits::whole(-5),
                held: Credits::ZERO,
                frozen: Credits::ZERO,
                unspent: None,
            },
            LotChange {
                lot: LotId { seq: 3, index: 1 },
                class: Class::TopUp,
                remaining: Credits::whole(-7),
                held: Credits::ZERO,
                frozen: Credits::ZERO,
                unspent: None,
            },
        ],
        debt: Credits::ZERO,
        books: vec![Posting { book: Book::Spent, credits: Credits::whole(12) }],
        after: Totals {
            remaining: Credits::whole(100),
            held: Credits::whole(20),
            frozen: Credits::ZERO,
            debt: Credits::ZERO,
        },
        bound: Some(Bound { term: Term(0x0123_4567_89ab_cdef_0123_4567_89ab_cdef), content: 99, back: 0 }),
        texts: Texts {
            salt: Some(salt),
            fields: vec![Text {
                field: TextField::Reference,
                digest: Text::digest(&salt, TextField::Reference, reference),
                text: Some(reference.into()),
            }],
        },
    }
}

/// A lot that was bought expires: that left it unspent.
fn unspent() -> Entry {
    let mut expired = granted();
    expired.event = Event::LotExpired;
    expired.makes = Vec::new();
    expired.lots[0].remaining = Credits::whole(-25);
    expired.lots[0].unspent = Some(Credits::whole(25));
    expired.books = vec![Posting { book: Book::Expired, credits: Credits::whole(25) }];
    expired.after = Totals::default();
    expired
}

fn opened() -> Entry {
    Entry {
        account: AccountNumber(7),
        seq: 1,
        at: Time::parse("2026-01-01T00:00:00Z").unwrap(),
        event: Event::AccountOpened { studio: StudioNumber(1), zone: Zone::utc(), project_types: None },
        makes: Vec::new(),
        lots: Vec::new(),
        debt: Credits::ZERO,
        books: Vec::new(),
        after: Totals::default(),
        bound: None,
        texts: Texts::default(),
    }
}

fn granted() -> Entry {
    Entry {
        event: Event::Granted,
        seq: 2,
        makes: vec![NewLot {
            class: Class::Promo,
            priority: Priority::SUBSCRIPTION,
            expires_at: Some(Time::parse("2026-02-01T00:00:00Z").unwrap()),
            granted: Credits::whole(25),
        }],
        lots: vec![LotChange {
            lot: LotId::first(2),
            class: Class::Promo,
            remaining: Credits::whole(25),
            held: Credits::ZERO,
            frozen: Credits::ZERO,
            unspent: None,
        }],
        books: vec![Posting { book: Book::Issued, credits: Credits::whole(-25) }],
        after: Totals { remaining: Credits::whole(25), ..Totals::default() },
        ..opened()
    }
}

/// The first event of format 2.
fn erased() -> Entry {
    Entry { event: Event::AccountErased, seq: 3, ..opened() }
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

/// The formats are for ever: what these entries were stored as by the first version that knew them.
#[test]
fn stored_forms_do_not_drift() {
    for (entry, body, hash) in [
        (opened(), "010000010355544300", "719564f762affc93eeabac51800b79fb4322551ffe9f1df9e699463b61ce973d"),
        (
            granted(),
            "010b01040a8080a5d1f39b0180e1eb170100020101ffe0eb17",
            "9f2299ad6d851082f3f4675212681c86eed2f9c4b20c1a17bdc8b7481061025d",
        ),
        (
            charge(),
            "01ca020a02fface204070301010380ecb80b000301077365636f6e647301d0010123456789abcdef0123456789abcdef0000000000000063000103b6b2cff9c4fd83428dbac59f5395a5c7",
            "141a0ae86497b88ef5e805f39469beb57f2fa5a04f4e51b95c5d4ddf7ada0c6d",
        ),
        (erased(), "0200", "e522b3f0a9b272218109d098b878987904e0f65121a2af03652ab3c9c1387635"),
        (
            orders::paid(),
            "020b02031480a8d6b907040a8080eaf3ef96018088debe01020b0380a8d6b9070403010102ffafb4f80815020001056c61726765010180a8d6b9079e1f0345555203008080bbdd83050403008088debe011e010463735f3101010100",
            "8f0ff68b754e7526fc60fb5e332cf49a7db8d48c6b2cb814512ce44f7148f125",
        ),
        (
            unspent(),
            "030a01400280e1eb17010480e1eb17",
            "58ad18529c1bb0639b823d314af282420c2b7e52465b9b9a2cede72b6aaf942f",
        ),
        (
            orders::given_back(),
            "030f01050a8080eaf3ef96018088debe01034b03809cc99b0500440301000109ff8b8d9e020102ffafb4f8080001130314ffffb79a95c90180a8d6b9070200809cc99b057507020001056c61726765010180a8d6b9079e1f0345555203ffffb79a95c901fffffcbc91c4010403ffffb79a95c9018088debe011e010463735f319e1f029e1f9e1f01019e1f",
            "7a95bdd0d8e80185ad8d450bb8291a6ab8b94071e0fc4eafd54c6e4e40c9a24a",
        ),
    ] {
        let record = encode(&entry, Hash([0xab; 32]));
        assert_eq!(hex(&record.body), body);
        assert_eq!(record.hash.to_string(), hash);
        assert_eq!(decode(&record), Ok(entry));
        assert!(DOCUMENT.contains(&format!("| `{body}` | `{hash}` |")), "docs/journal.md lists the same vectors");
    }
}

const DOCUMENT: &str = include_str!("../../../../docs/journal.md");

#[test]
fn a_record_is_of_the_lowest_format_that_can_say_it() {
    for (entry, format, problem) in [
        (charge(), 2, "a higher record format than the entry needs"),
        (erased(), 1, "a thing that its record's format does not have"),
        (unspent(), 2, "a thing that its record's format does not have"),
        (erased(), 3, "a higher record format than the entry needs"),
        (signed(charge()), 2, "a thing that its record's format does not have"),
        (charge(), 0, "a record format that is not known here; a newer scrip may have written it"),
        (charge(), FORMAT + 1, "a record format that is not known here; a newer scrip may have written it"),
    ] {
        let mut record = encode(&entry, Hash::default());
        record.body[0] = format;
        assert_eq!(decode(&record).unwrap_err().problem, problem, "format {format} of {:?}", entry.event);
    }
}

/// An entry that says who made it.
fn signed(mut entry: Entry) -> Entry {
    entry.texts.add([9; 16], TextField::By, "key_1");
    entry
}

#[test]
fn who_did_it_lies_beside_the_record() {
    let entry = signed(charge());
    let record = encode(&entry, Hash::default());
    assert!(record.texts.as_deref().is_some_and(|texts| texts.ends_with(",\"by\":\"key_1\"}")), "{:?}", record.texts);
    assert_eq!((record.body[0], decode(&record).unwrap()), (3, entry));
    let erased = decode(&Record { texts: None, ..record }).unwrap();
    assert!(erased.texts.names(TextField::By) && erased.texts.get(TextField::By).is_none());
}

#[test]
fn a_charge_is_small() {
    let mut plain = charge();
    plain.lots.truncate(1);
    plain.texts = Texts::default();
    let record = encode(&plain, Hash::default());
    assert!(record.body.len() <= 60, "{} bytes", record.body.len());
    assert!(encode(&charge(), Hash::default()).body.len() <= 85);
}

#[test]
fn texts_lie_beside_the_record_as_json() {
    let record = encode(&charge(), Hash::default());
    let salt = "11".repeat(16);
    assert_eq!(record.texts.as_deref(), Some(format!("{{\"salt\":\"{salt}\",\"reference\":\"job-1\"}}").as_str()));

    // Erasing the text, or all of it, leaves the chain whole.
    for (left, kept) in [(Some(format!("{{\"salt\":\"{salt}\"}}")), Some([0x11; 16])), (None, None)] {
        let erased = Record { texts: left.map(String::into_boxed_str), ..record.clone() };
        let entry = decode(&erased).unwrap();
        assert_eq!(entry.texts.get(TextField::Reference), None);
        assert_eq!(entry.texts.salt, kept);
        assert_eq!(encode(&entry, Hash::default()), erased);
    }

    for (texts, problem) in [
        (format!("{{\"salt\":\"{salt}\",\"reference\":\"job-2\"}}"), "a text that is not the one recorded"),
        (format!("{{\"salt\":\"{salt}\",\"member\":\"job-1\"}}"), "a text beside the record that it does not name"),
        (
            format!("{{\"salt\":\"{}\",\"reference\":\"job-1\"}}", "12".repeat(16)),
            "a text that is not the one recorded",
        ),
        (format!("{{\"salt\":\"{salt}\", \"reference\":\"job-1\"}}"), "texts that are not a JSON object of texts"),
        (format!("{{\"salt\":\"{salt}\",\"reference\":\"\\u006aob-1\"}}"), "texts that are not in their one spelling"),
        ("{}".to_owned(), "texts that are not a JSON object of texts"),
        (String::new(), "texts that are not a JSON object of texts"),
    ] {
        let changed = Record { texts: Some(texts.as_str().into()), ..record.clone() };
        assert_eq!(decode(&changed).unwrap_err().problem, problem, "{texts}");
    }
}
