//! The console: signing in, finding an account, every act with its preview, the catalog, keys, and what stays closed.

use serde_json::{Value, json};

use crate::looks::LOOKS;
use crate::world::World;

/// Every page of the console that an address alone leads to.
const PAGES: &[&str] = &[
    "/console",
    "/console?days=7",
    "/console/accounts",
    "/console/accounts?search=o",
    "/console/accounts?search=nobody-at-all",
    "/console/accounts/otto",
    "/console/accounts/tile-works?show=jobs",
    "/console/accounts/otto/grant",
    "/console/accounts/otto/refund?of=charge_5",
    "/console/accounts/otto/release?of=hold_5",
    "/console/accounts/otto/plan",
    "/console/accounts/otto/write-off",
    "/console/accounts/otto/mark-paid?of=order_2",
    "/console/holds",
    "/console/holds?show=expired",
    "/console/uncollected",
    "/console/uncollected?show=debts",
    "/console/orders",
    "/console/orders?show=disputed",
    "/console/payments",
    "/console/catalog",
    "/console/catalog/1",
    "/console/keys",
    "/console/audit",
    "/console/health",
    "/console/nothing-here",
];

/// A wide window by day, and a telephone by night.
const WINDOWS: [(u32, &str); 2] = [(1280, "light"), (360, "dark")];

impl World {
    /// Signs in with a studio's key.
    fn sign_in(&self, studio: &str) {
        self.browser.go(&self.at("/console/sign-in"));
        self.fill("#key", &self.server.key(studio));
        self.browser.click("form button");
        self.browser.find_text("What accounts have now");
    }

    /// Fills an act's form that is open, looks at what it says it will do, and does it.
    fn act(&self, fields: &[(&str, &str)], says: &str, done: &str) {
        for (selector, text) in fields {
            self.fill(selector, text);
        }
        self.browser.click("form.form button");
        self.browser.find_text("This will happen");
        self.browser.find_text(says);
        assert_eq!(self.faults(), Vec::<String>::new(), "{says}");
        self.browser.click("form.actions button");
        self.browser.find_text(done);
        assert_eq!(self.faults(), Vec::<String>::new(), "{done}");
    }

    /// The numbers of the page that is open, by what they are.
    fn numbers(&self) -> Value {
        self.browser.find("#main");
        let script = "const found = {};
            const plain = (one) => one.textContent.trim().replaceAll(',', '').replaceAll('+', '').replaceAll('−', '-');
            for (const one of document.querySelectorAll('[data-n]')) (found[one.dataset.n] ??= []).push(plain(one));
            for (const one of document.querySelectorAll('.slip .num')) (found.receipts ??= []).push(plain(one));
            const marked = (place) => place.matches('[data-n]') || place.querySelector('[data-n]');
            found.unmarked = [...document.querySelectorAll('#main td.num, #main dd, #main strong')]
              .filter((place) => /[0-9]/.test(place.textContent) && !marked(place) && !place.closest('.words, .slip'))
              .map((place) => place.textContent);
            return found";
        self.browser.run(script, &json!([]))
    }
}

