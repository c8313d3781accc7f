//! How numbers, money and times are written for one customer: grouped as their language does, in their account's time
//! zone. Digits come from the exact amounts; nothing is rounded here.

use jiff::civil::Date;
use jiff::{ToSpan, Zoned};
use scrip_api::catalog::PriceShown;
use scrip_api::number::{Amount, Quantity, WideAmount};
use scrip_api::time::Instant;
use scrip_core::catalog::currency_decimals;
use scrip_core::time::{Time, Zone};

/// How one customer reads.
#[derive(Clone, Debug)]
pub(crate) struct Wording {
    /// What stands between thousands.
    group: &'static str,
    /// What stands before decimals.
    point: &'static str,
    /// Whether the month comes before the day, and hours are counted to twelve.
    american: bool,
    zone: jiff::tz::TimeZone,
}

/// Languages that write 1.234,5.
const POINTS: &str = "de es it nl pt hr sr sl bs id tr da el ro ca gl eu is mk sq vi";
/// Languages that write 1 234,5.
const SPACES: &str = "fr ru uk pl cs sk sv nb nn no fi hu bg lv lt et be ka hy kk";
/// A space that does not break and is narrow.
const NARROW: &str = "\u{202f}";

impl Wording {
    /// The wording for what a browser says of languages, in a zone.
    pub(crate) fn new(accepted: &str, zone: &Zone) -> Wording {
        let first = accepted.split([',', ';']).next().unwrap_or_default().trim();
        let (language, region) = first.split_once('-').unwrap_or((first, ""));
        let among = |list: &str| list.split(' ').any(|known| known.eq_ignore_ascii_case(language));
        let (group, point) = match () {
            () if region.eq_ignore_ascii_case("CH") => ("’", "."),
            () if among(POINTS) => (".", ","),
            () if among(SPACES) => (NARROW, ","),
            () => (",", "."),
        };
        Wording { group, point, american: first.eq_ignore_ascii_case("en-US"), zone: zone.rules() }
    }

    /// Credits: `1,234.5`.
    pub(crate) fn amount(&self, amount: &Amount) -> String {
        self.digits(&amount.0.to_string())
    }

    /// A change of credits: `+25` or `−25`.
    pub(crate) fn signed(&self, amount: &Amount) -> String {
        let digits = self.amount(amount);
        if amount.0.is_positive() { format!("+{digits}") } else { digits }
    }

    /// A total.
    pub(crate) fn total(&self, total: &WideAmount) -> String {
        self.digits(&total.0.to_string())
    }

    /// A quantity with its unit: `150 seconds`, `1 second`.
    pub(crate) fn quantity(&self, quantity: &Quantity, unit: &str) -> String {
        let digits = quantity.0.to_string();
        let unit = if digits == "1" { unit.strip_suffix('s').unwrap_or(unit) } else { unit };
        format!("{} {unit}", self.digits(&digits))
    }

    /// A number of a measure.
    pub(crate) fn number(&self, number: &Quantity) -> String {
        self.digits(&number.0.to_string())
    }

    /// A count.
    pub(crate) fn count(&self, count: impl Into<u64>) -> String {
        self.digits(&count.into().to_string())
    }

    /// Money: `70.00 USD`.
    pub(crate) fn money(&self, price: &PriceShown) -> String {
        let decimals = usize::from(currency_decimals(&price.currency).unwrap_or(0));
        let digits = format!("{:0>width$}", price.amount, width = decimals + 1);
        let (whole, fraction) = digits.split_at(digits.len() - decimals);
        let point = if decimals == 0 { "" } else { "." };
        format!("{} {}", self.digits(&format!("{whole}{point}{fraction}")), price.currency)
    }

    /// A day and time: `3 Feb 2026, 14:05`.
    pub(crate) fn instant(&self, at: &Instant) -> String {
        let form = if self.american { "%b %-d, %Y, %-I:%M %p" } else { "%-d %b %Y, %H:%M" };
        self.zoned(at).strftime(form).to_string()
    }

