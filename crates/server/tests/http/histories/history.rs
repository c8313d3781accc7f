//! One history: what customers, the provider, the network, the operator and fate do, in an order that follows from its number.

use std::fmt::Write;

use scrip_core::command::Command;
use scrip_sim::faulty::Fault as WriteFault;
use scrip_till::{DebitEnd, Fault, Kept, Verdict};
use serde_json::json;

use super::chance::{Lot, for_steps};
use super::months::Twist;
use super::scene::{ACCOUNTS, MEMBER, Plans, Scene, TOPPER};
use super::topping_up::Topping;
use crate::world::{Reply, TWIN};

/// A card that pays at a page, and not while its owner is away.
pub(super) const PAID_AT_FIRST: &str = "4000000000000341";
const WEBHOOK: &str = "/v1/payments/stripe/studiotwin/webhook";

/// What is bought.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Item {
    /// The body's member.
    member: &'static str,
    name: &'static str,
    /// The credits that it brings.
    pub(super) credits: i64,
    /// Its price, in cents.
    pub(super) cents: i64,
    pub(super) kind: ItemKind,
}

/// How its credits come.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum ItemKind {
    /// As a lot.
    Package,
    /// As a refill.
    Plan,
    /// As a refill for each month that the provider's own subscription takes the money for.
    Months,
    /// As a refill of what a larger plan has more, for the rest of a month.
    Larger,
}

const SMALL: Item = Item { member: "package", name: "small", credits: 100, cents: 500, kind: ItemKind::Package };
const MEDIUM: Item = Item { member: "package", name: "medium", credits: 500, cents: 2_000, kind: ItemKind::Package };
const PLAN: Item = Item { member: "plan", name: "studio", credits: 2_500, cents: 4_000, kind: ItemKind::Plan };

/// The plan that the provider's subscription renews, a smaller one, and the step from that to this.
const MONTHS: Item = Item { kind: ItemKind::Months, ..PLAN };
const SMALLER: Item = Item { name: "starter", credits: 500, cents: 1_000, ..MONTHS };
const LARGER: Item = Item { kind: ItemKind::Larger, ..PLAN };

/// Something that an account buys.
pub(super) struct Purchase {
    pub(super) account: &'static str,
    pub(super) item: Item,
    key: String,
    /// Once it is known.
    pub(super) order: Option<String>,
    /// The page to pay at, once its customer was shown it.
    pub(super) page: Option<String>,
    pub(super) by_hand: Asked,
}

/// Something that somebody asks the server to do, and that may have to be asked again.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Asked {
    /// Not at all.
    No,
    /// Whether it was done is not known.
    Open,
    /// It was done.
    Done,
    /// It was refused for good.
    Refused,
}

/// A job that spends credits.
pub(super) struct Job {
    pub(super) account: &'static str,
    pub(super) asked: Asked,
}

/// What a job costs.
pub(super) const JOB: i64 = 30;

/// How the truth comes through in the end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Ending {
    /// The provider delivers until all is taken; the server never asks by itself.
    Delivered,
    /// What is on its way is lost for good; the server asks.
    Reconciled,
}

