//! What banks ask about a payment, and want back of it: told in whatever order, each counts for itself.

use scrip_till::Verdict;
use serde_json::json;

use crate::payments::Shop;

/// A bank that only asks changes nothing; a dispute that another bank opens meanwhile is won; then the first one wants the money
/// as well. Both keep their places, so that each is known again.
#[tokio::test]
async fn an_inquiry_that_becomes_a_dispute_is_no_other_dispute() {
    for verdict in [Verdict::Won, Verdict::Lost] {
        let shop = Shop::open().await;
        let (order, session) = shop.order("buy-1").await;
        shop.pay(&session);
        let payment = shop.payment(&session).await;
        let stands = async |state: &str, available: i64| {
            assert!(shop.deliver().await.iter().all(|status| *status == 204));
            assert_eq!(
                (shop.state(&order).await, shop.available().await),
                (json!(state), json!(available)),
                "{verdict:?}"
            );
        };
        let asked = shop.till.inquire(&payment).expect("it can be asked about");
        stands("paid", 100).await;
        let other = shop.till.dispute(&payment).expect("it can be disputed");
        stands("disputed", 0).await;
        assert!(!shop.till.escalate(&asked), "the money is gone already");
        assert!(shop.till.close_dispute(&other, Verdict::Won));
        stands("won", 100).await;
        assert!(shop.till.escalate(&asked));
        stands("disputed", 0).await;
        assert!(shop.till.close_dispute(&asked, verdict));
        match verdict {
            Verdict::Won => stands("won", 100).await,
            Verdict::Lost => stands("lost", 0).await,
        }
    }
}

#[tokio::test]
async fn an_inquiry_that_ends_as_one_was_nothing() {
    let shop = Shop::open().await;
    let (order, session) = shop.order("buy-1").await;
    shop.pay(&session);
    let payment = shop.payment(&session).await;
    let asked = shop.till.inquire(&payment).expect("it can be asked about");
    assert!(shop.till.close_dispute(&asked, Verdict::Won));
    assert!(shop.deliver().await.iter().all(|status| *status == 204));
    assert_eq!((shop.state(&order).await, shop.available().await), (json!("paid"), json!(100)));
    let path = "/v1/accounts/cleo/entries?limit=100";
    let entries = shop.world.call("GET", path).secret(crate::world::TWIN).empty().await.json();
    assert!(!entries.to_string().contains("dispute"), "{entries}");
}