    /// A day: `3 Feb 2026`.
    pub(crate) fn day(&self, at: &Instant) -> String {
        let form = if self.american { "%b %-d, %Y" } else { "%-d %b %Y" };
        self.zoned(at).strftime(form).to_string()
    }

    /// A day of this year: `3 Feb`.
    pub(crate) fn short_day(&self, at: &Instant) -> String {
        let form = if self.american { "%b %-d" } else { "%-d %b" };
        self.zoned(at).strftime(form).to_string()
    }

    /// A day that is written `2026-02-03`, as people write it: `3 Feb`.
    pub(crate) fn civil(&self, day: &str) -> String {
        let form = if self.american { "%b %-d" } else { "%-d %b" };
        day.parse::<Date>().map_or_else(|_| day.to_owned(), |day| day.strftime(form).to_string())
    }

    /// A day that is written `2026-02-03`, with its year: `3 Feb 2026`.
    pub(crate) fn date(&self, day: &str) -> String {
        let form = if self.american { "%b %-d, %Y" } else { "%-d %b %Y" };
        day.parse::<Date>().map_or_else(|_| day.to_owned(), |day| day.strftime(form).to_string())
    }

    /// A line of arithmetic: its numbers with the point of the customer's language.
    pub(crate) fn arithmetic(&self, line: &str) -> String {
        let number = |word: &str| {
            let word = word.trim_matches(['(', ')']);
            word.starts_with(|first: char| first.is_ascii_digit())
                && word.bytes().all(|byte| byte.is_ascii_digit() || byte == b'.')
        };
        let words =
            line.split(' ').map(|word| if number(word) { word.replace('.', self.point) } else { word.to_owned() });
        words.collect::<Vec<_>>().join(" ")
    }

    /// How far ahead an instant is: `in 9 days`, `in 40 minutes`.
    pub(crate) fn ahead(at: &Instant, now: &Instant) -> String {
        format!("in {}", Wording::span((at.0.micros() - now.0.micros()).div_euclid(1_000_000)))
    }

    /// How long so many seconds are, in the largest unit that fits at least twice, whole and rounded down.
    pub(crate) fn span(seconds: i64) -> String {
        let counted = |length: i64, name: &str| {
            let count = seconds.div_euclid(length);
            format!("{count} {name}{}", if count == 1 { "" } else { "s" })
        };
        match seconds {
            172_800.. => counted(86_400, "day"),
            7_200.. => counted(3_600, "hour"),
            120.. => counted(60, "minute"),
            _ => "a moment".to_owned(),
        }
    }

    /// The beginning of a day that is written `2026-02-03`, or of one so many days later.
    pub(crate) fn midnight(&self, day: Option<&str>, days_later: i64) -> Option<Time> {
        let day: Date = day?.parse().ok()?;
        self.begins(day.checked_add(days_later.days()).ok()?)
    }

    /// The beginning of the day after this instant's.
    pub(crate) fn midnight_after(&self, at: &Instant) -> Time {
        let tomorrow = self.zoned(at).date().tomorrow().ok();
        tomorrow.and_then(|day| self.begins(day)).unwrap_or(at.0)
    }

    /// The beginning of the day so many days before this instant's.
    pub(crate) fn days_before(&self, at: Time, days: i64) -> Time {
        let day = self.zoned(&Instant(at)).date().checked_sub(days.days()).ok();
        day.and_then(|day| self.begins(day)).unwrap_or(at)
    }

    /// The days of a period, as the API writes them.
    pub(crate) fn days(&self, from: Time, to: Time) -> Vec<String> {
        let last = self.zoned(&Instant(Time::from_micros(to.micros() - 1))).date();
        let days = self.zoned(&Instant(from)).date().series(1.day());
        days.take_while(|day| *day <= last).map(|day| day.to_string()).collect()
    }

