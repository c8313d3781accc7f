//! Measures as a JSON object: `{"seconds": 10.4, "quality": "high"}`.

use std::borrow::Cow;
use std::fmt;
use std::sync::Arc;

use scrip_core::id::MeasureId;
use scrip_core::measure::{Decimal, MeasureValue, Measures};
use scrip_core::rejection::Rejection;
use serde::de::{Error, MapAccess, Visitor};
use serde::ser::SerializeMap;
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use serde_json::value::RawValue;
use utoipa::openapi::schema::{AdditionalProperties, ObjectBuilder, OneOfBuilder, Schema, Type};
use utoipa::{PartialSchema, ToSchema};

use crate::number::Quantity;

/// Measures of a request: each name once, the values as they were written.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct MeasuresAsked(Vec<(String, MeasureValue)>);

/// Measures in an answer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MeasuresShown(pub Measures);

/// Begins the word that stands for a value of no kind that measures have. No catalog can declare such a word, so the
/// rules refuse it as they refuse any other, naming the measure, in their own order (R32).
const UNREADABLE: &str = "\u{0}";

impl MeasuresAsked {
    /// The rules' form; `invalid_measure` for a name that no measure can have.
    pub fn measures(self) -> Result<Measures, Rejection> {
        let mut measures = Measures::none();
        for (name, value) in self.0 {
            let unknown = || Rejection::InvalidMeasure {
                measure: name.as_str().into(),
                expected: "a measure that the tool declares".into(),
            };
            let id = MeasureId::parse(&name).map_err(|_| unknown())?;
            assert!(measures.insert(id, value), "names were found to be unique when they were read");
        }
        Ok(measures)
    }
}

/// The value that a JSON text gives: a number or a word, or else one that the rules refuse.
fn value_of(raw: &str) -> Result<MeasureValue, serde_json::Error> {
    let unreadable = || MeasureValue::Word(Arc::from([UNREADABLE, raw].concat()));
    Ok(match raw.as_bytes().first() {
        Some(b'-' | b'0'..=b'9') => Decimal::parse(raw).map_or_else(|_| unreadable(), MeasureValue::Number),
        Some(b'"') => MeasureValue::Word(serde_json::from_str::<Cow<'_, str>>(raw)?.into()),
        _ => unreadable(),
    })
}

struct MeasuresVisitor;

impl<'de> Visitor<'de> for MeasuresVisitor {
    type Value = MeasuresAsked;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object of measures, such as {\"seconds\": 10.4}")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<MeasuresAsked, A::Error> {
        let mut measures: Vec<(String, MeasureValue)> = Vec::new();
        while let Some(name) = map.next_key::<String>()? {
            if measures.iter().any(|(other, _)| *other == name) {
                return Err(A::Error::custom(format_args!("duplicate field `{name}`")));
            }
            if measures.len() == MEASURES_MAX {
                return Err(A::Error::custom(format_args!("expected at most {MEASURES_MAX} measures")));
            }
            let raw: &'de RawValue = map.next_value()?;
            measures.push((name, value_of(raw.get()).map_err(A::Error::custom)?));
        }
        Ok(MeasuresAsked(measures))
    }
}

/// More measures than any rate declares.
const MEASURES_MAX: usize = 64;

impl<'de> Deserialize<'de> for MeasuresAsked {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<MeasuresAsked, D::Error> {
        deserializer.deserialize_map(MeasuresVisitor)
    }
}

impl Serialize for MeasuresShown {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(Some(self.0.len()))?;
        for (name, value) in self.0.iter() {
            match value {
                MeasureValue::Number(number) => map.serialize_entry(name.as_str(), &Quantity(*number))?,
                MeasureValue::Word(word) => map.serialize_entry(name.as_str(), word.as_ref())?,
            }
        }
        map.end()
    }
}

impl<'de> Deserialize<'de> for MeasuresShown {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<MeasuresShown, D::Error> {
        let asked = MeasuresAsked::deserialize(deserializer)?;
        asked.measures().map(MeasuresShown).map_err(|_| D::Error::custom("a measure has an impossible name"))
    }
}

fn schema_of(description: &str) -> utoipa::openapi::RefOr<Schema> {
    let value = OneOfBuilder::new()
        .item(ObjectBuilder::new().schema_type(Type::Number))
        .item(ObjectBuilder::new().schema_type(Type::String));
    ObjectBuilder::new()
        .schema_type(Type::Object)
        .additional_properties(Some(AdditionalProperties::RefOr(Schema::from(value).into())))
        .description(Some(description))
        .build()
        .into()
}

impl PartialSchema for MeasuresAsked {
    fn schema() -> utoipa::openapi::RefOr<Schema> {
        schema_of("The job's measures by name: numbers and words, as the tool declares them.")
    }
}

impl ToSchema for MeasuresAsked {
    fn name() -> Cow<'static, str> {
        Cow::Borrowed("MeasuresAsked")
    }
}

impl PartialSchema for MeasuresShown {
    fn schema() -> utoipa::openapi::RefOr<Schema> {
        schema_of("The job's measures by name, as they were given.")
    }
}

impl ToSchema for MeasuresShown {
    fn name() -> Cow<'static, str> {
        Cow::Borrowed("MeasuresShown")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_and_words_are_read_exactly() {
        let asked: MeasuresAsked = serde_json::from_str(r#"{"seconds": 10.40, "quality": "h\u0069gh"}"#).unwrap();
        let shown = serde_json::to_string(&MeasuresShown(asked.measures().unwrap())).unwrap();
        assert_eq!(shown, r#"{"quality":"high","seconds":10.4}"#);
    }

    #[test]
    fn a_name_is_given_once() {
        let error = serde_json::from_str::<MeasuresAsked>(r#"{"seconds": 1, "seconds": 1}"#).unwrap_err();
        assert!(error.to_string().starts_with("duplicate field `seconds`"), "{error}");
    }

    #[test]
    fn other_values_are_left_to_the_rules_to_refuse() {
        for raw in ["true", "null", "[1]", "{\"a\":1}", "1e40", "1234567890123456789012345678901234567890"] {
            let asked: MeasuresAsked = serde_json::from_str(&format!("{{\"seconds\": {raw}}}")).unwrap();
            let measures = asked.measures().unwrap();
            assert!(
                matches!(measures.get("seconds"), Some(MeasureValue::Word(word)) if word.starts_with(UNREADABLE)),
                "{raw}"
            );
        }
    }
}