#[test]
fn every_page_of_the_console_fits_and_shuts_nobody_out() {
    let world = World::start();
    let mut faults = Vec::new();
    world.browser.go(&world.at("/console"));
    world.browser.find_text("Sign in with your key");
    for (width, scheme) in LOOKS {
        world.look(*width, scheme);
        faults.extend(world.faults().into_iter().map(|fault| format!("sign-in {width} {scheme}: {fault}")));
    }
    world.post("studiotwin", "/accounts/otto/orders", "looked-at", r#"{"package": "small"}"#);
    world.sign_in("studiotwin");
    for page in PAGES {
        for (width, scheme) in LOOKS {
            world.look(*width, scheme);
            world.browser.go(&world.at(page));
            faults.extend(world.faults().into_iter().map(|fault| format!("{page} {width} {scheme}: {fault}")));
        }
    }
    assert!(faults.is_empty(), "{}", faults.join("\n"));
}

#[test]
fn credits_are_granted_with_a_preview_and_a_reason_and_once() {
    for (width, scheme) in WINDOWS {
        let world = World::start();
        world.look(width, scheme);
        world.sign_in("studiotwin");
        world.browser.go(&world.at("/console/accounts?search=otto"));
        world.browser.click("td a");
        assert_eq!(world.browser.text("#available"), "5");
        world.browser.click("a[href$='/grant']");
        world.fill("#credits", "25");
        world.fill("#reason", "a frame that was black");
        world.browser.click("form.form button");
        world.browser.find_text("Gives 25 promotional credits, with no end.");
        assert_eq!(world.browser.text("#available"), "30", "what is shown is what will be");
        assert_eq!(world.faults(), Vec::<String>::new());
        assert_eq!(
            world.get("studiotwin", "/accounts/otto/balance")["available"],
            json!(5),
            "nothing has happened yet"
        );
        world.browser.click("form.actions button");
        world.browser.find_text("Granted 25 credits.");
        assert_eq!(world.browser.text("#available"), "30");
        // The last page sent again gives the first answer again.
        world.browser.run("location.reload()", &json!([]));
        world.browser.find_text("Granted 25 credits.");
        assert_eq!(world.get("studiotwin", "/accounts/otto/balance")["available"], json!(30));
        // It stands in the trail, with the reason and the key.
        world.browser.go(&world.at("/console/audit"));
        world.browser.find_text("a frame that was black");
        let act = world.get("studiotwin", "/audit?limit=1")["acts"][0].clone();
        assert_eq!(act["act"], json!("grant"));
        assert!(act["by"].as_str().is_some_and(|by| by.starts_with("key_")), "{act}");
    }
}

#[test]
fn every_other_act_says_what_it_will_do_and_does_it() {
    let world = World::start();
    let post = |account: &str, path: &str, body: &str| {
        let path = format!("/accounts/{account}/{path}");
        let answer = world.post("studiotwin", &path, &format!("{path} {}", body.len()).replace(' ', "-"), body);
        assert!(answer.status < 300, "{path}: {answer:?}");
        answer.body
    };
    for (place, (width, scheme)) in WINDOWS.into_iter().enumerate() {
        let account = format!("acts-{place}");
        world.put("studiotwin", &format!("/accounts/{account}"), r#"{"name": "Acts"}"#);
        post(&account, "grants", r#"{"credits": 100, "class": "promo", "reason": "start"}"#);
        post(&account, "charges", r#"{"credits": 30}"#);
        post(&account, "holds", r#"{"credits": 10, "hold": "stuck"}"#);
        post(&account, "orders", r#"{"package": "small"}"#);
        world.look(width, scheme);
        world.sign_in("studiotwin");
        let page = world.at(&format!("/console/accounts/{account}"));
        let available = |credits: i64| {
            let balance = world.get("studiotwin", &format!("/accounts/{account}/balance"));
            assert_eq!(balance["available"], json!(credits), "{balance}");
        };
        world.browser.go(&page);
        world.browser.click("a[href*='/refund?of=']");
        world.act(
            &[("#credits", "12"), ("#reason", "black frames")],
            "Gives 12 credits of charge_",
            "Gave 12 credits back.",
        );
        available(72);
        world.browser.go(&page);
        world.browser.click("a[href*='/release?of=']");
        world.act(&[("#reason", "the job is gone")], "Frees 10 held credits; the job of", "Freed 10 held credits.");
        available(82);
        world.browser.go(&page);
        world.browser.click("a[href*='/revoke?of=']");
        world.act(&[("#credits", "2"), ("#reason", "too many")], "Takes 2 credits of lot_", "Took 2 credits back.");
        available(80);
        world.browser.go(&world.at("/console/orders?show=pending"));
        world.browser.click(&format!("a[href*='/{account}/mark-paid']"));
        world.act(&[("#reason", "invoice 7")], "as paid: 100 credits at once.", "is paid: 100 credits.");
        available(180);
        world.browser.go(&page);
        world.browser.click("a[href$='/plan']");
        world.act(
            &[("#plan", "starter"), ("#reason", "agreed by telephone")],
            "500 credits are granted now.",
            "The plan is Starter.",
        );
        available(680);
        // More work than there are credits, of a kind that may be owed.
        post(&account, "holds", r#"{"credits": 680, "hold": "large"}"#);
        post(&account, "holds/large/settle", r#"{"credits": 700, "on_excess": "debt"}"#);
        world.browser.go(&page);
        world.browser.find_text("Owed");
        world.browser.click("a[href$='/write-off']");
        world.act(&[("#reason", "a mistake of ours")], "Forgives 20 owed credits", "Forgave 20 owed credits.");
        let acts = world.get("studiotwin", "/audit?limit=20")["acts"].clone();
        let reasons: Vec<&str> =
            acts.as_array().into_iter().flatten().filter_map(|act| act["reason"].as_str()).take(5).collect();
        let expected = ["a mistake of ours", "agreed by telephone", "too many", "the job is gone", "black frames"];
        assert_eq!(reasons, expected);
        // The customer's own pages, as the customer sees them.
        world.browser.go(&page);
        world.browser.click("form[action$='/visit'] button");
        world.browser.find(".pill");
        assert!(world.browser.address().starts_with(&world.at("/dashboard")), "{}", world.browser.address());
    }
}

/// Every number of every page is the API's: none is left out, and none is reckoned here.
#[test]
fn the_numbers_of_the_console_are_the_apis_own() {
    let world = World::start();
    let studio = "studiotwin";
    for (path, body) in [
        ("/accounts/otto/orders", r#"{"package": "large"}"#),
        ("/accounts/tile-works/grants", r#"{"credits": 12.5, "class": "promo", "reason": "x"}"#),
        ("/accounts/nora/holds", r#"{"credits": 500, "hold": "large"}"#),
        ("/accounts/nora/holds/large/settle", r#"{"credits": 520, "on_excess": "debt"}"#),
        ("/accounts/yuki/holds", r#"{"credits": 5, "hold": "small"}"#),
        ("/accounts/yuki/holds/small/settle", r#"{"credits": 9}"#),
    ] {
        let answer = world.post(studio, path, &path.replace('/', "-"), body);
        assert!(answer.status < 300, "{path}: {answer:?}");
    }
    world.sign_in(studio);
    let from = world.browser.run("return document.querySelector('time').dateTime", &json!([]));
    let from = from.as_str().expect("an instant").to_owned();
    compare(&world, "/console", &glance(&world, studio, &from));
    let accounts = world.get(studio, "/accounts")["accounts"].clone();
    let balances = ["available", "held", "remaining"].map(|of| (of, all(&accounts, &format!("/balance/{of}"))));
    compare(&world, "/console/accounts", &balances);
    for id in ["otto", "tile-works", "nora", "yuki", "paula"] {
        compare(&world, &format!("/console/accounts/{id}"), &account(&world, studio, id));
    }
    let get = |path: &str, rows: &str| world.get(studio, path)[rows].clone();
    let open = get("/holds?state=open", "holds");
    compare(&world, "/console/holds", &[("credits", all(&open, "/credits"))]);
    let expired = get("/holds?state=expired", "holds");
    compare(&world, "/console/holds?show=expired", &[("credits", all(&expired, "/credits"))]);
    let owed = |rows: &Value| {
        let ids: Vec<String> = rows.as_array().into_iter().flatten().map(|row| text(&row["account"])).collect();
        let debts = ids.iter().map(|id| world.get(studio, &format!("/accounts/{id}/balance"))["debt"].to_string());
        debts.collect::<Vec<_>>()
    };
    let unpaid = get("/uncollected", "entries");
    let expected = [("uncollected", all(&unpaid, "/uncollected")), ("owed", owed(&unpaid))];
    compare(&world, "/console/uncollected", &expected);
    let debts = get("/entries?kind=debt,debt_repaid", "entries");
    compare(&world, "/console/uncollected?show=debts", &[("debt", all(&debts, "/debt")), ("owed", owed(&debts))]);
    compare(&world, "/console/orders", &orders(&get("/orders", "orders")));
    let deliveries = get("/payments/deliveries?limit=200", "deliveries");
    compare(&world, "/console/payments", &[("times", all(&deliveries, "/times"))]);
    let acts = get("/audit", "acts");
    compare(
        &world,
        "/console/audit",
        &[("credits", all(&acts, "/credits").into_iter().filter(|of| of != "0").collect())],
    );
    let health = world.get(studio, "/health");
    let names = ["entries", "behind", "accounts_in_memory", "waiting", "accepted", "refused", "replayed"];
    compare(&world, "/console/health", &names.map(|of| (of, vec![health[of].to_string()])));
}

/// A page's numbers by what they are, and what they should be.
type Numbers = (&'static str, Vec<String>);

fn compare(world: &World, page: &str, expected: &[Numbers]) {
    world.browser.go(&world.at(page));
    let mut found = world.numbers();
    let found = found.as_object_mut().expect("numbers by name");
    assert_eq!(found.remove("unmarked"), Some(json!([])), "{page}: numbers that nobody compares");
    for (of, expected) in expected {
        let shown = found.remove(*of).unwrap_or_else(|| json!([]));
        assert_eq!(shown, json!(expected), "{page} {of}");
    }
    assert!(found.is_empty(), "{page}: numbers that nobody compares: {found:?}");
}

/// The numbers at a place of every row, where there is one.
fn all(rows: &Value, place: &str) -> Vec<String> {
    let rows = rows.as_array().unwrap_or_else(|| panic!("no rows: {rows}"));
    rows.iter().filter_map(|row| row.pointer(place)).map(ToString::to_string).collect()
}

fn text(value: &Value) -> String {
    value.as_str().unwrap_or_else(|| panic!("no text: {value}")).to_owned()
}

fn glance(world: &World, studio: &str, from: &str) -> Vec<Numbers> {
    let totals = world.get(studio, &format!("/totals?from={from}"));
    let one = |of: &'static str, value: &Value| (of, vec![value.to_string()]);
    let mut numbers: Vec<Numbers> = ["sold", "granted", "spent", "refunded", "expired", "uncollected"]
        .map(|of| one(of, &totals["books"][of]))
        .into_iter()
        .chain(["bought", "remaining", "held", "frozen", "debt"].map(|of| one(of, &totals[of])))
        .collect();
    numbers.push(("class", all(&totals["classes"], "/remaining")));
    let by_day = world.get(studio, &format!("/usage?by=day&from={from}"));
    numbers.push(("day_jobs", all(&by_day["rows"], "/charges")));
    numbers.push(("day_credits", all(&by_day["rows"], "/credits")));
    let by_tool = world.get(studio, &format!("/usage?by=tool&from={from}"));
    let mut rows = by_tool["rows"].as_array().expect("rows").clone();
    rows.sort_by_key(|row| {
        (std::cmp::Reverse(row["credits"].as_i64().expect("whole credits")), row["tool"].as_str().map(str::to_owned))
    });
    let rows = json!(rows);
    numbers.push(("tool_jobs", all(&rows, "/charges")));
    numbers.push(("tool_credits", all(&rows, "/credits")));
    numbers.push(one("all_jobs", &by_tool["total"]["charges"]));
    numbers.push(one("all_credits", &by_tool["total"]["credits"]));
    numbers
}

fn account(world: &World, studio: &str, id: &str) -> Vec<Numbers> {
    let path = |rest: &str| format!("/accounts/{id}{rest}");
    let balance = world.get(studio, &path("/balance"));
    let mut numbers: Vec<Numbers> =
        ["available", "held", "remaining"].map(|of| (of, vec![balance[of].to_string()])).into();
    if balance["debt"] != json!(0) {
        numbers.push(("debt", vec![balance["debt"].to_string()]));
    }
    for (of, place) in
        [("lot_granted", "/granted"), ("lot_held", "/held"), ("lot_frozen", "/frozen"), ("lot_remaining", "/remaining")]
    {
        numbers.push((of, all(&balance["lots"], place)));
    }
    let holds = world.get(studio, &path("/holds?state=open"));
    numbers.push(("hold_credits", all(&holds["holds"], "/credits")));
    let entries = world.get(studio, &path("/entries?limit=25"))["entries"].clone();
    let not_zero = |values: Vec<String>| values.into_iter().filter(|value| value != "0").collect::<Vec<_>>();
    numbers.push(("line_credits", all(&entries, "/credits")));
    numbers.push(("line_held", not_zero(all(&entries, "/held"))));
    numbers.push(("line_after", all(&entries, "/available_after")));
    numbers.push(("line_frozen", all(&entries, "/frozen")));
    numbers.push(("line_debt", all(&entries, "/debt")));
    numbers.push(("line_uncollected", all(&entries, "/uncollected")));
    numbers.push(("receipts", receipts(world, studio, id, &entries)));
    numbers.extend(orders(&world.get(studio, &path("/orders"))["orders"]));
    numbers
}

/// What the receipts of entries say, one after the other.
fn receipts(world: &World, studio: &str, id: &str, entries: &Value) -> Vec<String> {
    let refunds = world.get(studio, &format!("/accounts/{id}/entries?kind=refund&limit=1000"))["entries"].clone();
    let mut said = Vec::new();
    for entry in entries.as_array().expect("entries") {
        let is_job = ["charge", "settle"].contains(&entry["kind"].as_str().expect("a kind"));
        let moved = |lot: &Value| lot["credits"] != json!(0) || !lot["frozen"].is_null();
        let lots = entry["lots"].as_array().expect("lots");
        if !is_job && entry["reason"].is_null() && !lots.iter().any(moved) {
            continue;
        }
        if is_job && !entry["tool"].is_null() {
            let measures = if entry["measures"].is_null() { json!({}) } else { entry["measures"].clone() };
            let version = &entry["catalog_version"];
            let job = json!({"tool": entry["tool"], "measures": measures, "catalog_version": version});
            let quote = world.post(studio, "/quotes", "", &job.to_string()).body;
            if quote["credits"] == entry["price"] {
                said.extend(all(&quote["lines"], "/credits"));
            }
        }
        let amounts = ["price", "uncollected", "debt"].map(|of| &entry[of]).into_iter();
        let of_lots = lots.iter().flat_map(|lot| {
            let credits = Some(&lot["credits"]).filter(|credits| **credits != json!(0));
            credits.into_iter().chain([&lot["frozen"]])
        });
        let refunded = refunds.as_array().into_iter().flatten();
        let refunded = refunded.filter(|refund| is_job && refund["charge"] == entry["charge"]);
        let given = refunded.flat_map(|refund| {
            let credits = Some(&refund["credits"]).filter(|credits| **credits != json!(0) || refund["debt"].is_null());
            credits.into_iter().chain([&refund["debt"]])
        });
        let amounts = amounts.chain(of_lots).chain(given);
        said.extend(amounts.filter(|amount| !amount.is_null()).map(ToString::to_string));
    }
    said
}

/// Orders say credits and bonus in one, and their price with its currency.
fn orders(orders: &Value) -> Vec<Numbers> {
    let rows = || orders.as_array().expect("orders").iter();
    let ordered = rows().map(|order| match &order["bonus"] {
        bonus if *bonus == json!(0) => order["credits"].to_string(),
        bonus => format!("{}  {bonus}", order["credits"]),
    });
    let price = rows().map(|order| {
        let cents = order["price"]["amount"].as_i64().expect("cents");
        format!("{}.{:02} {}", cents / 100, cents % 100, order["price"]["currency"].as_str().expect("a currency"))
    });
    vec![("ordered", ordered.collect()), ("clawed_back", all(orders, "/clawed_back")), ("price", price.collect())]
}

#[test]
fn a_catalog_is_checked_before_it_is_published_or_scheduled() {
    let world = World::start();
    for (place, (width, scheme)) in WINDOWS.into_iter().enumerate() {
        world.look(width, scheme);
        world.sign_in("studiotwin");
        world.browser.go(&world.at("/console/catalog"));
        world.browser.find("#source");
        let replace = |from: &str, to: &str| {
            let script = "const area = document.querySelector('#source'); const had = area.value;
                area.value = had.replace(arguments[0], arguments[1]); return had !== area.value";
            assert_eq!(world.browser.run(script, &json!([from, to])), json!(true), "{from}");
        };
        let check = || world.browser.click("form.form button");
        replace("[toolkits.motion]", "[toolkits.motion");
        check();
        world.browser.find_text("The catalog is refused");
        world.browser.find_text("column");
        assert_eq!(world.browser.count(".excerpt .mark"), 1, "the line and the place are shown");
        assert_eq!(world.faults(), Vec::<String>::new());
        replace("[toolkits.motion", "[toolkits.motion]");
        check();
        world.browser.find_text("publishing it again would change nothing.");
        world.browser.find_text("examples come out as written.");
        let price = ["5.00 USD", "5.50 USD", "6.00 USD"];
        replace(&format!("price = \"{}\"", price[place]), &format!("price = \"{}\"", price[place + 1]));
        check();
        world.browser.find_text(&format!("{} → {}", price[place], price[place + 1]));
        world.browser.click("form.actions button");
        world.browser.find_text(&format!("Published, version {}", 2 * place + 2));
        assert_eq!(world.faults(), Vec::<String>::new());
        // What is checked with a time ahead waits for it.
        replace("name = \"Motion Toolkit\"", &format!("name = \"Motion {place}\""));
        world.fill("#from", &format!("20{}1-03-01T00:00", 4 + place));
        check();
        world.browser.find_text(&format!("In force from 1 Mar 20{}1, 00:00.", 4 + place));
        world.browser.click("form.actions button");
        world.browser.find_text(&format!("Scheduled, version {}", 2 * place + 3));
        let versions = world.get("studiotwin", "/catalog/versions")["versions"].clone();
        assert_eq!((&versions[0]["in_force"], &versions[1]["in_force"]), (&json!(false), &json!(true)), "{versions}");
        world.browser.go(&world.at(&format!("/console/catalog/{}", 2 * place + 3)));
        world.browser.find_text("This is the document of version");
    }
}

/// A key comes as a file; no page has it, and revoking it is asked twice.
#[test]
fn keys_are_made_into_a_file_and_revoked() {
    let world = World::start();
    for (width, scheme) in WINDOWS {
        world.look(width, scheme);
        world.sign_in("studiotwin");
        world.browser.go(&world.at("/console/keys"));
        let before = world.get("studiotwin", "/keys")["keys"].as_array().expect("keys").len();
        world.fill("#role", "support");
        world.fill("#key", "sk_wrong");
        world.browser.click("form.form button");
        world.browser.find_text("That is not a key that may make keys.");
        assert_eq!(world.faults().len(), 1, "the refusal's own status is all");
        let key = world.server.key("studiotwin");
        let script = "const [key, done] = arguments;
            const form = new URLSearchParams(new FormData(document.querySelector('form.form')));
            form.set('key', key);
            fetch('/console/keys', { method: 'POST', body: form }).then(async (answer) =>
              done([answer.status, answer.headers.get('content-disposition'), await answer.text()]))";
        let made = world.browser.run_until_called(script, &json!([key]));
        assert_eq!(made[0], json!(200), "{made}");
        assert!(made[1].as_str().is_some_and(|name| name.starts_with("attachment; filename=\"support-key_")), "{made}");
        let secret = text(&made[2]);
        assert!(secret.starts_with("sk_"), "a secret");
        let keys = world.get("studiotwin", "/keys")["keys"].clone();
        assert_eq!(keys.as_array().expect("keys").len(), before + 1);
        let id = text(&keys[0]["key"]);
        world.browser.go(&world.at("/console/keys"));
        world.browser.click(&format!("a[href$='/{id}/revoke']"));
        world.browser.find_text("opens nothing any more");
        assert_eq!(world.faults(), Vec::<String>::new());
        let page = world.browser.run("return document.documentElement.outerHTML", &json!([]));
        assert!(!text(&page).contains(secret.trim()) && !text(&page).contains(&key), "no page has a secret");
        world.browser.click("button.danger");
        world.browser.find_text("Revoked");
        let answer = world.server.client(secret.trim()).get("/accounts");
        assert_eq!(answer.status, 401);
    }
}

#[test]
fn nobody_is_let_in_without_a_key_or_from_elsewhere() {
    let world = World::start();
    world.browser.go(&world.at("/console/sign-in"));
    world.fill("#key", "sk_wrong");
    world.browser.click("form button");
    world.browser.find_text("This key is not known, or was revoked.");
    world.sign_in("studiotwin");
    // A form without this session's seal is refused, and the cookie is out of scripts' reach.
    world.browser.go(&world.at("/console/accounts/otto/grant"));
    world.browser.find("#credits");
    assert_eq!(world.browser.run("return document.cookie", &json!([])), json!(""));
    world.browser.run("document.querySelector('form.form input[name=seal]').value = 'x'", &json!([]));
    world.fill("#credits", "25");
    world.fill("#reason", "x");
    world.browser.click("form.form button");
    world.browser.find_text("That did not come from here");
    world.browser.go(&world.at("/console"));
    world.browser.click("details.menu summary");
    world.browser.click("form[action='/console/sign-out'] button");
    world.browser.find_text("Sign in with your key");
    world.browser.go(&world.at("/console/accounts"));
    world.browser.find_text("Sign in with your key");
}

/// Names, references, members, reasons and searches that are markup stay text on every page that shows them.
#[test]
fn hostile_texts_stay_texts_in_the_console() {
    let world = World::start();
    let plain = "<img src=x onerror=\"document.title='alive'\"><script>document.title='alive'</script>'\"&";
    let hostile = plain.replace('"', "\\\"");
    let post = |path: &str, body: &str| {
        let path = format!("/accounts/otto/{path}");
        let answer = world.post("studiotwin", &path, &format!("hostile-{}-{}", path.len(), body.len()), body);
        assert!(answer.status < 300, "{path} {answer:?}");
    };
    assert_eq!(world.put("studiotwin", "/accounts/otto", &format!("{{\"name\": \"{hostile}\"}}")).status, 200);
    post("grants", &format!("{{\"credits\": 9, \"class\": \"promo\", \"reason\": \"{hostile}\"}}"));
    let job = |more: &str| format!("{{\"credits\": 1, \"reference\": \"{hostile}\", \"member\": \"{hostile}\"{more}}}");
    post("holds", &job(""));
    post("charges", &job(""));
    post("holds", &job(", \"hold\": \"late\""));
    post("holds/late/settle", "{\"credits\": 3}");
    post("orders", "{\"package\": \"small\"}");
    let balance = world.get("studiotwin", "/accounts/otto/balance");
    let lot = text(&balance["lots"][0]["lot"]);
    world.sign_in("studiotwin");
    let encoded = plain.bytes().map(|byte| format!("%{byte:02X}")).collect::<String>();
    let search = format!("/console/accounts?search={encoded}");
    let (missing, of) = (format!("{search}x"), format!("/console/accounts/otto/revoke?of={encoded}"));
    let mut pages = vec![
        "/console/accounts",
        &search,
        &missing,
        "/console/accounts/otto",
        "/console/accounts/otto/grant",
        &of,
        "/console/holds",
        "/console/uncollected",
        "/console/orders",
        "/console/audit",
    ];
    let revoke = format!("/console/accounts/otto/revoke?of={lot}");
    pages.push(&revoke);
    let is_text = |page: &str| {
        world.browser.find("#main");
        assert_eq!(world.browser.count("img, script"), 0, "{page}");
        let title = world.browser.run("return document.title", &json!([]));
        assert_ne!(title, json!("alive"), "{page}");
        let shown =
            world.browser.run("return document.body.textContent.includes('<script>document.title')", &json!([]));
        assert_eq!(shown, json!(true), "{page}: what was stored is shown as it is");
        assert_eq!(world.browser.console(), Vec::<String>::new(), "{page}");
    };
    for page in pages {
        world.browser.go(&world.at(page));
        is_text(page);
    }
    // A reason on its way through the preview, the confirmation and back.
    world.browser.go(&world.at("/console/accounts/otto/grant"));
    world.fill("#credits", "1");
    world.fill("#reason", plain);
    world.browser.click("form.form button");
    world.browser.find_text("This will happen");
    is_text("the preview");
    world.browser.click("form.actions button");
    world.browser.find_text("Granted 1 credit.");
    is_text("the confirmation");
    let kept = world.get("studiotwin", "/audit?limit=1")["acts"][0]["reason"].clone();
    assert_eq!(kept, json!(plain));
    // A catalog that is refused says its own text.
    world.browser.go(&world.at("/console/catalog"));
    world.fill("#source", &format!("studio = {plain}"));
    world.browser.click("form.form button");
    world.browser.find_text("The catalog is refused");
    is_text("a refused catalog");
}
