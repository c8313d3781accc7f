//! Stylesheet, script and icon: part of the executable, served under names that change with their content, so that
//! browsers may keep them for ever.

use std::sync::OnceLock;

use axum::extract::Path;
use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use sha2::{Digest, Sha256};

/// Where they are.
pub(crate) const FOLDER: &str = "/dashboard/assets/";

/// A year, and no question in between.
const FOR_EVER: HeaderValue = HeaderValue::from_static("public, max-age=31536000, immutable");

/// One file.
pub(crate) struct Asset {
    /// Its address.
    pub(crate) href: String,
    media_type: &'static str,
    content: &'static [u8],
}

/// Every file.
pub(crate) struct Assets {
    pub(crate) style: Asset,
    /// What the console adds to it.
    pub(crate) console_style: Asset,
    pub(crate) script: Asset,
    pub(crate) icon: Asset,
}

/// The files of this executable.
pub(crate) fn all() -> &'static Assets {
    static ALL: OnceLock<Assets> = OnceLock::new();
    ALL.get_or_init(|| Assets {
        style: asset("scrip", "css", "text/css; charset=utf-8", include_bytes!("../assets/scrip.css")),
        console_style: asset("console", "css", "text/css; charset=utf-8", include_bytes!("../assets/console.css")),
        script: asset("scrip", "js", "text/javascript; charset=utf-8", include_bytes!("../assets/scrip.js")),
        icon: asset("icon", "svg", "image/svg+xml", include_bytes!("../assets/icon.svg")),
    })
}

fn asset(name: &str, ending: &str, media_type: &'static str, content: &'static [u8]) -> Asset {
    let digest: String = Sha256::digest(content).iter().take(6).map(|byte| format!("{byte:02x}")).collect();
    Asset { href: format!("{FOLDER}{name}-{digest}.{ending}"), media_type, content }
}

/// Answers with the file of a name.
pub(crate) async fn serve(Path(name): Path<String>) -> Response {
    let Assets { style, console_style, script, icon } = all();
    let found =
        [style, console_style, script, icon].into_iter().find(|asset| asset.href.strip_prefix(FOLDER) == Some(&name));
    match found {
        None => StatusCode::NOT_FOUND.into_response(),
        Some(asset) => {
            let headers =
                [(header::CONTENT_TYPE, HeaderValue::from_static(asset.media_type)), (header::CACHE_CONTROL, FOR_EVER)];
            (headers, asset.content).into_response()
        }
    }
}
