//! The balance element on a page of another origin, under a policy that allows nothing inline.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::path::Path;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, MutexGuard};

use serde_json::{Value, json};

use crate::acts::{Key, NARROW, PHONE, WIDE, Window};
use crate::axe;
use crate::support::{Client, Server, scrip, shipped};
use crate::webdriver::Browser;
use crate::world::alone;

const SECRET: &str = "sk_of_the_studio";

/// Flow Studio's scrip, and a page of the studio with the element, each on its own address.
struct World {
    folder: tempfile::TempDir,
    /// Where scrip listens: the same after it was started again.
    scrip: String,
    page: String,
    server: Server,
    /// How often the page asked for a token.
    tokens: Arc<AtomicUsize>,
    /// For how many seconds each of them is good; 0: as long as it is by itself.
    good_for: Arc<AtomicUsize>,
    _alone: MutexGuard<'static, ()>,
}

impl World {
    fn start() -> World {
        let _alone = alone();
        let folder = tempfile::tempdir().expect("a folder");
        let pages = TcpListener::bind("127.0.0.1:0").expect("a port");
        let page = format!("http://{}", pages.local_addr().expect("an address"));
        let server = serve(folder.path(), "127.0.0.1:0", &page);
        let scrip = server.address.clone();
        let tokens = Arc::new(AtomicUsize::new(0));
        let good_for = Arc::new(AtomicUsize::new(0));
        let host = Host { scrip: scrip.clone(), tokens: Arc::clone(&tokens), good_for: Arc::clone(&good_for) };
        // A browser opens connections that it may never use: each is a thread's own.
        std::thread::spawn(move || {
            for stream in pages.incoming().map_while(Result::ok) {
                let host = host.clone();
                std::thread::spawn(move || host.answer(stream));
            }
        });
        let world = World { folder, scrip, page, server, tokens, good_for, _alone };
        let mut client = world.client();
        assert_eq!(client.put("/accounts/ada", r#"{"name": "Ada"}"#).status, 201);
        assert_eq!(client.put("/accounts/ada/subscription", r#"{"plan": "lite"}"#).status, 201);
        world
    }

    fn client(&self) -> Client {
        self.server.client(SECRET)
    }

    fn hold(&self, seconds: u32) {
        let body = json!({"tool": "live-action", "measures": {"seconds": seconds}}).to_string();
        assert_eq!(self.client().post("/accounts/ada/holds", &format!("hold-{seconds}"), &body).status, 201);
    }
}

fn serve(folder: &Path, listen: &str, page: &str) -> Server {
    let mut command = scrip();
    command.args(["serve", "--data", &folder.display().to_string(), "--listen", listen]);
    command.args(["--catalog", &shipped("flow-studio"), "--allow-origin", &format!("flow-studio={page}")]);
    command.env("SCRIP_KEYS", format!("flow-studio={SECRET}"));
    Server::spawn(command)
}

/// The studio's own server: three pages, their script, and customer tokens.
#[derive(Clone)]
struct Host {
    scrip: String,
    tokens: Arc<AtomicUsize>,
    good_for: Arc<AtomicUsize>,
}

impl Host {
    /// Answers one request; a browser that breaks off is its own affair.
    fn answer(&self, stream: TcpStream) {
        let mut reader = BufReader::new(stream);
        let mut head = String::new();
        while reader.read_line(&mut head).is_ok_and(|read| read > 2) {}
        let length = head
            .to_ascii_lowercase()
            .split("content-length: ")
            .nth(1)
            .and_then(|rest| rest.lines().next()?.parse().ok());
        let mut body = vec![0; length.unwrap_or(0)];
        let read = reader.read_exact(&mut body);
        let scrip = &self.scrip;
        let policy = format!("default-src 'none'; script-src 'self' http://{scrip}; connect-src 'self' http://{scrip}");
        let strict = format!("{policy}; require-trusted-types-for 'script'");
        let (kind, policy, content) = match head.split(' ').nth(1) {
            Some("/page") => ("text/html; charset=utf-8", strict, self.page()),
            Some("/room") => ("text/html; charset=utf-8", policy, self.room("")),
            Some("/dressed") => {
                let dressed = self.room("<link rel=stylesheet href=/dress.css>");
                ("text/html; charset=utf-8", format!("{policy}; style-src 'self'"), dressed)
            }
            Some("/dress.css") => ("text/css", policy, dress()),
            Some("/corner.js") => ("text/javascript", policy, CORNER.to_owned()),
            Some("/token") => ("application/json", policy, self.token()),
            Some(_) | None => ("text/plain", policy, String::new()),
        };
        let answer = format!(
            "HTTP/1.1 200 OK\r\ncontent-type: {kind}\r\ncontent-security-policy: {policy}\r\ncontent-length: {}\r\nconnection: close\r\n\r\n{content}",
            content.len()
        );
        drop(read.and_then(|()| reader.get_mut().write_all(answer.as_bytes())));
    }

    fn page(&self) -> String {
        format!(
            "<!doctype html><html lang=en><meta charset=utf-8><meta name=color-scheme content='light dark'>\
             <script type=module src='http://{}/elements/scrip-balance.js'></script><script src=/corner.js defer></script>\
             <p>Scene 4 <scrip-balance id=shot account=ada project-type=live-action><a href=/page>Buy credits</a></scrip-balance>\
             <p><scrip-balance id=plate account=ada tool=clean-plate></scrip-balance>\
             <p><scrip-balance id=all account=ada lang=de></scrip-balance>",
            self.scrip
        )
    }

    /// A page that lacks nothing, with one element.
    fn room(&self, head: &str) -> String {
        format!(
            "<!doctype html><html lang=en><meta charset=utf-8><meta name=color-scheme content='light dark'><title>Scene 4</title>{head}\
             <script type=module src='http://{}/elements/scrip-balance.js'></script><script src=/corner.js defer></script>\
             <main><h1>Scene 4</h1><scrip-balance id=shot account=ada project-type=live-action><a href=/room>Buy credits</a></scrip-balance></main>",
            self.scrip
        )
    }

    fn token(&self) -> String {
        self.tokens.fetch_add(1, Ordering::Relaxed);
        let mut client = Client::connect(&self.scrip, SECRET).expect("scrip answers");
        let wish = match self.good_for.load(Ordering::Relaxed) {
            0 => json!({}),
            seconds => json!({ "expires_in": seconds }),
        };
        client.post("/accounts/ada/portal-sessions", "not-needed", &wish.to_string()).body.to_string()
    }
}

/// What a studio writes.
const CORNER: &str = "for (const element of document.querySelectorAll('scrip-balance'))\
    element.fetchToken = async () => (await fetch('/token', { method: 'POST' })).json();\
    window.states = []; document.addEventListener('scrip-balance', ({ detail }) => states.push(detail.state));";

/// What a host's style can set: each variable, a value that is nobody's default, and the rule that shows it.
const VARIABLES: [(&str, &str, &str, &str); 11] = [
    ("--scrip-font", "monospace", ".box", "fontFamily"),
    ("--scrip-color", "rgb(120, 30, 40)", ".box", "color"),
    ("--scrip-accent", "rgb(30, 60, 150)", "button", "color"),
    ("--scrip-gap", "17px", ".box", "columnGap"),
    ("--scrip-muted", "0.5", ".as-of", "opacity"),
    ("--scrip-bubble-background", "rgb(20, 30, 60)", ".bubble", "backgroundColor"),
    ("--scrip-bubble-color", "rgb(240, 230, 200)", ".bubble", "color"),
    ("--scrip-bubble-border", "rgb(200, 160, 60)", ".bubble", "borderTopColor"),
    ("--scrip-bubble-radius", "3px", ".bubble", "borderTopLeftRadius"),
    ("--scrip-bubble-padding", "25px", ".bubble", "paddingTop"),
    ("--scrip-bubble-shadow", "none", ".bubble", "boxShadow"),
];

/// The parts that the package's page names.
fn parts() -> Vec<&'static str> {
    let page = include_str!("../../../../sdk/balance-element/README.md");
    let named = page.split("\nParts: ").nth(1).and_then(|rest| rest.split(").").next()).expect("it names them");
    let named = named.split('`').skip(1).step_by(2).collect::<Vec<_>>();
    assert!(named.len() > 10, "{named:?}");
    named
}

/// A host's style: every variable, and for each part an outline of a width of its own.
fn dress() -> String {
    let variables = VARIABLES.map(|(name, value, _, _)| format!("{name}: {value};")).concat();
    let part =
        |(at, part): (usize, &str)| format!("scrip-balance::part({part}) {{ scroll-margin-top: {}px; }}", at + 1);
    let parts: String = parts().into_iter().enumerate().map(part).collect();
    format!(
        "scrip-balance {{ {variables} }} {parts} scrip-balance::part(number) {{ font-weight: 800; font-size: 40px; }}"
    )
}

/// What an element shows in its corner, when it shows this.
#[track_caller]
fn shows(browser: &Browser, id: &str, number: &str) {
    browser.until(&format!(
        "document.getElementById('{id}').shadowRoot.querySelector('.number').textContent === '{number}'"
    ));
}

/// Presses the "i".
fn open_bubble(browser: &Browser) {
    browser.press_on("document.getElementById('shot').shadowRoot.querySelector('button')");
}

fn bubble(browser: &Browser) -> Value {
    browser.value("return document.getElementById('shot').shadowRoot.querySelector('.bubble').innerText.split('\\n').filter(Boolean)")
}

/// The numbers of the seed document, and how they move.
#[test]
fn it_shows_what_credits_buy_and_moves_with_them() {
    let world = World::start();
    let browser = Browser::start();
    browser.sit_before(WIDE);
    browser.go(&format!("{}/page", world.page));
    shows(&browser, "shot", "150 s left");
    shows(&browser, "plate", "750 s left");
    shows(&browser, "all", "3.000 credits");
    open_bubble(&browser);
    let next = browser.value(
        "return new Intl.DateTimeFormat('en', { dateStyle: 'medium' }).format(new Date(document.getElementById('shot').balance.resets_at))",
    );
    let next = format!("Next credits: {}", next.as_str().expect("a date"));
    let rows = [
        "Live Action",
        "150 s",
        "AI MoCap",
        "750 s",
        "Animation / Video to 3D Scene",
        "150 s",
        "Clean Plate",
        "750 s",
        "Camera Track",
        "750 s",
    ];
    let wanted: Vec<&str> = ["3,000 credits available"].into_iter().chain(rows).chain([next.as_str()]).collect();
    assert_eq!(bubble(&browser), json!(wanted));
    browser.keep_picture("element-light");

    world.hold(8);
    shows(&browser, "shot", "142 s left");
    shows(&browser, "plate", "710 s left");
    shows(&browser, "all", "2.840 credits");
    assert_eq!(bubble(&browser)[1], "160 held by running jobs");
    browser.until(
        "document.getElementById('shot').shadowRoot.querySelector('[role=status]').textContent === '142 s left'",
    );
    // Three elements of one account: one token, one stream.
    assert_eq!(world.tokens.load(Ordering::Relaxed), 1);
    assert_eq!(browser.console(), Vec::<String>::new());
    world.server.stop();
}

#[test]
fn keys_open_and_close_it_and_it_stays_in_the_window() {
    let world = World::start();
    let browser = Browser::start();
    browser.sit_before(PHONE);
    browser.go(&format!("{}/page", world.page));
    shows(&browser, "shot", "150 s left");
    let state = || {
        browser.value(
            "const root = document.getElementById('shot').shadowRoot; const bubble = root.querySelector('.bubble'); \
             return [bubble.matches(':popover-open'), root.querySelector('button').getAttribute('aria-expanded'), root.activeElement?.localName]",
        )
    };
    browser.press(Key::Tab);
    assert_eq!(state(), json!([false, "false", "button"]));
    browser.press(Key::Enter);
    assert_eq!(state(), json!([true, "true", "button"]));
    browser.press(Key::Tab);
    assert_eq!(browser.value("return document.activeElement.textContent"), "Buy credits");
    browser.press(Key::Escape);
    assert_eq!(state(), json!([false, "false", "button"]));
    browser.press(Key::Space);
    assert_eq!(state(), json!([true, "true", "button"]));
    for window in [NARROW, PHONE, WIDE] {
        browser.sit_before(window);
        browser.until("(() => { const { left, right } = document.getElementById('shot').shadowRoot.querySelector('.bubble').getBoundingClientRect(); \
             return left >= 0 && right <= innerWidth && right - left > 100; })()");
    }
    assert_eq!(browser.console(), Vec::<String>::new());
    world.server.stop();
}

/// The bubble takes the page's scheme, and is readable in both.
#[test]
fn it_is_readable_by_day_and_by_night() {
    let world = World::start();
    let browser = Browser::start();
    browser.sit_before(WIDE);
    browser.go(&format!("{}/page", world.page));
    shows(&browser, "shot", "150 s left");
    open_bubble(&browser);
    for (scheme, dark) in [("light", false), ("dark", true)] {
        browser.sit_before(Window { scheme, ..WIDE });
        let seen = browser.value(
            "const bubble = document.getElementById('shot').shadowRoot.querySelector('.bubble'); const { color, backgroundColor } = getComputedStyle(bubble); \
             const light = (text) => { const [r, g, b] = text.match(/[\\d.]+/g).map((n) => n / 255).map((n) => n <= 0.04045 ? n / 12.92 : ((n + 0.055) / 1.055) ** 2.4); \
             return 0.2126 * r + 0.7152 * g + 0.0722 * b; }; \
             const [ink, paper] = [light(color), light(backgroundColor)]; \
             return [paper < ink, (Math.max(ink, paper) + 0.05) / (Math.min(ink, paper) + 0.05) >= 7]",
        );
        assert_eq!(seen, json!([dark, true]), "{scheme}");
        browser.keep_picture(&format!("element-{scheme}"));
    }
    world.server.stop();
}

/// The server goes away and comes back: the last number stays, says since when, and is live again by itself.
#[test]
fn it_outlives_the_server_and_comes_back() {
    let mut world = World::start();
    let browser = Browser::start();
    browser.sit_before(WIDE);
    browser.go(&format!("{}/page", world.page));
    shows(&browser, "shot", "150 s left");
    world.hold(10);
    shows(&browser, "shot", "140 s left");
    world.server.terminate();
    let ended = std::mem::replace(&mut world.server, {
        // The port is free once the first has gone.
        browser.until("document.getElementById('shot').state === 'offline'");
        serve(world.folder.path(), &world.scrip, &world.page)
    });
    drop(ended);
    let seen = browser.value("return states.includes('offline')");
    assert_eq!(seen, json!(true));
    browser.until("document.getElementById('shot').state === 'live'");
    world.hold(20);
    shows(&browser, "shot", "120 s left");
    world.server.kill();
    browser.until("document.getElementById('shot').state === 'offline'");
    let said = browser.value("const root = document.getElementById('shot').shadowRoot; return [root.querySelector('.number').textContent, root.querySelector('.as-of').textContent]");
    assert_eq!(said[0], "120 s left");
    assert!(said[1].as_str().is_some_and(|text| text.starts_with("as of ")), "{said}");
    open_bubble(&browser);
    let lines = bubble(&browser);
    assert!(lines.to_string().contains("Not connected. This was right at "), "{lines}");
    browser.keep_picture("element-offline");
}

/// A page that nobody looks at lets go; looked at again, it is right at once.
#[test]
fn a_hidden_page_catches_up_when_it_is_seen() {
    let world = World::start();
    let browser = Browser::start();
    browser.sit_before(WIDE);
    browser.go(&format!("{}/page", world.page));
    shows(&browser, "shot", "150 s left");
    browser.behind_another_tab(|| world.hold(30));
    shows(&browser, "shot", "120 s left");
    assert_eq!(browser.value("return states.includes('offline')"), json!(false));
    world.server.stop();
}

/// The host's style reaches every variable and every part, and what people see changes.
#[test]
fn a_hosts_style_changes_its_look() {
    let world = World::start();
    let browser = Browser::start();
    browser.sit_before(WIDE);
    let computed = |within: &str, property: &str| {
        let script = "const root = document.getElementById('shot').shadowRoot;
            return getComputedStyle(root.querySelector(arguments[0]))[arguments[1]]";
        browser.run(script, &json!([within, property])).as_str().expect("a text").to_owned()
    };
    let height = || browser.value("return document.getElementById('shot').offsetHeight").as_u64().expect("a height");
    let look = |page: &str| {
        browser.go(&format!("{}/{page}", world.page));
        shows(&browser, "shot", "150 s left");
        open_bubble(&browser);
        (VARIABLES.map(|(_, _, within, property)| computed(within, property)), height())
    };
    let (plain, low) = look("room");
    browser.keep_picture("element-plain");
    let (dressed, high) = look("dressed");
    browser.keep_picture("element-dressed");
    let module = include_str!("../../../../sdk/balance-element/scrip-balance.js");
    for variable in module.split("var(").skip(1).filter_map(|rest| rest.split([',', ')']).next()) {
        assert!(VARIABLES.iter().any(|(name, ..)| *name == variable), "{variable} is not looked at");
    }
    for ((name, value, ..), (before, after)) in VARIABLES.iter().zip(plain.iter().zip(&dressed)) {
        assert_eq!((after.as_str(), before == after), (*value, false), "{name}: before {before}");
    }
    assert_eq!(computed(".number", "fontWeight"), "800");
    assert!(high > low + 10, "a larger number needs room: {low} {high}");
    world.server.kill();
    browser.until("document.getElementById('shot').state === 'offline'");
    let of_part = "const root = document.getElementById('shot').shadowRoot;
        return [...root.querySelectorAll(`[part~=\"${arguments[0]}\"]`)].map((one) => getComputedStyle(one).scrollMarginTop)";
    // Not connected, the number is two parts at once, and has the rule of the later.
    for (at, part) in parts().into_iter().enumerate().filter(|(_, part)| *part != "number") {
        let found = browser.run(of_part, &json!([part]));
        let wide = json!(format!("{}px", at + 1));
        let found = found.as_array().expect("a list");
        assert!(found.contains(&wide), "{part}: {found:?}");
    }
}

/// A token is good for a while; the next is asked for in time, and the number goes on moving.
#[test]
fn a_token_that_has_ended_is_followed_by_the_next() {
    let world = World::start();
    world.good_for.store(8, Ordering::Relaxed);
    let browser = Browser::start();
    browser.sit_before(WIDE);
    browser.go(&format!("{}/room", world.page));
    shows(&browser, "shot", "150 s left");
    world.good_for.store(0, Ordering::Relaxed);
    // The stream ends with its token, and begins anew with the next.
    browser.until("window.states.filter((state) => state === 'live').length >= 2");
    assert_eq!(world.tokens.load(Ordering::Relaxed), 2);
    world.hold(8);
    shows(&browser, "shot", "142 s left");
    assert_eq!(browser.value("return document.getElementById('shot').state"), "live");
    assert_eq!(browser.value("return states.includes('offline')"), json!(false), "nobody need know of it");
    assert_eq!(browser.console(), Vec::<String>::new());
    world.server.stop();
}

/// axe finds nothing, with the bubble closed and open, live and not connected, on a desk and on a phone, by day and by night.
#[test]
fn it_shuts_nobody_out() {
    let world = World::start();
    let browser = Browser::start();
    let looks = [WIDE, Window { scheme: "dark", ..WIDE }, Window { scheme: "light", ..PHONE }, PHONE];
    let look = |state: &str| {
        for window in looks {
            browser.sit_before(window);
            let found = axe::violations(&browser);
            assert_eq!(found, Vec::<String>::new(), "{state}, {} {}", window.width, window.scheme);
            browser.fits();
            browser.keep_picture(&format!("element-{state}-{}-{}", window.width, window.scheme));
        }
    };
    browser.go(&format!("{}/room", world.page));
    shows(&browser, "shot", "150 s left");
    look("closed");
    open_bubble(&browser);
    world.hold(8);
    browser.until("document.getElementById('shot').shadowRoot.querySelector('.bubble').innerText.includes('160 held')");
    look("open");
    world.server.kill();
    browser.until("document.getElementById('shot').state === 'offline'");
    look("offline");
}
