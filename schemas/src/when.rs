//! Time as people plan it: local time and an IANA zone, or a date. Never a bare UTC instant.
//!
//! Zone rules come from the data bundled with the program, never from the machine, so that two nodes agree.

use std::sync::LazyLock;

use jiff::{
    SignedDuration, Span, Timestamp,
    civil::{Date, DateTime, Time},
    tz::{AmbiguousOffset, TimeZone, TimeZoneDatabase},
};
use serde::{Deserialize, Deserializer, Serialize, Serializer, ser::SerializeStruct};

use crate::error::Fault;

mod words;

pub(crate) use words::clock;
pub use words::{date_words, day_words, words};

/// Years a start may lie in: beyond them zone rules and calendar programs stop being reliable.
pub const YEARS: std::ops::RangeInclusive<i16> = 1900..=2200;

/// As many as the calendar has.
const MOST_DAYS: i32 = 7_304_484;

static ZONES: LazyLock<TimeZoneDatabase> = LazyLock::new(TimeZoneDatabase::bundled);

/// `{local:"2026-12-05T20:00", zone:"Europe/Berlin"}` or `{date:"2026-12-05"}`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Start {
    Local { local: DateTime, zone: String },
    Date { date: Date },
}

/// The map as written; which of the two forms it is shows in the keys.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Written {
    #[serde(default, deserialize_with = "present")]
    local: Option<String>,
    #[serde(default, deserialize_with = "present")]
    zone: Option<String>,
    #[serde(default, deserialize_with = "present")]
    date: Option<String>,
}

/// A key that is there has text: `null` is not a way to leave it out.
fn present<'de, D: Deserializer<'de>>(d: D) -> Result<Option<String>, D::Error> {
    String::deserialize(d).map(Some)
}

impl Serialize for Start {
    fn serialize<S: Serializer>(&self, s: S) -> Result<S::Ok, S::Error> {
        match self {
            Self::Local { zone, .. } => {
                let mut map = s.serialize_struct("Start", 2)?;
                map.serialize_field("zone", zone)?;
                map.serialize_field("local", &self.text())?;
                map.end()
            }
            Self::Date { .. } => {
                let mut map = s.serialize_struct("Start", 1)?;
                map.serialize_field("date", &self.text())?;
                map.end()
            }
        }
    }
}

impl<'de> Deserialize<'de> for Start {
    fn deserialize<D: Deserializer<'de>>(d: D) -> Result<Self, D::Error> {
        use serde::de::Error;
        match Written::deserialize(d)? {
            Written { local: Some(local), zone: Some(zone), date: None } => {
                let local = parse_local(&local).ok_or_else(|| D::Error::custom("local is not YYYY-MM-DDTHH:MM"))?;
                Ok(Self::Local { local, zone })
            }
            Written { local: None, zone: None, date: Some(date) } => {
                let date = parse_date(&date).ok_or_else(|| D::Error::custom("date is not YYYY-MM-DD"))?;
                Ok(Self::Date { date })
            }
            _ => Err(D::Error::custom("a start is either local and zone, or date")),
        }
    }
}

impl Start {
    /// Syntax only: years 1900–2200, whole minutes or seconds, a zone *name* that is well formed. An unknown zone passes.
    pub fn check(&self, field: &str) -> Result<(), Fault> {
        let year = self.civil_date().year();
        if !YEARS.contains(&year) {
            let reason = format!("is in the year {year}, {} to {} are allowed", YEARS.start(), YEARS.end());
            return Err(Fault::new(field, reason));
        }
        let Self::Local { local, zone } = self else { return Ok(()) };
        if local.subsec_nanosecond() != 0 {
            return Err(Fault::new(field, "has fractions of a second, whole seconds are allowed"));
        }
        check_zone(field, zone)
    }

    /// Seconds since 1970 of this start; an all-day start counts from midnight in `fallback_zone`; an unknown zone counts as UTC.
    /// A local time that does not exist shifts forward; one that exists twice is the first.
    pub fn instant(&self, fallback_zone: &str) -> i64 {
        match self {
            Self::Local { local, zone } => instant_of(*local, zone),
            Self::Date { date } => instant_of(date.to_datetime(Time::midnight()), fallback_zone),
        }
    }

    /// Seconds until so many days on the calendar and then so many seconds on a watch have passed (RFC 5545 §3.3.6): a day
    /// across a clock change has 23 or 25 hours.
    pub fn lasting(&self, days: i32, seconds: i64) -> i64 {
        match self {
            Self::Local { local, zone } => {
                let end = local.saturating_add(Span::new().days(days.clamp(-MOST_DAYS, MOST_DAYS)));
                (instant_of(end, zone) - instant_of(*local, zone)).saturating_add(seconds)
            }
            Self::Date { .. } => (i64::from(days) * 86_400).saturating_add(seconds),
        }
    }

    /// `2026-12-05T20:00` or `2026-12-05`: names an occurrence.
    pub fn text(&self) -> String {
        match self {
            Self::Local { local, .. } if local.second() == 0 => local.strftime("%Y-%m-%dT%H:%M").to_string(),
            Self::Local { local, .. } => local.strftime("%Y-%m-%dT%H:%M:%S").to_string(),
            Self::Date { date } => date.strftime("%Y-%m-%d").to_string(),
        }
    }