/// A history under way.
pub(super) struct History {
    pub(super) scene: Scene,
    pub(super) purchases: Vec<Purchase>,
    pub(super) jobs: Vec<Job>,
    pub(super) ending: Ending,
    pub(super) lot: Lot,
    /// What is known of the automatic top-up, where there may be one.
    pub(super) topping: Option<Topping>,
    /// What happens beside the months of a plan, where there are any.
    pub(super) twist: Twist,
    /// Whom somebody wanted to be erased, and by which name it goes since.
    pub(super) erased: Option<(&'static str, Option<String>)>,
    /// Deliveries that are somewhere on their way.
    on_the_way: Vec<Kept>,
    pub(super) days_passed: i64,
    /// How many months the provider has begun to charge since the first.
    pub(super) months: u32,
    /// What went wrong on the way.
    pub(super) wrong: Option<String>,
    /// What happened, a line each.
    pub(super) told: String,
}

impl History {
    pub(super) fn begin(scene: Scene, plans: Plans, number: u64) -> History {
        let mut lot = Lot(number);
        let ending = lot.one_of(&[Ending::Delivered, Ending::Reconciled]);
        let topping = (lot.below(3) == 0).then(Topping::default);
        let twist = if plans == Plans::RenewedByPayment { Twist::by_lot(&mut lot, ending) } else { Twist::Nothing };
        let mut bought = Vec::new();
        for purchase in 0..=lot.below(3) {
            let package = lot.one_of(&[SMALL, SMALL, MEDIUM]);
            bought.push(match (purchase, plans) {
                (0, Plans::RenewedByPayment) if twist == Twist::LargerPlan => (MEMBER, SMALLER),
                (0, Plans::RenewedByPayment) => (MEMBER, MONTHS),
                (0, Plans::RenewedByClock) if lot.below(4) == 0 => (lot.one_of(&["ana", "bo"]), PLAN),
                (_, _) if topping.is_some() => (lot.one_of(&["ana", TOPPER, TOPPER]), package),
                (_, _) => (lot.one_of(&["ana", "bo"]), package),
            });
        }
        match twist {
            Twist::SecondPage => bought.push((MEMBER, MONTHS)),
            Twist::LargerPlan => bought.push((MEMBER, LARGER)),
            Twist::Nothing | Twist::MarkedByHand | Twist::Erased => {}
        }
        let purchases = bought.into_iter().enumerate().map(|(place, (account, item))| {
            let key = format!("buy-{place}");
            Purchase { account, item, key, order: None, page: None, by_hand: Asked::No }
        });
        let (purchases, jobs) = (purchases.collect(), Vec::new());
        let (erased, on_the_way, told) = (None, Vec::new(), format!("{ending:?}, {plans:?}, {twist:?}\n"));
        let (days_passed, months, wrong) = (0, 0, None);
        History {
            scene,
            purchases,
            jobs,
            ending,
            lot,
            topping,
            twist,
            erased,
            on_the_way,
            days_passed,
            months,
            wrong,
            told,
        }
    }

    /// What an account is called by now.
    pub(super) fn name(&self, account: &'static str) -> &str {
        match &self.erased {
            Some((erased, Some(name))) if *erased == account => name,
            Some(_) | None => account,
        }
    }

    /// How many steps it is to have.
    pub(super) fn length(&mut self) -> u64 {
        // The months of a plan need their time.
        self.lot.below(40) + if self.is_of_months() { 28 } else { 8 }
    }

    /// Something happens.
    pub(super) async fn step(&mut self) {
        self.on_the_way.extend(self.scene.till.take_deliveries());
        let chosen = self.lot.place(self.purchases.len()).expect("something is bought");
        let (topping, months) = (8 * u64::from(self.topping.is_some()), 13 * u64::from(self.is_of_months()));
        match self.lot.below(25 + topping + months) {
            // Without a page there is little that can happen to it.
            0..=5 if self.purchases[chosen].page.is_none() => self.place(chosen).await,
            0 => self.place(chosen).await,
            1..=5 => self.pay(chosen),
            6..=10 => self.deliver().await,
            11 => self.come_back(chosen).await,
            12 | 13 => self.race(chosen).await,
            14..=16 => self.provider_changes(),
            17 => self.reconcile().await,
            18 | 19 => self.money(chosen).await,
            20 => self.spend(chosen).await,
            21 => match self.lot.below(3) {
                0 => self.mark_paid(chosen).await,
                _ => self.lose(),
            },
            22 => match self.lot.below(5) {
                0 | 1 => self.die(),
                2 => self.erase(chosen).await,
                _ => {
                    let fault = self.lot.one_of(&[WriteFault::DoubtLost, WriteFault::DoubtKept]);
                    self.note(format_args!("the next write is the last: {fault:?}"));
                    self.scene.die_at_next_write(fault);
                }
            },
            // The process lives on, with all that it believes.
            23 => {
                let disk = self.scene.disk_changes();
                self.note(format_args!("the disk {disk}"));
            }
            24 => self.time_passes().await,
            more if more < 25 + topping => self.top_up_step(more - 25).await,
            more => self.month_step(more - 25 - topping).await,
        }
        self.bury();
        self.learn_name().await;
        self.watch_charges().await;
    }

