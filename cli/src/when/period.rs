//! A stretch of days as people name it: `next month`, `this weekend`, `december`, `fri`.

use jiff::{
    ToSpan,
    civil::{Date, DateTime},
};

use super::{Typed, month_of, number};
use crate::error::{Error, Result};

/// First and last day that are meant.
pub(crate) fn read(text: &str, now: DateTime) -> Result<(Date, Date)> {
    let lower = text.trim().to_lowercase();
    let words: Vec<&str> = lower.split([' ', ',']).filter(|word| !word.is_empty()).collect();
    if let Some(days) = named(&words, now.date()) {
        return Ok(days);
    }
    match Typed::read(text, now) {
        Ok(Typed { date: Some(day), time: None }) => Ok((day, day)),
        _ => Err(Error::refused(format!("could not understand which days {text:?} are")).hint(
            "write them like \"this week\", \"next month\", \"weekend\", \"december\", \"fri\", or use --from and --to",
        )),
    }
}

fn named(words: &[&str], today: Date) -> Option<(Date, Date)> {
    let monday = today.checked_sub(i64::from(today.weekday().to_monday_zero_offset()).days()).ok()?;
    let days = |first: Date, n: i64| Some((first, first.checked_add((n - 1).days()).ok()?));
    let month = |first: Date| Some((first.first_of_month(), first.last_of_month()));
    match *words {
        ["this", "week"] | ["week"] => days(monday, 7),
        ["next", "week"] => days(monday.checked_add(7.days()).ok()?, 7),
        ["this", "weekend"] | ["weekend"] => days(monday.checked_add(5.days()).ok()?, 2),
        ["next", "weekend"] => days(monday.checked_add(12.days()).ok()?, 2),
        ["this", "month"] | ["month"] => month(today),
        ["next", "month"] => month(today.first_of_month().checked_add(1.month()).ok()?),
        ["this", "year"] | ["year"] => Some((today.first_of_year(), today.last_of_year())),
        ["next", "year"] => {
            let first = today.first_of_year().checked_add(1.year()).ok()?;
            Some((first, first.last_of_year()))
        }
        [name] if month_of(name).is_some() => {
            // The one that runs, else the next one to come.
            let year = today.year() + i16::from(month_of(name)? < today.month());
            month(Date::new(year, month_of(name)?, 1).ok()?)
        }
        [name, year] if month_of(name).is_some() && year.len() == 4 => {
            month(Date::new(number(year)?, month_of(name)?, 1).ok()?)
        }
        [one] => {
            let (year, rest) = one.split_once('-').map_or((one, None), |(year, rest)| (year, Some(rest)));
            let year: i16 = Some(year).filter(|year| year.len() == 4).and_then(number)?;
            let first = Date::new(year, rest.map_or(Some(1), number)?, 1).ok()?;
            if rest.is_some() { month(first) } else { Some((first, first.last_of_year())) }
        }
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use jiff::civil::{date, datetime};

    use super::*;

    #[test]
    fn days_are_named_as_people_say_them() {
        // A Tuesday.
        let now = datetime(2026, 11, 24, 18, 30, 0, 0);
        for (text, first, last) in [
            ("this week", date(2026, 11, 23), date(2026, 11, 29)),
            ("next week", date(2026, 11, 30), date(2026, 12, 6)),
            ("Weekend", date(2026, 11, 28), date(2026, 11, 29)),
            ("next weekend", date(2026, 12, 5), date(2026, 12, 6)),
            ("this month", date(2026, 11, 1), date(2026, 11, 30)),
            ("next month", date(2026, 12, 1), date(2026, 12, 31)),
            ("next year", date(2027, 1, 1), date(2027, 12, 31)),
            ("november", date(2026, 11, 1), date(2026, 11, 30)),
            ("feb", date(2027, 2, 1), date(2027, 2, 28)),
            ("february 2028", date(2028, 2, 1), date(2028, 2, 29)),
            ("2027-03", date(2027, 3, 1), date(2027, 3, 31)),
            ("2027", date(2027, 1, 1), date(2027, 12, 31)),
            ("fri", date(2026, 11, 27), date(2026, 11, 27)),
            ("in 2 weeks", date(2026, 12, 8), date(2026, 12, 8)),
        ] {
            assert_eq!(read(text, now).ok(), Some((first, last)), "{text}");
        }
        for text in ["", "soon", "fri 20:00", "20:00", "2027-13", "99999", "next blue moon"] {
            assert!(read(text, now).is_err(), "{text}");
        }
    }
}
