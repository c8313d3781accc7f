//! The provider's honesty: Stripe's own libraries work with it and believe its signatures; and our client works with a
//! stand-in that others wrote.
//!
//! The libraries come from their package registries, at fixed versions, into the folder for temporary files of the tests.

mod installed;
mod stand_in;

use std::time::Duration;

use scrip_till::{Clock, Deliver, Options, Switches, Till};
use tokio::net::TcpListener;

const KEY: &str = "sk_test_studio";

/// A provider and the arguments for a script: its address, the key and the signing secret.
async fn provider() -> (Till, Vec<String>) {
    // Their libraries compare signatures with the machine's clock, so this one must show about the same.
    let now = installed::output("date", &["+%s"]).trim().parse().expect("seconds since 1970");
    let options = Options {
        seed: 3,
        api_key: KEY.to_owned(),
        business: "Test Studio".to_owned(),
        clock: Clock::running(now),
        debit_wait_s: 3_600,
        backoff: Duration::from_millis(1),
    };
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
    let till = Till::start(listener, options).expect("it has an address");
    till.switch(Switches { deliver: Deliver::Keep, ..Switches::default() });
    let secret = till.deliver_to("http://127.0.0.1:9/webhook");
    (till.clone(), vec![till.url(), KEY.to_owned(), secret])
}

/// Serves without the parts of axum that are not compiled in.
async fn serve(listener: TcpListener, routes: axum::Router) {
    loop {
        let Ok((stream, _)) = listener.accept().await else { return };
        let service = hyper_util::service::TowerToHyperService::new(routes.clone());
        tokio::spawn(
            hyper::server::conn::http1::Builder::new().serve_connection(hyper_util::rt::TokioIo::new(stream), service),
        );
    }
}

/// Runs a script twice: first it makes pages, refunds and so on; then it is given a signed delivery to believe.
async fn run(program: String, script: &str) {
    let (till, mut arguments) = provider().await;
    arguments.insert(0, format!("{}/tests/libraries/{script}", env!("CARGO_MANIFEST_DIR")));
    let first = arguments.clone();
    let made = {
        let program = program.clone();
        tokio::task::spawn_blocking(move || installed::output(&program, &first)).await.expect("it ends")
    };
    assert_eq!(made.trim(), "made");
    let delivery = till.take_deliveries().pop().expect("something was told");
    assert_eq!(delivery.kind, "charge.refunded");
    arguments.push(delivery.signature);
    arguments.push(String::from_utf8(delivery.body).expect("JSON is text"));
    let believed = tokio::task::spawn_blocking(move || installed::output(&program, &arguments)).await.expect("it ends");
    assert_eq!(believed.trim(), "believed charge.refunded");
}

#[tokio::test(flavor = "multi_thread")]
async fn stripes_node_library_works_with_it() {
    // A module is looked for beside the script: the folder with the library is named instead.
    let program = tokio::task::spawn_blocking(installed::node).await.expect("it ends");
    run(program, "with_node.mjs").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn stripes_python_library_works_with_it() {
    let program = tokio::task::spawn_blocking(installed::python).await.expect("it ends");
    run(program, "with_python.py").await;
}
