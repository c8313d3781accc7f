//! Scenarios: a few readable lines, and beneath each what it did.
//!
//! Lines that begin with `-` are what is expected of the line above: an entry each, or a refusal.
//! An entry reads `kind lot +remaining [held] = remaining/available after it`; `owes` is its debt. Entries that fell due
//! at another time than the present are preceded by it.

use scrip_core::account::Account;
use scrip_core::amount::Credits;
use scrip_core::catalog::Price;
use scrip_core::command::{
    AfterExpiry, Asker, Cancellation, Command, Cost, Expected, Grant, Opening, OpeningLot, OpeningSubscription,
    OrderItem, PlaceCharge, PlaceHold, PutAccount, PutSubscription, PutTopUp, ReleaseHold, SettleHold, TermPaid, Usage,
};
use scrip_core::due::apply_due;
use scrip_core::entry::{Entry, Event};
use scrip_core::hold::OnExcess;
use scrip_core::id::{
    ChargeId, HoldName, HoldRef, LotId, MeasureId, OrderId, PackageId, PlanId, ProjectTypeId, ProviderRef, ToolId,
};
use scrip_core::lot::{Class, Priority};
use scrip_core::mark::Mark;
use scrip_core::measure::{Decimal, MeasureValue, Measures};
use scrip_core::order::{Dispute, DisputeState, Truth, TruthOfPayment};
use scrip_core::plan::{NextPlan, SubscriptionState};
use scrip_core::rejection::Rejection;
use scrip_core::saved_method::Trouble;
use scrip_core::statement::{self, Period, SubscriptionView};
use scrip_core::time::{Time, Zone};
use scrip_core::top_up::Switch;

use crate::world::{PLANS, World, catalog, published};

/// Runs a scenario on the usual plans and compares all of what it did.
#[track_caller]
pub(crate) fn check(scenario: &str) {
    let world = World::new(published(vec![(Time::EPOCH, catalog(&PLANS))]), Time::EPOCH);
    check_in(world, scenario);
}

/// The same in a world of the caller's.
#[track_caller]
pub(crate) fn check_in(mut world: World, scenario: &str) {
    let mut told = String::new();
    for line in scenario.lines().map(str::trim).filter(|line| !line.is_empty()) {
        if line.starts_with('-') {
            continue;
        }
        told.push_str(line);
        told.push('\n');
        for line in step(&mut world, line) {
            told.push_str(&format!("  - {line}\n"));
        }
    }
    let mut replayed = world.replayed();
    replayed.recalled.clear();
    world.account.recalled.clear();
    assert_eq!(replayed, world.account, "the journal alone leads to the account");
    let wanted: Vec<&str> = scenario.lines().map(str::trim).filter(|line| !line.is_empty()).collect();
    let got: Vec<&str> = told.lines().map(str::trim).collect();
    assert!(wanted == got, "this is what happened:\n{told}");
}

/// One line: a time, or a command and what it did.
fn step(world: &mut World, line: &str) -> Vec<String> {
    let words: Vec<&str> = line.split(' ').collect();
    if let ["at", date, time] = words[..] {
        world.now = format!("{date}T{time}:00Z").parse().unwrap();
        if world.account.seq == 0 {
            return open(world, Zone::utc());
        }
        return Vec::new();
    }
    // The same without opening the account.
    if let ["on", date, time] = words[..] {
        world.now = format!("{date}T{time}:00Z").parse().unwrap();
        return Vec::new();
    }
    if let ["open", "in", zone] = words[..] {
        return open(world, Zone::parse(zone).unwrap());
    }
    if let Some(told) = show(world, &words) {
        return told;
    }
    if words == ["look"] {
        world.look();
        return Vec::new();
    }
    let asked = match &words[..] {
        ["seen", words @ ..] => marked(command(words), world.looked_at),
        words => command(words),
    };
    let before = world.entries.len();
    let outcome = world.submit(&asked);
    let mut told: Vec<String> = world.entries[before..].iter().map(|entry| tell(entry, world.now)).collect();
    if let Err(rejection) = outcome {
        told.push(refusal(&rejection));
    }
    told
}

