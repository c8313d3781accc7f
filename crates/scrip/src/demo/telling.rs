//! Telling the stories to the engine, in the order in which they happened.

use std::collections::BTreeMap;

use scrip_core::answer::{Answer, Done};
use scrip_core::command::{
    Command, Cost, Expected, Grant, PlaceHold, PutAccount, PutSubscription, ReleaseHold, SettleHold, Usage,
};
use scrip_core::id::{
    AccountId, ChargeId, HoldName, HoldRef, Key, MeasureId, PlanId, ProjectTypeId, StudioNumber, ToolId,
};
use scrip_core::measure::{Decimal, MeasureValue, Measures};
use scrip_core::time::{Time, Zone};
use scrip_engine::Engine;
use scrip_engine::engine::Request;

use crate::demo::stories::{Job, Moment, Story, What};
use crate::failure::Failure;

/// Tells all stories, moving the test clock from each moment to the next.
pub(crate) async fn tell(engine: &Engine, stories: Vec<Story>, present: Time) -> Result<(), Failure> {
    let mut teller = Teller { engine, last_charges: BTreeMap::new(), told: 0 };
    let mut moments: Vec<(&Story, &Moment)> =
        stories.iter().flat_map(|story| story.moments.iter().map(move |moment| (story, moment))).collect();
    // Stable: what happens in one story at one minute keeps its order.
    moments.sort_by_key(|(_, moment)| std::cmp::Reverse(moment.minutes_ago));
    for (story, moment) in moments {
        let at = present.plus_seconds(-60 * moment.minutes_ago);
        engine.move_clock(at).await.map_err(|refusal| told_wrong(story, &refusal))?;
        teller.happen(story, &moment.what).await?;
    }
    Ok(())
}

/// Knows what was told so far.
struct Teller<'a> {
    engine: &'a Engine,
    last_charges: BTreeMap<&'static str, ChargeId>,
    told: u32,
}

impl Teller<'_> {
    async fn happen(&mut self, story: &Story, what: &What) -> Result<(), Failure> {
        match what {
            What::Opens => self.submit(story, open(story)).await.map(drop),
            What::Subscribes(plan) => {
                let put = PutSubscription { plan: Some(name(PlanId::parse(plan))), ..PutSubscription::default() };
                self.submit(story, Command::PutSubscription(put)).await.map(drop)
            }
            What::Becomes(state) => {
                let put = PutSubscription { state: Some(*state), ..PutSubscription::default() };
                self.submit(story, Command::PutSubscription(put)).await.map(drop)
            }
            What::Cancels => self.submit(story, Command::CancelSubscription).await.map(drop),
            What::IsGiven { credits, class, reason } => {
                let grant = Grant {
                    credits: *credits,
                    class: *class,
                    expires_at: None,
                    priority: None,
                    reason: (*reason).into(),
                };
                self.submit(story, Command::Grant(grant)).await.map(drop)
            }
            What::Runs(job) => self.run(story, job).await,
            What::Starts(job) => {
                let hold = self.hold(job);
                self.submit(story, Command::PlaceHold(hold)).await.map(drop)
            }
            What::Fails(job) => self.fail(story, job).await,
            What::IsRefunded { reason } => {
                let charge = self.last_charges.get(story.account).copied();
                let charge = charge.ok_or_else(|| told_wrong(story, &"nothing to refund"))?;
                let refund = Command::Refund { charge, credits: None, reason: (*reason).into() };
                self.submit(story, refund).await.map(drop)
            }
        }
    }

    /// A job that ran: a hold, and its settle.
    async fn run(&mut self, story: &Story, job: &Job) -> Result<(), Failure> {
        let hold = self.hold(job);
        let named = hold.name.clone().expect("holds of the stories are named");
        self.submit(story, Command::PlaceHold(hold)).await?;
        let usage = if job.used.is_empty() { Usage::Held } else { Usage::Measures(measures(job.used)) };
        let settle = SettleHold { hold: HoldRef::Name(named), usage, on_excess: None };
        let answer = self.submit(story, Command::SettleHold(settle)).await?;
        if let Done::HoldSettled { charge, .. } = answer.done {
            self.last_charges.insert(story.account, charge);
        }
        Ok(())
    }

    /// A job that failed: a hold, and its release.
    async fn fail(&mut self, story: &Story, job: &Job) -> Result<(), Failure> {
        let hold = self.hold(job);
        let named = hold.name.clone().expect("holds of the stories are named");
        self.submit(story, Command::PlaceHold(hold)).await?;
        let release = ReleaseHold {
            hold: HoldRef::Name(named),
            reason: Some("the render failed".into()),
            after_expiry: Default::default(),
        };
        self.submit(story, Command::ReleaseHold(release)).await.map(drop)
    }

    fn hold(&mut self, job: &Job) -> PlaceHold {
        self.told += 1;
        let reference = format!("job-{}", 1_000 + self.told);
        PlaceHold {
            cost: Cost::Tool { tool: name(ToolId::parse(job.tool)), measures: measures(job.asked) },
            name: Some(name(HoldName::parse(&reference))),
            reference: Some(reference.into()),
            member: job.member.map(Into::into),
            expires_in: job.expires_in,
            expected: Expected::default(),
        }
    }

    async fn submit(&mut self, story: &Story, command: Command) -> Result<Answer, Failure> {
        self.told += 1;
        let keyed = !matches!(
            command,
            Command::PutAccount(_) | Command::PutSubscription(_) | Command::CancelSubscription | Command::Touch
        );
        let request = Request {
            studio: studio_number(self.engine, story)?,
            account: name(AccountId::parse(story.account)),
            key: keyed.then(|| name(Key::parse(&format!("demo-{}", self.told)))),
            command,
        };
        let outcome =
            self.engine.submit(request).await.map_err(|refusal| told_wrong(story, &format!("{refusal:?}")))?;
        Ok(outcome.answer)
    }
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
