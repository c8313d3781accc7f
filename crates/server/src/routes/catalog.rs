//! `/v1/catalog` and `/v1/packages`: what is priced, and what is for sale.

use std::sync::Arc;

use axum::extract::{Request, State};
use axum::http::{HeaderMap, StatusCode};
use axum::response::Response;
use scrip_api::catalog::{CatalogShown, PackagesShown, PublishedShown, VersionShown, VersionsShown, packages_on_sale};
use scrip_api::code::Code;
use scrip_api::problem::Problem;
use scrip_api::time::Instant;
use scrip_api::unfit::InvalidField;
use scrip_core::catalog::{self, Catalog, CatalogError, Format as Written, Plan, Published};
use scrip_core::entry::Act;
use scrip_core::id::{StudioId, StudioNumber};
use scrip_core::plan::Renews;
use scrip_core::time::Time;
use scrip_engine::engine::{Deed, Publication, PublishError, PublishOutcome};

use crate::app::App;
use crate::auth::Authorised;
use crate::openapi::{PublishParams, VersionParam};
use crate::payments;
use crate::problem::Refused;
use crate::reply;
use crate::request::{Format, Query, VersionPath, accepted_format, media_type, read};
use crate::trial::Trial;

/// The catalog in force; as it was written, with `Accept: application/toml`. Customers are not given the document.
#[utoipa::path(get, path = "/v1/catalog", tag = "catalog",
    responses((status = 200, description = "The catalog",
        content((CatalogShown = "application/json"), (String = "application/toml")))))]
pub(super) async fn get(
    State(app): State<App>,
    key: Authorised,
    headers: HeaderMap,
    query: Query,
) -> Result<Response, Refused> {
    query.finish()?;
    let published = app.catalog(key.studio)?;
    if key.customer().is_some() {
        accepted_format(&headers, &[Format::Json])?;
        return Ok(reply::ok(&CatalogShown::of(&published, None)));
    }
    document(&app, key.studio, &published, &headers)
}

/// Every published version, newest first.
#[utoipa::path(get, path = "/v1/catalog/versions", tag = "catalog",
    responses((status = 200, body = VersionsShown, description = "The versions")))]
pub(super) async fn versions(State(app): State<App>, key: Authorised, query: Query) -> Result<Response, Refused> {
    query.finish()?;
    let catalogs = app.engine().catalogs();
    let in_force = catalogs.in_force(key.studio, app.engine().now()).map(|published| published.version);
    let mut versions: Vec<_> =
        catalogs.of(key.studio).iter().map(|published| VersionShown::of(published, in_force)).collect();
    versions.sort_by_key(|version| std::cmp::Reverse(version.catalog_version));
    Ok(reply::ok(&VersionsShown { versions }))
}

/// One version; as it was written, with `Accept: application/toml`.
#[utoipa::path(get, path = "/v1/catalog/versions/{version}", tag = "catalog", params(VersionParam),
    responses((status = 200, description = "The version",
        content((CatalogShown = "application/json"), (String = "application/toml")))))]
pub(super) async fn version(
    State(app): State<App>,
    key: Authorised,
    VersionPath(version): VersionPath,
    headers: HeaderMap,
    query: Query,
) -> Result<Response, Refused> {
    query.finish()?;
    let catalogs = app.engine().catalogs();
    let published = catalogs.version(key.studio, version).ok_or_else(|| {
        let detail = format!("This studio never published a version {version}; GET /v1/catalog/versions lists them.");
        Refused::new(Code::CatalogVersionNotFound, detail)
    })?;
    document(&app, key.studio, published, &headers)
}

/// The packages that are for sale, smallest first.
#[utoipa::path(get, path = "/v1/packages", tag = "catalog",
    responses((status = 200, body = PackagesShown, description = "The packages")))]
pub(super) async fn for_sale(State(app): State<App>, key: Authorised, query: Query) -> Result<Response, Refused> {
    query.finish()?;
    let published = app.catalog(key.studio)?;
    let packages = packages_on_sale(&published.catalog, app.engine().now());
    let shown = PackagesShown { packages, catalog_version: published.version };
    Ok(reply::ok(&shown))
}