    /// What is left comes to its end, one way or the other.
    pub(super) async fn end(&mut self) -> Result<(), String> {
        self.settle_all().await?;
        if self.is_of_months() {
            self.last_month_passes().await;
            self.settle_all().await?;
        }
        Ok(())
    }

    /// The provider and the disk are well, whoever was not answered asks again, and all that happened comes through.
    pub(super) async fn settle_all(&mut self) -> Result<(), String> {
        self.scene.misbehave(None);
        self.scene.live_on();
        self.ask_again().await;
        match self.ending {
            Ending::Delivered => self.deliver_all().await,
            Ending::Reconciled => {
                drop(self.scene.till.take_deliveries());
                if self.lot.below(2) == 0 {
                    self.die();
                }
                // The longest rest of a provider that failed is five minutes, the longest time between two looks half an hour.
                for minutes in [0, 10, 40] {
                    self.scene.pass(minutes * 60).await;
                    self.scene.reconciler.round(&self.scene.world.app).await;
                    self.watch_charges().await;
                }
                Ok(())
            }
        }
    }

    /// A customer orders, or asks for the page again.
    pub(super) async fn place(&mut self, chosen: usize) {
        if self.purchases[chosen].item.kind == ItemKind::Larger && !self.is_on_a_plan().await {
            return;
        }
        let Purchase { account, item, key, .. } = &self.purchases[chosen];
        let path = format!("/v1/accounts/{}/orders", self.name(account));
        let call = self.scene.world.call("POST", &path).secret(TWIN).once(key).json(json!({item.member: item.name}));
        let steps = self.lot.steps();
        let reply = for_steps(steps, call).await;
        self.note(format_args!("{chosen} is ordered, {}", came_to(steps, reply.as_ref())));
        let Some(reply) = reply.filter(|reply| reply.status == 201) else { return };
        let (body, purchase) = (reply.json(), &mut self.purchases[chosen]);
        purchase.order = body["order"].as_str().map(str::to_owned);
        if let Some(url) = body["checkout_url"].as_str() {
            purchase.page = url.rsplit('/').next().map(str::to_owned);
        }
    }

    /// A customer pays at the page.
    pub(super) fn pay(&mut self, chosen: usize) {
        let numbers = ["4242424242424242", "4000000000000002", "000123456789", "000111111113", "4000000000000259"];
        let number = self.lot.one_of(&numbers);
        let purchase = &self.purchases[chosen];
        // A plan's page is paid or left alone. Money of a plan does not go back here: what that means is the studio's to say.
        let number = match purchase.item.kind {
            ItemKind::Package => number,
            ItemKind::Plan | ItemKind::Larger => numbers[0],
            ItemKind::Months => self.lot.one_of(&[numbers[0], numbers[0], PAID_AT_FIRST]),
        };
        let Some(page) = &purchase.page else { return };
        let done = self.scene.till.pay(page, number);
        self.note(format_args!("{chosen} is paid with {number}: {done}"));
    }

    /// One of the deliveries on their way arrives, perhaps not for the last time; its handler may die.
    pub(super) async fn deliver(&mut self) {
        let Some(place) = self.lot.place(self.on_the_way.len()) else { return };
        let kept = self.scene.till.sign_again(&self.on_the_way[place]);
        let steps = self.lot.steps();
        let reply = for_steps(steps, send(&self.scene, &kept)).await;
        self.note(format_args!("{} arrives, {}", kept.kind, came_to(steps, reply.as_ref())));
        let taken = reply.is_some_and(|reply| reply.status == 204);
        if taken && self.lot.below(3) > 0 {
            self.on_the_way.swap_remove(place);
        }
    }

