//! `org.folkmoot.venue`: a place that events go back to, described once.
//!
//! An event names its venue and carries a copy of the address, so that no edit of the venue sends people of a published
//! event elsewhere: where they meet is what the event's own author signed.

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};

use super::{
    event::{Place, check_place},
    text::{line, line_if, link, list},
};
use crate::{card::Card, commit::Audience, error::Fault, kind::Kind, limits, uri::Uri};

#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Venue {
    pub name: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub street: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub locality: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub region: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub postcode: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub country: Option<String>,
    /// Degrees × 10^7.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub lat_e7: Option<i32>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub lon_e7: Option<i32>,
    /// Steps, hearing loop, which door.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub access: Option<String>,
    /// People.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub capacity: Option<u32>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub url: Option<String>,
    /// Other names it goes by.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub aliases: Vec<String>,
    /// Other records of the same place.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub same_as: Vec<Uri>,
}

impl Kind for Venue {
    const NAME: &'static str = "org.folkmoot.venue";
    const AUDIENCE: Audience = Audience::Public;
    const LIMIT: usize = limits::VENUE;
    fn check(&self) -> Result<(), Fault> {
        line("name", &self.name, 1, limits::EVENT_NAME)?;
        check_place("", &self.place(None))?;
        if let Some(capacity) = self.capacity.filter(|n| !(1..=1_000_000).contains(n)) {
            return Err(Fault::new("capacity", format!("is {capacity}, 1 to 1000000 are allowed")));
        }
        self.url.as_ref().map_or(Ok(()), |url| link("url", url))?;
        list("aliases", &self.aliases, limits::VENUE_NAMES, |field, alias| {
            line_if(field, Some(alias), limits::EVENT_NAME)
        })?;
        list("same_as", &self.same_as, limits::VENUE_NAMES, venue_uri)
    }
    fn card(&self) -> Card {
        let mut facts = Vec::new();
        let mut fact = |label: &str, value: Option<String>| facts.extend(value.map(|value| (label.to_owned(), value)));
        fact("Address", self.place(None).address());
        fact("Position", self.place(None).position());
        fact("Access", self.access.clone());
        fact("Holds", self.capacity.map(|n| n.to_string()));
        fact("Web", self.url.clone());
        fact("Also", Some(self.aliases.join(", ")).filter(|names| !names.is_empty()));
        Card { kind: "venue".into(), title: Some(self.name.clone()), facts, ..Card::default() }
    }
}

impl Venue {
    /// What an event at this venue copies.
    pub fn place(&self, uri: Option<Uri>) -> Place {
        Place {
            name: Some(self.name.clone()),
            street: self.street.clone(),
            locality: self.locality.clone(),
            region: self.region.clone(),
            postcode: self.postcode.clone(),
            country: self.country.clone(),
            lat_e7: self.lat_e7,
            lon_e7: self.lon_e7,
            access: self.access.clone(),
            show: None,
            venue: uri,
        }
    }

    /// Does `text` name it, in any case and with any punctuation? By its name or an alias, alone or before its town.
    pub fn is_called(&self, text: &str) -> bool {
        let wanted = folded(text);
        let town = self.locality.as_deref().map(folded);
        !wanted.is_empty()
            && self.names().any(|name| {
                let name = folded(name);
                name == wanted || town.as_ref().is_some_and(|town| format!("{name}{town}") == wanted)
            })
    }

    /// Is it what `place` describes in words: called so, and not in another town?
    pub fn describes(&self, place: &Place) -> bool {
        let Some(name) = &place.name else { return false };
        let towns = [&self.locality, &place.locality].map(|town| town.as_deref().map(folded));
        let elsewhere = matches!(&towns, [Some(here), Some(there)] if here != there);
        !elsewhere && self.is_called(name)
    }

    fn names(&self) -> impl Iterator<Item = &str> {
        std::iter::once(self.name.as_str()).chain(self.aliases.iter().map(String::as_str))
    }
}

/// Letters and digits only, in lower case: "SO 36" and "so36" are one name.
fn folded(text: &str) -> String {
    text.chars().filter(|c| c.is_alphanumeric()).flat_map(char::to_lowercase).collect()
}

