//! The payment method that an account's owner lets the studio charge while they are away: for automatic top-up.
//!
//! What the provider calls the method and its owner is kept nowhere here: only with which order's payment it was
//! saved. The provider is asked by that payment whose it is, so there is nothing of a person to keep, to protect or to
//! erase (R29). Apart from [`crate::top_up`] because it is learned from payments, and outlives its settings.

use crate::account::Account;
use crate::draft::Draft;
use crate::entry::Event;
use crate::id::OrderId;

/// A saved payment method.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct SavedMethod {
    /// The order with whose payment it was saved.
    pub order: OrderId,
    /// Why it could not be charged the last time; `None`: it could, or was not tried.
    pub trouble: Option<Trouble>,
}

/// Why a saved payment method could not be charged.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Trouble {
    /// The bank said no.
    Declined,
    /// The bank wants to see its customer, who is not there.
    AuthenticationNeeded,
    /// The card is no longer valid.
    Expired,
    /// The provider has it no more: its owner took it away.
    Removed,
}

impl Trouble {
    /// Every trouble.
    pub const ALL: [Trouble; 4] =
        [Trouble::Declined, Trouble::AuthenticationNeeded, Trouble::Expired, Trouble::Removed];

    /// The word on the wire.
    pub const fn word(self) -> &'static str {
        match self {
            Trouble::Declined => "declined",
            Trouble::AuthenticationNeeded => "authentication_needed",
            Trouble::Expired => "expired",
            Trouble::Removed => "removed",
        }
    }

    /// The trouble that a word names.
    pub fn from_word(word: &str) -> Option<Trouble> {
        Trouble::ALL.into_iter().find(|trouble| trouble.word() == word)
    }

    /// Whether trying again is of no use: only another method helps.
    pub const fn is_final(self) -> bool {
        match self {
            Trouble::Expired | Trouble::Removed => true,
            Trouble::Declined | Trouble::AuthenticationNeeded => false,
        }
    }
}

impl SavedMethod {
    /// The word for how it stands: `usable`, or its trouble's.
    pub const fn word(self) -> &'static str {
        match self.trouble {
            None => "usable",
            Some(trouble) => trouble.word(),
        }
    }
}

/// The account's saved method, where charging it may be of use.
pub fn chargeable(account: &Account) -> Option<SavedMethod> {
    account.saved_method.filter(|saved| !saved.trouble.is_some_and(Trouble::is_final))
}

/// That it could be charged after all; `None` where there was no trouble.
pub(crate) fn worked(account: &Account) -> Option<Draft> {
    let saved = account.saved_method.filter(|saved| saved.trouble.is_some())?;
    Some(changed(SavedMethod { trouble: None, ..saved }))
}

pub(crate) fn changed(method: SavedMethod) -> Draft {
    Draft::new(Event::SavedMethodChanged { method })
}
