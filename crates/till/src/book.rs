//! All that the provider keeps, in memory, and the events that changes make. It knows no HTTP.

use std::collections::BTreeMap;

use serde_json::{Value, json};
use sha2::{Digest, Sha256};

use crate::error::ApiError;
use crate::object::{
    Charge, Customer, Dispute, Endpoint, Event, Invoice, Object, PaymentIntent, PaymentMethod, Product, Refund,
    Session, SetupIntent, Subscription,
};

/// Objects of one kind, oldest first.
pub(crate) struct Shelf<T> {
    things: Vec<T>,
    places: BTreeMap<String, usize>,
}

impl<T> Default for Shelf<T> {
    fn default() -> Shelf<T> {
        Shelf { things: Vec::new(), places: BTreeMap::new() }
    }
}

impl<T: Object> Shelf<T> {
    pub(crate) fn add(&mut self, thing: T) {
        self.places.insert(thing.id().to_owned(), self.things.len());
        self.things.push(thing);
    }

    /// The one with an id that a caller gave, in the parameter `param`.
    pub(crate) fn find(&self, id: &str, param: &str) -> Result<&T, ApiError> {
        self.maybe(id).ok_or_else(|| ApiError::no_such(T::NAME, id, param))
    }

    pub(crate) fn maybe(&self, id: &str) -> Option<&T> {
        self.places.get(id).map(|place| &self.things[*place])
    }

    /// One that another object names.
    pub(crate) fn known(&self, id: &str) -> &T {
        self.maybe(id).unwrap_or_else(|| panic!("no {} {id}: objects name only what is there", T::NAME))
    }

    /// The same, to change it.
    pub(crate) fn known_mut(&mut self, id: &str) -> &mut T {
        let place = self.places.get(id).copied();
        place.map(|place| &mut self.things[place]).unwrap_or_else(|| panic!("no {} {id}", T::NAME))
    }

    /// Oldest first.
    pub(crate) fn all(&self) -> &[T] {
        &self.things
    }

    /// Takes one away.
    pub(crate) fn remove(&mut self, id: &str) {
        self.things.retain(|thing| thing.id() != id);
        self.places = self.things.iter().enumerate().map(|(place, thing)| (thing.id().to_owned(), place)).collect();
    }
}

/// A bank debit under way.
pub(crate) struct UnderWay {
    pub(crate) payment_intent: String,
    pub(crate) due: i64,
    pub(crate) end: DebitEnd,
}

/// How a bank debit ends.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum DebitEnd {
    Arrives,
    Fails,
}

/// All that the provider keeps.
pub(crate) struct Book {
    seed: u64,
    made: u64,
    /// The second at which the present change happens.
    pub(crate) now: i64,
    /// Where the hosted pages are.
    pub(crate) public_url: String,
    /// How long a bank debit takes, in seconds.
    pub(crate) debit_wait_s: i64,
    /// How long the invoice of a further period is a draft, in seconds.
    pub(crate) draft_s: i64,
    pub(crate) customers: Shelf<Customer>,
    pub(crate) products: Shelf<Product>,
    pub(crate) methods: Shelf<PaymentMethod>,
    pub(crate) sessions: Shelf<Session>,
    pub(crate) payments: Shelf<PaymentIntent>,
    pub(crate) setups: Shelf<SetupIntent>,
    pub(crate) charges: Shelf<Charge>,
    pub(crate) refunds: Shelf<Refund>,
    pub(crate) disputes: Shelf<Dispute>,
    pub(crate) subscriptions: Shelf<Subscription>,
    pub(crate) invoices: Shelf<Invoice>,
    pub(crate) events: Shelf<Event>,
    pub(crate) endpoints: Shelf<Endpoint>,
    pub(crate) under_way: Vec<UnderWay>,
    /// Events that were not given to the deliveries yet.
    pub(crate) told: Vec<Event>,
}

