//! Time as people type it: `fri 20:00`, `2026-12-05 20:00`, `in 2 weeks 19:30`. The words are English or the numbers
//! most of the world writes; what can be read in two ways (`5/6/2026`) is refused instead of guessed.

pub(crate) mod amount;
mod doubt;
pub(crate) mod period;
pub(crate) mod reader;
pub(crate) mod repeat;
pub(crate) mod zone;

use jiff::{
    ToSpan,
    civil::{Date, DateTime, Time, Weekday},
};

use crate::error::Error;

/// What was typed: a day, and a time of day unless only the day was meant.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Typed {
    /// None: only a time was given.
    pub(crate) date: Option<Date>,
    pub(crate) time: Option<Time>,
}

impl Typed {
    /// Reads `text`; `now` is the local time in the zone that is meant.
    pub(crate) fn read(text: &str, now: DateTime) -> Result<Self, Error> {
        read(text, now).ok_or_else(|| doubt::refusal(text))
    }

    /// A day alone, as `--from` and `until` take it.
    pub(crate) fn read_date(text: &str, now: DateTime) -> Result<Date, Error> {
        match Self::read(text, now)? {
            Self { date: Some(date), time: None } => Ok(date),
            _ => Err(Error::refused(format!("could not understand the day {text:?}"))
                .hint("write it like 2026-12-05, \"5 dec\" or \"fri\"")),
        }
    }
}

fn read(text: &str, now: DateTime) -> Option<Typed> {
    let text = text.trim().to_lowercase();
    if text.is_empty() || text.len() > 64 {
        return None;
    }
    // `2026-12-05t20:00`
    if let Some((date, time)) = text.split_once('t')
        && let (Some(date), Some(time)) = (iso(date), clock(time))
    {
        return Some(Typed { date: Some(date), time: Some(time) });
    }
    let mut words: Vec<&str> =
        text.split([' ', ',']).filter(|w| !w.is_empty() && !matches!(*w, "at" | "on" | "the")).collect();
    let time = take_time(&mut words).or_else(|| take_first_time(&mut words));
    if words.is_empty() {
        return time.map(|time| Typed { date: None, time: Some(time) });
    }
    let date = day(&words, time, now)?;
    (1900..=2200).contains(&date.year()).then_some(Typed { date: Some(date), time })
}

/// Takes the last word or two when they are a time of day.
fn take_time(words: &mut Vec<&str>) -> Option<Time> {
    let last = *words.last()?;
    if let Some(time) = clock(last) {
        words.pop();
        return Some(time);
    }
    if matches!(last, "am" | "pm" | "uhr" | "h") && words.len() > 1 {
        let joined = format!("{}{}", words[words.len() - 2], if last == "uhr" { "h" } else { last });
        let time = clock(&joined)?;
        words.truncate(words.len() - 2);
        return Some(time);
    }
    None
}

/// The same of the first words: `8pm friday`.
fn take_first_time(words: &mut Vec<&str>) -> Option<Time> {
    let unit = words.get(1).is_some_and(|word| matches!(*word, "am" | "pm" | "uhr" | "h"));
    let mut first: Vec<&str> = words.iter().take(if unit { 2 } else { 1 }).copied().collect();
    let taken = first.len();
    let time = take_time(&mut first)?;
    words.drain(..taken);
    Some(time)
}

/// `20:00`, `20:00:30`, `8pm`, `8:30pm`, `20h`, `noon`.
fn clock(word: &str) -> Option<Time> {
    if word == "noon" {
        return Time::new(12, 0, 0, 0).ok();
    }
    let (digits, half) = match word {
        w if w.ends_with("am") => (&w[..w.len() - 2], Some(0)),
        w if w.ends_with("pm") => (&w[..w.len() - 2], Some(12)),
        w if w.ends_with('h') => (&w[..w.len() - 1], None),
        w if w.contains(':') => (w, None),
        _ => return None,
    };
    let mut parts = digits.split(':').map(|part| (1..=2).contains(&part.len()).then(|| number::<i8>(part)).flatten());
    let mut hour = parts.next()??;
    let minute = parts.next().map_or(Some(0), |m| m)?;
    let second = parts.next().map_or(Some(0), |s| s)?;
    if parts.next().is_some() {
        return None;
    }
    if let Some(half) = half {
        if !(1..=12).contains(&hour) {
            return None;
        }
        hour = hour % 12 + half;
    }
    Time::new(hour, minute, second, 0).ok()
}

