//! Fuzzing of files of opening balances: whatever stands in one is read as accounts, or is a mistake that is told; nothing
//! panics, and a file of an unchanged example has no mistake. `cargo xtask fuzz --target openings` tries as many as you like.

use std::io::{Seek, SeekFrom, Write};

use scrip_core::time::Time;
use scrip_sim::fuzz::mutate::Material;
use scrip_sim::fuzz::{Target, Verdict, asked, corpus, fuzz};
use scrip_sim::prng::Prng;

use super::accounts::Accounts;
use super::arrival::Arrival;
use super::mistakes::Mistakes;
use crate::args::OpeningForm;

const WORDS: &[&str] = &[
    "account",
    "name",
    "time_zone",
    "project_types",
    "plan",
    "anchor",
    "state",
    "subscription_remaining",
    "top_up",
    "lot",
    "class",
    "credits",
    "expires_at",
    "granted_at",
    "priority",
    "reason",
    ",",
    "\"",
    "\"\"",
    "\n",
    "\r\n",
    "\r",
    ",,",
    "\u{feff}",
    "null",
    "{",
    "}",
    "[",
    "]",
    ":",
    "promo",
    "make_good",
    "subscription",
    "1e9",
    "-5",
    "0.0000001",
    "2026-02-30",
    "9999-12-31T23:59:59Z",
    "Europe/Zagreb",
    "past_due",
    "é",
    "\0",
    ";",
    "\t",
    " ",
];

/// Files, with a letter in front that says of which form.
struct Openings(Vec<Vec<u8>>);

/// When the samples of the repository are brought in.
fn now() -> Time {
    "2026-08-01T06:00:00Z".parse().expect("an instant")
}

impl Openings {
    /// With the samples, which are in both forms, and the corpus.
    fn new() -> Openings {
        let mut examples = corpus::files("openings");
        for (form, name) in [(b"c", "opening-balances.csv"), (b"j", "opening-balances.jsonl")] {
            let text = std::fs::read(corpus::repository(&format!("samples/{name}"))).expect("a sample");
            examples.push([form.as_slice(), &text].concat());
        }
        Openings(examples)
    }
}

/// Reads a whole file: how many accounts can be opened, and how many mistakes there are.
fn read(form: OpeningForm, text: &[u8]) -> (u64, u64) {
    let mut file = tempfile::tempfile().expect("a temporary file");
    file.write_all(text).and_then(|()| file.seek(SeekFrom::Start(0))).expect("there is room");
    let (mut accounts, mut mistakes, mut arrived) = (Accounts::new(file, form), Mistakes::default(), 0);
    while let Some(rows) = accounts.next(&mut mistakes).expect("the file can be read") {
        let before = mistakes.count();
        let arrival = Arrival::of(rows, now(), &mut mistakes);
        assert_eq!(
            arrival.is_none(),
            mistakes.count() > before,
            "an account is left out without a word, or told and taken"
        );
        arrived += u64::from(arrival.is_some());
    }
    (arrived, mistakes.count())
}

impl Target for Openings {
    fn name(&self) -> &'static str {
        "openings"
    }

    fn input(&self, prng: &mut Prng) -> Vec<u8> {
        let mut input = prng.pick(&self.0).clone();
        let mut text = input.split_off(1);
        Material { examples: &self.0, words: WORDS }.mutate(prng, &mut text);
        input.extend(text);
        input
    }

    fn run(&self, input: &[u8]) -> Result<Verdict, String> {
        let Some((form, text)) = input.split_first() else { return Ok(Verdict::Refused) };
        let form = if *form == b'j' { OpeningForm::Jsonl } else { OpeningForm::Csv };
        Ok(if matches!(read(form, text), (1.., 0)) { Verdict::Taken } else { Verdict::Refused })
    }
}

#[test]
fn no_file_of_opening_balances_breaks_the_import() {
    let (seed, count) = asked(4_000);
    let target = Openings::new();
    for example in &target.0 {
        assert_eq!(target.run(example), Ok(Verdict::Taken), "{}", example.escape_ascii());
    }
    match fuzz(&target, seed, count, &mut |_| ()) {
        Ok(tally) => {
            println!("openings: seeds {seed}..{}: {tally:?}", seed + count);
            assert!(tally.taken * 50 >= count, "few were valid: {tally:?}");
        }
        Err(failure) => panic!("{failure}"),
    }
}
