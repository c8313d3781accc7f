//! The calls of the API: parameters in, an object out. It knows no HTTP beyond method and path.

use serde_json::{Value, json};

use crate::book::{Book, Shelf};
use crate::error::ApiError;
use crate::methods;
use crate::object::{
    AtPeriodEnd, ChargeStatus, Customer, Dispute, DisputeStatus, Endpoint, IntentStatus, Interval, InvoiceStatus, Keep,
    Mode, Object, Origin, PaymentStatus, Product, Refund, RefundStatus, Session, SessionStatus, SubscriptionStatus,
};
use crate::params::Params;
use crate::paying::{NewIntent, Owner, Tried};

/// An answer of the API.
pub(crate) type Answer = Result<Value, ApiError>;

/// A request, without its headers.
pub(crate) struct Asked<'a> {
    pub(crate) method: &'a str,
    pub(crate) path: &'a str,
    pub(crate) params: Params,
}

/// Carries out one call.
pub(crate) fn carry_out(book: &mut Book, asked: Asked<'_>) -> Answer {
    let Asked { method, path, mut params } = asked;
    let expand = params.list("expand")?;
    let parts: Vec<&str> = path.trim_matches('/').split('/').collect();
    let mut shown = match (method, parts.as_slice()) {
        ("POST", ["v1", "customers"]) => create_customer(book, params),
        ("POST", ["v1", "products"]) => create_product(book, params),
        ("GET", ["v1", "customers", id]) => one(&book.customers, id, params),
        ("DELETE", ["v1", "customers", id]) => delete_customer(book, id, params),
        ("GET", ["v1", "payment_methods", id]) => one(&book.methods, id, params),
        ("POST", ["v1", "payment_methods", id, "detach"]) => detach_method(book, id, params),
        ("POST", ["v1", "checkout", "sessions"]) => create_session(book, params),
        ("GET", ["v1", "checkout", "sessions"]) => sessions(book, path, params),
        ("GET", ["v1", "checkout", "sessions", id]) => one(&book.sessions, id, params),
        ("POST", ["v1", "checkout", "sessions", id, "expire"]) => expire_session(book, id, params),
        ("POST", ["v1", "payment_intents"]) => create_payment(book, params),
        ("GET", ["v1", "payment_intents"]) => payments(book, path, params),
        ("GET", ["v1", "payment_intents", id]) => one(&book.payments, id, params),
        ("POST", ["v1", "payment_intents", id, "cancel"]) => cancel_payment(book, id, params),
        ("GET", ["v1", "setup_intents", id]) => one(&book.setups, id, params),
        ("GET", ["v1", "charges"]) => charges(book, path, params),
        ("GET", ["v1", "charges", id]) => one(&book.charges, id, params),
        ("POST", ["v1", "refunds"]) => create_refund(book, params),
        ("GET", ["v1", "refunds"]) => refunds(book, path, params),
        ("GET", ["v1", "refunds", id]) => one(&book.refunds, id, params),
        ("GET", ["v1", "disputes"]) => disputes(book, path, params),
        ("GET", ["v1", "disputes", id]) => one(&book.disputes, id, params),
        ("POST", ["v1", "disputes", id, "close"]) => close_dispute(book, id, params),
        ("GET", ["v1", "subscriptions", id]) => one(&book.subscriptions, id, params),
        ("POST", ["v1", "subscriptions", id]) => update_subscription(book, id, params),
        ("DELETE", ["v1", "subscriptions", id]) => cancel_subscription(book, id, params),
        ("GET", ["v1", "invoices"]) => invoices(book, path, params),
        ("GET", ["v1", "invoices", id]) => one(&book.invoices, id, params),
        ("GET", ["v1", "invoice_payments"]) => invoice_payments(book, params),
        ("GET", ["v1", "events"]) => events(book, path, params),
        ("GET", ["v1", "events", id]) => one(&book.events, id, params),
        ("POST", ["v1", "webhook_endpoints"]) => create_endpoint(book, params),
        ("GET", ["v1", "webhook_endpoints"]) => list(&book.endpoints, path, params, |_| true),
        ("DELETE", ["v1", "webhook_endpoints", id]) => delete_endpoint(book, id, params),
        (_, _) => Err(ApiError::no_such_address(method, path)),
    }?;
    book.expand(&mut shown, &expand)?;
    Ok(shown)
}

