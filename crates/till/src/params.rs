//! What a request says: form-encoded pairs with nested brackets, `metadata[order]=order_1`, as a tree.
//!
//! Strict as the provider it stands for: a parameter that nobody takes is refused by name.

use std::collections::BTreeMap;

use crate::error::ApiError;

/// Pairs in one request, nested levels of one name, and bytes of a body, at the most.
const PAIRS_MAX: usize = 500;
const LEVELS_MAX: usize = 8;

/// Parameters of one level.
pub(crate) struct Params {
    /// What stands before the names here, as in `line_items[0]`.
    at: String,
    given: BTreeMap<String, Given>,
}

/// One parameter.
enum Given {
    Text(String),
    Level(BTreeMap<String, Given>),
}

impl Params {
    /// Reads pairs of a query and a body.
    pub(crate) fn parse(query: &str, body: &str) -> Result<Params, ApiError> {
        let mut given = BTreeMap::new();
        let pairs = [query, body].into_iter().flat_map(|text| text.split('&')).filter(|pair| !pair.is_empty());
        for (count, pair) in pairs.enumerate() {
            if count == PAIRS_MAX {
                return Err(ApiError::invalid("too many parameters"));
            }
            let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
            insert(&mut given, &path_of(&decode(name)?)?, decode(value)?)?;
        }
        Ok(Params { at: String::new(), given })
    }

    /// A text; an empty one counts as none.
    pub(crate) fn text(&mut self, name: &str) -> Result<Option<String>, ApiError> {
        match self.given.remove(name) {
            None => Ok(None),
            Some(Given::Text(text)) => Ok(Some(text).filter(|text| !text.is_empty())),
            Some(Given::Level(_)) => Err(ApiError::parameter(&self.path(name), "a text")),
        }
    }

    /// A text that must be there.
    pub(crate) fn needed(&mut self, name: &str) -> Result<String, ApiError> {
        self.text(name)?.ok_or_else(|| ApiError::missing(&self.path(name)))
    }

    /// A whole number.
    pub(crate) fn number(&mut self, name: &str) -> Result<Option<i64>, ApiError> {
        let text = self.text(name)?;
        text.map(|text| text.parse().map_err(|_| ApiError::parameter(&self.path(name), "an integer"))).transpose()
    }

    /// Whether something is so.
    pub(crate) fn yes(&mut self, name: &str) -> Result<Option<bool>, ApiError> {
        match self.text(name)?.as_deref() {
            None => Ok(None),
            Some("true") => Ok(Some(true)),
            Some("false") => Ok(Some(false)),
            Some(_) => Err(ApiError::parameter(&self.path(name), "true or false")),
        }
    }

    /// One of some words.
    pub(crate) fn word<T: Copy>(&mut self, name: &str, words: &[(&str, T)]) -> Result<Option<T>, ApiError> {
        let Some(text) = self.text(name)? else { return Ok(None) };
        let found = words.iter().find(|(word, _)| *word == text).map(|(_, meaning)| *meaning);
        let expected = || words.iter().map(|(word, _)| *word).collect::<Vec<_>>().join(", ");
        found.map(Some).ok_or_else(|| ApiError::parameter(&self.path(name), &format!("one of {}", expected())))
    }

    /// The parameters beneath a name.
    pub(crate) fn level(&mut self, name: &str) -> Result<Option<Params>, ApiError> {
        let at = self.path(name);
        match self.given.remove(name) {
            None => Ok(None),
            Some(Given::Level(given)) => Ok(Some(Params { at, given })),
            Some(Given::Text(text)) if text.is_empty() => Ok(None),
            Some(Given::Text(_)) => Err(ApiError::parameter(&at, "an object")),
        }
    }

    /// Texts by name: metadata.
    pub(crate) fn texts(&mut self, name: &str) -> Result<BTreeMap<String, String>, ApiError> {
        let Some(level) = self.level(name)? else { return Ok(BTreeMap::new()) };
        let text = |(key, given)| match given {
            Given::Text(text) => Ok((key, text)),
            Given::Level(_) => Err(ApiError::parameter(&format!("{}[{key}]", level.at), "a text")),
        };
        level.given.into_iter().map(text).collect()
    }

    /// Texts in order: `expand[]`.
    pub(crate) fn list(&mut self, name: &str) -> Result<Vec<String>, ApiError> {
        let mut texts: Vec<(usize, String)> = Vec::new();
        for (key, text) in self.texts(name)? {
            let place = key.parse().map_err(|_| ApiError::parameter(&self.path(name), "a list"))?;
            texts.push((place, text));
        }
        texts.sort();
        Ok(texts.into_iter().map(|(_, text)| text).collect())
    }

