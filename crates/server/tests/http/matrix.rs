//! The security matrix: every call of the OpenAPI document with every wrong key, by requests that would work with the
//! right one.
//!
//! Calls come from the document, so that no new one escapes: one that is not in [`working`] fails here by name. Of each cell:
//! it is refused in the right way; nothing that the attacked studio keeps is said, not even whether it is there; and nothing
//! changes, by all that the document's own GETs show of it. At last the same requests are made with the right key, and work.

use std::fmt::Write as _;

use axum::body::Body;
use scrip_core::command::Command;
use scrip_core::id::AccountId;
use scrip_engine::engine::Request;
use scrip_engine::store::{KeyDocument, Role};
use serde_json::{Value, json};

use crate::document::{Operation, operations};
use crate::keys;
use crate::world::{FLOW, Reply, TWIN, World};

/// Stands in every text that the attacked studio keeps.
const MARK: &str = "q7mark";
/// The account whose calls are made.
pub(crate) const ADA: &str = "ada";

/// What a call takes, so that it works with the right key.
pub(crate) struct Working {
    query: String,
    pub(crate) body: String,
    pub(crate) toml: bool,
    status: u16,
}

pub(crate) fn working(name: &str) -> Working {
    let get = |query: &str, status| Working { query: query.to_owned(), body: String::new(), toml: false, status };
    let send = |body: Value, status| Working { query: String::new(), body: body.to_string(), toml: false, status };
    match name {
        // A stream has no end: it is asked for a tool that there is not.
        "GET /v1/accounts/{account}/balance/stream" => get("?tool=none", 422),
        // Only for customers: it says whose token it is.
        "GET /v1/portal-session" => get("", 400),
        name if name.starts_with("GET ") => get("", 200),
        "PUT /v1/accounts/{account}" => send(json!({"name": "Changed"}), 200),
        "PUT /v1/accounts/{account}/automatic-top-up" => send(json!({"enabled": false}), 200),
        "PUT /v1/accounts/{account}/subscription" => send(json!({"plan": "studio"}), 200),
        "DELETE /v1/accounts/{account}/subscription" | "DELETE /v1/keys/{key}" => get("", 200),
        "POST /v1/accounts/{account}/charges" => send(json!({"credits": 1}), 201),
        "POST /v1/accounts/{account}/charges/{charge}/refunds" => send(json!({"credits": 1, "reason": "r"}), 201),
        "POST /v1/accounts/{account}/debt/write-off" => send(json!({"reason": "r"}), 200),
        "POST /v1/accounts/{account}/grants" => send(json!({"credits": 100, "class": "promo", "reason": "r"}), 201),
        "POST /v1/accounts/{account}/holds" => send(json!({"credits": 1}), 201),
        "POST /v1/accounts/{account}/holds/{hold}/extend" => send(json!({"expires_in": 7_200}), 200),
        "POST /v1/accounts/{account}/holds/{hold}/settle" => send(json!({}), 200),
        "POST /v1/accounts/{account}/holds/{hold}/release" => send(json!({}), 200),
        "POST /v1/accounts/{account}/lots/{lot}/revoke" => send(json!({"credits": 1, "reason": "r"}), 200),
        "POST /v1/accounts/{account}/orders" => send(json!({"package": "small"}), 201),
        "POST /v1/accounts/{account}/orders/{order}/checkout" => send(json!({}), 200),
        "POST /v1/accounts/{account}/orders/{order}/mark-paid" => send(json!({"reference": "r"}), 200),
        "POST /v1/accounts/{account}/portal-sessions" => send(json!({}), 201),
        "POST /v1/accounts/{account}/subscription/preview" => send(json!({"plan": "studio"}), 200),
        "POST /v1/console-sessions" => get("", 201),
        "POST /v1/keys" => send(json!({"role": "read"}), 201),
        "POST /v1/batch" => send(json!({"op": "charge", "key": "line", "account": ADA, "credits": 1}), 200),
        "POST /v1/catalog" => Working { query: String::new(), body: changed_catalog(), toml: true, status: 201 },
        "POST /v1/quotes" => send(json!({"tool": "text-to-motion", "measures": {"actions": 1}, "account": ADA}), 200),
        "POST /v1/test-clock" => send(json!({"now": "2026-01-31T15:00:00Z"}), 200),
        new => panic!("{new}: say here what it takes to work, so that it can be tried with wrong keys"),
    }
}

