//! What the bare store can do: durable appends of charge-like rows, by size of batch.
//!
//! `cargo run --release --example append_rate -p scrip-store-sqlite [SECONDS [FOLDER]]`
//!
//! Each size runs on a new store for some seconds (default 3): once with rows alone, and once with all that
//! a scrip writes behind them (an index term for each row, the rows of the accounts that changed, upkeep). The
//! rows are made before the clock starts, so no rule, no hash and no queue is in the figures.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, Instant};

use scrip_core::account::{Account, Hash};
use scrip_core::amount::Credits;
use scrip_core::entry::Kind;
use scrip_core::id::{AccountId, AccountNumber, LotId, StudioNumber, ToolId};
use scrip_core::journal::Record;
use scrip_core::lot::{Class, Lot, Priority};
use scrip_core::time::Time;
use scrip_engine::store::{Batch, Behind, Row, Store, StoredAccountRef};
use scrip_engine::trail::{Links, Trail};
use scrip_store_sqlite::{OpenMode, SqliteStore};

const SIZES: [usize; 5] = [1, 16, 128, 1_024, 8_192];
const ACCOUNTS: u64 = 200_000;
/// Rows between two marks.
const MARK_EVERY: usize = 250_000;

#[derive(Clone, Copy, PartialEq, Eq)]
enum Load {
    Rows,
    RowsAndBehind,
}

fn main() {
    let mut arguments = std::env::args().skip(1);
    let seconds = arguments.next().map_or(3, |seconds| seconds.parse().expect("SECONDS is a whole number"));
    let root = arguments.next().map_or_else(std::env::temp_dir, PathBuf::from).join("scrip-append-rate");
    println!(
        "{:>7} {:>16} {:>10} {:>10} {:>9} {:>9} {:>9}",
        "batch", "load", "rows", "rows/s", "p50 µs", "p99 µs", "B/row"
    );
    for (load, name) in [(Load::Rows, "rows"), (Load::RowsAndBehind, "rows and behind")] {
        for size in SIZES {
            if root.exists() {
                std::fs::remove_dir_all(&root).expect("its own folder can be removed");
            }
            run(&root, size, load, name, Duration::from_secs(seconds));
        }
    }
    std::fs::remove_dir_all(&root).expect("its own folder can be removed");
}

fn run(folder: &Path, size: usize, load: Load, name: &str, time: Duration) {
    let mut store = SqliteStore::open(folder, OpenMode::Create).expect("a new folder");
    let mut world = World::default();
    let mut took = Vec::new();
    let mut spent = Duration::ZERO;
    while spent < time {
        let batch = world.batch(size, load);
        let start = Instant::now();
        store.append(&batch).expect("the disk takes it");
        took.push(start.elapsed());
        store.upkeep().expect("the disk takes it");
        spent += start.elapsed();
    }
    drop(store);
    took.sort_unstable();
    let at = |percent: usize| took[(took.len() - 1) * percent / 100].as_micros();
    let rows = world.position;
    let bytes = std::fs::metadata(folder.join("scrip.db")).expect("the database").len();
    println!(
        "{size:>7} {name:>16} {rows:>10} {:>10} {:>9} {:>9} {:>9}",
        u128::from(rows) * 1_000_000 / spent.as_micros().max(1),
        at(50),
        at(99),
        bytes / rows.max(1),
    );
}

/// Rows as charges have them, over many accounts.
#[derive(Default)]
struct World {
    position: u64,
    random: u64,
    changed: Vec<u64>,
    terms: Vec<(u64, u64)>,
    frozen: Option<Frozen>,
}

/// What is being written behind, a share with each batch.
struct Frozen {
    accounts: std::vec::IntoIter<u64>,
    terms: std::vec::IntoIter<(u64, u64)>,
    mark: u64,
}

impl World {
    fn batch(&mut self, size: usize, load: Load) -> Batch {
        let rows = (0..size).map(|_| self.row()).collect();
        let behind = match load {
            Load::Rows => Behind::default(),
            Load::RowsAndBehind => self.behind(size),
        };
        Batch { rows, behind, ..Batch::default() }
    }

    fn random(&mut self) -> u64 {
        self.random = self.random.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mixed = (self.random ^ (self.random >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }

    fn row(&mut self) -> Row {
        self.position += 1;
        let account = self.random() % ACCOUNTS + 1;
        self.changed.push(account);
        let term = self.random();
        self.terms.push((term, self.position));
        let chance: Vec<u8> = (0..9).flat_map(|_| self.random().to_le_bytes()).collect();
        let micros = i64::try_from(self.position).expect("few rows");
        let record = Record {
            account: AccountNumber(account),
            seq: self.position / ACCOUNTS + 2,
            at: Time::from_micros(1_767_225_600_000_000 + micros),
            kind: Kind::Charge,
            tool: Some(ToolId::parse("text-to-material").expect("a tool's id")),
            credits: Credits::whole(-12),
            held: Credits::ZERO,
            available_after: Credits::whole(2_988),
            remaining_after: Credits::whole(3_000),
            body: chance[..60].to_vec(),
            hash: Hash(chance[40..72].try_into().expect("32 bytes")),
            texts: None,
        };
        Row { position: self.position, links: Some(Links { prev: self.position / 2, jump: self.position / 3 }), record }
    }

    fn behind(&mut self, size: usize) -> Behind {
        if self.frozen.is_none() && self.terms.len() >= MARK_EVERY {
            let (mut accounts, mut terms) = (std::mem::take(&mut self.changed), std::mem::take(&mut self.terms));
            accounts.sort_unstable();
            accounts.dedup();
            terms.sort_unstable();
            self.frozen =
                Some(Frozen { accounts: accounts.into_iter(), terms: terms.into_iter(), mark: self.position });
        }
        let Some(frozen) = &mut self.frozen else { return Behind::default() };
        let share = 2 * size + 16;
        let accounts = frozen.accounts.by_ref().take(share).map(account).collect();
        let terms = frozen.terms.by_ref().take(share).collect();
        let done = frozen.accounts.len() == 0 && frozen.terms.len() == 0;
        let mark = done.then_some(frozen.mark);
        if done {
            self.frozen = None;
        }
        Behind { accounts, terms, mark }
    }
}

fn account(number: u64) -> StoredAccountRef {
    let lot = |seq, class, granted| Lot {
        id: LotId::first(seq),
        class,
        priority: Priority(10),
        granted_at: Time::from_micros(1_767_225_600_000_000),
        expires_at: Some(Time::from_micros(1_769_904_000_000_000)),
        granted: Credits::whole(granted),
        remaining: Credits::whole(granted - 12),
        held: Credits::ZERO,
        frozen: Credits::ZERO,
        sold: None,
    };
    let id = AccountId::parse(&format!("customer-{number}")).expect("of the right alphabet");
    let account = Account {
        seq: 7,
        opened_at: Time::from_micros(1_767_225_600_000_000),
        last_at: Time::from_micros(1_767_225_600_123_456),
        lots: vec![lot(2, Class::Subscription, 3_000), lot(3, Class::TopUp, 500)],
        ..Account::unopened(StudioNumber(1), AccountNumber(number), id)
    };
    let trail = Trail::from_positions(vec![number, number + 1_000_000, number + 2_000_000]);
    StoredAccountRef { account: Arc::new(account), trail }
}