/// Venues that are one place, in the order of `all`: the one they are listed under first. A venue goes under another only by
/// the word of its own record, so nobody makes somebody else's venue disappear; of those that name each other in a circle, the
/// smallest URI stands.
pub fn merged(all: &BTreeMap<Uri, Venue>) -> BTreeMap<Uri, BTreeSet<Uri>> {
    let next = |uri: &Uri| all.get(uri)?.same_as.iter().find(|other| *other != uri && all.contains_key(*other));
    let (mut mains, mut groups) = (BTreeMap::<&Uri, &Uri>::new(), BTreeMap::<Uri, BTreeSet<Uri>>::new());
    for uri in all.keys() {
        // Each is passed once, however long somebody makes the chain.
        let (mut path, mut seen, mut at) = (Vec::new(), BTreeMap::new(), uri);
        let main = loop {
            if let Some(main) = mains.get(at) {
                break *main;
            }
            if let Some(from) = seen.insert(at, path.len()) {
                break path[from..].iter().copied().min().unwrap_or(at);
            }
            path.push(at);
            match next(at) {
                Some(other) => at = other,
                None => break at,
            }
        };
        mains.extend(path.into_iter().map(|uri| (uri, main)));
        groups.entry(main.clone()).or_default().insert(uri.clone());
    }
    groups
}

/// One venue with the other records of it: what its page and lists gather.
#[derive(Debug)]
pub struct House<'a> {
    venue: &'a Venue,
    uris: BTreeSet<&'a Uri>,
}

impl<'a> House<'a> {
    /// Those that its own record names, and those that name it in theirs; no further, or one record that names two clubs would
    /// mix their programmes.
    pub fn new(uri: &'a Uri, venue: &'a Venue, all: &'a BTreeMap<Uri, Venue>) -> Self {
        let naming = all.iter().filter(|(_, other)| other.same_as.contains(uri)).map(|(other, _)| other);
        Self { venue, uris: venue.same_as.iter().chain(naming).chain([uri]).collect() }
    }

    /// All records of it, as far as they are in `all`.
    pub fn records(&self, all: &'a BTreeMap<Uri, Venue>) -> impl Iterator<Item = (&'a Uri, &'a Venue)> {
        self.uris.iter().filter_map(|uri| all.get_key_value(*uri))
    }

    /// Is one of these places here?
    pub fn hosts(&self, places: &[Place]) -> bool {
        places.iter().any(|place| match &place.venue {
            Some(uri) => self.uris.contains(uri),
            None => !place.hides_address() && self.venue.describes(place),
        })
    }
}

