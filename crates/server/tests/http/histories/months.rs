//! A plan that the provider's own subscription renews, in a history: months go by, the card is declined and mended.
//!
//! Before each of the provider's turns all that happened has come through, so that no month goes by untold: a missed cycle is not
//! made up (R17a).

use scrip_stripe::{Subscription, SubscriptionStatus};

use super::history::{History, ItemKind};

/// Months that a history has at the most, beside the first.
const MONTHS_MAX: u32 = 3;
const DAY_S: i64 = 86_400;

impl History {
    /// Whether there is such a plan.
    pub(super) fn is_of_months(&self) -> bool {
        self.purchases[0].item.kind == ItemKind::Months
    }

    /// Something happens to it.
    pub(super) async fn month_step(&mut self, step: u64) {
        match step {
            0 | 1 => self.next_month().await,
            _ => self.mend_card().await,
        }
    }

    /// The provider's next month begins, and what comes of it is yet to be told.
    async fn next_month(&mut self) {
        let Some(theirs) = self.theirs().await.filter(|theirs| theirs.status == SubscriptionStatus::Active) else {
            return;
        };
        if self.months == MONTHS_MAX {
            return;
        }
        self.months += 1;
        if let Err(wrong) = self.settle_all().await {
            self.wrong = Some(wrong);
            return;
        }
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

    /// The month that runs comes near its end, on both sides: ours begins when we were told, days after the provider's.
    pub(super) async fn last_month_passes(&mut self) {
        let Some(theirs) = self.theirs().await else { return };
        let end_s = match theirs.status {
            // An hour goes by while the server asks.
            SubscriptionStatus::Active => period_end(&theirs) - 7_200,
            // By then the provider has given up.
            _ => self.scene.now_s() + 10 * DAY_S,
        };
        self.scene.pass((end_s - self.scene.now_s()).max(0)).await;
    }

    /// The provider's subscription, once there is one.
    pub(super) async fn theirs(&self) -> Option<Subscription> {
        self.scene.misbehave(None);
        let page = self.purchases[0].page.as_ref()?;
        let session = self.scene.provider.session(page).await.expect("it answers");
        let id = session.subscription?;
        Some(self.scene.provider.subscription(id.id()).await.expect("it answers"))
    }
}

fn period_end(theirs: &Subscription) -> i64 {
    let item = theirs.items.data.first().expect("it is paid for something");
    item.current_period_end.expect("it is said")
}
