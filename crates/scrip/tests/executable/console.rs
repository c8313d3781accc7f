//! The console over HTTP, as a browser without scripts would use it: who is let in, for how long, and what each role may do.

use std::io::{Read, Write};
use std::net::TcpStream;

use serde_json::json;

use crate::provider::{Ground, SECRET};
use crate::support::{Server, succeed};

/// When the servers' clocks begin.
const START: &str = "2026-01-31T10:00:00Z";

/// Somebody with a browser.
struct Visitor<'a> {
    server: &'a Server,
    /// The session's cookie, as in `scrip_console=cs_…`; empty: none.
    cookie: String,
}

/// A page, or another answer.
struct Page {
    status: u16,
    head: String,
    text: String,
}

impl Page {
    fn header(&self, name: &str) -> Option<&str> {
        self.head.lines().find_map(|line| {
            let (other, value) = line.split_once(": ")?;
            other.eq_ignore_ascii_case(name).then_some(value)
        })
    }

    /// The value of the page's hidden field.
    fn hidden(&self, name: &str) -> String {
        let field = format!("name=\"{name}\" value=\"");
        let (_, rest) = self.text.split_once(&field).unwrap_or_else(|| panic!("no {name}: {}", self.text));
        rest.split('"').next().expect("a value ends").to_owned()
    }

    #[track_caller]
    fn leads_to(&self, place: &str) {
        assert_eq!((self.status, self.header("location")), (303, Some(place)), "{}", self.text);
    }

    #[track_caller]
    fn says(&self, status: u16, words: &str) {
        assert_eq!(self.status, status, "{}", self.text);
        assert!(self.text.contains(words), "{words}: {}", self.text);
    }
}

