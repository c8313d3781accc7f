//! The sample accounts: who they are and what happened to them in the last weeks. Data, told to the
//! engine by [`crate::demo::telling`].

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
    /// An operator gives it credits.
    IsGiven { credits: Credits, class: Class, reason: &'static str },
    /// A job runs to its end: held, then settled.
    Runs(Job),
    /// A job starts and still runs.
    Starts(Job),
    /// A job fails: held, then released.
    Fails(Job),
    /// The last job's credits are given back.
    IsRefunded { reason: &'static str },
}

/// A job.
#[derive(Clone, Copy)]
pub(super) struct Job {
    pub(super) tool: &'static str,
    /// The measures that it was started with.
    pub(super) asked: &'static [(&'static str, &'static str)],
    /// The measures at its end; empty: as asked.
    pub(super) used: &'static [(&'static str, &'static str)],
    pub(super) member: Option<&'static str>,
    /// Seconds to its deadline; `None`: the tool's.
    pub(super) expires_in: Option<u32>,
}

/// A job that uses what it asked for.
const fn job(tool: &'static str, asked: &'static [(&'static str, &'static str)]) -> Job {
    Job { tool, asked, used: &[], member: None, expires_in: None }
}

impl Job {
    const fn by(self, member: &'static str) -> Job {
        Job { member: Some(member), ..self }
    }

    const fn using(self, used: &'static [(&'static str, &'static str)]) -> Job {
        Job { used, ..self }
    }

    /// Still running: its deadline is ahead of the present.
    const fn overnight(self) -> Job {
        Job { expires_in: Some(20 * 3_600), ..self }
    }
}

const fn days(days: i64) -> i64 {
    days * 24 * 60
}

const fn moment(minutes_ago: i64, what: What) -> Moment {
    Moment { minutes_ago, what }
}

/// A top-up of whole credits.
const fn top_up(credits: i64, reason: &'static str) -> What {
    What::IsGiven { credits: Credits::whole(credits), class: Class::TopUp, reason }
}

/// The same job on every working day, some days ago to some days ago, an hour apart.
fn daily(from: i64, to: i64, jobs: &'static [Job]) -> impl Iterator<Item = Moment> {
    (to..=from).rev().filter(|day| day % 7 > 1).flat_map(move |day| {
        jobs.iter().zip(1..).map(move |(job, hour)| moment(days(day) - 60 * hour, What::Runs(*job)))
    })
}

/// Every story.
pub(super) fn all() -> Vec<Story> {
    let mut all = flow_studio();
    all.extend(studiotwin());
    all
}

const SHOT: Job = job("live-action", &[("seconds", "12")]);
const SHOT_CUT_SHORT: Job = job("live-action", &[("seconds", "9")]).using(&[("seconds", "6.5")]);
const MOCAP: Job = job("ai-mocap", &[("seconds", "20")]);
const PLATE: Job = job("clean-plate", &[("seconds", "10.4")]);

fn flow_studio() -> Vec<Story> {
    vec![
        Story {
            studio: "flow-studio",
            account: "ana",
            name: "Ana Horvat",
            zone: "Europe/Zagreb",
            project_types: None,
            shows: "fresh: Lite since yesterday, nothing spent",
            moments: vec![moment(days(1), What::Opens), moment(days(1), What::Subscribes("lite"))],
        },
        Story {
            studio: "flow-studio",
            account: "bruno",
            name: "Bruno Costa",
            zone: "America/Sao_Paulo",
            project_types: Some(&["live-action", "ai-mocap"]),
            shows: "nearly empty: 60 of 3,000 left, 3 seconds of Live Action",
            moments: vec![
                moment(days(12), What::Opens),
                moment(days(12), What::Subscribes("lite")),
                moment(days(11), What::Runs(job("live-action", &[("seconds", "80")]))),
                moment(days(6), What::Fails(job("live-action", &[("seconds", "60")]))),
                moment(days(5), What::Runs(job("live-action", &[("seconds", "55")]))),
                moment(days(2), What::Runs(job("ai-mocap", &[("seconds", "60")]))),
            ],
        },
        mia(),
        Story {
            studio: "flow-studio",
            account: "north-pictures",
            name: "North Pictures",
            zone: "America/Los_Angeles",
            project_types: None,
            shows: "a team with three jobs running: held, not yet spent",
            moments: vec![
                moment(days(20), What::Opens),
                moment(days(20), What::Subscribes("pro")),
                moment(days(13), What::Runs(job("animation", &[("seconds", "48")]).by("kai"))),
                moment(days(4), What::Runs(job("camera-track", &[("seconds", "95")]).by("lena"))),
                moment(45, What::Starts(job("live-action", &[("seconds", "120")]).by("kai").overnight())),
                moment(30, What::Starts(job("animation", &[("seconds", "36")]).by("lena").overnight())),
                moment(10, What::Starts(job("ai-mocap", &[("seconds", "240")]).by("kai").overnight())),
            ],
        },
        Story {
            studio: "flow-studio",
            account: "pavel",
            name: "Pavel Novák",
            zone: "Europe/Prague",
            project_types: None,
            shows: "past due: the last refill never came",
            moments: vec![
                moment(days(50), What::Opens),
                moment(days(50), What::Subscribes("lite")),
                moment(days(44), What::Runs(SHOT)),
                moment(days(25), What::Becomes(SubscriptionState::PastDue)),
            ],
        },
        Story {
            studio: "flow-studio",
            account: "suki",
            name: "Suki Tanaka",
            zone: "Asia/Tokyo",
            project_types: None,
            shows: "upgraded from Lite to Pro in mid-cycle, and cancels at the term's end",
            moments: vec![
                moment(days(16), What::Opens),
                moment(days(16), What::Subscribes("lite")),
                moment(days(14), What::Runs(job("animation", &[("seconds", "120")]))),
                moment(days(13), What::Subscribes("pro")),
                moment(days(9), What::Runs(job("animation", &[("seconds", "150")]))),
                moment(days(3), What::Cancels),
            ],
        },
    ]
}

/// Weeks of history: for charts, and to page through.
fn mia() -> Story {
    let mut moments = vec![moment(days(64), What::Opens), moment(days(64), What::Subscribes("pro"))];
    moments.push(moment(days(40), top_up(5_000, "order 1017, paid by invoice")));
    moments.extend(daily(60, 1, &[SHOT, SHOT_CUT_SHORT, MOCAP, PLATE]));
    moments.push(moment(days(8) - 30, What::Fails(SHOT)));
    moments.push(moment(days(2), What::IsRefunded { reason: "a frame was missing" }));
    Story {
        studio: "flow-studio",
        account: "mia",
        name: "Mia Larsen",
        zone: "Europe/Copenhagen",
        project_types: None,
        shows: "two months of daily work, a top-up that stays, a failed job, a refund",
        moments,
    }
}

fn studiotwin() -> Vec<Story> {
    vec![
        Story {
            studio: "studiotwin",
            account: "nora",
            name: "Nora Lind",
            zone: "Europe/Stockholm",
            project_types: None,
            shows: "fresh: nothing spent",
            moments: vec![moment(days(2), What::Opens), moment(days(2), What::Subscribes("starter"))],
        },
        Story {
            studio: "studiotwin",
            account: "otto",
            name: "Otto Brandt",
            zone: "Europe/Berlin",
            project_types: None,
            shows: "nearly empty",
            moments: vec![
                moment(days(9), What::Opens),
                moment(days(9), top_up(100, "welcome package, paid at the fair")),
                moment(days(7), What::Runs(job("environment-map-to-world", &[]))),
                moment(days(1), What::Runs(job("text-to-motion", &[("actions", "3")]))),
            ],
        },
        Story {
            studio: "studiotwin",
            account: "tile-works",
            name: "Tile Works",
            zone: "America/New_York",
            project_types: None,
            shows: "a subscription and a top-up: the subscription is spent first; two jobs running",
            moments: tile_works(),
        },
        Story {
            studio: "studiotwin",
            account: "paula",
            name: "Paula Reyes",
            zone: "America/Bogota",
            project_types: None,
            shows: "past due, living on her top-up",
            moments: vec![
                moment(days(48), What::Opens),
                moment(days(48), What::Subscribes("starter")),
                moment(days(47), top_up(500, "order 2203, paid by card")),
                moment(days(30), What::Runs(job("image-to-3d-mesh", &[]))),
                moment(days(28), What::Becomes(SubscriptionState::PastDue)),
                moment(days(4), What::Runs(job("texture-to-material", &[]))),
            ],
        },
    ]
}

fn tile_works() -> Vec<Moment> {
    const SMALL: Job = job("text-to-material", &[("width", "1024"), ("height", "1024"), ("upscale", "2")]);
    const LARGE: Job = job("image-to-material", &[("width", "2048"), ("height", "2048"), ("upscale", "1")]);
    const MOTION: Job = job("text-to-motion", &[("actions", "4")]);
    const DAILY: &[Job] = &[SMALL.by("ines"), MOTION.by("raj")];
    let mut moments = vec![
        moment(days(33), What::Opens),
        moment(days(33), What::Subscribes("starter")),
        moment(days(32), top_up(1_000, "order 2188, paid by card")),
    ];
    moments.extend(daily(31, 1, DAILY));
    moments.push(moment(days(1), What::IsRefunded { reason: "seams in the result" }));
    moments.push(moment(25, What::Starts(LARGE.by("ines").overnight())));
    moments.push(moment(15, What::Starts(job("image-to-3d-mesh", &[]).by("raj").overnight())));
    moments
}