    /// A customer comes back from the page.
    async fn come_back(&mut self, chosen: usize) {
        let Some(page) = self.purchases[chosen].page.clone() else { return };
        let steps = self.lot.steps();
        let reply = for_steps(steps, back(&self.scene, &page)).await;
        self.note(format_args!("{chosen} comes back, {}", came_to(steps, reply.as_ref())));
    }

    /// Two deliveries, the customer and (where it asks at all) the reconciler at once; each may die.
    async fn race(&mut self, chosen: usize) {
        let mut steps = [self.lot.steps(), self.lot.steps(), self.lot.steps(), self.lot.steps()];
        if self.ending == Ending::Delivered {
            steps[0] = 0;
        }
        let mut arriving = Vec::new();
        for _ in 0..2 {
            if let Some(place) = self.lot.place(self.on_the_way.len()) {
                arriving.push(self.scene.till.sign_again(&self.on_the_way[place]));
            }
        }
        let page = self.purchases[chosen].page.clone();
        let Scene { world, reconciler, .. } = &mut self.scene;
        let round = for_steps(steps[0], reconciler.round(&world.app));
        let post = async |steps: u64, kept: Option<&Kept>| match kept {
            Some(kept) => {
                let call = world.call("POST", WEBHOOK).header("stripe-signature", &kept.signature);
                for_steps(steps, call.raw(std::str::from_utf8(&kept.body).expect("JSON is text"))).await
            }
            None => None,
        };
        let back = async {
            let path = format!("{}?session={}", WEBHOOK.replace("webhook", "return"), page.as_deref()?);
            for_steps(steps[3], world.call("GET", &path).empty()).await
        };
        let (_, one, two, came) =
            tokio::join!(round, post(steps[1], arriving.first()), post(steps[2], arriving.get(1)), back);
        let (one, two, came) = (status(one.as_ref()), status(two.as_ref()), status(came.as_ref()));
        self.note(format_args!("at once, for {steps:?} steps: a round, {one}, {two}; {chosen} comes back: {came}"));
    }

    /// The provider fails from now on, or is well again.
    fn provider_changes(&mut self) {
        let faults = [
            None,
            None,
            Some(Fault::Down),
            Some(Fault::Error),
            Some(Fault::Rubbish),
            Some(Fault::OtherObject),
            Some(Fault::Busy),
            Some(Fault::DoneThenBroken),
        ];
        let fault = self.lot.one_of(&faults);
        self.note(format_args!("the provider is {fault:?}"));
        self.scene.misbehave(fault);
    }

    /// The server asks by itself.
    async fn reconcile(&mut self) {
        let steps = self.lot.steps();
        if self.ending == Ending::Delivered {
            return;
        }
        let Scene { world, reconciler, .. } = &mut self.scene;
        let done = for_steps(steps, reconciler.round(&world.app)).await.is_some();
        self.note(format_args!("a round of {steps} steps: {done}"));
    }

    /// A bank debit ends, a bank wants its money back or decides, or the studio gives some back.
    async fn money(&mut self, chosen: usize) {
        self.scene.misbehave(None);
        let Some(payment) = self.payment_to_touch(chosen).await else { return };
        match self.lot.below(6) {
            0 => {
                let end = self.lot.one_of(&[DebitEnd::Arrives, DebitEnd::Fails]);
                let done = self.scene.till.end_debit(&payment, end);
                self.note(format_args!("{chosen}'s bank debit {end:?}: {done}"));
            }
            1 => {
                let dispute = self.scene.till.dispute(&payment);
                self.note(format_args!("{chosen} is disputed: {dispute:?}"));
            }
            2 => {
                let asked = self.scene.till.inquire(&payment);
                self.note(format_args!("a bank asks about {chosen}: {asked:?}"));
            }
            3 => {
                let disputes = self.scene.provider.disputes_of(&payment).await.expect("it answers");
                for dispute in disputes.data {
                    let done = self.scene.till.escalate(&dispute.id);
                    self.note(format_args!("what was asked about {chosen} is wanted: {done}"));
                }
            }
            4 => {
                let disputes = self.scene.provider.disputes_of(&payment).await.expect("it answers");
                for dispute in disputes.data {
                    let verdict = self.lot.one_of(&[Verdict::Won, Verdict::Lost]);
                    let done = self.scene.till.close_dispute(&dispute.id, verdict);
                    self.note(format_args!("{chosen}'s dispute is {verdict:?}: {done}"));
                }
            }
            _ => {
                let refund = scrip_stripe::NewRefund {
                    payment_intent: payment,
                    amount: Some(crate::payments::money(125)),
                    reason: None,
                    idempotency_key: format!("{chosen}-{}", self.lot.below(4)),
                };
                // What is not paid, or disputed, or gone already, cannot be given back.
                let done = self.scene.provider.refund(&refund).await.is_ok();
                self.note(format_args!("{chosen}: 1.25 goes back: {done}"));
            }
        }
    }