/// Opens the account without telling so.
fn open(world: &mut World, zone: Zone) -> Vec<String> {
    world.submit(&Command::PutAccount(PutAccount { zone: Some(zone), ..PutAccount::default() })).unwrap();
    Vec::new()
}

/// The command that a line's words say.
pub(crate) fn command(words: &[&str]) -> Command {
    match words {
        ["touch"] => Command::Touch,
        ["cancel"] => Command::CancelSubscription(Cancellation::default()),
        ["erase"] => Command::EraseAccount { reason: None },
        ["subscribe", plan] => subscribe(Some(plan), None, None),
        ["subscribe", plan, "from", anchor] => subscribe(Some(plan), Some(anchor), None),
        ["subscribe", plan, state] => subscribe(Some(plan), None, Some(state)),
        ["choose", plan] => Command::PutSubscription(PutSubscription {
            plan: Some(PlanId::parse(plan).unwrap()),
            asker: Asker::Customer,
            ..PutSubscription::default()
        }),
        ["set", state] => subscribe(None, None, Some(state)),
        ["anchor", anchor] => subscribe(None, Some(anchor), None),
        ["live", "in", zone] => {
            Command::PutAccount(PutAccount { zone: Some(Zone::parse(zone).unwrap()), ..PutAccount::default() })
        }
        ["arrive", rest @ ..] => Command::OpenAccount(Box::new(arrival(rest))),
        ["grant", credits, rest @ ..] => Command::Grant(grant(credits, rest)),
        ["hold", credits, "for", name] => hold(credits, name, None),
        ["hold", credits, "for", name, seconds] => hold(credits, name, Some(seconds)),
        ["extend", name, seconds] => {
            Command::ExtendHold { hold: hold_ref(name), expires_in: seconds.trim_end_matches('s').parse().unwrap() }
        }
        ["release", name] => release(name, AfterExpiry::Expire),
        ["release", name, "make_good"] => release(name, AfterExpiry::MakeGood),
        ["settle", name] => settle(name, Usage::Held, None),
        ["settle", name, credits] => settle(name, Usage::Credits(amount(credits)), None),
        ["settle", name, credits, policy] => {
            settle(name, Usage::Credits(amount(credits)), Some(OnExcess::from_word(policy).unwrap()))
        }
        ["charge", credits] => Command::Charge(PlaceCharge {
            cost: Cost::Credits(amount(credits)),
            reference: None,
            member: None,
            expected: Expected::default(),
        }),
        ["run", tool, seconds, rest @ ..] => Command::Charge(PlaceCharge {
            cost: job(tool, seconds),
            reference: Some("job".into()),
            member: None,
            expected: expected(rest),
        }),
        ["start", tool, seconds, "for", name, rest @ ..] => Command::PlaceHold(PlaceHold {
            cost: job(tool, seconds),
            name: Some(HoldName::parse(name).unwrap()),
            reference: Some("job".into()),
            member: Some("ada".into()),
            expires_in: None,
            expected: expected(rest),
        }),
        ["finish", name, seconds] => settle(name, Usage::Measures(measures(seconds)), None),
        ["enable", types] => Command::PutAccount(PutAccount {
            project_types: Some(types.split(',').map(|name| ProjectTypeId::parse(name).unwrap()).collect()),
            ..PutAccount::default()
        }),
        ["refund", charge] => refund(charge, None),
        ["refund", charge, credits] => refund(charge, Some(amount(credits))),
        ["revoke", lot] => revoke(lot, None),
        ["revoke", lot, credits] => revoke(lot, Some(amount(credits))),
        ["forgive"] => Command::WriteOffDebt { credits: None, reason: "why".into() },
        ["forgive", credits] => Command::WriteOffDebt { credits: Some(amount(credits)), reason: "why".into() },
        ["order", package] => order(OrderItem::Package(PackageId::parse(package).unwrap())),
        ["buy", plan] => order(OrderItem::Plan(PlanId::parse(plan).unwrap())),
        ["top", "up", settings @ ..] => Command::PutTopUp(top_up(settings)),
        ["sent", order, reference] => Command::SendOrder { order: order_id(order), reference: provider_ref(reference) },
        ["mark", order, reference] => Command::MarkOrderPaid { order: order_id(order), reference: (*reference).into() },
        ["mark", order] => Command::MarkOrderPaid { order: order_id(order), reference: " ".into() },
        ["billing", order] => Command::BeginBilling { order: order_id(order) },
        ["billing", "of", order, "over"] => Command::EndBilling { order: order_id(order) },
        ["invoice", id, "of", order, "for", months, "months"] => Command::PayTerm(TermPaid {
            order: order_id(order),
            months: months.parse().unwrap(),
            price: Price { amount: 900, currency: "EUR".into() },
            references: vec![provider_ref(id)],
        }),
        ["saved", order] => Command::SaveMethod { order: order_id(order) },
        ["refused", order, trouble] => {
            Command::RefuseMethod { order: order_id(order), trouble: Trouble::from_word(trouble).expect("a trouble") }
        }
        ["truth", order, payment, rest @ ..] => {
            Command::FulfilOrder { order: order_id(order), truth: truth(payment, rest) }
        }
        _ => panic!("no such line: {words:?}"),
    }
}

