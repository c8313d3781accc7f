//! The hour for which Stripe leaves the invoice of a further month a draft: the month has begun, and is paid for after it.

use super::*;

/// An hour after the second month has begun.
const CHARGED: (&str, i64) = ("2026-02-28T11:00:00Z", 28 * 86_400 + 3_600);

impl Club {
    /// Somebody joins the small plan, and its second month begins; then what is told of it is heard.
    async fn in_the_draft_hour(grace: &str) -> Club {
        let mut club = Club::open().await;
        club.publish(catalog().replace("renews = \"payment\"\n", &format!("renews = \"payment\"\n{grace}"))).await;
        let drafts = Switches { deliver: Deliver::Keep, draft_s: 3_600, ..Switches::default() };
        club.shop.till.switch(drafts);
        let (_, session) = club.shop.page_of(&club.order("join", "starter").await);
        assert!(club.shop.till.pay(&session, OK));
        club.session = session;
        club.deliver().await;
        club.at(SECOND).await;
        club.hear().await;
        assert_eq!((club.theirs().await.status, club.paid().await.len()), (SubscriptionStatus::Active, 1));
        club
    }

    async fn hear(&mut self) {
        self.deliver().await;
        self.round().await;
    }

    /// How the plan stands, and how often it was refilled.
    async fn stands(&self) -> (Value, usize) {
        (self.get("subscription").await["state"].clone(), self.refills().await)
    }
}

#[tokio::test]
async fn with_grace_nobody_notices() {
    for grace in ["", "grace_days = 1\n"] {
        let mut club = Club::in_the_draft_hour(grace).await;
        assert_eq!(club.stands().await, (json!("active"), 2), "{grace}");
        // While the month is not paid, a larger plan would be paid twice.
        let refused = club.order("larger", "studio").await;
        assert_eq!((refused.status, refused.json()["code"].clone()), (409, json!("plan_not_for_sale")));
        club.at(CHARGED).await;
        club.hear().await;
        assert_eq!((club.stands().await, club.paid().await.len()), ((json!("active"), 2), 2), "{grace}");
        assert_eq!(club.order("larger", "studio").await.status, 201);
    }
}

/// Not what anybody means: it is warned of where the catalog is published.
#[tokio::test]
async fn without_grace_the_plan_is_past_due_for_the_hour() {
    let mut club = Club::in_the_draft_hour("grace_days = 0\n").await;
    assert_eq!(club.stands().await, (json!("past_due"), 1));
    club.at(CHARGED).await;
    club.hear().await;
    assert_eq!((club.stands().await, club.paid().await.len()), ((json!("active"), 2), 2));
}

#[tokio::test]
async fn what_the_provider_makes_hardly_meant_is_warned_of() {
    let club = Club::open().await;
    let publish = async |path: &str, catalog: &str| {
        let call = club.shop.world.call("POST", path).secret(TWIN).header("content-type", "application/toml");
        call.raw(catalog).await.json()
    };
    let warned = catalog().replacen("renews = \"payment\"\n", "renews = \"payment\"\ngrace_days = 0\n", 1).replacen(
        "\"5.00 USD\"",
        "\"0.00 USD\"",
        1,
    );
    // What it is about, but for when it takes effect: the clock stands still, and each version replaces the one before at once.
    let about = async |path: &str, catalog: &str| -> Vec<String> {
        let answer = publish(path, catalog).await;
        let warnings = answer["warnings"].as_array().map_or(&[][..], Vec::as_slice).iter();
        let about = warnings.map(|text| text.as_str().expect("words").split(':').next().expect("words").to_owned());
        about.filter(|about| !about.starts_with("version ")).collect()
    };
    for path in ["/v1/catalog?dry_run=true", "/v1/catalog", "/v1/catalog", "/v1/catalog?dry_run=true"] {
        assert_eq!(about(path, &warned).await, ["plan starter", "package small"], "{path}");
    }
    assert_eq!(about("/v1/catalog", &catalog()).await, [""; 0]);
    // Without a provider nothing is warned of: somebody marks it paid.
    let plain = crate::world::World::new().await;
    let call = plain.call("POST", "/v1/catalog?dry_run=true").secret(TWIN).header("content-type", "application/toml");
    assert_eq!(call.raw(&warned).await.json()["warnings"], Value::Null);
}
