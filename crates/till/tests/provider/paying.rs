//! What becomes of a payment, as the client reads it.

use scrip_stripe::{
    DisputeTruth, Error, EventKind, IntentStatus, MethodTruth, NewPayment, NewRefund, PaymentState, Purchase,
    RefundStatus, Search, SessionQuery, SessionStatus,
};
use scrip_till::{DebitEnd, Verdict};

use crate::world::{BEGIN, World, client, euros, new_session, order};

#[tokio::test]
async fn a_page_is_made_once_for_an_order_and_can_be_paid() {
    let world = World::new().await;
    let session = world.session("order_1").await;
    assert_eq!(session.status, SessionStatus::Open);
    assert_eq!(session.client_reference_id.as_deref(), Some("order_1"));
    assert_eq!(world.session("order_1").await.id, session.id);
    assert_ne!(world.session("order_2").await.id, session.id);
    // Orders of different accounts may have the same id.
    let of_bruno = scrip_stripe::OrderRef { account: "bruno".to_owned(), ..order("order_1") };
    let new = scrip_stripe::NewSession { order: of_bruno, ..new_session("order_1") };
    assert_ne!(world.client.create_session(&new).await.expect("a page is made").id, session.id);
    let other_price = Purchase::Once {
        price: euros(1_998),
        name: "5,000 credits".to_owned(),
        keep_method: scrip_stripe::KeepMethod::ForLater,
    };
    let changed = scrip_stripe::NewSession { purchase: other_price, ..new_session("order_1") };
    let reused = world.client.create_session(&changed).await;
    assert!(matches!(reused, Err(Error::IdempotencyKeyReused { .. })));

    assert_eq!(world.state(&session).await, PaymentState::Open);
    assert!(world.till.pay(&session.id, "4242 4242 4242 4242"));
    let truth = world.truth(&session).await;
    assert_eq!((truth.state, truth.order.clone()), (PaymentState::Paid, Some(order("order_1"))));
    let amounts = truth.amounts.clone().expect("there is a price");
    assert_eq!((amounts.asked, amounts.received, amounts.refunded), (euros(1_999), euros(1_999), euros(0)));
    assert_eq!(truth.disputes, []);
    assert_eq!(truth.method, MethodTruth::Saved);
    assert!(!world.till.pay(&session.id, "4242424242424242"), "a page is paid once");
    let kinds: Vec<EventKind> = world.events().into_iter().map(|event| event.kind).collect();
    assert_eq!(kinds.iter().filter(|kind| **kind == EventKind::SessionCompleted).count(), 1, "{kinds:?}");
    assert_eq!(kinds.iter().filter(|kind| **kind == EventKind::PaymentSucceeded).count(), 1, "{kinds:?}");
}

#[tokio::test]
async fn a_declined_card_leaves_the_page_open() {
    let world = World::new().await;
    let session = world.session("order_1").await;
    for number in ["4000000000000002", "4000000000009995", "1234"] {
        assert!(!world.till.pay(&session.id, number));
        assert_eq!(world.state(&session).await, PaymentState::Open, "{number}");
    }
    assert!(world.till.pay(&session.id, "4242424242424242"));
    assert_eq!(world.state(&session).await, PaymentState::Paid);
}

#[tokio::test]
async fn a_bank_debit_is_known_later() {
    let world = World::new().await;
    for (number, by_hand, event, expected) in [
        ("000123456789", None, "checkout.session.async_payment_succeeded", PaymentState::Paid),
        ("000111111113", None, "checkout.session.async_payment_failed", PaymentState::Failed),
        ("000123456789", Some(DebitEnd::Fails), "checkout.session.async_payment_failed", PaymentState::Failed),
        ("000111111113", Some(DebitEnd::Arrives), "checkout.session.async_payment_succeeded", PaymentState::Paid),
    ] {
        let session = world.session(&format!("{number}-{by_hand:?}")).await;
        assert!(world.till.pay(&session.id, number));
        let truth = world.truth(&session).await;
        assert_eq!(truth.state, PaymentState::Processing);
        assert_eq!(truth.amounts.map(|amounts| amounts.received), Some(euros(0)));
        world.told();
        match by_hand {
            Some(end) => assert!(world.till.end_debit(&truth.payment_intent.expect("there is one"), end)),
            None => world.till.move_clock(BEGIN + 3_600 * 2 * if expected == PaymentState::Paid { 1 } else { 2 }),
        }
        assert!(world.told().contains(&event), "{event}");
        assert_eq!(world.state(&session).await, expected);
    }
}

