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
