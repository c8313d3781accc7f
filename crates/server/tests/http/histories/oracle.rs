//! What must be so in the end, by the provider's own objects and nothing that the server said.

use scrip_stripe::{DisputeStatus, Expandable, PaymentStatus};

use super::history::{Asked, History, ItemKind, JOB, Purchase};
use super::scene::ACCOUNTS;

/// What became of a purchase's money.
#[derive(Default)]
struct Money {
    paid: bool,
    /// Cents that are gone again.
    returned: i64,
    /// A bank is deciding.
    disputed: bool,
}

/// What is wrong in the end, if anything is.
pub(super) async fn wrong(history: &History) -> Option<String> {
    for account in ACCOUNTS {
        if let Some(wrong) = wrong_with(history, account).await {
            return Some(format!("{account}: {wrong}"));
        }
    }
    history.scene.unsound()
}

async fn wrong_with(history: &History, account: &str) -> Option<String> {
    let path = format!("/v1/accounts/{account}");
    let jobs = history.jobs.iter().filter(|job| job.account == account && job.asked == Asked::Done).count();
    let mut net = -JOB * i64::try_from(jobs).expect("a few");
    let (mut refills, mut disputed) = (0, false);
    for purchase in history.purchases.iter().filter(|purchase| purchase.account == account) {
        let money = money_of(history, purchase).await;
        let by_hand = purchase.by_hand == Asked::Done;
        let paid = money.paid || by_hand;
        // What an operator marked paid is not touched by what a provider says.
        let returned = if by_hand { 0 } else { money.returned };
        disputed |= money.disputed && !by_hand;
        net += i64::from(paid) * (purchase.item.credits - share(purchase, returned));
        refills += usize::from(paid && purchase.item.kind == ItemKind::Plan);
        let Some(order) = &purchase.order else { continue };
        let state = history.scene.ask(&format!("{path}/orders/{order}")).await["state"].clone();
        let unpaid = ["pending", "failed", "expired"].iter().any(|unpaid| state == *unpaid);
        if paid == unpaid {
            return Some(format!("{order} is {state}, paid: {paid}"));
        }
        let credited = history.scene.ask(&format!("{path}/entries?kind=top_up&limit=1000")).await;
        let credited = credited["entries"].as_array().expect("a list");
        let times = credited.iter().filter(|entry| entry["order"] == **order).count();
        if times != usize::from(paid && purchase.item.kind == ItemKind::Package) {
            return Some(format!("{order} was credited {times} times, paid: {paid}"));
        }
    }
    let seen = history.scene.ask(&format!("{path}/entries?kind=refill&limit=1000")).await;
    let seen = seen["entries"].as_array().expect("a list").len();
    if seen != refills {
        return Some(format!("{seen} refills, expected {refills}"));
    }
    let balance = history.scene.ask(&format!("{path}/balance")).await;
    let has = |field: &str| balance[field].as_i64().expect("whole credits");
    if has("remaining") - has("debt") != net || (!disputed && has("frozen") != 0) {
        return Some(format!("expected {net}, disputed: {disputed}: {balance}"));
    }
    None
}

/// The credits that go back with so much of the money (R27).
fn share(purchase: &Purchase, returned: i64) -> i64 {
    let item = purchase.item;
    if returned >= item.cents { item.credits } else { item.credits * returned / item.cents }
}

async fn money_of(history: &History, purchase: &Purchase) -> Money {
    let provider = &history.scene.provider;
    let Some(page) = &purchase.page else { return Money::default() };
    let session = provider.session(page).await.expect("it answers");
    let payment = session.payment_intent.filter(|_| session.payment_status == PaymentStatus::Paid);
    let Some(payment) = payment else { return Money::default() };
    let whole = provider.payment_intent(payment.id()).await.expect("it answers");
    let refunded = match whole.latest_charge {
        Some(Expandable::Whole(charge)) => charge.amount_refunded,
        Some(Expandable::Id(_)) | None => panic!("a paid payment has its charge"),
    };
    let disputes = provider.disputes_of(payment.id()).await.expect("it answers").data;
    let lost = disputes.iter().filter(|dispute| dispute.status == DisputeStatus::Lost);
    Money {
        paid: true,
        returned: refunded + lost.map(|dispute| dispute.amount).sum::<i64>(),
        disputed: disputes.iter().any(|dispute| dispute.status == DisputeStatus::NeedsResponse),
    }
}
