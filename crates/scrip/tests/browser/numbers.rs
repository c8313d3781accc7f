//! Every number on every customer page is the API's: what a page should say is put together here from the API's answers
//! alone, and must be all that it says.

use scrip_core::time::{Time, Zone};
use serde_json::{Value, json};

use crate::reading::{self, Still};
use crate::support::Client;

const SECONDS: i64 = 1_000_000;

#[test]
fn every_number_on_every_page_is_the_apis() {
    let still = Still::start();
    let (mut seen, mut wrong) = (0, Vec::new());
    // A job is running, and one was charged without a tool.
    for (studio, account, job) in [
        ("flow-studio", "mia", json!({"tool": "live-action", "measures": {"seconds": 2}, "reference": "shot 7"})),
        ("studiotwin", "tile-works", json!({"tool": "texture-to-material", "member": "ines"})),
    ] {
        still.post(studio, &format!("/accounts/{account}/holds"), "runs", &job);
        still.post(studio, &format!("/accounts/{account}/charges"), "stated", &json!({"credits": 0.5}));
    }
    for studio in ["flow-studio", "studiotwin"] {
        for account in still.accounts(studio) {
            let token = still.token(studio, &account);
            let mut check = |page: &str, says: &dyn Fn(&mut Expected)| {
                let mut expected = Expected::of(&still, &token, &account);
                says(&mut expected);
                let shown = still.page(&token, page);
                assert_eq!(shown.status, 200, "{studio} {account} {page}");
                let pill = format!("<strong>{}</strong> available", grouped(&expected.balance["available"]));
                let (read, expected) = (shown.numbers(), expected.numbers);
                if read != expected || !shown.text.contains(&pill) {
                    wrong.push(format!("{studio} {account} {page}\nread     {read:?}\nexpected {expected:?}\n{pill}"));
                }
                seen += expected.len();
            };
            check("/dashboard", &Expected::overview);
            check("/dashboard/buy-credits", &Expected::buy_credits);
            check("/dashboard/usage", &Expected::usage);
            let second = still.get(studio, &format!("/accounts/{account}/entries?limit=25"))["next"].clone();
            if let Some(after) = second.as_str() {
                check(&format!("/dashboard/usage?after={after}"), &|page| page.usage_after(after));
            }
            check("/dashboard/prices", &Expected::prices);
            check("/dashboard/plan", &Expected::plan);
            check("/dashboard/settings", &Expected::settings);
            let orders = still.get(studio, &format!("/accounts/{account}/orders"));
            for order in list(&orders["orders"]) {
                check(&format!("/dashboard/orders/{}", text(&order["order"])), &|page| page.order(order));
            }
        }
    }
    assert!(wrong.is_empty(), "{} pages:\n{}", wrong.len(), wrong.join("\n"));
    println!("{seen} numbers compared");
    assert!(seen > 5_000, "{seen}");
}

/// A page as it should read.
struct Expected {
    /// Where the server is.
    address: String,
    token: String,
    account: String,
    catalog: Value,
    balance: Value,
    subscription: Value,
    zone: Zone,
    numbers: Vec<String>,
}

/// A list's items.
fn list(value: &Value) -> &[Value] {
    value.as_array().map_or(&[], Vec::as_slice)
}

/// A text; empty for what is none.
fn text(value: &Value) -> &str {
    value.as_str().unwrap_or_default()
}

fn time(value: &Value) -> Time {
    Time::parse(text(value)).unwrap_or_else(|_| panic!("{value} is no time"))
}

/// Credits in millionths.
fn millionths(value: &Value) -> i128 {
    let digits = value.to_string();
    let (whole, part) = digits.split_once('.').unwrap_or((&digits, ""));
    format!("{whole}{part:0<6}").parse().unwrap_or_else(|_| panic!("{value} is no amount"))
}

/// As British English groups it.
fn grouped(value: &Value) -> String {
    let digits = value.to_string();
    let (whole, part) =
        digits.split_once('.').map_or((digits.as_str(), String::new()), |(whole, part)| (whole, format!(".{part}")));
    let groups: Vec<&str> =
        whole.as_bytes().rchunks(3).rev().map(|group| std::str::from_utf8(group).expect("digits")).collect();
    groups.join(",") + &part
}

