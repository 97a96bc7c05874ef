//! Lengths of time and sums of money as people type them.

use folkmoot_schemas::records::{
    event::{Price, asks_donations, minor_digits},
    text::clean,
};

use super::number;
use crate::error::Error;

/// A length of time as it is typed: so many days on the calendar, then so many seconds on a watch.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Length {
    pub(crate) days: u32,
    pub(crate) seconds: u32,
}

/// `2h`, `90m`, `1h30`, `2h 30min`, `1:30`, `3 days`: seconds, where a day has 24 hours.
pub(crate) fn duration(text: &str) -> Result<u32, Error> {
    let Length { days, seconds } = length(text)?;
    days.checked_mul(86_400).and_then(|days| days.checked_add(seconds)).ok_or_else(|| not_understood(text))
}

/// The same, where a day is as long as the clocks make it.
pub(crate) fn length(text: &str) -> Result<Length, Error> {
    read_length(text).filter(|long| long.days > 0 || long.seconds > 0).ok_or_else(|| not_understood(text))
}

fn not_understood(text: &str) -> Error {
    Error::refused(format!("could not understand the duration {text:?}"))
        .hint("write it like 2h, 90m, 1h30 or \"3 days\"")
}

fn read_length(text: &str) -> Option<Length> {
    let text: String = text.to_lowercase().chars().filter(|c| !c.is_whitespace()).collect();
    if let Some((hours, minutes)) = text.split_once(':') {
        let (hours, minutes): (u32, u32) = (number(hours)?, number(minutes).filter(|m| *m < 60)?);
        return Some(Length { days: 0, seconds: hours.checked_mul(3600)?.checked_add(minutes * 60)? });
    }
    let (mut rest, mut total, mut last) = (text.as_str(), Length { days: 0, seconds: 0 }, 0);
    while !rest.is_empty() {
        let split = rest.find(|c: char| !c.is_ascii_digit()).unwrap_or(rest.len());
        let (digits, tail) = rest.split_at(split);
        let end = tail.find(|c: char| c.is_ascii_digit()).unwrap_or(tail.len());
        let (unit, tail) = tail.split_at(end);
        let number = number::<u32>(digits)?;
        let each = match unit {
            "d" | "day" | "days" => 86_400,
            "h" | "hr" | "hour" | "hours" => 3600,
            "m" | "min" | "mins" | "minute" | "minutes" => 60,
            "w" | "week" | "weeks" => 7 * 86_400,
            // `1h30`: minutes after hours.
            "" if last == 3600 => 60,
            _ => return None,
        };
        match each {
            86_400.. => total.days = total.days.checked_add(number.checked_mul(each / 86_400)?)?,
            _ => total.seconds = total.seconds.checked_add(number.checked_mul(each)?)?,
        }
        (rest, last) = (tail, each);
    }
    Some(total)
}

/// `12 EUR`, `5-12.50 EUR`, `€12`, `free`, `donation`, each with a note in brackets or behind a comma: `12 EUR, concessions
/// 8`. A sum alone is of the `usual` currency, and the second value says so.
pub(crate) fn price(text: &str, usual: &str) -> Result<(Price, bool), Error> {
    read_price(text, usual).ok_or_else(|| {
        Error::refused(format!("could not understand the price {text:?}"))
            .hint("write it like \"12 EUR\", \"5-12.50 EUR\", \"free\", \"donation\" or \"12 EUR, concessions 8\"")
    })
}

fn read_price(text: &str, usual: &str) -> Option<(Price, bool)> {
    let text = text.trim();
    let free = |note: Option<&str>| {
        let note = note.map(clean).filter(|note| !note.is_empty());
        Price { min: 0, max: None, currency: usual.to_owned(), note }
    };
    if asks_donations(text) {
        return Some((free(Some(text)), false));
    }
    let (sum, note) = parted(text);
    if sum.eq_ignore_ascii_case("free") {
        return Some((free(note), false));
    }
    let is_sum = |c: char| c.is_ascii_digit() || matches!(c, '.' | ',' | '-' | '–' | ' ');
    let sums: String = sum.chars().filter(|c| is_sum(*c) && *c != ' ').collect();
    let currency: String = sum.chars().filter(|c| !is_sum(*c)).collect();
    let known = match currency.to_lowercase().as_str() {
        "" => None,
        "€" | "euro" | "euros" => Some("EUR".to_owned()),
        "£" => Some("GBP".to_owned()),
        "$" => Some("USD".to_owned()),
        code if code.len() == 3 && code.bytes().all(|b| b.is_ascii_alphabetic()) => Some(code.to_uppercase()),
        _ => return None,
    };
    let assumed = known.is_none();
    let currency = known.unwrap_or_else(|| usual.to_owned());
    let digits = minor_digits(&currency) as usize;
    let mut range = sums.split(['-', '–']);
    let min = minor(range.next()?, digits)?;
    let max = range.next().map(|m| minor(m, digits)).map_or(Some(None), |m| m.map(Some))?;
    if range.next().is_some() || max.is_some_and(|max| max < min) {
        return None;
    }
    let note = note.map(clean).filter(|note| !note.is_empty());
    let assumed = assumed && (min > 0 || max.is_some());
    Some((Price { min, max: max.filter(|max| *max != min), currency, note }, assumed))
}

