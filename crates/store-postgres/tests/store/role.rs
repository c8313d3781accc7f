//! The role that `docs/postgres.md` gives to servers is enough for everything that they do.

use std::sync::{Arc, OnceLock};

use scrip_core::account::Account;
use scrip_core::id::{AccountId, AccountNumber};
use scrip_core::journal::Record;
use scrip_core::term::Term;
use scrip_core::time::Time;
use scrip_engine::store::joint::conformance::{Subject, check, check_filling};
use scrip_engine::store::joint::{Appended, Draft, Edition, Filling, Found, JointStore, StudioQuery, Wanted};
use scrip_engine::store::{Document, Reader, StoreError};
use scrip_store_postgres::{Address, PostgresStore, harness};

struct Database(Address);

impl Subject for Database {
    fn open(&mut self) -> Arc<dyn JointStore> {
        Arc::new(PostgresStore::open(&self.0).expect("a database that answers"))
    }
}

/// A database whose tables the owner has made.
fn owned() -> Address {
    let owned = harness::database();
    drop(PostgresStore::open(&owned).expect("the owner makes the tables"));
    owned
}

/// A store that one role fills, and another serves.
struct FilledByOwner {
    owner: Box<PostgresStore>,
    server: Box<PostgresStore>,
}

impl JointStore for FilledByOwner {
    fn documents(&self, known: Option<u64>) -> Result<Edition, StoreError> {
        self.server.documents(known)
    }

    fn put(&self, edition: u64, documents: &[Document]) -> Result<Appended, StoreError> {
        self.server.put(edition, documents)
    }

    fn fetch(&self, wanted: &Wanted) -> Result<Found, StoreError> {
        self.server.fetch(wanted)
    }

    fn append(&self, drafts: &[Draft]) -> Vec<Result<Appended, StoreError>> {
        self.server.append(drafts)
    }

    fn fill(&self, filling: &Filling) -> Result<Appended, StoreError> {
        self.owner.fill(filling)
    }

    fn confirm(&self, accounts: &[AccountNumber]) -> Result<(), StoreError> {
        self.server.confirm(accounts)
    }

    fn entries(&self, account: AccountNumber, before: u64, limit: usize) -> Result<Vec<Record>, StoreError> {
        self.server.entries(account, before, limit)
    }

    fn carrying(
        &self,
        account: AccountNumber,
        terms: &[Term],
        before: u64,
        limit: usize,
    ) -> Result<Vec<Record>, StoreError> {
        self.server.carrying(account, terms, before, limit)
    }

    fn studio_entries(&self, query: &StudioQuery<'_>) -> Result<Vec<(AccountId, Record)>, StoreError> {
        self.server.studio_entries(query)
    }

    fn accounts(&self, after: Option<AccountNumber>, limit: usize) -> Result<Vec<Account>, StoreError> {
        self.server.accounts(after, limit)
    }

    fn accounts_of(&self, numbers: &[AccountNumber]) -> Result<Vec<Option<Account>>, StoreError> {
        self.server.accounts_of(numbers)
    }

    fn newest_of_any(&self, term: Term) -> Result<Option<Record>, StoreError> {
        self.server.newest_of_any(term)
    }

    fn last_instant(&self) -> Result<Option<Time>, StoreError> {
        self.server.last_instant()
    }

    fn snapshot(&self) -> Result<Arc<dyn Reader>, StoreError> {
        self.server.snapshot()
    }
}

/// The grants, and apart from them the statement that makes the role: it is of the whole server.
fn documented() -> (&'static str, &'static str) {
    let document = include_str!("../../../../docs/postgres.md");
    let (_, section) = document.split_once("## A role that may do no more than it must").expect("the section is there");
    let (_, block) = section.split_once("```sql\n").expect("it has statements");
    let (block, _) = block.split_once("```").expect("they end");
    block.split_once('\n').expect("the first line makes the role")
}

#[test]
fn the_documented_role_is_enough() {
    check(|| Database(granted(&owned())));
}

/// The database as the documented role, which is there from now on.
fn granted(owned: &Address) -> Address {
    static MADE: OnceLock<()> = OnceLock::new();
    let (make, grants) = documented();
    MADE.get_or_init(|| harness::run(owned, make));
    harness::run(owned, grants);
    harness::as_user(owned, "scrip_server")
}

/// What imports write the owner writes; what servers do with it, an erasure too, they do as that role.
#[test]
fn it_is_enough_for_accounts_that_were_imported() {
    struct Both {
        owner: Address,
        server: Address,
    }

    impl Subject for Both {
        fn open(&mut self) -> Arc<dyn JointStore> {
            let open = |address| Box::new(PostgresStore::open(address).expect("a database that answers"));
            Arc::new(FilledByOwner { owner: open(&self.owner), server: open(&self.server) })
        }
    }

    check_filling(|| {
        let owner = owned();
        Both { server: granted(&owner), owner }
    });
}