    /// A payment of a package's page; or, for whoever tops up by itself, one that was tried while nobody was there.
    async fn payment_to_touch(&mut self, chosen: usize) -> Option<String> {
        let away = self.scene.till.tried_away();
        if self.lot.below(2) == 0
            && let Some(place) = self.lot.place(away.len())
        {
            return Some(away[place].payment_intent.clone());
        }
        let purchase = &self.purchases[chosen];
        let page = purchase.page.clone().filter(|_| purchase.item.kind == ItemKind::Package)?;
        let session = self.scene.provider.session(&page).await.expect("it answers");
        session.payment_intent.map(|payment| payment.id().to_owned())
    }

    /// A job takes credits, when there are enough.
    async fn spend(&mut self, chosen: usize) {
        self.spend_of(self.purchases[chosen].account).await;
    }

    pub(super) async fn spend_of(&mut self, account: &'static str) {
        self.jobs.push(Job { account, asked: Asked::No });
        let steps = self.lot.steps();
        self.ask_for_job(self.jobs.len() - 1, steps).await;
    }

    async fn ask_for_job(&mut self, job: usize, steps: u64) {
        let path = format!("/v1/accounts/{}/charges", self.name(self.jobs[job].account));
        let call = self.scene.world.call("POST", &path).secret(TWIN).once(&format!("job-{job}"));
        let reply = for_steps(steps, call.json(json!({"credits": JOB}))).await;
        self.note(format_args!("job {job}, {}", came_to(steps, reply.as_ref())));
        self.jobs[job].asked = match status(reply.as_ref()) {
            201 => Asked::Done,
            402 => Asked::Refused,
            _ => Asked::Open,
        };
    }

    /// An operator says that the money came another way.
    pub(super) async fn mark_paid(&mut self, chosen: usize) {
        let purchase = &self.purchases[chosen];
        let may_be = match purchase.item.kind {
            ItemKind::Package | ItemKind::Plan => true,
            ItemKind::Months => self.twist == Twist::MarkedByHand,
            ItemKind::Larger => false,
        };
        if purchase.by_hand == Asked::No && may_be {
            let steps = self.lot.steps();
            self.ask_to_mark(chosen, steps).await;
        }
    }

    async fn ask_to_mark(&mut self, chosen: usize, steps: u64) {
        let purchase = &self.purchases[chosen];
        let Some(order) = &purchase.order else { return };
        let path = format!("/v1/accounts/{}/orders/{order}/mark-paid", self.name(purchase.account));
        let call = self.scene.world.call("POST", &path).secret(TWIN).once(&format!("mark-{chosen}"));
        let reply = for_steps(steps, call.json(json!({"reference": "bank"}))).await;
        self.note(format_args!("{chosen} is marked paid, {}", came_to(steps, reply.as_ref())));
        self.purchases[chosen].by_hand = match status(reply.as_ref()) {
            200 => Asked::Done,
            409 => Asked::Refused,
            _ => Asked::Open,
        };
    }

    /// Somebody's texts are erased, its id with them.
    pub(super) async fn erase(&mut self, chosen: usize) {
        let account = self.purchases[chosen].account;
        if self.erased.is_none() && (account != MEMBER || self.twist == Twist::Erased) {
            let steps = self.lot.steps();
            let command = Command::EraseAccount { reason: None };
            let done = for_steps(steps, self.scene.submit(account, command)).await;
            self.note(format_args!("{account} is erased: {done:?}"));
            self.erased = Some((account, None));
        }
    }

