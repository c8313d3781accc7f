//! The demo's past on a clock that stands still, its pages as a browser without JavaScript gets them, and the numbers that
//! people read on them.

use std::io::{Read, Write};
use std::net::TcpStream;

use serde_json::{Value, json};

use crate::support::{Server, scrip};

/// A server on the demo's data. No two looks at it are at different times.
pub(crate) struct Still {
    pub(crate) server: Server,
    keys: Vec<(&'static str, String)>,
    _folder: tempfile::TempDir,
}

/// A page.
pub(crate) struct Page {
    pub(crate) status: u16,
    pub(crate) head: String,
    pub(crate) text: String,
    /// The pieces that it came in; none where its length was known from the start.
    pub(crate) pieces: usize,
}

impl Still {
    pub(crate) fn start() -> Still {
        Still::reached_at("http://127.0.0.1")
    }

    /// A server that customers reach at this address.
    pub(crate) fn reached_at(public_url: &str) -> Still {
        let folder = tempfile::tempdir().expect("a folder");
        let data = folder.path().join("data").display().to_string();
        let mut demo = scrip();
        demo.args(["demo", "--listen", "127.0.0.1:0", "--data", &data]);
        let demo = Server::spawn(demo);
        let keys = ["flow-studio", "studiotwin"].map(|studio| (studio, demo.key(studio))).to_vec();
        demo.stop();
        let mut serve = scrip();
        // The clock begins where the past ends.
        serve.args(["serve", "--data", &data, "--listen", "127.0.0.1:0", "--test-clock", "2026-01-01T00:00:00Z"]);
        serve.args(["--public-url", public_url, "--allow-origin", "flow-studio=https://app.example"]);
        Still { server: Server::spawn(serve), keys, _folder: folder }
    }

    /// The studio's secret key.
    pub(crate) fn key(&self, studio: &str) -> &str {
        let (_, key) = self.keys.iter().find(|(known, _)| *known == studio).expect("a studio of the demo");
        key
    }

    /// What the API answers the studio.
    pub(crate) fn get(&self, studio: &str, path: &str) -> Value {
        let answer = self.server.client(self.key(studio)).get(path);
        if answer.status == 404 { Value::Null } else { answer.body }
    }

    /// What the API answers the studio that asks for something.
    pub(crate) fn post(&self, studio: &str, path: &str, key: &str, body: &Value) -> Value {
        let answer = self.server.client(self.key(studio)).post(path, key, &body.to_string());
        assert!(answer.status < 300, "{path}: {answer:?}");
        answer.body
    }

    /// The studio's accounts.
    pub(crate) fn accounts(&self, studio: &str) -> Vec<String> {
        let accounts = self.get(studio, "/accounts")["accounts"].clone();
        let name = |account: &Value| account["account"].as_str().expect("a name").to_owned();
        accounts.as_array().expect("accounts").iter().map(name).collect()
    }

    /// What the API answers the studio that sends a document.
    pub(crate) fn publish(&self, studio: &str, source: &str) {
        publish(&self.server.address, self.key(studio), source);
    }

    /// Sends the studio's batch, of which every line must be carried out.
    pub(crate) fn batch(&self, studio: &str, lines: &str) {
        let heads = format!("authorization: Bearer {}\r\ncontent-type: application/x-ndjson\r\n", self.key(studio));
        let answer = self.send("POST /v1/batch", &heads, lines);
        assert_eq!(answer.status, 200, "{}", answer.text);
        let refused = answer.text.lines().find(|line| !line.contains("\"status\":20"));
        assert_eq!(refused, None);
    }

    /// A customer's token.
    pub(crate) fn token(&self, studio: &str, account: &str) -> String {
        let session = self.post(studio, &format!("/accounts/{account}/portal-sessions"), "", &json!({}));
        session["token"].as_str().expect("a token").to_owned()
    }

    /// The token of somebody of the studio who looks at what a customer sees.
    pub(crate) fn looks(&self, studio: &str, account: &str) -> String {
        let mut operator = self.server.client(&self.operator(studio));
        let reason = r#"{"reason": "they asked about a price"}"#;
        let session = operator.post(&format!("/accounts/{account}/portal-sessions"), "", reason);
        session.body["token"].as_str().unwrap_or_else(|| panic!("{session:?}")).to_owned()
    }

    /// The token of an operator who has signed in to the console with the studio's key.
    pub(crate) fn operator(&self, studio: &str) -> String {
        let session = self.post(studio, "/console-sessions", "", &json!({}));
        session["token"].as_str().expect("a token").to_owned()
    }

    /// A page of the console, for an operator.
    pub(crate) fn console(&self, token: &str, path: &str) -> Page {
        self.send(&format!("GET {path}"), &format!("cookie: scrip_console={token}\r\naccept-language: en-GB\r\n"), "")
    }

    /// A page, for a customer who reads British English.
    pub(crate) fn page(&self, token: &str, path: &str) -> Page {
        self.page_in(token, path, "en-GB,en;q=0.9")
    }

