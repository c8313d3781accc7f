//! The balance element, for studios that load it from their scrip: `sdk/balance-element/scrip-balance.js`, as it is.
//!
//! Apart from the API: no key, and any page may load it, as it holds nothing of anybody. Its lasting address names its
//! content, so that a browser may keep it for good; the short one leads there.

use std::sync::LazyLock;

use axum::extract::Path;
use axum::http::{HeaderName, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use scrip_api::code::Code;
use sha2::{Digest, Sha256};

use crate::problem::Refused;

const ELEMENT: &[u8] = include_bytes!("../../../../sdk/balance-element/scrip-balance.js");
/// How many digits of the content's digest are in its address.
const DIGITS: usize = 16;

/// The name that changes with the content.
static NAME: LazyLock<String> = LazyLock::new(|| {
    let digest: String = Sha256::digest(ELEMENT).iter().map(|byte| format!("{byte:02x}")).collect();
    format!("scrip-balance-{}.js", &digest[..DIGITS])
});

/// Pages of any origin may load it.
const OPEN: [(HeaderName, HeaderValue); 2] = [
    (header::ACCESS_CONTROL_ALLOW_ORIGIN, HeaderValue::from_static("*")),
    (HeaderName::from_static("cross-origin-resource-policy"), HeaderValue::from_static("cross-origin")),
];

/// `/elements/scrip-balance.js`: to where today's element is; asked for anew each time.
pub(super) async fn newest() -> Response {
    let location = HeaderValue::from_str(&format!("/elements/{}", *NAME)).expect("a digest is plain text");
    let headers = [(header::LOCATION, location), (header::CACHE_CONTROL, HeaderValue::from_static("no-cache"))];
    (StatusCode::FOUND, OPEN, headers).into_response()
}

/// `/elements/scrip-balance-….js`: the element itself, for good.
pub(super) async fn named(Path(name): Path<String>) -> Result<Response, Refused> {
    if name != *NAME {
        return Err(Refused::new(Code::NotFound, "There is no such element; /elements/scrip-balance.js leads to it."));
    }
    let headers = [
        (header::CONTENT_TYPE, HeaderValue::from_static("text/javascript; charset=utf-8")),
        (header::CACHE_CONTROL, HeaderValue::from_static("public, max-age=31536000, immutable")),
    ];
    Ok((OPEN, headers, ELEMENT).into_response())
}