fn one<T: Object>(shelf: &Shelf<T>, id: &str, params: Params) -> Answer {
    params.finish()?;
    Ok(shelf.find(id, "id")?.shown())
}

/// A page of a list, newest first: `limit`, `starting_after`, `ending_before`, `created[gte]` and its like.
fn list<T: Object>(shelf: &Shelf<T>, url: &str, mut params: Params, fits: impl Fn(&T) -> bool) -> Answer {
    let limit = params.number("limit")?.unwrap_or(10);
    let limit = usize::try_from(limit).ok().filter(|limit| (1..=100).contains(limit));
    let limit = limit.ok_or_else(|| ApiError::parameter("limit", "an integer from 1 to 100"))?;
    let after = params.text("starting_after")?;
    let before = params.text("ending_before")?;
    let mut bounds = [None; 4];
    if let Some(mut created) = params.level("created")? {
        for (bound, name) in bounds.iter_mut().zip(["gt", "gte", "lt", "lte"]) {
            *bound = created.number(name)?;
        }
        created.finish()?;
    }
    params.finish()?;
    let [gt, gte, lt, lte] = bounds;
    let in_time = |at: i64| {
        gt.is_none_or(|bound| at > bound)
            && gte.is_none_or(|bound| at >= bound)
            && lt.is_none_or(|bound| at < bound)
            && lte.is_none_or(|bound| at <= bound)
    };
    for (id, name) in [(&after, "starting_after"), (&before, "ending_before")] {
        if let Some(id) = id {
            shelf.find(id, name)?;
        }
    }
    let newest_first = shelf.all().iter().rev().filter(|thing| in_time(thing.created()) && fits(thing));
    let mut found: Vec<&T> = match (&after, &before) {
        (Some(after), _) => newest_first.skip_while(|thing| thing.id() != after).skip(1).collect(),
        (None, Some(before)) => {
            let newer: Vec<&T> = newest_first.take_while(|thing| thing.id() != before).collect();
            newer[newer.len().saturating_sub(limit)..].to_vec()
        }
        (None, None) => newest_first.collect(),
    };
    let has_more = found.len() > limit;
    found.truncate(limit);
    let data: Vec<Value> = found.into_iter().map(Object::shown).collect();
    Ok(json!({"object": "list", "url": url, "has_more": has_more, "data": data}))
}

fn create_customer(book: &mut Book, mut params: Params) -> Answer {
    let (name, email) = (params.text("name")?, params.text("email")?);
    let metadata = params.texts("metadata")?;
    params.finish()?;
    let customer = Customer { id: book.id("cus_"), created: book.now, name, email, metadata };
    let shown = customer.shown();
    book.customers.add(customer);
    Ok(shown)
}

/// Forgets a customer.
fn delete_customer(book: &mut Book, id: &str, params: Params) -> Answer {
    params.finish()?;
    book.customers.find(id, "customer")?;
    book.delete_customer(id);
    Ok(json!({"id": id, "object": "customer", "deleted": true}))
}

/// What a page sells.
struct Line {
    amount: i64,
    currency: String,
    item: String,
    interval: Option<Interval>,
}

