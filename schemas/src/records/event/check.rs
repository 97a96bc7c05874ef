//! Limits of every field of an event and the rules between fields. The table is in `docs/format.md`.

use super::{
    Event, Host, Image, Mode, OnlineLink, Override, PerformingAct, Place, Price, RsvpMode, RsvpRules, Source,
    SourceVersion,
};
use crate::{
    error::Fault,
    kind::Kind,
    limits,
    records::{
        poll::poll_uri,
        text::{lang, line, line_if, lines, lines_if, link, list, secure_link, tags},
        venue::venue_uri,
    },
    uri::Uri,
    when::{self, Start},
};

/// Longest `duration` in seconds: 14 days.
const DURATION: u32 = 14 * 24 * 60 * 60;
/// Most whole `days`.
const DAYS: u32 = 60;
/// Pixels of a picture's side.
const PIXELS: u32 = 20_000;
/// Minor units of a price: keeps sums far inside the integers the format allows.
const PRICE: u64 = 1_000_000_000_000;

/// The categories an event may have, in plain words, each with the schema.org type it is shown as.
pub const CATEGORIES: &[(&str, &str)] = &[
    ("art", "VisualArtsEvent"),
    ("business", "BusinessEvent"),
    ("campaign", "Event"),
    ("children", "ChildrensEvent"),
    ("comedy", "ComedyEvent"),
    ("course", "EducationEvent"),
    ("dance", "DanceEvent"),
    ("exhibition", "ExhibitionEvent"),
    ("faith", "Event"),
    ("festival", "Festival"),
    ("film", "ScreeningEvent"),
    ("food", "FoodEvent"),
    ("games", "SocialEvent"),
    ("literature", "LiteraryEvent"),
    ("market", "SaleEvent"),
    ("meeting", "SocialEvent"),
    ("music", "MusicEvent"),
    ("other", "Event"),
    ("outdoors", "Event"),
    ("party", "SocialEvent"),
    ("sports", "SportsEvent"),
    ("talk", "EducationEvent"),
    ("theatre", "TheaterEvent"),
    ("volunteering", "Event"),
    ("workshop", "EducationEvent"),
];

pub(super) fn event(e: &Event) -> Result<(), Fault> {
    line("name", &e.name, 1, limits::EVENT_NAME)?;
    lines_if("summary", e.summary.as_deref(), limits::EVENT_SUMMARY)?;
    lines_if("text", e.text.as_deref(), limits::EVENT_TEXT)?;
    time(e)?;
    lines_if("status_note", e.status_note.as_deref(), limits::EVENT_NOTE)?;
    list("previous", &e.previous, 5, |field, start| start.check(field))?;
    list("places", &e.places, limits::EVENT_PLACES, place)?;
    list("online", &e.online, 3, online)?;
    e.image.iter().try_for_each(|i| image("image", i))?;
    list("images", &e.images, 10, image)?;
    list("links", &e.links, 10, |field, entry| {
        link(&format!("{field}.url"), &entry.url)?;
        line(&format!("{field}.label"), &entry.label, 1, 80)
    })?;
    e.price.as_ref().map_or(Ok(()), price)?;
    tags("tags", &e.tags)?;
    category(e.category.as_deref())?;
    lang("lang", e.lang.as_deref())?;
    list("hosts", &e.hosts, 10, host)?;
    list("acts", &e.acts, 30, act)?;
    lines_if("contact", e.contact.as_deref(), limits::EVENT_CONTACT)?;
    lines_if("access", e.access.as_deref(), 1000)?;
    if let Some(age) = e.age_min.filter(|age| *age > 99) {
        return Err(Fault::new("age_min", format!("is {age}, 0 to 99 are allowed")));
    }
    series(e)?;
    e.parent.as_ref().map_or(Ok(()), |uri| event_uri("parent", uri))?;
    e.rsvp.as_ref().map_or(Ok(()), |rules| answers(e, rules))?;
    e.poll.as_ref().map_or(Ok(()), |uri| poll_uri("poll", uri))?;
    e.source.as_ref().map_or(Ok(()), source)
}

