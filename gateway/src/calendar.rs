//! The iCalendar we write (RFC 5545, with RFC 7986 for names, pictures and conference links). Everything comes from
//! the records: two renders of the same records are equal byte by byte, whenever and wherever they are made. Times are
//! local with their zone, never UTC for a series, so that a series stays at its hour across a clock change.
//!
//! The one writer, of feeds as of files that a person takes away.

mod line;
mod zone;

use std::collections::{BTreeMap, BTreeSet};

use folkmoot_schemas::{
    Tid, Uri, derive,
    records::event::{Event, Place, ShowPlace, Status},
    when::{self, Start},
};
use jiff::civil::DateTime;

use crate::{markdown, occasion::Occasion, route::Page, words};
use line::Lines;

/// Longest description: apps cut beyond it anyway, and a calendar is fetched often.
const DESCRIPTION_MAX: usize = 4_000;

#[derive(Debug)]
pub struct Calendar<'a> {
    pub name: &'a str,
    /// Where it is fetched from, again and again. None: a file.
    pub url: Option<&'a str>,
    pub items: Vec<Item<'a>>,
}

/// One event, with all its dates.
#[derive(Debug)]
pub struct Item<'a> {
    pub event: &'a Event,
    pub uri: &'a Uri,
    /// Name of who wrote it.
    pub author: String,
    /// Its page, where it has one.
    pub url: Option<String>,
    /// Where pictures are fetched from, e.g. `https://moot.example.org`.
    pub origin: Option<&'a str>,
    pub rev: Tid,
    /// Places whole-day dates.
    pub zone: &'a str,
    /// Of the community, where the event names none.
    pub lang: Option<&'a str>,
}

/// The event's name in calendars: the same over all revisions and on all gateways.
pub fn uid(uri: &Uri) -> String {
    format!("{}@folkmoot", derive::id(&[Some(&uri.to_string())], 26))
}

impl Calendar<'_> {
    pub fn to_ics(&self) -> String {
        let mut out = Lines::default();
        out.raw("BEGIN", "VCALENDAR");
        out.raw("VERSION", "2.0");
        out.raw("PRODID", "-//Folkmoot//Folkmoot//EN");
        out.raw("CALSCALE", "GREGORIAN");
        out.text("NAME", self.name);
        out.text("X-WR-CALNAME", self.name);
        if let Some(url) = self.url {
            out.raw("URL;VALUE=URI", url);
            out.raw("SOURCE;VALUE=URI", url);
            out.raw("REFRESH-INTERVAL;VALUE=DURATION", "PT1H");
            out.raw("X-PUBLISHED-TTL", "PT1H");
        }
        for (name, years) in self.zones() {
            zone::write(&mut out, name, years);
        }
        for item in &self.items {
            item.write(&mut out);
        }
        out.raw("END", "VCALENDAR");
        out.finish()
    }

    /// Zones in use, with the first and last year in which a start is written.
    fn zones(&self) -> BTreeMap<&str, (i16, i16)> {
        let mut zones: BTreeMap<&str, (i16, i16)> = BTreeMap::new();
        let starts = self.items.iter().flat_map(|item| {
            let moved = item.event.overrides.iter().filter_map(|o| o.start.as_ref());
            [&item.event.start].into_iter().chain(moved)
        });
        for start in starts {
            if let Start::Local { local, zone } = start
                && when::zone_known(zone)
            {
                let years = zones.entry(zone).or_insert((local.year(), local.year()));
                *years = (years.0.min(local.year()), years.1.max(local.year()));
            }
        }
        zones
    }
}

