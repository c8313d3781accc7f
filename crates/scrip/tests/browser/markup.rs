//! What pages are made of: nothing inline, nothing alive that somebody stored, nothing done for another site; and how
//! numbers and times are written for different people. No browser is needed for that.

use serde_json::json;

use crate::reading::Still;

/// Every page that stands by itself.
pub(crate) const PAGES: &[&str] = &[
    "/dashboard",
    "/dashboard/buy-credits",
    "/dashboard/usage",
    "/dashboard/prices",
    "/dashboard/plan",
    "/dashboard/settings",
];

/// Markup that would be seen if it were alive.
pub(crate) const HOSTILE: &str =
    "<img src=x onerror=\"document.title='alive'\"><script>document.title='alive'</script>'\"&";

/// A catalog whose every name begins with it.
pub(crate) fn hostile(catalog: &str) -> String {
    let name = HOSTILE.replace('\\', "\\\\").replace('"', "\\\"");
    let line = |line: &str| match line.split_once("name = \"") {
        Some(("", rest)) => format!("name = \"{name}{rest}\n"),
        _ => format!("{line}\n"),
    };
    catalog.lines().map(line).collect()
}

/// What the policy would refuse in any case is not there at all, on good pages and on bad ones.
#[test]
fn nothing_stands_inline() {
    let still = Still::start();
    let token = still.token("studiotwin", "tile-works");
    let others =
        ["/dashboard/nothing-here", "/dashboard/orders/order_0", "/dashboard/prices?tool=text-to-material&width=0"];
    for (path, token) in PAGES.iter().chain(&others).map(|path| (*path, token.as_str())).chain([("/dashboard", "")]) {
        let page = still.page(token, path);
        let policy = "content-security-policy: default-src 'none'; style-src 'self'; script-src 'self'; img-src 'self'; \
                      connect-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'\r\n";
        assert!(page.head.contains(policy), "{path}: {}", page.head);
        for head in
            ["x-frame-options: deny", "referrer-policy: same-origin", "x-content-type-options: nosniff", "no-store"]
        {
            assert!(page.head.contains(head), "{path}: {head}: {}", page.head);
        }
        for tag in page.text.split('<').skip(1).filter_map(|rest| rest.split_once('>')).map(|(tag, _)| tag) {
            let names = tag.split(' ').skip(1).filter_map(|attribute| attribute.split_once('='));
            for (name, _) in names {
                assert!(!name.starts_with("on") && name != "style", "{path}: <{tag}>");
            }
            assert!(!tag.starts_with("style"), "{path}: <{tag}>");
            assert!(!tag.starts_with("script") || tag.contains(" src="), "{path}: <{tag}>");
        }
        assert!(!page.text.contains("sk_"), "{path}: a secret key");
        assert!(token.is_empty() || !page.text.contains(token), "{path}: the token");
    }
}

