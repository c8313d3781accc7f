//! Who asks, and what they may do: an argument of every handler under `/v1`.
//!
//! A handler that takes an [`Authorised`] value cannot be reached without one, so no route can be
//! left open by forgetting a layer.

use std::marker::PhantomData;

use axum::extract::FromRequestParts;
use axum::http::header::AUTHORIZATION;
use axum::http::request::Parts;
use axum::http::{HeaderMap, HeaderValue};
use scrip_api::code::Code;
use scrip_core::command::Asker;
use scrip_core::id::{AccountId, StudioNumber};
use scrip_engine::store::Role;

use crate::app::App;
use crate::customer::Customer;
use crate::customer_token;
use crate::keys;
use crate::problem::Refused;

/// A right that a route asks for.
pub(crate) trait Right {
    /// The smallest role that has it.
    const ROLE: Role;
}

/// To read and quote.
pub(crate) struct Read;
/// To hold, settle, release, charge and refund as well.
pub(crate) struct Jobs;
/// To do everything.
pub(crate) struct Full;

impl Right for Read {
    const ROLE: Role = Role::Read;
}
impl Right for Jobs {
    const ROLE: Role = Role::Jobs;
}
impl Right for Full {
    const ROLE: Role = Role::Full;
}

/// A caller who may do what the right `R` says: a studio with a key, or a customer with a token where
/// [`customer::ROUTES`](crate::customer::ROUTES) opens the route.
pub(crate) struct Authorised<R> {
    /// The studio that is asked.
    pub(crate) studio: StudioNumber,
    caller: Caller,
    right: PhantomData<fn() -> R>,
}

/// Who asks.
enum Caller {
    /// The studio.
    Studio {
        /// What its key may do.
        role: Role,
        /// Which key it is, to ask again whether it holds.
        digest: [u8; 32],
    },
    /// One of its customers.
    Customer(Customer),
}

impl<R> Authorised<R> {
    /// What the caller's key may do.
    pub(crate) fn role(&self) -> Role {
        match &self.caller {
            Caller::Studio { role, .. } => *role,
            Caller::Customer(_) => Role::Read,
        }
    }

    /// Who asks for a plan.
    pub(crate) fn asker(&self) -> Asker {
        match &self.caller {
            Caller::Studio { .. } => Asker::Studio,
            Caller::Customer(_) => Asker::Customer,
        }
    }

    /// Asks for a greater right, where it depends on more than the route.
    pub(crate) fn must_have(&self, role: Role) -> Result<(), Refused> {
        if self.role() >= role { Ok(()) } else { Err(forbidden(self.role(), role)) }
    }

    /// Refuses an account that is not a customer's own, where it is named elsewhere than in the address.
    pub(crate) fn must_own(&self, account: &AccountId) -> Result<(), Refused> {
        match &self.caller {
            Caller::Studio { .. } => Ok(()),
            Caller::Customer(customer) => customer.must_own(account),
        }
    }

    /// Whether the key or token still holds: it may be revoked or end while an answer goes on.
    pub(crate) async fn holds(&self, app: &App) -> bool {
        match &self.caller {
            Caller::Studio { digest, .. } => keys::holder_of(digest, &app.config().keys, app.engine()).is_some(),
            Caller::Customer(customer) => customer.holds(app).await,
        }
    }
}

impl<R: Right> FromRequestParts<App> for Authorised<R> {
    type Rejection = Refused;

    async fn from_request_parts(parts: &mut Parts, app: &App) -> Result<Authorised<R>, Refused> {
        let secret = bearer(&parts.headers)?;
        if secret.starts_with(customer_token::PREFIX) {
            let customer = Customer::of(app, secret).await?;
            customer.may_reach(parts, app).await?;
            return Ok(Authorised { studio: customer.studio, caller: Caller::Customer(customer), right: PhantomData });
        }
        let presented = keys::presented(secret);
        let known =
            presented.and_then(|digest| Some((digest, keys::holder_of(&digest, &app.config().keys, app.engine())?)));
        let (digest, (studio, role)) = known.ok_or_else(|| unauthorized("This key is not known, or was revoked"))?;
        let authorised = Authorised { studio, caller: Caller::Studio { role, digest }, right: PhantomData };
        authorised.must_have(R::ROLE)?;
        Ok(authorised)
    }
}

/// The secret that a request presents: a key or a customer token.
pub(crate) fn bearer(headers: &HeaderMap) -> Result<&str, Refused> {
    let mut values = headers.get_all(AUTHORIZATION).iter();
    let value = values.next().ok_or_else(|| unauthorized("There is no key"))?;
    if values.next().is_some() {
        return Err(unauthorized("There is more than one Authorization header"));
    }
    secret_of(value).ok_or_else(|| unauthorized("The Authorization header is not of the form Bearer sk_…"))
}

/// `Bearer` in any case, one space, the secret.
fn secret_of(value: &HeaderValue) -> Option<&str> {
    let (scheme, secret) = value.to_str().ok()?.split_once(' ')?;
    let known = secret.starts_with(keys::PREFIX) || secret.starts_with(customer_token::PREFIX);
    (scheme.eq_ignore_ascii_case("bearer") && known).then_some(secret)
}

fn unauthorized(what: &'static str) -> Refused {
    Refused::new(
        Code::Unauthorized,
        format!("{what}; send a secret key of your studio as Authorization: Bearer sk_…; scrip key create makes one."),
    )
}

fn forbidden(has: Role, needs: Role) -> Refused {
    let detail = format!(
        "This key has the role {}; this needs the role {}: use such a key, or make one with scrip key create --role.",
        has.word(),
        needs.word()
    );
    Refused::new(Code::Forbidden, detail)
}
