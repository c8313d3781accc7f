//! *Overview*: what the account has, how long it lasts, and what happens next.

use askama::Template;
use axum::http::StatusCode;
use scrip_api::balance::LotShown;
use scrip_api::code::Code;
use scrip_api::entry::{EntriesShown, EntryShown};
use scrip_api::hold::{HoldShown, HoldsShown};
use scrip_api::number::Amount;
use scrip_api::subscription::SubscriptionShown;
use scrip_api::time::Instant;
use scrip_api::usage::UsageShown;
use scrip_core::amount::Credits;
use scrip_core::time::Time;

use crate::chart::{self, BurnDown, Burning};
use crate::frame::{self, Frame, Place};
use crate::pages::Page;
use crate::trouble::Trouble;
use crate::visit::Visit;
use crate::wording::{self, Wording};

/// Pages of 1,000 entries that the chart looks at; a busier account's chart begins later.
const PAGES_MAX: usize = 5;
/// Lots that are shown, of those that are used first.
const LOTS: usize = 12;
/// The period that is shown of an account without a plan, in seconds: thirty days.
const PERIOD_S: i64 = 30 * 86_400;
/// The least that must have passed for a pace to be told, in seconds: half a day.
const PACE_FROM_S: i64 = 43_200;

#[derive(Template)]
#[template(path = "overview.html")]
struct Overview {
    frame: Frame,
    subscription: Option<SubscriptionShown>,
    holds: Vec<HoldShown>,
    /// Whether more are running than are shown.
    more_holds: bool,
    jobs: Vec<EntryShown>,
    period: Period,
    burn_down: Option<BurnDown>,
    /// From when on the chart is drawn, where so much happened that it does not reach back to the period's start.
    drawn_from: Option<Instant>,
    forecast: Forecast,
    /// None where more happened in the period than the API adds up.
    usage: Option<UsageShown>,
}

/// What the chart is of.
#[derive(Clone, Copy, Debug)]
struct Period {
    start: Instant,
    end: Instant,
}

/// How long the credits last at the pace of the period so far.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Forecast {
    /// Nothing was used, or too little time has passed to tell.
    Untold,
    /// They are gone at this instant.
    RunsOut(Instant),
}

/// The page.
pub(super) async fn page(visit: Visit) -> Page {
    let frame = Frame::around(&visit, Place::Overview).await?;
    let subscription = match visit.get::<SubscriptionShown>("/subscription").await {
        Ok(subscription) => Some(subscription),
        Err(trouble) if trouble.is(Code::SubscriptionNotFound) => None,
        Err(trouble) => return Err(trouble),
    };
    let now = frame.balance.at;
    let period = period(subscription.as_ref(), now);
    let (holds, jobs, usage, steps) = tokio::try_join!(
        visit.get::<HoldsShown>("/holds?state=open&limit=20"),
        visit.get::<EntriesShown>("/entries?kind=settle,charge,refund&limit=6"),
        usage(&visit, period),
        steps(&visit, period)
    )?;
    let forecast = forecast(&frame, usage.as_ref(), period);
    let runs_out = match forecast {
        Forecast::RunsOut(at) => Some(at.0),
        Forecast::Untold => None,
    };
    let burn_down =
        BurnDown::of(&Burning { start: period.start.0, end: period.end.0, now: now.0, steps: &steps.levels, runs_out });
    let drawn_from = steps.levels.first().filter(|_| steps.is_cut).map(|(at, _)| Instant(*at));
    let (more_holds, holds, jobs) = (holds.next.is_some(), holds.holds, jobs.entries);
    let overview =
        Overview { frame, subscription, holds, more_holds, jobs, period, burn_down, drawn_from, forecast, usage };
    Ok(frame::html(StatusCode::OK, &overview))
}

/// The present cycle; without one, the last thirty days.
fn period(subscription: Option<&SubscriptionShown>, now: Instant) -> Period {
    let cycle = subscription.map(|subscription| subscription.cycle).filter(|cycle| cycle.start <= now);
    match cycle {
        Some(cycle) => Period { start: cycle.start, end: cycle.end },
        None => Period { start: Instant(now.0.plus_seconds(-PERIOD_S)), end: now },
    }
}

async fn usage(visit: &Visit, period: Period) -> Result<Option<UsageShown>, Trouble> {
    match visit.get(&format!("/usage?by=tool&from={}", period.start.0)).await {
        Ok(usage) => Ok(Some(usage)),
        // The period was chosen here, so what it does not like of it is only how much happened.
        Err(trouble) if trouble.is(Code::InvalidRequest) => Ok(None),
        Err(trouble) => Err(trouble),
    }
}

/// Available credits as they changed in the period.
struct Steps {
    /// From each instant on, in order of time.
    levels: Vec<(Time, Credits)>,
    /// Whether there were more before.
    is_cut: bool,
}

async fn steps(visit: &Visit, period: Period) -> Result<Steps, Trouble> {
    let mut steps = Vec::new();
    let mut after = String::new();
    let mut is_cut = true;
    for _ in 0..PAGES_MAX {
        let path = format!("/entries?limit=1000&from={}{after}", period.start.0);
        let page: EntriesShown = visit.get(&path).await?;
        steps.extend(page.entries.iter().map(|entry| (entry.at.0, entry.available_after.0)));
        match page.next {
            Some(next) => after = format!("&after={next}"),
            None => {
                is_cut = false;
                break;
            }
        }
    }
    steps.reverse();
    // Of what happens at one instant (a turn: credits expire, others come) only the end is a level.
    steps.dedup_by(|later, earlier| {
        let same = later.0 == earlier.0;
        if same {
            earlier.1 = later.1;
        }
        same
    });
    Ok(Steps { levels: steps, is_cut })
}

