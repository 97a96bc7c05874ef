//! One VEVENT's properties → the fields of an event, and a word about each that it cannot keep.

use std::collections::BTreeSet;

use calcard::icalendar::{
    ICalendar, ICalendarClassification, ICalendarComponent, ICalendarComponentType, ICalendarDuration, ICalendarEntry,
    ICalendarParameterName, ICalendarProperty, ICalendarStatus, ICalendarValue,
};
use folkmoot_schemas::{
    kind::Kind,
    records::{
        event::{Event, EventLink, Host, HostRole, LinkKind, Mode, OnlineLink, Place, Status},
        text::{clean, settled},
    },
    when::{Start, is_shown_once, local_at},
};

use super::{
    html,
    time::{Zones, say},
};
use crate::commands::community::labelled;

const DAY: i64 = 86_400;

/// The event without its repetition, or why it cannot be kept.
pub(super) fn event(
    component: &ICalendarComponent,
    calendar: &ICalendar,
    zones: &Zones,
    said: &mut Vec<String>,
) -> Result<Event, String> {
    if let Some(class) = classified(component) {
        return Err(format!("it is marked {class}; take the mark off to import it"));
    }
    let entry = component.property(&ICalendarProperty::Dtstart).ok_or("it has no start")?;
    let start = zones.start(entry, said).ok_or("its start could not be read")?;
    doubtful("its start", &start, said);
    start.check("start").map_err(|fault| format!("its start {}", fault.reason))?;
    let name = text(component, &ICalendarProperty::Summary).map(|t| one_line(&t)).filter(|t| !t.is_empty());
    let mut event = Event::new(cut(name.unwrap_or_else(|| "Untitled".into()), 200, "its name", said), start);
    length(component, zones, &mut event, said);
    event.status = match component.status() {
        Some(ICalendarStatus::Tentative) => Status::Tentative,
        Some(ICalendarStatus::Cancelled) => Status::Cancelled,
        _ => Status::Confirmed,
    };
    event.text = description(component, said);
    place(component, &mut event, said);
    links(component, &mut event, said);
    contact(component, &mut event, said);
    let tags = component
        .properties(&ICalendarProperty::Categories)
        .flat_map(|e| e.values.iter().filter_map(ICalendarValue::as_text));
    let mut seen = BTreeSet::new();
    event.tags = tags
        .map(one_line)
        .filter(|t| !t.is_empty() && seen.insert(t.to_lowercase()))
        .map(|t| cut(t, 40, "a category", said))
        .collect();
    if event.tags.len() > 10 {
        say(said, format!("{} of {} categories are kept", 10, event.tags.len()));
        event.tags.truncate(10);
    }
    others(component, calendar, said);
    mend(&mut event, said)?;
    Ok(event)
}

/// A time that the clocks there skip or show twice.
fn doubtful(what: &str, at: &Start, said: &mut Vec<String>) {
    let Start::Local { local, zone } = at else { return };
    if is_shown_once(*local, zone) {
        return;
    }
    let time = at.text();
    match local_at(at.instant(zone), zone).filter(|shown| shown != local) {
        Some(shown) => {
            let shown = Start::Local { local: shown, zone: zone.clone() }.text();
            say(said, format!("{what}, {time}, is skipped by the clocks of {zone}: taken as {shown}"));
        }
        None => say(said, format!("{what}, {time}, comes twice by the clocks of {zone}: taken as the first")),
    }
}

fn classified(component: &ICalendarComponent) -> Option<&'static str> {
    let class = component.property(&ICalendarProperty::Class)?.values.first()?;
    match class {
        ICalendarValue::Classification(ICalendarClassification::Private) => Some("private"),
        ICalendarValue::Classification(ICalendarClassification::Confidential) => Some("confidential"),
        _ => None,
    }
}

/// Text of the first such property that has some.
pub(super) fn text(component: &ICalendarComponent, name: &ICalendarProperty) -> Option<String> {
    component.properties(name).find_map(entry_text)
}

fn entry_text(entry: &ICalendarEntry) -> Option<String> {
    let words: Vec<&str> = entry.values.iter().filter_map(ICalendarValue::as_text).collect();
    Some(words.join(",")).filter(|text| !text.trim().is_empty())
}

pub(super) fn one_line(text: &str) -> String {
    clean(text).split_whitespace().collect::<Vec<_>>().join(" ")
}

/// At most `max` characters, the last of which says that there was more.
pub(super) fn cut(text: String, max: usize, what: &str, said: &mut Vec<String>) -> String {
    let length = text.chars().count();
    if length <= max {
        return text;
    }
    say(said, format!("{what} is {length} characters long and was cut to {max}"));
    start_of(&text, max - 1) + "…"
}

/// At most so many characters.
pub(super) fn start_of(text: &str, max: usize) -> String {
    settled(&text.chars().take(max).collect::<String>())
}

/// For a remark: what is quoted at a length that can be read.
pub(super) fn quoted(text: &str) -> String {
    const READABLE: usize = 80;
    let text = one_line(&text.chars().take(READABLE + 1).collect::<String>());
    if text.chars().count() > READABLE { start_of(&text, READABLE) + "…" } else { text }
}

