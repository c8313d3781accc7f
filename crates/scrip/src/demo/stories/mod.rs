//! The sample accounts: who they are and what happened to them in the last weeks. Data, told to the
//! engine by [`crate::demo::telling`]: no amount here is written into the store, all follow from what happens.
//!
//! Numbers that somebody relies on (the demo's words, the README, tests) lie in the present cycle and are spelled out.
//! What fills the weeks before is drawn by a seed ([`days`]) and may run short; it must end before the cycle's turn,
//! which a month's length moves by up to three days.

mod days;
mod flow_studio;
mod studiotwin;

use scrip_core::amount::Credits;
use scrip_core::lot::Class;
use scrip_core::plan::SubscriptionState;

/// How many days ago the first story begins.
pub(super) const DAYS: i64 = 65;

/// One account's past.
pub(super) struct Story {
    pub(super) studio: &'static str,
    pub(super) account: &'static str,
    pub(super) name: &'static str,
    pub(super) zone: &'static str,
    /// The project types that it has enabled; `None`: all.
    pub(super) project_types: Option<&'static [&'static str]>,
    /// What to look at, as the demo prints it.
    pub(super) shows: &'static str,
    pub(super) moments: Vec<Moment>,
}

/// Something that happened.
pub(super) struct Moment {
    /// Minutes before the present.
    pub(super) minutes_ago: i64,
    pub(super) what: What,
}

/// What happened.
pub(super) enum What {
    /// The account is opened.
    Opens,
    /// It takes a plan, or changes to it.
    Subscribes(&'static str),
    /// Its subscription becomes past due, paused or active.
    Becomes(SubscriptionState),
    /// It cancels at the end of the term.
    Cancels,
    /// An operator gives it credits; `days`: until they expire, `None`: never.
    IsGiven { credits: Credits, class: Class, days: Option<i64>, reason: &'static str },
    /// It buys a package and pays it outside a provider.
    Buys { package: &'static str, reference: &'static str },
    /// A job starts; how it ends is the job's.
    Starts(Job),
    /// The last job's credits are given back.
    IsRefunded { reason: &'static str },
}

/// A job.
#[derive(Clone, Copy)]
pub(super) struct Job {
    pub(super) tool: &'static str,
    /// The measures that it was started with.
    pub(super) asked: &'static [(&'static str, &'static str)],
    pub(super) ending: Ending,
    /// Minutes from its start to its end.
    pub(super) takes: i64,
    pub(super) member: Option<&'static str>,
    /// Seconds to its deadline; `None`: the tool's.
    pub(super) expires_in: Option<u32>,
    pub(super) short: Short,
}

/// How a job ends.
#[derive(Clone, Copy)]
pub(super) enum Ending {
    /// As it was asked.
    AsAsked,
    /// It used something else than was asked.
    Used(&'static [(&'static str, &'static str)]),
    /// It used more than was asked, and what cannot be paid is owed.
    Owing(&'static [(&'static str, &'static str)]),
    /// It fails and costs nothing.
    Fails(&'static str),
    /// Nobody ever says how it ended: its deadline does.
    IsLost,
    /// It still runs.
    StillRuns,
}

/// What it means that there is too little for a job.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Short {
    /// The story is wrong.
    IsAMistake,
    /// Then the job does not run.
    Happens,
}

/// A job that uses what it asked for.
const fn job(tool: &'static str, asked: &'static [(&'static str, &'static str)]) -> Job {
    let ending = Ending::AsAsked;
    Job { tool, asked, ending, takes: 6, member: None, expires_in: None, short: Short::IsAMistake }
}

impl Job {
    const fn by(self, member: &'static str) -> Job {
        Job { member: Some(member), ..self }
    }

    const fn ending(self, ending: Ending) -> Job {
        Job { ending, ..self }
    }

    const fn using(self, used: &'static [(&'static str, &'static str)]) -> Job {
        self.ending(Ending::Used(used))
    }

    const fn failing(self, reason: &'static str) -> Job {
        self.ending(Ending::Fails(reason))
    }

    /// Still running: its deadline is ahead of the present.
    const fn overnight(self) -> Job {
        Job { expires_in: Some(20 * 3_600), ending: Ending::StillRuns, ..self }
    }
}

const fn days(days: i64) -> i64 {
    days * 24 * 60
}

const fn moment(minutes_ago: i64, what: What) -> Moment {
    Moment { minutes_ago, what }
}

/// Credits from an operator that never expire.
const fn top_up(credits: i64, reason: &'static str) -> What {
    What::IsGiven { credits: Credits::whole(credits), class: Class::TopUp, days: None, reason }
}

/// Promo credits for some days.
const fn promo(credits: i64, for_days: i64, reason: &'static str) -> What {
    What::IsGiven { credits: Credits::whole(credits), class: Class::Promo, days: Some(for_days), reason }
}

/// Every story.
pub(super) fn all() -> Vec<Story> {
    let mut all = flow_studio::stories();
    all.extend(studiotwin::stories());
    all
}