#[tokio::test]
async fn an_unused_page_expires() {
    let world = World::new().await;
    let (first, second) = (world.session("order_1").await, world.session("order_2").await);
    assert_eq!(world.client.expire_session(&first.id).await.expect("it was open").status, SessionStatus::Expired);
    assert_eq!(world.state(&first).await, PaymentState::Expired);
    assert!(world.client.expire_session(&second.id).await.is_ok());
    let third = world.session("order_3").await;
    world.told();
    world.till.move_clock(BEGIN + 86_399);
    assert_eq!(world.state(&third).await, PaymentState::Open);
    world.till.move_clock(BEGIN + 86_400);
    assert_eq!(world.state(&third).await, PaymentState::Expired);
    assert_eq!(world.told(), ["checkout.session.expired"]);
    assert!(!world.till.pay(&third.id, "4242424242424242"));
}

#[tokio::test]
async fn money_goes_back_in_parts_and_never_more_than_came() {
    let world = World::new().await;
    let session = world.session("order_1").await;
    assert!(world.till.pay(&session.id, "4242424242424242"));
    let payment = world.truth(&session).await.payment_intent.expect("there is one");
    let refund = |amount: Option<i64>, key: &str| NewRefund {
        payment_intent: payment.clone(),
        amount: amount.map(euros),
        reason: None,
        idempotency_key: key.to_owned(),
    };
    let first = world.client.refund(&refund(Some(500), "r1")).await.expect("it is given back");
    assert_eq!((first.amount, first.status), (500, Some(RefundStatus::Succeeded)));
    assert_eq!(world.client.refund(&refund(Some(500), "r1")).await.expect("the same again").id, first.id);
    assert_eq!(world.truth(&session).await.amounts.map(|amounts| amounts.refunded), Some(euros(500)));
    let too_much = world.client.refund(&refund(Some(1_500), "r2")).await;
    assert!(matches!(too_much, Err(Error::Invalid { status: 400, .. })), "{too_much:?}");
    assert_eq!(world.client.refund(&refund(None, "r3")).await.expect("the rest").amount, 1_499);
    let truth = world.truth(&session).await;
    assert_eq!((truth.state, truth.amounts.map(|amounts| amounts.refunded)), (PaymentState::Paid, Some(euros(1_999))));
    assert!(world.client.refund(&refund(None, "r4")).await.is_err());
    let told = world.told();
    assert_eq!(told.iter().filter(|kind| **kind == "charge.refunded").count(), 2, "{told:?}");
    assert!(world.till.fail_refund(&first.id));
    assert!(!world.till.fail_refund(&first.id), "once");
    assert_eq!(world.told(), ["refund.updated", "refund.failed"]);
    let amounts = world.truth(&session).await.amounts.expect("there are some");
    assert_eq!((amounts.refunded, amounts.refunds_failed), (euros(1_999), euros(500)));
    for part in 0..12 {
        let again = world.client.refund(&refund(Some(1), &format!("r5-{part}"))).await.expect("it is given back");
        assert!(world.till.fail_refund(&again.id));
    }
    let amounts = world.truth(&session).await.amounts.expect("more than a charge shows by itself");
    assert_eq!((amounts.refunded, amounts.refunds_failed), (euros(2_011), euros(512)));
}