/// Checks a catalog and publishes it as a new version; with `dry_run=true` only checks it. Idempotent by content: what
/// was a version already is left alone.
#[utoipa::path(post, path = "/v1/catalog", tag = "catalog", params(PublishParams),
    request_body(description = "The document, as the catalog format's reference describes it",
        content((String = "application/toml"), (serde_json::Value = "application/json"))),
    responses((status = 200, body = PublishedShown, description = "A dry run, or content that was a version already"),
              (status = 201, body = PublishedShown, description = "The new version")))]
pub(super) async fn publish(
    State(app): State<App>,
    key: Authorised,
    mut query: Query,
    request: Request,
) -> Result<Response, Refused> {
    let trial = query.trial()?;
    if trial == Trial::No {
        key.must_be_whole()?;
    }
    let after = query.read("after", "the number of a version, or 0", |text| text.parse::<u32>().ok())?;
    let reason = query.reason()?;
    query.finish()?;
    let publication = publication(&app, request).await?;
    match trial {
        Trial::Yes => try_out(&app, &key, publication, after).await,
        Trial::No => really(&app, &key, publication, Wish { after, reason }).await,
    }
}

async fn publication(app: &App, request: Request) -> Result<Publication, Refused> {
    let limits = &app.config().limits;
    let (parts, body) = request.into_parts();
    let format = match media_type(&parts.headers, &["application/toml", "application/json"])? {
        "application/json" => Written::Json,
        _ => Written::Toml,
    };
    let bytes = read(&parts.headers, body, limits.catalog_body, limits.body_wait).await?;
    let text = std::str::from_utf8(&bytes).map_err(|_| InvalidField::new("body", "UTF-8"))?;
    Ok(Publication { format, source: Arc::from(text) })
}

fn name_of(app: &App, studio: StudioNumber) -> Result<StudioId, Refused> {
    let found = app.engine().studios().into_iter().find(|(number, _)| *number == studio);
    found.map(|(_, id)| id).ok_or_else(|| Refused::bug("a key of a studio that there is not"))
}

/// Checks a document without publishing it. Checking proves every rate: off the async threads.
async fn try_out(
    app: &App,
    key: &Authorised,
    publication: Publication,
    after: Option<u32>,
) -> Result<Response, Refused> {
    let (studio, now) = (name_of(app, key.studio)?, app.engine().now());
    let checked = tokio::task::spawn_blocking(move || catalog::read(&publication.source, publication.format));
    let checked = checked.await.map_err(|_| Refused::bug("checking a catalog ended without an answer"))?;
    let checked = checked.map_err(invalid)?;
    if checked.studio != studio {
        return Err(other_studio(&studio, &checked.studio));
    }
    let catalogs = app.engine().catalogs();
    if let Some(known) = catalogs.of(key.studio).iter().find(|known| known.catalog.digest == checked.digest) {
        // Publishing it would leave it alone.
        let (effective, changes) = (Some(known.effective), Vec::new());
        let mut shown = PublishedShown::dry_run(&checked, effective, changes);
        shown.catalog_version = Some(known.version);
        shown.warnings = warnings(app, key.studio, &checked);
        return Ok(reply::ok(&shown));
    }
    let newest = catalogs.of(key.studio).iter().map(|published| published.version).max().unwrap_or(0);
    if after.is_some_and(|after| after != newest) {
        return Err(overtaken(newest));
    }
    let before = app.catalog(key.studio).ok();
    // A later version takes force no earlier than it is published.
    let earliest = if before.is_some() { now } else { Time::EPOCH };
    let effective_from = checked.effective_from.map(|from| from.max(earliest));
    let changes = before.map_or_else(Vec::new, |before| catalog::diff(&before.catalog, &checked));
    let warnings = warnings(app, key.studio, &checked);
    Ok(reply::ok(&PublishedShown { warnings, ..PublishedShown::dry_run(&checked, effective_from, changes) }))
}

