//! The venues a community knows, and which of them a person means.

use std::collections::BTreeMap;

use folkmoot_node::request::Item;
use folkmoot_schemas::{
    Uri,
    kind::Kind,
    records::{
        event::Place,
        venue::{self, Venue},
    },
};

use crate::{
    error::{Error, Result},
    record,
    session::Session,
};

/// Venues looked through for one command.
const MOST: usize = 5_000;
/// Closer than this two positions are one place: degrees × 10^7, some 50 metres from south to north.
const NEAR: u32 = 5_000;

/// Those of one community, by URI.
#[derive(Debug)]
pub(crate) struct Venues {
    pub(crate) all: BTreeMap<Uri, Venue>,
    items: BTreeMap<Uri, Item>,
}

impl Venues {
    pub(crate) fn of(session: &Session, community: &str) -> Result<Self> {
        let (mut all, mut items) = (BTreeMap::new(), BTreeMap::new());
        for item in record::list(session, Some(community), Venue::NAME, MOST)? {
            let (Ok(uri), Some(venue)) = (item.uri.parse::<Uri>(), record::open(&item)?.as_venue().cloned()) else {
                continue;
            };
            all.insert(uri.clone(), venue);
            items.insert(uri, item);
        }
        Ok(Self { all, items })
    }

    /// The one that `text` means: a name, an alias, or whatever names a record.
    pub(crate) fn find(&self, session: &Session, text: &str) -> Result<(Uri, Venue)> {
        let groups = venue::merged(&self.all);
        let called: Vec<&Uri> = groups
            .iter()
            .filter(|(_, same)| same.iter().any(|uri| self.all[uri].is_called(text)))
            .map(|(main, _)| main)
            .collect();
        match called.as_slice() {
            [one] => return Ok(((*one).clone(), self.all[*one].clone())),
            [] => {}
            several => {
                let said = Error::refused(format!("could not tell which venue: {text:?} could be any of these"));
                let said = several
                    .iter()
                    .fold(said, |said, uri| said.because(format!("{}  {}", uri.short_id(), self.words(uri))));
                return Err(said.hint("give the id instead"));
            }
        }
        let found = record::find(session, text).ok().and_then(|found| {
            let venue = found.record.as_venue()?.clone();
            Some((found.item.uri.parse::<Uri>().ok()?, venue))
        });
        found.ok_or_else(|| {
            Error::refused(format!("could not find the venue {text:?}")).hint(match self.all.is_empty() {
                true => format!("there is none yet: moot venue add {text:?} --street … --locality …"),
                false => "moot venue list shows them; moot venue add makes one".to_owned(),
            })
        })
    }

    /// One that is probably the same place.
    pub(crate) fn like(&self, place: &Place) -> Option<&Uri> {
        let close = |a: Option<i32>, b: Option<i32>| a.zip(b).is_some_and(|(a, b)| a.abs_diff(b) < NEAR);
        let same = |venue: &Venue| {
            venue.describes(place) || (close(venue.lat_e7, place.lat_e7) && close(venue.lon_e7, place.lon_e7))
        };
        self.all.iter().find(|(_, venue)| same(venue)).map(|(uri, _)| uri)
    }

    /// “SO36, Berlin”, without the marks.
    pub(crate) fn words(&self, uri: &Uri) -> String {
        self.all.get(uri).and_then(|venue| venue.place(None).line()).unwrap_or_default()
    }

    pub(crate) fn item(&self, uri: &Uri) -> Option<&Item> {
        self.items.get(uri)
    }
}
