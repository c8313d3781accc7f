//! Accounts in memory, as readers see them: what is durable, and nothing else.
//!
//! The sequencer works on its own copies, which are ahead of the disk; the committer publishes
//! them here once their batch is durable. Readers therefore never wait for the writer and never
//! see what could still be lost.

use std::hash::{BuildHasher, RandomState};
use std::sync::{PoisonError, RwLock};

use rustc_hash::FxHashMap;
use scrip_core::account::Account;
use scrip_core::id::{AccountId, AccountNumber, StudioNumber};
use std::collections::HashMap;

use crate::store::StoredAccountRef;

const SHARDS: usize = 64;

/// The durable state of accounts in memory.
pub(crate) struct Residents {
    accounts: Vec<RwLock<FxHashMap<u64, StoredAccountRef>>>,
    numbers: Vec<RwLock<HashMap<(StudioNumber, AccountId), AccountNumber>>>,
    hasher: RandomState,
}

impl Residents {
    pub(crate) fn new() -> Residents {
        Residents {
            accounts: (0..SHARDS).map(|_| RwLock::default()).collect(),
            numbers: (0..SHARDS).map(|_| RwLock::default()).collect(),
            hasher: RandomState::new(),
        }
    }

    fn accounts_of(&self, number: AccountNumber) -> &RwLock<FxHashMap<u64, StoredAccountRef>> {
        let shard = usize::try_from(number.0 % SHARDS as u64).unwrap_or(0);
        &self.accounts[shard]
    }

    fn numbers_of(
        &self,
        key: &(StudioNumber, AccountId),
    ) -> &RwLock<HashMap<(StudioNumber, AccountId), AccountNumber>> {
        let shard = usize::try_from(self.hasher.hash_one(key) % SHARDS as u64).unwrap_or(0);
        &self.numbers[shard]
    }

    /// The account, if it is in memory.
    pub(crate) fn get(&self, number: AccountNumber) -> Option<StoredAccountRef> {
        self.accounts_of(number).read().unwrap_or_else(PoisonError::into_inner).get(&number.0).cloned()
    }

    /// The number of an account in memory.
    pub(crate) fn number(&self, studio: StudioNumber, id: &AccountId) -> Option<AccountNumber> {
        let key = (studio, id.clone());
        self.numbers_of(&key).read().unwrap_or_else(PoisonError::into_inner).get(&key).copied()
    }

    /// Makes a durable state the one that readers see.
    pub(crate) fn publish(&self, stored: &StoredAccountRef) {
        let account = &stored.account;
        let before = self
            .accounts_of(account.number)
            .write()
            .unwrap_or_else(PoisonError::into_inner)
            .insert(account.number.0, stored.clone());
        let renamed = match &before {
            None => true,
            Some(before) if before.account.id == account.id => false,
            // It was erased: its old id may be another's by now, or become so.
            Some(before) => {
                self.forget_id(&before.account);
                true
            }
        };
        if renamed {
            let key = (account.studio, account.id.clone());
            let mut numbers = self.numbers_of(&key).write().unwrap_or_else(PoisonError::into_inner);
            numbers.insert(key, account.number);
        }
    }

    /// An account is not found by its id any more, unless that is another's.
    fn forget_id(&self, account: &Account) {
        let key = (account.studio, account.id.clone());
        let mut numbers = self.numbers_of(&key).write().unwrap_or_else(PoisonError::into_inner);
        if numbers.get(&key) == Some(&account.number) {
            numbers.remove(&key);
        }
    }

    /// Forgets an account, whose row in the store is up to date.
    pub(crate) fn evict(&self, number: AccountNumber) {
        let gone = self.accounts_of(number).write().unwrap_or_else(PoisonError::into_inner).remove(&number.0);
        if let Some(gone) = gone {
            self.forget_id(&gone.account);
        }
    }

    /// How many are in memory.
    pub(crate) fn len(&self) -> usize {
        self.accounts.iter().map(|shard| shard.read().unwrap_or_else(PoisonError::into_inner).len()).sum()
    }

    /// The numbers of all that are in memory, in order.
    pub(crate) fn numbers(&self) -> Vec<AccountNumber> {
        let mut numbers: Vec<_> = self
            .accounts
            .iter()
            .flat_map(|shard| {
                shard
                    .read()
                    .unwrap_or_else(PoisonError::into_inner)
                    .keys()
                    .map(|n| AccountNumber(*n))
                    .collect::<Vec<_>>()
            })
            .collect();
        numbers.sort_unstable();
        numbers
    }
}
