//! The desk behind the page: what the provider's own people do. JSON for tests under `/desk/…` with the key of the API; and a
//! page at `/` with buttons, for whoever tries the demo.

use hyper::StatusCode;
use serde_json::{Value, json};

use crate::object::{ChargeStatus, DisputeStatus, IntentStatus};
use crate::page::{document, escape, html, money};
use crate::params::Params;
use crate::serve::{self, Came, Reply};
use crate::switches::Switches;
use crate::till::{DebitEnd, Desk, Verdict};

/// Answers all that is neither the API nor a payment page.
pub(crate) fn answer(desk: &Desk, came: &Came<'_>) -> Reply {
    match (came.method, came.path) {
        ("GET", "/") => html(StatusCode::OK, &overview(desk)),
        ("POST", "/") if from_our_page(came) => press(desk, came),
        (_, "/") => serve::text(StatusCode::FORBIDDEN, "Buttons are pressed on the page itself.\n"),
        (_, path) if path.starts_with("/desk/") && !came.has_key(desk) => {
            serve::text(StatusCode::UNAUTHORIZED, "The desk asks for the key of the API.\n")
        }
        ("GET", "/desk/switches") => switches(desk),
        ("POST", "/desk/switches") => match serde_json::from_str::<Switches>(came.body) {
            Ok(set) => {
                *desk.switches() = set;
                switches(desk)
            }
            Err(error) => serve::text(StatusCode::BAD_REQUEST, &format!("{error}\n")),
        },
        ("GET", "/desk/attempts") => serve::json(StatusCode::OK, &json!(desk.deliveries.log())),
        ("GET", "/desk/clock") => serve::json(StatusCode::OK, &json!({"now": desk.clock.now()})),
        ("POST", "/desk/clock") => {
            match serde_json::from_str::<Value>(came.body).ok().and_then(|body| body["now"].as_i64()) {
                Some(now) => {
                    desk.clock.move_to(now);
                    desk.change(|_| ());
                    serve::json(StatusCode::OK, &json!({"now": desk.clock.now()}))
                }
                None => serve::text(StatusCode::BAD_REQUEST, "Expected {\"now\": SECONDS}.\n"),
            }
        }
        ("POST", path) if path.starts_with("/desk/") => match act(desk, &path["/desk/".len()..]) {
            true => serve::json(StatusCode::OK, &json!({"done": true})),
            false => serve::text(StatusCode::CONFLICT, "There is nothing to do that with.\n"),
        },
        (_, _) => serve::text(StatusCode::NOT_FOUND, "There is no such address.\n"),
    }
}

fn switches(desk: &Desk) -> Reply {
    let set = serde_json::to_value(&*desk.switches()).expect("switches are plain");
    serve::json(StatusCode::OK, &set)
}

/// `disputes/{payment}`, `disputes/{dispute}/won`, `debits/{payment}/arrives`, `cards/{payment}/{number}` and their like;
/// whether it could be done.
fn act(desk: &Desk, what: &str) -> bool {
    match what.split('/').collect::<Vec<_>>().as_slice() {
        ["disputes", payment] => desk.dispute(payment).is_some(),
        ["inquiries", payment] => desk.inquire(payment).is_some(),
        ["disputes", dispute, "wanted"] => desk.change(|book| book.escalate(dispute)),
        ["disputes", dispute, "won"] => desk.close_dispute(dispute, Verdict::Won),
        ["disputes", dispute, "lost"] => desk.close_dispute(dispute, Verdict::Lost),
        ["cards", payment, "expires"] => desk.expire_card(payment),
        ["cards", payment, number] => desk.change_card(payment, number),
        ["refunds", refund, "fails"] => desk.change(|book| book.fail_refund(refund)),
        ["debits", payment, "arrives"] => desk.end_debit(payment, DebitEnd::Arrives),
        ["debits", payment, "fails"] => desk.end_debit(payment, DebitEnd::Fails),
        _ => false,
    }
}

/// A page elsewhere cannot press buttons here.
fn from_our_page(came: &Came<'_>) -> bool {
    match (came.header("origin"), came.header("host")) {
        (Some(origin), Some(host)) => origin.strip_prefix("http://") == Some(host),
        (None, _) => true,
        (Some(_), None) => false,
    }
}

fn press(desk: &Desk, came: &Came<'_>) -> Reply {
    let field = |name: &str| Params::parse("", came.body).ok().and_then(|mut params| params.text(name).ok().flatten());
    match (field("act"), field("refund")) {
        (Some(what), _) => {
            act(desk, &what);
        }
        (None, Some(payment)) => refund(desk, &payment),
        (None, None) => {}
    }
    serve::go_to("/")
}

