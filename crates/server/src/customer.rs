//! A customer, let in by a token: what they may reach, and that it is theirs.
//!
//! Routes are closed to customers unless [`ROUTES`] opens them, so a new one is closed; and where an address names an
//! account, it must be the token's own. Apart from [`crate::auth`] because the portal's pages let customers in by the
//! same tokens.

use axum::extract::{FromRequestParts, MatchedPath, RawPathParams};
use axum::http::request::Parts;
use axum::http::{HeaderMap, header};
use scrip_api::code::Code;
use scrip_api::portal::EXPIRES_IN_MAX;
use scrip_core::id::{AccountId, AccountNumber, StudioNumber};
use scrip_core::time::Time;
use scrip_engine::store::TokenSecret;

use crate::app::App;
use crate::auth;
use crate::customer_token::{self, Reach};
use crate::problem::Refused;

/// What a customer token opens: reads, quotes, orders, the customer's own plan and settings, and nothing else. The
/// OpenAPI document takes it from here.
pub(crate) const ROUTES: &[(&str, &str)] = &[
    ("GET", "/v1/accounts/{account}"),
    ("PUT", "/v1/accounts/{account}"),
    ("GET", "/v1/accounts/{account}/subscription"),
    ("PUT", "/v1/accounts/{account}/subscription"),
    ("DELETE", "/v1/accounts/{account}/subscription"),
    ("POST", "/v1/accounts/{account}/subscription/preview"),
    ("GET", "/v1/accounts/{account}/balance"),
    ("GET", "/v1/accounts/{account}/balance/stream"),
    ("GET", "/v1/accounts/{account}/holds"),
    ("GET", "/v1/accounts/{account}/holds/{hold}"),
    ("GET", "/v1/accounts/{account}/entries"),
    ("GET", "/v1/accounts/{account}/usage"),
    ("GET", "/v1/accounts/{account}/orders"),
    ("POST", "/v1/accounts/{account}/orders"),
    ("GET", "/v1/accounts/{account}/orders/{order}"),
    ("GET", "/v1/accounts/{account}/automatic-top-up"),
    ("PUT", "/v1/accounts/{account}/automatic-top-up"),
    ("POST", "/v1/accounts/{account}/orders/{order}/checkout"),
    ("GET", "/v1/accounts/{account}/offers"),
    ("GET", "/v1/catalog"),
    ("GET", "/v1/packages"),
    ("GET", "/v1/portal-session"),
    ("POST", "/v1/quotes"),
];

/// Those of [`ROUTES`] that change nothing, besides what is got: for the studio's people, who look at a customer's pages.
const TRIED: [&str; 2] = ["/v1/accounts/{account}/subscription/preview", "/v1/quotes"];

/// Seconds by which the clocks of two servers of one store may differ.
const CLOCKS_DIFFER: i64 = 60;

/// Who came with a token that is good.
#[derive(Clone, Debug)]
pub(crate) struct Customer {
    /// Whose customer.
    pub(crate) studio: StudioNumber,
    /// The account.
    pub(crate) account: AccountId,
    /// Which one it is: its id may be another's after an erasure.
    number: AccountNumber,
    /// The first instant at which the token is good no more.
    pub(crate) expires_at: Time,
    /// What it opens.
    reach: Reach,
    /// What it was made with.
    secret: TokenSecret,
}

impl Customer {
    /// Whose token this is.
    pub(crate) async fn of(app: &App, token: &str) -> Result<Customer, Refused> {
        let presented = customer_token::read(token).ok_or_else(not_good)?;
        let secret = app.engine().token_secret(presented.studio()).ok_or_else(not_good)?;
        let signed = presented.signed_with(&secret).ok_or_else(not_good)?;
        let claims = &signed.claims;
        if !lasts(claims.expires_at, app.engine().now()) {
            return Err(not_good());
        }
        // Only now: whoever has no token of ours is not worth a look into the store.
        let account = match app.stored_account(claims.studio, &claims.account).await {
            Ok(account) => account,
            Err(refused) if refused.0.code == Code::AccountNotFound => return Err(not_good()),
            Err(refused) => return Err(refused),
        };
        if !signed.is_of(account.number, &secret) {
            return Err(not_good());
        }
        let claims = signed.claims;
        Ok(Customer {
            studio: claims.studio,
            account: claims.account,
            number: account.number,
            expires_at: claims.expires_at,
            reach: claims.reach,
            secret,
        })
    }