/// `with PACKAGE`, `below N`, `to N`, `daily N|any`, `monthly N|any`, `be on|off`, in any order.
fn top_up(settings: &[&str]) -> PutTopUp {
    let mut put = PutTopUp::default();
    for pair in settings.chunks(2) {
        let [what, value] = pair else { panic!("settings in pairs: {settings:?}") };
        match *what {
            "with" => put.package = Some(PackageId::parse(value).unwrap()),
            "below" => put.below = Some(amount(value)),
            "to" => put.up_to = Some(amount(value)),
            "daily" => put.per_day = Some(value.parse().ok()),
            "monthly" => put.per_month = Some(value.parse().ok()),
            "be" => put.switch = Some(if *value == "on" { Switch::On } else { Switch::Off }),
            _ => panic!("no such setting: {what}"),
        }
    }
    put
}

fn order(item: OrderItem) -> Command {
    Command::PlaceOrder { item, mark: None }
}

/// The same, hanging on what was looked at.
fn marked(command: Command, mark: Option<Mark>) -> Command {
    match command {
        Command::PutSubscription(put) => Command::PutSubscription(PutSubscription { mark, ..put }),
        Command::CancelSubscription(cancel) => Command::CancelSubscription(Cancellation { mark, ..cancel }),
        Command::PlaceOrder { item, .. } => Command::PlaceOrder { item, mark },
        other => panic!("nothing hangs on a mark: {other:?}"),
    }
}

fn order_id(text: &str) -> OrderId {
    OrderId::parse(text).unwrap()
}

fn provider_ref(text: &str) -> ProviderRef {
    ProviderRef::parse(text).unwrap()
}

