//! A customer, let in by a token: what they may reach, and that it is theirs.
//!
//! Routes are closed to customers unless [`ROUTES`] opens them, so a new one is closed; and where an address names an
//! account, it must be the token's own. Apart from [`crate::auth`] because the portal's pages let customers in by the
//! same tokens.

use axum::extract::{FromRequestParts, MatchedPath, RawPathParams};
use axum::http::request::Parts;
use scrip_api::code::Code;
use scrip_core::id::{AccountId, AccountNumber, StudioNumber};
use scrip_core::time::Time;

use crate::app::App;
use crate::auth;
use crate::customer_token;
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
    ("GET", "/v1/packages"),
    ("POST", "/v1/quotes"),
];

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
}

impl Customer {
    /// Whose token this is.
    pub(crate) async fn of(app: &App, token: &str) -> Result<Customer, Refused> {
        let presented = customer_token::read(token).ok_or_else(not_good)?;
        let claims = presented.claims.clone();
        let secret = app.engine().token_secret(claims.studio).ok_or_else(not_good)?;
        let account = match app.stored_account(claims.studio, &claims.account).await {
            Ok(account) => account,
            Err(refused) if refused.0.code == Code::AccountNotFound => return Err(not_good()),
            Err(refused) => return Err(refused),
        };
        if !presented.is_of(account.number, &secret) || claims.expires_at <= app.engine().now() {
            return Err(not_good());
        }
        Ok(Customer {
            studio: claims.studio,
            account: claims.account,
            number: account.number,
            expires_at: claims.expires_at,
        })
    }

    /// Whether the token still holds: its end may come, or the account go, while an answer goes on.
    pub(crate) async fn holds(&self, app: &App) -> bool {
        let account = app.stored_account(self.studio, &self.account).await;
        self.expires_at > app.engine().now() && account.is_ok_and(|account| account.number == self.number)
    }

    /// Whether the route of a request is open to this customer.
    pub(crate) async fn may_reach(&self, parts: &mut Parts, app: &App) -> Result<(), Refused> {
        let route = MatchedPath::from_request_parts(parts, app).await;
        let route = route.map_err(|_| Refused::bug("a handler without a route"))?;
        if !ROUTES.contains(&(auth::method(parts), route.as_str())) {
            return Err(closed());
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

fn anothers() -> Refused {
    Refused::new(Code::Forbidden, "A customer token is for the one account that it was made for.")
}
