//! The hosted page, as a browser without JavaScript sees it; and the desk behind it.

use http_body_util::{BodyExt, Full};
use hyper::body::Bytes;
use hyper::{Request, StatusCode};
use hyper_util::client::legacy::Client;
use hyper_util::rt::TokioExecutor;
use scrip_stripe::PaymentState;

use crate::world::World;

struct Seen {
    status: StatusCode,
    location: String,
    body: String,
}

async fn send(method: &str, url: &str, body: &str) -> Seen {
    let client: Client<_, Full<Bytes>> = Client::builder(TokioExecutor::new()).build_http();
    let request = Request::builder()
        .method(method)
        .uri(url)
        .header("content-type", "application/x-www-form-urlencoded")
        .body(Full::from(body.to_owned()))
        .expect("a request");
    let response = client.request(request).await.expect("the provider answers");
    let header = |name: &str| response.headers().get(name).map(|value| value.to_str().expect("visible").to_owned());
    let (status, location) = (response.status(), header("location").unwrap_or_default());
    let body = response.into_body().collect().await.expect("a body").to_bytes();
    Seen { status, location, body: String::from_utf8(body.to_vec()).expect("text") }
}

#[tokio::test]
async fn a_customer_pays_and_comes_back() {
    let world = World::new().await;
    let session = world.session("order_1").await;
    let url = session.url.clone().expect("it is open");
    let page = send("GET", &url, "").await;
    for words in ["Flow Studio", "19.99 EUR", "5,000 credits", "4242 4242 4242 4242", "Back without paying", "/away"] {
        assert!(page.body.contains(words), "{words}: {}", page.body);
    }
    assert!(!page.body.contains("<script"));
    let declined = send("POST", &url, "number=4000000000000002").await;
    assert!(declined.body.contains("Your card was declined. Nothing was paid"), "{}", declined.body);
    let strange = send("POST", &url, "number=5555555555554444").await;
    assert_eq!(strange.status, StatusCode::BAD_REQUEST);
    let paid = send("POST", &url, "number=4242424242424242").await;
    let back = format!("http://127.0.0.1:9/back?session={}", session.id);
    assert_eq!((paid.status, &paid.location), (StatusCode::SEE_OTHER, &back));
    assert_eq!(world.state(&session).await, PaymentState::Paid);
    // The back button, and a second press.
    assert_eq!(send("GET", &url, "").await.location, back);
    assert_eq!(send("POST", &url, "number=4242424242424242").await.location, back);
}

#[tokio::test]
async fn a_bank_asks_its_customer() {
    let world = World::new().await;
    let session = world.session("order_1").await;
    let url = session.url.clone().expect("it is open");
    let asked = send("POST", &url, "number=4000002500003155").await;
    assert_eq!(asked.location, format!("/pay/{}/challenge", session.id));
    assert_eq!(world.state(&session).await, PaymentState::Open);
    let challenge = format!("{url}/challenge");
    assert!(send("GET", &challenge, "").await.body.contains("approve"));
    let refused = send("POST", &challenge, "answer=fail").await;
    assert!(refused.body.contains("could not be authenticated"), "{}", refused.body);
    assert_eq!(world.state(&session).await, PaymentState::Open);
    send("POST", &url, "number=4000002500003155").await;
    assert_eq!(send("POST", &challenge, "answer=approve").await.status, StatusCode::SEE_OTHER);
    assert_eq!(world.state(&session).await, PaymentState::Paid);
}

#[tokio::test]
async fn a_page_that_is_over_says_so() {
    let world = World::new().await;
    let session = world.session("order_1").await;
    let url = session.url.clone().expect("it is open");
    world.client.expire_session(&session.id).await.expect("it was open");
    let over = send("GET", &url, "").await;
    assert_eq!(over.status, StatusCode::NOT_FOUND);
    assert!(over.body.contains("expired. Nothing was paid"), "{}", over.body);
    assert_eq!(send("GET", &format!("{}/pay/cs_test_none", world.till.url()), "").await.status, StatusCode::NOT_FOUND);
}

#[tokio::test]
async fn the_desk_refunds_and_disputes_by_buttons() {
    let world = World::new().await;
    let session = world.session("order_1").await;
    assert!(world.till.pay(&session.id, "4242424242424242"));
    let payment = world.truth(&session).await.payment_intent.expect("there is one");
    let desk = world.till.url();
    assert!(send("GET", &desk, "").await.body.contains("order_1"));
    assert_eq!(send("POST", &desk, &format!("act=disputes/{payment}")).await.status, StatusCode::SEE_OTHER);
    assert_eq!(world.truth(&session).await.disputes, [scrip_stripe::DisputeTruth::Open(crate::world::euros(1_999))]);
    // Tests' own entrance asks for the key.
    assert_eq!(send("GET", &format!("{desk}/desk/switches"), "").await.status, StatusCode::UNAUTHORIZED);
}
