//! The words of a formula (R4).
//!
//! Apart from the parser so that each can be read on its own. It knows nothing of measures.

use std::ops::Range;

use crate::measure::Decimal;
use crate::rate::Fault;

/// One word of a formula and where it stands.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Lexeme {
    pub(crate) token: Token,
    /// In bytes of the formula.
    pub(crate) at: Range<usize>,
}

/// The kinds of words.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Token {
    Number(Decimal),
    /// A measure, a `let` name or a function.
    Name(Box<str>),
    /// A quoted word.
    Word(Box<str>),
    /// `+ - * / ( ) ,` and comparisons.
    Sign(&'static str),
    /// `if then else and or not`.
    Keyword(&'static str),
    /// After the last word.
    End,
}

/// The longest formula, in bytes: keeps every later step small.
pub(crate) const LENGTH_MAX: usize = 4_000;

const KEYWORDS: [&str; 6] = ["if", "then", "else", "and", "or", "not"];
/// Longer ones first.
const SIGNS: [&str; 13] = ["<=", ">=", "==", "!=", "<", ">", "+", "-", "*", "/", "(", ")", ","];

/// Splits a formula into words; the last one is [`Token::End`].
pub(crate) fn lexemes(text: &str) -> Result<Vec<Lexeme>, Fault> {
    if text.len() > LENGTH_MAX {
        return Err(Fault::new(
            0..0,
            format!("a formula has at most {LENGTH_MAX} characters; name parts of it with let"),
        ));
    }
    let mut found = Vec::new();
    let mut start = 0;
    while let Some(first) = text[start..].chars().next() {
        if first.is_whitespace() {
            start += first.len_utf8();
            continue;
        }
        let lexeme = lexeme(text, start, first)?;
        start = lexeme.at.end;
        found.push(lexeme);
    }
    found.push(Lexeme { token: Token::End, at: text.len()..text.len() });
    Ok(found)
}

fn lexeme(text: &str, start: usize, first: char) -> Result<Lexeme, Fault> {
    let rest = &text[start..];
    if first.is_ascii_digit() || first == '.' {
        return number(rest, start);
    }
    if first.is_ascii_alphabetic() || first == '_' {
        let length = rest.bytes().take_while(|b| b.is_ascii_alphanumeric() || *b == b'_').count();
        let name = &rest[..length];
        let token = match KEYWORDS.into_iter().find(|keyword| *keyword == name) {
            Some(keyword) => Token::Keyword(keyword),
            None => Token::Name(name.into()),
        };
        return Ok(Lexeme { token, at: start..start + length });
    }
    if first == '"' || first == '\'' {
        let Some(length) = rest[1..].find(first) else {
            return Err(Fault::new(start..text.len(), format!("this word has no closing {first}")));
        };
        let token = Token::Word(rest[1..=length].into());
        return Ok(Lexeme { token, at: start..start + length + 2 });
    }
    if let Some(sign) = SIGNS.into_iter().find(|sign| rest.starts_with(sign)) {
        return Ok(Lexeme { token: Token::Sign(sign), at: start..start + sign.len() });
    }
    let hint = match first {
        '=' => "a comparison for equality is written ==",
        '×' | '·' => "multiplication is written *",
        '÷' => "division is written /",
        '−' | '–' => "minus is written -",
        '^' => "there are no powers: write x * x",
        '%' => "there is no percent sign: write 0.15 for 15 %",
        _ => "expected a number, a name, a quoted word, an operator or a parenthesis",
    };
    Err(Fault::new(start..start + first.len_utf8(), format!("{first:?} is not part of a formula; {hint}")))
}

fn number(rest: &str, start: usize) -> Result<Lexeme, Fault> {
    let length = rest.bytes().take_while(|b| b.is_ascii_alphanumeric() || matches!(b, b'.' | b'_')).count();
    let (at, written) = (start..start + length, &rest[..length]);
    let value = match written.bytes().all(|b| b.is_ascii_digit() || matches!(b, b'.' | b'_')) {
        true => Decimal::parse(&written.replace('_', "")),
        false => return Err(Fault::new(at, format!("{written:?} is not a number; write it as 1000 or 0.25"))),
    };
    match value {
        Ok(value) if value.scale() <= 12 => Ok(Lexeme { token: Token::Number(value), at }),
        Ok(_) => Err(Fault::new(at, "a number in a formula has at most 12 decimals".to_owned())),
        Err(error) => Err(Fault::new(at, format!("{written:?} is not a number that a formula can have: {error}"))),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(text: &str, expected: &str) {
        let shown = match lexemes(text) {
            Ok(lexemes) => lexemes
                .iter()
                .map(|lexeme| match &lexeme.token {
                    Token::Number(value) => format!("{value}"),
                    Token::Name(name) => format!("{name}"),
                    Token::Word(word) => format!("`{word}`"),
                    Token::Sign(sign) => (*sign).to_owned(),
                    Token::Keyword(keyword) => keyword.to_uppercase(),
                    Token::End => ".".to_owned(),
                })
                .collect::<Vec<_>>()
                .join(" "),
            Err(fault) => format!("{:?}: {}", fault.at, fault.message),
        };
        assert_eq!(shown, expected, "{text}");
    }

    #[test]
    fn words_are_found() {
        check("2+10 * megapixels", "2 + 10 * megapixels .");
        check("if q=='hd' then 1_000.5 else x1", "IF q == `hd` THEN 1000.5 ELSE x1 .");
        check("", ".");
        check("1e5", "0..3: \"1e5\" is not a number; write it as 1000 or 0.25");
        check("a = b", "2..3: '=' is not part of a formula; a comparison for equality is written ==");
        check(
            "a ≠ b",
            "2..5: '≠' is not part of a formula; expected a number, a name, a quoted word, an operator or a parenthesis",
        );
        check("q == 'hd", "5..8: this word has no closing '");
    }
}
