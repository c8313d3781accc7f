//! The hosted payment page: plain HTML that works without JavaScript.
//!
//! Only test numbers are offered, to be chosen, not typed: a real card has no place here.

use hyper::StatusCode;

use crate::methods::{self, Kind, METHODS, Method};
use crate::object::{Interval, Keep, Mode, Session, SessionStatus};
use crate::params::Params;
use crate::paying::{Challenge, Tried};
use crate::serve::{self, Came, Reply};
use crate::till::Desk;

/// Answers `/pay/{session}` and `/pay/{session}/challenge`.
pub(crate) fn answer(desk: &Desk, came: &Came<'_>) -> Reply {
    let parts: Vec<&str> = came.path.trim_matches('/').split('/').collect();
    let session = parts.get(1).copied().unwrap_or_default();
    let Some(page) = desk.change(|book| book.sessions.maybe(session).cloned()) else {
        return nothing_here("There is no such payment page.");
    };
    match page.status {
        SessionStatus::Complete => return done(&page),
        SessionStatus::Expired => return nothing_here("This payment page has expired. Nothing was paid."),
        SessionStatus::Open => {}
    }
    match (came.method, &parts[2..]) {
        ("GET", []) => html(StatusCode::OK, &choice(desk, &page, None)),
        ("POST", []) => match chosen(came) {
            Some(method) => {
                let tried = desk.change(|book| book.pay_at_page(session, method));
                after(desk, session, tried)
            }
            None => html(StatusCode::BAD_REQUEST, &choice(desk, &page, Some("Choose one of the test numbers."))),
        },
        ("GET", ["challenge"]) => html(StatusCode::OK, &challenge(desk, &page)),
        ("POST", ["challenge"]) => {
            let answer = match field(came, "answer").as_deref() {
                Some("approve") => Challenge::Approved,
                _ => Challenge::Failed,
            };
            let tried = desk.change(|book| book.answer_challenge(session, answer));
            after(desk, session, tried)
        }
        (_, _) => nothing_here("There is no such page."),
    }
}

