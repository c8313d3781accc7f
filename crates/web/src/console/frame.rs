//! What stands around every page of the console.

use scrip_api::time::Instant;
use scrip_core::time::Zone;

use super::desk::Desk;
use crate::assets::{self, Assets};
use crate::form;
use crate::wording::Wording;

/// The pages, in the order of the menu.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Room {
    Glance,
    Accounts,
    Holds,
    Uncollected,
    Orders,
    Payments,
    Catalog,
    Keys,
    Audit,
    Health,
}

impl Room {
    /// Every one.
    const ALL: [Room; 10] = [
        Room::Glance,
        Room::Accounts,
        Room::Holds,
        Room::Uncollected,
        Room::Orders,
        Room::Payments,
        Room::Catalog,
        Room::Keys,
        Room::Audit,
        Room::Health,
    ];

    pub(crate) const fn href(self) -> &'static str {
        match self {
            Room::Glance => "/console",
            Room::Accounts => "/console/accounts",
            Room::Holds => "/console/holds",
            Room::Uncollected => "/console/uncollected",
            Room::Orders => "/console/orders",
            Room::Payments => "/console/payments",
            Room::Catalog => "/console/catalog",
            Room::Keys => "/console/keys",
            Room::Audit => "/console/audit",
            Room::Health => "/console/health",
        }
    }

    pub(crate) const fn name(self) -> &'static str {
        match self {
            Room::Glance => "At a glance",
            Room::Accounts => "Accounts",
            Room::Holds => "Holds",
            Room::Uncollected => "Uncollected",
            Room::Orders => "Orders",
            Room::Payments => "Payments",
            Room::Catalog => "Catalog",
            Room::Keys => "Keys",
            Room::Audit => "Who did what",
            Room::Health => "Health",
        }
    }

    /// The call without which the page shows nothing.
    const fn call(self) -> &'static str {
        match self {
            Room::Glance => "GET /v1/totals",
            Room::Accounts => "GET /v1/accounts",
            Room::Holds => "GET /v1/holds",
            Room::Uncollected => "GET /v1/uncollected",
            Room::Orders => "GET /v1/orders",
            Room::Payments => "GET /v1/payments/deliveries",
            Room::Catalog => "GET /v1/catalog",
            Room::Keys => "GET /v1/keys",
            Room::Audit => "GET /v1/audit",
            Room::Health => "GET /v1/health",
        }
    }
}

/// The frame of a page.
pub(crate) struct Frame {
    pub(crate) assets: &'static Assets,
    pub(crate) room: Room,
    /// Whether it is none of the menu's pages.
    pub(crate) elsewhere: bool,
    pub(crate) studio: String,
    /// Who has signed in.
    pub(crate) who: String,
    pub(crate) role: String,
    pub(crate) now: Instant,
    pub(crate) wording: Wording,
    pub(crate) seal: String,
    menu: Vec<Room>,
}

impl Frame {
    pub(crate) fn around(desk: &Desk, room: Room) -> Frame {
        Frame {
            assets: assets::all(),
            room,
            elsewhere: false,
            studio: desk.visit.studio.clone(),
            who: desk.visit.by.clone(),
            role: desk.visit.role.clone(),
            now: desk.visit.now,
            wording: Wording::new(&desk.language, &Zone::utc()),
            seal: form::seal(&desk.token),
            menu: Room::ALL.into_iter().filter(|room| desk.may(room.call())).collect(),
        }
    }

    /// The same around what is no page of the menu.
    pub(crate) fn elsewhere(desk: &Desk) -> Frame {
        Frame { elsewhere: true, ..Frame::around(desk, Room::Glance) }
    }

    /// The pages that the role may read.
    pub(crate) fn menu(&self) -> &[Room] {
        &self.menu
    }

    /// The letter in the corner.
    pub(crate) fn initial(&self) -> String {
        let letter = self.role.chars().next();
        letter.map_or_else(|| "·".to_owned(), |letter| letter.to_uppercase().to_string())
    }

    /// How long ago something was: `3 hours ago`.
    pub(crate) fn ago(&self, at: &Instant) -> String {
        format!("{} ago", Wording::span((self.now.0.micros() - at.0.micros()).max(0).div_euclid(1_000_000)))
    }

    /// How far ahead something is: `in 3 hours`.
    pub(crate) fn ahead(&self, at: &Instant) -> String {
        Wording::ahead(at, &self.now)
    }
}
