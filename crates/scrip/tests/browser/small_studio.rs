//! The small studio's project page, as a customer uses it.

use serde_json::json;

use crate::acts::{Key, NARROW, PHONE, WIDE, Window};
use crate::axe;
use crate::looks::LOOKS;
use crate::markup::{HOSTILE, hostile};
use crate::webdriver::Browser;
use crate::world::World;

impl World {
    /// An address of the small studio.
    fn at_studio(&self, path: &str) -> String {
        let line = self.server.said.iter().find_map(|line| line.strip_prefix("see it at work: open "));
        format!("{}{path}", line.and_then(|line| line.split(',').next()).expect("it says where the studio is"))
    }
}

/// Opens a page of the small studio, and waits until it is whole.
fn open(world: &World, page: &str) {
    world.browser.go(&world.at_studio(page));
    world.browser.until("!document.body.classList.contains('waits')");
}

/// What stands in the panel: available, held, remaining.
fn credits(browser: &Browser) -> serde_json::Value {
    browser.value("return ['available', 'held', 'remaining'].map((id) => document.getElementById(id).textContent)")
}

/// The newest job's row, once it is over: state, held, charged, freed.
fn newest_job_ends(browser: &Browser, how: &str) -> serde_json::Value {
    browser.until(&format!(
        "(() => {{ const cells = [...document.querySelectorAll('#jobs tbody tr:first-child td')].map((cell) => cell.textContent); \
         return cells[1] === '{how}' ? cells.slice(1, 5) : null; }})()",
    ))
}

/// What stands in the element's corner.
fn corner(browser: &Browser, number: &str) {
    let corner = "document.querySelector('scrip-balance').shadowRoot.querySelector('.number').textContent";
    browser.until(&format!("{corner} === '{number}'"));
}

#[test]
fn a_job_is_priced_held_and_paid_before_the_customers_eyes() {
    let world = World::start();
    let browser = &world.browser;
    browser.sit_before(WIDE);
    browser.go(&world.at_studio("/"));
    assert_eq!(axe::violations(browser), Vec::<String>::new(), "where everybody begins");
    browser.click("a[href='/flow-studio/ana']");
    browser.until("document.querySelector('#run') && !document.body.classList.contains('waits')");
    browser.until("document.querySelector('#price strong')?.textContent === '240 credits'");
    corner(browser, "150 s left");
    assert_eq!(browser.text("#price li"), "12 s × 20 = 240");
    assert_eq!(credits(browser), json!(["3,000", "0", "3,000"]));
    assert_eq!(axe::violations(browser), Vec::<String>::new());

    browser.click("#run");
    browser.until("document.getElementById('held').textContent === '240'");
    assert_eq!(credits(browser), json!(["2,760", "240", "3,000"]));
    corner(browser, "138 s left");
    browser.press_on("document.querySelector('scrip-balance').shadowRoot.querySelector('button')");
    browser.until("Number(document.getElementById('progress').value) >= 30");
    browser.keep_picture("small-studio");
    assert_eq!(axe::violations(browser), Vec::<String>::new(), "while it runs, the bubble open");
    browser.press(Key::Escape);
    assert_eq!(newest_job_ends(browser, "Finished"), json!(["Finished", "240", "240", "0"]));
    browser.until("document.getElementById('remaining').textContent === '2,760'");
    assert_eq!(credits(browser), json!(["2,760", "0", "2,760"]));

    browser.value("document.getElementById('ending').value = 'fails'");
    browser.click("#run");
    browser.until("document.getElementById('held').textContent === '240'");
    assert_eq!(newest_job_ends(browser, "Failed"), json!(["Failed", "240", "0", "240"]));
    browser.until("document.getElementById('held').textContent === '0'");
    assert_eq!(credits(browser), json!(["2,760", "0", "2,760"]));

    browser.value("document.getElementById('ending').value = 'finishes'");
    browser.click("#run");
    browser.click("#jobs tbody tr:first-child button:not([hidden])");
    assert_eq!(newest_job_ends(browser, "Cancelled"), json!(["Cancelled", "240", "0", "240"]));
    browser.sit_before(NARROW);
    browser.fits();
    assert_eq!(browser.console(), Vec::<String>::new());
}

