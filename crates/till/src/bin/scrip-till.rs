//! The test provider as a program of its own, for tests in other languages. It prints one JSON line with its address and the
//! secret of its webhook, and ends with its standard input.
//!
//! usage: `scrip-till LISTEN KEY SECONDS [WEBHOOK-ADDRESS]`, where `SECONDS` (since 1970) is when its clock begins.

use std::process::ExitCode;
use std::time::Duration;

use scrip_till::{Clock, Options, Till};
use tokio::io::AsyncReadExt;
use tokio::net::TcpListener;

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let (listen, key, seconds, webhook) = match arguments.as_slice() {
        [listen, key, seconds] => (listen, key, seconds, None),
        [listen, key, seconds, webhook] => (listen, key, seconds, Some(webhook)),
        _ => {
            eprintln!("usage: scrip-till LISTEN KEY SECONDS [WEBHOOK-ADDRESS]");
            return ExitCode::from(2);
        }
    };
    let Ok(seconds) = seconds.parse() else {
        eprintln!("scrip-till: {seconds}: expected seconds since 1970");
        return ExitCode::from(2);
    };
    match run(listen, key, seconds, webhook.map(String::as_str)) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("scrip-till: {error}");
            ExitCode::from(3)
        }
    }
}

fn run(listen: &str, key: &str, seconds: i64, webhook: Option<&str>) -> std::io::Result<()> {
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
    runtime.block_on(async {
        let options = Options {
            seed: 1,
            api_key: key.to_owned(),
            business: "Test Studio".to_owned(),
            clock: Clock::running(seconds),
            debit_wait_s: 2,
            backoff: Duration::from_millis(500),
        };
        let till = Till::start(TcpListener::bind(listen).await?, options)?;
        let secret = webhook.map(|url| till.deliver_to(url));
        println!("{}", serde_json::json!({"url": till.url(), "webhook_secret": secret}));
        let mut rest = Vec::new();
        tokio::io::stdin().read_to_end(&mut rest).await?;
        Ok(())
    })
}