/// With its sign, as a change is written.
fn signed(value: &Value) -> String {
    let digits = value.to_string();
    match digits.strip_prefix('-') {
        Some(rest) => format!("−{rest}"),
        None if digits == "0" => digits,
        None => format!("+{digits}"),
    }
}

fn money(price: &Value) -> String {
    assert_eq!(price["currency"], json!("USD"));
    let cents = price["amount"].as_i64().expect("an amount");
    format!("{}.{:02}", cents / 100, cents % 100)
}

impl Expected {
    fn of(still: &Still, token: &str, account: &str) -> Expected {
        let mut expected = Expected {
            address: still.server.address.clone(),
            token: token.to_owned(),
            account: account.to_owned(),
            catalog: Value::Null,
            balance: Value::Null,
            subscription: Value::Null,
            zone: Zone::utc(),
            numbers: Vec::new(),
        };
        expected.catalog = expected.ask("/catalog");
        expected.balance = expected.own("/balance");
        expected.subscription = expected.own("/subscription");
        expected.zone = Zone::parse(text(&expected.own("")["time_zone"])).expect("a zone");
        expected
    }

    fn client(&self) -> Client {
        Client::connect(&self.address, &self.token).expect("the server accepts")
    }

    /// What the API answers the customer; null where there is nothing.
    fn ask(&self, path: &str) -> Value {
        let answer = self.client().get(path);
        assert!(matches!(answer.status, 200 | 404), "{path}: {answer:?}");
        if answer.status == 404 { Value::Null } else { answer.body }
    }

    fn own(&self, path: &str) -> Value {
        self.ask(&format!("/accounts/{}{path}", self.account))
    }

    fn quote(&self, job: &Value) -> Value {
        let answer = self.client().post("/quotes", "", &job.to_string());
        if answer.status == 200 { answer.body } else { Value::Null }
    }

    fn now(&self) -> Time {
        time(&self.balance["at"])
    }

    // What is said.

    fn say(&mut self, words: &str) {
        reading::numbers(words, &mut self.numbers);
    }

    fn number(&mut self, value: &Value) {
        self.numbers.push(value.to_string().replace('-', "−"));
    }

    fn change(&mut self, value: &Value) {
        self.numbers.push(signed(value));
    }

    fn written(&mut self, at: Time, form: &str) {
        let words = at.timestamp().to_zoned(self.zone.rules()).strftime(form).to_string();
        self.say(&words);
    }

    fn day(&mut self, at: &Value) {
        self.written(time(at), "%-d %b %Y");
    }

    fn instant(&mut self, at: &Value) {
        self.written(time(at), "%-d %b %Y, %H:%M");
    }

    /// A day and how far ahead it is.
    fn day_ahead(&mut self, at: Time) {
        self.written(at, "%-d %b %Y");
        self.ahead(at);
    }

    fn ahead(&mut self, at: Time) {
        let seconds = (at.micros() - self.now().micros()).div_euclid(SECONDS);
        let unit = [(172_800, 86_400), (7_200, 3_600), (120, 60)].into_iter().find(|(from, _)| seconds >= *from);
        if let Some((_, unit)) = unit {
            self.numbers.push((seconds / unit).to_string());
        }
    }

    /// The name of a tool, plan or package.
    fn name(&mut self, of: &str, id: &Value) {
        let kind = of.trim_end_matches('s');
        let known = list(&self.catalog[of]).iter().find(|item| item[kind] == *id);
        let words = known.map_or_else(|| text(id).to_owned(), |item| text(&item["name"]).to_owned());
        self.say(&words);
    }

    fn left(&mut self, left: &Value) {
        self.number(&left["quantity"]);
        self.say(text(&left["name"]));
    }

    // The pages.

    fn overview(&mut self) {
        let balance = self.balance.clone();
        for total in ["available", "remaining", "held"] {
            self.number(&balance[total]);
        }
        for total in ["frozen", "debt"] {
            if balance[total] != json!(0) {
                self.number(&balance[total]);
            }
        }
        if balance["debt"] != json!(0) {
            self.number(&balance["debt"]);
        }
        for left in list(&balance["left"]) {
            self.left(left);
        }
        self.burn_down();
        for lot in list(&balance["lots"]) {
            if !lot["expires_at"].is_null() {
                self.instant(&lot["expires_at"]);
            }
            self.number(&lot["remaining"]);
            self.number(&lot["granted"]);
        }
        for hold in list(&self.own("/holds?state=open&limit=20")["holds"]) {
            self.name("tools", &hold["tool"]);
            self.say(text(&hold["reference"]));
            self.instant(&hold["placed_at"]);
            self.say(text(&hold["member"]));
            self.number(&hold["credits"]);
        }
        for job in list(&self.own("/entries?kind=settle,charge,refund&limit=6")["entries"]) {
            self.name("tools", &job["tool"]);
            self.say(text(&job["reference"]));
            self.instant(&job["at"]);
            self.say(text(&job["member"]));
            self.change(&job["credits"]);
        }
    }