fn create_session(book: &mut Book, mut params: Params) -> Answer {
    const MODES: &[(&str, Mode)] =
        &[("payment", Mode::Payment), ("setup", Mode::Setup), ("subscription", Mode::Subscription)];
    let mode = params.word("mode", MODES)?.ok_or_else(|| ApiError::missing("mode"))?;
    let line = line(&mut params, mode)?;
    let (metadata_within, keep) = within(&mut params, mode)?;
    let customer = params.text("customer")?;
    if let Some(customer) = &customer {
        book.customers.find(customer, "customer")?;
    }
    let always = params.word("customer_creation", &[("always", true), ("if_required", false)])?.unwrap_or(false);
    let expires_at = params.number("expires_at")?.unwrap_or(book.now + 86_400);
    if !(book.now + 1_800..=book.now + 86_400).contains(&expires_at) {
        return Err(ApiError::parameter("expires_at", "an instant from half an hour to a day ahead"));
    }
    let (success_url, cancel_url) = (params.needed("success_url")?, params.text("cancel_url")?);
    for (url, name) in [(Some(&success_url), "success_url"), (cancel_url.as_ref(), "cancel_url")] {
        if url.is_some_and(|url| !url.starts_with("http://") && !url.starts_with("https://")) {
            return Err(ApiError::parameter(name, "an address with http or https"));
        }
    }
    let (client_reference_id, metadata) = (params.text("client_reference_id")?, params.texts("metadata")?);
    params.finish()?;
    let id = book.id("cs_test_");
    let session = Session {
        url: format!("{}/pay/{id}", book.public_url),
        id,
        created: book.now,
        mode,
        status: SessionStatus::Open,
        payment_status: if mode == Mode::Setup { PaymentStatus::NothingToPay } else { PaymentStatus::Unpaid },
        amount: line.amount,
        currency: Some(line.currency).filter(|currency| !currency.is_empty()),
        item: line.item,
        interval: line.interval,
        client_reference_id,
        metadata,
        metadata_within,
        keep,
        makes_customer: always || mode == Mode::Subscription,
        customer,
        success_url,
        cancel_url,
        expires_at,
        payment_intent: None,
        setup_intent: None,
        subscription: None,
        invoice: None,
    };
    let shown = session.shown();
    book.sessions.add(session);
    Ok(shown)
}

/// The one line of a page. Several are not sold here.
fn line(params: &mut Params, mode: Mode) -> Result<Line, ApiError> {
    if mode == Mode::Setup {
        let currency = params.text("currency")?.map(|code| currency(&code, "currency")).transpose()?;
        let item = "Save a payment method".to_owned();
        return Ok(Line { amount: 0, currency: currency.unwrap_or_default(), item, interval: None });
    }
    let mut lines = params.level("line_items")?.ok_or_else(|| ApiError::missing("line_items"))?;
    let mut line = lines.level("0")?.ok_or_else(|| ApiError::missing("line_items[0]"))?;
    lines.finish()?;
    let quantity = line.number("quantity")?.unwrap_or(1);
    let mut price = line.level("price_data")?.ok_or_else(|| ApiError::missing("line_items[0][price_data]"))?;
    line.finish()?;
    let currency = currency(&price.needed("currency")?, "currency")?;
    let unit = price.number("unit_amount")?.ok_or_else(|| ApiError::missing(&price.path("unit_amount")))?;
    let mut product = price.level("product_data")?.ok_or_else(|| ApiError::missing(&price.path("product_data")))?;
    let item = product.needed("name")?;
    product.finish()?;
    let interval = match price.level("recurring")? {
        None => None,
        Some(mut recurring) => {
            let interval = recurring.word("interval", &[("month", Interval::Month), ("year", Interval::Year)])?;
            recurring.finish()?;
            interval
        }
    };
    price.finish()?;
    if (mode == Mode::Subscription) != interval.is_some() {
        return Err(ApiError::invalid("A recurring price goes with mode=subscription, and only with it."));
    }
    let amount = unit.checked_mul(quantity).filter(|amount| *amount >= 1);
    let amount = amount.ok_or_else(|| ApiError::refused("amount_too_small", "The amount must be at least 1."))?;
    Ok(Line { amount: amount_bounded(amount)?, currency, item, interval })
}

/// The largest amount that the provider takes.
fn amount_bounded(amount: i64) -> Result<i64, ApiError> {
    if (1..=99_999_999).contains(&amount) {
        Ok(amount)
    } else {
        Err(ApiError::refused("amount_too_large", "Amount must be from 1 to 99,999,999."))
    }
}