/// The studio's catalog, with other content.
fn changed_catalog() -> String {
    let path = format!("{}/../../catalogs/studiotwin.toml", env!("CARGO_MANIFEST_DIR"));
    std::fs::read_to_string(path).unwrap().replace("name = \"StudioTwin\"", "name = \"StudioTwin\"\nhonoured_for = 901")
}

/// How a caller is to be refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Refusal {
    /// Not known at all: 401.
    Unknown,
    /// Known, and this is not theirs to do: 403.
    Forbidden,
}

/// A caller with a wrong key: what they send, and which calls it is wrong for.
struct Caller {
    what: String,
    headers: Vec<(&'static str, String)>,
    refusal: Refusal,
    wrong_for: Box<dyn Fn(&Operation) -> bool>,
}

impl Caller {
    /// Wrong for every call.
    fn unknown(what: &str, headers: Vec<(&'static str, String)>) -> Caller {
        Caller { what: what.to_owned(), headers, refusal: Refusal::Unknown, wrong_for: Box::new(|_| true) }
    }

    /// Wrong for some.
    fn forbidden(what: &str, secret: &str, wrong_for: impl Fn(&Operation) -> bool + 'static) -> Caller {
        let headers = vec![("authorization", format!("Bearer {secret}"))];
        Caller { what: what.to_owned(), headers, refusal: Refusal::Forbidden, wrong_for: Box::new(wrong_for) }
    }
}

/// Both studios at work, and everyone who may come to the second one with a wrong key.
pub(crate) struct Stage {
    pub(crate) world: World,
    callers: Vec<Caller>,
    secrets: Vec<String>,
    lot: String,
    charge: String,
    order: String,
    key: String,
}

async fn post(world: &World, path: &str, body: Value) -> Value {
    let call =
        world.call("POST", &format!("/v1/accounts/{path}")).secret(TWIN).once(&body.to_string().replace(' ', "_"));
    let reply = call.header("host", "x").json(body).await;
    assert!(reply.status < 300, "{path}: {}", reply.text());
    reply.json()
}

async fn put(world: &World, secret: &str, path: &str, body: Value) {
    let reply = world.call("PUT", &format!("/v1/accounts/{path}")).secret(secret).json(body).await;
    assert!(reply.status < 300, "{path}: {}", reply.text());
}

/// The last character, another one.
fn forged(token: &str) -> String {
    format!("{}{}", &token[..token.len() - 1], if token.ends_with('0') { '1' } else { '0' })
}

impl Stage {
    async fn new() -> Stage {
        Stage::of(World::new().await).await
    }

    /// In a world without accounts.
    pub(crate) async fn of(world: World) -> Stage {
        for (secret, account) in [(TWIN, ADA), (TWIN, "bob"), (TWIN, "gone"), (FLOW, ADA)] {
            let whose = if secret == TWIN { MARK } else { "flow" };
            put(&world, secret, account, json!({"name": format!("{whose} {account}")})).await;
        }
        // What ends with time, and what ends otherwise.
        let mut callers = Self::over(&world).await;
        world.at("2026-01-31T14:00:00Z").await;
        callers.extend(Self::unknown(&world).await);
        callers.extend(Self::known(&world).await);
        let secrets = callers.iter().flat_map(|caller| &caller.headers);
        let secrets = secrets.filter_map(|(_, value)| value.split([' ', '=']).next_back());
        let secrets = secrets.filter(|secret| secret.len() > 20).map(str::to_owned).collect();
        let mut stage = Stage {
            world,
            callers,
            secrets,
            lot: String::new(),
            charge: String::new(),
            order: String::new(),
            key: String::new(),
        };
        stage.furnish().await;
        stage
    }

