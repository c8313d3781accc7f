//! Prices at the versions of a catalog: pinned, honoured, changed (R3, R7–R10), and what is shown of them.

use scrip_core::time::Time;

use crate::scenario::check_in;
use crate::world::{World, published, read};

const TOOLS: &str = r#"
studio = "studio"
name = "Studio"

[project_types.live]
name = "Live"

[project_types.mocap]
name = "Mocap"

[tools.live]
name = "Live"
project_type = "live"
hold_for = 7200
on_excess = "extend"
measures.seconds = { min = 0, max = 600, step = 1 }
rate.per = "seconds"
rate.credits = 20

[tools.mocap]
name = "Mocap"
project_type = "mocap"
measures.seconds = { min = 0, max = 600, step = 1 }
rate.per = "seconds"
rate.credits = 4

[tools.plate]
name = "Plate"
measures.seconds = { min = 0, max = 600, step = 1 }
rate.per = "seconds"
rate.credits = 4

[plans.lite]
name = "Lite"
allowance = 3_000

[plans.pro]
name = "Pro"
allowance = 12_000

[plans.lite-year]
name = "Lite, by the year"
allowance = 3_000
term = "year"
"#;

/// Three versions: from the beginning; from 1 March, where everything is dearer and plans are larger; from 1 April,
/// without the plate and without Lite.
fn world() -> World {
    let dearer = TOOLS.replace("rate.credits = 4", "rate.credits = 5");
    let larger = [("allowance = 3_000", "allowance = 4_000"), ("allowance = 12_000", "allowance = 13_000")];
    let dearer = larger.iter().fold(dearer, |source, (old, new)| source.replace(old, new));
    let (smaller, _) = dearer.split_once("[tools.plate]").unwrap();
    let smaller = format!("{smaller}\n[plans.pro]\nname = \"Pro\"\nallowance = 12_000\n");
    let versions = [("1970-01-01", TOOLS), ("2026-03-01", &dearer), ("2026-04-01", &smaller)];
    let versions = versions.map(|(date, source)| {
        let effective: Time = format!("{date}T00:00:00Z").parse().unwrap();
        (effective, read(source))
    });
    World::new(published(versions.to_vec()), Time::EPOCH)
}

#[track_caller]
fn check(scenario: &str) {
    check_in(world(), scenario);
}

/// R7: nothing is ever repriced: a settle is priced by the version of its hold.
#[test]
fn a_hold_pins_its_version() {
    check(
        "
        at 2026-02-28 23:30
        grant 1000 top_up
          - grant lot_2 +1000 = 1000/1000
        start mocap 10.4 for a
          - hold until 03-01 00:30 lot_2 [+44] = 1000/956
        start live 10 for b
          - hold until 03-01 01:30 lot_2 [+200] = 1000/756
        at 2026-03-01 00:10
        finish a 10.4
          - settle charge_5 lot_2 -44 [-44] = 956/756
        start mocap 10 for c
          - hold until 03-01 01:10 lot_2 [+50] = 956/706
        finish c 10
          - settle charge_7 lot_2 -50 [-50] = 906/706
        finish b 12
          - settle charge_8 lot_2 -240 [-200] = 666/666
        ",
    );
}

/// R7: for fifteen minutes after it was superseded; then the price has changed, or was expected wrongly.
#[test]
fn a_quoted_version_is_honoured() {
    check(
        "
        at 2026-03-01 00:14
        grant 1000 top_up
          - grant lot_2 +1000 = 1000/1000
        run mocap 10
          - charge charge_3 lot_2 -50 = 950/950
        run mocap 10 version 1
          - charge charge_4 lot_2 -40 = 910/910
        run mocap 10 version 1 expecting 40
          - charge charge_5 lot_2 -40 = 870/870
        run mocap 10 version 1 expecting 50
          - refused: price is 40 at version 1
        run mocap 10 expecting 50
          - charge charge_6 lot_2 -50 = 820/820
        run mocap 10 expecting 40
          - refused: price is 50 at version 2
        run mocap 10 version 3
          - refused: price is 50 at version 2
        run mocap 10 version 4
          - refused: invalid catalog_version
        at 2026-03-01 00:15
        run mocap 10 version 1
          - refused: price is 50 at version 2
        start mocap 10 for a version 1 expecting 40
          - refused: price is 50 at version 2
        start mocap 10 for a version 2 expecting 50
          - hold until 03-01 01:15 lot_2 [+50] = 820/770
        ",
    );
}

