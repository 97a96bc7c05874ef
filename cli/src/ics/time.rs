//! Points in time and their zones, as calendar programs of all ages write them.

use std::{collections::HashMap, ops::RangeInclusive};

use calcard::{
    common::{PartialDateTime, timezone::Tz},
    icalendar::{
        ICalendar, ICalendarComponent, ICalendarComponentType, ICalendarEntry, ICalendarParameterName,
        ICalendarProperty, ICalendarValue,
    },
};
use folkmoot_schemas::when::{Start, local_at, zone_known};
use jiff::{
    ToSpan,
    civil::{Date, DateTime, Time},
};

use super::{Context, fields, offsets};

/// Zone names of one file.
#[derive(Debug)]
pub(super) struct Zones {
    /// TZID → IANA name, for names that are not IANA's own.
    named: HashMap<String, String>,
    /// Of the calendar (`X-WR-TIMEZONE`), if it says and we know it.
    calendar: Option<String>,
    floating: String,
    /// Seconds since 1970.
    pub(super) now: i64,
    /// About zones that were recognised by their clocks alone.
    pub(super) said: Vec<String>,
}

/// Zones of one file that are looked for by their clocks.
const BY_CLOCK: usize = 10;

impl Zones {
    pub(super) fn of(calendar: &ICalendar, context: &Context) -> Self {
        let other = |component: &ICalendarComponent, wanted: &str| {
            let found = component
                .entries
                .iter()
                .find(|e| matches!(&e.name, ICalendarProperty::Other(n) if n.eq_ignore_ascii_case(wanted)));
            found.and_then(|e| e.values.first()?.as_text().map(ToOwned::to_owned))
        };
        let root = calendar.components.first();
        let own = root.and_then(|root| other(root, "X-WR-TIMEZONE")).and_then(|name| known(&name));
        let floating = own.clone().unwrap_or_else(|| context.zone.clone());
        let mut zones = Self { named: HashMap::new(), calendar: own, floating, now: context.now, said: Vec::new() };
        let years = years(calendar);
        let mut unnamed = 0;
        for zone in calendar.components.iter().filter(|c| c.component_type == ICalendarComponentType::VTimezone) {
            let Some(id) = fields::text(zone, &ICalendarProperty::Tzid) else { continue };
            // "(GMT+01:00)" alone would be a zone without summer time: what the file describes says more.
            let place = |name: String| Some(name).filter(|name| !name.starts_with("Etc/") || *name == id);
            let by_name = known(&id).and_then(place).or_else(|| known(&other(zone, "X-LIC-LOCATION")?));
            let by_name = by_name.or_else(|| tz_name(zone.timezone()?.1).and_then(place));
            let meant = by_name.or_else(|| {
                unnamed += 1;
                let preferred = [zones.floating.as_str(), &context.zone];
                let found = (unnamed <= BY_CLOCK).then(|| offsets::alike(zone, calendar, years.clone()?, &preferred));
                let found = found.flatten()?;
                say(
                    &mut zones.said,
                    format!(
                        "the zone {:?} has the clocks of {found}: its times are taken as such",
                        fields::quoted(&id)
                    ),
                );
                Some(found)
            });
            if let Some(meant) = meant.or_else(|| known(&id)) {
                zones.named.insert(id, meant);
            }
        }
        zones
    }

    fn resolve(&self, id: &str) -> Option<String> {
        self.named.get(id).cloned().or_else(|| known(id))
    }

    /// What a date-time property says. `said` takes a word about a zone nobody knows.
    pub(super) fn start(&self, entry: &ICalendarEntry, said: &mut Vec<String>) -> Option<Start> {
        let value = entry.values.first().and_then(ICalendarValue::as_partial_date_time)?;
        self.point(value, tzid(entry), said)
    }

    /// All values of a property that lists times (EXDATE, RDATE).
    pub(super) fn points(&self, entry: &ICalendarEntry, said: &mut Vec<String>) -> Vec<Start> {
        let values = entry.values.iter().filter_map(ICalendarValue::as_partial_date_time);
        values.filter_map(|value| self.point(value, tzid(entry), said)).collect()
    }

    pub(super) fn point(&self, value: &PartialDateTime, tzid: Option<&str>, said: &mut Vec<String>) -> Option<Start> {
        let date = date(value)?;
        let Some(time) = time(value) else { return Some(Start::Date { date }) };
        let local = date.to_datetime(time);
        if value.tz_hour.is_some() {
            return Some(utc(local, value));
        }
        let zone = match tzid {
            None => self.floating.clone(),
            Some(id) => self.resolve(id).unwrap_or_else(|| {
                say(
                    said,
                    format!("the zone {:?} is not known: its times are taken as {}", fields::quoted(id), self.floating),
                );
                self.floating.clone()
            }),
        };
        Some(Start::Local { local, zone })
    }