    /// Something for every call to be about.
    async fn furnish(&mut self) {
        let world = &self.world;
        let texts = |mut body: Value| {
            for name in ["reference", "member"] {
                body[name] = json!(format!("{MARK}-{name}"));
            }
            body
        };
        let text = |value: &Value| value.as_str().expect("an id").to_owned();
        let grant = json!({"credits": 500, "class": "top_up", "reason": format!("{MARK} reason")});
        self.lot = text(&post(world, "ada/grants", grant).await["lot"]);
        self.charge = text(&post(world, "ada/charges", texts(json!({"credits": 10}))).await["charge"]);
        for hold in ["extend", "settle", "release", "owing"] {
            let hold = format!("{MARK}-{hold}");
            post(world, "ada/holds", texts(json!({"credits": 5, "hold": hold, "expires_in": 86_400}))).await;
        }
        put(world, TWIN, "ada/subscription", json!({"plan": "starter"})).await;
        put(world, TWIN, "ada/automatic-top-up", json!({"package": "small", "below": 1, "up_to": 100})).await;
        self.order = text(&post(world, "ada/orders", json!({"package": "medium"})).await["order"]);
        let owed = json!({"credits": 2_000, "on_excess": "debt"});
        post(world, &format!("ada/holds/{MARK}-owing/settle"), owed).await;
        let made = world.call("POST", "/v1/keys").secret(TWIN);
        let made = made.json(json!({"role": "read", "reason": format!("{MARK} reason")})).await.json();
        self.key = text(&made["key"]);
        self.secrets.push(text(&made["secret"]));
    }

    /// Who was let in once.
    async fn over(world: &World) -> Vec<Caller> {
        let bearer = |secret: &str| vec![("authorization", format!("Bearer {secret}"))];
        let customer = post(world, "ada/portal-sessions", json!({"expires_in": 60})).await;
        let gone = post(world, "gone/portal-sessions", json!({"expires_in": 86_400})).await;
        let session = session(world, TWIN).await;
        let admin = keys::make_for(world, "studiotwin", "revoked", Role::Admin, false).await;
        let revoked_session = self::session(world, &admin).await;
        let stored = world.engine.keys().iter().find(|key| &*key.id == "revoked").unwrap().clone();
        world.engine.put_key(KeyDocument { revoked_at: Some(stored.created_at), ..stored }).await.unwrap();
        let (studio, _) = *world.engine.studios().iter().find(|(_, id)| id.as_str() == "studiotwin").unwrap();
        let account = AccountId::parse("gone").unwrap();
        let erase = Request { studio, account, key: None, command: Command::EraseAccount { reason: None } };
        world.engine.submit(erase).await.unwrap();
        put(world, TWIN, "gone", json!({})).await;
        vec![
            Caller::unknown("a customer's token that has expired", bearer(customer["token"].as_str().unwrap())),
            Caller::unknown("a token of an account that was erased", bearer(gone["token"].as_str().unwrap())),
            Caller::unknown("a session that is over", bearer(&session)),
            Caller::unknown("a revoked key", bearer(&admin)),
            Caller::unknown("a session of a revoked key", bearer(&revoked_session)),
        ]
    }

    /// Nobody that is known here.
    async fn unknown(world: &World) -> Vec<Caller> {
        let customer = post(world, "ada/portal-sessions", json!({})).await["token"].as_str().unwrap().to_owned();
        let session = session(world, TWIN).await;
        let authorization = |value: &str| vec![("authorization", value.to_owned())];
        let mut callers = vec![
            Caller::unknown("no key", Vec::new()),
            Caller::unknown("two keys", vec![("authorization", format!("Bearer {TWIN}")); 2]),
            Caller::unknown("a customer's cookie", vec![("cookie", format!("scrip_customer={customer}"))]),
            Caller::unknown("a console's cookie", vec![("cookie", format!("scrip_console={session}"))]),
        ];
        for value in [
            String::new(),
            "Bearer".to_owned(),
            "Bearer ".to_owned(),
            TWIN.to_owned(),
            "Basic c2tfdHdpbjpza190d2lu".to_owned(),
            format!("Basic {TWIN}"),
            "Bearer twin".to_owned(),
            format!("Bearer  {TWIN}"),
            format!("Bearer {TWIN}x"),
            format!("Bearer {}", &TWIN[..TWIN.len() - 1]),
            format!("Bearer {}", TWIN.to_uppercase()),
            "Bearer sk_".to_owned(),
            format!("Bearer sk_{}", "0".repeat(8_000)),
            "Bearer ct_".to_owned(),
            format!("Bearer ct_{}", "0".repeat(120)),
            format!("Bearer {}", forged(&customer)),
            format!("Bearer {}", &customer[..customer.len() - 2]),
            "Bearer cs_".to_owned(),
            format!("Bearer {}", forged(&session)),
            format!("Bearer {}", session.replacen("cs_", "ct_", 1)),
            format!("Bearer {}", customer.replacen("ct_", "cs_", 1)),
        ] {
            callers.push(Caller::unknown(&format!("{value:.40?}"), authorization(&value)));
        }
        callers
    }