impl Book {
    pub(crate) fn new(seed: u64, public_url: String, debit_wait_s: i64) -> Book {
        Book {
            seed,
            made: 0,
            now: 0,
            public_url,
            debit_wait_s,
            draft_s: 0,
            customers: Shelf::default(),
            products: Shelf::default(),
            methods: Shelf::default(),
            sessions: Shelf::default(),
            payments: Shelf::default(),
            setups: Shelf::default(),
            charges: Shelf::default(),
            refunds: Shelf::default(),
            disputes: Shelf::default(),
            subscriptions: Shelf::default(),
            invoices: Shelf::default(),
            events: Shelf::default(),
            endpoints: Shelf::default(),
            under_way: Vec::new(),
            told: Vec::new(),
        }
    }

    /// A new id: the same seed gives the same ones in the same order.
    pub(crate) fn id(&mut self, prefix: &str) -> String {
        const LETTERS: &[u8; 32] = b"ABCDEFGHJKMNPQRSTVWXYZabcdefghjk";
        self.made += 1;
        let digest =
            Sha256::new().chain_update(self.seed.to_be_bytes()).chain_update(self.made.to_be_bytes()).finalize();
        let letters = digest.iter().take(24).map(|byte| char::from(LETTERS[usize::from(byte % 32)]));
        prefix.chars().chain(letters).collect()
    }

    /// Says that something happened to an object, which is shown as it now is.
    pub(crate) fn tell(&mut self, kind: &'static str, object: Value) {
        let event = Event { id: self.id("evt_"), created: self.now, kind, object };
        self.told.push(event.clone());
        self.events.add(event);
    }

    /// An object by its id alone, for what is to be shown whole.
    pub(crate) fn any(&self, id: &str) -> Option<Value> {
        fn shown<T: Object>(shelf: &Shelf<T>, id: &str) -> Option<Value> {
            shelf.maybe(id).map(Object::shown)
        }
        shown(&self.payments, id)
            .or_else(|| shown(&self.charges, id))
            .or_else(|| shown(&self.customers, id))
            .or_else(|| shown(&self.methods, id))
            .or_else(|| shown(&self.setups, id))
            .or_else(|| shown(&self.subscriptions, id))
            .or_else(|| shown(&self.invoices, id))
            .or_else(|| shown(&self.sessions, id))
    }

    /// Puts whole objects where a caller asked for them: `latest_charge`, `data.payment_intent.latest_charge`.
    pub(crate) fn expand(&self, shown: &mut Value, paths: &[String]) -> Result<(), ApiError> {
        for path in paths {
            let parts: Vec<&str> = path.split('.').collect();
            if parts.len() > 4 {
                return Err(ApiError::invalid("You cannot expand more than 4 levels of a property"));
            }
            self.expand_one(shown, &parts)
                .map_err(|()| ApiError::parameter("expand", "properties that can be expanded"))?;
        }
        Ok(())
    }

    fn expand_one(&self, shown: &mut Value, parts: &[&str]) -> Result<(), ()> {
        let Some((first, rest)) = parts.split_first() else { return Ok(()) };
        match shown {
            Value::Array(items) => items.iter_mut().try_for_each(|item| self.expand_one(item, parts)),
            Value::Object(fields) => {
                // A charge shows its refunds only to those who ask for them.
                if *first == "refunds" && fields.get("object").is_some_and(|object| object == "charge") {
                    let refunds = self.refunds_of(fields.get("id").and_then(Value::as_str).ok_or(())?);
                    fields.insert((*first).to_owned(), refunds);
                }
                let field = fields.get_mut(*first).ok_or(())?;
                if let Value::String(id) = field {
                    *field = self.any(id).ok_or(())?;
                }
                if field.is_null() { Ok(()) } else { self.expand_one(field, rest) }
            }
            _ => Err(()),
        }
    }

    /// The newest refunds of a charge, as a charge shows them.
    fn refunds_of(&self, charge: &str) -> Value {
        const SHOWN: usize = 10;
        let mut of_charge = self.refunds.all().iter().rev().filter(|refund| refund.charge == charge);
        let data: Vec<Value> = of_charge.by_ref().take(SHOWN).map(Object::shown).collect();
        let url = format!("/v1/charges/{charge}/refunds");
        json!({"object": "list", "url": url, "has_more": of_charge.next().is_some(), "data": data})
    }
}