/// A job in every look.
#[test]
fn a_job_runs_on_a_desk_and_on_a_phone_by_day_and_by_night() {
    let world = World::start();
    let browser = &world.browser;
    for (place, (width, scheme)) in LOOKS.iter().filter(|(width, _)| *width != 320).enumerate() {
        let account = format!("looker-{place}");
        for (path, body) in [("", r#"{"name": "Looker"}"#), ("/subscription", r#"{"plan": "lite"}"#)] {
            let answer = world.put("flow-studio", &format!("/accounts/{account}{path}"), body);
            assert!(answer.status < 300, "{answer:?}");
        }
        world.look(*width, scheme);
        open(&world, &format!("/flow-studio/{account}"));
        browser.until("document.querySelector('#price strong')?.textContent === '240 credits'");
        corner(browser, "150 s left");
        browser.click("#run");
        browser.until("document.getElementById('held').textContent === '240'");
        assert_eq!(world.faults(), Vec::<String>::new(), "{width} {scheme}");
        browser.keep_whole_picture(&format!("small-studio-{width}-{scheme}"));
        assert_eq!(newest_job_ends(browser, "Finished"), json!(["Finished", "240", "240", "0"]));
        assert_eq!(world.faults(), Vec::<String>::new(), "{width} {scheme}");
        assert_eq!(world.get("flow-studio", &format!("/accounts/{account}/balance"))["available"], json!(2_760));
        browser.value("document.getElementById('ending').value = 'fails'");
        browser.click("#run");
        assert_eq!(newest_job_ends(browser, "Failed"), json!(["Failed", "240", "0", "240"]));
        browser.value("document.getElementById('ending').value = 'finishes'");
        browser.click("#run");
        browser.click("#jobs tbody tr:first-child button:not([hidden])");
        assert_eq!(newest_job_ends(browser, "Cancelled"), json!(["Cancelled", "240", "0", "240"]));
        assert_eq!(world.faults(), Vec::<String>::new(), "{width} {scheme}");
        browser.keep_whole_picture(&format!("small-studio-ended-{width}-{scheme}"));
    }
}

/// A first visit is as light as one of the customer's pages, the element and its numbers included; and nothing moves.
#[test]
fn the_project_page_is_light_and_stands_still() {
    let world = World::start();
    for (width, page) in [(1280, "/"), (1280, "/flow-studio/ana"), (360, "/"), (360, "/studiotwin/tile-works")] {
        world.look(width, "light");
        let (bytes, moved) = world.weighed_at(&world.at_studio(page));
        println!("small studio {page} {width}: {bytes} bytes as they travel");
        assert!(bytes < 60_000, "{page}: {bytes} bytes");
        assert_eq!(moved, Vec::<String>::new(), "{page}: nothing moved");
    }
}

/// Who came from an app at another address is led back there when the visit ends.
#[test]
fn who_leaves_is_back_in_the_app() {
    let world = World::start();
    let browser = &world.browser;
    let project = world.at_studio("/studiotwin/otto");
    assert!(!project.starts_with(&world.at("")), "it is at another address");
    let back: String = project.bytes().map(|byte| format!("%{byte:02X}")).collect();
    world.enter("studiotwin", "otto", &format!("?page=prices&back={back}"));
    browser.click("details.menu summary");
    browser.click("form[action='/dashboard/leave'] button");
    browser.find("scrip-balance");
    assert!(browser.address().starts_with(&project), "{}", browser.address());
    assert_eq!(browser.console(), Vec::<String>::new());
    // The visit has ended.
    browser.go(&world.at("/dashboard"));
    browser.find_text("Your visit has ended");
}

/// The formulas of the other studio, on a phone by night.
#[test]
fn measures_are_asked_as_the_catalog_declares_them() {
    let world = World::start();
    let browser = &world.browser;
    browser.sit_before(PHONE);
    open(&world, "/studiotwin/tile-works?tool=text-to-material&width=2048&height=2048&upscale=2");
    browser.until("document.querySelector('#price strong')?.textContent === '66 credits'");
    assert_eq!(browser.text("#price li"), "2 + 10 × 4 MP + 3 × 4 MP × 2 = 66");
    let labels =
        "return [...document.querySelectorAll('#measures label')].map((label) => label.firstChild.textContent.trim())";
    assert_eq!(browser.value(labels), json!(["Width (pixels)", "Height (pixels)", "Upscale"]));
    assert_eq!(axe::violations(browser), Vec::<String>::new());
    browser.keep_picture("small-studio-phone");
    browser.sit_before(NARROW);
    browser.fits();
    assert_eq!(browser.console(), Vec::<String>::new());
}

/// Short of credits: Top up, Buy Credits, pay, and back at the very job, which runs now.
#[test]
fn a_short_job_is_led_to_more_credits_and_back() {
    let world = World::start();
    let browser = &world.browser;
    browser.sit_before(WIDE);
    let job = world.at_studio("/studiotwin/otto?tool=text-to-motion&actions=7");
    open(&world, "/studiotwin/otto?tool=text-to-motion&actions=7");
    corner(browser, "1 action left");
    browser.find_text("30 credits are missing.");
    assert_eq!(browser.value("return document.getElementById('run').disabled"), json!(true));
    for window in [PHONE, Window { scheme: "light", ..PHONE }, Window { scheme: "dark", ..WIDE }, WIDE] {
        browser.sit_before(window);
        assert_eq!(axe::violations(browser), Vec::<String>::new(), "short of credits, {}", window.width);
        browser.fits();
        browser.keep_whole_picture(&format!("small-studio-short-{}-{}", window.width, window.scheme));
    }
    browser.click("#top-up");
    browser.find_text("Your job needs 30 more credits than you have available.");
    browser.click("button[name=package][value=small]");
    browser.click("input[value='4242424242424242']");
    browser.click("#pay");
    browser.find_text("100 credits are in your account.");
    browser.click(".actions a.button:not(.second)");
    corner(browser, "21 actions left");
    assert_eq!(browser.address(), job);
    browser.until("!document.getElementById('run').disabled");
    browser.click("#run");
    assert_eq!(newest_job_ends(browser, "Finished"), json!(["Finished", "35", "35", "0"]));
    assert_eq!(world.get("studiotwin", "/accounts/otto/balance")["available"], json!(70));
}

/// Whatever a studio names, and whatever its customer is called: text, on the list and on the project's page.
#[test]
fn hostile_names_stay_texts() {
    let world = World::start();
    world.publish("flow-studio", &hostile(include_str!("../../../../catalogs/flow-studio.toml")));
    let put = world.put("flow-studio", "/accounts/ana", &json!({ "name": HOSTILE }).to_string());
    assert_eq!(put.status, 200, "{put:?}");
    let browser = &world.browser;
    browser.sit_before(WIDE);
    for (page, place) in [("/", ".people"), ("/flow-studio/ana", "#tool option")] {
        open(&world, page);
        browser.until(&format!("document.querySelector('{place}')?.textContent.includes('<script>document.title')"));
        assert_eq!(browser.count("img, body script:not([src])"), 0, "{page}");
        assert_ne!(browser.value("return document.title"), json!("alive"), "{page}");
        assert_eq!(browser.console(), Vec::<String>::new(), "{page}");
    }
    browser.until("document.querySelector('#price strong')");
    let named = browser.value("return document.getElementById('profile').getAttribute('aria-label')");
    assert!(named.as_str().is_some_and(|named| named.starts_with(HOSTILE)), "{named}");
    browser.click("#run");
    browser.until("document.querySelector('#jobs tbody tr')?.textContent.includes('<script>document.title')");
    assert_eq!((browser.count("img"), browser.value("return document.title === 'alive'")), (0, json!(false)));
    // The element is handed the names too.
    browser.press_on("document.querySelector('scrip-balance').shadowRoot.querySelector('button')");
    let shadow = "document.querySelector('scrip-balance').shadowRoot";
    browser.until(&format!("{shadow}.querySelector('.name').textContent.includes('<script>document.title')"));
    assert_eq!(browser.value(&format!("return {shadow}.querySelectorAll('img, script').length")), json!(0));
    // However long a name is, what is left of it stays in sight.
    let right = |what: &str| {
        let right = browser.value(&format!("return {shadow}.querySelector('{what}').getBoundingClientRect().right"));
        right.as_f64().expect("a place")
    };
    assert!(right(".quantity") < right(".bubble"), "{} {}", right(".quantity"), right(".bubble"));
    assert_eq!(browser.console(), Vec::<String>::new());
}
