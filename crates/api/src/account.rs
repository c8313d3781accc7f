//! Accounts: settings as they are put and shown.

use std::collections::BTreeSet;

use scrip_core::account::Account;
use scrip_core::command::PutAccount;
use scrip_core::id::ProjectTypeId;
use scrip_core::time::Zone;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::balance::TotalsShown;
use crate::present::present;
use crate::text;
use crate::time::Instant;
use crate::unfit::InvalidField;

/// Settings to put; absent ones stay as they are.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct AccountRequest {
    /// A name for people.
    #[serde(default, deserialize_with = "present", skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false, min_length = 1, max_length = 256)]
    pub name: Option<String>,
    /// A time zone of the IANA database, such as `Europe/Zagreb`; UTC when never given.
    #[serde(default, deserialize_with = "present", skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub time_zone: Option<String>,
    /// The project types that it may run; all when never given.
    #[serde(default, deserialize_with = "present", skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub project_types: Option<Vec<String>>,
}

impl AccountRequest {
    /// The command's settings.
    pub fn settings(self) -> Result<PutAccount, InvalidField> {
        let zone = self
            .time_zone
            .map(|name| Zone::parse(&name).map_err(|error| InvalidField::because("time_zone", error.to_string())));
        Ok(PutAccount {
            name: text::label_if_any("name", self.name)?,
            zone: zone.transpose()?,
            project_types: self.project_types.map(project_types).transpose()?,
        })
    }
}

fn project_types(names: Vec<String>) -> Result<BTreeSet<ProjectTypeId>, InvalidField> {
    let parse = |(place, name): (usize, &String)| {
        ProjectTypeId::parse(name).map_err(|error| InvalidField::new(format!("project_types[{place}]"), error.expected))
    };
    names.iter().enumerate().map(parse).collect()
}

/// An account's settings and totals.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct AccountShown {
    /// The studio's own id of it.
    pub account: String,
    /// Its name for people; null when never given.
    pub name: Option<String>,
    /// The zone in which its days are counted.
    pub time_zone: String,
    /// The project types that it may run; null: all.
    pub project_types: Option<Vec<String>>,
    /// When it was opened.
    pub opened_at: Instant,
    /// The plan that it is on; null without one.
    pub plan: Option<String>,
    /// Its totals.
    pub balance: TotalsShown,
}

impl From<&Account> for AccountShown {
    fn from(account: &Account) -> AccountShown {
        AccountShown {
            account: account.id.to_string(),
            name: account.name.as_deref().map(str::to_owned),
            time_zone: account.zone.name().to_owned(),
            project_types: account
                .project_types
                .as_ref()
                .map(|types| types.iter().map(ProjectTypeId::to_string).collect()),
            opened_at: Instant(account.opened_at),
            plan: account.subscription.as_ref().map(|subscription| subscription.terms.plan.to_string()),
            balance: account.totals().into(),
        }
    }
}

/// A page of accounts, in the order of their opening.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct AccountsShown {
    /// The accounts.
    pub accounts: Vec<AccountShown>,
    /// Give it as `after` for the next page; null at the end.
    pub next: Option<String>,
}
