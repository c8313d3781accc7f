//! What all accounts of a studio have: what of it was paid for and is not spent, and holds that are stuck.

use axum::body::Body;
use serde_json::{Value, json};

use crate::world::{FLOW, World};

/// A world whose studio sells packages, plans that renew by payment, and has one that is free.
async fn furnished() -> World {
    let world = World::new().await;
    let source = std::fs::read_to_string("../../catalogs/flow-studio.toml").unwrap();
    let more = "
        [plans.monthly]\nname = \"Monthly\"\nallowance = 1_000\nprice = \"9.00 USD\"\nrenews = \"payment\"\n
        [plans.rolling]\nname = \"Rolling\"\nallowance = 1_000\nprice = \"9.00 USD\"\nrenews = \"payment\"\nroll_over_cap = 500\n
        [plans.free]\nname = \"Free\"\nallowance = 50\nprice = \"0.00 USD\"\n
        [packages.pack]\nname = \"Pack\"\ncredits = 200\nbonus = 20\nprice = \"7.00 USD\"\n";
    let call = world.call("POST", "/v1/catalog").secret(FLOW).header("content-type", "application/toml");
    let published = call.send(Body::from(format!("{source}{more}"))).await;
    assert_eq!(published.status, 201, "{}", published.text());
    world
}

async fn post(world: &World, path: &str, body: Value) -> Value {
    let reply = world.post(&format!("/v1/accounts/{path}"), body).await;
    assert!(reply.status < 300, "{path}: {}", reply.text());
    reply.json()
}

#[tokio::test]
async fn what_was_paid_for_and_is_not_spent_is_what_the_studio_owes() {
    let world = furnished().await;
    let paid = async || {
        let paid = world.get("/v1/totals").await.json()["paid"].clone();
        [&paid["credits"], &paid["top_ups"], &paid["plans"]].map(|credits| credits.as_i64().unwrap())
    };
    let mut expected = [0, 0, 0];
    let mut add = |top_ups: i64, plans: i64| {
        expected = [expected[0] + top_ups + plans, expected[1] + top_ups, expected[2] + plans];
        expected
    };
    // A package's credits, without its bonus.
    world.account("ada", 0).await;
    let order = post(&world, "ada/orders", json!({"package": "pack"})).await["order"].clone();
    assert_eq!(paid().await, [0, 0, 0]);
    let done =
        post(&world, &format!("ada/orders/{}/mark-paid", order.as_str().unwrap()), json!({"reference": "i"})).await;
    assert_eq!((&done["granted"], &done["balance"]["remaining"]), (&json!(220), &json!(220)));
    assert_eq!(paid().await, add(200, 0));
    // What is granted as bought was paid outside; what is given away was not.
    for (class, top_ups) in [("top_up", 10), ("promo", 0), ("make_good", 0)] {
        post(&world, "ada/grants", json!({"credits": 10, "class": class, "reason": "x"})).await;
        assert_eq!(paid().await, add(top_ups, 0), "{class}");
    }
    // What a job holds is not spent yet; what it charged is: promo and make-good credits first.
    post(&world, "ada/holds", json!({"credits": 45, "hold": "job"})).await;
    assert_eq!(paid().await, add(0, 0));
    post(&world, "ada/holds/job/settle", json!({})).await;
    assert_eq!(paid().await, add(-5, 0));
    // A plan that the clock renews: the studio says when it stops. A free one was paid for by nobody.
    for (account, plan, plans) in [("bob", "lite", 3_000), ("cleo", "free", 0)] {
        world.put(&format!("/v1/accounts/{account}"), json!({})).await;
        world.put(&format!("/v1/accounts/{account}/subscription"), json!({"plan": plan})).await;
        assert_eq!(paid().await, add(0, plans), "{plan}");
    }
    // One that is renewed by payment: paid for the first month; then what came on trust is no debt of the studio's.
    world.account("dora", 0).await;
    let order = post(&world, "dora/orders", json!({"plan": "monthly"})).await["order"].clone();
    let done =
        post(&world, &format!("dora/orders/{}/mark-paid", order.as_str().unwrap()), json!({"reference": "i"})).await;
    assert_eq!((&done["credits"], &done["granted"]), (&json!(1_000), &json!(1_000)));
    assert_eq!(paid().await, add(0, 1_000));
    let order = post(&world, "dora/orders", json!({"plan": "monthly"})).await["order"].clone();
    world.at("2026-02-28T10:00:00Z").await;
    assert_eq!(world.get("/v1/accounts/dora/balance").await.json()["remaining"], json!(1_000), "within the grace");
    assert_eq!(paid().await, add(0, -1_000));
    // Its payment brings nothing at once: the credits came before it.
    let done =
        post(&world, &format!("dora/orders/{}/mark-paid", order.as_str().unwrap()), json!({"reference": "i"})).await;
    assert_eq!((&done["credits"], &done["granted"]), (&json!(1_000), &json!(0)));
    assert_eq!(paid().await, add(0, 1_000));
}

