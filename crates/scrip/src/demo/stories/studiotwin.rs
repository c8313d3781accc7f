//! Who is with StudioTwin.

use scrip_core::plan::SubscriptionState;

use super::days::WorkingDays;
use super::{Ending, Job, Moment, Story, What, days, job, moment, promo};

const MOTION: Job = job("text-to-motion", &[("actions", "4")]);
const EDIT: Job = job("motion-edit", &[]);
const STITCH: Job = job("motion-stitch", &[]);
const SMALL: Job = job("text-to-material", &[("width", "1024"), ("height", "1024"), ("upscale", "2")]);
const LARGE: Job = job("image-to-material", &[("width", "2048"), ("height", "2048"), ("upscale", "1")]);
const TEXTURE: Job = job("texture-to-material", &[]);
const MESH: Job = job("image-to-3d-mesh", &[]);
const SKY: Job = job("text-to-environment-map", &[]);
const WORLD: Job = job("environment-map-to-world", &[]);

pub(super) fn stories() -> Vec<Story> {
    vec![nora(), otto(), paula(), tile_works(), yuki()]
}

fn story(account: &'static str, name: &'static str, zone: &'static str) -> Story {
    Story { studio: "studiotwin", account, name, zone, project_types: None, shows: "", moments: Vec::new() }
}

fn nora() -> Story {
    let moments = vec![moment(days(2), What::Opens), moment(days(2), What::Subscribes("starter"))];
    Story { shows: "joined two days ago, nothing spent", moments, ..story("nora", "Nora Lind", "Europe/Stockholm") }
}

/// No plan: what he bought, and bought again.
fn otto() -> Story {
    let buys = |days_ago, reference| moment(days(days_ago), What::Buys { package: "small", reference });
    let mut moments = vec![moment(days(40), What::Opens), buys(38, "paid at the fair")];
    moments.extend([37, 35, 33, 30].map(|day| moment(days(day), What::Starts(MESH))));
    moments.extend([
        buys(9, "invoice 2291"),
        moment(days(7), What::Starts(WORLD)),
        moment(days(5), What::Starts(SKY.failing("the prompt was refused"))),
        moment(days(1), What::Starts(job("text-to-motion", &[("actions", "3")]))),
    ]);
    Story { shows: "no plan, nearly empty: 5 left", moments, ..story("otto", "Otto Brandt", "Europe/Berlin") }
}

fn paula() -> Story {
    let mut moments = vec![
        moment(days(48), What::Opens),
        moment(days(48), What::Subscribes("starter")),
        moment(days(47), What::Buys { package: "medium", reference: "order 2203, paid by card" }),
    ];
    moments.extend(WorkingDays { seed: 83, from: 46, to: 30, jobs_a_day: 1 }.of(&[EDIT, STITCH, TEXTURE]));
    moments.extend([
        moment(days(30), What::Starts(MESH)),
        moment(days(28), What::Becomes(SubscriptionState::PastDue)),
        moment(days(4), What::Starts(TEXTURE)),
    ]);
    Story { shows: "past due, living on her top-up", moments, ..story("paula", "Paula Reyes", "America/Bogota") }
}

fn tile_works() -> Story {
    let mut moments = vec![
        moment(days(33), What::Opens),
        moment(days(33), What::Subscribes("starter")),
        moment(days(32), What::Buys { package: "medium", reference: "order 2188, paid by card" }),
        moment(days(18), What::Buys { package: "medium", reference: "order 2240, paid by card" }),
    ];
    moments.extend(tile_works_days());
    moments.extend([
        moment(days(1) + 60, What::Starts(SMALL.by("ines"))),
        moment(days(1), What::IsRefunded { reason: "seams in the result" }),
        moment(25, What::Starts(LARGE.by("ines").overnight())),
        moment(15, What::Starts(MESH.by("raj").overnight())),
    ]);
    Story {
        shows: "a subscription and top-ups: the subscription is spent first; two jobs running",
        moments,
        ..story("tile-works", "Tile Works", "America/New_York")
    }
}

fn tile_works_days() -> Vec<Moment> {
    let jobs = [SMALL.by("ines"), LARGE.by("ines"), TEXTURE.by("raj"), MOTION.by("raj")];
    WorkingDays { seed: 97, from: 31, to: 3, jobs_a_day: 2 }.of(&jobs)
}

/// Paid yearly, refilled monthly.
fn yuki() -> Story {
    let mut moments = vec![
        moment(days(62), What::Opens),
        moment(days(62), What::Subscribes("studio-yearly")),
        moment(days(58), promo(400, 6, "welcome")),
        moment(days(20), What::Starts(MESH.ending(Ending::IsLost))),
    ];
    let jobs = [MOTION, EDIT, STITCH, SMALL, LARGE, MESH, SKY, WORLD];
    moments.extend(WorkingDays { seed: 101, from: 61, to: 1, jobs_a_day: 4 }.of(&jobs));
    Story {
        shows: "paid for a year, refilled every month; a promotion that expired",
        moments,
        ..story("yuki", "Yuki Mori", "Asia/Tokyo")
    }
}
