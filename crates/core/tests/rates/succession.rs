//! What a new version comes to beside those that are scheduled already (R7).

use std::sync::Arc;

use scrip_core::catalog::{Catalog, Catalogs, Format, Published, read};
use scrip_core::id::StudioNumber;
use scrip_core::time::Time;

const STUDIOTWIN: &str = include_str!("../../../../catalogs/studiotwin.toml");
const STUDIO: StudioNumber = StudioNumber(1);

/// The shipped catalog with the large package at this price, and the studio under this name.
fn document(price: &str, name: &str) -> Arc<Catalog> {
    let text = STUDIOTWIN.replace("price = \"70.00 USD\"", &format!("price = \"{price} USD\""));
    let text = text.replacen("\"StudioTwin\"", &format!("\"{name}\""), 1);
    Arc::new(read(&text, Format::Toml).unwrap())
}

fn at(text: &str) -> Time {
    Time::parse(text).unwrap()
}

/// What a version comes to beside these, each with its day in 2026, price and name: which it takes over from, what changes, and what is
/// taken back of it, and by which version.
#[track_caller]
fn check(published: &[(&str, &str, &str)], new: (&str, &str, &str), expected: &str) {
    let mut catalogs = Catalogs::default();
    let day = |day: &str| at(&format!("2026-{day}T00:00:00Z"));
    for (number, (from, price, name)) in (1..).zip(published) {
        let (effective, catalog) = (day(from), document(price, name));
        catalogs.add(Arc::new(Published {
            studio: STUDIO,
            version: number,
            published_at: effective,
            effective,
            catalog,
        }));
    }
    let (from, price, name) = new;
    let number = u32::try_from(published.len()).unwrap() + 1;
    let succession = catalogs.succession(STUDIO, &document(price, name), (number, day(from)));
    let mut said = vec![format!("from {:?}", succession.replaces)];
    said.extend(succession.changes);
    for follower in succession.followed_by {
        said.push(format!("then {}", follower.version));
        said.extend(follower.takes_back);
    }
    assert_eq!(said.join("; "), expected);
}

#[test]
fn a_version_is_compared_with_the_one_that_it_takes_over_from() {
    let dearer = "package 2,000 credits and 200 more, price: 70.00 USD → 75.00 USD";
    check(&[], ("01-02", "70.00", "Twins"), "from None");
    check(&[("01-01", "70.00", "Twins")], ("01-02", "75.00", "Twins"), &format!("from Some(1); {dearer}"));
    // One that is scheduled is in force by then, and not what is in force now.
    let scheduled = [("01-01", "70.00", "Twins"), ("03-01", "75.00", "Twins")];
    check(
        &scheduled,
        ("03-15", "70.00", "Others"),
        "from Some(2); the studio's name: Twins → Others; package 2,000 credits and 200 more, price: 75.00 USD → 70.00 USD",
    );
    // At the same instant the newer one counts.
    check(&scheduled, ("03-01", "75.00", "Others"), "from Some(2); the studio's name: Twins → Others");
}

#[test]
fn what_is_scheduled_says_what_it_takes_back() {
    let scheduled = [("01-01", "70.00", "Twins"), ("03-01", "75.00", "Twins")];
    let renamed = "the studio's name: Twins → Others";
    // What would have changed without the new one is none of what it takes back.
    check(
        &scheduled,
        ("02-01", "70.00", "Others"),
        &format!("from Some(1); {renamed}; then 2; the studio's name: Others → Twins"),
    );
    // It says the same already.
    check(
        &scheduled,
        ("02-01", "75.00", "Twins"),
        "from Some(1); package 2,000 credits and 200 more, price: 70.00 USD → 75.00 USD; then 2",
    );
    check(
        &[scheduled[0], scheduled[1], ("04-01", "75.00", "Others")],
        ("02-01", "72.00", "Others"),
        &format!(
            "from Some(1); {renamed}; package 2,000 credits and 200 more, price: 70.00 USD → 72.00 USD; \
             then 2; the studio's name: Others → Twins; package 2,000 credits and 200 more, price: 72.00 USD → 75.00 USD; \
             then 3; package 2,000 credits and 200 more, price: 72.00 USD → 75.00 USD"
        ),
    );
}