/// What rolled over was paid for, though the refill after it came on trust, or its payment is late.
#[tokio::test]
async fn what_rolled_over_is_owed_in_grace_and_past_due() {
    let world = furnished().await;
    let plans = async || world.get("/v1/totals").await.json()["paid"]["plans"].as_i64().unwrap();
    let order =
        async || post(&world, "erin/orders", json!({"plan": "rolling"})).await["order"].as_str().unwrap().to_owned();
    let mark_paid =
        async |order: &str| post(&world, &format!("erin/orders/{order}/mark-paid"), json!({"reference": "i"})).await;
    world.account("erin", 0).await;
    mark_paid(&order().await).await;
    assert_eq!(plans().await, 1_000);
    let second = order().await;
    // Within the grace: 500 of January's and 1,000 on trust. Then past due, with the same credits.
    for (now, state) in [("2026-02-28T10:00:00Z", "active"), ("2026-03-04T10:00:00Z", "past_due")] {
        world.at(now).await;
        let subscription = world.get("/v1/accounts/erin/subscription").await.json();
        assert_eq!(subscription["state"], json!(state), "{now}: {subscription}");
        assert_eq!(world.get("/v1/accounts/erin/balance").await.json()["remaining"], json!(1_500), "{now}");
        assert_eq!(plans().await, 500, "{now}");
    }
    // What rolled over is spent first.
    for (credits, left) in [(200, 300), (700, 0)] {
        let job = format!("job-{credits}");
        post(&world, "erin/holds", json!({"credits": credits, "hold": job})).await;
        assert_eq!(plans().await, if credits == 200 { 500 } else { 300 }, "held credits are not spent yet");
        post(&world, &format!("erin/holds/{job}/settle"), json!({})).await;
        assert_eq!(plans().await, left, "{credits}");
    }
    mark_paid(&second).await;
    assert_eq!(plans().await, 600);
}

/// A free plan that is sold no more goes on for who has it, and nobody pays for it.
#[tokio::test]
async fn a_free_plan_is_free_when_it_is_out_of_the_catalog() {
    let world = furnished().await;
    world.account("cleo", 0).await;
    world.put("/v1/accounts/cleo/subscription", json!({"plan": "free"})).await;
    let source = std::fs::read_to_string("../../catalogs/flow-studio.toml").unwrap();
    let call = world.call("POST", "/v1/catalog").secret(FLOW).header("content-type", "application/toml");
    let published = call.send(Body::from(source.replacen("\"Flow Studio\"", "\"Flow\"", 1))).await;
    assert_eq!(published.status, 201, "{}", published.text());
    let totals = world.get("/v1/totals").await.json();
    assert_eq!((&totals["remaining"], &totals["paid"]["plans"]), (&json!(50), &json!(0)), "{totals}");
}

