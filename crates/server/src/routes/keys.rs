//! `/v1/keys`: a studio's secret keys, listed, made and revoked.

use axum::extract::State;
use axum::http::StatusCode;
use axum::response::Response;
use scrip_api::code::Code;
use scrip_api::key::{KeyMadeShown, KeyRequest, KeyShown, KeysShown};
use scrip_api::time::Instant;
use scrip_api::unfit::InvalidField;
use scrip_core::entry::Act;
use scrip_engine::engine::Deed;
use scrip_engine::store::{KeyDocument, Role};

use crate::app::App;
use crate::auth::Authorised;
use crate::keys;
use crate::makers::Made;
use crate::openapi::{KeyParam, ReasonParam};
use crate::problem::Refused;
use crate::reply;
use crate::request::{Body, KeyPath, Query};

/// The studio's keys, newest first: those that are stored, revoked ones included, and those that are set with
/// `SCRIP_KEYS`.
#[utoipa::path(get, path = "/v1/keys", tag = "keys",
    responses((status = 200, body = KeysShown, description = "The keys")))]
pub(super) async fn list(State(app): State<App>, key: Authorised, query: Query) -> Result<Response, Refused> {
    query.finish()?;
    let stored = app.engine().keys();
    let mut stored: Vec<&KeyDocument> = stored.iter().filter(|stored| stored.studio == key.studio).collect();
    stored.sort_by(|one, other| (other.created_at, &other.id).cmp(&(one.created_at, &one.id)));
    let outside = keys::outside(&app.config().keys, key.studio, app.engine()).map(|id| KeyShown {
        key: id,
        role: Role::Admin.name().to_owned(),
        hint: None,
        created_at: None,
        created_by: None,
        reason: None,
        revoked_at: None,
    });
    let stored: Vec<KeyDocument> = stored.into_iter().cloned().collect();
    let made = app.makers().of(&app, key.studio, &stored).await?;
    let shown = stored.iter().map(|stored| shown(stored, made.get(&stored.id)));
    Ok(reply::ok(&KeysShown { keys: shown.chain(outside).collect() }))
}

/// Makes a key. Its secret is in this answer and nowhere else, so a repeat makes another. A console token does not
/// make keys: what it makes would outlive it.
#[utoipa::path(post, path = "/v1/keys", tag = "keys", request_body = KeyRequest,
    responses((status = 201, body = KeyMadeShown, description = "The key, with its secret")))]
pub(super) async fn make(
    State(app): State<App>,
    key: Authorised,
    query: Query,
    Body(request): Body<KeyRequest>,
) -> Result<Response, Refused> {
    query.finish()?;
    key.key_itself()?;
    let roles = "read, jobs, support, finance or admin";
    let reason = request.reason()?;
    let role = Role::from_name(&request.role).ok_or_else(|| InvalidField::new("role", roles))?;
    let secret = keys::new_secret().map_err(|_| Refused::bug("the system gives no randomness"))?;
    let made = keys::stored(&secret, key.studio, role, app.engine().now());
    // First, so that no key is there that nobody made.
    let deed = Deed::of(Act::KeyCreated, &made.id).because(reason.as_deref());
    app.engine().record(key.studio, key.by(), deed).await?;
    let id = made.id.to_string();
    app.engine().put_key(made).await?;
    Ok(reply::json(StatusCode::CREATED, &KeyMadeShown { key: id, role: role.name().to_owned(), secret }))
}

/// Revokes a key, at once and for good: what it opened, console sessions among it, is closed. One that was revoked stays so.
#[utoipa::path(delete, path = "/v1/keys/{key}", tag = "keys", params(KeyParam, ReasonParam),
    responses((status = 200, body = KeyShown, description = "The key, revoked")))]
pub(super) async fn revoke(
    State(app): State<App>,
    key: Authorised,
    KeyPath(id): KeyPath,
    mut query: Query,
) -> Result<Response, Refused> {
    let reason = query.reason()?;
    query.finish()?;
    let keys = app.engine().keys();
    let found = keys.iter().find(|stored| stored.studio == key.studio && *stored.id == *id);
    let found = found.ok_or_else(|| Refused::new(Code::KeyNotFound, "GET /v1/keys lists the keys of this studio."))?;
    if found.revoked_at.is_some() {
        return as_it_is(&app, found).await;
    }
    let deed = Deed::of(Act::KeyRevoked, &found.id).because(reason.as_deref());
    app.engine().record(key.studio, key.by(), deed).await?;
    let revoked = KeyDocument { revoked_at: Some(app.engine().now()), ..found.clone() };
    app.engine().put_key(revoked.clone()).await?;
    as_it_is(&app, &revoked).await
}

async fn as_it_is(app: &App, key: &KeyDocument) -> Result<Response, Refused> {
    let made = app.makers().of(app, key.studio, std::slice::from_ref(key)).await?;
    Ok(reply::ok(&shown(key, made.get(&key.id))))
}

fn shown(key: &KeyDocument, made: Option<&Made>) -> KeyShown {
    KeyShown {
        key: key.id.to_string(),
        role: key.role.name().to_owned(),
        hint: Some(key.hint.to_string()),
        created_at: Some(Instant(key.created_at)),
        created_by: made.and_then(|made| made.by.as_deref()).map(str::to_owned),
        reason: made.and_then(|made| made.reason.as_deref()).map(str::to_owned),
        revoked_at: key.revoked_at.map(Instant),
    }
}
