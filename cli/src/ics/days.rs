//! The days of any rule of RFC 5545 (§3.3.10) that repeats by days or more: for rules that ours cannot say, and to count
//! those that can.
//!
//! A period of the rule (day, week, month, year) is looked through day by day, and a day belongs to the rule when all
//! its parts agree. What the parts leave open is taken from the start. That is slower than stepping from match to match
//! and has no special cases; a budget of days bounds it.

use calcard::icalendar::{ICalendarFrequency, ICalendarRecurrenceRule, ICalendarWeekday};
use jiff::{
    Span, ToSpan,
    civil::{Date, Weekday},
};

/// Days looked at: a thousand years.
const LOOKED_AT: usize = 366_000;

/// From `start` on, in order, at most `most`; `last`: none later. Empty for rules by hours or less.
pub(super) fn days(rule: &ICalendarRecurrenceRule, start: Date, last: Option<Date>, most: usize) -> Vec<Date> {
    let rule = Parts::of(rule, start);
    let most = rule.theirs.count.map_or(most, |count| most.min(count as usize));
    let (mut found, mut looked) = (Vec::new(), 0);
    let mut period = rule.first_period(start);
    while let Some((from, to)) = period {
        if looked > LOOKED_AT || last.is_some_and(|last| from > last) {
            break;
        }
        let mut set: Vec<Date> = Vec::new();
        let mut day = Some(from);
        while let Some(at) = day.filter(|at| *at < to) {
            looked += 1;
            if rule.names(at) {
                set.push(at);
            }
            day = at.tomorrow().ok();
        }
        found.extend(rule.picked(set).into_iter().filter(|day| *day >= start && last.is_none_or(|last| *day <= last)));
        if found.len() >= most {
            found.truncate(most);
            break;
        }
        period = rule.next_period(from);
    }
    found
}

/// A rule, with what it takes from the start.
struct Parts<'r> {
    theirs: &'r ICalendarRecurrenceRule,
    interval: i64,
    week_start: Weekday,
    month: Option<i8>,
    month_day: Option<i8>,
    weekday: Option<Weekday>,
}

impl<'r> Parts<'r> {
    fn of(theirs: &'r ICalendarRecurrenceRule, start: Date) -> Self {
        use ICalendarFrequency::{Monthly, Weekly, Yearly};
        let by_date = !theirs.bymonthday.is_empty() || !theirs.byyearday.is_empty();
        let open = !by_date && theirs.byday.is_empty();
        let by_week = theirs.freq == Yearly && !theirs.byweekno.is_empty();
        let day_of_month = open && !by_week && matches!(theirs.freq, Yearly | Monthly);
        Self {
            theirs,
            interval: i64::from(theirs.interval.unwrap_or(1).max(1)),
            week_start: theirs.wkst.map_or(Weekday::Monday, weekday),
            month: (day_of_month && theirs.freq == Yearly && theirs.bymonth.is_empty()).then(|| start.month()),
            month_day: day_of_month.then(|| start.day()),
            weekday: (open && (by_week || theirs.freq == Weekly)).then(|| start.weekday()),
        }
    }

    /// The period that holds the start: its first day and the first day after it.
    fn first_period(&self, start: Date) -> Option<(Date, Date)> {
        let from = match self.theirs.freq {
            ICalendarFrequency::Yearly => start.first_of_year(),
            ICalendarFrequency::Monthly => start.first_of_month(),
            ICalendarFrequency::Weekly => self.week_of(start)?,
            ICalendarFrequency::Daily => start,
            _ => return None,
        };
        Some((from, self.after(from, 1)?))
    }

    fn next_period(&self, from: Date) -> Option<(Date, Date)> {
        let from = self.after(from, self.interval)?;
        Some((from, self.after(from, 1)?))
    }

    fn after(&self, from: Date, periods: i64) -> Option<Date> {
        let span = match self.theirs.freq {
            ICalendarFrequency::Yearly => Span::new().try_years(periods),
            ICalendarFrequency::Monthly => Span::new().try_months(periods),
            ICalendarFrequency::Weekly => Span::new().try_weeks(periods),
            _ => Span::new().try_days(periods),
        };
        from.checked_add(span.ok()?).ok()
    }

