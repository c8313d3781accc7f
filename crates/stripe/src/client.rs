//! The calls, and how an answer becomes a value or an error.

use std::sync::Arc;

use hyper::Method;
use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::Value;

use crate::config::Config;
use crate::error::{Error, Outcome, RequestId};
use crate::event::Event;
use crate::form::{Form, segment};
use crate::object::{Charge, Customer, Dispute, Invoice, Page, PaymentIntent, Refund, Session, SetupIntent};
use crate::request::{self, EventQuery, Listed, NewPayment, NewRefund, NewSession, OrderRef, SessionQuery};
use crate::secret::Secret;
use crate::transport::{Call, Lost, Reply, Transport, plain};
use crate::{MoneyError, retry};

/// A client of one studio's account at the provider. Cheap to clone.
#[derive(Clone)]
pub struct Client(Arc<Inner>);

struct Inner {
    config: Config,
    transport: Transport,
}

impl Client {
    /// A client; it connects when it is first used.
    pub fn new(config: Config) -> Client {
        Client(Arc::new(Inner { transport: Transport::new(&config), config }))
    }

    /// The version of the API that it asks for, and that events must have.
    pub fn api_version(&self) -> &str {
        &self.0.config.api_version
    }

    /// Makes a customer for an account, to save a payment method with.
    ///
    /// # Errors
    /// [`Error`].
    pub async fn create_customer(&self, of: &OrderRef, idempotency_key: &str) -> Result<Customer, Error> {
        let mut form = Form::default();
        form.add("metadata[studio]", &of.studio);
        form.add("metadata[account]", &of.account);
        self.post("/v1/customers".to_owned(), form, idempotency_key).await
    }

    /// Makes a hosted payment page. The order is the idempotency key: asked again, the same page.
    ///
    /// # Errors
    /// [`Error`]; a price that the provider cannot express is [`Error::Invalid`].
    pub async fn create_session(&self, new: &NewSession) -> Result<Session, Error> {
        let form = request::session_form(new).map_err(|error| not_expressible(&error))?;
        let key = new.order.key(&request::session_key(new));
        self.post("/v1/checkout/sessions".to_owned(), form, &key).await
    }

    /// A hosted payment page as it stands.
    ///
    /// # Errors
    /// [`Error`].
    pub async fn session(&self, id: &str) -> Result<Session, Error> {
        self.get(format!("/v1/checkout/sessions/{}", segment(id))).await
    }

    /// Ends an open page, so that it can no longer be paid.
    ///
    /// # Errors
    /// [`Error`]; one that is not open any more is [`Error::Invalid`].
    pub async fn expire_session(&self, id: &str) -> Result<Session, Error> {
        let path = format!("/v1/checkout/sessions/{}/expire", segment(id));
        self.post(path, Form::default(), &format!("{id}/expire")).await
    }

    /// Pages, newest first.
    ///
    /// # Errors
    /// [`Error`].
    pub async fn sessions(&self, query: &SessionQuery) -> Result<Page<Session>, Error> {
        self.get(request::session_query(query)).await
    }

    /// Takes money from a saved payment method while its owner is away (automatic top-up).
    ///
    /// # Errors
    /// [`Error::Declined`], [`Error::AuthenticationNeeded`] and the others.
    pub async fn pay_off_session(&self, new: &NewPayment) -> Result<PaymentIntent, Error> {
        let form = request::payment_form(new).map_err(|error| not_expressible(&error))?;
        let key = new.order.key(&format!("{}/payment", new.placed_at));
        self.post("/v1/payment_intents".to_owned(), form, &key).await
    }

    /// A payment as it stands.
    ///
    /// # Errors
    /// [`Error`].
    pub async fn payment_intent(&self, id: &str) -> Result<PaymentIntent, Error> {
        self.get(format!("/v1/payment_intents/{}?expand[]=latest_charge.refunds", segment(id))).await
    }

    /// Gives up a payment that waits for something.
    ///
    /// # Errors
    /// [`Error`].
    pub async fn cancel_payment(&self, id: &str) -> Result<PaymentIntent, Error> {
        let path = format!("/v1/payment_intents/{}/cancel", segment(id));
        self.post(path, Form::default(), &format!("{id}/cancel")).await
    }

    /// A saved payment method's set-up as it stands.
    ///
    /// # Errors
    /// [`Error`].
    pub async fn setup_intent(&self, id: &str) -> Result<SetupIntent, Error> {
        self.get(format!("/v1/setup_intents/{}", segment(id))).await
    }

