//! *Buy credits* → choose → pay → back → the credits are there; and every other way it can go.

use std::time::Instant;

use serde_json::json;

use crate::paths::{Walk, in_every_look};
use crate::webdriver::seconds_since;
use crate::world::World;

impl World {
    /// Chooses a package and a number to pay with at the provider's page.
    pub(crate) fn buy(&self, package: &str, number: &str) {
        self.browser.click(&format!("button[name=package][value={package}]"));
        self.pay(number);
    }

    fn pay(&self, number: &str) {
        self.browser.click(&format!("input[value='{number}']"));
        self.browser.click("#pay");
    }
}

/// The way of the seed: Top Up on the Overview page, choose a package, complete the payment. What it takes is printed.
#[test]
fn credits_are_there_when_the_customer_is_back() {
    let world = World::start();
    world.enter("studiotwin", "otto", "");
    assert_eq!(world.browser.text("#available"), "5");
    let began = Instant::now();
    world.browser.click("a.button[href='/dashboard/buy-credits']");
    world.buy("large", "4242424242424242");
    world.browser.find_text("2,000 credits and 200 bonus credits are in your account.");
    println!("bought in {}, from Top up to the credits", seconds_since(began));
    assert_eq!(world.browser.text("#available"), "2,205");
    let balance = world.get("studiotwin", "/accounts/otto/balance");
    assert_eq!(balance["available"], json!(2_205));
    // The address holds no token, and going back does not pay again.
    assert!(world.browser.address().starts_with(&world.at("/dashboard/orders/order_")), "{}", world.browser.address());
    world.browser.go(&world.at("/dashboard"));
    assert_eq!(world.browser.text("#available"), "2,205");
}

/// Who is led here short of credits is shown what covers it, and the way back to the job.
#[test]
fn a_short_job_is_led_to_what_covers_it_and_back() {
    in_every_look("studiotwin", "starter", |Walk { world, account, .. }| {
        let back = "/v1/healthz?job=7";
        let wish = format!("?page=buy-credits&short_by=300&back={}", back.replace('?', "%3F").replace('=', "%3D"));
        world.enter("studiotwin", account, &wish);
        assert_eq!(world.browser.text(".offer.fits .credits"), "500 credits");
        world.browser.find_text("Your job needs 300 more credits than you have available.");
        world.buy("medium", "4242424242424242");
        world.browser.find_text("500 credits are in your account.");
        world.browser.click(".actions a.button:not(.second)");
        assert_eq!(world.browser.address(), world.at(back));
    });
}

#[test]
fn a_declined_card_buys_nothing_and_another_one_does() {
    in_every_look("studiotwin", "starter", |walk| {
        let world = walk.world;
        walk.enter("buy-credits");
        world.buy("medium", "4000000000000002");
        world.browser.find_text("Your card was declined");
        assert_eq!(walk.get("/balance")["available"], json!(500));
        world.pay("4242424242424242");
        world.browser.find_text("500 credits are in your account.");
        assert_eq!(world.browser.text("#available"), "1,000");
    });
}

#[test]
fn a_bank_that_asks_is_answered() {
    in_every_look("studiotwin", "starter", |walk| {
        let world = walk.world;
        walk.enter("buy-credits");
        world.buy("medium", "4000002500003155");
        world.browser.click("#fail");
        world.browser.find_text("Nothing was paid; choose another.");
        assert_eq!(walk.get("/balance")["available"], json!(500));
        world.pay("4000002500003155");
        world.browser.click("#approve");
        world.browser.find_text("500 credits are in your account.");
        assert_eq!(world.browser.text("#available"), "1,000");
    });
}

/// A bank debit arrives later: the page says so, and shows the credits by itself once they are there.
#[test]
fn a_debit_is_waited_for() {
    let world = World::start();
    world.enter("studiotwin", "otto", "?page=buy-credits");
    world.buy("medium", "000123456789");
    world.browser.find_text("Your payment is on its way");
    assert_eq!(world.get("studiotwin", "/accounts/otto/balance")["available"], json!(5));
    world.browser.find_text("500 credits are in your account.");
    assert_eq!(world.browser.text("#available"), "505");
}

/// Who thinks better of it is back at the packages; the order waits and can still be paid.
#[test]
fn an_order_can_be_left_and_paid_later() {
    let world = World::start();
    world.enter("studiotwin", "otto", "?page=buy-credits");
    world.browser.click("button[name=package][value=small]");
    world.browser.click("a.back");
    world.browser.find_text("Buy credits");
    let orders = world.get("studiotwin", "/accounts/otto/orders?state=pending");
    let order = orders["orders"][0]["order"].as_str().expect("an order waits").to_owned();
    world.browser.go(&world.at(&format!("/dashboard/orders/{order}")));
    world.browser.find_text("Waiting for your payment");
    world.browser.click("form[action$='/pay'] button");
    world.pay("4242424242424242");
    world.browser.find_text("100 credits are in your account.");
    assert_eq!(world.browser.text("#available"), "105");
}