    fn burn_down(&mut self) {
        let now = self.now();
        let cycle = self.subscription["cycle"].clone();
        let begun = !cycle.is_null() && time(&cycle["start"]) <= now;
        let (start, end) = match begun {
            true => (time(&cycle["start"]), time(&cycle["end"])),
            false => (now.plus_seconds(-30 * 86_400), now),
        };
        let used = self.own(&format!("/usage?by=tool&from={start}"))["total"]["credits"].clone();
        self.number(&used);
        let entries = self.own(&format!("/entries?limit=1000&from={start}"));
        assert_eq!(entries["next"], Value::Null, "the demo's cycles are short");
        // Newest first: of several at one instant, the first is what came of them.
        let mut levels: Vec<&Value> = list(&entries["entries"]).iter().collect();
        levels.dedup_by(|older, newer| older["at"] == newer["at"]);
        let top = levels.iter().map(|entry| &entry["available_after"]).max_by_key(|level| millionths(level));
        if let Some(top) = top.filter(|top| millionths(top) > 0) {
            self.number(top);
            self.written(start, "%-d %b");
            self.written(end, "%-d %b");
        }
        self.forecast(&used, start, begun.then_some(end));
        if !cycle.is_null() {
            self.turn(&cycle);
        }
    }

    fn forecast(&mut self, used: &Value, start: Time, turn: Option<Time>) {
        let (now, available) = (self.now(), millionths(&self.balance["available"]));
        let (used, elapsed) = (millionths(used), now.micros() - start.micros());
        if used <= 0 || available <= 0 || elapsed < 43_200 * SECONDS {
            return;
        }
        let seconds = i64::try_from(available * i128::from(elapsed) / used / i128::from(SECONDS)).expect("seconds");
        let runs_out = now.plus_seconds(seconds);
        let never = seconds >= 10 * 366 * 86_400;
        let after_the_turn = !self.subscription.is_null() && turn.is_none_or(|turn| runs_out >= turn);
        if !never && !after_the_turn {
            self.ahead(runs_out);
            self.written(runs_out, "%-d %b %Y");
        }
    }

    fn turn(&mut self, cycle: &Value) {
        let subscription = self.subscription.clone();
        if time(&cycle["start"]) > self.now() {
            return self.day_ahead(time(&cycle["start"]));
        }
        if subscription["state"] != json!("active") {
            return;
        }
        self.day_ahead(time(&cycle["end"]));
        if subscription["ends_at"] == cycle["end"] {
            return;
        }
        let follows = !subscription["next_plan"].is_null() && subscription["term"]["end"] == cycle["end"];
        let plan = if follows { &subscription["next_plan"] } else { &subscription["plan"] };
        let plans = self.catalog["plans"].clone();
        let plan = list(&plans).iter().find(|known| known["plan"] == *plan).expect("a plan of the catalog");
        self.number(&plan["allowance"]);
        self.say(text(&plan["name"]));
        if !plan["roll_over_cap"].is_null() {
            self.number(&plan["roll_over_cap"]);
        }
    }

    fn buy_credits(&mut self) {
        let offers = self.own("/offers");
        if list(&offers["packages"]).is_empty() && !self.balance["resets_at"].is_null() {
            self.day(&self.balance["resets_at"].clone());
        }
        for offer in list(&offers["packages"]) {
            let (package, buys) = (&offer["package"], list(&offer["buys"]));
            if offer["not_for_sale"] == json!("dates") {
                continue;
            }
            self.say(text(&package["name"]));
            self.number(&package["credits"]);
            let has_bonus = package["bonus"] != json!(0);
            if has_bonus {
                self.change(&package["bonus"]);
            }
            if !package["expires_in_days"].is_null() {
                self.number(&package["expires_in_days"]);
            }
            if has_bonus && !package["bonus_expires_in_days"].is_null() {
                self.number(&package["bonus_expires_in_days"]);
            }
            for (place, left) in buys.iter().enumerate() {
                if place == 3 {
                    self.numbers.push((buys.len() - 3).to_string());
                }
                self.left(left);
            }
            if offer["not_for_sale"].is_null() {
                self.say(&money(&package["price"]));
            }
        }
    }

