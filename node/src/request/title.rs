//! Records by their title: people say "Choir", not `uyv3m2bq4kzjxw5a`.

use std::cmp::Reverse;

use folkmoot_schemas::{
    Cid, Record,
    kind::Kind,
    records::{event::Event, poll::Poll, post::Post, venue::Venue},
    recur, when,
};

use super::{
    Failure,
    records::MOST,
    resolve::{Reading, SHOWN, headline},
};
use crate::store::{StoreError, reader::Entry};

impl Reading<'_> {
    /// The event, post, venue or poll with this whole title, in any case; of several, the only event that is not over.
    pub(super) fn titled(&self, title: &str, within: Option<&Cid>) -> Result<Option<Entry>, Failure> {
        let mut found = Vec::new();
        for community in self.communities.keys().filter(|id| within.is_none_or(|within| within == *id)) {
            for kind in [Event::NAME, Post::NAME, Venue::NAME, Poll::NAME] {
                found.extend(self.named_so(community, kind, &title.to_lowercase())?);
            }
        }
        let now = self.desk.clock.seconds();
        let mut coming = found.iter().enumerate().filter(|(_, entry)| !over(&entry.record, now));
        match (found.len(), coming.next(), coming.next()) {
            (0, ..) => Ok(None),
            (1, ..) => Ok(found.pop()),
            (_, Some((at, only)), None) if only.record.as_event().is_some() => Ok(Some(found.swap_remove(at))),
            _ => Err(several(title, found)),
        }
    }

    /// Titles have no index: this is for people at a keyboard, once nothing else fits what they typed.
    fn named_so(&self, community: &Cid, kind: &str, folded: &str) -> Result<Vec<Entry>, StoreError> {
        let mut found = Vec::new();
        let mut before: Option<(u64, String)> = None;
        loop {
            let from = before.as_ref().map(|(created, short)| (*created, short.as_str()));
            let page = self.view.list(community, kind, from, MOST)?;
            let Some(last) = page.last() else { return Ok(found) };
            before = Some((last.created, last.uri.short_id()));
            found.extend(page.into_iter().filter(|entry| title_of(&entry.record).is_some_and(|t| t == folded)));
        }
    }
}

fn title_of(record: &Record) -> Option<String> {
    let title = match record {
        Record::Event(event) => Some(&event.name),
        Record::Post(post) => post.title.as_ref(),
        Record::Venue(venue) => Some(&venue.name),
        Record::Poll(poll) => Some(&poll.question),
        _ => None,
    };
    title.map(|title| title.trim().to_lowercase())
}

/// An event whose last date lies behind us.
fn over(record: &Record, now: i64) -> bool {
    record.as_event().is_some_and(|event| recur::span(event, "UTC").1.is_some_and(|end| end < now))
}

/// Lists them, the latest start first, posts last.
fn several(title: &str, mut found: Vec<Entry>) -> Failure {
    found.sort_by_cached_key(|entry| Reverse(entry.record.as_event().map(|e| e.start.instant("UTC"))));
    let line = |entry: &Entry| {
        let when = match entry.record.as_event() {
            Some(event) => event.when_words(),
            None => when::local_at((entry.created / 1_000_000) as i64, "UTC")
                .map_or_else(String::new, |written| when::date_words(written.date())),
        };
        format!("{}  {}, {when}", entry.uri.short_id(), headline(&entry.record))
    };
    let failure = Failure::refused(format!("{title:?} could be more than one record"));
    let failure = found.iter().take(SHOWN).fold(failure, |failure, entry| failure.because(line(entry)));
    let failure = match found.len().saturating_sub(SHOWN) {
        0 => failure,
        more => failure.because(format!("… and {more} more")),
    };
    failure.hint("give the id instead")
}