/// `pending`, `processing`, `failed`, `expired` or `100EUR`; then `refunded N`, `failing N`, `asked|open|won|lost N` for each
/// dispute, `as ID`, and `begins billing`, in any order.
fn truth(payment: &str, rest: &[&str]) -> Truth {
    let payment = match payment {
        "pending" => TruthOfPayment::Pending,
        "processing" => TruthOfPayment::Processing,
        "failed" => TruthOfPayment::Failed,
        "expired" => TruthOfPayment::Expired,
        paid => {
            let (amount, currency) = paid.split_at(paid.len() - 3);
            TruthOfPayment::Paid(Price { amount: amount.parse().unwrap(), currency: currency.into() })
        }
    };
    let mut truth = Truth {
        payment,
        refunded: 0,
        refunds_failed: 0,
        disputes: Vec::new(),
        references: Vec::new(),
        begins_billing: false,
    };
    for pair in rest.chunks(2) {
        let [what, value] = pair else { panic!("a truth in pairs: {rest:?}") };
        let disputed = |state| Dispute { state, amount: value.parse().unwrap() };
        match *what {
            "refunded" => truth.refunded = value.parse().unwrap(),
            "failing" => truth.refunds_failed = value.parse().unwrap(),
            "asked" => truth.disputes.push(disputed(DisputeState::Inquiry)),
            "open" => truth.disputes.push(disputed(DisputeState::Open)),
            "won" => truth.disputes.push(disputed(DisputeState::Won)),
            "lost" => truth.disputes.push(disputed(DisputeState::Lost)),
            "as" => truth.references.push(provider_ref(value)),
            "begins" => truth.begins_billing = *value == "billing",
            _ => panic!("no such truth: {what}"),
        }
    }
    truth
}

/// A tool that runs for so many seconds; `10x` for ten of something that it does not know.
fn job(tool: &str, seconds: &str) -> Cost {
    Cost::Tool { tool: ToolId::parse(tool).unwrap(), measures: measures(seconds) }
}

fn measures(text: &str) -> Measures {
    let (name, number) = text.strip_suffix('x').map_or(("seconds", text), |number| ("sheep", number));
    let mut measures = Measures::none();
    assert!(measures.insert(MeasureId::parse(name).unwrap(), MeasureValue::Number(Decimal::parse(number).unwrap())));
    measures
}

/// `version N`, `expecting CREDITS`, or both.
fn expected(words: &[&str]) -> Expected {
    match words {
        [] => Expected::default(),
        ["version", version, rest @ ..] => {
            Expected { catalog_version: Some(version.parse().unwrap()), ..expected(rest) }
        }
        ["expecting", credits] => Expected { credits: Some(amount(credits)), catalog_version: None },
        _ => panic!("no such expectation: {words:?}"),
    }
}

fn amount(text: &str) -> Credits {
    text.parse().unwrap()
}

fn date(text: &str) -> Time {
    let text = if text.len() == 10 { format!("{text}T00:00:00Z") } else { text.replace('_', "T") + ":00Z" };
    text.parse().unwrap()
}

fn hold_ref(text: &str) -> HoldRef {
    HoldRef::parse(text).unwrap()
}

fn subscribe(plan: Option<&str>, anchor: Option<&str>, state: Option<&str>) -> Command {
    Command::PutSubscription(PutSubscription {
        plan: plan.map(|plan| PlanId::parse(plan).unwrap()),
        anchor: anchor.map(date),
        state: state.map(|state| SubscriptionState::from_word(state).unwrap()),
        ..PutSubscription::default()
    })
}

/// What a preview looks at: a plan, or cancelling.
fn previewed(words: &[&str]) -> Command {
    match words {
        ["cancel"] => Command::CancelSubscription(Cancellation::default()),
        [plan] => subscribe(Some(plan), None, None),
        _ => panic!("preview {words:?}"),
    }
}

