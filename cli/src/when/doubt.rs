//! Why a typed time could not be read, where that can be told.

use folkmoot_schemas::when::YEARS;
use jiff::civil::Date;

use super::{month_of, number, ordinal, weekday};
use crate::error::Error;

/// A year that has every day of the calendar, for dates that were typed without one.
const LEAP: i16 = 2028;

pub(super) fn refusal(text: &str) -> Error {
    let lower = text.to_lowercase();
    let words: Vec<&str> = lower.split([' ', ',']).filter(|word| !word.is_empty()).collect();
    let failed = |why: String| Error::refused(format!("could not understand the time {text:?}{why}"));
    if let Some((first, second)) = words.iter().find_map(|word| two_meanings(word)) {
        let day = |date: Date| date.strftime("%-d %B").to_string();
        let month = first.strftime("%-d %b").to_string().to_lowercase();
        return failed(format!(": it can mean {} or {}", day(first), day(second)))
            .hint(format!("write the month as a word, like \"{month}\", or the year first: YEAR-MONTH-DAY"));
    }
    if let Some(hour) = bare_hour(&words) {
        let said = failed(format!(": it can mean {hour}:00 or {}:00", hour + 12));
        return said.hint(format!("write {hour}am, {hour}pm or {}:00", hour + 12));
    }
    if words.contains(&"midnight") {
        return failed(": midnight can be the one that begins the day or the one that ends it".to_owned())
            .hint("write 00:00 with the day it begins, or 23:59 with the day it ends");
    }
    let why = no_such_day(&words).map(|day| format!(": there is no {day}")).unwrap_or_default();
    failed(why).hint(
        "write it like \"2026-12-05 20:00\", \"5 dec 20:00\", \"fri 20:00\", \"tomorrow 8pm\" or \"in 2 weeks 19:30\"",
    )
}

/// "fri 8": a day, and an hour of the morning or the evening.
fn bare_hour(words: &[&str]) -> Option<u8> {
    let (last, day) = words.split_last()?;
    let named = |word: &&str| weekday(word).is_some() || matches!(*word, "today" | "tonight" | "tomorrow");
    number(last).filter(|hour| (1..12).contains(hour) && day.iter().any(named))
}

/// `5/6/2027`, `5-6-2027` or `5/6`: day first, and month first. None where one of them is no date or both are the same.
fn two_meanings(word: &str) -> Option<(Date, Date)> {
    let mut parts = word.split(if word.matches('-').count() == 2 { '-' } else { '/' });
    let (a, b) = (number(parts.next()?)?, number(parts.next()?)?);
    let year = parts.next().map_or(Some(LEAP), number).filter(|year| YEARS.contains(year))?;
    let (first, second) = (Date::new(year, b, a).ok()?, Date::new(year, a, b).ok()?);
    (first != second && parts.next().is_none()).then_some((first, second))
}

/// "30 February 2026": a day that is written well but is in no calendar.
fn no_such_day(words: &[&str]) -> Option<String> {
    let numbers = |word: &&str| {
        if let [year, month, day] = word.split('t').next()?.split('-').collect::<Vec<_>>()[..] {
            return Some((number(day)?, number(month)?, Some(number(year)?)));
        }
        let mut parts = word.split('.');
        let (day, month) = (number(parts.next()?)?, number(parts.next()?)?);
        Some((day, month, parts.next().and_then(number)))
    };
    let named = |pair: (usize, &[&str])| {
        let (at, [a, b]) = (pair.0, pair.1) else { return None };
        let day = |word: &str| ordinal(word.trim_end_matches('.'));
        let (day, month) = day(a).zip(month_of(b)).or_else(|| day(b).zip(month_of(a)))?;
        Some((day, month, words.get(at + 2).and_then(|year| number(year))))
    };
    let (day, month, year): (i8, i8, Option<i16>) =
        words.iter().find_map(numbers).or_else(|| words.windows(2).enumerate().find_map(named))?;
    let name = Date::new(LEAP, month, 1).ok()?.strftime("%B").to_string();
    if Date::new(year.unwrap_or(LEAP), month, day).is_ok() {
        return None;
    }
    Some(year.map_or_else(|| format!("{day} {name}"), |year| format!("{day} {name} {year}")))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn days_that_do_not_exist_are_named() {
        for (text, day) in [
            ("2026-02-30 20:00", "there is no 30 February 2026"),
            ("2026-02-30t20:00", "there is no 30 February 2026"),
            ("31 nov 20:00", "there is no 31 November"),
            ("feb 29 2027", "there is no 29 February 2027"),
            ("31.4. 20:00", "there is no 31 April"),
        ] {
            assert!(refusal(text).message.ends_with(day), "{}", refusal(text).message);
        }
        for text in ["soon", "2026-13-01", "5 dec 25:00", "fri 20:00 20:00"] {
            assert!(!refusal(text).message.contains("there is no"), "{text}");
        }
    }

    #[test]
    fn a_day_with_two_meanings_is_told_with_both() {
        let said = refusal("5/6/2027 20:00");
        assert!(said.message.ends_with("it can mean 5 June or 6 May"), "{}", said.message);
        assert!(said.hint.unwrap().contains("\"5 jun\""));
        assert!(refusal("5-6-2027").message.ends_with("it can mean 5 June or 6 May"));
        assert_eq!((two_meanings("25/6/2027"), two_meanings("2027-06-05"), two_meanings("5-6")), (None, None, None));
    }

    #[test]
    fn an_hour_that_may_be_in_the_morning_or_the_evening_is_told_with_both() {
        assert!(refusal("fri 8").message.ends_with("it can mean 8:00 or 20:00"), "{}", refusal("fri 8").message);
        for text in ["fri 20", "5 dec 8", "8"] {
            assert!(!refusal(text).message.contains("it can mean"), "{text}");
        }
        assert!(refusal("sat midnight").message.contains("begins the day or"));
    }
}
