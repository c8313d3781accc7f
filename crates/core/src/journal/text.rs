//! Free texts beside the chained record (R29): their digests, and their JSON.
//!
//! Apart because they are the part of an entry that can be erased: the record's body holds only a
//! salted digest of each, and the texts with their salt lie beside it as one JSON object,
//! `{"salt":"<32 hex digits>","reference":"job-1"}`, in the one spelling that is accepted.

use std::fmt::Write as _;

use super::bytes::{Problem, Reader, Writer};
use crate::entry::{Text, TextField, Texts};

/// The fields, in their order.
const FIELDS: [TextField; 6] =
    [TextField::AccountId, TextField::Name, TextField::Reference, TextField::Member, TextField::Reason, TextField::By];

/// The lowest record format that has these texts.
pub(super) fn lowest_format(texts: &[Text]) -> u8 {
    if texts.iter().any(|text| text.field == TextField::By) { 3 } else { 1 }
}

/// Writes the digests.
pub(super) fn write_digests(out: &mut Writer, texts: &Texts) {
    out.count(texts.fields.len());
    for text in &texts.fields {
        out.byte(text.field.number());
        out.raw(&text.digest);
    }
}

/// Reads the digests; the texts themselves are still missing.
pub(super) fn read_digests(body: &mut Reader<'_>) -> Result<Vec<Text>, Problem> {
    let count = body.count()?;
    if count == 0 {
        return Err("an empty list that should have been left out");
    }
    let mut texts: Vec<Text> = Vec::with_capacity(count.min(FIELDS.len()));
    for _ in 0..count {
        let number = body.byte()?;
        let field = FIELDS.into_iter().find(|field| field.number() == number).ok_or("an unknown text")?;
        if texts.last().is_some_and(|last| last.field >= field) {
            return Err("texts out of order");
        }
        texts.push(Text { field, digest: body.array()?, text: None });
    }
    Ok(texts)
}

/// The texts and their salt as they lie beside the record; `None` where there are none or all were erased.
pub(super) fn to_json(texts: &Texts) -> Option<Box<str>> {
    let salt = texts.salt?;
    let length: usize = texts.fields.iter().filter_map(|text| text.text.as_deref()).map(|text| text.len() + 16).sum();
    let mut json = String::with_capacity(48 + length);
    json.push_str("{\"salt\":\"");
    for byte in salt {
        json.push(char::from(HEX[usize::from(byte >> 4)]));
        json.push(char::from(HEX[usize::from(byte & 15)]));
    }
    json.push('"');
    for text in &texts.fields {
        if let Some(content) = &text.text {
            json.push_str(",\"");
            json.push_str(text.field.word());
            json.push_str("\":\"");
            push_escaped(&mut json, content);
            json.push('"');
        }
    }
    json.push('}');
    Some(json.into_boxed_str())
}

const HEX: &[u8; 16] = b"0123456789abcdef";

fn push_escaped(json: &mut String, text: &str) {
    for character in text.chars() {
        match character {
            '"' => json.push_str("\\\""),
            '\\' => json.push_str("\\\\"),
            '\u{8}' => json.push_str("\\b"),
            '\t' => json.push_str("\\t"),
            '\n' => json.push_str("\\n"),
            '\u{c}' => json.push_str("\\f"),
            '\r' => json.push_str("\\r"),
            control if control < ' ' => {
                write!(json, "\\u{:04x}", u32::from(control)).expect("writing to a string cannot fail");
            }
            other => json.push(other),
        }
    }
}

/// Puts the texts that lie beside the record in their places, and compares each with its digest.
pub(super) fn join(fields: Vec<Text>, json: Option<&str>) -> Result<Texts, Problem> {
    let mut texts = Texts { salt: None, fields };
    let Some(json) = json else { return Ok(texts) };
    if texts.fields.is_empty() {
        return Err("texts beside a record that names none");
    }
    let mut source = JsonText { left: json };
    source.expect("{\"salt\":")?;
    let salt = parse_salt(&source.string()?)?;
    texts.salt = Some(salt);
    let mut places = texts.fields.iter_mut();
    while source.take(",") {
        let name = source.string()?;
        source.expect(":")?;
        let content = source.string()?;
        let text =
            places.find(|text| text.field.word() == name).ok_or("a text beside the record that it does not name")?;
        if Text::digest(&salt, text.field, &content) != text.digest {
            return Err("a text that is not the one recorded");
        }
        text.text = Some(content.into_boxed_str());
    }
    source.expect("}")?;
    if to_json(&texts).as_deref() == Some(json) { Ok(texts) } else { Err("texts that are not in their one spelling") }
}

fn parse_salt(text: &str) -> Result<[u8; 16], Problem> {
    const WRONG: Problem = "a salt that is not 32 hexadecimal digits";
    if text.len() != 32 || !text.is_ascii() {
        return Err(WRONG);
    }
    let mut salt = [0; 16];
    for (byte, place) in salt.iter_mut().zip((0..32).step_by(2)) {
        *byte = u8::from_str_radix(&text[place..place + 2], 16).map_err(|_| WRONG)?;
    }
    Ok(salt)
}

/// Reads the few forms of JSON that [`to_json`] writes; what else it lets through, the comparison at the end refuses.
struct JsonText<'a> {
    left: &'a str,
}

impl JsonText<'_> {
    fn take(&mut self, wanted: &str) -> bool {
        match self.left.strip_prefix(wanted) {
            Some(rest) => {
                self.left = rest;
                true
            }
            None => false,
        }
    }

    fn expect(&mut self, wanted: &str) -> Result<(), Problem> {
        if self.take(wanted) { Ok(()) } else { Err(MALFORMED) }
    }

    fn string(&mut self) -> Result<String, Problem> {
        self.expect("\"")?;
        let mut content = String::new();
        let mut characters = self.left.char_indices();
        while let Some((place, character)) = characters.next() {
            match character {
                '"' => {
                    self.left = &self.left[place + 1..];
                    return Ok(content);
                }
                '\\' => {
                    let (_, escape) = characters.next().ok_or(MALFORMED)?;
                    content.push(match escape {
                        'b' => '\u{8}',
                        't' => '\t',
                        'n' => '\n',
                        'f' => '\u{c}',
                        'r' => '\r',
                        'u' => {
                            let digits: String = characters.by_ref().take(4).map(|(_, digit)| digit).collect();
                            u32::from_str_radix(&digits, 16).ok().and_then(char::from_u32).ok_or(MALFORMED)?
                        }
                        plain => plain,
                    });
                }
                plain => content.push(plain),
            }
        }
        Err(MALFORMED)
    }
}

const MALFORMED: Problem = "texts that are not a JSON object of texts";