    /// Those who are known, and may do other things.
    async fn known(world: &World) -> Vec<Caller> {
        let token = async |account: &str| {
            post(world, &format!("{account}/portal-sessions"), json!({})).await["token"].as_str().unwrap().to_owned()
        };
        let for_customers = |operation: &Operation| {
            operation.body["security"].as_array().unwrap().iter().any(|one| one["customer_token"].is_array())
        };
        let names_account = |operation: &Operation| operation.path.contains("{account}");
        let (own, bobs) = (token(ADA).await, token("bob").await);
        let closed = move |operation: &Operation| !for_customers(operation);
        let names_account = move |operation: &Operation| names_account(operation) || operation.path == "/v1/quotes";
        let another = move |operation: &Operation| closed(operation) || names_account(operation);
        let mut callers = vec![
            Caller::forbidden("a customer's own token", &own, closed),
            Caller::forbidden("another customer's token", &bobs, another),
        ];
        let support = keys::make_for(world, "studiotwin", "looker", Role::Support, false).await;
        let opened =
            world.call("POST", "/v1/accounts/ada/portal-sessions").secret(&support).json(json!({})).await.json();
        let looks = ["/v1/quotes", "/v1/accounts/{account}/subscription/preview"];
        let changes = move |operation: &Operation| {
            closed(operation) || operation.method != "GET" && !looks.contains(&operation.path.as_str())
        };
        callers.push(Caller::forbidden("who only looks", opened["token"].as_str().unwrap(), changes));
        for role in Role::ALL {
            let may_not = move |operation: &Operation| !allowed(operation, role);
            let secret = keys::make_for(world, "studiotwin", role.name(), role, false).await;
            callers.push(Caller::forbidden(&format!("a key to {}", role.name()), &secret, may_not));
            if role != Role::Jobs {
                let session = session(world, &secret).await;
                let outlives = ["/v1/keys", "/v1/console-sessions"];
                let may_not = move |operation: &Operation| {
                    !allowed(operation, role)
                        || operation.method == "POST" && outlives.contains(&operation.path.as_str())
                };
                callers.push(Caller::forbidden(&format!("a session to {}", role.name()), &session, may_not));
            }
        }
        callers
    }

    /// The address of a call, about what [`Self::furnish`] made.
    pub(crate) fn address(&self, operation: &Operation, account: &str) -> String {
        let act = operation.path.rsplit('/').next().filter(|act| ["settle", "release"].contains(act));
        let hold = act.unwrap_or("extend");
        let query = if operation.needs_key() { working(&operation.name()).query } else { String::new() };
        let path = operation.path.replace("{account}", account).replace("{hold}", &format!("{MARK}-{hold}"));
        let path = path.replace("{lot}", &self.lot).replace("{charge}", &self.charge).replace("{order}", &self.order);
        path.replace("{key}", &self.key).replace("{version}", "1") + &query
    }

