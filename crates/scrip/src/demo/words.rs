//! What the demo prints: keys, accounts, and lines that work when they are pasted into a shell.

use std::fmt::Write;
use std::net::SocketAddr;

use scrip_core::id::StudioId;
use scrip_till::Till;

use crate::demo::stories;
use crate::fresh::FreshFolder;

/// What there is to tell.
pub(super) struct Told<'a> {
    /// Where scrip listens.
    pub(super) address: SocketAddr,
    /// Where the small studio's pages are.
    pub(super) studio: &'a str,
    /// Each studio's name and secret key.
    pub(super) keys: &'a [(String, String)],
    /// Each studio's payment provider.
    pub(super) tills: &'a [(StudioId, Till)],
    /// Where the data are.
    pub(super) folder: &'a FreshFolder,
}

/// Everything that is said at the start.
pub(super) fn welcome(told: &Told<'_>) -> String {
    let Told { address, studio, keys, tills, folder } = *told;
    let mut text = String::new();
    let fate = if folder.is_kept() { "kept" } else { "removed at the end" };
    let mut say = |line: std::fmt::Arguments<'_>| writeln!(text, "{line}").expect("writing to a text");
    say(format_args!("scrip demo: two studios, data in {} ({fate})\n", folder.path().display()));
    for (studio, secret) in keys {
        say(format_args!("key {studio} {secret}"));
    }
    say(format_args!("\nsee it at work: open {studio}, choose an account, and run a job"));
    for (studio, _) in keys {
        say(format_args!("\naccounts of {studio}"));
        for story in stories::all().iter().filter(|story| story.studio == studio) {
            say(format_args!("  {:<16}{}", story.account, story.shows));
        }
    }
    if let Some((_, secret)) = keys.iter().find(|(studio, _)| studio == "flow-studio") {
        say(format_args!("\ntry it: paste these into another terminal"));
        for (what, line) in lines(address, secret) {
            say(format_args!("\n# {what}\n{line}"));
        }
    }
    if let Some((_, secret)) = keys.iter().find(|(studio, _)| studio == "studiotwin") {
        say(format_args!(
            "\n# let Otto buy by himself whenever less than 100 credits are left: what he pays with next is saved for it"
        ));
        say(format_args!("{}", top_up_line(address, secret)));
        say(format_args!(
            "\n# buy 500 credits for Otto: open the checkout_url that this answers, choose a test card, and pay"
        ));
        say(format_args!("{}", order_line(address, secret)));
    }
    for (studio, till) in tills {
        say(format_args!("\npayments of {studio}, to refund and dispute: {}", till.url()));
    }
    say(format_args!("\nlistening on http://{address} (Ctrl-C ends it)"));
    text
}

/// The line that turns the automatic top-up on.
fn top_up_line(address: SocketAddr, secret: &str) -> String {
    format!(
        "curl -s -X PUT http://{address}/v1/accounts/otto/automatic-top-up -H 'Authorization: Bearer {secret}' \
         -H 'Content-Type: application/json' -d '{{\"package\":\"medium\",\"below\":100}}'"
    )
}

/// The line that orders credits.
fn order_line(address: SocketAddr, secret: &str) -> String {
    format!(
        "curl -s http://{address}/v1/accounts/otto/orders -H 'Authorization: Bearer {secret}' \
         -H 'Content-Type: application/json' -H 'Idempotency-Key: try-order' -d '{{\"package\":\"medium\"}}'"
    )
}

/// What to try, and the line that does it.
fn lines(address: SocketAddr, secret: &str) -> Vec<(&'static str, String)> {
    let account = format!("http://{address}/v1/accounts/ana");
    let get = |url: String| format!("curl -s {url} -H 'Authorization: Bearer {secret}'");
    let ask = |url: String, body: &str| format!("{} -H 'Content-Type: application/json' -d '{body}'", get(url));
    let change = |url: String, key: &str, body: &str| format!("{} -H 'Idempotency-Key: {key}'", ask(url, body));
    vec![
        (
            "what would 10.4 seconds of Live Action cost Ana?",
            ask(
                format!("http://{address}/v1/quotes"),
                r#"{"tool":"live-action","measures":{"seconds":10.4},"account":"ana"}"#,
            ),
        ),
        ("what has she, and how many seconds is that?", get(format!("{account}/balance"))),
        (
            "start the job: set 220 credits aside",
            change(
                format!("{account}/holds"),
                "try-hold",
                r#"{"tool":"live-action","measures":{"seconds":10.4},"hold":"my-first-job"}"#,
            ),
        ),
        (
            "it ran 8 seconds: 160 are charged, the rest is free again (paste it twice: it is charged once)",
            change(format!("{account}/holds/my-first-job/settle"), "try-settle", r#"{"measures":{"seconds":8}}"#),
        ),
        ("the history that explains every credit", get(format!("{account}/entries"))),
    ]
}