#[tokio::test]
async fn a_dispute_is_opened_and_decided() {
    let world = World::new().await;
    let all = || euros(1_999);
    for (verdict, expected) in [(Verdict::Won, DisputeTruth::Won(all())), (Verdict::Lost, DisputeTruth::Lost(all()))] {
        let session = world.session(&format!("{verdict:?}")).await;
        assert!(world.till.pay(&session.id, "4242424242424242"));
        let payment = world.truth(&session).await.payment_intent.expect("there is one");
        world.told();
        let dispute = world.till.dispute(&payment).expect("it can be disputed");
        assert_eq!(world.till.dispute(&payment), None, "once");
        assert_eq!(world.truth(&session).await.disputes, [DisputeTruth::Open(euros(1_999))]);
        assert!(world.till.close_dispute(&dispute, verdict));
        assert!(!world.till.close_dispute(&dispute, verdict), "once");
        assert_eq!(world.truth(&session).await.disputes, std::slice::from_ref(&expected));
        let events = world.events();
        assert_eq!(
            events.iter().map(|event| &event.kind).collect::<Vec<_>>(),
            [&EventKind::DisputeCreated, &EventKind::DisputeClosed]
        );
        assert!(events.iter().all(|event| event.subject.payment_intent.as_deref() == Some(payment.as_str())));
        assert_eq!(
            world.till.dispute(&payment).is_some(),
            verdict == Verdict::Won,
            "a bank asks again only for what stays"
        );
        if verdict == Verdict::Won {
            assert_eq!(world.truth(&session).await.disputes, [expected, DisputeTruth::Open(all())]);
        }
    }
    let session = world.session("disputed at once").await;
    assert!(world.till.pay(&session.id, "4000000000000259"));
    assert_eq!(world.truth(&session).await.disputes, [DisputeTruth::Open(euros(1_999))]);
}

/// A bank asks first, another wants the money back meanwhile: each is one thing, whatever becomes of it.
#[tokio::test]
async fn an_inquiry_keeps_its_place_when_it_becomes_a_dispute() {
    let world = World::new().await;
    let all = || euros(1_999);
    let session = world.session("asked").await;
    assert!(world.till.pay(&session.id, "4242424242424242"));
    let payment = world.truth(&session).await.payment_intent.expect("there is one");
    world.told();
    let asked = world.till.inquire(&payment).expect("it can be asked about");
    assert_eq!(world.truth(&session).await.disputes, [DisputeTruth::Inquiry(all())]);
    let other = world.till.dispute(&payment).expect("what is only asked about can be disputed");
    assert!(!world.till.escalate(&asked), "the money is gone");
    assert!(world.till.close_dispute(&other, Verdict::Won));
    assert!(world.till.escalate(&asked));
    assert!(!world.till.escalate(&asked), "once");
    assert_eq!(world.truth(&session).await.disputes, [DisputeTruth::Open(all()), DisputeTruth::Won(all())]);
    assert_eq!(
        world.told(),
        [
            "charge.dispute.created",
            "charge.dispute.created",
            "charge.dispute.closed",
            "charge.dispute.updated",
            "charge.dispute.funds_withdrawn"
        ]
    );
    let content = world.session("content").await;
    assert!(world.till.pay(&content.id, "4242424242424242"));
    let payment = world.truth(&content).await.payment_intent.expect("there is one");
    let asked = world.till.inquire(&payment).expect("it can be asked about");
    assert!(!world.till.close_dispute(&asked, Verdict::Lost), "nothing is lost by a question");
    assert!(world.till.close_dispute(&asked, Verdict::Won));
    assert_eq!(world.truth(&content).await.disputes, [DisputeTruth::Inquiry(all())]);
}

/// A card saved at a page is charged later, while its owner is away.
#[tokio::test]
async fn a_saved_method_pays_while_its_owner_is_away() {
    let world = World::new().await;
    for (number, declined) in [("4242424242424242", false), ("4000000000000341", true)] {
        let session = world.session(&format!("first with {number}")).await;
        assert!(world.till.pay(&session.id, number));
        let truth = world.truth(&session).await;
        let first = truth.payment_intent.expect("it was paid");
        let saved = world.client.saved_method(&first).await.expect("it is known").expect("it was saved");
        assert_eq!(truth.customer.as_ref(), Some(&saved.customer));
        let new = NewPayment {
            order: order(&format!("second with {number}")),
            placed_at: 0,
            price: euros(999),
            name: "Automatic top-up".to_owned(),
            customer: saved.customer,
            payment_method: saved.method,
        };
        let made = async || world.client.payment_for(&new.order, BEGIN..=BEGIN).await.expect("it is listed");
        assert!(matches!(made().await, Search::NotMade));
        let paid = world.client.pay_off_session(&new).await;
        let again = world.client.pay_off_session(&new).await;
        match paid {
            Ok(payment) => {
                assert!(!declined);
                assert_eq!((payment.status, payment.amount_received), (IntentStatus::Succeeded, Some(999)));
                assert_eq!(again.expect("the same again").id, payment.id);
                assert!(matches!(made().await, Search::Found(made) if made.id == payment.id));
                let truth = world.client.truth_of_payment(&payment.id).await.expect("it is known");
                assert_eq!((truth.state, truth.order), (PaymentState::Paid, Some(new.order)));
            }
            Err(Error::Declined { code, decline_code, payment_intent, .. }) => {
                assert!(declined);
                assert_eq!((code.as_str(), decline_code.as_deref()), ("card_declined", Some("generic_decline")));
                let truth = world.client.truth_of_payment(&payment_intent.expect("it was tried")).await.expect("known");
                assert_eq!(truth.state, PaymentState::Open);
                assert!(matches!(again, Err(Error::Declined { .. })));
            }
            Err(other) => panic!("{other}"),
        }
    }
}

