//! A rule read and checked once, as arithmetic on dates: which dates lie in its n-th day, week, month or year.

use jiff::{
    Span, ToSpan,
    civil::{Date, Weekday},
};

use super::{Freq, Rule};
use crate::{error::Fault, when::parse_date};

/// Entries of `by_day`.
const BY_DAY: usize = 10;
const COUNT: u32 = 400;
const INTERVAL: u32 = 52;

#[cfg(test)]
thread_local! {
    /// Periods looked into, for tests of what a rule may cost.
    pub(super) static PERIODS: std::cell::Cell<u32> = const { std::cell::Cell::new(0) };
}

/// A rule from a given first date on. Knows no time of day and no zone.
#[derive(Debug)]
pub(super) struct Pattern {
    first: Date,
    interval: i64,
    days: Days,
    /// Inclusive.
    pub(super) until: Option<Date>,
    pub(super) count: Option<u32>,
}

/// Which days of a period belong to the series.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Days {
    Daily,
    /// Monday first, no repeats.
    Weekly(Vec<Weekday>),
    /// 1–31 or −1 for the last.
    MonthlyOn(Vec<i8>),
    /// ±1…±5 and a weekday.
    MonthlyNth(Vec<(i8, Weekday)>),
    Yearly,
}

impl Pattern {
    /// Everything [`Rule::check`] asks, except that `first` itself matches.
    pub(super) fn read(rule: &Rule, first: Date) -> Result<Self, Fault> {
        let interval = rule.interval.unwrap_or(1);
        if !(1..=INTERVAL).contains(&interval) {
            return Err(Fault::new("recur.interval", format!("is {interval}, 1 to {INTERVAL} are allowed")));
        }
        if let Some(count) = rule.count.filter(|count| !(1..=COUNT).contains(count)) {
            return Err(Fault::new("recur.count", format!("is {count}, 1 to {COUNT} are allowed")));
        }
        if rule.count.is_some() && rule.until.is_some() {
            return Err(Fault::new("recur", "has a count and an until, one of them is allowed"));
        }
        let until = match &rule.until {
            None => None,
            Some(text) => match parse_date(text) {
                None => return Err(Fault::new("recur.until", "is not a date such as 2027-06-30")),
                Some(date) if date < first => {
                    return Err(Fault::new("recur.until", format!("is {text}, before the start")));
                }
                date => date,
            },
        };
        let days = Days::read(rule, first)?;
        Ok(Self { first, interval: i64::from(interval), days, until, count: rule.count })
    }

    /// The first day of the `n`-th period. None: past the last year a date can have.
    pub(super) fn begin(&self, n: i64) -> Option<Date> {
        let steps = n.checked_mul(self.interval)?;
        match &self.days {
            Days::Daily => add(self.first, steps, Span::try_days),
            Days::Weekly(_) => add(monday(self.first)?, steps, Span::try_weeks),
            Days::MonthlyOn(_) | Days::MonthlyNth(_) => add(self.first.first_of_month(), steps, Span::try_months),
            // The month is all of a year that counts.
            Days::Yearly => add(self.first.first_of_month(), steps, Span::try_years),
        }
    }

    /// The dates of the period that begins on `begin`, in order, none before the first date of the series.
    pub(super) fn dates(&self, begin: Date) -> Vec<Date> {
        #[cfg(test)]
        PERIODS.set(PERIODS.get() + 1);
        let mut dates: Vec<Date> = match &self.days {
            Days::Daily => vec![begin],
            Days::Weekly(days) => {
                days.iter().filter_map(|day| begin.checked_add(day.to_monday_zero_offset().days()).ok()).collect()
            }
            Days::MonthlyOn(days) => days.iter().filter_map(|day| day_of_month(begin, *day)).collect(),
            Days::MonthlyNth(days) => {
                days.iter().filter_map(|(nth, day)| begin.nth_weekday_of_month(*nth, *day).ok()).collect()
            }
            Days::Yearly => day_of_month(begin, self.first.day()).into_iter().collect(),
        };
        dates.sort_unstable();
        // "31" and "-1" are the same day in half of the months.
        dates.dedup();
        dates.retain(|date| *date >= self.first);
        dates
    }

    /// The period a date lies in, or the last one before it; 0 for dates before the first.
    pub(super) fn period_of(&self, date: Date) -> i64 {
        let months = |d: Date| i64::from(d.year()) * 12 + i64::from(d.month());
        let steps = match self.days {
            Days::Daily => days_between(self.first, date),
            Days::Weekly(_) => {
                let start = monday(self.first).unwrap_or(self.first);
                days_between(start, date).div_euclid(7)
            }
            Days::MonthlyOn(_) | Days::MonthlyNth(_) => months(date) - months(self.first),
            Days::Yearly => i64::from(date.year()) - i64::from(self.first.year()),
        };
        steps.max(0) / self.interval
    }

    /// Does the rule name this date? Looks at `until`, not at `count`.
    pub(super) fn names(&self, date: Date) -> bool {
        self.until.is_none_or(|until| date <= until)
            && self.begin(self.period_of(date)).is_some_and(|begin| self.dates(begin).contains(&date))
    }