    /// A single date given in UTC is shown in the calendar's own zone: the same moment, as its people read it.
    pub(super) fn at_home(&self, start: Start) -> Start {
        match (&start, &self.calendar) {
            // In an hour that comes twice it would be the first of the two.
            (Start::Local { zone, .. }, Some(home)) if zone == "UTC" => {
                Some(moved(&start, home)).filter(|there| there.instant(home) == start.instant(home)).unwrap_or(start)
            }
            _ => start,
        }
    }
}

/// Remarks on one event or file; a file that gives cause for more is not served by reading them.
const REMARKS: usize = 100;

/// Each remark once.
pub(super) fn say(said: &mut Vec<String>, what: String) {
    if said.len() < REMARKS && !said.contains(&what) {
        said.push(what);
        if said.len() == REMARKS {
            said.push("and more that is not kept, too much to be listed".into());
        }
    }
}

fn tzid(entry: &ICalendarEntry) -> Option<&str> {
    entry.parameter(&ICalendarParameterName::Tzid).and_then(|value| value.as_text())
}

/// The IANA name behind a TZID: itself, the end of a path such as `/example.org/Europe/Berlin`, or a name that Windows
/// and Outlook use.
fn known(id: &str) -> Option<String> {
    let id = id.trim().trim_matches('"');
    if zone_known(id) {
        return Some(id.to_owned());
    }
    let mut tail = id;
    while let Some((_, rest)) = tail.split_once('/') {
        if rest.contains('/') && zone_known(rest) {
            return Some(rest.to_owned());
        }
        tail = rest;
    }
    id.parse().ok().and_then(tz_name)
}

fn tz_name(zone: Tz) -> Option<String> {
    match zone {
        Tz::Tz(zone) => Some(zone.name().to_owned()).filter(|name| zone_known(name)),
        _ => None,
    }
}

/// The years in which events of the file begin.
fn years(calendar: &ICalendar) -> Option<RangeInclusive<i16>> {
    let events = calendar.components.iter().filter(|c| c.component_type == ICalendarComponentType::VEvent);
    let starts = events.filter_map(|c| c.property(&ICalendarProperty::Dtstart)?.values.first());
    let years = starts.filter_map(|value| Some(date(value.as_partial_date_time()?)?.year()));
    let (first, last) = years.fold((i16::MAX, i16::MIN), |(a, b), year| (a.min(year), b.max(year)));
    (first <= last).then_some(first..=last)
}

/// Date and time as written, whatever the zone.
pub(super) fn local(value: &PartialDateTime) -> Option<DateTime> {
    Some(date(value)?.to_datetime(time(value)?))
}

fn date(value: &PartialDateTime) -> Option<Date> {
    let (year, month, day) = (value.year?, value.month?, value.day?);
    Date::new(i16::try_from(year).ok()?, i8::try_from(month).ok()?, i8::try_from(day).ok()?).ok()
}

/// None: a whole day. A leap second is the last second of its minute.
fn time(value: &PartialDateTime) -> Option<Time> {
    let second = value.second.unwrap_or(0).min(59);
    Time::new(
        i8::try_from(value.hour?).ok()?,
        i8::try_from(value.minute.unwrap_or(0)).ok()?,
        i8::try_from(second).ok()?,
        0,
    )
    .ok()
}

fn utc(local: DateTime, value: &PartialDateTime) -> Start {
    let minutes = i64::from(value.tz_hour.unwrap_or(0)) * 60 + i64::from(value.tz_minute.unwrap_or(0));
    let offset = if value.tz_minus { minutes } else { -minutes };
    Start::Local { local: local.saturating_add(offset.minutes()), zone: "UTC".into() }
}

/// The same moment on the wall clock of `zone`.
pub(super) fn moved(start: &Start, zone: &str) -> Start {
    match local_at(start.instant(zone), zone) {
        Some(local) => Start::Local { local, zone: zone.to_owned() },
        None => start.clone(),
    }
}

/// `point`, which names a date of the series that begins at `start`, in that series' form and zone.
pub(crate) fn alike(point: &Start, start: &Start) -> Start {
    match (point, start) {
        (Start::Local { zone, .. }, Start::Local { zone: home, .. }) if zone != home => moved(point, home),
        (Start::Date { date }, Start::Local { local, zone }) => {
            Start::Local { local: date.to_datetime(local.time()), zone: zone.clone() }
        }
        (Start::Local { local, .. }, Start::Date { .. }) => Start::Date { date: local.date() },
        _ => point.clone(),
    }
}
