//! A server in the test's own process: both seed studios, a store in memory, a clock that stands still. With
//! `SCRIP_TEST_STORE=postgres` in the environment the store is a database of its own, where the test does not need another.

use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};

use axum::Router;
use axum::body::Body;
use axum::http::{HeaderMap, Request};
use http_body_util::BodyExt;
use scrip_core::catalog::Format;
use scrip_core::time::Time;
use scrip_engine::clock::Clock;
use scrip_engine::engine::Publication;
use scrip_engine::store::Store;
use scrip_engine::store::joint::memory::JointMemory;
use scrip_engine::store::memory::MemoryStore;
use scrip_engine::{Engine, Options};
use scrip_server::{App, Config, OutsideKey};
use scrip_store_postgres::PostgresStore;
use scrip_store_postgres::harness::Furnished;
use serde_json::Value;
use tower::ServiceExt;

use crate::schema;

/// A key of `flow-studio` with every right.
pub(crate) const FLOW: &str = "sk_flow";
/// A key of `studiotwin` with every right.
pub(crate) const TWIN: &str = "sk_twin";
/// Where the clock stands at first.
pub(crate) const START: &str = "2026-01-31T10:00:00Z";

/// A running API.
pub(crate) struct World {
    pub(crate) engine: Engine,
    pub(crate) app: App,
    pub(crate) routes: Router,
    document: Value,
    keys: AtomicU32,
    ends: Ends,
    /// What it is on, if not in memory.
    database: Option<Furnished>,
}

fn options() -> Options {
    let clock = Clock::test(Time::parse(START).unwrap());
    Options { clock, sweep_per_second: 0, ..Options::default() }
}

/// An answer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Reply {
    pub(crate) status: u16,
    pub(crate) headers: HeaderMap,
    pub(crate) body: Vec<u8>,
}

impl Reply {
    /// The body as JSON.
    pub(crate) fn json(&self) -> Value {
        serde_json::from_slice(&self.body).unwrap_or_else(|error| panic!("{error}: {}", self.text()))
    }

    /// The body as text.
    pub(crate) fn text(&self) -> String {
        String::from_utf8(self.body.clone()).unwrap()
    }

    /// A header's text.
    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name).map(|value| value.to_str().unwrap())
    }

    /// Fails unless the answer is exactly this.
    #[track_caller]
    pub(crate) fn is(&self, status: u16, body: Value) -> &Reply {
        assert_eq!((self.status, pretty(&self.json())), (status, pretty(&body)));
        self
    }
}

fn pretty(value: &Value) -> String {
    serde_json::to_string_pretty(value).unwrap()
}

/// A request on its way.
pub(crate) struct Call<'a> {
    world: &'a World,
    method: String,
    path: String,
    request: axum::http::request::Builder,
    keyed: bool,
}

impl World {
    /// Both studios at [`START`].
    pub(crate) async fn new() -> World {
        World::with(Config::default()).await
    }

    /// The same, configured otherwise; the two keys are added.
    pub(crate) async fn with(config: Config) -> World {
        if std::env::var_os("SCRIP_TEST_STORE").is_none_or(|store| store != "postgres") {
            return World::on(Box::new(MemoryStore::new()), config).await;
        }
        let database = Furnished::with("");
        let store = PostgresStore::open(&database.address).unwrap();
        let mut world = World::of(Engine::start_joint(Arc::new(store), options()).unwrap(), config);
        world.database = Some(database);
        world.furnished().await
    }

    /// The same on another store.
    pub(crate) async fn on(store: Box<dyn Store>, config: Config) -> World {
        World::over(store, config).furnished().await
    }

    /// With both studios, and with the document that answers are compared with.
    pub(crate) async fn furnished(self) -> World {
        let mut world = self;
        for studio in ["flow-studio", "studiotwin"] {
            world.publish(studio).await;
        }
        let document = world.call("GET", "/openapi.json").empty().await.json();
        world.document = document;
        world
    }

    /// One over a store that may hold something already. Answers are not compared with the document.
    pub(crate) fn over(store: Box<dyn Store>, config: Config) -> World {
        World::of(Engine::start(store, options()).unwrap(), config)
    }

    /// One of several servers on a store. Answers are not compared with the document.
    pub(crate) fn beside(store: &JointMemory, config: Config) -> World {
        World::of(Engine::start_joint(Arc::new(store.clone()), options()).unwrap(), config)
    }

    /// One over a running engine.
    fn of(engine: Engine, mut config: Config) -> World {
        config.keys.extend(OutsideKey::parse_list("flow-studio=sk_flow,studiotwin=sk_twin").unwrap());
        let app = App::new(engine.clone(), config);
        let routes = scrip_server::router(app.clone());
        let (document, keys) = (Value::Null, AtomicU32::new(0));
        World { engine, routes, document, app, keys, ends: Ends::WithEngine, database: None }
    }

    /// Another one over the same engine, as after a restart of the server.
    pub(crate) fn again(&mut self, config: Config) {
        self.ends = Ends::Alone;
        let database = self.database.take();
        *self = World::of(self.engine.clone(), config);
        self.database = database;
    }