    /// Refuses what nobody took.
    pub(crate) fn finish(self) -> Result<(), ApiError> {
        match self.given.keys().next() {
            None => Ok(()),
            Some(name) => Err(ApiError::unknown_parameter(&self.path(name))),
        }
    }

    /// A parameter's whole name.
    pub(crate) fn path(&self, name: &str) -> String {
        if self.at.is_empty() { name.to_owned() } else { format!("{}[{name}]", self.at) }
    }
}

/// `a[b][0]` as its parts.
fn path_of(name: &str) -> Result<Vec<&str>, ApiError> {
    let wrong = || ApiError::invalid("a parameter's name has brackets that do not fit");
    let Some((first, rest)) = name.split_once('[') else {
        return if name.contains(']') { Err(wrong()) } else { Ok(vec![name]) };
    };
    let inner = rest.strip_suffix(']').ok_or_else(wrong)?;
    let parts: Vec<&str> = std::iter::once(first).chain(inner.split("][")).collect();
    if parts.len() > LEVELS_MAX || parts.iter().any(|part| part.contains(['[', ']'])) {
        Err(wrong())
    } else {
        Ok(parts)
    }
}

fn insert(into: &mut BTreeMap<String, Given>, path: &[&str], value: String) -> Result<(), ApiError> {
    let (first, rest) = path.split_first().expect("a name has a part");
    // `expand[]` is the next of a list.
    let key = if first.is_empty() { into.len().to_string() } else { (*first).to_owned() };
    if rest.is_empty() {
        into.insert(key, Given::Text(value));
        return Ok(());
    }
    match into.entry(key).or_insert_with(|| Given::Level(BTreeMap::new())) {
        Given::Level(level) => insert(level, rest, value),
        Given::Text(_) => Err(ApiError::invalid("a parameter is both a text and an object")),
    }
}

/// Undoes percent-encoding; a plus is a space.
pub(crate) fn decode(text: &str) -> Result<String, ApiError> {
    let wrong = || ApiError::invalid("the form is not encoded as application/x-www-form-urlencoded, in UTF-8");
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.bytes();
    while let Some(byte) = rest.next() {
        bytes.push(match byte {
            b'+' => b' ',
            b'%' => {
                let digit =
                    |byte: Option<u8>| char::from(byte?).to_digit(16).and_then(|digit| u8::try_from(digit).ok());
                let high = digit(rest.next()).ok_or_else(wrong)?;
                high * 16 + digit(rest.next()).ok_or_else(wrong)?
            }
            byte => byte,
        });
    }
    String::from_utf8(bytes).map_err(|_| wrong())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn params(body: &str) -> Params {
        Params::parse("", body).unwrap_or_else(|_| panic!("{body}"))
    }

    #[test]
    fn nested_brackets_are_read() {
        let mut read = params("a=1&b%5Bc%5D%5Bd%5D=x+y&e[]=p&e[]=q&m[k]=%C3%BC&f[1]=b&f[0]=a");
        assert_eq!(read.number("a").ok(), Some(Some(1)));
        let mut level = read.level("b").ok().flatten().and_then(|mut level| level.level("c").ok().flatten()).unwrap();
        assert_eq!(level.path("d"), "b[c][d]");
        assert_eq!(level.text("d").ok().flatten().as_deref(), Some("x y"));
        assert_eq!(read.list("e").ok(), Some(vec!["p".to_owned(), "q".to_owned()]));
        assert_eq!(read.list("f").ok(), Some(vec!["a".to_owned(), "b".to_owned()]));
        assert_eq!(read.texts("m").ok().and_then(|mut texts| texts.remove("k")).as_deref(), Some("ü"));
        assert!(read.finish().is_ok());
    }

    #[test]
    fn what_cannot_be_read_or_is_not_taken_is_refused() {
        for body in ["a[b=1", "a]b=1", "a[[b]]=1", "a=%zz", "a=%C3", "a=1&a[b]=2", "a[1][2][3][4][5][6][7][8][9]=1"] {
            assert!(Params::parse("", body).is_err(), "{body}");
        }
        let left = params("colour=1").finish().err();
        assert_eq!(left.as_ref().and_then(ApiError::param), Some("colour"));
        assert!(params("a=x").number("a").is_err());
        assert!(params("a[b]=x").text("a").is_err());
    }
}