    async fn send(&self, operation: &Operation, headers: &[(&'static str, String)], account: &str) -> Reply {
        let working = working(&operation.name());
        // The same for everyone: what a refused call bound would make the right one a replay.
        let once = operation.name().replace(' ', ":");
        let mut call = self.world.call(&operation.method, &self.address(operation, account)).once(&once);
        for (name, value) in headers {
            call = call.header(name, value);
        }
        call = call.header("host", "x");
        if working.body.is_empty() {
            return call.empty().await;
        }
        let media_type = if working.toml { "application/toml" } else { "application/json" };
        call.header("content-type", media_type).send(Body::from(working.body)).await
    }

    /// All that a studio has, as its own calls show it.
    async fn state(&self, operations: &[Operation], secret: &str) -> String {
        let mut state = String::new();
        for operation in operations {
            // How busy the server is, is nobody's state; and a stream has no end.
            let left_out = ["/v1/health", "/v1/accounts/{account}/balance/stream"];
            if operation.method != "GET" || left_out.contains(&operation.path.as_str()) {
                continue;
            }
            for account in [ADA, "bob", "gone"] {
                let reply = self.world.call("GET", &self.address(operation, account)).secret(secret).empty().await;
                writeln!(state, "{} {account}: {} {}", operation.name(), reply.status, reply.text()).unwrap();
                if !operation.path.contains("{account}") {
                    break;
                }
            }
        }
        state
    }

    /// Nothing of the studio's is in an answer.
    fn tells_nothing(&self, what: &str, reply: &Reply) {
        let said = format!("{:?} {}", reply.headers, reply.text());
        assert!(!said.contains(MARK), "{what}: {said}");
        assert!(!self.secrets.iter().any(|secret| said.contains(secret)), "{what} repeats a secret: {said}");
    }
}

async fn session(world: &World, secret: &str) -> String {
    let opened = world.call("POST", "/v1/console-sessions").secret(secret).empty().await;
    assert_eq!(opened.status, 201, "{}", opened.text());
    opened.json()["token"].as_str().unwrap().to_owned()
}

/// Whether a role may make a call, by the document, as it is made here.
fn allowed(operation: &Operation, role: Role) -> bool {
    // Of many at once, each line is a call of its own: this one is a charge.
    if operation.path == "/v1/batch" && role == Role::Jobs {
        return true;
    }
    operation.body["x-roles"].as_array().expect("every call says its roles").contains(&json!(role.name()))
}

#[tokio::test]
async fn every_call_refuses_every_wrong_key() {
    let stage = Stage::new().await;
    let mut operations = operations(&stage.world).await;
    operations.retain(Operation::needs_key);
    let mut cells = 0;
    let state = async || [stage.state(&operations, TWIN).await, stage.state(&operations, FLOW).await];
    let before = state().await;
    for (place, operation) in operations.iter().enumerate() {
        let name = operation.name();
        for caller in stage.callers.iter().filter(|caller| (caller.wrong_for)(operation)) {
            cells += 1;
            let what = format!("{name}, {}", caller.what);
            let reply = stage.send(operation, &caller.headers, ADA).await;
            let code = if reply.status == 200 { Value::Null } else { reply.json()["code"].clone() };
            match caller.refusal {
                // Of many at once, each line is refused apart.
                Refusal::Forbidden if name == "POST /v1/batch" && reply.status == 200 => {
                    assert_eq!(
                        (&reply.json()["status"], &reply.json()["code"]),
                        (&json!(403), &json!("forbidden")),
                        "{what}"
                    );
                }
                Refusal::Forbidden => assert_eq!((reply.status, code), (403, json!("forbidden")), "{what}"),
                Refusal::Unknown => {
                    assert_eq!((reply.status, code), (401, json!("unauthorized")), "{what}");
                    assert_eq!(reply.header("www-authenticate"), Some("Bearer realm=\"scrip\""), "{what}");
                }
            }
            stage.tells_nothing(&what, &reply);
            // An account that there is not is refused in the same words: who asks does not learn which there are.
            if operation.path.contains("{account}") {
                cells += 1;
                assert_eq!(stage.send(operation, &caller.headers, "nobody").await, reply, "{what}");
            }
        }
        // All there is to see is much to read: it is looked at now and then.
        if place % 8 == 7 || place + 1 == operations.len() {
            assert_eq!(before, state().await, "{name}, or one of the seven before it, changed something");
        }
    }
    println!("{} calls, {} wrong keys: {cells} cells", operations.len(), stage.callers.len());
    another_studio(&stage, &operations).await;
    the_right_key(&stage, &operations).await;
}

/// A key that is right, of another studio: to it, the attacked one's accounts are not there.
async fn another_studio(stage: &Stage, operations: &[Operation]) {
    let flow = [("authorization", format!("Bearer {FLOW}"))];
    let customer =
        stage.world.call("POST", "/v1/accounts/ada/portal-sessions").secret(FLOW).json(json!({})).await.json();
    let customer = [("authorization", format!("Bearer {}", customer["token"].as_str().unwrap()))];
    let before = stage.state(operations, TWIN).await;
    let mut cells = 0;
    // The clock is the whole server's, and a test's alone.
    for operation in operations.iter().filter(|operation| operation.path != "/v1/test-clock") {
        let name = operation.name();
        // bob is only there; ada is here, too.
        for (headers, account) in [(&flow, "bob"), (&flow, ADA), (&customer, "bob"), (&customer, ADA)] {
            // There it makes an account of its own.
            if name == "PUT /v1/accounts/{account}" && account == "bob" && headers == &flow {
                continue;
            }
            cells += 1;
            let what = format!("{name}, another studio's, {account}");
            let reply = stage.send(operation, headers, account).await;
            stage.tells_nothing(&what, &reply);
            if account == "bob" && operation.path.contains("{account}") {
                let refused = (reply.status, reply.json()["code"].clone());
                let wanted = if headers == &flow { (404, "account_not_found") } else { (403, "forbidden") };
                assert_eq!(refused, (wanted.0, json!(wanted.1)), "{what}");
                assert_eq!(stage.send(operation, headers, "nobody").await, reply, "{what}");
            }
        }
    }
    assert_eq!(before, stage.state(operations, TWIN).await, "another studio changed something");
    println!("another studio's key and customer: {cells} cells");
}

/// Each request works with the right key, and for the first time: so it was the key that each refusal was for.
async fn the_right_key(stage: &Stage, operations: &[Operation]) {
    let owner = [("authorization", format!("Bearer {TWIN}"))];
    // Who owes is given nothing else; who has revoked a key or moved the clock looks at another world.
    let place = |operation: &&Operation| match operation.path.as_str() {
        "/v1/accounts/{account}/debt/write-off" => 0,
        "/v1/accounts/{account}/grants" => 1,
        path if path.ends_with("/checkout") => 2,
        "/v1/test-clock" => 4,
        _ => 3,
    };
    let mut ordered: Vec<&Operation> = operations.iter().collect();
    ordered.sort_by_key(place);
    for operation in ordered {
        let (name, wanted) = (operation.name(), working(&operation.name()).status);
        let reply = stage.send(operation, &owner, ADA).await;
        assert_eq!(reply.status, wanted, "{name}: {}", reply.text());
        assert_eq!(reply.header("idempotency-replayed"), None, "{name}: a refused call bound its key");
    }
}

/// What is not documented does not answer, whoever asks.
#[tokio::test]
async fn no_other_method_answers() {
    let world = World::new().await;
    world.account(ADA, 1).await;
    let operations = operations(&world).await;
    for operation in &operations {
        let path = operation.address(ADA);
        for method in ["GET", "HEAD", "PUT", "POST", "DELETE", "PATCH", "TRACE", "CONNECT", "PROPFIND"] {
            let documented =
                |method: &str| operations.iter().any(|one| one.path == operation.path && one.method == method);
            // Who may read may ask for the head.
            if documented(if method == "HEAD" { "GET" } else { method }) {
                continue;
            }
            let request = axum::http::Request::builder().method(method).uri(&path);
            let request = request.header("authorization", format!("Bearer {FLOW}")).body(Body::empty()).unwrap();
            let reply = world.answer(request).await;
            assert_eq!(reply.status, 405, "{method} {path}: {}", reply.text());
            assert!(
                reply.header("allow").is_some_and(|allowed| allowed.contains(&operation.method)),
                "{method} {path}"
            );
        }
    }
}
