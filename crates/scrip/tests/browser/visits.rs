//! A visit, while its page stays open: it is one customer's to its end, and says of itself only what is so.

use serde_json::json;

use crate::looks::LOOKS;
use crate::world::World;

/// Moves the estimator's width.
fn slide(world: &World, to: u32) {
    world.browser.find("input[data-of=width]");
    let script = "const slider = document.querySelector('input[data-of=width]'); slider.value = arguments[0];
        slider.dispatchEvent(new Event('input', { bubbles: true }))";
    world.browser.run(script, &json!([to]));
}

/// The words of the notice, when there is one.
fn notice(world: &World) -> String {
    world.browser.until("!document.getElementById('offline').hidden");
    world.browser.text("#offline")
}

/// Another visit in the same browser is another customer's: a page that was open says so too, and mixes nothing.
#[test]
fn two_visits_in_one_browser_do_not_mix() {
    let world = World::start();
    let browser = &world.browser;
    world.enter("flow-studio", "ana", "");
    assert_eq!(browser.text("#available"), "3,000");
    browser.behind_another_tab(|| world.enter("flow-studio", "bruno", ""));
    let hold = r#"{"tool": "live-action", "measures": {"seconds": 10.4}}"#;
    let held = world.post("flow-studio", "/accounts/ana/holds", "hers", hold);
    assert_eq!(held.status, 201, "{held:?}");
    browser.find("body[data-whose='flow-studio/bruno']");
    let account = world.get("flow-studio", "/accounts/bruno");
    assert_eq!(world.texts(".who"), [account["name"].as_str().expect("a name")]);
    let available = world.get("flow-studio", "/accounts/bruno/balance")["available"].to_string();
    assert_eq!(browser.text("#available").replace(',', ""), available);
    // And the estimator, which asks by itself.
    let estimator = "/dashboard/prices?tool=text-to-material&width=2048&height=2048&upscale=2";
    world.enter("studiotwin", "tile-works", "");
    browser.go(&world.at(estimator));
    browser.behind_another_tab(|| world.enter("studiotwin", "otto", ""));
    slide(&world, 4_096);
    browser.find("body[data-whose='studiotwin/otto'] #price");
}

/// Offline is said where there is no network, and nothing else is called that.
#[test]
fn what_is_wrong_is_called_by_its_name() {
    let world = World::start();
    let browser = &world.browser;
    world.enter("studiotwin", "tile-works", "");
    browser.go(&world.at("/dashboard/prices?tool=text-to-material&width=2048&height=2048&upscale=2"));
    let block = |what: &[&str]| {
        browser.chromium("Network.enable", json!({}));
        browser.chromium("Network.setBlockedURLs", json!({ "urls": what }));
    };
    block(&["*/dashboard/prices/answer*"]);
    slide(&world, 1_024);
    let said = notice(&world);
    assert!(said.starts_with("StudioTwin does not answer at the moment. What you see is as of "), "{said}");
    assert_eq!(browser.text("#answer"), "", "no price is better than another's");
    block(&[]);
    slide(&world, 2_048);
    browser.until("document.getElementById('price')?.textContent === '66'");
    browser.until("document.getElementById('offline').hidden");
    let network = |offline: bool| {
        let conditions = json!({"offline": offline, "latency": 0, "downloadThroughput": -1, "uploadThroughput": -1});
        browser.chromium("Network.emulateNetworkConditions", conditions);
    };
    network(true);
    let said = notice(&world);
    assert!(said.starts_with("You are offline. What you see is as of "), "{said}");
    network(false);
    browser.until("document.getElementById('offline').hidden");
    // A visit that is over is neither.
    browser.chromium("Network.clearBrowserCookies", json!({}));
    slide(&world, 512);
    browser.find_text("Your visit has ended");
}

/// Somebody of the studio looks at what a customer sees: each page says so, and none offers what would be refused.
#[test]
fn what_may_only_be_looked_at_says_so() {
    let world = World::start();
    let session = world.post("studiotwin", "/console-sessions", "", "{}").body;
    let mut operator = world.server.client(session["token"].as_str().expect("a token"));
    let opened =
        operator.post("/accounts/tile-works/portal-sessions", "", r#"{"reason": "they asked about a price"}"#).body;
    world.browser.go(opened["url"].as_str().expect("an address"));
    for (width, scheme) in LOOKS {
        world.look(*width, scheme);
        for page in ["/dashboard", "/dashboard/buy-credits", "/dashboard/plan", "/dashboard/settings"] {
            world.browser.go(&world.at(page));
            assert_eq!(
                world.browser.text("#only-reads"),
                "You are looking at what Tile Works sees. Nothing can be changed here."
            );
            assert_eq!(world.faults(), Vec::<String>::new(), "{page} {width} {scheme}");
            let name = page.rsplit('/').next().expect("a name");
            world.browser.keep_whole_picture(&format!("looking-{name}-{width}-{scheme}"));
        }
    }
}

/// "As of" is of the numbers that are shown, however long ago the page was opened.
#[test]
fn as_of_moves_with_the_numbers() {
    let world = World::start();
    let browser = &world.browser;
    world.enter("flow-studio", "ana", "");
    browser.find("#as-of");
    browser.value("document.getElementById('as-of').textContent = 'long ago'");
    let hold = r#"{"tool": "live-action", "measures": {"seconds": 10.4}}"#;
    world.post("flow-studio", "/accounts/ana/holds", "moving", hold);
    browser.until("document.getElementById('available').textContent === '2,780'");
    browser.until("document.getElementById('as-of').textContent !== 'long ago'");
}
