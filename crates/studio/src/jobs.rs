//! Jobs, and how each is paid: held before it starts, settled with what it used, released when it fails.
//!
//! A job is remembered here as long as the studio runs. Should it stop in the middle of one, the hold reaches its
//! deadline and its credits are free again: nothing is lost for the customer, and nothing has to be cleaned up.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use crate::problem::Problem;
use crate::scrip::{Answer, NoAnswer, Scrip};

/// Seconds until a hold of ours runs out by itself, beyond what the job takes.
const HOLD_FOR: u64 = 120;
/// In how many steps a job moves ahead.
const STEPS: u8 = 20;
/// How many jobs of an account are remembered.
const KEPT: usize = 30;

/// Whose jobs: the studio and its account.
pub(crate) type Whose = (String, String);

/// What the page asks for.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Asked {
    tool: String,
    measures: Value,
    /// What the customer was shown: the hold is refused when it is not the price any more.
    catalog_version: u32,
    credits_expected: Value,
    ending: Ending,
}

/// How the simulated job will end.
#[derive(Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Ending {
    /// As asked.
    Finishes,
    /// Earlier than asked, where the tool counts seconds or actions: less is charged.
    FinishesEarly,
    /// It fails, and costs nothing.
    Fails,
}

/// A job, as the page sees it.
#[derive(Clone, Serialize)]
pub(crate) struct Job {
    job: String,
    tool: String,
    measures: Value,
    state: State,
    /// In percent.
    progress: u8,
    /// What was set aside for it.
    held: Value,
    /// What it cost in the end; null before.
    charged: Value,
    /// What came back of what was set aside; null before.
    freed: Value,
}

/// Where a job stands.
#[derive(Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
enum State {
    Running,
    /// Asked to stop.
    Stopping,
    Finished,
    Failed,
    Cancelled,
    /// Scrip could not be told how it ended; the hold's deadline will free the credits.
    Unsettled,
}

/// All jobs.
#[derive(Clone)]
pub(crate) struct Jobs {
    takes: Duration,
    of: Arc<Mutex<BTreeMap<Whose, Vec<Job>>>>,
}

impl Jobs {
    pub(crate) fn taking(takes: Duration) -> Jobs {
        Jobs { takes, of: Arc::default() }
    }

    /// The jobs of an account, newest first.
    pub(crate) fn of(&self, whose: &Whose) -> Vec<Job> {
        self.lock().get(whose).map(|jobs| jobs.iter().rev().cloned().collect()).unwrap_or_default()
    }

    /// Sets the job's credits aside; only then it starts.
    pub(crate) async fn start(&self, scrip: &Scrip, whose: Whose, asked: Asked) -> Result<Job, Problem> {
        let id = job_id()?;
        let hold = json!({
            "tool": asked.tool,
            "measures": asked.measures,
            "hold": id,
            "reference": id,
            "expires_in": self.takes.as_secs() + HOLD_FOR,
            "catalog_version": asked.catalog_version,
            "credits_expected": asked.credits_expected,
        });
        let held =
            scrip.act(&format!("/accounts/{}/holds", whose.1), &format!("{id}-hold"), &hold).await?.accepted()?;
        let job = Job {
            job: id,
            tool: asked.tool,
            measures: asked.measures,
            state: State::Running,
            progress: 0,
            held: held["credits"].clone(),
            charged: Value::Null,
            freed: Value::Null,
        };
        self.remember(&whose, job.clone());
        tokio::spawn(self.clone().run(scrip.clone(), whose, job.clone(), asked.ending));
        Ok(job)
    }

    /// Asks a job to stop; it costs nothing then.
    pub(crate) fn cancel(&self, whose: &Whose, job: &str) -> Result<(), Problem> {
        self.change(whose, job, |job| {
            if job.state == State::Running {
                job.state = State::Stopping;
            }
        })
        .ok_or(Problem::NotFound)
    }

    /// Does the work, which is to wait, and says how it ended.
    async fn run(self, scrip: Scrip, whose: Whose, job: Job, ending: Ending) {
        // What fails, and what is done early, is over before the end.
        let last = if ending == Ending::Finishes { STEPS } else { STEPS * 3 / 5 };
        for step in 1..=last {
            tokio::time::sleep(self.takes / u32::from(STEPS)).await;
            let state = self.change(&whose, &job.job, |job| {
                job.progress = step * (100 / STEPS);
                job.state
            });
            if state != Some(State::Running) {
                return self.release(&scrip, &whose, &job.job, State::Cancelled).await;
            }
        }
        match ending {
            Ending::Finishes => self.settle(&scrip, &whose, &job.job, json!({})).await,
            Ending::FinishesEarly => self.settle(&scrip, &whose, &job.job, used(&job.measures)).await,
            Ending::Fails => self.release(&scrip, &whose, &job.job, State::Failed).await,
        }
    }