fn currency(code: &str, param: &str) -> Result<String, ApiError> {
    let three = code.len() == 3 && code.bytes().all(|byte| byte.is_ascii_lowercase());
    if three { Ok(code.to_owned()) } else { Err(ApiError::parameter(param, "three lower-case letters")) }
}

/// What a page's payment, set-up or subscription will carry.
fn within(params: &mut Params, mode: Mode) -> Result<(crate::object::Metadata, Keep), ApiError> {
    let name = match mode {
        Mode::Payment => "payment_intent_data",
        Mode::Setup => "setup_intent_data",
        Mode::Subscription => "subscription_data",
    };
    let Some(mut data) = params.level(name)? else { return Ok((Default::default(), Keep::No)) };
    let metadata = data.texts("metadata")?;
    let keep = match mode {
        Mode::Payment => {
            data.word("setup_future_usage", &[("off_session", Keep::ForLater), ("on_session", Keep::No)])?
        }
        Mode::Setup | Mode::Subscription => None,
    };
    data.finish()?;
    Ok((metadata, keep.unwrap_or(Keep::No)))
}

fn sessions(book: &Book, path: &str, mut params: Params) -> Answer {
    const STATUSES: &[(&str, SessionStatus)] =
        &[("open", SessionStatus::Open), ("complete", SessionStatus::Complete), ("expired", SessionStatus::Expired)];
    let status = params.word("status", STATUSES)?;
    let payment = params.text("payment_intent")?;
    let subscription = params.text("subscription")?;
    list(&book.sessions, path, params, |session| {
        status.is_none_or(|status| session.status == status)
            && (payment.is_none() || session.payment_intent == payment)
            && (subscription.is_none() || session.subscription == subscription)
    })
}

fn expire_session(book: &mut Book, id: &str, params: Params) -> Answer {
    params.finish()?;
    if book.sessions.find(id, "session")?.status != SessionStatus::Open {
        return Err(ApiError::invalid("Only Checkout Sessions with a status of open can be expired."));
    }
    book.expire(id);
    Ok(book.sessions.known(id).shown())
}

/// A payment while its owner is away, tried at once. Others begin at a page.
fn create_payment(book: &mut Book, mut params: Params) -> Answer {
    let amount = amount_bounded(params.number("amount")?.ok_or_else(|| ApiError::missing("amount"))?)?;
    let currency = currency(&params.needed("currency")?, "currency")?;
    let customer = params.text("customer")?;
    let method = params.text("payment_method")?;
    let off_session = params.yes("off_session")?.unwrap_or(false);
    let confirm = params.yes("confirm")?.unwrap_or(false);
    let (description, metadata) = (params.text("description")?, params.texts("metadata")?);
    params.finish()?;
    if let Some(customer) = &customer {
        book.customers.find(customer, "customer")?;
    }
    let method = method.map(|id| method_of(book, &id, customer.as_deref())).transpose()?;
    if confirm && method.is_none() {
        return Err(ApiError::missing("payment_method"));
    }
    let new = NewIntent { amount, currency, customer, description, keep: Keep::No, metadata, origin: Origin::Call };
    let id = book.new_payment(new);
    let method = match (method, confirm) {
        (Some(method), true) => method,
        (method, _) => {
            let intent = book.payments.known_mut(&id);
            intent.status = match &method {
                Some(_) => IntentStatus::RequiresConfirmation,
                None => IntentStatus::RequiresPaymentMethod,
            };
            intent.payment_method = method;
            return Ok(book.payments.known(&id).shown());
        }
    };
    let owner = if off_session { Owner::Away } else { Owner::Present };
    match book.try_payment(&id, &method, owner) {
        Tried::Done | Tried::Authenticate => Ok(book.payments.known(&id).shown()),
        Tried::Refused(refusal) => Err(ApiError::card(refusal, book.payments.known(&id).shown())),
    }
}

