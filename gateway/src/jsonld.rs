//! schema.org data of an event page, as search engines read it. A data block, which browsers never run; still, no text
//! in it can end the block.

use folkmoot_schemas::{
    Did,
    records::{
        event::{Event, HostRole, LinkKind, Mode, Place, ShowPlace, Status, minor_digits},
        profile::ProfileKind,
        venue::Venue,
    },
};
use serde_json::{Map, Value, json};

use crate::{
    markdown,
    occasion::Occasion,
    route::Page,
    words::{self, When},
};

#[derive(Debug)]
pub(crate) struct Facts<'a> {
    pub(crate) occasion: &'a Occasion,
    /// The page, absolute.
    pub(crate) url: &'a str,
    /// Name and page of the series it is a date of.
    pub(crate) series: Option<(&'a str, String)>,
    /// Name and page of the event it is part of, and pages of its own parts.
    pub(crate) parent: Option<(&'a str, String)>,
    pub(crate) parts: Vec<String>,
    /// Page of the venue of each place.
    pub(crate) venues: Vec<Option<String>>,
    pub(crate) origin: &'a str,
    /// Places nobody has yet, as far as everybody may know.
    pub(crate) left: Option<u32>,
    /// Its author, and its hosts with a did, each with the kind of their profile.
    pub(crate) author: Known<'a>,
    pub(crate) hosts: Vec<Option<Known<'a>>>,
    /// The community: organises what names no host.
    pub(crate) organizer: &'a str,
    pub(crate) community: &'a str,
}

/// Somebody with a page of their own.
#[derive(Debug, Clone)]
pub(crate) struct Known<'a> {
    pub(crate) did: &'a Did,
    pub(crate) name: String,
    /// Who has no profile counts as a person.
    pub(crate) kind: ProfileKind,
    pub(crate) url: String,
}

impl Known<'_> {
    fn value(&self, name: &str) -> Value {
        let kind = match self.kind {
            ProfileKind::Person => "Person",
            ProfileKind::Band => "PerformingGroup",
            ProfileKind::Group | ProfileKind::Venue => "Organization",
        };
        json!({"@type": kind, "name": name, "url": self.url})
    }
}

/// Ready for `<script type="application/ld+json">`.
pub(crate) fn event(facts: &Facts<'_>) -> String {
    escape(&value(facts).to_string())
}

/// `<`, `>` and `&` never stand in the text, so neither `</script>` nor `<!--` can.
fn escape(json: &str) -> String {
    let mut out = String::with_capacity(json.len() + 16);
    for c in json.chars() {
        match c {
            '<' => out.push_str("\\u003c"),
            '>' => out.push_str("\\u003e"),
            '&' => out.push_str("\\u0026"),
            '\u{2028}' => out.push_str("\\u2028"),
            '\u{2029}' => out.push_str("\\u2029"),
            c => out.push(c),
        }
    }
    out
}

