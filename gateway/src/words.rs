//! Dates and places as people say them.

use folkmoot_schemas::{
    Did,
    records::event::{Event, HostRole, Place, ShowPlace, Status},
    when::{self, Start},
};
use jiff::{
    Timestamp,
    civil::{Date, DateTime},
    tz::TimeZone,
};

/// One date of an event in words, for people and for `<time datetime>`.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct When {
    /// `2026-12-05T20:00:00+01:00`, or `2026-12-05` for a whole day.
    pub(crate) start: String,
    /// When the record says it.
    pub(crate) end: Option<String>,
    pub(crate) day: String,
    pub(crate) month: String,
    pub(crate) weekday: String,
    pub(crate) year: String,
    /// "Saturday 5 December 2026", with the last day when it is another one.
    pub(crate) date: String,
    /// "20:00–23:00", "from 20:00"; None: all day, or `date` says it already.
    pub(crate) time: Option<String>,
    /// The first day alone, and what a list says beside it: "20:00–23:00", "all day", "18:00 until Sunday 6 December,
    /// 14:00".
    pub(crate) first: String,
    pub(crate) beside: String,
    /// IANA name.
    pub(crate) zone: Option<String>,
}

impl When {
    /// Of an event on one of its dates (see [`crate::occasion`]).
    pub(crate) fn new(event: &Event) -> Self {
        let date = event.start.civil_date();
        let mut when = Self {
            start: iso(&event.start),
            end: None,
            day: date.day().to_string(),
            month: date.strftime("%b").to_string(),
            weekday: date.strftime("%a").to_string(),
            year: date.year().to_string(),
            date: day(date),
            time: None,
            first: day(date),
            beside: "all day".to_owned(),
            zone: event.start.zone().map(str::to_owned),
        };
        match &event.start {
            Start::Date { .. } => {
                let days = i64::from(event.days.unwrap_or(1)).clamp(1, 60);
                if days > 1
                    && let Ok(last) = date.checked_add(jiff::Span::new().days(days - 1))
                {
                    when.date = format!("{} – {}", day(date), day(last));
                    when.beside = format!("all day until {}", weekday(last));
                    when.end = last.tomorrow().ok().map(|d| d.to_string());
                }
            }
            Start::Local { local, zone } => {
                let from = clock(*local);
                let known = event.duration.filter(|s| *s > 0 && !event.open_end);
                let end = known.and_then(|seconds| end_of(*local, zone, seconds));
                when.beside = match end {
                    None if event.open_end => format!("from {from}"),
                    None => from,
                    Some(end) if end.date() == local.date() || early(*local, end) => format!("{from}–{}", clock(end)),
                    Some(end) => {
                        when.date = format!("{}, {from} – {}, {}", day(date), day(end.date()), clock(end));
                        format!("{from} until {}, {}", weekday(end.date()), clock(end))
                    }
                };
                when.time = (when.date == when.first).then(|| when.beside.clone());
                when.end = end.map(|end| iso(&Start::Local { local: end, zone: zone.clone() }));
            }
        }
        when
    }

    /// Date and time in one sentence, without the zone.
    pub(crate) fn sentence(&self) -> String {
        match &self.time {
            Some(time) => format!("{}, {time}", self.date),
            None => self.date.clone(),
        }
    }
}

/// A night that passes midnight still reads as one evening.
fn early(start: DateTime, end: DateTime) -> bool {
    start.date().tomorrow().is_ok_and(|next| next == end.date()) && end.hour() < 6
}

/// Local end: real seconds later, as a clock on the wall there shows.
fn end_of(local: DateTime, zone: &str, seconds: u32) -> Option<DateTime> {
    let start = Start::Local { local, zone: zone.to_owned() }.instant("UTC");
    when::local_at(start + i64::from(seconds), zone)
}

/// With the offset where the zone is known.
pub(crate) fn iso(start: &Start) -> String {
    match start {
        Start::Date { date } => date.to_string(),
        Start::Local { local, zone } => {
            let text = local.strftime("%Y-%m-%dT%H:%M:%S").to_string();
            match when::offset_at(*local, zone) {
                None => text,
                Some(0) => text + "+00:00",
                Some(offset) => {
                    let minutes = offset.abs() / 60;
                    let sign = if offset < 0 { '-' } else { '+' };
                    format!("{text}{sign}{:02}:{:02}", minutes / 60, minutes % 60)
                }
            }
        }
    }
}

/// "Saturday 5 December 2026".
pub(crate) fn day(date: Date) -> String {
    date.strftime("%A %-d %B %Y").to_string()
}

