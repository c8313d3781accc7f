//! Fuzzing in the tests: the same seeds each time, a few of each target, and every example of the corpus.

use scrip_sim::fuzz::catalogs::Catalogs;
use scrip_sim::fuzz::rates::Rates;
use scrip_sim::fuzz::records::Records;
use scrip_sim::fuzz::{Target, Verdict, asked, corpus, fuzz};

/// Tries some; of a hundred inputs so many at least must be valid, or the run proves nothing.
fn check(target: &dyn Target, usually: u64, valid: u64) {
    let (seed, count) = asked(usually);
    match fuzz(target, seed, count, &mut |_| ()) {
        Ok(tally) => {
            println!("{}: {tally:?}", target.name());
            assert!(tally.taken * 100 >= count * valid, "few inputs were valid: {tally:?}");
        }
        Err(failure) => panic!("{failure}"),
    }
}

#[test]
fn accepted_rates_have_the_exact_price() {
    let target = Rates::new();
    for example in corpus::files("rates") {
        target.run(&example).unwrap_or_else(|what| panic!("{what}: {}", example.escape_ascii()));
    }
    check(&target, 1_000, 20);
}

#[test]
fn catalogs_are_refused_or_have_prices() {
    let target = Catalogs::new();
    for example in corpus::files("catalogs") {
        target.run(&example).unwrap_or_else(|what| panic!("{what}: {}", example.escape_ascii()));
    }
    check(&target, 2_000, 2);
}

#[test]
fn what_is_stored_has_one_spelling() {
    check(&Records::new(), 20_000, 1);
}

/// The comparison can fail: a rate that costs something else than it says.
#[test]
fn a_wrong_price_is_noticed() {
    use scrip_sim::fuzz::exact::{Names, Number, Value, value};
    let names = Names::from([("s".to_owned(), Value::Number(Number::decimal(7, 0)))]);
    let Ok(Value::Number(found)) = value("s / 2", &names) else { panic!("a number") };
    assert_eq!(found.rounded("half_away", 0).and_then(|price| price.millionths()), Some(4_000_000));
    assert_eq!(found.rounded("half_even", 0).and_then(|price| price.millionths()), Some(4_000_000));
    let Ok(Value::Number(found)) = value("(s + 2) / 2", &names) else { panic!("a number") };
    assert_eq!(found.rounded("half_even", 0).and_then(|price| price.millionths()), Some(4_000_000));
    assert_eq!(found.rounded("half_away", 0).and_then(|price| price.millionths()), Some(5_000_000));
    assert_eq!(Rates::new().run(b"s - 10"), Ok(Verdict::Refused));
}
