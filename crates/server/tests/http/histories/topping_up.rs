//! An automatic top-up in a history: switched on and off, a card that is charged while nobody is there, and everything that happens to
//! that card.

use serde_json::json;

use super::chance::for_steps;
use super::history::{History, ItemKind, PAID_AT_FIRST, came_to};
use super::scene::{Scene, TOPPER};
use crate::world::TWIN;

/// It buys below so much.
const BELOW: i64 = 50;

/// What is known of it after the last step.
#[derive(Default)]
pub(super) struct Topping {
    /// Whether it could buy.
    may_buy: bool,
    /// Whether somebody asked for it since.
    asked_on: bool,
    /// What had been charged, or tried to.
    tried: usize,
}

impl History {
    /// Something happens to it.
    pub(super) async fn top_up_step(&mut self, step: u64) {
        match step {
            0 | 1 => {
                let on = self.lot.below(3) > 0;
                self.switch(on).await;
            }
            2..=4 => self.spend_of(TOPPER).await,
            5 => self.round().await,
            6 => self.card().await,
            _ => self.switch_off_in_a_round().await,
        }
    }

    async fn switch(&mut self, on: bool) {
        let steps = self.lot.steps();
        let path = format!("/v1/accounts/{}/automatic-top-up", self.name(TOPPER));
        let call = self.scene.world.call("PUT", &path).secret(TWIN);
        let body = json!({"package": "small", "below": BELOW, "enabled": on});
        let reply = for_steps(steps, call.json(body)).await;
        self.note(format_args!("it is switched, on: {on}, {}", came_to(steps, reply.as_ref())));
        if let Some(topping) = self.topping.as_mut().filter(|_| on) {
            topping.asked_on = true;
        }
    }

    /// The server asks by itself: nobody else charges.
    async fn round(&mut self) {
        let steps = self.lot.steps();
        let Scene { world, reconciler, .. } = &mut self.scene;
        let done = for_steps(steps, reconciler.round(&world.app)).await.is_some();
        self.note(format_args!("a round that may charge, of {steps} steps: {done}"));
    }

    /// It is switched off while a charge may be under way.
    async fn switch_off_in_a_round(&mut self) {
        let path = format!("/v1/accounts/{}/automatic-top-up", self.name(TOPPER));
        let steps = self.lot.steps();
        let Scene { world, reconciler, .. } = &mut self.scene;
        let call = world.call("PUT", &path).secret(TWIN);
        let body = json!({"package": "small", "below": BELOW, "enabled": false});
        let (_, reply) = tokio::join!(for_steps(steps, reconciler.round(&world.app)), call.json(body));
        self.note(format_args!("it is switched off in a round of {steps} steps: {}", reply.status));
    }

    /// The bank, the customer or the studio's people change what can be charged.
    async fn card(&mut self) {
        self.scene.misbehave(None);
        let paid_at = self.purchases.iter().rev().filter(|bought| bought.account == TOPPER);
        let page =
            paid_at.filter(|bought| bought.item.kind == ItemKind::Package).find_map(|bought| bought.page.clone());
        let Some(page) = page else { return };
        let session = self.scene.provider.session(&page).await.expect("it answers");
        let Some(payment) = session.payment_intent.map(|payment| payment.id().to_owned()) else { return };
        let till = &self.scene.till;
        let (what, done) = match self.lot.below(9) {
            0 => ("removed", till.remove_card(&payment)),
            1 => ("expired", till.expire_card(&payment)),
            2 => ("deleted with its owner", till.delete_customer(&payment)),
            _ => {
                let numbers =
                    ["4242424242424242", "4242424242424242", PAID_AT_FIRST, "4000002500003155", "000123456789"];
                let number = self.lot.one_of(&numbers);
                (number, till.change_card(&payment, number))
            }
        };
        self.note(format_args!("the saved card is {what}: {done}"));
    }

    /// Nothing is charged for an account whose automatic top-up was off before, and is.
    pub(super) async fn watch_charges(&mut self) {
        if self.topping.is_none() {
            return;
        }
        self.scene.let_arrive().await;
        let tried = self.scene.till.tried_away().len();
        let path = format!("/v1/accounts/{}/automatic-top-up", self.name(TOPPER));
        let reply = self.scene.world.call("GET", &path).secret(TWIN).empty().await;
        let may_buy = reply.status == 200 && reply.json()["enabled"] == true;
        let before = self.topping.replace(Topping { may_buy, asked_on: false, tried }).expect("there is one");
        if !before.may_buy && !before.asked_on && tried > before.tried {
            self.wrong = Some("a card was charged although the automatic top-up was off".to_owned());
        }
    }
}
