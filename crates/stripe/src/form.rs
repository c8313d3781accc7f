//! Bodies and queries in the provider's form encoding: `metadata[order]=order_1`.

/// Pairs that are sent, in order.
#[derive(Default)]
pub(crate) struct Form {
    text: String,
}

impl Form {
    /// Adds a pair.
    pub(crate) fn add(&mut self, name: &str, value: &str) {
        if !self.text.is_empty() {
            self.text.push('&');
        }
        encode(name, &mut self.text);
        self.text.push('=');
        encode(value, &mut self.text);
    }

    /// Adds a pair when there is a value.
    pub(crate) fn add_if(&mut self, name: &str, value: Option<&str>) {
        if let Some(value) = value {
            self.add(name, value);
        }
    }

    /// Adds a whole number.
    pub(crate) fn add_number(&mut self, name: &str, value: impl Into<i64>) {
        self.add(name, &value.into().to_string());
    }

    /// What is sent.
    pub(crate) fn into_text(self) -> String {
        self.text
    }
}

/// Percent-encodes all but unreserved characters, and the brackets that the names are made of.
fn encode(text: &str, into: &mut String) {
    for byte in text.bytes() {
        match byte {
            b'A'..=b'Z' | b'a'..=b'z' | b'0'..=b'9' | b'-' | b'.' | b'_' | b'~' => into.push(char::from(byte)),
            byte => {
                const DIGITS: &[u8; 16] = b"0123456789ABCDEF";
                into.push('%');
                into.push(char::from(DIGITS[usize::from(byte >> 4)]));
                into.push(char::from(DIGITS[usize::from(byte & 15)]));
            }
        }
    }
}

/// A part of a path, encoded.
pub(crate) fn segment(text: &str) -> String {
    let mut encoded = String::with_capacity(text.len());
    encode(text, &mut encoded);
    encoded
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_and_values_are_encoded() {
        let mut form = Form::default();
        form.add("metadata[order]", "order_1");
        form.add("name", "Müller & Söhne = 1+1?");
        form.add_if("absent", None);
        form.add_number("amount", 1999);
        let expected = "metadata%5Border%5D=order_1&name=M%C3%BCller%20%26%20S%C3%B6hne%20%3D%201%2B1%3F&amount=1999";
        assert_eq!(form.into_text(), expected);
        assert_eq!(segment("../events?x"), "..%2Fevents%3Fx");
    }
}