/// "Saturday 5 December": where the year is known.
fn weekday(date: Date) -> String {
    date.strftime("%A %-d %B").to_string()
}

pub(crate) fn month(date: Date) -> String {
    date.strftime("%B %Y").to_string()
}

fn clock(local: DateTime) -> String {
    local.strftime("%H:%M").to_string()
}

/// "New date, was Thursday 31 December", "New time, was 15:00"; "Was 15:00" where the status is said beside it. None for
/// what is when it always was.
pub(crate) fn moved(event: &Event) -> Option<String> {
    let former = event.former_start()?;
    let (then, now) = (former.civil_date(), event.start.civil_date());
    let was = match then == now {
        true => event.was_words()?,
        false => format!("{} {}", then.strftime("%A"), when::day_words(then, now)),
    };
    Some(match event.status {
        Status::Confirmed if then == now => format!("New time, was {was}"),
        Status::Confirmed => format!("New date, was {was}"),
        _ => format!("Was {was}"),
    })
}

/// What became of one date of a series: "Thursday 24 December 2026 is cancelled: Christmas", "Wednesday 30 December
/// instead of Thursday 31 December", "Thursday 31 December 2026, 21:00, was 20:00". None: it is as its series says.
///
/// `event` is that of the date, `at` the start the series gives it.
pub(crate) fn changed_date(event: &Event, at: &Start, note: Option<&str>) -> Option<String> {
    let (then, now) = (at.civil_date(), event.start.civil_date());
    let time = |start: &Start| match start {
        Start::Local { local, .. } => clock(*local),
        Start::Date { .. } => "all day".to_owned(),
    };
    let other_time = time(at) != time(&event.start);
    let point = |start: &Start, beside: Date| {
        let date = start.civil_date();
        let day = format!("{} {}", date.strftime("%A"), when::day_words(date, beside));
        if other_time { format!("{day}, {}", time(start)) } else { day }
    };
    let said = match event.status {
        Status::Cancelled => format!("{} is cancelled", day(then)),
        Status::Postponed => format!("{} is postponed", day(then)),
        _ if then != now => format!("{} instead of {}", point(&event.start, then), point(at, now)),
        _ if other_time => format!("{}, {}, was {}", day(now), time(&event.start), time(at)),
        _ => return None,
    };
    Some(match note {
        Some(note) => format!("{said}: {note}"),
        None => said,
    })
}

/// Is the author named before the hosts? Co-hosts share the work with somebody. What was imported is the work of those
/// it names, and what names nobody but its venue is the community's.
pub(crate) fn author_leads(event: &Event, did: &Did, name: &str) -> bool {
    let hosts = || event.hosts.iter().filter(|host| host.role != HostRole::Venue);
    event.source.is_none()
        && hosts().next().is_some()
        && !event.hosts.iter().any(|host| host.did.as_ref() == Some(did) || host.name == name)
}

/// A start in words: for former dates.
pub(crate) fn start(start: &Start) -> String {
    match start {
        Start::Date { date } => day(*date),
        Start::Local { local, .. } => format!("{}, {}", day(local.date()), clock(*local)),
    }
}

/// When a record was written: in the community's zone, else UTC. `(datetime, words)`.
pub(crate) fn written(micros: u64, zone: Option<&str>) -> (String, String) {
    let stamp = i64::try_from(micros).ok().and_then(|m| Timestamp::from_microsecond(m).ok()).unwrap_or_default();
    let known = zone.and_then(|z| TimeZone::get(z).ok());
    let suffix = if known.is_some() { "" } else { " UTC" };
    let local = known.unwrap_or(TimeZone::UTC).to_datetime(stamp);
    (utc(micros), format!("{}{suffix}", local.strftime("%-d %B %Y, %H:%M")))
}

/// RFC 3339 in whole seconds.
pub(crate) fn utc(micros: u64) -> String {
    let stamp = i64::try_from(micros / 1_000_000).ok().and_then(|s| Timestamp::from_second(s).ok()).unwrap_or_default();
    stamp.strftime("%Y-%m-%dT%H:%M:%SZ").to_string()
}

/// Said before the name wherever it is not "confirmed".
pub(crate) fn status(status: Status) -> Option<&'static str> {
    match status {
        Status::Confirmed => None,
        Status::Tentative => Some("Tentative"),
        Status::Cancelled => Some("Cancelled"),
        Status::Postponed => Some("Postponed"),
    }
}

