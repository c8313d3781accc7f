//! Holds, charges and refunds (R18–R24).

use scrip_core::entry::Kind;
use scrip_core::hold::HoldState;
use scrip_core::lot::Class;

use super::commands::{LIMIT, Moment};
use super::{Account, Charge, Cost, Done, Hold, HoldAsked, Instant, Job, Lot, Usage, Version, in_force};
use crate::calendar::{DAY, SECOND};
use crate::prices::{Amount, Policy};
use crate::view::{credits, time_or_none};

/// Seconds to the deadline of a hold without a tool.
const HOLD_FOR: i64 = 3_600;

impl Account {
    /// What a job costs and at which version, or why it may not run (R7, R8, R32).
    fn price(&self, job: &Job, moment: Moment<'_>) -> Result<(Amount, u32), String> {
        let now = in_force(moment.versions, moment.now);
        let quoted = match job.version {
            None => Some(now),
            Some(version) => honoured(version, moment),
        };
        let at = |version: &Version| match &job.cost {
            Cost::Credits(credits) => Ok(*credits),
            Cost::Tool(tool, inputs) => {
                let tool = version.prices.tool(tool).ok_or_else(|| format!("unknown_tool {tool}"))?;
                tool.rate.price(inputs).map_err(|wrong| format!("invalid_measure {}", wrong.0))
            }
        };
        let version = quoted.unwrap_or(now);
        let price = at(version)?;
        if let (Cost::Tool(tool, _), Some(enabled)) = (&job.cost, &self.project_types) {
            let project_type = version.prices.tool(tool).and_then(|tool| tool.project_type);
            if let Some(project_type) = project_type.filter(|project_type| !enabled.contains(*project_type)) {
                return Err(format!("project_type_not_enabled {project_type}"));
            }
        }
        if quoted.is_none() || job.expected.is_some_and(|expected| expected != price) {
            return Err(format!("price_changed {} {}", credits(price), version.version));
        }
        Ok((price, version.version))
    }

    /// Whether `wanted` can be taken now: no debt in the way, and enough of it (R19, R32).
    fn afford(&self, wanted: Amount, moment: Moment<'_>) -> Result<(), String> {
        if self.debt > 0 {
            return Err(format!("debt_outstanding {} {}", credits(self.debt), self.shortage(wanted, moment)));
        }
        if wanted > self.available() {
            return Err(format!("insufficient_credits {}", self.shortage(wanted, moment)));
        }
        Ok(())
    }