    /// A page, for a customer with these languages.
    pub(crate) fn page_in(&self, token: &str, path: &str, languages: &str) -> Page {
        self.send(&format!("GET {path}"), &format!("{}accept-language: {languages}\r\n", cookie(token)), "")
    }

    /// What a form's press sends.
    pub(crate) fn fill(&self, token: &str, path: &str, more: &str, fields: &str) -> Page {
        let heads = format!("{}content-type: application/x-www-form-urlencoded\r\n{more}", cookie(token));
        self.send(&format!("POST {path}"), &heads, fields)
    }

    fn send(&self, what: &str, heads: &str, body: &str) -> Page {
        send(&self.server.address, what, heads, body)
    }
}

/// Publishes a catalog's document as the studio whose key this is.
pub(crate) fn publish(address: &str, key: &str, source: &str) {
    let heads = format!("authorization: Bearer {key}\r\ncontent-type: application/toml\r\n");
    let answer = send(address, "POST /v1/catalog", &heads, source);
    assert_eq!(answer.status, 201, "{}", answer.text);
}

fn send(address: &str, what: &str, heads: &str, body: &str) -> Page {
    let mut stream = TcpStream::connect(address).expect("the server accepts");
    let length = body.len();
    let host = if heads.contains("host: ") { "" } else { "host: 127.0.0.1\r\n" };
    let request =
        format!("{what} HTTP/1.1\r\n{host}connection: close\r\ncontent-length: {length}\r\n{heads}\r\n{body}");
    stream.write_all(request.as_bytes()).expect("the server takes a request");
    let mut answer = String::new();
    stream.read_to_string(&mut answer).expect("the server answers with text");
    let (head, text) = answer.split_once("\r\n\r\n").expect("a head and a body");
    let status = head.split(' ').nth(1).and_then(|status| status.parse().ok()).expect("a status");
    let head = head.to_ascii_lowercase();
    let pieces = if head.contains("transfer-encoding: chunked") { pieces(text) } else { Vec::new() };
    let text = if pieces.is_empty() { text.to_owned() } else { pieces.concat() };
    Page { status, head, text, pieces: pieces.len() }
}

/// The pieces of a body whose length is not known from the start. It ends with one of no length.
fn pieces(mut rest: &str) -> Vec<&str> {
    let mut pieces = Vec::new();
    loop {
        let (length, after) = rest.split_once("\r\n").expect("a piece's length");
        match usize::from_str_radix(length, 16).expect("a length") {
            0 => return pieces,
            length => pieces.push(&after[..length]),
        }
        rest = after[pieces[pieces.len() - 1].len()..].trim_start_matches("\r\n");
    }
}

fn cookie(token: &str) -> String {
    if token.is_empty() { String::new() } else { format!("cookie: scrip_customer={token}\r\n") }
}

impl Page {
    /// Every number in the page's main part, in the order in which it is read, what stands in its fields included.
    pub(crate) fn numbers(&self) -> Vec<String> {
        let main = self.text.split_once("<main").and_then(|(_, rest)| rest.split_once("</main>"));
        let main = main.and_then(|(main, _)| main.split_once('>'));
        let (_, mut rest) = main.expect("the page has a main part");
        let mut found = Vec::new();
        while let Some((text, tag)) = rest.split_once('<') {
            numbers(&plain(text), &mut found);
            let (tag, after) = tag.split_once('>').expect("a tag ends");
            let hidden =
                tag.contains("type=\"hidden\"") || tag.contains("type=\"checkbox\"") || tag.contains("type=\"range\"");
            if tag.starts_with("input ") && !hidden {
                let value = tag.split_once(" value=\"").and_then(|(_, value)| value.split_once('"'));
                numbers(&plain(value.map_or("", |(value, _)| value)), &mut found);
            }
            rest = after;
        }
        found
    }
}

/// Text without what HTML writes in place of five signs.
fn plain(text: &str) -> String {
    let signs = [("&#60;", "<"), ("&#62;", ">"), ("&#34;", "\""), ("&#39;", "'"), ("&lt;", "<"), ("&gt;", ">")];
    let text = signs.iter().fold(text.to_owned(), |text, (written, sign)| text.replace(written, sign));
    text.replace("&#38;", "&").replace("&amp;", "&")
}

/// The numbers in a text: digits with their point and sign, without what stands between thousands.
pub(crate) fn numbers(text: &str, found: &mut Vec<String>) {
    let mut number = String::new();
    let mut before = ' ';
    for letter in text.chars().chain([' ']) {
        let inside = !number.is_empty() && matches!(letter, ',' | '.');
        if letter.is_ascii_digit() || inside {
            if number.is_empty() && matches!(before, '+' | '−') {
                number.push(before);
            }
            number.push(letter);
        } else if !number.is_empty() {
            found.push(number.trim_end_matches([',', '.']).replace(',', ""));
            number.clear();
        }
        before = letter;
    }
}

#[test]
fn numbers_are_found_in_texts() {
    let mut found = Vec::new();
    numbers("On 3 Feb 2026, 14:05: +1,200.5 (−3) of job-7; 2 + 10.", &mut found);
    assert_eq!(found, ["3", "2026", "14", "05", "+1200.5", "−3", "7", "2", "10"]);
}