impl Item<'_> {
    fn write(&self, out: &mut Lines) {
        let rule = self.event.recur.as_ref().filter(|rule| rule.check(&self.event.start).is_ok());
        let Some(rule) = rule else {
            self.component(out, self.event, |_| ());
            return;
        };
        let (gone, changed) = self.exceptions();
        self.component(out, self.event, |out| {
            out.raw("RRULE", &rule.to_rrule(&self.event.start));
            for at in &gone {
                moment(out, "EXDATE", at);
            }
        });
        for occasion in &changed {
            let single = Event { recur: None, ..occasion.event.clone() };
            self.component(out, &single, |out| moment(out, "RECURRENCE-ID", &occasion.instance.at));
        }
    }

    /// Dates that are gone, and dates that differ from the series.
    fn exceptions(&self) -> (Vec<Start>, Vec<Occasion>) {
        let mut seen = BTreeSet::new();
        let (mut gone, mut changed) = (Vec::new(), Vec::new());
        for change in self.event.overrides.iter().filter(|o| seen.insert(o.at.as_str())) {
            if change.gone {
                gone.extend(self.event.start.named(&change.at));
            } else {
                // A change to a date the rule does not give has no effect, and must not add one.
                changed.extend(Occasion::at(self.event, &change.at, self.zone));
            }
        }
        gone.sort_by_key(|start| start.instant(self.zone));
        changed.sort_by_key(|occasion| occasion.instance.at.instant(self.zone));
        (gone, changed)
    }

    fn component(&self, out: &mut Lines, event: &Event, extra: impl FnOnce(&mut Lines)) {
        let stamp = utc(self.rev.micros());
        out.raw("BEGIN", "VEVENT");
        out.raw("UID", &uid(self.uri));
        out.raw("DTSTAMP", &stamp);
        out.raw("LAST-MODIFIED", &stamp);
        out.raw("SEQUENCE", &event.sequence.to_string());
        moment(out, "DTSTART", &event.start);
        match end(event) {
            Some(End::At(end)) => moment(out, "DTEND", &end),
            Some(End::After(seconds)) => out.raw("DURATION", &lasting(seconds)),
            None => {}
        }
        extra(out);
        let lang = words::lang(event.lang.as_deref()).or_else(|| words::lang(self.lang));
        let in_lang = |name: &str| lang.map_or_else(|| name.to_owned(), |tag| format!("{name};LANGUAGE={tag}"));
        out.text(&in_lang("SUMMARY"), &event.name);
        let description = self.description(event);
        if !description.is_empty() {
            out.text(&in_lang("DESCRIPTION"), &description);
        }
        out.raw(
            "STATUS",
            match event.status {
                Status::Confirmed => "CONFIRMED",
                Status::Cancelled => "CANCELLED",
                Status::Tentative | Status::Postponed => "TENTATIVE",
            },
        );
        if let Some(url) = &self.url {
            out.raw("URL;VALUE=URI", url);
        }
        self.place(out, event);
        if !event.tags.is_empty() {
            out.list("CATEGORIES", &event.tags);
        }
        for link in event.online.iter().filter(|l| markdown::link(&l.url).is_some()) {
            let label = line::parameter(link.label.as_deref().unwrap_or("Online"));
            out.raw(&format!("CONFERENCE;VALUE=URI;FEATURE=VIDEO;LABEL={label}"), &link.url);
        }
        if let (Some(image), Some(origin)) = (&event.image, self.origin)
            && let mime @ ("image/png" | "image/jpeg" | "image/webp") = image.mime.as_str()
        {
            let url = format!("{origin}{}", Page::Blob(image.blob).path());
            out.raw(&format!("IMAGE;VALUE=URI;DISPLAY=BADGE;FMTTYPE={mime}"), &url);
        }
        // ORGANIZER would need a mail address.
        let author = words::author_leads(event, &self.uri.did, &self.author).then_some(self.author.as_str());
        let hosts = author.into_iter().chain(event.hosts.iter().map(|host| host.name.as_str()));
        let hosts = hosts.collect::<Vec<_>>().join(", ");
        for contact in [Some(hosts).filter(|names| !names.is_empty()), event.contact.clone()].into_iter().flatten() {
            out.text("CONTACT", &contact);
        }
        if let Some(parent) = &event.parent {
            out.text("RELATED-TO", &uid(parent));
        }
        out.raw("END", "VEVENT");
    }

    fn place(&self, out: &mut Lines, event: &Event) {
        let Some(place) = event.places.first() else { return };
        out.text("LOCATION", &words::place_parts(place).join(", "));
        let open = matches!(place.show, None | Some(ShowPlace::Public));
        if let (true, Some(lat), Some(lon)) = (open, place.lat_e7, place.lon_e7) {
            out.raw("GEO", &format!("{:.6};{:.6}", f64::from(lat) / 1e7, f64::from(lon) / 1e7));
        }
    }

    /// What an app shows below the date. What changed comes first, in words.
    fn description(&self, event: &Event) -> String {
        let mut lines: Vec<String> = Vec::new();
        match (words::status(event.status), &event.status_note) {
            (Some(status), Some(note)) => lines.push(format!("{}: {note}", status.to_uppercase())),
            (Some(status), None) => lines.push(status.to_uppercase()),
            (None, Some(note)) => lines.push(note.clone()),
            (None, None) => {}
        }
        if let Some(former) = event.previous.last() {
            lines.push(format!("Before: {}", words::start(former)));
        }
        lines.extend(event.doors.as_ref().map(|doors| format!("Doors: {doors}")));
        lines.extend(event.price.as_ref().map(|price| format!("Price: {}", price.words())));
        if !event.acts.is_empty() {
            let act = |a: &folkmoot_schemas::records::event::PerformingAct| match &a.at {
                Some(at) => format!("{} ({at})", a.name),
                None => a.name.clone(),
            };
            lines.push(format!("With: {}", event.acts.iter().map(act).collect::<Vec<_>>().join(", ")));
        }
        lines.extend(event.age_min.map(|age| format!("From age {age}")));
        let places = event.places.iter().filter(|p| matches!(p.show, None | Some(ShowPlace::Public)));
        let access = places.filter_map(|p: &Place| p.access.as_ref()).chain(&event.access);
        lines.extend(access.map(|access| format!("Access: {access}")));
        let body = [event.summary.clone(), event.text.as_deref().map(markdown::to_plain)];
        for paragraph in body.into_iter().flatten().filter(|text| !text.is_empty()) {
            if !lines.is_empty() {
                lines.push(String::new());
            }
            lines.push(paragraph);
        }
        let links = event.links.iter().filter(|l| markdown::link(&l.url).is_some());
        let links: Vec<String> = links.map(|l| format!("{}: {}", l.label, l.url)).collect();
        if !links.is_empty() {
            lines.push(String::new());
            lines.extend(links);
        }
        let text = lines.join("\n");
        let end = text.char_indices().nth(DESCRIPTION_MAX).map(|(end, _)| end);
        let text = end.map_or(text.clone(), |end| format!("{}…", &text[..end]));
        let parts = [Some(text).filter(|text| !text.is_empty()), self.url.clone()];
        parts.into_iter().flatten().collect::<Vec<_>>().join("\n\n")
    }
}

