//! The console: signing in, finding an account, every act with its preview, the catalog, keys, and what stays closed; each in all four
//! looks.

use serde_json::{Value, json};

use crate::compared::text;
use crate::looks::LOOKS;
use crate::world::World;

/// Every page of the console that an address alone leads to.
pub(crate) const PAGES: &[&str] = &[
    "/console",
    "/console?days=1",
    "/console/accounts",
    "/console/accounts?search=o",
    "/console/accounts?search=nobody-at-all",
    "/console/accounts/otto",
    "/console/accounts/tile-works?show=jobs",
    "/console/accounts/otto/grant",
    "/console/accounts/otto/refund?of=charge_5",
    "/console/accounts/otto/release?of=hold_5",
    "/console/accounts/otto/plan",
    "/console/accounts/paula/cancel-plan",
    "/console/accounts/paula/keep-plan",
    "/console/accounts/otto/visit",
    "/console/accounts/otto/write-off",
    "/console/accounts/otto/mark-paid?of=order_2",
    "/console/holds",
    "/console/holds?show=stuck",
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

/// A wide window and a telephone, by day and by night.
pub(crate) const WINDOWS: [(u32, &str); 4] = [(1280, "light"), (360, "dark"), (1280, "dark"), (360, "light")];

impl World {
    /// Signs in with a studio's key.
    pub(crate) fn sign_in(&self, studio: &str) {
        self.browser.go(&self.at("/console/sign-in"));
        self.fill("#key", &self.server.key(studio));
        self.browser.click("form button");
        self.browser.find_text("What accounts have now");
    }

    /// Fills an act's form that is open, looks at what it says it will do, and does it.
    pub(crate) fn act(&self, fields: &[(&str, &str)], says: &str, done: &str) {
        for (selector, text) in fields {
            self.fill(selector, text);
        }
        self.browser.click("form.form button");
        self.browser.find_text("This will happen");
        self.browser.find_text(says);
        assert_eq!(self.faults(), Vec::<String>::new(), "{says}");
        self.keep_look("act-preview");
        self.browser.click("form.actions button");
        self.browser.find_text(done);
        assert_eq!(self.faults(), Vec::<String>::new(), "{done}");
    }

    /// Keeps a picture of the page in the look that it has, named by its address.
    fn keep_look(&self, name: &str) {
        let look = self
            .browser
            .value("return innerWidth + (matchMedia('(prefers-color-scheme: dark)').matches ? '-dark' : '-light')");
        let path = self.browser.value("return location.pathname.replaceAll('/', '-')");
        self.browser.keep_whole_picture(&format!("{name}{}-{}", text(&path), text(&look)));
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
        world.keep_look("at");
        faults.extend(world.faults().into_iter().map(|fault| format!("sign-in {width} {scheme}: {fault}")));
    }
    // What a provider delivered is looked at with rows in it.
    world.enter("studiotwin", "otto", "?page=buy-credits");
    world.buy("medium", "4242424242424242");
    world.browser.find_text("500 credits are in your account.");
    world.post("studiotwin", "/accounts/otto/orders", "looked-at", r#"{"package": "small"}"#);
    world.sign_in("studiotwin");
    world.browser.go(&world.at("/console/payments"));
    world.browser.find_text("500 credits");
    for page in PAGES {
        for (width, scheme) in LOOKS {
            world.look(*width, scheme);
            world.browser.go(&world.at(page));
            let query = page.split_once('?').map_or("", |(_, query)| query);
            world.keep_look(&format!("page-{query}"));
            faults.extend(world.faults().into_iter().map(|fault| format!("{page} {width} {scheme}: {fault}")));
        }
    }
    assert!(faults.is_empty(), "{}", faults.join("\n"));
}

#[test]
fn credits_are_granted_with_a_preview_and_a_reason_and_once() {
    let world = World::start();
    world.sign_in("studiotwin");
    for (place, (width, scheme)) in WINDOWS.into_iter().enumerate() {
        let place = i64::try_from(place).expect("a few looks");
        let (before, after) = (5 + 25 * place, 30 + 25 * place);
        world.look(width, scheme);
        world.browser.go(&world.at("/console/accounts?search=otto"));
        world.browser.click("td a");
        assert_eq!(world.browser.text("#available"), before.to_string());
        world.browser.click("a[href$='/grant']");
        world.fill("#credits", "25");
        world.fill("#reason", &format!("a frame that was black, {place}"));
        world.browser.click("form.form button");
        world.browser.find_text("Gives 25 promotional credits, with no end.");
        assert_eq!(world.browser.text("#available"), after.to_string(), "what is shown is what will be");
        assert_eq!(world.faults(), Vec::<String>::new());
        let available = || world.get("studiotwin", "/accounts/otto/balance")["available"].clone();
        assert_eq!(available(), json!(before), "nothing has happened yet");
        world.browser.click("form.actions button");
        world.browser.find_text("Granted 25 credits.");
        assert_eq!(world.browser.text("#available"), after.to_string());
        // The last page sent again gives the first answer again.
        world.browser.run("location.reload()", &json!([]));
        world.browser.find_text("This was done already, and nothing was done now.");
        world.browser.find_text("Granted 25 credits.");
        assert_eq!(world.browser.text("#available"), after.to_string());
        assert_eq!(world.faults(), Vec::<String>::new());
        world.keep_look("done-before");
        assert_eq!(available(), json!(after));
        // It stands in the trail, with the reason and the key.
        world.browser.go(&world.at("/console/audit"));
        world.browser.find_text(&format!("a frame that was black, {place}"));
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
            "Gives 12 credits of a job without a tool back.",
            "Gave 12 credits back.",
        );
        available(72);
        world.browser.go(&page);
        world.browser.click("a[href*='/release?of=']");
        world.act(
            &[("#reason", "the job is gone")],
            "Frees 10 held credits of a job without a tool, stuck; it can charge nothing any more.",
            "Freed 10 held credits.",
        );
        available(82);
        world.browser.go(&page);
        world.browser.click("a[href*='/revoke?of=']");
        world.act(
            &[("#credits", "2"), ("#reason", "too many")],
            "Takes 2 promotional credits back.",
            "Took 2 credits back.",
        );
        available(80);
        world.browser.go(&world.at("/console/orders?show=pending"));
        world.browser.click(&format!("a[href*='/{account}/mark-paid']"));
        world.act(
            &[("#reason", "invoice 7")],
            "as paid: 100 credits at once.",
            "The order of 100 credits is paid: 100 credits.",
        );
        available(180);
        world.browser.go(&page);
        world.browser.click("a[href$='/plan']");
        world.act(
            &[("#plan", "starter"), ("#reason", "agreed by telephone")],
            "500 credits are granted now.",
            "The plan is Starter.",
        );
        available(680);
        world.browser.go(&page);
        world.browser.click("a[href$='/cancel-plan']");
        world.act(&[("#reason", "they asked")], "What is left of them ends with it", "The plan Starter ends on ");
        let ends = || world.get("studiotwin", &format!("/accounts/{account}/subscription"))["ends_at"].clone();
        assert!(ends().is_string());
        // Gone back to and confirmed again, it changes nothing.
        world.browser.go(&page);
        world.browser.click("a[href$='/keep-plan']");
        world.act(
            &[("#reason", "they stay")],
            "The plan Starter goes on, with 500 credits each cycle.",
            "The plan is Starter.",
        );
        assert_eq!(ends(), Value::Null);
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
            acts.as_array().into_iter().flatten().filter_map(|act| act["reason"].as_str()).take(7).collect();
        let expected = [
            "a mistake of ours",
            "they stay",
            "they asked",
            "agreed by telephone",
            "too many",
            "the job is gone",
            "black frames",
        ];
        assert_eq!(reasons, expected);
        // The customer's own pages, as the customer sees them.
        world.browser.go(&page);
        world.browser.click("a[href$='/visit']");
        world.fill("#reason", "they see no job");
        assert_eq!(world.faults(), Vec::<String>::new());
        world.browser.click("form.form button");
        world.browser.find(".pill");
        let look = world.get("studiotwin", "/audit?limit=1")["acts"][0].clone();
        assert_eq!((&look["act"], &look["reason"]), (&json!("portal_opened"), &json!("they see no job")));
        assert!(world.browser.address().starts_with(&world.at("/dashboard")), "{}", world.browser.address());
    }
}

/// Of a plan's order: what comes each cycle, and what of it comes at once.
#[test]
fn a_plans_order_is_marked_as_paid_and_says_what_comes_at_once() {
    let world = World::start();
    world.sign_in("studiotwin");
    for (place, (width, scheme)) in WINDOWS.into_iter().enumerate() {
        let account = format!("plans-{place}");
        world.put("studiotwin", &format!("/accounts/{account}"), r#"{"name": "Plans"}"#);
        world.look(width, scheme);
        for (plan, says, done) in [
            ("starter", "At once: 500 credits.", "The order of Starter is paid: 500 credits came at once."),
            // The larger plan adds what the smaller one did not bring in this cycle.
            ("studio", "At once: 2,000 credits.", "The order of Studio is paid: 2,000 credits came at once."),
        ] {
            let order = world.post(
                "studiotwin",
                &format!("/accounts/{account}/orders"),
                plan,
                &format!("{{\"plan\": \"{plan}\"}}"),
            );
            assert_eq!(order.status, 201, "{order:?}");
            world.browser.go(&world.at("/console/orders?show=pending"));
            world.browser.find_text(" a cycle");
            world.browser.click(&format!("a[href*='/{account}/mark-paid']"));
            world.act(&[("#reason", "invoice 8")], says, done);
        }
        let balance = world.get("studiotwin", &format!("/accounts/{account}/balance"));
        assert_eq!(balance["available"], json!(2_500), "{balance}");
    }
}

#[test]
fn a_catalog_is_checked_before_it_is_published_or_scheduled() {
    let world = World::start();
    world.sign_in("studiotwin");
    for (place, (width, scheme)) in WINDOWS.into_iter().enumerate() {
        world.look(width, scheme);
        let in_force = (2 * place).max(1);
        // The editor opens with the newest version, which is not in force yet.
        world.browser.go(&world.at("/console/catalog"));
        world.browser.find("#source");
        if place > 0 {
            world.browser.find_text(&format!("This is the document of version {}, which is scheduled", 2 * place + 1));
            world.keep_look("newest");
        }
        world.browser.go(&world.at(&format!("/console/catalog/{in_force}")));
        world.browser.find_text(&format!("This is the document of version {in_force}, which is in force."));
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
        world.keep_look("refused");
        replace("[toolkits.motion", "[toolkits.motion]");
        check();
        world.browser.find_text(&format!(
            "This is version {in_force}, which is in force: publishing it again would change nothing."
        ));
        world.browser.find_text("examples come out as written.");
        let price = ["5.00 USD", "5.50 USD", "6.00 USD", "6.50 USD", "7.00 USD"];
        replace(&format!("price = \"{}\"", price[place]), &format!("price = \"{}\"", price[place + 1]));
        check();
        world
            .browser
            .find_text(&format!("In force at once, when it is published, in the place of version {in_force}."));
        world.browser.find_text(&format!("{} → {}", price[place], price[place + 1]));
        // What is scheduled already takes the price back, and says so.
        if place > 0 {
            world.browser.find_text(&format!("Version {} is scheduled already: it takes over on 1 Mar", 2 * place + 1));
            world.browser.find_text(&format!("{} → {}", price[place + 1], price[place]));
        }
        assert_eq!(world.faults(), Vec::<String>::new());
        world.keep_look("checked");
        world.fill("#reason", "costs have risen");
        world.browser.click("#reason ~ .actions button");
        world.browser.find_text(&format!("Published, version {}", 2 * place + 2));
        assert_eq!(world.faults(), Vec::<String>::new());
        // What is checked with a time ahead waits for it.
        replace("name = \"Motion Toolkit\"", &format!("name = \"Motion {place}\""));
        world.fill("#from", &format!("20{}1-03-01T00:00", 4 + place));
        check();
        let before = if place == 0 { 2 } else { 2 * place + 1 };
        world
            .browser
            .find_text(&format!("In force from 1 Mar 20{}1, 00:00, in the place of version {before}.", 4 + place));
        world.fill("#reason", "the name, from spring on");
        world.browser.click("#reason ~ .actions button");
        world.browser.find_text(&format!("Scheduled, version {}", 2 * place + 3));
        let versions = world.get("studiotwin", "/catalog/versions")["versions"].clone();
        assert_eq!((&versions[0]["in_force"], &versions[1]["in_force"]), (&json!(false), &json!(true)), "{versions}");
        let acts = world.get("studiotwin", "/audit?limit=2")["acts"].clone();
        let why = [&acts[0]["reason"], &acts[1]["reason"]];
        assert_eq!(why, [&json!("the name, from spring on"), &json!("costs have risen")]);
        world.browser.go(&world.at(&format!("/console/catalog/{}", 2 * place + 3)));
        world.browser.find_text("This is the document of version");
    }
}

/// A key comes as a file; no page has it, and revoking it is asked twice.
#[test]
fn keys_are_made_into_a_file_and_revoked() {
    let world = World::start();
    world.sign_in("studiotwin");
    for (width, scheme) in WINDOWS {
        world.look(width, scheme);
        world.browser.go(&world.at("/console/keys"));
        let before = world.get("studiotwin", "/keys")["keys"].as_array().expect("keys").len();
        world.fill("#role", "support");
        world.fill("#reason", "Bo, who answers customers");
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
        assert!(keys[0]["created_by"].as_str().is_some_and(|by| by.starts_with("key_")), "{keys}");
        world.browser.go(&world.at("/console/keys"));
        world.browser.find_text("Bo, who answers customers");
        assert_eq!(world.faults(), Vec::<String>::new());
        world.keep_look("made");
        world.browser.click(&format!("a[href$='/{id}/revoke']"));
        world.browser.find_text("opens nothing any more");
        assert_eq!(world.faults(), Vec::<String>::new());
        let page = world.browser.run("return document.documentElement.outerHTML", &json!([]));
        assert!(!text(&page).contains(secret.trim()) && !text(&page).contains(&key), "no page has a secret");
        world.keep_look("revoke");
        world.fill("#reason", "Bo has left");
        world.browser.click("button.danger");
        world.browser.find_text("Revoked");
        let act = world.get("studiotwin", "/audit?limit=1")["acts"][0].clone();
        assert_eq!((&act["act"], &act["reason"]), (&json!("key_revoked"), &json!("Bo has left")));
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
    // A refusal has the menu around it.
    world.browser.find("nav.rooms a[href='/console/accounts']");
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

/// A first visit is under 60 kB as it travels, whichever page it begins with, and nothing moves once it is there.
#[test]
fn a_first_page_of_the_console_is_light_and_stands_still() {
    let world = World::start();
    world.sign_in("studiotwin");
    for (width, scheme) in [(1280, "light"), (360, "dark")] {
        world.look(width, scheme);
        for page in PAGES.iter().chain(&["/console/sign-in"]) {
            let (bytes, moved) = world.weighed(page);
            println!("{width} {page}: {bytes} bytes as they travel");
            assert!(bytes > 8_000, "else nothing was measured: {page} {bytes}");
            assert!(bytes < 60_000, "{page}: {bytes} bytes");
            assert_eq!(moved, Vec::<String>::new(), "{page}: nothing moved");
        }
    }
}