    /// Reads an occurrence's name (see [`Start::text`]) in the form and zone of this start. None: not a name, or of the other form.
    pub fn named(&self, text: &str) -> Option<Self> {
        match self {
            Self::Local { zone, .. } => parse_local(text).map(|local| Self::Local { local, zone: zone.clone() }),
            Self::Date { .. } => parse_date(text).map(|date| Self::Date { date }),
        }
    }

    pub fn zone(&self) -> Option<&str> {
        match self {
            Self::Local { zone, .. } => Some(zone),
            Self::Date { .. } => None,
        }
    }

    pub fn civil_date(&self) -> Date {
        match self {
            Self::Local { local, .. } => local.date(),
            Self::Date { date } => *date,
        }
    }

    /// The same time of day (or whole day) on another date.
    pub fn on(&self, date: Date) -> Self {
        match self {
            Self::Local { local, zone } => Self::Local { local: date.to_datetime(local.time()), zone: zone.clone() },
            Self::Date { .. } => Self::Date { date },
        }
    }
}

/// Exactly `YYYY-MM-DD`.
pub fn parse_date(text: &str) -> Option<Date> {
    let (year, rest) = digits(text, 4)?;
    let (month, rest) = digits(rest.strip_prefix('-')?, 2)?;
    let (day, rest) = digits(rest.strip_prefix('-')?, 2)?;
    if !rest.is_empty() {
        return None;
    }
    Date::new(year, i8::try_from(month).ok()?, i8::try_from(day).ok()?).ok()
}

/// Exactly `YYYY-MM-DDTHH:MM`, with `:SS` only when the seconds are not zero, so that a time has one spelling.
pub fn parse_local(text: &str) -> Option<DateTime> {
    let (date, time) = text.split_once('T')?;
    Some(parse_date(date)?.to_datetime(parse_time(time)?))
}

/// `HH:MM`, with `:SS` only when not zero.
pub fn parse_time(text: &str) -> Option<Time> {
    let (hour, rest) = digits(text, 2)?;
    let (minute, rest) = digits(rest.strip_prefix(':')?, 2)?;
    let second = match rest {
        "" => 0,
        _ => match digits(rest.strip_prefix(':')?, 2)? {
            (second @ 1..=59, "") => second,
            _ => return None,
        },
    };
    Time::new(i8::try_from(hour).ok()?, i8::try_from(minute).ok()?, i8::try_from(second).ok()?, 0).ok()
}

/// The number in the first `n` characters, all of them ASCII digits, and what follows.
fn digits(text: &str, n: usize) -> Option<(i16, &str)> {
    let (head, rest) = text.split_at_checked(n)?;
    let number = head.bytes().all(|b| b.is_ascii_digit()).then(|| head.parse().ok())??;
    Some((number, rest))
}

/// A well-formed zone name, e.g. `America/Argentina/Salta`, known here or not.
pub(crate) fn check_zone(field: &str, zone: &str) -> Result<(), Fault> {
    let part = |p: &str| {
        p.starts_with(|c: char| c.is_ascii_alphabetic())
            && p.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'_' | b'-' | b'+'))
    };
    if zone.len() <= 64 && zone.split('/').all(part) {
        Ok(())
    } else {
        Err(Fault::new(field, "has a zone that is not a name such as Europe/Berlin"))
    }
}

/// Is this name in the bundled zone data?
pub fn zone_known(zone: &str) -> bool {
    find_zone(zone).is_some()
}

/// UTC offset in seconds of a local time in a zone, by the same gap and fold rule as [`Start::instant`]. None: unknown zone.
pub fn offset_at(local: DateTime, zone: &str) -> Option<i32> {
    let zone = find_zone(zone)?;
    let at = zone.to_timestamp(local).ok()?;
    Some(zone.to_offset(at).seconds())
}

/// Wall time in a zone at an instant (seconds since 1970); an unknown zone counts as UTC. None: outside the years −9999 to 9999.
pub fn local_at(instant: i64, zone: &str) -> Option<DateTime> {
    let at = Timestamp::from_second(instant).ok()?;
    Some(find_zone(zone).unwrap_or(TimeZone::UTC).to_datetime(at))
}

/// Does the clock there show this time exactly once? So it is in a zone nobody knows.
pub fn is_shown_once(local: DateTime, zone: &str) -> bool {
    find_zone(zone)
        .is_none_or(|zone| matches!(zone.to_ambiguous_timestamp(local).offset(), AmbiguousOffset::Unambiguous { .. }))
}

/// The one rule for gaps and folds: jiff's "compatible", which is RFC 5545's.
fn instant_of(local: DateTime, zone: &str) -> i64 {
    find_zone(zone)
        .and_then(|zone| zone.to_timestamp(local).ok())
        .map_or_else(|| utc_seconds(local), |at| at.as_second())
}

/// Needs no zone and cannot fail: for unknown zones and the last hours jiff can represent.
fn utc_seconds(local: DateTime) -> i64 {
    let elapsed: SignedDuration = DateTime::constant(1970, 1, 1, 0, 0, 0, 0).duration_until(local);
    elapsed.as_secs()
}

fn find_zone(zone: &str) -> Option<TimeZone> {
    ZONES.get(zone).ok().filter(|zone| !zone.is_unknown())
}

#[cfg(test)]
mod tests;
