//! The ways through the pages, each walked on a desk and on a phone, by day and by night; and once without JavaScript.

use serde_json::{Value, json};

use crate::looks::LOOKS;
use crate::world::World;

/// A customer of a studio, made for one walk.
pub(crate) struct Walk<'a> {
    pub(crate) world: &'a World,
    studio: &'static str,
    pub(crate) account: String,
    /// How it looks, for pictures.
    look: String,
}

/// Walks a way in every look but the narrowest, which every page is looked at in.
pub(crate) fn in_every_look(studio: &'static str, plan: &str, way: fn(&Walk<'_>)) {
    let world = World::start();
    for (width, scheme) in LOOKS.iter().filter(|(width, _)| *width != 320) {
        let walk = Walk::of(&world, studio, plan, format!("{width}-{scheme}"));
        world.look(*width, scheme);
        way(&walk);
    }
}

impl<'a> Walk<'a> {
    fn of(world: &'a World, studio: &'static str, plan: &str, look: String) -> Walk<'a> {
        let walk = Walk { world, studio, account: format!("walker-{look}"), look };
        walk.put("", &json!({"name": "Walker & Co", "time_zone": "Europe/Zagreb"}));
        walk.put("/subscription", &json!({ "plan": plan }));
        walk
    }

    fn put(&self, path: &str, body: &Value) {
        let answer = self.world.put(self.studio, &format!("/accounts/{}{path}", self.account), &body.to_string());
        assert!(answer.status < 300, "{answer:?}");
    }

    pub(crate) fn post(&self, path: &str, body: &Value) -> Value {
        let key = format!("{}{}", self.account, path.replace('/', "-"));
        let answer =
            self.world.post(self.studio, &format!("/accounts/{}{path}", self.account), &key, &body.to_string());
        assert!(answer.status < 300, "{answer:?}");
        answer.body
    }

    pub(crate) fn get(&self, path: &str) -> Value {
        self.world.get(self.studio, &format!("/accounts/{}{path}", self.account))
    }

    pub(crate) fn enter(&self, page: &str) {
        self.world.enter(self.studio, &self.account, &format!("?page={page}"));
    }

    /// Nothing is wrong with the page as it stands now.
    pub(crate) fn stands(&self, step: &str) {
        let faults = self.world.faults();
        assert!(faults.is_empty(), "{step} {}: {}", self.look, faults.join("\n"));
        self.world.browser.keep_whole_picture(&format!("way-{step}-{}", self.look));
    }
}

#[test]
fn a_job_opens_its_receipt() {
    in_every_look("studiotwin", "studio", |walk| {
        let job = json!({"tool": "text-to-material", "measures": {"width": 2048, "height": 2048, "upscale": 2},
            "reference": "marble-7", "member": "ines"});
        let charge = walk.post("/charges", &job)["charge"].clone();
        let refunds = format!("/charges/{}/refunds", charge.as_str().expect("a charge"));
        walk.post(&refunds, &json!({"credits": 16, "reason": "seams in the result"}));
        walk.enter("usage");
        let browser = &walk.world.browser;
        assert_eq!(walk.world.texts("details:not([open]) > .slip").len(), 3, "the charge, the refund and the refill");
        // The newest but one.
        browser.click(".history > li:nth-child(3) summary");
        let slip = browser.text(".history > li:nth-child(3) .slip");
        for said in [
            "2 + 10 × 4 MP + 3 × 4 MP × 2 = 66",
            "Price",
            "From Subscription credits",
            "−66",
            "seams in the result",
            "+16",
        ] {
            assert!(slip.contains(said), "{said}: {slip}");
        }
        walk.stands("receipt");
        browser.click("select[name=show] option[value=credits]");
        browser.click("form.filters button");
        browser.find_text("Plan’s credits: Studio");
        assert_eq!(walk.world.texts(".history .what > span:first-child"), ["Plan’s credits: Studio"]);
        walk.stands("history-of-credits");
    });
}

