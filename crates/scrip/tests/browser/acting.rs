//! What customers do on their pages besides buying: they change their plan and their settings, and look into what was used
//! and what things cost.

use serde_json::{Value, json};

use crate::world::World;

/// The numbers of the seed's two tables, row by row.
const TEXT_TO_MATERIAL: [&str; 9] = ["5", "6", "8", "12", "18", "24", "42", "66", "90"];
const IMAGE_TO_MATERIAL: [&str; 9] = ["16", "17", "19", "23", "29", "35", "53", "77", "101"];

impl World {
    /// The texts of everything that a selector finds.
    pub(crate) fn texts(&self, selector: &str) -> Vec<String> {
        let script = "return [...document.querySelectorAll(arguments[0])].map((one) => one.textContent.replace(/\\s+/g, ' ').trim())";
        let found = self.browser.run(script, &json!([selector]));
        found.as_array().expect("texts").iter().map(|text| text.as_str().expect("a text").to_owned()).collect()
    }
}

/// A larger plan is paid for and begins; cancelling says what it does, and can be taken back.
#[test]
fn a_plan_is_changed_by_paying_and_cancelled_with_a_word_of_warning() {
    let world = World::start();
    world.enter("studiotwin", "otto", "?page=plan");
    world.browser.find_text("Begins when it is paid: +500 credits at once, then 500 credits in each cycle.");
    world.put("studiotwin", "/accounts/otto/subscription", r#"{"plan": "starter"}"#);
    world.browser.go(&world.at("/dashboard/plan"));
    world.browser.find_text("Begins when it is paid: +2,000 credits at once, then 2,500 credits in each cycle.");
    world.browser.click("button[name=plan][value=studio]");
    world.browser.click("input[value='4242424242424242']");
    world.browser.click("#pay");
    world.browser.find_text("Studio is paid: 2,500 credits in each cycle.");
    let subscription = |name: &str| world.get("studiotwin", "/accounts/otto/subscription")[name].clone();
    assert_eq!(subscription("plan"), json!("studio"));
    world.browser.go(&world.at("/dashboard/plan"));
    world.browser.click("details.after summary");
    world.browser.find_text("Until then its credits come as always.");
    world.browser.click("button.danger");
    world.browser.find_text("Keep Studio after all");
    assert!(subscription("ends_at").is_string());
    world.browser.click("form.after button");
    world.browser.find_text("Cancel the plan…");
    assert_eq!(subscription("ends_at"), Value::Null);
    // A smaller one follows at the end of the term, and nothing is taken now.
    let before = world.get("studiotwin", "/accounts/otto/balance")["available"].clone();
    world.browser.click(".turn summary");
    world.browser.click("form[action='/dashboard/plan'] button[value=starter]");
    world.browser.find_text("Keep Studio after all");
    assert_eq!(subscription("next_plan"), json!("starter"));
    assert_eq!(world.get("studiotwin", "/accounts/otto/balance")["available"], before);
}

/// The seed: the "i" bubble shows what is left of each project type that is enabled.
#[test]
fn settings_are_kept_and_the_bubble_shows_what_is_left() {
    let world = World::start();
    world.enter("flow-studio", "ana", "?page=settings");
    let bubble = [
        "Live Action 150 seconds",
        "AI MoCap 750 seconds",
        "Animation / Video to 3D Scene 150 seconds",
        "Clean Plate 750 seconds",
        "Camera Track 750 seconds",
    ];
    assert_eq!(world.texts(".bubble-sheet dl > div"), bubble);
    world.fill("input[name=time_zone]", "Asia/Tokyo");
    world.browser.click("form[aria-labelledby=profile] button");
    world.browser.find_text("with the days of Asia/Tokyo.");
    world.browser.click("input[value=live-action]");
    world.browser.click("form[aria-labelledby=types] button");
    world.browser.find_text("Saved: enabled are AI MoCap, Animation / Video to 3D Scene.");
    let account = world.get("flow-studio", "/accounts/ana");
    assert_eq!(
        (&account["time_zone"], &account["project_types"]),
        (&json!("Asia/Tokyo"), &json!(["ai-mocap", "animation"]))
    );
    assert_eq!(world.texts(".bubble-sheet dl > div"), bubble[1..]);
    world.fill("input[name=time_zone]", "Europe/Atlantis");
    world.browser.click("form[aria-labelledby=profile] button");
    world.browser.find_text("There is no such time zone; choose one of the list.");
    assert_eq!(world.get("flow-studio", "/accounts/ana")["time_zone"], json!("Asia/Tokyo"));
}

/// Lines say what the API's entries say; a job opens its receipt, with its refund beneath; the file has the same lines.
#[test]
fn the_history_is_the_apis_and_opens_receipts() {
    let world = World::start();
    world.enter("flow-studio", "mia", "?page=usage");
    let entries = world.get("flow-studio", "/accounts/mia/entries?limit=25");
    let entries = entries["entries"].as_array().expect("entries");
    let after = |name: &str| -> Vec<String> { entries.iter().map(|entry| entry[name].to_string()).collect() };
    let shown: Vec<String> = world
        .texts(".history .after-it")
        .iter()
        .map(|text| text.rsplit(": ").next().expect("a number").replace(',', ""))
        .collect();
    let expected: Vec<String> = after("available_after")
        .into_iter()
        .zip(after("remaining_after"))
        .flat_map(|(one, other)| [one, other])
        .collect();
    assert_eq!(shown, expected);
    world.browser.go(&world.at("/dashboard/usage?show=jobs&tool=live-action"));
    let slips = world.texts(".history .slip");
    assert!(slips.iter().any(|slip| slip.contains("× 20 = ")), "the arithmetic: {slips:?}");
    assert!(slips.iter().any(|slip| slip.contains("Refunded")), "a refund beneath its job: {slips:?}");
    let file = world.browser.run_until_called(
        "fetch('/dashboard/usage.csv?show=jobs&tool=live-action').then((answer) => answer.text()).then(arguments[0])",
        &json!([]),
    );
    let file = file.as_str().expect("a text");
    assert!(file.starts_with("entry,at,kind,"), "{file}");
    assert_eq!(file.matches("entry,at,kind,").count(), 1);
    assert!(file.lines().skip(1).all(|line| line.contains("live-action")), "{file}");
    // The totals of the chart are those of the API.
    world.browser.go(&world.at("/dashboard/usage"));
    assert!(world.browser.count(".chart path") > 2, "bars are drawn");
}

/// The seed's tables, number for number, and the arithmetic of a job.
#[test]
fn prices_are_those_of_the_seed() {
    let world = World::start();
    world.enter("studiotwin", "nora", "?page=prices");
    let cells = world.texts(".matrix td");
    assert_eq!(cells, [TEXT_TO_MATERIAL, IMAGE_TO_MATERIAL].concat());
    // The dearer, the warmer: by rank, and to be seen.
    let heat = "return [...document.querySelectorAll('.matrix td')].map((cell) => [Number(cell.className.match(/heat(\\d)/)[1]), getComputedStyle(cell).backgroundColor])";
    let heat = world.browser.value(heat);
    let steps: Vec<u64> =
        heat.as_array().expect("cells").iter().map(|cell| cell[0].as_u64().expect("a step")).collect();
    assert_eq!(steps, [[0, 0, 1, 1, 2, 3, 3, 4, 5], [0, 0, 1, 1, 2, 3, 3, 4, 5]].concat());
    let colours: std::collections::BTreeSet<String> =
        heat.as_array().expect("cells").iter().map(ToString::to_string).collect();
    assert_eq!(colours.len(), 6, "a colour for each step: {colours:?}");
    let captions = world.texts(".prices caption");
    assert_eq!(captions, ["Motion Toolkit", "Environment Toolkit", "Mesh Toolkit", "Material Toolkit"]);
    world.browser.go(&world.at("/dashboard/prices?tool=text-to-material&width=2048&height=2048&upscale=2"));
    assert_eq!(world.browser.text("#price"), "66");
    world.browser.find_text("2 + 10 × 4 MP + 3 × 4 MP × 2 = 66");
    // As a field changes, the price follows without a press of anything.
    world.browser.run(
        "const field = document.querySelector('select[name=upscale]'); field.value = '4';
         field.dispatchEvent(new Event('change', { bubbles: true }))",
        &json!([]),
    );
    world.browser.find_text("= 90");
    assert_eq!(world.browser.text("#price"), "90");
    world.browser.go(&world.at("/dashboard/prices?tool=text-to-material&width=0&height=2048&upscale=2"));
    world.browser.find_text("Width (pixels): a whole number from 1 to 16384.");
}