fn value(facts: &Facts<'_>) -> Value {
    let event = &facts.occasion.event;
    let when = When::new(event);
    let mut out = Map::new();
    let mut put = |key: &str, value: Value| {
        if !value.is_null() {
            out.insert(key.to_owned(), value);
        }
    };
    put("@context", json!("https://schema.org"));
    put("@type", json!("Event"));
    put("@id", json!(facts.url));
    put("url", json!(facts.url));
    put("name", json!(event.name));
    let text = event.summary.clone().or_else(|| event.text.as_deref().map(|t| markdown::excerpt(t, 500)));
    put("description", json!(text.unwrap_or_else(|| format!("{}, {}", event.name, when.sentence()))));
    put("startDate", json!(when.start));
    put("endDate", json!(when.end));
    if let (Some(doors), Some((date, _))) = (&event.doors, when.start.split_once('T')) {
        put("doorTime", json!(format!("{date}T{doors}")));
    }
    put("eventStatus", json!(status(event)));
    put("previousStartDate", json!(event.previous.last().map(words::iso)));
    let mode = match event.mode {
        Mode::InPerson => "https://schema.org/OfflineEventAttendanceMode",
        Mode::Online => "https://schema.org/OnlineEventAttendanceMode",
        Mode::Hybrid => "https://schema.org/MixedEventAttendanceMode",
    };
    put("eventAttendanceMode", json!(mode));
    let venues = facts.venues.iter().map(Option::as_deref).chain(std::iter::repeat(None));
    let mut places: Vec<Value> = event.places.iter().zip(venues).map(|(at, page)| place(at, page)).collect();
    let online = event.online.iter().filter(|l| markdown::link(&l.url).is_some());
    places.extend(online.map(|l| json!({"@type": "VirtualLocation", "url": l.url})));
    put("location", one_or_many(places));
    if let Some(image) = &event.image {
        put("image", json!(format!("{}{}", facts.origin, Page::Blob(image.blob).path())));
    }
    put("organizer", one_or_many(organizers(facts)));
    let act = |a: &folkmoot_schemas::records::event::PerformingAct| json!({"@type": "PerformingGroup", "name": a.name, "url": a.url.as_deref().and_then(markdown::link)});
    put("performer", one_or_many(event.acts.iter().map(act).collect()));
    put("offers", offers(event, facts));
    if let Some(price) = &event.price {
        put("isAccessibleForFree", json!(price.min == 0 && price.max.unwrap_or(0) == 0));
    }
    put("typicalAgeRange", json!(event.age_min.map(|age| format!("{age}-"))));
    put("inLanguage", json!(words::lang(event.lang.as_deref())));
    if !event.tags.is_empty() {
        put("keywords", json!(event.tags.join(", ")));
    }
    put("maximumAttendeeCapacity", json!(event.rsvp.as_ref().and_then(|r| r.capacity)));
    put("remainingAttendeeCapacity", json!(facts.left));
    if let Some((name, url)) = &facts.series {
        put("superEvent", json!({"@type": "EventSeries", "name": name, "url": url}));
    } else if let Some((name, url)) = &facts.parent {
        put("superEvent", json!({"@type": "Event", "@id": url, "name": name, "url": url}));
    }
    put("subEvent", one_or_many(facts.parts.iter().map(|url| json!({"@id": url})).collect()));
    Value::Object(out)
}

fn status(event: &Event) -> &'static str {
    match event.status {
        Status::Cancelled => "https://schema.org/EventCancelled",
        Status::Postponed => "https://schema.org/EventPostponed",
        _ if !event.previous.is_empty() => "https://schema.org/EventRescheduled",
        _ => "https://schema.org/EventScheduled",
    }
}

/// Of a venue's page.
pub(crate) fn venue(venue: &Venue, page: &str) -> String {
    let mut out = place(&venue.place(None), Some(page));
    out["@context"] = json!("https://schema.org");
    if let Some(url) = venue.url.as_deref().and_then(markdown::link) {
        out["sameAs"] = json!(url);
    }
    if let Some(capacity) = venue.capacity {
        out["maximumAttendeeCapacity"] = json!(capacity);
    }
    if !venue.aliases.is_empty() {
        out["alternateName"] = json!(venue.aliases);
    }
    escape(&out.to_string())
}

/// `page`: the one of its venue.
fn place(place: &Place, page: Option<&str>) -> Value {
    let open = matches!(place.show, None | Some(ShowPlace::Public));
    let mut address = json!({"@type": "PostalAddress"});
    let mut put = |key: &str, value: &Option<String>, shown: bool| {
        if let (Some(value), true) = (value, shown) {
            address[key] = json!(value);
        }
    };
    put("streetAddress", &place.street, open);
    put("postalCode", &place.postcode, open);
    put("addressLocality", &place.locality, true);
    put("addressRegion", &place.region, true);
    put("addressCountry", &place.country, true);
    let name = words::place_name(place).unwrap_or_default();
    let mut out = json!({"@type": "Place", "name": name, "address": address});
    if let (true, Some(lat), Some(lon)) = (open, place.lat_e7, place.lon_e7) {
        out["geo"] = json!({
            "@type": "GeoCoordinates", "latitude": f64::from(lat) / 1e7, "longitude": f64::from(lon) / 1e7,
        });
    }
    if let (true, Some(page)) = (open, page) {
        out["@id"] = json!(page);
        out["url"] = json!(page);
    }
    out
}

fn organizers(facts: &Facts<'_>) -> Vec<Value> {
    let event = &facts.occasion.event;
    let known = facts.hosts.iter().map(Option::as_ref).chain(std::iter::repeat(None));
    let hosts = event.hosts.iter().zip(known).filter(|(host, _)| host.role != HostRole::Venue);
    let hosts = hosts.map(|(host, known)| match known {
        Some(known) => known.value(&host.name),
        None => json!({"@type": "Organization", "name": host.name, "url": facts.community}),
    });
    let author = &facts.author;
    let leads = words::author_leads(event, author.did, &author.name).then(|| author.value(&author.name));
    let mut out: Vec<Value> = leads.into_iter().chain(hosts).collect();
    if out.is_empty() {
        out.push(json!({"@type": "Organization", "name": facts.organizer, "url": facts.community}));
    }
    out
}

