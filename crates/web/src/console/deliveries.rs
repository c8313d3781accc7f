//! *Payments*: what payment providers delivered, and what became of it.
//!
//! Apart from the other lists because it is no part of the journal: a server tells what it took itself, and what is open at any of them.

use std::collections::BTreeMap;

use axum::extract::Query;
use scrip_api::code::Code;
use scrip_api::order::OrderShown;
use scrip_api::payment::{DeliveriesShown, DeliveryShown};

use super::Page;
use super::cells::{Cell, Tone, Views, number, text};
use super::desk::{Denied, Desk};
use super::frame::{Frame, Room};
use super::lists::{Asked, Listed, account, listed, shown};
use super::words::{self, Names};
use crate::trouble::Trouble;

const LEAD: &str = "What payment providers delivered to this server since it started, the last thousand, and what is still open at any. \
                    Whatever they say, they are asked again; what is open is tried again by itself. What was settled stands in the \
                    orders, and in the histories, whichever server took it.";

/// The page.
pub(super) async fn page(desk: Desk, Query(asked): Query<Asked>) -> Page {
    const VIEWS: &[(&str, &str)] = &[("all", "All"), ("open", "Open"), ("refused", "Refused"), ("settled", "Settled")];
    let views = Views::of(Room::Payments.href(), VIEWS, asked.show.as_deref());
    let state = if views.1 == "all" { String::new() } else { format!("&state={}", views.1) };
    let page: DeliveriesShown = desk.get(&listed(&format!("/payments/deliveries?limit=50{state}"), &asked)).await?;
    let (frame, names) = (Frame::around(&desk, Room::Payments), desk.catalog().await?);
    let people = desk.people(page.deliveries.iter().filter_map(|delivery| delivery.account.as_deref())).await?;
    let bought = bought(&desk, &names, &page.deliveries).await?;
    let rows = page.deliveries.iter().map(|delivery| row(&frame, &people, &bought, delivery)).collect();
    let columns = vec![text("Account"), text("When"), text("Event"), text("About"), text("Became"), number("Times")];
    shown(frame, LEAD, views, Listed { columns, rows, empty: "Nothing was delivered.", next: page.next })
}

/// An order of an account.
type Place<'a> = (&'a str, &'a str);

fn place(delivery: &DeliveryShown) -> Option<Place<'_>> {
    delivery.account.as_deref().zip(delivery.order.as_deref())
}

/// What the orders buy that were delivered something about.
async fn bought<'a>(
    desk: &Desk,
    names: &Names,
    deliveries: &'a [DeliveryShown],
) -> Result<BTreeMap<Place<'a>, String>, Denied> {
    let mut bought = BTreeMap::new();
    for place in deliveries.iter().filter_map(place) {
        if bought.contains_key(&place) {
            continue;
        }
        match desk.get::<OrderShown>(&format!("/accounts/{}/orders/{}", place.0, place.1)).await {
            Ok(order) => {
                let name = names.bought(order.package.as_deref(), order.plan.as_deref());
                bought.insert(place, name.to_owned());
            }
            // Its account may have been erased since.
            Err(Denied(Trouble::Problem(problem)))
                if matches!(problem.code, Code::AccountNotFound | Code::OrderNotFound) => {}
            Err(denied) => return Err(denied),
        }
    }
    Ok(bought)
}

fn row(
    frame: &Frame,
    people: &BTreeMap<String, String>,
    bought: &BTreeMap<Place<'_>, String>,
    delivery: &DeliveryShown,
) -> Vec<Cell> {
    let tone = match delivery.state.as_str() {
        "settled" => Tone::Good,
        "open" => Tone::Warn,
        "refused" => Tone::Bad,
        _ => Tone::Quiet,
    };
    let (order, object) = (delivery.order.as_deref(), delivery.object.as_deref());
    let ids = || [order, object].into_iter().flatten().collect::<Vec<_>>().join(" · ");
    let about = match place(delivery).and_then(|place| bought.get(&place)) {
        Some(name) => Cell::both(name, ids()),
        None => Cell::text(ids()),
    };
    let kind = delivery.kind.clone().unwrap_or_else(|| "found by asking".to_owned());
    vec![
        account(people, delivery.account.as_deref()),
        Cell::past(frame, &delivery.at),
        Cell::both(kind, delivery.event.clone().unwrap_or_default()),
        about,
        Cell::Tag {
            said: words::spoken(&delivery.state),
            tone,
            beneath: delivery.reason.as_deref().map(words::spoken).unwrap_or_default(),
        },
        Cell::count(frame, "times", delivery.times),
    ]
}