/// Start, length and doors fit each other.
fn time(e: &Event) -> Result<(), Fault> {
    e.start.check("start")?;
    let whole_days = matches!(e.start, Start::Date { .. });
    duration("duration", e.duration, whole_days)?;
    if let Some(days) = e.days {
        if !whole_days {
            return Err(Fault::new("days", "belongs to a start without a time of day"));
        }
        if !(1..=DAYS).contains(&days) {
            return Err(Fault::new("days", format!("is {days}, 1 to {DAYS} are allowed")));
        }
    }
    if e.open_end && (whole_days || e.duration.is_some()) {
        let reason =
            if whole_days { "belongs to a start with a time of day" } else { "cannot stand beside a duration" };
        return Err(Fault::new("open_end", reason));
    }
    if e.doors.is_some() && whole_days {
        return Err(Fault::new("doors", "belongs to a start with a time of day"));
    }
    clock("doors", e.doors.as_deref())
}

fn duration(field: &str, seconds: Option<u32>, whole_days: bool) -> Result<(), Fault> {
    match seconds {
        Some(_) if whole_days => Err(Fault::new(field, "belongs to a start with a time of day")),
        Some(long) if long > DURATION => {
            Err(Fault::new(field, format!("is {long} seconds, {DURATION} (14 days) are allowed")))
        }
        _ => Ok(()),
    }
}

/// A local time of day, `19:00`.
fn clock(field: &str, value: Option<&str>) -> Result<(), Fault> {
    match value {
        Some(text) if text.len() != 5 || when::parse_time(text).is_none() => {
            Err(Fault::new(field, "is not a time such as 19:00"))
        }
        _ => Ok(()),
    }
}

/// Of an event, or of a venue (`field` empty: its own fields).
pub(crate) fn place(field: &str, p: &Place) -> Result<(), Fault> {
    let within = |part: &str| if field.is_empty() { part.to_owned() } else { format!("{field}.{part}") };
    let whole = |reason: &str| Fault::new(if field.is_empty() { "place" } else { field }, reason);
    let parts = [
        ("name", &p.name, limits::EVENT_NAME),
        ("street", &p.street, limits::EVENT_NAME),
        ("locality", &p.locality, 100),
        ("region", &p.region, 100),
        ("postcode", &p.postcode, 20),
        ("country", &p.country, 100),
    ];
    for (part, value, max) in parts {
        line_if(&within(part), value.as_deref(), max)?;
    }
    lines_if(&within("access"), p.access.as_deref(), 500)?;
    let coordinates = [("lat_e7", p.lat_e7, 900_000_000), ("lon_e7", p.lon_e7, 1_800_000_000)];
    for (part, value, max) in coordinates {
        if let Some(value) = value.filter(|value| value.unsigned_abs() > max) {
            return Err(Fault::new(within(part), format!("is {value}, −{max} to {max} are allowed")));
        }
    }
    if p.lat_e7.is_some() != p.lon_e7.is_some() {
        return Err(whole("has one coordinate, both or none are needed"));
    }
    if p.lat_e7.is_none() && parts.iter().all(|(_, value, _)| value.is_none()) {
        return Err(whole(if p.venue.is_none() { "is empty" } else { "names a venue without a copy of its name" }));
    }
    p.venue.as_ref().map_or(Ok(()), |uri| venue_uri(&within("venue"), uri))?;
    // A reader cannot un-see what a record carries, so the exact spot must not be in it.
    if p.hides_address() && p.kept_back().is_some() {
        return Err(whole(
            "gives what `show` keeps from readers: street, postcode, coordinates, access notes or a venue",
        ));
    }
    Ok(())
}

fn online(field: &str, entry: &OnlineLink) -> Result<(), Fault> {
    secure_link(&format!("{field}.url"), &entry.url)?;
    line_if(&format!("{field}.label"), entry.label.as_deref(), 80)
}