/// DTEND or DURATION.
fn length(component: &ICalendarComponent, zones: &Zones, event: &mut Event, said: &mut Vec<String>) {
    let end = component.property(&ICalendarProperty::Dtend).and_then(|entry| zones.start(entry, said));
    end.iter().for_each(|end| doubtful("its end", end, said));
    let long = component.property(&ICalendarProperty::Duration).and_then(|entry| match entry.values.first() {
        Some(ICalendarValue::Duration(duration)) => Some(duration),
        _ => None,
    });
    let repeats = component.has_property(&ICalendarProperty::Rrule);
    let zone = event.start.zone().unwrap_or("UTC").to_owned();
    match &event.start {
        Start::Date { date } => {
            let days = match (&end, long) {
                (Some(end), _) => i64::from((end.civil_date() - *date).get_days()),
                (None, Some(long)) => (long.as_seconds() + DAY - 1) / DAY,
                (None, None) => 1,
            };
            if days < 0 {
                say(said, "its end is before its start: kept as one day".into());
            } else if days > 60 {
                say(said, format!("it lasts {days} days and was cut to 60"));
            }
            // A day that ends where it starts is still that day.
            event.days = u32::try_from(days.clamp(1, 60)).ok().filter(|n| *n > 1);
        }
        start @ Start::Local { .. } => {
            let seconds = match (&end, long) {
                (Some(end), _) => Some(end.instant(&zone) - start.instant(&zone)),
                // The dates of a series are all as long: an hour more or less for one would be wrong for the others.
                (None, Some(long)) if repeats => {
                    if (long.days, long.weeks) != (0, 0) && changes_clocks(start) {
                        say(said, "its length in days is kept as 24 hours each, also where clocks change".into());
                    }
                    Some(long.as_seconds())
                }
                (None, long) => long.map(|long| lasting(start, long)),
            };
            event.duration = match seconds {
                None | Some(0) => None,
                Some(seconds @ 1..) if seconds <= 14 * DAY => u32::try_from(seconds).ok(),
                Some(1..) => {
                    say(said, "it lasts longer than 14 days: kept without its end".into());
                    None
                }
                Some(_) => {
                    say(said, "its end is before its start: kept without it".into());
                    None
                }
            };
        }
    }
}

fn lasting(start: &Start, long: &ICalendarDuration) -> i64 {
    let days = i64::from(long.weeks) * 7 + i64::from(long.days);
    let rest = long.as_seconds().abs() - days * DAY;
    let sign = if long.neg { -1 } else { 1 };
    start.lasting(i32::try_from(sign * days).unwrap_or(i32::MAX), sign * rest)
}

/// Do the clocks there go forward or back within the year that follows?
fn changes_clocks(start: &Start) -> bool {
    (0..12).any(|month| start.lasting(30 * month, 0) != i64::from(30 * month) * DAY)
}

fn description(component: &ICalendarComponent, said: &mut Vec<String>) -> Option<String> {
    let text = text(component, &ICalendarProperty::Description)?;
    let text = if html::is_html(&text) { html::to_text(&text) } else { text };
    Some(cut(clean(&text), 10_000, "its description", said)).filter(|text| !text.is_empty())
}

fn place(component: &ICalendarComponent, event: &mut Event, said: &mut Vec<String>) {
    let name = text(component, &ICalendarProperty::Location).map(|t| one_line(&t)).filter(|t| !t.is_empty());
    let mut place = Place { name: name.map(|name| cut(name, 200, "its place", said)), ..Place::default() };
    if let Some(entry) = component.property(&ICalendarProperty::Geo) {
        match coordinates(entry) {
            Some((lat, lon)) => (place.lat_e7, place.lon_e7) = (Some(lat), Some(lon)),
            None => say(said, "its coordinates could not be read".into()),
        }
    }
    if place != Place::default() {
        event.places.push(place);
    }
}

/// Degrees × 10⁷ of `GEO:51.76882;14.32321`.
fn coordinates(entry: &ICalendarEntry) -> Option<(i32, i32)> {
    let numbers: Vec<f64> = entry
        .values
        .iter()
        .flat_map(|value| match value {
            ICalendarValue::Float(number) => vec![Some(*number)],
            other => other.as_text().unwrap_or_default().split([';', ',']).map(|n| n.trim().parse().ok()).collect(),
        })
        .collect::<Option<_>>()?;
    let [lat, lon] = numbers[..] else { return None };
    if !(lat.abs() <= 90.0 && lon.abs() <= 180.0) {
        return None;
    }
    // In range, so the conversion cannot wrap.
    Some(((lat * 1e7).round() as i32, (lon * 1e7).round() as i32))
}

