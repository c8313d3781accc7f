//! What the plan page promises of plans that renew by payment: late, cancelled, with a change that waits, and paid ahead. And pages
//! whose account is another's by now, or whose server was away.

use scrip_core::time::{Time, Zone};
use serde_json::{Value, json};

use crate::reading::{Page, Still};
use crate::world::World;

const PLAN: &str = "/dashboard/plan";
const CATALOG: &str = include_str!("../../../../catalogs/flow-studio.toml");
const HOUR: i64 = 3_600;
const DAY: i64 = 24 * HOUR;

/// Customers of a studio whose plans renew by payment.
struct Desk {
    still: Still,
    account: &'static str,
}

impl Desk {
    /// A customer on a plan.
    fn on(plan: &str) -> Desk {
        let desk = Desk { still: Still::start(), account: "walker" };
        let paid = CATALOG.replace("\nallowance", "\nrenews = \"payment\"\nallowance");
        desk.still.publish("flow-studio", &paid);
        desk.put("", &json!({"time_zone": "UTC"}));
        desk.put("/subscription", &json!({ "plan": plan }));
        desk
    }

    fn put(&self, path: &str, body: &Value) {
        let mut client = self.still.server.client(self.still.key("flow-studio"));
        let answer = client.put(&format!("/accounts/{}{path}", self.account), &body.to_string());
        assert!(answer.status < 300, "{path}: {answer:?}");
    }

    fn subscription(&self) -> Value {
        self.still.get("flow-studio", &format!("/accounts/{}/subscription", self.account))
    }

    fn token(&self) -> String {
        self.still.token("flow-studio", self.account)
    }

    fn page(&self) -> String {
        let page = self.still.page(&self.token(), PLAN);
        assert_eq!(page.status, 200, "{}", page.text);
        page.text
    }

    /// Moves the clock to so many seconds after an instant.
    fn wait(&self, after: &Value, seconds: i64) {
        let now = at(after).plus_seconds(seconds);
        self.still.post("flow-studio", "/test-clock", "move", &json!({"now": now.to_string()}));
    }

    /// Presses a button of a page that was opened with this token.
    fn press(&self, token: &str, page: &str, path: &str, fields: &str) -> Page {
        let hidden = |name: &str| {
            let (_, rest) = page.split_once(&format!("name=\"{name}\" value=\"")).expect("the field");
            rest.split_once('"').expect("it ends").0.to_owned()
        };
        let once = if fields.contains("once") { format!("&once={}", hidden("once")) } else { String::new() };
        let fields = fields.replace("&once", &once);
        self.still.fill(token, path, "", &format!("seal={}&mark={}&{fields}", hidden("seal"), hidden("mark")))
    }

    /// Orders a term of a plan, and has it paid.
    fn pay(&self, plan: &str) {
        let path = format!("/accounts/{}/orders", self.account);
        let order = self.still.post("flow-studio", &path, plan, &json!({ "plan": plan }));
        let paid = format!("{path}/{}/mark-paid", order["order"].as_str().expect("an order"));
        self.still.post("flow-studio", &paid, &format!("{plan}-paid"), &json!({"reference": "by hand"}));
    }

    #[track_caller]
    fn says(&self, words: &[String]) {
        let page = self.page();
        for said in words {
            assert!(page.contains(said.as_str()), "{said}: {page}");
        }
    }
}

fn at(value: &Value) -> Time {
    Time::parse(value.as_str().expect("an instant")).expect("an instant")
}

/// As the page writes a day.
fn day(value: &Value) -> String {
    at(value).timestamp().to_zoned(Zone::utc().rules()).strftime("%-d %b %Y").to_string()
}

const HAD: &str = "no more credits in this cycle, which has had them";

/// In its grace a plan can be paid before it lapses; and what a late payment brings ends where the plan does.
#[test]
fn a_late_payment_promises_nothing_after_the_end() {
    let desk = Desk::on("lite");
    let begun = desk.subscription();
    assert!(!desk.page().contains("not paid for yet"));
    desk.wait(&begun["term"]["end"], HOUR);
    desk.says(&[
        format!("This cycle is not paid for yet. Goes on when it is paid: {HAD}, then 3,000 credits in each cycle. You keep your \
                 3,000 available."),
        "<button name=\"plan\" value=\"lite\">Pay ".to_owned(),
    ]);
    desk.wait(&begun["term"]["end"], 4 * DAY);
    let token = desk.token();
    let page = desk.page();
    assert!(page.contains(&format!("Goes on when it is paid: {HAD}, then 3,000 credits in each cycle.")), "{page}");
    assert_eq!(desk.press(&token, &desk.still.page(&token, PLAN).text, "/dashboard/plan/cancel", "").status, 303);
    let ends = day(&desk.subscription()["ends_at"]);
    desk.says(&[
        format!("Goes on when it is paid: {HAD}, until it ends on {ends}. You keep your 3,000 available."),
        format!(
            "then 12,000 credits in each cycle. You would have 12,000 available. That calls off the end on {ends}."
        ),
        format!(
            "Kept, Lite goes on after {ends}: 3,000 credits in each cycle once it is paid. Nothing changes before."
        ),
    ]);
    desk.pay("lite");
    assert_eq!(day(&desk.subscription()["ends_at"]), ends, "and so it is");
}