/// `in ZONE, PLAN STATE from ANCHOR left CREDITS on DATE, 5 of 10 promo until DATE, …`: each part may be missing.
fn arrival(words: &[&str]) -> Opening {
    let mut opening = Opening { settings: PutAccount::default(), subscription: None, lots: Vec::new() };
    let said = words.join(" ");
    for part in said.split(", ").filter(|part| !part.is_empty()) {
        let part: Vec<&str> = part.split(' ').collect();
        match part[..] {
            ["in", zone] => opening.settings.zone = Some(Zone::parse(zone).unwrap()),
            [credits, "of", granted, ref rest @ ..] => {
                opening.lots.push(OpeningLot { grant: grant(credits, rest), granted: amount(granted) });
            }
            [plan, state, "from", anchor, ref left @ ..] => {
                let (remaining, as_of) = match *left {
                    [] => (None, None),
                    ["left", credits] => (Some(amount(credits)), None),
                    ["left", credits, "on", as_of] => (Some(amount(credits)), Some(date(as_of))),
                    _ => panic!("no such part: {part:?}"),
                };
                opening.subscription = Some(OpeningSubscription {
                    plan: PlanId::parse(plan).unwrap(),
                    anchor: date(anchor),
                    state: SubscriptionState::from_word(state).unwrap(),
                    remaining,
                    as_of,
                });
            }
            _ => panic!("no such part: {part:?}"),
        }
    }
    opening
}

/// `grant 10 promo`, then `until DATE` or `priority N`, in this order.
fn grant(credits: &str, rest: &[&str]) -> Grant {
    let (class, rest) = rest.split_first().unwrap();
    let (expires_at, priority) = match rest {
        [] => (None, None),
        ["until", until] => (Some(date(until)), None),
        ["priority", priority] => (None, Some(Priority(priority.parse().unwrap()))),
        _ => panic!("no such grant: {rest:?}"),
    };
    Grant {
        credits: amount(credits),
        class: Class::from_word(class).unwrap(),
        expires_at,
        priority,
        reason: "why".into(),
    }
}

fn hold(credits: &str, name: &str, seconds: Option<&str>) -> Command {
    Command::PlaceHold(PlaceHold {
        cost: Cost::Credits(amount(credits)),
        name: Some(HoldName::parse(name).unwrap()),
        reference: None,
        member: None,
        expires_in: seconds.map(|seconds| seconds.trim_end_matches('s').parse().unwrap()),
        expected: Expected::default(),
    })
}

fn release(name: &str, after_expiry: AfterExpiry) -> Command {
    Command::ReleaseHold(ReleaseHold { hold: hold_ref(name), reason: None, after_expiry })
}

fn settle(name: &str, usage: Usage, on_excess: Option<OnExcess>) -> Command {
    Command::SettleHold(SettleHold { hold: hold_ref(name), usage, on_excess })
}

fn refund(charge: &str, credits: Option<Credits>) -> Command {
    Command::Refund { charge: ChargeId::parse(charge).unwrap(), credits, reason: "why".into() }
}

fn revoke(lot: &str, credits: Option<Credits>) -> Command {
    Command::RevokeLot { lot: LotId::parse(lot).unwrap(), credits, reason: "why".into() }
}