    fn usage(&mut self) {
        self.usage_from("");
    }

    fn usage_after(&mut self, entry: &str) {
        self.usage_from(&format!("&after={entry}"));
    }

    fn usage_from(&mut self, after: &str) {
        let today = self.now().timestamp().to_zoned(self.zone.rules()).date();
        let first = (0..29).fold(today, |day, _| day.yesterday().expect("a day before"));
        let midnight = |day: &str| Time::parse(day).expect("a time");
        let begins = |day: &dyn Fn() -> String| midnight(&day());
        let tomorrow = today.tomorrow().expect("a day after");
        let from = begins(&|| first.to_zoned(self.zone.rules()).expect("a midnight").timestamp().to_string());
        let to = begins(&|| tomorrow.to_zoned(self.zone.rules()).expect("a midnight").timestamp().to_string());
        let by_tool = self.own(&format!("/usage?by=tool&from={from}&to={to}"));
        self.number(&by_tool["total"]["credits"]);
        self.written(from, "%-d %b %Y");
        self.written(self.now(), "%-d %b %Y");
        let mut tools: Vec<&Value> = list(&by_tool["rows"]).iter().collect();
        tools.sort_by_key(|row| std::cmp::Reverse(millionths(&row["credits"])));
        if !tools.is_empty() {
            for row in &tools {
                self.name("tools", &row["tool"]);
                self.number(&row["credits"]);
            }
            let stacked = self.own(&format!("/usage?by=tool,day&from={from}&to={to}"));
            let rank =
                |row: &Value| tools.iter().position(|tool| tool["tool"] == row["tool"]).expect("a tool that was used");
            let mut bars: Vec<&Value> =
                list(&stacked["rows"]).iter().filter(|row| millionths(&row["credits"]) > 0).collect();
            bars.sort_by_key(|row| (text(&row["day"]).to_owned(), rank(row).min(5)));
            for bar in bars {
                let day = text(&bar["day"]).rsplit('-').next().expect("a day");
                self.numbers.push(day.trim_start_matches('0').to_owned());
                self.name("tools", &bar["tool"]);
                self.number(&bar["credits"]);
            }
            self.written(from, "%-d %b");
            self.written(self.now(), "%-d %b");
            for row in list(&self.own(&format!("/usage?by=day&from={from}&to={to}"))["rows"]) {
                let [year, _, day] = text(&row["day"]).split('-').collect::<Vec<_>>()[..] else { panic!("{row}") };
                self.say(&format!("{} {year}", day.trim_start_matches('0')));
                self.number(&row["charges"]);
                self.number(&row["credits"]);
            }
        }
        for tool in list(&self.catalog["tools"].clone()) {
            self.say(text(&tool["name"]));
        }
        let refunds = self.own("/entries?kind=refund&limit=1000");
        for entry in list(&self.own(&format!("/entries?limit=25{after}"))["entries"]) {
            self.line(entry, list(&refunds["entries"]));
        }
    }

