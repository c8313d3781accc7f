//! `kill -9` while customers pay: between payment and webhook, and while what was paid is being credited. Right after the restart
//! every paid order is credited once, and no other is.
//!
//! `SCRIP_PAYMENT_KILLS=100` does more rounds than the tests do.

use std::collections::BTreeSet;
use std::sync::Mutex;
use std::time::Duration;

use scrip_till::{Deliver, Switches};
use serde_json::Value;

use crate::provider::{Ground, SECRET};
use crate::support::{Client, Post, Seeded, Server, succeed};

/// Rounds that the tests do.
const ROUNDS: u64 = 6;
const BUYERS: u64 = 4;
/// For how many rounds somebody buys, before the orders that they never pay come near the limit of those that may wait.
const ROUNDS_OF_A_BUYER: u64 = 6;
/// What the package `small` gives.
const CREDITS: u64 = 100;
/// How often what is paid is asked for until it must be there: more than a minute on any machine.
const LOOKS_MAX: u32 = 200_000;

/// A purchase, as its customer knows it.
#[derive(Clone)]
struct Sale {
    post: Post,
    account: String,
    /// Once the order was answered.
    order: Option<String>,
    page: Option<String>,
    paid: bool,
}

impl Ground {
    fn pay(&self, sale: &mut Sale) {
        if let (Some(page), false) = (&sale.page, sale.paid) {
            sale.paid = self.till.pay(page, "4242424242424242");
        }
    }

    /// Orders, pays (four of five) and comes back (every other time), until the connection breaks.
    fn buy_until_broken(&self, mut client: Client, round: u64, account: &str, sales: &Mutex<Vec<Sale>>) {
        for count in 0.. {
            let account = account.to_owned();
            let post = Post {
                path: format!("/accounts/{account}/orders"),
                key: format!("buy-{round}-{count}"),
                body: r#"{"package":"small"}"#.to_owned(),
            };
            let mut sale = Sale { post, account, order: None, page: None, paid: false };
            let asked = ask(&mut client, &mut sale);
            if count % 5 != 4 {
                self.pay(&mut sale);
            }
            let back = sale.page.as_ref().map(|page| format!("/payments/stripe/studiotwin/return?session={page}"));
            sales.lock().expect("nobody panics while selling").push(sale);
            let came = match back.filter(|_| count % 2 == 0) {
                Some(path) => client.try_get(&path).map(drop),
                None => Ok(()),
            };
            if asked.is_err() || came.is_err() {
                return;
            }
        }
    }
}

/// Orders, or asks again for what was ordered.
fn ask(client: &mut Client, sale: &mut Sale) -> std::io::Result<()> {
    let answer = client.try_post(&sale.post)?;
    assert_eq!(answer.status, 201, "{answer:?}");
    sale.order = answer.body["order"].as_str().map(str::to_owned);
    // It is at its end once the order was paid.
    if let Some(url) = answer.body["checkout_url"].as_str() {
        sale.page = url.rsplit('/').next().map(str::to_owned);
    }
    Ok(())
}

/// What an account's history says of top-ups: an order's name for each.
fn credited(client: &mut Client, account: &str) -> Vec<Value> {
    let mut orders = Vec::new();
    let mut next = String::new();
    loop {
        let page = client.get(&format!("/accounts/{account}/entries?kind=top_up&limit=1000{next}")).body;
        orders.extend(page["entries"].as_array().expect("entries").iter().map(|entry| entry["order"].clone()));
        match page["next"].as_str() {
            Some(after) => next = format!("&after={after}"),
            None => return orders,
        }
    }
}

