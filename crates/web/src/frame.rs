//! What stands around every page: who it is for, where else to go, and the headers that keep it safe.

use askama::Template;
use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use scrip_api::account::AccountShown;
use scrip_api::balance::BalanceShown;
use scrip_api::catalog::CatalogShown;
use scrip_core::time::Zone;

use crate::assets::{self, Assets};
use crate::form;
use crate::trouble::Trouble;
use crate::visit::Visit;
use crate::wording::Wording;

/// Nothing but what this server sends may run, look or be sent anything; nobody may frame a page.
const POLICY: HeaderValue = HeaderValue::from_static(
    "default-src 'none'; style-src 'self'; script-src 'self'; img-src 'self'; connect-src 'self'; form-action 'self'; \
     base-uri 'none'; frame-ancestors 'none'",
);

/// The pages, in the order of the menu.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Place {
    Overview,
    BuyCredits,
    Usage,
    Prices,
    Plan,
    Settings,
}

impl Place {
    /// Every one.
    pub(crate) const ALL: [Place; 6] =
        [Place::Overview, Place::BuyCredits, Place::Usage, Place::Prices, Place::Plan, Place::Settings];
    /// What the menu shows.
    const MENU: [Place; 5] = [Place::Overview, Place::BuyCredits, Place::Usage, Place::Prices, Place::Plan];
    /// What the corner shows.
    const CORNER: [Place; 1] = [Place::Settings];

    pub(crate) const fn href(self) -> &'static str {
        match self {
            Place::Overview => "/dashboard",
            Place::BuyCredits => "/dashboard/buy-credits",
            Place::Usage => "/dashboard/usage",
            Place::Prices => "/dashboard/prices",
            Place::Plan => "/dashboard/plan",
            Place::Settings => "/dashboard/settings",
        }
    }

    pub(crate) const fn name(self) -> &'static str {
        match self {
            Place::Overview => "Overview",
            Place::BuyCredits => "Buy credits",
            Place::Usage => "Usage",
            Place::Prices => "Prices",
            Place::Plan => "Plan",
            Place::Settings => "Settings",
        }
    }
}

/// The frame of a page, and what every page needs.
pub(crate) struct Frame {
    pub(crate) assets: &'static Assets,
    pub(crate) place: Place,
    pub(crate) catalog: CatalogShown,
    pub(crate) account: AccountShown,
    pub(crate) balance: BalanceShown,
    pub(crate) wording: Wording,
    pub(crate) seal: String,
    pub(crate) back: Option<String>,
    /// Nothing is offered that would be refused: somebody of the studio looks at what the customer sees.
    pub(crate) only_reads: bool,
}

impl Frame {
    /// What the API says of the visitor, read anew for each page.
    pub(crate) async fn around(visit: &Visit, place: Place) -> Result<Frame, Trouble> {
        let (account, balance, catalog) = tokio::try_join!(
            visit.get::<AccountShown>(""),
            visit.get::<BalanceShown>("/balance"),
            visit.get_shared::<CatalogShown>("/catalog")
        )?;
        let zone = Zone::parse(&account.time_zone).map_err(|_| Trouble::Fault)?;
        Ok(Frame {
            assets: assets::all(),
            place,
            wording: Wording::new(&visit.language, &zone),
            seal: form::seal(&visit.token),
            back: visit.back.clone(),
            only_reads: visit.only_reads,
            catalog,
            account,
            balance,
        })
    }

    /// The pages of the menu.
    pub(crate) fn menu(&self) -> &'static [Place] {
        &Place::MENU
    }

    /// The pages under the account's letter.
    pub(crate) fn corner(&self) -> &'static [Place] {
        &Place::CORNER
    }

    /// Whose page it is: what a part of it is exchanged for must be of the same account.
    pub(crate) fn whose(&self) -> String {
        format!("{}/{}", self.catalog.studio, self.account.account)
    }

    /// The account's name for people, or else its id.
    pub(crate) fn who(&self) -> &str {
        self.account.name.as_deref().unwrap_or(&self.account.account)
    }

    /// The letter in the corner.
    pub(crate) fn initial(&self) -> String {
        self.who()
            .chars()
            .find(|letter| letter.is_alphanumeric())
            .map_or_else(|| "·".to_owned(), |letter| letter.to_uppercase().to_string())
    }

    /// A tool's name for people, or else its id.
    pub(crate) fn tool<'a>(&'a self, id: &'a str) -> &'a str {
        self.catalog.tools.iter().find(|tool| tool.tool == id).map_or(id, |tool| &tool.name)
    }

    /// A plan's name for people, or else its id.
    pub(crate) fn plan<'a>(&'a self, id: &'a str) -> &'a str {
        self.catalog.plans.iter().find(|plan| plan.plan == id).map_or(id, |plan| &plan.name)
    }

    /// A package's name for people, or else its id.
    pub(crate) fn package<'a>(&'a self, id: &'a str) -> &'a str {
        self.catalog.packages.iter().find(|package| package.package == id).map_or(id, |package| &package.name)
    }
}

/// A page as an answer.
pub(crate) fn html(status: StatusCode, page: &impl Template) -> Response {
    let text = match page.render() {
        Ok(text) => text,
        Err(error) => {
            tracing::error!(%error, "a page could not be made");
            return StatusCode::INTERNAL_SERVER_ERROR.into_response();
        }
    };
    let mut response = (status, text).into_response();
    let headers = response.headers_mut();
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("text/html; charset=utf-8"));
    headers.insert(header::CONTENT_SECURITY_POLICY, POLICY);
    headers.insert(header::REFERRER_POLICY, HeaderValue::from_static("same-origin"));
    headers.insert(header::X_FRAME_OPTIONS, HeaderValue::from_static("DENY"));
    headers.insert("permissions-policy", HeaderValue::from_static("camera=(), geolocation=(), microphone=()"));
    response
}
