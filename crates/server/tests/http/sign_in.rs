//! Signing in to the console through a provider: a small one that the test runs, which tells the truth or lies as it is told.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};

use axum::extract::{ConnectInfo, Form, State};
use axum::http::{HeaderMap, Request, StatusCode};
use axum::routing::{get, post};
use axum::{Json, Router};
use http_body_util::BodyExt;
use ring::rand::SystemRandom;
use ring::signature::{
    ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair, KeyPair, RSA_PKCS1_SHA256, RsaKeyPair, RsaPublicKeyComponents,
};
use scrip_engine::store::Role;
use scrip_oidc::{Client, Issuer, Settings};
use scrip_server::{Config, SignInProvider};
use serde_json::{Map, Value, json};
use tokio::sync::Notify;
use tower::ServiceExt;

use crate::world::{FLOW, World};

const CLIENT: &str = "scrip";
const SECRET: &str = "hush: it is & secret";
/// The test clock's beginning, in seconds since 1970.
const NOW_S: i64 = 1_769_853_600;

/// What a provider does wrong.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Lie {
    None,
    Issuer,
    OtherIssuerInDiscovery,
    Audience,
    TwoAudiences,
    Expired,
    Ahead,
    Nonce,
    NoNonce,
    NoSubject,
    Unsigned,
    SignedWithTheSecret,
    AnotherKey,
    Altered,
    UnknownKey,
    NoKeyNamed,
    NoToken,
    /// It knows no such client.
    NoClient,
    /// It is asked too often.
    Busy,
}

/// A provider.
struct Provider {
    url: String,
    told: Arc<Mutex<Told>>,
}

/// What it is told to be, and the codes that it gave.
struct Told {
    url: String,
    lie: Lie,
    signer: Signer,
    key_id: &'static str,
    claims: Value,
    /// Of each code: challenge, nonce and where it may come back to.
    codes: BTreeMap<String, [String; 3]>,
    asked_for_keys: u32,
    /// Where it hangs before it says what it is, and then fails.
    hangs: Option<Arc<Hangs>>,
}

#[derive(Default)]
struct Hangs {
    arrived: Notify,
    go_on: Notify,
}

enum Signer {
    Rsa(RsaKeyPair),
    P256(EcdsaKeyPair),
}

impl Signer {
    fn rsa() -> Signer {
        Signer::Rsa(RsaKeyPair::from_pkcs8(include_bytes!("rsa-for-tests.pk8")).unwrap())
    }

    fn p256() -> Signer {
        let random = SystemRandom::new();
        let document = EcdsaKeyPair::generate_pkcs8(&ECDSA_P256_SHA256_FIXED_SIGNING, &random).unwrap();
        let pair = EcdsaKeyPair::from_pkcs8(&ECDSA_P256_SHA256_FIXED_SIGNING, document.as_ref(), &random);
        Signer::P256(pair.unwrap())
    }

    fn algorithm(&self) -> &'static str {
        match self {
            Signer::Rsa(_) => "RS256",
            Signer::P256(_) => "ES256",
        }
    }

    fn published(&self, id: &str) -> Value {
        match self {
            Signer::Rsa(pair) => {
                let RsaPublicKeyComponents { n, e } = RsaPublicKeyComponents::<Vec<u8>>::from(pair.public());
                json!({"kty": "RSA", "kid": id, "use": "sig", "alg": "RS256", "n": base64(&n), "e": base64(&e)})
            }
            Signer::P256(pair) => {
                let point = pair.public_key().as_ref();
                json!({"kty": "EC", "crv": "P-256", "kid": id, "x": base64(&point[1..33]), "y": base64(&point[33..])})
            }
        }
    }

    fn sign(&self, message: &[u8]) -> Vec<u8> {
        let random = SystemRandom::new();
        match self {
            Signer::Rsa(pair) => {
                let mut signature = vec![0; pair.public().modulus_len()];
                pair.sign(&RSA_PKCS1_SHA256, &random, message, &mut signature).unwrap();
                signature
            }
            Signer::P256(pair) => pair.sign(&random, message).unwrap().as_ref().to_vec(),
        }
    }
}