#[test]
fn credits_are_bought_in_every_look() {
    in_every_look("studiotwin", "starter", |walk| {
        let browser = &walk.world.browser;
        walk.enter("buy-credits");
        walk.stands("buy-credits");
        browser.click("button[name=package][value=medium]");
        browser.click("a.back");
        browser.find_text("Buy credits");
        let order = walk.get("/orders?state=pending")["orders"][0]["order"].clone();
        browser.go(&walk.world.at(&format!("/dashboard/orders/{}", order.as_str().expect("an order"))));
        browser.find_text("Waiting for your payment");
        walk.stands("order-waits");
        browser.click("form[action$='/pay'] button");
        browser.click("input[value='000123456789']");
        browser.click("#pay");
        browser.find_text("Your payment is on its way");
        walk.stands("order-on-its-way");
        browser.find_text("500 credits are in your account.");
        assert_eq!(walk.get("/balance")["available"], json!(1_000));
        walk.stands("order-paid");
    });
}

#[test]
fn the_estimator_shows_its_arithmetic_as_it_changes() {
    in_every_look("studiotwin", "starter", |walk| {
        walk.enter("prices");
        let browser = &walk.world.browser;
        browser.click("select[name=tool] option[value=image-to-material]");
        browser.find("input[name=width]");
        let slide = |name: &str, to: u32| {
            browser.find(&format!("input[data-of={name}]"));
            let script =
                "const slider = document.querySelector(`input[data-of=${arguments[0]}]`); slider.value = arguments[1];
                slider.dispatchEvent(new Event('input', { bubbles: true }))";
            browser.run(script, &json!([name, to]));
        };
        slide("width", 512);
        slide("height", 512);
        browser.find_text("13 + 10 × 0.25 MP");
        assert_eq!(browser.text("#price"), "16");
        assert_eq!(browser.value("return document.querySelector('input[name=width]').value"), json!("512"));
        browser.click("select[name=upscale] option:nth-child(3)");
        browser.until("document.querySelector('#price').textContent === '19'");
        walk.stands("estimate");
        // While the answer is on its way, the price that stands is seen to be an old one.
        let slow = |milliseconds: u32| {
            let conditions =
                json!({"offline": false, "latency": milliseconds, "downloadThroughput": -1, "uploadThroughput": -1});
            browser.chromium("Network.enable", json!({}));
            browser.chromium("Network.emulateNetworkConditions", conditions);
        };
        slow(600_000);
        slide("width", 600);
        browser.until("document.querySelector('#answer').getAttribute('aria-busy') === 'true'");
        let faded = browser.value("return getComputedStyle(document.getElementById('price')).opacity");
        assert_eq!(faded, json!("0.6"));
        walk.stands("estimating");
        slow(0);
        slide("width", 512);
        browser.until("!document.querySelector('#answer').hasAttribute('aria-busy')");
        assert_eq!(browser.text("#price"), "19");
        // More than there is: what covers it is one press away.
        for name in ["width", "height"] {
            slide(name, 4_096);
        }
        browser.until("document.querySelector('#price').textContent === '365'");
        let lack = json!({"credits": 400});
        walk.post("/charges", &lack);
        slide("height", 4_095);
        browser.find_text("You lack");
        walk.stands("estimate-short");
        browser.click("#answer a");
        browser.find_text("more credits than you have available");
    });
}

