//! Which dates or posts of a list are wanted: those with one tag; of dates, those at one venue. A filter is part of an address and nothing else, so
//! a list, its calendar and its feed can be asked for with the same one.

use std::{
    cmp::Reverse,
    collections::{BTreeMap, BTreeSet},
    ops::Range,
};

use folkmoot_node::store::{StoreError, reader::Occurrence};
use folkmoot_schemas::{Uri, records::text::settled};

use super::{
    items,
    venue::{self, Known},
};
use crate::{
    answer::Answer,
    html::Choice,
    occasion::Occasion,
    reading::Reading,
    route::{Query, percent},
};

/// Dates that are looked through for what may be chosen.
const OFFER: usize = 500;
/// Tags and venues to choose from.
const TAGS: usize = 12;
const VENUES: usize = 8;

#[derive(Debug, Default)]
pub(super) struct Filter {
    tag: Option<String>,
    venue: Option<(String, Known)>,
}

impl Filter {
    /// Err: the answer that says there is no such venue.
    pub(super) fn of(reading: &Reading<'_>, query: &Query) -> Result<Result<Self, Answer>, StoreError> {
        let venue = match &query.venue {
            None => None,
            Some(id) => match venue::known(reading, id)? {
                Ok(known) => Some((id.clone(), known)),
                Err(answer) => return Ok(Err(answer)),
            },
        };
        Ok(Ok(Self { tag: query.tag.clone(), venue }))
    }

    /// Of what stands at no venue.
    pub(super) fn by_tag(query: &Query) -> Self {
        Self { tag: query.tag.clone(), venue: None }
    }

    pub(super) fn is_empty(&self) -> bool {
        self.tag.is_none() && self.venue.is_none()
    }

    /// As [`items::dates`], of what it leaves: what it does not takes up no room.
    pub(super) fn dates(
        &self,
        reading: &Reading<'_>,
        window: Range<i64>,
        limit: usize,
    ) -> Result<(Vec<Occurrence>, bool), StoreError> {
        let at_venue = self.venue.as_ref().map(|(_, venue)| venue.hosts());
        items::dates_where(reading, window, limit, |date| {
            date.entry.record.as_event().is_some_and(|event| self.wants(&event.tags))
                && at_venue.as_ref().is_none_or(|hosts| hosts(date))
        })
    }

    /// By its tags.
    pub(super) fn wants(&self, tags: &[String]) -> bool {
        let same = |wanted: &String| tags.iter().any(|tag| settled(tag).trim().to_lowercase() == wanted.to_lowercase());
        self.tag.as_ref().is_none_or(same)
    }

    /// "concert, Old Mill"
    pub(super) fn words(&self) -> Option<String> {
        let said: Vec<&str> = self.tag.as_deref().into_iter().chain(self.venue_name()).collect();
        (!said.is_empty()).then(|| said.join(", "))
    }

    fn venue_name(&self) -> Option<&str> {
        self.venue.as_ref().map(|(_, known)| known.name())
    }

    fn venue_id(&self) -> Option<&str> {
        self.venue.as_ref().map(|(id, _)| id.as_str())
    }

    /// What follows the path, with `more` in it: `?tag=concert&from=5`.
    pub(super) fn suffix(&self, more: &str) -> String {
        suffix(self.tag.as_deref(), self.venue_id(), more)
    }

    /// What takes each part of it back.
    pub(super) fn chosen(&self, path: &str) -> Vec<Choice> {
        let back = |label: &str, tag: Option<&str>, venue: Option<&str>| Choice {
            label: label.to_owned(),
            href: format!("{path}{}", suffix(tag, venue, "")),
            chosen: true,
        };
        let tag = self.tag.as_deref().map(|tag| back(tag, None, self.venue_id()));
        tag.into_iter().chain(self.venue_name().map(|name| back(name, self.tag.as_deref(), None))).collect()
    }

    /// What the list could be narrowed to, and what takes that back: of everything that comes, what most events have
    /// goes first. `path`: of the list.
    pub(super) fn choices(&self, reading: &Reading<'_>, path: &str) -> Result<Vec<Choice>, StoreError> {
        let (dates, _) = items::dates(reading, reading.now..reading.now + 400 * 86_400, OFFER)?;
        let mut tags: BTreeMap<String, (String, BTreeSet<&Uri>)> = BTreeMap::new();
        let mut venues: BTreeMap<Uri, BTreeSet<&Uri>> = BTreeMap::new();
        let mut events: BTreeSet<&Uri> = BTreeSet::new();
        for date in &dates {
            let Some(event) = date.entry.record.as_event() else { continue };
            events.insert(&date.entry.uri);
            for tag in &event.tags {
                let same = tags.entry(tag.to_lowercase()).or_insert_with(|| (tag.clone(), BTreeSet::new()));
                same.1.insert(&date.entry.uri);
            }
            let places = Occasion::new(event, &date.instance).event.places;
            for venue in places.into_iter().filter(|place| !place.hides_address()).filter_map(|place| place.venue) {
                venues.entry(venue).or_default().insert(&date.entry.uri);
            }
        }
        // What all have narrows nothing.
        let narrows = |of: &BTreeSet<&Uri>| of.len() < events.len();
        let chosen = self.tag.as_ref().map(|tag| tag.to_lowercase());
        let mut tags: Vec<(usize, String)> = tags
            .into_iter()
            .filter(|(folded, (_, of))| narrows(of) && chosen.as_ref() != Some(folded))
            .map(|(_, (tag, of))| (of.len(), tag))
            .collect();
        tags.sort_by_key(|(events, _)| Reverse(*events));
        let mut venues: Vec<(usize, Uri)> =
            venues.into_iter().filter(|(_, of)| narrows(of)).map(|(uri, of)| (of.len(), uri)).collect();
        venues.sort_by(|a, b| (b.0, &a.1).cmp(&(a.0, &b.1)));

        let choice = |label: &str, tag: Option<&str>, venue: Option<&str>| Choice {
            label: label.to_owned(),
            href: format!("{path}{}", suffix(tag, venue, "")),
            chosen: false,
        };
        let mut all = self.chosen(path);
        all.extend(tags.iter().take(TAGS).map(|(_, tag)| choice(tag, Some(tag), self.venue_id())));
        let mut names: Vec<String> = self.venue_name().map(str::to_owned).into_iter().collect();
        for (_, uri) in venues.iter().take(VENUES).filter(|(_, uri)| reading.find(&uri.community).is_some()) {
            let Some(entry) = reading.get(uri)? else { continue };
            let Some(found) = entry.record.as_venue() else { continue };
            // Two records of one place have one name, as a rule.
            if !names.contains(&found.name) {
                all.push(choice(&found.name, self.tag.as_deref(), Some(&uri.short_id())));
                names.push(found.name.clone());
            }
        }
        Ok(all)
    }
}

fn suffix(tag: Option<&str>, venue: Option<&str>, more: &str) -> String {
    let tag = tag.map(|tag| format!("tag={}", percent(tag)));
    let venue = venue.map(|id| format!("venue={id}"));
    let more = Some(more.to_owned()).filter(|more| !more.is_empty());
    let parts: Vec<String> = [tag, venue, more].into_iter().flatten().collect();
    if parts.is_empty() { String::new() } else { format!("?{}", parts.join("&")) }
}

/// Where the dates or posts with a tag are listed. `path`: of the list.
pub(super) fn tagged(path: &str, tag: &str) -> String {
    format!("{path}{}", suffix(Some(tag), None, ""))
}