fn base64(bytes: &[u8]) -> String {
    const DIGITS: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
    let bits: Vec<u8> = bytes.iter().flat_map(|byte| (0..8).rev().map(move |place| byte >> place & 1)).collect();
    let digit = |six: &[u8]| {
        let value = (0..6).fold(0_usize, |value, place| value << 1 | usize::from(*six.get(place).unwrap_or(&0)));
        char::from(DIGITS[value])
    };
    bits.chunks(6).map(digit).collect()
}

fn sha256(text: &str) -> Vec<u8> {
    ring::digest::digest(&ring::digest::SHA256, text.as_bytes()).as_ref().to_vec()
}

impl Provider {
    async fn start(claims: Value) -> Provider {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let told = Told {
            url: url.clone(),
            lie: Lie::None,
            signer: Signer::p256(),
            key_id: "one",
            claims,
            codes: BTreeMap::new(),
            asked_for_keys: 0,
            hangs: None,
        };
        let told = Arc::new(Mutex::new(told));
        let routes = Router::new()
            .route("/.well-known/openid-configuration", get(discovery))
            .route("/keys", get(keys))
            .route("/token", post(token))
            .with_state(Arc::clone(&told));
        tokio::spawn(async { axum::serve(listener, routes).await.unwrap() });
        Provider { url, told }
    }

    fn tell(&self, change: impl FnOnce(&mut Told)) {
        change(&mut self.told.lock().unwrap());
    }

    /// Somebody signs in at the address that the browser was sent to: where the browser is sent then.
    fn signs_in(&self, address: &str) -> String {
        let url = axum::http::Uri::try_from(address).unwrap();
        assert!(address.starts_with(&format!("{}/authorize?", self.url)), "{address}");
        let axum::extract::Query(asked) = axum::extract::Query::<BTreeMap<String, String>>::try_from_uri(&url).unwrap();
        let known = ["response_type", "client_id", "scope", "code_challenge_method"].map(|name| asked[name].as_str());
        assert_eq!(known, ["code", CLIENT, "openid email profile", "S256"]);
        let mut told = self.told.lock().unwrap();
        let code = format!("code-{}", told.codes.len());
        let kept = ["code_challenge", "nonce", "redirect_uri"].map(|name| asked[name].clone());
        let back = kept[2].clone();
        told.codes.insert(code.clone(), kept);
        format!("{back}?code={code}&state={}&iss={}", asked["state"], self.url)
    }
}

async fn discovery(State(told): State<Arc<Mutex<Told>>>) -> Result<Json<Value>, StatusCode> {
    let hangs = told.lock().unwrap().hangs.clone();
    if let Some(hangs) = hangs {
        hangs.arrived.notify_one();
        hangs.go_on.notified().await;
        return Err(StatusCode::BAD_GATEWAY);
    }
    let told = told.lock().unwrap();
    let url = &told.url;
    let issuer = if told.lie == Lie::OtherIssuerInDiscovery { "https://evil.example" } else { url };
    Ok(Json(json!({
        "issuer": issuer, "authorization_endpoint": format!("{url}/authorize"), "token_endpoint": format!("{url}/token"),
        "jwks_uri": format!("{url}/keys"),
    })))
}

async fn keys(State(told): State<Arc<Mutex<Told>>>) -> Json<Value> {
    let mut told = told.lock().unwrap();
    told.asked_for_keys += 1;
    let other = json!({"kty": "OKP", "kid": "of a kind that we do not know", "crv": "Ed25519", "x": "AAAA"});
    Json(json!({"keys": [other, told.signer.published(told.key_id)]}))
}