/// What the studio's payment provider makes of a catalog, where nobody can mean it so.
fn warnings(app: &App, studio: StudioNumber, catalog: &Catalog) -> Vec<String> {
    if payments::account_of(app, studio).is_none() {
        return Vec::new();
    }
    let without_grace = |plan: &&Plan| plan.price.is_some() && plan.terms.renews == Renews::Payment { grace_days: 0 };
    let plans = catalog.plans.iter().filter(without_grace).map(|plan| {
        format!(
            "plan {}: Stripe takes the money for a month about an hour after it has begun; without grace the plan is past due and \
             refills nothing until then, each month. Say grace_days = 1 or more",
            plan.id
        )
    });
    let free = catalog.packages.iter().filter(|package| package.price.amount == 0);
    let packages = free.map(|package| {
        format!("package {}: Stripe takes no payment of nothing: its orders wait to be marked paid by hand", package.id)
    });
    plans.chain(packages).collect()
}

fn overtaken(newest: u32) -> Refused {
    let detail = format!(
        "Nothing was published: version {newest} was, meanwhile. Look at what differs from it, and publish then."
    );
    Problem::new(Code::CatalogOvertaken, detail).with("catalog_version", newest).into()
}

/// How something is published.
struct Wish {
    /// Only where this is the newest version still.
    after: Option<u32>,
    /// Why: kept in the audit trail.
    reason: Option<Box<str>>,
}

async fn really(app: &App, key: &Authorised, publication: Publication, wish: Wish) -> Result<Response, Refused> {
    let Wish { after, reason } = wish;
    let (studio, before) = (name_of(app, key.studio)?, app.catalog(key.studio).ok());
    let engine = app.engine().clone();
    let runtime = tokio::runtime::Handle::current();
    let published = tokio::task::spawn_blocking(move || match after {
        None => runtime.block_on(engine.publish(publication, Some(studio))),
        Some(after) => runtime.block_on(engine.publish_after(publication, studio, after)),
    });
    let published = published.await.map_err(|_| Refused::bug("publishing ended without an answer"))?;
    let (status, is_new, version) = match published {
        Ok(PublishOutcome::Published(version)) => (StatusCode::CREATED, true, version),
        Ok(PublishOutcome::Known(version)) => (StatusCode::OK, false, version),
        Err(PublishError::Invalid(error)) => return Err(invalid(error)),
        Err(PublishError::OtherStudio { expected, found }) => return Err(other_studio(&expected, &found)),
        Err(PublishError::Overtaken { newest }) => return Err(overtaken(newest)),
        Err(PublishError::Unavailable(why)) => return Err(Refused::unavailable(why)),
    };
    if is_new {
        let subject = format!("version {}", version.version);
        let deed = Deed::of(Act::CatalogPublished, &subject).because(reason.as_deref());
        app.engine().record(key.studio, key.by(), deed).await?;
    }
    let changes = match before.filter(|_| is_new) {
        Some(before) => catalog::diff(&before.catalog, &version.catalog),
        None => Vec::new(),
    };
    Ok(reply::json(
        status,
        &PublishedShown {
            catalog_version: Some(version.version),
            published: is_new,
            effective_from: Some(Instant(version.effective)),
            changes,
            examples: PublishedShown::examples_of(&version.catalog),
            warnings: warnings(app, key.studio, &version.catalog),
        },
    ))
}

fn invalid(error: CatalogError) -> Refused {
    let message = error.message.trim_end_matches('.');
    let detail = format!("Line {}, column {}: {message}.", error.line, error.column);
    Problem::new(Code::CatalogInvalid, detail).with("line", error.line).with("column", error.column).into()
}

fn other_studio(expected: &StudioId, found: &StudioId) -> Refused {
    let detail = format!("The catalog is of studio {found}, the key of studio {expected}; use a key of {found}.");
    Refused::new(Code::Forbidden, detail)
}

fn document(app: &App, studio: StudioNumber, published: &Published, headers: &HeaderMap) -> Result<Response, Refused> {
    let source = app.engine().catalog_source(studio, published.version);
    let (written, source) = source.ok_or_else(|| Refused::bug("a published version without its source"))?;
    let (word, offered): (_, &[Format]) = match written {
        Written::Toml => ("toml", &[Format::Json, Format::Toml]),
        Written::Json => ("json", &[Format::Json]),
    };
    match accepted_format(headers, offered)? {
        Format::Toml => Ok(reply::typed(StatusCode::OK, "application/toml", source.as_bytes().to_vec())),
        Format::Json | Format::Csv => Ok(reply::ok(&CatalogShown::of(published, Some((word, &source))))),
    }
}
