//! Who is with Flow Studio.

use scrip_core::plan::SubscriptionState;

use super::days::WorkingDays;
use super::{Ending, Job, Moment, Story, What, days, job, moment, top_up};

const SHOT: Job = job("live-action", &[("seconds", "12")]);
const SHOT_CUT_SHORT: Job = job("live-action", &[("seconds", "9")]).using(&[("seconds", "6.5")]);
const CLOSE_UP: Job = job("live-action", &[("seconds", "4.2")]);
const MOCAP: Job = job("ai-mocap", &[("seconds", "20")]);
const DANCE: Job = job("ai-mocap", &[("seconds", "45")]);
const SCENE: Job = job("animation", &[("seconds", "8")]);
const PLATE: Job = job("clean-plate", &[("seconds", "10.4")]);
const TRACK: Job = job("camera-track", &[("seconds", "30")]);

pub(super) fn stories() -> Vec<Story> {
    vec![ana(), bruno(), dora(), mia(), north_pictures(), pavel(), suki()]
}

fn story(account: &'static str, name: &'static str, zone: &'static str) -> Story {
    Story { studio: "flow-studio", account, name, zone, project_types: None, shows: "", moments: Vec::new() }
}

/// Opens and subscribes.
fn joins(days_ago: i64, plan: &'static str) -> Vec<Moment> {
    vec![moment(days(days_ago), What::Opens), moment(days(days_ago), What::Subscribes(plan))]
}

fn ana() -> Story {
    let mut moments = joins(64, "lite");
    moments.extend(WorkingDays { seed: 11, from: 63, to: 38, jobs_a_day: 2 }.of(&[CLOSE_UP, MOCAP, PLATE]));
    moments.push(moment(days(52), What::Cancels));
    moments.push(moment(days(1), What::Subscribes("lite")));
    let shows = "came back yesterday after a break: Lite, 3,000 credits, nothing spent yet";
    Story { shows, moments, ..story("ana", "Ana Horvat", "Europe/Zagreb") }
}

fn bruno() -> Story {
    let mut moments = joins(45, "lite");
    moments.extend(WorkingDays { seed: 23, from: 43, to: 20, jobs_a_day: 2 }.of(&[CLOSE_UP, MOCAP]));
    moments.extend([
        moment(days(11), What::Starts(job("live-action", &[("seconds", "80")]))),
        moment(days(6), What::Starts(job("live-action", &[("seconds", "60")]).failing("the actor was not found"))),
        moment(days(5), What::Starts(job("live-action", &[("seconds", "55")]))),
        moment(days(2), What::Starts(job("ai-mocap", &[("seconds", "60")]))),
    ]);
    Story {
        project_types: Some(&["live-action", "ai-mocap"]),
        shows: "nearly empty: 60 of 3,000 left, 3 seconds of Live Action",
        moments,
        ..story("bruno", "Bruno Costa", "America/Sao_Paulo")
    }
}

fn dora() -> Story {
    let mut moments = joins(38, "lite");
    moments.extend(WorkingDays { seed: 37, from: 36, to: 12, jobs_a_day: 2 }.of(&[SHOT, PLATE, TRACK]));
    let longer_than_asked = job("live-action", &[("seconds", "5")]).ending(Ending::Owing(&[("seconds", "7")]));
    moments.extend([
        moment(days(6), What::Starts(job("live-action", &[("seconds", "145")]))),
        moment(days(3), What::Starts(longer_than_asked)),
    ]);
    let shows = "owes 40: her last job used more than was left";
    Story { shows, moments, ..story("dora", "Dora Weiss", "Europe/Vienna") }
}

/// Weeks of history: for charts, and to page through.
fn mia() -> Story {
    let mut moments = joins(64, "pro");
    moments.push(moment(days(40), top_up(5_000, "order 1017, paid by invoice")));
    let jobs = [SHOT, SHOT_CUT_SHORT, CLOSE_UP, MOCAP, DANCE, SCENE, PLATE, TRACK];
    moments.extend(WorkingDays { seed: 41, from: 62, to: 3, jobs_a_day: 5 }.of(&jobs));
    moments.extend([
        moment(days(33), What::Starts(DANCE.ending(Ending::IsLost))),
        moment(days(8) - 30, What::Starts(SHOT.failing("the render failed"))),
        moment(days(2) + 90, What::Starts(SHOT)),
        moment(days(2), What::IsRefunded { reason: "a frame was missing" }),
        moment(days(1), What::Starts(SHOT_CUT_SHORT)),
    ]);
    Story {
        shows: "two months of daily work, a top-up that stays, failed jobs, a refund",
        moments,
        ..story("mia", "Mia Larsen", "Europe/Copenhagen")
    }
}

fn north_pictures() -> Story {
    let mut moments = joins(42, "pro");
    let jobs = [SHOT.by("kai"), SCENE.by("lena"), DANCE.by("kai"), TRACK.by("lena"), SHOT_CUT_SHORT.by("omar")];
    moments.extend(WorkingDays { seed: 53, from: 41, to: 15, jobs_a_day: 4 }.of(&jobs));
    moments.extend([
        moment(days(9), What::Starts(job("animation", &[("seconds", "48")]).by("kai"))),
        moment(days(4), What::Starts(job("camera-track", &[("seconds", "95")]).by("lena"))),
        moment(45, What::Starts(job("live-action", &[("seconds", "120")]).by("kai").overnight())),
        moment(30, What::Starts(job("animation", &[("seconds", "36")]).by("lena").overnight())),
        moment(10, What::Starts(job("ai-mocap", &[("seconds", "240")]).by("kai").overnight())),
    ]);
    Story {
        shows: "a team with three jobs running: held, not yet spent",
        moments,
        ..story("north-pictures", "North Pictures", "America/Los_Angeles")
    }
}

fn pavel() -> Story {
    let mut moments = joins(50, "lite");
    moments.extend(WorkingDays { seed: 67, from: 48, to: 27, jobs_a_day: 2 }.of(&[SHOT, MOCAP, TRACK]));
    moments.push(moment(days(25), What::Becomes(SubscriptionState::PastDue)));
    let shows = "past due: the last refill never came";
    Story { shows, moments, ..story("pavel", "Pavel Novák", "Europe/Prague") }
}

fn suki() -> Story {
    let mut moments = joins(49, "lite");
    moments.extend(WorkingDays { seed: 71, from: 47, to: 23, jobs_a_day: 2 }.of(&[SCENE, CLOSE_UP]));
    moments.extend([
        moment(days(14), What::Starts(job("animation", &[("seconds", "120")]))),
        moment(days(13), What::Subscribes("pro")),
        moment(days(9), What::Starts(job("animation", &[("seconds", "150")]))),
        moment(days(3), What::Cancels),
    ]);
    Story {
        shows: "upgraded from Lite to Pro in mid-cycle, and cancels at the term's end",
        moments,
        ..story("suki", "Suki Tanaka", "Asia/Tokyo")
    }
}
