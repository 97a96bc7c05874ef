//! An event in words, for cards, lists and the command line.

use super::{Event, Image, Mode, PerformingAct, Place, Price, Status};
use crate::{
    card::{Card, CardImage},
    when::{self, Start},
};

impl Event {
    /// The first place as "Name, Locality"; "online" when there is none to go to.
    pub fn place_line(&self) -> Option<String> {
        match self.places.first().and_then(Place::line) {
            Some(line) => Some(line),
            None if self.mode == Mode::Online => Some("online".into()),
            None => None,
        }
    }

    /// What people must know before the date; None for a confirmed event that is where it always was.
    pub fn status_words(&self) -> Option<&'static str> {
        match self.status {
            Status::Cancelled => Some("Cancelled"),
            Status::Postponed => Some("Postponed"),
            Status::Tentative => Some("Not yet confirmed"),
            Status::Confirmed => {
                let former = self.former_start()?;
                Some(if former.civil_date() == self.start.civil_date() { "New time" } else { "New date" })
            }
        }
    }

    /// What a moved event was before, as far as it differs: "31 December", or "20:00" when the day stayed.
    pub fn was_words(&self) -> Option<String> {
        let former = self.former_start()?;
        let (then, now) = (former.civil_date(), self.start.civil_date());
        Some(match former {
            Start::Local { local, .. } if then == now => when::clock(*local),
            Start::Date { .. } if then == now => "all day".into(),
            _ => when::day_words(then, now),
        })
    }

    /// The last start on another day, which people must hear of most; else the last one. None for an event that never
    /// moved, or is back at a start it had before: nothing is new then.
    pub fn former_start(&self) -> Option<&Start> {
        if self.previous.contains(&self.start) {
            return None;
        }
        let elsewhere = self.previous.iter().rev().find(|start| start.civil_date() != self.start.civil_date());
        elsewhere.or(self.previous.last())
    }

    /// The (first) date in words, see [`when::words`].
    pub fn when_words(&self) -> String {
        let words = when::words(&self.start, self.duration, self.days);
        if self.open_end { format!("{words}, open end") } else { words }
    }
}

impl Place {
    /// "Name, Locality"; the street stands in for a missing name.
    pub fn line(&self) -> Option<String> {
        let parts = [self.name.as_deref().or(self.street.as_deref()), self.locality.as_deref()];
        let line = parts.into_iter().flatten().collect::<Vec<_>>().join(", ");
        (!line.is_empty()).then_some(line)
    }

    /// "Oranienstraße 190, 10999 Berlin, DE": without the name.
    pub fn address(&self) -> Option<String> {
        let town = [self.postcode.as_deref(), self.locality.as_deref()];
        let town = Some(town.into_iter().flatten().collect::<Vec<_>>().join(" ")).filter(|town| !town.is_empty());
        let parts = [self.street.clone(), town, self.region.clone(), self.country.clone()];
        let line = parts.into_iter().flatten().collect::<Vec<_>>().join(", ");
        (!line.is_empty()).then_some(line)
    }

    /// "52.50054, 13.42225": degrees, about a metre.
    pub fn position(&self) -> Option<String> {
        let degrees = |e7: i32| format!("{:.5}", f64::from(e7) / 1e7);
        self.lat_e7.zip(self.lon_e7).map(|(lat, lon)| format!("{}, {}", degrees(lat), degrees(lon)))
    }
}

/// How people say that everybody gives what they like. A free event whose note is, or begins with, one of these is not
/// called free.
const DONATIONS: &[&str] =
    &["donation", "donations", "by donation", "pay what you can", "pay what you want", "pay what you like"];

impl Price {
    fn is_free(&self) -> bool {
        self.min == 0 && self.max.unwrap_or(0) == 0
    }