#[tokio::test]
async fn the_payment_of_an_order_is_found_behind_many_others() {
    let world = World::new().await;
    let customer = world.client.create_customer(&order("-"), "customer-ana").await.expect("one is made").id;
    let mut first = None;
    let pay = |number: u32| NewPayment {
        order: order(&format!("order_{number}")),
        placed_at: 0,
        price: euros(999),
        name: "Automatic top-up".to_owned(),
        customer: customer.clone(),
        payment_method: "pm_card_visa".to_owned(),
    };
    for number in 0..250 {
        let paid = world.client.pay_off_session(&pay(number)).await.expect("it is paid").id;
        first.get_or_insert(paid);
    }
    let (earlier, then, later) = (BEGIN - 60..=BEGIN - 1, BEGIN..=BEGIN, BEGIN + 1..=BEGIN + 60);
    for (of, within_s, is_found) in [
        ("order_0", &then, true),
        ("order_0", &earlier, false),
        ("order_0", &later, false),
        ("order_250", &then, false),
    ] {
        match world.client.payment_for(&order(of), within_s.clone()).await.expect("they are listed") {
            Search::Found(payment) => {
                assert_eq!((is_found, Some(payment.id)), (true, first.clone()), "{of} {within_s:?}")
            }
            Search::NotMade => assert!(!is_found, "{of} {within_s:?}"),
            Search::TooMany => panic!("these are few"),
        }
    }
    for number in 250..2_001 {
        world.client.pay_off_session(&pay(number)).await.expect("it is paid");
    }
    for (of, expected) in [("order_0", "TooMany"), ("order_1", "Found")] {
        let found = world.client.payment_for(&order(of), then.clone()).await.expect("they are listed");
        assert!(format!("{found:?}").starts_with(expected), "{of}: {found:?}");
    }
}

#[tokio::test]
async fn a_bank_that_wants_its_customer_says_so() {
    let world = World::new().await;
    let customer = world.client.create_customer(&order("-"), "customer-ana").await.expect("one is made");
    let new = NewPayment {
        order: order("order_1"),
        placed_at: 0,
        price: euros(999),
        name: "Automatic top-up".to_owned(),
        customer: customer.id,
        payment_method: "pm_card_authenticationRequired".to_owned(),
    };
    match world.client.pay_off_session(&new).await {
        Err(Error::AuthenticationNeeded { payment_intent: Some(payment), .. }) => {
            world.client.cancel_payment(&payment).await.expect("it waits");
            let truth = world.client.truth_of_payment(&payment).await.expect("it is known");
            assert_eq!(truth.state, PaymentState::Failed);
        }
        other => panic!("{other:?}"),
    }
}