/// A picture of a post, a profile or an event.
pub(crate) fn image(field: &str, i: &Image) -> Result<(), Fault> {
    lines(&format!("{field}.alt"), &i.alt, 500)?;
    if i.alt.trim().is_empty() {
        return Err(Fault::new(format!("{field}.alt"), "is empty: say what is to be seen"));
    }
    if !matches!(i.mime.as_str(), "image/jpeg" | "image/png" | "image/webp") {
        return Err(Fault::new(format!("{field}.mime"), "is none of image/jpeg, image/png, image/webp"));
    }
    for (side, pixels) in [("width", i.width), ("height", i.height)] {
        if !(1..=PIXELS).contains(&pixels) {
            return Err(Fault::new(format!("{field}.{side}"), format!("is {pixels}, 1 to {PIXELS} are allowed")));
        }
    }
    Ok(())
}

fn price(p: &Price) -> Result<(), Fault> {
    if p.currency.len() != 3 || !p.currency.bytes().all(|b| b.is_ascii_uppercase()) {
        return Err(Fault::new("price.currency", "is not a code such as EUR"));
    }
    for (field, amount) in [("price.min", Some(p.min)), ("price.max", p.max)] {
        if let Some(amount) = amount.filter(|amount| *amount > PRICE) {
            return Err(Fault::new(field, format!("is {amount}, {PRICE} is allowed")));
        }
    }
    if let Some(max) = p.max.filter(|max| *max < p.min) {
        return Err(Fault::new("price.max", format!("is {max}, less than the lowest price {}", p.min)));
    }
    line_if("price.note", p.note.as_deref(), 200)
}

fn category(value: Option<&str>) -> Result<(), Fault> {
    match value {
        Some(word) if !CATEGORIES.iter().any(|(known, _)| *known == word) => {
            let words = CATEGORIES.iter().map(|(word, _)| *word).collect::<Vec<_>>().join(", ");
            Err(Fault::new("category", format!("is none of {words}")))
        }
        _ => Ok(()),
    }
}

fn host(field: &str, h: &Host) -> Result<(), Fault> {
    line(&format!("{field}.name"), &h.name, 1, limits::PERSON_NAME)?;
    if h.edit && h.did.is_none() {
        return Err(Fault::new(format!("{field}.edit"), "is given to a host without a did"));
    }
    Ok(())
}

fn act(field: &str, a: &PerformingAct) -> Result<(), Fault> {
    line(&format!("{field}.name"), &a.name, 1, 100)?;
    a.url.as_ref().map_or(Ok(()), |url| link(&format!("{field}.url"), url))?;
    clock(&format!("{field}.at"), a.at.as_deref())
}

fn series(e: &Event) -> Result<(), Fault> {
    match &e.recur {
        Some(rule) => rule.check(&e.start)?,
        None if !e.overrides.is_empty() => return Err(Fault::new("overrides", "belong to an event that repeats")),
        None => {}
    }
    list("overrides", &e.overrides, limits::EVENT_CHANGES, |field, entry| change(field, e, entry))?;
    let mut names: Vec<&str> = e.overrides.iter().map(|o| o.at.as_str()).collect();
    names.sort_unstable();
    list("dates_since", &e.dates_since, limits::EVENT_CHANGES, |field, date| match when::parse_date(&date.at) {
        Some(_) => Ok(()),
        None => Err(Fault::new(format!("{field}.at"), "is not a day such as 2026-12-24")),
    })?;
    match names.windows(2).find(|pair| pair[0] == pair[1]) {
        Some(pair) => Err(Fault::new("overrides", format!("change {} twice", pair[0]))),
        None => Ok(()),
    }
}