    fn begins(&self, day: Date) -> Option<Time> {
        let at = day.to_zoned(self.zone.clone()).ok()?;
        let at = Time::from(at.timestamp());
        (Time::EPOCH..=Time::MAX).contains(&at).then_some(at)
    }

    fn zoned(&self, at: &Instant) -> Zoned {
        at.0.timestamp().to_zoned(self.zone.clone())
    }

    /// Digits with a sign and a point as the customer's language writes them.
    fn digits(&self, plain: &str) -> String {
        let (sign, plain) = match plain.strip_prefix('-') {
            Some(rest) => ("−", rest),
            None => ("", plain),
        };
        let (whole, fraction) = plain.split_once('.').map_or((plain, None), |(whole, rest)| (whole, Some(rest)));
        let mut text = String::from(sign);
        for (place, digit) in whole.chars().enumerate() {
            if place > 0 && (whole.len() - place) % 3 == 0 {
                text.push_str(self.group);
            }
            text.push(digit);
        }
        if let Some(fraction) = fraction {
            text.push_str(self.point);
            text.push_str(fraction);
        }
        text
    }
}

/// A lot's class for people.
pub(crate) fn class_name(class: &str) -> &'static str {
    match class {
        "subscription" => "Subscription",
        "promo" => "Promotional",
        "make_good" => "Make-good",
        _ => "Top-up",
    }
}

#[cfg(test)]
mod tests {
    use scrip_core::amount::Credits;

    use super::*;

    #[test]
    fn amounts_are_grouped_as_the_language_does() {
        for (accepted, shown) in [
            ("", "1,234,567.5"),
            ("en-GB,en;q=0.9", "1,234,567.5"),
            ("de-DE,de;q=0.9,en;q=0.8", "1.234.567,5"),
            ("de-CH", "1’234’567.5"),
            ("fr", "1\u{202f}234\u{202f}567,5"),
            ("xx\u{0}", "1,234,567.5"),
        ] {
            let wording = Wording::new(accepted, &Zone::utc());
            assert_eq!(wording.amount(&Amount(Credits::from_millionths(1_234_567_500_000))), shown, "{accepted}");
        }
    }

    #[test]
    fn arithmetic_keeps_its_words() {
        let german = Wording::new("de", &Zone::utc());
        assert_eq!(german.arithmetic("10.4 s → 11 s × 1.5 = 16.5"), "10,4 s → 11 s × 1,5 = 16,5");
        assert_eq!(german.arithmetic("model sd1.5 . (2.5 + 1)"), "model sd1.5 . (2,5 + 1)", "a name is no number");
        assert_eq!(Wording::new("en", &Zone::utc()).arithmetic("10.4 s"), "10.4 s");
    }

    #[test]
    fn amounts_money_and_times_are_written_for_people() {
        let zagreb = Zone::parse("Europe/Zagreb").unwrap();
        let wording = Wording::new("en-GB", &zagreb);
        assert_eq!(wording.signed(&Amount(Credits::whole(-1_200))), "−1,200");
        assert_eq!(wording.signed(&Amount(Credits::whole(25))), "+25");
        for (amount, currency, shown) in
            [(700_000, "USD", "7,000.00 USD"), (500, "JPY", "500 JPY"), (5, "EUR", "0.05 EUR")]
        {
            assert_eq!(wording.money(&PriceShown { amount, currency: currency.to_owned() }), shown);
        }
        let at = Instant(Time::parse("2026-01-31T23:30:00Z").unwrap());
        assert_eq!(wording.instant(&at), "1 Feb 2026, 00:30");
        assert_eq!(Wording::new("en-US", &zagreb).instant(&at), "Feb 1, 2026, 12:30 AM");
        for (seconds, shown) in [(900_000, "10 days"), (90_000, "25 hours"), (150, "2 minutes"), (59, "a moment")] {
            assert_eq!(Wording::span(seconds), shown);
        }
    }
}