/// When what is available is used up, if it goes on as it went.
fn forecast(frame: &Frame, usage: Option<&UsageShown>, period: Period) -> Forecast {
    let Some(usage) = usage else { return Forecast::Untold };
    let elapsed = frame.balance.at.0.micros() - period.start.0.micros();
    let used = usage.total.credits.0.millionths();
    if used <= 0 || elapsed < PACE_FROM_S * 1_000_000 {
        return Forecast::Untold;
    }
    let ahead = i128::from(frame.balance.available.0.millionths()) * i128::from(elapsed) / used;
    // A decade is as good as never.
    match i64::try_from(ahead / 1_000_000) {
        Ok(seconds) if seconds < 10 * 366 * 86_400 => {
            Forecast::RunsOut(Instant(frame.balance.at.0.plus_seconds(seconds)))
        }
        Ok(_) | Err(_) => Forecast::Untold,
    }
}

impl Overview {
    fn is_frozen(&self) -> bool {
        self.frame.balance.frozen.0.is_positive()
    }

    fn is_owed(&self) -> bool {
        self.frame.balance.debt.0.is_positive()
    }

    /// What the next turn brings, in a sentence.
    fn next_turn(&self) -> Option<String> {
        let subscription = self.subscription.as_ref()?;
        let (frame, now) = (&self.frame, self.frame.balance.at);
        let plan = frame.plan(&subscription.plan);
        let on = |at: &Instant| format!("{} ({})", frame.wording.day(at), Wording::ahead(at, &now));
        if subscription.cycle.start > now {
            return Some(format!("{plan} begins on {}.", on(&subscription.cycle.start)));
        }
        Some(match subscription.state.as_str() {
            "past_due" => format!("Your {plan} plan waits for a payment; its credits come again once it is paid."),
            "paused" => format!("Your {plan} plan is paused: no new credits come."),
            _ => {
                let turn = subscription.cycle.end;
                if subscription.ends_at == Some(turn) {
                    return Some(format!("{plan} ends on {}. What is left of its credits ends with it.", on(&turn)));
                }
                let next = subscription.next_plan.as_ref().filter(|_| subscription.term.end == turn);
                let id = next.unwrap_or(&subscription.plan);
                let shown = frame.catalog.plans.iter().find(|plan| plan.plan == *id);
                let credits =
                    shown.map(|plan| format!("{} {} credits", frame.wording.amount(&plan.allowance), plan.name));
                let credits = credits.unwrap_or_else(|| "new credits".to_owned());
                let leaves = match shown.and_then(|plan| plan.roll_over_cap) {
                    Some(cap) => format!("up to {} unused ones roll over", frame.wording.amount(&cap)),
                    None => "what is left of this cycle’s does not carry over".to_owned(),
                };
                // It renews by payment, nobody has paid yet, and there is no grace.
                if frame.balance.resets_at.is_none() {
                    let paid = format!("{plan} is paid until {}", on(&turn));
                    return Some(format!("{paid}: {credits} come once it is paid for again; {leaves}."));
                }
                format!("The reset on {} brings {credits}; {leaves}.", on(&turn))
            }
        })
    }

    /// How long the credits last, in a sentence.
    fn lasts(&self) -> String {
        let now = self.frame.balance.at;
        match self.forecast {
            Forecast::Untold => String::new(),
            Forecast::RunsOut(_) if !self.frame.balance.available.0.is_positive() => String::new(),
            Forecast::RunsOut(at) if self.subscription.is_some() && at >= self.period.end => {
                "At this pace they last until the reset.".to_owned()
            }
            Forecast::RunsOut(at) => {
                format!("At this pace they run out {}, on {}.", Wording::ahead(&at, &now), self.frame.wording.day(&at))
            }
        }
    }

    /// The lots that are used first.
    fn lots(&self) -> &[LotShown] {
        let lots = &self.frame.balance.lots;
        &lots[..lots.len().min(LOTS)]
    }

    /// How many lots are not shown, if any.
    fn more_lots(&self) -> Option<String> {
        let more = self.frame.balance.lots.len().saturating_sub(LOTS);
        (more > 0).then(|| more.to_string())
    }

    fn class(&self, lot: &LotShown) -> &'static str {
        wording::class_name(&lot.class)
    }

    /// The chart's highest level.
    fn top(&self, burn: &BurnDown) -> String {
        self.frame.wording.amount(&Amount(burn.top))
    }

    /// How far the bar of a lot reaches.
    fn share(&self, lot: &LotShown) -> i64 {
        chart::scaled(lot.remaining.0.millionths(), lot.granted.0.millionths(), chart::WIDTH)
    }

    /// Where the highest level is drawn.
    fn head(&self) -> i64 {
        chart::HEAD
    }

    fn width(&self) -> i64 {
        chart::WIDTH
    }

    fn height(&self) -> i64 {
        chart::HEIGHT
    }

    fn job(&self, entry: &EntryShown) -> String {
        let tool = entry.tool.as_deref().map(|tool| self.frame.tool(tool).to_owned());
        match entry.kind.as_str() {
            "refund" => tool.map_or_else(|| "Refund".to_owned(), |tool| format!("Refund of {tool}")),
            _ => tool.unwrap_or_else(|| "Charge".to_owned()),
        }
    }
}