async fn token(
    State(told): State<Arc<Mutex<Told>>>,
    headers: HeaderMap,
    Form(form): Form<BTreeMap<String, String>>,
) -> Result<Json<Value>, StatusCode> {
    let mut told = told.lock().unwrap();
    // What stands for a space, a colon and an ampersand in the header is escaped before it is encoded.
    let pair = base64(format!("{CLIENT}:hush%3A%20it%20is%20%26%20secret").as_bytes());
    let given = headers["authorization"].to_str().unwrap().trim_end_matches('=').replace('+', "-").replace('/', "_");
    assert_eq!(given, format!("Basic {pair}"));
    assert_eq!((form["grant_type"].as_str(), form["client_id"].as_str()), ("authorization_code", CLIENT));
    let [challenge, nonce, redirect_uri] = told.codes.remove(&form["code"]).ok_or(StatusCode::BAD_REQUEST)?;
    if form["redirect_uri"] != redirect_uri || base64(&sha256(&form["code_verifier"])) != challenge {
        return Err(StatusCode::BAD_REQUEST);
    }
    match told.lie {
        Lie::NoClient => return Err(StatusCode::UNAUTHORIZED),
        Lie::Busy => return Err(StatusCode::TOO_MANY_REQUESTS),
        _ => {}
    }
    if told.lie == Lie::NoToken {
        return Ok(Json(json!({"access_token": "x"})));
    }
    Ok(Json(json!({"access_token": "x", "token_type": "Bearer", "id_token": told.token(&nonce)})))
}

impl Told {
    fn token(&self, nonce: &str) -> String {
        let mut claims: Map<String, Value> = self.claims.as_object().unwrap().clone();
        let mut put = |name: &str, value: Value| drop(claims.insert(name.to_owned(), value));
        put("iss", if self.lie == Lie::Issuer { json!("https://evil.example") } else { json!(self.url) });
        put(
            "aud",
            match self.lie {
                Lie::Audience => json!("another"),
                Lie::TwoAudiences => json!([CLIENT, "another"]),
                _ => json!([CLIENT]),
            },
        );
        put("exp", json!(if self.lie == Lie::Expired { NOW_S } else { NOW_S + 300 }));
        put("iat", json!(if self.lie == Lie::Ahead { NOW_S + 61 } else { NOW_S + 60 }));
        put("sub", json!(if self.lie == Lie::NoSubject { "" } else { "person-7" }));
        match self.lie {
            Lie::Nonce => put("nonce", json!("another")),
            Lie::NoNonce => {}
            _ => put("nonce", json!(nonce)),
        }
        let (algorithm, id) = match self.lie {
            Lie::Unsigned => ("none", self.key_id),
            Lie::SignedWithTheSecret => ("HS256", self.key_id),
            Lie::UnknownKey => (self.signer.algorithm(), "unknown"),
            _ => (self.signer.algorithm(), self.key_id),
        };
        let mut head = json!({"alg": algorithm, "kid": id});
        if self.lie == Lie::NoKeyNamed {
            head.as_object_mut().unwrap().remove("kid");
        }
        let head = base64(head.to_string().as_bytes());
        let message = format!("{head}.{}", base64(Value::Object(claims.clone()).to_string().as_bytes()));
        let signature = match self.lie {
            Lie::Unsigned => Vec::new(),
            Lie::SignedWithTheSecret => {
                let key = ring::hmac::Key::new(ring::hmac::HMAC_SHA256, SECRET.as_bytes());
                ring::hmac::sign(&key, message.as_bytes()).as_ref().to_vec()
            }
            Lie::AnotherKey => Signer::p256().sign(message.as_bytes()),
            _ => self.signer.sign(message.as_bytes()),
        };
        if self.lie == Lie::Altered {
            claims.insert("email".to_owned(), json!("boss@studio.example"));
            let body = base64(Value::Object(claims).to_string().as_bytes());
            return format!("{head}.{body}.{}", base64(&signature));
        }
        format!("{message}.{}", base64(&signature))
    }
}

/// A world whose `flow-studio` has the provider.
async fn world(provider: &Provider, claim: &str) -> World {
    World::with(set(&provider.url, CLIENT, claim)).await
}

/// A server that is set to have it.
fn set(issuer: &str, client_id: &str, claim: &str) -> Config {
    let roles = [
        ("ada@studio.example", Role::Finance),
        ("boss@studio.example", Role::Admin),
        ("credits-team", Role::Support),
        ("person-7", Role::Read),
    ];
    let client = Client::new(Settings {
        issuer: Issuer::parse(issuer).unwrap(),
        client_id: client_id.to_owned(),
        client_secret: Some(SECRET.to_owned()),
    });
    let provider = SignInProvider {
        studio: scrip_core::id::StudioId::parse("flow-studio").unwrap(),
        client,
        claim: claim.to_owned(),
        roles: roles.map(|(value, role)| (value.to_owned(), role)).into(),
    };
    Config { sign_in: vec![provider], ..Config::default() }
}

