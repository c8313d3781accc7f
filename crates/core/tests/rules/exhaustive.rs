//! Every short history of a tiny world: all sequences of a few commands, each step of which obeys
//! every law. Where properties draw long histories by chance, this leaves no short one out.

use scrip_core::command::{Command, PutAccount};
use scrip_core::time::Time;

use crate::scenario;
use crate::world::{PlanRow, World, catalog, published};

/// A plan with roll-over, a larger one, and a yearly one of the same size.
const TINY: [PlanRow; 3] = [("small", 3, 1, Some(2)), ("big", 5, 1, None), ("year", 3, 12, None)];

/// Runs every sequence of `length` of these lines, and counts the steps.
fn every_sequence(world: &World, lines: &[Line], length: u32) -> u64 {
    if length == 0 {
        return 0;
    }
    let mut steps = 0;
    for line in lines {
        let mut next = world.clone();
        line.run(&mut next);
        steps += 1 + every_sequence(&next, lines, length - 1);
        if length == 1 {
            assert_eq!(next.replayed(), next.account);
        }
    }
    steps
}

/// A command, or time that passes.
enum Line {
    Ask(Command),
    Wait(i64),
}

impl Line {
    fn run(&self, world: &mut World) {
        match self {
            Line::Ask(command) => {
                // A refusal is a step too.
                let _ = world.submit(command);
                world.account.recalled.clear();
            }
            Line::Wait(seconds) => {
                world.now = world.now.plus_seconds(*seconds);
                world.touch();
                world.account.recalled.clear();
            }
        }
    }
}

fn check(lines: &[&str], length: u32) {
    let start: Time = "2026-01-31T10:00:00Z".parse().unwrap();
    let mut world = World::new(published(vec![(Time::EPOCH, catalog(&TINY))]), start);
    world.submit(&Command::PutAccount(PutAccount::default())).unwrap();
    let line = |line: &&str| match line.strip_prefix("wait ") {
        Some(seconds) => Line::Wait(seconds.parse().unwrap()),
        None => Line::Ask(scenario::command(&line.split(' ').collect::<Vec<_>>())),
    };
    let lines: Vec<Line> = lines.iter().map(line).collect();
    let steps = every_sequence(&world, &lines, length);
    let expected: u64 = (1..=length).map(|n| (lines.len() as u64).pow(n)).sum();
    assert_eq!(steps, expected);
}

#[test]
fn holds_and_their_ends() {
    check(
        &[
            "grant 3 top_up",
            "grant 2 promo until 2026-01-31_11:00",
            "hold 4 for a",
            "settle a 1",
            "settle a 6 debt",
            "settle a 5 extend",
            "release a make_good",
            "release a",
            "wait 3600",
        ],
        5,
    );
}

#[test]
fn charges_and_refunds() {
    // The first entries are the opening and grants: charges fall on the same few numbers.
    check(
        &[
            "grant 3 promo until 2026-02-01",
            "grant 2 top_up",
            "charge 4",
            "refund charge_4 1",
            "refund charge_4",
            "refund charge_5 3",
            "revoke lot_2 1",
            "wait 86400",
        ],
        5,
    );
}

#[test]
fn plans_and_months() {
    check(
        &[
            "subscribe small",
            "subscribe big",
            "subscribe year",
            "set past_due",
            "set active",
            "cancel",
            "charge 2",
            "wait 2500000",
        ],
        5,
    );
}
