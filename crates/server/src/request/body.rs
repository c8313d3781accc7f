//! Bodies: bounded in size and time, strict JSON.

use std::time::Duration;

use axum::body::{Body as HttpBody, Bytes};
use axum::extract::{FromRequest, Request};
use axum::http::header::{CONTENT_ENCODING, CONTENT_LENGTH, CONTENT_TYPE};
use axum::http::{HeaderMap, HeaderValue};
use http_body_util::{BodyExt, LengthLimitError, Limited};
use scrip_api::code::Code;
use scrip_api::problem::{Problem, shown};
use scrip_api::unfit::InvalidField;
use serde::de::DeserializeOwned;
use serde_json::error::Category;

use crate::app::App;
use crate::problem::Refused;

/// A JSON body of an ordinary size. An empty one is read as `{}`.
pub(crate) struct Body<T>(pub(crate) T);

impl<T: DeserializeOwned> FromRequest<App> for Body<T> {
    type Rejection = Refused;

    async fn from_request(request: Request, app: &App) -> Result<Body<T>, Refused> {
        let limits = &app.config().limits;
        let (parts, body) = request.into_parts();
        let bytes = read(&parts.headers, body, limits.body, limits.body_wait).await?;
        if bytes.is_empty() {
            return Ok(Body(parse(b"{}")?));
        }
        media_type(&parts.headers, &["application/json"])?;
        Ok(Body(parse(&bytes)?))
    }
}

/// Reads a body of at most `limit` bytes that arrives within `wait`.
pub(crate) async fn read(headers: &HeaderMap, body: HttpBody, limit: usize, wait: Duration) -> Result<Bytes, Refused> {
    if headers.get_all(CONTENT_ENCODING).iter().any(|encoding| encoding != "identity") {
        let detail = "A body with a Content-Encoding is not read here; send it as it is.";
        return Err(Refused::new(Code::UnsupportedMediaType, detail));
    }
    // Said before the body is sent, where its length is known.
    if declared_length(headers).is_some_and(|length| length > limit) {
        return Err(too_large(limit));
    }
    match tokio::time::timeout(wait, Limited::new(body, limit).collect()).await {
        Ok(Ok(collected)) => Ok(collected.to_bytes()),
        Ok(Err(error)) if error.is::<LengthLimitError>() => Err(too_large(limit)),
        Ok(Err(_)) => Err(InvalidField::new("body", "a body that arrives whole").into()),
        Err(_) => {
            let detail = format!("The body did not arrive within {} s; nothing was done.", wait.as_secs());
            Err(Refused::new(Code::RequestTimeout, detail))
        }
    }
}

fn declared_length(headers: &HeaderMap) -> Option<usize> {
    headers.get(CONTENT_LENGTH)?.to_str().ok()?.parse().ok()
}

fn too_large(limit: usize) -> Refused {
    let detail = format!("The body is larger than the {limit} bytes that are read here.");
    Problem::new(Code::TooLarge, detail).with("limit", limit).into()
}

/// The body's type, which must be one of these; parameters other than a charset of UTF-8 are refused.
pub(crate) fn media_type<'a>(headers: &HeaderMap, accepted: &[&'a str]) -> Result<&'a str, Refused> {
    let found = headers.get(CONTENT_TYPE).and_then(|value| essence(value, accepted));
    found.ok_or_else(|| {
        let detail = format!("Content-Type must be {}, in UTF-8.", accepted.join(" or "));
        Refused::new(Code::UnsupportedMediaType, detail)
    })
}

fn essence<'a>(value: &HeaderValue, accepted: &[&'a str]) -> Option<&'a str> {
    let mut parts = value.to_str().ok()?.split(';').map(str::trim);
    let essence = parts.next()?;
    let utf8 = |parameter: &str| {
        let parameter = parameter.to_ascii_lowercase();
        matches!(parameter.as_str(), "charset=utf-8" | "charset=\"utf-8\"" | "")
    };
    parts.all(utf8).then(|| accepted.iter().find(|name| name.eq_ignore_ascii_case(essence)).copied()).flatten()
}

/// Reads JSON strictly: every field known and given once, nothing after it. What is wrong is named by its path.
pub(crate) fn parse<T: DeserializeOwned>(bytes: &[u8]) -> Result<T, InvalidField> {
    // Serde's derived readers would take a list of values for an object.
    if bytes.trim_ascii_start().first().is_some_and(|first| *first == b'[') {
        return Err(InvalidField::new("body", "a JSON object"));
    }
    // The path costs a copy of each name: it is looked for only when something is wrong.
    serde_json::from_slice(bytes).map_err(|error| {
        let mut deserializer = serde_json::Deserializer::from_slice(bytes);
        match serde_path_to_error::deserialize::<_, T>(&mut deserializer) {
            Err(error) => invalid(known(&error.path().to_string()), error.inner()),
            Ok(_) => invalid(ROOT, &error),
        }
    })
}

