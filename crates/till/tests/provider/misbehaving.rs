//! A provider that is down, busy, slow, wrong, or silent after it has done what was asked.

use std::time::Duration;

use scrip_stripe::{Error, Outcome, Patience, SessionQuery};
use scrip_till::{Fault, Switches};

use crate::world::{World, new_session};

/// What a call comes to that meets a fault at every try.
async fn for_ever(fault: Fault, patience: Patience) -> Error {
    let world = World::with(patience).await;
    world.till.switch(Switches { fault: Some(fault), ..Switches::default() });
    let error = world.client.create_session(&new_session("order_1")).await.expect_err("it fails");
    assert!(error.may_pass(), "{error}");
    error
}

/// Makes a page while the first tries meet a fault; there must be one page in the end.
async fn at_first(fault: Fault, patience: Patience) {
    let world = World::with(patience).await;
    world.till.switch(Switches { fault: Some(fault), fault_for: Some(2), ..Switches::default() });
    let session = world.client.create_session(&new_session("order_1")).await.expect("it passes");
    let all = world.client.sessions(&SessionQuery::default()).await.expect("a list");
    assert_eq!(all.data.iter().map(|session| &session.id).collect::<Vec<_>>(), [&session.id], "{fault:?}");
}

fn quick() -> Patience {
    Patience { backoff: Duration::from_millis(1), ..Patience::default() }
}

/// Gives up soon on an answer, and tries often: a busy machine may be slow for reasons of its own.
fn restless() -> Patience {
    Patience { answer_wait: Duration::from_millis(400), tries: 30, ..quick() }
}

#[tokio::test]
async fn a_fault_that_passes_does_no_harm() {
    for fault in [Fault::Down, Fault::Error, Fault::Busy, Fault::Conflict, Fault::DoneThenBroken] {
        at_first(fault, quick()).await;
    }
    at_first(Fault::DoneThenSilent, restless()).await;
}

#[tokio::test]
async fn a_fault_that_stays_is_told_with_what_is_known() {
    for (fault, expected) in [
        (Fault::Error, Outcome::Unknown),
        (Fault::Busy, Outcome::NotDone),
        (Fault::Conflict, Outcome::NotDone),
        (Fault::Down, Outcome::Unknown),
        (Fault::DoneThenBroken, Outcome::Unknown),
    ] {
        match for_ever(fault, quick()).await {
            Error::Unreachable { outcome, .. } => assert_eq!(outcome, expected, "{fault:?}"),
            other => panic!("{fault:?}: {other}"),
        }
    }
    let impatient = Patience { answer_wait: Duration::from_millis(50), tries: 2, ..quick() };
    for fault in [Fault::DoneThenSilent, Fault::Slow(60_000)] {
        match for_ever(fault, impatient.clone()).await {
            Error::Unreachable { outcome: Outcome::Unknown, .. } => {}
            other => panic!("{fault:?}: {other}"),
        }
    }
}

#[tokio::test]
async fn rubbish_is_never_taken_for_an_answer() {
    for fault in [Fault::Rubbish, Fault::OtherObject] {
        match for_ever(fault, quick()).await {
            Error::Rubbish { outcome: Outcome::Unknown, .. } => {}
            other => panic!("{fault:?}: {other}"),
        }
    }
}

#[tokio::test]
async fn a_provider_that_is_not_there_has_done_nothing() {
    let world = World::new().await;
    let till = world.till.url();
    let nobody = tokio::net::TcpListener::bind("127.0.0.1:0").await.expect("a free port");
    let address = nobody.local_addr().expect("it has one");
    drop(nobody);
    assert_ne!(till, format!("http://{address}"));
    let client = scrip_stripe::Client::new(scrip_stripe::Config {
        api_base: scrip_stripe::ApiBase::parse(&format!("http://{address}")).expect("an address"),
        api_version: "v".to_owned(),
        key: scrip_stripe::Secret::api_key("sk_test_12345").expect("a key"),
        patience: quick(),
    });
    match client.create_session(&new_session("order_1")).await {
        Err(Error::Unreachable { outcome: Outcome::NotDone, .. }) => {}
        other => panic!("{other:?}"),
    }
}

#[tokio::test]
async fn errors_repeat_neither_keys_nor_texts_of_the_provider() {
    let world = World::new().await;
    let stranger = crate::world::client(&world.till, "sk_test_very_secret_indeed", quick());
    let refused = stranger.session("cs_test_1").await.expect_err("it is refused");
    let declined = world.session("order_1").await;
    world.till.pay(&declined.id, "4000000000000002");
    let missing = world.client.session("cs_test_<script>").await.expect_err("there is none");
    for error in [refused, missing] {
        let shown = format!("{error} {error:?}");
        for hidden in ["very_secret", "script", "No such", "Invalid API Key"] {
            assert!(!shown.contains(hidden), "{shown}");
        }
    }
}