/// A saved method of a customer, or a new one by the provider's name for a test card.
fn method_of(book: &mut Book, id: &str, customer: Option<&str>) -> Result<String, ApiError> {
    if let Some(method) = methods::find(id) {
        return Ok(book.keep_method(method, customer.map(str::to_owned)));
    }
    let kept = book.methods.find(id, "payment_method")?;
    if kept.customer.is_none() || kept.customer.as_deref() != customer {
        return Err(ApiError::invalid("The payment method does not belong to the customer."));
    }
    Ok(kept.id.clone())
}

fn payments(book: &Book, path: &str, mut params: Params) -> Answer {
    let customer = params.text("customer")?;
    list(&book.payments, path, params, |payment| customer.is_none() || payment.customer == customer)
}

/// Takes a payment method away from its customer, for good.
fn detach_method(book: &mut Book, id: &str, params: Params) -> Answer {
    params.finish()?;
    if book.methods.find(id, "payment_method")?.customer.is_none() {
        return Err(ApiError::invalid("The payment method is not attached to a customer."));
    }
    book.detach(id);
    Ok(book.methods.known(id).shown())
}

fn cancel_payment(book: &mut Book, id: &str, params: Params) -> Answer {
    params.finish()?;
    match book.payments.find(id, "intent")?.status {
        IntentStatus::Succeeded | IntentStatus::Canceled | IntentStatus::Processing => {
            Err(ApiError::refused("payment_intent_unexpected_state", "This PaymentIntent cannot be canceled."))
        }
        IntentStatus::RequiresPaymentMethod | IntentStatus::RequiresConfirmation | IntentStatus::RequiresAction => {
            book.payments.known_mut(id).status = IntentStatus::Canceled;
            book.tell_of_payment("payment_intent.canceled", id);
            Ok(book.payments.known(id).shown())
        }
    }
}

fn charges(book: &Book, path: &str, mut params: Params) -> Answer {
    let payment = params.text("payment_intent")?;
    list(&book.charges, path, params, |charge| payment.as_ref().is_none_or(|id| charge.payment_intent == *id))
}

fn create_refund(book: &mut Book, mut params: Params) -> Answer {
    const REASONS: &[(&str, &str)] =
        &[("duplicate", "duplicate"), ("fraudulent", "fraudulent"), ("requested_by_customer", "requested_by_customer")];
    let (payment, charge) = (params.text("payment_intent")?, params.text("charge")?);
    let amount = params.number("amount")?;
    let reason = params.word("reason", REASONS)?;
    let metadata = params.texts("metadata")?;
    params.finish()?;
    let charge = match (payment, charge) {
        (Some(payment), None) => {
            let latest = book.payments.find(&payment, "payment_intent")?.latest_charge.clone();
            latest
                .ok_or_else(|| ApiError::invalid("This PaymentIntent does not have a successful charge to refund."))?
        }
        (None, Some(charge)) => book.charges.find(&charge, "charge")?.id.clone(),
        (_, _) => return Err(ApiError::invalid("One of payment_intent and charge must be provided.")),
    };
    let refunded = book.charges.known_mut(&charge);
    if refunded.status != ChargeStatus::Succeeded {
        return Err(ApiError::invalid("This PaymentIntent does not have a successful charge to refund."));
    }
    let of_charge = |dispute: &&Dispute| dispute.charge == charge;
    if book.disputes.all().iter().filter(of_charge).any(|dispute| dispute.status.has_the_money()) {
        return Err(ApiError::refused("charge_disputed", "This charge has been charged back."));
    }
    let left = refunded.amount - refunded.amount_refunded;
    if left == 0 {
        return Err(ApiError::refused("charge_already_refunded", "The charge has already been refunded."));
    }
    let amount = amount.unwrap_or(left);
    if !(1..=left).contains(&amount) {
        let message = format!("Refund amount ({amount}) must be from 1 to what is left ({left}).");
        return Err(ApiError::invalid(&message).about("amount"));
    }
    refunded.amount_refunded += amount;
    let (currency, payment_intent) = (refunded.currency.clone(), refunded.payment_intent.clone());
    let id = book.id("re_");
    let refund = Refund {
        id,
        created: book.now,
        amount,
        currency,
        charge,
        payment_intent,
        reason,
        status: RefundStatus::Succeeded,
        metadata,
    };
    let shown = refund.shown();
    let charge = book.charges.known(&refund.charge).shown();
    book.tell("refund.created", shown.clone());
    book.tell("charge.refunded", charge);
    book.refunds.add(refund);
    Ok(shown)
}