/// An entry in one line.
fn tell(entry: &Entry, now: Time) -> String {
    let mut line = String::new();
    if entry.at != now {
        line += &format!("{}: ", short(entry.at));
    }
    line += entry.event.kind().word();
    line += &match &entry.event {
        Event::SubscriptionChanged { change, .. } => format!(" {change:?}"),
        Event::HoldPlaced { hold } => format!(" until {}", short(hold.expires_at)),
        Event::HoldExtended { expires_at, .. } => format!(" until {}", short(*expires_at)),
        Event::HoldSettled(settled) => {
            let late = if settled.late { " late" } else { "" };
            format!(" charge_{}{late}", entry.seq)
        }
        Event::Charged { .. } => format!(" charge_{}", entry.seq),
        Event::WentUncollected { credits, .. } => format!(" {credits}"),
        Event::OrderChanged { change, order } => format!(" {change:?} {}", order.id),
        Event::OrderPaid { order, .. } | Event::LotsFrozen { order } | Event::LotsUnfrozen { order } => {
            format!(" {} {}", order.id, order.state().word())
        }
        Event::AutomaticTopUpChanged { change, top_up } => {
            let waits = top_up.waits_until.filter(|until| *until < Time::MAX);
            let waits = waits.map_or(String::new(), |until| format!(" until {}", short(until)));
            format!(" {}{waits}", change.word())
        }
        Event::BillingChanged { billing } => billing.map_or(" ended".to_owned(), |order| format!(" began {order}")),
        Event::SavedMethodChanged { method } => format!(" {} {}", method.order, method.word()),
        Event::GivenBack { order, .. } => format!(" {} {}", order.id, order.state().word()),
        Event::ClawedBack { order, uncollected } if uncollected.is_zero() => {
            format!(" {} {}", order.id, order.state().word())
        }
        Event::ClawedBack { order, uncollected } => {
            format!(" {} {} uncollected {uncollected}", order.id, order.state().word())
        }
        Event::AccountOpened { .. }
        | Event::AccountChanged { .. }
        | Event::Refilled { .. }
        | Event::RolledOver
        | Event::LotExpired
        | Event::HoldReleased { .. }
        | Event::HoldExpired { .. }
        | Event::Refunded(_)
        | Event::Granted
        | Event::Revoked { .. }
        | Event::DebtRecorded { .. }
        | Event::DebtRepaid
        | Event::AccountErased
        | Event::Acted { .. } => String::new(),
    };
    for change in &entry.lots {
        line += &format!(" {}", change.lot);
        if !change.remaining.is_zero() {
            line += &format!(" {}", signed(change.remaining));
        }
        if !change.held.is_zero() {
            line += &format!(" [{}]", signed(change.held));
        }
        if !change.frozen.is_zero() {
            line += &format!(" <{}>", signed(change.frozen));
        }
    }
    if !entry.debt.is_zero() {
        line += &format!(" owes {}", signed(entry.debt));
    }
    line + &format!(" = {}/{}", entry.after.remaining, entry.after.available())
}

/// What a line that only looks shows; `None` for a line that asks something of the account.
fn show(world: &World, words: &[&str]) -> Option<Vec<String>> {
    let (mut account, now) = (world.account.clone(), world.now);
    if matches!(words, ["lots"]) {
        return Some(lots(&account));
    }
    // A read shows what is due without writing it (R16).
    apply_due(&mut account, &world.catalogs, now, [0; 16]);
    let told = match words {
        ["balance"] => balance(&account, world, None),
        ["balance", tool] => balance(&account, world, Some(tool)),
        ["quote", tool, seconds] => quote(&account, world, tool, seconds),
        ["plan"] => {
            statement::subscription(&account, &world.catalogs, now).map_or("none".to_owned(), |plan| view(&plan))
        }
        ["preview", rest @ ..] => match statement::preview(&account, &world.catalogs, &previewed(rest), now) {
            Ok(preview) => format!(
                "from {} grants {} of {}, then {}; {}",
                short(preview.effective_at),
                preview.grants,
                preview.allowance,
                preview.totals.remaining,
                preview.subscription.map_or("none".to_owned(), |plan| view(&plan)),
            ),
            Err(rejection) => refusal(&rejection),
        },
        ["preview-paid", plan] => {
            let preview = statement::preview(&account, &world.catalogs, &previewed(&[plan]), now).unwrap();
            preview.when_paid.map_or("not for sale".to_owned(), |paid| {
                let stands = paid.subscription.map_or("none".to_owned(), |plan| view(&plan));
                format!("grants {}, then {}; {stands}", paid.grants, paid.totals.remaining)
            })
        }
        _ => return None,
    };
    Some(vec![told])
}

fn balance(account: &Account, world: &World, tool: Option<&str>) -> String {
    match statement::balance(account, &world.catalogs, tool, world.now) {
        Ok(balance) => {
            let mut told = format!("{}/{}", balance.totals.remaining, balance.totals.available());
            if !balance.totals.debt.is_zero() {
                told += &format!(" owes {}", balance.totals.debt);
            }
            told += &format!(", resets {}", balance.resets_at.map_or("never".to_owned(), short));
            for tool in &balance.left {
                let limit = if tool.left.at_limit { " at limit" } else { "" };
                told += &format!("; {} {} {}{limit}", tool.name, tool.left.quantity, tool.left.unit);
            }
            told
        }
        Err(rejection) => refusal(&rejection),
    }
}

