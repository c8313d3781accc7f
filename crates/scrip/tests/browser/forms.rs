//! What the customer's forms do when they are old, partial, or filled in as people write: nothing that nobody asked for. No
//! browser is needed for that.

use serde_json::{Value, json};

use crate::reading::{Page, Still};

const SETTINGS: &str = "/dashboard/settings";
const TOP_UP: &str = "/dashboard/settings/top-up";

/// A customer before a page.
pub(crate) struct Desk<'a> {
    still: &'a Still,
    studio: &'static str,
    account: &'static str,
    pub(crate) token: String,
}

impl<'a> Desk<'a> {
    pub(crate) fn of(still: &'a Still, studio: &'static str, account: &'static str) -> Desk<'a> {
        // Whoever is new is opened.
        let opened = still.server.client(still.key(studio)).put(&format!("/accounts/{account}"), "{}");
        assert!(opened.status < 300, "{opened:?}");
        Desk { still, studio, account, token: still.token(studio, account) }
    }

    pub(crate) fn page(&self, path: &str) -> String {
        let page = self.still.page(&self.token, path);
        assert_eq!(page.status, 200, "{path}");
        page.text
    }

    /// A hidden field of a page.
    pub(crate) fn hidden(&self, path: &str, name: &str) -> String {
        let page = self.page(path);
        let (_, rest) = page.split_once(&format!("name=\"{name}\" value=\"")).expect("the field");
        rest.split_once('"').expect("it ends").0.to_owned()
    }

    /// Sends a form with these fields, from a page that is open now.
    pub(crate) fn fill(&self, path: &str, fields: &str) -> Page {
        self.still.fill(&self.token, path, "", &format!("seal={}&{fields}", self.hidden(SETTINGS, "seal")))
    }

    /// Sends the automatic top-up's form, as it was made from something.
    fn save_top_up(&self, made_from: &str, fields: &str) -> Page {
        self.fill(TOP_UP, &format!("made_from={made_from}&{fields}"))
    }

    fn made_from(&self) -> String {
        self.hidden(SETTINGS, "made_from")
    }

    pub(crate) fn get(&self, path: &str) -> Value {
        self.still.get(self.studio, &format!("/accounts/{}{path}", self.account))
    }

    /// What the studio puts.
    pub(crate) fn put(&self, path: &str, body: &Value) {
        let mut client = self.still.server.client(self.still.key(self.studio));
        let answer = client.put(&format!("/accounts/{}{path}", self.account), &body.to_string());
        assert!(answer.status < 300, "{path}: {answer:?}");
    }

    /// What the page says after a form was saved.
    fn saved(&self, page: &Page) -> String {
        assert_eq!(page.status, 303, "{}", page.text);
        let (_, rest) = page.head.split_once("location: ").expect("a place");
        self.page(rest.lines().next().expect("a line"))
    }
}

#[test]
fn what_is_past_due_can_be_paid_from_its_card() {
    let still = Still::start();
    let desk = Desk::of(&still, "flow-studio", "mia");
    desk.put("/subscription", &json!({"state": "past_due"}));
    let plan = desk.get("/subscription")["plan"].as_str().expect("a plan").to_owned();
    let page = desk.page("/dashboard/plan");
    assert!(page.contains("Goes on when it is paid: "), "{page}");
    assert!(page.contains(&format!("<button name=\"plan\" value=\"{plan}\">Pay ")), "{page}");
    let placed =
        desk.fill("/dashboard/orders", &format!("plan={plan}&once={}", desk.hidden("/dashboard/plan", "once")));
    assert_eq!(placed.status, 303, "{}", placed.text);
    let order = desk.get("/orders?state=pending")["orders"][0].clone();
    assert_eq!(order["plan"], json!(plan));
    let paid = format!("/accounts/mia/orders/{}/mark-paid", order["order"].as_str().expect("an order"));
    still.post("flow-studio", &paid, "paid", &json!({"reference": "by hand"}));
    assert_eq!(desk.get("/subscription")["state"], json!("active"));
    assert!(!desk.page("/dashboard/plan").contains("Goes on when it is paid"), "once is enough");
}

/// What comes at once, and what there is then, is said beforehand however the plan stands; and why none comes meanwhile.
#[test]
fn a_plan_that_is_past_due_or_paused_says_what_a_payment_brings() {
    let still = Still::start();
    let goes_on = |plan: &str| format!("No new credits come before {plan} is paid: see below.");
    let had = "no more credits in this cycle, which has had them, then";
    for (account, puts, says) in [
        (
            "late",
            vec![json!({"plan": "lite", "state": "past_due"})],
            vec![
                goes_on("Lite"),
                "Goes on when it is paid: +3,000 credits at once, then 3,000 credits in each cycle. You would have 3,000 available."
                    .to_owned(),
                "Begins when it is paid: +12,000 credits at once, then 12,000 credits in each cycle. You would have 12,000 \
                 available."
                    .to_owned(),
            ],
        ),
        (
            "later",
            vec![json!({"plan": "pro"}), json!({"state": "past_due"})],
            vec![
                goes_on("Pro"),
                format!("Goes on when it is paid: {had} 12,000 credits in each cycle. You keep your 12,000 available."),
                format!("Begins when it is paid: {had} 3,000 credits in each cycle. You keep your 12,000 available."),
            ],
        ),
        (
            "resting",
            vec![json!({"plan": "lite"}), json!({"state": "paused"})],
            vec![
                "No new credits come before Flow Studio lets Lite go on.".to_owned(),
                "Begins when it is paid, and stays paused: no credits come before Flow Studio lets it go on, then 12,000 credits \
                 in each cycle. You keep your 3,000 available."
                    .to_owned(),
                "Until then its credits come only if it is paused no more.".to_owned(),
            ],
        ),
        (
            "ahead",
            vec![json!({"plan": "pro", "anchor": "2099-01-01T00:00:00Z"})],
            vec![
                "Pro then never begins, and no credits of it come.".to_owned(),
            ],
        ),
    ] {
        let desk = Desk::of(&still, "flow-studio", account);
        puts.iter().for_each(|put| desk.put("/subscription", put));
        let page = desk.page("/dashboard/plan");
        for said in says {
            assert!(page.contains(&said), "{account}: {said}: {page}");
        }
    }
    // And that is what it then brings.
    let desk = Desk::of(&still, "flow-studio", "late");
    let placed = desk.fill("/dashboard/orders", &format!("plan=pro&once={}", desk.hidden("/dashboard/plan", "once")));
    assert_eq!(placed.status, 303, "{}", placed.text);
    let order = desk.get("/orders?state=pending")["orders"][0]["order"].as_str().expect("an order").to_owned();
    still.post(
        "flow-studio",
        &format!("/accounts/late/orders/{order}/mark-paid"),
        "late",
        &json!({"reference": "by hand"}),
    );
    assert_eq!(desk.get("/balance")["available"], json!(12_000));
}

/// A smaller plan before the first cycle begins at once, but no payment for it would have an effect.
#[test]
fn no_order_is_offered_that_would_be_refused() {
    let still = Still::start();
    let desk = Desk::of(&still, "flow-studio", "newcomer");
    desk.put("/subscription", &json!({"plan": "pro", "anchor": "2099-01-01T00:00:00Z"}));
    let refused = still.server.client(&desk.token).post("/accounts/newcomer/orders", "smaller", r#"{"plan": "lite"}"#);
    assert_eq!(refused.body["code"], json!("plan_not_for_sale"));
    let page = desk.page("/dashboard/plan");
    assert!(page.contains("Your studio can put you on this plan."), "{page}");
    assert!(!page.contains("action=\"/dashboard/orders\""), "{page}");
}

#[test]
fn who_changes_their_name_chooses_no_project_types() {
    let still = Still::start();
    let desk = Desk::of(&still, "flow-studio", "newcomer");
    assert_eq!(desk.get("")["project_types"], Value::Null, "all, also those that come later");
    let page = desk.saved(&desk.fill(SETTINGS, "name=Newcomer&time_zone=Asia/Tokyo"));
    assert!(page.contains("Saved: Newcomer, with the days of Asia/Tokyo."), "{page}");
    let all = "types=3&project_type=live-action&project_type=ai-mocap&project_type=animation";
    let page = desk.saved(&desk.fill("/dashboard/settings/project-types", all));
    assert!(page.contains("Saved: every project type is enabled, and those that come later."), "{page}");
    assert_eq!(desk.get("")["project_types"], Value::Null);
    // A page with both forms that is old takes no choice back: each says its own alone.
    desk.put("", &json!({"project_types": ["animation"]}));
    desk.saved(&desk.fill(SETTINGS, "name=Late&time_zone=UTC"));
    let account = desk.get("");
    assert_eq!((&account["name"], &account["project_types"]), (&json!("Late"), &json!(["animation"])));
    let page = desk.saved(&desk.fill("/dashboard/settings/project-types", "types=0&project_type=ai-mocap"));
    assert!(page.contains("Saved: enabled are AI MoCap."), "{page}");
    assert_eq!(desk.get("")["name"], json!("Late"));
    let page = desk.saved(&desk.fill("/dashboard/settings/project-types", "types=0"));
    assert!(page.contains("Saved: no project type is enabled."), "{page}");
    assert_eq!(desk.get("")["project_types"], json!([]));
}

/// The page's buttons name a plan, and its words a day: both are of when it was opened.
#[test]
fn an_old_plan_page_does_nothing_to_another_plan() {
    const PLAN: &str = "/dashboard/plan";
    let still = Still::start();
    let desk = Desk::of(&still, "flow-studio", "newcomer");
    desk.put("/subscription", &json!({"plan": "lite"}));
    let mark = || desk.hidden(PLAN, "mark");
    let press = |mark: &str, path: &str, fields: &str| desk.fill(path, &format!("mark={mark}{fields}"));
    let of_lite = mark();
    desk.put("/subscription", &json!({"plan": "pro"}));
    let before = desk.get("/subscription");
    for (path, fields) in [("/dashboard/plan/cancel", ""), (PLAN, "&plan=lite")] {
        let page = press(&of_lite, path, fields);
        assert_eq!(page.status, 409, "{path}: {}", page.text);
        assert!(page.text.contains("has changed since you opened this page, and nothing was done"), "{}", page.text);
        assert!(page.text.contains("Cancel Pro") && !page.text.contains("Cancel Lite"), "{}", page.text);
        for wrong in ["", "none", "0%26reason=x"] {
            assert_eq!(press(wrong, path, fields).status, 403, "{path} {wrong}");
        }
        assert_eq!(press("0", path, fields).status, 400, "{path}: half a mark");
        assert_eq!(desk.fill(path, &format!("seal_only=1{fields}")).status, 403, "{path}");
    }
    assert_eq!(desk.get("/subscription"), before);
    let of_pro = mark();
    desk.saved(&press(&of_pro, PLAN, "&plan=lite"));
    assert_eq!(desk.get("/subscription")["next_plan"], json!("lite"));
    // What waits is part of it too.
    assert_eq!(press(&of_pro, "/dashboard/plan/cancel", "").status, 409);
    desk.saved(&press(&mark(), "/dashboard/plan/cancel", ""));
    assert!(desk.get("/subscription")["ends_at"].is_string());
}

#[test]
fn an_old_or_partial_form_changes_no_automatic_top_up() {
    let still = Still::start();
    let desk = Desk::of(&still, "studiotwin", "tile-works");
    let stands = || desk.get("/automatic-top-up");
    let put = |body: Value| desk.put("/automatic-top-up", &body);
    put(json!({"package": "medium", "below": 100, "up_to": 600, "per_day": 1, "per_month": 3}));
    let old = desk.made_from();
    put(json!({"enabled": false}));
    let before = stands();
    // What was on when the page was opened does not go on again, whatever else is changed.
    let whole = "package=medium&below=100&up_to=600&per_day=1&per_month=3";
    for fields in [format!("{whole}&enabled=1"), format!("{whole}0&enabled=1"), "package=small".to_owned()] {
        for made_from in [old.as_str(), "", "none"] {
            let page = desk.save_top_up(made_from, &fields);
            assert_eq!(page.status, 409, "{fields}: {}", page.text);
            assert!(page.text.contains("has changed since you opened this page"), "{}", page.text);
        }
        let page = desk.fill(TOP_UP, &fields);
        assert_eq!(page.status, 409, "{fields}: {}", page.text);
    }
    assert_eq!(stands(), before);
    // A form that lacks fields leaves them as they are.
    desk.saved(&desk.save_top_up(&desk.made_from(), "below=90"));
    let after = stands();
    for (field, value) in [
        ("enabled", json!(false)),
        ("package", json!("medium")),
        ("below", json!(90)),
        ("up_to", json!(600)),
        ("per_day", json!(1)),
    ] {
        assert_eq!(after[field], value, "{field}");
    }
    let page = desk.saved(&desk.save_top_up(&desk.made_from(), &format!("{whole}&enabled=1").replace("=100", "=90")));
    let words = "Saved: 500 credits is bought when fewer than 90 credits are available, up to 600, at most 1 order a day, at \
                 most 3 orders a month.";
    assert!(page.contains(words), "{page}");
    // Limits that are emptied are taken off.
    let page = desk.saved(&desk.save_top_up(&desk.made_from(), "below=90&up_to=&per_day=&per_month=&enabled=1"));
    assert!(page.contains("fewer than 90 credits are available, up to 90."), "{page}");
    let after = stands();
    assert_eq!((&after["up_to"], &after["per_day"], &after["per_month"]), (&json!(90), &Value::Null, &Value::Null));
}

#[test]
fn a_package_that_is_sold_no_longer_is_exchanged_for_no_other() {
    let still = Still::start();
    let desk = Desk::of(&still, "studiotwin", "tile-works");
    desk.put("/automatic-top-up", &json!({"package": "medium", "below": 100}));
    let catalog = include_str!("../../../../catalogs/studiotwin.toml");
    assert!(catalog.contains("[packages.medium]"));
    still.publish("studiotwin", &catalog.replace("[packages.medium]", "[packages.middling]"));
    let page = desk.page(SETTINGS);
    assert!(page.contains("<option value=\"medium\" selected>medium, no longer sold</option>"), "{page}");
    assert_eq!(page.matches(" selected>").count(), 1, "{page}");
    desk.saved(&desk.save_top_up(&desk.made_from(), "package=medium&below=100&up_to=100&per_day=2&per_month="));
    let stands = desk.get("/automatic-top-up");
    assert_eq!(
        (&stands["package"], &stands["per_day"], &stands["enabled"]),
        (&json!("medium"), &json!(2), &json!(false))
    );
    // Switched on it buys nothing, and nothing else is said.
    let fields = "package=medium&below=100&up_to=100&per_day=2&per_month=&enabled=1";
    let page = desk.saved(&desk.save_top_up(&desk.made_from(), fields));
    let said = "Saved, but medium is no longer sold: nothing is bought before you choose another package.";
    assert!(page.contains(said), "{page}");
}

#[test]
fn numbers_that_can_be_read_in_two_ways_are_refused_by_the_fields_name() {
    let still = Still::start();
    let desk = Desk::of(&still, "studiotwin", "tile-works");
    for typed in ["1.000", "1,000", "1+000", "1.000,5"] {
        let page = desk.save_top_up("none", &format!("package=medium&below={typed}&enabled=1"));
        let shown = typed.replace('+', " ");
        assert_eq!(page.status, 400, "{typed}");
        let said = format!("When less is available than: “{shown}” can be read in two ways. Write ");
        assert!(page.text.contains(&said), "{typed}: {}", page.text);
        assert_eq!(desk.get("/automatic-top-up"), Value::Null, "{typed}");
        let query = format!("?tool=text-to-material&width={typed}&height=512&upscale=2");
        for path in ["/dashboard/prices", "/dashboard/prices/answer"] {
            let page = desk.page(&format!("{path}{query}"));
            assert!(page.contains(&format!(": “{shown}” can be read in two ways. Write ")), "{path} {typed}");
            assert!(!page.contains("id=\"price\""), "{path} {typed}: no price of something else");
        }
    }
    // So many pixels are not taken, so it was not meant: what is said is what is accepted.
    let page = desk.page("/dashboard/prices/answer?tool=text-to-material&width=99.999&height=512&upscale=2");
    assert!(!page.contains("two ways"), "{page}");
    let page = desk.saved(&desk.save_top_up("none", "package=medium&below=1000&enabled=1"));
    assert!(page.contains("fewer than 1,000 credits are available"), "{page}");
}

/// A catalog may call a measure what the form calls the tool.
#[test]
fn a_measure_called_tool_is_not_the_tool() {
    let still = Still::start();
    let desk = Desk::of(&still, "studiotwin", "nora");
    let catalog = include_str!("../../../../catalogs/studiotwin.toml");
    let tool = "[tools.sharpen]
name = \"Sharpen\"
measures.tool = { min = 1, max = 100, step = 1 }
rate.formula = \"7 * tool\"
rate.examples = [{ given = { tool = 1 }, credits = 7 }]

[tools.";
    still.publish("studiotwin", &catalog.replacen("[tools.", tool, 1));
    let page = desk.page("/dashboard/prices?tool=sharpen&measure-tool=6");
    assert!(page.contains("<strong id=\"price\">42</strong>"), "{page}");
    let form =
        page.split_once("data-asks=\"answer\"").and_then(|(_, rest)| rest.split_once("</form>")).expect("a form").0;
    assert_eq!(
        (form.matches("name=\"tool\"").count(), form.matches("name=\"measure-tool\"").count()),
        (1, 1),
        "{form}"
    );
}

/// The estimate that an open page asks for is the page's own, and no more.
#[test]
fn an_answer_alone_is_that_of_the_page() {
    let still = Still::start();
    let desk = Desk::of(&still, "studiotwin", "nora");
    let query = "?tool=text-to-material&width=2048&height=2048&upscale=2";
    let answer = desk.page(&format!("/dashboard/prices/answer{query}"));
    assert!(answer.contains("<strong id=\"price\">66</strong>"), "{answer}");
    assert!(!answer.contains("<main") && answer.len() < 1_500, "{answer}");
    assert!(desk.page(&format!("/dashboard/prices{query}")).contains(answer.trim()));
}

/// A proxy in front asks by another name than people do.
#[test]
fn forms_come_from_the_public_address_too() {
    let still = Still::start();
    let desk = Desk::of(&still, "flow-studio", "mia");
    let seal = desk.hidden(SETTINGS, "seal");
    for (origin, status) in [
        ("http://127.0.0.1", 303),
        ("http://upstream:8080", 303),
        ("https://127.0.0.1", 403),
        ("http://127.0.0.1:8080", 403),
        ("https://evil.example", 403),
    ] {
        let heads = format!("host: upstream:8080\r\norigin: {origin}\r\n");
        let page = still.fill(&desk.token, SETTINGS, &heads, &format!("seal={seal}&name=Mia"));
        assert_eq!(page.status, status, "{origin}");
    }
}

/// A file of any length is sent as it is read.
#[test]
fn a_file_comes_piece_by_piece() {
    let still = Still::start();
    let desk = Desk::of(&still, "flow-studio", "newcomer");
    let grant = |number: u32| {
        let key = format!("many-{number}");
        json!({"op": "grant", "account": "newcomer", "key": key, "credits": 1, "class": "top_up", "reason": "many"})
    };
    let lines: Vec<String> = (0..2_100).map(|number| grant(number).to_string()).collect();
    still.batch("flow-studio", &lines.join("\n"));
    let file = still.page(&desk.token, "/dashboard/usage.csv");
    assert!(!file.head.contains("content-length"), "it was built whole: {}", file.head);
    assert!(file.pieces >= 3, "{} pieces", file.pieces);
    assert!(file.head.contains("content-type: text/csv"), "{}", file.head);
    assert_eq!(file.text.matches("entry,at,kind,").count(), 1);
    assert_eq!(file.text.lines().count(), 2_101);
    let refused = still.page("", "/dashboard/usage.csv");
    assert_eq!(refused.status, 401, "what is refused is a page");
}