/// A slider that is dragged asks once, where it stays; and what a catalog calls its measures breaks nothing.
#[test]
fn the_estimator_asks_when_a_slider_rests() {
    let world = World::start();
    let catalog = include_str!("../../../../catalogs/studiotwin.toml");
    let tool = "[tools.cut]
name = \"Cut\"
measures.length = { min = 0, max = 100, step = 1 }
measures.action = { min = 0, max = 100, step = 1 }
measures.dataset = { min = 0, max = 100, step = 1 }
rate.formula = \"2 * length + 3 * action + 5 * dataset\"
rate.examples = [{ given = { length = 1, action = 1, dataset = 1 }, credits = 10 }]

[tools.";
    world.publish("studiotwin", &catalog.replacen("[tools.", tool, 1));
    let walk = Walk::of(&world, "studiotwin", "starter", "rests".to_owned());
    walk.enter("prices");
    let browser = &world.browser;
    browser.go(&world.at("/dashboard/prices?tool=cut&length=1&action=1&dataset=1"));
    assert_eq!(browser.text("#price"), "10");
    let drag = "const slider = document.querySelector(`input[data-of=${arguments[0]}]`);
        for (let step = 1; step <= 40; step++) {
          slider.value = step;
          slider.dispatchEvent(new Event('input', { bubbles: true }));
        }";
    for (name, price) in [("length", "88"), ("action", "205"), ("dataset", "400")] {
        browser.run(drag, &json!([name]));
        browser.until(&format!("document.querySelector('#price')?.textContent === '{price}'"));
    }
    let asked = "return performance.getEntriesByType('resource').filter((one) => one.name.includes('/prices')).map((one) => one.name)";
    let asked = browser.value(asked);
    let asked = asked.as_array().expect("addresses");
    assert_eq!(asked.len(), 3, "{asked:?}");
    assert!(asked.iter().all(|one| one.as_str().is_some_and(|one| one.contains("/prices/answer?"))), "{asked:?}");
}

#[test]
fn a_plan_says_what_a_change_does_before_it_is_made() {
    in_every_look("flow-studio", "pro", |walk| {
        let browser = &walk.world.browser;
        let subscription = |name: &str| walk.get("/subscription")[name].clone();
        walk.enter("plan");
        browser.click(".turn summary");
        browser.find_text("3,000 credits in each cycle. Nothing changes before: you keep your 12,000 available.");
        walk.stands("plan-change");
        browser.click("button[name=plan][value=lite]");
        browser.find_text("Keep Pro after all");
        browser.find_text("12,000 credits in each cycle, not 3,000 credits of Lite. Nothing changes before.");
        assert_eq!(subscription("next_plan"), json!("lite"));
        walk.stands("plan-changed");
        browser.click("form.after button");
        browser.find_text("Change to Lite…");
        assert_eq!(subscription("next_plan"), Value::Null);
        browser.click("details.after summary");
        browser.find_text("and its 12,000 credits a cycle with it. Until then its credits come as always.");
        browser.find_text("What is left of them ends with it; credits that you bought stay.");
        assert!(browser.text(".fates").contains("12,000"), "what is left is said");
        walk.stands("plan-cancel");
        browser.click("button.danger");
        browser.find_text("Keep Pro after all");
        browser.find_text("12,000 credits in each cycle. Nothing changes before.");
        assert!(subscription("ends_at").is_string());
        assert_eq!(walk.get("/balance")["available"], json!(12_000), "nothing is taken");
        walk.stands("plan-cancelled");
    });
}

/// Each state of a plan that is not simply active, looked at.
#[test]
fn a_plan_that_is_past_due_or_paused_is_looked_at() {
    for (state, words) in [("past_due", "Goes on when it is paid: "), ("paused", "and stays paused: ")] {
        let world = World::start();
        for (width, scheme) in LOOKS {
            let walk = Walk::of(&world, "flow-studio", "lite", format!("{width}-{scheme}"));
            world.look(*width, scheme);
            walk.put("/subscription", &json!({ "state": state }));
            walk.enter("plan");
            world.browser.find("#halted");
            world.browser.find_text(words);
            walk.stands(&format!("plan-{state}"));
        }
    }
}

/// A plan that a subscription at the provider pays for is paid there: the page says where, and offers no second payment.
#[test]
fn a_plan_that_its_provider_charges_says_where_to_pay() {
    let world = World::start();
    let catalog = include_str!("../../../../catalogs/studiotwin.toml");
    world.publish("studiotwin", &catalog.replace("allowance = 500\n", "allowance = 500\nrenews = \"payment\"\n"));
    let browser = &world.browser;
    world.enter("studiotwin", "otto", "?page=plan");
    browser.click("button[name=plan][value=starter]");
    browser.click("input[value='4242424242424242']");
    browser.click("#pay");
    browser.find_text("Starter is paid: 500 credits in each cycle.");
    world.put("studiotwin", "/accounts/otto/subscription", r#"{"state": "past_due"}"#);
    for (width, scheme) in LOOKS {
        world.look(*width, scheme);
        browser.go(&world.at("/dashboard/plan"));
        let said = browser.text("#halted");
        assert!(said.contains("If an invoice is open, pay it: it may have been sent to you by e-mail."), "{said}");
        assert_eq!(browser.count("button[name=plan][value=starter]"), 0, "here it would be paid twice");
        assert_eq!(world.faults(), Vec::<String>::new(), "{width} {scheme}");
        browser.keep_whole_picture(&format!("plan-billed-{width}-{scheme}"));
    }
}

#[test]
fn settings_are_saved_in_every_look() {
    in_every_look("flow-studio", "lite", |walk| {
        let browser = &walk.world.browser;
        walk.enter("settings");
        browser.click("details.bubble summary");
        browser.find_text("3,000 credits available");
        assert!(browser.text(".bubble-sheet").contains("750 seconds"));
        walk.stands("bubble");
        browser.press(crate::acts::Key::Escape);
        browser.until("!document.querySelector('details.bubble').open");
        walk.world.fill("input[name=name]", "Walker and Daughters");
        browser.click("form[aria-labelledby=profile] button");
        browser.find_text("Saved: Walker");
        assert_eq!(walk.get("")["name"], json!("Walker and Daughters"));
        walk.stands("settings-saved");
        walk.world.fill("input[name=time_zone]", "Asia/Tokyo");
        browser.click("form[aria-labelledby=profile] button");
        browser.find_text("with the days of Asia/Tokyo.");
        browser.click("input[value=live-action]");
        browser.click("form[aria-labelledby=types] button");
        browser.find_text("Saved: enabled are AI MoCap, Animation / Video to 3D Scene.");
        let account = walk.get("");
        assert_eq!(
            (&account["time_zone"], &account["project_types"]),
            (&json!("Asia/Tokyo"), &json!(["ai-mocap", "animation"]))
        );
        browser.click("details.bubble summary");
        assert!(!browser.text(".bubble-sheet").contains("Live Action"), "what is not enabled is not in the bubble");
        walk.stands("types-saved");
    });
}

#[test]
fn an_automatic_top_up_is_set_in_every_look() {
    in_every_look("studiotwin", "studio", |walk| {
        let browser = &walk.world.browser;
        walk.enter("settings");
        let save = |below: &str| {
            browser.find("input[name=enabled]");
            browser.value("document.querySelector('input[name=enabled]').checked = true");
            walk.world.fill("select[name=package]", "medium");
            // What the browser would hold back comes to the server all the same.
            browser.value("document.querySelector('input[name=below]').type = 'text'");
            walk.world.fill("input[name=below]", below);
            walk.world.fill("input[name=up_to]", "600");
            walk.world.fill("input[name=per_month]", "3");
            browser.click("form[aria-labelledby=top-up] button");
        };
        save("many");
        browser.find_text("“many” is not a number.");
        assert_eq!(walk.get("/automatic-top-up")["code"], json!("top_up_not_found"));
        browser.console();
        walk.stands("top-up-refused");
        save("100.5");
        browser.find_text("Saved: 500 credits is bought when fewer than 100.5 credits are available");
        let stands = walk.get("/automatic-top-up");
        assert_eq!(
            (&stands["enabled"], &stands["package"], &stands["below"]),
            (&json!(true), &json!("medium"), &json!(100.5))
        );
        assert_eq!((&stands["up_to"], &stands["per_month"]), (&json!(600), &json!(3)));
        walk.stands("top-up-saved");
        browser.click("input[name=enabled]");
        browser.click("form[aria-labelledby=top-up] button");
        browser.find_text("Saved: nothing is bought automatically.");
        assert_eq!(walk.get("/automatic-top-up")["enabled"], json!(false));
    });
}

/// What changes while a page is open is shown without a press of anything.
#[test]
fn numbers_move_by_themselves() {
    in_every_look("flow-studio", "lite", |walk| {
        let browser = &walk.world.browser;
        walk.enter("overview");
        assert_eq!(browser.text("#available"), "3,000");
        browser.run_until_called(
            "(window.open_ = new EventSource('/dashboard/stream')).addEventListener('balance', arguments[0])",
            &json!([]),
        );
        walk.post("/holds", &json!({"tool": "live-action", "measures": {"seconds": 10.4}, "reference": "shot-7"}));
        browser.find_text("220 held");
        assert_eq!(browser.text("#available"), "2,780");
        assert_eq!(browser.text("#remaining"), "3,000");
        walk.stands("moved");
    });
}

/// While there is no network the page says so and keeps what it shows; when there is one again, it catches up.
#[test]
fn a_page_that_is_offline_says_so() {
    in_every_look("flow-studio", "lite", |walk| {
        let browser = &walk.world.browser;
        walk.enter("overview");
        browser.find("#available");
        let network = |offline: bool| {
            let conditions =
                json!({"offline": offline, "latency": 0, "downloadThroughput": -1, "uploadThroughput": -1});
            browser.chromium("Network.enable", json!({}));
            browser.chromium("Network.emulateNetworkConditions", conditions);
        };
        network(true);
        browser.until("!document.getElementById('offline').hidden");
        walk.post("/charges", &json!({"credits": 1}));
        assert_eq!(browser.text("#available"), "3,000");
        browser.console();
        walk.stands("offline");
        network(false);
        browser.until("document.getElementById('available').textContent === '2,999'");
        browser.until("document.getElementById('offline').hidden");
        browser.console();
    });
}

/// Everything but what moves by itself: reading, filtering, estimating, changing, saving, buying.
#[test]
fn every_way_can_be_gone_without_javascript() {
    let world = World::start();
    let walk = Walk::of(&world, "studiotwin", "studio", "still".to_owned());
    let browser = &world.browser;
    world.look(1280, "light");
    browser.chromium("Emulation.setScriptExecutionDisabled", json!({"value": true}));
    walk.post("/charges", &json!({"tool": "texture-to-material", "reference": "marble-7"}));
    walk.enter("usage");
    browser.click(".history summary");
    assert!(browser.text(".history .slip").contains("20"));
    browser.click("form.filters button");
    browser.find(".history");
    assert!(browser.address().contains("show=all"), "the form was sent: {}", browser.address());
    browser.go(&world.at("/dashboard/prices"));
    browser.click("select[name=tool] option[value=text-to-material]");
    browser.click("#estimate button");
    browser.find("input[name=width]");
    browser.click("select[name=upscale] option:nth-child(2)");
    browser.click("#estimate button");
    browser.find_text("2 + 10 × 1 MP + 3 × 1 MP × 2 = 18");
    browser.go(&world.at("/dashboard/plan"));
    browser.click(".turn summary");
    browser.click("button[name=plan][value=starter]");
    browser.find_text("Keep Studio after all");
    browser.click("form.after button");
    browser.find_text("Cancel the plan…");
    browser.go(&world.at("/dashboard/settings"));
    browser.click("form[aria-labelledby=profile] button");
    browser.find_text("Saved: Walker");
    browser.go(&world.at("/dashboard/buy-credits"));
    browser.click("button[name=package][value=small]");
    browser.click("input[value='4242424242424242']");
    browser.click("#pay");
    browser.find_text("100 credits are in your account.");
    assert_eq!(walk.get("/balance")["available"], json!(2_580));
    browser.chromium("Emulation.setScriptExecutionDisabled", json!({"value": false}));
}