impl<'a> Visitor<'a> {
    fn new(server: &'a Server) -> Visitor<'a> {
        Visitor { server, cookie: String::new() }
    }

    /// One with a session.
    fn signed_in(server: &'a Server, secret: &str) -> Visitor<'a> {
        let mut visitor = Visitor::new(server);
        let page = visitor.sign_in(secret);
        page.leads_to("/console");
        visitor.cookie = page.header("set-cookie").expect("a cookie").split(';').next().expect("a pair").to_owned();
        visitor
    }

    fn sign_in(&self, secret: &str) -> Page {
        self.send("POST", "/console/sign-in", &[], &[("key", secret)])
    }

    fn get(&self, path: &str) -> Page {
        self.send("GET", path, &[], &[])
    }

    /// Sends a form of this session.
    fn post(&self, path: &str, fields: &[(&str, &str)]) -> Page {
        let seal = self.get("/console").hidden("seal");
        let fields: Vec<_> = fields.iter().copied().chain([("seal", seal.as_str()), ("once", "form")]).collect();
        self.send("POST", path, &[], &fields)
    }

    fn send(&self, method: &str, path: &str, headers: &[(&str, &str)], fields: &[(&str, &str)]) -> Page {
        let form: Vec<_> = fields.iter().map(|(name, value)| format!("{name}={}", escaped(value))).collect();
        let (form, host) = (form.join("&"), &self.server.address);
        let mut head = format!("{method} {path} HTTP/1.1\r\nhost: {host}\r\nconnection: close\r\n");
        if !self.cookie.is_empty() {
            head += &format!("cookie: {}\r\n", self.cookie);
        }
        for (name, value) in headers {
            head += &format!("{name}: {value}\r\n");
        }
        if method == "POST" {
            let length = form.len();
            head += &format!("content-type: application/x-www-form-urlencoded\r\ncontent-length: {length}\r\n");
        }
        let mut stream = TcpStream::connect(host).expect("the server accepts");
        stream.write_all(format!("{head}\r\n{form}").as_bytes()).expect("it takes a request");
        let mut answer = String::new();
        stream.read_to_string(&mut answer).expect("it answers");
        let (head, text) = answer.split_once("\r\n\r\n").expect("a head");
        let status = head.split(' ').nth(1).and_then(|status| status.parse().ok()).expect("a status");
        Page { status, head: head.to_owned(), text: text.to_owned() }
    }
}

fn escaped(text: &str) -> String {
    text.bytes().map(|byte| format!("%{byte:02X}")).collect()
}

/// A server whose clock stands still, with an account that has 100 credits, a charge of 30 of them, a hold of 10, a debt and an
/// order that waits.
struct World {
    folder: tempfile::TempDir,
    server: Server,
    admin: String,
}

impl World {
    fn start() -> World {
        let folder = tempfile::tempdir().unwrap();
        let server = Server::start(&folder.path().join("data"), &["--test-clock", START]);
        let admin = server.key("studiotwin");
        let mut api = server.client(&admin);
        api.put("/accounts/ada", r#"{"name": "Ada"}"#);
        let post = [
            ("grants", r#"{"credits": 100, "class": "top_up", "reason": "start"}"#),
            ("charges", r#"{"credits": 30}"#),
            ("holds", r#"{"credits": 10, "hold": "job"}"#),
            ("orders", r#"{"package": "small"}"#),
        ];
        for (place, (path, body)) in post.into_iter().enumerate() {
            let answer = api.post(&format!("/accounts/ada/{path}"), &format!("k{place}"), body);
            assert_eq!(answer.status, 201, "{answer:?}");
        }
        World { folder, server, admin }
    }

    /// A new key, made at the command line; its id and its secret.
    fn key(&self, role: &str) -> String {
        let data = self.folder.path().join("data").display().to_string();
        let said = succeed(&["key", "create", "--data", &data, "--studio", "studiotwin", "--role", role]);
        said.split(' ').nth(2).expect("a secret").trim().to_owned()
    }

    fn at(&self, now: &str) {
        let moved = self.server.client(&self.admin).post("/test-clock", "", &json!({"now": now}).to_string());
        assert_eq!(moved.status, 200, "{moved:?}");
    }
}

#[test]
fn people_sign_in_with_a_key_of_a_role_for_people() {
    let world = World::start();
    let visitor = Visitor::new(&world.server);
    for path in ["/console", "/console/accounts", "/console/accounts/ada/grant", "/console/keys"] {
        visitor.get(path).leads_to("/console/sign-in");
    }
    visitor.sign_in("sk_wrong").says(403, "This key is not known, or was revoked.");
    visitor.sign_in("").says(403, "This key is not known, or was revoked.");
    visitor.sign_in("sk_\r\nx").says(403, "This key is not known, or was revoked.");
    visitor.sign_in(&world.key("jobs")).says(403, "role");
    for role in ["read", "support", "finance", "admin"] {
        let page = visitor.sign_in(&world.key(role));
        page.leads_to("/console");
        let cookie = page.header("set-cookie").expect("a cookie");
        for part in ["scrip_console=cs_", "; Path=/console", "; HttpOnly", "; SameSite=Strict"] {
            assert!(cookie.contains(part), "{role}: {cookie}");
        }
        assert!(!cookie.contains("Max-Age") && !cookie.contains("Expires"), "it goes with the browser: {cookie}");
        assert!(!cookie.contains("; Secure"), "the test speaks HTTP: {cookie}");
    }
}

#[test]
fn a_session_ends_with_its_time_with_its_key_and_when_it_is_left() {
    let world = World::start();
    let secret = world.key("support");
    let visitor = Visitor::signed_in(&world.server, &secret);
    visitor.get("/console").says(200, "At a glance");
    world.at("2026-01-31T11:59:59Z");
    visitor.get("/console").says(200, "At a glance");
    world.at("2026-01-31T12:00:00Z");
    visitor.get("/console").leads_to("/console/sign-in");
    let visitor = Visitor::signed_in(&world.server, &secret);
    let key = visitor.get("/console").text;
    let key = key.split("class=\"who\">").nth(1).and_then(|rest| rest.split('<').next()).expect("who it is").to_owned();
    let left = visitor.post("/console/sign-out", &[]);
    left.leads_to("/console/sign-in");
    assert!(
        left.header("set-cookie")
            .is_some_and(|cookie| cookie.contains("scrip_console=; ") && cookie.contains("Max-Age=0"))
    );
    let data = world.folder.path().join("data").display().to_string();
    succeed(&["key", "revoke", "--data", &data, &key]);
    visitor.get("/console").leads_to("/console/sign-in");
    visitor.sign_in(&secret).says(403, "This key is not known, or was revoked.");
}

#[test]
fn too_many_wrong_keys_make_an_address_wait() {
    let world = World::start();
    let visitor = Visitor::new(&world.server);
    for _ in 0..10 {
        visitor.sign_in("sk_wrong").says(403, "This key is not known");
    }
    visitor.sign_in("sk_wrong").says(429, "Too many wrong keys");
    visitor.sign_in("sk_wrong").says(429, "try again in 900 seconds");
    // One that cannot be guessed is let in from there all the same.
    Visitor::signed_in(&world.server, &world.admin).get("/console").says(200, "At a glance");
    world.at("2026-01-31T10:14:59Z");
    visitor.sign_in("sk_wrong").says(429, "try again in 1 second");
    world.at("2026-01-31T10:15:00Z");
    visitor.sign_in("sk_wrong").says(403, "This key is not known");
}

#[test]
fn what_another_page_sends_does_nothing() {
    let world = World::start();
    let visitor = Visitor::signed_in(&world.server, &world.admin);
    let other = Visitor::signed_in(&world.server, &world.key("admin"));
    let (seal, others) = (visitor.get("/console").hidden("seal"), other.get("/console").hidden("seal"));
    assert_ne!(seal, others);
    let fields = |seal| {
        [("credits", "5"), ("class", "promo"), ("reason", "x"), ("once", "1"), ("do", "confirm"), ("seal", seal)]
    };
    let path = "/console/accounts/ada/grant";
    for (headers, seal) in [
        (vec![], ""),
        (vec![], others.as_str()),
        (vec![("origin", "https://evil.example")], &seal),
        (vec![("origin", "null")], &seal),
        (vec![("sec-fetch-site", "cross-site")], &seal),
        (vec![("sec-fetch-site", "same-site")], &seal),
    ] {
        let page = visitor.send("POST", path, &headers, &fields(seal));
        page.says(403, "That did not come from here");
    }
    let headers = [("origin", "https://evil.example")];
    visitor.send("POST", "/console/sign-in", &headers, &[("key", &world.admin)]).says(403, "did not come from here");
    assert_eq!(world.server.client(&world.admin).get("/accounts/ada").body["balance"]["available"], json!(60));
    visitor.send("POST", path, &[], &fields(&seal)).says(200, "Granted 5 credits.");
    // Sent again, it says that it was done already, and what it did then.
    let again = visitor.send("POST", path, &[], &fields(&seal));
    again.says(200, "This was done already, and nothing was done now.");
    again.says(200, "Granted 5 credits.");
    assert_eq!(world.server.client(&world.admin).get("/accounts/ada").body["balance"]["available"], json!(65));
    // Gone back from to the first form, with another amount: said, and another act from then on.
    let more = |once: &str| {
        let fields = [("credits", "7"), ("class", "promo"), ("reason", "x"), ("once", once), ("do", "confirm")];
        visitor.post(path, &fields)
    };
    let used = more("1");
    used.says(200, "Nothing was done now: this form was confirmed before, with something else in it.");
    assert_eq!(world.server.client(&world.admin).get("/accounts/ada").body["balance"]["available"], json!(65));
    more(&used.hidden("once")).says(200, "Granted 7 credits.");
    let page = visitor.get("/console");
    for (name, part) in [
        ("content-security-policy", "default-src 'none'"),
        ("content-security-policy", "frame-ancestors 'none'"),
        ("x-frame-options", "DENY"),
        ("referrer-policy", "same-origin"),
    ] {
        assert!(page.header(name).is_some_and(|value| value.contains(part)), "{name}: {}", page.head);
    }
    assert!(!page.header("content-security-policy").is_some_and(|policy| policy.contains("unsafe")), "{}", page.head);
}

/// What a role may not do is not offered, and refused when it is asked for all the same; what it may is tried first, and
/// nothing has happened then.
#[test]
fn each_role_is_offered_what_it_may_do_and_nothing_else() {
    /// An act, fields of its form, and the roles that may do it.
    type Tried = (&'static str, &'static [(&'static str, &'static str)], &'static [&'static str]);
    const ACTS: &[Tried] = &[
        ("grant", &[("credits", "5"), ("class", "make_good")], &["support", "finance", "admin"]),
        ("refund", &[("of", "charge_3")], &["support", "admin"]),
        ("revoke", &[("of", "lot_2")], &["finance", "admin"]),
        ("write-off", &[], &["finance", "admin"]),
        ("release", &[("of", "hold_4")], &["support", "admin"]),
        ("plan", &[("plan", "starter")], &["admin"]),
        ("mark-paid", &[("of", "order_5")], &["finance", "admin"]),
    ];
    let world = World::start();
    let before = world.server.client(&world.admin).get("/accounts/ada/entries").body;
    for role in ["read", "support", "finance", "admin"] {
        let visitor = Visitor::signed_in(&world.server, &world.key(role));
        let account = visitor.get("/console/accounts/ada");
        account.says(200, "Ada");
        for (act, fields, roles) in ACTS {
            let (path, may) = (format!("/console/accounts/ada/{act}"), roles.contains(&role));
            // A debt is written off where there is one.
            let offered = account.text.contains(&format!("href=\"{path}"));
            assert_eq!(offered, may && *act != "write-off", "{role} {act}");
            let form = visitor.get(&path);
            let mut fields = fields.to_vec();
            fields.push(("reason", "because"));
            let sent = visitor.post(&path, &fields);
            if may {
                form.says(200, "Preview");
                let words = if *act == "write-off" { "role=\"alert\"" } else { "This will happen" };
                sent.says(200, words);
            } else {
                form.says(403, "Your role may not do this");
                sent.says(403, "Your role may not do this");
            }
            fields.push(("do", "confirm"));
            if !may {
                visitor.post(&path, &fields).says(403, "Your role may not do this");
            }
        }
        for (page, name, roles) in [
            ("/console/keys", "Keys", &["admin"][..]),
            ("/console/audit", "Who did what", &["read", "finance", "admin"]),
            ("/console/catalog", "Catalog", &["read", "support", "finance", "admin"]),
            ("/console/health", "Health", &["read", "support", "finance", "admin"]),
        ] {
            let may = roles.contains(&role);
            assert_eq!(account.text.contains(&format!("href=\"{page}\"")), may, "{role} {page}");
            let words = if may { name } else { "Your role may not do this" };
            visitor.get(page).says(if may { 200 } else { 403 }, words);
        }
        visitor
            .post("/console/accounts/ada/visit", &[])
            .says(if ["support", "admin"].contains(&role) { 200 } else { 403 }, "h1");
        let visit = visitor.post("/console/accounts/ada/visit", &[("reason", "she asked")]);
        assert_eq!(visit.status, if ["support", "admin"].contains(&role) { 303 } else { 403 }, "{role}");
        assert_eq!(account.text.contains("See their pages"), ["support", "admin"].contains(&role), "{role}");
    }
    assert_eq!(world.server.client(&world.admin).get("/accounts/ada/entries").body, before);
}

/// A key for support gives make-good credits alone, whatever its form says.
#[test]
fn what_a_role_may_do_in_part_goes_no_further() {
    let world = World::start();
    let visitor = Visitor::signed_in(&world.server, &world.key("support"));
    assert!(!visitor.get("/console/accounts/ada/grant").text.contains("value=\"promo\""));
    for more in [vec![], vec![("do", "confirm")]] {
        let fields = [vec![("credits", "5"), ("class", "promo"), ("reason", "x")], more].concat();
        assert_eq!(visitor.post("/console/accounts/ada/grant", &fields).status, 403);
    }
    assert_eq!(world.server.client(&world.admin).get("/accounts/ada").body["balance"]["available"], json!(60));
}

/// A plan is put while what the preview saw still stands: not again, and not over what somebody else did.
#[test]
fn a_plan_is_put_once_and_over_nothing_unseen() {
    let world = World::start();
    let visitor = Visitor::signed_in(&world.server, &world.admin);
    let path = "/console/accounts/ada/plan";
    let chosen = |plan: &'static str| [("plan", plan), ("reason", "agreed by telephone")];
    let confirm = |plan: &'static str, seen: &str| {
        visitor.post(path, &[&chosen(plan)[..], &[("do", "confirm"), ("seen", seen)]].concat())
    };
    let plan = || world.server.client(&world.admin).get("/accounts/ada/subscription").body["plan"].clone();
    let seen = visitor.post(path, &chosen("starter")).hidden("seen");
    confirm("starter", "").says(200, "Nothing was changed now");
    confirm("starter", &seen).says(200, "The plan is Starter.");
    confirm("starter", &seen).says(200, "Nothing was changed now");
    // What somebody else changes meanwhile stays.
    let seen = visitor.post(path, &chosen("starter")).hidden("seen");
    let state = r#"{"plan": "starter", "state": "paused"}"#;
    assert_eq!(world.server.client(&world.admin).put("/accounts/ada/subscription", state).status, 200);
    confirm("starter", &seen).says(200, "Nothing was changed now");
    let stands = world.server.client(&world.admin).get("/accounts/ada/subscription").body;
    assert_eq!((plan(), &stands["state"]), (json!("starter"), &json!("paused")));
}

/// Of two versions that begin at the same instant the newer counts: the other is not told as scheduled.
#[test]
fn a_version_that_never_begins_is_not_told_as_scheduled() {
    let world = World::start();
    let visitor = Visitor::signed_in(&world.server, &world.admin);
    let document = std::fs::read_to_string(crate::support::shipped("studiotwin")).unwrap();
    let spring = |name: &str| {
        let named = document.replacen("\"StudioTwin\"", &format!("\"{name}\""), 1);
        format!("effective_from = 2026-03-01T00:00:00Z\n{named}")
    };
    let check = |text: &str| visitor.post("/console/catalog", &[("format", "toml"), ("source", text), ("do", "check")]);
    for (name, version) in [("First", 2), ("Second", 3)] {
        let (text, checked) = (spring(name), check(&spring(name)));
        let (after, replaces) = (checked.hidden("after"), checked.hidden("replaces"));
        let fields = [
            ("format", "toml"),
            ("source", text.as_str()),
            ("do", "publish"),
            ("after", &after),
            ("replaces", &replaces),
            ("reason", "why"),
        ];
        visitor.post("/console/catalog", &fields).says(200, &format!("Scheduled, version {version}"));
    }
    let list = visitor.get("/console/catalog");
    list.says(200, "<span class=\"tag plain\">Replaced</span>");
    assert!(!list.text.contains("Version 2 is scheduled"), "{}", list.text);
    let never = "which version 3 takes the place of from the same instant on: it is never in force.";
    visitor.get("/console/catalog/2").says(200, never);
    let known = check(&spring("First"));
    known.says(200, never);
    known.says(200, "To bring it back, give it another time from which it is in force");
    // What comes before is told of the one that takes over, and of no other.
    let before = check(&document.replacen("\"StudioTwin\"", "\"Others\"", 1));
    before.says(200, "Version 3 is scheduled already");
    assert!(!before.text.contains("Version 2 is scheduled already"), "{}", before.text);
}

/// What was checked is published where nobody else has published meanwhile.
#[test]
fn a_catalog_is_published_over_nothing_unseen() {
    let world = World::start();
    let visitor = Visitor::signed_in(&world.server, &world.admin);
    let document = std::fs::read_to_string(crate::support::shipped("studiotwin")).unwrap();
    let named = |name: &str| document.replacen("\"StudioTwin\"", &format!("\"{name}\""), 1);
    let send = |word: &'static str, text: &str, (after, replaces): (&str, &str)| {
        let fields = [
            ("format", "toml"),
            ("source", text),
            ("do", word),
            ("after", after),
            ("replaces", replaces),
            ("reason", "why"),
        ];
        visitor.post("/console/catalog", &fields)
    };
    let check = |text: &str| send("check", text, ("", ""));
    let checked = check(&named("Twins"));
    checked.says(200, "It holds");
    let looked = (checked.hidden("after"), checked.hidden("replaces"));
    let looked = (looked.0.as_str(), looked.1.as_str());
    send("publish", &named("Others"), looked).says(200, "Published, version 2");
    let overtaken = send("publish", &named("Twins"), looked);
    overtaken.says(200, "Not what was looked at any more");
    overtaken.says(200, "version 2 was, meanwhile");
    assert!(!overtaken.text.contains("The catalog is refused"), "it is as good as it was");
    send("publish", &named("Twins"), ("", "")).says(403, "That did not come from here");
    let versions = world.server.client(&world.admin).get("/catalog/versions").body["versions"].clone();
    assert_eq!(versions.as_array().map(Vec::len), Some(2));
    let old = check(&document);
    old.says(200, "This is version 1, which is not in force any more");
    assert!(!old.text.contains("In force from <time"), "{}", old.text);
    // A version that is scheduled is what the editor opens with; what comes before it is told what it takes back.
    let later = format!("effective_from = 2026-03-01T00:00:00Z\n{}", named("Spring"));
    let checked = check(&later);
    send("publish", &later, (&checked.hidden("after"), &checked.hidden("replaces"))).says(200, "Scheduled, version 3");
    visitor.get("/console/catalog").says(200, "This is the document of version 3, which is scheduled");
    visitor.get("/console/catalog/2").says(200, "Version 3 is scheduled from");
    let dearer = named("Others").replace("price = \"70.00 USD\"", "price = \"75.00 USD\"");
    let checked = check(&dearer);
    checked.says(200, "in the place of version 2");
    checked.says(200, "Version 3 is scheduled already: it takes over on");
    checked.says(200, "price: 75.00 USD → 70.00 USD");
    // What takes force while somebody looks is found out.
    let looked = (checked.hidden("after"), checked.hidden("replaces"));
    world.at("2026-03-01T00:00:00Z");
    let visitor = Visitor::signed_in(&world.server, &world.admin);
    let fields = [
        ("format", "toml"),
        ("source", &dearer),
        ("do", "publish"),
        ("after", &looked.0),
        ("replaces", &looked.1),
        ("reason", "why"),
    ];
    visitor.post("/console/catalog", &fields).says(200, "version 3 is in force by then");
}

#[test]
fn what_is_not_right_is_said_in_the_form() {
    let world = World::start();
    let visitor = Visitor::signed_in(&world.server, &world.admin);
    for (act, fields, words) in [
        ("grant", vec![("credits", "5"), ("class", "promo")], "Say why"),
        ("grant", vec![("credits", "0"), ("class", "promo"), ("reason", "x")], "more than zero"),
        (
            "grant",
            vec![("credits", "1.500"), ("class", "promo"), ("reason", "x")],
            "can be read in two ways. Write 1500",
        ),
        ("grant", vec![("credits", "5"), ("class", "gift"), ("reason", "x")], "class"),
        ("grant", vec![("credits", "5"), ("class", "promo"), ("reason", "x"), ("last_day", "2026-01-01")], "expire"),
        ("refund", vec![("of", "charge_3"), ("credits", "31"), ("reason", "x")], "30"),
        ("refund", vec![("of", "charge_99"), ("reason", "x")], "charge"),
        ("revoke", vec![("of", "../grants"), ("reason", "x")], "choose it on the account"),
        ("write-off", vec![("reason", "x")], "Nothing would change"),
        ("plan", vec![("reason", "x")], "Choose a plan."),
        ("plan", vec![("plan", "none"), ("reason", "x")], "plan"),
        ("mark-paid", vec![("of", "order_5")], "what shows the payment"),
    ] {
        let page = visitor.post(&format!("/console/accounts/ada/{act}"), &fields);
        page.says(200, "role=\"alert\"");
        page.says(200, words);
    }
    visitor.get("/console/accounts/nobody").says(404, "That did not work");
    visitor.get("/console/accounts/ada/dance").says(404, "There is no such page");
    visitor.get("/console/nothing").says(404, "There is no such page");
}

#[test]
fn keys_are_made_with_a_key_and_revoked_with_a_session() {
    let world = World::start();
    let visitor = Visitor::signed_in(&world.server, &world.admin);
    let made_for = |reason: &str, role: &str, key: &str| {
        visitor.post("/console/keys", &[("role", role), ("key", key), ("reason", reason)])
    };
    made_for("", "support", &world.admin).says(422, "Say for whom");
    let make = |role: &str, key: &str| made_for("for Bo", role, key);
    make("support", "sk_wrong").says(422, "That is not a key that may make keys.");
    make("support", visitor.cookie.strip_prefix("scrip_console=").unwrap()).says(422, "role=\"alert\"");
    let elsewhere = world.server.key("flow-studio");
    make("support", &elsewhere).says(422, "That is a key of another studio.");
    make("boss", &world.admin).says(422, "read, jobs, support, finance or admin");
    make("support", &world.key("finance")).says(422, "role=\"alert\"");
    let made = make("support", &world.admin);
    assert_eq!((made.status, made.header("cache-control")), (200, Some("no-store")));
    let name = made.header("content-disposition").expect("a file");
    let id = name.strip_prefix("attachment; filename=\"support-").and_then(|rest| rest.strip_suffix(".txt\""));
    let id = id.unwrap_or_else(|| panic!("{name}"));
    let support = made.text.trim();
    Visitor::signed_in(&world.server, support).get("/console").says(200, "At a glance");
    // No page has the secret.
    let hint = &support[support.len() - 4..];
    for page in ["/console/keys", "/console/audit", "/console"] {
        let text = visitor.get(page).text;
        assert!(!text.contains(support) && !text.contains(&world.admin), "{page}");
        assert_eq!(text.contains(&format!("…{hint}")), page == "/console/keys");
        assert_eq!(text.contains("for Bo"), page != "/console", "{page}");
    }
    visitor.get(&format!("/console/keys/{id}/revoke")).says(200, "opens nothing any more");
    let session = Visitor::signed_in(&world.server, support);
    let revoke = |reason: &str| visitor.post(&format!("/console/keys/{id}/revoke"), &[("reason", reason)]);
    revoke("").says(200, "Say why");
    session.get("/console").says(200, "At a glance");
    revoke("Bo has left").leads_to("/console/keys");
    session.get("/console").leads_to("/console/sign-in");
    visitor.get("/console/keys").says(200, "Revoked");
    assert_eq!(visitor.get(&format!("/console/keys/{id}/revoke")).status, 404);
    // Whom the key was made for is said beneath it.
    let named = format!("{id} <span class=\"beneath\">made for: for Bo</span>");
    visitor.get("/console/audit").says(200, &named);
    let reader = Visitor::signed_in(&world.server, &world.key("read"));
    assert!(!reader.get("/console/audit").text.contains(&named), "who may not read the keys sees their ids");
    let acts = world.server.client(&world.admin).get("/audit?limit=100").body["acts"].clone();
    let acts: Vec<_> = acts.as_array().unwrap().iter().filter(|act| act["reference"] == *id).collect();
    assert_eq!(acts.iter().map(|act| &act["act"]).collect::<Vec<_>>(), ["key_revoked", "key_created"]);
    assert_eq!(acts.iter().map(|act| &act["reason"]).collect::<Vec<_>>(), ["Bo has left", "for Bo"]);
}

/// The first page offers the studio's provider, and says why somebody is back.
#[test]
fn a_provider_is_offered_where_one_is_set() {
    let folder = tempfile::tempdir().unwrap();
    let flags = [
        "--oidc-issuer=studiotwin=http://127.0.0.1:9",
        "--oidc-client=studiotwin=scrip",
        "--oidc-role=studiotwin=ada@studio.example:finance",
    ];
    let server = Server::start(&folder.path().join("data"), &flags);
    let visitor = Visitor::new(&server);
    let page = visitor.get("/console/sign-in");
    page.says(200, "href=\"/v1/sign-in/studiotwin\"");
    page.says(200, "StudioTwin: sign in at 127.0.0.1");
    // Nobody answers there.
    visitor.get("/v1/sign-in/studiotwin").leads_to("/console/sign-in?why=unreachable");
    visitor.get("/console/sign-in?why=unreachable").says(200, "could not be reached");
    visitor.get("/console/sign-in?why=%3Cscript%3E").says(200, "That did not work; try again.");
    assert_eq!(visitor.get("/v1/sign-in/flow-studio").status, 404);
    let world = World::start();
    assert!(!Visitor::new(&world.server).get("/console/sign-in").text.contains("/v1/sign-in/"));
}

/// What an act is done to goes by its name, with its id beside it.
#[test]
fn what_is_acted_on_goes_by_its_name() {
    let world = World::start();
    let mut api = world.server.client(&world.admin);
    for (path, body) in [
        ("grants", r#"{"credits": 80, "class": "promo", "reason": "more"}"#),
        ("charges", r#"{"tool": "environment-map-to-world", "reference": "shot 12"}"#),
        ("orders", r#"{"plan": "starter"}"#),
    ] {
        api.post(&format!("/accounts/ada/{path}"), &format!("{path} {}", body.len()).replace(' ', "-"), body);
    }
    let charge = api.get("/accounts/ada/entries?kind=charge&limit=1").body["entries"][0]["charge"].clone();
    let order = api.get("/accounts/ada/entries?kind=order&limit=1").body["entries"][0]["order"].clone();
    let (charge, order) = (charge.as_str().expect("a charge"), order.as_str().expect("an order"));
    let visitor = Visitor::signed_in(&world.server, &world.admin);
    let says = |page: &Page, name: &str, id: &str| {
        page.says(200, name);
        page.says(200, &format!("<small class=\"quiet\">{id}</small>"));
    };
    for (act, of, name, will) in [
        (
            "refund",
            charge,
            "Environment Map to World, shot 12",
            "Gives 80 credits of Environment Map to World, shot 12 back.",
        ),
        ("revoke", "lot_2", "Top-up credits", "Takes 60 top-up credits back."),
        ("release", "hold_4", "a job without a tool, job", "Frees 10 held credits of a job without a tool, job;"),
        (
            "mark-paid",
            "order_5",
            "100 credits",
            "Takes the order of 100 credits, of 5.00 USD, as paid: 100 credits at once.",
        ),
        ("mark-paid", order, "Starter", "as paid: a term of the plan, with 500 credits each cycle."),
    ] {
        let path = format!("/console/accounts/ada/{act}");
        says(&visitor.get(&format!("{path}?of={of}")), &format!("Of <strong>{name}</strong>"), of);
        says(&visitor.post(&path, &[("of", of), ("reason", "because")]), will, of);
    }
    let fields = [("of", order), ("reason", "invoice 8"), ("do", "confirm"), ("once", "plan")];
    let paid = visitor.post("/console/accounts/ada/mark-paid", &fields);
    paid.says(200, "The order of Starter is paid: 500 credits came at once.");
}

/// A job that has held its credits for longer than its tool's jobs do is counted on the first page, and has a list.
#[test]
fn a_hold_that_is_stuck_is_counted_and_listed() {
    let world = World::start();
    let mut api = world.server.client(&world.admin);
    for (hold, lasts) in [("long", 86_400), ("longer", 80_000)] {
        let body = format!("{{\"credits\": 2, \"hold\": \"{hold}\", \"expires_in\": {lasts}}}");
        assert_eq!(api.post("/accounts/ada/holds", hold, &body).status, 201);
    }
    let visitor = Visitor::signed_in(&world.server, &world.admin);
    visitor.get("/console/holds?show=stuck").says(200, "No job has held its credits for longer than usual.");
    assert!(!visitor.get("/console").text.contains("longer than usual"));
    world.at("2026-01-31T11:00:01Z");
    visitor.get("/console").says(200, "<span data-n=\"stuck\">2</span> jobs have held credits for longer than usual.");
    let stuck = visitor.get("/console/holds?show=stuck");
    stuck.says(200, "<span class=\"tag warn\">Long running</span>");
    let places = ["long", "longer"].map(|hold| stuck.text.find(&format!("<span class=\"beneath\">{hold}</span>")));
    assert!(places[0].is_some() && places[0] < places[1], "the oldest first: {}", stuck.text);
    assert!(!stuck.text.contains(">job</span>"), "it has ended: {}", stuck.text);
}

/// What a provider delivered, and an order that its payer's bank disputes, as operators see them.
#[test]
fn what_was_delivered_and_what_is_disputed_is_shown() {
    let folder = tempfile::tempdir().unwrap();
    let ground = Ground::new();
    let server = ground.serve(folder.path(), "error");
    let mut api = server.client(SECRET);
    api.put("/accounts/cleo", r#"{"name": "Cleo"}"#);
    let order = api.post("/accounts/cleo/orders", "buy", r#"{"package": "small"}"#).body;
    let page = order["checkout_url"].as_str().and_then(|url| url.rsplit('/').next()).expect("a page").to_owned();
    assert!(ground.till.pay(&page, "4242424242424242"));
    let mut until = |state: &str| {
        while api.get("/accounts/cleo/orders/order_2").body["state"] != *state {
            std::thread::yield_now();
        }
    };
    until("paid");
    let payment =
        ground.ask(async |provider| provider.truth_of_session(&page).await).payment_intent.expect("it was paid");
    assert!(ground.till.dispute(&payment).is_some());
    until("disputed");
    let visitor = Visitor::signed_in(&server, SECRET);
    let glance = visitor.get("/console");
    glance
        .says(200, "<a href=\"/console/orders?show=disputed\"><span data-n=\"disputed\">1</span> order disputed.</a>");
    for (page, words) in [
        (
            "/console/orders?show=disputed",
            &["Cleo", "100 credits", "order_2", "<span class=\"tag warn\">Disputed</span>"][..],
        ),
        ("/console/orders?show=paid", &["There are no such orders."]),
        ("/console/accounts/cleo", &["Cleo", "Disputed", "<dd data-n=\"frozen\">100</dd>"]),
        (
            "/console/payments",
            &[
                "Cleo",
                "100 credits",
                "order_2 · ",
                "checkout.session.completed",
                "charge.dispute.created",
                "Settled",
                "to this server",
            ],
        ),
        ("/console/payments?show=open", &["Nothing was delivered."]),
    ] {
        let read = visitor.get(page);
        words.iter().for_each(|words| read.says(200, words));
    }
}