fn change(field: &str, e: &Event, o: &Override) -> Result<(), Fault> {
    let whole_days = matches!(e.start, Start::Date { .. });
    if e.start.named(&o.at).is_none() {
        let example = e.start.text();
        return Err(Fault::new(format!("{field}.at"), format!("is not a start of this series such as {example}")));
    }
    if let Some(start) = &o.start {
        start.check(&format!("{field}.start"))?;
        if matches!(start, Start::Date { .. }) != whole_days {
            return Err(Fault::new(format!("{field}.start"), "is not of the form of the event's start"));
        }
    }
    duration(&format!("{field}.duration"), o.duration, whole_days)?;
    line_if(&format!("{field}.name"), o.name.as_deref(), limits::EVENT_NAME)?;
    lines_if(&format!("{field}.text"), o.text.as_deref(), limits::EVENT_TEXT)?;
    lines_if(&format!("{field}.note"), o.note.as_deref(), limits::EVENT_NOTE)?;
    list(&format!("{field}.places"), o.places.as_deref().unwrap_or_default(), limits::EVENT_PLACES, place)
}

pub(crate) fn event_uri(field: &str, uri: &Uri) -> Result<(), Fault> {
    if uri.collection == Event::NAME { Ok(()) } else { Err(Fault::new(field, "does not name an event")) }
}

fn answers(e: &Event, r: &RsvpRules) -> Result<(), Fault> {
    match (&r.url, r.mode) {
        (Some(url), RsvpMode::External) => link("rsvp.url", url)?,
        (None, RsvpMode::External) => return Err(Fault::new("rsvp.url", "is missing: answers are taken elsewhere")),
        (Some(_), _) => return Err(Fault::new("rsvp.url", "belongs to the mode external")),
        (None, _) => {}
    }
    if let Some(capacity) = r.capacity.filter(|n| !(1..=1_000_000).contains(n)) {
        return Err(Fault::new("rsvp.capacity", format!("is {capacity}, 1 to 1000000 are allowed")));
    }
    if r.waitlist && r.capacity.is_none() {
        return Err(Fault::new("rsvp.waitlist", "belongs to a capacity"));
    }
    if let Some(plus) = r.plus_max.filter(|n| *n > 10) {
        return Err(Fault::new("rsvp.plus_max", format!("is {plus}, 0 to 10 are allowed")));
    }
    if let Some(closes) = &r.closes {
        closes.check("rsvp.closes")?;
        // A day of slack, since the two may be in different zones. A series has no single date to compare with.
        let end = crate::recur::end(&e.start, e.duration, e.days, "UTC");
        if e.recur.is_none() && closes.instant("UTC") > end + 24 * 60 * 60 {
            return Err(Fault::new("rsvp.closes", format!("is {}, after the event", closes.text())));
        }
    }
    Ok(())
}

fn source(s: &Source) -> Result<(), Fault> {
    line("source.kind", &s.kind, 1, 20)?;
    s.url.as_ref().map_or(Ok(()), |url| link("source.url", url))?;
    line_if("source.uid", s.uid.as_deref(), 500)?;
    // Every part of an event, and every date that can be changed.
    list("source.edited", &s.edited, 120, |field, part| line(field, part, 1, 40))?;
    s.version.as_ref().map_or(Ok(()), |version| source_version("source.version", version))?;
    list("source.dates", &s.dates, limits::EVENT_CHANGES, |field, date| {
        if when::parse_date(&date.at).is_none() {
            return Err(Fault::new(field, "is not of a day such as 2026-12-24"));
        }
        source_version(field, &date.version)
    })?;
    match s.fetched {
        Some(at) if !(0..=limits::INTEGER).contains(&at) => Err(Fault::new("source.fetched", "is not a time")),
        _ => Ok(()),
    }
}

fn source_version(field: &str, version: &SourceVersion) -> Result<(), Fault> {
    match version.stamp {
        Some(at) if !(0..=limits::INTEGER).contains(&at) => Err(Fault::new(field, "has a stamp that is not a time")),
        _ => Ok(()),
    }
}

impl Mode {
    /// For lists and labels: "in person".
    pub fn word(self) -> &'static str {
        match self {
            Self::InPerson => "in person",
            Self::Online => "online",
            Self::Hybrid => "in person and online",
        }
    }
}