    /// Who comes with the cookie of the pages, if it is good. Only to lead a browser back to them: a cookie opens no route.
    pub(crate) async fn of_cookie(app: &App, headers: &HeaderMap) -> Option<Customer> {
        let cookies = headers.get_all(header::COOKIE).iter().filter_map(|value| value.to_str().ok());
        let mut pairs = cookies.flat_map(|value| value.split(';')).filter_map(|pair| pair.trim().split_once('='));
        let (_, token) = pairs.find(|(name, _)| *name == crate::COOKIE)?;
        Customer::of(app, token).await.ok()
    }

    /// Whether the token opens nothing that changes anything.
    pub(crate) fn only_reads(&self) -> bool {
        self.reach == Reach::Reads
    }

    /// Whether the token still holds: its end may come, the studio's tokens be ended, or the account go, while an answer
    /// goes on.
    pub(crate) async fn holds(&self, app: &App) -> bool {
        let made_with_this = app.engine().token_secret(self.studio) == Some(self.secret);
        let account = app.stored_account(self.studio, &self.account).await;
        made_with_this
            && lasts(self.expires_at, app.engine().now())
            && account.is_ok_and(|account| account.number == self.number)
    }

    /// Whether the route of a request is open to this customer.
    pub(crate) async fn may_reach(&self, parts: &mut Parts, app: &App) -> Result<(), Refused> {
        let route = MatchedPath::from_request_parts(parts, app).await;
        let route = route.map_err(|_| Refused::bug("a handler without a route"))?;
        let method = auth::method(parts);
        if !ROUTES.contains(&(method, route.as_str())) {
            return Err(closed());
        }
        if self.only_reads() && method != "GET" && !TRIED.contains(&route.as_str()) {
            return Err(only_looks());
        }
        if !route.as_str().contains("{account}") {
            return Ok(());
        }
        let named = RawPathParams::from_request_parts(parts, app).await.ok();
        let own = named
            .is_some_and(|named| named.iter().any(|(name, value)| name == "account" && value == self.account.as_str()));
        if own { Ok(()) } else { Err(anothers()) }
    }

    /// Refuses another's account.
    pub(crate) fn must_own(&self, account: &AccountId) -> Result<(), Refused> {
        if *account == self.account { Ok(()) } else { Err(anothers()) }
    }
}

/// Whether a token that ends at this instant is good now. Its end is to come, and no further ahead than a token's end can
/// be: one that was made while a clock was wrong would be good for years.
fn lasts(expires_at: Time, now: Time) -> bool {
    expires_at > now && expires_at <= now.plus_seconds(i64::from(EXPIRES_IN_MAX) + CLOCKS_DIFFER)
}

/// One answer for what is malformed, forged, expired or of an account that is gone: it tells nothing apart.
fn not_good() -> Refused {
    Refused::new(
        Code::Unauthorized,
        "This customer token is not valid, or not any more; the studio gives another with POST \
         /v1/accounts/{account}/portal-sessions.",
    )
}

fn closed() -> Refused {
    Refused::new(Code::Forbidden, "A customer token does not do this: it is for the studio, with its secret key.")
}

fn only_looks() -> Refused {
    Refused::new(
        Code::Forbidden,
        "Nothing was changed: somebody of the studio opened these pages, to look at them alone.",
    )
}

fn anothers() -> Refused {
    Refused::new(Code::Forbidden, "A customer token is for the one account that it was made for.")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_token_is_good_before_its_end_and_never_for_longer_than_a_day() {
        let now = Time::parse("2026-01-31T10:00:00Z").unwrap();
        for (end, good) in [
            ("2026-01-31T10:00:00Z", false),
            ("2026-01-31T10:00:01Z", true),
            ("2026-02-01T10:00:00Z", true),
            ("2026-02-01T10:01:00Z", true),
            ("2026-02-01T10:01:01Z", false),
            ("2031-01-31T10:00:00Z", false),
        ] {
            assert_eq!(lasts(Time::parse(end).unwrap(), now), good, "{end}");
        }
    }
}