    /// "8–12 EUR (reduced at the door)", "7.50 EUR", "free", "donation". Minor units are shown only where there are some.
    pub fn words(&self) -> String {
        if let Some(note) = self.note.as_ref().filter(|note| self.is_free() && asks_donations(note)) {
            return note.clone();
        }
        let digits = minor_digits(&self.currency);
        let unit = 10_u64.pow(digits);
        let whole = self.min.is_multiple_of(unit) && self.max.is_none_or(|max| max.is_multiple_of(unit));
        let amount = |minor: u64| match whole {
            true => (minor / unit).to_string(),
            false => format!("{}.{:0width$}", minor / unit, minor % unit, width = digits as usize),
        };
        let price = match self.max {
            _ if self.is_free() => "free".to_owned(),
            Some(max) if max != self.min => format!("{}–{} {}", amount(self.min), amount(max), self.currency),
            _ => format!("{} {}", amount(self.min), self.currency),
        };
        self.note.as_ref().map_or(price.clone(), |note| format!("{price} ({note})"))
    }
}

/// "donation", "Pay what you can, 5 EUR would help".
pub fn asks_donations(text: &str) -> bool {
    let text = text.to_lowercase();
    let after = |phrase: &&str| text.strip_prefix(*phrase).map(|rest| rest.trim_start().chars().next());
    DONATIONS.iter().filter_map(after).any(|next| next.is_none_or(|c| matches!(c, ',' | ';' | '(' | ':')))
}

/// Decimal digits of a currency's minor unit by ISO 4217: two unless listed.
pub fn minor_digits(currency: &str) -> u32 {
    match currency {
        "BIF" | "CLP" | "DJF" | "GNF" | "ISK" | "JPY" | "KMF" | "KRW" | "PYG" | "RWF" | "UGX" | "VND" | "VUV"
        | "XAF" | "XOF" | "XPF" => 0,
        "BHD" | "IQD" | "JOD" | "KWD" | "LYD" | "OMR" | "TND" => 3,
        _ => 2,
    }
}

impl From<&Image> for CardImage {
    fn from(image: &Image) -> Self {
        Self {
            blob: image.blob,
            mime: image.mime.clone(),
            alt: image.alt.clone(),
            width: image.width,
            height: image.height,
        }
    }
}

pub(super) fn card(event: &Event) -> Card {
    let mut facts = Vec::new();
    let mut fact = |label: &str, value: Option<String>| facts.extend(value.map(|value| (label.to_owned(), value)));
    fact("Status", event.status_words().map(str::to_owned));
    fact("Was", event.was_words());
    fact("Note", event.status_note.clone());
    fact("When", Some(event.when_words()));
    fact("Repeats", event.recur.as_ref().map(crate::recur::Rule::in_words));
    for place in &event.places {
        // Where the first one is in short stands above.
        let first = event.places.first() == Some(place);
        let name = place.name.clone().filter(|_| !first);
        let exact = place.street.is_some() || place.postcode.is_some() || !first;
        fact("Address", joined([name, place.address().filter(|_| exact)].into_iter().flatten()));
        fact("Position", place.position());
        fact("Getting in", place.access.clone());
    }
    fact("Doors", event.doors.clone());
    fact("Price", event.price.as_ref().map(Price::words));
    fact("Hosts", joined(event.hosts.iter().map(|host| host.name.clone())));
    fact("With", joined(event.acts.iter().map(act_words)));
    fact("Online", joined(event.online.iter().map(|link| link.url.clone())));
    for link in &event.links {
        fact(&link.label, Some(link.url.clone()));
    }
    let closes = event.rsvp.as_ref().and_then(|rules| rules.closes.as_ref());
    fact("Answers until", closes.map(|closes| when::words(closes, None, None)));
    fact("Access", event.access.clone());
    fact("From age", event.age_min.map(|age| age.to_string()));
    fact("Contact", event.contact.clone());
    fact("Imported from", event.source.as_ref().and_then(|source| source.url.clone()));
    Card {
        kind: "event".into(),
        title: Some(event.name.clone()),
        summary: event.summary.clone(),
        text: event.text.clone(),
        start: Some(event.start.clone()),
        place: event.place_line(),
        images: event.image.iter().chain(&event.images).map(CardImage::from).collect(),
        tags: event.tags.clone(),
        lang: event.lang.clone(),
        facts,
        about: event.parent.clone(),
    }
}

/// "21:30 The Herons".
fn act_words(act: &PerformingAct) -> String {
    act.at.as_ref().map_or(act.name.clone(), |at| format!("{at} {}", act.name))
}

fn joined(names: impl Iterator<Item = String>) -> Option<String> {
    let names = names.collect::<Vec<_>>().join(", ");
    (!names.is_empty()).then_some(names)
}
