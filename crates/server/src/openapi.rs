//! The OpenAPI document: what all routes share, added to what each says of itself.

use scrip_api::number::Amount;
use scrip_api::problem::ProblemShown;
use scrip_engine::store::Role;
use utoipa::openapi::path::Operation;
use utoipa::openapi::security::{Http, HttpAuthScheme, SecurityRequirement, SecurityScheme};
use utoipa::openapi::{
    Components, Content, ContentBuilder, InfoBuilder, LicenseBuilder, OpenApi, OpenApiBuilder, PathItem, Ref, RefOr,
    Required, ResponseBuilder, Schema,
};
use utoipa::{IntoParams, ToSchema};

use crate::customer;
use crate::rights::{self, Extent};

/// The name of the keys' scheme.
const SECRET_KEY: &str = "secret_key";
/// The name of the scheme of customers' tokens.
const CUSTOMER_TOKEN: &str = "customer_token";

/// The document before any route.
pub(crate) fn head() -> OpenApi {
    let info = InfoBuilder::new()
        .title("scrip")
        .version(env!("CARGO_PKG_VERSION"))
        .description(Some("Credits for generation studios: quotes, holds, charges, refunds, history."))
        .license(Some(LicenseBuilder::new().name("Apache-2.0").identifier(Some("Apache-2.0")).build()))
        .build();
    OpenApiBuilder::new().info(info).components(Some(Components::new())).build()
}

/// Adds keys and problems to every route that has them.
pub(crate) fn complete(mut document: OpenApi) -> OpenApi {
    let components = document.components.get_or_insert_with(Components::new);
    for (name, format) in [(SECRET_KEY, "sk_…"), (CUSTOMER_TOKEN, "ct_…")] {
        let scheme = Http::builder().scheme(HttpAuthScheme::Bearer).bearer_format(format).build();
        components.add_security_scheme(name, SecurityScheme::Http(scheme));
    }
    let mut schemas = vec![(ProblemShown::name().into_owned(), <ProblemShown as utoipa::PartialSchema>::schema())];
    ProblemShown::schemas(&mut schemas);
    components.schemas.extend(schemas);
    let whole_when_empty: Vec<String> = components.schemas.iter().filter_map(needs_nothing).collect();
    for (path, item) in &mut document.paths.paths {
        let needs_key = path.starts_with("/v1/");
        for (method, operation) in operations(item) {
            may_be_absent(operation, &whole_when_empty);
            if needs_key {
                // What a provider and its customers' browsers call is signed, or names what only they know.
                if path.starts_with("/v1/payments/stripe/") || path.starts_with("/v1/sign-in/") {
                    add_problems(operation);
                    continue;
                }
                let mut accepted = vec![SecurityRequirement::new::<_, _, String>(SECRET_KEY, [])];
                if customer::ROUTES.contains(&(method, path.as_str())) {
                    accepted.push(SecurityRequirement::new::<_, _, String>(CUSTOMER_TOKEN, []));
                }
                operation.security = Some(accepted);
                say_roles(operation, method, path);
                add_problems(operation);
            }
        }
    }
    document
}

/// The reference to a schema that an empty object fits.
fn needs_nothing((name, schema): (&String, &RefOr<Schema>)) -> Option<String> {
    match schema {
        RefOr::T(Schema::Object(object)) if object.required.is_empty() => Some(format!("#/components/schemas/{name}")),
        RefOr::T(_) | RefOr::Ref(_) => None,
    }
}

/// A body that is not sent is read as `{}`: where that says all that is needed, none has to be.
fn may_be_absent(operation: &mut Operation, whole_when_empty: &[String]) {
    let Some(body) = &mut operation.request_body else { return };
    let empty = |content: &Content| match &content.schema {
        Some(RefOr::Ref(reference)) => whole_when_empty.contains(&reference.ref_location),
        Some(RefOr::T(_)) | None => false,
    };
    if body.content.values().all(empty) {
        body.required = Some(Required::False);
    }
}

/// The operations of an address, by their methods.
fn operations(item: &mut PathItem) -> impl Iterator<Item = (&'static str, &mut Operation)> {
    let all = [("GET", &mut item.get), ("PUT", &mut item.put), ("POST", &mut item.post), ("DELETE", &mut item.delete)];
    all.into_iter().filter_map(|(method, operation)| Some((method, operation.as_mut()?)))
}

