//! `--repeat`: a series in words, as the recurrence rules of the format allow.

use folkmoot_schemas::recur::{Freq, Rule};
use jiff::civil::{DateTime, Weekday};

use super::{Typed, number, ordinal, weekday};
use crate::error::Error;

/// Reads e.g. `weekly on thu until 2027-06-30`, `every 2nd thursday`, `monthly on the 15th, 10 times`.
pub(crate) fn rule(text: &str, now: DateTime) -> Result<Rule, Error> {
    let lower = text.trim().to_lowercase();
    let (phrase, until, count) = bounds(&lower, now)?;
    let (freq, interval, by_day, by_month_day) = rhythm(phrase).ok_or_else(|| {
        Error::refused(format!("could not understand the repetition {text:?}"))
            .hint("write it like \"weekly on thu until 2027-06-30\", \"every 2 weeks\", \"every 2nd thursday\", \"monthly on the 15th\" or \"yearly, 10 times\"")
    })?;
    Ok(Rule { freq, interval: Some(interval).filter(|n| *n > 1), by_day, by_month_day, until, count })
}

type Rhythm = (Freq, u32, Vec<String>, Vec<i8>);

/// Splits off `until DATE` or `N times`.
fn bounds(text: &str, now: DateTime) -> Result<(&str, Option<String>, Option<u32>), Error> {
    if let Some((phrase, until)) = text.split_once("until ") {
        let date = Typed::read_date(until.trim(), now)?;
        return Ok((phrase, Some(date.to_string()), None));
    }
    if let Some(rest) = text.strip_suffix(" times") {
        let (phrase, n) = rest.rsplit_once([' ', ',']).unwrap_or(("", rest));
        if let Some(n) = number::<u32>(n) {
            return Ok((phrase, None, Some(n)));
        }
    }
    Ok((text, None, None))
}

fn rhythm(phrase: &str) -> Option<Rhythm> {
    let words: Vec<&str> = phrase
        .split([' ', ','])
        .filter(|w| !matches!(*w, "" | "on" | "the" | "and" | "of" | "each" | "month's"))
        .collect();
    let simple = |freq| Some((freq, 1, Vec::new(), Vec::new()));
    match words.as_slice() {
        ["daily"] => simple(Freq::Daily),
        ["yearly" | "annually"] => simple(Freq::Yearly),
        ["weekly", days @ ..] => Some((Freq::Weekly, 1, weekdays(days)?, Vec::new())),
        ["monthly", rest @ ..] => monthly(1, rest),
        ["every", "other" | "second" | "2nd", unit, rest @ ..] if freq(unit).is_some() => every(2, unit, rest),
        ["every", n, unit, rest @ ..] if number::<u32>(n).is_some() && freq(unit).is_some() => {
            every(number(n)?, unit, rest)
        }
        ["every", unit, rest @ ..] if freq(unit).is_some() => every(1, unit, rest),
        ["every", "other", day] if weekday(day).is_some() => Some((Freq::Weekly, 2, weekdays(&[day])?, Vec::new())),
        ["every", n, day] if number::<u32>(n).is_some_and(|n| (2..=52).contains(&n)) && weekday(day).is_some() => {
            Some((Freq::Weekly, number(n)?, weekdays(&[day])?, Vec::new()))
        }
        // "every 2nd thursday", "every last fri month": the weekday's place in the month.
        ["every", nth, day, "month" | "months"] | ["every", nth, day]
            if place(nth).is_some() && weekday(day).is_some() =>
        {
            monthly(1, &[nth, day])
        }
        // "first friday of the month"
        [nth, day, "month"] if place(nth).is_some() && weekday(day).is_some() => monthly(1, &[nth, day]),
        ["every", days @ ..] if !days.is_empty() => Some((Freq::Weekly, 1, weekdays(days)?, Vec::new())),
        _ => None,
    }
}

fn every(interval: u32, unit: &str, rest: &[&str]) -> Option<Rhythm> {
    if !(1..=52).contains(&interval) {
        return None;
    }
    match freq(unit)? {
        Freq::Weekly => Some((Freq::Weekly, interval, weekdays(rest)?, Vec::new())),
        Freq::Monthly => monthly(interval, rest),
        freq => rest.is_empty().then_some((freq, interval, Vec::new(), Vec::new())),
    }
}

fn freq(unit: &str) -> Option<Freq> {
    match unit.strip_suffix('s').unwrap_or(unit) {
        "day" => Some(Freq::Daily),
        "week" => Some(Freq::Weekly),
        "month" => Some(Freq::Monthly),
        "year" => Some(Freq::Yearly),
        _ => None,
    }
}

fn weekdays(words: &[&str]) -> Option<Vec<String>> {
    let mut days = Vec::new();
    for word in words {
        let day = code(weekday(word)?).to_owned();
        if !days.contains(&day) {
            days.push(day);
        }
    }
    Some(days)
}