    /// What is short of `wanted`, and what would help.
    fn shortage(&self, wanted: Amount, moment: Moment<'_>) -> String {
        let available = self.available();
        // A debt is repaid by new credits only, never by what is available already.
        let short_by = self.debt + (wanted - available).max(0);
        let packages = || -> Vec<&'static str> {
            let on_sale = &in_force(moment.versions, moment.now).prices.packages;
            on_sale.iter().filter(|(_, gives)| *gives >= short_by).map(|(id, _)| *id).collect()
        };
        let (required, available, short_by) = (credits(wanted), credits(available), credits(short_by));
        let (packages, resets_at) = (packages().join(" "), time_or_none(self.resets_at()));
        format!("required {required} available {available} short_by {short_by} [{packages}] resets_at {resets_at}")
    }

    pub(super) fn place(
        &mut self,
        job: &Job,
        name: Option<&str>,
        expires_in: Option<i64>,
        moment: Moment<'_>,
    ) -> Result<Done, String> {
        if name.is_some() && self.holds.iter().any(|hold| hold.name.as_deref() == name) {
            return Err("hold_exists".to_owned());
        }
        let (price, version) = self.price(job, moment)?;
        self.afford(price, moment)?;
        let tool = match &job.cost {
            Cost::Tool(tool, _) => Some(tool.clone()),
            Cost::Credits(_) => None,
        };
        let priced = moment.versions.iter().find(|other| other.version == version);
        let of_tool = priced.and_then(|version| version.prices.tool(tool.as_deref()?)).map(|tool| tool.hold_for);
        let seconds = expires_in.or(of_tool).unwrap_or(HOLD_FOR);
        let hold = Hold {
            name: name.map(str::to_owned),
            tool,
            version,
            credits: price,
            parts: self.choose(price),
            expires_at: moment.now + seconds * SECOND,
            state: HoldState::Open,
        };
        self.placed.push(hold.clone());
        self.holds.push(hold);
        self.record(moment.now, Kind::Hold, 0, price);
        Ok(Done::Placed { hold: self.holds.len() - 1 })
    }

    /// The hold, if it stands in one of these states.
    fn standing(&self, hold: &HoldAsked, allowed: &[HoldState]) -> Result<usize, String> {
        let place = match hold {
            HoldAsked::Made(place) => *place,
            HoldAsked::Named(name) => self.hold_named(name),
        };
        let hold = place.ok_or("hold_not_found")?;
        let state = self.holds[hold].state;
        if allowed.contains(&state) { Ok(hold) } else { Err(format!("hold_not_open {}", state.word())) }
    }

    pub(super) fn extend(&mut self, hold: &HoldAsked, expires_in: i64, now: Instant) -> Result<Done, String> {
        let hold = self.standing(hold, &[HoldState::Open])?;
        let hold = &mut self.holds[hold];
        hold.expires_at = hold.expires_at.max(now + expires_in * SECOND);
        Ok(Done::Extended { expires_at: hold.expires_at })
    }

    pub(super) fn release(&mut self, hold: &HoldAsked, make_good: bool, now: Instant) -> Result<Done, String> {
        let hold = self.standing(hold, &[HoldState::Open])?;
        let freed = self.holds[hold].credits;
        self.holds[hold].state = HoldState::Released;
        self.record(now, Kind::Release, 0, -freed);
        let lines = self.moved.len();
        let gone = self.expire_freed(now);
        if make_good && gone > 0 {
            // It comes back in the line that frees it.
            self.moved.truncate(lines);
            let lot = self.make_good(gone, now);
            self.repay(now, lot);
        }
        Ok(Done::Released { freed })
    }

    pub(super) fn settle(
        &mut self,
        hold: &HoldAsked,
        usage: &Usage,
        policy: Option<Policy>,
        moment: Moment<'_>,
    ) -> Result<Done, String> {
        let place = self.standing(hold, &[HoldState::Open, HoldState::Expired])?;
        let hold = self.holds[place].clone();
        let pinned = moment.versions.iter().find(|version| version.version == hold.version);
        let tool = pinned.and_then(|version| version.prices.tool(hold.tool.as_deref()?));
        let price = match usage {
            Usage::Held => hold.credits,
            Usage::Credits(credits) => *credits,
            Usage::Measures(inputs) => {
                let tool = tool.ok_or("invalid_request measures")?;
                tool.rate.price(inputs).map_err(|wrong| format!("invalid_measure {}", wrong.0))?
            }
        };
        let policy = policy.or(tool.map(|tool| tool.policy)).unwrap_or(Policy::Cap);
        match hold.state {
            HoldState::Open => self.settle_open(place, price, policy, moment),
            HoldState::Expired => Ok(self.settle_late(place, price, policy, moment.now)),
            HoldState::Settled | HoldState::Released => unreachable!("refused above"),
        }
    }

    fn settle_open(&mut self, place: usize, price: Amount, policy: Policy, moment: Moment<'_>) -> Result<Done, String> {
        let hold = self.holds[place].clone();
        let excess = (price - hold.credits).max(0);
        let more = match policy {
            Policy::Cap => 0,
            Policy::Extend => {
                // A debt stops new work, not the settling of work that is done.
                if excess > self.available() {
                    return Err(format!("insufficient_credits {}", self.shortage(excess, moment)));
                }
                excess
            }
            Policy::Debt => excess.min(self.available()),
        };
        let mut parts = first_of(&hold.parts, price.min(hold.credits));
        for (lot, part) in self.choose(more) {
            match parts.iter_mut().find(|(other, _)| *other == lot) {
                Some((_, credits)) => *credits += part,
                None => parts.push((lot, part)),
            }
        }
        let charged = price.min(hold.credits) + more;
        let missing = price - charged;
        let (uncollected, debt) = if policy == Policy::Debt { (0, missing) } else { (missing, 0) };
        self.holds[place].state = HoldState::Settled;
        let freed = (hold.credits - price).max(0);
        self.record(moment.now, Kind::Settle, -charged, -hold.credits);
        let charge = self.take(parts, debt);
        self.expire_freed(moment.now);
        Ok(Done::Settled { charge, charged, freed, uncollected, debt })
    }

    fn settle_late(&mut self, place: usize, price: Amount, policy: Policy, now: Instant) -> Done {
        let wanted = if policy == Policy::Cap { price.min(self.holds[place].credits) } else { price };
        let parts = self.choose(wanted);
        let charged = sum(&parts);
        let missing = price - charged;
        let (uncollected, debt) = if policy == Policy::Debt { (0, missing) } else { (missing, 0) };
        self.holds[place].state = HoldState::Settled;
        self.record(now, Kind::Settle, -charged, 0);
        let charge = self.take(parts, debt);
        Done::Settled { charge, charged, freed: 0, uncollected, debt }
    }

    pub(super) fn charge(&mut self, job: &Job, moment: Moment<'_>) -> Result<Done, String> {
        let (price, _) = self.price(job, moment)?;
        self.afford(price, moment)?;
        let parts = self.choose(price);
        self.record(moment.now, Kind::Charge, -price, 0);
        Ok(Done::Charged { charge: self.take(parts, 0) })
    }

    /// Takes parts of lots, and remembers them as a charge.
    fn take(&mut self, parts: Vec<(usize, Amount)>, debt: Amount) -> usize {
        for (lot, part) in &parts {
            self.lots[*lot].remaining -= part;
        }
        self.debt += debt;
        self.charges.push(Charge { parts, debt, refunded: 0, refunded_debt: 0 });
        self.charges.len() - 1
    }

    /// Gives back, the debt part first and then to the lots, last taken first (R24).
    pub(super) fn refund(
        &mut self,
        charge: Option<usize>,
        asked: Option<Amount>,
        now: Instant,
    ) -> Result<Done, String> {
        let place = charge.ok_or("charge_not_found")?;
        let charge = self.charges[place].clone();
        // What was written off was never paid, so it does not come back.
        let owed = (charge.debt - charge.refunded_debt).min(self.debt + self.repaid);
        let refundable = sum(&charge.parts) - charge.refunded + owed;
        let wanted = asked.unwrap_or(refundable);
        if wanted > refundable || wanted == 0 {
            return Err(format!("refund_exceeds_charge {}", credits(refundable)));
        }
        let of_debt = owed.min(wanted);
        let off_debt = of_debt.min(self.debt);
        // All that the lots of this charge could ever get back, in order, and of it the piece that this refund is.
        let sources: Vec<_> = charge.parts.iter().rev().copied().collect();
        let piece = slice(&sources, charge.refunded, wanted - of_debt);
        let mut lost = of_debt - off_debt;
        let mut back = Vec::new();
        for (lot, part) in piece {
            if self.lots[lot].ended { lost += part } else { back.push((lot, part)) }
        }
        if self.remaining() + wanted - off_debt > LIMIT {
            return Err("amount_limit".to_owned());
        }
        self.debt -= off_debt;
        self.repaid -= of_debt - off_debt;
        self.charges[place].refunded += wanted - of_debt;
        self.charges[place].refunded_debt += of_debt;
        for (lot, part) in &back {
            self.lots[*lot].remaining += part;
        }
        self.record(now, Kind::Refund, wanted - off_debt, 0);
        if lost > 0 {
            let lot = self.make_good(lost, now);
            back.push((lot, lost));
            self.repay(now, lot);
        }
        Ok(Done::Refunded { credits: wanted, to: back })
    }

    /// A lot for what cannot return to its own (R24): until the cycle's end, or 30 days where none runs.
    fn make_good(&mut self, credits: Amount, now: Instant) -> usize {
        let cycle_end = self.subscription.as_ref().and_then(|s| s.cycle.map(|cycle| s.boundary(cycle + 1)));
        self.make_lot(Lot {
            class: Class::MakeGood,
            priority: 10,
            granted_at: now,
            expires_at: Some(cycle_end.unwrap_or(now + 30 * DAY)),
            granted: credits,
            remaining: credits,
            ended: false,
        })
    }
}

/// A version that is in force or was superseded so lately that its quotes stand (R7).
fn honoured(version: u32, moment: Moment<'_>) -> Option<&Version> {
    let place = moment.versions.iter().position(|other| other.version == version)?;
    let quoted = &moment.versions[place];
    let until = moment.versions.get(place + 1).map(|next| next.effective + quoted.prices.honoured_for * SECOND);
    (quoted.effective <= moment.now && until.is_none_or(|until| moment.now < until)).then_some(quoted)
}

fn sum(parts: &[(usize, Amount)]) -> Amount {
    parts.iter().map(|(_, part)| *part).sum()
}

/// The first `credits` of these parts.
fn first_of(parts: &[(usize, Amount)], credits: Amount) -> Vec<(usize, Amount)> {
    slice(parts, 0, credits)
}

/// Of parts laid end to end, the stretch of `length` that follows the first `skip`.
fn slice<T: Copy>(parts: &[(T, Amount)], skip: Amount, length: Amount) -> Vec<(T, Amount)> {
    let mut cut = Vec::new();
    let mut start = 0;
    for (name, part) in parts {
        let from = start.max(skip);
        let to = (start + part).min(skip + length);
        if to > from {
            cut.push((*name, to - from));
        }
        start += part;
    }
    cut
}