/// What a browser gets.
struct Got {
    status: u16,
    location: String,
    cookies: Vec<String>,
}

/// A browser asks, from an address.
async fn ask(world: &World, path: &str, cookie: &str, address: &str) -> Got {
    let request = Request::get(path).header("host", "127.0.0.1:7171").header("cookie", cookie);
    let mut request = request.body(axum::body::Body::empty()).unwrap();
    let peer: std::net::SocketAddr = format!("{address}:4000").parse().unwrap();
    request.extensions_mut().insert(ConnectInfo(peer));
    let response = world.routes.clone().oneshot(request).await.unwrap();
    let text = |value: &axum::http::HeaderValue| value.to_str().unwrap().to_owned();
    let headers = response.headers().clone();
    let got = Got {
        status: response.status().as_u16(),
        location: headers.get("location").map(text).unwrap_or_default(),
        cookies: headers.get_all("set-cookie").iter().map(text).collect(),
    };
    response.into_body().collect().await.unwrap();
    got
}

/// Sets out: where the browser is sent, and the cookie that it keeps.
async fn begin(world: &World) -> (String, String) {
    let got = ask(world, "/v1/sign-in/flow-studio", "", "192.0.2.7").await;
    assert_eq!(got.status, 303, "{}", got.location);
    let cookie = got.cookies.first().expect("what is kept").clone();
    for part in ["HttpOnly", "SameSite=Lax", "Max-Age=600", "Path=/v1/sign-in/flow-studio"] {
        assert!(cookie.contains(part), "{cookie}");
    }
    (got.location, cookie.split(';').next().unwrap().to_owned())
}

fn path_of(address: &str) -> &str {
    address.strip_prefix("http://127.0.0.1:7171").expect("back to this server")
}

/// The whole way.
async fn through(world: &World, provider: &Provider) -> Got {
    let (address, cookie) = begin(world).await;
    let back = provider.signs_in(&address);
    ask(world, path_of(&back), &cookie, "192.0.2.7").await
}

/// The session's token of somebody who was let in.
#[track_caller]
fn session(got: &Got) -> String {
    assert_eq!((got.status, got.location.as_str()), (200, ""));
    let cookie = got.cookies.iter().find(|cookie| cookie.starts_with("scrip_console=cs_")).expect("a session");
    for part in ["HttpOnly", "SameSite=Strict", "Path=/console"] {
        assert!(cookie.contains(part), "{cookie}");
    }
    cookie.split([';', '=']).nth(1).unwrap().to_owned()
}

#[track_caller]
fn is_led_back(got: &Got, why: &str, what: &str) {
    assert_eq!((got.status, got.location.as_str()), (303, format!("/console/sign-in?why={why}").as_str()), "{what}");
    assert!(got.cookies.iter().all(|cookie| cookie.starts_with("scrip_sign_in=; ")), "{what}: {:?}", got.cookies);
}

fn ada() -> Value {
    json!({"email": "ada@studio.example", "email_verified": true})
}

#[tokio::test]
async fn a_person_signs_in_and_is_named_in_the_trail() {
    for signer in [Signer::p256(), Signer::rsa()] {
        let provider = Provider::start(ada()).await;
        provider.tell(|told| told.signer = signer);
        let world = world(&provider, "email").await;
        world.account("ada", 0).await;
        let token = session(&through(&world, &provider).await);
        let visit = world.call("GET", "/v1/console-session").secret(&token).empty().await.json();
        assert_eq!((&visit["by"], &visit["role"]), (&json!("ada@studio.example"), &json!("finance")));
        // What was done to several accounts at one instant has no order of its own.
        world.at("2026-01-31T10:00:01Z").await;
        let grant = json!({"credits": 5, "class": "promo", "reason": "launch"});
        let granted = world.call("POST", "/v1/accounts/ada/grants").secret(&token).once("g").json(grant).await;
        assert_eq!(granted.status, 201);
        let acts = world.get("/v1/audit?limit=2").await.json()["acts"].clone();
        for (act, word) in acts.as_array().unwrap().iter().zip(["grant", "signed_in"]) {
            assert_eq!((&act["act"], &act["by"]), (&json!(word), &json!("ada@studio.example")));
        }
        // It may do what the role may, makes no key, and ends.
        assert_eq!(world.call("GET", "/v1/keys").secret(&token).empty().await.status, 403);
        world.at("2026-01-31T11:59:59Z").await;
        let status = async || world.call("GET", "/v1/accounts").secret(&token).empty().await.status;
        assert_eq!(status().await, 200);
        world.at("2026-01-31T12:00:00Z").await;
        assert_eq!(status().await, 401);
    }
}