    fn line(&mut self, entry: &Value, refunds: &[Value]) {
        let kind = text(&entry["kind"]);
        for of in ["tool", "plan", "package"] {
            let said = match kind {
                "order" | "claw_back" | "give_back" | "freeze" | "unfreeze" => of != "tool",
                "top_up" => of == "package",
                "refill" | "plan_change" => of == "plan",
                _ => of == "tool",
            };
            if said {
                self.name(&format!("{of}s"), &entry[of]);
            }
        }
        self.instant(&entry["at"]);
        self.say(text(&entry["reference"]));
        self.say(text(&entry["member"]));
        let held = matches!(kind, "hold" | "release" | "hold_expired" | "extend");
        match entry["credits"] == json!(0) {
            true if held => self.change(&entry["held"]),
            true if !entry["frozen"].is_null() => self.change(&entry["frozen"]),
            true if !entry["debt"].is_null() => self.change(&entry["debt"]),
            true if kind == "uncollected" => self.number(&entry["uncollected"]),
            _ => self.change(&entry["credits"]),
        }
        self.number(&entry["available_after"]);
        self.number(&entry["remaining_after"]);
        let (job, lots) = (matches!(kind, "settle" | "charge"), list(&entry["lots"]));
        let moves = |lot: &&Value| lot["credits"] != json!(0) || !lot["frozen"].is_null();
        let moved: Vec<&Value> = lots.iter().filter(moves).collect();
        if !job && moved.is_empty() && entry["reason"].is_null() {
            return;
        }
        if job && !entry["tool"].is_null() {
            self.arithmetic(entry);
        }
        for amount in ["price", "uncollected"] {
            if !entry[amount].is_null() {
                self.number(&entry[amount]);
            }
        }
        if !entry["debt"].is_null() {
            self.change(&entry["debt"]);
        }
        for lot in moved {
            if lot["credits"] != json!(0) {
                self.change(&lot["credits"]);
            }
            if !lot["frozen"].is_null() {
                self.change(&lot["frozen"]);
            }
        }
        self.say(text(&entry["reason"]));
        for refund in refunds.iter().filter(|refund| job && refund["charge"] == entry["charge"]) {
            self.instant(&refund["at"]);
            self.say(text(&refund["reason"]));
            if refund["credits"] != json!(0) || refund["debt"].is_null() {
                self.change(&refund["credits"]);
            }
            if !refund["debt"].is_null() {
                self.change(&refund["debt"]);
            }
        }
    }

    /// The formula with its numbers.
    fn arithmetic(&mut self, entry: &Value) {
        let measures = if entry["measures"].is_null() { json!({}) } else { entry["measures"].clone() };
        let job = json!({"tool": entry["tool"], "measures": measures, "catalog_version": entry["catalog_version"]});
        let quote = self.quote(&job);
        if quote["credits"] == entry["price"] {
            self.lines(&quote);
        }
    }

    fn lines(&mut self, quote: &Value) {
        for line in list(&quote["lines"]) {
            self.say(text(&line["text"]));
            self.number(&line["credits"]);
        }
    }

    fn prices(&mut self) {
        let tools = self.catalog["tools"].clone();
        let is_choice = |measure: &&Value| !measure["choices"].is_null();
        let choices = |tool: &Value| list(&tool["measures"]).iter().filter(is_choice).count();
        let has_table = |tool: &Value| choices(tool) == 1 && list(&tool["measures"]).len() > 2;
        let toolkits = self.catalog["toolkits"].clone();
        for toolkit in list(&toolkits) {
            self.say(text(&toolkit["name"]));
            for tool in list(&tools).iter().filter(|tool| tool["toolkit"] == toolkit["id"]) {
                self.say(text(&tool["name"]));
                if !has_table(tool) {
                    self.say(text(&tool["rate"]));
                }
            }
        }
        self.estimate(&tools);
        for tool in list(&tools).iter().filter(|tool| has_table(tool)) {
            self.table(tool);
        }
        let plans = self.own("/offers")["plans"].clone();
        let mut months: Vec<(Vec<&str>, &Value)> = Vec::new();
        for offer in list(&plans) {
            let name = text(&offer["plan"]["name"]);
            let same = months.iter_mut().find(|(_, month)| {
                month["plan"]["allowance"] == offer["plan"]["allowance"] && month["buys"] == offer["buys"]
            });
            match same {
                Some((names, _)) => names.push(name),
                None => months.push((vec![name], offer)),
            }
        }
        for (names, month) in &months {
            self.number(&month["plan"]["allowance"]);
            self.say(&names.join(" "));
        }
        for tool in list(&tools) {
            let bought = |month: &Value| list(&month["buys"]).iter().find(|left| left["tool"] == tool["tool"]).cloned();
            if months.iter().any(|(_, month)| bought(month).is_some()) {
                self.say(text(&tool["name"]));
            }
            for left in months.iter().filter_map(|(_, month)| bought(month)) {
                self.number(&left["quantity"]);
            }
        }
    }

