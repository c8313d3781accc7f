//! When a call is tried again, and after how long. Pure: the waiting is done elsewhere.

use std::time::Duration;

use hyper::StatusCode;

use crate::config::Patience;
use crate::transport::{Reply, ShouldRetry};

/// Whether an answer asks for another try: the provider's own word first, then what its statuses mean.
pub(crate) fn again(reply: &Reply) -> bool {
    match reply.should_retry {
        Some(ShouldRetry::Yes) => true,
        Some(ShouldRetry::No) => false,
        None => {
            matches!(reply.status, StatusCode::CONFLICT | StatusCode::TOO_MANY_REQUESTS)
                || reply.status.is_server_error()
        }
    }
}

/// How long to wait after the try number `tried` (from 1): doubled each time, at least what the provider asks for, never
/// above the longest wait.
pub(crate) fn wait(patience: &Patience, tried: u32, asked: Option<Duration>) -> Duration {
    let doubled = patience.backoff.saturating_mul(2_u32.saturating_pow(tried.saturating_sub(1)));
    doubled.max(asked.unwrap_or(Duration::ZERO)).min(patience.backoff_max)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::error::RequestId;

    fn reply(status: u16, should_retry: Option<ShouldRetry>) -> Reply {
        let status = StatusCode::from_u16(status).unwrap();
        Reply { status, request: RequestId(None), should_retry, retry_after: None, body: hyper::body::Bytes::new() }
    }

    #[test]
    fn some_answers_ask_for_another_try() {
        for (status, should_retry, expected) in [
            (200, None, false),
            (400, None, false),
            (402, None, false),
            (404, None, false),
            (409, None, true),
            (429, None, true),
            (500, None, true),
            (503, None, true),
            (503, Some(ShouldRetry::No), false),
            (400, Some(ShouldRetry::Yes), true),
        ] {
            assert_eq!(again(&reply(status, should_retry)), expected, "{status} {should_retry:?}");
        }
    }

    #[test]
    fn waits_double_and_are_bounded() {
        let patience = Patience::default();
        for (tried, asked, ms) in [
            (1, None, 500),
            (2, None, 1_000),
            (3, None, 2_000),
            (9, None, 5_000),
            (1, Some(2), 2_000),
            (1, Some(600), 5_000),
        ] {
            assert_eq!(wait(&patience, tried, asked.map(Duration::from_secs)), Duration::from_millis(ms), "{tried}");
        }
    }
}