fn chosen(came: &Came<'_>) -> Option<&'static Method> {
    methods::find(&field(came, "number")?)
}

fn field(came: &Came<'_>, name: &str) -> Option<String> {
    Params::parse("", came.body).ok()?.text(name).ok()?
}

/// Where the customer goes after a try.
fn after(desk: &Desk, session: &str, tried: Tried) -> Reply {
    let page = desk.change(|book| book.sessions.known(session).clone());
    match tried {
        Tried::Done => done(&page),
        Tried::Authenticate => serve::go_to(&format!("/pay/{session}/challenge")),
        Tried::Refused(refusal) => {
            let words = format!("{} Nothing was paid; choose another.", refusal.message);
            html(StatusCode::OK, &choice(desk, &page, Some(&words)))
        }
    }
}

fn done(page: &Session) -> Reply {
    serve::go_to(&page.success_url.replace("{CHECKOUT_SESSION_ID}", &page.id))
}

fn nothing_here(words: &str) -> Reply {
    html(StatusCode::NOT_FOUND, &document("Payment", "", &format!("<div class=box><p>{}</p></div>", escape(words))))
}

/// The page with the test numbers.
fn choice(desk: &Desk, page: &Session, alert: Option<&str>) -> String {
    let alert = alert.map(|words| format!("<p class=alert role=alert>{}</p>", escape(words))).unwrap_or_default();
    let list = |kind: Kind| -> String { METHODS.iter().filter(|method| method.kind == kind).map(row).collect() };
    let back =
        page.cancel_url.as_ref().map(|url| format!("<a class=back href=\"{}\">Back without paying</a>", escape(url)));
    let press = match page.mode {
        Mode::Setup => "Save payment method".to_owned(),
        Mode::Payment | Mode::Subscription => format!("Pay {}", price(page)),
    };
    let body = format!(
        "<div class=box>{alert}{head}<form method=post action=\"/pay/{id}\">\
         <fieldset><legend>Test card</legend>{cards}</fieldset><fieldset><legend>Test bank debit</legend>{debits}</fieldset>\
         {consent}<button id=pay>{press}</button></form>{back}</div>",
        consent = consent(desk, page),
        head = head(desk, page),
        id = page.id,
        cards = list(Kind::Card),
        debits = list(Kind::BankDebit),
        press = escape(&press),
        back = back.unwrap_or_default(),
    );
    document("Pay", "A test provider: no money moves, and no real card is asked for.", &body)
}

/// What a customer agrees to who pays with a method that is used again.
fn consent(desk: &Desk, page: &Session) -> String {
    let words = match (page.mode, page.keep) {
        (Mode::Payment, Keep::No) => return String::new(),
        (Mode::Subscription, _) => "is charged for each further term until you cancel",
        (Mode::Payment, Keep::ForLater) | (Mode::Setup, _) => "is saved, and may be charged later while you are away",
    };
    format!("<p class=note>What you pay with {words} by {}.</p>", escape(&desk.business))
}

fn row(method: &Method) -> String {
    let checked = if method.number == METHODS[0].number { " checked" } else { "" };
    format!(
        "<label><input type=radio name=number value={number}{checked}><span><span class=number>{shown}</span>\
         <span class=says>{says}</span></span></label>",
        number = method.number,
        shown = in_fours(method.number),
        says = method.says,
    )
}

/// The bank's own page, in this play.
fn challenge(desk: &Desk, page: &Session) -> String {
    let action = format!("<form method=post action=\"/pay/{}/challenge\">", page.id);
    let body = format!(
        "<div class=box>{head}<p>The bank asks whether this payment is yours.</p>\
         {action}<button name=answer value=approve id=approve>It is: approve</button></form>\
         {action}<button class=quiet name=answer value=fail id=fail>It is not: refuse</button></form></div>",
        head = head(desk, page),
    );
    document("Confirm the payment", "A test bank: no money moves.", &body)
}

fn head(desk: &Desk, page: &Session) -> String {
    let price = match page.mode {
        Mode::Setup => String::new(),
        Mode::Payment | Mode::Subscription => format!("<p class=price>{}</p>", escape(&price(page))),
    };
    format!("<h1>{}</h1>{price}<p class=item>{}</p>", escape(&desk.business), escape(&page.item))
}

fn price(page: &Session) -> String {
    let every = match page.interval {
        None => "",
        Some(Interval::Month) => " a month",
        Some(Interval::Year) => " a year",
    };
    format!("{}{every}", money(page.amount, page.currency.as_deref().unwrap_or("")))
}

/// An amount as people write it.
pub(crate) fn money(amount: i64, currency: &str) -> String {
    const WITHOUT_DECIMALS: &str = "bif clp djf gnf jpy kmf krw mga pyg rwf vnd vuv xaf xof xpf";
    const WITH_THREE: &str = "bhd jod kwd omr tnd";
    let among = |list: &str| list.split(' ').any(|known| known == currency);
    let width = match () {
        () if among(WITHOUT_DECIMALS) => 0,
        () if among(WITH_THREE) => 3,
        () => 2,
    };
    let digits = format!("{amount:0>width$}", width = width + 1);
    let (whole, fraction) = digits.split_at(digits.len() - width);
    let point = if width == 0 { "" } else { "." };
    format!("{whole}{point}{fraction} {}", currency.to_uppercase())
}

fn in_fours(number: &str) -> String {
    let digits: Vec<char> = number.chars().collect();
    digits.chunks(4).map(|four| four.iter().collect::<String>()).collect::<Vec<_>>().join(" ")
}

/// A whole page.
pub(crate) fn document(title: &str, note: &str, body: &str) -> String {
    let note = if note.is_empty() { String::new() } else { format!("<p class=note>{}</p>", escape(note)) };
    let wide = if body.contains("<table") { " class=wide" } else { "" };
    format!(
        "<!doctype html><html lang=en><meta charset=utf-8><meta name=viewport content=\"width=device-width, initial-scale=1\">\
         <title>{}</title><style>{}</style><main{wide}>{note}{body}</main></html>",
        escape(title),
        include_str!("page.css"),
    )
}

pub(crate) fn html(status: StatusCode, page: &str) -> Reply {
    serve::typed(status, "text/html; charset=utf-8", page.to_owned())
}

/// Text that stands in HTML as itself.
pub(crate) fn escape(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '&' => escaped.push_str("&amp;"),
            '<' => escaped.push_str("&lt;"),
            '>' => escaped.push_str("&gt;"),
            '"' => escaped.push_str("&quot;"),
            '\'' => escaped.push_str("&#39;"),
            c => escaped.push(c),
        }
    }
    escaped
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn amounts_are_written_as_people_do() {
        for (amount, currency, shown) in
            [(1_999, "eur", "19.99 EUR"), (5, "usd", "0.05 USD"), (500, "jpy", "500 JPY"), (1_250, "kwd", "1.250 KWD")]
        {
            assert_eq!(money(amount, currency), shown);
        }
    }

    #[test]
    fn text_cannot_become_markup() {
        assert_eq!(escape("<b a=\"1\">'&'"), "&lt;b a=&quot;1&quot;&gt;&#39;&amp;&#39;");
    }
}