/// R8: no tool, no measure, out of range: each is named.
#[test]
fn what_is_not_in_the_catalog_is_not_guessed() {
    check(
        "
        at 2026-02-01 00:00
        grant 1000 top_up
          - grant lot_2 +1000 = 1000/1000
        run sheep 10
          - refused: no tool sheep
        run mocap 10x
          - refused: measure seconds
        run mocap 601
          - refused: measure seconds
        run mocap -1
          - refused: measure seconds
        run mocap 0
          - charge charge_3 = 1000/1000
        at 2026-04-01 00:00
        run plate 10
          - refused: no tool plate
        at 2026-04-01 00:15
        run plate 10 version 2
          - refused: no tool plate
        ",
    );
}

/// R32: its state, tool and measures, project type, price changed, debt, credits.
#[test]
fn refusals_have_an_order() {
    check(
        "
        at 2026-02-01 00:00
        enable live
          - account = 0/0
        grant 10 top_up
          - grant lot_3 +10 = 10/10
        hold 10 for a
          - hold until 02-01 01:00 lot_3 [+10] = 10/0
        settle a 30 debt
          - settle charge_5 lot_3 -10 [-10] = 0/0
          - debt owes +20 = 0/0
        start sheep 700 for a expecting 1
          - refused: HoldExists
        start sheep 700 for b expecting 1
          - refused: no tool sheep
        start mocap 700 for b expecting 1
          - refused: measure seconds
        start mocap 600 for b expecting 1
          - refused: ProjectTypeNotEnabled { project_type: mocap }
        start live 600 for b expecting 1
          - refused: price is 12000 at version 1
        start live 600 for b
          - refused: owes 20, short by 12020
        forgive
          - uncollected 20 owes -20 = 0/0
        start live 600 for b
          - refused: 0 of 12000, short by 12000, packages [], resets never
        ",
    );
}

/// Tools without a project type are for all; only types of the catalog can be enabled.
#[test]
fn project_types_that_are_enabled() {
    check(
        "
        at 2026-02-01 00:00
        grant 100 top_up
          - grant lot_2 +100 = 100/100
        balance
          - 100/100, resets never; Live 5 seconds; Mocap 25 seconds; Plate 25 seconds
        enable live
          - account = 100/100
        enable live
        balance
          - 100/100, resets never; Live 5 seconds; Plate 25 seconds
        run mocap 1
          - refused: ProjectTypeNotEnabled { project_type: mocap }
        run plate 1
          - charge charge_4 lot_2 -4 = 96/96
        enable live,sheep
          - refused: invalid project_types
        quote mocap 10
          - 40: enabled false, affordable true, short by 0, from [lot_2 40], packages []
        quote live 4
          - 80: enabled true, affordable true, short by 0, from [lot_2 80], packages []
        quote live 10
          - 200: enabled true, affordable false, short by 104, from [], packages []
        ",
    );
}