    /// Do all parts of the rule agree to this day?
    fn names(&self, day: Date) -> bool {
        let rule = self.theirs;
        let of_month = |n: i8| from_either_end(n.into(), day.day().into(), day.days_in_month().into());
        let of_year = |n: i16| from_either_end(n, day.day_of_year(), day.days_in_year());
        self.month.is_none_or(|month| day.month() == month)
            && self.month_day.is_none_or(|n| day.day() == n)
            && self.weekday.is_none_or(|weekday| day.weekday() == weekday)
            && (rule.bymonth.is_empty()
                || rule.bymonth.iter().any(|month| !month.is_leap() && i8::try_from(month.month()) == Ok(day.month())))
            && (rule.byweekno.is_empty() || rule.freq != ICalendarFrequency::Yearly || self.in_named_week(day))
            && (rule.byyearday.is_empty() || rule.byyearday.iter().any(|n| of_year(*n)))
            && (rule.bymonthday.is_empty() || rule.bymonthday.iter().any(|n| of_month(*n)))
            && (rule.byday.is_empty()
                || rule.byday.iter().any(|by| weekday(by.weekday) == day.weekday() && self.is_nth(by.ordwk, day)))
    }

    /// Is this day the n-th of its weekday, in the month or year that the rule counts in?
    fn is_nth(&self, n: Option<i16>, day: Date) -> bool {
        let rule = self.theirs;
        let Some(n) = n.filter(|_| rule.byweekno.is_empty()) else { return true };
        let nth = |at: i16, days: i16| from_either_end(n, (at - 1) / 7 + 1, (at - 1) / 7 + 1 + (days - at) / 7);
        match rule.freq {
            ICalendarFrequency::Yearly if rule.bymonth.is_empty() => nth(day.day_of_year(), day.days_in_year()),
            ICalendarFrequency::Yearly | ICalendarFrequency::Monthly => {
                nth(day.day().into(), day.days_in_month().into())
            }
            _ => true,
        }
    }

    fn in_named_week(&self, day: Date) -> bool {
        let Some((week, weeks)) = self.week_number(day) else { return false };
        self.theirs.byweekno.iter().any(|n| from_either_end((*n).into(), week, weeks))
    }

    /// Number of a day's week and of the last week in that week's year. The first week has four days in its year.
    fn week_number(&self, day: Date) -> Option<(i16, i16)> {
        let monday = self.week_of(day)?;
        let year = monday.checked_add(3.days()).ok()?.year();
        let first = |year: i16| self.week_of(Date::new(year, 1, 4).ok()?);
        let weeks = |from: Date, to: Date| i16::try_from((to - from).get_days() / 7).ok();
        let start = first(year)?;
        Some((weeks(start, monday)? + 1, weeks(start, first(year.checked_add(1)?)?)?))
    }

    fn week_of(&self, day: Date) -> Option<Date> {
        day.checked_sub(i64::from(day.weekday().since(self.week_start)).days()).ok()
    }

    /// BYSETPOS: places in the period's set.
    fn picked(&self, set: Vec<Date>) -> Vec<Date> {
        if self.theirs.bysetpos.is_empty() {
            return set;
        }
        let count = i32::try_from(set.len()).unwrap_or(i32::MAX);
        let is_picked = |at: i32| self.theirs.bysetpos.iter().any(|n| *n == at || *n == at - count - 1);
        set.into_iter().zip(1..).filter(|(_, at)| is_picked(*at)).map(|(day, _)| day).collect()
    }
}

/// Is the `at`-th of `count` the `n`-th, counted from the end where `n` is negative?
fn from_either_end(n: i16, at: i16, count: i16) -> bool {
    n == at || (n < 0 && n == at - count - 1)
}

pub(super) fn weekday(day: ICalendarWeekday) -> Weekday {
    match day {
        ICalendarWeekday::Monday => Weekday::Monday,
        ICalendarWeekday::Tuesday => Weekday::Tuesday,
        ICalendarWeekday::Wednesday => Weekday::Wednesday,
        ICalendarWeekday::Thursday => Weekday::Thursday,
        ICalendarWeekday::Friday => Weekday::Friday,
        ICalendarWeekday::Saturday => Weekday::Saturday,
        ICalendarWeekday::Sunday => Weekday::Sunday,
    }
}

#[cfg(test)]
mod tests;