/// Which roles of keys may make a call: `x-roles`, and `x-roles-in-part` with the part that those may make.
fn say_roles(operation: &mut Operation, method: &str, path: &str) {
    let (mut whole, mut in_part) = (Vec::new(), serde_json::Map::new());
    for role in Role::ALL {
        match rights::extent(role, method, path) {
            Some(Extent::Whole) => whole.push(role.name()),
            Some(Extent::Part(part)) => drop(in_part.insert(role.name().to_owned(), part.into())),
            None => {}
        }
    }
    let extensions = operation.extensions.get_or_insert_default();
    extensions.insert("x-roles".to_owned(), whole.into());
    if !in_part.is_empty() {
        extensions.insert("x-roles-in-part".to_owned(), in_part.into());
    }
}

/// Every route may refuse: 4XX and 5XX, each a problem.
fn add_problems(operation: &mut Operation) {
    for (status, description) in [
        ("4XX", "Refused: `code` says why, `detail` what to do. Nothing was changed."),
        ("5XX", "Not now: repeat the request with the same key."),
    ] {
        let content = ContentBuilder::new().schema(Some(Ref::from_schema_name(ProblemShown::name()))).build();
        let response =
            ResponseBuilder::new().description(description).content("application/problem+json", content).build();
        operation.responses.responses.insert(status.to_owned(), response.into());
    }
}

