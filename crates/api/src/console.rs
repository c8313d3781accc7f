//! Console sessions, and what a studio's console shows of the studio as a whole.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::number::WideAmount;
use crate::time::Instant;

/// A session that was opened.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct ConsoleSessionShown {
    /// A token that stands for the key until it ends: `Authorization: Bearer cs_…`.
    pub token: String,
    /// The first instant at which it is good no more.
    pub expires_at: Instant,
}

/// A session as whoever has it sees it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct ConsoleVisitShown {
    /// The studio's name.
    pub studio: String,
    /// Who has signed in, as it is recorded: a key by its public id, or a person.
    pub by: String,
    /// What they may do: `read`, `support`, `finance` or `admin`.
    pub role: String,
    /// The calls that it may make, wholly or in part, as in `POST /v1/accounts/{account}/grants`; `admin` may make all others,
    /// too.
    pub calls: Vec<String>,
    /// The server's time.
    pub now: Instant,
}

/// What a studio's accounts have, all together, and what moved.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct TotalsOfStudioShown {
    /// As of when.
    pub at: Instant,
    /// How many accounts there are.
    pub accounts: u64,
    /// What is left in lots.
    pub remaining: WideAmount,
    /// The part of it that holds set aside.
    pub held: WideAmount,
    /// The part of it that disputes freeze.
    pub frozen: WideAmount,
    /// What accounts owe.
    pub debt: WideAmount,
    /// The part of it that was paid for and is not spent.
    pub paid: PaidShown,
    /// How many open holds have lasted longer than their tool's holds do at first.
    pub stuck_holds: u64,
    /// The same by class.
    pub classes: Vec<ClassTotalShown>,
    /// The period of `books`: from here.
    pub from: Instant,
    /// The studio's books over the period.
    pub books: BooksShown,
}

/// Credits that accounts have now, were paid for and are not spent: the studio still has to deliver for them. Held and frozen ones are
/// among them; promo and make-good credits never are, nor refills to come of a term that is paid for.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct PaidShown {
    /// Both.
    pub credits: WideAmount,
    /// Of the class `top_up`: bought, brought from elsewhere or granted for a payment outside.
    pub top_ups: WideAmount,
    /// Of plans' refills, and what rolled over of them: without a refill that nobody paid for, and without plans that are free.
    pub plans: WideAmount,
}

/// How the server and its store are.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct HealthShown {
    /// Of when.
    pub at: Instant,
    /// Whether commands are taken.
    pub ready: bool,
    /// Why not, if not.
    pub trouble: Option<String>,
    /// The version of scrip.
    pub version: String,
    /// Entries in the journal, of all studios.
    pub entries: u64,
    /// Entries whose accounts are not yet written behind: after a crash, so many are read again.
    pub behind: u64,
    /// Commands that wait.
    pub waiting: u64,
    /// Accounts in memory.
    pub accounts_in_memory: u64,
    /// Commands accepted since the server started.
    pub accepted: u64,
    /// Commands refused since then.
    pub refused: u64,
    /// Repeats that were answered with their first answer since then.
    pub replayed: u64,
}

/// What is left of one class of lots.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct ClassTotalShown {
    /// `subscription`, `promo`, `top_up` or `make_good`.
    pub class: String,
    /// What is left.
    pub remaining: WideAmount,
}

/// What moved in the studio's books (R28), each as a positive number where it is as its name says.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct BooksShown {
    /// Given without money: refills and grants, less what was revoked.
    pub granted: WideAmount,
    /// Made by paid orders, less what was clawed back.
    pub sold: WideAmount,
    /// Spent on jobs.
    pub spent: WideAmount,
    /// Come to their end unspent.
    pub expired: WideAmount,
    /// Given back after charges.
    pub refunded: WideAmount,
    /// Spent, and paid by nobody.
    pub uncollected: WideAmount,
}