/// R10: what is shown always runs, up to the measure's bound; nothing runs under a debt.
#[test]
fn seconds_left() {
    check(
        "
        at 2026-02-01 00:00
        subscribe lite
          - plan_change Started = 0/0
          - refill lot_3 +3000 = 3000/3000
        balance
          - 3000/3000, resets 03-01 00:00; Live 150 seconds; Mocap 600 seconds at limit; Plate 600 seconds at limit
        run live 100
          - charge charge_4 lot_3 -2000 = 1000/1000
        balance live
          - 1000/1000, resets 03-01 00:00; Live 50 seconds
        run live 50
          - charge charge_5 lot_3 -1000 = 0/0
        balance live
          - 0/0, resets 03-01 00:00; Live 0 seconds
        balance sheep
          - refused: no tool sheep
        start mocap 0 for a
          - hold until 02-01 01:00 = 0/0
        hold 0.5 for a
          - refused: HoldExists
        grant 1 top_up
          - grant lot_7 +1 = 1/1
        hold 1 for b
          - hold until 02-01 01:00 lot_7 [+1] = 1/0
        settle b 5 debt
          - settle charge_9 lot_7 -1 [-1] = 0/0
          - debt owes +4 = 0/0
        balance
          - 0/0 owes 4, resets 03-01 00:00; Live 0 seconds; Mocap 0 seconds; Plate 0 seconds
        at 2026-03-02 00:00
        balance
          - 3996/3996, resets 04-01 00:00; Live 199 seconds; Mocap 600 seconds at limit; Plate 600 seconds at limit
        ",
    );
}

/// R14, R17: a month's plan follows the catalog monthly, a year's plan yearly; one that is gone stays.
#[test]
fn terms_are_read_anew_at_the_end_of_a_term() {
    check(
        "
        at 2026-02-10 00:00
        subscribe lite
          - plan_change Started = 0/0
          - refill lot_3 +3000 = 3000/3000
        at 2026-03-10 00:00
        plan
          - lite 4000 active, term 03-10 00:00 to 04-10 00:00, cycle 03-10 00:00 to 04-10 00:00
        at 2026-05-10 00:00
        touch
          - 03-10 00:00: expiry lot_3 -3000 = 0/0
          - 03-10 00:00: refill lot_5 +4000 = 4000/4000
          - 04-10 00:00: expiry lot_5 -4000 = 0/0
          - 04-10 00:00: refill lot_7 +4000 = 4000/4000
          - expiry lot_7 -4000 = 0/0
          - refill lot_9 +4000 = 4000/4000
        plan
          - lite 4000 active, term 05-10 00:00 to 06-10 00:00, cycle 05-10 00:00 to 06-10 00:00
        subscribe lite
        subscribe lite-year
          - refused: PlanNotFound
        ",
    );
}

/// R14, R17.
#[test]
fn a_year_keeps_its_terms() {
    check(
        "
        at 2026-02-10 00:00
        subscribe lite-year
          - plan_change Started = 0/0
          - refill lot_3 +3000 = 3000/3000
        at 2026-03-10 00:00
        touch
          - expiry lot_3 -3000 = 0/0
          - refill lot_5 +3000 = 3000/3000
        plan
          - lite-year 3000 active, term 02-10 00:00 to 2027-02-10 00:00, cycle 03-10 00:00 to 04-10 00:00
        ",
    );
}

/// R17: decided for real on a copy: nothing is written.
#[test]
fn a_change_is_previewed() {
    check(
        "
        at 2026-02-10 00:00
        preview lite
          - from 02-10 00:00 grants 3000 of 3000, then 3000; lite 3000 active, term 02-10 00:00 to 03-10 00:00, cycle 02-10 00:00 to 03-10 00:00
        subscribe lite
          - plan_change Started = 0/0
          - refill lot_3 +3000 = 3000/3000
        preview pro
          - from 02-10 00:00 grants 9000 of 12000, then 12000; pro 12000 active, term 02-10 00:00 to 03-10 00:00, cycle 02-10 00:00 to 03-10 00:00
        preview lite-year
          - from 03-10 00:00 grants 0 of 3000, then 3000; lite 3000 active, term 02-10 00:00 to 03-10 00:00, cycle 02-10 00:00 to 03-10 00:00, next lite-year
        preview lite
          - from 02-10 00:00 grants 0 of 3000, then 3000; lite 3000 active, term 02-10 00:00 to 03-10 00:00, cycle 02-10 00:00 to 03-10 00:00
        preview sheep
          - refused: PlanNotFound
        lots
          - lot_3 subscription 3000 of 3000 until 03-10 00:00
        subscribe lite-year
          - plan_change Scheduled = 3000/3000
        preview lite-year
          - from 03-10 00:00 grants 0 of 3000, then 3000; lite 3000 active, term 02-10 00:00 to 03-10 00:00, cycle 02-10 00:00 to 03-10 00:00, next lite-year
        preview lite
          - from 02-10 00:00 grants 0 of 3000, then 3000; lite 3000 active, term 02-10 00:00 to 03-10 00:00, cycle 02-10 00:00 to 03-10 00:00
        cancel
          - plan_change Scheduled = 3000/3000
        plan
          - lite 3000 active, term 02-10 00:00 to 03-10 00:00, cycle 02-10 00:00 to 03-10 00:00, ends
        preview lite
          - from 02-10 00:00 grants 0 of 3000, then 3000; lite 3000 active, term 02-10 00:00 to 03-10 00:00, cycle 02-10 00:00 to 03-10 00:00
        ",
    );
}

