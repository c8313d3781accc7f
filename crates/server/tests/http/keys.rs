//! Keys of the store: made, limited by their role, revoked.

use scrip_core::time::Time;
use scrip_engine::store::{KeyDocument, Role};
use scrip_server::keys;
use serde_json::json;

use crate::world::{START, World};

/// Stores a key of flow-studio and answers its secret.
pub(crate) async fn make(world: &World, id: &str, role: Role, revoked: bool) -> String {
    make_for(world, "flow-studio", id, role, revoked).await
}

/// The same of any studio.
pub(crate) async fn make_for(world: &World, studio: &str, id: &str, role: Role, revoked: bool) -> String {
    let secret = keys::new_secret().unwrap();
    let (studio, _) = world.engine.studios().into_iter().find(|(_, other)| other.as_str() == studio).unwrap();
    let now = Time::parse(START).unwrap();
    let key = KeyDocument {
        id: id.into(),
        studio,
        role,
        digest: keys::digest(&secret),
        hint: "test".into(),
        created_at: now,
        revoked_at: revoked.then_some(now),
    };
    world.engine.put_key(key).await.unwrap();
    secret
}

#[tokio::test]
async fn a_key_works_until_it_is_revoked() {
    let world = World::new().await;
    world.account("ada", 10).await;
    let secret = make(&world, "one", Role::Jobs, false).await;
    let charge = |key: &'static str| world.call("POST", "/v1/accounts/ada/charges").secret(&secret).once(key);
    assert_eq!(charge("a").json(json!({"credits": 1})).await.status, 201);
    let grant = json!({"credits": 1, "class": "promo", "reason": "x"});
    let refused = world.call("POST", "/v1/accounts/ada/grants").secret(&secret).once("b").json(grant).await;
    assert_eq!((refused.status, &refused.json()["code"]), (403, &json!("forbidden")));
    let lines = "{\"op\": \"grant\", \"key\": \"c\", \"account\": \"ada\", \"credits\": 1, \"class\": \"promo\", \"reason\": \"x\"}";
    let batch = world.call("POST", "/v1/batch").secret(&secret).raw(lines).await;
    assert_eq!((batch.status, &batch.json()["status"]), (200, &json!(403)));
    let stored = world.engine.keys().iter().find(|key| &*key.id == "one").unwrap().clone();
    world.engine.put_key(KeyDocument { revoked_at: Some(stored.created_at), ..stored }).await.unwrap();
    assert_eq!(charge("d").json(json!({"credits": 1})).await.status, 401);
}
