//! RRULE → our subset of rules, or why it is outside; and the dates of those that are.

use calcard::{
    common::PartialDateTime,
    icalendar::{ICalendarFrequency, ICalendarRecurrenceRule, ICalendarWeekday},
};
use folkmoot_schemas::{
    recur::{Freq, Rule},
    when::{Start, local_at},
};
use jiff::{
    ToSpan,
    civil::{Date, DateTime, Time},
};

use super::{
    days::{days, weekday},
    time::{Zones, alike},
};
use crate::when::repeat::code;

/// Most dates of a rule of somebody else's.
pub(super) const LOOKED_AT: usize = 20_000;
/// Longest `count` of ours; what repeats more often ends on a day instead.
const COUNT: u32 = 400;

/// Ours, if the rule can be said in it. Does not ask whether the start matches.
pub(super) fn read(theirs: &ICalendarRecurrenceRule, start: &Start, zones: &Zones) -> Result<Rule, &'static str> {
    if theirs.rscale.as_ref().is_some_and(|scale| *scale != calcard::common::CalendarScale::Gregorian)
        || theirs.skip.is_some()
    {
        return Err("it counts in another calendar");
    }
    if !theirs.bysetpos.is_empty() || !theirs.byweekno.is_empty() || !theirs.byyearday.is_empty() {
        return Err("it counts positions, weeks or days of the year");
    }
    if !(theirs.byhour.is_empty() && theirs.byminute.is_empty() && theirs.bysecond.is_empty()) {
        return Err("it repeats several times a day");
    }
    let interval = u32::from(theirs.interval.unwrap_or(1).max(1));
    if interval > 52 {
        return Err("it pauses for very long");
    }
    let first = start.civil_date();
    let plain = theirs.byday.iter().all(|day| day.ordwk.is_none_or(|n| n == 0));
    let named = || theirs.byday.iter().map(|day| code(weekday(day.weekday)).to_owned()).collect::<Vec<_>>();
    let own_month = theirs.bymonth.is_empty()
        || (theirs.bymonth.len() == 1 && u8::from(theirs.bymonth[0]) == first.month().unsigned_abs());
    let mut rule = Rule {
        freq: Freq::Daily,
        interval: Some(interval).filter(|n| *n > 1),
        by_day: Vec::new(),
        by_month_day: Vec::new(),
        until: None,
        count: None,
    };
    match theirs.freq {
        ICalendarFrequency::Secondly | ICalendarFrequency::Minutely | ICalendarFrequency::Hourly => {
            return Err("it repeats several times a day");
        }
        _ if theirs.freq != ICalendarFrequency::Yearly && !theirs.bymonth.is_empty() => return Err("it skips months"),
        ICalendarFrequency::Daily if theirs.byday.is_empty() && theirs.bymonthday.is_empty() => {}
        // "Every day that is a working day" is a weekly rule.
        ICalendarFrequency::Daily if plain && interval == 1 && theirs.bymonthday.is_empty() => {
            (rule.freq, rule.by_day) = (Freq::Weekly, named());
        }
        ICalendarFrequency::Weekly if plain && theirs.bymonthday.is_empty() => {
            if interval > 1 && theirs.byday.len() > 1 && !week_starts_alike(theirs) {
                return Err("its weeks do not begin on Monday");
            }
            (rule.freq, rule.by_day) = (Freq::Weekly, named());
        }
        ICalendarFrequency::Monthly if theirs.byday.is_empty() => {
            let days = &theirs.bymonthday;
            if days.len() > 4 || days.iter().any(|d| !(*d == -1 || (1..=31).contains(d))) {
                return Err("it counts days from the end of the month");
            }
            (rule.freq, rule.by_month_day) = (Freq::Monthly, days.clone());
        }
        ICalendarFrequency::Monthly if theirs.bymonthday.is_empty() => {
            let placed = theirs.byday.iter().map(|day| match day.ordwk {
                Some(n) if n != 0 && (-5..=5).contains(&n) => Some(format!("{n}{}", code(weekday(day.weekday)))),
                _ => None,
            });
            rule.by_day = placed.collect::<Option<_>>().ok_or("it names every such weekday of the month")?;
            rule.freq = Freq::Monthly;
        }
        ICalendarFrequency::Yearly if theirs.byday.is_empty() && own_month => {
            if !(theirs.bymonthday.is_empty() || theirs.bymonthday == [first.day()]) {
                return Err("it names several days of the year");
            }
            rule.freq = Freq::Yearly;
        }
        _ => return Err("it combines days in a way we have no rule for"),
    }
    rule.by_day.dedup();
    match (theirs.count, &theirs.until) {
        (Some(count), _) if count <= COUNT => rule.count = Some(count),
        (Some(_), _) => {
            let last = dates(theirs, start, None, LOOKED_AT)
                .last()
                .map(|d| d.date())
                .ok_or("its dates could not be counted")?;
            rule.until = Some(last.to_string());
        }
        (None, Some(until)) => {
            let until = zones.point(until, None, &mut Vec::new()).ok_or("its end could not be read")?;
            rule.until = Some(last_day(&until, start).to_string());
        }
        (None, None) => {}
    }
    Ok(rule)
}

