//! The catalogs of the simulated world: the shipped ones, and some that have what those lack.
//!
//! Each is a price list written by hand and a document; all documents but the shipped ones are written from the list.

use std::collections::BTreeSet;

use scrip_core::id::StudioId;

use crate::prices::{Amount, CREDIT, Parts, Plan, Policy, PriceList, Rate, Tool};
use crate::view::credits;
use crate::world::{Document, Studio};

/// Every kind of studio, with the catalogs that it publishes one after the other.
pub fn kinds() -> Vec<Studio> {
    let mut flow_studio = studio("flow-studio", vec![flow_studio(1), flow_studio(2)]);
    flow_studio.catalogs[0].text = FLOW_STUDIO.to_owned();
    let mut studiotwin = studio("studiotwin", vec![studiotwin(1), studiotwin(2)]);
    studiotwin.catalogs[0].text = STUDIOTWIN.to_owned();
    vec![
        flow_studio,
        studiotwin,
        studio("rollers", vec![rollers(1), rollers(2), rollers(3)]),
        studio("debtors", vec![debtors(1), debtors(2)]),
    ]
}

/// The shipped document.
const FLOW_STUDIO: &str = include_str!("../../../catalogs/flow-studio.toml");
/// The shipped document.
const STUDIOTWIN: &str = include_str!("../../../catalogs/studiotwin.toml");

fn studio(id: &str, lists: Vec<PriceList>) -> Studio {
    let id = StudioId::parse(id).expect("a studio's name");
    let catalogs = lists.into_iter().map(|prices| Document { text: written(&id, &prices), prices }).collect();
    Studio { id, catalogs }
}

fn plan(id: &'static str, allowance: Amount, months: i64, cap: Option<Amount>) -> Plan {
    Plan { id, allowance: allowance * CREDIT, months, cap: cap.map(|cap| cap * CREDIT) }
}

fn tool(id: &'static str, project_type: Option<&'static str>, rate: Rate) -> Tool {
    Tool { id, project_type, rate, hold_for: 3_600, policy: Policy::Cap }
}

fn seconds(each: Amount) -> Rate {
    Rate::PerUnit { measure: "seconds", each: each * CREDIT, bounds: (0, 86_400), parts: Parts::CountWhole, minimum: 0 }
}

/// Flow Studio as its document says, at once or several times as dear.
fn flow_studio(times: Amount) -> PriceList {
    PriceList {
        tools: vec![
            tool("live-action", Some("live-action"), seconds(20 * times)),
            tool("ai-mocap", Some("ai-mocap"), seconds(4 * times)),
            tool("animation", Some("animation"), seconds(20 * times)),
            tool("clean-plate", None, seconds(4 * times)),
            tool("camera-track", None, seconds(4 * times)),
        ],
        plans: vec![plan("lite", 3_000 * times, 1, None), plan("pro", 12_000, 1, None)],
        packages: vec![],
        honoured_for: 900,
    }
}

/// StudioTwin as its document says, at once or several times as dear.
fn studiotwin(times: Amount) -> PriceList {
    let flat = |credits: Amount| Rate::Flat(credits * times * CREDIT);
    let actions = Rate::PerUnit {
        measure: "actions",
        each: 5 * times * CREDIT,
        bounds: (1, 1_000),
        parts: Parts::Refused,
        minimum: 0,
    };
    PriceList {
        tools: vec![
            tool("text-to-motion", None, actions),
            tool("motion-edit", None, flat(5)),
            tool("motion-stitch", None, flat(5)),
            tool("trajectory-control", None, flat(5)),
            tool("text-to-environment-map", None, flat(20)),
            tool("image-to-environment-map", None, flat(25)),
            tool("environment-map-to-world", None, flat(80)),
            tool("image-to-3d-mesh", None, flat(25)),
            tool("text-to-material", None, material(2 * times)),
            tool("texture-to-material", None, flat(20)),
            tool("image-to-material", None, material(13 * times)),
        ],
        plans: vec![
            plan("starter", 500, 1, None),
            plan("studio", 2_500, 1, None),
            plan("studio-yearly", 2_500, 12, None),
        ],
        packages: vec![("small", 100 * CREDIT), ("medium", 500 * CREDIT), ("large", 2_200 * CREDIT)],
        honoured_for: 900,
    }
}

fn material(base: Amount) -> Rate {
    Rate::Material { base: base * CREDIT, sides: (1, 16_384) }
}

/// Credits that roll over, terms of a year, prices and allowances that change with each version, and a plan that is not
/// offered for ever.
fn rollers(version: Amount) -> PriceList {
    let mut list = PriceList {
        tools: vec![
            tool("sculpt", Some("sculpting"), seconds(3 * version)),
            Tool { hold_for: 600, policy: Policy::Extend, ..tool("paint", None, seconds(7)) },
            tool("stamp", Some("stamping"), Rate::Flat(2 * CREDIT + CREDIT / 2 * version)),
            tool("free-look", None, Rate::Flat(0)),
        ],
        plans: vec![
            plan("small", 100 * version, 1, Some(40)),
            plan("large", 400, 1, Some(1_000)),
            plan("yearly", 250, 12, Some(60)),
            plan("plain", 100, 12, None),
        ],
        packages: vec![("handful", 50 * CREDIT), ("sack", 600 * CREDIT)],
        honoured_for: 900,
    };
    if version == 3 {
        list.plans.retain(|plan| plan.id != "large");
    }
    list
}

