//! What a customer sends: read, and held against their session.
//!
//! A form carries a value that only a page of the same session can have, and the browser's word of where it comes from
//! must not be another site. So nobody else's page can act for a customer.

use axum::body::Body;
use axum::extract::{FromRequest, Request};
use axum::http::{HeaderMap, header};
use hmac::{Hmac, Mac};
use sha2::Sha256;
use subtle::ConstantTimeEq;

use crate::Options;
use crate::trouble::Trouble;
use crate::visit::{Site, Visit};

/// The longest form, in bytes.
const LEN_MAX: usize = 16 * 1024;

/// A form that came from one of this session's own pages, and the visit.
pub(crate) struct Filled {
    pub(crate) visit: Visit,
    fields: Vec<(String, String)>,
}

impl FromRequest<Site> for Filled {
    type Rejection = Trouble;

    async fn from_request(request: Request, site: &Site) -> Result<Filled, Trouble> {
        use axum::extract::FromRequestParts;

        let (mut parts, body) = request.into_parts();
        let visit = Visit::from_request_parts(&mut parts, site).await?;
        if !from_here(&parts.headers, &site.options) {
            return Err(Trouble::NotFromHere);
        }
        let body = axum::body::to_bytes(body, LEN_MAX).await.map_err(|_| Trouble::NotFromHere)?;
        let request = Request::from_parts(parts, Body::from(body));
        let fields = axum::Form::<Vec<(String, String)>>::from_request(request, site).await;
        let axum::Form(fields) = fields.map_err(|_| Trouble::NotFromHere)?;
        let filled = Filled { visit, fields };
        let seal = seal(&filled.visit.token);
        let given = filled.text("seal").unwrap_or_default();
        if bool::from(given.as_bytes().ct_eq(seal.as_bytes())) { Ok(filled) } else { Err(Trouble::NotFromHere) }
    }
}

impl Filled {
    /// A field's text, without the space around it; `None` where it is missing or empty.
    pub(crate) fn text(&self, name: &str) -> Option<&str> {
        let (_, value) = self.fields.iter().find(|(other, _)| other == name)?;
        Some(value.trim()).filter(|value| !value.is_empty())
    }

    /// A field's text, without the space around it; `None` where the form lacks it.
    pub(crate) fn typed(&self, name: &str) -> Option<&str> {
        self.fields.iter().find(|(other, _)| other == name).map(|(_, value)| value.trim())
    }

    /// Every value of a field that can be chosen several times.
    pub(crate) fn texts<'a>(&'a self, name: &'a str) -> impl Iterator<Item = &'a str> {
        self.fields.iter().filter(move |(other, _)| other == name).map(|(_, value)| value.as_str())
    }

    /// What makes the form's act happen once, however often it is sent.
    pub(crate) fn once(&self) -> Result<&str, Trouble> {
        self.text("once").ok_or(Trouble::NotFromHere)
    }
}

/// The value that the forms of a session carry.
pub(crate) fn seal(token: &str) -> String {
    let mut seal = Hmac::<Sha256>::new_from_slice(token.as_bytes()).expect("a key of any length will do");
    seal.update(b"scrip form");
    seal.finalize().into_bytes().iter().take(16).map(|byte| format!("{byte:02x}")).collect()
}

/// A value that no form had before.
pub(crate) fn fresh() -> Result<String, Trouble> {
    let mut bytes = [0_u8; 16];
    getrandom::fill(&mut bytes).map_err(|_| Trouble::Fault)?;
    Ok(bytes.iter().map(|byte| format!("{byte:02x}")).collect())
}

/// Whether the browser does not say that another site sent this. Ours is the address that was asked, and the public one: a
/// proxy in front may ask by another name.
pub(crate) fn from_here(headers: &HeaderMap, options: &Options) -> bool {
    let text = |name| headers.get(name).and_then(|value| value.to_str().ok());
    let site = text(header::HeaderName::from_static("sec-fetch-site"));
    if site.is_some_and(|site| site != "same-origin" && site != "none") {
        return false;
    }
    let (Some(origin), Some(host)) = (text(header::ORIGIN), text(header::HOST)) else { return true };
    let asked = origin.split_once("://").is_some_and(|(_, named)| named == host);
    asked || origin_of(&options.public_url).is_some_and(|public| public == origin)
}

/// An address's origin as browsers write it: without its path, in small letters, and without the port that is understood.
fn origin_of(address: &str) -> Option<String> {
    let (scheme, rest) = address.split_once("://")?;
    let scheme = scheme.to_ascii_lowercase();
    let host = rest.split(['/', '?', '#']).next()?.to_ascii_lowercase();
    let understood = if scheme == "https" { ":443" } else { ":80" };
    let host = host.strip_suffix(understood).unwrap_or(&host);
    (!host.is_empty()).then(|| format!("{scheme}://{host}"))
}

#[cfg(test)]
mod tests {
    use axum::http::HeaderValue;

    use super::*;

    #[test]
    fn another_sites_forms_are_refused() {
        let options = Options { public_url: "https://Credits.example:443/at".to_owned(), ..Options::default() };
        for (given, here) in [
            (vec![], true),
            (vec![("origin", "http://a.example:7171")], true),
            (vec![("origin", "https://a.example:7171")], true),
            (vec![("origin", "https://credits.example")], true),
            (vec![("origin", "https://credits.example"), ("sec-fetch-site", "same-site")], false),
            (vec![("origin", "http://credits.example")], false),
            (vec![("origin", "https://credits.example:8443")], false),
            (vec![("origin", "https://credits.example.evil.example")], false),
            (vec![("origin", "http://evil.example")], false),
            (vec![("origin", "null")], false),
            (vec![("sec-fetch-site", "cross-site")], false),
            (vec![("sec-fetch-site", "same-site")], false),
            (vec![("sec-fetch-site", "same-origin"), ("origin", "http://a.example:7171")], true),
        ] {
            let mut headers = HeaderMap::new();
            headers.insert(header::HOST, HeaderValue::from_static("a.example:7171"));
            for (name, value) in &given {
                headers.insert(*name, HeaderValue::from_static(value));
            }
            assert_eq!(from_here(&headers, &options), here, "{given:?}");
        }
    }
}
