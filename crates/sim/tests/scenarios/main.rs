//! The scenarios of the rules (`crates/core/tests/rules`), each told to two engines: one on the embedded store and one on the
//! store that several servers share. Both must do what the scenario says, in the same entries, and their journals must add up.

mod document;
mod world;

// The scenarios, and what tells them, as they are.
#[path = "../../../core/tests/rules/billed_plans.rs"]
mod billed_plans;
#[path = "../../../core/tests/rules/credits.rs"]
mod credits;
#[path = "../../../core/tests/rules/holds.rs"]
mod holds;
#[path = "../../../core/tests/rules/money_back.rs"]
mod money_back;
#[path = "../../../core/tests/rules/orders.rs"]
mod orders;
#[path = "../../../core/tests/rules/paid_plans.rs"]
mod paid_plans;
#[path = "../../../core/tests/rules/plans.rs"]
mod plans;
#[path = "../../../core/tests/rules/prices.rs"]
mod prices;
#[path = "../../../core/tests/rules/scenario.rs"]
mod scenario;
#[path = "../../../core/tests/rules/top_ups.rs"]
mod top_ups;

#[path = "../../../core/tests/rules/laws.rs"]
mod laws;
#[path = "../../../core/tests/rules/world.rs"]
#[expect(dead_code, reason = "of the world without an engine only its catalogs are used here")]
mod rules;