/// A card that was saved does not last for ever.
#[tokio::test]
async fn a_saved_method_expires_or_is_taken_away() {
    let world = World::new().await;
    let session = world.session("order_1").await;
    assert!(!world.till.pay(&session.id, "4000002500003155"), "the bank wants its customer");
    assert!(world.till.approve(&session.id));
    let first = world.truth(&session).await.payment_intent.expect("it was paid");
    let saved = world.client.saved_method(&first).await.expect("it is known").expect("it was saved");
    let charge = async |order_id: &str| {
        let new = NewPayment {
            order: order(order_id),
            placed_at: 0,
            price: euros(999),
            name: "Automatic top-up".to_owned(),
            customer: saved.customer.clone(),
            payment_method: saved.method.clone(),
        };
        world.client.pay_off_session(&new).await
    };
    assert!(matches!(charge("order_2").await, Err(Error::AuthenticationNeeded { .. })));
    assert!(world.till.expire_card(&first));
    assert!(matches!(charge("order_3").await, Err(Error::Declined { code, .. }) if code == "expired_card"));
    assert!(world.till.remove_card(&first));
    assert_eq!(world.client.saved_method(&first).await.expect("it is known"), None);
    assert!(matches!(charge("order_4").await, Err(Error::Invalid { .. })));
    assert_eq!(world.told().last(), Some(&"payment_method.detached"));
}

#[tokio::test]
async fn a_payment_method_can_be_saved_without_paying() {
    let world = World::new().await;
    let currency = euros(0).currency;
    let new = scrip_stripe::NewSession { purchase: Purchase::SetUp { currency }, ..new_session("setup_1") };
    let session = world.client.create_session(&new).await.expect("a page is made");
    assert!(world.till.pay(&session.id, "4242424242424242"));
    let session = world.client.session(&session.id).await.expect("it is known");
    assert_eq!(session.status, SessionStatus::Complete);
    let setup = session.setup_intent.expect("it has one");
    let setup = world.client.setup_intent(setup.id()).await.expect("it is known");
    assert_eq!(setup.status, IntentStatus::Succeeded);
    assert!(setup.customer.is_some() && setup.payment_method.is_some());
}

#[tokio::test]
async fn what_is_asked_wrongly_is_refused_by_name() {
    let world = World::new().await;
    assert!(matches!(world.client.session("cs_test_none").await, Err(Error::Missing { .. })));
    assert!(matches!(world.client.truth_of_payment("pi_none").await, Err(Error::Missing { .. })));
    let unknown = NewRefund {
        payment_intent: "../../events".to_owned(),
        amount: None,
        reason: None,
        idempotency_key: "r".to_owned(),
    };
    assert!(matches!(world.client.refund(&unknown).await, Err(Error::Missing { .. })));
    let no_address =
        scrip_stripe::NewSession { success_url: "javascript:alert(1)".to_owned(), ..new_session("order_1") };
    match world.client.create_session(&no_address).await {
        Err(Error::Invalid { status: 400, param: Some(param), .. }) => assert_eq!(param, "success_url"),
        other => panic!("{other:?}"),
    }
    let stranger = client(&world.till, "sk_test_stranger", Default::default());
    match stranger.session("cs_test_none").await {
        Err(Error::KeyRefused { status: 401, .. }) => {}
        other => panic!("{other:?}"),
    }
}

#[tokio::test]
async fn pages_and_events_are_listed_in_parts() {
    let world = World::new().await;
    for order in 0..105 {
        world.session(&format!("order_{order}")).await;
    }
    let first = world.client.sessions(&SessionQuery::default()).await.expect("a list");
    assert_eq!((first.data.len(), first.has_more), (100, true));
    let after = first.data.last().map(|session| session.id.clone());
    let rest = world.client.sessions(&SessionQuery { after, ..SessionQuery::default() }).await.expect("a list");
    assert_eq!((rest.data.len(), rest.has_more), (5, false));
    assert_eq!(rest.data[4].client_reference_id.as_deref(), Some("order_0"));
    world.till.move_clock(BEGIN + 10);
    let late = world.session("late").await;
    let query = SessionQuery { created_from: Some(BEGIN + 10), ..SessionQuery::default() };
    let found = world.client.sessions(&query).await.expect("a list");
    assert_eq!(found.data.iter().map(|session| &session.id).collect::<Vec<_>>(), [&late.id]);

    assert!(world.till.pay(&late.id, "4242424242424242"));
    let events = world.client.events(&Default::default()).await.expect("a list");
    let kinds: Vec<&EventKind> = events.items.iter().map(|event| &event.kind).collect();
    assert_eq!(kinds[0], &EventKind::SessionCompleted, "{kinds:?}");
    assert_eq!(events.after, None);
}