fn links(component: &ICalendarComponent, event: &mut Event, said: &mut Vec<String>) {
    for url in component.properties(&ICalendarProperty::Url).filter_map(entry_text) {
        let (label, url) = (labelled(&url).0, address(&url));
        event.links.push(EventLink { url, label: start_of(&label, 80), kind: LinkKind::Info });
    }
    for url in component.properties(&ICalendarProperty::Conference).filter_map(entry_text) {
        let url = address(&url);
        match url.starts_with("https://") && event.online.len() < 3 {
            true => event.online.push(OnlineLink { url, label: None }),
            false => say(said, format!("the conference address {} is not kept", quoted(&url))),
        }
    }
    event.mode = match (event.places.is_empty(), event.online.is_empty()) {
        (_, true) => Mode::InPerson,
        (true, false) => Mode::Online,
        (false, false) => Mode::Hybrid,
    };
}

/// An address is read from left to right.
fn address(url: &str) -> String {
    clean(url)
        .chars()
        .filter(
            |c| !matches!(c, '\u{200e}' | '\u{200f}' | '\u{61c}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}'),
        )
        .collect()
}

fn contact(component: &ICalendarComponent, event: &mut Event, said: &mut Vec<String>) {
    let contacts: Vec<String> =
        component.properties(&ICalendarProperty::Contact).filter_map(entry_text).map(|t| one_line(&t)).collect();
    if !contacts.is_empty() {
        event.contact = Some(cut(contacts.join("\n"), 300, "its contact", said));
    }
    if let Some(organizer) = component.property(&ICalendarProperty::Organizer) {
        let name = organizer
            .parameter(&ICalendarParameterName::Cn)
            .and_then(|cn| cn.as_text())
            .map(one_line)
            .filter(|n| !n.is_empty());
        match name {
            Some(name) => {
                let name = start_of(&name, 64);
                event.hosts.push(Host { did: None, name, role: HostRole::Host, edit: false });
                say(said, "the organizer's mail address is not kept".into());
            }
            None => say(said, "not kept: ORGANIZER".into()),
        }
    }
}

/// Names what is neither kept nor mere bookkeeping of the program that wrote the file.
fn others(component: &ICalendarComponent, calendar: &ICalendar, said: &mut Vec<String>) {
    use ICalendarProperty as P;
    let mut names = BTreeSet::new();
    for entry in &component.entries {
        let kept = matches!(
            entry.name,
            P::Summary
                | P::Description
                | P::Location
                | P::Geo
                | P::Url
                | P::Categories
                | P::Contact
                | P::Conference
                | P::Organizer
                | P::Status
                | P::Class
                | P::Uid
                | P::Dtstart
                | P::Dtend
                | P::Duration
                | P::Rrule
                | P::Exdate
                | P::Rdate
                | P::RecurrenceId
                | P::Dtstamp
                | P::Created
                | P::LastModified
                | P::Sequence
                | P::Transp
        );
        let empty = entry.values.iter().all(|value| value.as_text().is_some_and(|text| text.trim().is_empty()));
        if !kept && !empty {
            let name = entry.name.as_str().to_ascii_uppercase();
            names.insert(name.chars().filter(|c| !c.is_control()).take(40).collect::<String>());
        }
    }
    for child in component.component_ids.iter().filter_map(|id| calendar.component_by_id(*id)) {
        names.insert(match child.component_type {
            ICalendarComponentType::VAlarm => "alarms".to_owned(),
            _ => child.component_type.as_str().to_owned(),
        });
    }
    if !names.is_empty() {
        let some: Vec<String> = names.iter().take(12).cloned().collect();
        let more = names.len().saturating_sub(some.len());
        let rest = if more > 0 { format!(" and {more} more") } else { String::new() };
        say(said, format!("not kept: {}{rest}", some.join(", ")));
    }
}

/// A field that breaks a rule of the format is left out with its reason; without a name or a start there is no event.
pub(super) fn mend(event: &mut Event, said: &mut Vec<String>) -> Result<(), String> {
    // Each round takes one thing away, so this ends.
    for _ in 0..64 {
        let Err(fault) = event.check() else { return Ok(()) };
        let field = fault.field.split(['.', '[']).next().unwrap_or_default();
        let at: usize = fault.field.split(['[', ']']).nth(1).and_then(|n| n.parse().ok()).unwrap_or(0);
        match field {
            "links" if at < event.links.len() => {
                event.links.remove(at);
            }
            "online" if at < event.online.len() => {
                event.online.remove(at);
            }
            "places" if at < event.places.len() => {
                event.places.remove(at);
            }
            "tags" if at < event.tags.len() => {
                event.tags.remove(at);
            }
            "hosts" if at < event.hosts.len() => {
                event.hosts.remove(at);
            }
            "overrides" if at < event.overrides.len() => {
                event.overrides.remove(at);
            }
            "text" if event.text.is_some() => event.text = None,
            "contact" if event.contact.is_some() => event.contact = None,
            "duration" if event.duration.is_some() => event.duration = None,
            "days" if event.days.is_some() => event.days = None,
            "source" if event.source.as_ref().is_some_and(|s| s.url.is_some()) => {
                if let Some(source) = &mut event.source {
                    source.url = None;
                }
                continue;
            }
            _ => return Err(fault.to_string()),
        }
        say(said, format!("left out: {fault}"));
    }
    Err("too many of its fields could not be kept".into())
}
