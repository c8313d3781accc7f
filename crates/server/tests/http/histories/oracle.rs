//! What must be so in the end, by the provider's own objects and nothing that the server said.

use scrip_stripe::{DisputeStatus, Expandable, IntentStatus, PaymentStatus, SubscriptionStatus};
use serde_json::Value;

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
    if account == MEMBER {
        return wrong_months(history, &path).await;
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

/// How often an order's credits came.
async fn credited(history: &History, path: &str, order: &str) -> usize {
    let entries = history.scene.ask(&format!("{path}/entries?kind=top_up&limit=1000")).await;
    let entries = entries["entries"].as_array().expect("a list");
    entries.iter().filter(|entry| entry["order"] == *order).count()
}

/// Each paid month is granted once, and what a larger plan has more; of months that were not paid, one at the most, in the grace.
/// Whatever else was paid for the plan bought nothing, and does not go on. The credits are those of the months.
async fn wrong_months(history: &History, path: &str) -> Option<String> {
    let provider = &history.scene.provider;
    let theirs = history.theirs().await;
    let (mut paid, mut left_over) = (0, 0);
    for theirs in &theirs {
        paid += provider.paid_invoices(&theirs.id).await.expect("it answers").len();
        left_over += usize::from(theirs.status == SubscriptionStatus::Canceled);
    }
    let by_hand = history.is_of_months() && history.purchases[0].by_hand == Asked::Done;
    // One of two pages, or the page of an order that was marked paid, paid for nothing.
    let for_nothing = (theirs.len() + usize::from(by_hand)).saturating_sub(1);
    if left_over < for_nothing {
        return Some(format!("{theirs:?} go on, by hand: {by_hand}"));
    }
    if matches!(history.erased, Some((MEMBER, Some(_)))) && left_over < theirs.len() {
        return Some(format!("somebody who was erased is charged: {theirs:?}"));
    }
    let mut months = paid + usize::from(by_hand) - for_nothing;
    let mut larger = 0;
    for purchase in history.purchases.iter().filter(|purchase| purchase.item.kind == ItemKind::Larger) {
        larger += usize::from(money_of(history, purchase).await.paid && !is_open(history, purchase).await);
    }
    months += larger;
    let entries = history.scene.ask(&format!("{path}/entries?limit=1000")).await;
    let entries = entries["entries"].as_array().expect("a list");
    let count = |kind: &str| entries.iter().filter(|entry| entry["kind"] == kind).count();
    let (granted, billed) = (count("refill"), count("billing"));
    if billed > 2 {
        return Some(format!("it began and ended {billed} times"));
    }
    let was_unpaid = history.told.contains(&format!("is paid with {PAID_AT_FIRST}: true")) || by_hand;
    if granted != months && !(was_unpaid && granted == months + 1) {
        return Some(format!(
            "{granted} refills, expected {months}, {larger} of a larger plan; one month unpaid: {was_unpaid}"
        ));
    }
    let balance = history.scene.ask(&format!("{path}/balance")).await;
    let jobs = history.jobs.iter().filter(|job| job.account == MEMBER && job.asked == Asked::Done).count();
    match credits_of(entries) {
        Ok(credits) if balance["remaining"] == credits && balance["debt"] == 0 && jobs == count("charge") => None,
        expected => Some(format!("expected {expected:?} after {jobs} jobs: {balance}")),
    }
}

/// What a member has after its entries, newest first: the present month's allowance, less what was spent of it.
fn credits_of(entries: &[Value]) -> Result<i64, String> {
    let mut has = 0;
    for entry in entries.iter().rev() {
        let credits = entry["credits"].as_i64().expect("whole credits");
        has = match (entry["kind"].as_str().expect("a kind"), credits) {
            ("refill", 500 | 2_500) if has == 0 => credits,
            // From the smaller plan to the larger one.
            ("refill", 2_000) => has + credits,
            ("charge", _) if credits == -JOB => has + credits,
            ("expiry", _) => 0,
            (_, 0) => has,
            _ => return Err(entry.to_string()),
        };
    }
    Ok(has)
}

/// Whether a purchase's money is shown to the operator, to be given back.
async fn is_open(history: &History, purchase: &Purchase) -> bool {
    let open = history.scene.ask("/v1/payments/deliveries?state=open").await;
    let mut rows = open["deliveries"].as_array().expect("a list").iter();
    rows.any(|row| row["reason"] == "paid_twice" && row["order"].as_str() == purchase.order.as_deref())
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
