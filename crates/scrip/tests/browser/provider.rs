//! Signing in to the console through a provider, as a browser does: cookies of one site and of another, addresses that lead on, and a
//! small provider that the test runs.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, mpsc};
use std::time::{SystemTime, UNIX_EPOCH};

use axum::extract::{Form, Query, State};
use axum::response::Html;
use axum::routing::{get, post};
use axum::{Json, Router};
use ring::rand::SystemRandom;
use ring::signature::{ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair, KeyPair};
use serde_json::{Value, json};

use crate::operating::WINDOWS;
use crate::support::Server;
use crate::world::World;

const PERSON: &str = "ada@studio.example";

/// A provider at which one person has an account.
struct Provider {
    url: String,
    pair: EcdsaKeyPair,
    /// Of each code: challenge, nonce and where it leads back to.
    codes: Mutex<BTreeMap<String, [String; 3]>>,
}

type Shared = State<Arc<Provider>>;
type Asked = BTreeMap<String, String>;

impl Provider {
    /// Starts one that runs as long as the tests do. Its site is another than the server's, which is reached by its number.
    fn start() -> Arc<Provider> {
        let random = SystemRandom::new();
        let document = EcdsaKeyPair::generate_pkcs8(&ECDSA_P256_SHA256_FIXED_SIGNING, &random).expect("a key");
        let pair = EcdsaKeyPair::from_pkcs8(&ECDSA_P256_SHA256_FIXED_SIGNING, document.as_ref(), &random);
        let pair = pair.expect("the key that was made");
        let (tell, told) = mpsc::channel();
        std::thread::spawn(move || {
            let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
            runtime.block_on(async move {
                let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.expect("a port");
                let url = format!("http://localhost:{}", listener.local_addr().expect("it listens").port());
                let provider = Arc::new(Provider { url, pair, codes: Mutex::default() });
                tell.send(Arc::clone(&provider)).expect("the test waits");
                let routes = Router::new()
                    .route("/.well-known/openid-configuration", get(discovery))
                    .route("/authorize", get(authorize))
                    .route("/token", post(token))
                    .route("/keys", get(keys))
                    .with_state(provider);
                axum::serve(listener, routes).await.expect("it serves");
            });
        });
        told.recv().expect("it starts")
    }

    /// A signed statement of who it is.
    fn statement(&self, nonce: &str) -> String {
        let now = SystemTime::now().duration_since(UNIX_EPOCH).expect("after 1970").as_secs();
        let claims = json!({
            "iss": self.url, "aud": "scrip", "sub": "person-7", "email": PERSON, "email_verified": true, "nonce": nonce,
            "iat": now, "exp": now + 300,
        });
        let message =
            [json!({"alg": "ES256", "kid": "one"}), claims].map(|part| base64(part.to_string().as_bytes())).join(".");
        let signature = self.pair.sign(&SystemRandom::new(), message.as_bytes()).expect("a signature");
        format!("{message}.{}", base64(signature.as_ref()))
    }
}

async fn discovery(State(provider): Shared) -> Json<Value> {
    let url = &provider.url;
    Json(json!({
        "issuer": url, "authorization_endpoint": format!("{url}/authorize"), "token_endpoint": format!("{url}/token"),
        "jwks_uri": format!("{url}/keys"),
    }))
}

/// The page at which the person says who it is, or goes away.
async fn authorize(State(provider): Shared, Query(asked): Query<Asked>) -> Html<String> {
    let code = format!("code-{}", provider.codes.lock().expect("codes").len());
    let kept = ["code_challenge", "nonce", "redirect_uri"].map(|name| asked[name].clone());
    let (back, state) = (kept[2].clone(), &asked["state"]);
    provider.codes.lock().expect("codes").insert(code.clone(), kept);
    let iss = provider.url.replace(':', "%3A").replace('/', "%2F");
    Html(format!(
        "<!doctype html><title>Provider</title><h1>The provider</h1>\
         <a id=ada href=\"{back}?code={code}&amp;state={state}&amp;iss={iss}\">Go on as Ada</a> \
         <a id=no href=\"{back}?error=access_denied&amp;state={state}&amp;iss={iss}\">No</a>"
    ))
}