/// Whatever a studio or its customer can name, refer to or give a reason with.
#[test]
fn what_was_stored_is_never_alive() {
    let still = Still::start();
    let catalog = hostile(include_str!("../../../../catalogs/studiotwin.toml"));
    still.publish("studiotwin", &catalog);
    let key = |what: &str| format!("hostile-{what}");
    let account = "/accounts/otto";
    let put = still.server.client(still.key("studiotwin")).put(account, &json!({"name": HOSTILE}).to_string());
    assert_eq!(put.status, 200, "{put:?}");
    let grant = json!({"credits": 5_000, "class": "promo", "reason": HOSTILE, "expires_at": "2099-01-01T00:00:00Z"});
    let lot = still.post("studiotwin", &format!("{account}/grants"), &key("grant"), &grant)["lot"].clone();
    let job = json!({"tool": "motion-edit", "reference": HOSTILE, "member": HOSTILE});
    still.post("studiotwin", &format!("{account}/holds"), &key("hold"), &job);
    let held = still.post("studiotwin", &format!("{account}/holds"), &key("freed"), &job)["hold"].clone();
    let release = format!("{account}/holds/{}/release", held.as_str().expect("a hold"));
    still.post("studiotwin", &release, &key("release"), &json!({"reason": HOSTILE}));
    let charge = still.post("studiotwin", &format!("{account}/charges"), &key("charge"), &job)["charge"].clone();
    let refunds = format!("{account}/charges/{}/refunds", charge.as_str().expect("a charge"));
    still.post("studiotwin", &refunds, &key("refund"), &json!({"credits": 2, "reason": HOSTILE}));
    let revoke = format!("{account}/lots/{}/revoke", lot.as_str().expect("a lot"));
    still.post("studiotwin", &revoke, &key("revoke"), &json!({"credits": 1, "reason": HOSTILE}));
    let order = still.post("studiotwin", &format!("{account}/orders"), &key("order"), &json!({"package": "small"}));
    let order = format!("/dashboard/orders/{}", order["order"].as_str().expect("an order"));
    let token = still.token("studiotwin", "otto");
    let search = "/dashboard/usage?show=%3Cscript%3Ealive&from=%22%3E%3Cscript%3Ealive&tool=%22%3E%3Cscript%3Ealive&after=%3Cscript%3E";
    let estimate = "/dashboard/prices?tool=text-to-material&width=%22%3E%3Cscript%3Ealive&upscale=%3Cscript%3Ealive";
    let short = "/dashboard/buy-credits?short_by=%3Cscript%3Ealive";
    for path in PAGES.iter().copied().chain([order.as_str(), search, estimate, short]) {
        let page = still.page(&token, path);
        assert!(page.status == 200, "{path}: {}", page.status);
        for alive in ["<img", "<script>", "=\"document.title", "='alive'"] {
            assert!(!page.text.contains(alive), "{path}: {alive}");
        }
        assert!(
            page.text.contains("&#60;img src=x") || page.text.contains("&lt;img src=x"),
            "{path}: it is shown as it is"
        );
    }
    // A file that a spreadsheet opens: what begins like a formula is none.
    let formula = json!({"tool": "motion-edit", "reference": "=HYPERLINK(\"http://evil.example\")"});
    still.post("studiotwin", &format!("{account}/charges"), &key("formula"), &formula);
    let file = still.page(&token, "/dashboard/usage.csv");
    assert!(file.head.contains("content-type: text/csv"), "{}", file.head);
    assert!(!file.text.contains(",=HYPERLINK") && !file.text.contains("\"=HYPERLINK"), "{}", file.text);
}

/// Another site's page, another customer's page, and no page at all: nothing is done.
#[test]
fn nobody_else_can_act_for_a_customer() {
    let still = Still::start();
    let token = still.token("flow-studio", "mia");
    let hidden = |token: &str, name: &str| {
        let page = still.page(token, "/dashboard/plan").text;
        let (_, rest) = page.split_once(&format!("name=\"{name}\" value=\"")).expect("a form");
        rest.split_once('"').expect("it ends").0.to_owned()
    };
    let seal = |token: &str| hidden(token, "seal");
    let (own, others) = (seal(&token), seal(&still.token("flow-studio", "bruno")));
    let standing = || still.get("flow-studio", "/accounts/mia/subscription");
    let before = standing();
    let site = |origin: &str| format!("origin: {origin}\r\n");
    for (path, fields) in [
        ("/dashboard/plan/cancel", ""),
        ("/dashboard/plan", "&plan=lite"),
        ("/dashboard/settings", "&name=Eve"),
        ("/dashboard/settings/project-types", "&types=0"),
        ("/dashboard/settings/top-up", "&package=small&below=1&enabled=1"),
        ("/dashboard/orders", "&plan=lite&once=0123456789abcdef"),
        ("/dashboard/leave", ""),
    ] {
        for (heads, sealed) in [
            (String::new(), String::new()),
            (String::new(), "seal=".to_owned()),
            (String::new(), format!("seal={others}")),
            (site("https://evil.example"), format!("seal={own}")),
            (site("null"), format!("seal={own}")),
            ("sec-fetch-site: cross-site\r\n".to_owned(), format!("seal={own}")),
        ] {
            let page = still.fill(&token, path, &heads, &format!("{sealed}{fields}"));
            assert_eq!(page.status, 403, "{path} {heads}{sealed}");
        }
        let page = still.fill("", path, "", &format!("seal={own}{fields}"));
        assert_eq!(page.status, 401, "{path} without a session");
    }
    assert_eq!(standing(), before);
    let fields = format!("seal={own}&mark={}", hidden(&token, "mark"));
    let cancelled = still.fill(&token, "/dashboard/plan/cancel", &site("http://127.0.0.1"), &fields);
    assert_eq!(cancelled.status, 303, "its own page may: {}", cancelled.text);
    assert_ne!(standing(), before);
}