/// How the path of the whole body is written.
const ROOT: &str = ".";

/// The part of a path that is known: where a name itself cannot be read, the path ends in a question mark.
fn known(path: &str) -> &str {
    match path.strip_suffix('?') {
        Some("") => ROOT,
        Some(around) => around.strip_suffix('.').unwrap_or(around),
        None => path,
    }
}

fn invalid(path: &str, error: &serde_json::Error) -> InvalidField {
    let message = error.to_string();
    let field = match error.classify() {
        Category::Data => named(path, &message),
        Category::Io | Category::Syntax | Category::Eof if path == ROOT => "body".to_owned(),
        Category::Io | Category::Syntax | Category::Eof => path.to_owned(),
    };
    let problem = match error.classify() {
        Category::Data if path == ROOT && message.starts_with("invalid type") => "expected a JSON object".to_owned(),
        Category::Data => plain(&message),
        Category::Io | Category::Syntax | Category::Eof => format!("not JSON: {message}"),
    };
    InvalidField::because(shorten(&field), problem)
}

/// What serde calls by its type in Rust, in words.
fn plain(message: &str) -> String {
    message
        .replace("expected u32", &format!("expected a whole number from 0 to {}", u32::MAX))
        .replace("expected u8", &format!("expected a whole number from 0 to {}", u8::MAX))
}

/// The field that is missing, unknown or given twice stands in the message of serde's derived readers, which report
/// it at the object around it.
fn named(path: &str, message: &str) -> String {
    let about_name = ["missing field `", "unknown field `", "duplicate field `"];
    let name = about_name.iter().find_map(|start| message.strip_prefix(start)?.split('`').next());
    match name {
        Some(name) if path == ROOT || path == name => name.to_owned(),
        Some(name) if path.ends_with(&format!(".{name}")) => path.to_owned(),
        Some(name) => format!("{path}.{name}"),
        None if path == ROOT => "body".to_owned(),
        None => path.to_owned(),
    }
}

/// A path can hold a caller's own names: kept to a line.
fn shorten(path: &str) -> String {
    if path.len() <= 120 && !path.chars().any(char::is_control) { path.to_owned() } else { shown(path) }
}

#[cfg(test)]
mod tests {
    use scrip_api::hold::HoldRequest;
    use scrip_api::quote::QuoteRequest;

    use super::*;

    #[test]
    fn what_is_wrong_is_named_by_its_path() {
        for (body, field) in [
            ("", "body"),
            ("{", "body"),
            ("[]", "body"),
            ("{\"tool\": \"x\"} 1", "body"),
            ("{}", "tool"),
            ("{\"tool\": 7}", "tool"),
            ("{\"tool\": \"x\", \"tool\": \"x\"}", "tool"),
            ("{\"tool\": \"x\", \"colour\": 1}", "colour"),
            ("{\"tool\": \"x\", \"measures\": []}", "measures"),
            ("{\"tool\": \"x\", \"measures\": {\"seconds\": NaN}}", "measures.seconds"),
            ("{\"tool\": \"x\", \"measures\": {\"seconds\": 1, \"seconds\": 2}}", "measures.seconds"),
            ("{\"tool\": \"x\", \"account\": null}", "account"),
        ] {
            assert_eq!(parse::<QuoteRequest>(body.as_bytes()).unwrap_err().field, field, "{body}");
        }
        for (body, field) in [
            ("{\"credits\": \"25\"}", "credits"),
            ("{\"credits\": 0.0000001}", "credits"),
            ("{\"credits\": 1, \"expires_in\": -1}", "expires_in"),
            ("{\"credits\": 1, \"expires_in\": 1.5}", "expires_in"),
        ] {
            assert_eq!(parse::<HoldRequest>(body.as_bytes()).unwrap_err().field, field, "{body}");
        }
    }

    #[test]
    fn no_problem_speaks_rust() {
        for (body, problem) in [
            ("null", "expected a JSON object"),
            ("7", "expected a JSON object"),
            ("{\"expires_in\": -1}", "expected a whole number from 0 to 4294967295"),
            ("{\"expires_in\": 1.5}", "expected a whole number from 0 to 4294967295"),
        ] {
            let found = parse::<HoldRequest>(body.as_bytes()).unwrap_err().problem;
            assert!(found.contains(problem), "{body}: {found}");
        }
    }

    #[test]
    fn nesting_without_end_is_refused() {
        let deep = format!("{{\"tool\": {}1{}}}", "[".repeat(10_000), "]".repeat(10_000));
        assert!(parse::<QuoteRequest>(deep.as_bytes()).is_err());
    }
}
