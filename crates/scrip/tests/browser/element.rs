//! The balance element on a page of another origin, under a policy that allows nothing inline.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::path::Path;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, MutexGuard};

use serde_json::{Value, json};

use crate::acts::{Key, NARROW, PHONE, WIDE, Window};
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
        let host = Host { scrip: scrip.clone(), tokens: Arc::clone(&tokens) };
        // A browser opens connections that it may never use: each is a thread's own.
        std::thread::spawn(move || {
            for stream in pages.incoming().map_while(Result::ok) {
                let host = host.clone();
                std::thread::spawn(move || host.answer(stream));
            }
        });
        let world = World { folder, scrip, page, server, tokens, _alone };
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

/// The studio's own server: one page, its script, and customer tokens.
#[derive(Clone)]
struct Host {
    scrip: String,
    tokens: Arc<AtomicUsize>,
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
        let (kind, content) = match head.split(' ').nth(1) {
            Some("/page") => ("text/html; charset=utf-8", self.page()),
            Some("/corner.js") => ("text/javascript", CORNER.to_owned()),
            Some("/token") => ("application/json", self.token()),
            Some(_) | None => ("text/plain", String::new()),
        };
        let scrip = &self.scrip;
        let policy = format!(
            "default-src 'none'; script-src 'self' http://{scrip}; connect-src 'self' http://{scrip}; require-trusted-types-for 'script'"
        );
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

    fn token(&self) -> String {
        self.tokens.fetch_add(1, Ordering::Relaxed);
        let mut client = Client::connect(&self.scrip, SECRET).expect("scrip answers");
        client.post("/accounts/ada/portal-sessions", "not-needed", "{}").body.to_string()
    }
}

/// What a studio writes.
const CORNER: &str = "for (const element of document.querySelectorAll('scrip-balance'))\
    element.fetchToken = async () => (await fetch('/token', { method: 'POST' })).json();\
    window.states = []; document.addEventListener('scrip-balance', ({ detail }) => states.push(detail.state));";

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