pub(crate) fn venue_uri(field: &str, uri: &Uri) -> Result<(), Fault> {
    if uri.collection == Venue::NAME { Ok(()) } else { Err(Fault::new(field, "does not name a venue")) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        block::{DAG_CBOR, cid_of},
        key::Secret,
        records::event::Event,
    };

    fn uri(rkey: &str) -> Uri {
        let did = Secret::from_seed([1; 32]).did();
        Uri::new(cid_of(DAG_CBOR, b"charter"), did, Venue::NAME, rkey).unwrap()
    }

    fn club() -> Venue {
        Venue {
            name: "SO 36".into(),
            locality: Some("Berlin".into()),
            aliases: vec!["Esso".into()],
            ..Venue::default()
        }
    }

    #[test]
    fn a_venue_is_found_by_any_of_its_names_however_it_is_written() {
        for text in ["so36", "SO 36", "SO36, Berlin", "esso", "Esso (Berlin)"] {
            assert!(club().is_called(text), "{text}");
        }
        for text in ["", "!?", "Berlin", "SO", "SO 36, Hamburg"] {
            assert!(!club().is_called(text), "{text}");
        }
    }

    #[test]
    fn a_place_of_the_same_name_in_another_town_is_another_place() {
        let place = |name: &str, town: Option<&str>| Place {
            name: Some(name.into()),
            locality: town.map(str::to_owned),
            ..Place::default()
        };
        assert!(club().describes(&place("so36", None)) && club().describes(&place("Esso", Some("BERLIN"))));
        assert!(!club().describes(&place("so36", Some("Hamburg"))) && !club().describes(&Place::default()));
    }

    #[test]
    fn every_limit_names_its_field() {
        let event = Uri { collection: Event::NAME.into(), ..uri("a") };
        let faults = [
            (Venue { name: " ".into(), ..club() }, "name"),
            (Venue { street: Some("x".repeat(201)), ..club() }, "street"),
            (Venue { lat_e7: Some(1), ..club() }, "place"),
            (Venue { lat_e7: Some(900_000_001), lon_e7: Some(0), ..club() }, "lat_e7"),
            (Venue { capacity: Some(0), ..club() }, "capacity"),
            (Venue { url: Some("javascript:alert(1)".into()), ..club() }, "url"),
            (Venue { aliases: vec!["x".into(); 11], ..club() }, "aliases"),
            (Venue { aliases: vec![String::new()], ..club() }, "aliases[0]"),
            (Venue { same_as: vec![event], ..club() }, "same_as[0]"),
        ];
        assert_eq!(club().check(), Ok(()));
        for (venue, field) in faults {
            assert_eq!(venue.check().unwrap_err().field, field);
        }
    }

    #[test]
    fn a_venue_gathers_what_names_it_and_its_other_records_one_step_far() {
        let same = |of: &[&str]| Venue { same_as: of.iter().map(|rkey| uri(rkey)).collect(), ..club() };
        let list = [("a", club()), ("b", same(&["a"])), ("c", same(&["b"]))];
        let all: BTreeMap<Uri, Venue> = list.into_iter().map(|(rkey, venue)| (uri(rkey), venue)).collect();
        let a = uri("a");
        let house = House::new(&a, &all[&a], &all);
        let linked =
            |rkey: &str| house.hosts(&[Place { name: Some("x".into()), venue: Some(uri(rkey)), ..Place::default() }]);
        assert_eq!(["a", "b", "c", "d"].map(linked), [true, true, false, false]);
        let named = |show| house.hosts(&[Place { name: Some("SO36".into()), show, ..Place::default() }]);
        assert!(named(None) && !named(Some(crate::records::event::ShowPlace::Area)) && !house.hosts(&[]));
    }

    #[test]
    fn a_venue_goes_under_another_by_its_own_word_alone() {
        let same = |of: &[&str]| Venue { same_as: of.iter().map(|rkey| uri(rkey)).collect(), ..club() };
        let groups = |list: &[(&str, Venue)]| -> Vec<(String, Vec<String>)> {
            let all = list.iter().map(|(rkey, venue)| (uri(rkey), venue.clone())).collect();
            let names = |uris: BTreeSet<Uri>| uris.into_iter().map(|uri| uri.rkey).collect();
            merged(&all).into_iter().map(|(main, uris)| (main.rkey, names(uris))).collect()
        };
        let made = |list: &[(&str, &[&str])]| -> Vec<(String, Vec<String>)> {
            list.iter().map(|(m, all)| ((*m).into(), all.iter().map(|u| (*u).into()).collect())).collect()
        };
        assert_eq!(groups(&[("a", club()), ("b", same(&["a"]))]), made(&[("a", &["a", "b"])]));
        // One that names two clubs joins neither to the other.
        let hostile = [("a", club()), ("b", club()), ("c", same(&["a", "b"]))];
        assert_eq!(groups(&hostile), made(&[("a", &["a", "c"]), ("b", &["b"])]));
        let circle = [("a", same(&["b"])), ("b", same(&["a"])), ("c", same(&["b"]))];
        assert_eq!(groups(&circle), made(&[("a", &["a", "b", "c"])]));
        assert_eq!(groups(&[("a", same(&["a", "gone"]))]), made(&[("a", &["a"])]));
        let tail = [("a", same(&["b"])), ("b", same(&["c"])), ("c", same(&["b"]))];
        assert_eq!(groups(&tail), made(&[("b", &["a", "b", "c"])]));
    }

    #[test]
    fn a_chain_of_thousands_is_followed_once() {
        let named = |n: u32| uri(&format!("v{n:05}"));
        let next = |n: u32| Venue { same_as: vec![named(n + 1)], ..club() };
        let all: BTreeMap<Uri, Venue> = (0..20_000).map(|n| (named(n), next(n))).collect();
        let groups = merged(&all);
        assert_eq!((groups.len(), groups[&named(19_999)].len()), (1, 20_000));
    }
}