fn quote(account: &Account, world: &World, tool: &str, seconds: &str) -> String {
    let catalog = &world.catalogs.in_force(account.studio, world.now).unwrap().catalog;
    let tool = catalog.tool(tool).unwrap();
    let credits = tool.rate.price(&measures(seconds)).unwrap();
    let quote = statement::account_quote(account, &world.catalogs, tool, credits, world.now);
    let from: Vec<_> = quote.from.iter().map(|part| format!("{} {}", part.lot, part.credits)).collect();
    format!(
        "{credits}: enabled {}, affordable {}, short by {}, from [{}], packages {:?}",
        quote.enabled,
        quote.affordable,
        quote.short_by,
        from.join(", "),
        quote.packages
    )
}

fn view(view: &SubscriptionView) -> String {
    let next = match &view.next {
        None => String::new(),
        Some(NextPlan::Change(terms)) => format!(", next {}", terms.plan),
        Some(NextPlan::Cancel) => ", ends".to_owned(),
    };
    let period = |period: Period| format!("{} to {}", short(period.start), short(period.end));
    format!(
        "{} {} {}, term {}, cycle {}{next}",
        view.plan,
        view.allowance,
        view.state.word(),
        period(view.term),
        period(view.cycle)
    )
}

/// The lots that are left, in spend order.
fn lots(account: &Account) -> Vec<String> {
    let lot = |lot: &scrip_core::lot::Lot| {
        let until = lot.expires_at.map_or("never".to_owned(), short);
        format!("{} {} {} of {} until {until}", lot.id, lot.class.word(), lot.remaining, lot.granted)
    };
    account.lots.iter().map(lot).collect()
}

/// A refusal in one line.
fn refusal(rejection: &Rejection) -> String {
    match rejection {
        Rejection::InsufficientCredits(shortage) => format!(
            "refused: {} of {}, short by {}, packages {:?}, resets {}",
            shortage.available,
            shortage.required,
            shortage.short_by,
            shortage.packages,
            shortage.resets_at.map_or("never".to_owned(), short),
        ),
        Rejection::DebtOutstanding { debt, shortage } => {
            format!("refused: owes {debt}, short by {}", shortage.short_by)
        }
        Rejection::SubscriptionOvertaken => "refused: overtaken".to_owned(),
        Rejection::AnchorFixed { anchor } => format!("refused: anchor fixed at {}", short(*anchor)),
        Rejection::HoldNotOpen { state } => format!("refused: hold {}", state.word()),
        Rejection::RefundExceedsCharge { refundable } => format!("refused: refundable {refundable}"),
        Rejection::PriceChanged { credits, catalog_version } => {
            format!("refused: price is {credits} at version {catalog_version}")
        }
        Rejection::UnknownTool { tool } => format!("refused: no tool {tool}"),
        Rejection::InvalidMeasure { measure, .. } => format!("refused: measure {measure}"),
        Rejection::InvalidRequest { field, .. } => format!("refused: invalid {field}"),
        Rejection::PackageNotAvailable { why } => format!("refused: {}", why.word()),
        Rejection::OrderNotPending { state } => format!("refused: order {}", state.word()),
        Rejection::PaymentMismatch { expected, paid } => format!("refused: {paid} for {expected}"),
        other => format!("refused: {other:?}"),
    }
}

fn signed(credits: Credits) -> String {
    if credits.is_positive() { format!("+{credits}") } else { credits.to_string() }
}

/// `02-28 10:00` in 2026, else with its year.
fn short(time: Time) -> String {
    let text = time.to_string();
    let text = text.strip_suffix(":00Z").unwrap_or(&text).replace('T', " ");
    text.strip_prefix("2026-").map_or(text.clone(), str::to_owned)
}
