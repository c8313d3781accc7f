//! Numbers that people type.
//!
//! Some people write 1.000 for a thousand and others for one, whatever their browser says of them. Nothing is guessed
//! here: what can be read in two ways is refused, in words that name the field and say how to write it.

use serde_json::Number;

/// The number that was typed into a field, to go on as it was written; or what is wrong with it, for whoever typed it.
pub(crate) fn number(field: &str, text: &str) -> Result<Number, String> {
    number_within(field, text, |_| true)
}

/// The same in a field that takes some numbers alone, as `takes` says: what it does not take, nobody can have meant.
pub(crate) fn number_within(field: &str, text: &str, takes: impl Fn(i64) -> bool) -> Result<Number, String> {
    let plain: String = text.chars().filter(|sign| sign.is_ascii_digit() || *sign == '-').collect();
    if is_grouped(text) && plain.parse().is_ok_and(takes) {
        let decimals = match text.split_once('.') {
            Some((_, rest)) if !rest.contains('.') => format!(", or {text}0 for less than that"),
            Some(_) | None => String::new(),
        };
        return Err(format!("{field}: “{text}” can be read in two ways. Write {plain}{decimals}."));
    }
    let has_comma = text.contains(',') && text.chars().all(|sign| sign.is_ascii_digit() || ".,'’ ".contains(sign));
    match text.parse() {
        Ok(number) => Ok(number),
        Err(_) if has_comma => Err(format!(
            "{field}: “{text}” can be read in two ways. Write digits, and a point before decimals: 1000.5."
        )),
        Err(_) => Err(format!("{field}: “{text}” is not a number.")),
    }
}

/// Whether it may be a number whose thousands are set apart by a sign, as in `1.000`, `1,000` and `1 000`.
fn is_grouped(text: &str) -> bool {
    let text = text.strip_prefix('-').unwrap_or(text);
    let mut groups = text.split(|sign: char| ".,'’".contains(sign) || sign.is_whitespace());
    let digits = |group: &str| group.bytes().all(|byte| byte.is_ascii_digit());
    let first =
        groups.next().is_some_and(|first| matches!(first.len(), 1..=3) && digits(first) && !first.starts_with('0'));
    let mut rest = groups.peekable();
    first && rest.peek().is_some() && rest.all(|group| group.len() == 3 && digits(group))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_can_be_read_in_two_ways_is_refused() {
        for (text, said) in [
            ("0", Ok("0")),
            ("1000", Ok("1000")),
            ("100.5", Ok("100.5")),
            ("0.125", Ok("0.125")),
            ("1.1250", Ok("1.1250")),
            ("-3", Ok("-3")),
            ("-1.000", Err("Below: “-1.000” can be read in two ways. Write -1000, or -1.0000 for less than that.")),
            ("1.000", Err("Below: “1.000” can be read in two ways. Write 1000, or 1.0000 for less than that.")),
            ("1,000", Err("Below: “1,000” can be read in two ways. Write 1000.")),
            ("1 000", Err("Below: “1 000” can be read in two ways. Write 1000.")),
            ("1\u{202f}000", Err("Below: “1\u{202f}000” can be read in two ways. Write 1000.")),
            ("1’000", Err("Below: “1’000” can be read in two ways. Write 1000.")),
            ("12.345.678", Err("Below: “12.345.678” can be read in two ways. Write 12345678.")),
            (
                "1.000,5",
                Err("Below: “1.000,5” can be read in two ways. Write digits, and a point before decimals: 1000.5."),
            ),
            ("0,5", Err("Below: “0,5” can be read in two ways. Write digits, and a point before decimals: 1000.5.")),
            ("many", Err("Below: “many” is not a number.")),
            ("", Err("Below: “” is not a number.")),
        ] {
            let read = number("Below", text).map(|number| number.to_string());
            assert_eq!(read.as_deref().map_err(String::as_str), said, "{text}");
        }
    }

    #[test]
    fn what_a_field_does_not_take_was_not_meant() {
        for (text, most, said) in [
            ("2.125", 60, Ok("2.125")),
            (
                "2.125",
                3_600,
                Err("Seconds: “2.125” can be read in two ways. Write 2125, or 2.1250 for less than that."),
            ),
            ("99999999999999999999.999", i64::MAX, Ok("99999999999999999999.999")),
            (
                "2,125",
                60,
                Err("Seconds: “2,125” can be read in two ways. Write digits, and a point before decimals: 1000.5."),
            ),
        ] {
            let read = number_within("Seconds", text, |whole| whole <= most).map(|number| number.to_string());
            assert_eq!(read.as_deref().map_err(String::as_str), said, "{text} of {most}");
        }
    }
}
