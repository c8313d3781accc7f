//! The studio's HTML. What is written into it is escaped here and nowhere else; the rest its script writes as text.

use std::fmt::Write;

use axum::http::{HeaderValue, header};
use axum::response::{IntoResponse, Response};
use serde_json::Value;

use crate::jobs::Whose;

/// A page that shows nothing of others and runs nothing inline: the balance element has to live with that. `scrip`:
/// where it comes from, and where it reads the balance.
fn policy(scrip: &str) -> String {
    format!(
        "default-src 'none'; script-src 'self' {scrip}; style-src 'self'; connect-src 'self' {scrip}; \
         base-uri 'none'; form-action 'none'; frame-ancestors 'none'; require-trusted-types-for 'script'"
    )
}

fn html(policy: &str, body: String) -> Response {
    let headers = [
        (header::CONTENT_TYPE, HeaderValue::from_static("text/html; charset=utf-8")),
        (header::CACHE_CONTROL, HeaderValue::from_static("no-store")),
        (header::REFERRER_POLICY, HeaderValue::from_static("no-referrer")),
        (header::X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff")),
        (header::CONTENT_SECURITY_POLICY, HeaderValue::from_str(policy).expect("an address of our own is plain text")),
    ];
    (headers, body).into_response()
}

/// A style sheet or script of the studio's own.
pub(crate) fn asset(kind: &'static str, text: &'static str) -> Response {
    let headers = [
        (header::CONTENT_TYPE, HeaderValue::from_static(kind)),
        (header::CACHE_CONTROL, HeaderValue::from_static("no-cache")),
        (header::X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff")),
    ];
    (headers, text).into_response()
}

/// Every studio with its accounts: its name in scrip, its catalog, its accounts.
pub(crate) fn index(studios: &[(String, Value, Value)]) -> Response {
    let mut lists = String::new();
    for (studio, catalog, accounts) in studios {
        let name = escape(catalog["name"].as_str().unwrap_or(studio));
        write!(lists, "<section><h2>{name}</h2><ul class=people>").expect("writing to a text");
        for account in accounts["accounts"].as_array().into_iter().flatten() {
            let id = account["account"].as_str().unwrap_or_default();
            let name = escape(account["name"].as_str().unwrap_or(id));
            let plan = catalog["plans"].as_array().into_iter().flatten().find(|plan| plan["plan"] == account["plan"]);
            let plan = escape(plan.and_then(|plan| plan["name"].as_str()).unwrap_or("no plan"));
            write!(lists, "<li><a href=\"/{studio}/{}\"><b>{name}</b> <span>{plan}</span></a></li>", escape(id))
                .expect("writing to a text");
        }
        lists.push_str("</ul></section>");
    }
    let body = format!(
        "{HEAD}<title>Small studio</title><body class=index><main><h1>Who are you today?</h1>\
         <p>A small studio that takes credits through scrip. Choose an account of the demo.</p>{lists}</main></body></html>"
    );
    html("default-src 'none'; style-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'", body)
}

/// The project page of an account: an empty frame that its script fills.
pub(crate) fn project(scrip: &str, (studio, account): &Whose) -> Response {
    let page = include_str!("../assets/project.html")
        .replace("{head}", HEAD)
        .replace("{scrip}", &escape(scrip))
        .replace("{studio}", &escape(studio))
        .replace("{account}", &escape(account));
    html(&policy(scrip), page)
}

const HEAD: &str = "<!doctype html><html lang=en><meta charset=utf-8>\
    <meta name=viewport content=\"width=device-width, initial-scale=1\"><link rel=stylesheet href=/studio.css>";

fn escape(text: &str) -> String {
    text.chars().fold(String::with_capacity(text.len()), |mut escaped, letter| {
        match letter {
            '&' => escaped.push_str("&amp;"),
            '<' => escaped.push_str("&lt;"),
            '>' => escaped.push_str("&gt;"),
            '"' => escaped.push_str("&quot;"),
            '\'' => escaped.push_str("&#39;"),
            letter => escaped.push(letter),
        }
        escaped
    })
}