/// Nothing (the day of the start), `15th`, `last day`, `first sat`, `last fri`, or several of one sort.
fn monthly(interval: u32, words: &[&str]) -> Option<Rhythm> {
    let (mut by_day, mut by_month_day) = (Vec::new(), Vec::new());
    let mut rest = words;
    while let [first, tail @ ..] = rest {
        rest = match tail {
            [day, tail @ ..] if weekday(day).is_some() => {
                by_day.push(format!("{}{}", place(first)?, code(weekday(day)?)));
                tail
            }
            ["day", tail @ ..] if *first == "last" => {
                by_month_day.push(-1);
                tail
            }
            tail => {
                by_month_day.push(ordinal(first).filter(|n| (1..=31).contains(n))?);
                tail
            }
        };
    }
    (by_day.is_empty() || by_month_day.is_empty()).then_some((Freq::Monthly, interval, by_day, by_month_day))
}

/// Which one in the month: `first` … `5th`, `last`.
fn place(word: &str) -> Option<i8> {
    if word == "last" { Some(-1) } else { ordinal(word).filter(|n| (1..=5).contains(n) && word.parse::<i8>().is_err()) }
}

/// RFC 5545's two letters.
pub(crate) fn code(day: Weekday) -> &'static str {
    match day {
        Weekday::Monday => "MO",
        Weekday::Tuesday => "TU",
        Weekday::Wednesday => "WE",
        Weekday::Thursday => "TH",
        Weekday::Friday => "FR",
        Weekday::Saturday => "SA",
        Weekday::Sunday => "SU",
    }
}

#[cfg(test)]
mod tests {
    use jiff::civil::datetime;

    use super::*;

    fn read(text: &str) -> Option<Rule> {
        rule(text, datetime(2026, 11, 24, 12, 0, 0, 0)).ok()
    }

    fn made(freq: Freq, interval: Option<u32>, by_day: &[&str], by_month_day: &[i8]) -> Rule {
        let by_day = by_day.iter().map(|d| (*d).to_owned()).collect();
        Rule { freq, interval, by_day, by_month_day: by_month_day.to_vec(), until: None, count: None }
    }

    #[test]
    fn phrases_become_rules() {
        for (text, want) in [
            ("daily", made(Freq::Daily, None, &[], &[])),
            ("every day", made(Freq::Daily, None, &[], &[])),
            ("weekly", made(Freq::Weekly, None, &[], &[])),
            ("Weekly on Thu, Sat", made(Freq::Weekly, None, &["TH", "SA"], &[])),
            ("every thursday", made(Freq::Weekly, None, &["TH"], &[])),
            ("every 2 weeks", made(Freq::Weekly, Some(2), &[], &[])),
            ("every other week on mon and wed", made(Freq::Weekly, Some(2), &["MO", "WE"], &[])),
            ("every 2nd thursday", made(Freq::Monthly, None, &["2TH"], &[])),
            ("every last friday", made(Freq::Monthly, None, &["-1FR"], &[])),
            ("monthly", made(Freq::Monthly, None, &[], &[])),
            ("monthly on first sat", made(Freq::Monthly, None, &["1SA"], &[])),
            ("monthly on the last fri", made(Freq::Monthly, None, &["-1FR"], &[])),
            ("monthly on the 15th", made(Freq::Monthly, None, &[], &[15])),
            ("monthly on the 1st and 15th", made(Freq::Monthly, None, &[], &[1, 15])),
            ("monthly on the last day", made(Freq::Monthly, None, &[], &[-1])),
            ("every 3 months", made(Freq::Monthly, Some(3), &[], &[])),
            ("yearly", made(Freq::Yearly, None, &[], &[])),
            ("first friday of the month", made(Freq::Monthly, None, &["1FR"], &[])),
            ("every 2nd thursday of the month", made(Freq::Monthly, None, &["2TH"], &[])),
            ("every other thursday", made(Freq::Weekly, Some(2), &["TH"], &[])),
            ("every second week on thu", made(Freq::Weekly, Some(2), &["TH"], &[])),
            ("every 2 thursdays", made(Freq::Weekly, Some(2), &["TH"], &[])),
        ] {
            assert_eq!(read(text), Some(want), "{text}");
        }
    }

    #[test]
    fn a_series_ends_on_a_day_or_after_a_number_of_times() {
        assert_eq!(read("weekly on thu until 2027-06-30").unwrap().until.as_deref(), Some("2027-06-30"));
        assert_eq!(read("yearly, 10 times").unwrap().count, Some(10));
        assert_eq!(read("every 2 weeks 8 times").unwrap().count, Some(8));
    }

    #[test]
    fn what_the_format_has_no_rule_for_is_refused() {
        for text in [
            "",
            "hourly",
            "every",
            "every 60 weeks",
            "every 0 days",
            "monthly on 1st sat and 15th",
            "weekly on someday",
            "until 2027-01-01",
            "every 7th monday",
            "daily until 12:00",
        ] {
            assert_eq!(read(text), None, "{text}");
        }
    }
}