#[tokio::test]
async fn a_session_makes_no_key_and_ends_with_the_role() {
    let provider = Provider::start(json!({"email": "boss@studio.example", "email_verified": true})).await;
    let mut world = world(&provider, "email").await;
    let token = session(&through(&world, &provider).await);
    let made = world.call("POST", "/v1/keys").secret(&token).json(json!({"role": "read"})).await;
    assert_eq!(made.status, 403);
    assert_eq!(world.call("GET", "/v1/keys").secret(&token).empty().await.status, 200);
    // A server that is set otherwise, on the same store.
    world.again(Config::default());
    assert_eq!(world.call("GET", "/v1/accounts").secret(&token).empty().await.status, 401);
}

/// Who says who somebody is, and by what, is part of a session: another's word for the same value is not this one's.
#[tokio::test]
async fn a_session_ends_when_another_provider_client_or_claim_says_who_people_are() {
    let provider = Provider::start(ada()).await;
    let mut world = world(&provider, "email").await;
    let token = session(&through(&world, &provider).await);
    for (issuer, client, claim, status) in [
        (provider.url.as_str(), CLIENT, "email", 200),
        ("https://accounts.example.com", CLIENT, "email", 401),
        (provider.url.as_str(), "another", "email", 401),
        (provider.url.as_str(), CLIENT, "upn", 401),
        (provider.url.as_str(), CLIENT, "email", 200),
    ] {
        world.again(set(issuer, client, claim));
        let answer = world.call("GET", "/v1/accounts").secret(&token).empty().await;
        assert_eq!(answer.status, status, "{issuer} {client} {claim}");
    }
}

#[tokio::test]
async fn roles_hang_on_the_claim_that_is_set() {
    for (claim, claims, role) in [
        ("email", ada(), Some(("finance", "ada@studio.example"))),
        ("email", json!({"email": "ada@studio.example"}), None),
        ("email", json!({"email": "ada@studio.example", "email_verified": false}), None),
        (
            "email",
            json!({"email": "ada@studio.example", "email_verified": "true"}),
            Some(("finance", "ada@studio.example")),
        ),
        ("email", json!({"email": "eve@studio.example", "email_verified": true}), None),
        ("email", json!({}), None),
        (
            "groups",
            json!({"groups": ["all", "credits-team"], "email": "eve@x.example", "email_verified": true}),
            Some(("support", "eve@x.example")),
        ),
        (
            "groups",
            json!({"groups": "credits-team", "email": "eve@x.example"}),
            Some(("support", "person-7 at 127.0.0.1")),
        ),
        ("groups", json!({"groups": ["all"]}), None),
        ("groups", ada(), None),
        ("sub", json!({}), Some(("read", "person-7 at 127.0.0.1"))),
    ] {
        let provider = Provider::start(claims.clone()).await;
        let world = world(&provider, claim).await;
        let got = through(&world, &provider).await;
        match role {
            None => is_led_back(&got, "no_role", &claims.to_string()),
            Some((role, by)) => {
                let token = session(&got);
                let visit = world.call("GET", "/v1/console-session").secret(&token).empty().await.json();
                assert_eq!((&visit["role"], &visit["by"]), (&json!(role), &json!(by)), "{claims}");
            }
        }
    }
}