    /// A charge as it stands.
    ///
    /// # Errors
    /// [`Error`].
    pub async fn charge(&self, id: &str) -> Result<Charge, Error> {
        self.get(format!("/v1/charges/{}", segment(id))).await
    }

    /// Gives money back.
    ///
    /// # Errors
    /// [`Error`]; more than what is left is [`Error::Invalid`].
    pub async fn refund(&self, new: &NewRefund) -> Result<Refund, Error> {
        let form = request::refund_form(new).map_err(|error| not_expressible(&error))?;
        self.post("/v1/refunds".to_owned(), form, &new.idempotency_key).await
    }

    /// A refund as it stands.
    ///
    /// # Errors
    /// [`Error`].
    pub async fn refund_by_id(&self, id: &str) -> Result<Refund, Error> {
        self.get(format!("/v1/refunds/{}", segment(id))).await
    }

    /// The refunds of a payment, newest first.
    ///
    /// # Errors
    /// [`Error`].
    pub async fn refunds_of(&self, payment_intent: &str) -> Result<Page<Refund>, Error> {
        self.get(format!("/v1/refunds?limit=100&payment_intent={}", segment(payment_intent))).await
    }

    /// A dispute as it stands.
    ///
    /// # Errors
    /// [`Error`].
    pub async fn dispute(&self, id: &str) -> Result<Dispute, Error> {
        self.get(format!("/v1/disputes/{}", segment(id))).await
    }

    /// The disputes of a payment, newest first.
    ///
    /// # Errors
    /// [`Error`].
    pub async fn disputes_of(&self, payment_intent: &str) -> Result<Page<Dispute>, Error> {
        self.get(format!("/v1/disputes?limit=100&payment_intent={}", segment(payment_intent))).await
    }

    /// An invoice as it stands.
    ///
    /// # Errors
    /// [`Error`].
    pub async fn invoice(&self, id: &str) -> Result<Invoice, Error> {
        self.get(format!("/v1/invoices/{}", segment(id))).await
    }

    /// What happened of the known kinds, newest first: where deliveries were missed. The provider keeps it for thirty days.
    ///
    /// # Errors
    /// [`Error`]; [`Error::Rubbish`] when one of them cannot be read.
    pub async fn events(&self, query: &EventQuery) -> Result<Listed<Event>, Error> {
        let page: Page<Value> = self.get(request::event_query(query)).await?;
        let last = page.data.last().and_then(|event| event["id"].as_str()).map(str::to_owned);
        let items = page.data.into_iter().map(Event::fetched).collect::<Result<Vec<_>, _>>().map_err(|_| {
            Error::Rubbish { what: "an event that is none", outcome: Outcome::NotDone, request: Default::default() }
        })?;
        Ok(Listed { items, after: last.filter(|_| page.has_more) })
    }

    /// Reads something. Repeating it never harms.
    pub(crate) async fn get<T: DeserializeOwned>(&self, path: String) -> Result<T, Error> {
        self.call(Call { method: Method::GET, path, body: String::new(), idempotency_key: None }).await
    }

    /// Changes something, once for each key.
    pub(crate) async fn post<T: DeserializeOwned>(&self, path: String, form: Form, key: &str) -> Result<T, Error> {
        let idempotency_key = Some(key.to_owned());
        self.call(Call { method: Method::POST, path, body: form.into_text(), idempotency_key }).await
    }

    /// Ends something. Repeating it never harms.
    pub(crate) async fn delete<T: DeserializeOwned>(&self, path: String) -> Result<T, Error> {
        self.call(Call { method: Method::DELETE, path, body: String::new(), idempotency_key: None }).await
    }

    /// Tries until there is an answer that counts, or patience is at its end.
    async fn call<T: DeserializeOwned>(&self, call: Call) -> Result<T, Error> {
        let Inner { config, transport } = &*self.0;
        let mut tried = 0;
        // A try whose outcome is unknown leaves the whole call unknown, whatever the later ones come to.
        let mut doubt = Outcome::NotDone;
        loop {
            tried += 1;
            let (failed, asked) = match transport.send(config, &call).await {
                Ok(reply) if !retry::again(&reply) => return read(&reply, doubt, &config.key),
                Ok(reply) if reply.status.is_server_error() => {
                    (Lost { what: "the provider has a fault", outcome: Outcome::Unknown }, reply.retry_after)
                }
                Ok(reply) => (Lost { what: "the provider is busy", outcome: Outcome::NotDone }, reply.retry_after),
                Err(lost) => (lost, None),
            };
            if failed.outcome == Outcome::Unknown {
                doubt = Outcome::Unknown;
            }
            if tried >= config.patience.tries {
                return Err(Error::Unreachable { what: failed.what, outcome: doubt });
            }
            tokio::time::sleep(retry::wait(&config.patience, tried, asked)).await;
        }
    }
}

