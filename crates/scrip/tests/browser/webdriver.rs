//! A browser, driven as the WebDriver standard says: a few calls over HTTP to `chromedriver`.
//!
//! Our own, because what is needed of the standard is a dozen requests; the libraries for it bring a second HTTP stack.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpStream;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use serde_json::{Value, json};

/// The key under which an element's id stands in an answer.
const ELEMENT: &str = "element-6066-11e4-a52e-4f735466cecf";

/// How long the browser looks for what is not there yet, in milliseconds, before a test fails.
const PATIENCE_MS: u32 = 120_000;

/// A browser with one window; closed when dropped.
pub(crate) struct Browser {
    driver: Child,
    port: u16,
    session: String,
    _profile: tempfile::TempDir,
}

/// Something on a page.
#[derive(Clone, Debug)]
pub(crate) struct Element(String);

/// Starts a driver, and answers where it listens; `None` where it gave up.
fn driver() -> Option<(Child, u16)> {
    let mut driver = Command::new("chromedriver")
        .arg("--port=0")
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .expect("chromedriver, of Debian's package chromium-driver; `cargo xtask test` installs what is missing");
    let mut lines = BufReader::new(driver.stdout.take().expect("stdout is piped")).lines();
    let started = |line: String| line.split("started successfully on port ").nth(1).map(str::to_owned);
    let Some(port) = lines.by_ref().map_while(Result::ok).find_map(started) else {
        driver.wait().expect("it has ended its output");
        return None;
    };
    std::thread::spawn(move || lines.for_each(drop));
    Some((driver, port.trim_end_matches('.').parse().expect("a port")))
}

impl Browser {
    /// Starts one.
    pub(crate) fn start() -> Browser {
        // It finds a port that is free for one kind of address, and gives up where the same one is taken for the other.
        let (driver, port) = (0..10).find_map(|_| driver()).expect("chromedriver says where it listens");
        let profile = tempfile::tempdir().expect("a folder for temporary files");
        let mut browser = Browser { driver, port, session: String::new(), _profile: profile };
        let arguments = [
            "--headless=new".to_owned(),
            // Tests may run as root in a container, where the sandbox cannot.
            "--no-sandbox".to_owned(),
            "--disable-dev-shm-usage".to_owned(),
            "--disable-gpu".to_owned(),
            "--hide-scrollbars".to_owned(),
            "--lang=en-GB".to_owned(),
            format!("--user-data-dir={}", browser._profile.path().display()),
        ];
        let options = json!({ "args": arguments, "prefs": {"intl.accept_languages": "en-GB"} });
        let wanted = json!({"capabilities": {"alwaysMatch": {
            "goog:chromeOptions": options,
            "goog:loggingPrefs": {"browser": "ALL"},
            "timeouts": {"implicit": PATIENCE_MS, "pageLoad": PATIENCE_MS, "script": PATIENCE_MS},
        }}});
        let session = browser.call("POST", "/session", Some(wanted));
        browser.session = session["sessionId"].as_str().expect("a session").to_owned();
        browser
    }

    /// Goes to an address.
    pub(crate) fn go(&self, url: &str) {
        self.ask("POST", "/url", Some(json!({ "url": url })));
    }

    /// Where it is.
    pub(crate) fn address(&self) -> String {
        text_of(&self.ask("GET", "/url", None))
    }

    /// What a CSS selector finds, waiting for it.
    pub(crate) fn find(&self, selector: &str) -> Element {
        self.element("css selector", selector)
    }

    /// The element with these words in it, waiting for them: text, however it is split and spaced.
    pub(crate) fn find_text(&self, words: &str) -> Element {
        self.element("xpath", &format!("//body//*[contains(normalize-space(.), \"{words}\") and not(self::script)]"))
    }

    /// What a CSS selector finds, in whatever is there now.
    pub(crate) fn count(&self, selector: &str) -> u64 {
        self.run("return document.querySelectorAll(arguments[0]).length", &json!([selector])).as_u64().expect("a count")
    }

    /// Presses something.
    pub(crate) fn click(&self, selector: &str) {
        let Element(id) = self.find(selector);
        self.ask("POST", &format!("/element/{id}/click"), Some(json!({})));
    }

