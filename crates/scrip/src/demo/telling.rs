//! Telling the stories to the engine, in the order in which they happened.

use std::collections::{BTreeMap, BTreeSet};

use scrip_core::answer::{Answer, Done};
use scrip_core::command::{
    AfterExpiry, Cancellation, Command, Cost, Expected, Grant, OrderItem, PlaceHold, PutAccount, PutSubscription,
    ReleaseHold, SettleHold, Usage,
};
use scrip_core::hold::OnExcess;
use scrip_core::id::{
    AccountId, ChargeId, HoldName, HoldRef, Key, MeasureId, PackageId, PlanId, ProjectTypeId, StudioNumber, ToolId,
};
use scrip_core::measure::{Decimal, MeasureValue, Measures};
use scrip_core::rejection::Rejection;
use scrip_core::time::{Time, Zone};
use scrip_engine::Engine;
use scrip_engine::engine::{Refusal, Request};

use crate::demo::stories::{Ending, Job, Short, Story, What};
use crate::failure::Failure;

/// Tells all stories, moving the test clock from each moment to the next.
pub(crate) async fn tell(engine: &Engine, stories: &[Story], present: Time) -> Result<(), Failure> {
    let mut teller = Teller { engine, last_charges: BTreeMap::new(), running: BTreeSet::new(), told: 0 };
    for Step { story, minutes_ago, what } in steps(stories) {
        let at = present.plus_seconds(-60 * minutes_ago);
        engine.move_clock(at).await.map_err(|refusal| told_wrong(story, &refusal))?;
        match what {
            Happening::Moment(what) => teller.happen(story, what, at).await?,
            Happening::Start(number, job) => teller.start(story, number, job).await?,
            Happening::End(number, job) => teller.end(story, number, job).await?,
        }
    }
    Ok(())
}

/// What is to be told at one instant.
struct Step<'a> {
    story: &'a Story,
    minutes_ago: i64,
    what: Happening<'a>,
}

enum Happening<'a> {
    /// All but a job.
    Moment(&'a What),
    /// A job of this number starts.
    Start(u32, &'a Job),
    /// It ends.
    End(u32, &'a Job),
}

/// Every story's moments, and the ends of its jobs, oldest first.
fn steps(stories: &[Story]) -> Vec<Step<'_>> {
    let mut steps = Vec::new();
    let mut jobs = 1_000;
    for story in stories {
        for moment in &story.moments {
            let minutes_ago = moment.minutes_ago;
            let What::Starts(job) = &moment.what else {
                steps.push(Step { story, minutes_ago, what: Happening::Moment(&moment.what) });
                continue;
            };
            jobs += 1;
            steps.push(Step { story, minutes_ago, what: Happening::Start(jobs, job) });
            if !matches!(job.ending, Ending::StillRuns | Ending::IsLost) {
                steps.push(Step { story, minutes_ago: minutes_ago - job.takes, what: Happening::End(jobs, job) });
            }
        }
    }
    // Stable: what happens in one story at one minute keeps its order.
    steps.sort_by_key(|step| std::cmp::Reverse(step.minutes_ago));
    steps
}

/// Knows what was told so far.
struct Teller<'a> {
    engine: &'a Engine,
    last_charges: BTreeMap<&'static str, ChargeId>,
    /// The numbers of the jobs that started.
    running: BTreeSet<u32>,
    told: u32,
}

