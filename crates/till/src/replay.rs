//! Idempotency keys: the first answer again for the same call, a refusal for another.

use std::collections::BTreeMap;

use serde_json::Value;
use sha2::{Digest, Sha256};

use crate::error::ApiError;

/// The answers that were given, by key. Kept as long as the provider runs.
#[derive(Default)]
pub(crate) struct Replays(BTreeMap<String, Given>);

struct Given {
    call: [u8; 32],
    answer: Kept,
}

/// An answer that is kept.
#[derive(Clone)]
pub(crate) struct Kept {
    pub(crate) status: u16,
    pub(crate) body: Value,
}

impl Replays {
    /// What was answered before under a key; a refusal when it was another call.
    pub(crate) fn find(&self, key: &str, call: [u8; 32]) -> Result<Option<Kept>, ApiError> {
        match self.0.get(key) {
            None => Ok(None),
            Some(given) if given.call == call => Ok(Some(given.answer.clone())),
            Some(_) => Err(ApiError::key_reused()),
        }
    }

    pub(crate) fn keep(&mut self, key: String, call: [u8; 32], answer: Kept) {
        self.0.insert(key, Given { call, answer });
    }
}

/// What makes two calls the same: method, path and parameters.
pub(crate) fn digest(method: &str, path: &str, body: &str) -> [u8; 32] {
    let mut pairs: Vec<&str> = body.split('&').collect();
    pairs.sort_unstable();
    Sha256::digest(format!("{method} {path}\n{}", pairs.join("&"))).into()
}
