//! What must be so in the end, by the provider's own objects and nothing that the server said.

use scrip_stripe::{DisputeStatus, Expandable, IntentStatus, PaymentStatus};

use super::history::{Asked, History, ItemKind, JOB, PAID_AT_FIRST, Purchase};
use super::scene::{ACCOUNTS, GRANTED, MEMBER, TOPPER};

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

async fn wrong_with(history: &History, account: &'static str) -> Option<String> {
    let path = format!("/v1/accounts/{}", history.name(account));
    let jobs = history.jobs.iter().filter(|job| job.account == account && job.asked == Asked::Done).count();
    let mut net = -JOB * i64::try_from(jobs).expect("a few");
    let (mut refills, mut disputed) = (0, false);
    if account == TOPPER {
        net += GRANTED;
    }
    match of_automatic_orders(history, account, &path).await {
        Ok(bought) => {
            net += bought.credits;
            disputed |= bought.disputed;
        }
        Err(wrong) => return Some(wrong),
    }
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
        let times = credited(history, &path, order).await;
        if times != usize::from(paid && purchase.item.kind == ItemKind::Package) {
            return Some(format!("{order} was credited {times} times, paid: {paid}"));
        }
    }
    let seen = history.scene.ask(&format!("{path}/entries?kind=refill&limit=1000")).await;
    let seen = seen["entries"].as_array().expect("a list").len();
    if account == MEMBER {
        return wrong_months(history, seen).await;
    }
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

/// How often an order's credits came.
async fn credited(history: &History, path: &str, order: &str) -> usize {
    let entries = history.scene.ask(&format!("{path}/entries?kind=top_up&limit=1000")).await;
    let entries = entries["entries"].as_array().expect("a list");
    entries.iter().filter(|entry| entry["order"] == *order).count()
}

/// Each paid month is granted once; of those that were not paid, one at the most, in the grace.
async fn wrong_months(history: &History, granted: usize) -> Option<String> {
    let theirs = history.theirs().await;
    let paid = match &theirs {
        Some(theirs) => history.scene.provider.paid_invoices(&theirs.id).await.expect("it answers").len(),
        None => 0,
    };
    let was_unpaid = history.told.contains(&format!("0 is paid with {PAID_AT_FIRST}: true"));
    let right = granted == paid || was_unpaid && granted == paid + 1;
    (!right).then(|| format!("{granted} months were granted, {paid} paid, one of them unpaid at first: {was_unpaid}"))
}

/// What automatic orders came to.
#[derive(Default)]
struct Automatic {
    /// Credits that are there for money that is.
    credits: i64,
    disputed: bool,
}

/// No card was charged without an order, none twice for one, and each that was charged was credited once.
async fn of_automatic_orders(history: &History, account: &str, path: &str) -> Result<Automatic, String> {
    let mut all = Automatic::default();
    let listed = history.scene.ask(&format!("{path}/orders?limit=1000")).await;
    let listed = listed["orders"].as_array().expect("a list").iter().filter(|order| order["automatic"] == true);
    let mut tried = history.scene.till.tried_away();
    tried.retain(|tried| tried.metadata.get("account").is_some_and(|named| named == account));
    for order in listed {
        let id = order["order"].as_str().expect("an id");
        let (of_order, others): (Vec<_>, Vec<_>) = tried.into_iter().partition(|tried| tried.metadata["order"] == id);
        tried = others;
        let mut paid = 0;
        for charged in of_order {
            let (money, cents) = money_of_payment(history, &charged.payment_intent).await;
            if money.paid {
                paid += 1;
                let credits = cents / CENTS_A_CREDIT;
                all.credits +=
                    credits - if money.returned >= cents { credits } else { money.returned / CENTS_A_CREDIT };
                all.disputed |= money.disputed;
            }
        }
        let unpaid = ["pending", "failed", "expired"].iter().any(|unpaid| order["state"] == *unpaid);
        let times = credited(history, path, id).await;
        if paid > 1 || times != paid || unpaid != (paid == 0) {
            return Err(format!("{id} was charged {paid} times and credited {times}: {order}"));
        }
    }
    match tried.first() {
        Some(charged) => Err(format!("a card was charged for an order that there is not: {charged:?}")),
        None => Ok(all),
    }
}

/// What a credit of the small package costs.
const CENTS_A_CREDIT: i64 = 5;

/// The credits that go back with so much of the money (R27).
fn share(purchase: &Purchase, returned: i64) -> i64 {
    let item = purchase.item;
    if returned >= item.cents { item.credits } else { item.credits * returned / item.cents }
}

async fn money_of(history: &History, purchase: &Purchase) -> Money {
    let provider = &history.scene.provider;
    let Some(page) = &purchase.page else { return Money::default() };
    let session = provider.session(page).await.expect("it answers");
    let paid = session.payment_status == PaymentStatus::Paid;
    match session.payment_intent.filter(|_| paid) {
        Some(payment) => money_of_payment(history, payment.id()).await.0,
        // A subscription's first payment is known by its invoice, and does not go back here.
        None => Money { paid, ..Money::default() },
    }
}

/// What became of a payment, and how many cents it is about.
async fn money_of_payment(history: &History, payment: &str) -> (Money, i64) {
    let provider = &history.scene.provider;
    let whole = provider.payment_intent(payment).await.expect("it answers");
    if whole.status != IntentStatus::Succeeded {
        return (Money::default(), whole.amount);
    }
    let refunded = match whole.latest_charge {
        Some(Expandable::Whole(charge)) => charge.amount_refunded,
        Some(Expandable::Id(_)) | None => panic!("a paid payment has its charge"),
    };
    let disputes = provider.disputes_of(payment).await.expect("it answers").data;
    let lost = disputes.iter().filter(|dispute| dispute.status == DisputeStatus::Lost);
    let money = Money {
        paid: true,
        returned: refunded + lost.map(|dispute| dispute.amount).sum::<i64>(),
        disputed: disputes.iter().any(|dispute| dispute.status == DisputeStatus::NeedsResponse),
    };
    (money, whole.amount)
}
