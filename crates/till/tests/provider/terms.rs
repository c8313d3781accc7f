//! Subscriptions: a first payment, one for each further month, payments that fail, and the end.

use scrip_stripe::{
    Ending, Error, EventKind, Interval, InvoiceStatus, NewSession, NewTerms, PaymentState, Purchase, Session,
    Subscription, SubscriptionStatus,
};
use scrip_till::{Deliver, Switches};

use crate::world::{BEGIN, World, euros, new_session, order};

/// 21 October 2026, when the second month begins.
const SECOND_MONTH: i64 = BEGIN + 30 * 86_400;

async fn page(world: &World, of: &str) -> Session {
    let purchase = Purchase::Recurring {
        price: euros(2_900),
        name: "Pro".to_owned(),
        every: Interval::Month,
        plan: "pro".to_owned(),
    };
    world.client.create_session(&NewSession { purchase, ..new_session(of) }).await.expect("a page is made")
}

async fn subscription(world: &World, session: &Session) -> Subscription {
    let session = world.client.session(&session.id).await.expect("it is known");
    let id = session.subscription.expect("it has one");
    world.client.subscription(id.id()).await.expect("it is known")
}

#[tokio::test]
async fn months_are_paid_one_after_the_other() {
    let world = World::new().await;
    let session = page(&world, "plan_1").await;
    assert!(world.till.pay(&session.id, "4242424242424242"));
    let truth = world.truth(&session).await;
    assert_eq!((truth.state, truth.order), (PaymentState::Paid, Some(order("plan_1"))));
    assert_eq!(truth.amounts.map(|amounts| amounts.received), Some(euros(2_900)));
    let first = subscription(&world, &session).await;
    assert_eq!(
        (first.status, first.items.data[0].current_period_end),
        (SubscriptionStatus::Active, Some(SECOND_MONTH))
    );
    let paid = world.events().into_iter().find(|event| event.kind == EventKind::InvoicePaid).expect("it was told");
    assert_eq!(paid.subject.order, Some(order("plan_1")));
    assert_eq!(paid.subject.subscription.as_deref(), Some(first.id.as_str()));

    world.till.move_clock(SECOND_MONTH);
    let second = subscription(&world, &session).await;
    assert_eq!(second.items.data[0].current_period_start, Some(SECOND_MONTH));
    let invoice = second.latest_invoice.expect("there is one");
    let invoice = world.client.invoice(invoice.id()).await.expect("it is known");
    assert_eq!((invoice.status, invoice.paid()), (Some(InvoiceStatus::Paid), Ok(euros(2_900))));
    assert_eq!(invoice.lines.data[0].period.start, SECOND_MONTH);
    assert_eq!(invoice.subscription(), Some(second.id.as_str()));
}

/// As Stripe does it: the invoice of a further month is a draft for an hour, and the subscription active all the while.
#[tokio::test]
async fn a_further_month_is_charged_after_its_invoice_was_a_draft() {
    let world = World::new().await;
    world.till.switch(Switches { deliver: Deliver::Keep, draft_s: 3_600, ..Switches::default() });
    let session = page(&world, "plan_1").await;
    assert!(world.till.pay(&session.id, "4242424242424242"));
    for (second, status, paid) in [
        (0, InvoiceStatus::Draft, 1),
        (3_599, InvoiceStatus::Draft, 1),
        (3_600, InvoiceStatus::Paid, 2),
        (30 * 86_400, InvoiceStatus::Paid, 2),
    ] {
        world.till.move_clock(SECOND_MONTH + second);
        let stands = subscription(&world, &session).await;
        let invoice = stands.latest_invoice.as_ref().expect("there is one").id();
        assert_eq!(stands.status, SubscriptionStatus::Active, "after {second} s");
        assert_eq!(world.client.invoice(invoice).await.expect("it is known").status, Some(status), "after {second} s");
        let payment = world.client.payment_of_invoice(invoice).await.expect("it is known");
        assert_eq!(payment.is_some(), status == InvoiceStatus::Paid, "after {second} s");
        assert_eq!(world.client.paid_invoices(&stands.id).await.expect("they are listed").len(), paid);
    }
    let told = world.told();
    let cycle = told.iter().position(|kind| *kind == "invoice.finalized").expect("it was told");
    assert!(told[cycle..].contains(&"invoice.paid"), "{told:?}");
}

