//! The audit trail: what was done by hand, when, by whom and why.

use scrip_core::entry::{Entry, Event, TextField};
use scrip_core::id::AccountId;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::entry::entry_id;
use crate::number::Amount;
use crate::time::Instant;

/// One line of the audit trail.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct ActShown {
    /// When.
    pub at: Instant,
    /// Who: a key's id, `customer`, a person, or `command line`; null once erased.
    pub by: Option<String>,
    /// What: an entry's kind, or `key_created`, `key_revoked`, `catalog_published`, `tokens_renewed`, `signed_in`,
    /// `portal_opened`.
    pub act: String,
    /// Of which account; null for what was done to the studio as a whole.
    pub account: Option<String>,
    /// The entry that records it, of its account; null for what was done to the studio as a whole.
    pub entry: Option<String>,
    /// Signed change of the account's remaining credits.
    pub credits: Amount,
    /// What it was done to, or what shows it: a key, a catalog version, a payment's reference.
    pub reference: Option<String>,
    /// Why.
    pub reason: Option<String>,
}

impl ActShown {
    /// The line of an entry that says who made it.
    pub fn of(account: Option<&AccountId>, entry: &Entry) -> ActShown {
        let text = |field| entry.texts.get(field).map(str::to_owned);
        let account = account.filter(|id| !id.is_of_studio());
        let act = match entry.event {
            Event::Acted { act } => act.word(),
            _ => entry.event.kind().word(),
        };
        ActShown {
            at: Instant(entry.at),
            by: text(TextField::By),
            act: act.to_owned(),
            account: account.map(ToString::to_string),
            entry: account.map(|_| entry_id(entry.seq)),
            credits: Amount(entry.credits()),
            reference: text(TextField::Reference),
            reason: text(TextField::Reason),
        }
    }
}

/// A page of the audit trail, newest first.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct AuditShown {
    /// Its lines.
    pub acts: Vec<ActShown>,
    /// Where the next page begins; null at the end.
    pub next: Option<String>,
}