    /// The estimator as it opens: ten of the first tool's one measure.
    fn estimate(&mut self, tools: &Value) {
        for tool in list(tools) {
            self.say(text(&tool["name"]));
        }
        let tool = &tools[0];
        assert_eq!(list(&tool["measures"]).len(), 1, "of both studios");
        let measure = text(&tool["measures"][0]["measure"]);
        self.number(&json!(10));
        let quote = self.quote(&json!({"tool": tool["tool"], "measures": {measure: 10}, "account": self.account}));
        self.number(&quote["credits"]);
        self.lines(&quote);
        let account = &quote["account"];
        if account["enabled"] == json!(true) {
            let affordable = account["affordable"] == json!(true);
            self.number(&account[if affordable { "available" } else { "short_by" }]);
        }
    }

    fn table(&mut self, tool: &Value) {
        self.say(text(&tool["name"]));
        self.say(text(&tool["rate"]));
        self.say(text(&tool["name"]));
        let measures = list(&tool["measures"]);
        let choice = measures.iter().find(|measure| !measure["choices"].is_null()).expect("a choice");
        let quantities: Vec<&str> = measures
            .iter()
            .filter(|measure| measure["choices"].is_null())
            .map(|measure| text(&measure["measure"]))
            .collect();
        for value in list(&choice["choices"]) {
            self.number(value);
        }
        for size in [512, 1024, 2048] {
            for _ in &quantities {
                self.number(&json!(size));
            }
            for value in list(&choice["choices"]) {
                let mut given = json!({text(&choice["measure"]): value});
                for quantity in &quantities {
                    given[*quantity] = json!(size);
                }
                let quote = self.quote(&json!({"tool": tool["tool"], "measures": given}));
                self.number(&quote["credits"]);
            }
        }
    }

    fn plan(&mut self) {
        let subscription = self.subscription.clone();
        if !subscription.is_null() {
            for at in [&subscription["cycle"]["start"], &subscription["cycle"]["end"], &subscription["term"]["end"]] {
                self.day(at);
            }
            for at in [&subscription["paid_until"], &subscription["ends_at"]] {
                if !at.is_null() {
                    self.day(at);
                }
            }
            if !subscription["ends_at"].is_null() || !subscription["next_plan"].is_null() {
                self.day(&subscription["term"]["end"]);
                self.allowance(&subscription["plan"]);
                if !subscription["next_plan"].is_null() {
                    self.allowance(&subscription["next_plan"]);
                }
            }
            if subscription["ends_at"].is_null() {
                if time(&subscription["cycle"]["start"]) <= time(&self.balance["at"]) {
                    let cancel = self.preview(&json!({"cancel": true}));
                    self.day(&cancel["effective_at"]);
                    self.number(&cancel["allowance"]);
                    let paid = &subscription["paid_until"];
                    if !paid.is_null() && time(paid) > time(&cancel["effective_at"]) {
                        self.day(paid);
                    }
                }
                for lot in list(&self.balance["lots"].clone()) {
                    self.number(&lot["remaining"]);
                    if !lot["expires_at"].is_null() {
                        self.day(&lot["expires_at"]);
                    }
                }
            }
        }
        for offer in list(&self.own("/offers")["plans"]) {
            let (plan, price) = (&offer["plan"], &offer["plan"]["price"]);
            self.number(&plan["allowance"]);
            self.say(&money(price));
            for left in list(&offer["buys"]).iter().take(5) {
                self.left(left);
            }
            let preview = self.preview(&json!({"plan": plan["plan"]}));
            let begins = time(&preview["effective_at"]);
            let past_due = subscription["state"] == json!("past_due");
            let sold = offer["for_sale"] == json!(true);
            assert_eq!(preview["when_paid"].is_object(), sold, "{}: {preview}", self.account);
            let paid = &subscription["paid_until"];
            let in_grace =
                subscription["state"] == json!("active") && !paid.is_null() && time(paid) <= time(&self.balance["at"]);
            if subscription["plan"] == plan["plan"] {
                if (past_due || in_grace) && sold {
                    self.paid(&preview);
                    self.say(&money(price));
                }
                continue;
            }
            let begins_paid = past_due && sold && preview["when_paid"]["subscription"]["plan"] == plan["plan"];
            if subscription["next_plan"] == plan["plan"] {
                self.day_ahead(begins);
                self.number(&preview["allowance"]);
            } else if !subscription.is_null() && !begins_paid && preview["subscription"]["next_plan"] == plan["plan"] {
                self.day_ahead(begins);
                self.number(&preview["allowance"]);
                self.number(&preview["balance"]["available"]);
                self.undoes(&preview["subscription"]);
                self.day(&preview["effective_at"]);
            } else if sold {
                self.paid(&preview);
                self.say(&money(price));
            }
        }
    }