/// R17: the cycles pass without a line; terms pass with them.
#[test]
fn a_paused_plan_keeps_its_calendar() {
    check(
        "
        at 2026-01-31 00:00
        subscribe lite
          - plan_change Started = 0/0
          - refill lot_3 +3000 = 3000/3000
        set paused
          - plan_change StateChanged = 3000/3000
        at 2026-04-15 00:00
        plan
          - lite 4000 paused, term 03-31 00:00 to 04-30 00:00, cycle 03-31 00:00 to 04-30 00:00
        touch
          - 02-28 00:00: expiry lot_3 -3000 = 0/0
        balance
          - 0/0, resets never; Live 0 seconds; Mocap 0 seconds
        set active
          - plan_change StateChanged = 0/0
          - refill lot_7 +4000 = 4000/4000
        plan
          - lite 4000 active, term 03-31 00:00 to 04-30 00:00, cycle 03-31 00:00 to 04-30 00:00
        ",
    );
}

/// R15.
#[test]
fn a_plan_that_is_yet_to_begin() {
    check(
        "
        at 2026-01-31 00:00
        subscribe pro from 2026-02-15
          - plan_change Started = 0/0
        plan
          - pro 12000 active, term 02-15 00:00 to 03-15 00:00, cycle 02-15 00:00 to 03-15 00:00
        balance
          - 0/0, resets 02-15 00:00; Live 0 seconds; Mocap 0 seconds; Plate 0 seconds
        preview lite
          - from 02-15 00:00 grants 0 of 3000, then 0; lite 3000 active, term 02-15 00:00 to 03-15 00:00, cycle 02-15 00:00 to 03-15 00:00
        at 2026-02-15 00:00
        balance
          - 12000/12000, resets 03-15 00:00; Live 600 seconds at limit; Mocap 600 seconds at limit; Plate 600 seconds at limit
        ",
    );
}

/// R17: an upgrade from a year to a month begins its first term with the current cycle, and reads the catalog anew monthly.
#[test]
fn a_year_becomes_a_month() {
    check(
        "
        at 2025-12-10 00:00
        subscribe lite-year
          - plan_change Started = 0/0
          - refill lot_3 +3000 = 3000/3000
        at 2026-02-20 00:00
        subscribe pro
          - 01-10 00:00: expiry lot_3 -3000 = 0/0
          - 01-10 00:00: refill lot_5 +3000 = 3000/3000
          - 02-10 00:00: expiry lot_5 -3000 = 0/0
          - 02-10 00:00: refill lot_7 +3000 = 3000/3000
          - plan_change Changed = 3000/3000
          - refill lot_9 +9000 = 12000/12000
        at 2026-03-10 00:00
        touch
          - expiry lot_7 -3000 lot_9 -9000 = 0/0
          - refill lot_11 +13000 = 13000/13000
        ",
    );
}