fn offers(event: &Event, facts: &Facts<'_>) -> Value {
    let Some(price) = &event.price else { return Value::Null };
    let url = event.links.iter().find(|l| l.kind == LinkKind::Tickets).and_then(|l| markdown::link(&l.url));
    let digits = minor_digits(&price.currency);
    let unit = 10_u64.pow(digits);
    let amount = |minor: u64| match digits {
        0 => minor.to_string(),
        digits => format!("{}.{:0width$}", minor / unit, minor % unit, width = digits as usize),
    };
    let gone = event.status == Status::Cancelled || facts.left == Some(0);
    let sold = if gone { "SoldOut" } else { "InStock" };
    let mut offer = json!({
        "@type": "Offer", "price": amount(price.min), "priceCurrency": price.currency,
        "url": url.unwrap_or(facts.url), "availability": format!("https://schema.org/{sold}"),
    });
    if let Some(max) = price.max.filter(|max| *max != price.min) {
        offer["@type"] = json!("AggregateOffer");
        offer["lowPrice"] = json!(amount(price.min));
        offer["highPrice"] = json!(amount(max));
    }
    offer
}

fn one_or_many(mut all: Vec<Value>) -> Value {
    match all.len() {
        0 => Value::Null,
        1 => all.remove(0),
        _ => Value::Array(all),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::occasion::tests as sample;

    fn of(event: &Event) -> String {
        with_left(event, None)
    }

    fn with_left(event: &Event, left: Option<u32>) -> String {
        let occasion = Occasion::main(event, 0, "UTC").unwrap();
        let did = folkmoot_schemas::key::Secret::from_seed([7; 32]).did();
        let author =
            Known { did: &did, name: "Ada".into(), kind: ProfileKind::Person, url: "https://a.example/p/ada".into() };
        super::event(&Facts {
            author,
            hosts: Vec::new(),
            occasion: &occasion,
            url: "https://a.example/e/x",
            series: None,
            parent: None,
            parts: Vec::new(),
            venues: Vec::new(),
            left,
            origin: "https://a.example",
            organizer: "</script><script>alert(1)</script>",
            community: "https://a.example/",
        })
    }

    #[test]
    fn no_text_can_end_the_block() {
        let event = sample::event(json!({
            "name": "</script><!--<script>", "start": {"local": "2026-05-01T20:00", "zone": "Europe/Berlin"},
            "tags": ["\u{2028}"],
        }));
        let text = of(&event);
        assert!(!text.contains('<') && !text.contains('\u{2028}'));
        let back: Value = serde_json::from_str(&text).unwrap();
        assert_eq!(back["name"], "</script><!--<script>");
        assert_eq!(back["startDate"], "2026-05-01T20:00:00+02:00");
    }

    #[test]
    fn a_full_house_offers_nothing() {
        let event = sample::event(json!({
            "name": "Gig", "start": {"date": "2026-05-01"}, "price": {"min": 800, "currency": "EUR"},
        }));
        let of = |left| serde_json::from_str::<Value>(&with_left(&event, left)).unwrap();
        assert_eq!(of(Some(0))["offers"]["availability"], "https://schema.org/SoldOut");
        assert_eq!(of(Some(0))["remainingAttendeeCapacity"], 0);
        assert_eq!(of(Some(1))["offers"]["availability"], "https://schema.org/InStock");
        assert_eq!(of(None)["offers"]["availability"], "https://schema.org/InStock");
        assert!(of(None).get("remainingAttendeeCapacity").is_none());
    }

    #[test]
    fn a_place_for_guests_only_shows_no_street() {
        let event = sample::event(json!({
            "name": "Party", "start": {"date": "2026-05-01"},
            "places": [{"name": "Ada's flat", "street": "Hidden Road 1", "locality": "Leeds", "lat_e7": 1, "lon_e7": 1, "show": "area"}],
        }));
        let text = of(&event);
        assert!(
            text.contains("Leeds") && !text.contains("Hidden") && !text.contains("flat") && !text.contains("geo"),
            "{text}"
        );
    }
}