/// A final answer as a value.
fn read<T: DeserializeOwned>(reply: &Reply, doubt: Outcome, key: &Secret) -> Result<T, Error> {
    // By way of a tree: objects that are given either by id or whole need a second look.
    let tree = serde_json::from_slice::<Value>(&reply.body);
    let request = || reply.request.clone();
    match tree {
        // Ids and codes of an answer are stored and logged: none of them may be the key.
        Ok(tree) if repeats(&tree, key.expose()) => Err(Error::Rubbish {
            what: "an answer that repeats the key",
            outcome: Outcome::Unknown,
            request: request(),
        }),
        Ok(tree) if reply.status.is_success() => serde_json::from_value(tree).map_err(|_| not_asked_for(request())),
        Ok(tree) => Err(refused(reply, tree, doubt)),
        Err(_) if reply.status.is_success() => Err(not_asked_for(request())),
        Err(_) => Err(refused(reply, Value::Null, doubt)),
    }
}

fn not_asked_for(request: RequestId) -> Error {
    Error::Rubbish { what: "a success without the object asked for", outcome: Outcome::Unknown, request }
}

/// Whether a text anywhere in an answer holds the key.
fn repeats(tree: &Value, key: &str) -> bool {
    match tree {
        Value::String(text) => text.contains(key),
        Value::Array(items) => items.iter().any(|item| repeats(item, key)),
        Value::Object(members) => members.iter().any(|(name, value)| name.contains(key) || repeats(value, key)),
        Value::Null | Value::Bool(_) | Value::Number(_) => false,
    }
}

#[derive(Deserialize)]
struct Refusal {
    error: Detail,
}

#[derive(Deserialize)]
struct Detail {
    r#type: String,
    code: Option<String>,
    decline_code: Option<String>,
    param: Option<String>,
    payment_intent: Option<Named>,
}

#[derive(Deserialize)]
struct Named {
    id: String,
}

/// A refusal as an error. Of its texts only codes and names are kept, and only when they look like such.
fn refused(reply: &Reply, tree: Value, doubt: Outcome) -> Error {
    let request = reply.request.clone();
    let status = reply.status.as_u16();
    if matches!(status, 401 | 403) {
        return Error::KeyRefused { status, request };
    }
    let Ok(Refusal { error }) = serde_json::from_value::<Refusal>(tree) else {
        return Error::Rubbish { what: "a refusal that says nothing", outcome: doubt, request };
    };
    let code = error.code.filter(|code| plain(code));
    let param = error.param.filter(|param| param.len() <= 120 && param.bytes().all(|byte| byte.is_ascii_graphic()));
    let payment_intent = error.payment_intent.map(|named| named.id).filter(|id| plain(id));
    match (error.r#type.as_str(), code.as_deref()) {
        ("card_error", Some("authentication_required")) => Error::AuthenticationNeeded { payment_intent, request },
        ("card_error", _) => Error::Declined {
            code: code.unwrap_or_else(|| "card_error".to_owned()),
            decline_code: error.decline_code.filter(|code| plain(code)),
            payment_intent,
            request,
        },
        ("idempotency_error", _) => Error::IdempotencyKeyReused { request },
        (_, Some("resource_missing")) => Error::Missing { param, request },
        (_, _) if status == 404 => Error::Missing { param, request },
        (_, _) => Error::Invalid { status, code, param, request },
    }
}

/// A price that cannot be asked for.
pub(crate) fn not_expressible(error: &MoneyError) -> Error {
    let code = match error {
        MoneyError::NotACurrency => "not_a_currency",
        MoneyError::NotExpressible { .. } => "amount_not_expressible",
    };
    Error::Invalid {
        status: 0,
        code: Some(code.to_owned()),
        param: Some("amount".to_owned()),
        request: Default::default(),
    }
}
