//! A plan that the provider's own subscription renews, in a history: months go by, the card is declined and mended.
//!
//! Before each of the provider's turns all that happened has come through, so that no month goes by untold: a missed cycle is not
//! made up (R17a).

use scrip_stripe::{Subscription, SubscriptionStatus};
use serde_json::{Value, json};

use super::chance::{Lot, for_steps};
use super::history::{Ending, History, ItemKind, came_to};
use super::scene::MEMBER;
use crate::world::TWIN;

/// Months that a history has at the most, beside the first.
const MONTHS_MAX: u32 = 3;
const DAY_S: i64 = 86_400;

/// What else happens to such a plan: one thing in each history, so that what is right follows from the provider's objects.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Twist {
    /// Nothing.
    Nothing,
    /// A second page for the same plan, that may be paid as well.
    SecondPage,
    /// An operator marks the order paid, perhaps while its page is paid.
    MarkedByHand,
    /// A larger plan for the rest of the month, and the smaller one again.
    LargerPlan,
    /// Its owner is erased.
    Erased,
}

impl Twist {
    pub(super) fn by_lot(lot: &mut Lot, ending: Ending) -> Twist {
        let erased = match ending {
            // The provider is told of an erasure by whoever asks it.
            Ending::Delivered => Twist::Nothing,
            Ending::Reconciled => Twist::Erased,
        };
        lot.one_of(&[Twist::Nothing, Twist::SecondPage, Twist::MarkedByHand, Twist::LargerPlan, erased])
    }
}

impl History {
    /// Whether there is such a plan.
    pub(super) fn is_of_months(&self) -> bool {
        self.purchases[0].item.kind == ItemKind::Months
    }

    /// Something happens to it.
    pub(super) async fn month_step(&mut self, step: u64) {
        match step {
            0 | 1 => self.next_month().await,
            2 => self.mend_card().await,
            3..=5 if self.purchases[0].page.is_none() => self.place(0).await,
            3..=5 => self.pay(0),
            6 | 7 => self.deliver().await,
            _ => self.twist().await,
        }
    }

    /// What happens beside the months goes on.
    async fn twist(&mut self) {
        let last = self.purchases.len() - 1;
        match self.twist {
            Twist::Nothing => {}
            Twist::SecondPage => match self.lot.below(3) {
                0 => self.place(last).await,
                _ => self.pay(last),
            },
            Twist::MarkedByHand => self.mark_paid(0).await,
            Twist::LargerPlan => match self.lot.below(4) {
                0 | 1 => self.place(last).await,
                2 => self.pay(last),
                _ => self.smaller_plan().await,
            },
            // Where something was ordered, or there would be little to play.
            Twist::Erased if self.purchases[0].page.is_some() => self.erase(0).await,
            Twist::Erased => {}
        }
    }

    /// The provider's next month begins, and what comes of it is yet to be told.
    async fn next_month(&mut self) {
        if self.months == MONTHS_MAX || self.running().await.is_none() {
            return;
        }
        self.months += 1;
        if let Err(wrong) = self.settle_all().await {
            self.wrong = Some(wrong);
            return;
        }
        // One that bought nothing is ended by now.
        let Some(theirs) = self.running().await else { return };
        let later_s = i64::try_from(self.lot.below(2)).expect("a day or none") * DAY_S + 60;
        self.scene.pass(period_end(&theirs) + later_s - self.scene.now_s()).await;
        // Within the month it may take a week until somebody tells of it.
        self.days_passed = 13;
        self.note(format_args!("month {} begins", self.months + 1));
    }

    /// The bank says yes again.
    async fn mend_card(&mut self) {
        self.scene.misbehave(None);
        let Some(page) = self.purchases[0].page.clone() else { return };
        let truth = self.scene.provider.truth_of_session(&page).await.expect("it answers");
        if let Some(payment) = truth.payment_intent {
            let done = self.scene.till.change_card(&payment, "4242424242424242");
            self.note(format_args!("the member's card is good again: {done}"));
        }
    }

    /// From the end of the month on it is to be the smaller plan again.
    async fn smaller_plan(&mut self) {
        let steps = self.lot.steps();
        let path = format!("/v1/accounts/{MEMBER}/subscription");
        // Before there is one, this would begin a plan that nobody pays for.
        if self.is_on_a_plan().await {
            let call = self.scene.world.call("PUT", &path).secret(TWIN).json(json!({"plan": "starter"}));
            let reply = for_steps(steps, call).await;
            self.note(format_args!("it is to be the smaller plan, {}", came_to(steps, reply.as_ref())));
        }
    }

    /// Whether the member is on a plan, as the server says.
    pub(super) async fn is_on_a_plan(&self) -> bool {
        let path = format!("/v1/accounts/{MEMBER}/subscription");
        let reply = self.scene.world.call("GET", &path).secret(TWIN).empty().await;
        reply.status == 200 && reply.json()["plan"] != Value::Null
    }

    /// The month that runs comes near its end, on both sides: ours begins when we were told, days after the provider's.
    pub(super) async fn last_month_passes(&mut self) {
        let end_s = match (self.running().await, self.theirs().await.first()) {
            // An hour goes by while the server asks.
            (Some(theirs), _) => period_end(&theirs) - 7_200,
            // By then the provider has given up.
            (None, Some(_)) => self.scene.now_s() + 10 * DAY_S,
            (None, None) => return,
        };
        self.scene.pass((end_s - self.scene.now_s()).max(0)).await;
    }

    /// The provider's subscription that goes on.
    async fn running(&self) -> Option<Subscription> {
        self.theirs().await.into_iter().find(|theirs| theirs.status == SubscriptionStatus::Active)
    }

    /// The provider's subscriptions that the pages began.
    pub(super) async fn theirs(&self) -> Vec<Subscription> {
        self.scene.misbehave(None);
        let provider = &self.scene.provider;
        let mut all = Vec::new();
        for purchase in self.purchases.iter().filter(|purchase| purchase.item.kind == ItemKind::Months) {
            let Some(page) = &purchase.page else { continue };
            let session = provider.session(page).await.expect("it answers");
            if let Some(id) = session.subscription {
                all.push(provider.subscription(id.id()).await.expect("it answers"));
            }
        }
        all
    }
}

fn period_end(theirs: &Subscription) -> i64 {
    let item = theirs.items.data.first().expect("it is paid for something");
    item.current_period_end.expect("it is said")
}