/// The last local day on which the series can take place.
fn last_day(until: &Start, start: &Start) -> Date {
    match (alike(until, start), start) {
        // A day alone includes that day; a moment before the time of day excludes it.
        (_, _) if matches!(until, Start::Date { .. }) => until.civil_date(),
        (Start::Local { local, .. }, Start::Local { local: first, .. }) if local.time() < first.time() => {
            local.date().yesterday().unwrap_or(local.date())
        }
        (until, _) => until.civil_date(),
    }
}

/// With several weekdays and an interval it matters where a week begins; without a Sunday, Sunday and Monday agree.
fn week_starts_alike(rule: &ICalendarRecurrenceRule) -> bool {
    match rule.wkst {
        None | Some(ICalendarWeekday::Monday) => true,
        Some(ICalendarWeekday::Sunday) => rule.byday.iter().all(|day| day.weekday != ICalendarWeekday::Sunday),
        Some(_) => false,
    }
}

/// The first date after `start` that `rule` names, counting its weeks, months or years from `start`.
pub(super) fn first_match(rule: &Rule, start: &Start) -> Option<Date> {
    let from = start.civil_date();
    let every = i64::from(rule.interval.unwrap_or(1));
    let monday = |date: Date| date.saturating_sub(i64::from(date.weekday().to_monday_zero_offset()).days());
    let steps = |date: Date| match rule.freq {
        Freq::Daily => i64::from((date - from).get_days()),
        Freq::Weekly => i64::from((monday(date) - monday(from)).get_days()) / 7,
        Freq::Monthly => i64::from(date.year() - from.year()) * 12 + i64::from(date.month() - from.month()),
        Freq::Yearly => i64::from(date.year() - from.year()),
    };
    let open = Rule { until: None, count: None, ..rule.clone() };
    // Longest pause of our rules: 52 years; looked for within five.
    (1..=5 * 366)
        .filter_map(|ahead: i64| from.checked_add(ahead.days()).ok())
        .find(|date| steps(*date) % every == 0 && open.check(&Start::Date { date: *date }).is_ok())
}

/// Local dates of a rule in their order, at most so many and, where one is given, up to a last day: a rule without an
/// end would be followed for thousands of years. The start is the first of them and counts, whether the rule names it or
/// not (RFC 5545 §3.8.5.3).
pub(super) fn dates(rule: &ICalendarRecurrenceRule, start: &Start, last: Option<Date>, most: usize) -> Vec<DateTime> {
    let time = match start {
        Start::Local { local, .. } => local.time(),
        Start::Date { .. } => Time::midnight(),
    };
    let until = match rule.until.as_ref().map(|until| last_of(until, start, time)) {
        Some(None) => return Vec::new(),
        until => until.flatten(),
    };
    let first = start.civil_date();
    let end = [last, until].into_iter().flatten().min();
    let mut days = days(rule, first, end, most);
    if days.first() != Some(&first) && last.is_none_or(|last| first <= last) {
        days.insert(0, first);
        days.truncate(rule.count.map_or(most, |count| most.min(count as usize)));
    }
    days.into_iter().map(|day| day.to_datetime(time)).collect()
}

/// The last day on which a series that takes place at `time` does so until then. None: it cannot be read.
fn last_of(until: &PartialDateTime, start: &Start, time: Time) -> Option<Date> {
    // At the end of all years no zone is reckoned with any more.
    if until.tz_hour.is_some()
        && let Some(end) = start.zone().and_then(|zone| local_at(until.to_timestamp()?, zone))
    {
        return day_up_to(end, time);
    }
    let small = |n: u8| i8::try_from(n).ok();
    let day = Date::new(i16::try_from(until.year?).ok()?, small(until.month?)?, small(until.day?)?).ok()?;
    match (until.hour, until.minute) {
        (Some(hour), Some(minute)) => {
            let end = Time::new(small(hour)?, small(minute)?, small(until.second.unwrap_or(0).min(59))?, 0).ok()?;
            day_up_to(day.to_datetime(end), time)
        }
        _ => Some(day),
    }
}

fn day_up_to(end: DateTime, time: Time) -> Option<Date> {
    if end.time() < time { end.date().yesterday().ok() } else { Some(end.date()) }
}