    /// The last date of the rule that is not after `until`; `until` itself when there is none for very long.
    pub(super) fn last(&self, until: Date) -> Date {
        // The longest gap is that of 29 February with an odd interval: far fewer periods than this.
        const PERIODS: usize = 400;
        (0..=self.period_of(until))
            .rev()
            .take(PERIODS)
            .find_map(|n| self.dates(self.begin(n)?).into_iter().rfind(|date| *date <= until))
            .unwrap_or(until)
    }
}

impl Days {
    fn read(rule: &Rule, first: Date) -> Result<Self, Fault> {
        if rule.freq != Freq::Monthly && !rule.by_month_day.is_empty() {
            return Err(Fault::new("recur.by_month_day", "belongs to a monthly rule"));
        }
        if rule.by_day.len() > BY_DAY {
            return Err(Fault::new("recur.by_day", format!("has {} entries, {BY_DAY} are allowed", rule.by_day.len())));
        }
        match rule.freq {
            Freq::Daily | Freq::Yearly if !rule.by_day.is_empty() => {
                Err(Fault::new("recur.by_day", "belongs to a weekly or monthly rule"))
            }
            Freq::Daily => Ok(Self::Daily),
            Freq::Yearly => Ok(Self::Yearly),
            Freq::Weekly if rule.by_day.is_empty() => Ok(Self::Weekly(vec![first.weekday()])),
            Freq::Weekly => {
                let mut days = each_once(&rule.by_day, |entry| match weekday(entry) {
                    Some(day) => Ok(day),
                    None => Err(Fault::new("recur.by_day", "has an entry that is none of MO, TU, WE, TH, FR, SA, SU")),
                })?;
                days.sort_unstable_by_key(|day| day.to_monday_zero_offset());
                Ok(Self::Weekly(days))
            }
            Freq::Monthly if rule.by_day.is_empty() => Self::month_days(&rule.by_month_day, first),
            Freq::Monthly if rule.by_month_day.is_empty() => {
                let days = each_once(&rule.by_day, |entry| match nth_weekday(entry) {
                    Some(day) => Ok(day),
                    None => Err(Fault::new("recur.by_day", "has an entry that is not like 1SA or -1FR")),
                })?;
                Ok(Self::MonthlyNth(days))
            }
            Freq::Monthly => Err(Fault::new("recur", "has by_day and by_month_day, one of them is allowed")),
        }
    }

    fn month_days(by_month_day: &[i8], first: Date) -> Result<Self, Fault> {
        const FIELD: &str = "recur.by_month_day";
        if by_month_day.is_empty() {
            return Ok(Self::MonthlyOn(vec![first.day()]));
        }
        if by_month_day.len() > 4 {
            return Err(Fault::new(FIELD, format!("has {} entries, 4 are allowed", by_month_day.len())));
        }
        each_once(by_month_day, |day| match day {
            -1 | 1..=31 => Ok(*day),
            _ => Err(Fault::new(FIELD, format!("has {day}, 1 to 31 and −1 are allowed"))),
        })
        .map(Self::MonthlyOn)
    }
}

/// Reads every entry; a second one of the same meaning is left out.
fn each_once<T, U: PartialEq>(entries: &[T], read: impl Fn(&T) -> Result<U, Fault>) -> Result<Vec<U>, Fault> {
    entries.iter().try_fold(Vec::new(), |mut days, entry| {
        let day = read(entry)?;
        if !days.contains(&day) {
            days.push(day);
        }
        Ok(days)
    })
}

/// `MO` … `SU`.
fn weekday(text: &str) -> Option<Weekday> {
    Some(match text {
        "MO" => Weekday::Monday,
        "TU" => Weekday::Tuesday,
        "WE" => Weekday::Wednesday,
        "TH" => Weekday::Thursday,
        "FR" => Weekday::Friday,
        "SA" => Weekday::Saturday,
        "SU" => Weekday::Sunday,
        _ => return None,
    })
}

/// `1SA`, `-1FR`.
pub(super) fn nth_weekday(text: &str) -> Option<(i8, Weekday)> {
    let (nth, day) = text.split_at_checked(text.len().checked_sub(2)?)?;
    let nth = match nth.as_bytes() {
        [digit @ b'1'..=b'5'] => i8::try_from(digit - b'0').ok()?,
        [b'-', digit @ b'1'..=b'5'] => -i8::try_from(digit - b'0').ok()?,
        _ => return None,
    };
    Some((nth, weekday(day)?))
}

/// Day `day` (1–31, −1 = last) of the month `first` begins; None when the month is too short.
fn day_of_month(first: Date, day: i8) -> Option<Date> {
    match day {
        -1 => Some(first.last_of_month()),
        _ => Date::new(first.year(), first.month(), day).ok(),
    }
}

fn monday(date: Date) -> Option<Date> {
    date.checked_sub(date.weekday().to_monday_zero_offset().days()).ok()
}

fn add(date: Date, n: i64, unit: impl FnOnce(Span, i64) -> Result<Span, jiff::Error>) -> Option<Date> {
    date.checked_add(unit(Span::new(), n).ok()?).ok()
}

fn days_between(from: Date, to: Date) -> i64 {
    from.duration_until(to).as_hours() / 24
}