/// Of two that begin at the same instant the newer counts: the other never takes over, and takes nothing back.
#[test]
fn a_version_that_never_begins_takes_nothing_back() {
    let scheduled = [
        ("01-01", "70.00", "Twins"),
        ("03-01", "75.00", "Twins"),
        ("03-01", "72.00", "Twins"),
        ("04-01", "72.00", "Twins"),
    ];
    let renamed = "the studio's name: Twins → Others";
    let back = "the studio's name: Others → Twins";
    check(
        &scheduled,
        ("02-01", "70.00", "Others"),
        &format!("from Some(1); {renamed}; then 3; {back}; then 4; {back}"),
    );
    let mut catalogs = Catalogs::default();
    for (number, day) in (1..).zip(["01-01", "03-01", "03-01", "03-01", "04-01"]) {
        let (effective, catalog) = (at(&format!("2026-{day}T00:00:00Z")), document("70.00", "Twins"));
        let published_at = at("2026-01-01T00:00:00Z");
        catalogs.add(Arc::new(Published { studio: STUDIO, version: number, published_at, effective, catalog }));
    }
    let replaced = catalogs.of(STUDIO).iter().map(|version| catalogs.replaced_before(version));
    assert_eq!(replaced.collect::<Vec<_>>(), [None, Some(3), Some(4), None, None]);
}

/// Rates are compared at their examples, and elsewhere only where these agree: what reads like a change of before may hide another.
#[test]
fn a_rate_that_both_change_is_taken_back() {
    let rate = "rate.per = \"actions\"\nrate.credits = 5\nrate.examples = [\n    { given = { actions = 1 }, credits = 5 },\n    \
                { given = { actions = 3 }, credits = 15 },\n]";
    assert!(STUDIOTWIN.contains(rate));
    let document = |formula: &str, one: u32| {
        let rates =
            format!("rate.formula = \"{formula}\"\nrate.examples = [{{ given = {{ actions = 1 }}, credits = {one} }}]");
        Arc::new(read(&STUDIOTWIN.replace(rate, &rates), Format::Toml).unwrap())
    };
    let mut catalogs = Catalogs::default();
    for (number, day, catalog) in [(1, "01-01", document("5 * actions", 5)), (2, "03-01", document("6 * actions", 6))] {
        let effective = at(&format!("2026-{day}T00:00:00Z"));
        catalogs.add(Arc::new(Published {
            studio: STUDIO,
            version: number,
            published_at: effective,
            effective,
            catalog,
        }));
    }
    let taken_back = |formula: &str| {
        let new = catalogs.succession(STUDIO, &document(formula, 5), (3, at("2026-02-01T00:00:00Z")));
        new.followed_by.into_iter().flat_map(|later| later.takes_back).collect::<Vec<_>>().join("; ")
    };
    assert_eq!(taken_back("if actions > 3 then 4 * actions else 5 * actions"), "Text to Motion 1 action: 5 → 6");
    assert_eq!(taken_back("5 * actions"), "", "the rate is that of before");
}

/// The first of a studio is in force at any clock; no later one before it is published.
#[test]
fn no_later_version_is_in_force_in_the_past() {
    let (mut catalogs, now) = (Catalogs::default(), at("2026-02-01T00:00:00Z"));
    let said = |from: &str| {
        let text = format!("effective_from = {from}\n{STUDIOTWIN}");
        Arc::new(read(&text, Format::Toml).unwrap())
    };
    let (past, ahead) = (said("2026-01-01T00:00:00Z"), said("2026-03-01T00:00:00Z"));
    let silent = document("70.00", "Twins");
    for (catalog, first, later) in [
        (&silent, Time::EPOCH, now),
        (&past, at("2026-01-01T00:00:00Z"), now),
        (&ahead, at("2026-03-01T00:00:00Z"), at("2026-03-01T00:00:00Z")),
    ] {
        assert_eq!(Catalogs::default().effective(STUDIO, catalog, now), first);
        if catalogs.of(STUDIO).is_empty() {
            let (published_at, effective, catalog) = (now, ahead.effective_from.unwrap(), Arc::clone(&ahead));
            catalogs.add(Arc::new(Published { studio: STUDIO, version: 1, published_at, effective, catalog }));
        }
        assert_eq!(catalogs.effective(STUDIO, catalog, now), later, "though none is in force yet");
    }
}
