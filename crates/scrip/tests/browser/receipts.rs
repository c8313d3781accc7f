//! Receipts: an operator reads what the customer reads, at whatever prices a job was priced, and however much was given back of
//! how many jobs since. No browser is needed for that.

use scrip_core::time::Time;
use serde_json::{Value, json};

use crate::reading::{Page, Still};

const STUDIO: &str = "studiotwin";
const ACCOUNT: &str = "/accounts/old-hand";

/// The receipts of a page, as they stand in it.
fn slips(page: &Page) -> Vec<&str> {
    assert_eq!(page.status, 200, "{}", page.text);
    let slips = page.text.split("<div class=\"slip\">").skip(1);
    slips.map(|rest| rest.split_once("</div>").expect("it ends").0).collect()
}

/// The words of a receipt, in one line.
fn words(slip: &str) -> String {
    let mut words = String::new();
    for piece in slip.split('<') {
        words.push_str(piece.split_once('>').map_or(piece, |(_, text)| text));
        words.push(' ');
    }
    words.split_whitespace().collect::<Vec<_>>().join(" ")
}

/// The seed's prices, but that two credits more are asked for each material made from a text.
fn dearer() -> String {
    let catalog = include_str!("../../../../catalogs/studiotwin.toml");
    let (before, rest) = catalog.split_once("formula = \"2 + 10 *").expect("the formula");
    let (formula, rest) = rest.split_once("examples = [").expect("its examples");
    let (_, after) = rest.split_once("\n]").expect("they end");
    let example = "{ given = { width = 2048, height = 2048, upscale = 2 }, credits = 68 }";
    format!("{before}formula = \"4 + 10 *{formula}examples = [{example}]{after}")
}

#[test]
fn an_operators_receipts_are_the_customers() {
    let still = Still::start();
    let put = still.server.client(still.key(STUDIO)).put(ACCOUNT, r#"{"time_zone": "UTC"}"#);
    assert_eq!(put.status, 201, "{put:?}");
    let post = |path: &str, key: &str, body: &Value| still.post(STUDIO, &format!("{ACCOUNT}{path}"), key, body);
    post("/grants", "grant", &json!({"credits": 1_000, "class": "top_up", "reason": "start"}));
    let job = json!({"tool": "text-to-material", "measures": {"width": 2048, "height": 2048, "upscale": 2}});
    let charge = |key: &str| post("/charges", key, &job)["charge"].as_str().expect("a charge").to_owned();
    let refunds = |charge: &str| format!("/charges/{charge}/refunds");
    let first = charge("first");
    post(&refunds(&first), "seams", &json!({"credits": 16, "reason": "seams"}));
    still.publish(STUDIO, &dearer());
    let second = charge("second");
    // More than one page of refunds, of one job.
    let many = (0..1_100).map(|number| {
        let key = format!("part-{number}");
        json!({"op": "refund", "account": "old-hand", "key": key, "charge": second, "credits": 0.01, "reason": "parts"})
    });
    let many: Vec<String> = many.map(|line| line.to_string()).collect();
    still.batch(STUDIO, &many.join("\n"));
    // One that was paid by nobody but a debt, and one that went beyond its hold.
    post("/holds", "beyond", &json!({"credits": 20, "hold": "beyond"}));
    post("/holds/beyond/settle", "capped", &json!({"credits": 25, "on_excess": "cap"}));
    post("/holds", "owing", &json!({"credits": 30, "hold": "owing", "expires_in": 60}));
    let balance = || still.get(STUDIO, &format!("{ACCOUNT}/balance"));
    let now = Time::parse(balance()["at"].as_str().expect("an instant")).expect("an instant");
    still.post(STUDIO, "/test-clock", "later", &json!({"now": now.plus_seconds(120).to_string()}));
    post("/charges", "all", &json!({"credits": balance()["available"]}));
    let owing = post("/holds/owing/settle", "owed", &json!({"credits": 30, "on_excess": "debt"}));
    assert_eq!((&owing["charged"], &owing["debt"]), (&json!(0), &json!(30)), "{owing}");
    post(&refunds(owing["charge"].as_str().expect("a charge")), "forgiven", &json!({"credits": 5, "reason": "late"}));

    let (token, operator) = (still.token(STUDIO, "old-hand"), still.operator(STUDIO));
    let entries = |filter: &str| still.get(STUDIO, &format!("{ACCOUNT}/entries?{filter}"));
    let mut read = Vec::new();
    // The newest page, and those on which the jobs stand.
    for filter in ["limit=25", "kind=charge&limit=1", "kind=settle,charge&limit=1", "kind=settle,charge&limit=2"] {
        let after = if filter == "limit=25" { Value::Null } else { entries(filter)["next"].clone() };
        let query = after.as_str().map(|after| format!("?after={after}")).unwrap_or_default();
        let customers = still.page(&token, &format!("/dashboard/usage{query}"));
        let operators = still.console(&operator, &format!("/console{ACCOUNT}{query}"));
        // Operators' pages are a little shorter.
        let (theirs, customers_own) = (slips(&operators), slips(&customers));
        assert!(!theirs.is_empty(), "{filter}");
        assert_eq!(theirs[..], customers_own[..theirs.len()], "{filter}");
        read.extend(slips(&customers).into_iter().map(words));
    }
    for said in [
        "2 + 10 × 4 MP + 3 × 4 MP × 2 = 66 66 Price 66 From Top-up credits −66 Refunded ",
        "4 + 10 × 4 MP + 3 × 4 MP × 2 = 68 68 Price 68 From Top-up credits −68 Refunded ",
        ": seams +16",
        ": parts +0.01 Only the last refunds are shown; there were more before.",
        "Price 25 Not charged 5 From Top-up credits −20",
        "Price 30 Refunded ",
        ": late −5 owed",
    ] {
        assert!(read.iter().any(|slip| slip.contains(said)), "{said}\n{}", read.join("\n"));
    }
    let of_first: Vec<&String> = read.iter().filter(|slip| slip.contains("= 66")).collect();
    assert!(!of_first.is_empty(), "{read:?}");
    assert!(of_first.iter().all(|slip| slip.contains("seams +16") && !slip.contains("more before")), "{of_first:?}");
}