/// The day that `words` name, seen from `now`. A time helps to tell whether "fri" can still be today.
fn day(words: &[&str], time: Option<Time>, now: DateTime) -> Option<Date> {
    let today = now.date();
    match *words {
        ["today" | "tonight"] => Some(today),
        ["tomorrow"] => today.tomorrow().ok(),
        ["yesterday"] => today.yesterday().ok(),
        ["next", unit] if later(1, unit, today).is_some() => later(1, unit, today),
        [nth, name, "of", ref rest @ ..] => nth_of_month(nth, weekday(name)?, rest, today),
        ["next", name] => {
            // Of the next week, Monday to Sunday: "next fri" said on a Tuesday is not in three days.
            let monday = today.checked_sub(i64::from(today.weekday().to_monday_zero_offset()).days()).ok()?;
            let ahead = 7 + i64::from(weekday(name)?.to_monday_zero_offset());
            monday.checked_add(ahead.days()).ok()
        }
        [name] | ["this", name] if weekday(name).is_some() => {
            let wanted = weekday(name)?;
            let late = time.is_some_and(|time| time <= now.time());
            if today.weekday() == wanted && !late { Some(today) } else { today.nth_weekday(1, wanted).ok() }
        }
        ["in", n, unit] => {
            let n = match n {
                "a" | "an" | "one" => 1,
                n => number::<i64>(n).filter(|n| *n <= 1000)?,
            };
            later(n, unit, today)
        }
        [one] => iso(one).or_else(|| dotted(one, today)),
        [a, b] => named(a, b, None, today).or_else(|| named(b, a, None, today)),
        [a, b, year] => {
            let year = number::<i16>(year)?;
            named(a, b, Some(year), today).or_else(|| named(b, a, Some(year), today))
        }
        _ => None,
    }
}

/// That many days, weeks, months or years after today.
fn later(n: i64, unit: &str, today: Date) -> Option<Date> {
    let span = match unit.trim_end_matches('s') {
        "day" => n.days(),
        "week" => n.weeks(),
        "month" => n.months(),
        "year" => n.years(),
        _ => return None,
    };
    today.checked_add(span).ok()
}

/// `first friday of the month`, `last sun of march`, `2nd tue of next month`: the next one that comes.
fn nth_of_month(nth: &str, day: Weekday, rest: &[&str], today: Date) -> Option<Date> {
    let nth = if nth == "last" { -1 } else { ordinal(nth).filter(|n| (1..=5).contains(n))? };
    let at = |first: Date| first.nth_weekday_of_month(nth, day).ok().filter(|date| *date >= today);
    let first = today.first_of_month();
    match *rest {
        ["month"] => (0..=12).find_map(|ahead| at(first.checked_add(i64::from(ahead).months()).ok()?)),
        ["this", "month"] => at(first),
        ["next", "month"] => at(first.checked_add(1.month()).ok()?),
        [month] => (0..=8).find_map(|ahead| at(Date::new(today.year() + ahead, month_of(month)?, 1).ok()?)),
        [month, year] => at(Date::new(number(year)?, month_of(month)?, 1).ok()?),
        _ => None,
    }
}

/// `2026-12-05`
fn iso(word: &str) -> Option<Date> {
    let mut parts = word.split('-');
    let (year, month, day) = (parts.next()?, parts.next()?, parts.next()?);
    if year.len() != 4 || parts.next().is_some() {
        return None;
    }
    Date::new(number(year)?, number(month)?, number(day)?).ok()
}

/// `5.12.2026`, `5.12.`, `5.12`
fn dotted(word: &str, today: Date) -> Option<Date> {
    let mut parts = word.split('.');
    let (day, month, year) = (number(parts.next()?)?, number(parts.next()?)?, parts.next().filter(|y| !y.is_empty()));
    if parts.next().is_some() {
        return None;
    }
    match year {
        Some(year) if year.len() == 4 => Date::new(number(year)?, month, day).ok(),
        Some(_) => None,
        None => coming(month, day, today),
    }
}

/// `5 dec`, `5th december 2026`
fn named(day: &str, month: &str, year: Option<i16>, today: Date) -> Option<Date> {
    let month = month_of(month)?;
    let day = ordinal(day.trim_end_matches('.'))?;
    match year {
        Some(year) => Date::new(year, month, day).ok(),
        None => coming(month, day, today),
    }
}

/// `dec`, `december`, `Dez.`: English, and German where it differs.
fn month_of(word: &str) -> Option<i8> {
    const NAMES: [&[&str]; 12] = [
        &["january"],
        &["february"],
        &["march", "märz", "maerz"],
        &["april"],
        &["may", "mai"],
        &["june", "juni"],
        &["july", "juli"],
        &["august"],
        &["september"],
        &["october", "oktober"],
        &["november"],
        &["december", "dezember"],
    ];
    let word = word.trim_end_matches('.');
    let fits = |names: &&[&str]| word.chars().count() >= 3 && names.iter().any(|name| name.starts_with(word));
    (1..).zip(NAMES).find(|(_, names)| fits(names)).map(|(month, _)| month)
}

/// The next time that day comes, today included. The 29th of February may be years away.
fn coming(month: i8, day: i8, today: Date) -> Option<Date> {
    (0..=8).filter_map(|ahead| Date::new(today.year() + ahead, month, day).ok()).find(|date| *date >= today)
}

/// `5`, `5th`, `2nd`, `first`.
pub(super) fn ordinal(word: &str) -> Option<i8> {
    const NAMES: [&str; 5] = ["first", "second", "third", "fourth", "fifth"];
    if let Some(at) = NAMES.iter().position(|n| *n == word) {
        return Some(at as i8 + 1);
    }
    let digits = ["st", "nd", "rd", "th"].iter().find_map(|end| word.strip_suffix(end)).unwrap_or(word);
    number(digits)
}