fn refunds(book: &Book, path: &str, mut params: Params) -> Answer {
    let (payment, charge) = (params.text("payment_intent")?, params.text("charge")?);
    list(&book.refunds, path, params, |refund| {
        payment.as_ref().is_none_or(|id| refund.payment_intent == *id)
            && charge.as_ref().is_none_or(|id| refund.charge == *id)
    })
}

fn disputes(book: &Book, path: &str, mut params: Params) -> Answer {
    let (payment, charge) = (params.text("payment_intent")?, params.text("charge")?);
    list(&book.disputes, path, params, |dispute| {
        payment.as_ref().is_none_or(|id| dispute.payment_intent == *id)
            && charge.as_ref().is_none_or(|id| dispute.charge == *id)
    })
}

/// The studio gives in: the dispute is lost.
fn close_dispute(book: &mut Book, id: &str, params: Params) -> Answer {
    params.finish()?;
    if book.disputes.find(id, "dispute")?.status != DisputeStatus::NeedsResponse {
        return Err(ApiError::invalid("This dispute is already closed."));
    }
    book.close_dispute(id, DisputeStatus::Lost);
    Ok(book.disputes.known(id).shown())
}

/// What is bought again and again. Only its name matters here.
fn create_product(book: &mut Book, mut params: Params) -> Answer {
    let (name, metadata) = (params.needed("name")?, params.texts("metadata")?);
    params.finish()?;
    let product = Product { id: book.id("prod_"), created: book.now, name, metadata };
    let shown = product.shown();
    book.products.add(product);
    Ok(shown)
}

/// Another price, from the next period on; another end; other metadata.
fn update_subscription(book: &mut Book, id: &str, mut params: Params) -> Answer {
    let ends = params.yes("cancel_at_period_end")?;
    let metadata = params.texts("metadata")?;
    let proration = params.word("proration_behavior", &[("none", ())])?;
    let items = params.level("items")?;
    params.finish()?;
    if book.subscriptions.find(id, "id")?.status == SubscriptionStatus::Canceled {
        return Err(ApiError::invalid(
            "A canceled subscription can only update its cancellation_details and metadata.",
        ));
    }
    if let Some(items) = items {
        proration.ok_or_else(|| ApiError::parameter("proration_behavior", "none: nothing else is played here"))?;
        let (item, amount) = new_price(book, id, items)?;
        let term = book.subscriptions.known_mut(id);
        (term.item, term.amount) = (item, amount);
    }
    let term = book.subscriptions.known_mut(id);
    for (name, text) in metadata {
        // An empty text takes it away.
        if text.is_empty() {
            term.metadata.remove(&name)
        } else {
            term.metadata.insert(name, text)
        };
    }
    if let Some(ends) = ends {
        term.at_period_end = if ends { AtPeriodEnd::Ends } else { AtPeriodEnd::Renews };
    }
    book.tell_of_subscription("customer.subscription.updated", id);
    Ok(book.subscriptions.known(id).shown())
}

