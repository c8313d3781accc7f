//! The demo, a browser, and customers who are led to their pages.

use std::sync::{Mutex, MutexGuard, PoisonError};

use serde_json::{Value, json};

use crate::support::{Answer, Server, scrip};
use crate::webdriver::Browser;

/// One browser at a time: they are large, and what is measured is a purchase and not a crowd.
static ALONE: Mutex<()> = Mutex::new(());

/// Waits until no other test has a browser.
pub(crate) fn alone() -> MutexGuard<'static, ()> {
    ALONE.lock().unwrap_or_else(PoisonError::into_inner)
}

/// A running demo and a browser.
pub(crate) struct World {
    pub(crate) browser: Browser,
    pub(crate) server: Server,
    _alone: MutexGuard<'static, ()>,
}

impl World {
    /// Starts both.
    pub(crate) fn start() -> World {
        World::on(|| {
            let mut demo = scrip();
            demo.args(["demo", "--listen", "127.0.0.1:0"]);
            Server::spawn(demo)
        })
    }

    /// Starts a browser, and another server than the demo.
    pub(crate) fn on(server: impl FnOnce() -> Server) -> World {
        let alone = alone();
        World { server: server(), browser: Browser::start(), _alone: alone }
    }

    /// Writes into a field, in place of what is there.
    pub(crate) fn fill(&self, selector: &str, text: &str) {
        self.browser.find(selector);
        self.browser.run("document.querySelector(arguments[0]).value = arguments[1]", &json!([selector, text]));
    }

    /// Asks the API as the studio.
    pub(crate) fn get(&self, studio: &str, path: &str) -> Value {
        self.server.client(&self.server.key(studio)).get(path).body
    }

    /// Puts as the studio.
    pub(crate) fn put(&self, studio: &str, path: &str, body: &str) -> Answer {
        self.server.client(&self.server.key(studio)).put(path, body)
    }

    /// Posts as the studio.
    pub(crate) fn post(&self, studio: &str, path: &str, key: &str, body: &str) -> Answer {
        self.server.client(&self.server.key(studio)).post(path, key, body)
    }

    /// Publishes a catalog's document as the studio.
    pub(crate) fn publish(&self, studio: &str, source: &str) {
        crate::reading::publish(&self.server.address, &self.server.key(studio), source);
    }

    /// Leads a customer to a page, as a studio does; `wish` is added to the session's address.
    pub(crate) fn enter(&self, studio: &str, account: &str, wish: &str) {
        let path = format!("/accounts/{account}/portal-sessions");
        let session = self.post(studio, &path, "", "{}").body;
        let url = session["url"].as_str().unwrap_or_else(|| panic!("{session}"));
        self.browser.go(&format!("{url}{wish}"));
    }

    /// An address of the server.
    pub(crate) fn at(&self, path: &str) -> String {
        format!("http://{}{path}", self.server.address)
    }
}