/// The parts of a place that may be shown: all of it, or the area only.
pub(crate) fn place_parts(place: &Place) -> Vec<String> {
    let town = match (&place.postcode, &place.locality) {
        (Some(code), Some(town)) => Some(format!("{code} {town}")),
        (code, town) => town.clone().or_else(|| code.clone()),
    };
    let all = match place.show {
        Some(ShowPlace::Area | ShowPlace::Ask) => {
            [place.locality.clone(), place.region.clone(), None, place.country.clone()]
        }
        _ => [place.name.clone(), place.street.clone(), town, place.country.clone()],
    };
    let mut parts: Vec<String> = Vec::new();
    for part in all.into_iter().flatten() {
        // Imported places often repeat themselves.
        if !part.is_empty() && !parts.contains(&part) {
            parts.push(part);
        }
    }
    parts
}

/// One word or two for lists: the place's name, else its town.
pub(crate) fn place_name(place: &Place) -> Option<String> {
    let parts = place_parts(place);
    match (parts.first(), &place.locality) {
        (Some(name), Some(town)) if name != town && !name.contains(town.as_str()) => Some(format!("{name}, {town}")),
        (first, _) => first.cloned(),
    }
}

/// A BCP 47 tag fit for a `lang` attribute.
pub(crate) fn lang(tag: Option<&str>) -> Option<&str> {
    tag.filter(|t| {
        let mut parts = t.split('-');
        let primary =
            parts.next().is_some_and(|p| (2..=3).contains(&p.len()) && p.bytes().all(|b| b.is_ascii_alphabetic()));
        primary && parts.all(|p| (2..=8).contains(&p.len()) && p.bytes().all(|b| b.is_ascii_alphanumeric()))
    })
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::occasion::tests::event;

    #[test]
    fn a_list_says_when_an_event_of_several_days_is_over() {
        let beside = |json| When::new(&event(json)).beside;
        let start = json!({"local": "2026-12-04T18:00", "zone": "Europe/Berlin"});
        assert_eq!(beside(json!({"name": "Camp", "start": {"date": "2026-12-04"}})), "all day");
        let days = beside(json!({"name": "Camp", "start": {"date": "2026-12-04"}, "days": 3}));
        assert_eq!(days, "all day until Sunday 6 December");
        assert_eq!(beside(json!({"name": "Gig", "start": start, "duration": 9 * 3600})), "18:00–03:00");
        let weekend = When::new(&event(json!({"name": "Jam", "start": start, "duration": 44 * 3600})));
        assert_eq!(weekend.beside, "18:00 until Sunday 6 December, 14:00");
        assert_eq!(weekend.sentence(), "Friday 4 December 2026, 18:00 – Sunday 6 December 2026, 14:00");
    }

    #[test]
    fn what_was_moved_says_what_it_was_as_far_as_that_differs() {
        let at = |local: &str| json!({"local": local, "zone": "Europe/Berlin"});
        let said = |previous: serde_json::Value, status: &str| {
            moved(&event(json!({
                "name": "Gig", "start": at("2026-12-30T16:00"), "previous": previous, "status": status,
            })))
        };
        let words = |text: &str| Some(text.to_owned());
        let (day, time) = (json!([at("2026-12-31T16:00")]), json!([at("2026-12-30T15:00")]));
        assert_eq!(said(day.clone(), "confirmed"), words("New date, was Thursday 31 December"));
        assert_eq!(said(json!([at("2027-01-02T16:00")]), "confirmed"), words("New date, was Saturday 2 January 2027"));
        assert_eq!(said(time, "confirmed"), words("New time, was 15:00"));
        assert_eq!(said(day, "cancelled"), words("Was Thursday 31 December"));
        assert_eq!(said(json!([]), "confirmed"), None);
        assert_eq!(said(json!([at("2026-12-30T16:00"), at("2026-12-31T16:00")]), "confirmed"), None, "back again");
    }

    #[test]
    fn a_place_that_is_given_to_guests_only_shows_its_area() {
        let place = Place {
            name: Some("Ada's flat".into()),
            street: Some("Hidden Road 1".into()),
            locality: Some("Leeds".into()),
            show: Some(ShowPlace::Ask),
            ..Place::default()
        };
        assert_eq!(place_parts(&place), ["Leeds"]);
        assert_eq!(place_name(&place).as_deref(), Some("Leeds"));
    }

    #[test]
    fn a_language_tag_that_is_none_is_left_out() {
        assert_eq!(lang(Some("de-AT")), Some("de-AT"));
        for bad in ["", "x\" onload=", "e", "en_GB", "english", "en-"] {
            assert_eq!(lang(Some(bad)), None, "{bad}");
        }
    }
}