/// `fri`, `friday`, `fridays`.
pub(super) fn weekday(word: &str) -> Option<Weekday> {
    const NAMES: [(&str, Weekday); 7] = [
        ("monday", Weekday::Monday),
        ("tuesday", Weekday::Tuesday),
        ("wednesday", Weekday::Wednesday),
        ("thursday", Weekday::Thursday),
        ("friday", Weekday::Friday),
        ("saturday", Weekday::Saturday),
        ("sunday", Weekday::Sunday),
    ];
    let word = word.strip_suffix("days").map_or_else(|| word.to_owned(), |w| format!("{w}day"));
    NAMES.iter().find(|(name, _)| word.len() >= 2 && name.starts_with(&word)).map(|(_, day)| *day)
}

/// Digits only: no sign, no spaces.
pub(super) fn number<T: std::str::FromStr>(text: &str) -> Option<T> {
    if text.is_empty() || !text.bytes().all(|b| b.is_ascii_digit()) { None } else { text.parse().ok() }
}

#[cfg(test)]
mod tests {
    use jiff::civil::{date, datetime, time};

    use super::*;

    /// A Tuesday.
    fn now() -> DateTime {
        datetime(2026, 11, 24, 18, 30, 0, 0)
    }

    fn says(text: &str) -> Option<(Option<Date>, Option<Time>)> {
        read(text, now()).map(|t| (t.date, t.time))
    }

    #[test]
    fn full_dates_are_read_in_every_common_order() {
        let want = Some((Some(date(2026, 12, 5)), Some(time(20, 0, 0, 0))));
        for text in [
            "2026-12-05 20:00",
            "2026-12-05T20:00",
            "5 dec 20:00",
            "5th december, 20:00",
            "dec 5 8pm",
            "5.12.2026 20:00",
            "5.12. 20:00",
            "8pm 5 dec",
            "20:00, 2026-12-05",
            "5. Dezember 20 Uhr",
            "20 Uhr 5. Dez. 2026",
            "5 Dec 2026 at 8 pm",
            "sat, 20:00",
        ] {
            let said = says(text);
            if text.starts_with("sat") {
                assert_eq!(said, Some((Some(date(2026, 11, 28)), Some(time(20, 0, 0, 0)))), "{text}");
            } else {
                assert_eq!(said, want, "{text}");
            }
        }
    }

    #[test]
    fn days_are_counted_from_today() {
        for (text, day) in [
            ("today", date(2026, 11, 24)),
            ("tomorrow", date(2026, 11, 25)),
            ("yesterday", date(2026, 11, 23)),
            ("fri", date(2026, 11, 27)),
            ("tuesday", date(2026, 11, 24)),
            ("next fri", date(2026, 12, 4)),
            ("in 2 weeks", date(2026, 12, 8)),
            ("in a month", date(2026, 12, 24)),
            ("next week", date(2026, 12, 1)),
            ("next month", date(2026, 12, 24)),
            ("next year", date(2027, 11, 24)),
            ("first friday of the month", date(2026, 12, 4)),
            ("last sun of the month", date(2026, 11, 29)),
            ("last monday of this month", date(2026, 11, 30)),
            ("2nd tue of next month", date(2026, 12, 8)),
            ("first sat of march", date(2027, 3, 6)),
            ("3rd thursday of june 2028", date(2028, 6, 15)),
            ("1 feb", date(2027, 2, 1)),
            ("24.11.", date(2026, 11, 24)),
            ("29 feb", date(2028, 2, 29)),
        ] {
            assert_eq!(says(text), Some((Some(day), None)), "{text}");
        }
    }

    #[test]
    fn a_weekday_whose_time_has_passed_today_is_next_weeks() {
        assert_eq!(says("tue 18:00").unwrap().0, Some(date(2026, 12, 1)));
        assert_eq!(says("tue 19:00").unwrap().0, Some(date(2026, 11, 24)));
    }

    #[test]
    fn a_time_alone_has_no_day() {
        assert_eq!(says("23:15"), Some((None, Some(time(23, 15, 0, 0)))));
        assert_eq!(says("12am"), Some((None, Some(time(0, 0, 0, 0)))));
        assert_eq!(says("noon"), Some((None, Some(time(12, 0, 0, 0)))));
    }

    #[test]
    fn what_is_no_time_or_could_mean_two_is_refused() {
        for text in [
            "",
            "soon",
            "5/6/2026",
            "2026-13-01",
            "30 feb",
            "25:00",
            "13pm",
            "fri 20:00 20:00",
            "5.12.26",
            "in -1 days",
            "2026-12-05 20:00 x",
            "first friday",
            "6th friday of the month",
            "first friday of this month",
            "5th friday of february 2027",
            "first of the month",
            "next blue moon",
            "ü:ß",
        ] {
            assert_eq!(says(text), None, "{text}");
        }
    }
}
