//! Headers that handlers need.

use axum::extract::FromRequestParts;
use axum::http::HeaderMap;
use axum::http::header::ACCEPT;
use axum::http::request::Parts;
use scrip_api::code::Code;
use scrip_api::unfit::InvalidField;
use scrip_core::id::Key;

use crate::app::App;
use crate::problem::Refused;
use crate::{auth, customer_token};

/// The header's name.
const IDEMPOTENCY_KEY: &str = "idempotency-key";

/// The idempotency key that every POST which changes an account carries (R31). A customer's is bound apart from the
/// studio's: whoever guesses `job-7-settle` takes nothing from the studio.
pub(crate) struct IdempotencyKey(pub(crate) Key);

impl FromRequestParts<App> for IdempotencyKey {
    type Rejection = Refused;

    async fn from_request_parts(parts: &mut Parts, _: &App) -> Result<IdempotencyKey, Refused> {
        let invalid = |expected: &str| InvalidField::new("Idempotency-Key", expected);
        let mut values = parts.headers.get_all(IDEMPOTENCY_KEY).iter();
        let Some(value) = values.next() else { return Err(required()) };
        if values.next().is_some() {
            return Err(invalid("one such header, not several").into());
        }
        if value.is_empty() {
            return Err(required());
        }
        let key = value.to_str().ok().and_then(|text| Key::parse(text).ok());
        let key = key.ok_or_else(|| invalid("1 to 128 visible ASCII characters"))?;
        let customers = auth::bearer(&parts.headers)?.starts_with(customer_token::PREFIX);
        Ok(IdempotencyKey(if customers { Key::of_customer(&key) } else { key }))
    }
}

fn required() -> Refused {
    Refused::new(
        Code::IdempotencyKeyRequired,
        "Send an Idempotency-Key of 1 to 128 visible ASCII characters, new for each request and the same for its \
         repeats: a repeat then gets the first answer and nothing happens twice.",
    )
}

/// A format that an answer can take.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Format {
    /// `application/json`.
    Json,
    /// `text/csv`.
    Csv,
    /// `application/toml`.
    Toml,
}

impl Format {
    /// Its media type.
    pub(crate) const fn media_type(self) -> &'static str {
        match self {
            Format::Json => "application/json",
            Format::Csv => "text/csv",
            Format::Toml => "application/toml",
        }
    }
}

/// The first of `offered` that the caller accepts most; without an Accept header, the first.
pub(crate) fn accepted_format(headers: &HeaderMap, offered: &[Format]) -> Result<Format, Refused> {
    let mut ranges = Vec::new();
    for value in headers.get_all(ACCEPT) {
        let text = value.to_str().map_err(|_| InvalidField::new("Accept", "media types"))?;
        ranges.extend(text.split(',').map(str::trim).filter(|range| !range.is_empty()).map(str::to_ascii_lowercase));
    }
    if ranges.is_empty() {
        return Ok(offered[0]);
    }
    let best = offered.iter().rev().max_by_key(|format| weight(&ranges, format.media_type()));
    match best {
        Some(format) if weight(&ranges, format.media_type()) > 0 => Ok(*format),
        _ => {
            let names: Vec<_> = offered.iter().map(|format| format.media_type()).collect();
            Err(Refused::new(Code::NotAcceptable, format!("This is given as {}.", names.join(" or "))))
        }
    }
}

/// How much a media type is wanted, from 0 to 1000, by the most specific range that covers it.
fn weight(ranges: &[String], media_type: &str) -> u32 {
    let (kind, _) = media_type.split_once('/').unwrap_or((media_type, ""));
    let any_of_kind = format!("{kind}/*");
    let covering = ranges.iter().filter_map(|range| {
        let (name, parameters) = range.split_once(';').unwrap_or((range, ""));
        let specific = match name.trim() {
            name if name == media_type => 3,
            name if name == any_of_kind => 2,
            "*/*" => 1,
            _ => return None,
        };
        Some((specific, quality(parameters)))
    });
    covering.max_by_key(|(specific, _)| *specific).map_or(0, |(_, quality)| quality)
}

/// The `q` parameter in thousandths; 1 when absent, 0 when unreadable.
fn quality(parameters: &str) -> u32 {
    let Some(q) = parameters.split(';').find_map(|parameter| parameter.trim().strip_prefix("q=")) else { return 1000 };
    match scrip_core::amount::Credits::parse(q) {
        Ok(q) => u32::try_from(q.millionths() / 1000).unwrap_or(0).min(1000),
        Err(_) => 0,
    }
}

#[cfg(test)]
mod tests {
    use axum::http::HeaderValue;

    use super::*;

    #[test]
    fn the_most_wanted_format_is_chosen() {
        for (accept, chosen) in [
            ("", Some(Format::Json)),
            ("*/*", Some(Format::Json)),
            ("text/csv", Some(Format::Csv)),
            ("text/*", Some(Format::Csv)),
            ("text/csv;q=0.5, application/json", Some(Format::Json)),
            ("application/json;q=0.1, text/csv;q=0.2", Some(Format::Csv)),
            ("text/html", None),
            ("text/csv;q=0, image/png", None),
        ] {
            let mut headers = HeaderMap::new();
            headers.insert(ACCEPT, HeaderValue::from_static(accept));
            assert_eq!(accepted_format(&headers, &[Format::Json, Format::Csv]).ok(), chosen, "{accept}");
        }
    }
}