#[tokio::test]
async fn a_month_that_is_not_paid_is_past_due_and_then_the_end() {
    let world = World::new().await;
    let session = page(&world, "plan_1").await;
    assert!(world.till.pay(&session.id, "4000000000000341"));
    for (days, expected) in
        [(0, SubscriptionStatus::PastDue), (3, SubscriptionStatus::PastDue), (6, SubscriptionStatus::Canceled)]
    {
        world.till.move_clock(SECOND_MONTH + days * 86_400);
        assert_eq!(subscription(&world, &session).await.status, expected, "after {days} days");
    }
    let told = world.told();
    assert_eq!(told.iter().filter(|kind| **kind == "invoice.payment_failed").count(), 3, "{told:?}");
    assert_eq!(told.iter().filter(|kind| **kind == "customer.subscription.deleted").count(), 1, "{told:?}");
}

#[tokio::test]
async fn a_cancelled_subscription_ends_with_its_month() {
    let world = World::new().await;
    let session = page(&world, "plan_1").await;
    assert!(world.till.pay(&session.id, "4242424242424242"));
    let id = subscription(&world, &session).await.id;
    for (round, ending) in [Ending::AtTermEnd, Ending::Not, Ending::AtTermEnd].into_iter().enumerate() {
        let told = world.client.end_subscription(&id, ending, &format!("end-{round}")).await.expect("it is active");
        let ends = ending == Ending::AtTermEnd;
        assert_eq!((told.cancel_at_period_end, told.ending_known()), (ends, ends));
        assert_eq!(told.status, SubscriptionStatus::Active);
    }
    world.till.move_clock(SECOND_MONTH);
    assert_eq!(subscription(&world, &session).await.status, SubscriptionStatus::Canceled);
}

#[tokio::test]
async fn a_first_month_by_bank_debit_is_known_later() {
    let world = World::new().await;
    let session = page(&world, "plan_1").await;
    assert!(world.till.pay(&session.id, "000123456789"));
    assert_eq!(world.state(&session).await, PaymentState::Processing);
    assert_eq!(subscription(&world, &session).await.status, SubscriptionStatus::Incomplete);
    world.till.move_clock(BEGIN + 3_600);
    assert_eq!(world.state(&session).await, PaymentState::Paid);
    assert_eq!(subscription(&world, &session).await.status, SubscriptionStatus::Active);
}

#[tokio::test]
async fn another_price_counts_from_the_next_month_on() {
    let world = World::new().await;
    let session = page(&world, "plan_1").await;
    assert!(world.till.pay(&session.id, "4242424242424242"));
    let first = subscription(&world, &session).await;
    assert_eq!((first.plan(), first.start_date), (Some("pro"), BEGIN));
    let new = NewTerms { plan: "max".to_owned(), name: "Max".to_owned(), price: euros(4_900) };
    let changed = world.client.change_terms(&first, &new, "change-1").await.expect("it is changed");
    assert_eq!((changed.plan(), changed.items.data[0].price.unit_amount), (Some("max"), Some(4_900)));
    assert_eq!(changed.items.data[0].current_period_end, Some(SECOND_MONTH));
    let paid = async || world.client.paid_invoices(&first.id).await.expect("they are listed");
    assert_eq!(paid().await.len(), 1, "nothing is charged for the present month");
    world.till.move_clock(SECOND_MONTH);
    let amounts: Vec<i64> = paid().await.iter().map(|invoice| invoice.amount_paid).collect();
    assert_eq!(amounts, [2_900, 4_900]);
    let payment =
        world.client.payment_of_invoice(&paid().await[1].id).await.expect("it is known").expect("it was paid");
    assert!(payment.starts_with("pi_"));
    assert_eq!(world.client.stop_subscription(&first.id).await.expect("it ends").status, SubscriptionStatus::Canceled);
    assert!(matches!(world.client.stop_subscription(&first.id).await, Err(Error::Missing { .. })));
}