#[test]
fn a_late_payment_promises_nothing_of_a_plan_that_is_followed() {
    let desk = Desk::on("pro");
    desk.wait(&desk.subscription()["term"]["end"], 4 * DAY);
    desk.put("/subscription", &json!({"plan": "lite"}));
    let changes = day(&desk.subscription()["term"]["end"]);
    desk.says(&[
        format!("Goes on when it is paid: {HAD}, until Lite follows on {changes}. You keep your 12,000 available."),
        format!("Kept, Pro goes on after {changes}: 12,000 credits in each cycle once it is paid, not 3,000 credits of Lite."),
        format!("Pro then ends on {changes}, and its 12,000 credits a cycle with it."),
        "Lite does not follow.".to_owned(),
    ]);
    desk.pay("pro");
    assert_eq!(desk.subscription()["next_plan"], json!("lite"), "and so it is");
}

/// What was paid and is not had is said before it is lost.
#[test]
fn what_was_paid_for_is_not_lost_unsaid() {
    let desk = Desk::on("pro");
    desk.pay("lite");
    let stands = desk.subscription();
    assert_eq!(stands["next_plan"], json!("lite"));
    let paid = day(&stands["paid_until"]);
    desk.says(&[
        "Nothing changes before. What you have paid for Lite then buys nothing.".to_owned(),
        format!("What you have paid for until {paid} ends with it."),
    ]);
    desk.put("/subscription", &json!({"plan": "pro"}));
    assert!(at(&desk.subscription()["paid_until"]) < at(&stands["paid_until"]), "and so it is");
    let desk = Desk::on("lite");
    desk.pay("lite");
    let stands = desk.subscription();
    desk.says(&[format!(
        "You would have 12,000 available. What you have paid for until {} ends with it.",
        day(&stands["paid_until"])
    )]);
    desk.pay("pro");
    assert!(at(&desk.subscription()["paid_until"]) < at(&stands["paid_until"]), "and so it is");
}

/// Terms are those that the customer has, not those that newcomers would have.
#[test]
fn the_page_speaks_of_the_terms_that_stand() {
    let desk = Desk::on("lite");
    let more = CATALOG.replace("allowance = 3_000", "allowance = 4_000");
    assert_ne!(more, CATALOG);
    desk.still.publish("flow-studio", &more);
    let ends = day(&desk.subscription()["term"]["end"]);
    desk.says(&[format!("Lite then ends on {ends}, and its 3,000 credits a cycle with it.")]);
}

/// A price and what it buys are those that the page showed: an old one orders nothing.
#[test]
fn an_old_plan_page_orders_nothing() {
    let desk = Desk::on("lite");
    let token = desk.token();
    let old = desk.still.page(&token, PLAN).text;
    desk.put("/subscription", &json!({"plan": "pro"}));
    let orders = || desk.still.get("flow-studio", &format!("/accounts/{}/orders", desk.account))["orders"].clone();
    for plan in ["pro", "lite"] {
        let page = desk.press(&token, &old, "/dashboard/orders", &format!("plan={plan}&once"));
        assert_eq!(page.status, 409, "{plan}: {}", page.text);
        assert!(page.text.contains("has changed since you opened this page, and nothing was done"), "{}", page.text);
        assert_eq!(orders(), json!([]), "{plan}");
    }
    // Opened as a page, the form's address leads to the plan.
    assert!(desk.still.page(&token, "/dashboard/orders").head.contains("location: /dashboard/plan"));
    // Nor does one of before there was a plan.
    let newcomer = Desk { account: "newcomer", ..desk };
    newcomer.put("", &json!({}));
    let token = newcomer.token();
    let page = newcomer.still.page(&token, PLAN).text;
    newcomer.put("/subscription", &json!({"plan": "lite"}));
    assert_eq!(newcomer.press(&token, &page, "/dashboard/orders", "plan=pro&once").status, 409);
    let page = newcomer.still.page(&token, PLAN).text;
    assert_eq!(newcomer.press(&token, &page, "/dashboard/orders", "plan=pro&once").status, 303, "but a new one does");
}

/// An order that waits looks after itself; once the browser is another customer's, it is no page of this one's any more.
#[test]
fn the_page_of_an_order_becomes_the_other_visits_too() {
    let world = World::start();
    let order = world.post("studiotwin", "/accounts/tile-works/orders", "waits", r#"{"package": "small"}"#).body;
    let order = order["order"].as_str().expect("an order");
    world.enter("studiotwin", "tile-works", "");
    world.browser.go(&world.at(&format!("/dashboard/orders/{order}")));
    world.browser.find("[data-waits]");
    world.browser.behind_another_tab(|| world.enter("studiotwin", "otto", ""));
    world.browser.find("body:not([data-whose='studiotwin/tile-works'])");
}

/// A reading that failed is tried again, though nothing changes any more.
#[test]
fn a_page_catches_up_once_its_server_answers_again() {
    let world = World::start();
    let browser = &world.browser;
    world.enter("flow-studio", "ana", "");
    browser.until("document.getElementById('available').textContent === '3,000'");
    browser.chromium("Network.enable", json!({}));
    browser.chromium("Network.setBlockedURLs", json!({"urls": ["*/dashboard"]}));
    let hold = r#"{"tool": "live-action", "measures": {"seconds": 10.4}}"#;
    assert_eq!(world.post("flow-studio", "/accounts/ana/holds", "hers", hold).status, 201);
    browser.until("!document.getElementById('offline').hidden");
    browser.chromium("Network.setBlockedURLs", json!({"urls": []}));
    browser.until("document.getElementById('available').textContent === '2,780'");
    browser.until("document.getElementById('offline').hidden");
}
