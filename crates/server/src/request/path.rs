//! Ids in addresses.

use axum::extract::{FromRequestParts, RawPathParams};
use axum::http::request::Parts;
use scrip_api::id::{charge_id, hold_ref, lot_id, order_id};
use scrip_api::unfit::InvalidField;
use scrip_core::id::{AccountId, ChargeId, HoldRef, LotId, OrderId};
use scrip_core::rejection::Rejection;

use crate::app::App;
use crate::problem::Refused;

/// `/accounts/{account}`.
pub(crate) struct AccountPath(pub(crate) AccountId);

/// `/accounts/{account}/holds/{hold}`; the id may be one that no hold has.
pub(crate) struct HoldPath {
    pub(crate) account: AccountId,
    pub(crate) hold: Result<HoldRef, Rejection>,
}

/// `/accounts/{account}/charges/{charge}`; the id may be one that no charge has.
pub(crate) struct ChargePath {
    pub(crate) account: AccountId,
    pub(crate) charge: Result<ChargeId, Rejection>,
}

/// `/accounts/{account}/lots/{lot}`; the id may be one that no lot has.
pub(crate) struct LotPath {
    pub(crate) account: AccountId,
    pub(crate) lot: Result<LotId, Rejection>,
}

/// `/accounts/{account}/orders/{order}`; the id may be one that no order has.
pub(crate) struct OrderPath {
    pub(crate) account: AccountId,
    pub(crate) order: Result<OrderId, Rejection>,
}

/// `/payments/stripe/{studio}`; the name may be one that no studio has.
pub(crate) struct StudioPath(pub(crate) String);

/// `/keys/{key}`.
pub(crate) struct KeyPath(pub(crate) String);

/// `/catalog/versions/{version}`.
pub(crate) struct VersionPath(pub(crate) u32);

/// The percent-decoded parts of the address.
struct Segments(RawPathParams);

impl Segments {
    async fn of(parts: &mut Parts, app: &App) -> Result<Segments, Refused> {
        let raw = RawPathParams::from_request_parts(parts, app).await;
        raw.map(Segments).map_err(|_| InvalidField::new("path", "percent-encoded UTF-8").into())
    }

    fn get(&self, name: &'static str) -> Result<&str, Refused> {
        let found = self.0.iter().find(|(other, _)| *other == name);
        found.map(|(_, value)| value).ok_or_else(|| Refused::bug("a route without its parameter"))
    }

    fn account(&self) -> Result<AccountId, Refused> {
        let id =
            AccountId::parse(self.get("account")?).map_err(|error| InvalidField::new("account", error.expected))?;
        // The studio's own account is no customer's: to callers there is none.
        if id.is_of_studio() { Err(Rejection::AccountNotFound.into()) } else { Ok(id) }
    }
}

impl FromRequestParts<App> for AccountPath {
    type Rejection = Refused;

    async fn from_request_parts(parts: &mut Parts, app: &App) -> Result<AccountPath, Refused> {
        Ok(AccountPath(Segments::of(parts, app).await?.account()?))
    }
}

impl FromRequestParts<App> for HoldPath {
    type Rejection = Refused;

    async fn from_request_parts(parts: &mut Parts, app: &App) -> Result<HoldPath, Refused> {
        let segments = Segments::of(parts, app).await?;
        Ok(HoldPath { account: segments.account()?, hold: hold_ref(segments.get("hold")?)? })
    }
}

impl FromRequestParts<App> for ChargePath {
    type Rejection = Refused;

    async fn from_request_parts(parts: &mut Parts, app: &App) -> Result<ChargePath, Refused> {
        let segments = Segments::of(parts, app).await?;
        Ok(ChargePath { account: segments.account()?, charge: charge_id(segments.get("charge")?)? })
    }
}

impl FromRequestParts<App> for LotPath {
    type Rejection = Refused;

    async fn from_request_parts(parts: &mut Parts, app: &App) -> Result<LotPath, Refused> {
        let segments = Segments::of(parts, app).await?;
        Ok(LotPath { account: segments.account()?, lot: lot_id(segments.get("lot")?)? })
    }
}

impl FromRequestParts<App> for OrderPath {
    type Rejection = Refused;

    async fn from_request_parts(parts: &mut Parts, app: &App) -> Result<OrderPath, Refused> {
        let segments = Segments::of(parts, app).await?;
        Ok(OrderPath { account: segments.account()?, order: order_id(segments.get("order")?)? })
    }
}

impl FromRequestParts<App> for StudioPath {
    type Rejection = Refused;

    async fn from_request_parts(parts: &mut Parts, app: &App) -> Result<StudioPath, Refused> {
        Ok(StudioPath(Segments::of(parts, app).await?.get("studio")?.to_owned()))
    }
}

impl FromRequestParts<App> for KeyPath {
    type Rejection = Refused;

    async fn from_request_parts(parts: &mut Parts, app: &App) -> Result<KeyPath, Refused> {
        Ok(KeyPath(Segments::of(parts, app).await?.get("key")?.to_owned()))
    }
}

impl FromRequestParts<App> for VersionPath {
    type Rejection = Refused;

    async fn from_request_parts(parts: &mut Parts, app: &App) -> Result<VersionPath, Refused> {
        let segments = Segments::of(parts, app).await?;
        let text = segments.get("version")?;
        let plain = text.bytes().all(|byte| byte.is_ascii_digit()) && !text.starts_with('0');
        let version = text.parse().ok().filter(|_| plain);
        Ok(VersionPath(version.ok_or_else(|| InvalidField::new("version", "a version's number, from 1"))?))
    }
}