/// Tools that leave debts, long holds, and a minimum.
fn debtors(version: Amount) -> PriceList {
    let frames = Rate::PerUnit {
        measure: "frames",
        each: version * CREDIT / 4,
        bounds: (1, 10_000),
        parts: Parts::Refused,
        minimum: 2 * CREDIT,
    };
    PriceList {
        tools: vec![
            Tool { hold_for: 86_400, policy: Policy::Debt, ..tool("render", None, frames) },
            Tool { policy: Policy::Debt, ..tool("bake", Some("baking"), seconds(5)) },
            tool("material", None, material(2)),
        ],
        plans: vec![
            plan("basic", 60, 1, None),
            plan("better", 90 * version, 12, Some(30)),
            plan("best", 300, 1, Some(5)),
        ],
        packages: vec![],
        honoured_for: 120,
    }
}

/// The document of a price list.
fn written(studio: &StudioId, prices: &PriceList) -> String {
    let mut text = format!("studio = \"{studio}\"\nname = \"{studio}\"\nhonoured_for = {}\n", prices.honoured_for);
    let types: BTreeSet<&str> = prices.tools.iter().filter_map(|tool| tool.project_type).collect();
    text.extend(types.iter().map(|one| format!("[project_types.{one}]\nname = \"{one}\"\n")));
    text.extend(prices.tools.iter().map(written_tool));
    for Plan { id, allowance, months, cap } in &prices.plans {
        let term = if *months == 12 { "year" } else { "month" };
        text += &format!("[plans.{id}]\nname = \"{id}\"\nallowance = {}\nterm = \"{term}\"\n", credits(*allowance));
        text.extend(cap.map(|cap| format!("roll_over_cap = {}\n", credits(cap))));
    }
    for (id, gives) in &prices.packages {
        let gives = credits(*gives);
        text += &format!("[packages.{id}]\nname = \"{id}\"\ncredits = {gives}\nprice = \"1.00 USD\"\n");
    }
    text
}

fn written_tool(tool: &Tool) -> String {
    let Tool { id, project_type, rate, hold_for, policy } = tool;
    let policy = match policy {
        Policy::Cap => "cap",
        Policy::Extend => "extend",
        Policy::Debt => "debt",
    };
    let project_type = project_type.map_or_else(String::new, |one| format!("project_type = \"{one}\"\n"));
    let rate = match rate {
        Rate::Flat(price) => format!("rate = {{ flat = {}, round = \"exact\" }}\n", credits(*price)),
        Rate::PerUnit { measure, each, bounds, parts, minimum } => {
            let grid = match parts {
                Parts::CountWhole => "step = 1",
                Parts::Refused => "decimals = 0",
            };
            let (each, minimum) = (credits(*each), credits(*minimum));
            format!(
                "measures.{measure} = {{ min = {}, max = {}, {grid} }}\n\
                 rate = {{ per = \"{measure}\", credits = {each}, minimum = {minimum} }}\n",
                bounds.0, bounds.1
            )
        }
        Rate::Material { base, sides } => {
            let side = format!("{{ min = {}, max = {}, decimals = 0 }}", sides.0, sides.1);
            format!(
                "measures.width = {side}\nmeasures.height = {side}\nmeasures.upscale = {{ allowed = [1, 2, 4] }}\n\
                 rate.formula = \"{} + width * height / 1048576 * (if upscale > 1 then 10 + 3 * upscale else 10)\"\n",
                credits(*base)
            )
        }
    };
    format!("[tools.{id}]\nname = \"{id}\"\nhold_for = {hold_for}\non_excess = \"{policy}\"\n{project_type}{rate}")
}

#[cfg(test)]
mod tests {
    use scrip_core::catalog::{Format, read};

    use super::*;

    #[test]
    fn every_document_is_read_and_has_the_plans_of_its_list() {
        for studio in kinds() {
            for Document { text, prices } in studio.catalogs {
                let catalog =
                    read(&text, Format::Toml).unwrap_or_else(|error| panic!("{}: {error}\n{text}", studio.id));
                assert_eq!(catalog.studio, studio.id);
                let plans: BTreeSet<_> = catalog.plans.iter().map(|plan| plan.id.as_str()).collect();
                assert_eq!(plans, prices.plans.iter().map(|plan| plan.id).collect());
                let tools: BTreeSet<_> = catalog.tools.iter().map(|tool| tool.id.as_str()).collect();
                assert_eq!(tools, prices.tools.iter().map(|tool| tool.id).collect());
            }
        }
    }
}