    /// What paying for a plan does.
    fn paid(&mut self, preview: &Value) {
        let paid = &preview["when_paid"];
        let begins = &paid["subscription"]["cycle"]["start"];
        if paid["subscription"]["state"] == json!("active") {
            if time(begins) > time(&self.balance["at"]) {
                self.day(begins);
            } else if paid["grants"] != json!(0) {
                self.change(&paid["grants"]);
            }
        }
        let after = &paid["subscription"];
        let ends = match (&after["ends_at"], &after["next_plan"]) {
            (Value::Null, Value::Null) => &Value::Null,
            (Value::Null, _) => &after["term"]["end"],
            (ends, _) => ends,
        };
        if ends.is_null() || time(ends) > time(&after["cycle"]["end"]) {
            self.number(&preview["allowance"]);
        }
        if !ends.is_null() {
            self.day(ends);
        }
        self.number(&paid["balance"]["available"]);
        self.undoes(after);
    }

    /// What a change or a payment takes back.
    fn undoes(&mut self, after: &Value) {
        let before = self.subscription.clone();
        if before.is_null() {
            return;
        }
        if !before["ends_at"].is_null() && after["ends_at"].is_null() {
            self.day(&before["ends_at"]);
        }
        let (paid, then) = match (&before["paid_until"], &after["paid_until"]) {
            (Value::Null, _) if before["state"] == json!("past_due") => return,
            (Value::Null, _) => (&before["term"]["end"], &after["term"]["end"]),
            (paid, Value::Null) => (paid, &after["term"]["end"]),
            (paid, then) => (paid, then),
        };
        if time(then) < time(paid) {
            self.day(paid);
        }
    }

    /// What the API says that asking would do.
    fn preview(&self, asked: &Value) -> Value {
        let path = format!("/accounts/{}/subscription/preview", self.account);
        self.client().post(&path, "", &asked.to_string()).body
    }

    /// What a cycle of a plan of the catalog brings.
    fn allowance(&mut self, plan: &Value) {
        let plans = self.catalog["plans"].clone();
        let plan = list(&plans).iter().find(|other| other["plan"] == *plan).expect("the catalog has it");
        self.number(&plan["allowance"]);
    }

    fn settings(&mut self) {
        let account = self.own("");
        self.say(text(&account["name"]));
        self.say(text(&account["time_zone"]));
        let balance = self.balance.clone();
        self.number(&balance["available"]);
        for left in list(&balance["left"]) {
            self.say(text(&left["name"]));
            self.number(&left["quantity"]);
        }
        for kind in list(&self.catalog["project_types"].clone()) {
            self.say(text(&kind["name"]));
        }
        for offer in list(&self.own("/offers")["packages"]) {
            self.say(text(&offer["package"]["name"]));
            self.say(&money(&offer["package"]["price"]));
        }
        let top_up = self.own("/automatic-top-up");
        for field in ["below", "up_to", "per_day", "per_month"] {
            if !top_up[field].is_null() {
                self.number(&top_up[field]);
            }
        }
    }

    fn order(&mut self, order: &Value) {
        match text(&order["state"]) {
            "pending" => self.instant(&order["expires_at"]),
            "paid" | "won" => {
                self.number(&order["credits"]);
                if order["bonus"] != json!(0) {
                    self.number(&order["bonus"]);
                }
                self.number(&self.balance["available"].clone());
            }
            "refunded" | "lost" => self.number(&order["clawed_back"]),
            _ => {}
        }
        self.name(
            if order["package"].is_null() { "plans" } else { "packages" },
            match order["package"].is_null() {
                true => &order["plan"],
                false => &order["package"],
            },
        );
        if order["quantity"] != json!(1) {
            self.number(&order["quantity"]);
        }
        self.number(&order["credits"]);
        if order["bonus"] != json!(0) {
            self.number(&order["bonus"]);
        }
        self.say(&money(&order["price"]));
        self.instant(&order["placed_at"]);
        if !order["paid_at"].is_null() {
            self.instant(&order["paid_at"]);
        }
        self.say(text(&order["order"]));
    }
}