    /// Publishes a studio's shipped catalog.
    pub(crate) async fn publish(&self, studio: &str) {
        let path = format!("{}/../../catalogs/{studio}.toml", env!("CARGO_MANIFEST_DIR"));
        let source = Arc::from(std::fs::read_to_string(path).unwrap());
        self.engine.publish(Publication { format: Format::Toml, source }, None).await.unwrap();
    }

    /// A request without a key.
    pub(crate) fn call(&self, method: &str, path: &str) -> Call<'_> {
        let request = Request::builder().method(method).uri(path);
        Call { world: self, method: method.to_owned(), path: path.to_owned(), request, keyed: false }
    }

    /// What any request is answered.
    pub(crate) async fn answer(&self, request: Request<Body>) -> Reply {
        let response = self.routes.clone().oneshot(request).await.unwrap();
        let (status, headers) = (response.status().as_u16(), response.headers().clone());
        let body = response.into_body().collect().await.unwrap().to_bytes().to_vec();
        Reply { status, headers, body }
    }

    /// Fails unless an answer is as documented.
    pub(crate) fn assert_documented(&self, method: &str, path: &str, reply: &Reply) {
        if reply.status >= 400 {
            reply.assert_problem();
        }
        if self.document.is_object() {
            schema::assert_documented(&self.document, method, path, reply);
        }
    }

    /// A GET with flow-studio's key.
    pub(crate) async fn get(&self, path: &str) -> Reply {
        self.call("GET", path).secret(FLOW).empty().await
    }

    /// A PUT with flow-studio's key.
    pub(crate) async fn put(&self, path: &str, body: Value) -> Reply {
        self.call("PUT", path).secret(FLOW).json(body).await
    }

    /// A POST with flow-studio's key and a new idempotency key.
    pub(crate) async fn post(&self, path: &str, body: Value) -> Reply {
        let fresh = format!("fresh-{}", self.keys.fetch_add(1, Ordering::Relaxed));
        self.call("POST", path).secret(FLOW).once(&fresh).json(body).await
    }

    /// An account with so many top-up credits.
    pub(crate) async fn account(&self, id: &str, credits: i64) {
        let reply = self.put(&format!("/v1/accounts/{id}"), serde_json::json!({})).await;
        assert_eq!(reply.status, 201, "{}", reply.text());
        if credits > 0 {
            let grant = serde_json::json!({"credits": credits, "class": "top_up", "reason": "test"});
            let reply = self.post(&format!("/v1/accounts/{id}/grants"), grant).await;
            assert_eq!(reply.status, 201, "{}", reply.text());
        }
    }

    /// Moves the clock.
    pub(crate) async fn at(&self, now: &str) {
        let reply = self.call("POST", "/v1/test-clock").secret(FLOW).json(serde_json::json!({"now": now})).await;
        assert_eq!(reply.status, 200, "{}", reply.text());
    }
}

impl Drop for World {
    fn drop(&mut self) {
        if self.ends == Ends::WithEngine {
            self.engine.stop();
        }
    }
}

/// What ends with a world.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Ends {
    /// Its engine too.
    WithEngine,
    /// Its routes alone: another world goes on with its engine.
    Alone,
}

impl Call<'_> {
    pub(crate) fn secret(self, secret: &str) -> Self {
        self.header("authorization", &format!("Bearer {secret}"))
    }

    pub(crate) fn once(self, key: &str) -> Self {
        self.header("idempotency-key", key)
    }

    pub(crate) fn header(mut self, name: &str, value: &str) -> Self {
        self.keyed |= name == "content-type";
        self.request = self.request.header(name, value);
        self
    }

    pub(crate) async fn empty(self) -> Reply {
        self.send(Body::empty()).await
    }

    pub(crate) async fn json(self, body: Value) -> Reply {
        self.raw(&serde_json::to_string(&body).unwrap()).await
    }

    /// A body as it is, said to be JSON unless said otherwise.
    pub(crate) async fn raw(mut self, body: &str) -> Reply {
        if !self.keyed {
            self.request = self.request.header("content-type", "application/json");
        }
        self.send(Body::from(body.to_owned())).await
    }

    pub(crate) async fn send(self, body: Body) -> Reply {
        let reply = self.world.answer(self.request.body(body).unwrap()).await;
        self.world.assert_documented(&self.method, &self.path, &reply);
        reply
    }
}

impl Reply {
    /// Every refusal has the one shape.
    fn assert_problem(&self) {
        assert_eq!(self.header("content-type"), Some("application/problem+json"), "{}", self.text());
        let body = self.json();
        let code = body["code"].as_str().expect("a code");
        assert_eq!(body["type"], format!("/problems/{code}"));
        assert_eq!(body["status"], self.status);
        assert!(
            body["title"].is_string() && body["detail"].as_str().is_some_and(|detail| detail.ends_with('.')),
            "{body}"
        );
        let _: scrip_api::problem::ProblemShown = serde_json::from_slice(&self.body).expect("as documented");
    }
}
