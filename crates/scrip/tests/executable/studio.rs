//! The demo's small studio: how it pays its jobs through scrip, and what it keeps to itself. Its page is tried in a browser.

use std::io::{BufRead, BufReader};
use std::process::{Command, Stdio};

use serde_json::{Value, json};

use crate::support::{Server, scrip};

/// A running demo and its studio's address.
pub(crate) struct Demo {
    pub(crate) server: Server,
    pub(crate) studio: String,
}

/// An answer of the studio's: its head, and its body.
struct Answer {
    status: u16,
    head: String,
    body: String,
}

impl Demo {
    pub(crate) fn start() -> Demo {
        let mut command = scrip();
        command.args(["demo", "--listen", "127.0.0.1:0"]);
        let server = Server::spawn(command);
        let line = server.said.iter().find_map(|line| line.strip_prefix("see it at work: open "));
        let studio = line.and_then(|line| line.split(',').next()).expect("it says where the studio is").to_owned();
        Demo { server, studio }
    }

    fn curl(&self, path: &str, more: &[&str]) -> Answer {
        let mut command = Command::new("curl");
        command.args(["--silent", "--show-error", "--include", "--path-as-is"]).args(more);
        let output = command.arg(format!("{}{path}", self.studio)).output().expect("curl");
        assert!(output.status.success(), "{path}: {}", String::from_utf8_lossy(&output.stderr));
        let text = String::from_utf8(output.stdout).expect("a page is text");
        let (head, body) = text.split_once("\r\n\r\n").expect("a head and a body");
        let status = head.split(' ').nth(1).and_then(|status| status.parse().ok()).expect("a status");
        Answer { status, head: head.to_ascii_lowercase(), body: body.to_owned() }
    }

    fn ask(&self, path: &str, body: &Value) -> (u16, Value) {
        let answer = self.curl(path, &["--json", &body.to_string()]);
        (answer.status, serde_json::from_str(&answer.body).unwrap_or(Value::Null))
    }

    /// Quotes a job and starts it at that price.
    fn start_job(&self, base: &str, tool: &str, measures: &Value, ending: &str) -> Value {
        let (_, quote) = self.ask(&format!("{base}/quote"), &json!({"tool": tool, "measures": measures}));
        let job = json!({
            "tool": tool, "measures": measures, "ending": ending,
            "catalog_version": quote["catalog_version"], "credits_expected": quote["credits"],
        });
        let (status, job) = self.ask(&format!("{base}/jobs"), &job);
        assert_eq!(status, 201, "{quote} {job}");
        job["job"].clone()
    }

    /// Reads an account's balance as it changes, with the customer token that the page gets, until nothing is held.
    fn until_nothing_is_held(&self, base: &str) -> Value {
        let (_, token) = self.ask(&format!("{base}/credits-token"), &json!({}));
        let account = base.rsplit('/').next().expect("an account");
        let url = format!("http://{}/v1/accounts/{account}/balance/stream", self.server.address);
        let bearer = format!("Authorization: Bearer {}", token["token"].as_str().expect("a token"));
        let mut curl = Command::new("curl")
            .args(["--silent", "--no-buffer", "--max-time", "120", "--header", &bearer, &url])
            .stdout(Stdio::piped())
            .spawn()
            .expect("curl");
        let lines = BufReader::new(curl.stdout.take().expect("it is piped")).lines().map_while(Result::ok);
        let balance = lines
            .filter_map(|line| serde_json::from_str::<Value>(line.strip_prefix("data: ")?).ok())
            .find(|balance| balance["held"] == json!(0));
        curl.kill().expect("it can be killed");
        curl.wait().expect("it can be waited for");
        balance.expect("at last nothing is held")
    }
}