/// Gives back all that is left of a payment. What cannot be refunded is left as it is, as the page then shows.
fn refund(desk: &Desk, payment: &str) {
    let Ok(params) = Params::parse("", &format!("payment_intent={payment}")) else { return };
    let asked = crate::calls::Asked { method: "POST", path: "/v1/refunds", params };
    drop(desk.change(|book| crate::calls::carry_out(book, asked)));
}

/// All payments, newest first, with what can be done with each.
fn overview(desk: &Desk) -> String {
    let rows: String = desk.change(|book| {
        let newest = book.payments.all().iter().rev().take(100);
        newest
            .map(|payment| {
                let charge = payment.latest_charge.as_ref().map(|id| book.charges.known(id));
                let dispute = book.disputes.all().iter().rev().find(|dispute| dispute.payment_intent == payment.id);
                let refunded = charge.map_or(0, |charge| charge.amount_refunded);
                // What the bank only asked is over.
                let dispute = dispute.filter(|dispute| dispute.status != DisputeStatus::WarningClosed);
                let asked = dispute.filter(|dispute| dispute.status == DisputeStatus::WarningNeedsResponse);
                let open = dispute.filter(|dispute| dispute.status == DisputeStatus::NeedsResponse);
                let buttons = match (payment.status, open.or(asked)) {
                    (IntentStatus::Processing, _) => {
                        button("act", &format!("debits/{}/arrives", payment.id), "Let it arrive")
                            + &button("act", &format!("debits/{}/fails", payment.id), "Let it fail")
                    }
                    (_, Some(asked)) if asked.status == DisputeStatus::WarningNeedsResponse => {
                        button("act", &format!("disputes/{}/won", asked.id), "Bank is content")
                            + &button("act", &format!("disputes/{}/wanted", asked.id), "Bank wants it back")
                    }
                    (_, Some(dispute)) => {
                        button("act", &format!("disputes/{}/won", dispute.id), "Studio wins")
                            + &button("act", &format!("disputes/{}/lost", dispute.id), "Studio loses")
                    }
                    (IntentStatus::Succeeded, None) if dispute.is_none() && refunded < payment.amount => {
                        button("refund", &payment.id, "Refund")
                            + &button("act", &format!("disputes/{}", payment.id), "Dispute")
                            + &button("act", &format!("inquiries/{}", payment.id), "Bank asks")
                    }
                    (_, None) => String::new(),
                };
                let order = payment.metadata.get("order").map(String::as_str).unwrap_or("");
                let account = payment.metadata.get("account").map(String::as_str).unwrap_or("");
                let state =
                    state(payment.status, charge.map(|charge| charge.status), dispute.map(|dispute| dispute.status));
                format!(
                    "<tr><td>{}<td>{}<td>{}<td>{state}<td>{}<td>{buttons}",
                    escape(account),
                    escape(order),
                    money(payment.amount, &payment.currency),
                    if refunded > 0 { money(refunded, &payment.currency) } else { String::new() },
                )
            })
            .collect()
    });
    let table = if rows.is_empty() {
        "<table hidden></table><p>No payments yet.</p>".to_owned()
    } else {
        format!(
            "<div class=scroll><table><tr><th>Account<th>Order<th>Amount<th>State<th>Given back<th>{rows}</table></div>"
        )
    };
    let body = format!("<div class=box><h1>{}</h1>{table}</div>", escape(&desk.business));
    document(
        "Payments",
        "The desk of a test provider: no money moves. Buttons do what its customers and banks would.",
        &body,
    )
}

fn button(name: &str, value: &str, words: &str) -> String {
    format!(
        "<form method=post action=\"/\"><button class=quiet name={name} value=\"{}\">{words}</button></form> ",
        escape(value)
    )
}

fn state(status: IntentStatus, charge: Option<ChargeStatus>, dispute: Option<DisputeStatus>) -> &'static str {
    match (dispute, status, charge) {
        (Some(DisputeStatus::WarningNeedsResponse), _, _) => "the bank asks",
        (Some(DisputeStatus::WarningClosed), _, _) => "paid",
        (Some(DisputeStatus::NeedsResponse), _, _) => "disputed",
        (Some(DisputeStatus::Won), _, _) => "dispute won",
        (Some(DisputeStatus::Lost), _, _) => "dispute lost",
        (None, IntentStatus::Succeeded, _) => "paid",
        (None, IntentStatus::Processing, _) => "on its way",
        (None, IntentStatus::RequiresAction, _) => "waits for authentication",
        (None, IntentStatus::Canceled, _) => "given up",
        (None, IntentStatus::RequiresPaymentMethod, Some(ChargeStatus::Failed)) => "failed",
        (None, IntentStatus::RequiresPaymentMethod | IntentStatus::RequiresConfirmation, _) => "open",
    }
}
