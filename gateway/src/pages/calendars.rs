//! `/calendar.ics`, of all events or of those that a filter leaves, and `/e/<id>.ics`.

use std::sync::Arc;

use folkmoot_node::store::{StoreError, reader::Entry};
use folkmoot_schemas::{kind::Kind, records::event::Event};

use super::{
    Shown,
    filter::Filter,
    items,
    notice::{gone, not_found},
};
use crate::{
    answer::{Answer, CALENDAR, Caching},
    calendar::{self, Calendar, Item},
    reading::{Found, Reading},
    route::{Page, Query},
};

const DAY: i64 = 86_400;
/// Past dates are kept, so that a cancellation is seen also by apps that look rarely.
const PAST: i64 = 90 * DAY;
const AHEAD: i64 = 400 * DAY;
const ITEMS: usize = 2_000;

pub(super) fn community(reading: &Reading<'_>, query: &Query) -> Shown {
    let filter = match Filter::of(reading, query)? {
        Ok(filter) => filter,
        Err(answer) => return Ok(answer),
    };
    let (dates, _) = filter.dates(reading, reading.now - PAST..reading.now + AHEAD, ITEMS)?;
    let name = match filter.words() {
        Some(words) => format!("{}: {words}", reading.site_name()),
        None => reading.site_name(),
    };
    let own = reading.own_address(&(Page::Calendar.path() + &filter.suffix("")));
    of(reading, &items::events_of(&dates), &name, &own)
}

/// A calendar of these events; `own` is its address.
pub(super) fn of(reading: &Reading<'_>, events: &[Arc<Entry>], name: &str, own: &str) -> Shown {
    let list = events.iter().map(|e| item(reading, e)).collect::<Result<Vec<_>, _>>()?;
    let mut list: Vec<Item<'_>> = list.into_iter().flatten().collect();
    // In an order that does not change as time goes on.
    list.sort_by_cached_key(|item| calendar::uid(item.uri));
    render(list, name, own, Caching::List)
}

pub(super) fn event(reading: &Reading<'_>, id: &str) -> Shown {
    match reading.by_short(id, Event::NAME)? {
        Found::Entry(entry) => {
            let list = item(reading, &entry)?.into_iter().collect();
            render(list, &reading.site_name(), &reading.own_canonical(&Page::Calendar), Caching::Revalidate)
        }
        Found::Gone => Ok(gone(reading)),
        Found::Absent => Ok(not_found(Some(reading))),
    }
}

fn item<'a>(reading: &'a Reading<'_>, entry: &'a Entry) -> Result<Option<Item<'a>>, StoreError> {
    let Some(event) = entry.record.as_event() else { return Ok(None) };
    let community = &entry.uri.community;
    Ok(Some(Item {
        event,
        uri: &entry.uri,
        author: reading.person(community, &entry.uri.did)?.name,
        url: Some(reading.canonical(community, &Page::Event(entry.uri.short_id()))),
        origin: Some(reading.origin.as_str()),
        rev: entry.shown_rev(),
        zone: reading.fallback_zone(community),
        lang: reading.find(community).and_then(|c| c.state.describe.lang.as_deref()),
    }))
}

fn render(items: Vec<Item<'_>>, name: &str, url: &str, caching: Caching) -> Shown {
    let calendar = Calendar { name, url: Some(url), items };
    Ok(Answer::new(CALENDAR, calendar.to_ics(), caching))
}