/// Each way that a job can end, at once: what it costs is what scrip's history says.
#[test]
fn jobs_are_held_and_settled_or_released() {
    let demo = Demo::start();
    let base = "/flow-studio/ana";
    let start = |seconds: Value, ending| demo.start_job(base, "live-action", &json!({"seconds": seconds}), ending);
    let finished = start(json!(10.4), "finishes");
    let early = start(json!(9), "finishes_early");
    let failed = start(json!(20), "fails");
    let cancelled = start(json!(30), "finishes");
    let path = format!("{base}/jobs/{}/cancel", cancelled.as_str().expect("a name"));
    assert_eq!(demo.ask(&path, &json!({})).0, 204);
    let balance = demo.until_nothing_is_held(base);
    assert_eq!(balance["remaining"], json!(3_000 - 220 - 100), "{balance}");

    let mut client = demo.server.client(&demo.server.key("flow-studio"));
    let entries = client.get("/accounts/ana/entries?kind=settle,release&limit=4").body;
    for (job, kind, credits, held) in [
        (&finished, "settle", json!(-220), json!(-220)),
        (&early, "settle", json!(-100), json!(-180)),
        (&failed, "release", json!(0), json!(-400)),
        (&cancelled, "release", json!(0), json!(-600)),
    ] {
        let line = entries["entries"].as_array().and_then(|lines| lines.iter().find(|line| line["reference"] == *job));
        let line = line.unwrap_or_else(|| panic!("{job} is not in {entries}"));
        assert_eq!((&line["kind"], &line["credits"], &line["held"]), (&json!(kind), &credits, &held), "{line}");
    }
    demo.server.stop();
}

#[test]
fn a_job_that_is_too_dear_is_refused_and_the_way_to_more_is_shown() {
    let demo = Demo::start();
    let base = "/studiotwin/otto";
    let choice = json!({"tool": "text-to-motion", "measures": {"actions": 3}});
    let (_, quote) = demo.ask(&format!("{base}/quote"), &choice);
    assert_eq!(
        (&quote["account"]["affordable"], &quote["account"]["short_by"]),
        (&json!(false), &json!(10)),
        "{quote}"
    );
    let job = json!({
        "tool": "text-to-motion", "measures": {"actions": 3}, "ending": "finishes", "catalog_version": 1, "credits_expected": 15,
    });
    let (status, refusal) = demo.ask(&format!("{base}/jobs"), &job);
    assert_eq!((status, &refusal["code"]), (402, &json!("insufficient_credits")), "{refusal}");
    assert_eq!(demo.curl(&format!("{base}/jobs"), &[]).body, "[]");

    let back = format!("{}{base}?tool=text-to-motion&actions=3", demo.studio);
    let away = demo.curl(&format!("{base}/credits?short_by=10&back={}", back.replace('&', "%26")), &[]);
    let portal = format!("location: http://{}/portal/ct_", demo.server.address);
    assert!(away.status == 303 && away.head.contains(&portal), "{}", away.head);
    let wishes = away.head.split_once("?page=buy-credits&").map(|(_, wishes)| wishes).expect("what it wishes");
    assert!(wishes.starts_with("short_by=10&back=http%3a%2f%2f127.0.0.1%3a"), "{wishes}");
    assert!(wishes.contains("%2fstudiotwin%2fotto%3ftool%3dtext-to-motion%26actions%3d3"), "{wishes}");
    demo.server.stop();
}

/// The secret key stays on its side; a name in an address is a name.
#[test]
fn the_browser_gets_no_secret_and_reaches_nothing_else() {
    let demo = Demo::start();
    let keys = ["flow-studio", "studiotwin"].map(|studio| demo.server.key(studio));
    let json = ["--json", "{}"];
    for (path, more) in [
        ("/", &[][..]),
        ("/flow-studio/ana", &[]),
        ("/flow-studio/ana/about", &[]),
        ("/flow-studio/ana/jobs", &[]),
        ("/flow-studio/ana/credits", &[]),
        ("/flow-studio/ana/credits-token", &json),
        ("/project.js", &[]),
        ("/studio.css", &[]),
    ] {
        let answer = demo.curl(path, more);
        assert!(answer.status < 400, "{path}: {}", answer.body);
        let all = format!("{}{}", answer.head, answer.body);
        assert!(keys.iter().all(|key| !all.contains(key.as_str())), "a secret key is in {path}");
    }
    let page = demo.curl("/flow-studio/ana", &[]);
    assert!(page.body.contains("Project") && !page.head.contains("unsafe"), "{}", page.head);
    for path in [
        "/nobody/ana",
        "/flow-studio/..%2fstudiotwin",
        "/flow-studio/a%3fb",
        "/flow-studio/..",
        "/flow-studio/%2e%2e/about",
    ] {
        assert_eq!(demo.curl(path, &[]).status, 404, "{path}");
    }
    // What another site's page could send unasked.
    let form = ["--data", "{}", "--header", "Content-Type: text/plain"];
    for path in ["/flow-studio/ana/jobs", "/flow-studio/ana/credits-token", "/flow-studio/ana/quote"] {
        assert!((400..500).contains(&demo.curl(path, &form).status), "{path}");
    }
    demo.server.stop();
}