    async fn settle(&self, scrip: &Scrip, whose: &Whose, job: &str, used: Value) {
        let path = format!("/accounts/{}/holds/{job}/settle", whose.1);
        let told = scrip.act(&path, &format!("{job}-settle"), &used).await;
        self.ended(whose, job, told.map(|answer| (State::Finished, answer)));
    }

    async fn release(&self, scrip: &Scrip, whose: &Whose, job: &str, state: State) {
        let path = format!("/accounts/{}/holds/{job}/release", whose.1);
        let reason = if state == State::Failed { "the job failed" } else { "cancelled" };
        let told = scrip.act(&path, &format!("{job}-release"), &json!({"reason": reason})).await;
        self.ended(whose, job, told.map(|answer| (state, answer)));
    }

    fn ended(&self, whose: &Whose, job: &str, told: Result<(State, Answer), NoAnswer>) {
        let (state, body) = match told {
            Ok((state, answer)) if answer.status.is_success() => (state, answer.body),
            Ok((_, answer)) => {
                tracing::warn!(job, code = %answer.body["code"], "the end of a job was refused");
                (State::Unsettled, Value::Null)
            }
            Err(NoAnswer(why)) => {
                tracing::warn!(job, why, "the end of a job could not be told");
                (State::Unsettled, Value::Null)
            }
        };
        self.change(whose, job, |job| {
            job.state = state;
            if state == State::Finished {
                job.progress = 100;
            }
            // A release charges nothing and does not say so.
            job.charged = body.get("charged").cloned().unwrap_or_else(|| json!(0));
            job.freed = body.get("freed").cloned().unwrap_or(Value::Null);
        });
    }

    fn remember(&self, whose: &Whose, job: Job) {
        let mut all = self.lock();
        let jobs = all.entry(whose.clone()).or_default();
        if jobs.len() >= KEPT
            && let Some(over) = jobs.iter().position(|job| !matches!(job.state, State::Running | State::Stopping))
        {
            jobs.remove(over);
        }
        jobs.push(job);
    }

    /// Changes a job; `None` when there is no such job.
    fn change<T>(&self, whose: &Whose, id: &str, change: impl FnOnce(&mut Job) -> T) -> Option<T> {
        let mut all = self.lock();
        all.get_mut(whose)?.iter_mut().find(|job| job.job == id).map(change)
    }

    fn lock(&self) -> MutexGuard<'_, BTreeMap<Whose, Vec<Job>>> {
        // Nothing is left half changed: each change is of one job.
        self.of.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A name for a job that no other has, also after a restart: it is the hold's name and part of the keys.
fn job_id() -> Result<String, Problem> {
    let mut bytes = [0; 8];
    getrandom::fill(&mut bytes).map_err(|error| Problem::NoAnswer(format!("no random numbers: {error}")))?;
    Ok(format!("job-{:016x}", u64::from_le_bytes(bytes)))
}

/// What a job that ended early has used: of its seconds or actions about half, of anything else all.
fn used(measures: &Value) -> Value {
    let mut used = measures.clone();
    for counted in ["seconds", "actions"] {
        let asked = measures[counted].to_string();
        let whole = asked.split('.').next().and_then(|whole| whole.parse::<u64>().ok());
        if let Some(whole) = whole {
            used[counted] = json!(whole.div_ceil(2));
            return json!({ "measures": used });
        }
    }
    json!({})
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_job_that_ends_early_uses_half_of_what_it_counts() {
        for (asked, settled) in [
            (json!({"seconds": 12}), json!({"measures": {"seconds": 6}})),
            (json!({"seconds": 9.75}), json!({"measures": {"seconds": 5}})),
            (json!({"actions": 1}), json!({"measures": {"actions": 1}})),
            (json!({"width": 512, "height": 512, "upscale": 1}), json!({})),
            (json!({}), json!({})),
        ] {
            assert_eq!(used(&asked), settled, "{asked}");
        }
    }
}