/// A payment that repays a debt granted all the same.
#[tokio::test]
async fn what_a_payment_grants_is_said_though_it_repays_a_debt() {
    let world = furnished().await;
    world.account("ada", 10).await;
    post(&world, "ada/holds", json!({"credits": 10, "hold": "job"})).await;
    post(&world, "ada/holds/job/settle", json!({"credits": 40, "on_excess": "debt"})).await;
    let order = post(&world, "ada/orders", json!({"package": "pack"})).await;
    assert_eq!((order.get("granted"), &order["balance"]["debt"]), (None, &json!(30)), "{order}");
    let order = order["order"].as_str().unwrap().to_owned();
    let done = post(&world, &format!("ada/orders/{order}/mark-paid"), json!({"reference": "i"})).await;
    assert_eq!((&done["granted"], &done["balance"]["remaining"]), (&json!(220), &json!(190)));
    assert_eq!(done["balance"].get("debt"), None, "nothing is owed any more");
}

#[tokio::test]
async fn holds_that_are_stuck_are_found_oldest_first() {
    let world = World::new().await;
    let stuck = async |query: &str| world.get(&format!("/v1/holds?stuck=true{query}")).await.json();
    let jobs = |page: &Value| {
        let jobs = page["holds"].as_array().unwrap().iter().map(|hold| hold["hold"].as_str().unwrap().to_owned());
        jobs.collect::<Vec<_>>().join(" ")
    };
    for (account, hold, minute) in
        [("bob", "first", "00"), ("ada", "second", "01"), ("ada", "short", "02"), ("bob", "third", "03")]
    {
        world.at(&format!("2026-01-31T10:{minute}:00Z")).await;
        world.put(&format!("/v1/accounts/{account}"), json!({})).await;
        post(&world, &format!("{account}/grants"), json!({"credits": 5, "class": "promo", "reason": "x"})).await;
        let lasts = if hold == "short" { 3_500 } else { 86_400 };
        post(&world, &format!("{account}/holds"), json!({"credits": 5, "hold": hold, "expires_in": lasts})).await;
    }
    assert_eq!(jobs(&stuck("").await), "", "not yet");
    // An hour is what holds last where nothing else is said; one that has ended is not stuck.
    for (now, found) in [
        ("2026-01-31T11:00:00Z", ""),
        ("2026-01-31T11:00:01Z", "first"),
        ("2026-01-31T11:30:00Z", "first second third"),
    ] {
        world.at(now).await;
        assert_eq!(jobs(&stuck("").await), found, "{now}");
        let count = found.split_whitespace().count();
        assert_eq!(world.get("/v1/totals").await.json()["stuck_holds"], json!(count));
        let open = world.get("/v1/holds?state=open").await.json();
        let marked = open["holds"].as_array().unwrap().iter().filter(|hold| hold["stuck"] == json!(true)).count();
        assert_eq!(marked, count, "each says it of itself");
    }
    // That a job may be gone is for operators to judge.
    let portal = world.call("POST", "/v1/accounts/bob/portal-sessions").secret(FLOW).header("host", "x");
    let token = portal.json(json!({})).await.json()["token"].as_str().unwrap().to_owned();
    for path in ["/v1/accounts/bob/holds", "/v1/accounts/bob/holds/first"] {
        let shown = world.call("GET", path).secret(&token).empty().await.text();
        assert!(shown.contains("\"open\"") && !shown.contains("stuck"), "{shown}");
    }
    let first = stuck("&limit=2").await;
    assert_eq!(jobs(&first), "first second");
    let rest = stuck(&format!("&limit=2&after={}", first["next"].as_str().unwrap())).await;
    assert_eq!((jobs(&rest).as_str(), &rest["next"]), ("third", &Value::Null));
    post(&world, "bob/holds/first/release", json!({})).await;
    assert_eq!(jobs(&stuck("&state=open").await), "second third");
    for (query, field) in [("&state=settled", "state"), ("&after=c1", "after"), ("&stuck=perhaps", "stuck")] {
        assert_eq!(stuck(query).await["field"], json!(field), "{query}");
    }
}