macro_rules! params {
    ($(#[$doc:meta])* $place:ident $name:ident { $($(#[$field_doc:meta])* $field:ident: $type:ty,)* }) => {
        $(#[$doc])*
        #[derive(IntoParams)]
        #[into_params(parameter_in = $place)]
        #[expect(dead_code, reason = "described here, read by crate::request")]
        pub(crate) struct $name { $($(#[$field_doc])* $field: $type,)* }
    };
}

params!(
    /// Whose.
    Path AccountParam {
        /// The studio's own id of the account: 1 to 128 of `A-Z a-z 0-9 . _ : @ -`.
        account: String,
    }
);
params!(
    /// Which hold.
    Path HoldParams {
        /// The studio's own id of the account.
        account: String,
        /// The hold, by its own id or by the caller's.
        hold: String,
    }
);
params!(
    /// Which charge.
    Path ChargeParams {
        /// The studio's own id of the account.
        account: String,
        /// The charge, as in `charge_9`.
        charge: String,
    }
);
params!(
    /// Which lot.
    Path LotParams {
        /// The studio's own id of the account.
        account: String,
        /// The lot, as in `lot_7`.
        lot: String,
    }
);
params!(
    /// Which order.
    Path OrderParams {
        /// The studio's own id of the account.
        account: String,
        /// The order, as in `order_11`.
        order: String,
    }
);
params!(
    Path StudioParam {
        /// The studio's name.
        studio: String,
    }
);
params!(
    /// The page that a customer comes from.
    Query SessionParam {
        /// The provider's id of it, which the provider fills in.
        session: String,
    }
);
params!(
    /// Which deliveries.
    Query DeliveriesParams {
        /// `settled`, `left_alone`, `refused` or `open`.
        state: Option<String>,
        /// The `next` of the page before.
        after: Option<String>,
        /// Rows; 50 when absent.
        #[param(minimum = 1, maximum = 200)]
        limit: Option<u32>,
    }
);
params!(
    /// Which orders.
    Query OrdersParams {
        /// `pending`, `expired`, `failed`, `paid`, `refunded`, `disputed`, `won` or `lost`.
        state: Option<String>,
        /// The `next` of the page before.
        after: Option<String>,
        /// Rows of a page; 50 when absent.
        #[param(minimum = 1, maximum = 1000)]
        limit: Option<u32>,
    }
);
params!(
    /// Which offers are wanted.
    Query OffersParams {
        /// Credits that are missing: each package then says whether it covers them.
        short_by: Option<Amount>,
    }
);
params!(
    /// Which version.
    Path VersionParam {
        /// The version's number, from 1.
        #[param(minimum = 1)]
        version: u32,
    }
);
params!(
    /// What makes a POST happen once.
    Header KeyHeader {
        /// 1 to 128 visible ASCII characters: new for each request, the same for its repeats.
        #[param(rename = "Idempotency-Key", min_length = 1, max_length = 128)]
        idempotency_key: String,
    }
);
params!(
    /// Which accounts.
    Query AccountsParams {
        /// Only accounts whose id or name contains this.
        search: Option<String>,
        /// The `next` of the page before.
        after: Option<String>,
        /// Rows of a page; 50 when absent.
        #[param(minimum = 1, maximum = 1000)]
        limit: Option<u32>,
    }
);
params!(
    /// Which holds.
    Query HoldsParams {
        /// `open`, `settled`, `released` or `expired`.
        state: Option<String>,
        /// The `next` of the page before.
        after: Option<String>,
        /// Rows of a page; 50 when absent.
        #[param(minimum = 1, maximum = 1000)]
        limit: Option<u32>,
    }
);
params!(
    /// Which holds of a studio.
    Query StuckParam {
        /// `true`: only open ones that have lasted longer than their tool's holds do at first, oldest first.
        stuck: Option<bool>,
    }
);
params!(
    /// Which part of a balance.
    Query BalanceParams {
        /// Only what is left of this tool.
        tool: Option<String>,
    }
);
params!(
    /// Which entries.
    Query EntriesParams {
        /// The `next` of the page before.
        after: Option<String>,
        /// Rows of a page; 50 when absent.
        #[param(minimum = 1, maximum = 1000)]
        limit: Option<u32>,
        /// Only these kinds, separated by commas.
        kind: Option<String>,
        /// Only this tool.
        tool: Option<String>,
        /// Not before this instant.
        from: Option<String>,
        /// Before this instant.
        to: Option<String>,
    }
);
params!(
    /// Which entries.
    Query AccountEntriesParams {
        /// The `next` of the page before.
        after: Option<String>,
        /// Rows of a page; 50 when absent.
        #[param(minimum = 1, maximum = 1000)]
        limit: Option<u32>,
        /// Only these kinds, separated by commas.
        kind: Option<String>,
        /// Only what made these charges and what became of them: ids, separated by commas, at most 100.
        charge: Option<String>,
        /// Only this tool.
        tool: Option<String>,
        /// Not before this instant.
        from: Option<String>,
        /// Before this instant.
        to: Option<String>,
    }
);
params!(
    /// Which entries.
    Query UncollectedParams {
        /// The `next` of the page before.
        after: Option<String>,
        /// Rows of a page; 50 when absent.
        #[param(minimum = 1, maximum = 1000)]
        limit: Option<u32>,
        /// Not before this instant.
        from: Option<String>,
        /// Before this instant.
        to: Option<String>,
    }
);
params!(
    /// Which part of the audit trail.
    Query AuditParams {
        /// The `next` of the page before.
        after: Option<String>,
        /// Rows of a page; 50 when absent.
        #[param(minimum = 1, maximum = 1000)]
        limit: Option<u32>,
        /// Not before this instant.
        from: Option<String>,
        /// Before this instant.
        to: Option<String>,
    }
);
params!(
    /// Whether it is only tried.
    Query TrialParam {
        /// `true`: the answer says what it would do, and nothing is done; the idempotency key is not bound.
        dry_run: Option<bool>,
    }
);
params!(
    /// Which key.
    Path KeyParam {
        /// Its public id, as in `key_8f3a52c01d7e`.
        key: String,
    }
);
params!(
    /// Which period.
    Query TotalsParams {
        /// Not before this instant; thirty days ago when absent.
        from: Option<String>,
    }
);
params!(
    /// Which totals.
    Query UsageParams {
        /// `tool` (the default), `day` or `tool,day`.
        by: Option<String>,
        /// Not before this instant; the beginning when absent.
        from: Option<String>,
        /// Before this instant; now when absent.
        to: Option<String>,
    }
);
params!(
    /// How a catalog is published.
    Query PublishParams {
        /// Only check it.
        dry_run: Option<bool>,
        /// Only where this is still the newest version (0: there is none): `catalog_overtaken` otherwise.
        after: Option<u32>,
        /// Only where it takes over from this version (0: from none), as the dry run said: `catalog_overtaken` otherwise.
        replaces: Option<u32>,
        /// Why: kept in the audit trail.
        #[param(min_length = 1, max_length = 1000)]
        reason: Option<String>,
    }
);
params!(
    /// Why something is taken away.
    Query ReasonParam {
        /// Kept in the audit trail.
        #[param(min_length = 1, max_length = 1000)]
        reason: Option<String>,
    }
);
params!(
    /// How a subscription is cancelled.
    Query CancelParams {
        /// Why: kept with the entry, and shown in the audit trail. The studio's own to give.
        #[param(min_length = 1, max_length = 1000)]
        reason: Option<String>,
        /// The `mark` of a preview: only while the subscription stands as it was looked at (`subscription_overtaken` otherwise).
        mark: Option<String>,
    }
);