async fn token(State(provider): Shared, Form(form): Form<Asked>) -> Json<Value> {
    let kept = provider.codes.lock().expect("codes").remove(&form["code"]).expect("a code that was given");
    let [challenge, nonce, redirect_uri] = kept;
    let digest = ring::digest::digest(&ring::digest::SHA256, form["code_verifier"].as_bytes());
    assert_eq!((base64(digest.as_ref()), &form["redirect_uri"]), (challenge, &redirect_uri));
    Json(json!({"access_token": "x", "token_type": "Bearer", "id_token": provider.statement(&nonce)}))
}

async fn keys(State(provider): Shared) -> Json<Value> {
    let point = provider.pair.public_key().as_ref();
    let key = json!({"kty": "EC", "crv": "P-256", "kid": "one", "x": base64(&point[1..33]), "y": base64(&point[33..])});
    Json(json!({"keys": [key]}))
}

/// Bytes in base 64, as addresses bear it.
fn base64(bytes: &[u8]) -> String {
    const DIGITS: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
    let bits: Vec<u8> = bytes.iter().flat_map(|byte| (0..8).rev().map(move |place| byte >> place & 1)).collect();
    let digit = |six: &[u8]| {
        let value = (0..6).fold(0_usize, |value, place| value << 1 | usize::from(*six.get(place).unwrap_or(&0)));
        char::from(DIGITS[value])
    };
    bits.chunks(6).map(digit).collect()
}

/// Out to the provider's page and back from another site, in each look: signed in, named, let do what the role may, and out again.
#[test]
fn people_sign_in_through_their_provider() {
    let folder = tempfile::tempdir().expect("a folder for temporary files");
    let provider = Provider::start();
    let flags = [
        format!("--oidc-issuer=studiotwin={}", provider.url),
        "--oidc-client=studiotwin=scrip".to_owned(),
        format!("--oidc-role=studiotwin={PERSON}:support"),
    ];
    let flags: Vec<&str> = flags.iter().map(String::as_str).collect();
    let world = World::on(|| Server::start(&folder.path().join("data"), &flags));
    assert_eq!(world.put("studiotwin", "/accounts/bo", r#"{"name": "Bo"}"#).status, 201);
    let browser = &world.browser;
    for (width, scheme) in WINDOWS {
        world.look(width, scheme);
        let offered = "a[href='/v1/sign-in/studiotwin']";
        // Who says no there is not signed in here.
        browser.go(&world.at("/console"));
        assert_eq!(world.faults(), Vec::<String>::new());
        browser.keep_whole_picture(&format!("sign-in-offered-{width}-{scheme}"));
        browser.click(offered);
        browser.click("#no");
        browser.find_text("You were not signed in there.");
        assert_eq!(world.faults(), Vec::<String>::new());
        browser.click(offered);
        assert!(browser.address().starts_with(&provider.url), "{}", browser.address());
        browser.click("#ada");
        browser.find_text("What accounts have now");
        assert_eq!(browser.address(), world.at("/console"));
        assert_eq!(browser.value("return document.cookie"), json!(""), "no script has the session");
        browser.click("details.menu summary");
        assert_eq!(browser.text(".menu-sheet .who"), PERSON);
        assert_eq!(browser.count("a[href='/console/keys']"), 0, "what the role may not do is not offered");
        browser.go(&world.at("/console/accounts/bo/grant"));
        let why = format!("a black frame, {width} {scheme}");
        world.act(&[("#credits", "2"), ("#reason", &why)], "Gives 2 make-good credits", "Granted 2 credits.");
        let act = world.get("studiotwin", "/audit?limit=1")["acts"][0].clone();
        assert_eq!((&act["by"], &act["reason"]), (&json!(PERSON), &json!(why)));
        browser.click("details.menu summary");
        browser.click("form[action='/console/sign-out'] button");
        browser.find_text("Or sign in with your key");
        browser.go(&world.at("/console/accounts"));
        browser.find_text("Or sign in with your key");
    }
    assert_eq!(world.get("studiotwin", "/accounts/bo/balance")["available"], json!(8));
}
