//! A zone that a file describes under a name of its own: which zone of the world has the same clock changes in the years
//! the file is about. Where one has, its times can be taken as that zone's.

use std::ops::RangeInclusive;

use calcard::icalendar::{
    ICalendar, ICalendarComponent, ICalendarComponentType, ICalendarFrequency, ICalendarProperty, ICalendarValue,
};
use folkmoot_schemas::when::{Start, zone_known};
use jiff::{
    Timestamp,
    civil::{DateTime, date},
    tz::{TimeZone, db},
};

use super::{rule, time};

/// Descriptions looked into, of one zone; a real one has a few, of a zone with a long past some dozen.
const PARTS: usize = 200;
/// Parts with a yearly rule among them, and dates of such a rule: since 1601, as Outlook has it.
const RULES: (usize, usize) = (16, 500);
/// Years that are compared.
const YEARS: i16 = 60;
/// Asked first, since people know them; where several zones are alike in the years of the file, any is right.
const WELL_KNOWN: [&str; 30] = [
    "Europe/Berlin",
    "Europe/London",
    "Europe/Athens",
    "Europe/Moscow",
    "Europe/Istanbul",
    "Europe/Lisbon",
    "Atlantic/Azores",
    "America/New_York",
    "America/Chicago",
    "America/Denver",
    "America/Phoenix",
    "America/Los_Angeles",
    "America/Anchorage",
    "America/Halifax",
    "America/St_Johns",
    "America/Sao_Paulo",
    "America/Santiago",
    "America/Mexico_City",
    "Pacific/Honolulu",
    "Asia/Jerusalem",
    "Asia/Dubai",
    "Asia/Kolkata",
    "Asia/Bangkok",
    "Asia/Shanghai",
    "Asia/Tokyo",
    "Australia/Brisbane",
    "Australia/Adelaide",
    "Australia/Sydney",
    "Pacific/Auckland",
    "Africa/Johannesburg",
];

/// Offset at the beginning of the years, and the changes since: (seconds since 1970, new offset).
#[derive(Debug, PartialEq, Eq)]
struct Clock {
    first: i32,
    changes: Vec<(i64, i32)>,
}

/// The name of a zone like the one described. `preferred` are asked first.
pub(super) fn alike(
    zone: &ICalendarComponent,
    calendar: &ICalendar,
    years: RangeInclusive<i16>,
    preferred: &[&str],
) -> Option<String> {
    // A year before and after, for dates of series, within what can be compared at all.
    let first = years.start().clamp(&1970, &2200) - 1;
    let last = years.end().saturating_add(1).clamp(first, first + YEARS);
    let begin = seconds(date(first, 1, 1).at(0, 0, 0, 0));
    let end = seconds(date(last, 12, 31).at(0, 0, 0, 0));
    let theirs = described(zone, calendar, begin, end)?;
    let fixed = theirs.changes.is_empty().then(|| fixed(theirs.first)).flatten();
    let all: Vec<String> = db().available().map(|name| name.to_string()).collect();
    // Names such as "EST5EDT" and "Etc/GMT+5" are for machines.
    let places = all.iter().map(String::as_str).filter(|name| name.contains('/') && !name.starts_with("Etc/"));
    let found = preferred.iter().copied().chain(fixed.as_deref()).chain(WELL_KNOWN).chain(places);
    found.filter(|name| zone_known(name)).find(|name| real(name, begin, end).as_ref() == Some(&theirs)).map(Into::into)
}

/// `Etc/GMT-1`: an hour before Greenwich time.
fn fixed(offset: i32) -> Option<String> {
    let hours = offset / 3600;
    (offset % 3600 == 0).then(|| match hours {
        0 => "UTC".to_owned(),
        _ => format!("Etc/GMT{:+}", -hours),
    })
}

fn real(name: &str, begin: i64, end: i64) -> Option<Clock> {
    let zone = TimeZone::get(name).ok()?;
    let begin = Timestamp::from_second(begin).ok()?;
    let first = zone.to_offset(begin).seconds();
    let changes = zone.following(begin).map(|change| (change.timestamp().as_second(), change.offset().seconds()));
    Some(Clock { first, changes: real_changes(first, changes.take_while(|(at, _)| *at < end)) })
}

fn described(zone: &ICalendarComponent, calendar: &ICalendar, begin: i64, end: i64) -> Option<Clock> {
    let parts = zone.component_ids.iter().filter_map(|id| calendar.component_by_id(*id));
    let parts: Vec<&ICalendarComponent> = parts
        .filter(|part| {
            matches!(part.component_type, ICalendarComponentType::Standard | ICalendarComponentType::Daylight)
        })
        .collect();
    let rules = parts.iter().filter(|part| part.has_property(&ICalendarProperty::Rrule)).count();
    if parts.is_empty() || parts.len() > PARTS || rules > RULES.0 {
        return None;
    }
    let mut all = Vec::new();
    for part in parts {
        let (from, to) =
            (offset(part, &ICalendarProperty::Tzoffsetfrom)?, offset(part, &ICalendarProperty::Tzoffsetto)?);
        all.extend(onsets(part, end)?.into_iter().map(|local| (seconds(local) - i64::from(from), from, to)));
    }
    all.sort_unstable();
    let first = match all.iter().rfind(|(at, ..)| *at <= begin) {
        Some((_, _, to)) => *to,
        None => all.first()?.1,
    };
    let within = all.iter().filter(|(at, ..)| (begin + 1..end).contains(at)).map(|(at, _, to)| (*at, *to));
    Some(Clock { first, changes: real_changes(first, within) })
}

/// Without those that change nothing but a name.
fn real_changes(first: i32, changes: impl Iterator<Item = (i64, i32)>) -> Vec<(i64, i32)> {
    let mut before = first;
    changes.filter(|(_, to)| std::mem::replace(&mut before, *to) != *to).collect()
}

/// Local times at which the part begins to hold, up to about `end`. None: it says them in a way nobody does.
fn onsets(part: &ICalendarComponent, end: i64) -> Option<Vec<DateTime>> {
    let point = |value: &ICalendarValue| time::local(value.as_partial_date_time()?);
    let first = point(part.property(&ICalendarProperty::Dtstart)?.values.first()?)?;
    let mut all = vec![first];
    for entry in part.properties(&ICalendarProperty::Rdate) {
        all.extend(entry.values.iter().take(PARTS).filter_map(point));
    }
    if let Some(entry) = part.property(&ICalendarProperty::Rrule) {
        let Some(ICalendarValue::RecurrenceRule(yearly)) = entry.values.first() else { return None };
        if yearly.freq != ICalendarFrequency::Yearly {
            return None;
        }
        let last = Timestamp::from_second(end).ok()?.to_zoned(TimeZone::UTC).date();
        let start = Start::Local { local: first, zone: "UTC".into() };
        all.extend(rule::dates(yearly, &start, Some(last), RULES.1));
    }
    all.sort_unstable();
    all.dedup();
    Some(all)
}

/// `+0100` in seconds.
fn offset(part: &ICalendarComponent, name: &ICalendarProperty) -> Option<i32> {
    let value = part.property(name)?.values.first()?.as_partial_date_time()?;
    let seconds = i32::from(value.tz_hour?) * 3600 + i32::from(value.tz_minute.unwrap_or(0)) * 60;
    Some(if value.tz_minus { -seconds } else { seconds })
}

fn seconds(local: DateTime) -> i64 {
    Start::Local { local, zone: "UTC".into() }.instant("UTC")
}