#[tokio::test]
async fn what_is_not_the_providers_word_lets_nobody_in() {
    for signer in [Signer::p256, Signer::rsa] {
        for lie in [
            Lie::Issuer,
            Lie::Audience,
            Lie::TwoAudiences,
            Lie::Expired,
            Lie::Ahead,
            Lie::Nonce,
            Lie::NoNonce,
            Lie::NoSubject,
            Lie::Unsigned,
            Lie::SignedWithTheSecret,
            Lie::AnotherKey,
            Lie::Altered,
            Lie::UnknownKey,
        ] {
            let provider = Provider::start(ada()).await;
            provider.tell(|told| (told.lie, told.signer) = (lie, signer()));
            let world = world(&provider, "email").await;
            is_led_back(&through(&world, &provider).await, "again", &format!("{lie:?}"));
            // The same, told truly.
            provider.tell(|told| told.lie = Lie::None);
            session(&through(&world, &provider).await);
        }
    }
    let provider = Provider::start(ada()).await;
    let world = world(&provider, "email").await;
    for lie in [Lie::NoToken, Lie::NoClient, Lie::Busy] {
        provider.tell(|told| told.lie = lie);
        is_led_back(&through(&world, &provider).await, "unreachable", &format!("{lie:?}"));
    }
}

#[tokio::test]
async fn a_provider_that_changes_its_key_is_asked_for_it() {
    for (id, lie) in [("two", Lie::None), ("one", Lie::None), ("one", Lie::NoKeyNamed)] {
        let provider = Provider::start(ada()).await;
        let world = world(&provider, "email").await;
        session(&through(&world, &provider).await);
        provider.tell(|told| (told.signer, told.key_id, told.lie) = (Signer::p256(), id, lie));
        // Not at each sign-in: what was only just asked for stands.
        is_led_back(&through(&world, &provider).await, "again", "asked a moment ago");
        world.at("2026-01-31T10:00:10Z").await;
        session(&through(&world, &provider).await);
        provider.tell(|told| told.lie = Lie::AnotherKey);
        for _ in 0..3 {
            is_led_back(&through(&world, &provider).await, "again", "not its key");
        }
        assert_eq!(provider.told.lock().unwrap().asked_for_keys, 2, "{id} {lie:?}");
    }
}

#[tokio::test]
async fn a_provider_that_hangs_is_left_alone_and_few_wait_for_it() {
    let provider = Provider::start(ada()).await;
    let world = world(&provider, "email").await;
    let hangs = Arc::new(Hangs::default());
    provider.tell(|told| told.hangs = Some(Arc::clone(&hangs)));
    let click = async || ask(&world, "/v1/sign-in/flow-studio", "", "192.0.2.7").await;
    let (first, ()) = tokio::join!(click(), async {
        hangs.arrived.notified().await;
        // The first still waits for the provider; whoever comes then is told so.
        is_led_back(&click().await, "unreachable", "while it hangs");
        world.at("2026-01-31T10:00:20Z").await;
        hangs.go_on.notify_one();
    });
    is_led_back(&first, "unreachable", "it failed in the end");
    provider.tell(|told| told.hangs = None);
    // It was asked twenty seconds ago, and failed only now.
    is_led_back(&click().await, "unreachable", "left alone");
    world.at("2026-01-31T10:00:25Z").await;
    begin(&world).await;
}

#[tokio::test]
async fn a_provider_that_says_it_is_another_or_is_not_there_is_not_used() {
    let provider = Provider::start(ada()).await;
    provider.tell(|told| told.lie = Lie::OtherIssuerInDiscovery);
    let world = world(&provider, "email").await;
    let got = ask(&world, "/v1/sign-in/flow-studio", "", "192.0.2.7").await;
    is_led_back(&got, "unreachable", "another issuer");
    // For a moment it is left alone, however many browsers ask.
    provider.tell(|told| told.lie = Lie::None);
    is_led_back(&ask(&world, "/v1/sign-in/flow-studio", "", "192.0.2.7").await, "unreachable", "left alone");
    world.at("2026-01-31T10:00:05Z").await;
    begin(&world).await;
    let gone = Provider { url: "http://127.0.0.1:9".to_owned(), told: Arc::clone(&provider.told) };
    let world = self::world(&gone, "email").await;
    is_led_back(&ask(&world, "/v1/sign-in/flow-studio", "", "192.0.2.7").await, "unreachable", "nobody there");
    for path in ["/v1/sign-in/studiotwin", "/v1/sign-in/nobody", "/v1/sign-in/studiotwin/return?code=x&state=y"] {
        assert_eq!(ask(&world, path, "", "192.0.2.7").await.status, 404, "{path}");
    }
}