/// A date or a local time with its zone; a zone nobody knows counts as UTC, as everywhere in Folkmoot.
fn moment(out: &mut Lines, name: &str, start: &Start) {
    match start {
        Start::Date { date } => out.raw(&format!("{name};VALUE=DATE"), &date.strftime("%Y%m%d").to_string()),
        Start::Local { local, zone } if when::zone_known(zone) => {
            out.raw(&format!("{name};TZID={}", line::parameter(zone)), &compact(*local));
        }
        Start::Local { local, .. } => out.raw(name, &format!("{}Z", compact(*local))),
    }
}

fn compact(local: DateTime) -> String {
    local.strftime("%Y%m%dT%H%M%S").to_string()
}

fn utc(micros: u64) -> String {
    words::utc(micros).replace(['-', ':'], "")
}

enum End {
    /// Exclusive.
    At(Start),
    /// Seconds.
    After(u32),
}

/// None where the record names no end.
fn end(event: &Event) -> Option<End> {
    match &event.start {
        Start::Date { date } => {
            let days = i64::from(event.days.unwrap_or(1).clamp(1, 60));
            let date = date.checked_add(jiff::Span::new().days(days)).ok()?;
            Some(End::At(Start::Date { date }))
        }
        Start::Local { local: begin, zone } => {
            let seconds = event.duration.filter(|s| *s > 0 && !event.open_end)?;
            let local = when::local_at(event.start.instant("UTC") + i64::from(seconds), zone)?;
            // Of an hour that comes twice, readers take the first; and what the clock on the wall counts from the first
            // start to its end, some take for the length of every date.
            let as_shown = begin.duration_until(local).as_secs() == i64::from(seconds);
            Some(match when::is_shown_once(local, zone) && (as_shown || event.recur.is_none()) {
                true => End::At(Start::Local { local, zone: zone.clone() }),
                false => End::After(seconds),
            })
        }
    }
}

/// `PT1H30M`: hours and smaller parts are exact time, whatever the clocks do.
fn lasting(seconds: u32) -> String {
    let parts = [(seconds / 3600, 'H'), (seconds / 60 % 60, 'M'), (seconds % 60, 'S')];
    let parts: String = parts.iter().filter(|(n, _)| *n > 0).map(|(n, unit)| format!("{n}{unit}")).collect();
    format!("PT{parts}")
}

#[cfg(test)]
mod conformance;
#[cfg(test)]
mod tests;
