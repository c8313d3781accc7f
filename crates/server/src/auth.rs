//! Who asks, and what they may do: an argument of every handler under `/v1`.
//!
//! A handler that takes an [`Authorised`] value cannot be reached without one, so no route can be
//! left open by forgetting a layer.

use std::sync::Arc;

use axum::extract::{FromRequestParts, MatchedPath};
use axum::http::header::AUTHORIZATION;
use axum::http::request::Parts;
use axum::http::{HeaderMap, HeaderValue, Method};
use scrip_api::code::Code;
use scrip_core::command::Asker;
use scrip_core::id::{AccountId, StudioNumber};
use scrip_core::time::Time;
use scrip_engine::store::{Role, TokenSecret};
use subtle::ConstantTimeEq;

use crate::app::App;
use crate::console_token::{self, Who};
use crate::customer::Customer;
use crate::customer_token;
use crate::keys;
use crate::problem::Refused;
use crate::rights::{self, Extent};

/// A caller who may make this call: a studio with a key whose role [`rights`] lets make it, or a customer with a token
/// where [`customer::ROUTES`](crate::customer::ROUTES) opens it.
pub(crate) struct Authorised {
    /// The studio that is asked.
    pub(crate) studio: StudioNumber,
    caller: Caller,
    /// How much of the call may be made.
    extent: Extent,
}

/// Who asks.
enum Caller {
    /// The studio.
    Studio {
        /// What they may do.
        role: Role,
        /// Which key or person it is, to ask again whether it holds.
        who: Who,
        /// The console token that stands for them; `None`: the key itself was sent.
        session: Option<Session>,
    },
    /// One of its customers.
    Customer(Customer),
}

/// A console token that was good.
struct Session {
    /// When it ends.
    ends: Time,
    /// What it was made with.
    secret: TokenSecret,
}

impl Authorised {
    /// How much of another call the caller may make; `None`: nothing.
    pub(crate) fn may(&self, method: &str, path: &str) -> Option<Extent> {
        match &self.caller {
            Caller::Studio { role, .. } => rights::extent(*role, method, path),
            Caller::Customer(_) => None,
        }
    }

    /// Who asks, as it is recorded: a key by its public id, a person by their name, or the customer.
    pub(crate) fn by(&self) -> Arc<str> {
        match &self.caller {
            Caller::Studio { who: Who::Key(digest), .. } => keys::public_id(digest).into(),
            Caller::Studio { who: Who::Person { name, .. }, .. } => Arc::from(&**name),
            Caller::Customer(_) => "customer".into(),
        }
    }

    /// What the caller's key is for; `None` for a customer.
    pub(crate) fn role(&self) -> Option<Role> {
        match &self.caller {
            Caller::Studio { role, .. } => Some(*role),
            Caller::Customer(_) => None,
        }
    }

    /// Whether a console token was sent, in which somebody is at work, and not the key itself.
    pub(crate) fn is_session(&self) -> bool {
        matches!(&self.caller, Caller::Studio { session: Some(_), .. })
    }

    /// When the session ends in which somebody is at work; `None`: the key itself was sent, or a customer asks.
    pub(crate) fn session_ends(&self) -> Option<Time> {
        match &self.caller {
            Caller::Studio { session, .. } => session.as_ref().map(|session| session.ends),
            Caller::Customer(_) => None,
        }
    }

    /// The digest of the key, where it was sent itself: a console token makes no other.
    pub(crate) fn key_itself(&self) -> Result<[u8; 32], Refused> {
        match &self.caller {
            Caller::Studio { who: Who::Key(digest), session: None, .. } => Ok(*digest),
            Caller::Studio { .. } | Caller::Customer(_) => {
                Err(Refused::new(Code::Forbidden, "Sign in with a key; a session does not open another."))
            }
        }
    }

    /// Who asks for a plan.
    pub(crate) fn asker(&self) -> Asker {
        match &self.caller {
            Caller::Studio { .. } => Asker::Studio,
            Caller::Customer(_) => Asker::Customer,
        }
    }

    /// The customer who asks; `None` for the studio.
    pub(crate) fn customer(&self) -> Option<&Customer> {
        match &self.caller {
            Caller::Studio { .. } => None,
            Caller::Customer(customer) => Some(customer),
        }
    }

    /// Refuses a caller who may make this call only in part, for what is beyond that part.
    pub(crate) fn must_be_whole(&self) -> Result<(), Refused> {
        match (self.extent, &self.caller) {
            (Extent::Whole, _) => Ok(()),
            (Extent::Part(part), Caller::Studio { role, .. }) => Err(only(*role, part)),
            (Extent::Part(_), Caller::Customer(_)) => Err(Refused::bug("a customer with a part of a call")),
        }
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
            Caller::Studio { who, session, .. } => {
                let good = |session: &Session| {
                    session.ends > app.engine().now() && app.engine().token_secret(self.studio) == Some(session.secret)
                };
                session.as_ref().is_none_or(good) && holder(app, self.studio, who).is_some()
            }
            Caller::Customer(customer) => customer.holds(app).await,
        }
    }
}