    /// The text that people see in something.
    pub(crate) fn text(&self, selector: &str) -> String {
        let Element(id) = self.find(selector);
        text_of(&self.ask("GET", &format!("/element/{id}/text"), None))
    }

    /// What a script answers.
    pub(crate) fn run(&self, script: &str, arguments: &Value) -> Value {
        self.ask("POST", "/execute/sync", Some(json!({ "script": script, "args": arguments })))
    }

    /// What a script gives to its last argument, a callback.
    pub(crate) fn run_until_called(&self, script: &str, arguments: &Value) -> Value {
        self.ask("POST", "/execute/async", Some(json!({ "script": script, "args": arguments })))
    }

    /// A command of chromium's own protocol.
    pub(crate) fn chromium(&self, command: &str, parameters: Value) -> Value {
        self.ask("POST", "/goog/cdp/execute", Some(json!({ "cmd": command, "params": parameters })))
    }

    /// What the pages said on the console since it was last asked.
    pub(crate) fn console(&self) -> Vec<String> {
        let lines = self.ask("POST", "/se/log", Some(json!({ "type": "browser" })));
        lines.as_array().into_iter().flatten().map(|line| text_of(&line["message"])).collect()
    }

    fn element(&self, using: &str, value: &str) -> Element {
        let found = self.ask("POST", "/element", Some(json!({ "using": using, "value": value })));
        Element(text_of(&found[ELEMENT]))
    }

    /// A call of the standard's, of this session.
    pub(crate) fn ask(&self, method: &str, path: &str, body: Option<Value>) -> Value {
        self.call(method, &format!("/session/{}{path}", self.session), body)
    }

    fn call(&self, method: &str, path: &str, body: Option<Value>) -> Value {
        let body = body.map(|body| body.to_string()).unwrap_or_default();
        let mut stream = TcpStream::connect(("127.0.0.1", self.port)).expect("chromedriver listens");
        let head = format!(
            "{method} {path} HTTP/1.1\r\nhost: 127.0.0.1:{}\r\nconnection: close\r\n\
             content-type: application/json\r\ncontent-length: {}\r\n\r\n",
            self.port,
            body.len()
        );
        stream.write_all((head + &body).as_bytes()).expect("chromedriver takes a request");
        let (status, body) = read(stream).expect("chromedriver answers");
        let body: Value = serde_json::from_slice(&body).unwrap_or_else(|error| panic!("{method} {path}: {error}"));
        assert!(status.contains(" 200 "), "{method} {path}: {}", body["value"]["message"]);
        body["value"].clone()
    }
}

/// An answer: its status line and its body. The connection may stay open, so the body is as long as its head says.
fn read(stream: TcpStream) -> std::io::Result<(String, Vec<u8>)> {
    let mut stream = BufReader::new(stream);
    let (mut status, mut length) = (String::new(), 0);
    stream.read_line(&mut status)?;
    loop {
        let mut line = String::new();
        stream.read_line(&mut line)?;
        let line = line.trim_end().to_ascii_lowercase();
        if line.is_empty() {
            break;
        }
        if let Some(value) = line.strip_prefix("content-length:") {
            length = value.trim().parse().map_err(std::io::Error::other)?;
        }
    }
    let mut body = vec![0; length];
    stream.read_exact(&mut body)?;
    Ok((status, body))
}

impl Drop for Browser {
    fn drop(&mut self) {
        // Its own word closes the browser; without it, the browser would outlive its driver. A test that has failed says
        // nothing more of it.
        let request =
            format!("DELETE /session/{} HTTP/1.1\r\nhost: 127.0.0.1\r\ncontent-length: 0\r\n\r\n", self.session);
        if let Ok(mut stream) = TcpStream::connect(("127.0.0.1", self.port)) {
            drop(stream.write_all(request.as_bytes()).and_then(|()| read(stream)));
        }
        // Both fail only when it has ended already.
        drop(self.driver.kill());
        drop(self.driver.wait());
    }
}

/// Seconds since an instant, for people to read.
pub(crate) fn seconds_since(began: Instant) -> String {
    let took: Duration = began.elapsed();
    format!("{}.{:01} s", took.as_secs(), took.subsec_millis() / 100)
}

fn text_of(value: &Value) -> String {
    value.as_str().unwrap_or_else(|| panic!("expected a text, not {value}")).to_owned()
}