/// Who leaves is led back to where they came from: at another address by a page, because a browser holds a form's redirect
/// against the policy; and nowhere that is not listed.
#[test]
fn who_leaves_is_led_back() {
    let still = Still::start();
    let token = still.token("flow-studio", "mia");
    let seal = still.page(&token, "/dashboard/plan").text;
    let (_, seal) = seal.split_once("name=\"seal\" value=\"").expect("a form");
    let seal = seal.split_once('"').expect("it ends").0.to_owned();
    for (back, status, leads) in [
        ("/studio/7", 303, "location: /studio/7"),
        (
            "https://app.example/project?shot=7&take=2",
            200,
            "content=\"0;url=https://app.example/project?shot=7&#38;take=2\"",
        ),
        ("https://evil.example/", 303, "location: /dashboard\r"),
        ("", 303, "location: /dashboard\r"),
    ] {
        let cookie = format!("cookie: scrip_back={back}\r\n");
        let left = still.fill(&token, "/dashboard/leave", &cookie, &format!("seal={seal}"));
        assert_eq!(left.status, status, "{back}: {}", left.text);
        assert!(format!("{}\r\n{}", left.head, left.text).contains(leads), "{back}: {} {}", left.head, left.text);
        for gone in ["set-cookie: scrip_customer=; max-age=0", "set-cookie: scrip_back=; max-age=0"] {
            assert!(left.head.contains(gone), "{back}: {}", left.head);
        }
        assert!(!left.text.contains("evil"), "{back}");
    }
}

/// Each way of filtering shows what the API's own filter lets through, page by page and as a file.
#[test]
fn filters_are_those_of_the_api() {
    let still = Still::start();
    let token = still.token("studiotwin", "tile-works");
    let entries = |filter: &str| still.get("studiotwin", &format!("/accounts/tile-works/entries?limit=25{filter}"));
    for (show, filter) in [
        ("show=all", ""),
        ("show=jobs", "&kind=settle,charge,refund,debt,uncollected"),
        (
            "show=credits",
            "&kind=refill,grant,top_up,roll_over,expiry,revoke,claw_back,give_back,freeze,unfreeze,debt_repaid",
        ),
        ("show=orders", "&kind=order,top_up,automatic_top_up,saved_method,billing,claw_back,give_back,freeze,unfreeze"),
        ("tool=text-to-material", "&tool=text-to-material"),
        ("from=2999-01-01", "&from=2999-01-01T00:00:00Z"),
    ] {
        let entries = entries(filter);
        let page = still.page(&token, &format!("/dashboard/usage?{show}"));
        assert_eq!(page.status, 200, "{show}");
        let lines = entries["entries"].as_array().expect("entries").len();
        assert_eq!(page.text.matches("<span class=\"what\">").count(), lines, "{show}");
        match entries["next"].as_str() {
            Some(next) => assert!(page.text.contains(&format!("?{show}&#38;after={next}\"")), "{show}: earlier lines"),
            None => assert!(!page.text.contains("after="), "{show}: there are no earlier lines"),
        }
        let file = still.page(&token, &format!("/dashboard/usage.csv?{show}")).text;
        assert!(file.lines().count() > lines, "{show}: {file}");
        assert_eq!(file.matches("entry,at,kind,").count(), 1, "{show}");
    }
}

