//! Every number of the console, times among them, is the API's: what a page should say is put together from the API's answers alone, and
//! must be all that it says.

use std::collections::BTreeSet;

use serde_json::{Value, json};

use crate::world::World;

/// A page's numbers by what they are, and what they should be.
type Numbers = (&'static str, Vec<String>);

/// What stands in the main part of a page: numbers by what they are, times, and what of it is neither, but has digits. `known`:
/// texts that have digits of their own.
const LOOK: &str = r"const [known, done] = [arguments[0], {}];
    const main = document.querySelector('#main');
    done.numbers = {};
    const plain = (one) => one.textContent.trim().replaceAll(',', '').replaceAll('+', '').replaceAll('−', '-');
    for (const one of main.querySelectorAll('[data-n]')) (done.numbers[one.dataset.n] ??= []).push(plain(one));
    for (const one of main.querySelectorAll('.slip .num')) (done.numbers.receipts ??= []).push(plain(one));
    done.times = [...main.querySelectorAll('time:not(.now)')].map((time) => [time.dateTime, time.textContent]);
    done.deeds = [...main.querySelectorAll('.deed')].map((deed) => deed.textContent);
    // Sentences are compared as they are; a chart's scale and a form's own words are no numbers of the API's, and of a receipt
    // its amounts are compared.
    const others = '[data-n], time, .deed, .axis, svg, textarea, select, label, .slip';
    done.unmarked = [];
    const walker = document.createTreeWalker(main, NodeFilter.SHOW_TEXT);
    while (walker.nextNode()) {
      if (walker.currentNode.parentElement.closest(others)) continue;
      let text = walker.currentNode.textContent;
      for (const one of known) text = text.replaceAll(one, '');
      text = text.replace(/\b(in )?\d+ (minute|hour|day)s?( ago)?/g, '');
      if (/[0-9]/.test(text)) done.unmarked.push(text.trim());
    }
    return done";

/// A page as it reads.
struct Read {
    numbers: serde_json::Map<String, Value>,
    deeds: Vec<String>,
}

impl World {
    /// The page that is open: nothing on it has digits that are neither marked nor texts of these answers, and its times are theirs.
    fn read(&self, page: &str, answers: &[&Value]) -> Read {
        self.browser.find("#main");
        let mut known = BTreeSet::new();
        answers.iter().for_each(|answer| texts(answer, &mut known));
        let mut longest: Vec<&String> = known.iter().collect();
        longest.sort_by_key(|text| std::cmp::Reverse(text.len()));
        let mut read = self.browser.run(LOOK, &json!([longest]));
        assert_eq!(read["unmarked"], json!([]), "{page}: numbers that nobody compares");
        for time in read["times"].as_array().expect("times") {
            let (at, said) = (text(&time[0]), text(&time[1]));
            assert!(known.contains(&at), "{page}: {at} is no time of the API's");
            let (day, whole) = written(&at);
            assert!(said == day || said == whole, "{page}: {at} is not {said}");
        }
        let deeds = read["deeds"].as_array().expect("sentences").iter().map(text).collect();
        let numbers = read["numbers"].as_object_mut().expect("numbers by name");
        Read { numbers: std::mem::take(numbers), deeds }
    }

    /// The page that is open has these numbers, and no others.
    fn compare(&self, page: &str, expected: &[Numbers], answers: &[&Value]) -> Read {
        let mut read = self.read(page, answers);
        for (of, expected) in expected {
            let shown = read.numbers.remove(*of).unwrap_or_else(|| json!([]));
            assert_eq!(shown, json!(expected), "{page} {of}");
        }
        assert!(read.numbers.is_empty(), "{page}: numbers that nobody compares: {:?}", read.numbers);
        read
    }
}

/// The texts of an answer that have digits.
fn texts(answer: &Value, known: &mut BTreeSet<String>) {
    match answer {
        Value::String(text) if text.bytes().any(|byte| byte.is_ascii_digit()) => drop(known.insert(text.clone())),
        Value::Array(all) => all.iter().for_each(|one| texts(one, known)),
        Value::Object(all) => all.values().for_each(|one| texts(one, known)),
        _ => {}
    }
}

/// An instant of the API's as British English writes its day, and it whole: `3 Feb 2026` and `3 Feb 2026, 14:05`.
fn written(at: &str) -> (String, String) {
    const MONTHS: [&str; 12] = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"];
    let number = |from: usize, to: usize| at[from..to].parse::<usize>().unwrap_or_else(|_| panic!("{at} is no time"));
    let day = format!("{} {} {}", number(8, 10), MONTHS[number(5, 7) - 1], &at[..4]);
    let whole = format!("{day}, {}", &at[11..16]);
    (day, whole)
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
    let get = |path: &str| world.get(studio, path);
    let catalog = get("/catalog");
    let check = |page: &str, expected: &[Numbers], answers: &[&Value]| {
        world.browser.go(&world.at(page));
        let answers: Vec<&Value> = answers.iter().copied().chain([&catalog]).collect();
        world.compare(page, expected, &answers);
    };
    for (page, days) in [("/console?days=1", 1), ("/console", 30), ("/console?days=90", 90)] {
        world.browser.go(&world.at(page));
        let from = text(&world.browser.value("return document.querySelector('time:not(.now)').dateTime"));
        let (numbers, answers) = glance(&world, studio, &from);
        let known = json!({"from": from, "days": days});
        check(page, &numbers, &[&answers, &known]);
    }
    let accounts = get("/accounts");
    let balances =
        ["available", "held", "remaining"].map(|of| (of, all(&accounts["accounts"], &format!("/balance/{of}"))));
    check("/console/accounts", &balances, &[&accounts]);
    for id in ["otto", "tile-works", "nora", "yuki", "paula"] {
        let (numbers, answers) = account(&world, studio, id);
        check(&format!("/console/accounts/{id}"), &numbers, &[&answers]);
    }
    let open = get("/holds?state=open");
    check("/console/holds", &[("credits", all(&open["holds"], "/credits"))], &[&open, &accounts]);
    let stuck = get("/holds?stuck=true");
    check("/console/holds?show=stuck", &[("credits", all(&stuck["holds"], "/credits"))], &[&stuck, &accounts]);
    let expired = get("/holds?state=expired");
    check("/console/holds?show=expired", &[("credits", all(&expired["holds"], "/credits"))], &[&expired, &accounts]);
    let owed = |rows: &Value| {
        let ids: Vec<String> = rows.as_array().into_iter().flatten().map(|row| text(&row["account"])).collect();
        let debts = ids.iter().map(|id| get(&format!("/accounts/{id}/balance"))["debt"].to_string());
        debts.collect::<Vec<_>>()
    };
    let unpaid = get("/uncollected");
    let expected = [("uncollected", all(&unpaid["entries"], "/uncollected")), ("owed", owed(&unpaid["entries"]))];
    check("/console/uncollected", &expected, &[&unpaid, &accounts]);
    let debts = get("/entries?kind=debt,debt_repaid");
    let expected = [("debt", all(&debts["entries"], "/debt")), ("owed", owed(&debts["entries"]))];
    check("/console/uncollected?show=debts", &expected, &[&debts, &accounts]);
    let ordered = get("/orders");
    check("/console/orders", &orders(&ordered["orders"]), &[&ordered, &accounts]);
    let deliveries = get("/payments/deliveries?limit=50");
    let times = all(&deliveries["deliveries"], "/times");
    check("/console/payments", &[("times", times)], &[&deliveries, &accounts]);
    let versions = get("/catalog/versions");
    let numbers = [("version", all(&versions["versions"], "/catalog_version"))];
    let named = |version: &Value| json!(format!("version {}", version["catalog_version"]));
    let named: Value = versions["versions"].as_array().expect("versions").iter().map(named).collect();
    check("/console/catalog", &numbers, &[&versions, &named]);
    let keys = get("/keys");
    let hints: Value = keys["keys"].as_array().expect("keys").iter().map(|key| key["hint"].clone()).collect();
    check("/console/keys", &[], &[&keys, &hints]);
    let acts = get("/audit");
    let credits = all(&acts["acts"], "/credits").into_iter().filter(|of| of != "0").collect();
    check("/console/audit", &[("credits", credits)], &[&acts, &accounts]);
    let health = get("/health");
    let names = ["entries", "behind", "accounts_in_memory", "waiting", "accepted", "refused", "replayed"];
    check("/console/health", &names.map(|of| (of, vec![health[of].to_string()])), &[&health]);
}

/// What an act says before it is done is what trying it answers, now and afterwards; and when it is done, what there is then.
#[test]
fn the_numbers_of_every_act_are_the_apis_own() {
    /// The act, its fields, the call that it tries, and the sentence that it says of the answer.
    type Tried = (&'static str, &'static [(&'static str, &'static str)], &'static str, fn(&Value) -> Vec<String>);
    let world = World::start();
    let (studio, id) = ("studiotwin", "compared");
    let key = world.server.key(studio);
    world.put(studio, "/accounts/compared", r#"{"name": "Compared"}"#);
    for (place, (path, body)) in [
        ("grants", r#"{"credits": 1234.5, "class": "promo", "reason": "start"}"#),
        ("charges", r#"{"credits": 30.25}"#),
        ("holds", r#"{"credits": 10, "hold": "stuck"}"#),
        ("orders", r#"{"package": "small"}"#),
    ]
    .into_iter()
    .enumerate()
    {
        let answer = world.post(studio, &format!("/accounts/{id}/{path}"), &format!("compared-{place}"), body);
        assert_eq!(answer.status, 201, "{answer:?}");
    }
    let path = |rest: &str| format!("/accounts/{id}{rest}");
    let get = |rest: &str| world.get(studio, &path(rest));
    let newest = |kind: &str, of: &str| text(&get(&format!("/entries?kind={kind}&limit=1"))["entries"][0][of]);
    let (charge, hold, order) = (newest("charge", "charge"), newest("hold", "hold"), newest("order", "order"));
    let lot = text(&get("/balance")["lots"][0]["lot"]);
    let acts: &[Tried] = &[
        ("grant", &[("credits", "25.5"), ("class", "make_good")], "/grants", |_| {
            vec!["Gives 25.5 make-good credits, with no end.".to_owned()]
        }),
        ("refund", &[("credits", "12")], "/charges/{of}/refunds", |answer| {
            let to = answer["to"].as_array().expect("lots").iter();
            let first = format!("Gives {} credits of a job without a tool back.", answer["credits"]);
            let parts = to.map(|part| format!("{} of them are promotional credits.", part["credits"]));
            [first].into_iter().chain(parts).collect()
        }),
        ("release", &[], "/holds/{of}/release", |answer| {
            let freed = &answer["freed"];
            vec![format!("Frees {freed} held credits of a job without a tool, stuck; it can charge nothing any more.")]
        }),
        ("revoke", &[("credits", "1000")], "/lots/{of}/revoke", |answer| {
            vec![format!("Takes {} promotional credits back.", grouped(&answer["credits"]))]
        }),
        ("mark-paid", &[], "/orders/{of}/mark-paid", |answer| {
            vec![format!(
                "Takes the order of 100 credits, of 5.00 USD, as paid: {} credits at once.",
                answer["credits"]
            )]
        }),
    ];
    world.sign_in(studio);
    let catalog = world.get(studio, "/catalog");
    for (act, fields, call, says) in acts {
        let of = match *act {
            "refund" => &charge,
            "release" => &hold,
            "revoke" => &lot,
            "mark-paid" => &order,
            _ => "",
        };
        let mut body = json!({});
        for (name, value) in *fields {
            body[*name] = value.parse::<f64>().map_or_else(|_| json!(value), |number| json!(number));
        }
        body[if *act == "mark-paid" { "reference" } else { "reason" }] = json!("because");
        let call = path(&format!("{}?dry_run=true", call.replace("{of}", of)));
        let tried = world.server.client(&key).post(&call, &format!("tried-{act}"), &body.to_string());
        assert!(tried.status < 300, "{call}: {tried:?}");
        world.browser.go(&world.at(&format!("/console{}?of={of}", path(&format!("/{act}")))));
        let balance = get("/balance");
        let lots: Vec<Value> =
            balance["lots"].as_array().expect("lots").iter().filter(|one| one["lot"] == *of).cloned().collect();
        let lots = json!(lots);
        let numbers = [("lot_remaining", all(&lots, "/remaining")), ("lot_held", all(&lots, "/held"))];
        let known = json!([of, id, catalog]);
        world.compare(act, &numbers, &[&known]);
        for (name, value) in *fields {
            world.fill(&format!("#{name}"), value);
        }
        world.fill("#reason", "because");
        let known = json!([known, tried.body]);
        world.previewed(act, &balance, &tried.body["balance"], &says(&tried.body), &known);
        let after = get("/balance");
        let done = totals(&after, "");
        world.compare(act, &done, &[&known, &json!(world.browser.text(".deed"))]);
    }
    for (act, fields) in [("plan", Some("starter")), ("cancel-plan", None), ("keep-plan", Some("starter"))] {
        world.browser.go(&world.at(&format!("/console{}", path(&format!("/{act}")))));
        let plans = world.get(studio, "/catalog")["plans"].clone();
        if act == "plan" {
            let option = |plan: &Value| format!("{}, {} each cycle", text(&plan["name"]), grouped(&plan["allowance"]));
            let expected: Vec<String> = plans.as_array().expect("plans").iter().map(option).collect();
            assert_eq!(world.texts("#plan option"), expected);
            world.fill("#plan", "starter");
        }
        world.fill("#reason", "because");
        let asked = fields.map_or_else(|| json!({"cancel": true}), |plan| json!({"plan": plan}));
        let tried = world.post(studio, &path("/subscription/preview"), "", &asked.to_string()).body;
        let allowance = grouped(&tried["allowance"]);
        let ends = || written(&text(&world.get(studio, &path("/subscription"))["term"]["end"])).1;
        let nothing = "No credits are granted or taken now.".to_owned();
        let says = match act {
            "plan" => vec![
                format!("The plan becomes Starter at once, with {allowance} credits each cycle."),
                format!("{} credits are granted now.", grouped(&tried["grants"])),
            ],
            "cancel-plan" => vec![
                format!("The plan Starter ends on {}.", ends()),
                "Until then its credits come as always. What is left of them ends with it; other credits stay."
                    .to_owned(),
                nothing,
            ],
            _ => vec![
                format!("The plan Starter goes on, with {allowance} credits each cycle."),
                format!("It does not end on {}.", ends()),
                nothing,
            ],
        };
        world.previewed(act, &get("/balance"), &tried["balance"], &says, &json!([]));
        world.compare(act, &totals(&get("/balance"), ""), &[&json!([])]);
    }
}

impl World {
    /// Sends the form that is open, compares what it shows before it is done, and does it.
    fn previewed(&self, act: &str, now: &Value, after: &Value, says: &[String], known: &Value) {
        self.browser.click("form.form button");
        self.browser.find_text("This will happen");
        let expected: Vec<Numbers> = totals(now, "now_").into_iter().chain(totals(after, "")).collect();
        let read = self.compare(act, &expected, &[known]);
        assert_eq!(read.deeds, says, "{act}");
        self.browser.click("form.actions button");
        self.browser.find(".alert.good");
    }
}

/// What an account has, as the tables of acts name it.
fn totals(of: &Value, when: &str) -> Vec<Numbers> {
    let names = match when {
        "now_" => ["now_available", "now_held", "now_remaining"],
        _ => ["available", "held", "remaining"],
    };
    let places = ["available", "held", "remaining"];
    names.into_iter().zip(places).map(|(name, place)| (name, vec![of[place].to_string()])).collect()
}

/// As British English groups it.
fn grouped(value: &Value) -> String {
    let digits = value.to_string();
    let (whole, part) = digits.split_once('.').map_or((digits.as_str(), ""), |(whole, part)| (whole, part));
    let from = whole.len() % 3;
    let mut groups: Vec<&str> = (from..whole.len()).step_by(3).map(|place| &whole[place..place + 3]).collect();
    if from > 0 {
        groups.insert(0, &whole[..from]);
    }
    let point = if part.is_empty() { "" } else { "." };
    format!("{}{point}{part}", groups.join(","))
}

/// The numbers at a place of every row, where there is one.
fn all(rows: &Value, place: &str) -> Vec<String> {
    let rows = rows.as_array().unwrap_or_else(|| panic!("no rows: {rows}"));
    rows.iter().filter_map(|row| row.pointer(place)).map(ToString::to_string).collect()
}

pub(crate) fn text(value: &Value) -> String {
    value.as_str().unwrap_or_else(|| panic!("no text: {value}")).to_owned()
}

/// The first page's numbers, and the answers that they are of.
fn glance(world: &World, studio: &str, from: &str) -> (Vec<Numbers>, Value) {
    let totals = world.get(studio, &format!("/totals?from={from}"));
    let one = |of: &'static str, value: &Value| (of, vec![value.to_string()]);
    let mut numbers: Vec<Numbers> = ["sold", "granted", "spent", "refunded", "expired", "uncollected"]
        .map(|of| one(of, &totals["books"][of]))
        .into_iter()
        .chain(["remaining", "held", "frozen", "debt"].map(|of| one(of, &totals[of])))
        .collect();
    numbers.extend(
        [("paid", "credits"), ("paid_top_ups", "top_ups"), ("paid_plans", "plans")]
            .map(|(of, part)| one(of, &totals["paid"][part])),
    );
    numbers.push(("class", all(&totals["classes"], "/remaining")));
    numbers.push(one("accounts", &totals["accounts"]));
    // What waits for somebody, where there is any.
    let disputed = world.get(studio, "/orders?state=disputed&limit=20");
    let open = world.get(studio, "/payments/deliveries?state=open&limit=20");
    let counts = [("disputed", &disputed["orders"]), ("open", &open["deliveries"])];
    let counts = counts.map(|(of, rows)| (of, rows.as_array().expect("rows").len()));
    numbers.extend(counts.into_iter().filter(|(_, count)| *count > 0).map(|(of, count)| (of, vec![count.to_string()])));
    numbers.extend((totals["stuck_holds"] != json!(0)).then(|| one("stuck", &totals["stuck_holds"])));
    numbers.extend((totals["debt"] != json!(0)).then(|| one("owed", &totals["debt"])));
    let by_day = world.get(studio, &format!("/usage?by=day&from={from}"));
    let most = by_day["rows"].as_array().expect("rows").iter().map(|row| &row["credits"]);
    numbers.extend(most.max_by_key(|credits| millionths(credits)).map(|most| one("most", most)));
    numbers.push(("day_jobs", all(&by_day["rows"], "/charges")));
    numbers.push(("day_credits", all(&by_day["rows"], "/credits")));
    let by_tool = world.get(studio, &format!("/usage?by=tool&from={from}"));
    let mut rows = by_tool["rows"].as_array().expect("rows").clone();
    rows.sort_by_key(|row| (std::cmp::Reverse(millionths(&row["credits"])), row["tool"].as_str().map(str::to_owned)));
    let rows = json!(rows);
    numbers.push(("tool_jobs", all(&rows, "/charges")));
    numbers.push(("tool_credits", all(&rows, "/credits")));
    numbers.push(one("all_jobs", &by_tool["total"]["charges"]));
    numbers.push(one("all_credits", &by_tool["total"]["credits"]));
    let day = |row: &Value| written(&format!("{}T00:00:00Z", text(&row["day"]))).0;
    let days: Vec<String> = by_day["rows"].as_array().expect("rows").iter().map(day).collect();
    (numbers, json!([totals, by_day, by_tool, days]))
}

/// Credits in millionths.
fn millionths(value: &Value) -> i128 {
    let digits = value.to_string();
    let (whole, part) = digits.split_once('.').unwrap_or((&digits, ""));
    format!("{whole}{part:0<6}").parse().unwrap_or_else(|_| panic!("{value} is no amount"))
}

/// An account's numbers, and the answers that they are of.
fn account(world: &World, studio: &str, id: &str) -> (Vec<Numbers>, Value) {
    let path = |rest: &str| format!("/accounts/{id}{rest}");
    let balance = world.get(studio, &path("/balance"));
    let mut numbers: Vec<Numbers> =
        ["available", "held", "remaining"].map(|of| (of, vec![balance[of].to_string()])).into();
    for of in ["debt", "frozen"] {
        if balance[of] != json!(0) {
            numbers.push((of, vec![balance[of].to_string()]));
        }
    }
    for (of, place) in
        [("lot_granted", "/granted"), ("lot_held", "/held"), ("lot_frozen", "/frozen"), ("lot_remaining", "/remaining")]
    {
        numbers.push((of, all(&balance["lots"], place)));
    }
    let holds = world.get(studio, &path("/holds?state=open"));
    numbers.push(("hold_credits", all(&holds["holds"], "/credits")));
    let entries = world.get(studio, &path("/entries?limit=20"))["entries"].clone();
    let not_zero = |values: Vec<String>| values.into_iter().filter(|value| value != "0").collect::<Vec<_>>();
    numbers.push(("line_credits", all(&entries, "/credits")));
    numbers.push(("line_held", not_zero(all(&entries, "/held"))));
    numbers.push(("line_after", all(&entries, "/available_after")));
    numbers.push(("line_frozen", all(&entries, "/frozen")));
    numbers.push(("line_debt", all(&entries, "/debt")));
    numbers.push(("line_uncollected", all(&entries, "/uncollected")));
    numbers.push(("receipts", receipts(world, studio, id, &entries)));
    let ordered = world.get(studio, &path("/orders?limit=20"));
    numbers.extend(orders(&ordered["orders"]));
    let (account, subscription) = (world.get(studio, &path("")), world.get(studio, &path("/subscription")));
    let refunds = world.get(studio, &path("/entries?kind=refund&limit=1000"));
    (numbers, json!([account, subscription, balance, holds, entries, refunds, ordered]))
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
        _ if order["plan"].is_string() => format!("{} a cycle", order["credits"]),
        bonus if *bonus == json!(0) => order["credits"].to_string(),
        bonus => format!("{}  {bonus}", order["credits"]),
    });
    let price = rows().map(|order| {
        let cents = order["price"]["amount"].as_i64().expect("cents");
        format!("{}.{:02} {}", cents / 100, cents % 100, order["price"]["currency"].as_str().expect("a currency"))
    });
    vec![("ordered", ordered.collect()), ("clawed_back", all(orders, "/clawed_back")), ("price", price.collect())]
}