impl FromRequestParts<App> for Authorised {
    type Rejection = Refused;

    async fn from_request_parts(parts: &mut Parts, app: &App) -> Result<Authorised, Refused> {
        let secret = bearer(&parts.headers)?;
        if secret.starts_with(customer_token::PREFIX) {
            let customer = Customer::of(app, secret).await?;
            customer.may_reach(parts, app).await?;
            let studio = customer.studio;
            return Ok(Authorised { studio, caller: Caller::Customer(customer), extent: Extent::Whole });
        }
        let (studio, role, who, session) = if secret.starts_with(console_token::PREFIX) {
            let mut made_with = None;
            let claims = console_token::read(secret, |studio| {
                made_with = app.engine().token_secret(studio);
                made_with
            });
            let now = app.engine().now();
            // One that was made while a clock was wrong would be good for years.
            let lasts = |end: Time| now < end && end <= now.plus_seconds(console_token::LASTS_S + 60);
            let claims = claims.filter(|claims| lasts(claims.expires_at)).ok_or_else(over)?;
            let who = known(app, claims.studio, claims.who).ok_or_else(over)?;
            let (studio, role) = holder(app, claims.studio, &who).ok_or_else(over)?;
            let secret = made_with.ok_or_else(over)?;
            (studio, role, who, Some(Session { ends: claims.expires_at, secret }))
        } else {
            let digest = keys::presented(secret).ok_or_else(unknown)?;
            let (studio, role) = keys::holder_of(&digest, &app.config().keys, app.engine()).ok_or_else(unknown)?;
            (studio, role, Who::Key(digest), None)
        };
        let route = MatchedPath::from_request_parts(parts, app).await;
        let route = route.map_err(|_| Refused::bug("a handler without a route"))?;
        let extent = rights::extent(role, method(parts), route.as_str()).ok_or_else(|| forbidden(role))?;
        Ok(Authorised { studio, caller: Caller::Studio { role, who, session }, extent })
    }
}

/// The method of a request as routes name it: who may read may ask for the head.
pub(crate) fn method(parts: &Parts) -> &str {
    if parts.method == Method::HEAD { "GET" } else { parts.method.as_str() }
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
    let prefixes = [keys::PREFIX, customer_token::PREFIX, console_token::PREFIX];
    let known = prefixes.into_iter().any(|prefix| secret.starts_with(prefix));
    (scheme.eq_ignore_ascii_case("bearer") && known).then_some(secret)
}

/// Who has signed in: the key that a token's mark is of, by its digest again, or the person.
fn known(app: &App, studio: StudioNumber, who: Who) -> Option<Who> {
    let Who::Key(mark) = who else { return Some(who) };
    let secret = app.engine().token_secret(studio)?;
    let digests = keys::digests(&app.config().keys, studio, app.engine());
    let same = |digest: &[u8; 32]| bool::from(console_token::mark(digest, &secret).ct_eq(&mark));
    digests.into_iter().find(same).map(Who::Key)
}

/// Whose somebody with a session is, and what they may do, now.
fn holder(app: &App, studio: StudioNumber, who: &Who) -> Option<(StudioNumber, Role)> {
    match who {
        Who::Key(digest) => keys::holder_of(digest, &app.config().keys, app.engine()),
        Who::Person { provider, value, .. } => {
            let same = app.sign_in_provider(studio).filter(|now| now.digest() == *provider)?;
            same.role_of(value).map(|role| (studio, role))
        }
    }
}

fn unknown() -> Refused {
    unauthorized("This key is not known, or was revoked")
}

fn over() -> Refused {
    Refused::new(Code::Unauthorized, "This session is over; sign in to the console again.")
}

fn unauthorized(what: &'static str) -> Refused {
    Refused::new(
        Code::Unauthorized,
        format!("{what}; send a secret key of your studio as Authorization: Bearer sk_…; scrip key create makes one."),
    )
}

fn forbidden(role: Role) -> Refused {
    let detail = format!(
        "A key with the role {} does not do this; docs/roles.md says which do, and scrip key create --role makes one.",
        role.name()
    );
    Refused::new(Code::Forbidden, detail)
}

fn only(role: Role, part: &'static str) -> Refused {
    let detail =
        format!("A key with the role {} does this only {part}; docs/roles.md says which do more.", role.name());
    Refused::new(Code::Forbidden, detail)
}