/// The sum, and the note in brackets or behind a comma; one that stands within a number parts nothing.
fn parted(text: &str) -> (&str, Option<&str>) {
    let space_after = |at: usize| text[at + 1..].starts_with(char::is_whitespace);
    let comma = text.match_indices([',', ';']).map(|(at, _)| at).find(|at| space_after(*at));
    let bracket = text.find('(').filter(|_| text.ends_with(')'));
    match (bracket, comma) {
        (Some(at), comma) if comma.is_none_or(|comma| at < comma) => {
            (text[..at].trim(), Some(text[at + 1..text.len() - 1].trim()))
        }
        (_, Some(at)) => (text[..at].trim(), Some(text[at + 1..].trim())),
        _ => (text, None),
    }
}

fn minor(sum: &str, digits: usize) -> Option<u64> {
    let (whole, part) = sum.split_once(['.', ',']).unwrap_or((sum, ""));
    if part.len() > digits {
        return None;
    }
    let part = format!("{part:0<digits$}");
    let part = if part.is_empty() { 0 } else { number::<u64>(&part)? };
    number::<u64>(whole).filter(|w| *w <= 1_000_000_000)?.checked_mul(10u64.pow(digits as u32))?.checked_add(part)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations_are_read_with_and_without_units() {
        for (text, want) in
            [("2h", 7200), ("90m", 5400), ("1h30", 5400), ("2 h 30 min", 9000), ("1:30", 5400), ("3 days", 259_200)]
        {
            assert_eq!(duration(text).ok(), Some(want), "{text}");
        }
        for text in ["2", "h", "1h-3m", "99999999999h", "4294967295d", "30x"] {
            assert!(duration(text).is_err(), "{text}");
        }
    }

    #[test]
    fn days_and_hours_of_a_length_are_told_apart() {
        for (text, days, seconds) in [("1 day", 1, 0), ("24h", 0, 86_400), ("1w 2d 3h", 9, 10_800), ("1:30", 0, 5400)] {
            assert_eq!(length(text).ok(), Some(Length { days, seconds }), "{text}");
        }
    }

    #[test]
    fn prices_are_kept_in_minor_units_of_their_currency() {
        let p = |text: &str| read_price(text, "EUR").map(|(p, _)| (p.min, p.max, p.currency));
        assert_eq!(p("12 EUR"), Some((1200, None, "EUR".into())));
        assert_eq!(p("€12,50"), Some((1250, None, "EUR".into())));
        assert_eq!(p("5-12.5 eur"), Some((500, Some(1250), "EUR".into())));
        assert_eq!(p("1500 JPY"), Some((1500, None, "JPY".into())));
        for text in
            ["EUR", "12-5 EUR", "1.234 EUR", "-5 EUR", "12 EURX", "five", "", "concessions 3", "5 EUR concessions 3"]
        {
            assert_eq!(p(text), None, "{text}");
        }
    }

    #[test]
    fn what_people_say_of_a_price_is_said_again_and_read_as_the_same() {
        for (text, words) in [
            ("donation", "donation"),
            ("Pay what you can, 5 EUR would help", "Pay what you can, 5 EUR would help"),
            ("free", "free"),
            ("0", "free"),
            ("free, donations welcome", "free (donations welcome)"),
            ("5", "5 GBP"),
            ("5-10 EUR", "5–10 EUR"),
            ("5 EUR, concessions 3", "5 EUR (concessions 3)"),
            ("7,50, at the door 9", "7.50 GBP (at the door 9)"),
            ("5-10 euro (pay what you can)", "5–10 EUR (pay what you can)"),
            ("12 EUR (concessions 8)", "12 EUR (concessions 8)"),
        ] {
            let price = read_price(text, "GBP").unwrap().0;
            assert_eq!(price.words(), words, "{text}");
            assert_eq!(read_price(words, &price.currency).unwrap().0, price, "{words}");
        }
        assert!(read_price("5", "EUR").unwrap().1 && !read_price("5 EUR", "EUR").unwrap().1);
    }
}