/// Waits until the orders that were paid are, and looks at all.
fn check(server: &Server, sales: &[Sale], what: &str) {
    let mut client = server.client(SECRET);
    let mut looks = 0;
    for sale in sales.iter().filter(|sale| sale.paid) {
        let order = sale.order.as_ref().expect("what was paid was answered");
        let path = format!("/accounts/{}/orders/{order}", sale.account);
        while client.get(&path).body["state"] != "paid" {
            looks += 1;
            assert!(looks < LOOKS_MAX, "{what}: {order} of {} was paid and is not credited", sale.account);
        }
    }
    let accounts: BTreeSet<&str> = sales.iter().map(|sale| &*sale.account).collect();
    for account in accounts {
        let its = || sales.iter().filter(|sale| sale.account == account && sale.paid);
        let mut expected: Vec<String> = its().filter_map(|sale| sale.order.clone()).collect();
        let mut found: Vec<String> = credited(&mut client, account)
            .iter()
            .map(|order| order.as_str().expect("each is of an order").to_owned())
            .collect();
        expected.sort();
        found.sort();
        assert_eq!(found, expected, "{what}: {account}");
        let available = client.get(&format!("/accounts/{account}/balance")).body["available"].as_u64();
        let paid = u64::try_from(its().count()).expect("a few");
        assert_eq!(available, Some(paid * CREDITS), "{what}: {account}");
    }
}

#[test]
fn killed_while_customers_pay_it_credits_each_once_after_the_restart() {
    let asked = std::env::var("SCRIP_PAYMENT_KILLS").ok();
    let rounds = asked.map_or(ROUNDS, |asked| asked.parse().expect("SCRIP_PAYMENT_KILLS is a number"));
    let folder = tempfile::tempdir().expect("a temporary folder");
    let ground = Ground::new();
    let mut moments = Seeded(rounds);
    let mut server = ground.serve(folder.path(), "warn");
    let mut all: Vec<Sale> = Vec::new();
    for round in 0..rounds {
        let buyers = (0..BUYERS).map(|buyer| format!("buyer-{}-{buyer}", round / ROUNDS_OF_A_BUYER));
        let buyers: Vec<String> = buyers.collect();
        if round % ROUNDS_OF_A_BUYER == 0 {
            let mut client = server.client(SECRET);
            for buyer in &buyers {
                assert_eq!(client.put(&format!("/accounts/{buyer}"), "{}").status, 201);
            }
        }
        // Every other round nothing that is delivered after the kill ever arrives: the server has to ask.
        let deliver = if round % 2 == 0 { Deliver::Send } else { Deliver::Keep };
        let (copies, shuffle_ms, lost_per_cent) = (2, 30, 20);
        ground.till.switch(Switches { deliver, copies, shuffle_ms, lost_per_cent, ..Switches::default() });
        let sales = Mutex::new(Vec::new());
        let moment = moments.below(Duration::from_millis(500));
        std::thread::scope(|scope| {
            for buyer in &buyers {
                let (client, ground, sales) = (server.client(SECRET), &ground, &sales);
                scope.spawn(move || ground.buy_until_broken(client, round, buyer, sales));
            }
            // The moment is what is tried, nothing is waited for.
            std::thread::sleep(moment);
            server.kill();
        });
        let mut sales = sales.into_inner().expect("nobody panics while selling");
        // Some pay while nobody is there to hear of it.
        sales.iter_mut().step_by(3).for_each(|sale| ground.pay(sale));
        if deliver == Deliver::Keep {
            drop(ground.till.take_deliveries());
        }
        server = ground.serve(folder.path(), "warn");
        let what = format!("round {round}, killed after {moment:?}");
        check(&server, &all_and(&all, &sales), &what);
        // Whoever was not answered asks again, and some of them pay now.
        let mut client = server.client(SECRET);
        for sale in sales.iter_mut().filter(|sale| sale.order.is_none()) {
            ask(&mut client, sale).expect("the server answers");
        }
        sales.iter_mut().step_by(2).for_each(|sale| ground.pay(sale));
        all.append(&mut sales);
    }
    ground.till.switch(Switches::default());
    check(&server, &all, "at the end");
    let paid = all.iter().filter(|sale| sale.paid).count();
    println!("{rounds} rounds: {} orders, {paid} paid, each credited once", all.len());
    assert!(paid > 0 && paid < all.len(), "both kinds are there");
    server.stop();
    succeed(&["verify", "--data", &folder.path().display().to_string()]);
}

fn all_and(all: &[Sale], more: &[Sale]) -> Vec<Sale> {
    all.iter().chain(more).cloned().collect()
}
