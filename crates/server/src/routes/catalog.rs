//! `/v1/catalog` and `/v1/packages`: what is priced, and what is for sale.

use std::sync::Arc;

use axum::extract::{Request, State};
use axum::http::{HeaderMap, StatusCode};
use axum::response::Response;
use scrip_api::catalog::{CatalogShown, PackagesShown, PublishedShown, VersionShown, VersionsShown, packages_on_sale};
use scrip_api::code::Code;
use scrip_api::problem::Problem;
use scrip_api::unfit::InvalidField;
use scrip_core::catalog::{self, Catalog, Format as Written, Plan, Published};
use scrip_core::id::{StudioId, StudioNumber};
use scrip_core::plan::Renews;
use scrip_engine::engine::{Expected, Hand, Publication, PublishError, PublishOutcome};

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
/// was a version already is left alone. Told is what differs from the version that is in force when it begins, and which
/// scheduled ones take over from it.
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
    let mut version = |name| query.read(name, "the number of a version, or 0", |text| text.parse::<u32>().ok());
    let (newest, replaces) = (version("after")?, version("replaces")?);
    let reason = query.reason()?;
    query.finish()?;
    let publication = publication(&app, request).await?;
    let expected = Expected { studio: Some(name_of(&app, key.studio)?), newest, replaces };
    match trial {
        Trial::Yes => try_out(&app, &key, publication, expected).await,
        Trial::No => really(&app, &key, publication, Wish { expected, reason }).await,
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
    expected: Expected,
) -> Result<Response, Refused> {
    let checked = tokio::task::spawn_blocking(move || catalog::read(&publication.source, publication.format));
    let checked = checked.await.map_err(|_| Refused::bug("checking a catalog ended without an answer"))?;
    let checked = Arc::new(checked.map_err(|error| refused(error.into()))?);
    app.must_know_catalogs()?;
    let tried = app.engine().try_publication(&checked, &expected).map_err(refused)?;
    let shown = match &tried {
        // Publishing it would leave it alone.
        PublishOutcome::Known(known) => PublishedShown {
            catalog_version: Some(known.version),
            ..PublishedShown::of(&checked, Some(known.effective))
        },
        PublishOutcome::Published(next) => {
            let at = (next.version, next.effective);
            let succession = app.engine().catalogs().succession(key.studio, &checked, at);
            // Without a time of its own it is in force once it is published, whenever that is.
            PublishedShown::of(&checked, checked.effective_from.map(|_| next.effective)).beside(succession)
        }
    };
    let mut warnings = warnings(app, key.studio, &checked);
    if let PublishOutcome::Known(known) = &tried {
        warnings.extend(never_in_force(app, known));
    }
    Ok(reply::ok(&PublishedShown { warnings, ..shown }))
}

/// What is said of a version that never is in force, and is left alone all the same.
fn never_in_force(app: &App, known: &Published) -> Option<String> {
    let by = app.engine().catalogs().replaced_before(known)?;
    Some(format!(
        "version {} is never in force: version {by} takes its place from the same instant on. To bring it back give it another \
         effective_from",
        known.version
    ))
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

/// How something is published.
struct Wish {
    /// Only where all is so.
    expected: Expected,
    /// Why: kept in the audit trail.
    reason: Option<Box<str>>,
}

async fn really(app: &App, key: &Authorised, publication: Publication, wish: Wish) -> Result<Response, Refused> {
    let Wish { expected, reason } = wish;
    let (engine, by) = (app.engine().clone(), key.by());
    let runtime = tokio::runtime::Handle::current();
    let published = tokio::task::spawn_blocking(move || {
        let hand = Hand { by, reason: reason.as_deref() };
        runtime.block_on(engine.publish_by(publication, expected, hand))
    });
    let published = published.await.map_err(|_| Refused::bug("publishing ended without an answer"))?;
    let (is_new, version) = match published.map_err(refused)? {
        PublishOutcome::Published(version) => (true, version),
        PublishOutcome::Known(version) => (false, version),
    };
    let shown = PublishedShown {
        catalog_version: Some(version.version),
        published: is_new,
        warnings: warnings(app, key.studio, &version.catalog),
        ..PublishedShown::of(&version.catalog, Some(version.effective))
    };
    if !is_new {
        let mut shown = shown;
        shown.warnings.extend(never_in_force(app, &version));
        return Ok(reply::ok(&shown));
    }
    let at = (version.version, version.effective);
    let succession = app.engine().catalogs().succession(key.studio, &version.catalog, at);
    Ok(reply::json(StatusCode::CREATED, &shown.beside(succession)))
}

/// What a publication that was refused is told.
fn refused(error: PublishError) -> Refused {
    let overtaken = |detail: String, version: u32| {
        let detail = format!("Nothing was published: {detail}. Look at what differs, and publish then.");
        Problem::new(Code::CatalogOvertaken, detail).with("catalog_version", version).into()
    };
    match error {
        PublishError::Invalid(error) => {
            let message = error.message.trim_end_matches('.');
            let detail = format!("Line {}, column {}: {message}.", error.line, error.column);
            Problem::new(Code::CatalogInvalid, detail).with("line", error.line).with("column", error.column).into()
        }
        PublishError::OtherStudio { expected, found } => {
            let detail =
                format!("The catalog is of studio {found}, the key of studio {expected}; use a key of {found}.");
            Refused::new(Code::Forbidden, detail)
        }
        PublishError::Overtaken { newest } => overtaken(format!("version {newest} was, meanwhile"), newest),
        PublishError::Replaced { by: 0 } => overtaken("no version is in force by then".to_owned(), 0),
        PublishError::Replaced { by } => {
            overtaken(format!("version {by} is in force by then, not the one that it was compared with"), by)
        }
        PublishError::Unavailable(why) => Refused::unavailable(why),
    }
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
