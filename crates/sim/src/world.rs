//! The simulated world: studios with their catalogs over time, and the accounts that will be opened.
//!
//! Everything in it follows from the seed. It knows prices as [`crate::prices`] writes them; the catalogs that the engine
//! reads are the shipped documents, or are written from the same lists.

use scrip_core::id::{AccountId, StudioId};
use scrip_core::time::Time;

use crate::catalogs;
use crate::model::Instant;
use crate::prices::PriceList;
use crate::prng::Prng;

/// The world.
#[derive(Clone, Debug)]
pub struct World {
    /// The studios.
    pub studios: Vec<Studio>,
    /// The accounts, opened when they are first put.
    pub accounts: Vec<Customer>,
    /// When it begins.
    pub start: Instant,
    /// Entries after which the engine writes behind.
    pub mark_every: u64,
    /// Accounts that the engine keeps in memory, about.
    pub resident_limit: usize,
}

/// A studio.
#[derive(Clone, Debug)]
pub struct Studio {
    /// Its name.
    pub id: StudioId,
    /// Its catalogs, in the order in which it publishes them; the first before anything else.
    pub catalogs: Vec<Document>,
}

/// A catalog twice: as the engine reads it and as the model does.
#[derive(Clone, Debug)]
pub struct Document {
    /// The document.
    pub text: String,
    /// What it says.
    pub prices: PriceList,
}

/// An account to be.
#[derive(Clone, Debug)]
pub struct Customer {
    /// Which studio's.
    pub studio: usize,
    /// The studio's own id.
    pub id: AccountId,
}

/// The zones that accounts live in: without daylight saving, with it on either side, off the hour, and across the date line.
pub const ZONES: [&str; 5] = ["UTC", "America/Los_Angeles", "Asia/Kathmandu", "Europe/Zagreb", "Pacific/Apia"];

/// Beginnings close to what is hard: a leap year, month ends, the day that Apia left out, changes of the clocks.
const STARTS: [&str; 7] = [
    "2026-01-31T10:00:00Z",
    "2024-02-28T23:59:59.999999Z",
    "2011-12-29T09:30:00Z",
    "2026-03-07T10:30:00Z",
    "2026-10-25T00:59:59Z",
    "2027-12-31T18:15:00Z",
    "2025-06-15T12:34:56.789012Z",
];

impl World {
    /// The world of a seed.
    pub fn new(prng: &mut Prng) -> World {
        let mut kinds = catalogs::kinds();
        let count = 1 + prng.index(2);
        let studios: Vec<Studio> = (0..count).map(|_| kinds.swap_remove(prng.index(kinds.len()))).collect();
        let accounts = (0..1 + prng.index(4))
            .map(|number| Customer {
                studio: prng.index(studios.len()),
                // Two studios may each have a customer of the same name.
                id: AccountId::parse(&format!("customer-{}", number / 2 * 2)).expect("an id"),
            })
            .collect::<Vec<_>>();
        let mut apart: Vec<Customer> = Vec::new();
        for customer in accounts {
            if !apart.iter().any(|other| other.studio == customer.studio && other.id == customer.id) {
                apart.push(customer);
            }
        }
        World {
            studios,
            accounts: apart,
            start: Time::parse(prng.pick::<&str>(&STARTS)).expect("a time").micros(),
            mark_every: *prng.pick(&[1, 40, 150, 100_000]),
            resident_limit: *prng.pick(&[1, 2, 1_000]),
        }
    }
}