    /// Who was to be erased has another id once it was.
    async fn learn_name(&mut self) {
        if let Some((account, None)) = self.erased {
            let accounts = self.scene.ask("/v1/accounts?limit=100").await;
            let ids = accounts["accounts"].as_array().expect("a list").iter().filter_map(|row| row["account"].as_str());
            let name = ids.into_iter().find(|id| id.starts_with("erased~")).map(str::to_owned);
            self.erased = Some((account, name));
        }
    }

    /// Half of what is on its way is lost for good.
    fn lose(&mut self) {
        if self.ending == Ending::Reconciled {
            self.on_the_way.truncate(self.on_the_way.len() / 2);
            self.note(format_args!("deliveries are lost; {} are left", self.on_the_way.len()));
        }
    }

    fn die(&mut self) {
        self.note(format_args!("the process dies"));
        self.scene.restart();
    }

    /// What died at a write is replaced.
    fn bury(&mut self) {
        if self.scene.died() {
            self.note(format_args!("the process died at its write"));
            self.scene.restart();
        }
    }

    async fn time_passes(&mut self) {
        let seconds = self.lot.one_of(&[20, 120, 7_200, 86_400, 4 * 86_400]);
        // Within what a provider remembers, and the month of the plan.
        if self.days_passed + seconds / 86_400 <= 20 {
            self.days_passed += seconds / 86_400;
            // A clock that is moved is a write too; it holds no entry.
            self.scene.pass(seconds).await;
            let swept = self.lot.below(2) == 0;
            if swept {
                for account in ACCOUNTS {
                    // One that dies at this write is replaced like any other.
                    self.scene.submit(self.name(account), Command::Touch).await;
                }
            }
            self.note(format_args!("{seconds} s pass, swept: {swept}"));
        }
    }

    /// Whoever was not answered asks again.
    async fn ask_again(&mut self) {
        for job in 0..self.jobs.len() {
            if self.jobs[job].asked == Asked::Open {
                self.ask_for_job(job, u64::MAX).await;
            }
        }
        for chosen in 0..self.purchases.len() {
            if self.purchases[chosen].by_hand == Asked::Open {
                self.ask_to_mark(chosen, u64::MAX).await;
            }
        }
    }

    /// Everything arrives, in any order, some of it twice, until all is taken.
    async fn deliver_all(&mut self) -> Result<(), String> {
        for _ in 0..3 {
            self.on_the_way.extend(self.scene.till.take_deliveries());
            while let Some(place) = self.lot.place(self.on_the_way.len()) {
                let kept = self.scene.till.sign_again(&self.on_the_way.swap_remove(place));
                for _ in 0..=self.lot.below(2) {
                    let reply = send(&self.scene, &kept).await;
                    if reply.status != 204 {
                        return Err(format!("{} is not taken: {}", kept.kind, reply.text()));
                    }
                }
            }
        }
        Ok(())
    }

    pub(super) fn note(&mut self, what: std::fmt::Arguments<'_>) {
        writeln!(self.told, "{what}").expect("a text takes all that is written");
    }
}

async fn send(scene: &Scene, kept: &Kept) -> Reply {
    let call = scene.world.call("POST", WEBHOOK).header("stripe-signature", &kept.signature);
    call.raw(std::str::from_utf8(&kept.body).expect("JSON is text")).await
}

async fn back(scene: &Scene, page: &str) -> Reply {
    let path = format!("/v1/payments/stripe/studiotwin/return?session={page}");
    scene.world.call("GET", &path).empty().await
}

/// The status of an answer; 0: its handler died.
fn status(reply: Option<&Reply>) -> u16 {
    reply.map_or(0, |reply| reply.status)
}

pub(super) fn came_to(steps: u64, reply: Option<&Reply>) -> String {
    match reply {
        Some(reply) => format!("answered {}", reply.status),
        None => format!("its handler dies after {steps} steps"),
    }
}