/// A session ends by its own time, and says so.
#[test]
fn a_session_that_has_ended_says_so() {
    let still = Still::start();
    let token = still.token("flow-studio", "mia");
    assert_eq!(still.page(&token, "/dashboard").status, 200);
    let now = still.get("flow-studio", "/accounts/mia/balance")["at"].as_str().expect("a time").to_owned();
    let now = scrip_core::time::Time::parse(&now).expect("a time");
    still.post("flow-studio", "/test-clock", "move", &json!({"now": now.plus_seconds(3_600).to_string()}));
    for path in PAGES {
        let page = still.page(&token, path);
        assert_eq!(page.status, 401, "{path}");
        assert!(page.text.contains("Your visit has ended"), "{path}");
    }
}

/// Amounts and times as the customer writes them, in the account's own zone.
#[test]
fn amounts_and_times_are_the_customers() {
    let still = Still::start();
    let grant = json!({"credits": 1_234.5, "class": "promo", "reason": "thanks", "expires_at": "2099-07-04T03:04:00Z"});
    still.post("flow-studio", "/accounts/mia/grants", "zone", &grant);
    for (zone, languages, amount, expires) in [
        ("Europe/Copenhagen", "en-GB,en;q=0.9", "1,234.5", "4 Jul 2099, 05:04"),
        ("America/New_York", "en-US,en;q=0.9", "1,234.5", "Jul 3, 2099, 11:04 PM"),
        ("Asia/Kolkata", "de-DE,de;q=0.9,en;q=0.8", "1.234,5", "4 Jul 2099, 08:34"),
        ("Asia/Tokyo", "fr", "1\u{202f}234,5", "4 Jul 2099, 12:04"),
    ] {
        let client =
            still.server.client(still.key("flow-studio")).put("/accounts/mia", &json!({"time_zone": zone}).to_string());
        assert_eq!(client.status, 200, "{client:?}");
        let page = still.page_in(&still.token("flow-studio", "mia"), "/dashboard", languages).text;
        for shown in [format!("<strong>{amount}</strong>"), expires.to_owned(), zone.to_owned()] {
            assert!(page.contains(&shown), "{languages} in {zone}: {shown}");
        }
    }
}

/// No script reads the cookie, no other site's form sends it, it ends with the session, and where customers come over HTTPS it
/// travels by nothing else.
#[test]
fn the_cookies_are_kept_close() {
    for (public_url, secure) in [("http://127.0.0.1", ""), ("https://credits.example", "; secure")] {
        let still = Still::reached_at(public_url);
        let session = still.post("flow-studio", "/accounts/mia/portal-sessions", "", &json!({"expires_in": 600}));
        let token = session["token"].as_str().expect("a token");
        let ends = scrip_core::time::Time::parse(session["expires_at"].as_str().expect("an instant")).expect("a time");
        let ends = ends.timestamp().strftime("%a, %d %b %Y %H:%M:%S GMT").to_string().to_ascii_lowercase();
        let entered = still.page("", &format!("/portal/{token}?back=/project"));
        assert_eq!(entered.status, 303, "{public_url}");
        let cookies = |head: &str| -> Vec<String> {
            head.lines().filter_map(|line| line.strip_prefix("set-cookie: ")).map(str::to_owned).collect()
        };
        let close = format!("; path=/; httponly; samesite=lax{secure}");
        let expected = [("scrip_customer", token), ("scrip_back", "/project")]
            .map(|(name, value)| format!("{name}={}; expires={ends}{close}", value.to_ascii_lowercase()));
        assert_eq!(cookies(&entered.head), expected, "{public_url}");
        let page = still.page(token, "/dashboard/settings");
        assert_eq!(cookies(&page.head), Vec::<String>::new(), "once is enough");
        let (_, seal) = page.text.split_once("name=\"seal\" value=\"").expect("a form");
        let seal = seal.split_once('"').expect("it ends").0;
        let left = still.fill(token, "/dashboard/leave", "", &format!("seal={seal}"));
        let gone = ["scrip_customer", "scrip_back"].map(|name| format!("{name}=; max-age=0{close}"));
        assert_eq!((left.status, cookies(&left.head)), (303, gone.to_vec()), "{public_url}");
    }
}
