//! `/v/<id>`: a venue, what comes there, its own calendar and feed.

use std::{collections::BTreeMap, ops::Range};

use askama::Template;
use folkmoot_node::store::{
    StoreError,
    reader::{Entry, Occurrence},
};
use folkmoot_schemas::{
    Cid, Uri,
    kind::Kind,
    records::venue::{House, Venue},
};

use super::{
    Shown, calendars, feeds, home, html,
    items::{self, Where},
    notice::{gone, not_found},
};
use crate::{
    answer::Caching,
    html::{EventItem, Frame, Html, Link, Section},
    jsonld,
    occasion::Occasion,
    reading::{Found, Reading},
    route::Page,
};

/// Dates of the page, and how many of those before today.
const COMING: usize = 24;
const PAST: usize = 6;
/// Dates there that are read at most, for its calendar.
const DATES: usize = 2_000;
/// Venues looked through for other records of the same place.
const VENUES: usize = 2_000;
/// Other records that are linked.
const SAME: usize = 10;
const DAY: i64 = 86_400;

#[derive(Debug, Template)]
#[template(path = "venue.html")]
struct VenuePage {
    frame: Frame,
    uri: String,
    name: String,
    also: Option<String>,
    /// Other records of the same place.
    same: Vec<Link>,
    place: Where,
    capacity: Option<u32>,
    web: Option<Link>,
    calendar: String,
    feed: String,
    coming: Vec<EventItem>,
    /// There are more dates than the page has room for.
    more: bool,
    past: Vec<EventItem>,
    data: Html,
}

/// A venue with the others of its community.
#[derive(Debug)]
pub(super) struct Known {
    entry: Entry,
    venue: Venue,
    all: BTreeMap<Uri, Venue>,
}

impl Known {
    fn same(&self, reading: &Reading<'_>) -> Vec<Link> {
        let house = House::new(&self.entry.uri, &self.venue, &self.all);
        let link = |(uri, venue): (&Uri, &Venue)| Link {
            href: reading.href(&uri.community, &Page::Venue(uri.short_id())),
            label: venue.name.clone(),
        };
        house.records(&self.all).filter(|(uri, _)| **uri != self.entry.uri).take(SAME).map(link).collect()
    }

    /// Dates there, in order.
    fn dates(&self, reading: &Reading<'_>, window: Range<i64>) -> Result<Vec<Occurrence>, StoreError> {
        let (dates, _) = reading.view.events_where(&self.entry.uri.community, window, DATES, self.hosts())?;
        Ok(dates)
    }

    /// Does it take place there?
    pub(super) fn hosts(&self) -> impl Fn(&Occurrence) -> bool {
        let house = House::new(&self.entry.uri, &self.venue, &self.all);
        move |date| {
            let event = date.entry.record.as_event();
            date.entry.uri.community == self.entry.uri.community
                && event.is_some_and(|event| house.hosts(Occasion::places(event, &date.instance)))
        }
    }

    pub(super) fn name(&self) -> &str {
        &self.venue.name
    }
}

/// What a short id names; else the answer that says there is none.
pub(super) fn known(reading: &Reading<'_>, id: &str) -> Result<Result<Known, crate::answer::Answer>, StoreError> {
    let entry = match reading.by_short(id, Venue::NAME)? {
        Found::Entry(entry) => *entry,
        Found::Gone => return Ok(Err(gone(reading))),
        Found::Absent => return Ok(Err(not_found(Some(reading)))),
    };
    let Some(venue) = entry.record.as_venue().cloned() else { return Ok(Err(not_found(Some(reading)))) };
    let all = venues(reading, &entry.uri.community)?;
    Ok(Ok(Known { entry, venue, all }))
}

fn venues(reading: &Reading<'_>, community: &Cid) -> Result<BTreeMap<Uri, Venue>, StoreError> {
    let list = reading.view.list(community, Venue::NAME, None, VENUES)?.into_iter();
    Ok(list.filter_map(|entry| Some((entry.uri.clone(), entry.record.as_venue()?.clone()))).collect())
}

pub(super) fn answer(reading: &Reading<'_>, id: &str) -> Shown {
    let known = match known(reading, id)? {
        Ok(known) => known,
        Err(answer) => return Ok(answer),
    };
    let (venue, uri) = (&known.venue, &known.entry.uri);
    let page = Page::Venue(id.to_owned());
    let mut coming = known.dates(reading, reading.now..reading.now + 400 * DAY)?;
    let more = coming.len() > COMING;
    coming.truncate(COMING);
    let mut past = known.dates(reading, reading.now - 400 * DAY..reading.now)?;
    past.retain(|date| date.instance.to <= reading.now);
    past.reverse();
    past.truncate(PAST);
    let place = venue.place(None);
    let description = [Some(venue.name.clone()), place.address()].into_iter().flatten().collect::<Vec<_>>().join(" · ");
    let shown = VenuePage {
        frame: reading.frame(Section::Events, &venue.name, &description, &page),
        uri: uri.to_string(),
        name: venue.name.clone(),
        also: Some(venue.aliases.join(", ")).filter(|names| !names.is_empty()),
        same: known.same(reading),
        place: items::place_of(&place, None),
        capacity: venue.capacity,
        web: venue.url.as_deref().and_then(|url| home::named(url, "")),
        calendar: reading.href(&uri.community, &Page::VenueCalendar(id.to_owned())),
        feed: reading.href(&uri.community, &Page::VenueFeed(id.to_owned())),
        coming: items::event_items(reading, &coming),
        more,
        past: items::event_items(reading, &past),
        data: Html(jsonld::venue(venue, &reading.canonical(&uri.community, &page))),
    };
    html(&shown, Caching::Revalidate)
}

pub(super) fn calendar(reading: &Reading<'_>, id: &str) -> Shown {
    match known(reading, id)? {
        Ok(known) => {
            let dates = known.dates(reading, reading.now - 90 * DAY..reading.now + 400 * DAY)?;
            let own = reading.canonical(&known.entry.uri.community, &Page::VenueCalendar(id.to_owned()));
            calendars::of(reading, &items::events_of(&dates), &known.venue.name, &own)
        }
        Err(answer) => Ok(answer),
    }
}

pub(super) fn feed(reading: &Reading<'_>, id: &str) -> Shown {
    match known(reading, id)? {
        Ok(known) => {
            let dates = known.dates(reading, reading.now - DAY..reading.now + 400 * DAY)?;
            let events = items::events_of(&dates).iter().map(|entry| entry.as_ref().clone()).collect();
            let (own, home) = (Page::VenueFeed(id.to_owned()).path(), Page::Venue(id.to_owned()).path());
            feeds::of(reading, &own, &home, events, &format!("Events at {}", known.venue.name))
        }
        Err(answer) => Ok(answer),
    }
}