/// The new price of a subscription's one item: what it is for, and how much.
fn new_price(book: &Book, id: &str, mut items: Params) -> Result<(String, i64), ApiError> {
    let mut item = items.level("0")?.ok_or_else(|| ApiError::missing("items[0]"))?;
    items.finish()?;
    let stands = book.subscriptions.known(id);
    if item.needed("id")? != stands.item_id() {
        return Err(ApiError::parameter("items[0][id]", "the subscription's own item"));
    }
    let mut price = item.level("price_data")?.ok_or_else(|| ApiError::missing("items[0][price_data]"))?;
    item.finish()?;
    let product = book.products.find(&price.needed("product")?, "items[0][price_data][product]")?;
    if currency(&price.needed("currency")?, "currency")? != stands.currency {
        return Err(ApiError::invalid("The currency of a subscription cannot be changed."));
    }
    let amount = price.number("unit_amount")?.ok_or_else(|| ApiError::missing(&price.path("unit_amount")))?;
    let mut recurring = price.level("recurring")?.ok_or_else(|| ApiError::missing(&price.path("recurring")))?;
    price.finish()?;
    let interval = recurring.word("interval", &[("month", Interval::Month), ("year", Interval::Year)])?;
    recurring.finish()?;
    if interval != Some(stands.interval) {
        return Err(ApiError::invalid("Another interval would begin a new period at once: that is not played here."));
    }
    Ok((product.name.clone(), amount_bounded(amount)?))
}

fn cancel_subscription(book: &mut Book, id: &str, params: Params) -> Answer {
    params.finish()?;
    if book.subscriptions.find(id, "id")?.status == SubscriptionStatus::Canceled {
        return Err(ApiError::no_such("subscription", id, "id"));
    }
    book.end(id);
    Ok(book.subscriptions.known(id).shown())
}

fn invoices(book: &Book, path: &str, mut params: Params) -> Answer {
    const STATUSES: &[(&str, InvoiceStatus)] = &[
        ("draft", InvoiceStatus::Draft),
        ("open", InvoiceStatus::Open),
        ("paid", InvoiceStatus::Paid),
        ("void", InvoiceStatus::Void),
    ];
    let (subscription, status) = (params.text("subscription")?, params.word("status", STATUSES)?);
    list(&book.invoices, path, params, |invoice| {
        subscription.as_ref().is_none_or(|id| invoice.subscription == *id)
            && status.is_none_or(|status| invoice.status == status)
    })
}

fn invoice_payments(book: &Book, mut params: Params) -> Answer {
    let invoice = params.text("invoice")?.ok_or_else(|| ApiError::missing("invoice"))?;
    params.number("limit")?;
    params.finish()?;
    let data: Vec<Value> = book.invoices.find(&invoice, "invoice")?.payment_shown().into_iter().collect();
    Ok(json!({"object": "list", "url": "/v1/invoice_payments", "has_more": false, "data": data}))
}

fn events(book: &Book, path: &str, mut params: Params) -> Answer {
    let (kind, kinds) = (params.text("type")?, params.list("types")?);
    if kinds.len() > 20 {
        return Err(ApiError::parameter("types", "at most 20 names"));
    }
    list(&book.events, path, params, |event| {
        kind.as_ref().is_none_or(|kind| event.kind == kind)
            && (kinds.is_empty() || kinds.iter().any(|kind| event.kind == kind))
    })
}

/// The secret is shown this once.
fn create_endpoint(book: &mut Book, mut params: Params) -> Answer {
    let url = params.needed("url")?;
    let enabled_events = params.list("enabled_events")?;
    let api_version = params.text("api_version")?.unwrap_or_else(|| crate::API_VERSION.to_owned());
    params.finish()?;
    if !url.starts_with("http://") {
        return Err(ApiError::parameter("url", "an address with http: this test provider delivers in the clear"));
    }
    if enabled_events.is_empty() {
        return Err(ApiError::missing("enabled_events"));
    }
    let (id, secret) = (book.id("we_"), book.id("whsec_"));
    let endpoint = Endpoint { id, created: book.now, url, enabled_events, api_version, secret };
    let mut shown = endpoint.shown();
    shown["secret"] = json!(endpoint.secret);
    book.endpoints.add(endpoint);
    Ok(shown)
}

fn delete_endpoint(book: &mut Book, id: &str, params: Params) -> Answer {
    params.finish()?;
    book.endpoints.find(id, "webhook_endpoint")?;
    book.endpoints.remove(id);
    Ok(json!({"id": id, "object": "webhook_endpoint", "deleted": true}))
}
