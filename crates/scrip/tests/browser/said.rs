//! What pages say where things are not as plain as mostly: a visit that may only look, more entries than are drawn, a plan that
//! nobody has paid on. No browser is needed for that.

use serde_json::json;

use crate::forms::Desk;
use crate::markup::PAGES;
use crate::reading::Still;

/// Somebody of the studio sees what the customer sees, is told that it is to look, and is offered nothing that would be refused.
#[test]
fn what_may_only_be_looked_at_offers_nothing_else() {
    let still = Still::start();
    let desk = Desk::of(&still, "studiotwin", "tile-works");
    desk.put("/subscription", &json!({"plan": "studio"}));
    let says = "Nothing can be changed here.";
    let acts = |page: &str| page.matches("<button").count();
    assert!(acts(&desk.page("/dashboard/buy-credits")) > 1 && !desk.page("/dashboard").contains(says));
    let looking = still.looks("studiotwin", "tile-works");
    for path in PAGES {
        let page = still.page(&looking, path);
        assert_eq!(page.status, 200, "{path}");
        assert_eq!(page.text.contains(says), page.text.contains("class=\"tabs\""), "{path}: {}", page.text);
        let forms = page.text.split("<form method=\"post\"").skip(1);
        for form in forms.filter(|form| !form.starts_with(" action=\"/dashboard/leave\"")) {
            let form = form.split_once("</form>").expect("it ends").0;
            assert!(form.contains("<fieldset disabled>") && !form.contains("<button"), "{path}: {form}");
        }
        assert!(!page.text.contains("Cancel the plan"), "{path}");
    }
    let mut seen = Desk::of(&still, "studiotwin", "tile-works");
    seen.token = looking;
    let before = (desk.get(""), desk.get("/subscription"));
    let mark = desk.hidden("/dashboard/plan", "mark");
    for (path, fields) in [
        ("/dashboard/settings", "name=Mallory&time_zone=UTC".to_owned()),
        ("/dashboard/settings/project-types", "types=0".to_owned()),
        ("/dashboard/plan/cancel", format!("mark={mark}")),
        ("/dashboard/orders", "package=small&once=1".to_owned()),
    ] {
        let page = seen.fill(path, &fields);
        assert!(matches!(page.status, 400 | 403), "{path}: {}", page.status);
        assert!(page.text.contains("This visit is only for looking. Nothing was changed."), "{path}: {}", page.text);
    }
    assert_eq!((desk.get(""), desk.get("/subscription")), before);
}

/// A plan that renews by payment without grace brings nothing at the turn that nobody has paid for.
#[test]
fn no_refill_is_promised_that_is_not_paid_for() {
    let still = Still::start();
    let lite = "allowance = 3_000\n";
    let catalog = include_str!("../../../../catalogs/flow-studio.toml");
    assert!(catalog.contains(lite));
    let unpaid = "3,000 Lite credits come once it is paid for again; what is left of this cycle’s does not carry over.";
    for (account, grace_days, says, not) in [
        ("at-once", 0, unpaid, "The reset on "),
        (
            "later",
            3,
            " brings 3,000 Lite credits; what is left of this cycle’s does not carry over.",
            "Lite is paid until ",
        ),
    ] {
        let renews = format!("{lite}renews = \"payment\"\ngrace_days = {grace_days}\n");
        still.publish("flow-studio", &catalog.replacen(lite, &renews, 1));
        let desk = Desk::of(&still, "flow-studio", account);
        desk.put("/subscription", &json!({"plan": "lite"}));
        assert_eq!(desk.get("/balance")["resets_at"].is_null(), grace_days == 0, "as the API says");
        let page = desk.page("/dashboard");
        assert!(page.contains(says) && !page.contains(not), "{grace_days}: {page}");
    }
}

/// The line of a busy cycle begins later than the cycle, and says so.
#[test]
fn a_line_that_begins_late_says_so() {
    let still = Still::start();
    let desk = Desk::of(&still, "flow-studio", "newcomer");
    let grant = json!({"credits": 100, "class": "top_up", "reason": "for many"});
    still.post("flow-studio", "/accounts/newcomer/grants", "first", &grant);
    let charge = |number: u32| {
        let key = format!("many-{number}");
        json!({"op": "charge", "account": "newcomer", "key": key, "credits": 0.01}).to_string()
    };
    let batch = |from: u32, to: u32| still.batch("flow-studio", &(from..to).map(charge).collect::<Vec<_>>().join("\n"));
    batch(0, 4_000);
    assert!(!desk.page("/dashboard").contains("id=\"drawn-from\""));
    batch(4_000, 5_000);
    let page = desk.page("/dashboard");
    assert!(page.contains("So much has happened that the line begins on "), "{page}");
    assert!(page.contains("<strong>50</strong> available") && page.contains("50 credits used"), "{page}");
}

/// Of many lots the first are shown, which are used first; the page stays one.
#[test]
fn of_many_lots_the_first_are_shown() {
    let still = Still::start();
    let desk = Desk::of(&still, "flow-studio", "newcomer");
    let grant = |number: u32| {
        let key = format!("lot-{number}");
        let of = json!({"op": "grant", "account": "newcomer", "key": key, "credits": 1, "class": "top_up", "reason": "many"});
        of.to_string()
    };
    still.batch("flow-studio", &(0..14).map(grant).collect::<Vec<_>>().join("\n"));
    let page = desk.page("/dashboard");
    assert_eq!(page.matches("never expire").count(), 12, "{page}");
    assert!(page.contains("Used from top to bottom, then 2 more."), "{page}");
}