/// Only the browser that set out comes back, once, with what it was sent out with.
#[tokio::test]
async fn nobody_comes_back_with_what_another_set_out_with() {
    let provider = Provider::start(ada()).await;
    let world = world(&provider, "email").await;
    let (address, cookie) = begin(&world).await;
    let (_, others) = begin(&world).await;
    let back = provider.signs_in(&address);
    let path = path_of(&back);
    let (start, _) = path.split_once('?').unwrap();
    let state = path.split("state=").nth(1).unwrap().split('&').next().unwrap();
    for (path, cookie, why) in [
        (path.to_owned(), String::new(), "again"),
        (path.to_owned(), others.clone(), "again"),
        (path.to_owned(), "scrip_sign_in=a.b.c".to_owned(), "again"),
        (format!("{start}?code=code-0"), cookie.clone(), "again"),
        (format!("{path}&state=x"), cookie.clone(), "again"),
        (path.replace("&iss=http", "&iss=https"), cookie.clone(), "again"),
        (format!("{start}?state={state}"), cookie.clone(), "again"),
        (format!("{start}?state={state}&code=never-given"), cookie.clone(), "again"),
        (format!("{start}?state={state}&error=access_denied"), cookie.clone(), "refused"),
    ] {
        is_led_back(&ask(&world, &path, &cookie, "192.0.2.7").await, why, &path);
    }
    session(&ask(&world, path, &cookie, "192.0.2.7").await);
    is_led_back(&ask(&world, path, &cookie, "192.0.2.7").await, "again", "the code was used");
}

/// Two tabs of one browser set out, and both come back.
#[tokio::test]
async fn a_second_tab_leaves_the_first_as_it_is() {
    let provider = Provider::start(ada()).await;
    let world = world(&provider, "email").await;
    let (first, mut cookie) = begin(&world).await;
    let kept = |got: &Got| {
        let kept = got.cookies.iter().find(|cookie| cookie.starts_with("scrip_sign_in=")).expect("what is kept");
        kept.split(';').next().unwrap().to_owned()
    };
    let got = ask(&world, "/v1/sign-in/flow-studio", &cookie, "192.0.2.7").await;
    cookie = kept(&got);
    for address in [first, got.location] {
        let back = provider.signs_in(&address);
        let got = ask(&world, path_of(&back), &cookie, "192.0.2.7").await;
        session(&got);
        cookie = kept(&got);
    }
    assert_eq!(cookie, "scrip_sign_in=", "each is used once");
    // However many are begun, the cookie stays short.
    let mut address = String::new();
    for _ in 0..20 {
        let got = ask(&world, "/v1/sign-in/flow-studio", &cookie, "192.0.2.7").await;
        (cookie, address) = (kept(&got), got.location);
    }
    assert!(cookie.len() < 600, "{}", cookie.len());
    // What nobody set out for takes nothing away.
    let forged = ask(&world, "/v1/sign-in/flow-studio/return?code=x&state=forged", &cookie, "192.0.2.7").await;
    is_led_back(&forged, "again", "forged");
    assert!(forged.cookies.is_empty());
    session(&ask(&world, path_of(&provider.signs_in(&address)), &cookie, "192.0.2.7").await);
}

/// There is nothing to guess on this way, and many share an address.
#[tokio::test]
async fn what_fails_at_the_provider_keeps_nobody_out() {
    let provider = Provider::start(ada()).await;
    let world = world(&provider, "email").await;
    let (_, cookie) = begin(&world).await;
    for lie in [Lie::NoClient, Lie::Busy, Lie::NoToken, Lie::Ahead, Lie::Expired, Lie::AnotherKey] {
        provider.tell(|told| told.lie = lie);
        for _ in 0..2 {
            assert_eq!(through(&world, &provider).await.status, 303, "{lie:?}");
        }
    }
    for _ in 0..20 {
        let forged = "/v1/sign-in/flow-studio/return?code=x&state=forged";
        is_led_back(&ask(&world, forged, &cookie, "192.0.2.7").await, "again", "forged");
    }
    provider.tell(|told| told.lie = Lie::None);
    session(&through(&world, &provider).await);
    assert_eq!(crate::console::sign_in(&world, FLOW, "192.0.2.7").await.0, 201, "a key that could be guessed");
}