impl Teller<'_> {
    async fn happen(&mut self, story: &Story, what: &What, now: Time) -> Result<(), Failure> {
        let command = match what {
            What::Opens => open(story),
            What::Subscribes(plan) => Command::PutSubscription(PutSubscription {
                plan: Some(name(PlanId::parse(plan))),
                ..PutSubscription::default()
            }),
            What::Becomes(state) => {
                Command::PutSubscription(PutSubscription { state: Some(*state), ..PutSubscription::default() })
            }
            What::Cancels => Command::CancelSubscription(Cancellation::default()),
            What::IsGiven { credits, class, days, reason } => Command::Grant(Grant {
                credits: *credits,
                class: *class,
                expires_at: days.map(|days| now.plus_seconds(days * 86_400)),
                priority: None,
                reason: (*reason).into(),
            }),
            What::Buys { package, reference } => return self.buy(story, package, reference).await,
            What::Starts(_) => unreachable!("a job is told by its start and its end"),
            What::IsRefunded { reason } => {
                let charge = self.last_charges.get(story.account).copied();
                let charge = charge.ok_or_else(|| told_wrong(story, &"nothing to refund"))?;
                Command::Refund { charge, credits: None, reason: (*reason).into() }
            }
        };
        self.submit(story, command).await.map(drop)
    }

    /// An order, and its payment outside a provider.
    async fn buy(&mut self, story: &Story, package: &str, reference: &str) -> Result<(), Failure> {
        let item = OrderItem::Package(name(PackageId::parse(package)));
        let Done::Ordered { order, .. } = self.submit(story, Command::PlaceOrder { item, mark: None }).await?.done
        else {
            return Err(told_wrong(story, &"an order was answered otherwise"));
        };
        let paid = Command::MarkOrderPaid { order: order.id, reference: reference.into() };
        self.submit(story, paid).await.map(drop)
    }

    async fn start(&mut self, story: &Story, number: u32, job: &Job) -> Result<(), Failure> {
        let reference = job_name(number);
        let hold = PlaceHold {
            cost: Cost::Tool { tool: name(ToolId::parse(job.tool)), measures: measures(job.asked) },
            name: Some(name(HoldName::parse(&reference))),
            reference: Some(reference.into()),
            member: job.member.map(Into::into),
            expires_in: job.expires_in,
            expected: Expected::default(),
        };
        match self.asked(story, Command::PlaceHold(hold)).await? {
            Ok(_) => self.running.insert(number),
            Err(Refusal::Rejected(Rejection::InsufficientCredits(_))) if job.short == Short::Happens => false,
            Err(refusal) => return Err(told_wrong(story, &format!("{refusal:?}"))),
        };
        Ok(())
    }

    async fn end(&mut self, story: &Story, number: u32, job: &Job) -> Result<(), Failure> {
        if !self.running.remove(&number) {
            return Ok(());
        }
        let hold = HoldRef::Name(name(HoldName::parse(&job_name(number))));
        let settle = |usage, on_excess| Command::SettleHold(SettleHold { hold: hold.clone(), usage, on_excess });
        let command = match job.ending {
            Ending::AsAsked => settle(Usage::Held, None),
            Ending::Used(used) => settle(Usage::Measures(measures(used)), None),
            Ending::Owing(used) => settle(Usage::Measures(measures(used)), Some(OnExcess::Debt)),
            Ending::Fails(reason) => Command::ReleaseHold(ReleaseHold {
                hold,
                reason: Some(reason.into()),
                after_expiry: AfterExpiry::Expire,
            }),
            Ending::IsLost | Ending::StillRuns => unreachable!("nobody tells the end of it"),
        };
        if let Done::HoldSettled { charge, .. } = self.submit(story, command).await?.done {
            self.last_charges.insert(story.account, charge);
        }
        Ok(())
    }

    /// What must be accepted.
    async fn submit(&mut self, story: &Story, command: Command) -> Result<Answer, Failure> {
        self.asked(story, command).await?.map_err(|refusal| told_wrong(story, &format!("{refusal:?}")))
    }

    async fn asked(&mut self, story: &Story, command: Command) -> Result<Result<Answer, Refusal>, Failure> {
        self.told += 1;
        let keyed = !matches!(
            command,
            Command::PutAccount(_) | Command::PutSubscription(_) | Command::CancelSubscription(_) | Command::Touch
        );
        let request = Request {
            studio: studio_number(self.engine, story)?,
            account: name(AccountId::parse(story.account)),
            key: keyed.then(|| name(Key::parse(&format!("demo-{}", self.told)))),
            command,
        };
        Ok(self.engine.submit(request).await.map(|outcome| outcome.answer))
    }
}

/// A job's name for scrip: its hold's, and its reference.
fn job_name(number: u32) -> String {
    format!("job-{number}")
}

fn open(story: &Story) -> Command {
    let project_types =
        story.project_types.map(|names| names.iter().map(|id| name(ProjectTypeId::parse(id))).collect());
    Command::PutAccount(PutAccount {
        name: Some(story.name.into()),
        zone: Some(Zone::parse(story.zone).expect("zones of the stories are right")),
        project_types,
    })
}

fn studio_number(engine: &Engine, story: &Story) -> Result<StudioNumber, Failure> {
    let studios = engine.studios();
    let found = studios.iter().find(|(_, id)| id.as_str() == story.studio).map(|(number, _)| *number);
    found.ok_or_else(|| told_wrong(story, &"its studio is not there"))
}

fn measures(given: &[(&str, &str)]) -> Measures {
    let mut measures = Measures::none();
    for (id, value) in given {
        let value = Decimal::parse(value).expect("measures of the stories are numbers");
        assert!(measures.insert(name(MeasureId::parse(id)), MeasureValue::Number(value)), "measures differ");
    }
    measures
}

/// The stories are part of the program: a wrong name in them is a bug.
fn name<T, E: std::fmt::Display>(parsed: Result<T, E>) -> T {
    parsed.unwrap_or_else(|error| panic!("a wrong name in the stories: {error}"))
}

fn told_wrong(story: &Story, why: &dyn std::fmt::Display) -> Failure {
    Failure::Failed(format!("the story of {} cannot be told: {why}", story.account))
}
